//! The embedded text model: one hashed linear classifier for each question asked of an utterance.
//!
//! `score = bias + scale · Σ weight[bucket] / √features`, turned into a probability by a fitted logistic curve
//! (Platt, 1999). Weights are int8; naive-Bayes log-ratios are folded in (Wang and Manning, ACL 2012). What was trained
//! on what, with which figures, is in `models/text/MODEL_CARD.md`; `train` makes the file.

use crate::terms::{CueKind, Lang};

pub mod features;
pub mod kinds;
pub mod tags;
pub mod trees;

use self::features::{Features, WordListError, WordLists, features, features_of_kinds};
use self::kinds::{Column, KindHeads, Question, Stack};
use self::tags::TagLists;
use self::trees::{LEAVES, SPLITS, Split, Tree, Trees};

const EMBEDDED: &[u8] = include_bytes!("../../models/text/heads.bin");
const MAGIC: &[u8; 8] = b"RUHETXT3";
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
    #[error("not a text model: it begins with other bytes than RUHETXT3; make one with `train`")]
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

/// Probability 0..1 of log-odds.
pub fn logistic(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
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
        logistic(self.slope * self.raw(features) + self.offset)
    }
}

/// The heads of one language and the word lists they count.
#[derive(Debug, Clone)]
pub struct LanguageHeads {
    pub lang: Lang,
    /// As [`WordLists::parse`] reads it.
    pub word_lists: String,
    /// As [`TagLists::parse`] reads it.
    pub tag_lists: String,
    pub heads: Vec<Head>,
    /// Kinds of cue of the customer.
    pub customer: KindHeads,
    /// Kinds of cue of the agent.
    pub agent: KindHeads,
    words: WordLists,
    tags: TagLists,
}

impl LanguageHeads {
    pub fn new(lang: Lang, word_lists: String, tag_lists: String, heads: Vec<Head>) -> Result<Self, WordListError> {
        let (words, tags) = (WordLists::parse(&word_lists)?, TagLists::parse(&tag_lists)?);
        let (customer, agent) = (KindHeads::default(), KindHeads::default());
        Ok(Self { lang, word_lists, tag_lists, heads, customer, agent, words, tags })
    }

    /// The heads of the customer's or the agent's kinds.
    pub fn kinds(&self, agent: bool) -> &KindHeads {
        if agent { &self.agent } else { &self.customer }
    }

    pub fn tags(&self) -> &TagLists {
        &self.tags
    }

    /// The features of a text, in use and in training the same.
    pub fn features(&self, text: &str) -> Features {
        features(text, &self.words, &self.tags)
    }

    /// Probabilities by the general heads.
    fn model(&self, found: &Features) -> ModelScores {
        let mut scores = ModelScores::default();
        for head in &self.heads {
            let probability = head.probability(found.general());
            match head.kind {
                HeadKind::Offence => scores.offence = probability,
                HeadKind::Negative => scores.negative = probability,
                HeadKind::Positive => scores.positive = probability,
            }
        }
        scores
    }
}

/// What the model makes of one utterance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// All 0 for agents, and for a text without letters and digits.
    pub model: ModelScores,
    /// Raw scores in the order of the party's questions; empty for a text without letters and digits.
    pub raw: Vec<f32>,
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
            body.extend((language.tag_lists.len() as u32).to_le_bytes());
            body.extend(language.tag_lists.as_bytes());
            body.push(language.heads.len() as u8);
            for head in &language.heads {
                body.push(head.kind as u8);
                body.push(head.weights.len().trailing_zeros() as u8);
                for number in [head.scale, head.bias, head.slope, head.offset] {
                    body.extend(number.to_le_bytes());
                }
                body.extend(head.weights.iter().map(|&weight| weight as u8));
            }
            write_kinds(&language.customer, &mut body);
            write_kinds(&language.agent, &mut body);
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
        self.read(lang, false, text).model
    }

    /// Everything the model says of one utterance; of agents only the kinds of cue.
    pub fn read(&self, lang: Lang, agent: bool, text: &str) -> Verdict {
        let Some(language) = self.heads(lang) else { return Verdict::default() };
        if agent {
            let found = features_of_kinds(text, &language.words, &language.tags);
            let raw = if found.is_empty() { Vec::new() } else { language.agent.raw(&found) };
            return Verdict { model: ModelScores::default(), raw };
        }
        let found = language.features(text);
        if found.is_empty() {
            return Verdict::default();
        }
        Verdict { model: language.model(&found), raw: language.customer.raw(found.of_kinds()) }
    }

    /// The heads of a language.
    pub fn heads(&self, lang: Lang) -> Option<&LanguageHeads> {
        self.languages.iter().find(|language| language.lang == lang)
    }
}

fn read_language(reader: &mut Reader<'_>) -> Result<LanguageHeads, WeightsError> {
    let lang = match reader.u8()? {
        0 => Lang::De,
        1 => Lang::En,
        other => return Err(WeightsError::Unknown { what: format!("language {other}") }),
    };
    let (word_lists, tag_lists) = (reader.text()?, reader.text()?);
    let heads = (0..reader.u8()?).map(|_| read_head(reader)).collect::<Result<_, _>>()?;
    let mut language = LanguageHeads::new(lang, word_lists, tag_lists, heads)?;
    language.customer = read_kinds(reader)?;
    language.agent = read_kinds(reader)?;
    Ok(language)
}

