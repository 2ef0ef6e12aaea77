// Made from the program's own schema by `npm run wire`; a test fails when it is stale. Do not edit.

/** What happens to the agent's voice. */
export type AgentChannel = "off" | "coach" | "full";

/** What an agent answers. */
export type AgentCommand =
  | {
    prompt: string;
    type: "used";
  }
  | {
    prompt: string;
    type: "not_now";
  }
  | {
    /** With `prompt`: not in any later call either, until the agent erases the record. */
    for_good?: boolean;
    minutes?: number | null;
    prompt?: string | null;
    type: "mute";
  }
  | {
    lang?: Lang | null;
    type: "card";
  }
  | {
    call: string;
    seq: number;
    type: "share";
  };

/** Everything an agent's feed carries; for the schema only. */
export type AgentMessage = AgentSnapshot | Event | Card | Done | ErrorMessage;

/** What an agent sees first. */
export interface AgentSnapshot {
  agent: string;
  /** What happens to the agent's own words; said on the panel. */
  agent_channel: AgentChannel;
  /** Wall clock of the server, RFC 3339. */
  at: string;
  calls: AgentView[];
  node: string;
  type: "snapshot";
}

/** One call as its agent's panel shows it. */
export interface AgentView {
  band: Band;
  call: string;
  /** Good moments so far, oldest first. */
  moments?: GoodMoment[];
  /** The prompt on the screen. */
  prompt?: OpenPrompt | null;
  /** Last event of the agent's log that is folded in. */
  seq: number;
  t_ms: number;
  /** Who has the conversation open. */
  watching: string[];
  /** The supervisor's latest words. */
  whisper?: LastWhisper | null;
}

/** What an alert is about: an explicit act, or tension that keeps rising. On the wire a cue kind's name or `rising_tension`. */
export type AlertKind = CueKind | Trend;

/** Where an alert stands. */
export type AlertState = "raised" | "raised_higher" | "cleared" | "acknowledged" | "snoozed" | "dismissed";

/** The level of a call as one of four words. */
export type Band = "calm" | "tense" | "heated" | "critical";

/** What is known of an opened call apart from its course: from the phone system, and as the customer said it. Comes once a call is opened, and again, with what is new in `said`, whenever the customer says more. */
export interface CallFacts {
  call: string;
  customer?: string | null;
  metadata: Record<string, string>;
  said: SaidFact[];
  type: "facts";
  /** Seconds in the queue. */
  wait_s?: number | null;
}

/** The neutral figures of a call, for supervisors and the agent alike. */
export interface CallSummary {
  agent_utterances: number;
  alerts: number;
  /** Utterances of the customer and of the agent. */
  customer_utterances: number;
  duration_ms: number;
  final_band: Band;
  final_level: number;
  held_ms: number;
  peak_band: Band;
  peak_level: number;
  /** Media clock of the peak. */
  peak_t_ms: number;
  /** Segments that were not transcribed. */
  speech_dropped: number;
  /** Media clock at which the level last fell out of the heat; absent if it never did. */
  turning_point_ms?: number | null;
}

/** One call as a supervisor's snapshot lists it. What belongs to the agent alone is in [`AgentView`]. */
export interface CallView {
  agent?: string | null;
  /** The open alert, if any. */
  alert?: OpenAlert | null;
  band: Band;
  call: string;
  /** Why the call ended; absent while it lives. */
  ended?: EndReason | null;
  /** Transcription is behind by this much. */
  lag_ms: number;
  /** Language of the call; absent only before its first event. */
  language?: Lang | null;
  /** The last words heard. */
  last?: LastWords | null;
  /** 0 (calm) to 100. */
  level: number;
  on_hold: boolean;
  queue?: string | null;
  /** The last levels, oldest first. */
  recent?: LevelPoint[];
  /** Last event of the call's log that is folded in; the next one is `seq + 1`. */
  seq: number;
  /** How the customer sounds against the beginning, where that is observed. */
  sounds?: Sounding[];
  /** Segments that were not transcribed. */
  speech_dropped: number;
  /** Wall clock of the start, RFC 3339. */
  started_at: string;
  /** The figures of the whole call, once it has ended. */
  summary?: CallSummary | null;
  /** Media clock of that event. */
  t_ms: number;
  team?: string | null;
  /** Of what the customer said lately, what raised the level; the newest first, each once. */
  why?: CueKind[];
}

