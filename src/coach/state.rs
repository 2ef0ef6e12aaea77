//! The state of a call as practices see it: who said what, when, and where the complaint stands.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::CallFacts;
use super::playbook::{Complaint, Condition, Course, On, Rulebook, Seen};
use super::slots::{self, Slots};
use crate::language::facts::{Fact, FactKind, facts, opening_name};
use crate::terms::{Band, Channel, Cue, CueKind, Lang, Span};

/// What opens a complaint.
const GRIEVANCE: &[CueKind] = &[
    CueKind::Anger,
    CueKind::Dissatisfaction,
    CueKind::Insult,
    CueKind::RepeatContact,
    CueKind::LongWait,
    CueKind::ChurnThreat,
    CueKind::LegalThreat,
    CueKind::PublicityThreat,
    CueKind::SupervisorRequest,
    CueKind::Shouting,
];

/// What of it is a failure of the company's.
const FAILURE: &[CueKind] = &[CueKind::Dissatisfaction, CueKind::RepeatContact, CueKind::LongWait];

/// What the agent can do about it.
const MET: &[CueKind] = &[CueKind::Apology, CueKind::SpecificEmpathy];
/// What is only said to a complaint, so that there is one though its words were not made out.
const ANSWERS: &[CueKind] = &[CueKind::Justification, CueKind::BlameCustomer, CueKind::GenericEmpathy];
const SETTLES: &[CueKind] = &[CueKind::SolutionOffer, CueKind::CallbackOffer, CueKind::NextStep];

/// What shows that the customer is content.
const CONTENT: &[CueKind] = &[CueKind::Gratitude, CueKind::Relief, CueKind::Praise, CueKind::ApologyAccepted];

/// Levels older than this say nothing about the course.
const COURSE_MS: u64 = 60_000;
/// Smallest change of the level (0 to 100) that is a course.
const COURSE_LEVEL: u8 = 5;
/// Overlaps count for this long.
const OVERLAP_MEMORY_MS: u64 = 60_000;
/// Words that are cut off tell of the overlap that was heard so long before they were understood, at most.
const SAME_OVERLAP_MS: u64 = 15_000;
/// A shorter overlap is a "mhm", not an interruption.
pub const OVERLAP_MIN_MS: u64 = 700;
/// The agent's share says nothing before this much was spoken.
const SHARE_MIN_MS: u64 = 15_000;
/// More entries than this are not kept.
const MEMORY: usize = 64;

/// One utterance with what was found in it.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    pub channel: Channel,
    pub span: Span,
    pub lang: Lang,
    pub text: &'a str,
    /// The words in lower case, for word lists.
    pub lower: String,
    pub cues: &'a [Cue],
    pub severity: Option<u8>,
    /// Looked for when somebody asks.
    facts: OnceCell<Vec<Fact>>,
    /// What is seen of the lists of words, looked for when somebody asks.
    seen: OnceCell<Option<Seen>>,
}

impl<'a> Said<'a> {
    pub fn new(lang: Lang, channel: Channel, span: Span, text: &'a str, cues: &'a [Cue], severity: Option<u8>) -> Self {
        let (facts, seen) = (OnceCell::new(), OnceCell::new());
        Self { channel, span, lang, text, lower: text.to_lowercase(), cues, severity, facts, seen }
    }

    /// Whether a named list of words is found in it.
    pub fn holds_words(&self, rules: &Rulebook, name: &str) -> bool {
        let seen = self.seen.get_or_init(|| rules.look(self.lang, &self.lower));
        seen.as_ref().is_some_and(|seen| rules.found(self.lang, name, seen, &self.lower))
    }

    /// The facts that may be said back. Who of the two said it is not known on a mixed channel: none.
    pub fn facts(&self) -> &[Fact] {
        self.facts.get_or_init(|| {
            if self.channel == Channel::Mixed {
                return Vec::new();
            }
            let mut facts = facts(self.lang, self.text);
            facts.retain(|fact| fact.kind != FactKind::What || !slots::is_place(self.lang, self.text, fact.start));
            facts
        })
    }

    /// Points that its cues add to the level together.
    fn weight(&self) -> f32 {
        self.cues.iter().map(|cue| cue.weight).sum()
    }

