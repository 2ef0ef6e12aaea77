//! What supervisors and agents hear, may do, and what becomes of a reader that is slow.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use ruhepol::server::auth::{Claims, Role};

use crate::support::{Client, PATIENCE, serve, start};

#[tokio::test]
async fn supervisors_act_and_agents_hear_what_is_theirs() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut panel = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    assert_eq!(panel.json().await["type"], "snapshot");
    let mut other = server.connect("/v1/feed/agent/a8", Role::Agent, "a8").await;
    assert_eq!(other.json().await["calls"], json!([]));
    let mut call = server.words_call("c1").await;
    feed.json_of("call_started").await;

    feed.send(json!({"type": "whisper", "call": "c1", "text": "Ruhig bleiben.", "ref": 1})).await;
    assert_eq!(feed.json_of("done").await["ref"], 1);
    let whisper = panel.json_of("whisper").await;
    assert_eq!((&whisper["from"], &whisper["log"]), (&json!("s1"), &json!("agent")));

    feed.send(json!({"type": "open", "call": "c1", "ref": "o"})).await;
    assert_eq!(feed.json_of("done").await["ref"], "o");
    let watching = panel.json_of("watching").await;
    assert_eq!((&watching["who"], &watching["on"]), (&json!("s1"), &json!(true)));

    feed.send(json!({"type": "note", "call": "c1", "text": "Rückruf vereinbart."})).await;
    assert_eq!(feed.json_of("done").await["ref"], Value::Null);
    assert_eq!(feed.json_of("note").await["by"], "s1");

    call.say("customer", 0, 2_000, "Ich bringe Sie um!").await;
    let alert = feed.json_of("alert").await;
    assert_eq!((&alert["state"], &alert["kind"]), (&json!("raised"), &json!("violence_threat")));
    feed.send(json!({"type": "ack", "alert": alert["id"], "ref": 2})).await;
    assert_eq!(feed.json_of("done").await["ref"], 2);
    let acknowledged = feed.json_of("alert").await;
    assert_eq!((&acknowledged["state"], &acknowledged["by"]), (&json!("acknowledged"), &json!("s1")));

    for (message, code) in [
        (json!({"type": "ack", "alert": "c1:a99", "ref": 3}), "unknown_alert"),
        (json!({"type": "whisper", "call": "c9", "text": "x", "ref": 3}), "unknown_call"),
        (json!({"type": "close", "call": "c9", "ref": 3}), "not_open"),
        (json!({"type": "shout", "ref": 3}), "bad_message"),
        (json!({"type": "snooze", "alert": "c1:a1", "minutes": -1, "ref": 3}), "bad_message"),
    ] {
        feed.send(message.clone()).await;
        let error = feed.json_of("error").await;
        assert_eq!((&error["code"], &error["ref"]), (&json!(code), &json!(3)), "{message}");
    }
    drop(feed);
    assert_eq!(panel.json_of("watching").await["on"], false, "a supervisor who leaves looks no more");

    panel.send(json!({"type": "used", "prompt": "c9:p1", "ref": 1})).await;
    assert_eq!(panel.json_of("error").await["code"], "unknown_prompt");
    call.stop().await;
    panel.json_of("summary").await;
    other.stream.close(None).await.unwrap();
    while let Some(Ok(message)) = other.stream.next().await {
        assert!(!message.is_text(), "another agent's feed: {message}");
    }
}

#[tokio::test]
async fn feeds_take_json_only() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    feed.send_audio(vec![1, 2, 3]).await;
    assert_eq!(feed.refused().await, ("bad_message".to_owned(), 1003));
    let mut feed = server.feed().await;
    feed.stream.send(Message::text("not json")).await.unwrap();
    assert_eq!(feed.refused().await, ("bad_message".to_owned(), 1008));
}

#[tokio::test]
async fn a_scope_hides_other_teams() {
    let server = serve(|_| {}).await;
    let claims = Claims {
        sub: "s2".to_owned(),
        role: Role::Supervisor,
        teams: vec!["süd".to_owned()],
        queues: vec![],
        iat: 0,
        exp: 0,
        jti: None,
    };
    let token = server.token_of(claims, 60);
    let _nord = server.words_call("nord-1").await;
    let mut feed = server.try_connect("/v1/feed/supervisor", Some(&token)).await.unwrap();
    assert_eq!(feed.json().await["calls"], json!([]));
    let mut message = start("süd-1");
    message["team"] = json!("süd");
    let mut sued = server.transcripts().await;
    sued.start(message).await;
    let first = feed.json().await;
    assert_eq!((&first["type"], &first["call"]), (&json!("call_started"), &json!("süd-1")));
    feed.send(json!({"type": "whisper", "call": "nord-1", "text": "x", "ref": 1})).await;
    assert_eq!(feed.json().await["code"], "unknown_call");
    assert_eq!(server.get("/v1/calls/nord-1", Some(&token)).await.0, 404);
    let (_, calls) = server.get("/v1/calls", Some(&token)).await;
    assert!(calls.contains("süd-1") && !calls.contains("nord-1"), "{calls}");
}

