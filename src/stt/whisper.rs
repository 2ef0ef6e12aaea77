//! whisper-rs, and the only file that names it.
//!
//! Every utterance stands alone: no text of an earlier one is carried over, the encoder sees only as much
//! context as the utterance is long, and one thread does the work.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperError, WhisperState};

use super::ggml::{ModelFault, ModelHeader, inspect};
use super::phantom::without_phantoms;
use super::repeats::loop_prefix;
use crate::terms::{DropReason, Lang, Outcome, SAMPLE_RATE};

/// The model inside the program; `models/MODEL_CARD.md` says what it can read.
pub(super) static EMBEDDED_MODEL: &[u8] = include_bytes!("../../models/callcentre-de-synth-q5_1.bin");

/// The name the embedded model goes by in log lines and on pages.
pub const EMBEDDED_MODEL_NAME: &str = "callcentre-de-synth-q5_1";

/// A loaded Whisper model; clones share its weights.
#[derive(Clone)]
pub struct Model {
    context: Arc<WhisperContext>,
    /// Parameters per language, made once: whisper-rs leaks a string each time a language is set.
    params: Arc<[FullParams<'static, 'static>; 2]>,
    header: ModelHeader,
    name: Arc<str>,
}

/// Why there is no model to transcribe with.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(
        "there is no speech model at {}: fetch one with `ruhepol models pull base-q8_0`, \
         or leave `speech.model` out to use the built-in one",
        path.display()
    )]
    Missing { path: PathBuf },
    #[error("the speech model {} cannot be opened: {source}: check the path and its permissions", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(
        "the speech model {name} is unusable: {fault}: fetch it again with `ruhepol models pull`, \
         `ruhepol models list` shows the names"
    )]
    Unusable { name: String, fault: ModelFault },
    #[error("whisper.cpp refused the speech model {name}: {source}: there may be too little memory")]
    Engine { name: String, source: WhisperError },
}

impl Model {
    /// The model inside the program.
    ///
    /// # Errors
    /// [`ModelError::Engine`] if there is too little memory.
    pub fn embedded() -> Result<Self, ModelError> {
        let name = EMBEDDED_MODEL_NAME;
        let header = inspect(&mut Cursor::new(EMBEDDED_MODEL), EMBEDDED_MODEL.len() as u64)
            .map_err(|fault| ModelError::Unusable { name: name.into(), fault })?;
        whisper_rs::install_logging_hooks();
        let context = WhisperContext::new_from_buffer_with_params(EMBEDDED_MODEL, context_params());
        Self::new(context, header, name.into())
    }

    /// A model in whisper.cpp's ggml format. The whole file is looked through first.
    ///
    /// # Errors
    /// Every [`ModelError`]; each says what to do.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let name = path.display().to_string();
        let header = inspect_file(path)?;
        whisper_rs::install_logging_hooks();
        let context = WhisperContext::new_with_params(path, context_params());
        Self::new(context, header, name)
    }

    /// The path it was loaded from, or [`EMBEDDED_MODEL_NAME`].
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn header(&self) -> ModelHeader {
        self.header
    }

    /// Whether it was trained on this language: English-only models know nothing else.
    pub fn knows(&self, lang: Lang) -> bool {
        lang == Lang::En || self.context.is_multilingual()
    }

    fn new(
        context: Result<WhisperContext, WhisperError>,
        header: ModelHeader,
        name: String,
    ) -> Result<Self, ModelError> {
        let context = context.map_err(|source| ModelError::Engine { name: name.clone(), source })?;
        let params = [Lang::De, Lang::En].map(decoding_params);
        Ok(Self { context: Arc::new(context), params: Arc::new(params), header, name: name.into() })
    }

    fn params(&self, lang: Lang) -> FullParams<'static, 'static> {
        match lang {
            Lang::De => self.params[0].clone(),
            Lang::En => self.params[1].clone(),
        }
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("name", &self.name).field("header", &self.header).finish_non_exhaustive()
    }
}

/// Looks through a model file without loading it.
///
/// # Errors
/// [`ModelError::Missing`], [`ModelError::Unreadable`] or [`ModelError::Unusable`].
pub fn inspect_file(path: &Path) -> Result<ModelHeader, ModelError> {
    let unreadable = |source| ModelError::Unreadable { path: path.into(), source };
    let file = File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ModelError::Missing { path: path.into() },
        _ => unreadable(source),
    })?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    inspect(&mut BufReader::new(file), metadata.len())
        .map_err(|fault| ModelError::Unusable { name: path.display().to_string(), fault })
}

/// One thread's own state on a shared model: a state reads one utterance at a time.
#[derive(Debug)]
pub struct Transcriber {
    model: Model,
    state: WhisperState,
}