    pub fn has(&self, kinds: &[CueKind]) -> bool {
        self.cues.iter().any(|cue| kinds.contains(&cue.kind))
    }
}

/// What happened just now.
#[derive(Debug, Clone, Copy)]
pub enum Moment<'a> {
    Start,
    Said(&'a Said<'a>),
    Silence {
        silent_ms: u64,
    },
    Overlap,
    Resumed {
        held_ms: u64,
    },
    Ended,
    /// Nothing: whether a condition still holds.
    Still,
}

impl Moment<'_> {
    /// What triggers are asked about; none at [`Moment::Still`].
    pub fn on(self) -> Option<On> {
        match self {
            Self::Start => Some(On::Start),
            Self::Said(said) if said.channel == Channel::Agent => Some(On::Agent),
            Self::Said(_) => Some(On::Customer),
            Self::Silence { .. } => Some(On::Silence),
            Self::Overlap => Some(On::Overlap),
            Self::Resumed { .. } => Some(On::Resumed),
            Self::Ended => Some(On::Ended),
            Self::Still => None,
        }
    }
}

/// Plain state, changed by [`CallState::hear`] and the setters.
#[derive(Debug, Clone, Default)]
pub struct CallState {
    pub slots: Slots,
    pub facts: CallFacts,
    pub level: u8,
    pub band: Band,
    pub peak: Band,
    /// The level has just fallen out of the heat.
    pub eased: bool,
    levels: VecDeque<(u64, u8)>,
    heard: BTreeMap<CueKind, u64>,
    /// What of it was there before the latest utterance.
    earlier: BTreeSet<CueKind>,
    /// What was heard in the latest turn of the agent, and of the customer.
    agent_turn: BTreeSet<CueKind>,
    customer_turn: BTreeSet<CueKind>,
    heard_words: BTreeSet<String>,
    grievance: Option<Grievance>,
    content: bool,
    /// The customer was upset at least a little, at some time.
    upset: bool,
    /// The agent's first words in lower case: the name in them is the agent's.
    greeting: String,
    agent_utterances: u32,
    last_speaker: Option<Channel>,
    /// The latest utterance in lower case, for what is asked in a silence.
    last_words: String,
    /// It was the customer's, and the agent has just gone on where it was cut off.
    pub cut_in: bool,
    /// The agent's speech since the customer's last words.
    agent_run_ms: u64,
    /// Silence before the latest utterance.
    pause_ms: u64,
    last_end_ms: Option<u64>,
    overlaps: VecDeque<u64>,
}

#[derive(Debug, Clone, Default)]
struct Grievance {
    failure: bool,
    met: bool,
    settled: bool,
    agent_turns: u32,
    agent_ms: u64,
    customer_ms: u64,
}

impl CallState {
    /// Whether nobody has said anything yet.
    pub fn is_silent(&self) -> bool {
        self.last_speaker.is_none()
    }

    /// Whether somebody else spoke before.
    pub fn is_turn(&self, channel: Channel) -> bool {
        self.last_speaker != Some(channel)
    }

    /// Takes in an utterance that ended at or before `now_ms`.
    pub fn hear(&mut self, now_ms: u64, said: &Said<'_>, level: u8, band: Band) {
        self.level = level;
        self.band = band;
        self.peak = self.peak.max(band);
        let turn = self.is_turn(said.channel);
        self.cut_in = said.channel == Channel::Agent
            && self.last_speaker == Some(Channel::Customer)
            && is_cut_off(&self.last_words)
            && self.overlaps.back().is_none_or(|at| now_ms.saturating_sub(*at) >= SAME_OVERLAP_MS);
        if self.cut_in {
            self.overlap(now_ms);
        }
        self.last_speaker = Some(said.channel);
        self.last_words.clone_from(&said.lower);
        self.pause_ms = self.last_end_ms.map_or(0, |end| said.span.start_ms.saturating_sub(end));
        self.last_end_ms = self.last_end_ms.max(Some(said.span.end_ms));
        self.earlier.extend(self.heard.keys());
        let kinds = || said.cues.iter().map(|cue| cue.kind);
        self.heard.extend(kinds().map(|kind| (kind, now_ms)));
        let own_turn = match said.channel {
            Channel::Agent => &mut self.agent_turn,
            Channel::Customer | Channel::Mixed => &mut self.customer_turn,
        };
        if turn {
            own_turn.clear();
        }
        own_turn.extend(kinds());
        match said.channel {
            Channel::Agent => self.hear_agent(said, turn),
            Channel::Customer | Channel::Mixed => self.hear_customer(now_ms, said),
        }
    }

