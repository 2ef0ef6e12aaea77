//! Phone systems over real sockets: their protocols as their own clients speak them, and all that can go wrong.

use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use ruhepol::audio::Encoding;
use ruhepol::call::escalation::Preset;
use ruhepol::config::{Config, Consent, ConsentPaths};
use ruhepol::fixture::Fixture;
use ruhepol::server::auth::Role;
use ruhepol::stt::{Model, QueueSettings, SpeechQueue, SpeechWorkers};
use ruhepol::wire::sign;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{Client, PATIENCE, TestServer, serve, serve_with};

/// A socket with these headers and the sub-protocol agreed to, or the status and body of the refusal.
pub async fn connect(
    server: &TestServer,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<(Client, Option<String>), (u16, String)> {
    let mut request = server.url(path).into_client_request().unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    match timeout(PATIENCE, connect_async(request)).await.unwrap() {
        Ok((stream, response)) => {
            let agreed = response.headers().get("sec-websocket-protocol").map(|name| name.to_str().unwrap().to_owned());
            Ok((Client { stream }, agreed))
        }
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            Err((response.status().as_u16(), String::from_utf8_lossy(&body).into_owned()))
        }
        Err(error) => panic!("{path}: {error}"),
    }
}

/// A socket of a phone system that bears an ingest token.
pub async fn phone(server: &TestServer, path: &str) -> Client {
    let bearer = format!("Bearer {}", server.token(Role::Ingest, "pbx"));
    connect(server, path, &[("authorization", &bearer)]).await.unwrap().0
}

/// A server on which consent is taken care of elsewhere, on all paths.
pub async fn phones(change: impl FnOnce(&mut Config)) -> TestServer {
    serve(|config| {
        config.consent = ConsentPaths::all(Consent::Elsewhere);
        change(config);
    })
    .await
}

/// The same with the shipped model; keep the workers as long as the server.
pub async fn phones_that_hear(change: impl FnOnce(&mut Config)) -> (TestServer, SpeechWorkers) {
    let queue = SpeechQueue::new(QueueSettings { capacity: 64, deadline: Duration::from_secs(120) });
    let workers = SpeechWorkers::start(&queue, &Model::embedded().unwrap(), 2).unwrap();
    let server = serve_with(
        |config| {
            config.consent = ConsentPaths::all(Consent::Elsewhere);
            change(config);
        },
        Some(queue),
    )
    .await;
    (server, workers)
}

/// Waits until the workers of [`phones_that_hear`] have ended.
pub async fn finish(workers: SpeechWorkers) {
    tokio::task::spawn_blocking(move || workers.finish(Duration::from_secs(5))).await.unwrap();
}

/// The first `seconds` of a recorded call as 16-bit linear, 8 kHz, customer and agent interleaved.
pub fn recorded(name: &str, seconds: usize) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let recording = Fixture::load(&path).unwrap().recording;
    assert_eq!((recording.encoding, recording.sample_rate, recording.channels), (Encoding::PcmS16le, 8_000, 2));
    let mut data = recording.data;
    data.truncate(seconds * 8_000 * 4);
    data
}

/// The close code and reason; messages before it are an error.
pub async fn closed_silently(client: &mut Client) -> (u16, String) {
    loop {
        match timeout(PATIENCE, client.stream.next()).await.expect("a close frame") {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("no close frame but {other:?}"),
        }
    }
}

fn twilio_start(call: &str, tracks: Value, parameters: Value) -> Value {
    json!({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": {"accountSid": "AC1",
        "streamSid": "MZ1", "callSid": call, "tracks": tracks, "customParameters": parameters,
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}})
}

fn twilio_media(track: &str, timestamp_ms: u64, bytes: &[u8]) -> Value {
    json!({"event": "media", "sequenceNumber": "2", "streamSid": "MZ1", "media": {"track": track, "chunk": "1",
        "timestamp": timestamp_ms.to_string(), "payload": sign::to_base64(bytes)}})
}

