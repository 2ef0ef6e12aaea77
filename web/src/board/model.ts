/** What the board knows: a fold over the supervisor feed, changed in place, with a revision per call. */

import { alertName, type Words } from "../lib/i18n";
import { reasonIn } from "../lib/reason";
import type { Session } from "../lib/session";
import type {
  AgentChannel,
  Band,
  CallFacts,
  CallView,
  Colleagues,
  CueKind,
  Erased,
  Event,
  LevelPoint,
  Load,
  OpenAlert,
  SupervisorMessage,
  SupervisorSnapshot,
} from "../wire";

export const BANDS: Band[] = ["calm", "tense", "heated", "critical"];

/** Where the bands begin, for the chart's lines (the server's own thresholds have a gap for leaving). */
export const BAND_FROM: Record<Band, number> = { calm: 0, tense: 25, heated: 50, critical: 75 };

/** Points kept for a trend. */
const RECENT = 12;

/** Reasons shown of a call without an alert. */
const WHY = 3;

/** Events kept of an opened call: two hours of talk. What is older is in the journal. */
const EVENTS_MAX = 8_000;

/** Kinds that go before all others: somebody may be in danger. */
const DANGER = new Set<string>(["violence_threat", "self_harm"]);

export interface Call extends CallView {
  recent: LevelPoint[];
  why: CueKind[];
  /** Grows with every change: what a row compares to know that it is still right. */
  rev: number;
  /** Server's wall clock of the start. */
  startedMs: number;
  /** Server's wall clock minus media clock when the last event came: recordings run faster than the wall. */
  mediaOffsetMs: number;
}

export interface Opened {
  call: string;
  events: Map<number, Event>;
  /** Grows with every change. */
  rev: number;
  /** `gone`: erased, or its time is over; nothing of it is shown. */
  state: "loading" | "ready" | "failed" | "gone";
  facts: CallFacts | null;
  /** Who else looks, and what was whispered. */
  colleagues: Colleagues | null;
  /** From the history: nothing more will come. */
  ended: boolean;
}

export type Section = "needs" | "live" | "quiet";

export class Model {
  calls = new Map<string, Call>();
  loads = new Map<string, Load>();
  opened: Opened | null = null;
  agentChannel: AgentChannel = "coach";
  node = "";
  ready = false;
  /** Server's clock minus ours. */
  skewMs = 0;
  /** Last news, on our clock. */
  heardAt = 0;
  /** Grows whenever a call ends, so that a history on the screen is fetched again. */
  endedRev = 0;

  constructor(readonly session: Session) {}

  /** The server's wall clock now. */
  now(): number {
    return Date.now() + this.skewMs;
  }

  /** Media clock of a call now; with a lost connection, as of the last news. */
  mediaNow(call: CallView, stale: boolean): number {
    const live = call as Call;
    if (call.ended || stale || live.mediaOffsetMs === undefined) return call.t_ms;
    return Math.max(call.t_ms, this.now() - live.mediaOffsetMs);
  }

  /** Takes in a batch; gives back the alerts that are new to this board. */
  apply(messages: SupervisorMessage[]): { call: Call; alert: OpenAlert }[] {
    const fresh: { call: Call; alert: OpenAlert }[] = [];
    const raised = (call: Call | undefined) => {
      if (call?.alert && isRaised(call.alert)) fresh.push({ call, alert: call.alert });
    };
    this.heardAt = Date.now();
    for (const message of messages) {
      switch (message.type) {
        case "snapshot":
          this.snapshot(message as SupervisorSnapshot);
          for (const call of this.calls.values()) raised(call);
          break;
        case "load": {
          const load = message as Load;
          this.loads.set(load.agent, load);
          for (const call of this.calls.values()) if (call.agent === load.agent) call.rev++;
          break;
        }
        case "facts":
          this.facts(message as CallFacts);
          break;
        case "colleagues":
          this.colleagues(message as Colleagues);
          break;
        case "erased":
          this.erased((message as Erased).call);
          break;
        case "done":
        case "error":
          break;
        default: {
          const event = message as Event;
          if (!event.call || event.log !== "call") break;
          this.event(event);
          if (event.type === "alert") raised(this.calls.get(event.call));
        }
      }
    }
    return fresh;
  }

  open(call: string, ended: boolean) {
    this.opened = { call, events: new Map(), rev: 0, state: "loading", facts: null, colleagues: null, ended };
  }

  /** The conversation as fetched; what came live meanwhile stays where it has words. */
  fetched(call: string, events: Event[], complete: boolean) {
    const opened = this.opened;
    if (opened?.call !== call || opened.state === "gone") return;
    for (const event of events) opened.events.set(event.seq, event);
    this.bound(opened);
    if (complete) opened.state = "ready";
    opened.rev++;
  }

  fetchFailed(call: string) {
    if (this.opened?.call !== call || this.opened.state === "ready") return;
    this.opened.state = "failed";
    this.opened.rev++;
  }

