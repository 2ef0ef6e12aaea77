//! How good the scoring is, measured the way users feel it: `ruhepol eval`.
//!
//! Labelled utterances, labelled dialogues, calm requests and offence sets go in, a [`Report`] comes out. The formats
//! are described in `docs/evaluation.md`. Everything but [`load()`] is a function of its arguments.

mod dialogues;
mod load;
mod metrics;
mod noise;
mod offence;
mod practices;
mod records;
pub mod redaction;
mod table;
#[cfg(test)]
mod tests;
mod utterances;

use serde::Serialize;

pub use self::dialogues::{CallTrace, DialogueReport, RaisedAlert, trace, trace_labels};
pub use self::load::{LoadError, Loaded, Sources, load};
pub use self::metrics::{Counts, auroc};
pub use self::noise::PresetReport;
pub use self::offence::OffenceReport;
pub use self::practices::{PracticesReport, practices};
pub use self::records::{BadLine, Dialogue, Expected, LabelledTurn, Line, OffenceLine, Outcome, Party, Split, Wording};
pub use self::table::table;
pub use self::utterances::{CalmReport, HardNegative, KindScore, UtteranceReport};

use crate::call::escalation::EscalationSettings;
use crate::language::Language;
use crate::terms::Lang;

/// Everything that was measured. Figures whose data are absent are `None` or empty.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The part of the data that was used; `None`: all of it.
    pub split: Option<Split>,
    pub languages: Vec<LanguageReport>,
    /// Whether whispers come where a reader expects them, by language; [`practices()`] makes them.
    pub practices: Vec<PracticesReport>,
    /// Calm requests: every one that is flagged is a false alarm.
    pub calm: Vec<CalmReport>,
    /// Offence sets such as GermEval 2018.
    pub offence: Vec<OffenceReport>,
    /// Lines that could not be used.
    pub bad_lines: Vec<BadLine>,
}

/// Figures of one language.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LanguageReport {
    pub lang: Lang,
    pub utterances: Option<UtteranceReport>,
    pub dialogues: Option<DialogueReport>,
    /// The dialogues with their labels in place of what was read: what the alert policy alone gets right.
    pub policy_alone: Option<DialogueReport>,
    /// The presets compared on the dialogues' labels with seeded mistakes of reading.
    pub presets: Vec<PresetReport>,
    /// The same figures on text and on recognised text, over the records that have both.
    pub recognition: Option<RecognitionLoss>,
}

/// What recognition errors cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecognitionLoss {
    pub text: Paired,
    pub recognised: Paired,
}

/// Figures of one wording of the records that have both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    pub utterances: Option<UtteranceReport>,
    pub dialogues: Option<DialogueReport>,
}

/// Measures `language` with `settings` on what was loaded; `split`: only that part of the labelled data.
pub fn evaluate(language: &Language, settings: &EscalationSettings, loaded: &Loaded, split: Option<Split>) -> Report {
    let languages = [Lang::De, Lang::En].into_iter().filter_map(|lang| {
        let lines: Vec<&Line> = loaded.lines.iter().filter(|line| wanted(lang, split, line.lang, line.split)).collect();
        let calls: Vec<&Dialogue> =
            loaded.dialogues.iter().filter(|call| wanted(lang, split, call.lang, call.split)).collect();
        if lines.is_empty() && calls.is_empty() {
            return None;
        }
        let (utterances, dialogues) = measure(language, settings, &lines, &calls, Wording::Text);
        let labelled: Vec<&Dialogue> = calls.iter().copied().filter(|call| call.is_labelled()).collect();
        let policy_alone = (!labelled.is_empty()).then(|| {
            let traces: Vec<CallTrace> = labelled.iter().map(|call| trace_labels(settings, call)).collect();
            dialogues::report(&labelled, &traces)
        });
        let presets = if labelled.is_empty() { Vec::new() } else { noise::presets(&labelled) };
        let recognition = recognition_loss(language, settings, &lines, &calls);
        Some(LanguageReport { lang, utterances, dialogues, policy_alone, presets, recognition })
    });
    Report {
        split,
        languages: languages.collect(),
        practices: Vec::new(),
        calm: loaded.calm.iter().map(|(name, lines)| utterances::calm(language, name, lines)).collect(),
        offence: loaded.offence.iter().map(|(name, lines)| offence::report(language, name, lines)).collect(),
        bad_lines: loaded.bad_lines.clone(),
    }
}

fn wanted(lang: Lang, split: Option<Split>, of_lang: Lang, of_split: Option<Split>) -> bool {
    lang == of_lang && (split.is_none() || split == of_split)
}

fn measure(
    language: &Language,
    settings: &EscalationSettings,
    lines: &[&Line],
    calls: &[&Dialogue],
    wording: Wording,
) -> (Option<UtteranceReport>, Option<DialogueReport>) {
    let utterances = (!lines.is_empty()).then(|| utterances::report(language, settings, lines, wording));
    let traced = |call: &&Dialogue| trace(language, settings, call, wording);
    let dialogues = (!calls.is_empty()).then(|| {
        let traces: Vec<CallTrace> = calls.iter().map(traced).collect();
        dialogues::report(calls, &traces)
    });
    (utterances, dialogues)
}

fn recognition_loss(
    language: &Language,
    settings: &EscalationSettings,
    lines: &[&Line],
    calls: &[&Dialogue],
) -> Option<RecognitionLoss> {
    let lines: Vec<&Line> = lines.iter().copied().filter(|line| line.recognised.is_some()).collect();
    let calls: Vec<&Dialogue> = calls.iter().copied().filter(|call| call.is_recognised()).collect();
    if lines.is_empty() && calls.is_empty() {
        return None;
    }
    let paired = |wording| {
        let (utterances, dialogues) = measure(language, settings, &lines, &calls, wording);
        Paired { utterances, dialogues }
    };
    Some(RecognitionLoss { text: paired(Wording::Text), recognised: paired(Wording::Recognised) })
}
