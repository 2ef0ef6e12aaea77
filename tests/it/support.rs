//! A server on a free port, and clients that behave or misbehave.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use ruhepol::config::{Config, Consent};
use ruhepol::server::auth::{Claims, Role, Tokens};
use ruhepol::server::{self, Parts, Stop};
use ruhepol::setup;
use ruhepol::stt::SpeechQueue;

/// No answer for so long is a failure of the test, on any machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running server. Stops when dropped.
pub struct TestServer {
    pub address: SocketAddr,
    pub tokens: Tokens,
    pub stop: Stop,
    pub task: JoinHandle<std::io::Result<()>>,
}

/// A server that transcribes nothing: words come on `/v1/transcripts`.
pub async fn serve(change: impl FnOnce(&mut Config)) -> TestServer {
    serve_with(change, None).await
}

/// A server with a speech queue of the test's own.
pub async fn serve_with(change: impl FnOnce(&mut Config), speech: Option<SpeechQueue>) -> TestServer {
    serve_all(Tokens::new(b"a secret for tests, and only for tests"), change, speech).await
}

/// A server with tokens of the test's own.
pub async fn serve_as(tokens: Tokens, change: impl FnOnce(&mut Config)) -> TestServer {
    serve_all(tokens, change, None).await
}

async fn serve_all(tokens: Tokens, change: impl FnOnce(&mut Config), speech: Option<SpeechQueue>) -> TestServer {
    let mut config = Config::default();
    config.server.drain_s = 2;
    config.consent.media = Consent::Elsewhere;
    config.consent.transcripts = Consent::Elsewhere;
    change(&mut config);
    config.validate().unwrap();
    let (_, rules) = tokio::sync::watch::channel(setup::rules(&config).unwrap());
    let call_settings = setup::call_settings(&config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, shutdown) = server::shutdown();
    let parts = Parts { config, tokens: tokens.clone(), rules, call_settings, speech };
    let task = tokio::spawn(server::run(listener, parts, shutdown));
    TestServer { address, tokens, stop, task }
}

impl TestServer {
    /// Stops it in order, and waits until it is down.
    pub async fn end(self) {
        self.stop.drain();
        self.stop.end();
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }

    pub fn token(&self, role: Role, sub: &str) -> String {
        self.token_of(
            Claims { sub: sub.to_owned(), role, teams: Vec::new(), queues: Vec::new(), iat: 0, exp: 0, jti: None },
            3_600,
        )
    }

    pub fn token_of(&self, claims: Claims, ttl_s: u64) -> String {
        self.tokens.issue(now_s(), ttl_s, claims)
    }

    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// A socket, or the HTTP status of the refusal.
    pub async fn try_connect(&self, path: &str, token: Option<&str>) -> Result<Client, u16> {
        let mut request = self.url(path).into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        match timeout(PATIENCE, connect_async(request)).await.unwrap() {
            Ok((stream, _)) => Ok(Client { stream }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    pub async fn connect(&self, path: &str, role: Role, sub: &str) -> Client {
        self.try_connect(path, Some(&self.token(role, sub))).await.unwrap()
    }

    pub async fn media(&self) -> Client {
        self.connect("/v1/media", Role::Ingest, "pbx").await
    }

    pub async fn transcripts(&self) -> Client {
        self.connect("/v1/transcripts", Role::Ingest, "pbx").await
    }

    /// A call with sound that has begun, as [`start`] says.
    pub async fn media_call(&self, call: &str) -> Client {
        let mut client = self.media().await;
        client.start(start(call)).await;
        client
    }

    /// A call with words that has begun, as [`start`] says.
    pub async fn words_call(&self, call: &str) -> Client {
        let mut client = self.transcripts().await;
        client.start(start(call)).await;
        client
    }

    /// A supervisor's feed, its first snapshot read.
    pub async fn feed(&self) -> Client {
        let mut feed = self.connect("/v1/feed/supervisor", Role::Supervisor, "s1").await;
        assert_eq!(feed.json().await["type"], "snapshot");
        feed
    }

    /// Status and body of a GET.
    pub async fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        self.request(reqwest::Method::GET, path, token).await
    }

    pub async fn request(&self, method: reqwest::Method, path: &str, token: Option<&str>) -> (u16, String) {
        let mut request = reqwest::Client::new().request(method, format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The value of a line of the metrics page.
    pub async fn metric(&self, name: &str) -> f64 {
        let (_, page) = self.get("/metrics", None).await;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }
}

/// A client's end of a socket.
pub struct Client {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub async fn send(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn send_audio(&mut self, bytes: Vec<u8>) {
        self.stream.send(Message::binary(bytes)).await.unwrap();
    }

    /// The next message, which must be JSON.
    pub async fn json(&mut self) -> Value {
        let message = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("no JSON message but {other:?}"),
                }
            }
        };
        timeout(PATIENCE, message).await.expect("a message")
    }

    /// The next message of this type; others are passed over.
    pub async fn json_of(&mut self, kind: &str) -> Value {
        let message = async {
            loop {
                let message = self.json().await;
                if message["type"] == kind {
                    return message;
                }
            }
        };
        timeout(PATIENCE, message).await.unwrap_or_else(|_| panic!("no {kind}"))
    }

    /// The close code; messages before it are passed over.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("a close frame") {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(Message::Close(None))) => return 1005,
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?}"),
            }
        }
    }

    /// Code of the error message and of the close frame after it.
    pub async fn refused(&mut self) -> (String, u16) {
        let error = self.json().await;
        assert_eq!(error["type"], "error", "{error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        (error["code"].as_str().unwrap().to_owned(), self.close_code().await)
    }

    /// Starts a call and returns `ready`.
    pub async fn start(&mut self, message: Value) -> Value {
        self.send(message).await;
        let ready = self.json().await;
        assert_eq!(ready["type"], "ready", "{ready}");
        ready
    }

    /// Says stop and returns `stopped`, after which the server closes with 1000.
    pub async fn stop(&mut self) -> Value {
        self.send(json!({"type": "stop"})).await;
        let stopped = self.json().await;
        assert_eq!(stopped["type"], "stopped", "{stopped}");
        assert_eq!(self.close_code().await, 1000);
        stopped
    }

    pub async fn say(&mut self, channel: &str, start_ms: u64, end_ms: u64, text: &str) {
        self.send(
            json!({"type": "utterance", "channel": channel, "start_ms": start_ms, "end_ms": end_ms, "text": text}),
        )
        .await;
    }
}

/// The `start` of a call with two channels of 16 kHz PCM.
pub fn start(call: &str) -> Value {
    start_of(call, &["customer", "agent"])
}

pub fn start_of(call: &str, channels: &[&str]) -> Value {
    json!({"type": "start", "call": call, "agent": "a7", "queue": "versand", "team": "nord", "language": "de",
        "encoding": "pcm_s16le", "sample_rate": 16000, "channels": channels})
}

/// Silence of one channel of 16 kHz PCM; of two channels, half as long.
pub fn silence(ms: usize) -> Vec<u8> {
    vec![0; ms * 32]
}

pub fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
