//! Calls from start to stop: their connection, consent, holds and words.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::sleep;

use ruhepol::config::Consent;

use crate::support::{serve, silence, start, start_of};

#[tokio::test]
async fn a_call_from_start_to_stop() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = server.media().await;
    assert_eq!(call.start(start("c1")).await, json!({"type": "ready", "call": "c1"}));
    call.send_audio(silence(2_000)).await;
    assert_eq!(call.stop().await, json!({"type": "stopped", "call": "c1", "utterances": 0}));

    let started = feed.json().await;
    assert_eq!((&started["type"], &started["seq"]), (&json!("call_started"), &json!(1)));
    assert_eq!(
        (&started["queue"], &started["team"], &started["agent"]),
        (&json!("versand"), &json!("nord"), &json!("a7"))
    );
    assert_eq!(started["durable"], false);
    let ended = feed.json().await;
    assert_eq!((&ended["type"], &ended["seq"], &ended["reason"]), (&json!("call_ended"), &json!(2), &json!("stop")));
    assert_eq!(ended["summary"]["duration_ms"], 1_000, "two channels share the bytes");
}

#[tokio::test]
async fn a_second_start_keeps_the_call_so_far() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = server.media_call("c1").await;
    call.send_audio(silence(4_000)).await;
    call.send(start("c1")).await;
    assert_eq!(call.refused().await, ("bad_message".to_owned(), 1008));

    let mut again = server.media().await;
    let ready = again.start(start("c1")).await;
    assert_eq!((&ready["call"], &ready["resumed"]), (&json!("c1"), &json!(true)));
    assert!(ready["t_ms"].as_u64().unwrap() >= 2_000, "{ready}");
    again.stop().await;
    assert_eq!(feed.json_of("call_ended").await["reason"], "stop");
}

