//! Practices as data: the [`Playbook`], read from TOML, checked, layered per queue.
//!
//! A playbook is a list of files. The first ones are shipped (`models/playbook`): `practices.toml` holds the
//! triggers and limits, `de.toml` and `en.toml` the words. Later files may add, change or switch off practices,
//! for all queues or for some. `docs/playbook.md` teaches writing one.

pub mod banned;
mod check;
mod source;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::language::facts::FactKind;
use crate::terms::{AlertKind, Band, Channel, CueKind, Lang};

pub use check::SUGGESTING;
pub use words::{Pattern, Seen, WordLists};

/// Names and texts of the shipped files.
pub const EMBEDDED: &[(&str, &str)] = &[
    ("practices.toml", include_str!("../../models/playbook/practices.toml")),
    ("de.toml", include_str!("../../models/playbook/de.toml")),
    ("en.toml", include_str!("../../models/playbook/en.toml")),
];

/// A mistake in a playbook file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}; {remedy}")]
pub struct PlaybookError {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// All practices in force, for every queue.
#[derive(Debug, Clone)]
pub struct Playbook {
    hash: String,
    everywhere: Arc<Rulebook>,
    queues: BTreeMap<String, Arc<Rulebook>>,
}

impl Playbook {
    /// The shipped playbook. Its files are checked in the tests, so the error concerns developers only.
    pub fn embedded() -> Result<Self, Vec<PlaybookError>> {
        Self::load(EMBEDDED)
    }

    /// Reads files in order, each given as (name for messages, text); later ones change earlier ones. All mistakes
    /// of all files are reported at once.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<PlaybookError>> {
        let mut errors = Vec::new();
        let files: Vec<source::File> =
            files.iter().filter_map(|(name, text)| source::read(name, text).map_err(|e| errors.push(e)).ok()).collect();
        // What a file that cannot be read would have held is not missing besides.
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut queues: Vec<&String> = files.iter().flat_map(|file| &file.raw.queues).collect();
        queues.sort();
        queues.dedup();
        let everywhere = Rulebook::layered(&files, None, &mut errors);
        let queues: BTreeMap<String, Arc<Rulebook>> = queues
            .into_iter()
            .map(|queue| (queue.clone(), Arc::new(Rulebook::layered(&files, Some(queue), &mut errors))))
            .collect();
        if errors.is_empty() {
            let mut digest = Sha256::new();
            for file in &files {
                digest.update(file.text.as_bytes());
                digest.update([0]);
            }
            let hash = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            return Ok(Self { hash, everywhere: Arc::new(everywhere), queues });
        }
        // A mistake in a file for all queues is found once per queue.
        errors.sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
        errors.dedup();
        Err(errors)
    }

    /// First 16 hexadecimal digits of the SHA-256 over all files in force.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The practices for calls of a queue.
    pub fn for_queue(&self, queue: Option<&str>) -> &Arc<Rulebook> {
        queue.and_then(|queue| self.queues.get(queue)).unwrap_or(&self.everywhere)
    }
}

/// The practices of one queue.
#[derive(Debug, Clone, Default)]
pub struct Rulebook {
    pub settings: Settings,
    pub practices: Vec<Practice>,
    /// Practices whose phrases go with an alert, best first.
    pub alerts: BTreeMap<AlertKind, Vec<String>>,
    pub words: BTreeMap<Lang, WordLists>,
    /// Names of the lists that some practice looks back for: only these are remembered.
    pub remembered: BTreeSet<String>,
    /// How to name a cue in a sentence ("Ihrer Entschuldigung", after *nach*).
    pub labels: BTreeMap<(Lang, String), String>,
    /// Values for slots that the customer of this program configured: `{circle}`.
    pub configured: BTreeMap<(Lang, String), String>,
    pub gestures: Vec<Gesture>,
    /// By what happened, the practices with a trigger for it, in order.
    triggered: BTreeMap<On, Vec<usize>>,
    /// Practices that may be suggested to the supervisor, in order.
    pub suggesting: Vec<usize>,
}

impl Rulebook {
    /// The practices that are asked when this happens, in order.
    pub fn triggered(&self, on: Option<On>) -> &[usize] {
        on.and_then(|on| self.triggered.get(&on)).map_or(&[], Vec::as_slice)
    }

    /// Notes which practices are asked when, once all are known.
    fn index(&mut self) {
        for (at, practice) in self.practices.iter().enumerate() {
            for on in On::ALL {
                if practice.when.iter().any(|when| when.on.is_none_or(|asked| asked == on)) {
                    self.triggered.entry(on).or_default().push(at);
                }
            }
            if !practice.suggest.is_empty() {
                self.suggesting.push(at);
            }
        }
    }

