//! A classifier of the user's own, beside the embedded text model: an ONNX file that reads WordPiece numbers.
//!
//! Its answer is mixed into the general heads ([`ModelScores`]), so that all that rests on them (severity, level, what is
//! shown) hears it; cues and the heads of the kinds stay the program's own. It reads a fixed number of tokens, so that
//! every utterance takes the same time. What runs it, tract, is compiled in by the feature `onnx` alone.

#[cfg(feature = "onnx")]
mod network;
pub mod wordpiece;

use serde::{Deserialize, Serialize};

#[cfg(feature = "onnx")]
pub use self::network::Onnx;

use self::wordpiece::VocabularyError;
use super::ModelScores;
use super::classifier::{HeadKind, logistic};

/// Tokens a model may read: fewer are no sentence, more take too long for talk.
const TOKENS: std::ops::RangeInclusive<usize> = 8..=512;

/// What an output of the model means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    Offence,
    /// Anger, reproach, threat: severity 2 or 3.
    Negative,
    Positive,
    /// Something else, or nothing of the kind.
    Ignored,
}

impl Output {
    pub fn head(self) -> Option<HeadKind> {
        match self {
            Self::Offence => Some(HeadKind::Offence),
            Self::Negative => Some(HeadKind::Negative),
            Self::Positive => Some(HeadKind::Positive),
            Self::Ignored => None,
        }
    }
}

/// How outputs become probabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// One of the classes.
    #[default]
    Softmax,
    /// Each for itself.
    Sigmoid,
    /// They are probabilities already.
    None,
}

/// How a model is to be used.
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxSettings {
    /// What its outputs mean, in their order.
    pub outputs: Vec<Output>,
    pub activation: Activation,
    /// Trained on lower case without accents.
    pub lowercase: bool,
    /// Tokens read of an utterance, marks of its begin and end included.
    pub tokens: usize,
    /// Its share beside the embedded model, 0 to 1, in log-odds.
    pub share: f32,
}

/// Why a model cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OnnxError {
    #[error(
        "this program was built without ONNX; build it with `cargo build --release --features onnx`, or remove \
         [language.onnx]"
    )]
    NotBuiltIn,
    #[error("the vocabulary: {0}")]
    Vocabulary(#[from] VocabularyError),
    #[error("tract cannot run it: {0}; export a text classifier with fixed operators, opset 11 to 18")]
    Unusable(String),
    #[error("it wants an input `{name}`; known are input_ids, attention_mask and token_type_ids")]
    Input { name: String },
    #[error("it has {found} outputs and `outputs` names {named}; name each in order, `ignored` for those of no use")]
    Outputs { found: usize, named: usize },
    #[error("`outputs` names no head; name one at least: offence, negative or positive")]
    NoHead,
    #[error("the embedded model of this language has no head {0:?} to go beside; write `ignored`")]
    Unpaired(HeadKind),
    #[error("tokens = {0}; choose {least} to {most}", least = TOKENS.start(), most = TOKENS.end())]
    Tokens(usize),
    #[error("share = {0}; choose more than 0 and at most 1")]
    Share(f32),
}

impl OnnxSettings {
    /// Whether the settings make sense by themselves.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), OnnxError> {
        if !TOKENS.contains(&self.tokens) {
            return Err(OnnxError::Tokens(self.tokens));
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            return Err(OnnxError::Share(self.share));
        }
        match self.outputs.iter().any(|output| output.head().is_some()) {
            true => Ok(()),
            false => Err(OnnxError::NoHead),
        }
    }

    /// The embedded model's scores with the own model's part. Outputs that are no numbers say nothing.
    pub fn mix(&self, embedded: ModelScores, outputs: &[f32]) -> ModelScores {
        if outputs.iter().any(|output| !output.is_finite()) {
            return embedded;
        }
        let mix = |head, embedded| self.probability(head, outputs).map_or(embedded, |own| self.between(embedded, own));
        ModelScores {
            offence: mix(HeadKind::Offence, embedded.offence),
            negative: mix(HeadKind::Negative, embedded.negative),
            positive: mix(HeadKind::Positive, embedded.positive),
        }
    }

    /// Probability of a head, 0..1; `None` if no output means it. Classes of one head add up; of outputs each for
    /// itself the likeliest counts.
    fn probability(&self, head: HeadKind, outputs: &[f32]) -> Option<f32> {
        let mine = |(output, value): (&Output, f32)| (output.head() == Some(head)).then_some(value);
        let named = self.outputs.iter();
        match self.activation {
            Activation::Softmax => {
                let most = outputs.iter().copied().fold(f32::MIN, f32::max);
                let sum: f32 = outputs.iter().map(|output| (output - most).exp()).sum();
                let parts = outputs.iter().map(|output| (output - most).exp() / sum);
                named.zip(parts).filter_map(mine).reduce(|a, b| a + b)
            }
            Activation::Sigmoid => {
                named.zip(outputs.iter().map(|output| logistic(*output))).filter_map(mine).reduce(f32::max)
            }
            Activation::None => named.zip(outputs.iter().copied()).filter_map(mine).reduce(f32::max),
        }
    }

    fn between(&self, embedded: f32, own: f32) -> f32 {
        let log_odds = |probability: f32| {
            let probability = probability.clamp(0.001, 0.999);
            (probability / (1.0 - probability)).ln()
        };
        let mixed = (1.0 - self.share) * log_odds(embedded) + self.share * log_odds(own);
        logistic(mixed)
    }
}

