//! Webhooks on real sockets: receivers that fail, hang, redirect and recover; what they get, and what they never get.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use ruhepol::config::{Config, Webhook};
use ruhepol::server::auth::Role;

use crate::support::{PATIENCE, TestServer, serve, start};

const SECRET: &str = "a secret shared with the receiver";

/// What the receiver does with one request; without instructions it takes the message.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// Status line and headers.
    Say(&'static str),
    Hang,
    Cut,
}

pub struct Heard {
    /// In small letters, the request line first.
    pub headers: String,
    pub body: String,
    accepted: bool,
}

pub struct Receiver {
    pub address: SocketAddr,
    pub heard: mpsc::Receiver<Heard>,
    script: Arc<Mutex<VecDeque<Answer>>>,
}

impl Receiver {
    pub async fn new(script: &[Answer]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    fn on(listener: TcpListener, script: &[Answer]) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, heard) = mpsc::channel(10_000);
        let script = Arc::new(Mutex::new(script.iter().copied().collect::<VecDeque<_>>()));
        let answers = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, Arc::clone(&answers), sender.clone()));
            }
        });
        Self { address, heard, script }
    }

    async fn next(&mut self) -> Heard {
        let heard = timeout(PATIENCE, self.heard.recv()).await.expect("a message for the receiver").unwrap();
        check_signature(&heard);
        heard
    }

    /// The next message it takes; those it does not are passed over.
    async fn accepted(&mut self) -> Value {
        loop {
            let heard = self.next().await;
            if heard.accepted {
                return serde_json::from_str(&heard.body).unwrap();
            }
        }
    }

    fn webhook(&self, dir: &Path, change: impl FnOnce(&mut Webhook)) -> Webhook {
        webhook(self.address, dir, change)
    }
}

fn webhook(address: SocketAddr, dir: &Path, change: impl FnOnce(&mut Webhook)) -> Webhook {
    let secret = dir.join("webhook-secret");
    std::fs::write(&secret, SECRET).unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let toml = format!("[[webhooks]]\nname = \"lead\"\nurl = \"http://{address}/hook\"\nsecret_file = {secret:?}\n");
    let mut webhook = Config::parse(&toml).unwrap().webhooks.pop().unwrap();
    webhook.timeout_s = 1;
    change(&mut webhook);
    webhook
}

