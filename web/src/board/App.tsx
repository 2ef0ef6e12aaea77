/** The board: signed in or not, and what is on the screen. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { SignIn, type Why } from "../lib/SignIn";
import { chosenLang, wordsOf } from "../lib/i18n";
import { type Session, currentSession, signOut } from "../lib/session";
import { keep, kept } from "../lib/store";
import { Speaking, useSeconds, useTheme } from "../lib/ui";
import type { Lang } from "../wire";
import { Controller } from "./controller";
import { Detail } from "./Detail";
import { Dialogs, type Asked } from "./Dialogs";
import { EndedView } from "./EndedView";
import { Header, LostBar } from "./Header";
import { LiveView } from "./LiveView";
import { LoadView } from "./LoadView";
import { useKeys } from "./keys";
import { NO_FILTERS, needsSomebody } from "./model";

export type View = "live" | "load" | "ended";

export function App() {
  const [lang, setLang] = useState<Lang>(chosenLang);
  const [session, setSession] = useState<Session | null>(() => currentSession("board"));
  const [why, setWhy] = useState<Why>("none");
  const theme = useTheme();
  useEffect(() => {
    const arrived = () => {
      const given = location.hash.includes("token=") ? currentSession("board") : null;
      if (given) setSession(given);
    };
    addEventListener("hashchange", arrived);
    return () => removeEventListener("hashchange", arrived);
  }, []);
  const leave = (reason: Why) => {
    signOut("board");
    setWhy(reason);
    setSession(null);
  };
  const words = wordsOf(lang);
  return (
    <Speaking words={words}>
      {session ? (
        <Board key={session.token} session={session} theme={theme} onLang={setLang} onLeave={leave} lang={lang} />
      ) : (
        <SignIn page="board" why={why} onSession={setSession} />
      )}
    </Speaking>
  );
}

interface BoardProps {
  session: Session;
  lang: Lang;
  theme: ReturnType<typeof useTheme>;
  onLang(lang: Lang): void;
  onLeave(why: Why): void;
}

function Board({ session, lang, theme, onLang, onLeave }: BoardProps) {
  const words = wordsOf(lang);
  const latest = useRef(words);
  latest.current = words;
  const controller = useMemo(() => new Controller(session, () => latest.current), [session]);
  useEffect(() => () => controller.close(), [controller]);
  controller.store.use();
  useSeconds(true);
  const [view, setView] = useState<View>("live");
  const [filters, setFilters] = useState(NO_FILTERS);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [keysOn, setKeysOn] = useState(() => kept("keys", ["on", "off"], "on") === "on");
  const { model, link, stale } = controller;
  const { opened } = model;

  useEffect(() => {
    if (link.state === "refused") onLeave(link.why);
  }, [link]);

  const waiting = [...model.calls.values()].filter((call) => needsSomebody(call, model.now())).length;
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${words.boardTitle} · ${words.appName}`;
  }, [waiting, words]);

  const show = (next: View) => {
    if (next !== view && opened && (opened.ended || next === "ended")) controller.closeCall();
    setView(next);
  };
  useKeys({ controller, keysOn, view, show, asked, ask: setAsked });

  const reading = opened && view !== "load" ? opened : null;
  return (
    <div class="app" data-open={reading ? "" : undefined} data-stale={stale && model.ready ? "" : undefined}>
      <a class="skip" href="#calls">
        {words.skip}
      </a>
      <Header
        controller={controller}
        view={view}
        waiting={waiting}
        filters={filters}
        onView={show}
        onFilters={setFilters}
        onSettings={() => setAsked({ what: "settings" })}
        onHelp={() => setAsked({ what: "help" })}
      />
      {link.state === "lost" && <LostBar controller={controller} />}
      <div class="panes">
        <main id="calls" class="pane-list" tabIndex={0}>
          {view === "live" && <LiveView controller={controller} filters={filters} onClear={() => setFilters(NO_FILTERS)} ask={setAsked} />}
          {view === "load" && <LoadView controller={controller} />}
          {view === "ended" && <EndedView controller={controller} filters={filters} />}
        </main>
        {reading && <Detail key={reading.call} controller={controller} opened={reading} ask={setAsked} />}
      </div>
      <Dialogs
        controller={controller}
        asked={asked}
        ask={setAsked}
        theme={theme}
        onLang={onLang}
        onSignOut={() => onLeave("none")}
        keysOn={keysOn}
        onKeys={(on) => {
          keep("keys", on ? "on" : "off");
          setKeysOn(on);
        }}
      />
      <p class="hidden" role="status" aria-live="polite">
        {controller.announcement}
      </p>
      <div class="toast-place" role="status" aria-live="polite">
        {controller.toast && <p class={controller.toast.bad ? "toast toast-bad" : "toast"}>{controller.toast.text}</p>}
      </div>
    </div>
  );
}
