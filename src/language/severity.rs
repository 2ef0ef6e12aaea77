//! From cues and the text model to the severity of one customer utterance, 0 to 3.
//!
//! The cues decide. The model may lift a reading to mild friction or a complaint when it is sure and no cue says that
//! the utterance is kind, denied or quoted; it never lowers one and never asks to act now.

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

/// Score from which the model may make mild friction of an utterance without a cue of friction.
const LIFT_TO_MILD: f32 = 0.45;
/// The same, to a complaint. The score is fitted to text of which half is complaint; 0.75 means even odds where a
/// quarter is.
const LIFT_TO_COMPLAINT: f32 = 0.75;
/// Above this the model hears something kind, and lifts nothing.
const MODEL_KIND: f32 = 0.4;

/// Severity of a customer utterance, and how it came about.
pub fn judge(findings: &Findings, model: ModelScores) -> (u8, Explanation) {
    let Findings { hits, withheld } = findings;
    let strongest = hits.iter().map(|hit| hit.entry.severity).max().unwrap_or(0);
    let (by_cues, mut rule) = combine(hits, strongest);
    let kind = hits.iter().any(|hit| hit.entry.weight < 0.0);
    let points: f32 = hits.iter().map(|hit| hit.entry.weight).sum();
    let score = score(Evidence { by_cues, points, withheld: *withheld, kind }, model);
    let mut severity = by_cues;
    if !withheld && !kind && model.positive < MODEL_KIND {
        if by_cues < 2 && score >= LIFT_TO_COMPLAINT {
            severity = 2;
            rule = match by_cues {
                0 => "the text model alone is sure of a complaint",
                _ => "mild friction, and the text model is sure",
            };
        } else if by_cues == 0 && score >= LIFT_TO_MILD {
            severity = 1;
            rule = "the text model alone: mild friction";
        }
    }
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

/// What the cues say, as the score weighs it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Evidence {
    by_cues: u8,
    /// Sum of the weights of all cues.
    points: f32,
    /// A look-alike: cues were denied, quoted or explained.
    withheld: bool,
    /// Thanks, relief or the like was found.
    kind: bool,
}

/// How likely the utterance is a complaint or worse, 0..1, if half of all utterances were: a logistic regression on the
/// cues and the log-odds of the text model. Fitted to 1,310 lines of ours which neither the cues' authors nor, fold by
/// fold, the model had seen (`models/text/MODEL_CARD.md`).
fn score(evidence: Evidence, model: ModelScores) -> f32 {
    let by_cues = [0.0, -0.35, 1.15, 1.45][usize::from(evidence.by_cues.min(3))];
    let points = 1.35 * (evidence.points / 80.0).clamp(-0.5, 1.0);
    let withheld = if evidence.withheld { -0.85 } else { 0.0 };
    let kind = if evidence.kind { -1.0 } else { 0.0 };
    let witness = 0.78 * log_odds(model.negative) - 0.11 * log_odds(model.positive);
    1.0 / (1.0 + (-(0.2 + by_cues + points + withheld + kind + witness)).exp())
}

/// Log-odds of a probability, at most 4 either way.
fn log_odds(probability: f32) -> f32 {
    let probability = probability.clamp(0.018, 0.982);
    (probability / (1.0 - probability)).ln()
}