#[tokio::test]
async fn a_twilio_call_with_both_tracks_a_gap_and_a_stop() {
    let server = phones(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = phone(&server, "/v1/media/twilio").await;
    call.send(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})).await;
    let parameters = json!({"agent": "a7", "queue": "versand", "customer_name": "Frau Keller"});
    call.send(twilio_start("CA1", json!(["inbound", "outbound"]), parameters)).await;
    for number in 0..50 {
        call.send(twilio_media("inbound", number * 20, &[0xff; 160])).await;
        call.send(twilio_media("outbound", number * 20, &[0xff; 160])).await;
    }
    call.send(twilio_media("inbound", 2_000, &[0xff; 160])).await;
    call.send(json!({"event": "mark", "mark": {"name": "x"}})).await;
    call.send(json!({"event": "something new"})).await;
    call.send(json!({"event": "stop", "stop": {"accountSid": "AC1", "callSid": "CA1"}})).await;
    assert_eq!(closed_silently(&mut call).await, (1000, String::new()), "nothing is ever sent to Twilio");
    let started = feed.json().await;
    assert_eq!(
        (&started["call"], &started["agent"], &started["queue"]),
        (&json!("CA1"), &json!("a7"), &json!("versand"))
    );
    let gap = feed.json_of("gap").await;
    assert_eq!(
        (&gap["channel"], &gap["start_ms"], &gap["duration_ms"]),
        (&json!("customer"), &json!(1_000), &json!(1_000))
    );
    let ended = feed.json_of("call_ended").await;
    assert_eq!((&ended["reason"], &ended["summary"]["duration_ms"]), (&json!("stop"), &json!(2_020)));
}

