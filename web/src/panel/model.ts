/** What the panel knows: a fold over the agent's own log, changed in place. */

import type { AgentChannel, AgentMessage, AgentSnapshot, AgentView, Card, CueKind, Event, LastWhisper, OpenPrompt } from "../wire";

export interface Moment {
  call: string;
  seq: number;
  text: string;
  shared: boolean;
}

export type Summary = Extract<Event, { type: "summary" }>;

/** A call that is over, until the next one begins. */
export interface Past {
  call: string;
  summary: Summary;
  moments: Moment[];
  /** The hint between calls, if there is one. */
  hint: string | null;
}

export class Model {
  /** Live calls, the newest last. */
  calls = new Map<string, AgentView>();
  moments = new Map<string, Moment[]>();
  past: Past | null = null;
  card: string[] | null = null;
  agentChannel: AgentChannel = "coach";
  ready = false;
  heardAt = 0;
  /** The prompt just marked as used, to say so in its place. */
  praised: string | null = null;
  /** Number of the whisper that was read, by call. */
  private read = new Map<string, number>();
  /** Calls whose summary came: a late snapshot must not bring them back. */
  private over = new Set<string>();

  get current(): AgentView | null {
    return [...this.calls.values()].at(-1) ?? null;
  }

  get whisper(): LastWhisper | null {
    const { current } = this;
    const whisper = current?.whisper ?? null;
    return current && whisper && (this.read.get(current.call) ?? 0) < whisper.seq ? whisper : null;
  }

  markRead() {
    const { current } = this;
    if (current?.whisper) this.read.set(current.call, current.whisper.seq);
  }

  apply(messages: AgentMessage[]) {
    this.heardAt = Date.now();
    for (const message of messages) {
      if (message.type === "snapshot") this.snapshot(message as AgentSnapshot);
      else if (message.type === "card") this.card = (message as Card).lines;
      else if ("log" in message && message.log === "agent") this.event(message as Event);
    }
  }

  private snapshot(snapshot: AgentSnapshot) {
    this.agentChannel = snapshot.agent_channel;
    this.ready = true;
    const known = this.calls;
    this.calls = new Map();
    // In the order they became known; new ones last.
    const views = snapshot.calls.filter((view) => !this.over.has(view.call));
    views.sort((a, b) => Number(known.has(b.call)) - Number(known.has(a.call)));
    for (const view of views) {
      this.calls.set(view.call, view);
      for (const moment of view.moments ?? []) this.moment(view.call, moment);
    }
    if (this.calls.size > 0) this.past = null;
  }

  private event(event: Event) {
    if (this.over.has(event.call)) return;
    if (event.type === "moment") this.moment(event.call, event);
    let view = this.calls.get(event.call);
    if (view && event.seq <= view.seq) return;
    if (!view) {
      view = { call: event.call, seq: 0, t_ms: 0, band: "calm", watching: [] };
      this.calls.set(event.call, view);
      this.past = null;
    }
    view.seq = event.seq;
    view.t_ms = event.t_ms;
    switch (event.type) {
      case "band":
        view.band = event.band;
        break;
      case "prompt":
        this.prompt(view, event);
        break;
      case "whisper":
        view.whisper = { seq: event.seq, from: event.from, text: event.text, at: event.at };
        break;
      case "watching":
        view.watching = event.on ? [...new Set([...view.watching, event.who])] : view.watching.filter((who) => who !== event.who);
        break;
      case "summary":
        this.end(view, event);
        break;
    }
  }

  private moment(call: string, { seq, text, shared = false }: { seq: number; text: string; shared?: boolean }) {
    const list = this.moments.get(call) ?? [];
    if (list.every((known) => known.seq !== seq)) this.moments.set(call, [...list, { call, seq, text, shared }]);
  }

  private prompt(view: AgentView, event: Extract<Event, { type: "prompt" }>) {
    const { id, practice, text, state } = event;
    if (state === "shown") {
      view.prompt = { id, practice, text } satisfies OpenPrompt;
      this.praised = null;
    } else if (view.prompt?.id === id) {
      view.prompt = null;
      if (state === "used" || state === "done") this.praised = id;
    }
  }

  private end(view: AgentView, summary: Summary) {
    this.calls.delete(view.call);
    this.over.add(view.call);
    if (this.over.size > 200) this.over.delete([...this.over][0]!);
    if (this.calls.size === 0) {
      this.past = { call: view.call, summary, moments: this.moments.get(view.call) ?? [], hint: view.prompt?.text ?? null };
    }
    this.moments.delete(view.call);
    this.read.delete(view.call);
  }
}

/** What helped, without doubles. */
export const helpedBy = (summary: Summary): CueKind[] => [...new Set(summary.helped ?? [])];
