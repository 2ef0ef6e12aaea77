//! What goes into the coach and comes out of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ShiftSoFar;
use crate::terms::{Band, Channel, Cue, Span};

/// What becomes of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptState {
    /// It is on the screen.
    Shown,
    /// The agent did it. May follow on `expired`.
    Done,
    /// It is no longer right.
    Withdrawn,
    /// Its time is over.
    Expired,
    /// The agent says it helped.
    Used,
    /// The agent does not want it now.
    NotNow,
}

impl PromptState {
    /// The name used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Done => "done",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::NotNow => "not_now",
        }
    }

    /// Whether the advice was followed.
    pub fn is_followed(self) -> bool {
        matches!(self, Self::Done | Self::Used)
    }
}

/// The agent's answer to a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Used,
    NotNow,
    /// Not this practice any more in this call.
    Mute,
}

/// What the coach says.
#[derive(Debug, Clone, PartialEq)]
pub enum CoachOutput {
    /// To the agent: advice, or a change of it. `id` counts from 1 in the call.
    /// `waited_ms` is the time from the trigger to the screen; 0 for changes.
    Prompt { id: u64, practice: String, text: String, state: PromptState, waited_ms: u64 },
    /// To the supervisor: words that fit what the customer said. `id` counts from 1 in the call.
    Suggestion { id: u64, practice: String, text: String },
    /// To the agent: something that went well.
    Moment { practice: String, text: String },
}

/// What is known of a call apart from its words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallFacts {
    /// As the phone system writes it: "Frau Keller", "Anna Keller".
    pub customer_name: Option<String>,
    /// Seconds the customer waited in the queue.
    pub wait_s: Option<u64>,
    pub queue: Option<String>,
    /// How long the agent's shift had been running when the call began.
    pub shift_before_call_ms: Option<u64>,
    /// Any number that differs from call to call: calls begin with other phrasings by it.
    pub variation: u32,
    /// The agent's shift up to this call.
    pub shift: ShiftSoFar,
    /// Anything else from the phone system.
    pub metadata: BTreeMap<String, String>,
}

impl CallFacts {
    /// Which phrasings go first: the next ones in the agent's next call, so that no two calls begin alike.
    pub(super) fn turn(&self) -> u32 {
        match self.shift.calls {
            0 => self.variation,
            calls => calls,
        }
    }
}

/// One utterance and what was found in it.
#[derive(Debug, Clone, Copy)]
pub struct Utterance<'a> {
    pub channel: Channel,
    pub span: Span,
    pub text: &'a str,
    pub cues: &'a [Cue],
    /// 0 to 3; of the customer only.
    pub severity: Option<u8>,
    /// Escalation of the call after it, 0 to 100.
    pub level: u8,
    pub band: Band,
    /// An alert is raised on it: [`Coach::alert_raised`](super::Coach::alert_raised) follows and brings the suggestions.
    pub alerts: bool,
}
