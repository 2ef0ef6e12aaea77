//! The agent's screen: which of the triggered practices is shown, when, and for how long.
//!
//! At most one prompt at a time, never while the agent speaks, with a gap between two and a budget per call.
//! Danger is excepted from gap and budget, never from the rest.

use std::collections::BTreeMap;

use super::playbook::{Part, Phrase, Rank, Rulebook, Show, Timing};
use super::slots::Slots;
use super::{Habits, PromptState};
use crate::terms::{CueKind, Lang};

/// A prompt stays this much longer while the customer goes on speaking, so that it is there when the agent answers.
const LISTENING_MS: u64 = 15_000;
/// How often is looked whether the customer still speaks.
const LOOK_MS: u64 = 1_000;
/// The advice counts as followed within so many of the agent's utterances.
const FOLLOW_UTTERANCES: u32 = 3;
/// A moment is over when so many turns were taken after it.
const STALE_TURNS: u8 = 2;
/// If the agent's words are not transcribed, they count as understood this long after they end.
const WORDS_SETTLED_MS: u64 = 2_000;

/// A change of a prompt: number, index of the practice, words, new state.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub id: u64,
    pub practice: usize,
    pub text: String,
    pub state: PromptState,
    /// From the trigger to the screen, for one that is shown.
    pub waited_ms: u64,
}

/// A practice whose trigger fired and whose moment has not come.
#[derive(Debug, Clone)]
struct Waiting {
    practice: usize,
    until_ms: u64,
    /// The agent has not answered yet.
    before_reply: bool,
    /// When its trigger fired last, and how many turns were taken since.
    since_ms: u64,
    turns: u8,
    /// What fired it, for phrasings that fit.
    cues: Vec<CueKind>,
    /// Danger of another kind than was told: neither rests nor waits for the prompt on the screen.
    urgent: bool,
}

#[derive(Debug, Clone)]
struct Shown {
    id: u64,
    practice: usize,
    text: String,
    shown_ms: u64,
    until_ms: u64,
}

/// A prompt that is gone from the screen and may still be followed.
#[derive(Debug, Clone)]
struct Gone {
    shown: Shown,
    utterances: u32,
}

#[derive(Debug, Clone, Default)]
struct Uses {
    shown: u32,
    last_ms: Option<u64>,
    muted: bool,
    /// Kinds of danger that were told.
    dangers: Vec<CueKind>,
    /// How often each phrasing was said, by its place.
    phrases: BTreeMap<usize, u32>,
}

/// Who is speaking now, as far as is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Floor {
    pub agent: bool,
    pub customer: bool,
    /// The agent has been silent since.
    pub agent_stopped_ms: Option<u64>,
    /// What the agent said last is not understood yet: it may be what would be advised.
    pub agent_unheard: bool,
    /// When the words of the customer began that are not understood yet.
    pub customer_began_ms: Option<u64>,
    pub customer_stopped_ms: Option<u64>,
}

impl Floor {
    /// The customer begins to speak; goes on, if the words before are still on their way.
    pub fn customer_speaks(&mut self, at_ms: u64) {
        let goes_on = self.customer_stopped_ms.is_some_and(|stopped| at_ms < stopped + WORDS_SETTLED_MS);
        if !goes_on {
            self.customer_began_ms = None;
        }
        self.customer_began_ms.get_or_insert(at_ms);
        self.customer = true;
        self.customer_stopped_ms = None;
    }

    /// Whether words may still be on their way from the recogniser that would tell that the advice is not needed, or which
    /// is needed more.
    fn waits_for_words(self, since_ms: u64, now_ms: u64) -> bool {
        let on_the_way = |stopped_ms: Option<u64>| stopped_ms.is_some_and(|at| now_ms < at + WORDS_SETTLED_MS);
        let agents = self.agent_unheard && on_the_way(self.agent_stopped_ms);
        // What was called for before the customer spoke can wait for what the customer says.
        let customers = self.customer_began_ms.is_some_and(|began| since_ms <= began)
            && (self.customer || on_the_way(self.customer_stopped_ms));
        agents || customers
    }
}

