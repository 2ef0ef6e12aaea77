//! The labelled records and how a line becomes one.

use serde::{Deserialize, Serialize};

use crate::terms::{Channel, CueKind, Lang};

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// The text model learns from it.
    Train,
    /// Cues and thresholds are tuned on it.
    Dev,
    /// Never looked at while tuning.
    Held,
}

impl Split {
    pub const NAMES: [&str; 3] = ["train", "dev", "held"];

    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "train" => Some(Self::Train),
            "dev" => Some(Self::Dev),
            "held" => Some(Self::Held),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Held => "held",
        }
    }
}

/// Who speaks in labelled data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    Customer,
    Agent,
}

impl Party {
    pub fn channel(self) -> Channel {
        match self {
            Self::Customer => Channel::Customer,
            Self::Agent => Channel::Agent,
        }
    }
}

/// Which words of a record are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// The reference.
    Text,
    /// What a speech recogniser made of it; the reference where there is none.
    Recognised,
}

/// One labelled utterance without context.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Line {
    pub text: String,
    #[serde(default)]
    pub recognised: Option<String>,
    #[serde(default)]
    pub lang: Lang,
    pub speaker: Party,
    /// 0 to 3; `None` for the agent, and where it was not labelled.
    #[serde(default)]
    pub severity: Option<u8>,
    pub cues: Vec<CueKind>,
    #[serde(default)]
    pub split: Option<Split>,
    /// Calm words that look bad.
    #[serde(default)]
    pub hard_negative: bool,
    /// Why it is labelled as it is.
    #[serde(default)]
    pub note: Option<String>,
}

impl Line {
    /// Calm words of the customer that look bad: said to be so, or calm with a note that says why.
    pub fn is_hard_negative(&self) -> bool {
        self.hard_negative || (self.severity == Some(0) && self.note.is_some())
    }
}

/// How a labelled call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No reason to look at it.
    Calm,
    /// Turns bad and stays so.
    Escalated,
    /// Turns bad and ends well.
    Recovered,
}

/// One labelled call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Dialogue {
    pub id: String,
    #[serde(default)]
    pub lang: Lang,
    pub outcome: Outcome,
    #[serde(default)]
    pub split: Option<Split>,
    pub turns: Vec<LabelledTurn>,
    /// Where a careful reader wants which whisper; `None`: nobody has read it for that.
    #[serde(default)]
    pub expected: Option<Vec<Expected>>,
}

/// A moment at which a careful reader wants a practice to speak.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Expected {
    /// Index of the turn after which, from 0.
    pub turn: usize,
    /// Id of the practice.
    pub practice: String,
    #[serde(default)]
    pub strength: Strength,
    /// Ids of practices that would serve as well.
    #[serde(default)]
    pub also: Vec<String>,
}

/// How much a whisper is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Missed if it does not come.
    #[default]
    Must,
    /// Welcome, not missed.
    May,
}

impl Dialogue {
    /// Whether somebody has labelled what is said in it: not where only the course and the whispers were read for.
    pub fn is_labelled(&self) -> bool {
        self.turns.iter().any(|turn| turn.severity.is_some() || !turn.cues.is_empty())
    }

    /// Whether any turn has recognised words beside the reference.
    pub fn is_recognised(&self) -> bool {
        self.turns.iter().any(|turn| turn.recognised.is_some())
    }
}

/// One turn of a labelled call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LabelledTurn {
    pub speaker: Party,
    pub text: String,
    #[serde(default)]
    pub recognised: Option<String>,
    /// End of the turn, milliseconds since the start of the call; 5 s after the turn before if absent.
    #[serde(default)]
    pub t_ms: Option<u64>,
    #[serde(default)]
    pub severity: Option<u8>,
    #[serde(default)]
    pub cues: Vec<CueKind>,
}

/// The words of a record that are to be scored.
pub fn words<'a>(text: &'a str, recognised: Option<&'a str>, wording: Wording) -> &'a str {
    match wording {
        Wording::Text => text,
        Wording::Recognised => recognised.unwrap_or(text),
    }
}

/// One line of an offence set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffenceLine {
    pub text: String,
    pub offence: bool,
}

/// A line that could not be used; the others still are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadLine {
    pub file: String,
    /// From 1.
    pub line: usize,
    pub message: String,
}