/// Requests of one connection.
async fn take(mut stream: TcpStream, script: Arc<Mutex<VecDeque<Answer>>>, heard: mpsc::Sender<Heard>) {
    let mut read = Vec::new();
    loop {
        let (headers, body) = loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            if let Some((head, rest)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
                if rest.len() >= length {
                    read.drain(..head.len() + 4 + length);
                    break (head, rest[..length].to_owned());
                }
            }
            let mut more = [0; 4096];
            match stream.read(&mut more).await {
                Ok(0) | Err(_) => return,
                Ok(count) => read.extend_from_slice(&more[..count]),
            }
        };
        let answer = script.lock().unwrap().pop_front();
        let _ = heard.try_send(Heard { headers, body, accepted: answer.is_none() });
        let status = match answer {
            None => "204 No Content\r\n",
            Some(Answer::Say(status)) => status,
            Some(Answer::Hang) => {
                tokio::time::sleep(PATIENCE).await;
                return;
            }
            Some(Answer::Cut) => return,
        };
        if stream.write_all(format!("HTTP/1.1 {status}content-length: 0\r\n\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

fn header<'a>(heard: &'a Heard, name: &str) -> &'a str {
    let found = heard.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_else(|| panic!("no {name} in {}", heard.headers))
}

/// As a receiver does that trusts nobody.
fn check_signature(heard: &Heard) {
    // The heads were read in small letters; base64 is not, so the signature is computed and compared alike.
    let (id, timestamp) = (header(heard, "webhook-id"), header(heard, "webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{id}.{timestamp}.{}", heard.body).as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(header(heard, "webhook-signature"), format!("v1,{signature}").to_ascii_lowercase());
    assert_eq!(header(heard, "idempotency-key"), id);
}

/// A call that raises one alert, and personal data in the same breath.
async fn angry_call(server: &TestServer, call: &str) -> crate::support::Client {
    let mut line = server.words_call(call).await;
    let text = "Frechheit! Meine Karte ist die 4539 1488 0343 6467, und ich gehe jetzt zum Anwalt!";
    line.say("customer", 500, 3_000, text).await;
    line
}

async fn ended_call(server: &TestServer, call: &str) {
    let mut line = angry_call(server, call).await;
    line.stop().await;
}

fn sorted(mut types: Vec<String>) -> Vec<String> {
    types.sort();
    types
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_receiver_that_fails_hangs_and_recovers_gets_everything_once_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let script = [Answer::Say("500 Internal Server Error\r\n"), Answer::Hang, Answer::Cut];
    let mut receiver = Receiver::new(&script).await;
    let server = serve(|config| {
        config.server.data_dir = Some(dir.path().to_owned());
        config.webhooks = vec![receiver.webhook(dir.path(), |_| {})];
    })
    .await;
    let mut feed = server.feed().await;
    let mut line = angry_call(&server, "w1").await;
    let alert = feed.json_of("alert").await;
    // While the receiver fails and hangs, calls go on as ever.
    line.say("customer", 4_000, 5_000, "Hallo?").await;
    while feed.json_of("utterance").await["text"] != "Hallo?" {}
    line.stop().await;
    let mut got = Vec::new();
    while ["alert", "call_ended"].iter().any(|kind| !got.iter().any(|body: &Value| body["event"]["type"] == *kind)) {
        got.push(receiver.accepted().await);
    }
    let of_alert = got.iter().find(|body| body["event"]["id"] == alert["id"]).unwrap();
    assert_eq!(of_alert["event"]["seq"], alert["seq"]);
    assert_eq!(
        (&of_alert["queue"], &of_alert["agent"], &of_alert["node"]),
        (&json!("versand"), &json!("a7"), &json!("ruhepol"))
    );
    assert!(of_alert["event"]["quote"].as_str().unwrap().contains("[Karte]"), "{of_alert}");
    assert!(!got.iter().any(|body| body.to_string().contains("4539")), "{got:?}");
    assert!(server.metric("ruhepol_webhook_sent_total{webhook=\"lead\"}").await >= 2.0);
    assert!(server.metric("ruhepol_webhook_failures_total{webhook=\"lead\"}").await >= 3.0);
    let auditor = server.token(Role::Auditor, "dsb");
    let (status, page) = server.get("/v1/webhooks", Some(&auditor)).await;
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!(
        (status, &page["webhooks"][0]["waiting"], &page["webhooks"][0]["failures"]),
        (200, &json!(0), &json!(0))
    );
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_receiver_missed_it_gets_after_a_restart_and_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let configure = |config: &mut Config| {
        config.server.data_dir = Some(dir.path().to_owned());
        config.webhooks = vec![webhook(address, dir.path(), |_| {})];
    };
    // Somebody listens and nobody takes: connections wait in the system's row.
    let server = serve(configure).await;
    ended_call(&server, "w1").await;
    server.end().await;
    let mut receiver = Receiver::on(listener, &[]);
    let server = serve(configure).await;
    let mut seen = Vec::new();
    while !seen.contains(&"call_ended".to_owned()) || !seen.contains(&"alert".to_owned()) {
        let body = receiver.accepted().await;
        assert_eq!(body["event"]["call"], "w1");
        seen.push(body["event"]["type"].as_str().unwrap().to_owned());
    }
    ended_call(&server, "w2").await;
    let mut later = Vec::new();
    while later.len() < 2 {
        let body = receiver.accepted().await;
        if body["event"]["call"] == "w2" {
            later.push(body["event"]["type"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(sorted(later), ["alert", "call_ended"]);
    server.end().await;
    let server = serve(configure).await;
    ended_call(&server, "w3").await;
    assert_eq!(receiver.accepted().await["event"]["call"], "w3", "the third run tells nothing again");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_erased_call_is_sent_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let refuse = [Answer::Say("503 Service Unavailable\r\nretry-after: 2\r\n"); 1];
    let mut receiver = Receiver::new(&refuse).await;
    let server = serve(|config| {
        config.server.data_dir = Some(dir.path().to_owned());
        config.webhooks = vec![receiver.webhook(dir.path(), |_| {})];
    })
    .await;
    ended_call(&server, "gone").await;
    assert!(!receiver.next().await.accepted);
    let supervisor = server.token(Role::Supervisor, "s1");
    let (status, body) = server.request(reqwest::Method::DELETE, "/v1/calls/gone", Some(&supervisor)).await;
    assert_eq!(status, 204, "{body}");
    ended_call(&server, "stays").await;
    for _ in 0..2 {
        assert_eq!(receiver.accepted().await["event"]["call"], "stays");
    }
    let kept = std::fs::read_to_string(dir.path().join("webhooks/lead.json")).unwrap();
    assert!(!kept.contains("gone"), "{kept}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refused_message_is_a_dead_letter_and_redirections_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = Receiver::new(&[]).await;
    let mut receiver = Receiver::new(&[]).await;
    let to = format!("307 Temporary Redirect\r\nlocation: http://{}/hook\r\n", elsewhere.address).leak();
    receiver.script.lock().unwrap().extend([Answer::Say("422 Unprocessable Content\r\n"), Answer::Say(to)]);
    let server = serve(|config| {
        config.server.data_dir = Some(dir.path().to_owned());
        config.webhooks = vec![receiver.webhook(dir.path(), |webhook| {
            webhook.template = Some(r#"{"text":"{{text}}"}"#.to_owned());
            webhook.words = false;
        })];
    })
    .await;
    ended_call(&server, "w1").await;
    let body = receiver.accepted().await;
    assert!(body["text"].as_str().unwrap().starts_with("Gespräch beendet (versand, a7, w1)"), "{body}");
    let admin = server.token(Role::Admin, "root");
    let (_, page) = server.get("/v1/webhooks", Some(&admin)).await;
    let page: Value = serde_json::from_str(&page).unwrap();
    let letter = &page["webhooks"][0]["dead_letters"][0];
    assert_eq!(
        (&letter["call"], &letter["type"], &letter["error"]),
        (&json!("w1"), &json!("alert"), &json!("answered 422"))
    );
    for (role, status) in [(Role::Supervisor, 403), (Role::Ingest, 403), (Role::Agent, 403)] {
        assert_eq!(server.get("/v1/webhooks", Some(&server.token(role, "x"))).await.0, status);
    }
    assert_eq!(server.get("/v1/webhooks", None).await.0, 401);
    assert!(elsewhere.heard.is_empty(), "nobody else hears of it");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_alert_nobody_takes_rises_once_and_goes_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::new(&[]).await;
    let server = serve(|config| {
        config.server.data_dir = Some(dir.path().to_owned());
        config.alerts.unacknowledged_s = 1;
        config.alerts.unacknowledged_queues.insert("ruhig".to_owned(), 0);
        config.webhooks = vec![receiver.webhook(dir.path(), |webhook| webhook.events.truncate(1))];
    })
    .await;
    let mut feed = server.feed().await;
    let mut taken = angry_call(&server, "taken").await;
    let alert = feed.json_of("alert").await;
    feed.send(json!({"type": "ack", "alert": alert["id"]})).await;
    while feed.json_of("alert").await["state"] != "acknowledged" {}
    let mut quiet = server.transcripts().await;
    let mut opening = start("quiet");
    opening["queue"] = json!("ruhig");
    quiet.start(opening).await;
    quiet.say("customer", 500, 3_000, "Frechheit, ich gehe zum Anwalt!").await;
    assert_eq!(feed.json_of("alert").await["call"], "quiet");
    let mut left = angry_call(&server, "left").await;
    let raised = feed.json_of("alert").await;
    let risen = feed.json_of("alert").await;
    assert_eq!(
        (&risen["call"], &risen["state"], &risen["id"]),
        (&json!("left"), &json!("raised_higher"), &raised["id"])
    );
    assert!(risen["unacknowledged_ms"].as_u64().is_some_and(|ms| ms >= 1_000), "{risen}");
    assert!(risen["reason"].as_str().unwrap().starts_with("Seit "), "{risen}");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let supervisor = server.token(Role::Supervisor, "s1");
    let (_, view) = server.get("/v1/calls/left", Some(&supervisor)).await;
    let view: Value = serde_json::from_str(&view).unwrap();
    assert_eq!(view["alert"]["unacknowledged_ms"], risen["unacknowledged_ms"]);
    for line in [&mut taken, &mut quiet, &mut left] {
        line.stop().await;
    }
    for call in ["taken", "quiet", "left"] {
        let (_, page) = server.get(&format!("/v1/calls/{call}/events"), Some(&supervisor)).await;
        let page: Value = serde_json::from_str(&page).unwrap();
        let states: Vec<&Value> = page["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["type"] == "alert")
            .map(|event| &event["state"])
            .collect();
        let expected: &[&str] = match call {
            "taken" => &["raised", "acknowledged"],
            "quiet" => &["raised"],
            _ => &["raised", "raised_higher"],
        };
        assert_eq!(states, expected, "{call}");
    }
    let mut told = Vec::new();
    while told.len() < 5 {
        let body = receiver.accepted().await;
        if body["event"]["unacknowledged_ms"].is_u64() {
            assert_eq!(body["event"]["call"], "left");
        }
        told.push(body["event"]["state"].as_str().unwrap().to_owned());
    }
    assert_eq!(sorted(told), ["acknowledged", "raised", "raised", "raised", "raised_higher"]);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_alert_rises_also_while_the_line_is_lost() {
    let server = serve(|config| {
        config.alerts.unacknowledged_s = 1;
        config.media.grace_s = 600;
    })
    .await;
    let mut feed = server.feed().await;
    let line = angry_call(&server, "gone").await;
    let raised = feed.json_of("alert").await;
    assert_eq!(raised["state"], "raised");
    drop(line);
    let risen = feed.json_of("alert").await;
    assert_eq!((&risen["state"], &risen["id"]), (&json!("raised_higher"), &raised["id"]));
    assert!(risen["unacknowledged_ms"].is_u64(), "{risen}");
    server.end().await;
}
