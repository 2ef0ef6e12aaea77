/** The conversation of an opened call, made from its events: lines to read, points to draw, words to suggest. */

import type { AlertState, Channel, Cue, Event, LevelPoint } from "../wire";
import type { Opened } from "./model";

export type Assessed = { level: number; band: string; severity: number; cues: Cue[] };

export type Line = { id: string; tMs: number } & (
  | { kind: "utterance"; channel: Channel; lengthMs: number; text: string | null; assessed: Assessed | null }
  | { kind: "alert"; state: AlertState; alertKind: string; reason: string; by: string | null; until: string | null; dismissal: string | null; untakenMs: number | null }
  | { kind: "note"; by: string; text: string }
  | { kind: "whisper"; from: string; text: string }
  | { kind: "hold" | "resumed" | "consent" | "ended" }
  | { kind: "sound"; text: string }
  | { kind: "gap" | "lagging"; lengthMs: number }
  | { kind: "dropped"; lengthMs: number; reason: string }
);

export interface Marker {
  id: string;
  tMs: number;
  kind: "alert" | "whisper" | "turn";
  /** Of the alert's kind, or of who whispered. */
  name: string;
}

export interface Suggestion {
  id: string;
  text: string;
}

export interface Story {
  lines: Line[];
  points: LevelPoint[];
  markers: Marker[];
  holds: [number, number | null][];
  /** Newest first, each text once. */
  suggestions: Suggestion[];
  /** What the customer said about coming back and about waiting, by cue. */
  repeats: string[];
  waits: string[];
  rules: string;
  consentWithdrawn: boolean;
  /** The customer spoke, and none of the words are kept any more. */
  forgotten: boolean;
}

/** Suggestions offered at a time. */
const SUGGESTIONS = 3;

export function storyOf(opened: Opened): Story {
  const events = [...opened.events.values()].sort((a, b) => a.seq - b.seq);
  const story: Story = { lines: [], points: [], markers: [], holds: [], suggestions: [], repeats: [], waits: [], rules: "", consentWithdrawn: false, forgotten: false };
  const said = new Map<number, Extract<Line, { kind: "utterance" }>>();
  for (const event of events) tell(story, said, event);
  for (const { from, text, t_ms: tMs } of opened.colleagues?.whispers ?? []) {
    const line: Line = { id: `w${tMs} ${from}`, tMs, kind: "whisper", from, text };
    const at = story.lines.findLastIndex((other) => other.tMs <= tMs);
    story.lines.splice(at + 1, 0, line);
    story.markers.push({ id: line.id, tMs, kind: "whisper", name: from });
  }
  const customer = [...said.values()].filter((line) => line.channel === "customer");
  story.forgotten = opened.ended && customer.length > 0 && customer.every((line) => line.text === null);
  story.suggestions = newest(story.suggestions);
  return story;
}

function tell(story: Story, said: Map<number, Line & { kind: "utterance" }>, event: Event) {
  const at = { id: String(event.seq), tMs: event.t_ms };
  switch (event.type) {
    case "call_started":
      story.rules = event.rules;
      break;
    case "utterance": {
      const line = {
        ...at,
        tMs: event.start_ms,
        kind: "utterance" as const,
        channel: event.channel,
        lengthMs: event.end_ms - event.start_ms,
        text: event.text ?? null,
        assessed: null,
      };
      said.set(event.seq, line);
      const before = story.lines.at(-1);
      // Turns whose words nobody sees are one turn to the eye.
      if (line.text === null && before?.kind === "utterance" && before.text === null && before.channel === line.channel) {
        story.lines[story.lines.length - 1] = { ...before, lengthMs: before.lengthMs + line.lengthMs };
        break;
      }
      story.lines.push(line);
      break;
    }
    case "assessment": {
      const line = said.get(event.utterance_seq);
      if (line) line.assessed = event;
      story.points.push({ t_ms: event.t_ms, level: event.level });
      for (const { kind, start, end } of event.cues) {
        const list = kind === "repeat_contact" ? story.repeats : kind === "long_wait" ? story.waits : null;
        const text = line?.text ? [...line.text].slice(start, end).join("") : "";
        if (list && text && !list.includes(text)) list.push(text);
      }
      break;
    }
    case "alert": {
      const { state, kind, reason, by, until, dismissal, unacknowledged_ms: untakenMs = null } = event;
      story.lines.push({ ...at, kind: "alert", state, alertKind: kind, reason, by: by ?? null, until: until ?? null, dismissal: dismissal ?? null, untakenMs });
      if (!untakenMs && (state === "raised" || state === "raised_higher")) story.markers.push({ ...at, kind: "alert", name: kind });
      break;
    }
    case "suggestion":
      story.suggestions.push({ id: event.id, text: event.text });
      break;
    case "observation":
      story.lines.push({ ...at, kind: "sound", text: event.text });
      break;
    case "hold":
      story.holds.push([event.t_ms, null]);
      story.lines.push({ ...at, kind: "hold" });
      break;
    case "resumed": {
      const hold = story.holds.at(-1);
      if (hold) hold[1] = event.t_ms;
      story.lines.push({ ...at, kind: "resumed" });
      break;
    }
    case "gap":
      story.lines.push({ ...at, kind: "gap", lengthMs: event.duration_ms });
      break;
    case "lagging":
      story.lines.push({ ...at, kind: "lagging", lengthMs: event.lag_ms });
      break;
    case "speech_dropped":
      story.lines.push({ ...at, kind: "dropped", lengthMs: event.end_ms - event.start_ms, reason: event.reason });
      break;
    case "consent_withdrawn":
      story.consentWithdrawn = true;
      story.lines.push({ ...at, kind: "consent" });
      break;
    case "note":
      story.lines.push({ ...at, kind: "note", by: event.by, text: event.text });
      break;
    case "call_ended":
      story.lines.push({ ...at, kind: "ended" });
      break;
  }
}

function newest(suggestions: Suggestion[]): Suggestion[] {
  const found = new Map<string, Suggestion>();
  for (const suggestion of [...suggestions].reverse()) if (!found.has(suggestion.text)) found.set(suggestion.text, suggestion);
  return [...found.values()].slice(0, SUGGESTIONS);
}

export interface Piece {
  text: string;
  cues: Cue[];
}

/** Cuts a text into plain and marked pieces; cues that overlap share one mark. Offsets count Unicode scalar values. */
export function pieces(text: string, cues: Cue[]): Piece[] {
  const letters = [...text];
  const found: Piece[] = [];
  let at = 0;
  const plain = (to: number) => {
    if (to > at) found.push({ text: letters.slice(at, to).join(""), cues: [] });
    at = Math.max(at, to);
  };
  const sorted = cues.filter(({ start, end }) => start < end && start < letters.length).sort((a, b) => a.start - b.start);
  while (sorted.length > 0) {
    const group = [sorted.shift()!];
    let end = group[0]!.end;
    while (sorted[0] && sorted[0].start < end) {
      group.push(sorted[0]);
      end = Math.max(end, sorted.shift()!.end);
    }
    plain(group[0]!.start);
    found.push({ text: letters.slice(at, end).join(""), cues: group });
    at = Math.min(end, letters.length);
  }
  plain(letters.length);
  return found;
}
