/** The board: signed in or not, and what is on the screen. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Page, type Signed, useController } from "../lib/Page";
import { useWords } from "../lib/i18n";
import { keep, kept } from "../lib/store";
import { useSeconds } from "../lib/ui";
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

export const App = () => <Page page="board">{(signed) => <Board key={signed.session.id} {...signed} />}</Page>;

function Board(signed: Signed) {
  const words = useWords();
  const controller = useController(signed, words, (session, words) => new Controller(session, words));
  const { theme, onLang, onLeave } = signed;
  useSeconds(true);
  const [view, setView] = useState<View>("live");
  const [filters, setFilters] = useState(NO_FILTERS);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [keysOn, setKeysOn] = useState(() => kept("keys", ["on", "off"], "on") === "on");
  const { model, link, stale } = controller;
  const { opened } = model;

  const waiting = [...model.calls.values()].filter((call) => needsSomebody(call, model.now())).length;
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${words.boardTitle} · ${words.appName}`;
  }, [waiting, words]);

  // A call that is not on the screen is not being read; back among the live ones, it is opened again.
  const aside = useRef<string | null>(null);
  const show = (next: View) => {
    if (next !== view) {
      if (view === "live") aside.current = opened && !opened.ended ? opened.call : null;
      if (opened) controller.closeCall();
      const back = next === "live" ? aside.current : null;
      if (back && model.calls.has(back)) void controller.open(back);
    }
    setView(next);
  };
  const showCall = (call: string) => {
    aside.current = call;
    show("live");
    if (model.calls.has(call)) void controller.open(call);
  };
  controller.onShow = showCall;
  useKeys({ controller, keysOn, view, show, asked, ask: setAsked });

  return (
    <div class="app" data-open={opened ? "" : undefined} data-stale={stale && model.ready ? "" : undefined}>
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
          {view === "load" && <LoadView controller={controller} search={filters.search} onOpen={showCall} onClear={() => setFilters({ ...filters, search: "" })} />}
          {view === "ended" && <EndedView controller={controller} filters={filters} />}
        </main>
        {opened && <Detail key={opened.call} controller={controller} opened={opened} ask={setAsked} />}
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
        {controller.toast ? <p class={controller.toast.bad ? "toast toast-bad" : "toast"}>{controller.toast.text}</p> : controller.soundWaits && <p class="toast">{words.soundWaits}</p>}
      </div>
    </div>
  );
}