/// Stands for the model where the feature `onnx` is not compiled in: there is none.
#[cfg(not(feature = "onnx"))]
#[derive(Debug)]
pub enum Onnx {}

#[cfg(not(feature = "onnx"))]
impl Onnx {
    /// # Errors
    /// Always: [`OnnxError::NotBuiltIn`].
    pub fn new(_model: &[u8], _vocabulary: &str, _settings: OnnxSettings) -> Result<Self, OnnxError> {
        Err(OnnxError::NotBuiltIn)
    }

    pub fn settings(&self) -> &OnnxSettings {
        match *self {}
    }

    pub fn mix(&self, _embedded: ModelScores, _text: &str) -> ModelScores {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(activation: Activation, share: f32) -> OnnxSettings {
        let outputs = vec![Output::Ignored, Output::Negative, Output::Negative, Output::Positive];
        OnnxSettings { outputs, activation, lowercase: false, tokens: 16, share }
    }

    const EMBEDDED: ModelScores = ModelScores { offence: 0.3, negative: 0.5, positive: 0.5 };

    #[test]
    fn classes_of_one_head_add_up_and_heads_without_output_stay() {
        let mixed = settings(Activation::Softmax, 1.0).mix(EMBEDDED, &[0.0, 0.0, 0.0, 0.0]);
        assert!((mixed.negative - 0.5).abs() < 1e-5 && (mixed.positive - 0.25).abs() < 1e-5, "{mixed:?}");
        assert_eq!(mixed.offence, 0.3);
        let each = settings(Activation::Sigmoid, 1.0).mix(EMBEDDED, &[9.0, -2.0, 2.0, -2.0]);
        assert!(each.negative > 0.85 && each.positive < 0.15, "{each:?}");
        assert_eq!(settings(Activation::None, 1.0).mix(EMBEDDED, &[0.0, 0.1, 0.25, 0.0]).negative, 0.25);
    }

    #[test]
    fn the_share_decides_between_the_two() {
        let negative = |share| settings(Activation::None, share).mix(EMBEDDED, &[0.0, 0.9, 0.0, 0.5]).negative;
        assert!(negative(0.25) > 0.5 && negative(0.5) > negative(0.25) && negative(1.0) > 0.89, "{}", negative(0.5));
    }

    #[test]
    fn what_is_no_number_says_nothing() {
        for output in [f32::NAN, f32::INFINITY] {
            assert_eq!(settings(Activation::Softmax, 1.0).mix(EMBEDDED, &[output, 0.0, 0.0, 0.0]), EMBEDDED);
        }
        let huge = settings(Activation::Softmax, 1.0).mix(EMBEDDED, &[1e30, -1e30, 0.0, 0.0]);
        assert!(huge.negative < 0.01 && huge.negative.is_finite());
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let good = settings(Activation::Softmax, 0.5);
        assert_eq!(good.check(), Ok(()));
        assert_eq!(OnnxSettings { tokens: 4, ..good.clone() }.check(), Err(OnnxError::Tokens(4)));
        assert_eq!(OnnxSettings { share: 0.0, ..good.clone() }.check(), Err(OnnxError::Share(0.0)));
        assert!(OnnxSettings { share: f32::NAN, ..good.clone() }.check().is_err());
        assert_eq!(OnnxSettings { outputs: vec![Output::Ignored], ..good }.check(), Err(OnnxError::NoHead));
    }
}
