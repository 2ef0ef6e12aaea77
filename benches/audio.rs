//! What one second of one channel costs: decoding and resampling, voice activity, endpointing.
//!
//! `cargo bench --bench audio`. A time of 2 ms per iteration means 500 channels on one core. Silero runs
//! only when `RUHEPOL_SILERO` names its file.

use std::{f32::consts::TAU, hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ruhepol::{
    audio::{Decoder, Encoding},
    call::{
        endpointing::{Endpointer, EndpointingSettings},
        voice::{Detector, front::Front, silero::SileroWeights},
    },
};

/// Bytes of a 20 ms packet at 8 kHz and one byte per sample.
const PACKET_BYTES: usize = 160;

/// Ten seconds of a buzz in syllables and pauses: half of it is speech to a detector.
fn mulaw() -> Vec<u8> {
    let sample = |n: usize| {
        let time = n as f32 / 8000.0;
        let pitch = 120.0 + 25.0 * (TAU * 0.7 * time).sin();
        let syllable = (0.5 - 0.5 * (TAU * 4.0 * time).cos()) * f32::from(u8::from(time % 2.0 < 1.0));
        let buzz: f32 = (1..20).map(|k| (TAU * pitch * k as f32 * time).sin() / k as f32).sum();
        audio_codec_algorithms::encode_ulaw((buzz * syllable * 8000.0) as i16)
    };
    (0..80_000).map(sample).collect()
}

fn samples() -> Vec<f32> {
    let mut out = [Vec::new()];
    if let Ok(mut decoder) = Decoder::new(Encoding::Mulaw, 8000, 1) {
        decoder.push(&mulaw(), &mut out);
        decoder.finish(&mut out);
    }
    let [samples] = out;
    samples
}

/// Makes a fresh detector.
type MakeDetector = Box<dyn Fn() -> Detector>;

fn detectors() -> Vec<(&'static str, MakeDetector)> {
    let mut detectors: Vec<(&'static str, MakeDetector)> = vec![("earshot", Box::new(|| Detector::earshot(1)))];
    let file = std::env::var_os("RUHEPOL_SILERO").and_then(|path| std::fs::read(path).ok());
    match file.as_deref().map(SileroWeights::from_ggml) {
        Some(Ok(weights)) => {
            let weights = Arc::new(weights);
            detectors.push(("silero", Box::new(move || Detector::silero(Arc::clone(&weights)))));
        }
        Some(Err(error)) => eprintln!("Silero is left out: {error}"),
        None => eprintln!("Silero is left out: RUHEPOL_SILERO names no readable file"),
    }
    detectors
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode and resample, 1 s of one channel");
    group.throughput(Throughput::Elements(1));
    for (name, encoding, rate) in [
        ("mulaw 8 kHz", Encoding::Mulaw, 8_000),
        ("pcm 16 kHz", Encoding::PcmS16le, 16_000),
        ("pcm 48 kHz", Encoding::PcmS16le, 48_000),
    ] {
        let bytes = mulaw().repeat(2)[..rate as usize * encoding.bytes_per_sample()].to_vec();
        let Ok(mut decoder) = Decoder::new(encoding, rate, 1) else { continue };
        let mut out = [Vec::new()];
        group.bench_function(name, |b| {
            b.iter(|| {
                for packet in bytes.chunks(PACKET_BYTES) {
                    decoder.push(black_box(packet), &mut out);
                }
                black_box(&out[0]);
                out[0].clear();
            });
        });
    }
    group.finish();
}

fn voice(c: &mut Criterion) {
    let samples = samples();
    let mut group = c.benchmark_group("voice activity, 10 s of one channel");
    for (name, detector) in detectors() {
        let mut detector = detector();
        let frame = detector.frame_samples();
        group.bench_function(name, |b| {
            b.iter(|| samples.chunks_exact(frame).map(|frame| detector.push(black_box(frame))).sum::<f32>());
        });
    }
    let mut front = Front::default();
    group.bench_function("front", |b| {
        b.iter(|| samples.chunks_exact(256).filter(|frame| front.push(black_box(frame)).music).count());
    });
    group.finish();
}

fn endpointing(c: &mut Criterion) {
    let samples = samples();
    let mut group = c.benchmark_group("endpointing with voice activity, 10 s of one channel");
    for (name, detector) in detectors() {
        let mut endpointer = Endpointer::new(&EndpointingSettings::default(), detector());
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut out = Vec::new();
                for packet in samples.chunks(320) {
                    endpointer.push(black_box(packet), &mut out);
                }
                out
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, voice, endpointing);
criterion_main!(benches);
