//! A report for people.

use std::fmt::{self, Display, Formatter};

use super::dialogues::DialogueReport;
use super::noise::{CALM_MISREAD, CUES_MISSED};
use super::records::Outcome;
use super::utterances::UtteranceReport;
use super::{LanguageReport, Report};

/// Problems with data shown at most; the rest is counted.
const BAD_LINES_SHOWN: usize = 10;

/// The report as lines of text; `details`: every wrong hard negative and every call that went wrong too.
pub fn table(report: &Report, details: bool) -> impl Display {
    Table { report, details }
}

struct Table<'a> {
    report: &'a Report,
    details: bool,
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { report, details } = *self;
        if let Some(split) = report.split {
            writeln!(f, "Only records of split {:?}.\n", split.as_str())?;
        }
        for language in &report.languages {
            of_language(f, language, details)?;
        }
        for practices in &report.practices {
            write!(f, "{}", practices.table(details))?;
        }
        for calm in &report.calm {
            writeln!(f, "calm requests {}", calm.name)?;
            row(f, "flagged", &format!("{} of {}", calm.flagged, calm.requests))?;
            row(f, "", &percent(Some(calm.flagged as f64 / calm.requests.max(1) as f64)))?;
            if details {
                for text in &calm.examples {
                    writeln!(f, "    wrong: {text}")?;
                }
            }
            writeln!(f)?;
        }
        for offence in &report.offence {
            writeln!(f, "offence set {} ({} lines)", offence.name, offence.lines)?;
            row(f, "macro F1", &percent(offence.macro_f1))?;
            row(f, "F1 offence", &percent(offence.offence_f1))?;
            row(f, "F1 other", &percent(offence.other_f1))?;
            row(f, "AUROC", &three(offence.auroc))?;
            writeln!(f)?;
        }
        for bad in report.bad_lines.iter().take(BAD_LINES_SHOWN) {
            writeln!(f, "not used: {}:{}: {}", bad.file, bad.line, bad.message)?;
        }
        match report.bad_lines.len() {
            more if more > BAD_LINES_SHOWN => writeln!(f, "not used: {} more lines", more - BAD_LINES_SHOWN),
            _ => Ok(()),
        }
    }
}

