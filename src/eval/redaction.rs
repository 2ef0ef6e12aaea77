//! How much personal data redaction finds, and how much else it takes, on labelled conversations.
//!
//! A file of JSON lines, each a short conversation:
//! `{"lang":"de","split":"dev","turns":[{"speaker":"customer","text":"Meine Nummer ist {phone|0171 2345678}."}]}`.
//! What is to go is marked in the text itself, `{kind|words}`; everything else must stay.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::language::redact::{Kind, Redactor};
use crate::terms::{Channel, Lang};

/// A labelled conversation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Talk {
    pub lang: Lang,
    /// `dev`: rules were written by it; `held`: they were not.
    pub split: String,
    pub turns: Vec<Turn>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    pub speaker: Channel,
    pub text: String,
}

/// Figures of one kind. Recall: `hidden / labelled`. Precision: `right / replaced`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Stretches marked in the file.
    pub labelled: u32,
    /// Of these, those of which no letter or digit is left.
    pub hidden: u32,
    /// Of these, those that are called what they are.
    pub named: u32,
    /// Markers of this kind that were set.
    pub replaced: u32,
    /// Of these, those that stand for nothing but a marked stretch, of whatever kind.
    pub right: u32,
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.labelled += other.labelled;
        self.hidden += other.hidden;
        self.named += other.named;
        self.replaced += other.replaced;
        self.right += other.right;
    }
}

/// What was measured on one part of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    pub turns: u32,
    /// Turns with nothing to hide, and of these, those in which something was taken nevertheless.
    pub clean: u32,
    pub clean_changed: u32,
    pub kinds: BTreeMap<Kind, Figures>,
    /// What went wrong, one line each.
    #[serde(skip)]
    pub faults: Vec<String>,
}

/// Reads a labelled file; what is wrong with a line is told with its number.
///
/// # Errors
/// The first line that is no labelled conversation.
pub fn parse(text: &str) -> Result<Vec<Talk>, String> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            let talk: Talk = serde_json::from_str(line).map_err(|error| format!("line {}: {error}", at + 1))?;
            for turn in &talk.turns {
                unmark(&turn.text).map_err(|problem| format!("line {}: {problem}", at + 1))?;
            }
            Ok(talk)
        })
        .collect()
}

/// What a label marks, in bytes of the text without its marks.
type Marked = (Kind, Range<usize>);

/// The text without its marks, and what was marked.
fn unmark(text: &str) -> Result<(String, Vec<Marked>), String> {
    let mut plain = String::with_capacity(text.len());
    let mut marked = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        let (inner, after) = after[1..].split_once('}').ok_or("a `{` without its `}`")?;
        let (kind, words) = inner.split_once('|').ok_or_else(|| format!("`{inner}` is not `kind|words`"))?;
        let kind = serde_json::from_value(serde_json::Value::from(kind)).map_err(|_| format!("no kind `{kind}`"))?;
        marked.push((kind, plain.len()..plain.len() + words.len()));
        plain.push_str(words);
        rest = after;
    }
    plain.push_str(rest);
    Ok((plain, marked))
}

/// Measures the talks of one part (`None`: all).
pub fn measure(talks: &[Talk], split: Option<&str>) -> Report {
    let mut report = Report::default();
    for talk in talks.iter().filter(|talk| split.is_none_or(|split| talk.split == split)) {
        let names = talk.turns.iter().any(|turn| turn.text.contains("{name|"));
        let mut redactor = Redactor::new(talk.lang, names);
        for turn in &talk.turns {
            // Checked by `parse`.
            let Ok((plain, marked)) = unmark(&turn.text) else { continue };
            measure_turn(&mut report, &mut redactor, turn, &plain, &marked);
        }
    }
    report
}

