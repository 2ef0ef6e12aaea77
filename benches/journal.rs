//! What the journal costs: from an event handed in to its readers being told, and how many a second it takes.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use ruhepol::call::event::{Event, EventKind, Log, rfc3339};
use ruhepol::journal::{Journal, Opened, Settings, Sync};
use ruhepol::metrics::JournalMetrics;
use ruhepol::terms::{Channel, Lang};

const NOW: u64 = 1_772_442_840_000;

fn journal(dir: &std::path::Path, sync: Sync) -> Journal {
    let settings = Settings {
        sync,
        wait: Duration::from_secs(60),
        backlog_events: 1_000_000,
        words_ms: u64::MAX / 2,
        calls_ms: u64::MAX / 2,
        recover_ms: 0,
        recover_events: 1,
    };
    Opened::open(dir, settings, NOW).unwrap().start(JournalMetrics::default(), |_| {}).unwrap()
}

fn event(call: usize, seq: u64) -> Event {
    let kind = if seq == 1 {
        let agent = Some("a7".to_owned());
        EventKind::CallStarted { agent, queue: None, team: None, language: Lang::De, rules: String::new() }
    } else {
        let text = Some("Ich warte seit drei Wochen auf mein Paket, und niemand sagt mir etwas.".to_owned());
        EventKind::Utterance { channel: Channel::Customer, start_ms: 0, end_ms: 2_000, text, confidence: Some(0.9) }
    };
    Event { call: format!("c{call}"), log: Log::Call, seq, at: rfc3339(NOW), t_ms: seq * 100, kind, durable: None }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for (name, sync) in [("full", Sync::Full), ("normal", Sync::Normal)] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let journal = std::sync::Arc::new(journal(dir.path(), sync));
        // One call speaks at a time: the delay that a reader sees.
        let mut delays: Vec<Duration> = (1..=500)
            .map(|seq| {
                let started = Instant::now();
                runtime.block_on(journal.told(journal.submit(vec![event(0, seq)])));
                started.elapsed()
            })
            .collect();
        delays.sort();
        // Two hundred calls speak at once, each waiting for its own event.
        let started = Instant::now();
        let calls: Vec<_> = (1..=200)
            .map(|call| {
                let journal = std::sync::Arc::clone(&journal);
                runtime.spawn(async move {
                    for seq in 1..=100 {
                        journal.told(journal.submit(vec![event(call, seq)])).await;
                    }
                })
            })
            .collect();
        runtime.block_on(async {
            for call in calls {
                call.await.unwrap();
            }
        });
        let rate = 20_000.0 / started.elapsed().as_secs_f64();
        println!(
            "sync {name}: one event told after {:.2} ms (median), {:.2} ms (99 of 100); 200 calls at once: {rate:.0} events/s",
            delays[250].as_secs_f64() * 1e3,
            delays[495].as_secs_f64() * 1e3,
        );
        journal.close(Duration::from_secs(5));
    }
}
