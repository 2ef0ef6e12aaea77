//! What a level is made of.

use super::*;
use AlertState::Raised;
use CueKind::{
    Anger, Apology, Dissatisfaction, Gratitude, LegalThreat, RepeatContact, SelfHarm, SolutionOffer, ViolenceThreat,
};

#[test]
fn one_utterance_reaches_at_least_the_band_of_its_severity() {
    for (severity, band) in [(0, Band::Calm), (1, Band::Calm), (2, Band::Tense), (3, Band::Heated)] {
        for kinds in [&[][..], &[Dissatisfaction], &[Dissatisfaction, RepeatContact]] {
            let mut call = Told::new();
            call.customer(severity, kinds);
            assert!(call.band() >= band && (severity >= 2 || call.band() == band), "{severity} {kinds:?}");
        }
    }
    let mut call = Told::new();
    assert_eq!(call.customer(3, &[ViolenceThreat]).band(), Band::Critical);
}

#[test]
fn repeated_complaints_weigh_more_than_the_first() {
    let gain = |call: &Told| -> i64 {
        let parts = &call.last.as_ref().unwrap().explanation.parts;
        parts.iter().filter(|part| part.source != Source::Decay).map(|part| part.points_milli).sum()
    };
    let mut call = Told::new();
    call.customer(2, &[Dissatisfaction]);
    let first = gain(&call);
    call.waits(240).customer(2, &[Dissatisfaction]);
    assert!(gain(&call) > first, "{} {first}", gain(&call));
}

#[test]
fn an_agent_soothes_but_erases_no_threat() {
    let mut call = Told::new();
    call.customer(3, &[LegalThreat]);
    for _ in 0..10 {
        call.says(AGENT, 0, 0, &[Apology, SolutionOffer, CueKind::SpecificEmpathy]);
    }
    let settings = EscalationSettings::default();
    assert!(call.level() >= settings.heated_enter, "{}", call.level());
    assert_eq!(call.states(), [(Raised, "legal_threat")]);

    let mut complaint = Told::new();
    complaint.customer(2, &[Dissatisfaction]);
    let before = complaint.level();
    complaint.says(AGENT, 0, 0, &[Apology, SolutionOffer]);
    let after = complaint.level();
    assert!(after < before);
    complaint.says(AGENT, 0, 0, &[Apology, SolutionOffer]);
    assert_eq!(complaint.level(), after, "the same offer soothes once");
}

#[test]
fn danger_reaches_tense_at_once_whoever_heard_it_and_on_which_channel() {
    for kind in [ViolenceThreat, SelfHarm] {
        for (channel, severity) in [(CUSTOMER, 0), (CUSTOMER, 3), (Channel::Mixed, 0)] {
            let mut call = Told::new();
            call.says(channel, 5, severity, &[kind]);
            assert_eq!((call.band(), call.states()), (Band::Critical, vec![(Raised, kind.as_str())]));
        }
        let alone = by_model(0, kind, weight(kind) / 3.0);
        let mut call = Told::new();
        let heard = call.escalation.utterance(0, CUSTOMER, &alone, "Das sind Worte.", &mut call.changes);
        assert_eq!((heard.band, call.states()), (Band::Tense, vec![]), "shown, and no alert of its own");
    }
}

#[test]
fn weights_that_are_no_numbers_and_long_texts_do_no_harm() {
    let mut escalation = Escalation::new(&EscalationSettings::default(), Lang::En);
    let mut out = Vec::new();
    for weight in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30] {
        let mut broken = reading(2, &[(Anger, weight), (Gratitude, weight)]);
        broken.severity_score = f32::NAN;
        let assessment = escalation.utterance(u64::MAX, CUSTOMER, &broken, &"ä ".repeat(50_000), &mut out);
        assert!(assessment.level <= 100);
    }
}
