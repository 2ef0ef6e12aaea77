//! The embedded text model: one hashed linear classifier for each question asked of an utterance.
//!
//! `score = bias + scale · Σ weight[bucket] / √features`, turned into a probability by a fitted logistic curve
//! (Platt, 1999). Weights are int8; naive-Bayes log-ratios are folded in (Wang and Manning, ACL 2012). What was trained
//! on what, with which figures, is in `models/text/MODEL_CARD.md`; `train` makes the file.

use crate::terms::Lang;

pub mod features;

use self::features::{WordListError, WordLists, distinct};

const EMBEDDED: &[u8] = include_bytes!("../../models/text/heads.bin");
const MAGIC: &[u8; 8] = b"RUHETXT1";
/// Buckets of a head are 2^10 to 2^20.
const BITS: std::ops::RangeInclusive<u8> = 10..=20;

/// Probabilities 0..1; at 0.5 the head says yes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ModelScores {
    /// Insulting, degrading or obscene.
    pub offence: f32,
    /// Anger, reproach, threat: an utterance of severity 2 or 3.
    pub negative: f32,
    /// Thanks, praise, relief, patience, good humour.
    pub positive: f32,
}

/// What a head was trained to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeadKind {
    Offence,
    Negative,
    Positive,
}

/// Why a file is no text model. The remedy is always to train again or to take the file that came with the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    #[error("not a text model: it begins with other bytes than RUHETXT1; make one with `train`")]
    Foreign,
    #[error("the text model ends early, at byte {at}; copy or train it again")]
    Truncated { at: usize },
    #[error("the text model is damaged: checksum {found:08x} instead of {expected:08x}; copy or train it again")]
    Damaged { expected: u32, found: u32 },
    #[error("the text model has a head this program does not know ({what}); train it with this version")]
    Unknown { what: String },
    #[error("the text model's word lists are broken: {0}")]
    WordLists(#[from] WordListError),
}

/// One yes-or-no question with its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub kind: HeadKind,
    /// A power of two of weights, one for each bucket of the low bits of a feature hash.
    pub weights: Vec<i8>,
    /// What one step of a weight is worth.
    pub scale: f32,
    pub bias: f32,
    /// Logistic curve from score to probability: `1 / (1 + exp(-(slope · score + offset)))`.
    pub slope: f32,
    pub offset: f32,
}

impl Head {
    /// Raw score of distinct feature hashes, which must not be empty.
    pub fn raw(&self, features: &[u32]) -> f32 {
        let mask = self.weights.len() - 1;
        let sum: i32 = features.iter().map(|&hash| i32::from(self.weights[hash as usize & mask])).sum();
        self.bias + self.scale * sum as f32 / (features.len() as f32).sqrt()
    }

    /// Probability 0..1 of distinct feature hashes, which must not be empty.
    pub fn probability(&self, features: &[u32]) -> f32 {
        1.0 / (1.0 + (-(self.slope * self.raw(features) + self.offset)).exp())
    }
}

/// The heads of one language and the word lists they count.
#[derive(Debug, Clone)]
pub struct LanguageHeads {
    pub lang: Lang,
    /// As [`WordLists::parse`] reads it.
    pub word_lists: String,
    pub heads: Vec<Head>,
    compiled: WordLists,
}

impl LanguageHeads {
    pub fn new(lang: Lang, word_lists: String, heads: Vec<Head>) -> Result<Self, WordListError> {
        let compiled = WordLists::parse(&word_lists)?;
        Ok(Self { lang, word_lists, heads, compiled })
    }
}

/// All heads of all languages.
#[derive(Debug, Clone)]
pub struct Classifier {
    languages: Vec<LanguageHeads>,
}

impl Classifier {
    pub fn new(languages: Vec<LanguageHeads>) -> Self {
        Self { languages }
    }

