//! Practices of good service as a whisper at the right moment.
//!
//! [`Coach`] takes in what happens in one call and gives out prompts and moments for the agent, and suggestions for
//! the supervisor. The practices are data ([`playbook`]); the code knows none of them by name. What the agent's own
//! words or omissions call for goes to the agent alone; nothing here describes the agent's feelings or marks them.
//!
//! All times are active milliseconds of the call (media clock less holds) and never run backwards.

pub mod habits;
mod interface;
pub mod playbook;
mod screen;
pub mod shift;
pub mod slots;
mod state;
mod suggest;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::terms::{AlertKind, Band, Channel, CueKind, Lang, Span};

pub use habits::Habits;
pub use interface::{Answer, CallFacts, CoachOutput, PromptState, Utterance};
use playbook::{Playbook, Rulebook, Show};
use screen::{Change, Floor, Scene, Screen};
pub use shift::ShiftSoFar;
use state::{CallState, Moment, OVERLAP_MIN_MS, Said};

/// Shorter waits in the queue are not spoken of, seconds.
const WAIT_MIN_S: u64 = 120;

/// Voice activity and utterance may disagree by so much about when somebody stopped speaking.
const SAME_WORDS_MS: u64 = 1_000;

/// Most suggestions for one alert.
const SUGGESTIONS_PER_ALERT: usize = 3;

/// The coach as its screen sees it: a macro, since the screen itself is borrowed at the same time.
macro_rules! scene {
    ($coach:expr) => {
        Scene {
            rules: &$coach.rules,
            slots: &$coach.state.slots,
            lang: $coach.lang,
            habits: &$coach.habits,
            floor: $coach.floor,
            variation: $coach.state.facts.turn(),
            told_ms: 0,
        }
    };
}
use scene;

/// The coach of one call.
#[derive(Debug, Clone)]
pub struct Coach {
    rules: Arc<Rulebook>,
    lang: Lang,
    habits: Habits,
    state: CallState,
    screen: Screen,
    floor: Floor,
    /// Voice activity is reported; else speech is known only from utterances.
    live: bool,
    /// Nobody has spoken since.
    silent_since_ms: Option<u64>,
    /// Silences already acted on, in seconds.
    silence_done_s: u64,
    customer_since_ms: u64,
    overlap_since_ms: Option<u64>,
    /// Practices the agent followed, or lived unasked.
    lived: BTreeSet<usize>,
    /// Ids of those that are not among the practices any more.
    lived_elsewhere: Vec<String>,
    /// What helped whenever the tension fell.
    helped: Vec<CueKind>,
    suggested: BTreeMap<usize, u64>,
    phrases_suggested: BTreeMap<usize, BTreeMap<usize, u32>>,
    next_suggestion: u64,
    last_moment_ms: Option<u64>,
    /// Highest level since the last relief.
    peak_level: u8,
    peak_band: Band,
    ended: bool,
}

impl Coach {
    /// A coach for one call, and what it says at its start.
    pub fn new(playbook: &Playbook, lang: Lang, facts: CallFacts, habits: Habits) -> (Self, Vec<CoachOutput>) {
        let rules = Arc::clone(playbook.for_queue(facts.queue.as_deref()));
        let mut coach = Self {
            rules,
            lang,
            habits,
            state: CallState::default(),
            screen: Screen::default(),
            floor: Floor::default(),
            live: false,
            silent_since_ms: None,
            silence_done_s: 0,
            customer_since_ms: 0,
            overlap_since_ms: None,
            lived: BTreeSet::new(),
            lived_elsewhere: Vec::new(),
            helped: Vec::new(),
            suggested: BTreeMap::new(),
            phrases_suggested: BTreeMap::new(),
            next_suggestion: 0,
            last_moment_ms: None,
            peak_level: 0,
            peak_band: Band::Calm,
            ended: false,
        };
        for ((of, name), value) in &coach.rules.configured {
            if *of == lang && name == "circle" {
                coach.state.slots.set("circle", value.clone());
            }
        }
        coach.know(facts);
        let mut out = Vec::new();
        coach.begin(0, &mut out);
        (coach, out)
    }

    /// Facts that came late; replaces all before.
    pub fn know(&mut self, facts: CallFacts) {
        let slots = &mut self.state.slots;
        if let Some(name) = &facts.customer_name {
            slots.know_name(self.lang, name);
        }
        // A short wait is not worth a word.
        let wait_s = facts.wait_s.filter(|wait_s| *wait_s >= WAIT_MIN_S);
        if let Some(wait) = wait_s.and_then(|wait_s| slots::waited(self.lang, wait_s)) {
            slots.set("wait", wait);
        }
        facts.shift.fill(self.lang, &self.rules, slots);
        self.state.facts = facts;
    }

