//! From configuration to the values the rooms below take: cues, playbook, detector, model.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::call::conversation::Rules;
use crate::call::endpointing::EndpointingSettings;
use crate::call::voice::silero::{SileroError, SileroWeights};
use crate::call::{CallSettings, DetectorKind};
use crate::coach::playbook::{self, Playbook, PlaybookError, banned};
use crate::config::{Config, Engine, Isolation, OnnxModel};
use crate::language::onnx::{Onnx, OnnxError};
use crate::language::{self, DataError, Language, ModelScores};
use crate::stt::process::Program;
use crate::stt::{Model, ModelError, QueueSettings, SpeechQueue, SpeechWorkers, inspect_file};
use crate::terms::Lang;

/// Why the program cannot start as configured. Each says which file, and what to do.
#[derive(Debug, Error)]
pub enum SetupError {
    #[error("cannot read {path}: {error}; check the path in the configuration")]
    Read { path: PathBuf, error: std::io::Error },
    #[error("{}", lines(.0))]
    Cues(Vec<DataError>),
    #[error("{}", lines(.0))]
    Playbook(Vec<PlaybookError>),
    #[error("{path}: {error}")]
    Silero { path: PathBuf, error: SileroError },
    #[error("[language.onnx.{}], {path}: {error}", .lang.as_str())]
    Onnx { lang: Lang, path: PathBuf, error: OnnxError },
    #[error(
        "[language.onnx.{}], {path}: an utterance takes {took_ms} ms; take a smaller model, fewer `tokens`, or allow it \
         with `most_ms`",
        .lang.as_str()
    )]
    OnnxSlow { lang: Lang, path: PathBuf, took_ms: u64 },
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("cannot start the threads that transcribe: {0}; check the limit of processes (`ulimit -u`)")]
    Threads(std::io::Error),
    #[error("cannot start the processes that transcribe: {0}; `speech.isolation = \"thread\"` does without them")]
    Processes(std::io::Error),
}

fn lines(errors: &[impl std::fmt::Display]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Loads and checks cues and playbook.
///
/// # Errors
/// Every mistake in a data file, with file, line and remedy.
pub fn rules(config: &Config) -> Result<Arc<Rules>, SetupError> {
    let own = config.data.language_dir.as_deref().map(toml_files).transpose()?.unwrap_or_default();
    let language = Language::from_files(&layered(language::FILES, &own)).map_err(SetupError::Cues)?;
    let language = config.language.onnx.iter().try_fold(language, |language, (lang, model)| {
        let (own, bytes) = onnx(*lang, model)?;
        let refused = |error| SetupError::Onnx { lang: *lang, path: model.model.clone(), error };
        language.with_own(*lang, own, &bytes).map_err(refused)
    })?;
    let mut own = config.data.playbook_dir.as_deref().map(toml_files).transpose()?.unwrap_or_default();
    // What no line may say is built in: who copied the shipped folder to change a practice copied this file, too.
    own.retain(|(name, _)| name != banned::FILE_NAME);
    let playbook = Playbook::load(&layered(playbook::EMBEDDED, &own)).map_err(SetupError::Playbook)?;
    Ok(Arc::new(Rules::new(language, playbook)))
}

/// A text classifier of the user's own, tried out, and its bytes.
fn onnx(lang: Lang, config: &OnnxModel) -> Result<(Onnx, Vec<u8>), SetupError> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| SetupError::Read { path: path.to_owned(), error });
    let path = config.model.clone();
    let (bytes, vocabulary) = (read(&config.model)?, read(&config.vocabulary)?);
    let own = Onnx::new(&bytes, &String::from_utf8_lossy(&vocabulary), config.settings())
        .map_err(|error| SetupError::Onnx { lang, path: path.clone(), error })?;
    // The best of three: what else the machine does now is no fault of the model's.
    let once = || {
        let started = Instant::now();
        own.mix(ModelScores::default(), "ja");
        started.elapsed()
    };
    let took = once().min(once()).min(once());
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if took_ms > config.most_ms {
        return Err(SetupError::OnnxSlow { lang, path, took_ms });
    }
    Ok((own, bytes))
}

