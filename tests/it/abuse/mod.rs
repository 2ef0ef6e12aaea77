//! A client that knows RFC 6455 well enough to break every rule of it, on every path. Written by hand, so that no library
//! of ours judges itself.
//!
//! `make abuse` runs these alone.

mod cases;
mod client;

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use ruhepol::config::Config;
use ruhepol::server::auth::Role;

use self::cases::{Case, broken_frames, goodbyes};
use self::client::{BINARY, CLOSE, FIN, PING, PONG, Raw, TEXT, close, frame};
use crate::phones::phones;
use crate::support::{PATIENCE, TestServer, start, start_of};

/// Every path that becomes a socket.
const PATHS: [&str; 11] = [
    "/v1/media",
    "/v1/media/twilio",
    "/v1/media/audiohook",
    "/v1/media/vonage",
    "/v1/media/asterisk",
    "/v1/media/freeswitch",
    "/v1/media/jambonz",
    "/v1/listen?encoding=linear16&sample_rate=8000&channels=2",
    "/v1/transcripts",
    "/v1/feed/supervisor",
    "/v1/feed/agent/a7",
];

async fn abused() -> TestServer {
    abused_with_grace(30).await
}

async fn abused_with_grace(grace_s: u64) -> TestServer {
    phones(|config: &mut Config| {
        config.limits.header_s = 2;
        config.limits.start_s = 30;
        config.media.grace_s = grace_s;
        config.limits.connections_per_address = 1_500;
        config.limits.requests_per_s = 10_000;
    })
    .await
}

