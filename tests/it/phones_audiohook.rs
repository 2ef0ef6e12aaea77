//! Genesys AudioHook over real sockets: the door with its signatures, sessions, and what breaks them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ruhepol::call::AgentChannel;
use ruhepol::config::Config;
use ruhepol::server::auth::Role;
use ruhepol::wire::{httpsig, sign};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::phones::{connect, finish, phone, phones, phones_that_hear, recorded};
use crate::support::{Client, TestServer, now_s, serve};

const PATH: &str = "/v1/media/audiohook";
const KEY: &str = "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh";
const SECRET: &str = "TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=";
const ORGANIZATION: &str = "d7934305-0972-4844-938e-9060eef73d05";
const SESSION: &str = "30b0e395-84d3-4570-ac13-9a62d8f514c0";
const CORRELATION: &str = "e160e428-53e2-487c-977d-96989bf5c99d";
const NO_ONE: &str = "00000000-0000-0000-0000-000000000000";

/// A client that numbers its messages and checks ours.
struct Hook {
    client: Client,
    seq: u64,
    server_seq: u64,
}

impl Hook {
    async fn connect(server: &TestServer) -> Self {
        Self { client: phone(server, PATH).await, seq: 0, server_seq: 0 }
    }

    async fn say(&mut self, kind: &str, parameters: Value) {
        self.seq += 1;
        let message = json!({"version": "2", "id": SESSION, "type": kind, "seq": self.seq,
            "serverseq": self.server_seq, "position": "PT0S", "parameters": parameters});
        self.client.send(message).await;
    }

    async fn hear(&mut self) -> Value {
        let message = self.client.json().await;
        self.server_seq += 1;
        assert_eq!((&message["version"], &message["id"]), (&json!("2"), &json!(SESSION)));
        assert_eq!(message["seq"], self.server_seq, "{message}");
        assert!(message["clientseq"].as_u64().unwrap() <= self.seq, "{message}");
        message
    }

