/** The door: paste a token, or hear why the one given does not open. */

import { useState } from "preact/hooks";
import { useWords } from "./i18n";
import { Mark } from "./icons";
import { signIn, type Session } from "./session";
import { Button } from "./ui";

export type Why = "none" | "expired" | "invalid" | "forbidden";

interface Props {
  page: "board" | "panel";
  why: Why;
  onSession(session: Session): void;
}

export function SignIn({ page, why, onSession }: Props) {
  const words = useWords();
  const [bad, setBad] = useState(false);
  const board = page === "board";
  const title = { none: board ? words.boardSignIn : words.panelSignIn, expired: words.expiredTitle, invalid: words.invalidTitle, forbidden: words.forbiddenTitle }[why];
  const text = {
    none: board ? words.boardSignInText : words.panelSignInText,
    expired: words.expiredText,
    invalid: words.invalidText,
    forbidden: board ? words.boardForbidden : words.panelForbidden,
  }[why];
  return (
    <main class="door">
      <div class="door-card">
        <p class="wordmark">
          <Mark />
          {words.appName}
        </p>
        <h1>{title}</h1>
        <p class="muted">{text}</p>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const pasted = new FormData(event.currentTarget).get("token");
            const session = signIn(page, String(pasted ?? ""));
            setBad(!session);
            if (session) onSession(session);
          }}
        >
          <label class="field">
            <span>{words.token}</span>
            <input name="token" type="password" autocomplete="off" spellcheck={false} required autofocus aria-invalid={bad} aria-describedby="token-hint" />
          </label>
          <p id="token-hint" class={bad ? "field-bad" : "hint"} role={bad ? "alert" : undefined}>
            {bad ? words.tokenBad : words.tokenHint}
          </p>
          <Button kind="main" {...{ type: "submit" }}>
            {words.signIn}
          </Button>
        </form>
        {board && why === "none" && <pre class="door-command">{words.boardToken}</pre>}
      </div>
    </main>
  );
}