    /// What is said from now on is in this language, and so is what the coach says.
    pub fn speak(&mut self, lang: Lang) {
        self.lang = lang;
        let circle = self.rules.configured.iter().find(|((of, name), _)| *of == lang && name == "circle");
        if let Some((_, value)) = circle {
            self.state.slots.set("circle", value.clone());
        }
    }

    /// The agent of this call is another, or has become known.
    pub fn meet(&mut self, now_ms: u64, habits: Habits, facts: CallFacts) -> Vec<CoachOutput> {
        self.habits = habits;
        self.know(facts);
        let mut out = Vec::new();
        self.begin(now_ms, &mut out);
        out
    }

    /// The agent erased what is kept of them: nothing of it is used any more in this call.
    pub fn forget_agent(&mut self) {
        self.habits = Habits::default();
        self.state.facts.shift = ShiftSoFar::default();
        for slot in ShiftSoFar::SLOTS {
            self.state.slots.clear(slot);
        }
    }

    /// An utterance was understood. Where no voice activity is reported, its speaker is taken to have spoken during
    /// its span and to be silent afterwards, and nobody else is.
    pub fn utterance(&mut self, now_ms: u64, utterance: Utterance<'_>) -> Vec<CoachOutput> {
        let mut out = Vec::new();
        if !self.live && !self.ended {
            // A gap between two utterances is a pause that a waiting prompt may use.
            let mut changes = Vec::new();
            let scene = Scene { told_ms: now_ms, ..scene!(self) };
            self.screen.settle(scene, utterance.span.start_ms.min(now_ms), &mut changes);
            self.tell(changes, &mut out);
        }
        let Utterance { channel, span, text, cues, severity, level, band, alerts } = utterance;
        let said = Said::new(self.lang, channel, span, text, cues, severity);
        if self.state.is_turn(channel) {
            self.screen.next_turn();
        }
        self.state.hear(now_ms, &said, level, band);
        self.state.hear_words(&said, &self.rules);
        self.choose_gesture(&said);
        let mut changes = Vec::new();
        self.understood(channel, span);
        if channel == Channel::Agent {
            let mut kinds: Vec<CueKind> = cues.iter().map(|cue| cue.kind).collect();
            if self.state.names_customer(&said.lower) {
                kinds.push(CueKind::NameUsed);
                self.state.note(CueKind::NameUsed, now_ms);
            }
            if self.state.slots.hold_told() && self.state.slots.echoed_by(said.facts()) {
                kinds.push(CueKind::SpecificEmpathy);
                self.state.note(CueKind::SpecificEmpathy, now_ms);
            }
            let lived = self.screen.agent_said(&self.rules, &kinds, &mut changes);
            self.lived.extend(lived);
            self.live_by(&kinds);
        } else if !alerts {
            self.suggest(&said, now_ms, &mut out);
        }
        self.withdraw_wrong(Moment::Said(&said), now_ms, &mut changes);
        self.tell(changes, &mut out);
        if !self.ended {
            self.relief(&said);
            self.trigger(Moment::Said(&said), now_ms, &mut out);
            if self.state.cut_in {
                self.trigger(Moment::Overlap, now_ms, &mut out);
            }
            self.settle(now_ms, &mut out);
        }
        out
    }

    /// The words of `span` are no longer on their way, and nothing was said after them.
    fn understood(&mut self, channel: Channel, span: Span) {
        let last = |stopped_ms: Option<u64>| stopped_ms.is_some_and(|at| span.end_ms + SAME_WORDS_MS >= at);
        let floor = &mut self.floor;
        if channel == Channel::Agent {
            floor.agent_unheard &= floor.agent || !last(floor.agent_stopped_ms);
        } else if !floor.customer && last(floor.customer_stopped_ms) {
            floor.customer_began_ms = None;
        }
    }