fn of_language(f: &mut Formatter<'_>, language: &LanguageReport, details: bool) -> fmt::Result {
    let lang = language.lang.as_str();
    if let Some(report) = &language.utterances {
        writeln!(f, "{lang}: {} utterances", report.utterances)?;
        of_utterances(f, report, details)?;
        writeln!(f)?;
    }
    if let Some(report) = &language.dialogues {
        let (calm, escalated, recovered) = (report.calm, report.escalated, report.recovered);
        writeln!(f, "{lang}: {} calls ({calm} calm, {escalated} escalated, {recovered} recovered)", report.calls)?;
        of_dialogues(f, report, details)?;
        writeln!(f)?;
    }
    if let Some(report) = &language.policy_alone {
        writeln!(f, "{lang}: the same calls with perfect cues")?;
        of_dialogues(f, report, details)?;
        writeln!(f)?;
    }
    if !language.presets.is_empty() {
        let (missed, misread) = (CUES_MISSED * 100.0, CALM_MISREAD * 100.0);
        writeln!(f, "{lang}: presets, were {missed} % of cues missed and {misread} % of calm turns misread")?;
        writeln!(
            f,
            "  {:<10} {:>8} {:>8} {:>11} {:>22}",
            "", "alerted", "in time", "lead, turns", "false alarms/100 calm"
        )?;
        for preset in &language.presets {
            writeln!(
                f,
                "  {:<10} {:>8} {:>8} {:>11} {:>22}",
                preset.preset.as_str(),
                percent(preset.escalated_alerted),
                percent(preset.in_time),
                one(preset.lead_turns),
                one(preset.false_alarms_per_100_calm)
            )?;
        }
        writeln!(f)?;
    }
    if let Some(loss) = &language.recognition {
        writeln!(f, "{lang}: text → recognised, records with both")?;
        let utterances = |pick: fn(&UtteranceReport) -> Option<f64>| {
            [&loss.text, &loss.recognised].map(|side| side.utterances.as_ref().and_then(pick))
        };
        let dialogues = |pick: fn(&DialogueReport) -> Option<f64>| {
            [&loss.text, &loss.recognised].map(|side| side.dialogues.as_ref().and_then(pick))
        };
        let pairs = [
            ("AUROC", utterances(|report| report.auroc)),
            ("macro F1 of cues", utterances(|report| report.macro_f1)),
            ("escalated calls alerted", dialogues(|report| report.escalated_alerted)),
            ("in time", dialogues(|report| report.in_time)),
        ];
        for (name, [text, recognised]) in pairs.into_iter().filter(|(_, pair)| pair.iter().any(Option::is_some)) {
            row(f, name, &format!("{} → {}", percent(text), percent(recognised).trim_start()))?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn of_utterances(f: &mut Formatter<'_>, report: &UtteranceReport, details: bool) -> fmt::Result {
    row(f, "AUROC, severity ≥ 2", &three(report.auroc))?;
    row(f, "  by severity alone", &three(report.auroc_severity))?;
    row(f, "  by level of the line alone", &three(report.auroc_level))?;
    row(f, "  by severity, then level", &three(report.auroc_severity_level))?;
    row(f, "severity ≥ 2, precision", &percent(report.flagged.precision()))?;
    row(f, "severity ≥ 2, recall", &percent(report.flagged.recall()))?;
    row(f, "severity exactly right", &percent(report.severity_right))?;
    row(f, "severity 0 flagged", &percent(report.calm_flagged))?;
    if report.hard_negatives > 0 {
        let wrong = report.hard_negatives_wrong.len();
        row(f, "hard negatives flagged", &format!("{wrong} of {}", report.hard_negatives))?;
    }
    row(f, "macro F1 of cues", &percent(report.macro_f1))?;
    for kind in &report.kinds {
        let counts = kind.counts;
        let of = format!("{}   of {}, {} for nothing", percent(kind.f1), counts.support(), counts.false_alarm);
        row(f, &format!("  {}", kind.kind.as_str()), &of)?;
    }
    if details {
        for wrong in &report.hard_negatives_wrong {
            let cues: Vec<&str> = wrong.cues.iter().map(|cue| cue.as_str()).collect();
            writeln!(f, "    wrong: {} ({}; {})", wrong.text, wrong.severity, cues.join(", "))?;
        }
    }
    Ok(())
}

fn of_dialogues(f: &mut Formatter<'_>, report: &DialogueReport, details: bool) -> fmt::Result {
    row(f, "escalated calls alerted", &percent(report.escalated_alerted))?;
    row(f, "by the first severity 3", &percent(report.in_time))?;
    row(f, "lead, turns (median)", &one(report.lead_turns))?;
    row(f, "lead, seconds (median)", &one(report.lead_s))?;
    row(f, "precision of alerted calls", &percent(report.precision))?;
    row(f, "false alarms per 100 calm", &one(report.false_alarms_per_100_calm))?;
    row(f, "repeated alerts per call", &three(report.repeated_per_alerted_call))?;
    row(f, "raised higher per call", &three(report.raised_higher_per_alerted_call))?;
    row(f, "recovered calls alerted", &percent(report.recovered_alerted))?;
    row(f, "  of these cleared", &percent(report.recovered_cleared))?;
    if !details {
        return Ok(());
    }
    for trace in &report.traces {
        let alerted = trace.raised.first();
        let what = match (trace.outcome, alerted) {
            (Outcome::Calm, Some(alert)) => format!("false alarm after turn {}: {}", alert.turn + 1, alert.reason),
            (Outcome::Escalated, None) => format!("not alerted, peak {}", trace.peak_level),
            (Outcome::Recovered, Some(_)) if !trace.cleared => format!("not cleared, ends at {}", trace.final_level),
            _ => continue,
        };
        writeln!(f, "    {}: {what}", trace.id)?;
    }
    Ok(())
}

fn row(f: &mut Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "  {name:<28} {value:>7}")
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:5.1} %", share * 100.0))
}

fn three(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}

fn one(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.1}"))
}
