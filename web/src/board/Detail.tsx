/** One call: its course, its conversation, and what one can do. */

import { useCallback, useEffect, useMemo, useRef } from "preact/hooks";
import { TipLayer } from "../lib/Tip";
import { alertName, clock, dateOf, endName, timeOfDay, useWords } from "../lib/i18n";
import { Back, Check, Clock, Cross, Ear, Eye } from "../lib/icons";
import { moreReason } from "../lib/reason";
import { BandBadge, Button } from "../lib/ui";
import type { CallView } from "../wire";
import { Chart } from "./Chart";
import type { Controller } from "./controller";
import { Conversation } from "./Conversation";
import type { Asked } from "./Dialogs";
import { storyOf } from "./story";
import { Flags, TrendSign } from "./LiveView";
import { type Call, type Opened, needsSomebody } from "./model";
import { FactsBox, NoteBox, SummaryBox, WhisperBox } from "./Side";

interface Props {
  controller: Controller;
  opened: Opened;
  ask(asked: Asked): void;
}

export function Detail({ controller, opened, ask }: Props) {
  const words = useWords();
  const { model, stale } = controller;
  const call = viewOf(controller, opened);
  const story = useMemo(() => storyOf(opened), [opened, opened.rev]);
  const heading = useRef<HTMLHeadingElement>(null);
  const log = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = controller.box && document.getElementById(controller.box);
    controller.box = null;
    (box ?? heading.current)?.focus({ preventScroll: true });
  }, []);
  const goTo = useRef((_line: string) => {});
  const onGo = useCallback((line: string) => goTo.current(line), []);
  const alert = call.alert;
  const reason = alert && moreReason(words, alert.kind, alert.reason);
  const now = model.mediaNow(call, stale || opened.ended);
  const needs = needsSomebody(call, model.now());
  const me = controller.session.claims.sub;
  const others = opened.ended ? [] : (opened.colleagues?.watching ?? []).filter((who) => who !== me);
  if (opened.state === "gone") return <Gone controller={controller} call={opened.call} />;
  return (
    <section class="detail" aria-labelledby="detail-title" data-item={opened.call}>
      <header class="detail-head">
        <BackButton controller={controller} />
        <h1 id="detail-title" ref={heading} tabIndex={-1}>
          <span class="detail-agent">{call.agent ?? words.noAgent}</span>
          <span class="detail-call">{[call.queue, call.team, opened.call].filter(Boolean).join(" · ")}</span>
        </h1>
        <BandBadge band={call.band} level={call.level} />
        {!opened.ended && <TrendSign call={call} now={now} />}
        {!opened.ended && <Flags call={call} controller={controller} />}
        {!opened.ended &&
          call.sounds?.map(({ sound, text, since_ms }) => (
            <span key={sound} class="flag flag-sound" title={words.soundSince(clock(since_ms))}>
              <Ear />
              <span class="hidden">{words.customer}: </span>
              {text}
            </span>
          ))}
        {others.length > 0 && (
          <span class="flag flag-others">
            <Eye />
            {words.alsoHere(others.join(", "))}
          </span>
        )}
        <span class="detail-time">
          {call.started_at && (
            <>
              {opened.ended && `${dateOf(words, call.started_at)}, `}
              {timeOfDay(words, call.started_at)}
              {" · "}
            </>
          )}
          <time>{clock(now)}</time>
        </span>
        <CloseButton controller={controller} />
      </header>
      {opened.ended && (
        <p class="detail-ended" role="status">
          {words.callEnded}
          {call.ended && call.ended !== "stop" && `: ${endName(words, call.ended)}`}
        </p>
      )}
      {story.consentWithdrawn && !opened.ended && (
        <p class="detail-ended" role="status">
          {words.system.consent}
        </p>
      )}
      {alert && !opened.ended && (
        <div class={`detail-alert detail-alert-${call.band}`}>
          <div class="detail-alert-text">
            <p>
              <strong>{alertName(words, alert.kind)}</strong> <span class="muted">{words.alertSince(clock(now - alert.since_ms))}</span>
            </p>
            {alert.quote && <q lang={call.language ?? undefined}>{alert.quote}</q>}
            {reason && <p class="muted">{reason}</p>}
          </div>
          <div class="card-actions">
            {needs && (
              <Button kind="main" icon={<Check />} keys="A" onClick={() => void controller.ack(alert)}>
                {words.acknowledge}
              </Button>
            )}
            <Button icon={<Clock />} keys="S" onClick={() => ask({ what: "snooze", call: opened.call })}>
              {words.snooze}
            </Button>
            <Button keys="T" onClick={() => ask({ what: "take", call: opened.call })}>
              {words.takeOver}
            </Button>
            <Button kind="quiet" keys="F" onClick={() => ask({ what: "dismiss", call: opened.call })}>
              {words.falseAlarm}
            </Button>
          </div>
        </div>
      )}
      <Chart ready={opened.state === "ready"} story={story} now={Math.floor(now / 1_000) * 1_000} level={call.level} ended={opened.ended} me={me} onGo={onGo} />
      <div class="detail-panes">
        <TipLayer>
          <Conversation controller={controller} opened={opened} rev={opened.rev} agent={call.agent ?? null} lang={call.language ?? undefined} story={story} scroller={log} goTo={goTo} agentChannel={model.agentChannel} />
        </TipLayer>
        <aside class="side" aria-label={words.factsTitle}>
          {!opened.ended && <WhisperBox controller={controller} call={call} suggestions={story.suggestions} />}
          {opened.ended && call.summary && <SummaryBox summary={call.summary} />}
          <FactsBox call={call} opened={opened} story={story} />
          {!opened.ended && <NoteBox controller={controller} call={opened.call} onTake={alert ? null : () => ask({ what: "take", call: opened.call })} />}
        </aside>
      </div>
    </section>
  );
}