    async fn hear_of(&mut self, kind: &str) -> Value {
        let message = self.hear().await;
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    async fn open(&mut self, conversation: &str) -> Value {
        self.say("open", open(conversation)).await;
        self.hear_of("opened").await
    }

    /// `close`, `closed`, and the socket closed with 1000.
    async fn close(&mut self) {
        self.say("close", json!({"reason": "end"})).await;
        while self.hear().await["type"] != "closed" {}
        assert_eq!(self.client.close_code().await, 1000);
    }
}

fn open(conversation: &str) -> Value {
    let media = |channels: Value| json!({"type": "audio", "format": "PCMU", "channels": channels, "rate": 8000});
    let offers = [media(json!(["external", "internal"])), media(json!(["external"])), media(json!(["internal"]))];
    json!({"organizationId": ORGANIZATION, "conversationId": conversation,
        "participant": {"id": CORRELATION, "ani": "+49", "aniName": "Keller", "dnis": "+800"}, "media": offers,
        "language": "de-DE", "customConfig": {"consent": true, "agent": "a7", "queue": "versand"}})
}

fn conversation(number: usize) -> String {
    format!("11111111-2222-4333-8444-{number:012}")
}

fn keys_file(dir: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = dir.path().join("keys.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn with_keys(dir: &tempfile::TempDir, text: &str) -> impl FnOnce(&mut Config) {
    let path = keys_file(dir, text);
    move |config: &mut Config| config.phones.audiohook.keys_file = Some(path)
}

/// Headers of a request as the platform signs it.
fn signed(authority: &str, secret: &str, nonce: &str, created_s: u64) -> Vec<(&'static str, String)> {
    let value = |name: &str| {
        let value = match name {
            "@request-target" => PATH,
            "@authority" => authority,
            "audiohook-organization-id" => ORGANIZATION,
            "audiohook-session-id" => SESSION,
            "audiohook-correlation-id" => CORRELATION,
            "x-api-key" => KEY,
            _ => return None,
        };
        Some(value.to_owned())
    };
    let secret = sign::from_base64(secret).unwrap();
    let (input, signature) = httpsig::sign(&secret, KEY, nonce, created_s, created_s + 10, value).unwrap();
    vec![
        ("audiohook-organization-id", ORGANIZATION.to_owned()),
        ("audiohook-session-id", SESSION.to_owned()),
        ("audiohook-correlation-id", CORRELATION.to_owned()),
        ("x-api-key", KEY.to_owned()),
        ("signature-input", input),
        ("signature", signature),
    ]
}

async fn try_signed(server: &TestServer, headers: &[(&'static str, String)]) -> Result<Client, u16> {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    connect(server, PATH, &headers).await.map(|(client, _)| client).map_err(|(status, _)| status)
}

#[tokio::test]
async fn a_session_with_all_its_messages() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut hook = Hook::connect(&server).await;
    let opened = hook.open(&conversation(1)).await;
    assert_eq!(opened["parameters"]["media"], json!([open("")["media"][0]]), "one offer, exactly as offered");
    for _ in 0..10 {
        hook.client.send_audio(vec![0xff; 3_200]).await;
    }
    hook.say("ping", json!({})).await;
    assert_eq!(hook.hear_of("pong").await["clientseq"], 2);
    hook.say("ping", json!({"rtt": "PT0.05S"})).await;
    hook.hear_of("pong").await;
    hook.say("paused", json!({})).await;
    hook.say("resumed", json!({"start": "PT2S", "discarded": "PT3S"})).await;
    hook.client.send_audio(vec![0xff; 3_200]).await;
    hook.say("discarded", json!({"start": "PT5.2S", "discarded": "PT1.8S"})).await;
    hook.client.send_audio(vec![0xff; 1_601]).await;
    hook.say("update", json!({"language": "en-GB"})).await;
    hook.hear_of("updated").await;
    hook.close().await;
    let started = feed.json().await;
    assert_eq!((&started["call"], &started["agent"]), (&json!(conversation(1)), &json!("a7")));
    assert_eq!(feed.json_of("hold").await["t_ms"], 2_000);
    assert_eq!(feed.json_of("resumed").await["t_ms"], 5_000);
    let gap = feed.json_of("gap").await;
    assert_eq!((&gap["start_ms"], &gap["duration_ms"]), (&json!(5_200), &json!(1_800)));
    assert_eq!(feed.json_of("call_facts").await["language"], "en");
    let ended = feed.json_of("call_ended").await;
    assert_eq!((&ended["reason"], &ended["summary"]["duration_ms"]), (&json!("stop"), &json!(7_100)));
}

#[tokio::test]
async fn the_agents_voice_stays_away_when_it_is_off() {
    let server = phones(|config| config.agent.channel = AgentChannel::Off).await;
    let mut hook = Hook::connect(&server).await;
    let opened = hook.open(&conversation(1)).await;
    assert_eq!(opened["parameters"]["media"][0]["channels"], json!(["external"]));
    hook.client.send_audio(vec![0xff; 1_600]).await;
    hook.close().await;
}

#[tokio::test]
async fn a_probe_leaves_no_trace() {
    let server = serve(|_| {}).await;
    let mut hook = Hook::connect(&server).await;
    let mut probe = open(NO_ONE);
    probe["participant"]["id"] = json!(NO_ONE);
    probe["customConfig"] = Value::Null;
    hook.say("open", probe).await;
    hook.hear_of("opened").await;
    hook.client.send_audio(Vec::new()).await;
    hook.say("ping", json!({})).await;
    hook.hear_of("pong").await;
    hook.close().await;
    assert_eq!(server.metric("ruhepol_calls_started_total").await, 0.0);
}

#[tokio::test]
async fn signatures_open_the_door_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(with_keys(&dir, &format!("\"{KEY}\" = \"{SECRET}\"\n\"open\" = \"\"\n"))).await;
    let authority = server.address.to_string();
    let good = signed(&authority, SECRET, "a nonce of enough characters", now_s());
    assert!(try_signed(&server, &good).await.is_ok());
    let mut refused = vec![good.clone()];
    refused.push(signed(&authority, "b3RoZXI=", "another nonce, long enough", now_s()));
    refused.push(signed("evil.example.com", SECRET, "a third nonce, long enough", now_s()));
    refused.push(signed(&authority, SECRET, "a fourth nonce, long enough", now_s() - 60));
    refused.push(signed(&authority, SECRET, "a fifth nonce, long enough", now_s() + 60));
    refused.push(signed(&authority, SECRET, "short", now_s()));
    refused.push(vec![("x-api-key", KEY.to_owned())]);
    refused.push(vec![("x-api-key", "unknown".to_owned())]);
    refused.push(Vec::new());
    for headers in refused {
        let begun = Instant::now();
        assert_eq!(try_signed(&server, &headers).await.err(), Some(401), "{headers:?}");
        assert!(begun.elapsed() >= Duration::from_millis(500), "no refusal is quicker than another");
    }
    assert!(try_signed(&server, &[("x-api-key", "open".to_owned())]).await.is_ok(), "a key without a secret");
    let agent = format!("Bearer {}", server.token(Role::Agent, "a7"));
    assert_eq!(try_signed(&server, &[("authorization", agent)]).await.err(), Some(403));
}

#[tokio::test]
async fn the_session_belongs_to_its_headers() {
    let dir = tempfile::tempdir().unwrap();
    let server = phones(with_keys(&dir, &format!("\"{KEY}\" = \"{SECRET}\"\n"))).await;
    let authority = server.address.to_string();
    let headers = signed(&authority, SECRET, "a nonce of enough characters", now_s());
    let mut hook = Hook { client: try_signed(&server, &headers).await.unwrap(), seq: 0, server_seq: 0 };
    let mut other = open(&conversation(1));
    other["organizationId"] = json!(CORRELATION);
    hook.say("open", other).await;
    let message = hook.hear_of("disconnect").await;
    assert_eq!(message["parameters"]["reason"], "error");
    assert!(message["parameters"]["info"].as_str().unwrap().contains("organizationId"));
    hook.say("close", json!({"reason": "disconnect"})).await;
    hook.hear_of("closed").await;
}

#[tokio::test]
async fn what_breaks_the_protocol_is_answered_with_disconnect() {
    let server = phones(|_| {}).await;
    let wrong = |change: fn(&mut Value)| {
        let mut message = json!({"version": "2", "id": SESSION, "type": "ping", "seq": 2, "serverseq": 1,
            "position": "PT0S", "parameters": {}});
        change(&mut message);
        message
    };
    let cases = [
        wrong(|message| message["version"] = json!("3")),
        wrong(|message| message["seq"] = json!(3)),
        wrong(|message| message["serverseq"] = json!(2)),
        wrong(|message| message["id"] = json!(CORRELATION)),
        wrong(|message| message["position"] = json!(0)),
        wrong(|message| message["type"] = json!("open")),
        json!([]),
    ];
    for (number, message) in cases.into_iter().enumerate() {
        let mut hook = Hook::connect(&server).await;
        hook.open(&conversation(number)).await;
        hook.client.send(message.clone()).await;
        hook.seq = 2;
        assert_eq!(hook.hear_of("disconnect").await["parameters"]["reason"], "error", "{message}");
        hook.say("close", json!({"reason": "disconnect"})).await;
        hook.hear_of("closed").await;
        assert_eq!(hook.client.close_code().await, 1000);
    }
    let mut early = Hook::connect(&server).await;
    early.client.send_audio(vec![0xff; 1_600]).await;
    assert_eq!(early.client.json().await["type"], "disconnect", "audio before open");
    let mut big = Hook::connect(&server).await;
    big.open(&conversation(99)).await;
    big.say("error", json!({"code": 413, "message": "x".repeat(70_000)})).await;
    big.hear_of("disconnect").await;
    assert_eq!(big.client.close_code().await, 1009);
}

#[tokio::test]
async fn a_busy_server_and_a_call_without_consent_say_so() {
    let server = serve(|config| config.limits.calls = 1).await;
    let mut first = Hook::connect(&server).await;
    first.open(&conversation(1)).await;
    let mut second = Hook::connect(&server).await;
    second.say("open", open(&conversation(2))).await;
    let message = second.hear_of("disconnect").await;
    assert!(message["parameters"]["info"].as_str().unwrap().contains("busy"), "{message}");
    let mut third = Hook::connect(&server).await;
    let mut without = open(&conversation(3));
    without["customConfig"] = json!({});
    third.say("open", without).await;
    let message = third.hear_of("disconnect").await;
    assert!(message["parameters"]["info"].as_str().unwrap().contains("consent_required"), "{message}");
    first.close().await;
}

#[tokio::test]
async fn a_client_that_never_closes_after_disconnect_is_closed() {
    let server = phones(|_| {}).await;
    let mut hook = Hook::connect(&server).await;
    hook.open(&conversation(1)).await;
    hook.client.send(json!({"no": "sense"})).await;
    hook.hear_of("disconnect").await;
    assert_eq!(hook.client.close_code().await, 1008);
}

#[tokio::test]
async fn a_session_that_reconnects_continues_its_call() {
    let server = phones(|_| {}).await;
    let mut feed = server.feed().await;
    let mut hook = Hook::connect(&server).await;
    hook.open(&conversation(1)).await;
    for _ in 0..5 {
        hook.client.send_audio(vec![0xff; 3_200]).await;
    }
    hook.say("close", json!({"reason": "reconnect"})).await;
    hook.hear_of("closed").await;
    assert_eq!(hook.client.close_code().await, 1000);
    sleep(Duration::from_millis(200)).await;
    let mut again = Hook::connect(&server).await;
    let mut parameters = open(&conversation(1));
    parameters["continuedSessions"] = json!([{"id": SESSION, "serverseq": 2, "clientseq": 2}]);
    again.say("open", parameters).await;
    again.hear_of("opened").await;
    again.close().await;
    let gap = feed.json_of("gap").await;
    assert_eq!(gap["start_ms"], 1_000, "what was missed is an event");
    assert_eq!(feed.json_of("call_ended").await["seq"], 3, "one call, one log");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_go_back_and_answers_stay_quick_under_load() {
    let (server, workers) = phones_that_hear(|config| {
        config.phones.audiohook.transcripts = true;
        config.phones.audiohook.suggestions = true;
    })
    .await;
    let mulaw: Vec<u8> = recorded("late-delivery", 20)
        .chunks_exact(2)
        .map(|sample| audio_codec_algorithms::encode_ulaw(i16::from_le_bytes([sample[0], sample[1]])))
        .collect();
    let mut hooks = Vec::new();
    for number in 0..6 {
        let mut hook = Hook::connect(&server).await;
        hook.open(&conversation(number)).await;
        hooks.push(hook);
    }
    let mut slowest = Duration::ZERO;
    for frame in mulaw.chunks(3_200) {
        for hook in &mut hooks {
            hook.client.send_audio(frame.to_vec()).await;
        }
    }
    for hook in &mut hooks {
        let begun = Instant::now();
        hook.say("ping", json!({})).await;
        while hook.hear().await["type"] != "pong" {}
        slowest = slowest.max(begun.elapsed());
    }
    println!("slowest pong while six recordings are read: {slowest:?}");
    let mut transcripts = 0;
    for hook in &mut hooks {
        hook.say("close", json!({"reason": "end"})).await;
        loop {
            let message = hook.hear().await;
            match message["type"].as_str().unwrap() {
                "event" => {
                    let entities = message["parameters"]["entities"].as_array().unwrap();
                    assert!(!entities.is_empty());
                    transcripts += entities.iter().filter(|entity| entity["type"] == "transcript").count();
                }
                "closed" => break,
                other => panic!("{other}"),
            }
        }
        assert_eq!(hook.client.close_code().await, 1000);
    }
    assert!(transcripts > 0);
    drop(server);
    finish(workers).await;
}