/** The agent's shift so far: what was hard and what was good. Has no number, since it is part of no log. */
export interface Card {
  agent: string;
  /** Empty after a shift without calls. */
  lines: string[];
  /** The load of the day in one line, if there was any. */
  load?: string | null;
  type: "card";
}

/** The party a channel of audio carries. */
export type Channel = "customer" | "agent" | "mixed";

/** What colleagues do at an opened call: who has it open, and what was whispered to its agent. Comes once a call is opened, and again, whole, whenever it changes. Part of no log and kept nowhere. */
export interface Colleagues {
  call: string;
  type: "colleagues";
  /** Who has it open, the reader included. */
  watching: string[];
  /** The last of them, oldest first. */
  whispers: Whispered[];
}

/** One finding in a text. `start` and `end` count Unicode scalar values of the text it was found in, `start <= end`. */
export interface Cue {
  end: number;
  kind: CueKind;
  start: number;
  /** The words between `start` and `end`. */
  text: string;
  /** Points this finding adds to the level (relieving kinds: takes from it, below 0). */
  weight: number;
}

/** What an utterance does, in the customer's or the agent's words. */
export type CueKind =
  | "gratitude" | "relief" | "praise"
  | "anger"
  | "dissatisfaction"
  | "insult"
  | "profanity"
  | "sarcasm"
  | "disbelief"
  | "repeat_contact"
  | "long_wait"
  | "urgency"
  | "churn_threat"
  | "legal_threat"
  | "publicity_threat"
  | "supervisor_request"
  | "violence_threat"
  | "self_harm"
  | "shouting"
  | "patience"
  | "apology_accepted"
  | "humour"
  | "self_belittling"
  | "generic_empathy"
  | "specific_empathy"
  | "refusal"
  | "wrong_department"
  | "justification"
  | "blame_customer"
  | "disparaging"
  | "apology"
  | "thanks"
  | "name_used"
  | "callback_offer"
  | "solution_offer"
  | "next_step"
  | "hold_announcement"
  | "question";

/** The answer to a command that was carried out. */
export interface Done {
  ref?: unknown;
  type: "done";
}

/** Why a call ended. */
export type EndReason = "stop" | "connection_lost" | "shutdown" | "fault";

/** A call was erased: whoever shows or keeps it forgets it. Has no number, since the log it belonged to is gone. */
export interface Erased {
  call: string;
  type: "erased";
}

/** `{"type":"error",…}` as every socket sends it. */
export interface ErrorMessage {
  code: string;
  message: string;
  /** The `ref` of the command this answers; only on feeds. */
  ref?: unknown;
  /** When to try again, in seconds; only with `busy`. */
  retry_after_s?: number | null;
  type: "error";
}

