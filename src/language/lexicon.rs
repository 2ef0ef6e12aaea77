//! The cue files: what linguists write in TOML, read, compiled and tested against its own examples.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::cues::{Engine, Entry, Group, Target};
use super::matcher::Builder;
use super::normalize::Spelling;
use super::pattern::{self, Classes, Node};
use super::severity;
use crate::terms::{CueKind, Lang};

/// What is wrong with a cue file, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DataError {
    pub file: String,
    /// From 1.
    pub line: usize,
    pub message: String,
    pub remedy: String,
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}: {}", self.file, self.line, self.message, self.remedy)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    lang: Lang,
    #[serde(default)]
    words: Words,
    #[serde(default)]
    clauses: Clauses,
    /// Common form to its other spellings.
    #[serde(default)]
    spelling: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    class: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    guard: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    reported: Reported,
    #[serde(default)]
    cue: Vec<CueEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    #[serde(default)]
    fillers: Vec<String>,
    #[serde(default)]
    particles: Vec<String>,
    #[serde(default)]
    negators: Vec<String>,
    /// Written in capitals by everybody.
    #[serde(default)]
    abbreviations: Vec<String>,
}

/// Where clauses begin in a text without punctuation.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clauses {
    #[serde(default)]
    openers: Vec<String>,
    #[serde(default)]
    subjects: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    not_after: Vec<String>,
}

/// Frames of reported speech.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reported {
    /// What follows in the sentence is somebody else's words.
    #[serde(default)]
    follows: Vec<Spanned<String>>,
    /// The words of the frame itself are somebody else's words.
    #[serde(default)]
    within: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CueEntry {
    id: Spanned<String>,
    kind: Spanned<String>,
    severity: Option<Spanned<u8>>,
    weight: Option<f32>,
    patterns: Vec<Spanned<String>>,
    #[serde(default)]
    unless: Vec<Spanned<String>>,
    #[serde(default)]
    needs: Vec<Spanned<String>>,
    negation: Option<Condition>,
    reported: Option<Condition>,
    #[serde(rename = "match")]
    matches: Vec<Spanned<String>>,
    #[serde(default)]
    no_match: Vec<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Condition {
    /// The cue does not count there.
    Blocks,
    /// It counts all the same.
    Free,
}

/// Compiles the files of one language; `files` are names and contents. All errors are collected; with any, nothing is
/// returned, so that a broken file leaves what was in force before.
pub fn compile(lang: Lang, files: &[(&str, &str)]) -> Result<Engine, Vec<DataError>> {
    let mut loader = Loader::default();
    let parsed = loader.parse(lang, files);
    loader.spell(&parsed);
    loader.classes(&parsed);
    loader.guards(&parsed);
    loader.frames(&parsed);
    loader.cues(&parsed);
    if !loader.errors.is_empty() {
        return Err(loader.errors);
    }
    let engine = Engine {
        lang,
        spelling: loader.spelling,
        matcher: loader.builder.finish(),
        targets: loader.targets,
        entries: loader.entries,
        named_guards: loader.guards.len() as u32,
    };
    let errors = run_examples(&engine, &parsed);
    if errors.is_empty() { Ok(engine) } else { Err(errors) }
}

/// What one entry can teach the text model.
#[derive(Debug, Clone, PartialEq)]
pub struct Teaching {
    pub kind: CueKind,
    /// Severity of what it finds, 0 to 3.
    pub severity: u8,
    pub patterns: Vec<Node>,
    /// Texts the entry must match.
    pub matches: Vec<String>,
    /// Texts no entry of the kind may match.
    pub no_match: Vec<String>,
}

/// The entries of one language as [`Teaching`]s, in the order of the files.
pub fn teachings(lang: Lang, files: &[(&str, &str)]) -> Result<Vec<Teaching>, Vec<DataError>> {
    let mut loader = Loader::default();
    let parsed = loader.parse(lang, files);
    loader.spell(&parsed);
    loader.classes(&parsed);
    if !loader.errors.is_empty() {
        return Err(loader.errors);
    }
    let texts = |lines: &[Spanned<String>]| lines.iter().map(|line| line.get_ref().clone()).collect();
    let teaching = |cue: &CueEntry| {
        let kind = CueKind::from_name(cue.kind.get_ref())?;
        Some(Teaching {
            kind,
            severity: cue.severity.as_ref().map_or(severity::defaults(kind).severity, |severity| *severity.get_ref()),
            patterns: loader.nodes(&cue.patterns).ok()?,
            matches: texts(&cue.matches),
            no_match: texts(&cue.no_match),
        })
    };
    Ok(parsed.iter().flat_map(|source| &source.file.cue).filter_map(teaching).collect())
}

/// A file that could be read, with what is needed to name its lines.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
    file: File,
}