impl Transcriber {
    /// # Errors
    /// [`ModelError::Engine`] if there is too little memory.
    pub fn new(model: &Model) -> Result<Self, ModelError> {
        let state =
            model.context.create_state().map_err(|source| ModelError::Engine { name: model.name().into(), source })?;
        Ok(Self { model: model.clone(), state })
    }

    /// Reads one utterance: mono samples at [`SAMPLE_RATE`], −1 to 1, of which a share of `voiced` (0 to 1) is
    /// voice.
    ///
    /// [`Outcome::Dropped`] with [`DropReason::Failed`] means the engine failed: throw this transcriber away.
    pub fn transcribe(&mut self, samples: &[f32], lang: Lang, voiced: f32) -> Outcome {
        if samples.is_empty() {
            return Outcome::Nothing;
        }
        let samples: Vec<f32> = padded(samples);
        match self.listen(&samples, lang) {
            Err(error) => {
                tracing::error!(%error, model = self.model.name(), "whisper.cpp failed on an utterance");
                Outcome::Dropped { reason: DropReason::Failed }
            }
            Ok(tokens) => {
                let confidence = mean_probability(&tokens);
                match without_phantoms(&text_of(&tokens), voiced, confidence) {
                    Some(text) => Outcome::Text { text, confidence },
                    None => Outcome::Nothing,
                }
            }
        }
    }

    /// Decodes with the context trimmed to the utterance; when the decoder goes round in circles, once more with
    /// all of it, and what goes round even then is cut off.
    fn listen(&mut self, samples: &[f32], lang: Lang) -> Result<Vec<Token>, WhisperError> {
        let full = self.model.header.n_audio_ctx;
        let trimmed = audio_context(samples.len(), full);
        let tokens_max = tokens_max(samples.len(), self.model.header.n_text_ctx);
        let tokens = self.decode(samples, lang, trimmed, tokens_max)?;
        if circle(&tokens, tokens_max).is_none() || trimmed == full {
            return Ok(without_circle(tokens, tokens_max));
        }
        let tokens = self.decode(samples, lang, full, tokens_max)?;
        Ok(without_circle(tokens, tokens_max))
    }

    fn decode(
        &mut self,
        samples: &[f32],
        lang: Lang,
        audio_ctx: u32,
        tokens_max: usize,
    ) -> Result<Vec<Token>, WhisperError> {
        let mut params = self.model.params(lang);
        params.set_audio_ctx(i32::try_from(audio_ctx).unwrap_or(0));
        params.set_max_tokens(i32::try_from(tokens_max).unwrap_or(0));
        self.state.full(params, samples)?;
        let end_of_text = self.model.context.token_eot();
        let mut tokens = Vec::new();
        for segment in self.state.as_iter() {
            for index in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(index) else { continue };
                if token.token_id() < end_of_text {
                    let bytes = token.to_bytes()?.to_vec();
                    tokens.push(Token { id: token.token_id(), probability: token.token_probability(), bytes });
                }
            }
        }
        Ok(tokens)
    }
}

/// One recognised piece of a word.
#[derive(Debug)]
struct Token {
    id: i32,
    probability: f32,
    /// UTF-8, perhaps cut within a character.
    bytes: Vec<u8>,
}

fn text_of(tokens: &[Token]) -> String {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.bytes.iter().copied()).collect();
    String::from_utf8_lossy(&bytes).replace(char::REPLACEMENT_CHARACTER, "")
}

fn mean_probability(tokens: &[Token]) -> f32 {
    if tokens.is_empty() {
        return 0.0;
    }
    let sum: f32 = tokens.iter().map(|token| token.probability).sum();
    (sum / tokens.len() as f32).clamp(0.0, 1.0)
}

fn circle(tokens: &[Token], tokens_max: usize) -> Option<usize> {
    let ids: Vec<i32> = tokens.iter().map(|token| token.id).collect();
    loop_prefix(&ids, tokens.len() >= tokens_max)
}

fn without_circle(mut tokens: Vec<Token>, tokens_max: usize) -> Vec<Token> {
    if let Some(kept) = circle(&tokens, tokens_max) {
        tokens.truncate(kept);
    }
    tokens
}

/// Encoder positions for an utterance: 50 a second plus a margin, in steps of 64, at least 256 and at most what
/// the model has. The encoder's cost falls with it; with less than this the decoder starts to go round.
fn audio_context(samples: usize, full: u32) -> u32 {
    let positions = u64::from(SAMPLE_RATE / 50);
    let needed = (samples as u64).div_ceil(positions) + 128;
    let rounded = needed.next_multiple_of(64).max(256);
    u32::try_from(rounded).unwrap_or(full).min(full)
}

/// Tokens an utterance may have: nobody says more than eight a second. whisper.cpp loses a text that reaches its
/// own bound, half the text context less four, so ours stays below it.
fn tokens_max(samples: usize, n_text_ctx: u32) -> usize {
    let by_length = samples * 8 / SAMPLE_RATE as usize + 16;
    by_length.min((n_text_ctx as usize / 2).saturating_sub(5)).max(1)
}

