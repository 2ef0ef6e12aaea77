//! What one utterance means for the call, and why.

use crate::terms::{Band, CueKind};

/// What one utterance means for the call.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// 0 to 100, after this utterance.
    pub level: u8,
    pub band: Band,
    /// Of this utterance alone, 0 to 3; `None` for the agent, who is never scored.
    pub severity: Option<u8>,
    /// As much of the level as rests on how the customer sounds, in thousandths of a point.
    pub sound_milli: i64,
    pub explanation: Explanation,
}

/// How the level came about: what it was after the utterance before, and everything that changed it since. The parts
/// add up.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Level after the utterance before, in thousandths of a point.
    pub before_milli: i64,
    pub parts: Vec<Part>,
    /// Why an alert was raised, changed or withheld.
    pub rule: Rule,
}

/// One reason for a change of the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub source: Source,
    /// Thousandths of a point, never 0.
    pub points_milli: i64,
}

/// Where points come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Time without new evidence.
    Decay,
    /// A cue of the customer, with its own weight.
    Cue(CueKind),
    /// Brings the sum of the cues into the range of the utterance's severity.
    Severity,
    /// The text model's part: small, and never enough for another band.
    Model,
    /// How the customer sounds, where the configuration lets it count.
    Sound,
    /// It was not the first complaint.
    Repetition,
    /// The same kind of complaint as before.
    Topic,
    /// The level was high already, so the utterance adds less.
    Headroom,
    /// Thanks, relief, patience and the like.
    Relief(CueKind),
    /// A calm utterance.
    CalmTurn,
    /// What the agent offered.
    Agent(CueKind),
    /// Lifts the level to what the severity of this utterance alone demands.
    Floor,
    /// Keeps the level within 0 to 100.
    Bound,
}

impl Source {
    /// Short name for people; the cue's own name where there is one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decay => "decay",
            Self::Cue(kind) | Self::Relief(kind) | Self::Agent(kind) => kind.as_str(),
            Self::Severity => "severity",
            Self::Model => "model",
            Self::Sound => "sound",
            Self::Repetition => "repetition",
            Self::Topic => "topic",
            Self::Headroom => "headroom",
            Self::CalmTurn => "calm_turn",
            Self::Floor => "floor",
            Self::Bound => "bound",
        }
    }
}

/// The rule that raised, changed or withheld an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Danger to somebody: alerts at once, always.
    Danger,
    /// A quotable act: alerts at once.
    ExplicitAct,
    /// A more serious act than the open alert's.
    MoreSeriousAct,
    /// The open alert's call entered a higher band.
    NewBand,
    /// Repeated complaints at a high level, or several utterances in a row that the judge of severity takes for some.
    SustainedTension,
    /// Would alert, but waits one turn since the tension may subside.
    DeferredOneTurn,
    /// The tension that was waited for did subside.
    TensionSubsided,
    /// An act that the text model does not quite believe, in a calm call.
    DoubtedAct,
    /// Too few complaints or too low a level for an alert.
    NotSustained,
    /// An alert is open and nothing is new.
    AlreadyOpen,
    /// The open alert is snoozed and nothing is more serious.
    Snoozed,
    /// The snooze is over and the call still tense.
    SnoozeEnded,
    /// A person dismissed an alert of this kind.
    DismissedBefore,
    /// An alert of this kind was cleared a moment ago.
    CoolDown,
    /// The cool-down is over and the call still tense.
    CoolDownEnded,
    /// The customer made peace: the alert is cleared.
    Reconciled,
    /// The level has been low for a while: the alert is cleared.
    Subsided,
    /// Both parties on one channel: only threats and danger count.
    ThreatsOnly,
    /// Nobody took the open alert in time.
    NotTaken,
    /// A person's command.
    Command,
    /// The agent spoke: nothing is decided.
    AgentSpoke,
    /// Nothing to decide.
    Calm,
}

impl Rule {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::ExplicitAct => "explicit_act",
            Self::MoreSeriousAct => "more_serious_act",
            Self::NewBand => "new_band",
            Self::SustainedTension => "sustained_tension",
            Self::DeferredOneTurn => "deferred_one_turn",
            Self::TensionSubsided => "tension_subsided",
            Self::DoubtedAct => "doubted_act",
            Self::NotSustained => "not_sustained",
            Self::AlreadyOpen => "already_open",
            Self::Snoozed => "snoozed",
            Self::SnoozeEnded => "snooze_ended",
            Self::DismissedBefore => "dismissed_before",
            Self::CoolDown => "cool_down",
            Self::CoolDownEnded => "cool_down_ended",
            Self::Reconciled => "reconciled",
            Self::Subsided => "subsided",
            Self::ThreatsOnly => "threats_only",
            Self::NotTaken => "not_taken",
            Self::Command => "command",
            Self::AgentSpoke => "agent_spoke",
            Self::Calm => "calm",
        }
    }
}
