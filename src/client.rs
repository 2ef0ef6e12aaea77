//! A client of our own server: plays recordings into it and reads its feeds.
//!
//! Used by `send`, `demo`, `watch` and `wer`, and readable as an example for people who connect a phone system.

mod phone;
mod tls;

pub use self::phone::{Proof, Protocol, play_as};
pub use self::tls::Trust;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::rustls;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use crate::call::event::rfc3339;
use crate::fixture::{ControlKind, Fixture};

/// Milliseconds of audio per binary frame, as phone systems send it.
const FRAME_MS: u64 = 20;

/// How long to wait for `ready`, and for `stopped` after the last frame.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A client's end of a WebSocket.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why playing or reading failed. Each says what to look at.
#[derive(Debug, Error)]
pub enum ClientError {
    #[error("\"{url}\" is not an address this client can use: give ws://HOST:PORT{path} or wss://HOST{path}")]
    Address { url: String, path: &'static str },
    #[error("{url} refused the connection ({status}): {remedy}")]
    Refused { url: String, status: u16, remedy: &'static str },
    #[error("cannot reach {url}: {error} (is the server running there? `ruhepol serve` prints its address)")]
    Unreachable { url: String, error: Box<tungstenite::Error> },
    #[error(
        "the certificate of {url} does not hold: {error} (name its authority with --ca FILE, or try without any check \
         with --insecure)"
    )]
    Certificate { url: String, error: Box<tungstenite::Error> },
    #[error("{url} does not speak TLS: {error} (is it ws:// there, or another port?)")]
    NotTls { url: String, error: Box<tungstenite::Error> },
    #[error("{0}")]
    Authorities(String),
    #[error("cannot announce the call at {url}: {error}")]
    Announcement { url: String, error: Box<reqwest::Error> },
    #[error("cannot reach {address}: {error} (is `phones.audiosocket.listen` set there? --audiosocket names it)")]
    Connection { address: String, error: std::io::Error },
    #[error("the server refused call {call}: {message} ({code})")]
    Rejected { call: String, code: String, message: String },
    #[error("the server ended call {call} while it ran: {message} ({code})")]
    Ended { call: String, code: String, message: String },
    #[error("the connection broke: {0}")]
    Broken(Box<tungstenite::Error>),
    #[error("the server closed the connection before it had answered{0}")]
    Closed(String),
    #[error("the server did not answer within {} s", ANSWER_TIMEOUT.as_secs())]
    Silent,
    #[error("this recording cannot be played like that: {0}")]
    Recording(String),
}

/// How to play a recording.
#[derive(Debug, Clone, Default)]
pub struct Playing {
    /// Full address of the media path.
    pub url: String,
    pub token: Option<String>,
    /// 1 is real time, 2 twice as fast; 0 as fast as the server reads.
    pub speed: f64,
    /// Id to give the call.
    pub call: String,
    /// Whose certificates are believed, for `wss://`.
    pub trust: Trust,
    /// Where the server's AudioSocket listens, HOST:PORT; `None`: on the host of `url`, port 9092.
    pub audiosocket: Option<String>,
}

/// What the server said at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Played {
    /// The id the server gave the call.
    pub call: String,
    pub utterances: u64,
    /// How long it took to answer, where the platform counts that.
    pub answers: Answers,
}

/// Times from a message to its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// AudioHook: `open` to `opened`.
    pub opened: Vec<Duration>,
    /// AudioHook: `ping` to `pong`.
    pub pongs: Vec<Duration>,
}

impl Answers {
    pub fn add(&mut self, other: Self) {
        self.opened.extend(other.opened);
        self.pongs.extend(other.pongs);
    }
}

/// The address of `path` on a server given by its address alone; one that has a path already stays as it is.
pub fn address_of(url: &str, path: &str) -> String {
    match url.split_once("://") {
        Some((_, rest)) if rest.trim_end_matches('/').contains('/') => url.to_owned(),
        _ => format!("{}{path}", url.trim_end_matches('/')),
    }
}

/// Opens a WebSocket with a bearer token; `wss://` with a certificate this machine trusts.
///
/// # Errors
/// When the address is not one, nothing listens there, or the handshake is refused.
pub async fn connect(url: &str, path: &'static str, token: Option<&str>) -> Result<Socket, ClientError> {
    connect_to(url, path, token, &Trust::System).await
}

