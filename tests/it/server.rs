//! The server over real sockets: what it answers to what is right, wrong and hostile.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use ruhepol::config::Consent;
use ruhepol::server::auth::{Claims, Role, Tokens};

use crate::support::{PATIENCE, now_s, serve, silence, start, start_of};

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
async fn tokens_are_checked_before_the_upgrade() {
    let server = serve(|_| {}).await;
    let claims = |role, sub: &str| Claims {
        sub: sub.to_owned(),
        role,
        teams: vec![],
        queues: vec![],
        iat: 0,
        exp: 0,
        jti: None,
    };
    let forged = Tokens::new(b"another secret").issue(now_s(), 60, claims(Role::Admin, "x"));
    let expired = server.tokens.issue(now_s() - 100, 99, claims(Role::Admin, "x"));
    for path in ["/v1/media", "/v1/transcripts", "/v1/feed/supervisor", "/v1/feed/agent/a7"] {
        assert_eq!(server.try_connect(path, None).await.err(), Some(401), "{path} without a token");
        assert_eq!(server.try_connect(path, Some("nonsense")).await.err(), Some(401), "{path}");
        assert_eq!(server.try_connect(path, Some(&forged)).await.err(), Some(401), "{path}, forged");
        assert_eq!(server.try_connect(path, Some(&expired)).await.err(), Some(401), "{path}, expired");
    }
    for (path, role, allowed) in [
        ("/v1/media", Role::Ingest, true),
        ("/v1/media", Role::Admin, true),
        ("/v1/media", Role::Supervisor, false),
        ("/v1/transcripts", Role::Agent, false),
        ("/v1/feed/supervisor", Role::Supervisor, true),
        ("/v1/feed/supervisor", Role::Ingest, false),
        ("/v1/feed/supervisor", Role::Auditor, false),
        ("/v1/feed/agent/a7", Role::Agent, true),
        ("/v1/feed/agent/a8", Role::Agent, false),
        ("/v1/feed/agent/a7", Role::Admin, false),
        ("/v1/feed/agent/a7", Role::Supervisor, false),
    ] {
        let token = server.token(role, "a7");
        let result = server.try_connect(path, Some(&token)).await.err();
        assert_eq!(result, (!allowed).then_some(403), "{path} as {role:?}");
    }
    let (status, _) = server.get("/v1/calls", Some(&server.token(Role::Agent, "a7"))).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_browser_sends_its_token_as_a_subprotocol() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let server = serve(|_| {}).await;
    let mut request = server.url("/v1/feed/supervisor").into_client_request().unwrap();
    let offered = format!("bearer, {}", server.token(Role::Supervisor, "s1"));
    request.headers_mut().insert("Sec-WebSocket-Protocol", offered.parse().unwrap());
    let (mut stream, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "bearer");
    assert!(matches!(stream.next().await, Some(Ok(Message::Text(text))) if text.contains("snapshot")));
}

#[tokio::test]
async fn a_token_that_runs_out_closes_the_socket() {
    let server = serve(|_| {}).await;
    let claims = Claims {
        sub: "s1".to_owned(),
        role: Role::Supervisor,
        teams: vec![],
        queues: vec![],
        iat: 0,
        exp: 0,
        jti: None,
    };
    let token = server.token_of(claims, 2);
    let mut feed = server.try_connect("/v1/feed/supervisor", Some(&token)).await.unwrap();
    assert_eq!(feed.json().await["type"], "snapshot");
    assert_eq!(feed.refused().await, ("unauthorized".to_owned(), 1008));
}

#[tokio::test]
async fn first_messages_that_are_wrong() {
    let server = serve(|config| config.limits.start_s = 2).await;
    let bad = ("bad_message".to_owned(), 1008);
    for text in [
        "",
        "{",
        "7",
        r#"{"type":"stop"}"#,
        r#"{"type":"hold"}"#,
        r#"{"type":"begin","call":"c1"}"#,
        r#"{"type":"start"}"#,
        r#"{"type":"start","call":7,"encoding":"mulaw","sample_rate":8000,"channels":["customer"]}"#,
        r#"{"type":"start","call":"c1","encoding":"opus","sample_rate":8000,"channels":["customer"]}"#,
        r#"{"type":"start","call":"c1","encoding":"mulaw","sample_rate":44100,"channels":["customer"]}"#,
        r#"{"type":"start","call":"c1","encoding":"mulaw","sample_rate":8000,"channels":["customer","customer"]}"#,
        r#"{"type":"start","call":"c1","encoding":"mulaw","sample_rate":8000,"channels":["mixed"]}"#,
    ] {
        let mut client = server.media().await;
        client.stream.send(Message::text(text)).await.unwrap();
        assert_eq!(client.refused().await, bad, "{text}");
    }
    let mut client = server.media().await;
    client.send_audio(silence(20)).await;
    assert_eq!(client.refused().await, ("bad_message".to_owned(), 1003), "audio before start");
    let mut silent = server.media().await;
    assert_eq!(silent.refused().await, bad, "nothing at all");
    assert_eq!(server.metric("ruhepol_calls_started_total").await, 0.0);
}