/// What the screen looks at and does not own.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub rules: &'a Rulebook,
    pub slots: &'a Slots,
    pub lang: Lang,
    pub habits: &'a Habits,
    pub floor: Floor,
    /// Makes calls begin with other phrasings.
    pub variation: u32,
    /// When the result is told, if that is later than the time it is about: pace is kept on what is told.
    pub told_ms: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Screen {
    shown: Option<Shown>,
    waiting: Vec<Waiting>,
    gone: Option<Gone>,
    uses: BTreeMap<usize, Uses>,
    groups: BTreeMap<String, u64>,
    last_ms: Option<u64>,
    spent: u32,
    next_id: u64,
    settled_ms: u64,
}

impl Screen {
    /// A trigger fired. Whether the practice may still speak in this call is decided here; when, in
    /// [`Screen::settle`].
    pub fn propose(&mut self, rules: &Rulebook, at: usize, cues: Vec<CueKind>, now_ms: u64, habits: &Habits) {
        let practice = &rules.practices[at];
        let uses = self.uses.entry(at).or_default();
        let rest_ms = practice.not_within_ms * habits.patience(&practice.id);
        let urgent =
            practice.rank == Rank::Safety && cues.iter().any(|kind| kind.is_danger() && !uses.dangers.contains(kind));
        let rested = urgent || uses.last_ms.is_none_or(|last| now_ms.saturating_sub(last) >= rest_ms);
        let muted = uses.muted || habits.is_muted(&practice.id);
        if muted || uses.shown >= practice.per_call || !rested || practice.show == Show::Card {
            return;
        }
        if !urgent && self.shown.as_ref().is_some_and(|shown| shown.practice == at) {
            return;
        }
        let rests = practice.group.as_ref().and_then(|group| self.groups.get(group));
        let within = rules.settings.group_rest_ms;
        if practice.rank != Rank::Safety && rests.is_some_and(|last| now_ms.saturating_sub(*last) < within) {
            return;
        }
        let before_reply = practice.timing == Timing::AfterReply;
        // A reply takes longer to come than a pause.
        let patience_ms = if before_reply { practice.wait_ms * 2 } else { practice.wait_ms };
        let waiting = Waiting {
            practice: at,
            until_ms: now_ms + patience_ms,
            before_reply,
            since_ms: now_ms,
            turns: 0,
            cues,
            urgent,
        };
        match self.waiting.iter_mut().find(|waiting| waiting.practice == at) {
            Some(known) => {
                known.until_ms = waiting.until_ms;
                known.since_ms = waiting.since_ms;
                known.turns = 0;
                known.cues = waiting.cues;
                known.urgent |= waiting.urgent;
            }
            None => self.waiting.push(waiting),
        }
    }

    /// The agent said something with these cues: what they were advised to do may be done. The practices that they
    /// lived before the advice came.
    pub fn agent_said(&mut self, rules: &Rulebook, cues: &[CueKind], out: &mut Vec<Change>) -> Vec<usize> {
        let does = |at: usize| rules.practices[at].done_by.iter().any(|kind| cues.contains(kind));
        let (lived, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|w| does(w.practice));
        self.waiting = waiting;
        let lived: Vec<Waiting> = lived;
        self.agent_answers(rules);
        for waiting in &mut self.waiting {
            waiting.before_reply = false;
        }
        if let Some(shown) = self.shown.take_if(|shown| does(shown.practice)) {
            out.push(shown.change(PromptState::Done));
        }
        if let Some(mut gone) = self.gone.take() {
            gone.utterances += 1;
            if does(gone.shown.practice) {
                out.push(gone.shown.change(PromptState::Done));
            } else if gone.utterances < FOLLOW_UTTERANCES {
                self.gone = Some(gone);
            }
        }
        lived.into_iter().map(|waiting| waiting.practice).collect()
    }

