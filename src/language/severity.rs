//! From cues and the text model to the severity of one customer utterance, 0 to 3.
//!
//! The cues decide. The model may lift a calm reading by one step when it is sure, and orders utterances of one
//! severity; it never lowers one.

use super::cues::{Findings, Hit};
use super::{Explanation, ModelScores};
use crate::terms::CueKind;

/// What an entry of a kind means unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    pub severity: u8,
    pub weight: f32,
    pub negation_blocks: bool,
    pub reported_blocks: bool,
}

/// Defaults of a kind.
pub fn defaults(kind: CueKind) -> Defaults {
    use CueKind as K;
    let (severity, weight) = match kind {
        K::ViolenceThreat | K::SelfHarm => (3, 90.0),
        K::Insult => (3, 45.0),
        K::LegalThreat => (3, 45.0),
        K::PublicityThreat => (3, 42.0),
        K::SupervisorRequest => (3, 40.0),
        K::Anger => (2, 30.0),
        K::Shouting => (2, 30.0),
        K::ChurnThreat => (2, 30.0),
        K::Sarcasm => (2, 22.0),
        K::Dissatisfaction => (2, 18.0),
        K::Disbelief => (2, 16.0),
        K::RepeatContact => (1, 15.0),
        K::LongWait => (1, 10.0),
        K::Profanity => (1, 10.0),
        K::Urgency => (1, 8.0),
        K::ApologyAccepted => (0, -20.0),
        K::Relief => (0, -18.0),
        K::Gratitude | K::Praise => (0, -12.0),
        K::Patience => (0, -10.0),
        K::Humour => (0, -8.0),
        _ => (0, 0.0),
    };
    let negation_blocks = !matches!(
        kind,
        K::Disbelief | K::Patience | K::ApologyAccepted | K::Humour | K::Sarcasm | K::Profanity | K::LongWait
    ) && (!kind.is_agents() || matches!(kind, K::SolutionOffer | K::CallbackOffer | K::NextStep));
    let reported_blocks = matches!(
        kind,
        K::Insult
            | K::Anger
            | K::Sarcasm
            | K::Disbelief
            | K::Shouting
            | K::ChurnThreat
            | K::LegalThreat
            | K::PublicityThreat
            | K::SupervisorRequest
            | K::ViolenceThreat
    );
    Defaults { severity, weight, negation_blocks, reported_blocks }
}

/// Calibrated probability from which the model alone makes mild friction of an utterance without cues.
const MODEL_LIFTS_CALM: f32 = 0.65;
/// The same, from mild friction to a complaint.
const MODEL_LIFTS_MILD: f32 = 0.75;
/// The same, from no cue at all to a complaint.
const MODEL_COMPLAINS: f32 = 0.92;
/// Above this the model hears something kind, and lifts nothing.
const MODEL_KIND: f32 = 0.4;

/// Severity of a customer utterance, and how it came about.
pub fn judge(findings: &Findings, model: ModelScores) -> (u8, Explanation) {
    let Findings { hits, withheld } = findings;
    let strongest = hits.iter().map(|hit| hit.entry.severity).max().unwrap_or(0);
    let (by_cues, mut rule) = combine(hits, strongest);
    let calm = *withheld || hits.iter().any(|hit| hit.entry.weight < 0.0);
    let mut severity = by_cues;
    if !calm && model.positive < MODEL_KIND {
        if by_cues == 0 && model.negative >= MODEL_COMPLAINS {
            severity = 2;
            rule = "the text model alone is sure of a complaint";
        } else if by_cues == 0 && model.negative >= MODEL_LIFTS_CALM {
            severity = 1;
            rule = "the text model alone: mild friction";
        } else if by_cues == 1 && model.negative >= MODEL_LIFTS_MILD {
            severity = 2;
            rule = "mild friction, and the text model is sure";
        }
    }
    let points: f32 = hits.iter().map(|hit| hit.entry.weight).sum();
    let score = score(by_cues, points, model, calm);
    (severity, Explanation { rule, by_cues, points, score })
}

/// Severity by the cues alone, and the rule that gave it.
fn combine(hits: &[Hit], strongest: u8) -> (u8, &'static str) {
    use CueKind as K;
    if strongest != 1 {
        return (
            strongest,
            match strongest {
                0 => "no cue of friction",
                2 => "the strongest cue is a complaint",
                _ => "the strongest cue asks to act now",
            },
        );
    }
    let has = |kind: K| hits.iter().any(|hit| hit.entry.kind == kind && hit.entry.severity == 1);
    let mut kinds: Vec<K> = hits.iter().filter(|hit| hit.entry.severity == 1).map(|hit| hit.entry.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let forgiving = hits.iter().any(|hit| hit.entry.weight < 0.0);
    if !forgiving && kinds.len() >= 3 {
        return (2, "three kinds of friction together");
    }
    let reproach = has(K::Dissatisfaction) || has(K::Disbelief) || has(K::Profanity) || has(K::Anger);
    if !forgiving && reproach && (has(K::RepeatContact) || has(K::LongWait)) {
        return (2, "a repeated contact or long wait with reproach");
    }
    if !forgiving && has(K::RepeatContact) && has(K::LongWait) {
        return (2, "a repeated contact and a long wait");
    }
    (1, "mild friction")
}

/// Orders utterances by how bad they are, 0..1: the log-odds of the model and of the cues added, as if they were
/// independent witnesses.
fn score(by_cues: u8, points: f32, model: ModelScores, calm: bool) -> f32 {
    let negative = model.negative.clamp(0.01, 0.99);
    let witness = (negative / (1.0 - negative)).ln();
    let cues = 1.5 * f32::from(by_cues) + 0.6 * (points / 80.0).clamp(0.0, 1.0);
    let kindness = if calm { 1.0 } else { 0.0 };
    1.0 / (1.0 + (2.5 - cues - witness + kindness).exp())
}
