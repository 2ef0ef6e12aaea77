//! When an alert is raised, and when higher.

use super::*;
use AlertState::{Raised, RaisedHigher};
use CueKind::{
    Anger, Apology, ChurnThreat, Dissatisfaction, Gratitude, Insult, LegalThreat, Profanity, RepeatContact, SelfHarm,
    SolutionOffer, SupervisorRequest, ViolenceThreat,
};

#[test]
fn acts_alert_at_once_and_other_words_do_not() {
    let at_once = [
        (3, SupervisorRequest),
        (3, LegalThreat),
        (3, CueKind::PublicityThreat),
        (2, ChurnThreat),
        (3, Insult),
        (3, ViolenceThreat),
        (0, ViolenceThreat),
        (1, SelfHarm),
    ];
    for (severity, kind) in at_once {
        let mut call = Told::new();
        call.customer(severity, &[kind]);
        assert_eq!(call.states(), [(Raised, kind.as_str())], "{severity} {kind:?}");
        assert!(!call.changes[0].reason.is_empty() && call.changes[0].quote.is_some());
    }
    for (severity, kind) in [(1, ChurnThreat), (2, Insult), (2, Dissatisfaction), (1, Profanity), (0, Gratitude)] {
        let mut call = Told::new();
        call.customer(severity, &[kind]);
        assert_eq!(call.states(), [], "{severity} {kind:?}");
    }
}

#[test]
fn severity_three_without_a_named_act_alerts_on_its_heaviest_cue() {
    let mut call = Told::new();
    call.customer(3, &[Anger]);
    assert_eq!(call.states(), [(Raised, "anger")]);
    let mut call = Told::new();
    call.customer(3, &[]);
    assert_eq!(call.states(), [(Raised, "anger")]);
}

#[test]
fn a_single_complaint_is_no_alert_and_repeated_ones_are() {
    let mut call = Told::new();
    call.customer(2, &[Dissatisfaction]).agent(&[]);
    assert_eq!(call.rule(), Rule::AgentSpoke);
    assert_eq!(call.states(), []);
    call.customer(2, &[RepeatContact]);
    assert_eq!(call.states(), [(Raised, "rising_tension")]);
    assert!(call.changes[0].reason.contains('2'), "{}", call.changes[0].reason);
}

#[test]
fn tension_that_may_subside_waits_one_turn() {
    let mut soothed = Told::new();
    soothed.customer(2, &[Dissatisfaction]).agent(&[Apology]).customer(2, &[RepeatContact]);
    assert_eq!(soothed.rule(), Rule::DeferredOneTurn);
    soothed.agent(&[]).customer(2, &[Dissatisfaction]);
    assert_eq!(soothed.states(), [(Raised, "rising_tension")]);

    let mut unanswered = Told::new();
    unanswered.customer(2, &[Dissatisfaction]).says(CUSTOMER, 3, 2, &[Anger]);
    assert_eq!(unanswered.rule(), Rule::DeferredOneTurn);
}

#[test]
fn tension_that_subsides_in_the_next_turn_raises_nothing() {
    let mut call = Told::new();
    call.customer(2, &[Dissatisfaction]).agent(&[SolutionOffer]).customer(2, &[Anger]);
    assert_eq!(call.rule(), Rule::DeferredOneTurn);
    call.agent(&[Apology, SolutionOffer]).customer(0, &[Gratitude]);
    assert_eq!(call.rule(), Rule::TensionSubsided);
    call.waits(300);
    assert_eq!(call.states(), []);
}

#[test]
fn deferred_tension_alerts_when_it_stays_high_and_nobody_speaks() {
    let mut call = Told::with(EscalationSettings { tension_enter: 36, alert_leave: 20, ..Default::default() });
    call.customer(2, &[Dissatisfaction]).agent(&[Apology]).customer(2, &[Anger]);
    assert_eq!(call.rule(), Rule::DeferredOneTurn);
    call.waits(60);
    assert_eq!(call.changes[0].state, Raised);
    assert_eq!(call.changes[0].t_ms, 22_000 + EscalationSettings::default().defer_ms);
}

#[test]
fn vigilant_does_not_wait() {
    let mut call = Told::with(EscalationSettings::preset(Preset::Vigilant));
    call.customer(2, &[Dissatisfaction]).agent(&[Apology]).customer(2, &[Anger]);
    assert_eq!(call.states(), [(Raised, "rising_tension")]);
}

#[test]
fn other_thresholds_count_from_when_they_are_known() {
    let mut call = Told::new();
    call.customer(2, &[Dissatisfaction]).agent(&[Apology]);
    let level = call.escalation.level_at(call.escalation.now_ms);
    call.escalation.set_thresholds(&EscalationSettings::preset(Preset::Vigilant));
    assert_eq!(call.escalation.level_at(call.escalation.now_ms), level, "what was said stays as it was weighed");
    call.customer(2, &[Anger]);
    assert_eq!(call.states(), [(Raised, "rising_tension")]);
}

#[test]
fn an_open_alert_is_raised_higher_only_by_a_new_band_or_a_more_serious_kind() {
    let mut call = Told::new();
    call.customer(2, &[ChurnThreat]).customer(2, &[ChurnThreat]);
    assert_eq!(call.states(), [(Raised, "churn_threat"), (RaisedHigher, "churn_threat")]);
    call.waits(20).customer(3, &[LegalThreat]);
    assert_eq!(call.states()[2], (RaisedHigher, "legal_threat"));
    let before = call.changes.len();
    call.customer(3, &[LegalThreat]).customer(3, &[SupervisorRequest]).customer(3, &[LegalThreat]);
    assert!(call.changes.len() <= before + 1, "at most the critical band is new: {:?}", call.states());
    assert!(call.changes.iter().all(|change| change.id == 1));
}

#[test]
fn a_second_kind_of_danger_is_told_too() {
    let mut call = Told::new();
    call.customer(3, &[ViolenceThreat]).customer(3, &[ViolenceThreat]).customer(3, &[SelfHarm]);
    assert_eq!(call.states(), [(Raised, "violence_threat"), (RaisedHigher, "self_harm")]);
}

#[test]
fn on_a_mixed_channel_only_threats_and_danger_count() {
    let mixed = Channel::Mixed;
    for kind in [SupervisorRequest, Insult, Anger] {
        let mut call = Told::new();
        call.says(mixed, 5, 3, &[kind]).says(mixed, 5, 3, &[kind]).says(mixed, 5, 3, &[kind]);
        assert_eq!((call.level(), call.states().len()), (0, 0), "{kind:?}");
        assert_eq!(call.rule(), Rule::ThreatsOnly);
    }
    for kind in [LegalThreat, CueKind::PublicityThreat, ChurnThreat, ViolenceThreat, SelfHarm] {
        let mut call = Told::new();
        call.says(mixed, 5, 0, &[kind]);
        assert_eq!(call.states(), [(Raised, kind.as_str())]);
    }
}
