//! One linear head for each kind of cue, all read in one pass over the features, and what turns a head and a pattern into
//! one probability.
//!
//! Weights lie `[bucket][question]`: a feature brings one row, which is added to the sums of all questions.

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
    fn without_questions_there_are_no_scores() {
        assert_eq!(KindHeads::default().raw(&[1, 2, 3]), Vec::<f32>::new());
    }

    #[test]
    fn a_pattern_and_a_head_make_a_kind_likelier_and_a_denial_less() {
        let stack = Stack { bias: -2.0, head: 1.0, found: 2.0, withheld: -1.0, add_from: 0.5, keep_from: 0.1 };
        assert!(stack.probability(1.0, false, false) < stack.probability(1.0, true, false));
        assert!(stack.probability(1.0, true, true) < stack.probability(1.0, true, false));
        assert!(stack.probability(2.0, true, false) > stack.probability(1.0, true, false));
    }
}
