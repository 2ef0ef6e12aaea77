//! Playbook files as they are written, and how later ones change earlier ones.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{
    Condition, Gesture, Part, Pattern, Phrase, PlaybookError, Practice, Rank, Rulebook, Show, Timing, WordLists, check,
};
use crate::terms::{AlertKind, CueKind, Lang};

/// Version of the format this program reads.
pub const VERSION: u32 = 1;

/// A file that is well-formed; its sense is checked with the others'.
pub struct File {
    pub name: String,
    pub text: String,
    pub raw: Raw,
}

impl File {
    /// The line of a byte offset, from 1.
    pub fn line(&self, at: usize) -> usize {
        line(&self.text, at)
    }

    pub fn error(&self, at: usize, message: impl Into<String>, remedy: impl Into<String>) -> PlaybookError {
        PlaybookError { file: self.name.clone(), line: self.line(at), message: message.into(), remedy: remedy.into() }
    }
}

fn line(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    pub version: Spanned<u32>,
    /// Language of `words`, `labels`, `say`, `supervisor` and `configured`.
    pub lang: Option<Lang>,
    /// Calls this file is for; empty: all.
    #[serde(default)]
    pub queues: Vec<String>,
    #[serde(default)]
    pub settings: RawSettings,
    #[serde(default)]
    pub practice: Vec<Spanned<RawPractice>>,
    #[serde(default)]
    pub alert: Vec<Spanned<RawAlert>>,
    #[serde(default)]
    pub gesture: Vec<Gesture>,
    #[serde(default)]
    pub words: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    pub labels: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub configured: BTreeMap<String, String>,
    #[serde(default)]
    pub say: Phrases,
    #[serde(default)]
    pub supervisor: Phrases,
}

