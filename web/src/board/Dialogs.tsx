/** What is asked before it is done, the settings, and the list of keys. */

import { useEffect, useState } from "preact/hooks";
import { alertName, useWords } from "../lib/i18n";
import { Button, Dialog, LangChoice, Switch, type Theme, ThemeChoice } from "../lib/ui";
import type { Lang } from "../wire";
import type { Controller } from "./controller";

export type Asked = { what: "help" | "settings" } | { what: "snooze" | "dismiss" | "take"; call: string };

interface Props {
  controller: Controller;
  asked: Asked | null;
  ask(asked: Asked | null): void;
  theme: [Theme, (theme: Theme) => void];
  onLang(lang: Lang): void;
  onSignOut(): void;
  keysOn: boolean;
  onKeys(on: boolean): void;
}

const SNOOZE_MINUTES = [5, 15, 30];

export function Dialogs(props: Props) {
  const { controller, asked, ask } = props;
  const about = asked && "call" in asked ? asked : null;
  const target = about && controller.model.calls.get(about.call);
  // What was asked about may be over before the answer.
  const over = !about ? null : !target || target.ended ? "unknown_call" : !target.alert && about.what !== "take" ? "unknown_alert" : null;
  useEffect(() => {
    if (!over) return;
    ask(null);
    controller.tooLate(over);
  }, [over]);
  if (!asked || over) return null;
  const close = () => ask(null);
  switch (asked.what) {
    case "help":
      return <HelpDialog {...props} close={close} />;
    case "settings":
      return <SettingsDialog {...props} close={close} />;
    case "snooze":
      return <SnoozeDialog controller={controller} call={asked.call} close={close} />;
    case "dismiss":
      return <DismissDialog controller={controller} call={asked.call} close={close} />;
    case "take":
      return <TakeDialog controller={controller} call={asked.call} close={close} />;
  }
}

interface Target {
  controller: Controller;
  call: string;
  close(): void;
}

/** Which call this is about: it may be another than the opened one. */
function About({ controller, call }: { controller: Controller; call: string }) {
  const words = useWords();
  const view = controller.model.calls.get(call);
  const alert = view?.alert;
  return (
    <p class="dialog-about">
      <strong>{view?.agent ?? words.noAgent}</strong>
      {[alert && alertName(words, alert.kind), view?.queue, call].filter(Boolean).map((text) => (
        <span key={text} class="who-part">
          {text}
        </span>
      ))}
    </p>
  );
}

function SnoozeDialog({ controller, call, close }: Target) {
  const words = useWords();
  return (
    <Dialog title={words.snoozeTitle} onClose={close}>
      <About controller={controller} call={call} />
      <div class="dialog-choices">
        {SNOOZE_MINUTES.map((minutes, at) => (
          <Button
            key={minutes}
            autofocus={at === 0}
            onClick={() => {
              const alert = controller.model.calls.get(call)?.alert;
              if (alert) void controller.snooze(alert, minutes);
              close();
            }}
          >
            {words.snoozeFor(minutes)}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}

function DismissDialog({ controller, call, close }: Target) {
  const words = useWords();
  return (
    <Dialog title={words.falseAlarmTitle} onClose={close}>
      <About controller={controller} call={call} />
      <p class="muted">{words.falseAlarmText}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const alert = controller.model.calls.get(call)?.alert;
          if (alert) void controller.dismiss(call, alert, String(form.get("reason")), String(form.get("note") ?? "").trim());
          close();
        }}
      >
        <fieldset class="reasons">
          <legend class="hidden">{words.falseAlarmTitle}</legend>
          {Object.entries(words.dismissReasons).map(([reason, name], at) => (
            <label key={reason} class="reason">
              <input type="radio" name="reason" value={reason} defaultChecked={at === 0} autofocus={at === 0} />
              {name}
            </label>
          ))}
        </fieldset>
        <label class="field">
          <span>
            {words.dismissNote} <small>({words.optional})</small>
          </span>
          <input name="note" maxLength={500} autocomplete="off" />
        </label>
        <div class="dialog-actions">
          <Button onClick={close}>{words.cancel}</Button>
          <Button kind="main" {...{ type: "submit" }}>
            {words.dismissSend}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function TakeDialog({ controller, call, close }: Target) {
  const words = useWords();
  const [text, setText] = useState(words.takeOverNote(controller.session.claims.sub));
  return (
    <Dialog title={words.takeOverTitle} onClose={close}>
      <About controller={controller} call={call} />
      <p class="muted">{words.takeOverText}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!text.trim()) return;
          void controller.takeOver(call, text.trim());
          close();
        }}
      >
        <label class="field">
          <span>{words.note}</span>
          <input value={text} maxLength={500} autocomplete="off" autofocus onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <div class="dialog-actions">
          <Button onClick={close}>{words.cancel}</Button>
          <Button kind="main" {...{ type: "submit" }}>
            {words.takeOver}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function SettingsDialog({ controller, theme, onLang, onSignOut, close }: Props & { close(): void }) {
  const words = useWords();
  const blocked = "Notification" in window && Notification.permission === "denied";
  return (
    <Dialog title={words.settings} onClose={close}>
      <div class="settings">
        <LangChoice onChange={onLang} />
        <ThemeChoice theme={theme[0]} onChange={theme[1]} />
        <Switch label={words.sound} hint={words.soundOn} on={controller.sound} onChange={(on) => controller.setSound(on)} />
        <Switch label={words.notify} hint={blocked ? words.notifyBlocked : words.notifyOn} on={controller.notify && !blocked} disabled={blocked} onChange={(on) => void controller.setNotify(on)} />
        <p class="settings-who">
          <span class="muted">
            {controller.session.claims.sub} · {controller.model.node}
          </span>
          <Button onClick={onSignOut}>{words.signOut}</Button>
        </p>
      </div>
    </Dialog>
  );
}

function HelpDialog({ keysOn, onKeys, close }: Props & { close(): void }) {
  const words = useWords();
  const { keys } = words;
  const list: [string[], string][] = [
    [["J", "K", "↓", "↑"], keys.move],
    [["Enter"], keys.open],
    [["Esc"], keys.close],
    [["G"], keys.first],
    [["A"], keys.ack],
    [["S"], keys.snooze],
    [["F"], keys.dismiss],
    [["T"], keys.take],
    [["W"], keys.whisper],
    [["N"], keys.note],
    [["/"], keys.search],
    [["1", "2", "3"], keys.views],
    [["M"], keys.sound],
    [["?"], keys.help],
    [["Enter"], keys.send],
    [["Esc"], keys.leave],
  ];
  return (
    <Dialog title={words.keysTitle} onClose={close} wide>
      <dl class="keys">
        {list.map(([names, text]) => (
          <div key={text}>
            <dt>
              {names.map((name) => (
                <kbd key={name}>{name}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <Switch label={words.keysOn} hint={words.keysHint} on={keysOn} onChange={onKeys} />
    </Dialog>
  );
}