/// Settings of a call whose queue has no preset of its own.
///
/// # Errors
/// When the Silero file cannot be read or is none.
pub fn call_settings(config: &Config) -> Result<CallSettings, SetupError> {
    let detector = match &config.speech.silero {
        None => DetectorKind::Earshot,
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|error| SetupError::Read { path: path.clone(), error })?;
            let weights =
                SileroWeights::from_ggml(&bytes).map_err(|error| SetupError::Silero { path: path.clone(), error })?;
            DetectorKind::Silero(Arc::new(weights))
        }
    };
    Ok(CallSettings {
        agent_channel: config.agent.channel,
        redact_names: config.privacy.redact_names,
        detector,
        endpointing: EndpointingSettings {
            hangover_ms: config.speech.hangover_ms,
            max_segment_ms: config.speech.max_segment_ms,
            ..EndpointingSettings::default()
        },
        escalation: config.alerts.settings(None),
        acoustic: config.acoustic.settings(None),
        // For a server's calls only: nobody is there to take the alerts of a replay.
        unacknowledged_ms: None,
    })
}

/// The configured Whisper model, or the one shipped with the program.
///
/// # Errors
/// When the file is missing, truncated or no Whisper model.
pub fn model(config: &Config) -> Result<Model, SetupError> {
    Ok(match &config.speech.model {
        Some(path) => Model::load(path)?,
        None => Model::embedded()?,
    })
}

/// The speech queue and its workers, if the configuration wants any.
pub struct Speech {
    running: Option<(SpeechQueue, SpeechWorkers)>,
}

impl Speech {
    /// Starts the workers, one per core unless configured otherwise, and loads the model in their processes or here.
    ///
    /// # Errors
    /// When the model is missing or is none, or no threads can be started.
    pub fn start(config: &Config) -> Result<Self, SetupError> {
        if config.speech.engine == Engine::None {
            return Ok(Self { running: None });
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = if config.speech.workers == 0 { cores } else { config.speech.workers };
        let settings =
            QueueSettings { capacity: config.speech.queue, deadline: Duration::from_secs(config.speech.deadline_s) };
        let queue = SpeechQueue::new(settings);
        let workers = match config.speech.isolation {
            Isolation::Thread => SpeechWorkers::start(&queue, &model(config)?, workers).map_err(SetupError::Threads)?,
            Isolation::Process => {
                // What is wrong with the file is said here, better than a process could.
                let model = config.speech.model.as_deref();
                model.map(inspect_file).transpose()?;
                let program = Program::own(model, Duration::from_secs(config.speech.decode_s));
                program
                    .and_then(|program| SpeechWorkers::start_processes(&queue, program, workers))
                    .map_err(SetupError::Processes)?
            }
        };
        Ok(Self { running: Some((queue, workers)) })
    }

    pub fn queue(&self) -> Option<SpeechQueue> {
        self.running.as_ref().map(|(queue, _)| queue.clone())
    }

    /// Lets the workers finish what they have, for at most `grace`.
    pub fn finish(self, grace: Duration) {
        if let Some((_, workers)) = self.running {
            workers.finish(grace);
        }
    }
}

/// The TOML files of a directory as pairs of file name and contents, in order of name.
fn toml_files(dir: &Path) -> Result<Vec<(String, String)>, SetupError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| SetupError::Read { path, error }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed(dir))? {
        let path = entry.map_err(failed(dir))?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            let name = path.file_name().unwrap_or(path.as_os_str());
            files.push((name.to_string_lossy().into_owned(), text));
        }
    }
    files.sort();
    Ok(files)
}

/// The shipped files with the user's own: one of the same name takes its place, others come after.
fn layered<'a>(shipped: &[(&'a str, &'a str)], own: &'a [(String, String)]) -> Vec<(&'a str, &'a str)> {
    let own = || own.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let in_force = shipped.iter().map(|&(name, text)| own().find(|(own, _)| *own == name).unwrap_or((name, text)));
    in_force.chain(own().filter(|(name, _)| shipped.iter().all(|(taken, _)| taken != name))).collect()
}