pub type Phrases = BTreeMap<String, Spanned<Vec<Spanned<RawPhrase>>>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawSettings {
    pub gap_s: Option<u64>,
    pub budget: Option<u32>,
    pub show_s: Option<u64>,
    pub wait_s: Option<u64>,
    pub group_rest_s: Option<u64>,
    pub relief_level: Option<u8>,
    pub moment_gap_s: Option<u64>,
    pub opens_complaint: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAlert {
    pub kinds: Vec<AlertKind>,
    pub practices: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPractice {
    pub id: String,
    pub title: Option<String>,
    pub off: Option<bool>,
    pub rank: Option<Rank>,
    pub show: Option<Show>,
    pub timing: Option<Timing>,
    pub group: Option<String>,
    pub when: Option<Vec<Condition>>,
    pub unless: Option<Vec<Condition>>,
    pub suggest: Option<Vec<Condition>>,
    pub done_by: Option<Vec<CueKind>>,
    pub lived_by: Option<Vec<CueKind>>,
    pub per_call: Option<u32>,
    pub not_within_s: Option<u64>,
    pub wait_s: Option<u64>,
    pub show_s: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawPhrase {
    Plain(String),
    When {
        say: String,
        #[serde(default)]
        after: Vec<CueKind>,
        #[serde(default)]
        missing: Vec<String>,
    },
}

/// Reads one file.
pub fn read(name: &str, text: &str) -> Result<File, PlaybookError> {
    let raw: Raw = toml::from_str(text).map_err(|error| PlaybookError {
        file: name.to_owned(),
        line: line(text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
        remedy: "see docs/playbook.md for the fields and their values".to_owned(),
    })?;
    let file = File { name: name.to_owned(), text: text.to_owned(), raw };
    let version = *file.raw.version.get_ref();
    if version == VERSION {
        return Ok(file);
    }
    let at = file.raw.version.span().start;
    Err(file.error(
        at,
        format!("version {version} is not read by this program"),
        format!("write `version = {VERSION}`"),
    ))
}

impl Rulebook {
    /// Lays the files for a queue on top of each other and checks the result.
    pub(super) fn layered(files: &[File], queue: Option<&String>, errors: &mut Vec<PlaybookError>) -> Self {
        let mut rules = Self::default();
        let mine = |file: &&File| file.raw.queues.is_empty() || queue.is_some_and(|q| file.raw.queues.contains(q));
        let mut places = BTreeMap::new();
        for file in files.iter().filter(mine) {
            rules.take_settings(&file.raw.settings);
            for entry in &file.raw.practice {
                let at = entry.span().start;
                check::practice(file, at, entry.get_ref(), errors);
                places.insert(entry.get_ref().id.clone(), (file, at));
                rules.take_practice(entry.get_ref());
            }
            rules.gestures.extend(file.raw.gesture.iter().cloned());
            for alert in &file.raw.alert {
                for kind in &alert.get_ref().kinds {
                    rules.alerts.insert(*kind, alert.get_ref().practices.clone());
                }
            }
        }
        let mut lists: BTreeMap<Lang, BTreeMap<String, Vec<Pattern>>> = BTreeMap::new();
        for file in files.iter().filter(mine) {
            rules.take_words(file, &mut lists, |id| places.contains_key(id), errors);
        }
        rules.words = lists.into_iter().map(|(lang, lists)| (lang, WordLists::new(lists))).collect();
        let conditions = rules.practices.iter().flat_map(|practice| practice.when.iter().chain(&practice.unless));
        rules.remembered = conditions.flat_map(|condition| condition.heard_words.iter().cloned()).collect();
        rules.index();
        check::rulebook(&rules, files, &places, errors);
        rules
    }

    fn take_settings(&mut self, raw: &RawSettings) {
        let settings = &mut self.settings;
        let set = |to: &mut u64, seconds: Option<u64>| *to = seconds.map_or(*to, |s| s.saturating_mul(1000));
        set(&mut settings.gap_ms, raw.gap_s);
        set(&mut settings.show_ms, raw.show_s);
        set(&mut settings.wait_ms, raw.wait_s);
        set(&mut settings.group_rest_ms, raw.group_rest_s);
        set(&mut settings.moment_gap_ms, raw.moment_gap_s);
        settings.budget = raw.budget.unwrap_or(settings.budget);
        settings.relief_level = raw.relief_level.unwrap_or(settings.relief_level);
        if let Some(lists) = &raw.opens_complaint {
            settings.opens_complaint = lists.iter().map(|name| name.get_ref().clone()).collect();
        }
    }

    fn take_practice(&mut self, raw: &RawPractice) {
        let at = self.practices.iter().position(|practice| practice.id == raw.id);
        if raw.off == Some(true) {
            if let Some(at) = at {
                self.practices.remove(at);
            }
            return;
        }
        let at = at.unwrap_or_else(|| {
            self.practices.push(Practice {
                id: raw.id.clone(),
                per_call: 3,
                not_within_ms: 60_000,
                wait_ms: self.settings.wait_ms,
                show_ms: self.settings.show_ms,
                ..Practice::default()
            });
            self.practices.len() - 1
        });
        let practice = &mut self.practices[at];
        let seconds = |s: Option<u64>, before: u64| s.map_or(before, |s| s.saturating_mul(1000));
        practice.title = raw.title.clone().unwrap_or_else(|| std::mem::take(&mut practice.title));
        practice.rank = raw.rank.unwrap_or(practice.rank);
        practice.show = raw.show.unwrap_or(practice.show);
        practice.timing = raw.timing.unwrap_or(practice.timing);
        practice.group = raw.group.clone().or(practice.group.take());
        practice.when = raw.when.clone().unwrap_or_else(|| std::mem::take(&mut practice.when));
        practice.unless = raw.unless.clone().unwrap_or_else(|| std::mem::take(&mut practice.unless));
        practice.suggest = raw.suggest.clone().unwrap_or_else(|| std::mem::take(&mut practice.suggest));
        practice.done_by = raw.done_by.clone().unwrap_or_else(|| std::mem::take(&mut practice.done_by));
        practice.lived_by = raw.lived_by.clone().unwrap_or_else(|| std::mem::take(&mut practice.lived_by));
        practice.per_call = raw.per_call.unwrap_or(practice.per_call);
        practice.not_within_ms = seconds(raw.not_within_s, practice.not_within_ms);
        practice.wait_ms = seconds(raw.wait_s, practice.wait_ms);
        practice.show_ms = seconds(raw.show_s, practice.show_ms);
    }

    /// `is_known`: whether a file of this queue names a practice, switched off or not.
    fn take_words(
        &mut self,
        file: &File,
        lists: &mut BTreeMap<Lang, BTreeMap<String, Vec<Pattern>>>,
        is_known: impl Fn(&str) -> bool,
        errors: &mut Vec<PlaybookError>,
    ) {
        let raw = &file.raw;
        let spoken = [!raw.words.is_empty(), !raw.labels.is_empty(), !raw.say.is_empty(), !raw.supervisor.is_empty()];
        let Some(lang) = raw.lang else {
            if spoken.contains(&true) || !raw.configured.is_empty() {
                errors.push(file.error(
                    0,
                    "there are words, but it is not said in which language",
                    "write `lang = \"de\"` or `lang = \"en\"` at the top",
                ));
            }
            return;
        };
        for (name, patterns) in &raw.words {
            let mut read = Vec::with_capacity(patterns.len());
            for pattern in patterns {
                match Pattern::new(pattern.get_ref()) {
                    Ok(pattern) => read.push(pattern),
                    Err(error) => {
                        let message = format!("the pattern `{}` cannot be read: {error}", pattern.get_ref());
                        let remedy = "write a regular expression, or plain words";
                        errors.push(file.error(pattern.span().start, message, remedy));
                    }
                }
            }
            if read.len() == patterns.len() {
                lists.entry(lang).or_default().insert(name.clone(), read);
            }
        }
        for (name, label) in &raw.labels {
            check::said(file, lang, label.span().start, label.get_ref(), errors);
            self.labels.insert((lang, name.clone()), label.get_ref().clone());
        }
        for (name, value) in &raw.configured {
            self.configured.insert((lang, name.clone()), value.clone());
        }
        for (own, all) in [(true, &raw.say), (false, &raw.supervisor)] {
            for (id, phrases) in all {
                let Some(practice) = self.practices.iter_mut().find(|practice| practice.id == *id) else {
                    // A practice that another file switched off keeps its words.
                    if !is_known(id) {
                        check::unknown_practice(file, phrases.span().start, id, errors);
                    }
                    continue;
                };
                let phrases =
                    phrases.get_ref().iter().filter_map(|raw| check::phrase(file, lang, raw, errors)).collect();
                let to = if own { &mut practice.say } else { &mut practice.say_supervisor };
                to.insert(lang, phrases);
            }
        }
    }
}

/// Cuts a phrasing into text and slots; the error says what is wrong.
pub fn parse(say: &str, after: &[CueKind], missing: &[String]) -> Result<Phrase, String> {
    let mut parts = Vec::new();
    let mut rest = say;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            parts.push(Part::Text(rest[..open].to_owned()));
        }
        let Some(length) = rest[open..].find('}') else {
            return Err("a slot is opened by `{` and not closed by `}`".to_owned());
        };
        let name = &rest[open + 1..open + length];
        let capital = name.starts_with(char::is_uppercase);
        parts.push(Part::Slot { name: name.to_lowercase(), capital });
        rest = &rest[open + length + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(Phrase { parts, cues: after.to_vec(), missing: missing.to_vec() })
}