#[tokio::test]
async fn a_lost_connection_comes_back_and_the_clock_has_run_on() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = server.media_call("c1").await;
    call.send_audio(silence(4_000)).await;
    drop(call);
    let mut again = server.media().await;
    let ready = again.start(start("c1")).await;
    assert_eq!(ready["resumed"], true);
    let resumed_ms = ready["t_ms"].as_u64().unwrap();
    again.send_audio(silence(2_000)).await;
    again.stop().await;
    let ended = feed.json_of("call_ended").await;
    assert_eq!(ended["summary"]["duration_ms"].as_u64(), Some(resumed_ms + 1_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_back_at_once_finds_its_place_free() {
    let server = serve(|_| {}).await;
    let mut call = server.media_call("c1").await;
    for turn in 0..30 {
        match turn % 3 {
            // Refused: the place is free when the close is seen.
            0 => {
                call.send(json!({"type": "nonsense"})).await;
                assert_eq!(call.refused().await, ("bad_message".to_owned(), 1008));
            }
            // A goodbye without stop: when it is answered.
            1 => {
                call.stream.close(None).await.unwrap();
                while let Some(Ok(_)) = call.stream.next().await {}
            }
            // Gone without a word: the newcomer waits until the server has seen it.
            _ => drop(call),
        }
        call = server.media().await;
        assert_eq!(call.start(start("c1")).await["resumed"], true, "{turn}");
    }
    call.stop().await;
}

#[tokio::test]
async fn a_connection_that_stays_away_ends_the_call() {
    let server = serve(|config| config.media.grace_s = 0).await;
    let mut feed = server.feed().await;
    let call = server.media_call("c1").await;
    drop(call);
    assert_eq!(feed.json_of("call_ended").await["reason"], "connection_lost");
    let mut next = server.media().await;
    assert_eq!(next.start(start("c1")).await["call"], "c1~2");
}

#[tokio::test]
async fn a_call_id_in_use() {
    let server = serve(|_| {}).await;
    let mut customer = server.media().await;
    customer.start(start_of("c1", &["customer"])).await;
    let mut second = server.media().await;
    second.send(start_of("c1", &["agent", "customer"])).await;
    assert_eq!(second.refused().await, ("call_exists".to_owned(), 1008));

    let mut agent = server.media().await;
    assert_eq!(agent.start(start_of("c1", &["agent"])).await, json!({"type": "ready", "call": "c1"}));
    agent.send_audio(silence(500)).await;
    agent.stop().await;
    assert_eq!(server.metric("ruhepol_calls").await, 1.0, "the customer's stream goes on");
    customer.stop().await;

    let mut again = server.media().await;
    assert_eq!(again.start(start("c1")).await, json!({"type": "ready", "call": "c1~2"}));
}

#[tokio::test]
async fn odd_byte_counts_lose_nothing() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = server.media_call("c1").await;
    let audio = silence(1_000);
    for piece in audio.chunks(33) {
        call.send_audio(piece.to_vec()).await;
    }
    call.send_audio(Vec::new()).await;
    call.send_audio(vec![0; 3]).await;
    call.stop().await;
    let summary = &feed.json_of("call_ended").await["summary"];
    assert_eq!(summary["duration_ms"], 500, "half a sample at the end is dropped, nothing else: {summary}");
}

#[tokio::test]
async fn consent_is_asked_for() {
    let server = serve(|config| {
        config.consent.media = Consent::Required;
        config.consent.transcripts = Consent::Required;
    })
    .await;
    let refused = ("consent_required".to_owned(), 1008);
    let with = |consent: Value| {
        let mut message = start("c1");
        message["consent"] = consent;
        message
    };
    for message in [start("c1"), with(json!(false)), with(Value::Null)] {
        let mut call = server.media().await;
        call.send(message.clone()).await;
        assert_eq!(call.refused().await, refused, "{message}");
        let mut call = server.transcripts().await;
        call.send(message).await;
        assert_eq!(call.refused().await, refused);
    }
    let mut call = server.media().await;
    call.start(with(json!(true))).await;
    call.stop().await;
}

#[tokio::test]
async fn consent_withdrawn_stops_at_once() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = server.words_call("c1").await;
    call.say("customer", 0, 1_000, "Guten Tag.").await;
    call.send(json!({"type": "consent", "given": false})).await;
    call.say("customer", 2_000, 3_000, "Meine Nummer ist geheim.").await;
    assert_eq!(call.stop().await["utterances"], 1);
    let mut kinds = Vec::new();
    loop {
        let event = feed.json().await;
        assert!(!event.to_string().contains("geheim"), "{event}");
        kinds.push(event["type"].as_str().unwrap().to_owned());
        if event["type"] == "call_ended" {
            break;
        }
    }
    assert!(kinds.contains(&"consent_withdrawn".to_owned()), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "utterance").count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn hold_freezes_and_audio_after_it_is_in_place() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = server.media_call("c1").await;
    call.send_audio(silence(2_000)).await;
    call.send(json!({"type": "hold"})).await;
    call.send_audio(silence(4_000)).await;
    call.send(json!({"type": "resume"})).await;
    call.send_audio(silence(2_000)).await;
    call.stop().await;
    assert_eq!(feed.json_of("hold").await["t_ms"], 1_000);
    assert_eq!(feed.json_of("resumed").await["t_ms"], 3_000, "the media clock runs on");
    let summary = &feed.json_of("call_ended").await["summary"];
    assert_eq!((&summary["duration_ms"], &summary["held_ms"]), (&json!(4_000), &json!(2_000)), "{summary}");
}

#[tokio::test]
async fn a_hold_without_audio_takes_the_time_it_took() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = server.media_call("c1").await;
    call.send_audio(silence(2_000)).await;
    call.send(json!({"type": "hold"})).await;
    assert_eq!(feed.json_of("hold").await["t_ms"], 1_000);
    sleep(Duration::from_millis(1_000)).await;
    call.send(json!({"type": "resume"})).await;
    call.stop().await;
    assert!(feed.json_of("resumed").await["t_ms"].as_u64().unwrap() >= 2_000);
}

#[tokio::test]
async fn both_parties_on_one_channel_must_be_allowed() {
    let server = serve(|config| config.media.allow_mixed = true).await;
    let mut call = server.media().await;
    call.start(start_of("c1", &["mixed"])).await;
    call.stop().await;
}

#[tokio::test]
async fn transcripts_become_assessments() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = server.transcripts().await;
    call.start(json!({"type": "start", "call": "t1", "agent": "a7"})).await;
    call.say("customer", 0, 2_100, "Das ist eine Unverschämtheit, ich will sofort Ihren Vorgesetzten sprechen!").await;
    let utterance = feed.json_of("utterance").await;
    assert_eq!(
        (&utterance["channel"], &utterance["start_ms"], &utterance["end_ms"]),
        (&json!("customer"), &json!(0), &json!(2_100))
    );
    let assessment = feed.json_of("assessment").await;
    assert_eq!(assessment["utterance_seq"], utterance["seq"]);
    assert!(assessment["level"].as_u64().unwrap() > 0, "{assessment}");
    assert_eq!(call.stop().await["utterances"], 1);
}