#[tokio::test]
async fn words_of_calls_that_are_not_opened_stay_hidden() {
    let server = serve(|_| {}).await;
    let mut feed = server.connect("/v1/feed/supervisor?text=opened", Role::Supervisor, "s1").await;
    feed.json().await;
    let mut call = server.words_call("c1").await;
    call.say("customer", 0, 2_000, "Das ist eine Unverschämtheit mit dem Paket.").await;
    let utterance = feed.json_of("utterance").await;
    assert_eq!(utterance.get("text"), None, "{utterance}");
    let assessment = feed.json_of("assessment").await;
    assert!(!assessment.to_string().contains("nversch"), "{assessment}");
    let mut late = server.connect("/v1/feed/supervisor?text=opened", Role::Supervisor, "s2").await;
    assert_eq!(late.json().await["calls"][0]["last"], Value::Null);

    feed.send(json!({"type": "open", "call": "c1"})).await;
    feed.json_of("done").await;
    call.say("customer", 3_000, 4_000, "Wo ist mein Paket?").await;
    assert_eq!(feed.json_of("utterance").await["text"], "Wo ist mein Paket?");
}

#[tokio::test]
async fn a_reader_continues_where_it_stopped() {
    let server = serve(|_| {}).await;
    let mut call = server.words_call("c1").await;
    let mut feed = server.connect("/v1/feed/supervisor", Role::Supervisor, "s1").await;
    let snapshot = feed.json().await;
    let cursor = snapshot["cursor"].as_u64().unwrap();
    assert_eq!(snapshot["calls"][0]["seq"], 1);
    drop(feed);
    call.say("customer", 0, 1_000, "Guten Tag.").await;
    call.stop().await;

    let path = format!("/v1/feed/supervisor?after={cursor}");
    let mut feed = server.connect(&path, Role::Supervisor, "s1").await;
    let snapshot = feed.json().await;
    assert_eq!((&snapshot["cursor"], &snapshot["calls"][0]["seq"]), (&json!(cursor), &json!(1)));
    let mut seq = 1;
    loop {
        let event = feed.json().await;
        seq += 1;
        assert_eq!(event["seq"].as_u64(), Some(seq), "{event}");
        if event["type"] == "call_ended" {
            break;
        }
    }
    for query in ["?after=x", "?text=some"] {
        let path = format!("/v1/feed/supervisor{query}");
        let token = server.token(Role::Supervisor, "s1");
        assert_eq!(server.try_connect(&path, Some(&token)).await.err(), Some(400), "{query}");
    }
}

/// A thousand utterances: more than the buffers of both ends of a loopback connection hold.
async fn say_much(call: &mut Client) {
    let text = "viele Worte ".repeat(1_300);
    for number in 0..1_000 {
        call.say("agent", number * 10, number * 10 + 5, &text).await;
    }
}

#[tokio::test]
async fn a_reader_that_never_reads_slows_nobody_and_is_dropped() {
    let server = serve(|config| {
        config.feeds.write_s = 1;
        config.feeds.behind_events = 4_096;
        config.agent.channel = ruhepol::call::AgentChannel::Full;
    })
    .await;
    let stuck = server.feed().await;
    let mut reader = server.feed().await;
    let reading = tokio::spawn(async move {
        let mut seq = 0;
        loop {
            let event = reader.json().await;
            seq += 1;
            assert_eq!(event["seq"].as_u64(), Some(seq), "{}", event["type"]);
            if event["type"] == "call_ended" {
                return seq;
            }
        }
    });
    let mut call = server.words_call("c1").await;
    say_much(&mut call).await;
    call.send(json!({"type": "note"})).await;
    assert_eq!(call.refused().await.1, 1008, "the socket still answers");
    drop(call);
    let dropped = timeout(PATIENCE, async {
        while server.metric("ruhepol_feed_dropped_total").await == 0.0 {
            sleep(Duration::from_millis(100)).await;
        }
    });
    assert!(dropped.await.is_ok(), "the reader that never reads is still there");
    server.stop.drain();
    assert!(timeout(PATIENCE, reading).await.unwrap().unwrap() > 1_000);
    drop(stuck);
}

#[tokio::test]
async fn a_slow_reader_gets_a_fresh_snapshot() {
    let server = serve(|config| {
        config.feeds.behind_events = 4;
        // However long a busy machine takes to say a thousand things, the reader is slow and not gone.
        config.feeds.write_s = 600;
        config.agent.channel = ruhepol::call::AgentChannel::Full;
    })
    .await;
    let mut slow = server.feed().await;
    let mut call = server.words_call("c1").await;
    say_much(&mut call).await;
    call.stop().await;
    let mut expected = 1;
    loop {
        let message = slow.json().await;
        if message["type"] == "snapshot" {
            break;
        }
        assert_eq!(message["seq"].as_u64(), Some(expected), "nothing is left out before the snapshot");
        expected += 1;
    }
    assert!(expected < 1_000);
}
