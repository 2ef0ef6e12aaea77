//! Public sets and our own lines as rows with what they teach each head.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::TrainError;
use crate::language::classifier::HeadKind;
use crate::terms::{CueKind, Lang};

/// Rows of a set are dealt to this many folds; each is scored once by weights that never saw its fold.
pub const FOLDS: usize = 5;

/// Where a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    GermEval,
    InsultsPraise,
    Potts,
    Xed,
    GoEmotions,
    Woz,
    Banking,
    Lines,
}

/// Which part of its set a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Trained on, in this fold of cross-validation.
    Fold(usize),
    /// Ours, trained on in the end, used to choose settings before.
    Dev,
    /// Never trained on.
    Held,
}

/// One text with its labels.
#[derive(Debug, Clone)]
pub struct Row {
    pub set: Set,
    pub lang: Lang,
    pub text: String,
    pub part: Part,
    /// Fold of a line of ours, dev and held-out ones too.
    pub fold: usize,
    /// The authors of the cue files had not seen this line.
    pub unseen: bool,
    /// Calm words that look bad.
    pub hard_negative: bool,
    labels: Vec<String>,
    severity: Option<u8>,
    cues: Vec<CueKind>,
    agent: bool,
}

impl Row {
    /// What this row teaches a head: the answer and how much it counts. `None` if it says nothing about the question.
    pub fn lesson(&self, head: HeadKind) -> Option<(bool, f32)> {
        match (head, self.set) {
            (HeadKind::Offence, set) => self.offence(set),
            (HeadKind::Negative, set) => self.negative(set),
            (HeadKind::Positive, set) => self.positive(set),
        }
    }

    /// Severity of a customer's line of ours.
    pub fn severity(&self) -> Option<u8> {
        self.severity
    }

    /// Kinds of cue in a line of ours.
    pub fn cues(&self) -> &[CueKind] {
        &self.cues
    }

    pub fn is_agents(&self) -> bool {
        self.agent
    }

    /// Whether the row is one of ours said by a customer.
    pub fn is_customer_line(&self) -> bool {
        self.set == Set::Lines && !self.agent
    }

    fn offence(&self, set: Set) -> Option<(bool, f32)> {
        match set {
            Set::GermEval => Some((self.is("offense"), 1.0)),
            Set::InsultsPraise => Some((self.is("negative"), 0.15)),
            Set::Potts if !self.is("negative") && !self.is("mixed") => Some((false, 0.1)),
            Set::Woz => Some((false, 0.3)),
            Set::Lines if self.agent => Some((false, 0.5)),
            Set::Lines => {
                let yes = self.has(&[CueKind::Insult, CueKind::ViolenceThreat]);
                // A swear word alone is offensive in some mouths and harmless in others.
                (yes || !self.has(&[CueKind::Profanity])).then_some((yes, 0.5))
            }
            _ => None,
        }
    }

    fn negative(&self, set: Set) -> Option<(bool, f32)> {
        match set {
            Set::GermEval => Some((self.is("offense"), 0.1)),
            Set::InsultsPraise => Some((self.is("negative"), 0.3)),
            Set::Potts if self.is("mixed") => None,
            Set::Potts => Some((self.is("negative"), 0.15)),
            Set::Xed => Some((self.is("anger") || self.is("disgust"), 0.05)),
            Set::GoEmotions if self.any(&HOSTILE) => Some((true, 0.1)),
            Set::GoEmotions if self.any(&SAD) => None,
            Set::GoEmotions => Some((false, 0.1)),
            Set::Woz | Set::Banking => Some((false, 0.3)),
            Set::Lines => match self.severity {
                Some(0) => Some((false, 2.0)),
                Some(1) => Some((false, 1.0)),
                Some(_) => Some((true, 2.0)),
                None => None,
            },
        }
    }

