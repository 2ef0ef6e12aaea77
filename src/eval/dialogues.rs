//! Figures of whole calls.

use serde::Serialize;

use super::metrics::{median, share};
use super::records::{Dialogue, LabelledTurn, Outcome, Party, Wording, words};
use crate::call::escalation::{Escalation, EscalationSettings};
use crate::language::severity::defaults;
use crate::language::{Explanation, Language, ModelScores, Names, Reading};
use crate::terms::{AlertState, Band, Cue, CueKind};

/// Time of a turn without one after the turn before, as `ruhepol score` takes it.
pub(super) const TURN_MS: u64 = 5_000;

/// What the program made of one labelled call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallTrace {
    pub id: String,
    pub outcome: Outcome,
    /// Alerts raised, each with the turn after which it was raised.
    pub raised: Vec<RaisedAlert>,
    pub raised_higher: usize,
    /// Whether the last alert was cleared before the call ended.
    pub cleared: bool,
    pub peak_level: u8,
    pub peak_band: Band,
    pub final_level: u8,
    /// By turn: severity found, `None` for the agent.
    #[serde(skip)]
    pub severities: Vec<Option<u8>>,
    /// By turn: level after it.
    #[serde(skip)]
    pub levels: Vec<u8>,
    /// By turn: its end.
    #[serde(skip)]
    pub ends_ms: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RaisedAlert {
    /// Index of the last turn that had ended.
    pub turn: usize,
    pub t_ms: u64,
    pub kind: &'static str,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DialogueReport {
    pub calls: usize,
    pub calm: usize,
    pub escalated: usize,
    pub recovered: usize,
    /// Share of the alerted calls that did turn bad.
    pub precision: Option<f64>,
    /// Share of the escalated calls that were alerted.
    pub escalated_alerted: Option<f64>,
    /// Share of the recovered calls that were alerted.
    pub recovered_alerted: Option<f64>,
    /// Share of the escalated calls with a turn of severity 3 that were alerted no later than at the first of them.
    pub in_time: Option<f64>,
    /// Turns of both parties from the first alert to the first turn of severity 3, or to the worst turn where none has
    /// 3; positive: the alert came before. Median over alerted escalated calls.
    pub lead_turns: Option<f64>,
    /// The same in seconds.
    pub lead_s: Option<f64>,
    /// Alerts raised in calm calls, for each hundred of them.
    pub false_alarms_per_100_calm: Option<f64>,
    /// Alerts raised after the first one, per alerted call.
    pub repeated_per_alerted_call: Option<f64>,
    /// Times an open alert was raised higher, per alerted call.
    pub raised_higher_per_alerted_call: Option<f64>,
    /// Share of the recovered calls that were alerted whose alert was cleared before the end.
    pub recovered_cleared: Option<f64>,
    pub traces: Vec<CallTrace>,
}

/// Plays one call as `language` reads it.
pub fn trace(language: &Language, settings: &EscalationSettings, call: &Dialogue, wording: Wording) -> CallTrace {
    play(settings, call, wording, |turn, text| {
        language.read(call.lang, turn.speaker.channel(), text, &Names::default())
    })
}

/// Plays one call with its labels in place of a reading: what the policy makes of perfect cues.
pub fn trace_labels(settings: &EscalationSettings, call: &Dialogue) -> CallTrace {
    play(settings, call, Wording::Text, labelled_reading)
}

/// The labels of a turn as if they had been read from its words.
pub(super) fn labelled_reading(turn: &LabelledTurn, text: &str) -> Reading {
    let cue = |kind: &CueKind| Cue {
        kind: *kind,
        start: 0,
        end: text.chars().count(),
        text: text.to_owned(),
        weight: defaults(*kind).weight,
    };
    Reading {
        cues: turn.cues.iter().map(cue).collect(),
        severity: turn.severity,
        severity_score: 0.0,
        model: ModelScores::default(),
        explanation: Explanation { by_cues: turn.severity.unwrap_or(0), ..Explanation::default() },
        entries: Vec::new(),
    }
}

