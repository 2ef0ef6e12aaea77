//! What the escalation promises, told in calls.

mod commands;
mod ends;
mod level;
mod model;
mod properties;
mod raises;

use super::*;
use crate::language::{Explanation as SeverityExplanation, MODEL_ENTRY, ModelScores};
use crate::terms::{AlertKind, AlertState};

const CUSTOMER: Channel = Channel::Customer;
const AGENT: Channel = Channel::Agent;

fn reading(severity: u8, cues: &[(CueKind, f32)]) -> Reading {
    let cues = cues.iter().map(|&(kind, weight)| Cue { kind, start: 0, end: 4, text: "Wort".to_owned(), weight });
    Reading {
        cues: cues.collect(),
        severity: Some(severity),
        severity_score: 0.0,
        model: ModelScores { offence: 0.0, negative: f32::from(severity) / 3.0, positive: 0.0 },
        explanation: SeverityExplanation { by_cues: severity, ..SeverityExplanation::default() },
        entries: Vec::new(),
    }
}

/// A cue that the text model found without a pattern.
fn by_model(severity: u8, kind: CueKind, weight: f32) -> Reading {
    let read = reading(severity, &[(kind, weight)]);
    let explanation = SeverityExplanation { by_cues: 0, ..read.explanation };
    Reading { entries: vec![MODEL_ENTRY.to_owned()], explanation, ..read }
}

/// Weight of a cue as the language data give it: hostile kinds burden, friendly ones relieve.
fn weight(kind: CueKind) -> f32 {
    match kind {
        CueKind::Gratitude
        | CueKind::Relief
        | CueKind::Praise
        | CueKind::Patience
        | CueKind::ApologyAccepted
        | CueKind::Humour => -8.0,
        kind if kind.is_agents() => 0.0,
        _ => 20.0,
    }
}

/// One call, told line by line: who speaks, after how many seconds, how severely, with which cues.
struct Told {
    escalation: Escalation,
    t_ms: u64,
    changes: Vec<AlertChange>,
    last: Option<Assessment>,
}

impl Told {
    fn new() -> Self {
        Self::with(EscalationSettings::default())
    }

    fn with(settings: EscalationSettings) -> Self {
        assert_eq!(settings.validate(), Ok(()));
        Self { escalation: Escalation::new(&settings, Lang::De), t_ms: 0, changes: Vec::new(), last: None }
    }

    fn says(&mut self, speaker: Channel, after_s: u64, severity: u8, kinds: &[CueKind]) -> &mut Self {
        self.t_ms += after_s * 1000;
        let cues: Vec<_> = kinds.iter().map(|kind| (*kind, weight(*kind))).collect();
        let reading = reading(severity, &cues);
        let text = "das sind nun wirklich ein paar Worte";
        self.last = Some(self.escalation.utterance(self.t_ms, speaker, &reading, text, &mut self.changes));
        self
    }

    fn customer(&mut self, severity: u8, kinds: &[CueKind]) -> &mut Self {
        self.says(CUSTOMER, 8, severity, kinds)
    }

    fn agent(&mut self, kinds: &[CueKind]) -> &mut Self {
        self.says(AGENT, 6, 0, kinds)
    }

    fn waits(&mut self, seconds: u64) -> &mut Self {
        self.t_ms += seconds * 1000;
        self.escalation.tick(self.t_ms, &mut self.changes);
        self
    }

    fn rule(&self) -> Rule {
        self.last.as_ref().unwrap().explanation.rule
    }

    fn level(&self) -> u8 {
        self.escalation.level_at(self.t_ms)
    }

    fn band(&self) -> Band {
        self.escalation.band_at(self.t_ms)
    }

    /// States and kinds of all changes so far.
    fn states(&self) -> Vec<(AlertState, &'static str)> {
        self.changes.iter().map(|change| (change.state, change.kind.as_str())).collect()
    }
}
