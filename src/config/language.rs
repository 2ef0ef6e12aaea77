//! Cues, practices and text classifiers of the user's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::language::onnx::{Activation, OnnxSettings, Output};
use crate::terms::Lang;

/// Cues, phrases and practices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Directory with cue files. Default none: those built into the program.
    pub language_dir: Option<PathBuf>,
    /// Directory with playbook files. Default none: those built into the program.
    pub playbook_dir: Option<PathBuf>,
}

/// Text classifiers of the user's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageModels {
    /// ONNX files by language, `[language.onnx.de]` and `[language.onnx.en]`. Default none. Only for a program that was
    /// built with the feature `onnx` (docs/scoring.md).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub onnx: BTreeMap<Lang, OnnxModel>,
}

/// A text classifier that goes beside the embedded one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxModel {
    /// The network, with the inputs `input_ids`, `attention_mask` and perhaps `token_type_ids` (64-bit integers).
    pub model: PathBuf,
    /// Its WordPiece vocabulary, `vocab.txt`.
    pub vocabulary: PathBuf,
    /// What its outputs mean, in their order: `offence`, `negative` (severity 2 or 3), `positive`, `ignored`.
    pub outputs: Vec<Output>,
    /// `softmax` (default), `sigmoid` or `none`: from outputs to probabilities.
    #[serde(default)]
    pub activation: Activation,
    /// Whether it was trained on lower case without accents ("uncased"). Default `false`.
    #[serde(default)]
    pub lowercase: bool,
    /// Tokens read of an utterance, 8 to 512. Default 64: what somebody says in ten seconds. All utterances take the
    /// time of the longest.
    #[serde(default = "tokens")]
    pub tokens: usize,
    /// Its share beside the embedded model, above 0 to 1. Default 0.5: both say the same.
    #[serde(default = "share")]
    pub share: f32,
    /// Milliseconds an utterance may take when the model is tried at start; a slower one is refused. Default 50: with ten
    /// utterances a second on the whole floor, half a core.
    #[serde(default = "most_ms")]
    pub most_ms: u64,
}

impl OnnxModel {
    pub fn settings(&self) -> OnnxSettings {
        OnnxSettings {
            outputs: self.outputs.clone(),
            activation: self.activation,
            lowercase: self.lowercase,
            tokens: self.tokens,
            share: self.share,
        }
    }
}

fn tokens() -> usize {
    64
}

fn share() -> f32 {
    0.5
}

fn most_ms() -> u64 {
    50
}