function BackButton({ controller }: { controller: Controller }) {
  const words = useWords();
  return (
    <button type="button" class="button button-quiet detail-back" onClick={() => controller.closeCall()}>
      <Back />
      {words.back}
    </button>
  );
}

function CloseButton({ controller }: { controller: Controller }) {
  const words = useWords();
  return (
    <button type="button" class="button button-quiet button-icon detail-close" aria-label={words.close} title={`${words.close} (Esc)`} onClick={() => controller.closeCall()}>
      <Cross />
    </button>
  );
}

/** Erased, or over its time: that is all there is to say. */
function Gone({ controller, call }: { controller: Controller; call: string }) {
  const words = useWords();
  return (
    <section class="detail detail-gone" aria-labelledby="detail-title" data-item={call}>
      <header class="detail-head">
        <BackButton controller={controller} />
        <h1 id="detail-title">
          <span class="detail-call">{call}</span>
        </h1>
        <span class="detail-time" />
        <CloseButton controller={controller} />
      </header>
      <div class="empty" role="status">
        <h2>{words.gone}</h2>
        <p>{words.goneText}</p>
        <Button onClick={() => controller.closeCall()}>{words.close}</Button>
      </div>
    </section>
  );
}

/** A call that is no longer among the live ones is known from the history, or from its own events. */
function viewOf(controller: Controller, opened: Opened): Call {
  const live = controller.model.calls.get(opened.call);
  if (live) return live;
  const past = controller.history?.find((view) => view.call === opened.call);
  const base: CallView = past ?? { call: opened.call, band: "calm", level: 0, seq: 0, t_ms: 0, started_at: "", on_hold: false, lag_ms: 0, speech_dropped: 0 };
  const call = { recent: [], why: [], rev: 0, startedMs: Date.parse(base.started_at), mediaOffsetMs: 0, ...base, alert: null } as Call;
  for (const event of opened.events.values()) {
    if (event.type === "call_ended") Object.assign(call, { ended: event.reason, summary: event.summary, level: event.summary.final_level, band: event.summary.final_band, t_ms: event.t_ms });
    if (event.type === "call_started") Object.assign(call, { agent: event.agent, queue: event.queue, team: event.team, language: event.language, started_at: event.at });
  }
  return call;
}
