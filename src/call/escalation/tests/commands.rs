//! What people do with an alert.

use super::*;
use AlertState::{Acknowledged, Cleared, Dismissed, Raised, RaisedHigher, Snoozed};
use CueKind::{Anger, ChurnThreat, Insult, LegalThreat, SupervisorRequest, ViolenceThreat};

#[test]
fn acknowledged_alerts_stay_open_and_may_rise_higher() {
    let mut call = Told::new();
    call.customer(2, &[ChurnThreat]);
    call.escalation.acknowledge(call.t_ms, 1, &mut call.changes).unwrap();
    call.escalation.acknowledge(call.t_ms, 1, &mut call.changes).unwrap();
    call.customer(3, &[LegalThreat]);
    let expected = [(Raised, "churn_threat"), (Acknowledged, "churn_threat"), (RaisedHigher, "legal_threat")];
    assert_eq!(call.states(), expected);
}

#[test]
fn a_snoozed_alert_is_silent_until_its_time_unless_something_more_serious_happens() {
    let mut call = Told::with(EscalationSettings { half_life_ms: 3_600_000, ..Default::default() });
    call.customer(3, &[SupervisorRequest]);
    call.escalation.snooze(call.t_ms, 1, call.t_ms + 120_000, &mut call.changes).unwrap();
    call.customer(3, &[SupervisorRequest]).customer(3, &[Insult]);
    assert_eq!(call.rule(), Rule::Snoozed);
    assert_eq!(call.states(), [(Raised, "supervisor_request"), (Snoozed, "supervisor_request")]);
    call.waits(300);
    assert_eq!(call.states()[2..], [(Raised, "supervisor_request")]);
    assert_eq!(call.changes[2].t_ms, 8_000 + 120_000);
    call.escalation.snooze(call.t_ms, 1, call.t_ms + 120_000, &mut call.changes).unwrap();
    call.customer(3, &[LegalThreat]);
    assert_eq!(call.states()[4], (RaisedHigher, "legal_threat"));
}

#[test]
fn a_call_that_calmed_down_while_snoozed_is_cleared_without_being_raised_again() {
    let mut call = Told::new();
    call.customer(3, &[SupervisorRequest]);
    call.escalation.snooze(call.t_ms, 1, call.t_ms + 400_000, &mut call.changes).unwrap();
    call.waits(500);
    let states: Vec<_> = call.changes.iter().map(|change| change.state).collect();
    assert_eq!(states, [Raised, Snoozed, Cleared]);
}

#[test]
fn a_dismissed_kind_does_not_rise_again_but_another_act_does() {
    let mut call = Told::new();
    call.customer(3, &[Insult]);
    call.escalation.dismiss(call.t_ms, 1, "false_alarm", &mut call.changes).unwrap();
    assert_eq!(call.changes[1].note.as_deref(), Some("false_alarm"));
    call.waits(300).customer(3, &[Insult]);
    assert_eq!(call.rule(), Rule::DismissedBefore);
    call.customer(2, &[Anger]).customer(2, &[Anger]).customer(2, &[Anger]);
    assert_eq!(call.states().len(), 2);
    call.customer(3, &[LegalThreat]);
    assert_eq!(call.states()[2], (Raised, "legal_threat"));
}

#[test]
fn danger_alerts_again_even_after_a_dismissal() {
    let mut call = Told::new();
    call.customer(3, &[ViolenceThreat]);
    call.escalation.dismiss(call.t_ms, 1, "false_alarm", &mut call.changes).unwrap();
    call.customer(3, &[ViolenceThreat]);
    assert_eq!(call.states()[1..], [(Dismissed, "violence_threat"), (Raised, "violence_threat")]);
}

#[test]
fn commands_on_alerts_that_are_not_open_say_why() {
    let mut call = Told::new();
    let mut none = Vec::new();
    assert_eq!(call.escalation.acknowledge(0, 1, &mut none), Err(AlertError::Unknown { id: 1 }));
    call.customer(3, &[Insult]);
    let now_ms = call.t_ms;
    let passed = call.escalation.snooze(now_ms, 1, now_ms, &mut none);
    assert_eq!(passed, Err(AlertError::UntilPassed { until_ms: now_ms, now_ms }));
    call.escalation.dismiss(now_ms, 1, "", &mut call.changes).unwrap();
    assert_eq!(call.escalation.dismiss(now_ms, 1, "", &mut none), Err(AlertError::Over { id: 1 }));
    assert_eq!(call.escalation.acknowledge(now_ms, 2, &mut none), Err(AlertError::Unknown { id: 2 }));
    assert_eq!(none, []);
}