  /** Nothing of an opened call stays on the screen but that it is gone. */
  gone(call: string) {
    const { opened } = this;
    if (opened?.call === call) this.opened = { call, events: new Map(), rev: opened.rev + 1, state: "gone", facts: null, colleagues: null, ended: true };
  }

  private snapshot(snapshot: SupervisorSnapshot) {
    this.skewMs = Date.parse(snapshot.at) - Date.now();
    this.agentChannel = snapshot.agent_channel;
    this.node = snapshot.node;
    const known = this.calls;
    this.calls = new Map();
    for (const view of snapshot.calls) this.calls.set(view.call, this.call(view, known.get(view.call)));
    // Ended while we were away: the opened one stays readable.
    const opened = this.opened;
    if (opened && !opened.ended && this.ready && !this.calls.has(opened.call)) {
      const last = known.get(opened.call);
      if (last) this.calls.set(opened.call, { ...last, ended: last.ended ?? "connection_lost", rev: last.rev + 1 });
      opened.ended = true;
      opened.rev++;
    }
    this.loads.clear();
    this.ready = true;
  }

  private call(view: CallView, known: Call | undefined): Call {
    const startedMs = Date.parse(view.started_at);
    return {
      ...view,
      recent: view.recent ?? known?.recent ?? [],
      why: view.why ?? known?.why ?? [],
      rev: (known?.rev ?? 0) + 1,
      startedMs,
      mediaOffsetMs: known?.mediaOffsetMs ?? startedMs,
    };
  }

  private event(event: Event) {
    let call = this.calls.get(event.call);
    if (!call) {
      const view = { call: event.call, seq: 0, t_ms: 0, started_at: event.at, level: 0, band: "calm" as const, on_hold: false, lag_ms: 0, speech_dropped: 0 };
      call = this.call(view, undefined);
      this.calls.set(event.call, call);
    }
    call.seq = event.seq;
    call.t_ms = event.t_ms;
    call.rev++;
    const offset = Date.parse(event.at) - event.t_ms;
    if (!Number.isNaN(offset)) call.mediaOffsetMs = offset;
    fold(call, event);
    if (event.type === "call_ended") this.endedRev++;
    const opened = this.opened;
    if (opened?.call === event.call && !opened.ended) {
      opened.events.set(event.seq, event);
      this.bound(opened);
      opened.rev++;
      if (event.type === "call_ended") opened.ended = true;
    } else if (event.type === "call_ended") {
      this.calls.delete(event.call);
    }
  }

  private facts(facts: CallFacts) {
    const opened = this.opened;
    if (opened?.call !== facts.call) return;
    const said = [...(opened.facts?.said ?? []), ...facts.said];
    const seen = new Set<string>();
    const news = said.filter(({ kind, text }) => !seen.has(`${kind} ${text}`) && seen.add(`${kind} ${text}`));
    opened.facts = { ...facts, said: news };
    opened.rev++;
  }

  private colleagues(colleagues: Colleagues) {
    const { opened } = this;
    if (opened?.call !== colleagues.call || opened.state === "gone") return;
    opened.colleagues = colleagues;
    opened.rev++;
  }

  private erased(call: string) {
    this.calls.delete(call);
    this.gone(call);
    this.endedRev++;
  }

  private bound(opened: Opened) {
    if (opened.events.size <= EVENTS_MAX) return;
    const seqs = [...opened.events.keys()].sort((a, b) => a - b);
    for (const seq of seqs.slice(0, seqs.length - EVENTS_MAX)) opened.events.delete(seq);
  }
}

/** The same fold as the server's (`src/call/view.rs`). */
function fold(call: Call, event: Event) {
  switch (event.type) {
    case "call_started":
      call.agent = event.agent;
      call.queue = event.queue;
      call.team = event.team;
      call.language = event.language;
      call.started_at = event.at;
      call.startedMs = Date.parse(event.at);
      break;
    case "call_facts":
      call.agent = event.agent ?? call.agent;
      call.queue = event.queue ?? call.queue;
      call.team = event.team ?? call.team;
      break;
    case "utterance":
      if (event.text) call.last = { channel: event.channel, text: event.text, t_ms: event.t_ms };
      break;
    case "assessment":
      call.level = event.level;
      call.band = event.band;
      call.why = [...new Set([...event.cues.filter((cue) => cue.weight > 0).map((cue) => cue.kind), ...call.why])].slice(0, WHY);
      call.recent = [...call.recent.slice(1 - RECENT), { t_ms: event.t_ms, level: event.level }];
      break;
    case "alert": {
      const { id, state, kind, reason, quote, by, until, unacknowledged_ms } = event;
      const since = call.alert?.id === id ? call.alert.since_ms : event.t_ms;
      call.alert = state === "cleared" || state === "dismissed" ? null : { id, state, kind, reason, quote, by, until, unacknowledged_ms, since_ms: since };
      break;
    }
    case "observation": {
      const others = (call.sounds ?? []).filter(({ sound }) => sound !== event.sound);
      call.sounds = event.on ? [...others, { sound: event.sound, text: event.text, since_ms: event.t_ms }] : others;
      break;
    }
    case "hold":
      call.on_hold = true;
      break;
    case "resumed":
      call.on_hold = false;
      break;
    case "lagging":
      call.lag_ms = event.lag_ms;
      break;
    case "speech_dropped":
      call.speech_dropped++;
      break;
    case "call_ended":
      call.ended = event.reason;
      call.level = event.summary.final_level;
      call.band = event.summary.final_band;
      call.summary = event.summary;
      call.alert = null;
      break;
  }
}