    /// Remembers which of the word lists that practices look back for were heard, and whether a failure was told in plain
    /// words.
    pub fn hear_words(&mut self, said: &Said<'_>, rules: &Rulebook) {
        let opens = |name: &String| said.holds_words(rules, name);
        let told = || rules.settings.opens_complaint.iter().any(opens);
        if said.channel != Channel::Agent && !said.has(CONTENT) && told() {
            self.complain(true);
        }
        for name in &rules.remembered {
            if !self.heard_words.contains(name) && said.holds_words(rules, name) {
                self.heard_words.insert(name.clone());
            }
        }
    }

    fn hear_agent(&mut self, said: &Said<'_>, turn: bool) {
        if self.agent_utterances == 0 {
            self.greeting.clone_from(&said.lower);
        } else if self.upset && self.grievance.is_none() && said.has(ANSWERS) && !said.has(&[CueKind::Question]) {
            self.complain(false);
        }
        // What is said in a row is one: a recogniser cuts a greeting in two where somebody breathes.
        self.agent_utterances += u32::from(turn);
        self.agent_run_ms += said.span.duration_ms();
        if let Some(grievance) = &mut self.grievance {
            grievance.agent_turns += u32::from(turn);
            grievance.agent_ms += said.span.duration_ms();
            grievance.met |= said.has(MET);
            grievance.settled |= said.has(SETTLES);
        }
    }

    fn hear_customer(&mut self, now_ms: u64, said: &Said<'_>) {
        self.agent_run_ms = 0;
        self.levels.push_back((now_ms, self.level));
        if self.levels.len() > MEMORY {
            self.levels.pop_front();
        }
        let trouble = said.facts().iter().any(|fact| fact.kind == FactKind::Problem);
        let grieves = said.has(GRIEVANCE) || said.severity.is_some_and(|severity| severity >= 2);
        let agents_name = |fact: &Fact| {
            let surname = fact.slots.iter().find(|(slot, _)| *slot == "surname");
            fact.kind == FactKind::Name && surname.is_some_and(|(_, name)| names(&self.greeting, name))
        };
        let mut facts = Cow::Borrowed(said.facts());
        let first = self.levels.len() == 1 && said.channel == Channel::Customer;
        if first && facts.iter().all(|fact| fact.kind != FactKind::Name) {
            facts.to_mut().extend(opening_name(said.lang, said.text));
        }
        if facts.iter().any(agents_name) {
            facts.to_mut().retain(|fact| !agents_name(fact));
        }
        self.slots.hear(&facts, grieves || trouble);
        let upset = said.severity.is_some_and(|severity| severity >= 1);
        self.upset |= upset;
        if grieves || (trouble && upset) {
            self.complain(trouble || said.has(FAILURE));
        } else if said.has(CONTENT) && said.severity.is_none_or(|severity| severity == 0) {
            self.content = true;
        }
        if let Some(grievance) = &mut self.grievance {
            grievance.customer_ms += said.span.duration_ms();
            grievance.failure |= trouble;
        }
    }

    /// A complaint is made, or made again.
    fn complain(&mut self, failure: bool) {
        // What was settled is over; this is a new one.
        if self.complaint() == Complaint::Resolved {
            self.grievance = None;
        }
        self.content = false;
        self.grievance.get_or_insert_default().failure |= failure;
    }

    /// Notes a cue that was found otherwise than in the cues of an utterance.
    pub fn note(&mut self, kind: CueKind, now_ms: u64) {
        self.heard.insert(kind, now_ms);
        if let Some(grievance) = &mut self.grievance {
            grievance.met |= MET.contains(&kind);
        }
    }

