//! One utterance read (normalising, cues, text model, severity), one line scored as `ruhepol score` does it, and long
//! texts.

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ruhepol::call::escalation::EscalationSettings;
use ruhepol::config::Config;
use ruhepol::language::{Language, Names};
use ruhepol::score::{ScoreLine, Scorer};
use ruhepol::setup;
use ruhepol::terms::{Channel, Lang};

/// Calm, cold, hot and long, as they come on the telephone.
const UTTERANCES: [&str; 6] = [
    "Guten Tag, ich hätte eine Frage zu meiner letzten Rechnung, da steht ein Betrag, den ich nicht zuordnen kann.",
    "Ja, genau, die Kundennummer ist vier sieben drei eins neun null.",
    "Ich rufe jetzt zum dritten Mal an und es ist wieder nichts passiert.",
    "Dann nehme ich das so zur Kenntnis und wende mich an einen Anwalt.",
    "Wissen Sie was, mir reicht es, geben Sie mir bitte Ihren Vorgesetzten.",
    "Das ist nett, vielen Dank, ich warte gern solange.",
];

fn read(criterion: &mut Criterion) {
    let Ok(language) = Language::embedded() else {
        return;
    };
    let mut group = criterion.benchmark_group("language");
    group.throughput(Throughput::Elements(UTTERANCES.len() as u64));
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            UTTERANCES.map(|text| language.read(Lang::De, Channel::Customer, text, &Names::default()).severity)
        });
    });
    // Time must grow with the length and no faster.
    for characters in [1_000, 10_000, 100_000] {
        let text: String =
            UTTERANCES.concat().chars().cycle().filter(|c| !",.".contains(*c)).take(characters).collect();
        group.throughput(Throughput::Elements(characters as u64));
        group.bench_with_input(BenchmarkId::new("read_long", characters), &text, |bencher, text| {
            bencher.iter(|| language.read(Lang::De, Channel::Customer, text, &Names::default()).severity);
        });
    }
    group.finish();
}

/// The lines of `models/lines` as JSON, each a call of its own.
fn lines() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/lines");
    let mut files: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    files.sort();
    let texts = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// JSON in, scored, JSON out: everything `ruhepol score` does with a line but the pipes.
fn score_line(criterion: &mut Criterion) {
    let Ok(rules) = setup::rules(&Config::default()) else {
        return;
    };
    let lines = lines();
    let mut scorer = Scorer::new(rules, EscalationSettings::default(), Lang::De);
    let mut output = Vec::new();
    let mut group = criterion.benchmark_group("score");
    group.sample_size(20).throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("score_line", |bencher| {
        bencher.iter(|| {
            output.clear();
            for line in &lines {
                if let Ok(line) = serde_json::from_str::<ScoreLine>(line) {
                    let (scored, _) = scorer.score(line);
                    let _ = serde_json::to_writer(&mut output, &scored);
                }
            }
            black_box(output.len())
        });
    });
    group.finish();
}

criterion_group!(benches, read, score_line);
criterion_main!(benches);