    /// Somebody began or stopped speaking at `at_ms`, which is at or before `now_ms`.
    pub fn speech(&mut self, now_ms: u64, channel: Channel, speaking: bool, at_ms: u64) -> Vec<CoachOutput> {
        self.live = true;
        let mut out = Vec::new();
        if channel == Channel::Agent {
            self.floor.agent = speaking;
            if speaking {
                self.floor.agent_unheard = true;
                self.screen.agent_answers(&self.rules);
            }
            self.floor.agent_stopped_ms = (!speaking).then_some(at_ms);
            if speaking && self.floor.customer && at_ms >= self.customer_since_ms + OVERLAP_MIN_MS {
                self.overlap_since_ms = Some(at_ms);
            }
        } else {
            if speaking {
                self.customer_since_ms = at_ms;
                self.floor.customer_speaks(at_ms);
            } else {
                self.floor.customer = false;
                self.floor.customer_stopped_ms = Some(at_ms);
            }
        }
        if !speaking
            && let Some(since_ms) = self.overlap_since_ms.take()
            && at_ms >= since_ms + OVERLAP_MIN_MS
        {
            self.state.overlap(now_ms);
            self.trigger(Moment::Overlap, now_ms, &mut out);
        }
        self.silent_since_ms = (!self.floor.agent && !self.floor.customer).then_some(at_ms);
        self.silence_done_s = 0;
        self.settle(now_ms, &mut out);
        out
    }

    /// A hold of `held_ms` ended. Voice activity starts anew after it.
    pub fn hold_ended(&mut self, now_ms: u64, held_ms: u64) -> Vec<CoachOutput> {
        let mut out = Vec::new();
        self.floor = Floor::default();
        self.overlap_since_ms = None;
        self.silent_since_ms = None;
        self.trigger(Moment::Resumed { held_ms }, now_ms, &mut out);
        self.settle(now_ms, &mut out);
        out
    }

    /// An alert was raised, or raised higher: one to three suggestions that fit it.
    pub fn alert_raised(&mut self, now_ms: u64, kind: AlertKind) -> Vec<CoachOutput> {
        let mut out = Vec::new();
        let cues: Vec<CueKind> = match kind {
            AlertKind::Act(cue) => vec![cue],
            AlertKind::Trend(_) => Vec::new(),
        };
        let rules = Arc::clone(&self.rules);
        for id in rules.alerts.get(&kind).into_iter().flatten().take(SUGGESTIONS_PER_ALERT) {
            if let Some(at) = rules.practices.iter().position(|practice| practice.id == *id) {
                self.suggestion(at, &cues, now_ms, &mut out);
            }
        }
        out
    }

    /// The agent answered a prompt.
    pub fn answer(&mut self, now_ms: u64, id: u64, answer: Answer) -> Vec<CoachOutput> {
        let mut changes = Vec::new();
        let state = match answer {
            Answer::Used => PromptState::Used,
            Answer::NotNow | Answer::Mute => PromptState::NotNow,
        };
        if let Some(at) = self.screen.answer(id, state, answer == Answer::Mute, &mut changes) {
            self.habits.answered(&self.rules.practices[at].id, answer);
        }
        let mut out = Vec::new();
        self.tell(changes, &mut out);
        self.settle(now_ms, &mut out);
        out
    }

    /// Lets time pass.
    pub fn advance(&mut self, now_ms: u64) -> Vec<CoachOutput> {
        let mut out = Vec::new();
        if let Some(since_ms) = self.silent_since_ms {
            let silent_ms = now_ms.saturating_sub(since_ms);
            let due = self.silences_s().filter(|s| *s > self.silence_done_s && s * 1000 <= silent_ms).max();
            if let Some(due) = due {
                self.silence_done_s = due;
                self.trigger(Moment::Silence { silent_ms }, now_ms, &mut out);
            }
        }
        if self.live {
            self.settle(now_ms, &mut out);
        } else {
            // Without voice activity the agent may be in the middle of a sentence: nothing new is shown.
            let mut changes = Vec::new();
            let scene = Scene { floor: Floor { agent: true, ..self.floor }, ..scene!(self) };
            self.screen.settle(scene, now_ms, &mut changes);
            self.tell(changes, &mut out);
        }
        out
    }

    /// When [`Coach::advance`] has something to do.
    pub fn next_deadline(&self) -> Option<u64> {
        if self.ended {
            return None;
        }
        let silence = self
            .silent_since_ms
            .and_then(|since| self.silences_s().filter(|s| *s > self.silence_done_s).min().map(|s| since + s * 1000));
        [silence, self.screen.next_deadline(&self.rules, self.floor)].into_iter().flatten().min()
    }

