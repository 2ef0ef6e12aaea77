//! From cues and the text model to the severity of one customer utterance, 0 to 3.
//!
//! Cues that ask to act now decide alone. Between calm, mild friction and complaint a sum of small trees judges, which
//! weighs what the patterns found and withheld and what the text model hears (`models/text/MODEL_CARD.md`).

use super::Explanation;
use super::classifier::kinds::KindHeads;
use super::cues::Hit;
use crate::terms::CueKind;

/// What a pattern names as friction is a complaint from here on: of 50 such lines of authors unknown to patterns and model, 39 were.
const FRICTION_COMPLAINT_MIN: f32 = 0.5;
/// A threat of violence and a hint at self-harm that no pattern found are named only if the judge takes the whole utterance for
/// as severe as this: a word like "Wand" is none.
const UNNAMED_VIOLENCE_MIN: f32 = 0.75;
const UNNAMED_SELF_HARM_MIN: f32 = 0.4;
/// The same for the other acts: a customer named Richter threatens nobody with a judge.
const UNNAMED_ACT_MIN: f32 = 0.4;
/// And for what else weighs against a call: no displeasure in a sentence about the way to the church.
const UNNAMED_FRICTION_MIN: f32 = 0.2;

/// An act is beyond doubt from these probabilities on, by the stack of its kind and by the judge. On lines of authors unknown to
/// the patterns, scored by cross-validation, 23 of 266 true threats, insults and demands lay below the first and 49 of 79 false
/// ones; below the second 20 and 36. Of danger that a pattern found, 0 of 62 true signs lay below the first and 23 of 28 false ones.
pub const SURE_BY_STACK: f32 = 0.5;
pub const SURE_BY_JUDGE: f32 = 0.8;

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

/// Whether the model may find this kind without a pattern. A name is known or it is not.
pub fn model_may_add(kind: CueKind) -> bool {
    kind != CueKind::NameUsed
}

/// The model may drop what a pattern found when it gives the kind a probability below this: explicit acts only when it is
/// rather sure (of 75 true threats of violence on our lines, scored by cross-validation, 1 was below 0.3, of 11 false ones 6),
/// hints at self-harm never, and seldom the kind words that end an alert.
pub fn model_may_drop_below(kind: CueKind) -> f32 {
    use CueKind as K;
    match kind {
        K::SelfHarm | K::NameUsed => 0.0,
        act if is_act(act) => 0.3,
        K::Relief | K::ApologyAccepted | K::Gratitude | K::Praise | K::Patience => 0.15,
        _ => 0.35,
    }
}

/// An act that a pattern found is dropped when the judge gives the whole utterance a probability of a complaint below this: of
/// 628 true acts on our lines, scored by cross-validation, 3 were below 0.4, of 87 false ones 9. Hints at self-harm are
/// never dropped, threats of violence only against all evidence.
pub fn judge_may_drop_below(kind: CueKind) -> f32 {
    use CueKind as K;
    match kind {
        K::SelfHarm => 0.0,
        K::ViolenceThreat => 0.3,
        act if is_act(act) => 0.4,
        _ => 0.0,
    }
}

/// Least probability of a complaint for a kind that the model finds without a pattern.
pub fn model_may_add_from(kind: CueKind) -> f32 {
    use CueKind as K;
    match kind {
        // Capitals, exclamation marks and talk of shouting are all that a text shows of a voice, and patterns read those.
        K::Shouting => f32::INFINITY,
        K::ViolenceThreat => UNNAMED_VIOLENCE_MIN,
        K::SelfHarm => UNNAMED_SELF_HARM_MIN,
        act if is_act(act) => UNNAMED_ACT_MIN,
        _ if defaults(kind).weight > 0.0 => UNNAMED_FRICTION_MIN,
        _ => 0.0,
    }
}

/// How likely a complaint an utterance is, 0..1, by the evidence of all that patterns found; `None` without a judge.
pub fn probability(evidence: &[f32], heads: &KindHeads) -> Option<f32> {
    (!heads.judge.trees.is_empty()).then(|| heads.judge.probability(evidence))
}

/// A threat, an insult, a demand for a superior or a sign of danger: of those that the model finds without a pattern, nine in
/// ten stand in utterances of severity 2 or more (unseen lines, both languages: 104 of 113).
pub fn is_act(kind: CueKind) -> bool {
    use CueKind as K;
    matches!(
        kind,
        K::Insult
            | K::LegalThreat
            | K::PublicityThreat
            | K::SupervisorRequest
            | K::ChurnThreat
            | K::ViolenceThreat
            | K::SelfHarm
    )
}

/// Severity of a customer utterance, and how it came about. `judged` is its [`probability`]; `hits` are those that the model
/// left standing; `act`: it found an act that no pattern did.
pub fn judge(hits: &[Hit], act: bool, judged: Option<f32>, heads: &KindHeads) -> (u8, Explanation) {
    let (mut by_cues, mut rule) = combine(hits);
    let points: f32 = hits.iter().map(|hit| hit.entry.weight).sum();
    let score = judged.unwrap_or(f32::from(by_cues) / 4.0);
    let mut severity = by_cues;
    if judged.is_some() && by_cues < 3 {
        if by_cues == 2 {
            if score < heads.doubt_below {
                severity = 1;
                rule = "a complaint by its cues, and the text model doubts it";
            }
        } else if by_cues == 1 && score >= FRICTION_COMPLAINT_MIN && !hits.iter().any(|hit| hit.entry.weight < 0.0) {
            severity = 2;
            rule = "mild friction, and the text model hears a complaint";
            if hits.iter().any(|hit| hit.entry.kind == CueKind::RepeatContact) {
                by_cues = 2;
                rule = "a repeated contact, and the text model hears the reproach";
            }
        } else if score >= heads.complaint_from {
            severity = 2;
            rule = match by_cues {
                0 => "the text model alone is sure of a complaint",
                _ => "mild friction, and the text model is sure",
            };
        } else if act {
            severity = 2;
            rule = "the text model alone hears an act: a threat, an insult, a superior demanded, danger";
        } else if by_cues == 0 && score >= heads.friction_from {
            severity = 1;
            rule = "the text model alone: mild friction";
        }
    }
    (severity, Explanation { rule, by_cues, points, score, doubtful: false })
}

/// Severity by the cues alone, and the rule that gave it.
pub(super) fn combine(hits: &[Hit]) -> (u8, &'static str) {
    use CueKind as K;
    let strongest = hits.iter().map(|hit| hit.entry.severity).max().unwrap_or(0);
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