    /// Whether the words (in lower case) hold the customer's name, also one that only the customer has told.
    pub fn names_customer(&self, lower: &str) -> bool {
        self.slots.get("surname").is_some_and(|surname| names(lower, surname))
    }

    pub fn overlap(&mut self, now_ms: u64) {
        self.overlaps.push_back(now_ms);
        if self.overlaps.len() > MEMORY {
            self.overlaps.pop_front();
        }
    }

    pub fn complaint(&self) -> Complaint {
        match &self.grievance {
            None => Complaint::None,
            Some(grievance) if grievance.settled && self.content => Complaint::Resolved,
            Some(grievance) if grievance.met || grievance.settled => Complaint::Answered,
            Some(_) => Complaint::Open,
        }
    }

    pub fn course(&self, now_ms: u64) -> Course {
        let recent = || self.levels.iter().filter(|(at, _)| now_ms.saturating_sub(*at) <= COURSE_MS).map(|(_, l)| *l);
        if recent().rev().nth(1).is_some_and(|before| self.level >= before.saturating_add(COURSE_LEVEL)) {
            Course::Rising
        } else if recent().any(|before| before >= self.level.saturating_add(COURSE_LEVEL)) {
            Course::Falling
        } else {
            Course::Steady
        }
    }

    /// The latest of some cues and when it was heard.
    pub fn latest(&self, kinds: &[CueKind]) -> Option<(CueKind, u64)> {
        let times = kinds.iter().filter_map(|kind| self.heard.get(kind).map(|at| (*kind, *at)));
        times.max_by_key(|(_, at)| *at)
    }

    fn agent_share(&self) -> Option<u8> {
        let grievance = self.grievance.as_ref()?;
        let all = grievance.agent_ms + grievance.customer_ms;
        (all >= SHARE_MIN_MS).then(|| u8::try_from(grievance.agent_ms * 100 / all).unwrap_or(100))
    }