impl Source<'_> {
    fn error<T>(&self, at: &Spanned<T>, message: String, remedy: &str) -> DataError {
        let line = line_of(self.text, at.span().start);
        DataError { file: self.name.to_owned(), line, message, remedy: remedy.to_owned() }
    }
}

fn line_of(text: &str, byte: usize) -> usize {
    1 + text.as_bytes().iter().take(byte).filter(|&&byte| byte == b'\n').count()
}

#[derive(Default)]
struct Loader {
    errors: Vec<DataError>,
    spelling: Spelling,
    classes: Classes,
    builder: Builder,
    guards: BTreeMap<String, u32>,
    guards_made: u32,
    targets: Vec<Target>,
    entries: Vec<Entry>,
}

impl Loader {
    fn parse<'a>(&mut self, lang: Lang, files: &[(&'a str, &'a str)]) -> Vec<Source<'a>> {
        let mut sources = Vec::new();
        for &(name, text) in files {
            match toml::from_str::<File>(text) {
                Ok(file) if file.lang == lang => sources.push(Source { name, text, file }),
                Ok(_) => {}
                Err(error) => self.errors.push(DataError {
                    file: name.to_owned(),
                    line: line_of(text, error.span().map_or(0, |span| span.start)),
                    message: error.message().to_owned(),
                    remedy: "see docs/cues.md for the keys of a cue file".to_owned(),
                }),
            }
        }
        sources
    }

    fn spell(&mut self, sources: &[Source]) {
        for Source { file, .. } in sources {
            for (common, variants) in &file.spelling {
                variants.iter().for_each(|variant| self.spelling.add_variant(variant, common));
            }
            file.words.fillers.iter().for_each(|word| self.spelling.add_filler(word));
            file.words.particles.iter().for_each(|word| self.spelling.add_particle(word));
            file.words.negators.iter().for_each(|word| self.spelling.add_negator(word));
            file.words.abbreviations.iter().for_each(|word| self.spelling.add_abbreviation(word));
            file.clauses.subjects.iter().for_each(|word| self.spelling.add_clause_subject(word));
            file.clauses.verbs.iter().for_each(|word| self.spelling.add_clause_verb(word));
            file.clauses.not_after.iter().for_each(|word| self.spelling.add_clause_binder(word));
        }
        // Openers are written in any spelling, so that all spellings have to be known before.
        for Source { file, .. } in sources {
            file.clauses.openers.iter().for_each(|words| self.spelling.add_clause_opener(words));
        }
    }

    /// Classes may name each other in any order; what cannot be resolved in as many rounds as there are classes is wrong.
    fn classes(&mut self, sources: &[Source]) {
        let mut open: Vec<(&Source, &String, &Vec<Spanned<String>>)> = sources
            .iter()
            .flat_map(|source| source.file.class.iter().map(move |(name, lines)| (source, name, lines)))
            .collect();
        loop {
            let before = open.len();
            let mut rest = Vec::new();
            for (source, name, lines) in open {
                match self.nodes(lines) {
                    Ok(nodes) => {
                        let node = match self.classes.remove(name) {
                            Some(earlier) => pattern::merge([vec![earlier], nodes].concat()),
                            None => pattern::merge(nodes),
                        };
                        self.classes.insert(name.clone(), node);
                    }
                    Err(_) => rest.push((source, name, lines)),
                }
            }
            open = rest;
            if open.is_empty() || open.len() == before {
                break;
            }
        }
        for (source, name, lines) in open {
            if let Err((line, message)) = self.nodes(lines) {
                let remedy = "correct the line, or define the class it names";
                self.errors.push(source.error(line, format!("class {name}: {message}"), remedy));
            }
        }
    }