    /// The other of the two has said something: what waits for longer than that is too late.
    pub fn next_turn(&mut self) {
        for waiting in &mut self.waiting {
            waiting.turns += 1;
        }
        self.waiting.retain(|waiting| waiting.turns <= STALE_TURNS);
    }

    /// The agent has begun to answer: what was to come before is too late.
    pub fn agent_answers(&mut self, rules: &Rulebook) {
        self.waiting.retain(|waiting| rules.practices[waiting.practice].timing != Timing::BeforeReply);
    }

    /// Takes away what is no longer right.
    pub fn withdraw(&mut self, wrong: impl Fn(usize) -> bool, out: &mut Vec<Change>) {
        self.waiting.retain(|waiting| !wrong(waiting.practice));
        if let Some(shown) = self.shown.take_if(|shown| wrong(shown.practice)) {
            out.push(shown.change(PromptState::Withdrawn));
        }
    }

    /// Lets time pass: ends what has run out and shows what may be shown now.
    pub fn settle(&mut self, scene: Scene<'_>, now_ms: u64, out: &mut Vec<Change>) {
        let rules = scene.rules;
        self.settled_ms = now_ms;
        self.expire(scene.floor, now_ms, out);
        self.waiting.retain(|waiting| now_ms <= waiting.until_ms);
        if scene.floor.agent {
            return;
        }
        while let Some(at) = self.next(scene, now_ms) {
            let waiting = self.waiting.remove(at);
            let Some(text) = self.phrase(scene, waiting.practice, &waiting.cues) else { continue };
            if let Some(before) = self.shown.take() {
                out.push(before.change(PromptState::Withdrawn));
            }
            self.show(rules, &waiting, text, now_ms.max(scene.told_ms), out);
        }
    }

    fn expire(&mut self, floor: Floor, now_ms: u64, out: &mut Vec<Change>) {
        let Some(shown) = &mut self.shown else { return };
        if now_ms < shown.until_ms {
            return;
        }
        if floor.customer && now_ms < shown.until_ms.saturating_add(LISTENING_MS) && now_ms < shown.latest_ms() {
            shown.until_ms = now_ms + LOOK_MS;
            return;
        }
        if let Some(shown) = self.shown.take() {
            out.push(shown.change(PromptState::Expired));
            self.gone = Some(Gone { shown, utterances: 0 });
        }
    }

    /// The place of the practice that may be shown now.
    fn next(&self, scene: Scene<'_>, now_ms: u64) -> Option<usize> {
        let rules = scene.rules;
        let gap_over = self.last_ms.is_none_or(|last| now_ms.saturating_sub(last) >= rules.settings.gap_ms);
        let may = |waiting: &Waiting| {
            let rank = rules.practices[waiting.practice].rank;
            let answered = !waiting.before_reply
                || scene.floor.agent_stopped_ms.is_some_and(|at| {
                    at + waiting_ms(rules, waiting) >= waiting.until_ms && now_ms >= at + WORDS_SETTLED_MS
                });
            let heard = rank == Rank::Safety || !scene.floor.waits_for_words(waiting.since_ms, now_ms);
            let free =
                waiting.urgent || self.shown.as_ref().is_none_or(|shown| rules.practices[shown.practice].rank > rank);
            answered && heard && free && (rank == Rank::Safety || (gap_over && self.spent < rules.settings.budget))
        };
        // Of care and wording the newer comes first: what was said a turn ago is half over.
        let order = |waiting: &Waiting| {
            let practice = &rules.practices[waiting.practice];
            let class = if practice.rank == Rank::Wording { Rank::Care } else { practice.rank };
            (class, waiting.turns, practice.rank, scene.habits.disfavour(&practice.id), waiting.practice)
        };
        let candidates = self.waiting.iter().enumerate().filter(|(_, waiting)| may(waiting));
        candidates.min_by_key(|(_, waiting)| order(waiting)).map(|(at, _)| at)
    }

