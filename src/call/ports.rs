//! What goes into a call and what comes out of it.

use std::sync::Arc;

use crate::call::acoustic::AcousticSettings;
use crate::call::endpointing::{EndpointingSettings, SpeechSegment};
use crate::call::escalation::EscalationSettings;
use crate::call::event::{EndReason, Event};
use crate::call::voice::Detector;
use crate::call::voice::silero::SileroWeights;
use crate::coach::{Answer, Habits, ShiftSoFar};
use crate::terms::{Channel, Lang, Span, Transcript};

/// What happens to the agent's voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentChannel {
    /// Never transcribed; voice activity gives times only.
    Off,
    /// Transcribed in memory for the agent's own prompts, never stored, never shown to others.
    #[default]
    Coach,
    /// The agent's words are in the call's log.
    Full,
}

/// What is known about a call when it starts; facts may also come late.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallInfo {
    pub call: String,
    pub agent: Option<String>,
    pub queue: Option<String>,
    pub team: Option<String>,
    pub lang: Lang,
    pub facts: Facts,
    /// The agent's experience with each practice; known to their coach alone.
    pub habits: Habits,
    /// The agent's shift up to this call.
    pub shift: ShiftSoFar,
    /// Milliseconds of silence that end an utterance, where the stream asks for others than the settings say.
    pub hangover_ms: Option<u64>,
}

/// Facts from the phone system that practices may use. `None` leaves what was known before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Id of the agent: only if it came late, or changed by a transfer.
    pub agent: Option<String>,
    /// As `agent`.
    pub queue: Option<String>,
    /// As `agent`.
    pub team: Option<String>,
    pub customer_name: Option<String>,
    /// Seconds the customer waited in the queue.
    pub wait_s: Option<u64>,
    /// Start of the agent's shift, milliseconds since 1970.
    pub shift_started_unix_ms: Option<u64>,
    /// Anything else, by name; values as text.
    pub metadata: Vec<(String, String)>,
}

impl Facts {
    /// Takes over what `later` names.
    pub fn merge(&mut self, later: &Facts) {
        if later.customer_name.is_some() {
            self.customer_name.clone_from(&later.customer_name);
        }
        self.wait_s = later.wait_s.or(self.wait_s);
        self.shift_started_unix_ms = later.shift_started_unix_ms.or(self.shift_started_unix_ms);
        for (name, value) in &later.metadata {
            self.metadata.retain(|(known, _)| known != name);
            self.metadata.push((name.clone(), value.clone()));
        }
    }
}

/// Which voice activity network listens.
#[derive(Debug, Clone)]
pub enum DetectorKind {
    Earshot,
    Silero(Arc<SileroWeights>),
}

impl DetectorKind {
    pub(crate) fn detector(&self, channel: Channel) -> Detector {
        match self {
            Self::Earshot => Detector::earshot(channel as u32),
            Self::Silero(weights) => Detector::silero(weights.clone()),
        }
    }
}

/// Settings of one call; fixed while it lives.
#[derive(Debug, Clone)]
pub struct CallSettings {
    pub agent_channel: AgentChannel,
    /// Names of people are replaced in the call's log, as other personal data always is.
    pub redact_names: bool,
    pub detector: DetectorKind,
    pub endpointing: EndpointingSettings,
    pub escalation: EscalationSettings,
    /// Observe how the customer sounds; `None`: not at all.
    pub acoustic: Option<AcousticSettings>,
    /// An alert nobody acknowledges, snoozes or dismisses for so long (media clock, so also on hold) is raised higher,
    /// once. `None`: it waits.
    pub unacknowledged_ms: Option<u64>,
}

/// What a call reacts to.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// 16 kHz samples, -1 to 1, of one or more channels; `at` is the index of the first sample since the start of
    /// the call. Later than expected is a gap; what overlaps is dropped.
    Audio {
        at: u64,
        lanes: Vec<(Channel, Vec<f32>)>,
    },
    /// Nothing is heard until the next audio at `until_ms`.
    Gap {
        until_ms: u64,
    },
    /// What is being said on this channel is cut here: its stream has ended, or somebody asks for what there is.
    /// Later audio of the channel goes on as usual.
    EndChannel {
        channel: Channel,
    },
    Transcript(Transcript),
    /// An utterance somebody else transcribed.
    Utterance {
        channel: Channel,
        span: Span,
        text: String,
    },
    Hold,
    /// `t_ms` is the media clock after the hold, for platforms that send nothing meanwhile.
    Resume {
        t_ms: u64,
    },
    Consent {
        given: bool,
    },
    Facts(Facts),
    /// The parties speak this language from now on.
    Language(Lang),
    /// The call turned out to belong to another queue, whose settings count from now on. Where the customer's sound may
    /// not be observed (`observed`), that ends; where it was not from the beginning, it does not begin.
    Queue {
        escalation: Box<EscalationSettings>,
        unacknowledged_ms: Option<u64>,
        observed: bool,
    },
    /// The agent turned out to be somebody else, or became known: what their coach knows of them.
    Agent {
        habits: Box<Habits>,
        shift: Box<ShiftSoFar>,
    },
    /// Time passed without audio.
    Tick {
        t_ms: u64,
    },
    Alert {
        alert: String,
        command: AlertCommand,
        by: String,
    },
    Note {
        by: String,
        text: String,
    },
    Whisper {
        from: String,
        text: String,
    },
    Watching {
        who: String,
        on: bool,
    },
    /// The agent's answer to a prompt.
    Prompt {
        prompt: String,
        answer: Answer,
    },
    /// The agent erased what is kept of them: the coach forgets it too.
    ForgetAgent,
    /// The conversation is over; what is in flight is still awaited.
    End {
        reason: EndReason,
    },
    /// Nothing more is coming: what is unanswered is given up.
    Abandon,
}

/// What a supervisor does with an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertCommand {
    Acknowledge,
    Dismiss { reason: String },
    Snooze { minutes: u32 },
}

/// What a call asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Transcribe this and answer with [`Input::Transcript`].
    Transcribe {
        segment: u64,
        channel: Channel,
        heated: bool,
        speech: SpeechSegment,
    },
    Event(Event),
    /// Somebody began or stopped speaking at `at_ms`. Part of no log; for streams that are told of it.
    Speech {
        channel: Channel,
        speaking: bool,
        at_ms: u64,
    },
    /// A prompt was shown this long (active milliseconds) after its trigger.
    Prompted {
        waited_ms: u64,
    },
}