/// What is in a file of labelled data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    pub lines: Vec<Line>,
    pub dialogues: Vec<Dialogue>,
    pub bad_lines: Vec<BadLine>,
}

/// Reads JSON lines: a line with `turns` is a dialogue, any other an utterance. Empty lines are passed over.
pub fn labelled(file: &str, bytes: &[u8]) -> Records {
    let mut records = Records::default();
    for (line, text) in lines(file, bytes, &mut records.bad_lines) {
        let outcome = match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) if value.get("turns").is_some() => {
                dialogue(value).map(|dialogue| records.dialogues.push(dialogue))
            }
            Ok(value) => utterance(value).map(|utterance| records.lines.push(utterance)),
            Err(error) => Err(format!("no JSON object ({error}): write one object per line")),
        };
        if let Err(message) = outcome {
            records.bad_lines.push(BadLine { file: file.to_owned(), line, message });
        }
    }
    records
}

/// Reads calm requests: JSON lines of which only `text` and `lang` are used.
pub fn calm(file: &str, bytes: &[u8], bad_lines: &mut Vec<BadLine>) -> Vec<(Lang, String)> {
    #[derive(Deserialize)]
    struct Request {
        text: String,
        #[serde(default)]
        lang: Lang,
    }
    let mut requests = Vec::new();
    for (line, text) in lines(file, bytes, bad_lines) {
        match serde_json::from_str::<Request>(text) {
            Ok(request) => requests.push((request.lang, request.text)),
            Err(error) => bad_lines.push(BadLine { file: file.to_owned(), line, message: error.to_string() }),
        }
    }
    requests
}

/// Reads the format of GermEval 2018: text, coarse label, fine label, separated by tabs; or JSON lines with `text`
/// and `label`. `OFFENSE` in any case is offence, `OTHER` is not.
pub fn offence(file: &str, bytes: &[u8], bad_lines: &mut Vec<BadLine>) -> Vec<OffenceLine> {
    #[derive(Deserialize)]
    struct Labelled {
        text: String,
        label: String,
    }
    let mut found = Vec::new();
    for (line, text) in lines(file, bytes, bad_lines) {
        let labelled = if text.starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())
        } else {
            let mut fields = text.split('\t');
            match (fields.next(), fields.next()) {
                (Some(text), Some(label)) => Ok(Labelled { text: text.to_owned(), label: label.to_owned() }),
                _ => Err("no tab: write text, coarse label and fine label, separated by tabs".to_owned()),
            }
        };
        let read = labelled.and_then(|Labelled { text, label }| match label.trim().to_ascii_lowercase().as_str() {
            "offense" => Ok(OffenceLine { text, offence: true }),
            "other" => Ok(OffenceLine { text, offence: false }),
            other => Err(format!("label {other:?} is neither OFFENSE nor OTHER")),
        });
        match read {
            Ok(read) => found.push(read),
            Err(message) => bad_lines.push(BadLine { file: file.to_owned(), line, message }),
        }
    }
    found
}

/// Lines with their numbers, those that are no UTF-8 put aside.
fn lines<'a>(file: &str, bytes: &'a [u8], bad_lines: &mut Vec<BadLine>) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for (index, bytes) in bytes.split(|byte| *byte == b'\n').enumerate() {
        match str::from_utf8(bytes) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => found.push((index + 1, text.trim_end_matches('\r'))),
            Err(error) => {
                let message = format!("no UTF-8 from byte {} on: save the file as UTF-8", error.valid_up_to());
                bad_lines.push(BadLine { file: file.to_owned(), line: index + 1, message });
            }
        }
    }
    found
}

fn utterance(value: serde_json::Value) -> Result<Line, String> {
    let line: Line = serde_json::from_value(value).map_err(|error| error.to_string())?;
    check(line.speaker, line.severity, &line.cues)?;
    Ok(line)
}