    /// The call is over: takes the screen down, and says what is for the time between two calls.
    pub fn end(&mut self, now_ms: u64) -> Vec<CoachOutput> {
        let mut out = Vec::new();
        if self.ended {
            return out;
        }
        let mut changes = Vec::new();
        self.screen.clear(&mut changes);
        self.tell(changes, &mut out);
        self.ended = true;
        self.floor = Floor::default();
        self.trigger(Moment::Ended, now_ms, &mut out);
        out
    }

    /// What the agent's answers of this call add to what is known of their preferences; for that agent alone.
    pub fn habits(&self) -> &Habits {
        &self.habits
    }

    /// Ids of the practices that the agent lived in this call, advised or not, in the playbook's order.
    pub fn lived(&self) -> Vec<String> {
        let here = self.lived.iter().map(|at| self.rules.practices[*at].id.clone());
        self.lived_elsewhere.iter().cloned().chain(here).collect()
    }

    /// What of the agent's words went before each fall of the tension, in the order it was said first.
    pub fn helped(&self) -> &[CueKind] {
        &self.helped
    }

    /// Whether the level fell out of the heat with the last utterance.
    pub fn eased(&self) -> bool {
        self.state.eased
    }

    fn live_by(&mut self, kinds: &[CueKind]) {
        if kinds.is_empty() {
            return;
        }
        let complained = self.state.complaint() != playbook::Complaint::None;
        for (at, practice) in self.rules.practices.iter().enumerate() {
            // Without a complaint there is nothing to be sorry for.
            let called_for = complained || practice.rank != playbook::Rank::Care;
            if called_for && practice.lived_by.iter().any(|kind| kinds.contains(kind)) {
                self.lived.insert(at);
            }
        }
    }

    fn silences_s(&self) -> impl Iterator<Item = u64> + '_ {
        self.rules.practices.iter().flat_map(|practice| practice.when.iter().filter_map(|when| when.silence_s))
    }

    /// Asks every practice whether this is its moment.
    fn trigger(&mut self, moment: Moment<'_>, now_ms: u64, out: &mut Vec<CoachOutput>) {
        let rules = Arc::clone(&self.rules);
        let cues: Vec<CueKind> = match moment {
            Moment::Said(said) => said.cues.iter().map(|cue| cue.kind).collect(),
            _ => Vec::new(),
        };
        for &at in rules.triggered(moment.on()) {
            let practice = &rules.practices[at];
            let holds = |condition| self.state.holds(condition, moment, now_ms, &rules, self.lang);
            if !practice.when.iter().any(holds) || practice.unless.iter().any(holds) {
                continue;
            }
            match practice.show {
                Show::Prompt => self.screen.propose(&rules, at, cues.clone(), now_ms, &self.habits),
                Show::Moment => self.moment(at, &cues, now_ms, out),
                Show::Between => {
                    let mut changes = Vec::new();
                    let danger = self.state.latest(&[CueKind::SelfHarm, CueKind::ViolenceThreat]);
                    let cues: Vec<CueKind> = danger.into_iter().map(|(kind, _)| kind).collect();
                    // Only hard calls are followed by this: their number makes each find other words.
                    let shift = &self.state.facts.shift;
                    let variation = if shift.calls == 0 { self.state.facts.variation } else { shift.hard_calls };
                    self.screen.between(Scene { variation, ..scene!(self) }, at, &cues, &mut changes);
                    self.tell(changes, out);
                }
                Show::Card => {}
            }
        }
    }

    fn settle(&mut self, now_ms: u64, out: &mut Vec<CoachOutput>) {
        if self.ended {
            return;
        }
        let mut changes = Vec::new();
        self.withdraw_wrong(Moment::Still, now_ms, &mut changes);
        self.screen.settle(scene!(self), now_ms, &mut changes);
        self.tell(changes, out);
    }

    fn withdraw_wrong(&mut self, moment: Moment<'_>, now_ms: u64, changes: &mut Vec<Change>) {
        let (state, rules, lang) = (&self.state, &self.rules, self.lang);
        let wrong = |at: usize| {
            rules.practices[at].unless.iter().any(|unless| state.holds(unless, moment, now_ms, rules, lang))
        };
        self.screen.withdraw(wrong, changes);
    }

    fn tell(&mut self, changes: Vec<Change>, out: &mut Vec<CoachOutput>) {
        for Change { id, practice, text, state, waited_ms } in changes {
            if state.is_followed() {
                self.lived.insert(practice);
            }
            let practice = self.rules.practices[practice].id.clone();
            self.habits.went(&practice, state);
            out.push(CoachOutput::Prompt { id, practice, text, state, waited_ms });
        }
    }
}

#[cfg(test)]
mod tests;
