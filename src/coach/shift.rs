//! An agent's shift, from events of calls alone: what was hard and what was good. Kept for the shift.
//!
//! The agent sees all of it as a balanced card. The supervisor sees the load of calls ([`Load`]), which says
//! nothing about the agent.

use serde::{Deserialize, Serialize};

use super::playbook::Rulebook;
use super::screen::choose;
use super::slots::{Slots, minutes_in_words, number};
use crate::terms::{Band, Lang};

/// Hard calls in a shift after which a break is suggested.
const BREAK_AFTER_CALLS: u32 = 3;
/// Minutes in the heat after which a break is suggested.
const BREAK_AFTER_MS: u64 = 15 * 60_000;
/// Good moments remembered; the newest are kept.
const GOOD_MOMENTS: usize = 32;

/// What one call was for the shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Wall clock of its end, milliseconds since 1970.
    pub ended_unix_ms: u64,
    pub peak: Band,
    /// Time spent in the bands heated and critical.
    pub heated_ms: u64,
    pub good: Vec<Good>,
}

/// A kind of good moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Good {
    Thanks,
    Praise,
    /// Patience, understanding, a friendly joke.
    Kindness,
    /// The tension fell.
    Calmed,
}

/// The shift so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    calls: u32,
    hard_calls: u32,
    heated_ms: u64,
    last_was_hard: bool,
    good: Vec<(u64, Good)>,
}

/// What a supervisor may know: load of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    pub heated_calls: u32,
    pub heated_ms: u64,
    pub break_suggested: bool,
}

/// What a coach may use of the shift in the next call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShiftSoFar {
    pub calls: u32,
    pub hard_calls: u32,
    pub heated_ms: u64,
    pub last_was_hard: bool,
    pub thanks: u32,
    pub good_moments: u32,
    /// The last good moment, and how long ago it was.
    pub good: Option<(Good, u64)>,
}

impl Shift {
    pub fn record(&mut self, call: CallRecord) {
        self.calls += 1;
        self.last_was_hard = call.peak >= Band::Heated;
        self.hard_calls += u32::from(self.last_was_hard);
        self.heated_ms = self.heated_ms.saturating_add(call.heated_ms);
        self.good.extend(call.good.into_iter().map(|good| (call.ended_unix_ms, good)));
        let surplus = self.good.len().saturating_sub(GOOD_MOMENTS);
        self.good.drain(..surplus);
    }

    pub fn load(&self) -> Load {
        Load {
            heated_calls: self.hard_calls,
            heated_ms: self.heated_ms,
            break_suggested: self.last_was_hard
                && (self.hard_calls >= BREAK_AFTER_CALLS || self.heated_ms >= BREAK_AFTER_MS),
        }
    }

    /// The shift as the next call sees it.
    pub fn so_far(&self, unix_ms: u64) -> ShiftSoFar {
        let count = |of: &dyn Fn(Good) -> bool| {
            u32::try_from(self.good.iter().filter(|(_, good)| of(*good)).count()).unwrap_or(u32::MAX)
        };
        ShiftSoFar {
            calls: self.calls,
            hard_calls: self.hard_calls,
            heated_ms: self.heated_ms,
            last_was_hard: self.last_was_hard,
            thanks: count(&|good| matches!(good, Good::Thanks | Good::Praise)),
            good_moments: count(&|_| true),
            good: self.good.last().map(|(at, good)| (*good, unix_ms.saturating_sub(*at))),
        }
    }

    /// The card at the end of the shift (practice 004-e): first what was hard, then, at greater length, what was
    /// good. Empty after a shift without calls.
    pub fn card(&self, rules: &Rulebook, lang: Lang, unix_ms: u64) -> Vec<String> {
        if self.calls == 0 {
            return Vec::new();
        }
        let mut slots = Slots::default();
        self.so_far(unix_ms).fill(lang, rules, &mut slots);
        // Phrases of the card are its lines, in order; those without their facts are left out.
        let practice = rules.practices.iter().find(|practice| practice.id == "004-e");
        let lines = practice.and_then(|practice| practice.say.get(&lang));
        lines.into_iter().flatten().filter_map(|line| slots.fill(line)).collect()
    }

    /// The line about the load of the day for the agent (practice 004-b), if there was any.
    pub fn load_line(&self, rules: &Rulebook, lang: Lang, unix_ms: u64) -> Option<String> {
        let mut slots = Slots::default();
        self.so_far(unix_ms).fill(lang, rules, &mut slots);
        let practice = rules.practices.iter().find(|practice| practice.id == "004-b")?;
        choose(practice.say.get(&lang)?, &slots, &[], &Default::default(), self.calls).map(|(_, text)| text)
    }
}

