//! How the presets compare when reading errs: labels with seeded mistakes in place of readings.

use serde::Serialize;

use super::dialogues::{CallTrace, report, trace_labels};
use super::metrics::mean;
use super::records::Dialogue;
use crate::call::escalation::{EscalationSettings, Preset};
use crate::language::severity::defaults;
use crate::terms::CueKind;

/// Share of cues that are missed.
pub const CUES_MISSED: f64 = 0.25;
/// Share of customer turns of severity 0 or 1 that are read as a complaint.
pub const CALM_MISREAD: f64 = 0.03;
/// Times all calls are played, each time with other mistakes: enough for figures that are steady to one per cent.
const ROUNDS: u64 = 100;

/// Figures of one preset, means over all rounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PresetReport {
    pub preset: Preset,
    pub escalated_alerted: Option<f64>,
    pub in_time: Option<f64>,
    pub lead_turns: Option<f64>,
    pub false_alarms_per_100_calm: Option<f64>,
    pub recovered_alerted: Option<f64>,
    pub recovered_cleared: Option<f64>,
}

/// Plays `calls` with every preset; the same calls give the same figures.
pub fn presets(calls: &[&Dialogue]) -> Vec<PresetReport> {
    [Preset::Calm, Preset::Balanced, Preset::Vigilant].map(|preset| of_preset(preset, calls)).to_vec()
}

fn of_preset(preset: Preset, calls: &[&Dialogue]) -> PresetReport {
    let settings = EscalationSettings::preset(preset);
    let rounds: Vec<_> = (1..=ROUNDS)
        .map(|seed| {
            let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let traces: Vec<CallTrace> =
                calls.iter().map(|call| trace_labels(&settings, &misread(call, &mut dice))).collect();
            report(calls, &traces)
        })
        .collect();
    let over = |pick: fn(&super::DialogueReport) -> Option<f64>| {
        let values: Vec<f64> = rounds.iter().filter_map(pick).collect();
        mean(&values)
    };
    PresetReport {
        preset,
        escalated_alerted: over(|round| round.escalated_alerted),
        in_time: over(|round| round.in_time),
        lead_turns: over(|round| round.lead_turns),
        false_alarms_per_100_calm: over(|round| round.false_alarms_per_100_calm),
        recovered_alerted: over(|round| round.recovered_alerted),
        recovered_cleared: over(|round| round.recovered_cleared),
    }
}

/// The call as a reader with mistakes would label it: a severity that rested on missed cues falls to what the others
/// mean.
fn misread(call: &Dialogue, dice: &mut Dice) -> Dialogue {
    let mut call = call.clone();
    for turn in &mut call.turns {
        let Some(severity) = turn.severity else { continue };
        let labelled = turn.cues.len();
        turn.cues.retain(|_| !dice.falls(CUES_MISSED));
        let mut read = severity;
        if turn.cues.len() < labelled {
            read = turn.cues.iter().map(|kind| defaults(*kind).severity).max().unwrap_or(0).min(severity);
        }
        if severity < 2 && dice.falls(CALM_MISREAD) {
            turn.cues.push(CueKind::Dissatisfaction);
            read = 2;
        }
        turn.severity = Some(read);
    }
    call
}

/// Seeded numbers that are the same everywhere (xorshift64, Marsaglia, 2003).
struct Dice(u64);

impl Dice {
    fn falls(&mut self, share: f64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64) < share * (1_u64 << 53) as f64
    }
}
