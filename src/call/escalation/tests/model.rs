//! What the text model may do alone, and where it doubts.

use super::*;
use AlertState::Raised;
use CueKind::{Anger, ChurnThreat, Dissatisfaction, Insult, LegalThreat, SupervisorRequest};

#[test]
fn what_the_text_model_found_alone_neither_alerts_nor_lifts_the_band() {
    let mut escalation = Escalation::new(&EscalationSettings::default(), Lang::De);
    let mut out = Vec::new();
    for (turn, kind) in [LegalThreat, SupervisorRequest, Insult, ChurnThreat, Anger].into_iter().enumerate() {
        let mut alone = by_model(2, kind, weight(kind));
        alone.severity_score = 1.0;
        // Far apart: one after the other they are tension.
        let t_ms = turn as u64 * 600_000;
        let assessment = escalation.utterance(t_ms, CUSTOMER, &alone, "Das sind Worte.", &mut out);
        assert_eq!((assessment.band, assessment.severity), (Band::Calm, Some(2)));
    }
    assert_eq!(out, []);
}

#[test]
fn several_utterances_that_sound_like_complaints_alert_though_no_pattern_says_so() {
    let mut call = Told::new();
    let mut sounds = reading(1, &[]);
    sounds.explanation.by_cues = 0;
    sounds.severity_score = 0.8;
    let mut says = |call: &mut Told, score: f32| {
        sounds.severity_score = score;
        call.t_ms += 15_000;
        call.escalation.utterance(call.t_ms, CUSTOMER, &sounds, "Das sind nun Worte.", &mut call.changes)
    };
    says(&mut call, 0.8);
    says(&mut call, 0.3);
    says(&mut call, 0.8);
    assert_eq!(call.states(), []);
    let last = says(&mut call, 0.8);
    assert_eq!((call.states(), last.explanation.rule), (vec![(Raised, "rising_tension")], Rule::SustainedTension));
    assert!(last.band >= Band::Tense);
    assert_eq!(call.changes[0].quote.as_deref(), Some("Das sind nun Worte."));
    says(&mut call, 0.9);
    assert_eq!(call.states().len(), 1, "it is open already");
}

#[test]
fn an_act_that_is_not_quite_believed_needs_a_call_that_is_not_calm() {
    let says = |call: &mut Told, kind: CueKind| {
        let mut doubted = reading(3, &[(kind, weight(kind))]);
        doubted.explanation.doubtful = true;
        call.t_ms += 10_000;
        call.escalation.utterance(call.t_ms, CUSTOMER, &doubted, "Mein Anwalt sagt das.", &mut call.changes)
    };
    let mut calm = Told::new();
    let first = says(&mut calm, LegalThreat);
    assert_eq!((first.explanation.rule, first.band, calm.states()), (Rule::DoubtedAct, Band::Tense, vec![]));
    says(&mut calm, LegalThreat);
    assert_eq!(calm.states(), [(Raised, "legal_threat")], "said again");
    let mut tense = Told::new();
    tense.customer(2, &[Dissatisfaction]);
    says(&mut tense, SupervisorRequest);
    assert_eq!(tense.states(), [(Raised, "supervisor_request")]);
}

#[test]
fn what_the_text_model_found_alone_raises_no_open_alert_higher() {
    let mut call = Told::new();
    call.customer(3, &[SupervisorRequest]);
    let band = call.escalation.band_at(call.t_ms);
    let alone = by_model(2, Anger, weight(Anger));
    for _ in 0..4 {
        call.escalation.utterance(call.t_ms, CUSTOMER, &alone, "Das sind Worte.", &mut call.changes);
    }
    assert_eq!(call.states(), [(Raised, "supervisor_request")]);
    assert!(call.escalation.band_at(call.t_ms) <= band.max(Band::Heated));
}
