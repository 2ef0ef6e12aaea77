/** The door: sign in at the house's provider, paste a token, or hear why what was given does not open. */

import { useEffect, useState } from "preact/hooks";
import type { SignInProvider } from "../wire";
import { useWords } from "./i18n";
import { Mark } from "./icons";
import { askProvider, begin, type Trouble, SignInTrouble } from "./oidc";
import { type PageName, type Session, signIn } from "./session";
import { Button } from "./ui";

export type Why = "none" | "expired" | "invalid" | "forbidden" | Trouble;

interface Props {
  page: PageName;
  why: Why;
  /** Back from the provider; its answer is being looked at. */
  busy: boolean;
  onSession(session: Session): void;
  onTrouble(why: Trouble): void;
}

export function SignIn({ page, why, busy, onSession, onTrouble }: Props) {
  const words = useWords();
  const [provider, setProvider] = useState<SignInProvider | null | undefined>(undefined);
  const [leaving, setLeaving] = useState(false);
  useEffect(() => void askProvider().then(setProvider), []);
  const { door } = words;
  const [title, text] = why === "none" ? door.none[page] : why === "forbidden" ? door.forbidden[page] : door[why];
  const go = async (to: SignInProvider) => {
    setLeaving(true);
    try {
      await begin(page, to);
    } catch (error) {
      setLeaving(false);
      onTrouble(error instanceof SignInTrouble ? error.why : "unusable");
    }
  };
  return (
    <main class="door">
      <div class="door-card">
        <p class="wordmark">
          <Mark />
          {words.appName}
        </p>
        <h1>{busy ? door.busy : title}</h1>
        {busy || provider === undefined ? (
          <p class="door-wait" role="status">
            <span class="loading-bar" aria-hidden="true" />
            <span class="hidden">{words.connecting}</span>
          </p>
        ) : (
          <>
            <p class="muted" role={why === "none" ? undefined : "alert"}>
              {provider && why === "none" ? door.withProvider : provider && why === "expired" ? door.expiredProvider : text}
            </p>
            {provider ? (
              <>
                <Button kind="main" disabled={leaving} autofocus onClick={() => void go(provider)}>
                  {leaving ? door.leaving : door.go(new URL(provider.issuer).host)}
                </Button>
                <details class="door-other">
                  <summary>{door.other}</summary>
                  <TokenForm page={page} onSession={onSession} kind="plain" />
                </details>
              </>
            ) : (
              <>
                <TokenForm page={page} onSession={onSession} kind="main" />
                {page === "board" && why === "none" && (
                  <p class="door-command">
                    {words.boardTokenHint}
                    <code>{words.boardToken}</code>
                  </p>
                )}
              </>
            )}
          </>
        )}
      </div>
    </main>
  );
}

function TokenForm({ page, kind, onSession }: { page: PageName; kind: "main" | "plain"; onSession(session: Session): void }) {
  const words = useWords();
  const [bad, setBad] = useState(false);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const session = signIn(page, String(new FormData(event.currentTarget).get("token") ?? ""));
        setBad(!session);
        if (session) onSession(session);
      }}
    >
      <label class="field">
        <span>{words.token}</span>
        <input name="token" type="password" autocomplete="off" spellcheck={false} required autofocus={kind === "main"} aria-invalid={bad} aria-describedby="token-hint" />
      </label>
      <p id="token-hint" class={bad ? "field-bad" : "hint"} role={bad ? "alert" : undefined}>
        {bad ? words.tokenBad : words.tokenHint}
      </p>
      <Button kind={kind} {...{ type: "submit" }}>
        {words.signIn}
      </Button>
    </form>
  );
}
