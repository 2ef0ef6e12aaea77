//! When an alert ends, and what comes after.

use super::*;
use AlertState::{Cleared, Raised};
use CueKind::{
    Anger, Apology, ApologyAccepted, Gratitude, LegalThreat, Patience, Relief, SelfHarm, SolutionOffer,
    SupervisorRequest,
};

#[test]
fn accepted_apologies_and_relief_clear_at_once() {
    for kind in [ApologyAccepted, Relief] {
        let mut call = Told::new();
        call.customer(3, &[SupervisorRequest]).agent(&[Apology, SolutionOffer]).customer(0, &[kind]);
        assert_eq!(call.states(), [(Raised, "supervisor_request"), (Cleared, "supervisor_request")], "{kind:?}");
        assert_eq!(call.rule(), Rule::Reconciled);
    }
}

#[test]
fn one_thank_you_clears_nothing_and_two_do() {
    let mut call = Told::new();
    call.customer(3, &[LegalThreat]).agent(&[Apology]).customer(0, &[Gratitude]);
    assert_eq!(call.states(), [(Raised, "legal_threat")]);
    call.agent(&[SolutionOffer]).customer(0, &[Patience]);
    assert_eq!(call.states()[1..], [(Cleared, "legal_threat")]);
}

#[test]
fn one_thank_you_is_enough_once_the_level_has_fallen() {
    let settings = EscalationSettings { clear_after_ms: 600_000, ..Default::default() };
    let mut call = Told::with(settings);
    call.customer(3, &[LegalThreat]).waits(120).customer(0, &[Gratitude]);
    assert_eq!(call.states()[1..], [(Cleared, "legal_threat")]);
}

#[test]
fn a_quiet_thank_you_ends_an_alert_after_calm_turns() {
    let mut call = Told::new();
    call.customer(3, &[SupervisorRequest]).says(AGENT, 1, 0, &[Apology]);
    call.says(CUSTOMER, 2, 0, &[]).says(AGENT, 1, 0, &[]);
    assert!(call.level() >= EscalationSettings::default().alert_leave);
    call.says(CUSTOMER, 2, 0, &[Gratitude]);
    assert_eq!((call.states().last().copied(), call.rule()), (Some((Cleared, "supervisor_request")), Rule::Reconciled));
}

#[test]
fn thanks_between_complaints_are_no_peace() {
    let mut call = Told::new();
    call.customer(3, &[LegalThreat]).agent(&[]).customer(0, &[Gratitude]);
    call.agent(&[]).customer(2, &[Anger]).agent(&[]).customer(0, &[Gratitude]);
    assert!(call.states().iter().all(|(state, _)| *state != Cleared), "{:?}", call.states());
}

#[test]
fn a_call_that_goes_on_quietly_is_cleared_after_a_while() {
    let mut call = Told::new();
    call.customer(3, &[LegalThreat]).waits(600);
    assert_eq!(call.states(), [(Raised, "legal_threat"), (Cleared, "legal_threat")]);
    let settings = EscalationSettings::default();
    let cleared_ms = call.changes[1].t_ms;
    assert!(call.escalation.level_at(cleared_ms - settings.clear_after_ms) < settings.alert_leave);
    assert!(call.escalation.level_at(cleared_ms - settings.clear_after_ms - 1) >= settings.alert_leave);
}

#[test]
fn thanks_never_clear_danger() {
    let mut call = Told::new();
    call.customer(3, &[SelfHarm]).agent(&[]).customer(0, &[Relief]).agent(&[]).customer(0, &[Relief, Gratitude]);
    assert_eq!(call.states(), [(Raised, "self_harm")]);
    call.waits(900);
    assert_eq!(call.states()[1..], [(Cleared, "self_harm")]);
}

#[test]
fn after_clearing_the_same_kind_waits_for_the_cool_down() {
    let mut call = Told::new();
    call.customer(3, &[SupervisorRequest]).agent(&[Apology]).customer(0, &[ApologyAccepted]);
    call.customer(3, &[SupervisorRequest]);
    assert_eq!(call.rule(), Rule::CoolDown);
    assert_eq!(call.states().len(), 2);
    call.customer(3, &[LegalThreat]);
    assert_eq!(call.states()[2], (Raised, "legal_threat"));
    assert_eq!(call.changes[2].id, 2);
}

#[test]
fn what_the_cool_down_withheld_is_raised_at_its_end_if_still_tense() {
    let settings = EscalationSettings { half_life_ms: 600_000, ..Default::default() };
    let mut call = Told::with(settings.clone());
    call.customer(3, &[SupervisorRequest]).agent(&[Apology]).customer(0, &[ApologyAccepted]);
    let cleared_ms = call.changes[1].t_ms;
    call.customer(3, &[SupervisorRequest]).customer(3, &[SupervisorRequest]).waits(120);
    assert_eq!(call.states()[2], (Raised, "supervisor_request"));
    assert_eq!(call.changes[2].t_ms, cleared_ms + settings.cool_down_ms);
}