    fn positive(&self, set: Set) -> Option<(bool, f32)> {
        match set {
            Set::GermEval => self.is("offense").then_some((false, 0.1)),
            Set::InsultsPraise => Some((self.is("positive"), 0.3)),
            Set::Potts if self.is("mixed") => None,
            Set::Potts => Some((self.is("positive"), 0.1)),
            Set::Xed => Some((self.is("joy"), 0.03)),
            Set::GoEmotions => Some((self.any(&GLAD), 0.1)),
            // Some calm requests end with thanks, which nobody labelled.
            Set::Woz | Set::Banking => (!self.text.to_lowercase().contains("dank")).then_some((false, 0.3)),
            Set::Lines if self.agent => None,
            Set::Lines => Some((self.has(&RELIEVING), 2.0)),
        }
    }

    fn is(&self, label: &str) -> bool {
        self.labels.iter().any(|own| own == label)
    }

    fn any(&self, labels: &[&str]) -> bool {
        labels.iter().any(|label| self.is(label))
    }

    fn has(&self, cues: &[CueKind]) -> bool {
        cues.iter().any(|cue| self.cues.contains(cue))
    }
}

const HOSTILE: [&str; 5] = ["anger", "annoyance", "disappointment", "disapproval", "disgust"];
const SAD: [&str; 6] = ["embarrassment", "fear", "grief", "nervousness", "remorse", "sadness"];
const GLAD: [&str; 9] =
    ["admiration", "amusement", "approval", "excitement", "gratitude", "joy", "love", "optimism", "relief"];
const RELIEVING: [CueKind; 6] = [
    CueKind::Gratitude,
    CueKind::Relief,
    CueKind::Praise,
    CueKind::Patience,
    CueKind::ApologyAccepted,
    CueKind::Humour,
];

/// The public sets the heads are trained on, by file.
const PUBLIC: [(&str, Set, Lang); 9] = [
    ("germeval2018_train.jsonl", Set::GermEval, Lang::De),
    ("dialog_insults_praise_de.jsonl", Set::InsultsPraise, Lang::De),
    ("potts_de_train.jsonl", Set::Potts, Lang::De),
    ("xed_de_train.jsonl", Set::Xed, Lang::De),
    ("woz_de_calm_train.jsonl", Set::Woz, Lang::De),
    ("goemotions_train_1.jsonl", Set::GoEmotions, Lang::En),
    ("goemotions_train_2.jsonl", Set::GoEmotions, Lang::En),
    ("goemotions_train_3.jsonl", Set::GoEmotions, Lang::En),
    ("banking77_requests_train.jsonl", Set::Banking, Lang::En),
];

/// All rows of the public sets and of every `.jsonl` file of our lines, files in order of name.
pub fn rows(data: &Path, lines: &Path) -> Result<Vec<Row>, TrainError> {
    let mut rows = Vec::new();
    for (file, set, lang) in PUBLIC {
        read(&data.join(file), set, lang, &mut rows)?;
    }
    let listed = fs::read_dir(lines).map_err(|source| TrainError::Read { path: lines.to_owned(), source })?;
    let mut own: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    own.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    own.sort();
    for path in own {
        read(&path, Set::Lines, Lang::De, &mut rows)?;
    }
    Ok(rows)
}

fn read(path: &Path, set: Set, lang: Lang, rows: &mut Vec<Row>) -> Result<(), TrainError> {
    let text = fs::read_to_string(path).map_err(|source| TrainError::Read { path: path.to_owned(), source })?;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let bad = |message: String| TrainError::Line { path: path.to_owned(), line: index + 1, message };
        let value: Value = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
        rows.push(row(&value, set, lang, index).map_err(bad)?);
    }
    Ok(())
}

