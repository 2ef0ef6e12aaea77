//! How long the shipped model takes for spoken sentences of a fixture, on one thread: with the throughput, speech
//! per second of computing can be read off.

use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ruhepol::audio::{Decoder, wav};
use ruhepol::stt::{Model, Transcriber};
use ruhepol::terms::{Lang, SAMPLE_RATE, SAMPLES_PER_MS};
use serde_json::Value;

const CASE: &str = "fixtures/late-delivery";

/// The customer's lines of the case, each with half a second around it.
fn utterances() -> Option<Vec<Vec<f32>>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASE);
    let recording = wav::read(&std::fs::read(dir.join("audio.wav")).ok()?).ok()?;
    let script = std::fs::read_to_string(dir.join("script.jsonl")).ok()?;
    let mut decoder = Decoder::new(recording.encoding, recording.sample_rate, recording.channels).ok()?;
    let mut channels = vec![Vec::new(); recording.channels];
    decoder.push(&recording.data, &mut channels);
    decoder.finish(&mut channels);
    let customer = &channels[0];
    let lines = script.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_customer = lines.filter(|line| line["channel"] == "customer");
    let samples = of_customer.filter_map(|line| {
        let at = |key: &str, shift: i64| {
            let ms = line[key].as_i64()?.saturating_add(shift).max(0);
            Some((ms as usize * SAMPLES_PER_MS as usize).min(customer.len()))
        };
        customer.get(at("start_ms", -250)?..at("end_ms", 250)?).map(<[f32]>::to_vec)
    });
    Some(samples.collect())
}

fn transcribe(criterion: &mut Criterion) {
    let Some(utterances) = utterances().filter(|utterances| !utterances.is_empty()) else {
        eprintln!("SKIPPED: {CASE} is missing or unreadable, there is no speech to transcribe");
        return;
    };
    let (Ok(model), mut group) = (Model::embedded(), criterion.benchmark_group("transcribe")) else {
        eprintln!("SKIPPED: the embedded model does not load");
        return;
    };
    let Ok(mut transcriber) = Transcriber::new(&model) else {
        eprintln!("SKIPPED: too little memory for the model's state");
        return;
    };
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for (name, wanted_s) in [("short", 1.5), ("medium", 3.0), ("long", 5.0)] {
        let length_s = |samples: &Vec<f32>| samples.len() as f64 / f64::from(SAMPLE_RATE);
        let distance = |samples: &&Vec<f32>| (length_s(samples) - wanted_s).abs();
        let Some(samples) = utterances.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))) else { continue };
        let ms = samples.len() as u64 / SAMPLES_PER_MS;
        group.throughput(Throughput::Elements(ms));
        group.bench_function(format!("{name} ({ms} ms of speech, elements are ms)"), |bencher| {
            bencher.iter(|| transcriber.transcribe(samples, Lang::De, 0.8));
        });
    }
    group.finish();
}

criterion_group!(benches, transcribe);
criterion_main!(benches);
