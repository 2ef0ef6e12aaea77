//! Reads recordings with a Whisper model, each as one utterance: what `models/train/evaluate.py` measures with.
//!
//! `cargo run --release --example transcribe [MODEL.bin] < list`, where a line of the list is a language, a tab and
//! the path of a WAV file (one channel). It answers each with the path, a tab and the text, in the same order.
//! Without a model it takes the one in the program.

use std::io::{BufRead, Write, stdin, stdout};

use anyhow::{Context, bail};
use ruhepol::audio::{Decoder, wav};
use ruhepol::stt::{Model, Transcriber};
use ruhepol::terms::{Lang, Outcome};

/// Share of voice told to the transcriber: without it polite phantoms would not be dropped from noise.
const VOICED: f32 = 0.8;

fn main() -> anyhow::Result<()> {
    let model = match std::env::args().nth(1) {
        Some(path) => Model::load(path.as_ref())?,
        None => Model::embedded()?,
    };
    let mut transcriber = Transcriber::new(&model)?;
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let line = line?;
        let (lang, path) = line.split_once('\t').with_context(|| format!("no tab in the line {line:?}"))?;
        let lang = match lang {
            "de" => Lang::De,
            "en" => Lang::En,
            other => bail!("{other:?} in the line {line:?} is no language: de or en"),
        };
        let text = match transcriber.transcribe(&utterance(path)?, lang, VOICED) {
            Outcome::Text { text, .. } => text,
            Outcome::Nothing => String::new(),
            Outcome::Dropped { reason } => bail!("{path} was dropped: {reason:?}"),
        };
        writeln!(out, "{path}\t{text}")?;
    }
    Ok(())
}

fn utterance(path: &str) -> anyhow::Result<Vec<f32>> {
    let bytes = std::fs::read(path).with_context(|| format!("{path} cannot be read"))?;
    let recording = wav::read(&bytes).with_context(|| path.to_owned())?;
    if recording.channels != 1 {
        bail!("{path} has {} channels: one is wanted", recording.channels);
    }
    let mut decoder = Decoder::new(recording.encoding, recording.sample_rate, 1)?;
    let mut channels = [Vec::new()];
    decoder.push(&recording.data, &mut channels);
    decoder.finish(&mut channels);
    let [samples] = channels;
    Ok(samples)
}
