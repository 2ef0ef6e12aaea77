//! The second layer: what the text model adds to and takes from what the patterns found.
//!
//! It finds kinds in words nobody wrote a pattern for, and doubts soft findings. A finding of the model alone is marked
//! with the entry [`MODEL_ENTRY`]: it is shown and quoted, and counts half toward sustained tension, but no band and no alert of
//! its own rests on it.

use super::classifier::features::placed;
use super::classifier::kinds::KindHeads;
use super::classifier::tags::TagLists;
use super::cues::{Findings, Hit};
use super::normalize::Normalized;
use super::severity;
use crate::terms::CueKind;

/// Entry id of a cue that the text model found alone.
pub const MODEL_ENTRY: &str = "model";

/// Share of a pattern's weight that a finding of the model alone has.
const WEIGHT_SHARE: f32 = 1.0 / 3.0;
/// A quote holds at least this share of what speaks for the kind.
const QUOTE_SHARE: f32 = 0.5;
/// Words of a quote at most.
const QUOTE_WORDS_MAX: usize = 12;
/// Words of a quote at least, if its sentence has so many: fewer tell nobody what was meant.
const QUOTE_WORDS_MIN: usize = 4;

/// A kind that the model alone found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Added {
    pub kind: CueKind,
    pub weight: f32,
    /// Its words: `first..end`.
    pub first: usize,
    pub end: usize,
}

/// Whether the model lets a pattern's finding stand. `judged`: how likely a complaint the whole utterance is.
pub fn stands(hit: &Hit<'_>, heads: &KindHeads, evidence: &[f32], judged: Option<f32>) -> bool {
    let kind = hit.entry.kind;
    let (by_stack, keep_from) = by_stack(kind, heads, evidence);
    if judged.is_some_and(|judged| judged < severity::judge_may_drop_below(kind)) && !is_plain_demand(kind, by_stack) {
        return false;
    }
    by_stack >= keep_from
}

/// Probability of a kind that a pattern found, and below which the finding is dropped; a kind without a head is sure.
fn by_stack(kind: CueKind, heads: &KindHeads, evidence: &[f32]) -> (f32, f32) {
    let question = heads.column(kind).map(|column| &heads.questions[column]);
    question.map_or((1.0, 0.0), |question| (question.stack.probability(evidence), question.keep_from))
}

/// Whoever asks for a superior may do so as kindly as they like: the judge, who hears complaints, has no say in it when the
/// head of the kind is sure.
fn is_plain_demand(kind: CueKind, by_stack: f32) -> bool {
    kind == CueKind::SupervisorRequest && by_stack >= severity::SURE_BY_STACK
}

/// Whether the utterance holds acts that ask to act now, and stack or judge hesitates over each of them. Danger to somebody is
/// doubtful only where the stack is against it: who means it may say so without a complaint.
pub fn doubtful(hits: &[Hit<'_>], heads: &KindHeads, evidence: &[f32], judged: Option<f32>) -> bool {
    let mut acts = hits
        .iter()
        .filter(|hit| hit.entry.severity >= 3 || severity::judge_may_drop_below(hit.entry.kind) > 0.0)
        .peekable();
    let unsure = |hit: &Hit<'_>| {
        let kind = hit.entry.kind;
        let (by_stack, _) = by_stack(kind, heads, evidence);
        let judge_hesitates = !kind.is_danger() && judged.unwrap_or(1.0) < severity::SURE_BY_JUDGE;
        !is_plain_demand(kind, by_stack) && (by_stack < severity::SURE_BY_STACK || judge_hesitates)
    };
    acts.peek().is_some() && acts.all(unsure)
}

/// The kinds that no pattern found and the model is sure of, in the order of [`CueKind::ALL`].
pub fn added(
    findings: &Findings<'_>,
    heads: &KindHeads,
    evidence: &[f32],
    text: &Normalized,
    tags: &TagLists,
    judged: Option<f32>,
) -> Vec<Added> {
    let found = |kind: CueKind| findings.hits.iter().any(|hit| hit.entry.kind == kind);
    let mut out = Vec::new();
    let mut sentences: Option<Vec<u32>> = None;
    let mut features: Option<Vec<(u32, usize, usize)>> = None;
    for (column, question) in heads.questions.iter().enumerate() {
        let Some(kind) = question.column.kind() else { continue };
        let sure = question.stack.reaches(question.add_from, evidence);
        let severe = judged.is_none_or(|judged| judged >= severity::model_may_add_from(kind));
        // "Da kann ich leider nichts machen" says no; it makes nobody small.
        let says_no = kind == CueKind::SelfBelittling && found(CueKind::Refusal);
        // Who threatens or is threatened is named: what names nobody is the title of a book.
        let names_somebody = || (0..text.tokens.len()).any(|index| tags.is_person(text.word(index)));
        let threatens_nobody = || kind == CueKind::ViolenceThreat && !names_somebody();
        if !sure || !severe || says_no || found(kind) || threatens_nobody() {
            continue;
        }
        let sentences = sentences.get_or_insert_with(|| text.tokens.iter().map(|token| token.sentence).collect());
        let (first, end) = match whole(sentences) {
            Some(quote) => quote,
            None => {
                let features = features.get_or_insert_with(|| {
                    let words: Vec<&str> = (0..text.tokens.len()).map(|index| text.word(index)).collect();
                    placed(&words, tags)
                });
                widened(quote(features, sentences, heads, column), sentences)
            }
        };
        out.push(Added { kind, weight: severity::defaults(kind).weight * WEIGHT_SHARE, first, end });
    }
    out
}