    /// The model the program was built with; tests read it.
    pub fn embedded() -> Self {
        Self::from_bytes(EMBEDDED).expect("a test reads the embedded model, and the bytes are part of the program")
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        let body = bytes.strip_prefix(MAGIC).ok_or(WeightsError::Foreign)?;
        let mut reader = Reader { bytes: body, at: 0 };
        let expected = reader.u32()?;
        let length = reader.u32()? as usize;
        let rest = &body[reader.at..];
        if rest.len() < length {
            return Err(WeightsError::Truncated { at: bytes.len() });
        }
        let found = checksum(rest);
        if found != expected {
            return Err(WeightsError::Damaged { expected, found });
        }
        let languages = (0..reader.u8()?).map(|_| read_language(&mut reader)).collect::<Result<_, _>>()?;
        Ok(Self { languages })
    }

    /// The file [`Classifier::from_bytes`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = vec![self.languages.len() as u8];
        for language in &self.languages {
            body.push(matches!(language.lang, Lang::En) as u8);
            body.extend((language.word_lists.len() as u32).to_le_bytes());
            body.extend(language.word_lists.as_bytes());
            body.push(language.heads.len() as u8);
            for head in &language.heads {
                body.push(head.kind as u8);
                body.push(head.weights.len().trailing_zeros() as u8);
                for number in [head.scale, head.bias, head.slope, head.offset] {
                    body.extend(number.to_le_bytes());
                }
                body.extend(head.weights.iter().map(|&weight| weight as u8));
            }
        }
        let mut out = MAGIC.to_vec();
        out.extend(checksum(&body).to_le_bytes());
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out
    }

    /// Probabilities for one utterance as it was recognised or written, or normalised: the figures hardly differ. A text
    /// without letters and digits, and a question the language has no head for, score 0.
    pub fn score(&self, lang: Lang, text: &str) -> ModelScores {
        let mut scores = ModelScores::default();
        let Some(language) = self.languages.iter().find(|language| language.lang == lang) else { return scores };
        let found = distinct(text, &language.compiled);
        if found.is_empty() {
            return scores;
        }
        for head in &language.heads {
            let probability = head.probability(&found);
            match head.kind {
                HeadKind::Offence => scores.offence = probability,
                HeadKind::Negative => scores.negative = probability,
                HeadKind::Positive => scores.positive = probability,
            }
        }
        scores
    }
}

fn read_language(reader: &mut Reader<'_>) -> Result<LanguageHeads, WeightsError> {
    let lang = match reader.u8()? {
        0 => Lang::De,
        1 => Lang::En,
        other => return Err(WeightsError::Unknown { what: format!("language {other}") }),
    };
    let length = reader.u32()? as usize;
    let word_lists = String::from_utf8_lossy(reader.take(length)?).into_owned();
    let heads = (0..reader.u8()?).map(|_| read_head(reader)).collect::<Result<_, _>>()?;
    Ok(LanguageHeads::new(lang, word_lists, heads)?)
}

fn read_head(reader: &mut Reader<'_>) -> Result<Head, WeightsError> {
    let kind = match reader.u8()? {
        0 => HeadKind::Offence,
        1 => HeadKind::Negative,
        2 => HeadKind::Positive,
        other => return Err(WeightsError::Unknown { what: format!("question {other}") }),
    };
    let bits = reader.u8()?;
    if !BITS.contains(&bits) {
        return Err(WeightsError::Unknown { what: format!("2^{bits} buckets") });
    }
    let (scale, bias, slope, offset) = (reader.f32()?, reader.f32()?, reader.f32()?, reader.f32()?);
    if ![scale, bias, slope, offset].iter().all(|number| number.is_finite()) {
        return Err(WeightsError::Unknown { what: "a number that is not finite".to_owned() });
    }
    let weights = reader.take(1 << bits)?.iter().map(|&byte| byte as i8).collect();
    Ok(Head { kind, weights, scale, bias, slope, offset })
}

/// FNV-1a over all bytes.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], WeightsError> {
        let taken = self.bytes[self.at..].get(..length).ok_or(WeightsError::Truncated { at: self.bytes.len() })?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn u8(&mut self) -> Result<u8, WeightsError> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, WeightsError> {
        self.array().map(u32::from_le_bytes)
    }

    fn f32(&mut self) -> Result<f32, WeightsError> {
        self.array().map(f32::from_le_bytes)
    }
}

#[cfg(test)]
mod tests;
