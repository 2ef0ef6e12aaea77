//! What an agent has made of the practices so far: kept for that agent alone, readable and erasable by them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answer, PromptState};

/// From so many more refusals than uses on, a practice takes longer rests.
const WEARY: u32 = 3;

/// An agent's experience with each practice, by its id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Habits {
    practices: BTreeMap<String, Habit>,
}

/// Counts for one practice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Habit {
    pub shown: u32,
    /// The advice was followed, as the program saw.
    pub done: u32,
    pub used: u32,
    pub not_now: u32,
    /// For good: set with [`Habits::mute`].
    pub muted: bool,
}

impl Habits {
    /// Switches a practice off, or on again, for good.
    pub fn mute(&mut self, practice: &str, muted: bool) {
        self.practices.entry(practice.to_owned()).or_default().muted = muted;
    }

    /// By the practice's id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Habit)> {
        self.practices.iter().map(|(practice, habit)| (practice.as_str(), habit))
    }

    pub fn get(&self, practice: &str) -> Option<&Habit> {
        self.practices.get(practice)
    }

    pub(super) fn is_muted(&self, practice: &str) -> bool {
        self.get(practice).is_some_and(|habit| habit.muted)
    }

    /// Factor on the rest of a practice: one that is mostly refused comes back later.
    pub(super) fn patience(&self, practice: &str) -> u64 {
        self.get(practice).map_or(1, |habit| if habit.not_now >= habit.used + habit.done + WEARY { 3 } else { 1 })
    }

    /// For ranking practices of equal urgency: 0 if it is welcome, 1 if it is mostly refused.
    pub(super) fn disfavour(&self, practice: &str) -> u8 {
        u8::from(self.patience(practice) > 1)
    }

    /// Counts what became of a prompt, answers included.
    pub fn saw(&mut self, practice: &str, state: PromptState) {
        self.went(practice, state);
        match state {
            PromptState::Used => self.answered(practice, Answer::Used),
            PromptState::NotNow => self.answered(practice, Answer::NotNow),
            _ => {}
        }
    }

    pub(super) fn went(&mut self, practice: &str, state: PromptState) {
        let habit = self.practices.entry(practice.to_owned()).or_default();
        match state {
            PromptState::Shown => habit.shown += 1,
            PromptState::Done => habit.done += 1,
            // Counted by `answered`.
            PromptState::Used | PromptState::NotNow | PromptState::Withdrawn | PromptState::Expired => {}
        }
    }

    pub(super) fn answered(&mut self, practice: &str, answer: Answer) {
        let habit = self.practices.entry(practice.to_owned()).or_default();
        match answer {
            Answer::Used => habit.used += 1,
            Answer::NotNow | Answer::Mute => habit.not_now += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mostly_refused_rests_longer() {
        let mut habits = Habits::default();
        assert_eq!(habits.patience("001-7"), 1);
        for _ in 0..WEARY {
            habits.answered("001-7", Answer::NotNow);
        }
        assert_eq!((habits.patience("001-7"), habits.disfavour("001-7")), (3, 1));
        habits.answered("001-7", Answer::Used);
        assert_eq!((habits.patience("001-7"), habits.disfavour("001-7")), (1, 0));
    }
}
