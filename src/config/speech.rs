//! How speech becomes text.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, in_use, wrong};
use crate::terms::Lang;

/// How speech becomes text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speech {
    /// `whisper` (default) or `none`: audio gives times only, words come on `/v1/transcripts`.
    pub engine: Engine,
    /// Model file in whisper.cpp's format. Default none: the small model shipped with the program.
    pub model: Option<PathBuf>,
    /// Transcriptions at once. Default 0: one per core. One thread each.
    pub workers: usize,
    /// Where they run. `process` (default): each in a process of its own with a model of its own, so that a crash in
    /// the speech engine costs no call, only the utterances that were being read a second try. `thread`: in the server,
    /// all with one model.
    pub isolation: Isolation,
    /// Seconds a process may take for one utterance before it is taken for hung and killed; one that works on but that
    /// the machine lets run too little has six times as long. Default 20: many times what the models up to `base` take.
    /// Use 60 for larger ones.
    pub decode_s: u64,
    /// Segments of all calls that may wait. Default 64: at 3 s each more than three minutes of speech for one core.
    pub queue: usize,
    /// Seconds after its end that speech is still worth reading. Default 15: later, an alert helps nobody.
    pub deadline_s: u64,
    /// Language of calls that name none. Default `de`.
    pub language: Lang,
    /// Milliseconds of silence that end an utterance. Default 500: shorter cuts sentences at a breath, longer delays
    /// every alert.
    pub hangover_ms: u64,
    /// Longest utterance in milliseconds; a longer one is cut at its quietest point. Default 11000: the shipped model
    /// reads up to 12 s, and a rant must not delay its own alert.
    pub max_segment_ms: u64,
    /// Silero voice activity model in ggml format. Default none: the detector built in.
    pub silero: Option<PathBuf>,
}

impl Default for Speech {
    fn default() -> Self {
        Self {
            engine: Engine::Whisper,
            model: None,
            workers: 0,
            isolation: Isolation::Process,
            decode_s: 20,
            queue: 64,
            deadline_s: 15,
            language: Lang::De,
            hangover_ms: 500,
            max_segment_ms: 11_000,
            silero: None,
        }
    }
}

/// The engine that reads speech.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    #[default]
    Whisper,
    None,
}

/// Where speech becomes text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    #[default]
    Process,
    Thread,
}

impl Speech {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        in_use(&[
            ("speech.queue", self.queue as u64),
            ("speech.decode_s", self.decode_s),
            ("speech.deadline_s", self.deadline_s),
        ])?;
        if !(100..=5_000).contains(&self.hangover_ms) {
            let problem = format!("{} ms", self.hangover_ms);
            return wrong("speech.hangover_ms", problem, "use 100 to 5000; 500 suits telephone talk");
        }
        if !(2_000..=28_000).contains(&self.max_segment_ms) {
            let problem = format!("{} ms", self.max_segment_ms);
            return wrong("speech.max_segment_ms", problem, "use 2000 to 28000; Whisper hears 30 s at most");
        }
        Ok(())
    }
}
