//! One WebSocket with all its limits: sizes, silence, slow peers, orderly goodbyes.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use crate::config::{Config, Media, seconds};
use crate::server::auth::revoked::TokenLife;
use crate::server::fragments::{BadFrame, Counted};
use crate::wire::{ErrorMessage, MAX_BINARY_BYTES, MAX_JSON_BYTES, Refusal, to_json};

/// Read buffer of one socket: thousands may be open, and telephony frames are below 1 KiB.
const READ_BUFFER_BYTES: usize = 8 << 10;

/// After a close frame of ours, what still comes is thrown away so long, so that the peer reads the close code
/// and not a reset connection.
const DRAIN: Duration = Duration::from_secs(2);

/// A pause so long means that the peer has sent all it had on the way.
const DRAIN_PAUSE: Duration = Duration::from_millis(300);

/// Most that is thrown away.
const DRAIN_BYTES: usize = 64 << 20;

/// Patience of one socket.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Silence after which the peer is pinged.
    pub ping: Duration,
    /// Silence after which the peer is given up.
    pub silent: Duration,
    /// How long a peer may take to accept one message of ours.
    pub write: Duration,
}

impl Patience {
    /// With those who bring calls.
    pub fn with_phones(media: &Media) -> Self {
        Self { ping: seconds(media.ping_s), silent: seconds(media.silent_s), write: seconds(media.write_s) }
    }

    /// With those who read feeds.
    pub fn with_readers(config: &Config) -> Self {
        Self { write: seconds(config.feeds.write_s), ..Self::with_phones(&config.media) }
    }
}

/// What came in, or why nothing more will.
#[derive(Debug)]
pub enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// The peer said goodbye in order: nothing can be told to it any more.
    Closed,
    /// The connection broke.
    Gone,
    /// The peer broke a rule; tell it with [`Socket::refuse`].
    Refused(Refusal, &'static str),
}

/// The peer is not there any more, or does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

pub struct Socket {
    stream: WebSocketStream<Counted<TokioIo<Upgraded>>>,
    patience: Patience,
    last_frame: Instant,
    pinged: bool,
    /// How long the token behind it holds; `None`: for ever.
    life: Option<TokenLife>,
    /// Set when a frame too long lies in the way: only raw bytes can be read from then on.
    stuck: bool,
}

