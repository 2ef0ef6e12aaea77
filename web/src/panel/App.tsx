/** The panel beside the agent's own software: each thing has its place, and nothing moves another. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Page, type Signed, useController } from "../lib/Page";
import { clock, timeOfDay, timeWithSeconds, useWords } from "../lib/i18n";
import { BandIcon, Check, Eye, Gear, Mark, Muted, Pin, Star, Whisper } from "../lib/icons";
import { Button, Dialog, LangChoice, Pairs, ThemeChoice, useSeconds } from "../lib/ui";
import { endsSoon } from "../lib/session";
import { type AgentRecord, Controller } from "./controller";
import { type Past, helpedBy } from "./model";
import { canStayOnTop } from "./ontop";

export const App = () => <Page page="panel">{(signed) => <Panel key={signed.session.id} {...signed} />}</Page>;

function Panel(signed: Signed) {
  const words = useWords();
  const controller = useController(signed, words, (session, words) => new Controller(session, words));
  const { session, theme, onLang, onLeave } = signed;
  useEffect(() => {
    document.title = words.appName;
  }, [words]);
  const [asked, ask] = useState<"settings" | "record" | null>(null);
  const { model, link } = controller;
  useSeconds(link.state === "lost" || controller.mutedUntil > Date.now());
  const stale = link.state === "lost";
  const ends = endsSoon(session);
  return (
    <div class="panel" data-stale={stale ? "" : undefined}>
      <header class="panel-top">
        <Mark />
        <span class="panel-agent">{session.claims.sub}</span>
        <span class={`link link-${link.state}`} title={stale ? words.lostTitle : undefined}>
          <span class="link-dot" aria-hidden="true" />
          {link.state === "live" ? words.live : link.state === "connecting" ? words.connecting : words.offline}
        </span>
        {canStayOnTop() && (
          <button type="button" class="button button-quiet button-icon" aria-label={words.onTop} title={words.onTop} onClick={() => void controller.stayOnTop()}>
            <Pin />
          </button>
        )}
        <button type="button" class="button button-quiet button-icon" aria-label={words.settings} title={words.settings} onClick={() => ask("settings")}>
          <Gear />
        </button>
      </header>
      <main class="panel-main">
        {model.card ? <ShiftCard controller={controller} lines={model.card} /> : model.current ? <InCall controller={controller} /> : model.past ? <Between past={model.past} /> : <Waiting ready={model.ready} />}
      </main>
      <footer class="panel-foot">
        {!model.current && !model.card && (
          <Button data-shift onClick={() => void controller.askForCard()}>
            {words.shiftCard}
          </Button>
        )}
        <p>{words.panelChannel[model.agentChannel]}</p>
        {ends && <p class="panel-ends">{words.signInEnds(timeOfDay(words, ends))}</p>}
      </footer>
      {stale ? <Lost controller={controller} /> : null}
      <p class="panel-problem" role="status">
        {controller.problem}
      </p>
      {asked === "settings" && (
        <Dialog title={words.settings} onClose={() => ask(null)}>
          <div class="settings">
            <LangChoice onChange={onLang} />
            <ThemeChoice theme={theme[0]} onChange={theme[1]} />
            <Button onClick={() => ask("record")}>{words.record}</Button>
            <p class="settings-who">
              <span class="muted">{session.claims.sub}</span>
              <Button onClick={() => onLeave("none")}>{words.signOut}</Button>
            </p>
          </div>
        </Dialog>
      )}
      {asked === "record" && <RecordDialog controller={controller} onClose={() => ask(null)} />}
    </div>
  );
}

function Lost({ controller }: { controller: Controller }) {
  const words = useWords();
  const { link, model } = controller;
  if (link.state !== "lost") return null;
  return (
    <div class="panel-lost" role="status">
      <p>
        <strong>{words.lostTitle}.</strong> {model.ready && words.staleAsOf(timeWithSeconds(words, model.heardAt))}
      </p>
      <Button onClick={controller.retryNow}>{words.retryNow}</Button>
    </div>
  );
}

function InCall({ controller }: { controller: Controller }) {
  const words = useWords();
  const { model } = controller;
  const call = model.current;
  if (!call) return null;
  const { whisper } = model;
  const moment = model.moments.get(call.call)?.at(-1);
  return (
    <>
      <PromptSlot controller={controller} />
      <section class={whisper ? "slot whisper-slot whisper-slot-new" : "slot whisper-slot"} aria-label={words.whisper} role="status">
        {whisper ? (
          <>
            <p class="slot-head">
              <Whisper />
              <strong>{whisper.from}</strong>
              <time>{timeOfDay(words, whisper.at)}</time>
              <Button kind="quiet" icon={<Check />} onClick={() => controller.markRead()}>
                {words.gotIt}
              </Button>
            </p>
            <p class="whisper-text" tabIndex={0}>
              {whisper.text}
            </p>
          </>
        ) : (
          <p class="slot-none">{words.noWhisper}</p>
        )}
      </section>
      <p class={`course course-${call.band}`} role="status">
        <BandIcon band={call.band === "critical" ? "heated" : call.band} size={16} />
        {words.courses[call.band]}
      </p>
      <p class="watch">
        <Eye />
        {call.watching.length > 0 ? words.watching(call.watching.join(", ")) : words.nobodyWatching}
      </p>
      <div class="moment" role="status">
        {moment && (
          <>
            <Star />
            <span>{moment.text}</span>
            {moment.shared ? (
              <span class="muted">{words.shared}</span>
            ) : (
              <Button kind="quiet" title={words.shareHint} onClick={() => void controller.share(moment)}>
                {words.share}
              </Button>
            )}
          </>
        )}
      </div>
    </>
  );
}

function PromptSlot({ controller }: { controller: Controller }) {
  const words = useWords();
  const { model } = controller;
  const prompt = model.current?.prompt ?? null;
  const [todo, say] = partsOf(prompt?.text ?? "");
  const menu = useRef<HTMLDetailsElement>(null);
  const shut = () => {
    if (menu.current) menu.current.open = false;
  };
  const muted = controller.mutedUntil > Date.now();
  return (
    <section class="slot prompt-slot" aria-labelledby="prompt-title">
      <h1 id="prompt-title" class="hidden">
        {words.promptNow}
      </h1>
      <div class="prompt-place" role="status" aria-live="polite">
        {prompt ? (
          <p key={prompt.id} class="prompt-text">
            {todo && <span class="prompt-todo">{todo} </span>}
            <span class="prompt-say">{say}</span>
          </p>
        ) : (
          <p class="slot-none">{model.praised ? <><Check /> {words.thanksUsed}</> : muted ? <><Muted /> {words.promptMutedUntil(timeOfDay(words, controller.mutedUntil))}</> : words.promptNone}</p>
        )}
      </div>
      <div class="prompt-actions">
        {prompt && (
          <>
            <Button kind="main" icon={<Check />} onClick={() => void controller.used(prompt.id)}>
              {words.used}
            </Button>
            <Button onClick={() => void controller.notNow(prompt.id)}>{words.notNow}</Button>
            <details
              class="mute"
              ref={menu}
              onFocusOut={(event: FocusEvent) => {
                // Elsewhere is away; a page that loses the focus is not.
                if (event.relatedTarget && !menu.current?.contains(event.relatedTarget as Node)) shut();
              }}
              onKeyDown={(event) => {
                if (event.key !== "Escape" || !menu.current?.open) return;
                shut();
                menu.current.querySelector("summary")?.focus();
              }}
            >
              <summary class="button button-quiet">{words.mute}</summary>
              <div class="mute-menu">
                <button type="button" onClick={() => void controller.mute(prompt.id, false)}>
                  {words.muteThisCall}
                </button>
                <button type="button" onClick={() => void controller.mute(prompt.id, true)}>
                  {words.muteForGood}
                </button>
                <button type="button" onClick={() => void controller.pause(true)}>
                  {words.muteAll}
                </button>
              </div>
            </details>
          </>
        )}
        {!prompt && muted && <Button onClick={() => void controller.pause(false)}>{words.unmute}</Button>}
        {!prompt && !muted && (
          <Button kind="quiet" class="mute-all" icon={<Muted />} onClick={() => void controller.pause(true)}>
            {words.muteAll}
          </Button>
        )}
      </div>
    </section>
  );
}

/** What to do, and the sentence to say: the eye finds the sentence at once. */
function partsOf(text: string): [string, string] {
  const at = text.search(/[„“"]/);
  return at > 0 ? [text.slice(0, at).trim(), text.slice(at)] : ["", text];
}

function Waiting({ ready }: { ready: boolean }) {
  const words = useWords();
  return (
    <div class="panel-waiting">
      {ready ? (
        <>
          <Mark />
          <h1>{words.waiting}</h1>
          <p class="muted">{words.waitingText}</p>
        </>
      ) : (
        <p class="muted">{words.connecting}</p>
      )}
    </div>
  );
}

/** After a call: what it was, without a mark, and something good to do. */
function Between({ past }: { past: Past }) {
  const words = useWords();
  const { summary, moments, hint } = past;
  const hard = summary.peak_band === "heated" || summary.peak_band === "critical";
  const turned = hard && summary.turning_point_ms != null;
  const helped = helpedBy(summary).map((kind) => words.helped[kind]).filter(Boolean);
  return (
    <div class="between">
      <h1>{words.betweenTitle}</h1>
      <p class="between-line">{turned ? words.betweenTurned : hard ? words.betweenHard : words.betweenCalm}</p>
      <p class="muted">
        {words.duration} <time>{clock(summary.duration_ms)}</time>
      </p>
      {hint && <p class="between-hint">{hint}</p>}
      {helped.length > 0 && (
        <section>
          <h2>{words.helpedTitle}</h2>
          <ul class="helped">
            {helped.map((text) => (
              <li key={text}>
                <Check />
                {text}
              </li>
            ))}
          </ul>
        </section>
      )}
      {moments.length > 0 && (
        <section>
          <h2>{words.goodMoments}</h2>
          <ul class="helped">
            {moments.map((moment) => (
              <li key={moment.seq}>
                <Star />
                {moment.text}
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function ShiftCard({ controller, lines }: { controller: Controller; lines: string[] }) {
  const words = useWords();
  return (
    <div class="between">
      <h1>{words.shiftCardTitle}</h1>
      {lines.length === 0 ? (
        <p class="between-line shift-lines">{words.shiftEmpty}</p>
      ) : (
        <ul class="shift-lines">
          {lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      <p class="muted">{words.shiftPrivate}</p>
      <Button onClick={() => controller.closeCard()}>{words.close}</Button>
    </div>
  );
}

function RecordDialog({ controller, onClose }: { controller: Controller; onClose(): void }) {
  const words = useWords();
  const [record, setRecord] = useState<AgentRecord | null>(null);
  const [step, setStep] = useState<"read" | "sure" | "erased">("read");
  const actions = useRef<HTMLDivElement>(null);
  const go = (next: typeof step) => {
    setStep(next);
    // The button that was pressed is gone; the first of the new ones does no harm.
    setTimeout(() => actions.current?.querySelector("button")?.focus());
  };
  useEffect(() => void controller.readRecord().then(setRecord), [step === "erased"]);
  const rows: [string, ComponentChildren][] = [
    [words.recordCalls, record ? (record.shift.calls ?? 0) : "…"],
    [words.recordHard, record ? (record.shift.hard_calls ?? 0) : "…"],
    [words.recordPractices, record ? countOf(record.habits) : "…"],
  ];
  return (
    <Dialog title={words.record} onClose={onClose}>
      <p class="muted">{words.recordText}</p>
      <Pairs class="record" rows={rows} />
      <p role="status">
        {step === "sure" ? words.recordEraseSure : step === "erased" ? words.recordErased : ""}
      </p>
      <div class="dialog-actions" ref={actions}>
        {step === "read" && <Button onClick={() => go("sure")}>{words.recordErase}</Button>}
        {step === "sure" && (
          <>
            <Button onClick={() => go("read")}>{words.cancel}</Button>
            <Button kind="danger" onClick={() => void controller.eraseRecord().then((done) => done && go("erased"))}>
              {words.recordEraseYes}
            </Button>
          </>
        )}
        {step === "erased" && <Button onClick={onClose}>{words.close}</Button>}
      </div>
    </Dialog>
  );
}

/** Practices with any entry; how a record is laid out inside is the server's own business. */
function countOf(habits: unknown): number {
  if (!habits || typeof habits !== "object") return 0;
  const inner = Object.values(habits).find((value) => value && typeof value === "object");
  return Object.keys(inner ?? habits).length;
}
