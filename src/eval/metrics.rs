//! The textbook figures.

use serde::Serialize;

/// True positives, false positives and false negatives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub hit: usize,
    pub false_alarm: usize,
    pub missed: usize,
}

impl Counts {
    pub fn add(&mut self, labelled: bool, found: bool) {
        match (labelled, found) {
            (true, true) => self.hit += 1,
            (false, true) => self.false_alarm += 1,
            (true, false) => self.missed += 1,
            (false, false) => {}
        }
    }

    /// How often the label occurs.
    pub fn support(self) -> usize {
        self.hit + self.missed
    }

    /// Share of what was found that is right, 0 to 1; `None` if nothing was found.
    pub fn precision(self) -> Option<f64> {
        share(self.hit, self.hit + self.false_alarm)
    }

    /// Share of what there is that was found, 0 to 1; `None` if there is nothing.
    pub fn recall(self) -> Option<f64> {
        share(self.hit, self.support())
    }

    /// Harmonic mean of precision and recall; `None` if there is nothing and nothing was found.
    pub fn f1(self) -> Option<f64> {
        share(2 * self.hit, 2 * self.hit + self.false_alarm + self.missed)
    }
}

/// `part` of `whole`; `None` of nothing.
pub fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The middle value, the mean of the two middle ones if their number is even; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// Probability that a positive scores above a negative, ties counting half (Mann and Whitney, 1947); `None` without
/// both.
pub fn auroc(scored: &[(f32, bool)]) -> Option<f64> {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = sorted.iter().filter(|(_, positive)| *positive).count();
    let negatives = sorted.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    // Sum of the positives' ranks, equal scores sharing the mean of their ranks.
    let mut ranks = 0.0;
    let mut start = 0;
    while start < sorted.len() {
        let score = sorted[start].0;
        let end = start + sorted[start..].iter().take_while(|(other, _)| *other == score).count().max(1);
        let mean_rank = (start + 1 + end) as f64 / 2.0;
        ranks += mean_rank * sorted[start..end].iter().filter(|(_, positive)| *positive).count() as f64;
        start = end;
    }
    let (positives, negatives) = (positives as f64, negatives as f64);
    Some((ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auroc_agrees_with_counting_pairs() {
        let cases: [&[(f32, bool)]; 4] = [
            &[(0.1, false), (0.9, true)],
            &[(0.9, false), (0.1, true)],
            &[(0.5, false), (0.5, true)],
            &[(0.1, false), (0.4, true), (0.4, false), (0.4, true), (0.8, false), (0.9, true), (0.2, true)],
        ];
        for scored in cases {
            let (mut won, mut pairs) = (0.0, 0.0);
            for (high, _) in scored.iter().filter(|(_, positive)| *positive) {
                for (low, _) in scored.iter().filter(|(_, positive)| !*positive) {
                    pairs += 1.0;
                    won += if high > low {
                        1.0
                    } else if high == low {
                        0.5
                    } else {
                        0.0
                    };
                }
            }
            assert!((auroc(scored).unwrap() - won / pairs).abs() < 1e-12, "{scored:?}");
        }
        assert_eq!(auroc(&[(0.3, true)]), None);
        assert!(auroc(&[(f32::NAN, true), (0.1, false)]).is_some());
    }

    #[test]
    fn f1_is_the_harmonic_mean() {
        let mut counts = Counts::default();
        for (labelled, found) in [(true, true), (true, true), (true, false), (false, true), (false, false)] {
            counts.add(labelled, found);
        }
        assert_eq!(counts, Counts { hit: 2, false_alarm: 1, missed: 1 });
        let (precision, recall) = (counts.precision().unwrap(), counts.recall().unwrap());
        let harmonic = 2.0 * precision * recall / (precision + recall);
        assert!((counts.f1().unwrap() - harmonic).abs() < 1e-12);
        assert_eq!(Counts::default().f1(), None);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