impl Socket {
    pub async fn new(upgraded: Upgraded, patience: Patience) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_BINARY_BYTES))
            .max_frame_size(Some(MAX_BINARY_BYTES));
        let stream = Counted::new(TokioIo::new(upgraded));
        let stream = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        Self { stream, patience, last_frame: Instant::now(), pinged: false, life: None, stuck: false }
    }

    /// The same, for as long as a token holds.
    pub fn lasting(self, life: Option<TokenLife>) -> Self {
        Self { life, ..self }
    }

    /// The next message, a goodbye answered. Safe to drop and call again.
    pub async fn receive(&mut self) -> Incoming {
        let incoming = self.next().await;
        if matches!(incoming, Incoming::Closed) {
            self.answer_close().await;
        }
        incoming
    }

    /// The next message; a goodbye still wants its answer ([`answer_close`](Self::answer_close)). Safe to drop and call
    /// again; pings a silent peer and gives up one that stays silent.
    pub async fn next(&mut self) -> Incoming {
        loop {
            let wait = if self.pinged { self.patience.silent } else { self.patience.ping };
            let message = tokio::select! {
                message = tokio::time::timeout_at(self.last_frame + wait, self.stream.next()) => message,
                why = over(&mut self.life) => {
                    // Said once.
                    self.life = None;
                    return Incoming::Refused(Refusal::Unauthorized, why);
                }
            };
            let message = match message {
                Ok(message) => message,
                Err(_) if self.pinged => return Incoming::Refused(Refusal::Silent, "no sign of life for too long"),
                Err(_) => {
                    self.pinged = true;
                    if self.write(Message::Ping(Bytes::new())).await.is_err() {
                        return Incoming::Gone;
                    }
                    continue;
                }
            };
            self.last_frame = Instant::now();
            self.pinged = false;
            match message {
                Some(Ok(Message::Text(text))) if text.len() > MAX_JSON_BYTES => {
                    return Incoming::Refused(Refusal::TooBig, "a JSON message is at most 64 KiB long");
                }
                Some(Ok(Message::Text(text))) => return Incoming::Text(text),
                Some(Ok(Message::Binary(bytes))) => return Incoming::Binary(bytes),
                Some(Ok(Message::Ping(_))) => {
                    // The library queues the pong. A peer that sends pings and reads no pongs would fill our memory.
                    if !matches!(timeout(self.patience.write, self.stream.flush()).await, Ok(Ok(()))) {
                        return Incoming::Gone;
                    }
                }
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) => return Incoming::Closed,
                None => return Incoming::Gone,
                Some(Err(error)) => return self.broken(&error),
            }
        }
    }

    /// Sends a JSON text. A peer that does not take it in time is gone.
    pub async fn send(&mut self, json: impl Into<Utf8Bytes>) -> Result<(), Gone> {
        self.write(Message::Text(json.into())).await
    }

    /// Tells why, then closes with the code that belongs to it.
    pub async fn refuse(self, refusal: Refusal, message: &str) {
        self.fail(refusal, ErrorMessage::new(refusal.code(), message)).await;
    }

    /// As [`refuse`](Self::refuse), with an error message that says more.
    pub async fn fail(mut self, refusal: Refusal, error: ErrorMessage) {
        if self.send(to_json(&error)).await.is_ok() {
            self.close(refusal.close_code(), error.code).await;
        }
    }

    /// Closes, and reads on until the peer has closed, too, or patience ends.
    pub async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from(reason) };
        if self.write(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        let _ = timeout(DRAIN, async {
            let mut replied = false;
            while !self.stuck
                && let Some(Ok(message)) = self.stream.next().await
            {
                replied |= matches!(message, Message::Close(_));
            }
            if !replied {
                self.drain().await;
            }
        })
        .await;
    }

    /// Throws away raw bytes until the peer pauses or closes.
    async fn drain(&mut self) {
        let raw = &mut self.stream.get_mut().inner;
        let mut rest = vec![0; READ_BUFFER_BYTES];
        let mut drained = 0;
        while let Ok(Ok(read @ 1..)) = timeout(DRAIN_PAUSE, raw.read(&mut rest)).await {
            drained += read;
            if drained > DRAIN_BYTES {
                break;
            }
        }
    }

    async fn write(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(self.patience.write, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }

    /// Sends the reply to the peer's close frame, which the library keeps ready until it is flushed; what else the peer
    /// has sent is thrown away, for a connection closed before it is read would be reset, and the reply lost.
    pub async fn answer_close(&mut self) {
        // The library calls a connection that has said all an error.
        let _ = timeout(self.patience.write, self.stream.flush()).await;
        let _ = timeout(DRAIN, async {
            let _ = self.stream.get_mut().inner.shutdown().await;
            self.drain().await;
        })
        .await;
    }

    fn broken(&mut self, error: &Error) -> Incoming {
        match error {
            Error::Capacity(_) => {
                self.stuck = true;
                Incoming::Refused(Refusal::TooBig, "a message is at most 1 MiB long")
            }
            Error::Io(error) => {
                let bad = error.get_ref().and_then(|inner| inner.downcast_ref::<BadFrame>());
                self.stuck |= bad.is_some();
                match bad {
                    Some(BadFrame::TooManyFragments) => {
                        Incoming::Refused(Refusal::TooBig, "a message comes in at most 4096 fragments")
                    }
                    Some(BadFrame::Length) => Incoming::Refused(Refusal::Protocol, "the frame breaks RFC 6455"),
                    None => Incoming::Gone,
                }
            }
            Error::Utf8(_) => Incoming::Refused(Refusal::BadUtf8, "a text frame must be UTF-8"),
            Error::Protocol(tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                Incoming::Gone
            }
            Error::Protocol(_) => {
                self.stuck = true;
                Incoming::Refused(Refusal::Protocol, "the frame breaks RFC 6455")
            }
            _ => Incoming::Gone,
        }
    }
}

async fn over(life: &mut Option<TokenLife>) -> &'static str {
    match life {
        Some(life) => life.over().await,
        None => std::future::pending().await,
    }
}
