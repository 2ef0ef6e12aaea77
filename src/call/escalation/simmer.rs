//! Anger that no single utterance proves: what the judge of severity makes of several of them together.
//!
//! One utterance that only the text model takes for a complaint raises nothing. Several within a few minutes do, because a
//! judge that errs now and then does not err again and again in the same call.

use super::level::decay;

/// Time in which what was heard counts half.
const HALF_LIFE_MS: u64 = 120_000;
/// What an utterance of no weight takes away: the square of a probability of 0.39, the middle between calm and not.
const CALM_MILLI: i64 = 150;
/// A call is calm below this: an utterance of probability 0.7 reaches it.
const CALM_BELOW_MILLI: i64 = 340;

/// The sum, in thousandths, of squared probabilities of a complaint beyond what calm utterances have. One utterance adds at
/// most 850; below 0 it never falls.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Simmer {
    milli: i64,
    at_ms: u64,
}

impl Simmer {
    /// Takes in an utterance at a time not before the last one. Whether the sum is `enter_percent` of 1000 or more now, and
    /// this utterance helped; with 0 per cent never.
    pub fn hears(&mut self, t_ms: u64, probability: f32, enter_percent: u8) -> bool {
        let probability = if probability.is_finite() { probability.clamp(0.0, 1.0) } else { 0.0 };
        let own = (probability * probability * 1000.0) as i64 - CALM_MILLI;
        self.milli = (decay(self.milli, t_ms.saturating_sub(self.at_ms), HALF_LIFE_MS) + own).max(0);
        self.at_ms = self.at_ms.max(t_ms);
        enter_percent > 0 && own > 0 && self.milli >= i64::from(enter_percent) * 10
    }

    /// Whether what was heard up to now is worth no more than one utterance that may be a complaint.
    pub fn is_calm(&self, t_ms: u64) -> bool {
        decay(self.milli, t_ms.saturating_sub(self.at_ms), HALF_LIFE_MS) < CALM_BELOW_MILLI
    }

    /// Forgets what was heard up to `over_ms`, when an alert on it ended.
    pub fn forget(&mut self, over_ms: Option<u64>) {
        if over_ms.is_some_and(|over_ms| over_ms >= self.at_ms) {
            self.milli = 0;
        }
    }

    /// Kind words count against it.
    pub fn soothe(&mut self) {
        self.milli /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_utterance_is_never_enough_and_several_are() {
        let mut simmer = Simmer::default();
        assert!(!simmer.hears(0, 1.0, 100));
        assert!(simmer.hears(10_000, 0.8, 100));
        assert!(!simmer.hears(20_000, 0.2, 100), "a calm utterance never completes it");
        let mut often = Simmer::default();
        assert_eq!((0..6).filter(|turn| often.hears(turn * 10_000, 0.3, 100)).count(), 0);
        assert!(!Simmer::default().hears(0, f32::NAN, 1));
    }

    #[test]
    fn time_kind_words_and_the_end_of_an_alert_take_it_away() {
        let heard = || {
            let mut simmer = Simmer::default();
            simmer.hears(0, 1.0, 100);
            simmer
        };
        assert!(!heard().hears(300_000, 0.8, 100));
        let mut soothed = heard();
        soothed.soothe();
        assert!(!soothed.hears(10_000, 0.8, 100));
        let mut over = heard();
        over.forget(Some(5_000));
        assert!(!over.hears(10_000, 0.8, 100));
        let mut never = heard();
        assert!(!never.hears(1_000, 1.0, 0));
    }
}
