/** All live calls: those that need somebody, those in progress by need, the quiet ones compact. */

import { memo } from "../lib/memo";
import { useLayoutEffect, useRef } from "preact/hooks";
import { alertName, clock, minutes, nameOf, spokenLength, timeOfDay, useWords, type Words } from "../lib/i18n";
import { Alert, BandIcon, Check, Clock, Cup, Dropped, Falling, Lag, Pause, Rising, Steady } from "../lib/icons";
import { BandBadge, Button, Spark } from "../lib/ui";
import type { CallView, OpenAlert } from "../wire";
import type { Controller } from "./controller";
import type { Asked } from "./Dialogs";
import { moreReason } from "../lib/reason";
import { focusCall, focusedCall } from "./keys";
import { type Call, type Filters, type Section, byNeed, matches, needsSomebody, sectionOf, trendOf } from "./model";

/** Rows change places at most this often, so that one can aim at them. */
const ORDER_MS = 1_500;

interface Props {
  controller: Controller;
  filters: Filters;
  onClear(): void;
  ask(asked: Asked): void;
}

export function LiveView({ controller, filters, onClear, ask }: Props) {
  const words = useWords();
  const { model, stale } = controller;
  const place = useRef<HTMLDivElement>(null);
  const order = useOrder(controller, filters, words, place);
  useKeptFocus(place);
  if (!model.ready) return <Loading page text={words.loadingCalls} />;
  const all = [...model.calls.values()].filter((call) => !call.ended).length;
  const shown = order.needs.length + order.live.length + order.quiet.length;
  if (all === 0) {
    return (
      <div class="empty">
        <BandIcon band="calm" size={36} />
        <h1>{words.noCalls}</h1>
        <p>{words.noCallsText}</p>
      </div>
    );
  }
  const now = model.now();
  // A filter must not hide that somebody is waiting.
  const beyond = [...model.calls.values()].filter((call) => needsSomebody(call, now) && !matches(call, filters, words)).length;
  const open = model.opened?.call;
  const second = Math.floor(now / 1_000);
  if (shown === 0) {
    return (
      <div class="empty">
        <h1>{words.noMatch}</h1>
        {beyond > 0 && <p class="beyond-text">{words.beyond(beyond)}</p>}
        <Button onClick={onClear}>{words.clearFilters}</Button>
      </div>
    );
  }
  const row = (call: Call, section: Section) => {
    const props = { key: call.call, call, rev: call.rev, second: stale ? 0 : second, stale, current: call.call === open, controller, words };
    return section === "needs" ? <AlertCard {...props} ask={ask} /> : section === "live" ? <Row {...props} /> : <QuietRow {...props} />;
  };
  const section = (name: "live" | "quiet", title: string, list: string) =>
    order[name].length > 0 && (
      <section aria-labelledby={`${name}-title`}>
        <h2 id={`${name}-title`} class="section-title">
          {title} <span class="section-count">{order[name].length}</span>
        </h2>
        <ul class={list}>{order[name].map((call) => row(call, name))}</ul>
      </section>
    );
  const breaks = [...model.loads.values()].filter((load) => load.break_suggested);
  return (
    <div class="live" ref={place}>
      <section class="live-needs" aria-labelledby="needs-title">
        <h1 id="needs-title" class="section-title">
          {words.needsYou} <span class="section-count">{order.needs.length}</span>
        </h1>
        {order.needs.length > 0 ? (
          <ul class="cards">{order.needs.map((call) => row(call, "needs"))}</ul>
        ) : (
          <p class="nobody">
            <Check />
            {words.nobodyNeedsYou}
          </p>
        )}
        {beyond > 0 && (
          <p class="beyond">
            <Alert />
            <span class="beyond-text">{words.beyond(beyond)}</span>
            <Button kind="quiet" onClick={onClear}>
              {words.showAll}
            </Button>
          </p>
        )}
      </section>
      <div class="live-rest">
        {section("live", words.liveCalls, "rows")}
        {breaks.length > 0 && (
          <ul class="breaks">
            {breaks.map((load) => (
              <li key={load.agent}>
                <Cup />
                {words.breakFor(load.agent, load.heated_calls, minutes(words, load.heated_ms))}
              </li>
            ))}
          </ul>
        )}
        {section("quiet", words.quiet, "quiets")}
      </div>
    </div>
  );
}