    fn nodes<'a>(&self, lines: &'a [Spanned<String>]) -> Result<Vec<Node>, (&'a Spanned<String>, String)> {
        lines
            .iter()
            .map(|line| {
                pattern::parse(line.get_ref(), &self.spelling, &self.classes).map_err(|message| (line, message))
            })
            .collect()
    }

    fn guards(&mut self, sources: &[Source]) {
        for source in sources {
            for (name, lines) in &source.file.guard {
                let guard = *self.guards.entry(name.clone()).or_insert_with(|| {
                    self.guards_made += 1;
                    self.guards_made - 1
                });
                lines.iter().for_each(|line| self.add(source, line, Target::Guard(guard)));
            }
        }
    }

    fn frames(&mut self, sources: &[Source]) {
        for source in sources {
            source.file.reported.follows.iter().for_each(|line| self.add(source, line, Target::ReportFollows));
            source.file.reported.within.iter().for_each(|line| self.add(source, line, Target::ReportWithin));
        }
    }

    fn add(&mut self, source: &Source, line: &Spanned<String>, target: Target) {
        let added = pattern::parse(line.get_ref(), &self.spelling, &self.classes)
            .and_then(|node| self.builder.add(&node, &self.spelling, self.group(target) as u32));
        match added {
            Ok(_) => self.targets.push(target),
            Err(message) => {
                let message = format!("pattern \"{}\": {message}", line.get_ref());
                self.errors.push(source.error(line, message, "see docs/cues.md for how patterns are written"));
            }
        }
    }

    /// Guards with a name are all numbered before any other.
    fn group(&self, target: Target) -> Group {
        match target {
            Target::Cue(entry) if self.entries[entry as usize].kind.is_agents() => Group::Agent,
            Target::Cue(_) => Group::Customer,
            Target::Guard(guard) if (guard as usize) < self.guards.len() => Group::NamedGuard,
            Target::Guard(_) => Group::Guard,
            Target::ReportFollows | Target::ReportWithin => Group::Report,
        }
    }

    fn cues(&mut self, sources: &[Source]) {
        let mut ids: BTreeMap<&str, ()> = BTreeMap::new();
        for source in sources {
            for cue in &source.file.cue {
                if ids.insert(cue.id.get_ref(), ()).is_some() {
                    let message = format!("the id {} is used twice", cue.id.get_ref());
                    self.errors.push(source.error(&cue.id, message, "give each entry an id of its own"));
                }
                self.cue(source, cue);
            }
        }
    }

    fn cue(&mut self, source: &Source, cue: &CueEntry) {
        let Some(kind) = CueKind::from_name(cue.kind.get_ref()) else {
            let message = format!("there is no cue kind {}", cue.kind.get_ref());
            let names: Vec<&str> = CueKind::ALL.iter().map(|kind| kind.as_str()).collect();
            self.errors.push(source.error(&cue.kind, message, &format!("use one of {}", names.join(", "))));
            return;
        };
        if let Some(severity) = cue.severity.as_ref().filter(|severity| *severity.get_ref() > 3 || kind.is_agents()) {
            let message = format!("severity {} for {}", severity.get_ref(), kind.as_str());
            self.errors.push(source.error(severity, message, "customer cues have 0 to 3, agent cues none"));
        }
        if cue.matches.is_empty() || cue.patterns.is_empty() {
            let message = format!("entry {} has no pattern or no example", cue.id.get_ref());
            self.errors.push(source.error(&cue.id, message, "add at least one to `patterns` and to `match`"));
        }
        let number = self.entries.len() as u32;
        let unless = self.conditions(source, &cue.unless);
        let needs = self.conditions(source, &cue.needs);
        let default = severity::defaults(kind);
        self.entries.push(Entry {
            id: cue.id.get_ref().clone(),
            kind,
            severity: cue.severity.as_ref().map_or(default.severity, |severity| *severity.get_ref()),
            weight: cue.weight.unwrap_or(default.weight),
            negation_blocks: cue.negation.map_or(default.negation_blocks, |negation| negation == Condition::Blocks),
            reported_blocks: cue.reported.map_or(default.reported_blocks, |reported| reported == Condition::Blocks),
            unless,
            needs,
        });
        cue.patterns.iter().for_each(|line| self.add(source, line, Target::Cue(number)));
    }

    /// `@name` is a named guard; anything else a pattern that becomes a guard of its own.
    fn conditions(&mut self, source: &Source, lines: &[Spanned<String>]) -> Vec<u32> {
        let mut guards = Vec::new();
        for line in lines {
            match line.get_ref().strip_prefix('@') {
                Some(name) => match self.guards.get(name) {
                    Some(&guard) => guards.push(guard),
                    None => {
                        let message = format!("there is no guard {name}");
                        self.errors.push(source.error(line, message, "define it under [guard], or correct the name"));
                    }
                },
                None => {
                    let guard = self.guards_made;
                    self.guards_made += 1;
                    self.add(source, line, Target::Guard(guard));
                    guards.push(guard);
                }
            }
        }
        guards
    }
}

/// Every example of every entry: `match` must be found by the entry, `no_match` by none of its kind.
fn run_examples(engine: &Engine, sources: &[Source]) -> Vec<DataError> {
    let mut errors = Vec::new();
    for source in sources {
        for cue in &source.file.cue {
            let id = cue.id.get_ref();
            for line in &cue.matches {
                if !engine.entries_in(line.get_ref()).iter().any(|entry| entry.id == *id) {
                    let message = format!("{id} does not match \"{}\"", line.get_ref());
                    errors.push(source.error(
                        line,
                        message,
                        "add a pattern that does, or move the example to another entry",
                    ));
                }
            }
            for line in &cue.no_match {
                let found = engine.entries_in(line.get_ref());
                if let Some(entry) = found.iter().find(|entry| entry.kind.as_str() == cue.kind.get_ref()) {
                    let message = format!("{} matches \"{}\", which {id} says it must not", entry.id, line.get_ref());
                    errors.push(source.error(line, message, "narrow the pattern, or name the case under `unless`"));
                }
            }
        }
    }
    errors
}