impl ShiftSoFar {
    /// Slots that speak of the shift.
    pub(super) const SLOTS: [&'static str; 6] =
        ["hard_calls", "thanks", "good_moments", "heated_minutes", "good_what", "good_ago"];

    /// Fills the slots that speak of the shift.
    pub(super) fn fill(&self, lang: Lang, rules: &Rulebook, slots: &mut Slots) {
        let count = |one: (&str, &str), many: (&str, &str), value: u64| match (lang, value) {
            (_, 0) => None,
            (Lang::De, 1) => Some(one.0.to_owned()),
            (Lang::En, 1) => Some(one.1.to_owned()),
            (Lang::De, _) => Some(format!("{} {}", number(lang, value), many.0)),
            (Lang::En, _) => Some(format!("{} {}", number(lang, value), many.1)),
        };
        let hard = count(
            ("ein schweres Gespräch", "one hard call"),
            ("schwere Gespräche", "hard calls"),
            self.hard_calls.into(),
        );
        let thanks = count(("ein Dank", "one thank-you"), ("Mal Dank", "thank-yous"), self.thanks.into());
        let good =
            count(("ein guter Moment", "one good moment"), ("gute Momente", "good moments"), self.good_moments.into());
        let minutes = (self.heated_ms >= 30_000).then(|| minutes_in_words(lang, (self.heated_ms + 30_000) / 60_000));
        let named = [("hard_calls", hard), ("thanks", thanks), ("good_moments", good), ("heated_minutes", minutes)];
        for (slot, value) in named {
            if let Some(value) = value {
                slots.set(slot, value);
            }
        }
        let Some((good, ago_ms)) = self.good else { return };
        let name = match good {
            Good::Thanks => "good_thanks",
            Good::Praise => "good_praise",
            Good::Kindness => "good_kindness",
            Good::Calmed => "good_calmed",
        };
        if let Some(what) = rules.labels.get(&(lang, name.to_owned())) {
            slots.set("good_what", what.clone());
            slots.set("good_ago", ago(lang, ago_ms));
        }
    }
}

fn ago(lang: Lang, ms: u64) -> String {
    let minutes = (ms / 60_000).max(1);
    match (lang, minutes) {
        (Lang::De, 1) => "vor einer Minute".to_owned(),
        (Lang::De, 2..=89) => format!("vor {}", minutes_in_words(lang, minutes)),
        (Lang::De, _) => format!("vor {} Stunden", number(lang, (minutes + 30) / 60)),
        (Lang::En, 1) => "a minute ago".to_owned(),
        (Lang::En, 2..=89) => format!("{} ago", minutes_in_words(lang, minutes)),
        (Lang::En, _) => format!("{} hours ago", number(lang, (minutes + 30) / 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coach::playbook::Playbook;

    fn call(at: u64, peak: Band, heated_ms: u64, good: &[Good]) -> CallRecord {
        CallRecord { ended_unix_ms: at * 60_000, peak, heated_ms, good: good.to_vec() }
    }

    #[test]
    fn a_break_is_suggested_after_the_third_hard_call() {
        let mut shift = Shift::default();
        for (n, suggested) in [(1, false), (2, false), (3, true)] {
            shift.record(call(n, Band::Heated, 60_000, &[]));
            assert_eq!(shift.load().break_suggested, suggested, "after {n}");
        }
        shift.record(call(4, Band::Calm, 0, &[]));
        assert!(!shift.load().break_suggested, "an easy call was the break");
        assert_eq!(shift.load().heated_calls, 3);
    }

    #[test]
    fn the_card_says_more_of_the_good_than_of_the_hard() {
        let playbook = Playbook::embedded().unwrap();
        let rules = playbook.for_queue(None);
        let mut shift = Shift::default();
        assert!(shift.card(rules, Lang::De, 0).is_empty());
        assert_eq!(shift.load_line(rules, Lang::De, 0), None);
        shift.record(call(1, Band::Heated, 240_000, &[Good::Calmed]));
        shift.record(call(20, Band::Calm, 0, &[Good::Thanks]));
        for lang in [Lang::De, Lang::En] {
            let card = shift.card(rules, lang, 60 * 60_000);
            assert!(card.len() >= 3, "{card:?}");
            assert!(card.iter().skip(1).map(String::len).sum::<usize>() > card[0].len(), "{card:?}");
            assert!(card.iter().all(|line| !line.contains('{')));
            let load = shift.load_line(rules, lang, 60 * 60_000).unwrap_or_default();
            assert!(!load.is_empty() && !load.contains('{'), "{load}");
        }
    }

    #[test]
    fn a_shift_remembers_only_so_many_good_moments() {
        let mut shift = Shift::default();
        for n in 0..100 {
            shift.record(call(n, Band::Calm, 0, &[Good::Thanks]));
        }
        assert_eq!(shift.so_far(100 * 60_000).good_moments as usize, GOOD_MOMENTS);
        assert_eq!(shift.so_far(100 * 60_000).good, Some((Good::Thanks, 60_000)));
    }
}
