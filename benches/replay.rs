//! One recorded hour of call through the whole core, without transcription.

use criterion::{Criterion, criterion_group, criterion_main};
use ruhepol::config::Config;
use ruhepol::fixture::Fixture;
use ruhepol::replay::{Listener, replay};
use ruhepol::setup;
use ruhepol::stt::{Recorded, ScriptLine};
use ruhepol::terms::Span;

const HOUR_MS: u64 = 3_600_000;

/// The shipped calls, one after the other and again, as one call of an hour.
fn an_hour() -> Fixture {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let calls = Fixture::load_all(&root).expect("the shipped calls");
    let mut hour = calls[0].clone();
    let same_audio: Vec<&Fixture> = calls
        .iter()
        .filter(|call| call.recording.encoding == hour.recording.encoding && call.channels == hour.channels)
        .collect();
    hour.recording.data.clear();
    hour.script.clear();
    hour.controls.clear();
    for call in same_audio.into_iter().cycle() {
        let begin_ms = hour.recording.duration_ms();
        if begin_ms >= HOUR_MS {
            break;
        }
        hour.recording.data.extend_from_slice(&call.recording.data);
        hour.script.extend(call.script.iter().map(|line| ScriptLine {
            span: Span::new(line.span.start_ms + begin_ms, line.span.end_ms + begin_ms),
            ..line.clone()
        }));
    }
    hour
}

fn replay_an_hour(criterion: &mut Criterion) {
    let config = Config::default();
    let rules = setup::rules(&config).expect("shipped rules");
    let settings = setup::call_settings(&config).expect("default settings");
    let hour = an_hour();
    let mut group = criterion.benchmark_group("replay");
    group.sample_size(10);
    group.bench_function("one hour, two channels, recorded", |bencher| {
        bencher.iter(|| {
            let mut listener = Listener::Recorded(Recorded::new(hour.script.clone()));
            let mut events = 0;
            replay(&hour, rules.clone(), settings.clone(), &mut listener, |_| events += 1).expect("a good recording");
            events
        });
    });
    group.finish();
}

criterion_group!(benches, replay_an_hour);
criterion_main!(benches);
