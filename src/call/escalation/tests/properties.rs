//! What holds for any call.

use proptest::prelude::*;

use super::*;
use AlertState::{Cleared, Dismissed, Raised, RaisedHigher, Snoozed};
use CueKind::{SelfHarm, ViolenceThreat};

#[derive(Debug, Clone)]
enum Step {
    Says { speaker: Channel, after_ms: u64, severity: u8, kinds: Vec<CueKind> },
    Acknowledge(u32),
    Snooze(u32, u64),
    Dismiss(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let channel = prop_oneof![6 => Just(CUSTOMER), 3 => Just(AGENT), 1 => Just(Channel::Mixed)];
    let kinds = prop::collection::vec(prop::sample::select(CueKind::ALL), 0..4);
    let says = (channel, 0..90_000_u64, 0..4_u8, kinds).prop_map(|(speaker, after_ms, severity, kinds)| Step::Says {
        speaker,
        after_ms,
        severity,
        kinds,
    });
    prop_oneof![
        16 => says,
        1 => (1..4_u32).prop_map(Step::Acknowledge),
        1 => ((1..4_u32), 0..200_000_u64).prop_map(|(id, for_ms)| Step::Snooze(id, for_ms)),
        1 => (1..4_u32).prop_map(Step::Dismiss),
    ]
}

/// Plays the steps; `ticks` tells time in between, at these fractions (of 1000) of each pause.
fn play(steps: &[Step], ticks: &[u64]) -> (Vec<Assessment>, Vec<AlertChange>) {
    let mut escalation = Escalation::new(&EscalationSettings::default(), Lang::De);
    let (mut t_ms, mut assessments, mut changes) = (0, Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Says { speaker, after_ms, severity, kinds } => {
                for tick in ticks {
                    escalation.tick(t_ms + after_ms * tick / 1000, &mut changes);
                    assert!(escalation.next_deadline().is_none_or(|at_ms| at_ms > t_ms + after_ms * tick / 1000));
                }
                t_ms += after_ms;
                let cues: Vec<_> = kinds.iter().map(|kind| (*kind, weight(*kind))).collect();
                let read = reading(*severity, &cues);
                assessments.push(escalation.utterance(t_ms, *speaker, &read, "ein Satz mit Wörtern", &mut changes));
            }
            Step::Acknowledge(id) => drop(escalation.acknowledge(t_ms, *id, &mut changes)),
            Step::Snooze(id, for_ms) => drop(escalation.snooze(t_ms, *id, t_ms + for_ms, &mut changes)),
            Step::Dismiss(id) => drop(escalation.dismiss(t_ms, *id, "no", &mut changes)),
        }
    }
    (assessments, changes)
}

proptest! {
    #[test]
    fn telling_time_in_between_changes_nothing(
        steps in prop::collection::vec(step(), 1..40),
        mut ticks in prop::collection::vec(0..=1000_u64, 0..5),
    ) {
        ticks.sort_unstable();
        prop_assert_eq!(play(&steps, &[]), play(&steps, &ticks));
    }

    #[test]
    fn levels_stay_in_range_and_every_point_is_explained(steps in prop::collection::vec(step(), 1..40)) {
        let (assessments, _) = play(&steps, &[]);
        let mut before_milli = 0;
        for assessment in assessments {
            prop_assert!(assessment.level <= 100);
            let explanation = &assessment.explanation;
            prop_assert_eq!(explanation.before_milli, before_milli);
            let parts: i64 = explanation.parts.iter().map(|part| part.points_milli).sum();
            before_milli = explanation.before_milli + parts;
            prop_assert_eq!(i64::from(assessment.level), before_milli / 1000);
            prop_assert!(explanation.parts.iter().all(|part| part.points_milli != 0));
        }
    }

    #[test]
    fn one_alert_is_open_and_its_states_follow_the_rule(steps in prop::collection::vec(step(), 1..60)) {
        let (_, changes) = play(&steps, &[]);
        let mut open: Option<(u32, AlertState)> = None;
        let (mut raised, mut last_ms) = (0, 0);
        for change in &changes {
            prop_assert!(change.t_ms >= last_ms, "times never go back");
            last_ms = change.t_ms;
            prop_assert!(!change.reason.is_empty());
            match (change.state, open) {
                (Raised, None) => {
                    raised += 1;
                    prop_assert_eq!(change.id, raised);
                }
                (Raised, Some((id, state))) => {
                    prop_assert_eq!(change.id, id);
                    prop_assert_eq!(state, Snoozed, "only the end of a snooze raises an open alert again");
                }
                (_, None) => prop_assert!(false, "{:?} without an open alert", change.state),
                (_, Some((id, _))) => prop_assert_eq!(change.id, id),
            }
            let over = matches!(change.state, Cleared | Dismissed);
            open = if over { None } else { Some((change.id, change.state)) };
        }
    }

    #[test]
    fn danger_always_has_an_open_alert_that_was_told(
        steps in prop::collection::vec(step(), 0..30),
        kind in prop::sample::select(vec![ViolenceThreat, SelfHarm]),
        speaker in prop::sample::select(vec![CUSTOMER, Channel::Mixed]),
        severity in 0..4_u8,
    ) {
        let mut steps = steps;
        steps.push(Step::Says { speaker, after_ms: 1_000, severity, kinds: vec![kind] });
        let (assessments, changes) = play(&steps, &[]);
        prop_assert_eq!(assessments.last().unwrap().band, Band::Critical);
        let open = changes.last().unwrap();
        prop_assert!(!matches!(open.state, Cleared | Dismissed));
        let told = changes.iter().any(|change| {
            change.id == open.id && matches!(change.state, Raised | RaisedHigher) && change.kind == AlertKind::Act(kind)
        });
        prop_assert!(told, "{:?}", changes);
    }

    #[test]
    fn the_level_only_falls_while_nobody_speaks(steps in prop::collection::vec(step(), 1..20)) {
        let mut escalation = Escalation::new(&EscalationSettings::default(), Lang::De);
        let (mut t_ms, mut out) = (0, Vec::new());
        for step in &steps {
            if let Step::Says { speaker, after_ms, severity, kinds } = step {
                let mut last = (escalation.level_at(t_ms), escalation.band_at(t_ms));
                for part in 0..=10 {
                    let now = (escalation.level_at(t_ms + after_ms * part / 10), escalation.band_at(t_ms + after_ms * part / 10));
                    prop_assert!(now.0 <= last.0 && now.1 <= last.1);
                    last = now;
                }
                t_ms += after_ms;
                let cues: Vec<_> = kinds.iter().map(|kind| (*kind, weight(*kind))).collect();
                escalation.utterance(t_ms, *speaker, &reading(*severity, &cues), "ein Satz mit Wörtern", &mut out);
            }
        }
    }
}