fn play(
    settings: &EscalationSettings,
    call: &Dialogue,
    wording: Wording,
    read: impl Fn(&LabelledTurn, &str) -> Reading,
) -> CallTrace {
    let mut escalation = Escalation::new(settings, call.lang);
    let mut trace = CallTrace {
        id: call.id.clone(),
        outcome: call.outcome,
        raised: Vec::new(),
        raised_higher: 0,
        cleared: false,
        peak_level: 0,
        peak_band: Band::Calm,
        final_level: 0,
        severities: Vec::new(),
        levels: Vec::new(),
        ends_ms: Vec::new(),
    };
    let mut t_ms = 0_u64;
    for (index, turn) in call.turns.iter().enumerate() {
        t_ms = turn.t_ms.unwrap_or(t_ms.saturating_add(TURN_MS));
        let text = words(&turn.text, turn.recognised.as_deref(), wording);
        let reading = read(turn, text);
        let mut changes = Vec::new();
        let assessment = escalation.utterance(t_ms, turn.speaker.channel(), &reading, text, &mut changes);
        for change in changes {
            match change.state {
                AlertState::Raised => trace.raised.push(RaisedAlert {
                    turn: if change.t_ms < t_ms { index.saturating_sub(1) } else { index },
                    t_ms: change.t_ms,
                    kind: change.kind.as_str(),
                    reason: change.reason,
                }),
                AlertState::RaisedHigher => trace.raised_higher += 1,
                _ => {}
            }
        }
        trace.peak_level = trace.peak_level.max(assessment.level);
        trace.peak_band = trace.peak_band.max(assessment.band);
        trace.final_level = assessment.level;
        trace.severities.push(assessment.severity);
        trace.levels.push(assessment.level);
        trace.ends_ms.push(t_ms);
    }
    trace.cleared = !trace.raised.is_empty() && escalation.open_alert().is_none();
    trace
}

/// `traces`: of `calls`, in the same order.
pub fn report(calls: &[&Dialogue], traces: &[CallTrace]) -> DialogueReport {
    let of = |outcome| traces.iter().filter(move |trace| trace.outcome == outcome);
    let alerted = |outcome| of(outcome).filter(|trace| !trace.raised.is_empty()).count();
    let [calm, escalated, recovered] =
        [Outcome::Calm, Outcome::Escalated, Outcome::Recovered].map(|outcome| of(outcome).count());
    let bad_alerted = alerted(Outcome::Escalated) + alerted(Outcome::Recovered);
    let all_alerted = bad_alerted + alerted(Outcome::Calm);

    let (mut with_three, mut in_time, mut lead_turns, mut lead_s) = (0, 0, Vec::new(), Vec::new());
    for (call, trace) in calls.iter().zip(traces).filter(|(call, _)| call.outcome == Outcome::Escalated) {
        let Some((worst, severity)) = worst_turn(call) else { continue };
        let first = trace.raised.first();
        if severity == 3 {
            with_three += 1;
            in_time += usize::from(first.is_some_and(|alert| alert.turn <= worst));
        }
        if let Some(first) = first {
            lead_turns.push(worst as f64 - first.turn as f64);
            lead_s.push((trace.ends_ms[worst] as f64 - first.t_ms as f64) / 1000.0);
        }
    }
    let false_alarms: usize = of(Outcome::Calm).map(|trace| trace.raised.len()).sum();
    let repeated: usize = traces.iter().map(|trace| trace.raised.len().saturating_sub(1)).sum();
    let raised_higher: usize = traces.iter().map(|trace| trace.raised_higher).sum();
    let cleared = of(Outcome::Recovered).filter(|trace| trace.cleared).count();
    DialogueReport {
        calls: calls.len(),
        calm,
        escalated,
        recovered,
        precision: share(bad_alerted, all_alerted),
        escalated_alerted: share(alerted(Outcome::Escalated), escalated),
        recovered_alerted: share(alerted(Outcome::Recovered), recovered),
        in_time: share(in_time, with_three),
        lead_turns: median(&lead_turns),
        lead_s: median(&lead_s),
        false_alarms_per_100_calm: share(false_alarms, calm).map(|share| share * 100.0),
        repeated_per_alerted_call: share(repeated, all_alerted),
        raised_higher_per_alerted_call: share(raised_higher, all_alerted),
        recovered_cleared: share(cleared, alerted(Outcome::Recovered)),
        traces: traces.to_vec(),
    }
}

