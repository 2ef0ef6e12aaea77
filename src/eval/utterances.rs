//! Figures of single utterances.

use serde::Serialize;

use super::metrics::{Counts, auroc, mean, share};
use super::records::{Line, Party, Wording, words};
use crate::call::escalation::{Escalation, EscalationSettings};
use crate::language::{Language, Names};
use crate::terms::{CueKind, Lang};

/// A kind of cue counts in the macro average from this many occurrences on.
const SUPPORT_MIN: usize = 3;
/// From this severity on an utterance is flagged.
const FLAGGED: u8 = 2;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UtteranceReport {
    pub utterances: usize,
    /// Customer utterances with a labelled severity.
    pub with_severity: usize,
    /// Severity of 2 or more against less, by the score that orders utterances inside the program.
    pub auroc: Option<f64>,
    /// The same by the severity that leaves the program, 0 to 3.
    pub auroc_severity: Option<f64>,
    /// The same by the level of a call with this utterance alone, 0 to 100.
    pub auroc_level: Option<f64>,
    /// The same by severity, and where that is equal by level.
    pub auroc_severity_level: Option<f64>,
    /// Utterances of severity 2 or more against those found to be so.
    pub flagged: Counts,
    /// Share whose severity is exactly right.
    pub severity_right: Option<f64>,
    /// Share of severity 0 that was flagged.
    pub calm_flagged: Option<f64>,
    pub hard_negatives: usize,
    /// Hard negatives that were flagged.
    pub hard_negatives_wrong: Vec<HardNegative>,
    /// Mean F1 of the kinds that occur at least three times.
    pub macro_f1: Option<f64>,
    /// Kinds that occur or were found, in the order of [`CueKind::ALL`].
    pub kinds: Vec<KindScore>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindScore {
    pub kind: CueKind,
    #[serde(flatten)]
    pub counts: Counts,
    pub f1: Option<f64>,
}

/// A calm utterance that was flagged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HardNegative {
    pub text: String,
    pub severity: u8,
    pub cues: Vec<CueKind>,
}

/// Figures of a set of calm requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalmReport {
    pub name: String,
    pub requests: usize,
    /// Requests read as severity 2 or more: all of them wrong.
    pub flagged: usize,
    /// The first of them, for people to look at.
    pub examples: Vec<String>,
}

pub fn report(
    language: &Language,
    settings: &EscalationSettings,
    lines: &[&Line],
    wording: Wording,
) -> UtteranceReport {
    let mut kinds = vec![Counts::default(); CueKind::ALL.len()];
    let (mut scored, mut flagged, mut right, mut calm, mut calm_flagged) = (vec![], Counts::default(), 0, 0, 0);
    let (mut hard_negatives, mut wrong) = (0, Vec::new());
    let (mut by_severity, mut by_level, mut by_both) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let text = words(&line.text, line.recognised.as_deref(), wording);
        let reading = language.read(line.lang, line.speaker.channel(), text, &Names::default());
        let found: Vec<CueKind> = reading.cues.iter().map(|cue| cue.kind).collect();
        for (counts, kind) in kinds.iter_mut().zip(CueKind::ALL) {
            counts.add(line.cues.contains(kind), found.contains(kind));
        }
        if line.speaker == Party::Agent {
            continue;
        }
        let severity = reading.severity.unwrap_or(0);
        if let Some(labelled) = line.severity {
            let bad = labelled >= FLAGGED;
            let mut call = Escalation::new(settings, line.lang);
            let level = call.utterance(0, line.speaker.channel(), &reading, text, &mut Vec::new()).level;
            scored.push((reading.severity_score, bad));
            by_severity.push((f32::from(severity), bad));
            by_level.push((f32::from(level), bad));
            by_both.push((f32::from(severity) * 101.0 + f32::from(level), bad));
            flagged.add(labelled >= FLAGGED, severity >= FLAGGED);
            right += usize::from(labelled == severity);
            calm += usize::from(labelled == 0);
            calm_flagged += usize::from(labelled == 0 && severity >= FLAGGED);
        }
        if line.is_hard_negative() {
            hard_negatives += 1;
            if severity >= FLAGGED {
                wrong.push(HardNegative { text: text.to_owned(), severity, cues: found });
            }
        }
    }
    let kinds: Vec<KindScore> = CueKind::ALL
        .iter()
        .zip(kinds)
        .filter(|(_, counts)| counts.support() + counts.false_alarm > 0)
        .map(|(kind, counts)| KindScore { kind: *kind, counts, f1: counts.f1() })
        .collect();
    let averaged: Vec<f64> =
        kinds.iter().filter(|kind| kind.counts.support() >= SUPPORT_MIN).filter_map(|kind| kind.f1).collect();
    UtteranceReport {
        utterances: lines.len(),
        with_severity: scored.len(),
        auroc: auroc(&scored),
        auroc_severity: auroc(&by_severity),
        auroc_level: auroc(&by_level),
        auroc_severity_level: auroc(&by_both),
        flagged,
        severity_right: share(right, scored.len()),
        calm_flagged: share(calm_flagged, calm),
        hard_negatives,
        hard_negatives_wrong: wrong,
        macro_f1: mean(&averaged),
        kinds,
    }
}

pub fn calm(language: &Language, name: &str, requests: &[(Lang, String)]) -> CalmReport {
    let flagged: Vec<&String> = requests
        .iter()
        .filter(|(lang, text)| {
            let reading = language.read(*lang, Party::Customer.channel(), text, &Names::default());
            reading.severity.is_some_and(|severity| severity >= FLAGGED)
        })
        .map(|(_, text)| text)
        .collect();
    CalmReport {
        name: name.to_owned(),
        requests: requests.len(),
        flagged: flagged.len(),
        examples: flagged.into_iter().take(10).cloned().collect(),
    }
}