    /// Whether a condition holds at this moment.
    pub fn holds(&self, condition: &Condition, moment: Moment<'_>, now_ms: u64, rules: &Rulebook, lang: Lang) -> bool {
        let said = match moment {
            Moment::Said(said) => Some(said),
            _ => None,
        };
        let within = |kind: &CueKind| {
            self.heard.get(kind).is_some_and(|at| {
                condition.within_s.is_none_or(|within_s| now_ms.saturating_sub(*at) <= within_s.saturating_mul(1000))
            })
        };
        let seen_before = OnceCell::new();
        let listed = |name: &String| match moment {
            Moment::Said(said) => said.holds_words(rules, name),
            // In a silence the words are those before it.
            Moment::Silence { .. } => {
                let seen = seen_before.get_or_init(|| rules.look(lang, &self.last_words));
                seen.as_ref().is_some_and(|seen| rules.found(lang, name, seen, &self.last_words))
            }
            _ => false,
        };
        let at_least = |least: Option<u32>, value: u32| least.is_none_or(|least| value >= least);
        let answered = match said {
            Some(said) if said.channel == Channel::Agent => &self.customer_turn,
            _ => &self.agent_turn,
        };
        let answers = |kinds: &[CueKind]| said.is_some() && kinds.iter().any(|kind| answered.contains(kind));
        let grievance = self.grievance.as_ref();
        on(condition, moment)
            && (condition.cues.is_empty() || said.is_some_and(|said| said.has(&condition.cues)))
            && !said.is_some_and(|said| said.has(&condition.without))
            && (condition.heard.is_empty() || condition.heard.iter().any(within))
            && !condition.not_heard.iter().any(within)
            && (condition.answers.is_empty() || answers(&condition.answers))
            && !answers(&condition.answers_without)
            && (condition.earlier.is_empty() || condition.earlier.iter().any(|kind| self.earlier.contains(kind)))
            && (condition.heard_words.is_empty()
                || condition.heard_words.iter().any(|name| self.heard_words.contains(name)))
            && (condition.facts.is_empty()
                || said.is_some_and(|said| said.facts().iter().any(|fact| condition.facts.contains(&fact.kind))))
            && (condition.bands.is_empty() || condition.bands.contains(&self.band))
            && condition.course.is_none_or(|course| self.course(now_ms) == course)
            && condition.severity_min.is_none_or(|least| said.and_then(|said| said.severity) >= Some(least))
            && condition.severity_max.is_none_or(|most| said.and_then(|said| said.severity).unwrap_or(0) <= most)
            && (condition.complaint.is_empty() || condition.complaint.contains(&self.complaint()))
            && condition.failure.is_none_or(|failure| grievance.is_some_and(|g| g.failure) == failure)
            && condition.weight_min.is_none_or(|least| said.is_some_and(|said| said.weight() >= least as f32))
            && condition.eased.is_none_or(|eased| self.eased == eased)
            && condition.agent_turns_min.is_none_or(|least| grievance.is_some_and(|g| g.agent_turns >= least))
            && condition.last_speaker.is_none_or(|speaker| self.last_speaker == Some(speaker))
            && condition.agent_turns_max.is_none_or(|most| grievance.is_none_or(|g| g.agent_turns <= most))
            && condition.agent_run_s_min.is_none_or(|least| self.agent_run_ms >= least.saturating_mul(1000))
            && condition.pause_s_min.is_none_or(|least| said.is_some() && self.pause_ms >= least.saturating_mul(1000))
            && condition.spoken_s_min.is_none_or(|least| {
                said.is_some_and(|said| said.span.duration_ms() >= least.saturating_mul(1000))
            })
            && at_least(condition.agent_utterances_min, self.agent_utterances)
            && condition.agent_utterances_max.is_none_or(|most| self.agent_utterances <= most)
            && condition.wait_s_min.is_none_or(|least| self.facts.wait_s >= Some(least))
            && condition.overlaps_min.is_none_or(|least| {
                let recent = |at: &&u64| now_ms.saturating_sub(**at) <= OVERLAP_MEMORY_MS;
                self.overlaps.iter().filter(recent).count() >= least as usize
            })
            && condition.agent_share_min.is_none_or(|least| self.agent_share() >= Some(least))
            && condition.shift_h_min.is_none_or(|least| {
                self.facts.shift_before_call_ms.is_some_and(|before| before + now_ms >= least.saturating_mul(3_600_000))
            })
            && at_least(condition.hard_calls_min, self.facts.shift.hard_calls + u32::from(self.peak >= Band::Heated))
            && condition.after_hard_call.is_none_or(|after| self.facts.shift.last_was_hard == after)
            && condition.peak_min.is_none_or(|least| self.peak >= least)
            && condition.slots.iter().all(|slot| self.slots.get(slot).is_some())
            && condition.metadata.iter().all(|(key, value)| self.facts.metadata.get(key) == Some(value))
            // Last, since looking for words takes longest.
            && (condition.words.is_empty() || condition.words.iter().any(listed))
            && !condition.without_words.iter().any(listed)
    }
}

/// Whether words in lower case hold a surname.
fn names(lower: &str, surname: &str) -> bool {
    let surname = surname.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).any(|word| surname.split([' ', '-']).next_back() == Some(word))
}

/// Whether a condition is asked at this moment.
/// Whether a sentence breaks off, as recognisers and people write it.
fn is_cut_off(words: &str) -> bool {
    ["–", "—", " -", "…", "..."].iter().any(|end| words.trim_end().ends_with(end))
}

fn on(condition: &Condition, moment: Moment<'_>) -> bool {
    match (condition.on, moment) {
        (None, _)
        | (Some(On::Start), Moment::Start)
        | (Some(On::Overlap), Moment::Overlap)
        | (Some(On::Ended), Moment::Ended) => true,
        (Some(On::Customer), Moment::Said(said)) => said.channel != Channel::Agent,
        (Some(On::Agent), Moment::Said(said)) => said.channel == Channel::Agent,
        (Some(On::Silence), Moment::Silence { silent_ms }) => {
            condition.silence_s.is_some_and(|least| silent_ms >= least.saturating_mul(1000))
        }
        (Some(On::Resumed), Moment::Resumed { held_ms }) => {
            condition.held_s_min.is_none_or(|least| held_ms >= least.saturating_mul(1000))
        }
        _ => false,
    }
}