async fn connect_to(url: &str, path: &'static str, token: Option<&str>, trust: &Trust) -> Result<Socket, ClientError> {
    let address = || ClientError::Address { url: url.to_owned(), path };
    let mut request = url.into_client_request().map_err(|_| address())?;
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().map_err(|_| ClientError::Refused {
            url: url.to_owned(),
            status: 401,
            remedy: "the token holds characters no token has; copy it anew",
        })?;
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    open(request, url, path, trust).await
}

/// Opens a WebSocket with a request made ready.
async fn open(
    request: tungstenite::handshake::client::Request,
    url: &str,
    path: &'static str,
    trust: &Trust,
) -> Result<Socket, ClientError> {
    let connector = match url.split_once("://") {
        Some(("ws", _)) => Connector::Plain,
        Some(("wss", _)) => Connector::Rustls(Arc::new(trust.config()?)),
        _ => return Err(ClientError::Address { url: url.to_owned(), path }),
    };
    match connect_async_tls_with_config(request, None, true, Some(connector)).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => {
            let status = response.status().as_u16();
            let remedy = match status {
                401 => {
                    "the token (or the platform's key or signature) is missing, forged or expired; `ruhepol token issue` makes one"
                }
                403 => "this token's role may not use this path; `ruhepol token issue --role …` makes another",
                404 => "there is no such path on that server",
                _ => "see the server's log",
            };
            Err(ClientError::Refused { url: url.to_owned(), status, remedy })
        }
        Err(error) => Err(unreachable(url, error)),
    }
}

/// What a connection that did not come about says of its reason.
fn unreachable(url: &str, error: tungstenite::Error) -> ClientError {
    let url = url.to_owned();
    let tls = match &error {
        tungstenite::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()),
        _ => None,
    };
    match tls {
        Some(rustls::Error::InvalidCertificate(_)) => ClientError::Certificate { url, error: Box::new(error) },
        Some(rustls::Error::InvalidMessage(_)) => ClientError::NotTls { url, error: Box::new(error) },
        _ => ClientError::Unreachable { url, error: Box::new(error) },
    }
}

/// Plays `fixture` and waits until the server has dealt with all of it. `progress` is told the milliseconds played,
/// the first time 0, just before the first frame.
///
/// # Errors
/// When the server cannot be reached, refuses or ends the call, or breaks the connection.
pub async fn play(fixture: &Fixture, playing: &Playing, progress: impl FnMut(u64)) -> Result<Played, ClientError> {
    let mut socket = connect_to(&playing.url, "/v1/media", playing.token.as_deref(), &playing.trust).await?;
    send(&mut socket, Message::text(start_message(fixture, &playing.call).to_string())).await?;
    let ready = answer(&mut socket, &playing.call, "ready").await?;
    let call = ready["call"].as_str().unwrap_or(&playing.call).to_owned();
    let utterances =
        play_on(&mut socket, fixture, &call, playing.speed, progress).await.map_err(|error| match error {
            ClientError::Rejected { call, code, message } => ClientError::Ended { call, code, message },
            error => error,
        })?;
    Ok(Played { call, utterances, ..Played::default() })
}