    /// The number of a named list of words.
    pub fn words(&self, lang: Lang, name: &str) -> Option<usize> {
        self.words.get(&lang)?.number(name)
    }

    /// What is to be seen of the lists of words in a text in lower case.
    pub fn look(&self, lang: Lang, lower: &str) -> Option<Seen> {
        Some(self.words.get(&lang)?.look(lower))
    }

    /// Whether a named list of words is found in a text in lower case, in which `seen` was seen.
    pub fn found(&self, lang: Lang, name: &str, seen: &Seen, lower: &str) -> bool {
        self.words.get(&lang).is_some_and(|lists| lists.number(name).is_some_and(|list| lists.found(list, seen, lower)))
    }
}

/// Pace of the prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Least time between two prompts; danger is excepted.
    pub gap_ms: u64,
    /// Most prompts in a call; danger is excepted.
    pub budget: u32,
    /// How long a prompt stays on the screen.
    pub show_ms: u64,
    /// How long a trigger waits for its moment.
    pub wait_ms: u64,
    /// Rest of a group after one of its practices was shown.
    pub group_rest_ms: u64,
    /// From this fall of the level (0 to 100) on, something helped.
    pub relief_level: u8,
    /// Least time between two good moments.
    pub moment_gap_ms: u64,
    /// Names of the lists of words that tell a failure: from the customer they open a complaint, however calmly said.
    pub opens_complaint: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            gap_ms: 20_000,
            budget: 12,
            show_ms: 15_000,
            wait_ms: 8_000,
            group_rest_ms: 30_000,
            relief_level: 20,
            moment_gap_ms: 60_000,
            opens_complaint: Vec::new(),
        }
    }
}

/// How urgent a practice is; earlier ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// Somebody is in danger: at once, beyond pace and budget.
    Safety,
    /// Apology and empathy.
    Care,
    Wording,
    Name,
    #[default]
    Rest,
}

/// Where a practice speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// On the agent's screen during the call.
    #[default]
    Prompt,
    /// In the agent's log as a good moment; no advice.
    Moment,
    /// To the agent after the call.
    Between,
    /// On the card at the end of the shift.
    Card,
}

/// When a triggered practice may first appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// In the next pause of the agent.
    #[default]
    Now,
    /// After the agent's next words, if these did not do it already.
    AfterReply,
    /// Only before the agent answers; then it is too late.
    BeforeReply,
}

/// One practice, complete.
#[derive(Debug, Clone, Default)]
pub struct Practice {
    pub id: String,
    pub title: String,
    pub rank: Rank,
    pub show: Show,
    pub timing: Timing,
    /// Practices of a group are not shown one after the other.
    pub group: Option<String>,
    /// Triggers; one is enough.
    pub when: Vec<Condition>,
    /// One of these forbids the prompt, and takes a shown one away.
    pub unless: Vec<Condition>,
    /// Triggers of the suggestion to the supervisor: the customer's words alone.
    pub suggest: Vec<Condition>,
    /// Agent's cues that mean the advice was followed.
    pub done_by: Vec<CueKind>,
    /// Agent's cues that live the practice, asked for or not.
    pub lived_by: Vec<CueKind>,
    pub per_call: u32,
    pub not_within_ms: u64,
    pub wait_ms: u64,
    pub show_ms: u64,
    pub say: BTreeMap<Lang, Vec<Phrase>>,
    /// Phrases for the supervisor where they differ.
    pub say_supervisor: BTreeMap<Lang, Vec<Phrase>>,
}

/// What a trigger is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// The call begins.
    Start,
    /// The customer said something.
    Customer,
    /// The agent said something.
    Agent,
    /// Nobody speaks, for `silence_s`.
    Silence,
    /// The agent began to speak into the customer's words.
    Overlap,
    /// A hold ended.
    Resumed,
    /// The call ended.
    Ended,
}

impl On {
    const ALL: [Self; 7] =
        [Self::Start, Self::Customer, Self::Agent, Self::Silence, Self::Overlap, Self::Resumed, Self::Ended];
}

/// Where the complaint of a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complaint {
    None,
    /// Made, and met by no apology, empathy or solution yet.
    Open,
    /// Met, not settled.
    Answered,
    /// The customer is content with the answer.
    Resolved,
}

/// Where the level is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    Rising,
    Steady,
    Falling,
}