#[tokio::test]
async fn unknown_fields_pass() {
    let server = serve(|_| {}).await;
    let mut message = start("c1");
    message["codec_hint"] = json!({"deep": [1, 2, 3]});
    message["agent"] = Value::Null;
    let mut call = server.media().await;
    call.start(message).await;
    call.send(json!({"type": "metadata", "wait_s": 12, "whatever": true})).await;
    call.stop().await;
}

#[tokio::test]
async fn wrong_messages_inside_a_call() {
    let server = serve(|_| {}).await;
    for (number, message) in [
        start("x"),
        json!({"type": "dance"}),
        json!({"type": "consent"}),
        json!({"type": "consent", "given": "yes"}),
        json!({"type": "metadata", "wait_s": "long"}),
        json!([1]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut call = server.media_call(&format!("c{number}")).await;
        call.send(message.clone()).await;
        assert_eq!(call.refused().await, ("bad_message".to_owned(), 1008), "{message}");
    }
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
async fn frames_and_messages_that_are_too_big() {
    let server = serve(|_| {}).await;
    let mut call = server.media_call("c1").await;
    call.send_audio(vec![0; 1 << 20]).await;
    call.send_audio(vec![0; 10 << 20]).await;
    assert_eq!(call.refused().await, ("too_big".to_owned(), 1009), "10 MiB of audio");

    let mut call = server.media_call("c2").await;
    call.send(json!({"type": "metadata", "metadata": {"x": "y".repeat(70 << 10)}})).await;
    assert_eq!(call.refused().await, ("too_big".to_owned(), 1009), "70 KiB of JSON");
}

#[tokio::test]
async fn text_that_is_not_utf8() {
    let server = serve(|_| {}).await;
    let mut call = server.media_call("c1").await;
    let frame = Frame::message(vec![b'{', 0xff, 0xfe], OpCode::Data(Data::Text), true);
    call.stream.send(Message::Frame(frame)).await.unwrap();
    assert_eq!(call.refused().await, ("bad_utf8".to_owned(), 1007));
}

#[tokio::test]
async fn frames_that_break_the_protocol() {
    let server = serve(|_| {}).await;
    let mut call = server.media_call("c1").await;
    let frame = Frame::message(vec![1], OpCode::Data(Data::Reserved(5)), true);
    call.stream.send(Message::Frame(frame)).await.unwrap();
    assert_eq!(call.refused().await, ("protocol_error".to_owned(), 1002));
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
async fn a_full_server_says_when_to_come_back() {
    let server = serve(|config| config.limits.calls = 1).await;
    let mut first = server.media_call("c1").await;
    assert_eq!(server.get("/readyz", None).await.0, 503);
    let mut second = server.media().await;
    second.send(start("c2")).await;
    let error = second.json().await;
    assert_eq!((&error["code"], &error["retry_after_s"]), (&json!("busy"), &json!(5)));
    assert_eq!(second.close_code().await, 1013);
    first.stop().await;
    let _third = server.media_call("c2").await;
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

#[tokio::test]
async fn wrong_utterances() {
    let server = serve(|_| {}).await;
    let utterance = |field: &str, value: Value| {
        let mut message = json!({"type": "utterance", "channel": "customer", "start_ms": 0, "end_ms": 10, "text": "x"});
        message[field] = value;
        message
    };
    for (number, message) in [
        utterance("channel", json!("agent")),
        utterance("channel", json!("bot")),
        utterance("end_ms", json!(-1)),
        utterance("start_ms", json!(11)),
        utterance("text", Value::Null),
        start("x"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut call = server.transcripts().await;
        call.start(json!({"type": "start", "call": format!("t{number}"), "channels": ["customer"]})).await;
        call.send(message.clone()).await;
        assert_eq!(call.refused().await, ("bad_message".to_owned(), 1008), "{message}");
    }
    let mut call = server.transcripts().await;
    call.start(json!({"type": "start", "call": "audio"})).await;
    call.send_audio(silence(20)).await;
    assert_eq!(call.refused().await, ("bad_message".to_owned(), 1003));
}

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
    // More than the buffers of both ends of a loopback connection hold.
    let text = "viele Worte ".repeat(1_300);
    for number in 0..1_000 {
        call.say("agent", number * 10, number * 10 + 5, &text).await;
    }
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
    let text = "viele Worte ".repeat(1_300);
    for number in 0..1_000 {
        call.say("agent", number * 10, number * 10 + 5, &text).await;
    }
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

#[tokio::test]
async fn other_calls_do_not_notice() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut good = server.words_call("good").await;
    for number in 0..5_u64 {
        good.say("customer", number * 1_000, number * 1_000 + 500, "Guten Tag.").await;
        let mut bad = server.media_call(&format!("bad-{number}")).await;
        match number {
            0 => bad.send_audio(vec![0; 3 << 20]).await,
            1 => bad.send(json!({"type": "nonsense"})).await,
            2 => bad.send(start("good")).await,
            3 => bad
                .stream
                .send(Message::Frame(Frame::message(vec![0xff], OpCode::Data(Data::Text), true)))
                .await
                .unwrap(),
            _ => drop(bad),
        }
    }
    assert_eq!(good.stop().await["utterances"], 5);
    let mut seq = 0;
    loop {
        let event = feed.json().await;
        if event["call"] == "good" {
            seq += 1;
            assert_eq!(event["seq"].as_u64(), Some(seq));
            if event["type"] == "call_ended" {
                break;
            }
        }
    }
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed() {
    let server = serve(|config| config.limits.header_s = 1).await;
    let mut mute = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut slow = tokio::net::TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ").await.unwrap();
    for stream in [&mut mute, &mut slow] {
        let mut rest = Vec::new();
        // Whether it is told why or reset, it must end.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the server closes");
    }
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_given_up() {
    let server = serve(|config| {
        config.media.ping_s = 1;
        config.media.silent_s = 2;
        config.media.grace_s = 0;
    })
    .await;
    let mut feed = server.feed().await;
    let _call = server.media_call("c1").await;
    // Not read from, the client's library answers no pings; the feed, which is read from, answers its own.
    assert_eq!(feed.json_of("call_ended").await["reason"], "connection_lost");
}

#[tokio::test]
async fn shutdown_drains() {
    let server = serve(|config| config.server.drain_s = 20).await;
    let mut feed = server.feed().await;
    let mut call = server.media_call("c1").await;
    let mut waiting = server.media().await;
    server.stop.drain();
    let ready = timeout(PATIENCE, async {
        while server.get("/readyz", None).await.0 != 503 {
            sleep(Duration::from_millis(10)).await;
        }
    });
    ready.await.unwrap();
    waiting.send(start("c2")).await;
    assert_eq!(waiting.refused().await, ("shutting_down".to_owned(), 1001));
    call.send_audio(silence(500)).await;
    call.stop().await;
    assert_eq!(feed.json_of("call_ended").await["reason"], "stop");
    assert_eq!(feed.refused().await, ("shutting_down".to_owned(), 1001));
    timeout(PATIENCE, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_second_wish_ends_running_calls() {
    let server = serve(|config| config.server.drain_s = 3_600).await;
    let mut feed = server.feed().await;
    let mut call = server.media_call("c1").await;
    server.stop.drain();
    server.stop.end();
    assert_eq!(call.refused().await, ("shutting_down".to_owned(), 1001));
    assert_eq!(feed.json_of("call_ended").await["reason"], "shutdown");
    timeout(PATIENCE, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn http_pages() {
    let server = serve(|_| {}).await;
    for (path, part) in
        [("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "ruhepol_calls 0"), ("/", "ruhepol watch")]
    {
        let (status, body) = server.get(path, None).await;
        assert!(status == 200 && body.contains(part), "{path}: {status} {body}");
    }
    assert_eq!(server.get("/agent", None).await.0, 200);
    let (_, schema) = server.get("/schema/event.json", None).await;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert!(schema.to_string().contains("call_started"), "{schema}");
    assert_eq!(server.get("/nothing", None).await.0, 404);
    let ingest = server.token(Role::Ingest, "pbx");
    assert_eq!(server.get("/v1/media", None).await.0, 401);
    assert_eq!(server.get("/v1/media", Some(&ingest)).await.0, 426);
}

#[tokio::test]
async fn calls_over_http() {
    let server = serve(|_| {}).await;
    let token = server.token(Role::Supervisor, "s1");
    let mut call = server.words_call("c/1").await;
    call.say("customer", 0, 2_000, "Ich bringe Sie um!").await;
    let alerts = loop {
        let (_, body) = server.get("/v1/alerts", Some(&token)).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        if body["alerts"][0]["call"] == "c/1" {
            break body;
        }
        sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(alerts["alerts"][0]["alert"]["kind"], "violence_threat");
    assert_eq!(server.request(reqwest::Method::DELETE, "/v1/calls/c%2F1", Some(&token)).await.0, 409);
    call.stop().await;
    let (_, body) = server.get("/v1/calls/c%2F1/events?after=1", Some(&token)).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["events"][0]["seq"], 2);
    assert_eq!(server.request(reqwest::Method::DELETE, "/v1/calls/c%2F1", Some(&token)).await.0, 204);
    assert_eq!(server.get("/v1/calls/c%2F1", Some(&token)).await.0, 404);
}