/** One entry of a call's log. */
export type Event = {
  /** Wall clock when the event was made, RFC 3339 with milliseconds, UTC. */
  at: string;
  /** Id of the call. */
  call: string;
  /** `false` while the event is not yet on durable storage; absent otherwise. */
  durable?: boolean | null;
  log: Log;
  /** Number within this log, from 1, without gaps. */
  seq: number;
  /** Media clock when the event was made: milliseconds since the start of the call. */
  t_ms: number;
} & (
  | {
    agent?: string | null;
    language: Lang;
    queue?: string | null;
    /** Hash of the cues and the playbook in force for this call. */
    rules: string;
    team?: string | null;
    type: "call_started";
  }
  | {
    agent?: string | null;
    /** The parties speak this language from here on. */
    language?: Lang | null;
    queue?: string | null;
    team?: string | null;
    type: "call_facts";
  }
  | {
    channel: Channel;
    /** Mean token probability of the transcription, 0 to 1. */
    confidence?: number | null;
    end_ms: number;
    /** First and last voiced sample, without pre-roll and hangover. */
    start_ms: number;
    text?: string | null;
    type: "utterance";
  }
  | {
    band: Band;
    /** Offsets refer to the text of the utterance event. */
    cues: Cue[];
    /** 0 (calm) to 100. */
    level: number;
    /** Of this utterance alone, 0 to 3. */
    severity: number;
    /** What the observed sound adds to the level; only where the configuration lets it. */
    sound?: SoundPart | null;
    type: "assessment";
    /** `seq` of the utterance in this log. */
    utterance_seq: number;
  }
  | {
    /** Against the beginning: decibels if `louder`, per cent of the pace if `faster`; absent if it can no longer be told. */
    change?: number | null;
    /** Whether it holds from now on, or is over. */
    on: boolean;
    sound: Sound;
    /** For people, in the call's language: "spricht lauter als zu Beginn". */
    text: string;
    type: "observation";
  }
  | {
    /** Who acknowledged, snoozed or dismissed it. */
    by?: string | null;
    /** Why it was dismissed, as the supervisor said, such as `false_alarm`. */
    dismissal?: string | null;
    id: string;
    kind: AlertKind;
    /** The customer's words that prove it. */
    quote?: string | null;
    reason: string;
    state: AlertState;
    type: "alert";
    /** Nobody took it for so long (media clock): that is why it was raised higher. */
    unacknowledged_ms?: number | null;
    /** Wall clock (RFC 3339) until which a snoozed alert is silent. */
    until?: string | null;
  }
  | {
    alert?: string | null;
    id: string;
    practice: string;
    text: string;
    type: "suggestion";
  }
  | {
    type: "hold";
  }
  | {
    type: "resumed";
  }
  | {
    channel?: Channel | null;
    duration_ms: number;
    start_ms: number;
    type: "gap";
  }
  | {
    lag_ms: number;
    type: "lagging";
  }
  | {
    channel: Channel;
    end_ms: number;
    reason: string;
    start_ms: number;
    type: "speech_dropped";
  }
  | {
    type: "consent_withdrawn";
  }
  | {
    by: string;
    text: string;
    type: "note";
  }
  | {
    reason: EndReason;
    summary: CallSummary;
    type: "call_ended";
  }
  | {
    id: string;
    practice: string;
    state: PromptState;
    text: string;
    type: "prompt";
  }
  | {
    from: string;
    text: string;
    type: "whisper";
  }
  | {
    on: boolean;
    type: "watching";
    who: string;
  }
  | {
    practice: string;
    text: string;
    type: "moment";
  }
  | {
    band: Band;
    type: "band";
  }
  | {
    agent_utterances: number;
    alerts: number;
    /** Utterances of the customer and of the agent. */
    customer_utterances: number;
    duration_ms: number;
    final_band: Band;
    final_level: number;
    held_ms: number;
    /** What the agent said before the tension fell, by the names of cues. */
    helped?: CueKind[];
    peak_band: Band;
    peak_level: number;
    /** Media clock of the peak. */
    peak_t_ms: number;
    /** Practices the agent lived, advised or not. */
    practices_done: string[];
    /** Segments that were not transcribed. */
    speech_dropped: number;
    /** Media clock at which the level last fell out of the heat; absent if it never did. */
    turning_point_ms?: number | null;
    type: "summary";
  }
);

/** What a fact is about. */
export type FactKind =
  | "date" | "email"
  | "what"
  | "problem"
  | "since"
  | "wait"
  | "how_often"
  | "amount"
  | "name"
  | "number"
  | "spelled";

/** Something that went well in a call, for its agent, who may share it. */
export interface GoodMoment {
  /** Number of its event in the agent's log. */
  seq: number;
  /** The agent has shown it to the supervisors. */
  shared?: boolean;
  text: string;
}

/** A spoken language the program understands. */
export type Lang = "de" | "en";

/** The latest whisper of a call. */
export interface LastWhisper {
  /** Wall clock, RFC 3339. */
  at: string;
  from: string;
  /** Number of its event in the agent's log. */
  seq: number;
  text: string;
}

