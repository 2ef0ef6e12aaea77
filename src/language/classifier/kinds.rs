//! One linear head for each kind of cue, all read in one pass over the features, and what turns a head and a pattern into
//! one probability.
//!
//! Weights lie `[bucket][question]`: a feature brings one row, which is added to the sums of all questions.

use crate::terms::CueKind;

/// Rows are added in 16 bits; this many of 127 at most fit.
const ROWS_IN_16_BITS: usize = 256;
/// Columns that are added at once: as many as fit the registers of every processor.
const LANES: usize = 16;
/// Lanes that hold the most questions there can be, 255.
const ROWS_OF_LANES: usize = 16;

/// What a column answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The utterance does this.
    Kind(CueKind),
    /// The severity of the customer's utterance is at least this, 1 to 3.
    Severity(u8),
}

/// How a column becomes a raw score, and a raw score with what the patterns say a probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    pub column: Column,
    /// What one step of a weight is worth.
    pub scale: f32,
    pub bias: f32,
    pub stack: Stack,
}

/// Logistic regression on a head's raw score and on what the patterns of the kind say, fitted to lines neither had seen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stack {
    pub bias: f32,
    pub head: f32,
    /// A pattern of the kind matched.
    pub found: f32,
    /// Some pattern was denied, quoted or explained away.
    pub withheld: f32,
    /// From this probability on the kind is found without a pattern; above 1 never.
    pub add_from: f32,
    /// Below this probability a pattern's finding is dropped; 0 never.
    pub keep_from: f32,
}

impl Stack {
    /// Log-odds that the utterance does it.
    pub fn log_odds(&self, head: f32, found: bool, withheld: bool) -> f32 {
        self.bias + self.head * head + if found { self.found } else { 0.0 } + if withheld { self.withheld } else { 0.0 }
    }

    /// Whether the probability that the utterance does it is at least `least`.
    pub fn reaches(&self, least: f32, head: f32, found: bool, withheld: bool) -> bool {
        // Most are told without raising to a power: a half is where the odds are even.
        let hopeless = least >= 0.5 && self.log_odds(head, found, withheld) < -0.01;
        !hopeless && self.probability(head, found, withheld) >= least
    }

    /// Probability 0..1 that the utterance does it.
    pub fn probability(&self, head: f32, found: bool, withheld: bool) -> f32 {
        1.0 / (1.0 + (-self.log_odds(head, found, withheld)).exp())
    }
}

/// The heads of one party in one language.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KindHeads {
    pub questions: Vec<Question>,
    /// Rows of as many weights as there are questions; the number of rows is a power of two.
    pub weights: Vec<i8>,
    /// Log-odds of a complaint from the evidence of one utterance (`severity::evidence`); empty for agents.
    pub judge: Vec<f32>,
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
        let question = |column| Question { column, scale: 0.5, bias: 1.0, stack: Stack::default() };
        let questions = vec![question(Column::Kind(CueKind::Anger)), question(Column::Severity(2))];
        KindHeads {
            questions,
            weights: (0..2048).map(|n| [127, -3][n % 2]).collect(),
            judge: Vec::new(),
            ..KindHeads::default()
        }
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
            let question = heads().questions[0];
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
    fn a_pattern_and_a_head_make_a_kind_likelier_and_a_denial_less() {
        let stack = Stack { bias: -2.0, head: 1.0, found: 2.0, withheld: -1.0, add_from: 0.5, keep_from: 0.1 };
        assert!(stack.probability(1.0, false, false) < stack.probability(1.0, true, false));
        assert!(stack.probability(1.0, true, true) < stack.probability(1.0, true, false));
        assert!(stack.probability(2.0, true, false) > stack.probability(1.0, true, false));
        for (head, least) in [(0.0, 0.5), (2.0, 0.5), (1.995, 0.5), (0.0, 0.1), (3.0, 0.9)] {
            let reached = stack.probability(head, false, false) >= least;
            assert_eq!(stack.reaches(least, head, false, false), reached, "{head} {least}");
        }
    }
}