/// The first turn of the highest labelled severity, and that severity.
fn worst_turn(call: &Dialogue) -> Option<(usize, u8)> {
    let customers = call.turns.iter().enumerate().filter(|(_, turn)| turn.speaker == Party::Customer);
    let labelled = customers.filter_map(|(index, turn)| Some((index, turn.severity?)));
    labelled.rev().max_by_key(|(_, severity)| *severity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Lang;

    fn call(outcome: Outcome, severities: &[u8]) -> Dialogue {
        let turn = |severity: &u8| LabelledTurn {
            speaker: Party::Customer,
            text: String::new(),
            recognised: None,
            t_ms: None,
            severity: Some(*severity),
            cues: Vec::new(),
        };
        Dialogue {
            id: String::new(),
            lang: Lang::De,
            outcome,
            split: None,
            turns: severities.iter().map(turn).collect(),
            expected: None,
        }
    }

    fn traced(call: &Dialogue, alerts: &[usize], raised_higher: usize, cleared: bool) -> CallTrace {
        let alert = |turn: &usize| RaisedAlert {
            turn: *turn,
            t_ms: *turn as u64 * 1000,
            kind: "insult",
            reason: String::new(),
        };
        CallTrace {
            id: String::new(),
            outcome: call.outcome,
            raised: alerts.iter().map(alert).collect(),
            raised_higher,
            cleared,
            peak_level: 0,
            peak_band: Band::Calm,
            final_level: 0,
            severities: Vec::new(),
            levels: Vec::new(),
            ends_ms: (0..call.turns.len() as u64).map(|turn| turn * 1000).collect(),
        }
    }

    #[test]
    fn figures_of_calls_are_counted_by_outcome() {
        let told = [
            (call(Outcome::Escalated, &[0, 2, 3, 3]), vec![1], 1, false),
            (call(Outcome::Escalated, &[0, 3, 0, 0]), vec![3], 0, false),
            (call(Outcome::Escalated, &[0, 3]), vec![], 0, false),
            (call(Outcome::Escalated, &[0, 2, 2]), vec![2], 0, false),
            (call(Outcome::Recovered, &[2, 2, 0]), vec![1, 2], 0, true),
            (call(Outcome::Recovered, &[3, 0]), vec![0], 0, false),
            (call(Outcome::Recovered, &[2, 0]), vec![], 0, false),
            (call(Outcome::Calm, &[0, 0]), vec![1], 0, true),
            (call(Outcome::Calm, &[0, 1]), vec![], 0, false),
        ];
        let calls: Vec<&Dialogue> = told.iter().map(|(call, ..)| call).collect();
        let traces: Vec<CallTrace> =
            told.iter().map(|(call, alerts, higher, cleared)| traced(call, alerts, *higher, *cleared)).collect();
        let report = report(&calls, &traces);
        assert_eq!((report.calm, report.escalated, report.recovered), (2, 4, 3));
        assert_eq!(report.escalated_alerted, Some(0.75));
        assert_eq!(report.precision, Some(5.0 / 6.0));
        assert_eq!(report.in_time, Some(1.0 / 3.0), "one in time, one late, one never");
        assert_eq!(report.lead_turns, Some(-1.0), "of 1, -2 and -1");
        assert_eq!(report.lead_s, Some(-1.0));
        assert_eq!(report.false_alarms_per_100_calm, Some(50.0));
        assert_eq!(report.repeated_per_alerted_call, Some(1.0 / 6.0));
        assert_eq!(report.raised_higher_per_alerted_call, Some(1.0 / 6.0));
        assert_eq!(report.recovered_cleared, Some(0.5), "the one that was never alerted does not count");
    }

    #[test]
    fn without_calls_of_an_outcome_its_figures_are_absent() {
        let calm = call(Outcome::Calm, &[0]);
        let report = report(&[&calm], &[traced(&calm, &[], 0, false)]);
        assert_eq!(report.escalated_alerted, None);
        assert_eq!(report.precision, None);
        assert_eq!(report.false_alarms_per_100_calm, Some(0.0));
    }
}