type Order = Record<Section, Call[]>;

/** The calls in order. Those already on the screen keep their places for a while, and as long as somebody points at
 *  them; a call that changes its section moves at once. */
function useOrder(controller: Controller, filters: Filters, words: Words, place: { current: HTMLElement | null }): Order {
  const kept = useRef<{ at: number; rank: Map<string, number> }>({ at: 0, rank: new Map() });
  const { model } = controller;
  const now = model.now();
  const order: Order = { needs: [], live: [], quiet: [] };
  for (const call of model.calls.values()) {
    if (!call.ended && matches(call, filters, words)) order[sectionOf(call, now)].push(call);
  }
  const pointed = place.current?.matches(":hover") || place.current?.querySelector(":focus-visible");
  const due = performance.now() - kept.current.at > ORDER_MS && !pointed;
  const { rank } = kept.current;
  for (const section of Object.values(order)) {
    section.sort(byNeed);
    if (!due) {
      const places = new Map(section.map((call, at) => [call.call, rank.get(call.call) ?? at - 0.5]));
      section.sort((a, b) => places.get(a.call)! - places.get(b.call)!);
    }
  }
  const next = new Map<string, number>();
  for (const section of Object.values(order)) section.forEach((call, at) => next.set(call.call, at));
  kept.current = { at: due ? performance.now() : kept.current.at, rank: next };
  return order;
}

/** A row that moves to another section is a new element; the focus goes with it. */
function useKeptFocus(place: { current: HTMLElement | null }) {
  const focused = useRef<string | undefined>(undefined);
  useLayoutEffect(() => {
    if (focused.current && document.activeElement === document.body) focusCall(focused.current);
    focused.current = place.current?.contains(document.activeElement) ? focusedCall() : undefined;
  });
}

interface RowProps {
  call: Call;
  rev: number;
  second: number;
  stale: boolean;
  current: boolean;
  controller: Controller;
  words: Words;
}

const AlertCard = memo(function AlertCard({ call, stale, current, controller, words, ask }: RowProps & { ask(asked: Asked): void }) {
  const { model } = controller;
  const alert = call.alert as OpenAlert;
  const name = alertName(words, alert.kind);
  const now = model.mediaNow(call, stale);
  const since = now - alert.since_ms;
  const reason = moreReason(words, alert.kind, alert.reason);
  const late = alert.unacknowledged_ms;
  return (
    <li data-item={call.call} class={`card card-${call.band}`}>
      <button type="button" class="card-main" data-call={call.call} data-section="needs" aria-current={current} onClick={() => void controller.open(call.call)}>
        <span class="card-head">
          <BandBadge band={call.band} level={call.level} />
          <Spark points={call.recent} band={call.band} />
          <TrendSign call={call} now={now} />
          <span class={late ? "card-since card-late" : "card-since"} title={late ? words.untaken(spokenLength(words, since)) : words.alertSince(spokenLength(words, since))}>
            {late ? (
              <>
                <Clock />
                <span class="hidden">{words.untaken("")}</span>
              </>
            ) : (
              <small>{words.since}</small>
            )}{" "}
            <time>{clock(since)}</time>
          </span>
        </span>
        <strong class="card-kind">{name}</strong>
        {alert.quote && (
          <q class="card-quote" lang={call.language ?? undefined}>
            {alert.quote}
          </q>
        )}
        {reason && <span class="card-reason">{reason}</span>}
        <Flags call={call} controller={controller} />
        <Who call={call} />
      </button>
      <div class="card-actions">
        <Button kind="main" icon={<Check />} onClick={() => void controller.ack(alert)}>
          {words.acknowledge}
        </Button>
        <Button class="card-second" icon={<Clock />} onClick={() => ask({ what: "snooze", call: call.call })}>
          {words.snooze}
        </Button>
        <Button class="card-second" kind="quiet" onClick={() => ask({ what: "dismiss", call: call.call })}>
          {words.falseAlarm}
        </Button>
      </div>
    </li>
  );
});