/// One short sentence is quoted whole, whatever speaks for the kind.
fn whole(sentences: &[u32]) -> Option<(usize, usize)> {
    let short = !sentences.is_empty() && sentences.len() <= QUOTE_WORDS_MAX && sentences.first() == sentences.last();
    short.then_some((0, sentences.len()))
}

/// A quote that can be understood: its whole sentence if that is short, else four words of it at least.
fn widened((first, end): (usize, usize), sentences: &[u32]) -> (usize, usize) {
    let start = sentences.partition_point(|sentence| *sentence < sentences[first]);
    let stop = sentences.partition_point(|sentence| *sentence <= sentences[first]);
    if stop - start <= QUOTE_WORDS_MAX {
        return (start, stop);
    }
    let missing = QUOTE_WORDS_MIN.saturating_sub(end - first);
    let end = (end + missing).min(stop);
    (first.min(end.saturating_sub(QUOTE_WORDS_MIN)).max(start), end)
}

/// The shortest run of words of one sentence that holds most of what speaks for a kind. `sentences`: by word, the number of
/// its sentence; not empty.
fn quote(features: &[(u32, usize, usize)], sentences: &[u32], heads: &KindHeads, column: usize) -> (usize, usize) {
    let words = sentences.len();
    let mut shares = vec![0.0f32; words];
    for &(hash, first, last) in features {
        // Half of a pair goes to each of its words.
        let weight = f32::from(heads.weight(hash, column)) / 2.0;
        shares[first] += weight;
        shares[last] += weight;
    }
    shares.iter_mut().for_each(|share| *share = share.max(0.0));
    let end_of = |first: usize| {
        let length = sentences[first..].iter().take_while(|sentence| **sentence == sentences[first]).count();
        first + length.min(QUOTE_WORDS_MAX)
    };
    // What one sentence holds at most is all that a quote can be asked for.
    let mut most = 0.0f32;
    let mut sum = 0.0;
    for (index, share) in shares.iter().enumerate() {
        sum = if index > 0 && sentences[index] != sentences[index - 1] { *share } else { sum + share };
        most = most.max(sum);
    }
    let wanted = most * QUOTE_SHARE;
    let mut best = (0, end_of(0));
    if wanted <= 0.0 {
        return best;
    }
    let mut found = 0.0;
    for first in 0..words {
        let mut sum = 0.0;
        for end in first + 1..=end_of(first) {
            sum += shares[end - 1];
            let (length, shortest) = (end - first, best.1 - best.0);
            let enough = sum >= wanted;
            // As long as nothing holds enough, the longest run with the most is kept.
            let better = match found >= wanted {
                true => enough && (length < shortest || (length == shortest && sum > found)),
                false => sum > found,
            };
            if better {
                (best, found) = ((first, end), sum);
            }
            if enough {
                break;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::classifier::kinds::{Column, Question, Stack};

    fn anger() -> Question {
        let column = Column::Kind(CueKind::Anger);
        Question { column, scale: 1.0, bias: 0.0, stack: Stack::default(), add_from: 2.0, keep_from: 0.0 }
    }

    #[test]
    fn the_quote_is_the_shortest_run_that_holds_most() {
        let question = anger();
        let mut weights = vec![0i8; 1024];
        (weights[3], weights[7], weights[9]) = (40, 50, -60);
        let heads = KindHeads { questions: vec![question], weights, ..KindHeads::default() };
        let features = [(3, 4, 4), (7, 5, 6), (9, 0, 0), (11, 2, 2)];
        assert_eq!(quote(&features, &[0; 20], &heads, 0), (4, 6));
        assert_eq!(quote(&[(3, 18, 18)], &[0; 20], &heads, 0), (18, 19));
        assert_eq!(quote(&[], &[0; 3], &heads, 0).1, 3);
        assert_eq!(quote(&[], &[0], &heads, 0), (0, 1));
    }

    #[test]
    fn a_quote_is_wide_enough_to_be_understood() {
        assert_eq!(widened((2, 3), &[0, 0, 1, 1, 1]), (2, 5));
        let long = [&[0; 3][..], &[1; 20]].concat();
        assert_eq!(widened((5, 6), &long), (5, 9));
        assert_eq!(widened((22, 23), &long), (19, 23));
        assert_eq!(widened((4, 12), &long), (4, 12));
        assert_eq!((whole(&[0; 12]), whole(&[0; 13]), whole(&[0, 1]), whole(&[])), (Some((0, 12)), None, None, None));
    }

    #[test]
    fn a_quote_stays_within_one_sentence() {
        let question = anger();
        let mut weights = vec![0i8; 1024];
        weights[3] = 40;
        let heads = KindHeads { questions: vec![question], weights, ..KindHeads::default() };
        let features = [(3, 0, 0), (3, 1, 1), (3, 2, 2), (3, 3, 3)];
        assert_eq!(quote(&features, &[0; 4], &heads, 0), (0, 2));
        // "Tag. Bei uns ist" speaks for it on both sides of the full stop.
        assert_eq!(quote(&features, &[0, 1, 1, 1], &heads, 0), (1, 3));
        assert_eq!(quote(&[], &[0, 1, 1], &heads, 0), (0, 1));
    }
}