/** The latest utterance with words. */
export interface LastWords {
  channel: Channel;
  t_ms: number;
  text: string;
}

/** The level after one customer utterance. */
export interface LevelPoint {
  /** 0 (calm) to 100. */
  level: number;
  /** Media clock. */
  t_ms: number;
}

/** How much an agent had to bear; for the supervisor who can send them on a break. */
export interface Load {
  agent: string;
  break_suggested: boolean;
  /** Calls that became heated since this server started. */
  heated_calls: number;
  /** Time in heated or critical calls. */
  heated_ms: number;
  type: "load";
}

/** Which of a call's two logs an event belongs to. */
export type Log = "call" | "agent";

/** An alert that is not over. */
export interface OpenAlert {
  by?: string | null;
  id: string;
  kind: AlertKind;
  quote?: string | null;
  reason: string;
  /** Media clock when it was raised. */
  since_ms: number;
  state: AlertState;
  /** Nobody took it for so long. */
  unacknowledged_ms?: number | null;
  until?: string | null;
}

/** The prompt an agent sees. */
export interface OpenPrompt {
  id: string;
  practice: string;
  text: string;
}

/** What becomes of a prompt. */
export type PromptState = "shown" | "done" | "withdrawn" | "expired" | "used" | "not_now";

/** A kind of token. */
export type ProviderToken = "access" | "id";

/** One thing the customer said of the matter: what it is about, since when, how often. */
export interface SaidFact {
  kind: FactKind;
  /** Media clock of the utterance. */
  t_ms: number;
  /** The customer's words. */
  text: string;
}

/** How people sign in on the pages beside tokens. */
export interface SignIn {
  /** `null`: by a token only. */
  provider?: SignInProvider | null;
}

/** An OpenID Connect provider at which the pages are a public client. */
export interface SignInProvider {
  client_id: string;
  issuer: string;
  scope: string;
  /** Claim with who it is; dots lead into objects. */
  sub_claim: string;
  /** Which of the provider's tokens this server takes. */
  token: ProviderToken;
}

/** What can be observed of a voice. */
export type Sound = "louder" | "faster";

/** The part of the level that rests on how the customer sounds: small, on top, and never enough for another band. */
export interface SoundPart {
  because: Sound[];
  /** Points of the level. */
  points: number;
}

/** An observation that holds. */
export interface Sounding {
  /** Media clock when it began. */
  since_ms: number;
  sound: Sound;
  /** For people, in the call's language. */
  text: string;
}

/** What a supervisor asks for. */
export type SupervisorCommand =
  | {
    alert: string;
    type: "ack";
  }
  | {
    alert: string;
    /** Such as `false_alarm`. */
    reason?: string | null;
    type: "dismiss";
  }
  | {
    alert: string;
    minutes: number;
    type: "snooze";
  }
  | {
    call: string;
    text: string;
    type: "whisper";
  }
  | {
    call: string;
    type: "open";
  }
  | {
    call: string;
    type: "close";
  }
  | {
    call: string;
    text: string;
    type: "note";
  };

/** Everything a supervisor's feed carries; for the schema only. */
export type SupervisorMessage = SupervisorSnapshot | Event | Load | CallFacts | Colleagues | Erased | Done | ErrorMessage;

/** What a supervisor sees first, and again whenever it fell behind. */
export interface SupervisorSnapshot {
  /** Whether agents' words can be in the call's log. */
  agent_channel: AgentChannel;
  /** Wall clock of the server, RFC 3339: the reader's own may be wrong. */
  at: string;
  calls: CallView[];
  /** Position in the feed; `after=CURSOR` continues from here. */
  cursor: number;
  node: string;
  type: "snapshot";
}

/** Course of a call that alerts without a single act. */
export type Trend = "rising_tension";

/** Words of a supervisor to an agent, as other supervisors see them. */
export interface Whispered {
  from: string;
  /** Media clock. */
  t_ms: number;
  text: string;
}