const Row = memo(function Row({ call, stale, current, controller, words }: RowProps) {
  const length = controller.model.mediaNow(call, stale);
  const { alert } = call;
  return (
    <li data-item={call.call}>
      <button type="button" class={`row row-${call.band}`} data-call={call.call} data-section="live" aria-current={current} onClick={() => void controller.open(call.call)}>
        <BandBadge band={call.band} level={call.level} />
        <span class="row-course">
          <Spark points={call.recent} band={call.band} />
          <TrendSign call={call} now={length} />
        </span>
        <Who call={call} />
        <span class="row-why">
          {!alert && call.why.map((kind) => nameOf(words.cues, kind)).join(" · ")}
          {alert && (
            <>
              <strong>{alertName(words, alert.kind)}</strong> {alert.quote && <q lang={call.language ?? undefined}>{alert.quote}</q>}
            </>
          )}
        </span>
        <Flags call={call} controller={controller} />
        <time class="row-time">{clock(length)}</time>
      </button>
    </li>
  );
});

const QuietRow = memo(function QuietRow({ call, stale, current, controller, words }: RowProps) {
  return (
    <li data-item={call.call}>
      <button type="button" class="quiet-row" data-call={call.call} data-section="quiet" aria-current={current} onClick={() => void controller.open(call.call)}>
        <BandIcon band={call.band} />
        <span class="hidden">{words.bands[call.band]}</span>
        <span class="quiet-agent">{call.agent ?? call.call}</span>
        <Flags call={call} controller={controller} compact />
        <span class="quiet-queue">{call.queue}</span>
        <time>{clock(controller.model.mediaNow(call, stale))}</time>
      </button>
    </li>
  );
});

export function TrendSign({ call, now }: { call: Call; now: number }) {
  const words = useWords();
  const trend = trendOf(call.recent, now);
  return (
    <span class={`trend trend-${trend} trend-in-${call.band}`} title={words.trends[trend]}>
      {trend === "rising" ? <Rising /> : trend === "falling" ? <Falling /> : <Steady />}
      <span class="trend-word">{words.trends[trend]}</span>
    </span>
  );
}

export function Who({ call }: { call: CallView }) {
  const words = useWords();
  return (
    <span class="who">
      <span class="who-agent">{call.agent ?? words.noAgent}</span>
      {[call.queue, call.team, call.call].filter(Boolean).map((text) => (
        <span key={text} class="who-part">
          {text}
        </span>
      ))}
    </span>
  );
}

export function Flags({ call, controller, compact = false }: { call: Call; controller: Controller; compact?: boolean }) {
  const words = useWords();
  const { alert } = call;
  const load = call.agent ? controller.model.loads.get(call.agent) : undefined;
  const flags: [string, preact.JSX.Element, string][] = [];
  if (alert?.state === "acknowledged") {
    const mine = alert.by === controller.session.claims.sub;
    flags.push(["taken", <Check />, mine ? words.youAreOnIt : words.acknowledgedBy(alert.by ?? "?")]);
  }
  if (alert?.state === "snoozed" && alert.until) flags.push(["snoozed", <Clock />, words.snoozedUntil(timeOfDay(words, alert.until))]);
  if (call.on_hold) flags.push(["hold", <Pause />, words.onHold]);
  if (call.lag_ms > 0) flags.push(["lag", <Lag />, words.lag(spokenLength(words, call.lag_ms))]);
  if (call.speech_dropped > 0) flags.push(["dropped", <Dropped />, words.dropped(call.speech_dropped)]);
  if (load?.break_suggested) flags.push(["break", <Cup />, words.breakSuggested]);
  if (flags.length === 0) return <span class="flags" />;
  return (
    <span class="flags">
      {flags.map(([name, icon, text]) => (
        <span key={name} class={`flag flag-${name}`} title={text}>
          {icon}
          <span class={compact ? "hidden" : "flag-text"}>{text}</span>
        </span>
      ))}
    </span>
  );
}

/** `page`: it is all there is on the page, and its heading. */
export function Loading({ text, page = false }: { text: string; page?: boolean }) {
  return (
    <div class="loading" role="status">
      <span class="loading-bar" aria-hidden="true" />
      {page ? <h1>{text}</h1> : text}
    </div>
  );
}
