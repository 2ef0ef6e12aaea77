//! One number of a voice over a call: its beginning, where it stands now, and whether that is a change worth telling.

use std::collections::VecDeque;

/// Voiced speech that is "now", in milliseconds: long enough for a sentence or two, short enough for a change of mood.
const NOW_MS: u64 = 6_000;
/// Less of it tells nothing.
const NOW_MIN_MS: u64 = 4_000;
/// What was there before a change of the line is known from this much speech on.
const KNOWN_MS: u64 = 3_000;
/// A change must be larger than the beginning's own spread times this: lively speakers vary more.
const SPREADS: f32 = 2.0;
/// From median deviation to standard deviation, for numbers that scatter normally.
const DEVIATION: f32 = 1.4826;

/// Values with their weights in milliseconds of voiced speech.
#[derive(Debug)]
pub(super) struct Track {
    beginning_ms: u64,
    enter_min: f32,
    first: Vec<(u64, f32)>,
    /// Median of the beginning, and the change from which something is told.
    beginning: Option<(f32, f32)>,
    now: VecDeque<(u64, f32)>,
    on: bool,
}

impl Track {
    /// `enter_min`: the least change that is told.
    pub fn new(beginning_ms: u64, enter_min: f32) -> Self {
        Self { beginning_ms, enter_min, first: Vec::new(), beginning: None, now: VecDeque::new(), on: false }
    }

    /// Takes in a value; whether something begins (`true`) or is over (`false`) with it.
    pub fn push(&mut self, ms: u64, value: f32) -> Option<bool> {
        let Some((_, enter)) = self.beginning else {
            self.first.push((ms, value));
            if total(&self.first) >= self.beginning_ms {
                self.learn();
            }
            return None;
        };
        self.now.push_back((ms, value));
        while self.now.len() > 1 && self.total_now() - self.now[0].0 >= NOW_MS {
            self.now.pop_front();
        }
        if self.total_now() < NOW_MIN_MS {
            return None;
        }
        // Left at half the change it was entered with, so that it does not flicker.
        let on = self.change() >= if self.on { enter / 2.0 } else { enter };
        (on != std::mem::replace(&mut self.on, on)).then_some(on)
    }

    /// Takes in a value that is known to be at least this: it may begin something and end nothing.
    pub fn at_least(&mut self, ms: u64, value: f32) -> Option<bool> {
        if self.beginning.is_none() || self.on { None } else { self.push(ms, value) }
    }

    /// The beginning, once it is known.
    pub fn beginning(&self) -> Option<f32> {
        self.beginning.map(|(median, _)| median)
    }

    /// What was heard last, if there was enough of it.
    pub fn latest(&self) -> Option<f32> {
        let now: Vec<(u64, f32)> = self.now.iter().copied().collect();
        let known = |values: &[(u64, f32)]| (total(values) >= KNOWN_MS).then(|| median(values)).flatten();
        known(&now).or_else(|| self.beginning()).or_else(|| known(&self.first))
    }

    /// How far it is above the beginning now; 0 as long as that is not known.
    pub fn change(&self) -> f32 {
        let now: Vec<(u64, f32)> = self.now.iter().copied().collect();
        match (self.beginning(), median(&now)) {
            (Some(beginning), Some(now)) => now - beginning,
            _ => 0.0,
        }
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    pub fn set_on(&mut self, on: bool) {
        self.on = on;
    }

    fn learn(&mut self) {
        let first = std::mem::take(&mut self.first);
        let Some(middle) = median(&first) else { return };
        let deviations: Vec<(u64, f32)> = first.iter().map(|(ms, value)| (*ms, (value - middle).abs())).collect();
        let spread = median(&deviations).unwrap_or(0.0) * DEVIATION;
        self.beginning = Some((middle, self.enter_min.max(SPREADS * spread)));
    }

    fn total_now(&self) -> u64 {
        self.now.iter().map(|(ms, _)| ms).sum()
    }
}

fn total(values: &[(u64, f32)]) -> u64 {
    values.iter().map(|(ms, _)| ms).sum()
}

/// The value with half of the weight on either side; `None` of nothing.
pub(super) fn median(values: &[(u64, f32)]) -> Option<f32> {
    let mut sorted: Vec<(u64, f32)> = values.iter().copied().filter(|(_, value)| value.is_finite()).collect();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let half = total(&sorted) / 2;
    let mut sum = 0;
    sorted.into_iter().find_map(|(ms, value)| {
        sum += ms;
        (sum > half).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_follows_the_weights() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[(1, 5.0)]), Some(5.0));
        assert_eq!(median(&[(1, 5.0), (1, 9.0), (10, 1.0)]), Some(1.0));
        assert_eq!(median(&[(1, f32::NAN), (1, 2.0)]), Some(2.0));
    }

    #[test]
    fn a_change_is_told_once_and_ends_only_well_below_where_it_began() {
        let mut track = Track::new(10_000, 6.0);
        let mut said = Vec::new();
        let values = [0.0, 0.0, 0.0, 0.0, 7.0, 7.0, 7.0, 4.0, 4.0, 4.0, 7.0, 7.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0];
        for value in values {
            said.extend(track.push(3_000, value).map(|on| (value, on)));
        }
        assert_eq!(said, [(7.0, true), (2.0, false)]);
    }

    #[test]
    fn lively_speakers_need_a_larger_change() {
        let tells = |first: [f32; 4]| {
            let mut track = Track::new(12_000, 6.0);
            first.iter().for_each(|value| assert_eq!(track.push(3_000, *value), None));
            [8.0, 8.0, 8.0].into_iter().any(|value| track.push(3_000, value) == Some(true))
        };
        assert!(tells([0.0, 1.0, 0.0, -1.0]));
        assert!(!tells([-5.0, 5.0, -5.0, 5.0]));
    }
}
