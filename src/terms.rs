//! The words with one meaning that every room of the house shares.
//!
//! *channel*: audio of one party. *segment*: what voice activity cut out. *utterance*: a transcribed
//! segment. *turn*: utterances of one party until the other speaks. *severity*: of one utterance.
//! *level*: of the call now. *band*: the level as one of four words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sample rate of all audio inside the program, in hertz. Whisper and the voice activity detectors
/// were trained on it.
pub const SAMPLE_RATE: u32 = 16_000;

/// Samples per millisecond at [`SAMPLE_RATE`].
pub const SAMPLES_PER_MS: u64 = SAMPLE_RATE as u64 / 1000;

/// The party a channel of audio carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Customer,
    Agent,
    /// Both parties on one channel: refused unless configured; only threats and danger alert.
    Mixed,
}

impl Channel {
    /// The name used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::Mixed => "mixed",
        }
    }
}

/// A spoken language the program understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lang {
    #[default]
    De,
    En,
}

impl Lang {
    /// ISO 639-1 code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }

    /// From a language tag (`de`, `de-AT`, `en_GB`); `None` if the language is neither German nor English.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") {
            Some(Self::De)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }
}

/// A stretch of a call in milliseconds since its start, `start_ms <= end_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    pub start_ms: u64,
    pub end_ms: u64,
}

impl Span {
    pub fn new(start_ms: u64, end_ms: u64) -> Self {
        Self { start_ms, end_ms: end_ms.max(start_ms) }
    }

    pub fn duration_ms(self) -> u64 {
        self.end_ms.saturating_sub(self.start_ms)
    }
}

/// The two clocks at one moment; the core is told the time and never asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Media clock: milliseconds since the start of the call.
    pub t_ms: u64,
    /// Wall clock: milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: u64,
}

/// The level of a call as one of four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    #[default]
    Calm,
    Tense,
    Heated,
    Critical,
}

impl Band {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Tense => "tense",
            Self::Heated => "heated",
            Self::Critical => "critical",
        }
    }
}

macro_rules! cue_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What an utterance does, in the customer's or the agent's words.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum CueKind { $($(#[$doc])* $variant,)* }

        impl CueKind {
            pub const ALL: &[CueKind] = &[$(CueKind::$variant,)*];

            /// The name used on the wire and in data files.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The kind of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

cue_kinds! {
    /// Open or cold hostility.
    Anger = "anger",
    /// Unmet expectation, stated with blame.
    Dissatisfaction = "dissatisfaction",
    /// Degrading words at agent, staff or company.
    Insult = "insult",
    /// A swear word, also a harmless one.
    Profanity = "profanity",
    /// Praise, thanks or wit meant as reproach.
    Sarcasm = "sarcasm",
    /// Cannot be true; rhetorical astonishment.
    Disbelief = "disbelief",
    /// Not the first time about this.
    RepeatContact = "repeat_contact",
    /// A stated duration on hold or for a result.
    LongWait = "long_wait",
    /// Must be soon; an ultimatum with a date too.
    Urgency = "urgency",
    /// Will leave or cancel, as a threat.
    ChurnThreat = "churn_threat",
    /// Lawyer, court, regulator, consumer body.
    LegalThreat = "legal_threat",
    /// Press, social media, reviews.
    PublicityThreat = "publicity_threat",
    /// Wants a superior.
    SupervisorRequest = "supervisor_request",
    /// Against people or things.
    ViolenceThreat = "violence_threat",
    /// Hints too.
    SelfHarm = "self_harm",
    /// A demand shouted, or about being shouted at.
    Shouting = "shouting",
    Gratitude = "gratitude",
    Relief = "relief",
    Praise = "praise",
    /// Agrees to wait, waves a delay off.
    Patience = "patience",
    /// Takes the apology.
    ApologyAccepted = "apology_accepted",
    /// Jokes in good spirit.
    Humour = "humour",
    /// Agent makes self, role or offer small.
    SelfBelittling = "self_belittling",
    /// Stock phrase of empathy.
    GenericEmpathy = "generic_empathy",
    /// Names the customer's own situation; condolences.
    SpecificEmpathy = "specific_empathy",
    /// Says no, also "sorry, but".
    Refusal = "refusal",
    /// Sends away as not responsible.
    WrongDepartment = "wrong_department",
    /// Excuse instead of help.
    Justification = "justification",
    /// The fault lies with the customer.
    BlameCustomer = "blame_customer",
    /// Belittles the customer or customers.
    Disparaging = "disparaging",
    /// For an own or the company's fault.
    Apology = "apology",
    /// The agent thanks the customer.
    Thanks = "thanks",
    /// The customer's name as address.
    NameUsed = "name_used",
    /// Will call back.
    CallbackOffer = "callback_offer",
    /// Something that settles it.
    SolutionOffer = "solution_offer",
    /// What happens next.
    NextStep = "next_step",
    /// Asks to hold, says what is looked up.
    HoldAnnouncement = "hold_announcement",
    /// Asks for information or a decision.
    Question = "question",
}

impl CueKind {
    /// Whether the agent says it; all other kinds are the customer's.
    pub fn is_agents(self) -> bool {
        self >= Self::SelfBelittling
    }

    /// Danger to somebody: always alerts, at once, on every channel.
    pub fn is_danger(self) -> bool {
        matches!(self, Self::ViolenceThreat | Self::SelfHarm)
    }
}

/// One finding in a text.
///
/// `start` and `end` count Unicode scalar values of the text it was found in, `start <= end`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cue {
    pub kind: CueKind,
    pub start: usize,
    pub end: usize,
    /// The words between `start` and `end`.
    pub text: String,
    /// Points this finding adds to the level (relieving kinds: takes from it, below 0).
    pub weight: f32,
}

/// What an alert is about: an explicit act, or tension that keeps rising. On the wire a cue kind's name or
/// `rising_tension`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AlertKind {
    Act(CueKind),
    Trend(Trend),
}

/// Course of a call that alerts without a single act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    RisingTension,
}

impl AlertKind {
    pub const RISING_TENSION: Self = Self::Trend(Trend::RisingTension);

    /// The name used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Act(kind) => kind.as_str(),
            Self::Trend(Trend::RisingTension) => "rising_tension",
        }
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Raised,
    RaisedHigher,
    Cleared,
    Acknowledged,
    Snoozed,
    Dismissed,
}

/// What became of one segment of speech, told by the speech engine to the call it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The number the call gave the segment.
    pub segment: u64,
    pub outcome: Outcome,
}

/// The three ends a segment of speech can have.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Words were heard.
    Text {
        /// Trimmed, never empty, holds at least one letter; not yet redacted.
        text: String,
        /// Mean probability of the recognised tokens, 0 to 1.
        confidence: f32,
    },
    /// Silence, noise, or words the model is known to invent on noise.
    Nothing,
    /// Nobody listened: the call says so with an event.
    Dropped { reason: DropReason },
}

/// Why a segment was not transcribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// It waited past its deadline.
    Deadline,
    /// The queue was full and others mattered more.
    Overload,
    /// The engine failed on it.
    Failed,
    /// The server is stopping.
    ShuttingDown,
}

impl DropReason {
    /// The name used on the wire and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Overload => "overload",
            Self::Failed => "failed",
            Self::ShuttingDown => "shutting_down",
        }
    }
}