/// Number of questions; each one's column as two bytes, scale, bias, cuts and stack; bits and rows; the judge and its cuts.
fn write_kinds(heads: &KindHeads, body: &mut Vec<u8>) {
    body.push(heads.questions.len() as u8);
    if heads.questions.is_empty() {
        return;
    }
    for question in &heads.questions {
        body.extend(match question.column {
            Column::Kind(kind) => [0, kind as u8],
            Column::Severity(severity) => [1, severity],
        });
        for number in [question.scale, question.bias, question.add_from, question.keep_from, question.stack.scale] {
            body.extend(number.to_le_bytes());
        }
        body.push(question.stack.weights.len() as u8);
        question.stack.weights.iter().for_each(|weight| body.extend(weight.to_le_bytes()));
    }
    body.push((heads.weights.len() / heads.questions.len()).trailing_zeros() as u8);
    body.extend(heads.weights.iter().map(|&weight| weight as u8));
    body.extend((heads.judge.trees.len() as u16).to_le_bytes());
    for tree in &heads.judge.trees {
        tree.splits.iter().for_each(|split| body.extend([split.number, split.most as u8]));
        tree.leaves.iter().for_each(|leaf| body.extend(leaf.to_le_bytes()));
    }
    for number in [heads.judge.bias, heads.complaint_from, heads.doubt_below, heads.friction_from] {
        body.extend(number.to_le_bytes());
    }
}

fn read_kinds(reader: &mut Reader<'_>) -> Result<KindHeads, WeightsError> {
    let questions = reader.u8()?;
    if questions == 0 {
        return Ok(KindHeads::default());
    }
    let questions: Vec<Question> = (0..questions).map(|_| read_question(reader)).collect::<Result<_, _>>()?;
    let bits = reader.bits()?;
    let weights = reader.take(questions.len() << bits)?.iter().map(|&byte| byte as i8).collect();
    let trees = u16::from_le_bytes(reader.array()?);
    let trees = (0..trees).map(|_| read_tree(reader)).collect::<Result<_, _>>()?;
    let judge = Trees { bias: reader.number()?, trees };
    let (complaint_from, doubt_below, friction_from) = (reader.number()?, reader.number()?, reader.number()?);
    Ok(KindHeads { questions, weights, judge, complaint_from, doubt_below, friction_from })
}

fn read_tree(reader: &mut Reader<'_>) -> Result<Tree, WeightsError> {
    let mut tree = Tree { splits: [Split { number: 0, most: 0 }; SPLITS], leaves: [0; LEAVES] };
    for split in &mut tree.splits {
        let [number, most] = reader.array()?;
        *split = Split { number, most: most as i8 };
    }
    for leaf in &mut tree.leaves {
        *leaf = i16::from_le_bytes(reader.array()?);
    }
    Ok(tree)
}

fn read_question(reader: &mut Reader<'_>) -> Result<Question, WeightsError> {
    let column = match (reader.u8()?, reader.u8()?) {
        (0, kind) => CueKind::ALL.get(usize::from(kind)).map(|&kind| Column::Kind(kind)),
        (1, severity @ 1..=3) => Some(Column::Severity(severity)),
        _ => None,
    };
    let column = column.ok_or_else(|| WeightsError::Unknown { what: "a kind of cue".to_owned() })?;
    let (scale, bias, add_from, keep_from) = (reader.number()?, reader.number()?, reader.number()?, reader.number()?);
    let stack_scale = reader.number()?;
    let weights = (0..reader.u8()?).map(|_| reader.array().map(i16::from_le_bytes)).collect::<Result<_, _>>()?;
    Ok(Question { column, scale, bias, stack: Stack { weights, scale: stack_scale }, add_from, keep_from })
}

fn read_head(reader: &mut Reader<'_>) -> Result<Head, WeightsError> {
    let kind = match reader.u8()? {
        0 => HeadKind::Offence,
        1 => HeadKind::Negative,
        2 => HeadKind::Positive,
        other => return Err(WeightsError::Unknown { what: format!("question {other}") }),
    };
    let bits = reader.bits()?;
    let (scale, bias, slope, offset) = (reader.number()?, reader.number()?, reader.number()?, reader.number()?);
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

    /// A finite number.
    fn number(&mut self) -> Result<f32, WeightsError> {
        let number = self.array().map(f32::from_le_bytes)?;
        match number.is_finite() {
            true => Ok(number),
            false => Err(WeightsError::Unknown { what: "a number that is not finite".to_owned() }),
        }
    }

    fn bits(&mut self) -> Result<u8, WeightsError> {
        let bits = self.u8()?;
        match BITS.contains(&bits) {
            true => Ok(bits),
            false => Err(WeightsError::Unknown { what: format!("2^{bits} buckets") }),
        }
    }

    fn text(&mut self) -> Result<String, WeightsError> {
        let length = self.u32()? as usize;
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }
}

#[cfg(test)]
mod tests;