/// Plays a call the server has taken to its end; how many utterances the server counted.
async fn play_on(
    socket: &mut Socket,
    fixture: &Fixture,
    call: &str,
    speed: f64,
    mut progress: impl FnMut(u64),
) -> Result<u64, ClientError> {
    let recording = &fixture.recording;
    let bytes_per_ms =
        recording.sample_rate as usize / 1000 * recording.channels * recording.encoding.bytes_per_sample();
    let begun = Instant::now();
    progress(0);
    let mut controls = fixture.controls.iter().peekable();
    let mut at_ms = 0;
    for frame in recording.data.chunks(bytes_per_ms * FRAME_MS as usize) {
        while let Some(control) = controls.next_if(|control| control.at_ms <= at_ms) {
            send(socket, Message::text(control_message(&control.kind).to_string())).await?;
        }
        send(socket, Message::binary(frame.to_vec())).await?;
        at_ms += FRAME_MS;
        progress(at_ms);
        if speed > 0.0 {
            let due = begun + Duration::from_secs_f64(at_ms as f64 / 1000.0 / speed);
            watch_until(socket, call, due).await?;
        }
    }
    send(socket, Message::text(r#"{"type":"stop"}"#)).await?;
    let stopped = answer(socket, call, "stopped").await?;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_close() {
            break;
        }
    }
    Ok(stopped["utterances"].as_u64().unwrap_or(0))
}

/// The next JSON message of a feed; `None` when the server has closed it.
///
/// # Errors
/// When the connection breaks.
pub async fn next_json(socket: &mut Socket) -> Result<Option<Value>, ClientError> {
    while let Some(message) = socket.next().await {
        match message.map_err(|error| ClientError::Broken(Box::new(error)))? {
            Message::Text(text) => {
                if let Ok(value) = serde_json::from_str(&text) {
                    return Ok(Some(value));
                }
            }
            Message::Close(_) => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

fn start_message(fixture: &Fixture, call: &str) -> Value {
    let info = &fixture.info;
    let facts = &info.facts;
    let mut start = json!({
        "type": "start",
        "call": call,
        "language": info.lang,
        "encoding": fixture.recording.encoding,
        "sample_rate": fixture.recording.sample_rate,
        "channels": fixture.channels,
        "consent": fixture.consent,
        "metadata": facts.metadata.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>(),
    });
    let optional = [
        ("agent", info.agent.as_ref().map(|v| json!(v))),
        ("queue", info.queue.as_ref().map(|v| json!(v))),
        ("team", info.team.as_ref().map(|v| json!(v))),
        ("customer", facts.customer_name.as_ref().map(|name| json!({ "name": name }))),
        ("wait_s", facts.wait_s.map(|v| json!(v))),
        ("shift_started", facts.shift_started_unix_ms.map(|v| json!(rfc3339(v)))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            start[name] = value;
        }
    }
    start
}

fn control_message(kind: &ControlKind) -> Value {
    match kind {
        ControlKind::Hold => json!({ "type": "hold" }),
        ControlKind::Resume => json!({ "type": "resume" }),
        ControlKind::Consent { given } => json!({ "type": "consent", "given": given }),
        ControlKind::Facts(facts) => {
            let mut message = json!({ "type": "metadata" });
            if let Some(name) = &facts.customer_name {
                message["customer"] = json!({ "name": name });
            }
            if let Some(wait_s) = facts.wait_s {
                message["wait_s"] = json!(wait_s);
            }
            if !facts.metadata.is_empty() {
                message["metadata"] =
                    facts.metadata.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>().into();
            }
            message
        }
    }
}

async fn send(socket: &mut Socket, message: Message) -> Result<(), ClientError> {
    socket.send(message).await.map_err(|error| ClientError::Broken(Box::new(error)))
}

/// Reads what comes in until `due`: pings want their pong, and an error is known at once.
async fn watch_until(socket: &mut Socket, call: &str, due: Instant) -> Result<(), ClientError> {
    loop {
        tokio::select! {
            () = sleep_until(due) => return Ok(()),
            message = next_json(socket) => match message? {
                Some(message) => reject_error(call, &message)?,
                None => return Err(ClientError::Closed(String::new())),
            },
        }
    }
}

/// Waits for the message of the type `wanted`.
async fn answer(socket: &mut Socket, call: &str, wanted: &str) -> Result<Value, ClientError> {
    let wait = async {
        while let Some(message) = next_json(socket).await? {
            reject_error(call, &message)?;
            if message["type"] == wanted {
                return Ok(message);
            }
        }
        Err(ClientError::Closed(format!(" with \"{wanted}\"")))
    };
    tokio::time::timeout(ANSWER_TIMEOUT, wait).await.map_err(|_| ClientError::Silent)?
}

fn reject_error(call: &str, message: &Value) -> Result<(), ClientError> {
    if message["type"] != "error" {
        return Ok(());
    }
    let text = |name: &str| message[name].as_str().unwrap_or("no reason given").to_owned();
    Err(ClientError::Rejected { call: call.to_owned(), code: text("code"), message: text("message") })
}
