//! The whole path with the real model: socket, 8 kHz, voice activity, whisper-rs, scoring, coach, feeds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ruhepol::call::AgentChannel;
use ruhepol::call::event::{Event, EventKind, Log};
use ruhepol::client::{self, Playing, play};
use ruhepol::fixture::Fixture;
use ruhepol::language::redact::Redactor;
use ruhepol::server::auth::Role;
use ruhepol::stt::{Model, QueueSettings, SpeechQueue, SpeechWorkers};
use ruhepol::terms::{AlertState, Channel};
use ruhepol::wer::WordErrors;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::serve_with;

/// Word errors above this on the recorded calls mean that the path is broken: the model reads them with a fifth of it.
const WER_MAX_PERCENT: f64 = 10.0;

const CALLS: [&str; 4] = ["late-delivery", "insults", "calm-look-alikes", "english-angry"];

fn load(name: &str) -> Fixture {
    Fixture::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).unwrap()
}

/// Plays the calls at once, in twice real time, and collects both logs of each.
async fn play_calls(names: &[&str]) -> BTreeMap<String, (Fixture, Vec<Event>)> {
    let queue = SpeechQueue::new(QueueSettings { capacity: 64, deadline: Duration::from_secs(120) });
    let model = Model::embedded().unwrap();
    let workers = SpeechWorkers::start(&queue, &model, 2).unwrap();
    let server = serve_with(|config| config.agent.channel = AgentChannel::Full, Some(queue)).await;
    let token = server.token(Role::Supervisor, "s");
    let mut feed = client::connect(&server.url("/v1/feed/supervisor"), "/", Some(&token)).await.unwrap();

    let mut calls: BTreeMap<String, (Fixture, Vec<Event>)> = BTreeMap::new();
    let mut players = JoinSet::new();
    for name in names {
        let fixture = Arc::new(load(name));
        let playing = Playing {
            url: server.url("/v1/media"),
            token: Some(server.token(Role::Ingest, "i")),
            speed: 2.0,
            call: fixture.info.call.clone(),
            ..Playing::default()
        };
        calls.insert(playing.call.clone(), ((*fixture).clone(), Vec::new()));
        players.spawn(async move { play(&fixture, &playing, |_| {}).await });
    }
    let collect = async {
        let mut open = names.len();
        while open > 0 {
            let message = client::next_json(&mut feed).await.unwrap().expect("the feed stays open");
            let Ok(event) = serde_json::from_value::<Event>(message) else { continue };
            open -= usize::from(matches!(event.kind, EventKind::CallEnded { .. }));
            calls.get_mut(&event.call).unwrap().1.push(event);
        }
    };
    timeout(Duration::from_secs(240), collect).await.expect("every call ends");
    while let Some(played) = players.join_next().await {
        played.unwrap().unwrap();
    }
    server.stop.end();
    server.task.await.unwrap().unwrap();
    tokio::task::spawn_blocking(move || workers.finish(Duration::from_secs(5))).await.unwrap();
    calls
}

fn heard(events: &[Event], of: Channel) -> String {
    let texts: Vec<&str> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Utterance { channel, text: Some(text), .. } if *channel == of => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.join(" ")
}

fn raised(events: &[Event]) -> Vec<&EventKind> {
    events
        .iter()
        .map(|event| &event.kind)
        .filter(|kind| matches!(kind, EventKind::Alert { state: AlertState::Raised, .. }))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_calls_become_words_alerts_and_suggestions() {
    let calls = play_calls(&CALLS).await;
    let mut errors = WordErrors::default();
    for (name, (fixture, events)) in &calls {
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.log, Log::Call, "{name}: the agent's log goes to the agent alone");
            assert_eq!(event.seq, index as u64 + 1, "{name}: no gap on the feed");
        }
        for channel in [Channel::Customer, Channel::Agent] {
            let mut redactor = Redactor::new(fixture.info.lang, false);
            let script = fixture.script.iter().map(|l| (l.channel, redactor.utterance(l.channel, &l.text).text));
            let said: Vec<String> = script.filter(|(of, _)| *of == channel).map(|(_, text)| text).collect();
            errors += WordErrors::between(&said.join(" "), &heard(events, channel));
        }
        let dropped = events.iter().filter(|event| matches!(event.kind, EventKind::SpeechDropped { .. })).count();
        assert_eq!(dropped, 0, "{name}: everything was read");
    }
    assert!(errors.words > 300, "{errors:?}");
    assert!(errors.percent() < WER_MAX_PERCENT, "{errors:?}");

    assert!(raised(&calls["calm-look-alikes"].1).is_empty());
    for name in ["late-delivery", "insults"] {
        let events = &calls[name].1;
        let alerts = raised(events);
        assert!(!alerts.is_empty(), "{name} is alerted");
        for alert in alerts {
            let EventKind::Alert { id, reason, quote, .. } = alert else { continue };
            assert!(!reason.is_empty());
            let quote = quote.as_deref().expect("an alert carries the words that prove it");
            let words: Vec<&str> = quote.trim_matches('…').split_whitespace().collect();
            assert!(heard(events, Channel::Customer).contains(words[words.len() / 2]), "{name}: {quote}");
            let suggestions = events
                .iter()
                .filter(|event| matches!(&event.kind, EventKind::Suggestion { alert: Some(alert), .. } if alert == id));
            assert!((1..=6).contains(&suggestions.count()), "{name}: an alert brings suggestions");
        }
    }
}
