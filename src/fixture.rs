//! Recorded calls: a folder with `call.toml`, `audio.wav` and `script.jsonl`, or a bare WAV file.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::audio::wav::{self, Recording, WavError};
use crate::call::event::parse_rfc3339;
use crate::call::{CallInfo, Facts};
use crate::stt::ScriptLine;
use crate::terms::{Channel, Lang, Span};

/// Start of a recording that does not say when it was made: 2000-01-01T00:00:00.000Z.
const UNDATED_UNIX_MS: u64 = 946_684_800_000;

/// A recorded call, ready to be played.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// Folder or file it was read from.
    pub path: PathBuf,
    /// One line for people.
    pub title: String,
    pub info: CallInfo,
    pub started_at_unix_ms: u64,
    pub consent: bool,
    /// The party on each channel of the recording, in order.
    pub channels: Vec<Channel>,
    pub recording: Recording,
    /// What was said when, in order of time; empty for a bare WAV file.
    pub script: Vec<ScriptLine>,
    /// What the phone system said when, in order of time.
    pub controls: Vec<Control>,
}

/// A message of the phone system at a time of the call.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    pub at_ms: u64,
    pub kind: ControlKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ControlKind {
    Hold,
    Resume,
    Consent { given: bool },
    Facts(Facts),
}

/// Why a recording cannot be played. Each says what to mend.
#[derive(Debug, Error)]
pub enum FixtureError {
    #[error("{path}: {error} (expected a WAV file, or a folder with call.toml and audio.wav)")]
    Read { path: PathBuf, error: std::io::Error },
    #[error("{path}: {error}")]
    Wav { path: PathBuf, error: WavError },
    #[error("{path}: {message}")]
    Toml { path: PathBuf, message: String },
    #[error("{path}, line {line}: {message}")]
    Script { path: PathBuf, line: usize, message: String },
    #[error(
        "{path}: call.toml names {named} channels and audio.wav has {recorded}: list one party per channel of the recording"
    )]
    Channels { path: PathBuf, named: usize, recorded: usize },
    #[error("{path}: {recorded} channels; a recording has one (customer) or two (customer, agent)")]
    TooManyChannels { path: PathBuf, recorded: usize },
}

impl Fixture {
    /// Reads a fixture folder or a WAV file. A bare file's first channel is the customer, its second the agent.
    pub fn load(path: &Path) -> Result<Self, FixtureError> {
        if path.is_dir() { Self::load_folder(path) } else { Self::load_wav(path) }
    }

    /// Every fixture at `path`: itself, or the folders inside that hold a `call.toml`, in order of name.
    pub fn load_all(path: &Path) -> Result<Vec<Self>, FixtureError> {
        if !path.is_dir() || path.join("call.toml").exists() {
            return Ok(vec![Self::load(path)?]);
        }
        let read = |error| FixtureError::Read { path: path.to_owned(), error };
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(path).map_err(read)? {
            let folder = entry.map_err(read)?.path();
            if folder.join("call.toml").exists() {
                folders.push(folder);
            }
        }
        folders.sort();
        if folders.is_empty() {
            return Err(read(std::io::Error::new(std::io::ErrorKind::NotFound, "no recorded call in this folder")));
        }
        folders.iter().map(|folder| Self::load(folder)).collect()
    }

    fn load_wav(path: &Path) -> Result<Self, FixtureError> {
        let recording = read_wav(path)?;
        let channels = match recording.channels {
            1 => vec![Channel::Customer],
            2 => vec![Channel::Customer, Channel::Agent],
            recorded => {
                return Err(FixtureError::TooManyChannels { path: path.to_owned(), recorded });
            }
        };
        let call = path.file_stem().map_or_else(|| "call".to_owned(), |stem| stem.to_string_lossy().into_owned());
        Ok(Self {
            path: path.to_owned(),
            title: call.clone(),
            info: CallInfo { call, ..CallInfo::default() },
            started_at_unix_ms: UNDATED_UNIX_MS,
            consent: true,
            channels,
            recording,
            script: Vec::new(),
            controls: Vec::new(),
        })
    }

