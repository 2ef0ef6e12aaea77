//! One linear head for each kind of cue, all read in one pass over the features, and what turns a head and a pattern into
//! one probability.
//!
//! Weights lie `[bucket][question]`: a feature brings one row, which is added to the sums of all questions.

use super::logistic;
use super::trees::Trees;
use crate::terms::CueKind;

/// Rows are added in 16 bits; this many of 127 at most fit.
const ROWS_IN_16_BITS: usize = 256;
/// Columns that are added at once: as many as fit the registers of every processor.
const LANES: usize = 16;
/// Lanes that hold the most questions there can be, 255.
const ROWS_OF_LANES: usize = 16;

/// Numbers of the evidence that are added up side by side.
const SUMS: usize = 8;

/// What a column answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The utterance does this.
    Kind(CueKind),
    /// The severity of the customer's utterance is at least this, 1 to 3.
    Severity(u8),
}

impl Column {
    /// The kind it asks for.
    pub fn kind(self) -> Option<CueKind> {
        match self {
            Self::Kind(kind) => Some(kind),
            Self::Severity(_) => None,
        }
    }
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
    /// By number of the evidence, in steps; as many as that.
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

    /// Log-odds that the utterance does it.
    fn log_odds(&self, evidence: &[f32]) -> f32 {
        // Sums side by side: one after the other, each addition would wait for the one before.
        let mut sums = [0.0f32; SUMS];
        let (weights, numbers) = (self.weights.chunks_exact(SUMS), evidence.chunks_exact(SUMS));
        let rest = weights.remainder().iter().zip(numbers.remainder());
        let rest: f32 = rest.map(|(&weight, number)| f32::from(weight) * number).sum();
        for (weights, numbers) in weights.zip(numbers) {
            let products = weights.iter().zip(numbers).map(|(&weight, number)| f32::from(weight) * number);
            sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
        }
        self.scale * (rest + sums.iter().sum::<f32>())
    }

    /// Probability 0..1 that the utterance does it.
    pub fn probability(&self, evidence: &[f32]) -> f32 {
        logistic(self.log_odds(evidence))
    }

    /// Whether the probability that the utterance does it is at least `least`.
    pub fn reaches(&self, least: f32, evidence: &[f32]) -> bool {
        // Most are told without raising to a power: a half is where the odds are even.
        let log_odds = self.log_odds(evidence);
        (least < 0.5 || log_odds >= -0.01) && logistic(log_odds) >= least
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
            match columns.div_ceil(LANES) {
                _ if columns < LANES => {
                    for &hash in rows {
                        let row = &self.weights[(hash as usize & mask) * columns..][..columns];
                        sums.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += i32::from(weight));
                    }
                }
                1 => self.add_rows::<1>(rows, &mut sums),
                2 => self.add_rows::<2>(rows, &mut sums),
                3 => self.add_rows::<3>(rows, &mut sums),
                _ => self.add_rows::<ROWS_OF_LANES>(rows, &mut sums),
            }
        }
        let norm = (features.len() as f32).sqrt();
        let of = |(question, sum): (&Question, i32)| question.bias + question.scale * sum as f32 / norm;
        self.questions.iter().zip(sums).map(of).collect()
    }

    /// Adds rows, at most [`ROWS_IN_16_BITS`], of at least [`LANES`] columns.
    fn add_rows<const PARTS: usize>(&self, rows: &[u32], sums: &mut [i32]) {
        let columns = sums.len();
        let mask = self.weights.len() / columns - 1;
        // The last lanes overlap those before them: the same sum twice is quicker than an odd number of columns.
        let starts: [usize; PARTS] = std::array::from_fn(|part| (part * LANES).min(columns - LANES));
        let mut parts = [[0i16; LANES]; PARTS];
        for &hash in rows {
            let row = &self.weights[(hash as usize & mask) * columns..][..columns];
            for (part, &start) in parts.iter_mut().zip(&starts) {
                part.iter_mut().zip(&row[start..start + LANES]).for_each(|(sum, &weight)| *sum += i16::from(weight));
            }
        }
        for (number, (part, start)) in parts.iter().zip(starts).enumerate() {
            let seen = (number * LANES).saturating_sub(start).min(LANES);
            sums[start + seen..].iter_mut().zip(&part[seen..]).for_each(|(sum, &part)| *sum += i32::from(part));
        }
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
    fn any_number_of_columns_is_added_up() {
        for columns in [1, 15, 16, 17, 25, 32, 40, 50, 60, 255] {
            let question = heads().questions[0].clone();
            let weights: Vec<i8> = (0..columns * 1024).map(|n| (n * 7 % 251) as u8 as i8).collect();
            let heads = KindHeads { questions: vec![question; columns], weights, ..KindHeads::default() };
            let features = [3, 1500, 70_001];
            let sum = |column| features.iter().map(|&hash| f32::from(heads.weight(hash, column))).sum::<f32>();
            let expected: Vec<f32> = (0..columns).map(|column| 1.0 + 0.5 * sum(column) / 3f32.sqrt()).collect();
            assert_eq!(heads.raw(&features), expected, "{columns}");
        }
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
        for (number, least) in [(0.0, 0.5), (2.0, 0.5), (1.995, 0.5), (0.0, 0.1), (5.0, 0.9)] {
            let evidence = [1.0, number];
            assert_eq!(stack.reaches(least, &evidence), stack.probability(&evidence) >= least, "{number} {least}");
        }
    }
}
