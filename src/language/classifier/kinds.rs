//! One linear head for each kind of cue, all read in one pass over the features, and what turns a head and a pattern into
//! one probability.
//!
//! Weights lie `[bucket][question]`: a feature brings one row, which is added to the sums of all questions.

use super::trees::Trees;
use crate::terms::CueKind;

/// Rows are added in 16 bits; this many of 127 at most fit.
const ROWS_IN_16_BITS: usize = 256;
/// Columns that are added at once: as many as fit the registers of every processor.
const LANES: usize = 16;

/// What a column answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The utterance does this.
    Kind(CueKind),
    /// The severity of the customer's utterance is at least this, 1 to 3.
    Severity(u8),
}

/// How a column becomes a raw score, and all that is known of an utterance a probability.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub column: Column,
    /// What one step of a weight is worth.
    pub scale: f32,
    pub bias: f32,
    /// Of a kind; empty for a severity.
    pub stack: Stack,
    /// From this probability on the kind is found without a pattern; above 1 never.
    pub add_from: f32,
    /// Below this probability a pattern's finding is dropped; 0 never.
    pub keep_from: f32,
}

/// Logistic regression on the evidence of an utterance (`language::evidence`): on what its own head and patterns say, and on
/// what all others do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stack {
    /// By number of the evidence, in steps.
    pub weights: Vec<i16>,
    /// What one step is worth.
    pub scale: f32,
}

impl Stack {
    /// Nearest stack to these weights.
    pub fn of(weights: &[f64]) -> Self {
        let largest = weights.iter().fold(0.0f64, |largest, weight| largest.max(weight.abs()));
        let step = (largest / 32_767.0).max(f64::MIN_POSITIVE);
        Self { weights: weights.iter().map(|weight| (weight / step).round() as i16).collect(), scale: step as f32 }
    }

    /// Probability 0..1 that the utterance does it.
    pub fn probability(&self, evidence: &[f32]) -> f32 {
        let sum: f32 = self.weights.iter().zip(evidence).map(|(&weight, number)| f32::from(weight) * number).sum();
        1.0 / (1.0 + (-self.scale * sum).exp())
    }
}

/// The heads of one party in one language.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KindHeads {
    pub questions: Vec<Question>,
    /// Rows of as many weights as there are questions; the number of rows is a power of two.
    pub weights: Vec<i8>,
    /// Probability of a complaint from the evidence of one utterance (`language::evidence`); without trees for agents.
    pub judge: Trees,
    /// Probability from which an utterance without a cue of complaint is one, severity 2.
    pub complaint_from: f32,
    /// Probability below which a complaint by its cues is but friction.
    pub doubt_below: f32,
    /// Probability from which an utterance without a cue of friction is mild friction, severity 1.
    pub friction_from: f32,
}

impl KindHeads {
    /// Raw scores in the order of the questions, of distinct feature hashes, which must not be empty.
    pub fn raw(&self, features: &[u32]) -> Vec<f32> {
        let columns = self.questions.len();
        if columns == 0 {
            return Vec::new();
        }
        let mask = self.weights.len() / columns - 1;
        let mut sums = vec![0i32; columns];
        for rows in features.chunks(ROWS_IN_16_BITS) {
            if columns < LANES {
                for &hash in rows {
                    let row = &self.weights[(hash as usize & mask) * columns..][..columns];
                    sums.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += i32::from(weight));
                }
                continue;
            }
            // The last lanes overlap those before them: the same sum twice is quicker than an odd number of columns.
            let mut first = 0;
            while first < columns {
                let at = first.min(columns - LANES);
                let mut part = [0i16; LANES];
                for &hash in rows {
                    let row = &self.weights[(hash as usize & mask) * columns + at..][..LANES];
                    part.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += i16::from(weight));
                }
                let new = first - at;
                sums[first..].iter_mut().zip(&part[new..]).for_each(|(sum, &part)| *sum += i32::from(part));
                first = at + LANES;
            }
        }
        let norm = (features.len() as f32).sqrt();
        let of = |(question, sum): (&Question, i32)| question.bias + question.scale * sum as f32 / norm;
        self.questions.iter().zip(sums).map(of).collect()
    }

    /// Weight of a feature in a question, in steps.
    pub fn weight(&self, hash: u32, question: usize) -> i8 {
        let columns = self.questions.len();
        let mask = self.weights.len() / columns - 1;
        self.weights[(hash as usize & mask) * columns + question]
    }

    /// Place of a kind among the questions.
    pub fn column(&self, kind: CueKind) -> Option<usize> {
        self.questions.iter().position(|question| question.column == Column::Kind(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads() -> KindHeads {
        let question =
            |column| Question { column, scale: 0.5, bias: 1.0, stack: Stack::default(), add_from: 2.0, keep_from: 0.0 };
        let questions = vec![question(Column::Kind(CueKind::Anger)), question(Column::Severity(2))];
        KindHeads { questions, weights: (0..2048).map(|n| [127, -3][n % 2]).collect(), ..KindHeads::default() }
    }

    #[test]
    fn rows_of_a_long_text_add_up_without_overflow() {
        let features: Vec<u32> = (0..10_000).collect();
        assert_eq!(heads().raw(&features), [1.0 + 0.5 * 127.0 * 100.0, 1.0 - 0.5 * 3.0 * 100.0]);
        assert_eq!(heads().weight(1025, 1), -3);
        assert_eq!(heads().column(CueKind::Anger), Some(0));
    }

    #[test]
    fn without_questions_there_are_no_scores() {
        assert_eq!(KindHeads::default().raw(&[1, 2, 3]), Vec::<f32>::new());
    }

    #[test]
    fn a_stack_keeps_its_weights_to_a_thousandth() {
        let stack = Stack::of(&[-2.0, 1.0, 0.5]);
        let sure = |evidence: &[f32], log_odds: f32| {
            let wanted = 1.0 / (1.0 + (-log_odds).exp());
            assert!((stack.probability(evidence) - wanted).abs() < 1e-3, "{evidence:?}");
        };
        sure(&[1.0, 0.0, 0.0], -2.0);
        sure(&[1.0, 3.0, 1.0], 1.5);
        assert_eq!(Stack::of(&[0.0]).probability(&[1.0]), 0.5);
    }
}
