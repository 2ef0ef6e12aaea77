//! [`Event`]: the only thing that leaves a call, and the only serialisable type of the core.
//!
//! A call keeps two logs, each numbered from 1 without gaps. The *call's log* is what supervisors see; the
//! *agent's log* goes to that agent's feed and nowhere else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::acoustic::Sound;
use crate::coach::PromptState;
use crate::terms::{AlertKind, AlertState, Band, Channel, Cue, CueKind};

/// Which of a call's two logs an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Log {
    Call,
    Agent,
}

/// One entry of a call's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Id of the call.
    pub call: String,
    pub log: Log,
    /// Number within this log, from 1, without gaps.
    pub seq: u64,
    /// Wall clock when the event was made, RFC 3339 with milliseconds, UTC.
    pub at: String,
    /// Media clock when the event was made: milliseconds since the start of the call.
    pub t_ms: u64,
    #[serde(flatten)]
    pub kind: EventKind,
    /// `false` while the event is not yet on durable storage; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durable: Option<bool>,
}

/// What happened. The first group is written to the call's log, the second to the agent's log; `utterance`
/// may be in either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    CallStarted {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<String>,
        language: crate::terms::Lang,
        /// Hash of the cues and the playbook in force for this call.
        rules: String,
    },
    /// What became known after the start, or changed by a transfer; only what is new.
    CallFacts {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<String>,
        /// The parties speak this language from here on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<crate::terms::Lang>,
    },
    /// A transcribed segment. In the call's log the agent's words are present only with `agent_channel = "full"`.
    Utterance {
        channel: Channel,
        /// First and last voiced sample, without pre-roll and hangover.
        start_ms: u64,
        end_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Mean token probability of the transcription, 0 to 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<f32>,
    },
    /// What one customer utterance means for the call.
    Assessment {
        /// 0 (calm) to 100.
        level: u8,
        band: Band,
        /// Of this utterance alone, 0 to 3.
        severity: u8,
        /// Offsets refer to the text of the utterance event.
        cues: Vec<Cue>,
        /// `seq` of the utterance in this log.
        utterance_seq: u64,
        /// What the observed sound adds to the level; only where the configuration lets it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sound: Option<SoundPart>,
    },
    /// How the customer's voice sounds against the customer's own first half minute of speech: loudness and pace, and
    /// nothing inferred from them. Only where the configuration asks for it; never of an agent.
    Observation {
        sound: Sound,
        /// Whether it holds from now on, or is over.
        on: bool,
        /// For people, in the call's language: "spricht lauter als zu Beginn".
        text: String,
        /// Against the beginning: decibels if `louder`, per cent of the pace if `faster`; absent if it can no longer be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<i32>,
    },
    Alert {
        id: String,
        state: AlertState,
        kind: AlertKind,
        reason: String,
        /// The customer's words that prove it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quote: Option<String>,
        /// Who acknowledged, snoozed or dismissed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Wall clock (RFC 3339) until which a snoozed alert is silent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<String>,
        /// Why it was dismissed, as the supervisor said, such as `false_alarm`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dismissal: Option<String>,
        /// Nobody took it for so long (media clock): that is why it was raised higher.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unacknowledged_ms: Option<u64>,
    },
    /// A phrase the customer's words call for.
    Suggestion {
        id: String,
        practice: String,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<String>,
    },
    Hold,
    Resumed,
    /// Audio that never arrived: `duration_ms` missing from `start_ms` on; time passed, nothing was heard.
    Gap {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        start_ms: u64,
        duration_ms: u64,
    },
    /// Transcription is behind the call by this much.
    Lagging {
        lag_ms: u64,
    },
    /// Speech that was cut out but not transcribed.
    SpeechDropped {
        channel: Channel,
        start_ms: u64,
        end_ms: u64,
        reason: String,
    },
    ConsentWithdrawn,
    /// What a supervisor wrote down about the call.
    Note {
        by: String,
        text: String,
    },
    CallEnded {
        reason: EndReason,
        summary: CallSummary,
    },

    /// Advice to the agent, or a change of it.
    Prompt {
        id: String,
        practice: String,
        text: String,
        state: PromptState,
    },
    /// A supervisor's words to the agent.
    Whisper {
        from: String,
        text: String,
    },
    /// A supervisor opened (`on`) or closed the conversation.
    Watching {
        who: String,
        on: bool,
    },
    /// Something that went well.
    Moment {
        practice: String,
        text: String,
    },
    /// How the call goes, for the agent: a word, never a number.
    Band {
        band: Band,
    },
    /// End of the call, for the agent.
    Summary {
        #[serde(flatten)]
        summary: CallSummary,
        /// Practices the agent lived, advised or not.
        practices_done: Vec<String>,
        /// What the agent said before the tension fell, by the names of cues.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        helped: Vec<CueKind>,
    },
}

impl EventKind {
    /// The `type` on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CallStarted { .. } => "call_started",
            Self::CallFacts { .. } => "call_facts",
            Self::Utterance { .. } => "utterance",
            Self::Assessment { .. } => "assessment",
            Self::Observation { .. } => "observation",
            Self::Alert { .. } => "alert",
            Self::Suggestion { .. } => "suggestion",
            Self::Hold => "hold",
            Self::Resumed => "resumed",
            Self::Gap { .. } => "gap",
            Self::Lagging { .. } => "lagging",
            Self::SpeechDropped { .. } => "speech_dropped",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::Note { .. } => "note",
            Self::CallEnded { .. } => "call_ended",
            Self::Prompt { .. } => "prompt",
            Self::Whisper { .. } => "whisper",
            Self::Watching { .. } => "watching",
            Self::Moment { .. } => "moment",
            Self::Band { .. } => "band",
            Self::Summary { .. } => "summary",
        }
    }
}

/// The part of the level that rests on how the customer sounds: small, on top, and never enough for another band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SoundPart {
    /// Points of the level.
    pub points: f32,
    pub because: Vec<Sound>,
}

/// Why a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The phone system said so.
    Stop,
    /// The socket broke and did not come back in time.
    ConnectionLost,
    /// The server is shutting down.
    Shutdown,
    /// A fault of ours ended this call; others go on.
    Fault,
}

/// The neutral figures of a call, for supervisors and the agent alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallSummary {
    pub duration_ms: u64,
    /// Utterances of the customer and of the agent.
    pub customer_utterances: u32,
    pub agent_utterances: u32,
    pub peak_level: u8,
    pub peak_band: Band,
    /// Media clock of the peak.
    pub peak_t_ms: u64,
    /// Media clock at which the level last fell out of the heat; absent if it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turning_point_ms: Option<u64>,
    pub final_level: u8,
    pub final_band: Band,
    pub alerts: u32,
    /// Segments that were not transcribed.
    pub speech_dropped: u32,
    pub held_ms: u64,
}

/// RFC 3339 with milliseconds, UTC, of a time in milliseconds since 1970; times outside the years
/// -9999..9999 read as 1970.
pub fn rfc3339(unix_ms: u64) -> String {
    i64::try_from(unix_ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

/// Milliseconds since 1970 of an RFC 3339 time; `None` if it is none or before 1970.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}
