//! One utterance read: normalising, cues, text model, severity.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ruhepol::language::{Language, Names};
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
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