/// At least a second, the rest silence: shorter utterances make Whisper invent. Values that are no numbers
/// become silence, since one of them would spread over the whole spectrogram.
fn padded(samples: &[f32]) -> Vec<f32> {
    let mut padded: Vec<f32> =
        samples.iter().map(|sample| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }).collect();
    padded.resize(padded.len().max(SAMPLE_RATE as usize), 0.0);
    padded
}

fn context_params() -> WhisperContextParameters<'static> {
    let mut params = WhisperContextParameters::default();
    // Flash attention on the CPU pads keys without a mask: an utterance leaks into the next one of its state.
    params.flash_attn(false);
    params
}

fn decoding_params(lang: Lang) -> FullParams<'static, 'static> {
    let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    params.set_n_threads(1);
    params.set_language(Some(lang.as_str()));
    params.set_translate(false);
    params.set_no_context(true);
    params.set_single_segment(true);
    params.set_no_timestamps(true);
    params.set_temperature(0.0);
    params.set_temperature_inc(0.0);
    params.set_suppress_blank(true);
    params.set_suppress_nst(true);
    // whisper.cpp 1.8.3 reads this probability from a row of logits it has not written (row 0, while only the
    // prompt's last row is computed), and would throw text away by it: a bound that no probability exceeds.
    params.set_no_speech_thold(1.0);
    params.set_print_special(false);
    params.set_print_progress(false);
    params.set_print_realtime(false);
    params.set_print_timestamps(false);
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_grows_with_the_utterance() {
        let context = |seconds: f32| audio_context((seconds * SAMPLE_RATE as f32) as usize, 1500);
        assert_eq!(context(1.0), 256);
        assert_eq!(context(4.0), 384);
        assert_eq!(context(10.0), 640);
        assert_eq!(context(29.0), 1500);
        assert_eq!(context(400.0), 1500);
    }

    #[test]
    fn small_models_write_less() {
        assert_eq!(tokens_max(SAMPLE_RATE as usize * 2, 448), 32);
        assert_eq!(tokens_max(SAMPLE_RATE as usize * 12, 448), 112);
        assert_eq!(tokens_max(SAMPLE_RATE as usize * 12, 128), 59);
        assert_eq!(tokens_max(0, 0), 1);
    }

    #[test]
    fn silence_noise_and_nonsense_are_no_text() {
        let model = Model::embedded().unwrap();
        let mut transcriber = Transcriber::new(&model).unwrap();
        let mut noise = 1_u32;
        let mut white = |level: f32| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise as f32 / u32::MAX as f32 - 0.5) * level
        };
        let silence = vec![0.0; 32_000];
        let hiss: Vec<f32> = (0..48_000).map(|_| white(0.01)).collect();
        for (what, samples) in [("silence", &silence), ("hiss", &hiss)] {
            assert_eq!(transcriber.transcribe(samples, Lang::De, 0.0), Outcome::Nothing, "{what}");
        }
        assert_eq!(transcriber.transcribe(&[], Lang::De, 0.0), Outcome::Nothing);
        for samples in [vec![f32::NAN; 20_000], vec![f32::INFINITY; 10], vec![1e30; 20_000], vec![0.5; 1]] {
            let outcome = transcriber.transcribe(&samples, Lang::En, 1.0);
            assert!(!matches!(outcome, Outcome::Dropped { .. }), "{outcome:?}");
        }
    }

    #[test]
    fn unusable_models_name_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let check = |name: &str, bytes: Option<&[u8]>, words: &[&str]| {
            let path = dir.path().join(name);
            if let Some(bytes) = bytes {
                std::fs::write(&path, bytes).unwrap();
            }
            let error = Model::load(&path).unwrap_err().to_string();
            for word in words.iter().chain(&[name, "ruhepol models"]) {
                assert!(error.contains(word), "{name}: {error}");
            }
        };
        check("missing.bin", None, &["no speech model"]);
        check("short.bin", Some(&EMBEDDED_MODEL[..EMBEDDED_MODEL.len() / 2]), &["cut off"]);
        check("note.bin", Some(b"hello there"), &["text file"]);
        check("vad.bin", Some(b"lmgg\x0a\0\0\0silero-16k\x06\0\0\0\0\0\0\0"), &["another kind", "silero-16k"]);
        let error = Model::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("cannot be opened"), "{error}");
    }

    #[test]
    fn a_model_from_a_file_reads_like_the_embedded_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.bin");
        std::fs::write(&path, EMBEDDED_MODEL).unwrap();
        let (from_file, embedded) = (Model::load(&path).unwrap(), Model::embedded().unwrap());
        assert_eq!(from_file.header(), embedded.header());
        assert!(from_file.knows(Lang::De));
        assert!(from_file.name().ends_with("own.bin"));
    }
}
