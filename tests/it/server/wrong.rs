//! What is wrong, too big or never answered ends its own socket and nothing else.

use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::{PATIENCE, serve, silence, start};

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