fn dialogue(value: serde_json::Value) -> Result<Dialogue, String> {
    let dialogue: Dialogue = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let mut last_ms = 0;
    for (index, turn) in dialogue.turns.iter().enumerate() {
        check(turn.speaker, turn.severity, &turn.cues).map_err(|error| format!("turn {}: {error}", index + 1))?;
        let t_ms = turn.t_ms.unwrap_or(last_ms);
        if t_ms < last_ms {
            return Err(format!("turn {} ends at {t_ms} ms, before the turn before it ({last_ms} ms)", index + 1));
        }
        last_ms = t_ms;
    }
    if let Some(beyond) = dialogue.expected.iter().flatten().find(|expected| expected.turn >= dialogue.turns.len()) {
        let turns = dialogue.turns.len();
        return Err(format!("{} is expected after turn {} of {turns}, counted from 0", beyond.practice, beyond.turn));
    }
    let customers = dialogue.turns.iter().any(|turn| turn.speaker == Party::Customer);
    if customers { Ok(dialogue) } else { Err("no turn of the customer".to_owned()) }
}

fn check(speaker: Party, severity: Option<u8>, cues: &[CueKind]) -> Result<(), String> {
    if let Some(severity) = severity {
        if speaker == Party::Agent {
            return Err("agents have no severity: write null".to_owned());
        }
        if severity > 3 {
            return Err(format!("severity {severity} is not 0, 1, 2 or 3"));
        }
    }
    match cues.iter().find(|cue| cue.is_agents() != (speaker == Party::Agent)) {
        Some(cue) => Err(format!("{} is not a cue of this speaker", cue.as_str())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_named_and_the_rest_is_read() {
        let file = concat!(
            "{\"text\":\"Guten Tag\",\"speaker\":\"customer\",\"severity\":0,\"cues\":[]}\n",
            "\n",
            "keine Zeile\n",
            "{\"text\":\"x\",\"speaker\":\"customer\",\"severity\":4,\"cues\":[]}\r\n",
            "{\"text\":\"x\",\"speaker\":\"agent\",\"severity\":1,\"cues\":[]}\n",
            "{\"text\":\"x\",\"speaker\":\"customer\",\"severity\":1,\"cues\":[\"apology\"]}\n",
            "{\"text\":\"x\",\"speaker\":\"customer\",\"severity\":1,\"cues\":[\"fury\"]}\n",
            "{\"text\":\"x\",\"speaker\":\"agent\",\"severity\":null,\"cues\":[\"apology\"],\"split\":\"dev\"}\n",
        );
        let mut bytes = file.as_bytes().to_vec();
        bytes.extend_from_slice(b"{\"text\":\"\xff\"}");
        let records = labelled("a.jsonl", &bytes);
        assert_eq!(records.lines.len(), 2);
        assert_eq!(records.lines[1].split, Some(Split::Dev));
        let mut bad: Vec<_> = records.bad_lines.iter().map(|bad| bad.line).collect();
        bad.sort_unstable();
        assert_eq!(bad, [3, 4, 5, 6, 7, 9]);
        assert!(records.bad_lines.iter().all(|bad| bad.file == "a.jsonl" && !bad.message.is_empty()));
    }

    #[test]
    fn a_dialogue_needs_times_that_go_on_and_a_customer() {
        let turn = |speaker: &str, t_ms: u64| format!("{{\"speaker\":\"{speaker}\",\"text\":\"x\",\"t_ms\":{t_ms}}}");
        let call = |turns: &[String]| format!("{{\"id\":\"a\",\"outcome\":\"calm\",\"turns\":[{}]}}", turns.join(","));
        let good = call(&[turn("agent", 1), turn("customer", 2)]);
        let back = call(&[turn("agent", 2), turn("customer", 1)]);
        let alone = call(&[turn("agent", 2)]);
        let records = labelled("d.jsonl", [good, back, alone].join("\n").as_bytes());
        assert_eq!(records.dialogues.len(), 1);
        assert_eq!(records.bad_lines.iter().map(|bad| bad.line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn offence_sets_are_read_from_tabs_and_from_json() {
        let mut bad = Vec::new();
        let file =
            "du Wicht\tOFFENSE\tINSULT\nguten Tag\tOTHER\tOTHER\nohne Marke\n{\"text\":\"a\",\"label\":\"offense\"}";
        let read = offence("g.tsv", file.as_bytes(), &mut bad);
        assert_eq!(read.iter().map(|line| line.offence).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!((bad.len(), bad[0].line), (1, 3));
    }
}
