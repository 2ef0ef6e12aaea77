//! Text to evidence: what an utterance says, by cues written as data and by an embedded text model.
//!
//! Pure: no file, clock or hash order. Cue files come in as text, and a [`Language`] never changes once made.

pub mod beginnings;
pub mod classifier;
pub mod cues;
pub mod evidence;
pub mod facts;
pub mod fuzzy;
pub mod layer;
pub mod lexicon;
pub mod matcher;
pub mod normalize;
pub mod onnx;
pub mod pattern;
pub mod redact;
pub mod severity;
pub mod word_map;

mod embedded;

use std::collections::BTreeMap;

use self::classifier::Classifier;
pub use self::classifier::ModelScores;
use self::cues::{Engine, Hit};
pub use self::embedded::FILES;
pub use self::layer::MODEL_ENTRY;
pub use self::lexicon::DataError;
use self::normalize::Normalized;
use self::onnx::{Onnx, OnnxError};
use crate::terms::{Channel, Cue, CueKind, Lang};

/// Names that are known of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Names<'a> {
    /// As the telephone system knows the customer ("Frau Keller").
    pub customer: Option<&'a str>,
}

/// What one utterance says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// In the order of the text.
    pub cues: Vec<Cue>,
    /// Of this utterance alone, 0..=3; `None` unless the customer speaks.
    pub severity: Option<u8>,
    /// Orders customer utterances by severity, 0..1; 0 for others.
    pub severity_score: f32,
    pub model: ModelScores,
    pub explanation: Explanation,
    /// By cue, the id of the entry that found it; [`MODEL_ENTRY`] if the text model found it alone.
    pub entries: Vec<String>,
}

impl Reading {
    /// Whether no pattern found the cue at `index`: it may be shown, but nothing is decided by it.
    pub fn is_models(&self, index: usize) -> bool {
        self.entries.get(index).is_some_and(|entry| entry == MODEL_ENTRY)
    }
}

/// How a severity came about.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Explanation {
    /// The rule that decided, in English.
    pub rule: &'static str,
    /// Severity by the patterns' cues alone, 0..=3.
    pub by_cues: u8,
    /// Sum of these cues' weights.
    pub points: f32,
    /// The same as [`Reading::severity_score`].
    pub score: f32,
    /// It holds acts that ask to act now, and the text model hesitates over each of them: in a calm call they need a second
    /// sign.
    pub doubtful: bool,
}

/// The compiled cues of both languages and the text model.
#[derive(Debug)]
pub struct Language {
    de: Engine,
    en: Engine,
    classifier: Classifier,
    /// The user's own, for customers of their language.
    own: Vec<(Lang, Onnx)>,
    hash: u64,
}

impl Language {
    /// The cue files the program was built with.
    pub fn embedded() -> Result<Self, Vec<DataError>> {
        Self::from_files(embedded::FILES)
    }

    /// Cue files as pairs of name and contents, all languages together. With any error nothing is made of any file.
    pub fn from_files(files: &[(&str, &str)]) -> Result<Self, Vec<DataError>> {
        let mut errors = Vec::new();
        let mut compile = |lang| lexicon::compile(lang, files).map_err(|found| errors.extend(found)).ok();
        let (de, en) = (compile(Lang::De), compile(Lang::En));
        match (de, en) {
            (Some(de), Some(en)) => {
                Ok(Self { de, en, classifier: Classifier::embedded(), own: Vec::new(), hash: hash(files) })
            }
            _ => {
                // A file that cannot be read at all is refused once for each language.
                let unique: BTreeMap<(String, usize, String), DataError> = errors
                    .into_iter()
                    .map(|error| ((error.file.clone(), error.line, error.message.clone()), error))
                    .collect();
                Err(unique.into_values().collect())
            }
        }
    }

    /// With a classifier of the user's own beside the embedded one. `bytes`: its file, which the hash names from now on.
    ///
    /// # Errors
    /// When an output means a head that the embedded model of the language lacks: nothing that was learned weighs it.
    pub fn with_own(mut self, lang: Lang, own: Onnx, bytes: &[u8]) -> Result<Self, OnnxError> {
        let heads = self.classifier.heads(lang).map_or(&[][..], |language| &language.heads);
        let mut meant = own.settings().outputs.iter().filter_map(|output| output.head());
        if let Some(head) = meant.find(|head| heads.iter().all(|known| known.kind != *head)) {
            return Err(OnnxError::Unpaired(head));
        }
        self.hash = fnv(self.hash, bytes.iter().copied());
        self.own.push((lang, own));
        Ok(self)
    }

    /// Changes with every change to a cue file or to a classifier of the user's own.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Comparable words of a text, as the classifier is trained on.
    pub fn normalize(&self, lang: Lang, text: &str) -> Normalized {
        self.engine(lang).normalize(text)
    }