export const isRaised = (alert: OpenAlert) => alert.state === "raised" || alert.state === "raised_higher";

/** Whether a supervisor has to look: an alert nobody has taken, or one whose snooze is over. */
export function needsSomebody(call: CallView, now: number): boolean {
  const { alert } = call;
  if (!alert || call.ended) return false;
  if (alert.state === "snoozed") return Boolean(alert.until && Date.parse(alert.until) <= now);
  return isRaised(alert);
}

export function sectionOf(call: CallView, now: number): Section {
  if (needsSomebody(call, now)) return "needs";
  return call.alert || call.band !== "calm" ? "live" : "quiet";
}

/** Who comes first: danger, then the band, then the level; equals keep a fixed order. */
export function byNeed(a: Call, b: Call): number {
  return (
    Number(isDanger(b)) - Number(isDanger(a)) ||
    BANDS.indexOf(b.band) - BANDS.indexOf(a.band) ||
    b.level - a.level ||
    a.startedMs - b.startedMs ||
    (a.call < b.call ? -1 : 1)
  );
}

export const isDanger = (call: CallView) => Boolean(call.alert && DANGER.has(call.alert.kind));

export type Trend = "rising" | "falling" | "steady";

/** How far back a trend looks: two or three turns of the customer. */
const TREND_MS = 20_000;

/** Without a word from the customer for so long, a level neither rises nor falls. */
const TREND_KEPT_MS = 90_000;

/** The level against that of some turns before, `now` being the call's own clock. */
export function trendOf(recent: LevelPoint[], now: number): Trend {
  const last = recent.at(-1);
  if (!last || now - last.t_ms > TREND_KEPT_MS) return "steady";
  const before = recent.findLast((point) => point.t_ms <= last.t_ms - TREND_MS) ?? recent[0];
  const change = last.level - (before?.level ?? last.level);
  return change >= 6 ? "rising" : change <= -6 ? "falling" : "steady";
}

export interface TurningPoint {
  tMs: number;
  level: number;
}

/** Below its entry by this much, a band is left (the server's `band_gap`). */
const BAND_GAP = 7;

/** Where the level fell out of the heat, by 20 points or more since its peak: as the server tells it at the end. */
export function turningPoints(points: LevelPoint[]): TurningPoint[] {
  const found: TurningPoint[] = [];
  let peak = 0;
  for (const { t_ms, level } of points) {
    if (level >= BAND_FROM.heated) {
      peak = Math.max(peak, level);
    } else if (peak > 0 && level < BAND_FROM.heated - BAND_GAP && level <= peak - 20) {
      found.push({ tMs: t_ms, level });
      peak = 0;
    }
  }
  return found;
}

export interface Filters {
  search: string;
  queue: string;
  team: string;
  lang: string;
  band: string;
}

export const NO_FILTERS: Filters = { search: "", queue: "", team: "", lang: "", band: "" };

/** In `words`, as the page shows it, one may search, too. */
export function matches(call: CallView, filters: Filters, words: Words): boolean {
  if (filters.queue && call.queue !== filters.queue) return false;
  if (filters.team && call.team !== filters.team) return false;
  if (filters.lang && call.language !== filters.lang) return false;
  if (filters.band && BANDS.indexOf(call.band) < BANDS.indexOf(filters.band as Band)) return false;
  if (!filters.search) return true;
  const { alert } = call;
  const shown = alert ? [alertName(words, alert.kind), alert.quote, reasonIn(words, alert.reason)] : [];
  const haystack = [call.call, call.agent, call.queue, call.team, ...shown].join("\n").toLowerCase();
  return filters.search.toLowerCase().split(/\s+/).every((word) => haystack.includes(word));
}

/** What there is to filter by, in the order of the alphabet; what is chosen stays, though its last call has ended. */
export function choices(calls: Iterable<CallView>, field: "queue" | "team", chosen: string): string[] {
  const found = new Set<string>(chosen ? [chosen] : []);
  for (const call of calls) if (call[field]) found.add(call[field]);
  return [...found].sort((a, b) => a.localeCompare(b));
}