    fn show(&mut self, rules: &Rulebook, waiting: &Waiting, text: String, now_ms: u64, out: &mut Vec<Change>) {
        let at = waiting.practice;
        let practice = &rules.practices[at];
        self.next_id += 1;
        let shown =
            Shown { id: self.next_id, practice: at, text, shown_ms: now_ms, until_ms: now_ms + practice.show_ms };
        let uses = self.uses.entry(at).or_default();
        uses.shown += 1;
        uses.last_ms = Some(now_ms);
        uses.dangers.extend(waiting.cues.iter().filter(|kind| kind.is_danger()));
        self.last_ms = Some(now_ms);
        if practice.rank != Rank::Safety {
            self.spent += 1;
        }
        if let Some(group) = &practice.group {
            self.groups.insert(group.clone(), now_ms);
            self.waiting.retain(|waiting| rules.practices[waiting.practice].group.as_ref() != Some(group));
        }
        let waited_ms = now_ms.saturating_sub(waiting.since_ms);
        out.push(Change { waited_ms, ..shown.change(PromptState::Shown) });
        self.shown = Some(shown);
    }

    /// Shows a practice after the call, when pace and budget no longer matter; the newest stays on the screen.
    pub fn between(&mut self, scene: Scene<'_>, at: usize, cues: &[CueKind], out: &mut Vec<Change>) {
        let practice = &scene.rules.practices[at];
        let uses = self.uses.entry(at).or_default();
        if uses.shown >= practice.per_call || scene.habits.is_muted(&practice.id) || self.shown.is_some() {
            return;
        }
        let Some(phrases) = practice.say.get(&scene.lang) else { return };
        let Some(text) = choose_in_turn(phrases, scene.slots, cues, scene.variation) else { return };
        self.uses.entry(at).or_default().shown += 1;
        self.next_id += 1;
        let shown = Shown { id: self.next_id, practice: at, text, shown_ms: 0, until_ms: u64::MAX };
        out.push(shown.change(PromptState::Shown));
        self.shown = Some(shown);
    }

    /// Whether a practice that is no prompt has spoken as often as it may in a call.
    pub fn is_spent(&self, rules: &Rulebook, at: usize) -> bool {
        let said = self.uses.get(&at).map_or(0, |uses| uses.phrases.values().sum());
        said >= rules.practices[at].per_call
    }

    /// A phrasing for the practice, and notes that it was said. The fitting before the general, the least said
    /// before the others, the most concrete before those with fewer facts.
    pub fn phrase(&mut self, scene: Scene<'_>, at: usize, cues: &[CueKind]) -> Option<String> {
        let uses = self.uses.entry(at).or_default();
        let phrases = scene.rules.practices[at].say.get(&scene.lang)?;
        let (place, text) = choose(phrases, scene.slots, cues, &uses.phrases, scene.variation)?;
        *uses.phrases.entry(place).or_default() += 1;
        Some(text)
    }

    /// The agent's answer to a prompt; nothing if it is not on the screen.
    pub fn answer(&mut self, id: u64, state: PromptState, mute: bool, out: &mut Vec<Change>) -> Option<usize> {
        let shown = match self.shown.take_if(|shown| shown.id == id) {
            Some(shown) => shown,
            None => self.gone.take_if(|gone| gone.shown.id == id)?.shown,
        };
        if mute {
            self.uses.entry(shown.practice).or_default().muted = true;
        }
        out.push(shown.change(state));
        Some(shown.practice)
    }

