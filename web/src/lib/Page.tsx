/** What both pages begin with: language, appearance, and who is signed in. */

import type { ComponentChild } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Lang } from "../wire";
import type { Link } from "./feed";
import { chosenLang, type Words, wordsOf } from "./i18n";
import { finish, type SignInTrouble, takeAnswer } from "./oidc";
import { type PageName, type Session, currentSession, signOut } from "./session";
import { SignIn, type Why } from "./SignIn";
import type { Store } from "./store";
import { Speaking, useTheme } from "./ui";

/** What a signed-in page gets. */
export interface Signed {
  session: Session;
  theme: ReturnType<typeof useTheme>;
  onLang(lang: Lang): void;
  onLeave(why: Why): void;
}

export function Page({ page, children }: { page: PageName; children(signed: Signed): ComponentChild }) {
  const [lang, onLang] = useState<Lang>(chosenLang);
  const [answer, setAnswer] = useState(takeAnswer);
  const [session, setSession] = useState<Session | null>(() => (answer ? null : currentSession(page)));
  const [why, setWhy] = useState<Why>("none");
  const theme = useTheme();
  useEffect(() => {
    if (!answer) return;
    finish(page, answer)
      .then(setSession, (error: SignInTrouble) => setWhy(error.why ?? "unusable"))
      .finally(() => setAnswer(null));
  }, []);
  useEffect(() => {
    const arrived = () => {
      const given = location.hash.includes("token=") ? currentSession(page) : null;
      if (given) setSession(given);
    };
    addEventListener("hashchange", arrived);
    return () => removeEventListener("hashchange", arrived);
  }, []);
  const onLeave = (reason: Why) => {
    signOut(page);
    setWhy(reason);
    setSession(null);
  };
  return (
    <Speaking words={wordsOf(lang)}>
      {session ? children({ session, theme, onLang, onLeave }) : <SignIn page={page} why={why} busy={answer !== null} onSession={setSession} onTrouble={setWhy} />}
    </Speaking>
  );
}

interface Controlled {
  store: Store;
  link: Link;
  close(): void;
}

/** The page's controller, as long as somebody is signed in; renders again when it changed. */
export function useController<C extends Controlled>({ session, onLeave }: Signed, words: Words, make: (session: Session, words: () => Words) => C): C {
  const latest = useRef(words);
  latest.current = words;
  const controller = useMemo(() => make(session, () => latest.current), [session]);
  useEffect(() => () => controller.close(), [controller]);
  controller.store.use();
  const { link } = controller;
  useEffect(() => {
    if (link.state === "refused") onLeave(link.why);
  }, [link]);
  return controller;
}
