//! What is known of one utterance, as numbers in a fixed order: what the kinds of cue and the severity are judged by.

use super::ModelScores;
use super::classifier::kinds::{Column, KindHeads};
use super::cues::Findings;
use super::normalize::Normalized;
use super::severity;

/// Raw scores of the heads of severity count up to this, either way.
const SEVERITY_MAX: f32 = 4.0;
/// The same for the heads of the kinds.
const KIND_MAX: f32 = 6.0;
/// More sentences or commas tell nothing new.
const MARKS_MAX: f32 = 6.0;

/// One for the constant, three for the severity by cues, the sum of their weights, what was withheld, kind words; the three
/// general heads (log-odds); for each question of `heads` whether a pattern of the kind was found, or the raw score of a
/// severity; the raw scores of the kinds; words (natural logarithm), question mark, exclamation mark, sentences, a number,
/// commas. `raw`: by question, empty for a text without words, which scores 0.
pub fn evidence(
    findings: &Findings<'_>,
    model: ModelScores,
    heads: &KindHeads,
    raw: &[f32],
    text: &str,
    normalized: &Normalized,
) -> Vec<f32> {
    let flag = |yes: bool| f32::from(u8::from(yes));
    let Findings { hits, withheld } = findings;
    let (by_cues, _) = severity::combine(hits);
    let points: f32 = hits.iter().map(|hit| hit.entry.weight).sum();
    let mut out = Vec::with_capacity(16 + 2 * heads.questions.len());
    out.extend([1.0, flag(by_cues == 1), flag(by_cues == 2), flag(by_cues == 3)]);
    out.push((points / 80.0).clamp(-0.5, 1.0));
    out.push(flag(*withheld));
    out.push(flag(hits.iter().any(|hit| hit.entry.weight < 0.0)));
    out.extend([model.offence, model.negative, model.positive].map(log_odds));
    let scored = || {
        heads
            .questions
            .iter()
            .enumerate()
            .map(|(index, question)| (question.column, raw.get(index).copied().unwrap_or(0.0)))
    };
    out.extend(scored().map(|(column, raw)| match column {
        Column::Severity(_) => raw.clamp(-SEVERITY_MAX, SEVERITY_MAX),
        Column::Kind(kind) => flag(hits.iter().any(|hit| hit.entry.kind == kind)),
    }));
    out.extend(scored().filter(|(column, _)| column.kind().is_some()).map(|(_, raw)| raw.clamp(-KIND_MAX, KIND_MAX)));
    let sentences = normalized.tokens.last().map_or(0.0, |token| token.sentence as f32 + 1.0);
    out.push((1.0 + normalized.tokens.len() as f32).ln());
    out.extend([flag(text.contains('?')), flag(text.contains('!')), sentences.min(MARKS_MAX)]);
    out.push(flag(normalized.tokens.iter().any(|token| token.number)));
    out.push((text.bytes().filter(|byte| *byte == b',').count() as f32).min(MARKS_MAX));
    out
}

/// Log-odds of a probability, at most 4 either way.
fn log_odds(probability: f32) -> f32 {
    let probability = probability.clamp(0.018, 0.982);
    (probability / (1.0 - probability)).ln()
}