#[tokio::test]
async fn a_twilio_client_that_just_closes() {
    let server = phones(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = phone(&server, "/v1/media/twilio").await;
    call.send(json!({"event": "start", "start": {"callSid": "CA2"}})).await;
    for _ in 0..25 {
        call.send(json!({"event": "media", "media": {"payload": sign::to_base64(&[0xff; 320])}})).await;
    }
    call.send(json!({"event": "media", "media": {"payload": sign::to_base64(&[0xff; 16_000])}})).await;
    call.stream.close(None).await.unwrap();
    let ended = feed.json_of("call_ended").await;
    assert_eq!((&ended["reason"], &ended["summary"]["duration_ms"]), (&json!("stop"), &json!(3_000)));
}

#[tokio::test]
async fn twilios_signature_opens_the_door() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("twilio");
    std::fs::write(&secret, "12345\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let url = "wss://calls.example.com/twilio/media";
    let server = phones(|config| {
        config.phones.twilio.auth_token_file = Some(secret);
        config.phones.twilio.public_url = Some(url.to_owned());
    })
    .await;
    let path = "/v1/media/twilio";
    let good = sign::twilio("12345", url);
    assert!(connect(&server, path, &[("x-twilio-signature", &good)]).await.is_ok());
    for wrong in [sign::twilio("12346", url), sign::twilio("12345", "wss://calls.example.com/"), String::new()] {
        let refused = connect(&server, path, &[("x-twilio-signature", &wrong)]).await.err().unwrap();
        assert_eq!(refused.0, 401, "{wrong}");
    }
    assert_eq!(connect(&server, path, &[]).await.err().unwrap().0, 401);
    let bearer = format!("Bearer {}", server.token(Role::Agent, "a7"));
    assert_eq!(connect(&server, path, &[("authorization", &bearer)]).await.err().unwrap().0, 403);
    assert_eq!(connect(&server, "/v1/media", &[("x-twilio-signature", &good)]).await.err().unwrap().0, 401);
    phone(&server, path).await;
}

#[tokio::test]
async fn without_public_url_twilios_address_is_the_one_seen() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("twilio");
    std::fs::write(&secret, "12345\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let server = phones(|config| config.phones.twilio.auth_token_file = Some(secret)).await;
    let signature = sign::twilio("12345", &format!("wss://{}/v1/media/twilio", server.address));
    assert!(connect(&server, "/v1/media/twilio", &[("x-twilio-signature", &signature)]).await.is_ok());
}

#[tokio::test]
async fn what_twilio_must_not_do() {
    let server = phones(|_| {}).await;
    let start = || twilio_start("CA", json!(["inbound"]), json!({}));
    let mut opus = start();
    opus["start"]["mediaFormat"]["encoding"] = json!("OPUS");
    let cases: Vec<(Vec<Value>, u16)> = vec![
        (vec![json!({"no": "event"})], 1008),
        (vec![json!(7)], 1008),
        (vec![twilio_media("inbound", 0, &[0])], 1008),
        (vec![start(), start()], 1008),
        (vec![start(), json!({"event": "media", "media": {"payload": "%%%"}})], 1008),
        (vec![opus], 1008),
        (vec![start(), json!({"event": "media", "media": {"payload": "A".repeat(70_000)}})], 1009),
    ];
    for (messages, code) in cases {
        let mut call = phone(&server, "/v1/media/twilio").await;
        for message in &messages {
            call.send(message.clone()).await;
        }
        let (closed, reason) = closed_silently(&mut call).await;
        assert_eq!(closed, code, "{messages:?} {reason}");
        assert!(!reason.is_empty());
    }
    let mut call = phone(&server, "/v1/media/twilio").await;
    call.send_audio(vec![0; 100]).await;
    assert_eq!(closed_silently(&mut call).await.0, 1003);
    let (_, calls) = server.get("/v1/calls", Some(&server.token(Role::Supervisor, "s"))).await;
    assert!(calls.contains("\"CA\""), "the call so far is kept: {calls}");
}

#[tokio::test]
async fn consent_on_twilios_path_is_a_parameter() {
    let server = serve(|_| {}).await;
    for (parameters, code) in
        [(json!({}), 1008), (json!({"consent": "false"}), 1008), (json!({"consent": "true"}), 1000)]
    {
        let mut call = phone(&server, "/v1/media/twilio").await;
        call.send(twilio_start("CA1", json!(["inbound"]), parameters.clone())).await;
        call.send(json!({"event": "stop"})).await;
        let (closed, reason) = closed_silently(&mut call).await;
        assert_eq!(closed, code, "{parameters}");
        assert_eq!(reason.starts_with("consent_required"), code == 1008, "{reason}");
    }
}

#[tokio::test]
async fn two_twilio_streams_are_one_call() {
    let server = phones(|_| {}).await;
    let mut feed = server.feed().await;
    let mut customer = phone(&server, "/v1/media/twilio").await;
    customer.send(twilio_start("CA1", json!(["inbound"]), json!({"call": "c1"}))).await;
    assert_eq!(feed.json().await["call"], "c1");
    let mut agent = phone(&server, "/v1/media/twilio").await;
    let parameters = json!({"call": "c1", "channel": "agent", "agent": "a7", "team": "nord"});
    agent.send(twilio_start("CA2", json!(["inbound"]), parameters)).await;
    let facts = feed.json().await;
    assert_eq!((&facts["type"], &facts["agent"], &facts["team"]), (&json!("call_facts"), &json!("a7"), &json!("nord")));
    for number in 0..50 {
        customer.send(twilio_media("inbound", number * 20, &[0xff; 160])).await;
        agent.send(twilio_media("inbound", number * 20, &[0xff; 160])).await;
    }
    agent.send(json!({"event": "stop"})).await;
    assert_eq!(closed_silently(&mut agent).await.0, 1000);
    assert_eq!(server.metric("ruhepol_calls").await, 1.0, "the customer's leg goes on");
    customer.send(json!({"event": "stop"})).await;
    assert_eq!(closed_silently(&mut customer).await.0, 1000);
    assert_eq!(feed.json_of("call_ended").await["reason"], "stop");
    assert_eq!(server.metric("ruhepol_calls_started_total").await, 1.0);
}

const LISTEN: &str = "/v1/listen?model=nova-3&encoding=linear16&sample_rate=8000&channels=2&multichannel=true&language=de\
    &vad_events=true&utterance_end_ms=1000&interim_results=true";

#[tokio::test(flavor = "multi_thread")]
async fn a_deepgram_client_gets_its_words_back() {
    let (server, workers) = phones_that_hear(|_| {}).await;
    let mut call = phone(&server, LISTEN).await;
    for frame in recorded("late-delivery", 20).chunks(3_200) {
        call.send_audio(frame.to_vec()).await;
    }
    call.send(json!({"type": "KeepAlive"})).await;
    call.send(json!({"type": "CloseStream"})).await;
    let (mut words, mut seen, mut finals_to) = (Vec::new(), Vec::new(), [0.0; 2]);
    let metadata = loop {
        let message = call.json().await;
        seen.push(message["type"].as_str().unwrap().to_owned());
        match message["type"].as_str().unwrap() {
            "Results" => {
                let best = &message["channel"]["alternatives"][0];
                assert_eq!(message["channel_index"][1], 2);
                let index = message["channel_index"][0].as_u64().unwrap() as usize;
                let start = message["start"].as_f64().unwrap();
                assert!(start > finals_to[index] - 0.001, "words that will not change have changed: {message}");
                if message["is_final"] == false {
                    assert_eq!((index, &message["speech_final"]), (0, &json!(false)), "{message}");
                    assert!(!best["words"].as_array().unwrap().is_empty(), "{message}");
                    continue;
                }
                finals_to[index] = start + message["duration"].as_f64().unwrap();
                assert!(message["metadata"]["request_id"].is_string() && message["metadata"]["model_info"].is_object());
                if message["channel_index"][0] == 0 {
                    assert!(message["ruhepol"]["level"].is_u64(), "{message}");
                    words.extend(best["words"].as_array().unwrap().clone());
                } else {
                    assert_eq!(best["transcript"], "", "the agent's words are the agent's alone");
                }
            }
            "Metadata" => break message,
            "SpeechStarted" | "UtteranceEnd" => assert!(message["channel"].is_array()),
            other => panic!("{other}"),
        }
    };
    assert_eq!(call.close_code().await, 1000);
    assert_eq!((&metadata["channels"], &metadata["duration"]), (&json!(2), &json!(20.0)));
    assert!(words.len() > 10, "{words:?}");
    assert!(words.iter().any(|word| word["word"] == "waschmaschine"), "{words:?}");
    assert!(words.iter().all(|word| word["start"].as_f64().unwrap() <= word["end"].as_f64().unwrap()));
    for kind in ["SpeechStarted", "UtteranceEnd", "Results"] {
        assert!(seen.iter().any(|seen| seen == kind), "{kind}: {seen:?}");
    }
    drop(server);
    finish(workers).await;
}

#[tokio::test]
async fn the_door_of_listen() {
    let server = serve(|_| {}).await;
    let token = server.token(Role::Ingest, "i");
    let consenting = "/v1/listen?encoding=mulaw&extra=consent:true";
    for value in [format!("Token {token}"), format!("Bearer {token}"), format!("token {token}")] {
        assert!(connect(&server, consenting, &[("authorization", &value)]).await.is_ok());
    }
    let offered = format!("token, {token}");
    let (_, agreed) = connect(&server, consenting, &[("sec-websocket-protocol", &offered)]).await.unwrap();
    assert_eq!(agreed.as_deref(), Some("token"));
    for headers in [vec![], vec![("authorization", "Token wrong")]] {
        let (status, body) = connect(&server, consenting, &headers).await.err().unwrap();
        assert_eq!(status, 401);
        assert!(body.contains("INVALID_AUTH") && body.contains("request_id"), "{body}");
    }
    let bearer = format!("Token {token}");
    for query in ["", "?encoding=opus", "?encoding=mulaw&channels=3", "?encoding=linear16&sample_rate=1"] {
        let path = format!("/v1/listen{query}");
        let (status, body) = connect(&server, &path, &[("authorization", &bearer)]).await.err().unwrap();
        assert!(status == 400 && body.contains("err_msg"), "{query}: {status} {body}");
    }
    let mut call = phone(&server, "/v1/listen?encoding=mulaw").await;
    let error = call.json().await;
    assert_eq!((&error["type"], &error["code"]), (&json!("Error"), &json!("consent_required")));
    assert_eq!(call.close_code().await, 1008);
}

#[tokio::test]
async fn a_deepgram_client_that_misbehaves() {
    let server = phones(|_| {}).await;
    let path = "/v1/listen?encoding=mulaw&extra=call:c1";
    let mut call = phone(&server, path).await;
    call.send_audio(vec![0xff; 8_000]).await;
    call.send(json!({"type": "Finalize"})).await;
    let answer = call.json().await;
    assert_eq!(
        (&answer["type"], &answer["from_finalize"]),
        (&json!("Results"), &json!(true)),
        "even if nothing was said"
    );
    call.send(json!({"type": "Dance"})).await;
    assert_eq!(call.json().await["type"], "Error");
    assert_eq!(call.close_code().await, 1008);

    let mut again = phone(&server, path).await;
    again.stream.send(Message::binary(Vec::new())).await.unwrap();
    assert_eq!(again.json().await["type"], "Metadata", "an empty frame ends the stream");
    assert_eq!(again.close_code().await, 1000);
    let (_, events) = server.get("/v1/calls/c1/events", Some(&server.token(Role::Supervisor, "s"))).await;
    assert!(events.contains("call_ended") && events.contains("\"reason\":\"stop\""), "one call: {events}");
}

#[tokio::test]
async fn a_queue_that_becomes_known_late_has_its_own_thresholds() {
    let server = phones(|config| {
        config.alerts.preset = Preset::Calm;
        config.alerts.queues.insert("vip".to_owned(), Preset::Vigilant);
    })
    .await;
    let mut feed = server.feed().await;
    for (late, alerts) in [(None, 0), (Some("other"), 0), (Some("vip"), 1)] {
        let mut call = phone(&server, "/v1/transcripts").await;
        let id = format!("late-{}", late.unwrap_or("never"));
        call.start(json!({"type": "start", "call": id, "channels": ["customer", "agent"], "language": "de"})).await;
        if let Some(queue) = late {
            call.send(json!({"type": "metadata", "queue": queue})).await;
        }
        call.say("customer", 0, 2_000, "Das ist jetzt schon das dritte Mal, dass ich anrufe, das ist unmöglich.").await;
        call.say("agent", 3_000, 5_000, "Das tut mir leid.").await;
        call.say("customer", 6_000, 8_000, "Ich bin wirklich sauer.").await;
        call.stop().await;
        let ended = feed.json_of("call_ended").await;
        assert_eq!((&ended["call"], &ended["summary"]["alerts"]), (&json!(id), &json!(alerts)));
    }
}