    fn load_folder(folder: &Path) -> Result<Self, FixtureError> {
        let path = folder.join("call.toml");
        let text = read_text(&path)?;
        let call: CallToml = toml::from_str(&text)
            .map_err(|error| FixtureError::Toml { path: path.clone(), message: error.to_string() })?;
        let wrong = |message: String| FixtureError::Toml { path: path.clone(), message };
        let time = |name: &str, text: &str| {
            parse_rfc3339(text).ok_or_else(|| wrong(format!("{name} = \"{text}\" is not an RFC 3339 time")))
        };
        let recording = read_wav(&folder.join("audio.wav"))?;
        if call.channels.len() != recording.channels {
            return Err(FixtureError::Channels {
                path: folder.to_owned(),
                named: call.channels.len(),
                recorded: recording.channels,
            });
        }
        let shift_started_unix_ms = call.shift_started.as_deref().map(|t| time("shift_started", t)).transpose()?;
        let mut controls: Vec<Control> = call.controls.into_iter().map(ControlToml::control).collect();
        controls.sort_by_key(|control| control.at_ms);
        let script_path = folder.join("script.jsonl");
        let script = if script_path.exists() { read_script(&script_path)? } else { Vec::new() };
        Ok(Self {
            path: folder.to_owned(),
            title: call.title.unwrap_or_else(|| call.call.clone()),
            started_at_unix_ms: time("started_at", &call.started_at)?,
            info: CallInfo {
                call: call.call,
                agent: call.agent,
                queue: call.queue,
                team: call.team,
                lang: call.language,
                facts: Facts {
                    customer_name: call.customer.and_then(|customer| customer.name),
                    wait_s: call.wait_s,
                    shift_started_unix_ms,
                    metadata: texts(call.metadata),
                    ..Facts::default()
                },
                ..CallInfo::default()
            },
            consent: call.consent,
            channels: call.channels,
            recording,
            script,
            controls,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallToml {
    call: String,
    title: Option<String>,
    started_at: String,
    #[serde(default)]
    language: Lang,
    channels: Vec<Channel>,
    agent: Option<String>,
    queue: Option<String>,
    team: Option<String>,
    wait_s: Option<u64>,
    shift_started: Option<String>,
    #[serde(default)]
    consent: bool,
    #[serde(default)]
    metadata: toml::Table,
    customer: Option<CustomerToml>,
    #[serde(default)]
    controls: Vec<ControlToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerToml {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum ControlToml {
    Hold { at_ms: u64 },
    Resume { at_ms: u64 },
    Consent { at_ms: u64, given: bool },
    Metadata { at_ms: u64, customer_name: Option<String>, wait_s: Option<u64>, metadata: Option<toml::Table> },
}

impl ControlToml {
    fn control(self) -> Control {
        let (at_ms, kind) = match self {
            Self::Hold { at_ms } => (at_ms, ControlKind::Hold),
            Self::Resume { at_ms } => (at_ms, ControlKind::Resume),
            Self::Consent { at_ms, given } => (at_ms, ControlKind::Consent { given }),
            Self::Metadata { at_ms, customer_name, wait_s, metadata } => {
                let metadata = texts(metadata.unwrap_or_default());
                (at_ms, ControlKind::Facts(Facts { customer_name, wait_s, metadata, ..Facts::default() }))
            }
        };
        Control { at_ms, kind }
    }
}

#[derive(Deserialize)]
struct ScriptRow {
    channel: Channel,
    start_ms: u64,
    end_ms: u64,
    text: String,
}

fn texts(table: toml::Table) -> Vec<(String, String)> {
    let text = |value: toml::Value| match value {
        toml::Value::String(text) => text,
        other => other.to_string(),
    };
    table.into_iter().map(|(name, value)| (name, text(value))).collect()
}

fn read_text(path: &Path) -> Result<String, FixtureError> {
    std::fs::read_to_string(path).map_err(|error| FixtureError::Read { path: path.to_owned(), error })
}

fn read_wav(path: &Path) -> Result<Recording, FixtureError> {
    let bytes = std::fs::read(path).map_err(|error| FixtureError::Read { path: path.to_owned(), error })?;
    wav::read(&bytes).map_err(|error| FixtureError::Wav { path: path.to_owned(), error })
}

fn read_script(path: &Path) -> Result<Vec<ScriptLine>, FixtureError> {
    let mut script = Vec::new();
    for (index, line) in read_text(path)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: ScriptRow = serde_json::from_str(line).map_err(|error| FixtureError::Script {
            path: path.to_owned(),
            line: index + 1,
            message: error.to_string(),
        })?;
        let span = Span::new(row.start_ms, row.end_ms);
        script.push(ScriptLine { channel: row.channel, span, text: row.text });
    }
    script.sort_by_key(|line| (line.span.start_ms, line.channel));
    Ok(script)
}