fn measure_turn(
    report: &mut Report,
    redactor: &mut Redactor,
    turn: &Turn,
    plain: &str,
    marked: &[(Kind, Range<usize>)],
) {
    let redacted = redactor.utterance(turn.speaker, plain);
    report.turns += 1;
    report.clean += u32::from(marked.is_empty());
    report.clean_changed += u32::from(marked.is_empty() && !redacted.parts.is_empty());
    let letters = |range: Range<usize>| {
        plain[range.clone()].char_indices().filter(|(_, c)| c.is_alphanumeric()).map(move |(at, _)| range.start + at)
    };
    let mut faulty = false;
    for (kind, range) in marked {
        let hidden = letters(range.clone()).all(|at| redacted.parts.iter().any(|part| part.from.contains(&at)));
        let named = hidden && redacted.parts.iter().any(|part| part.kind == *kind && part.from.contains(&range.start));
        let figures = report.kinds.entry(*kind).or_default();
        figures.labelled += 1;
        figures.hidden += u32::from(hidden);
        figures.named += u32::from(named);
        faulty |= !hidden;
    }
    for part in &redacted.parts {
        // Words around the thing itself ("in der", a plus) may go with it, as long as most of it was marked.
        let (inside, all) = letters(part.from.clone()).fold((0, 0), |(inside, all), at| {
            (inside + u32::from(marked.iter().any(|(_, range)| range.contains(&at))), all + 1)
        });
        let right = inside * 4 >= all * 3;
        let figures = report.kinds.entry(part.kind).or_default();
        figures.replaced += 1;
        figures.right += u32::from(right);
        faulty |= !right;
    }
    if faulty {
        report.faults.push(format!("{}  ->  {}", turn.text, redacted.text));
    }
}

/// The report for people.
pub fn table(name: &str, report: &Report, details: bool) -> String {
    let mut text = String::new();
    let percent = |part: u32, whole: u32| {
        if whole == 0 { "-".to_owned() } else { format!("{:.1}", f64::from(part) * 100.0 / f64::from(whole)) }
    };
    let _ = writeln!(text, "Redaction, {name}: {} utterances", report.turns);
    let _ = writeln!(text, "kind         labelled  recall %  named %  replaced  precision %");
    let mut all = Figures::default();
    for (kind, figures) in &report.kinds {
        all.add(*figures);
        let name =
            serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        row(&mut text, &name, figures, percent);
    }
    row(&mut text, "all", &all, percent);
    let _ = writeln!(
        text,
        "nothing to hide: {} utterances, {} of them changed ({} %)",
        report.clean,
        report.clean_changed,
        percent(report.clean_changed, report.clean)
    );
    if details {
        for fault in &report.faults {
            let _ = writeln!(text, "  {fault}");
        }
    }
    text
}

fn row(text: &mut String, name: &str, figures: &Figures, percent: impl Fn(u32, u32) -> String) {
    let _ = writeln!(
        text,
        "{name:<12} {:>8}  {:>8}  {:>7}  {:>8}  {:>11}",
        figures.labelled,
        percent(figures.hidden, figures.labelled),
        percent(figures.named, figures.labelled),
        figures.replaced,
        percent(figures.right, figures.replaced),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_off_and_tell_what_is_to_go() {
        assert_eq!(unmark("a {phone|1 2} b"), Ok(("a 1 2 b".to_owned(), vec![(Kind::Phone, 2..5)])));
        for wrong in ["{phone|1", "{phone 1}", "{fon|1}"] {
            assert!(unmark(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_missed_and_what_is_taken_wrongly_is_counted() {
        let talks = parse(concat!(
            r#"{"lang":"de","split":"dev","turns":[{"speaker":"customer","text":"Telefon {phone|0171 2345678}, "}]}"#,
            "\n",
            r#"{"lang":"de","split":"dev","turns":[{"speaker":"customer","text":"Das {phone|Blaue} vom Himmel 1234567"}]}"#,
        ))
        .unwrap();
        let report = measure(&talks, Some("dev"));
        let phone = report.kinds[&Kind::Phone];
        assert_eq!((phone.labelled, phone.hidden, phone.replaced, phone.right), (2, 1, 1, 1));
        let number = report.kinds[&Kind::Number];
        assert_eq!((number.replaced, number.right), (1, 0));
        assert_eq!(measure(&talks, Some("held")).turns, 0);
    }
}