    /// The practices have other places now; those that have none are gone from the screen.
    pub fn renumber(&mut self, place: impl Fn(usize) -> Option<usize>, out: &mut Vec<Change>) {
        let moves = |at: &mut usize| place(*at).map(|new| *at = new).is_some();
        self.waiting.retain_mut(|waiting| moves(&mut waiting.practice));
        if let Some(shown) = self.shown.take_if(|shown| !moves(&mut shown.practice)) {
            out.push(shown.change(PromptState::Withdrawn));
        }
        self.gone.take_if(|gone| !moves(&mut gone.shown.practice));
        self.uses =
            std::mem::take(&mut self.uses).into_iter().filter_map(|(at, uses)| Some((place(at)?, uses))).collect();
    }

    /// Takes the screen down.
    pub fn clear(&mut self, out: &mut Vec<Change>) {
        self.waiting.clear();
        self.gone = None;
        if let Some(shown) = self.shown.take() {
            out.push(shown.change(PromptState::Expired));
        }
    }

    /// When [`Screen::settle`] has something to do though nothing is said; always later than it was last called.
    pub fn next_deadline(&self, rules: &Rulebook, floor: Floor) -> Option<u64> {
        let shown = self.shown.as_ref().map(|shown| shown.until_ms);
        let lapse = self.waiting.iter().map(|waiting| waiting.until_ms + 1).min();
        let waiting = !self.waiting.is_empty();
        let gap = self.last_ms.filter(|_| waiting).map(|last| last + rules.settings.gap_ms);
        let words = [floor.agent_stopped_ms, floor.customer_stopped_ms]
            .map(|at| at.filter(|_| waiting).map(|at| at + WORDS_SETTLED_MS));
        [shown, lapse, gap].into_iter().chain(words).flatten().filter(|due| *due > self.settled_ms).min()
    }
}

impl Shown {
    fn change(&self, state: PromptState) -> Change {
        Change { id: self.id, practice: self.practice, text: self.text.clone(), state, waited_ms: 0 }
    }

    fn latest_ms(&self) -> u64 {
        self.shown_ms + 2 * LISTENING_MS
    }
}

fn waiting_ms(rules: &Rulebook, waiting: &Waiting) -> u64 {
    rules.practices[waiting.practice].wait_ms * 2
}

/// The best phrasing that can be filled, with its place in the list. Among equals `variation` decides.
pub fn choose(
    phrases: &[Phrase],
    slots: &Slots,
    cues: &[CueKind],
    said: &BTreeMap<usize, u32>,
    variation: u32,
) -> Option<(usize, String)> {
    let fitting = phrases.iter().enumerate().filter(|(_, p)| fits(p, slots, cues)).map(|(place, phrase)| {
        let facts = phrase.parts.iter().filter(|part| matches!(part, Part::Slot { .. })).count();
        let times = said.get(&place).copied().unwrap_or(0);
        let turn = (place + variation as usize) % phrases.len();
        (phrase.cues.is_empty(), times, usize::MAX - facts, turn, place)
    });
    let mut best_first: Vec<_> = fitting.collect();
    best_first.sort_unstable();
    best_first.into_iter().find_map(|(.., place)| Some((place, slots.fill(&phrases[place])?)))
}

/// The n-th of the phrasings that can be filled, over and over; those for these cues before the general ones. Between
/// calls nobody is helped by the same most concrete phrasing after every call.
fn choose_in_turn(phrases: &[Phrase], slots: &Slots, cues: &[CueKind], nth: u32) -> Option<String> {
    let usable = |fitting: bool| {
        let mine = phrases.iter().filter(move |p| p.cues.is_empty() != fitting && fits(p, slots, cues));
        mine.filter_map(|phrase| slots.fill(phrase)).collect::<Vec<_>>()
    };
    let fitting = usable(true);
    let mut texts = if fitting.is_empty() { usable(false) } else { fitting };
    (!texts.is_empty()).then(|| texts.swap_remove(nth as usize % texts.len()))
}

fn fits(phrase: &Phrase, slots: &Slots, cues: &[CueKind]) -> bool {
    (phrase.cues.is_empty() || phrase.cues.iter().any(|cue| cues.contains(cue)))
        && phrase.missing.iter().all(|slot| slots.get(slot).is_none())
}