    /// The cue entries of a language.
    pub fn engine(&self, lang: Lang) -> &Engine {
        match lang {
            Lang::De => &self.de,
            Lang::En => &self.en,
        }
    }

    /// Reads one utterance. On a mixed channel the customer's cues are looked for and no severity is given.
    pub fn read(&self, lang: Lang, speaker: Channel, text: &str, names: &Names) -> Reading {
        let engine = self.engine(lang);
        let normalized = engine.normalize(text);
        let agent = speaker == Channel::Agent;
        let mut findings = engine.find(&normalized, agent);
        let mut verdict = self.classifier.read(lang, agent, normalized.text());
        if !agent && !verdict.raw.is_empty() {
            let own = self.own.iter().filter(|(of, _)| *of == lang);
            verdict.model = own.fold(verdict.model, |scores, (_, own)| own.mix(scores, text));
        }
        let heads = self.classifier.heads(lang);
        let mut added = Vec::new();
        let (mut severity, mut explanation) = (None, Explanation::default());
        if let Some(language) = heads {
            let kinds = language.kinds(agent);
            // All that was found is weighed; what the model doubts is dropped behind it.
            let evidence = evidence::evidence(&findings, verdict.model, kinds, &verdict.raw, text, &normalized);
            let judged = severity::probability(&evidence, kinds);
            // On a mixed channel only threats count, and those the model never finds alone.
            if speaker != Channel::Mixed && !verdict.raw.is_empty() {
                added = layer::added(&findings, kinds, &evidence, &normalized, language.tags(), judged);
            }
            findings.hits.retain(|hit| layer::stands(hit, kinds, &evidence, judged));
            if !agent {
                let act = added.iter().any(|added| severity::is_act(added.kind));
                let (severe, how) = severity::judge(&findings.hits, act, judged, kinds);
                severity = (speaker == Channel::Customer).then_some(severe);
                let doubtful = layer::doubtful(&findings.hits, kinds, &evidence, judged);
                explanation = Explanation { doubtful, ..how };
            }
        }
        let mut found: Vec<(Cue, &str)> =
            findings.hits.iter().map(|hit| (cue(hit, text, &normalized), hit.entry.id.as_str())).collect();
        found.extend(
            added.iter().map(|added| {
                (spanned(added.kind, added.weight, added.first, added.end, text, &normalized), MODEL_ENTRY)
            }),
        );
        if !added.is_empty() {
            found.sort_by_key(|(cue, _)| (cue.start, cue.kind));
        }
        let mut entries: Vec<String> = found.iter().map(|(_, entry)| (*entry).to_owned()).collect();
        let mut cues: Vec<Cue> = found.into_iter().map(|(cue, _)| cue).collect();
        if agent
            && let Some(cue) = known_name(text, &normalized, names)
            && !cues.iter().any(|c| c.kind == cue.kind)
        {
            cues.push(cue);
            entries.push("known-name".to_owned());
        }
        Reading { cues, severity, severity_score: explanation.score, model: verdict.model, explanation, entries }
    }
}

fn cue(hit: &Hit, text: &str, normalized: &Normalized) -> Cue {
    spanned(hit.entry.kind, hit.entry.weight, hit.found.first, hit.found.end, text, normalized)
}

/// A cue over the words `first..end`.
fn spanned(kind: CueKind, weight: f32, first: usize, end: usize, text: &str, normalized: &Normalized) -> Cue {
    let (from, to) = (normalized.tokens[first], normalized.tokens[end - 1]);
    let words = text.get(from.start_byte as usize..to.end_byte as usize).unwrap_or_default();
    Cue { kind, start: from.start as usize, end: to.end as usize, text: words.to_owned(), weight }
}

/// The customer's known surname, said by the agent.
fn known_name(text: &str, normalized: &Normalized, names: &Names) -> Option<Cue> {
    let surname = normalize::fold(names.customer?.split_whitespace().next_back()?);
    if surname.len() < 2 {
        return None;
    }
    let index = (0..normalized.tokens.len()).find(|&index| normalized.word(index) == surname)?;
    let titled =
        index > 0 && matches!(normalized.word(index - 1), "herr" | "herrn" | "frau" | "mr" | "mrs" | "ms" | "miss");
    Some(spanned(CueKind::NameUsed, 0.0, index - usize::from(titled), index + 1, text, normalized))
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): the same on every machine.
fn hash(files: &[(&str, &str)]) -> u64 {
    fnv(0xcbf2_9ce4_8422_2325, files.iter().flat_map(|(name, text)| name.bytes().chain(text.bytes())))
}

fn fnv(hash: u64, bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;