fn row(value: &Value, set: Set, lang: Lang, index: usize) -> Result<Row, String> {
    let text = value["text"].as_str().ok_or("no `text`")?.to_owned();
    let labels = match &value["label"] {
        Value::String(label) => vec![label.clone()],
        Value::Array(labels) => labels.iter().filter_map(|label| label.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let mut row = Row {
        set,
        lang,
        text,
        part: Part::Fold(0),
        // Variants of one line stand next to each other and must not be in two folds.
        fold: index / 10 % FOLDS,
        unseen: value["unseen"] == true,
        hard_negative: value["hard_negative"] == true,
        labels,
        severity: None,
        cues: Vec::new(),
        agent: value["speaker"] == "agent",
    };
    if set == Set::Lines {
        own_labels(value, &mut row)?;
    }
    row.part = part(value, &row)?;
    Ok(row)
}

fn own_labels(value: &Value, row: &mut Row) -> Result<(), String> {
    let tag = value["lang"].as_str().ok_or("no `lang`")?;
    row.lang = Lang::from_tag(tag).ok_or_else(|| format!("`lang` is `{tag}`; write `de` or `en`"))?;
    row.severity = value["severity"].as_u64().map(|severity| severity as u8);
    if row.severity.is_some() == row.agent || row.severity > Some(3) {
        return Err("customers have a `severity` from 0 to 3, agents none".to_owned());
    }
    for cue in value["cues"].as_array().ok_or("no `cues`")? {
        let name = cue.as_str().unwrap_or_default();
        let kind = CueKind::from_name(name).ok_or_else(|| format!("no cue kind is called `{name}`"))?;
        row.cues.push(kind);
    }
    Ok(())
}

/// A fifth of the calm requests is kept out of training as a check for false alarms; of the dialogues, whole ones.
fn part(value: &Value, row: &Row) -> Result<Part, String> {
    let fold = match row.set {
        Set::Lines => row.fold,
        Set::Woz => value["dialogue"].as_u64().unwrap_or_default() as usize % FOLDS,
        _ => row.text.bytes().fold(17usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte as usize)) / 7 % FOLDS,
    };
    Ok(match (row.set, value["split"].as_str()) {
        (Set::Lines, Some("dev")) => Part::Dev,
        (Set::Lines, Some("held")) => Part::Held,
        (Set::Lines, Some("train")) => Part::Fold(fold),
        (Set::Lines, _) => return Err("`split` is one of train, dev, held".to_owned()),
        (Set::Woz | Set::Banking, _) if fold == 0 => Part::Held,
        _ => Part::Fold(fold),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Row, String> {
        row(&serde_json::from_str(text).unwrap(), Set::Lines, Lang::De, 0)
    }

    #[test]
    fn a_threat_teaches_negative_and_not_offence() {
        let row = line(
            r#"{"text":"x","lang":"de","speaker":"customer","severity":3,"cues":["legal_threat"],"split":"train"}"#,
        );
        let row = row.unwrap();
        assert_eq!(row.lesson(HeadKind::Negative).map(|(yes, _)| yes), Some(true));
        assert_eq!(row.lesson(HeadKind::Offence).map(|(yes, _)| yes), Some(false));
        assert_eq!(row.lesson(HeadKind::Positive).map(|(yes, _)| yes), Some(false));
    }

    #[test]
    fn wrong_lines_are_refused_with_the_reason() {
        for (text, reason) in [
            (r#"{"lang":"de"}"#, "no `text`"),
            (r#"{"text":"x","lang":"fr","cues":[],"split":"dev"}"#, "`lang` is `fr`"),
            (r#"{"text":"x","lang":"de","speaker":"agent","severity":1,"cues":[],"split":"dev"}"#, "agents none"),
            (r#"{"text":"x","lang":"de","severity":1,"cues":["rage"],"split":"dev"}"#, "`rage`"),
            (r#"{"text":"x","lang":"de","severity":1,"cues":[],"split":"test"}"#, "train, dev, held"),
        ] {
            let message = line(text).unwrap_err();
            assert!(message.contains(reason), "{message}");
        }
    }
}