/// Nothing is left of those who went, and nothing broke.
async fn unharmed(server: &TestServer) {
    let gone = async {
        // The one that asks is a connection, too.
        while server.metric("ruhepol_connections").await > 1.0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("all connections are given back");
    let (_, page) = server.get("/metrics", None).await;
    for line in page.lines().filter(|line| line.starts_with("ruhepol_sockets{")) {
        assert!(line.ends_with(" 0"), "{line}");
    }
    assert_eq!(server.metric("ruhepol_faults_total").await, 0.0);
    assert_eq!(server.get("/readyz", None).await.0, 200);
}

/// Sends each case on each path, and compares the close codes. All that is wrong is told at once.
async fn judge(server: &TestServer, cases: &[Case]) {
    let mut wrong = Vec::new();
    for path in PATHS {
        let mut running = JoinSet::new();
        for (what, bytes, right) in cases.iter().cloned() {
            let mut raw = Raw::open(server, path).await;
            running.spawn(async move {
                raw.send(&bytes).await;
                (what, raw.rest().await, right)
            });
        }
        while let Some(done) = running.join_next().await {
            let (what, heard, right) = done.unwrap();
            if !heard.code.is_some_and(|code| right.contains(&code)) {
                wrong.push(format!("{path}: {what}: {heard:?}, right is {right:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    unharmed(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_frames_are_answered_with_the_right_code_on_every_path() {
    let server = abused().await;
    judge(&server, &broken_frames()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_goodbye_is_answered_on_every_path() {
    let server = abused().await;
    judge(&server, &goodbyes()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_in_the_middle_of_a_call_ends_the_socket_and_keeps_the_call() {
    let server = abused().await;
    let mut feed = server.feed().await;
    for (number, (what, bytes, right)) in broken_frames().into_iter().enumerate() {
        let call = format!("c{number}");
        let mut raw = Raw::open(&server, "/v1/media").await;
        raw.send(&frame(FIN | TEXT, start(&call).to_string().as_bytes())).await;
        raw.send(&frame(FIN | BINARY, &[0; 6_400])).await;
        assert!(raw.next().await.is_some_and(|(_, text)| text.starts_with(br#"{"type":"ready""#)), "{what}");
        raw.send(&bytes).await;
        let heard = raw.rest().await;
        assert!(heard.code.is_some_and(|code| right.contains(&code)), "{what}: {heard:?}");
        assert_eq!(feed.json_of("call_started").await["call"], *call);
        // It waits for its connection, like any other call whose line broke.
        let mut back = server.media().await;
        assert_eq!(back.start(start(&call)).await["resumed"], true, "{what}");
        back.stop().await;
        assert_eq!(feed.json_of("call_ended").await["reason"], "stop");
    }
    feed.stream.close(None).await.unwrap();
    drop(feed);
    unharmed(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_mean_nothing_end_in_order_on_every_path() {
    let server = abused_with_grace(2).await;
    let deep = "[".repeat(30_000);
    let deep_objects = r#"{"type":"#.repeat(8_000);
    for path in PATHS {
        for text in [
            "",
            "x",
            "null",
            "7",
            "[]",
            "{}",
            r#"{"type":null}"#,
            r#"{"type":"start"}"#,
            r#"{"type":"no such type"}"#,
            r#"{"type":"start","call":"\ud800"}"#,
            r#"{"type":"start","type":"stop"}"#,
            r#"{"event":"start","start":{}}"#,
            r#"{"type":"start","call":"a","encoding":"mulaw","sample_rate":1e999,"channels":["customer"]}"#,
            r#"{"type":"ack","alert":"\u0000"}"#,
            &deep,
            &deep_objects,
        ] {
            let mut raw = Raw::open(&server, path).await;
            raw.send(&frame(FIN | TEXT, text.as_bytes())).await;
            raw.send(&close(1000, b"")).await;
            // Some platforms' protocols put up with messages they do not know; none may fall silent.
            let heard = raw.rest().await;
            assert!(matches!(heard.code, Some(1000 | 1003 | 1008)), "{path}: {text:.60}: {heard:?}");
        }
    }
    for path in ["/v1/transcripts", "/v1/feed/supervisor", "/v1/feed/agent/a7"] {
        let mut raw = Raw::open(&server, path).await;
        if path == "/v1/transcripts" {
            raw.send(&frame(FIN | TEXT, start_of("c1", &["customer"]).to_string().as_bytes())).await;
        }
        raw.send(&frame(FIN | BINARY, &[0; 320])).await;
        assert_eq!(raw.rest().await.code, Some(1003), "{path}: binary where JSON belongs");
    }
    unharmed(&server).await;
    // What some platforms would take for a call waits for its connection, and then no longer.
    let over = async {
        while server.metric("ruhepol_calls").await > 0.0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, over).await.expect("all calls end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn legal_oddities_are_put_up_with() {
    let server = abused().await;
    let message = start("c1").to_string();
    let mut raw = Raw::open(&server, "/v1/media").await;
    // In pieces of one byte, with pings and pongs between them, and an empty piece at the end.
    for (index, byte) in message.bytes().enumerate() {
        raw.send(&frame(if index == 0 { TEXT } else { 0 }, &[byte])).await;
        if index % 50 == 0 {
            raw.send(&frame(FIN | PING, b"are you there")).await;
            raw.send(&frame(FIN | PONG, b"nobody asked")).await;
        }
    }
    raw.send(&frame(FIN, b"")).await;
    raw.send(&frame(FIN | BINARY, b"")).await;
    // And a frame cut into bytes on the wire.
    for byte in frame(FIN | TEXT, br#"{"type":"stop"}"#) {
        raw.send(&[byte]).await;
    }
    let heard = raw.rest().await;
    assert_eq!(heard.code, Some(1000), "{heard:?}");
    assert!(heard.pongs > 0 && heard.texts.len() == 2, "{heard:?}");
    assert!(heard.texts[1].contains("stopped"), "{heard:?}");
    unharmed(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_pings_costs_no_memory() {
    let server = abused().await;
    for path in PATHS {
        let mut raw = Raw::open(&server, path).await;
        let pings = frame(FIN | PING, &[7; 125]).repeat(1_000);
        for _ in 0..3 {
            raw.send(&pings).await;
        }
        raw.send(&close(1000, b"")).await;
        let heard = raw.rest().await;
        assert!(heard.code == Some(1000) && heard.pongs > 0, "{path}: {} pongs, {:?}", heard.pongs, heard.code);
    }
    // One that reads nothing: what it sends must come to a stop, for nobody reads on before its pongs are gone.
    let mut raw = Raw::open(&server, "/v1/media").await;
    let pings = frame(FIN | PING, &[7; 125]).repeat(8_000);
    let mut sent = 0_usize;
    while let Ok(Ok(written)) = timeout(Duration::from_secs(2), raw.stream.write(&pings)).await {
        sent += written;
        assert!(sent < 200 << 20, "the server reads on and on, and keeps every pong");
    }
    drop(raw);
    unharmed(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_and_half_sent_is_given_up() {
    let server = phones(|config: &mut Config| {
        config.media.ping_s = 1;
        config.media.silent_s = 2;
        config.limits.header_s = 1;
        config.limits.start_s = 20;
    })
    .await;
    for path in PATHS {
        let mut running = JoinSet::new();
        for (what, bytes) in [
            ("nothing", vec![]),
            ("half a head", vec![FIN | TEXT]),
            ("half a frame", frame(FIN | TEXT, b"{}")[..7].to_vec()),
            ("half a message", frame(TEXT, b"{")),
        ] {
            let mut raw = Raw::open(&server, path).await;
            running.spawn(async move {
                raw.send(&bytes).await;
                // Pings are not answered here.
                let mut code = None;
                while let Some((opcode, payload)) = raw.next().await {
                    if opcode == CLOSE {
                        code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    }
                }
                (what, code)
            });
        }
        while let Some(done) = running.join_next().await {
            let (what, code) = done.unwrap();
            assert_eq!(code, Some(1008), "{path}: {what}");
        }
        // Cut without a word, and in the middle of one.
        let mut raw = Raw::open(&server, path).await;
        raw.send(&frame(FIN | TEXT, b"{}")[..3]).await;
        drop(raw);
        let raw = Raw::open(&server, path).await;
        reset(&raw.stream);
        drop(raw);
    }
    unharmed(&server).await;
}

/// The connection ends with a reset instead of an orderly end.
#[allow(deprecated)]
fn reset(stream: &TcpStream) {
    stream.set_linger(Some(Duration::ZERO)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_are_none() {
    let server = abused().await;
    let host = format!("Host: {}\r\n", server.address);
    let bearer = format!("Authorization: Bearer {}\r\n", server.token(Role::Ingest, "pbx"));
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let get = "GET /v1/media HTTP/1.1\r\n";
    let cases = [
        ("no upgrade", format!("{get}{host}{bearer}\r\n"), &["426"][..]),
        ("no key", format!("{get}{host}{bearer}{upgrade}\r\n"), &["400"]),
        ("a key that is none", format!("{get}{host}{bearer}{upgrade}Sec-WebSocket-Key: x\r\n\r\n"), &["400"]),
        ("two keys", format!("{get}{host}{bearer}{upgrade}{key}{key}\r\n"), &["400"]),
        ("version 8", format!("{get}{host}{bearer}{}{key}\r\n", upgrade.replace("13", "8")), &["426"]),
        ("POST", format!("POST /v1/media HTTP/1.1\r\n{host}{bearer}{upgrade}{key}Content-Length: 0\r\n\r\n"), &["405"]),
        ("HTTP/1.0", format!("GET /v1/media HTTP/1.0\r\n{host}{bearer}{upgrade}{key}\r\n"), &["426", "400"]),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &["400", ""]),
        ("no token", format!("{get}{host}{upgrade}{key}\r\n"), &["401"]),
        (
            "a token of nonsense",
            format!("{get}{host}Authorization: Bearer {}\r\n{upgrade}{key}\r\n", "x".repeat(9_000)),
            &["401"],
        ),
        ("no such path", format!("GET /v1/nothing HTTP/1.1\r\n{host}{bearer}{upgrade}{key}\r\n"), &["404"]),
        ("a path with a zero", format!("GET /v1/media/%00 HTTP/1.1\r\n{host}{bearer}{upgrade}{key}\r\n"), &["404"]),
        ("a path upwards", format!("GET /v1/../../etc/passwd HTTP/1.1\r\n{host}{bearer}\r\n"), &["404", "400"]),
        ("a head of 100 KiB", format!("{get}{host}X-Long: {}\r\n\r\n", "x".repeat(100_000)), &["431", "400", ""]),
        ("a thousand headers", format!("{get}{host}{}\r\n", "X-More: y\r\n".repeat(1_000)), &["431", "400", ""]),
        ("no HTTP", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), &["400", ""]),
        (
            "two lengths",
            format!(
                "POST /v1/media/audiosocket HTTP/1.1\r\n{host}{bearer}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc"
            ),
            &["400", ""],
        ),
        ("a bad header", format!("{get}{host}Bad Header: x\r\n\r\n"), &["400", ""]),
        (
            "a body of 1 MiB",
            format!(
                "POST /v1/media/audiosocket HTTP/1.1\r\n{host}{bearer}Content-Length: 1048576\r\n\r\n{}",
                "x".repeat(1 << 20)
            ),
            &["404", "413"],
        ),
    ];
    for (what, request, right) in cases {
        let mut raw = Raw::connect(&server).await;
        raw.send(request.as_bytes()).await;
        let mut answer = String::new();
        while raw.more().await {
            answer = String::from_utf8_lossy(&raw.bytes).into_owned();
            if answer.contains("\r\n\r\n") {
                break;
            }
        }
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(right.contains(&status), "{what}: {answer:.200}");
    }
    // One that takes its time, and a frame sent before the answer.
    let mut slow = Raw::connect(&server).await;
    for byte in get.bytes().cycle() {
        if slow.stream.write_all(&[byte]).await.is_err() {
            break;
        }
        let closed = timeout(Duration::from_millis(100), slow.stream.read_buf(&mut slow.bytes)).await;
        if matches!(closed, Ok(Ok(0) | Err(_))) {
            break;
        }
    }
    let mut eager = Raw::connect(&server).await;
    let handshake = format!("{get}{host}{bearer}{upgrade}{key}\r\n");
    eager.send(&[handshake.as_bytes(), &frame(FIN | TEXT, start("e1").to_string().as_bytes())].concat()).await;
    assert!(eager.http_head().await.starts_with("HTTP/1.1 101"));
    assert!(eager.next().await.is_some_and(|(_, text)| text.starts_with(br#"{"type":"ready""#)));
    eager.send(&frame(FIN | TEXT, json!({"type": "stop"}).to_string().as_bytes())).await;
    assert_eq!(eager.rest().await.code, Some(1000));
    unharmed(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_that_say_nothing() {
    let server = abused().await;
    // Both ends are in this process, and the usual limit of open files is 1024.
    let (held, rounds) = (200, 5);
    for _ in 0..rounds {
        let mut mute = Vec::new();
        for _ in 0..held {
            mute.push(TcpStream::connect(server.address).await.unwrap());
        }
        assert_eq!(server.get("/healthz", None).await.0, 200, "others are served");
        for mut stream in mute {
            let mut rest = Vec::new();
            // Ended by the server, with or without a word.
            let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the server closes");
        }
    }
    unharmed(&server).await;
}