/// A condition over the state of the call: all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Condition {
    /// Asked for triggers only.
    pub on: Option<On>,
    /// One of these in this utterance.
    pub cues: Vec<CueKind>,
    /// None of these in this utterance.
    pub without: Vec<CueKind>,
    /// One of these so far, or within `within_s`.
    pub heard: Vec<CueKind>,
    /// None of these so far, or within `within_s`.
    pub not_heard: Vec<CueKind>,
    /// One of these in the latest turn of the other speaker, which this utterance answers.
    pub answers: Vec<CueKind>,
    /// None of these in it.
    pub answers_without: Vec<CueKind>,
    /// One of these in the call before this utterance.
    pub earlier: Vec<CueKind>,
    /// Seconds back from now for `heard` and `not_heard`.
    pub within_s: Option<u64>,
    /// Named lists of words, one of them found in this utterance; in a silence, in the one before it.
    pub words: Vec<String>,
    /// Named lists of words, none of them found in this utterance.
    pub without_words: Vec<String>,
    /// Named lists of words, one of them found in some utterance so far.
    pub heard_words: Vec<String>,
    /// One of these facts in this utterance.
    pub facts: Vec<FactKind>,
    /// Who spoke last, this utterance included.
    pub last_speaker: Option<Channel>,
    pub bands: Vec<Band>,
    pub course: Option<Course>,
    /// Severity of this customer utterance.
    pub severity_min: Option<u8>,
    pub severity_max: Option<u8>,
    /// Points that the cues of this utterance add to the level together.
    pub weight_min: Option<u32>,
    pub complaint: Vec<Complaint>,
    /// The customer reported a failure the company should be sorry for.
    pub failure: Option<bool>,
    /// The level has just fallen out of the heat.
    pub eased: Option<bool>,
    /// The agent's turns since the complaint was made.
    pub agent_turns_min: Option<u32>,
    pub agent_turns_max: Option<u32>,
    /// The agent has spoken for so long, in seconds, since the customer's last words.
    pub agent_run_s_min: Option<u64>,
    /// Nobody had spoken for so long, in seconds, before this utterance began.
    pub pause_s_min: Option<u64>,
    /// Length of this utterance, in seconds.
    pub spoken_s_min: Option<u64>,
    /// Times the agent has spoken so far; what is said in a row is one.
    pub agent_utterances_min: Option<u32>,
    pub agent_utterances_max: Option<u32>,
    /// Time the customer waited before the call.
    pub wait_s_min: Option<u64>,
    /// Length of the hold that ended.
    pub held_s_min: Option<u64>,
    pub silence_s: Option<u64>,
    /// The agent's starts into the customer's words, within the last minute.
    pub overlaps_min: Option<u32>,
    /// Share of the agent in the words since the complaint, percent.
    pub agent_share_min: Option<u8>,
    /// Length of the shift, hours.
    pub shift_h_min: Option<u64>,
    /// Hard calls of this shift, this one included.
    pub hard_calls_min: Option<u32>,
    /// Whether the call before this one was a hard one.
    pub after_hard_call: Option<bool>,
    /// This call's highest band so far, at least.
    pub peak_min: Option<Band>,
    /// Slots that must be filled.
    pub slots: Vec<String>,
    /// Facts from the phone system, each with its value.
    pub metadata: BTreeMap<String, String>,
}

/// A gesture of goodwill that may be named; nothing else ever is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gesture {
    /// What the customer must have reported; empty: a small courtesy after a good ending.
    #[serde(default)]
    pub cues: Vec<CueKind>,
    /// The gesture as the object of *anbieten* and *offer*: "einen Gutschein über zehn Euro".
    pub de: Option<String>,
    pub en: Option<String>,
    #[serde(default)]
    pub needs_approval: bool,
    /// A courtesy is offered in every n-th call of a shift.
    #[serde(default = "one")]
    pub every: u32,
}

fn one() -> u32 {
    1
}

/// One phrasing.
#[derive(Debug, Clone, PartialEq)]
pub struct Phrase {
    pub parts: Vec<Part>,
    /// If given, only after one of these cues (or an alert of that kind), and then before general phrasings.
    pub cues: Vec<CueKind>,
    /// Slots that must be empty: nobody is asked for what they have said.
    pub missing: Vec<String>,
}

impl Phrase {
    /// Whether it has no slots: what it says was checked when it was loaded.
    pub fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }
}

/// A piece of a phrasing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Slot {
        name: String,
        /// Begins a sentence.
        capital: bool,
    },
}

#[cfg(test)]
mod tests;
