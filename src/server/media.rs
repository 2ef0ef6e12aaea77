//! Sockets that bring calls: native audio, and utterances of those who transcribe themselves.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{info, warn};

use crate::audio::Decoder;
use crate::call::event::parse_rfc3339;
use crate::call::{self, CallInfo};
use crate::config::{Consent, seconds};
use crate::server::App;
use crate::server::auth::Claims;
use crate::server::calls::{Entry, SocketId};
use crate::server::http::token_left;
use crate::server::session::{self, Attach, MediaInput, ToSocket};
use crate::server::socket::{Incoming, Socket};
use crate::terms::Channel;
use crate::wire::native::{Facts, MediaMessage, Opening, Ready, Stopped};
use crate::wire::transcripts::TranscriptMessage;
use crate::wire::{BadMessage, ErrorMessage, Refusal, to_json};

/// Audio is decoded and handed over in slices of this many bytes, so that one large frame neither holds up the
/// other sockets nor fills a call's queue.
const SLICE_BYTES: usize = 16 << 10;

/// Which messages a socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Native,
    Transcripts,
}

impl Dialect {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "media",
            Self::Transcripts => "transcripts",
        }
    }
}

/// Why a socket is given up: what to tell it.
type Reason = (Refusal, String);

/// One socket from its first message to its last.
pub(super) async fn serve(app: &Arc<App>, mut socket: Socket, claims: &Claims, dialect: Dialect) {
    let expires = Instant::now() + token_left(claims);
    let started = tokio::select! {
        started = first_message(app, &mut socket, dialect) => started,
        () = sleep_until(expires) => Err(Some(token_ran_out())),
        () = app.closed() => Err(Some(shutting_down())),
    };
    let (opening, decoder) = match started {
        Ok(started) => started,
        Err(reason) => return refuse(app, socket, reason).await,
    };
    let mut stream = match enter(app, opening, decoder, dialect).await {
        Ok(stream) => stream,
        Err(reason) => return refuse(app, socket, Some(reason)).await,
    };
    if socket.send(to_json(&stream.ready)).await.is_err() {
        return stream.lose().await;
    }
    let end = stream.run(app, &mut socket, expires).await;
    match end {
        End::Stopped { utterances } => {
            let call = &stream.entry.call;
            if socket.send(to_json(&Stopped::new(call, utterances))).await.is_ok() {
                socket.close(1000, "").await;
            }
        }
        End::Refused(reason) => {
            stream.lose().await;
            refuse(app, socket, reason).await;
        }
    }
}

/// Waits for `start`; `None` if the peer has gone.
async fn first_message(
    app: &App,
    socket: &mut Socket,
    dialect: Dialect,
) -> Result<(Opening, Option<Decoder>), Option<Reason>> {
    let patience = seconds(app.config.limits.start_s);
    let Ok(incoming) = timeout(patience, socket.receive()).await else {
        return Err(Some((Refusal::BadMessage, "no start message came in time".to_owned())));
    };
    let text = match incoming {
        Incoming::Text(text) => text,
        Incoming::Binary(_) => {
            let message = "the first message must be the JSON message start, not audio".to_owned();
            return Err(Some((Refusal::UnexpectedBinary, message)));
        }
        Incoming::Refused(refusal, message) => return Err(Some((refusal, message.to_owned()))),
        Incoming::Gone => return Err(None),
    };
    let not_start = || BadMessage("the first message must be start".to_owned());
    let started = match dialect {
        Dialect::Native => MediaMessage::parse(&text).and_then(|message| match message {
            MediaMessage::Start(start) => {
                let channels = start.opening.channels.len();
                let decoder = Decoder::new(start.encoding, start.sample_rate, channels);
                Ok((start.opening, Some(decoder.map_err(|error| BadMessage(error.to_string()))?)))
            }
            _ => Err(not_start()),
        }),
        Dialect::Transcripts => TranscriptMessage::parse(&text).and_then(|message| match message {
            TranscriptMessage::Start(opening) => Ok((*opening, None)),
            _ => Err(not_start()),
        }),
    };
    started.map_err(|error| Some((Refusal::BadMessage, error.0)))
}

/// Finds or makes the call and takes a place in it.
async fn enter(app: &Arc<App>, opening: Opening, decoder: Option<Decoder>, dialect: Dialect) -> Result<Stream, Reason> {
    check(app, &opening, dialect)?;
    let Opening { call, channels, language, facts, .. } = opening;
    let lang = language.unwrap_or(app.config.speech.language);
    // A call may end between the reservation and the arrival; then the id is free for a new one.
    for _ in 0..3 {
        let reserved = app.calls.reserve(&call, &channels).map_err(|refusal| (refusal, refused(refusal, &call)))?;
        let is_new = reserved.new.is_some();
        if let Some(mailboxes) = reserved.new {
            let info = CallInfo {
                call: reserved.entry.call.clone(),
                agent: facts.agent.clone(),
                queue: facts.queue.clone(),
                team: facts.team.clone(),
                lang,
                facts: call_facts(&facts),
                ..CallInfo::default()
            };
            session::spawn(Arc::clone(app), info, mailboxes);
        }
        // Room for the one message a call ever sends to a socket.
        let (outbox, inbox) = mpsc::channel(1);
        let (ready, readied) = oneshot::channel();
        let socket = reserved.socket;
        let attach = Attach { socket, channels: channels.clone(), resumed: reserved.resumed, outbox, ready };
        let sent = reserved.entry.media.send(MediaInput::Attach(attach)).await;
        if sent.is_ok()
            && let Ok(t_ms) = readied.await
        {
            let call = &reserved.entry.call;
            if !is_new {
                let _ = reserved.entry.media.send(MediaInput::Facts(call_facts(&facts))).await;
            }
            info!(call = %call, path = dialect.name(), resumed = reserved.resumed, "stream started");
            let ready = if reserved.resumed { Ready::resumed(call, t_ms) } else { Ready::new(call) };
            return Ok(Stream { entry: reserved.entry, socket, channels, decoder, inbox, ready, stopped: false });
        }
        app.calls.release(&reserved.entry.call, socket, false);
    }
    Err((Refusal::Busy, "the call is just ending; try again".to_owned()))
}

fn check(app: &App, opening: &Opening, dialect: Dialect) -> Result<(), Reason> {
    let required = match dialect {
        Dialect::Native => app.config.consent.media,
        Dialect::Transcripts => app.config.consent.transcripts,
    };
    if opening.consent == Some(false) || (required == Consent::Required && opening.consent.is_none()) {
        let message = "the customer's consent is needed: send \"consent\":true in start, \
                       or configure this path as \"elsewhere\" if it is obtained before";
        return Err((Refusal::ConsentRequired, message.to_owned()));
    }
    if opening.channels.contains(&Channel::Mixed) && !app.config.media.allow_mixed {
        let message = "a channel with both parties on it is not accepted here; \
                       send customer and agent apart, or set `media.allow_mixed`";
        return Err((Refusal::BadMessage, message.to_owned()));
    }
    Ok(())
}

/// A socket with its place in a call.
struct Stream {
    entry: Entry,
    socket: SocketId,
    channels: Vec<Channel>,
    /// `None` on sockets that bring utterances.
    decoder: Option<Decoder>,
    inbox: mpsc::Receiver<ToSocket>,
    ready: Ready,
    /// `stop` was said.
    stopped: bool,
}

/// How a stream ended.
enum End {
    Stopped {
        utterances: u64,
    },
    /// `None`: the peer has gone.
    Refused(Option<Reason>),
}

/// What a loop turn found.
enum Turn {
    Message(Incoming),
    FromCall(Option<ToSocket>),
    TokenRanOut,
    Idle,
    Closed,
}

impl Stream {
    async fn run(&mut self, app: &App, socket: &mut Socket, expires: Instant) -> End {
        let idle = seconds(app.config.media.idle_s);
        loop {
            let turn = tokio::select! {
                incoming = socket.receive() => Turn::Message(incoming),
                message = self.inbox.recv() => Turn::FromCall(message),
                () = sleep_until(expires) => Turn::TokenRanOut,
                () = sleep(idle) => Turn::Idle,
                () = app.closed() => Turn::Closed,
            };
            let result = match turn {
                Turn::Message(Incoming::Text(text)) => self.text(&text).await,
                Turn::Message(Incoming::Binary(bytes)) => self.binary(&bytes).await,
                Turn::Message(Incoming::Refused(refusal, message)) => Err((refusal, message.to_owned())),
                Turn::Message(Incoming::Gone) => return End::Refused(None),
                Turn::FromCall(Some(ToSocket::Stopped { utterances })) => {
                    self.stopped = true;
                    return End::Stopped { utterances };
                }
                Turn::FromCall(Some(ToSocket::ShuttingDown)) | Turn::Closed => Err(shutting_down()),
                Turn::FromCall(None) => Err((Refusal::Fault, "a fault of ours ended this call".to_owned())),
                Turn::TokenRanOut => Err(token_ran_out()),
                Turn::Idle => Err((Refusal::Silent, "neither audio nor a message for too long".to_owned())),
            };
            if let Err(reason) = result {
                return End::Refused(Some(reason));
            }
        }
    }

    async fn binary(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        if self.stopped {
            return Ok(());
        }
        let Some(decoder) = &mut self.decoder else {
            return Err((Refusal::UnexpectedBinary, "this path takes JSON messages only".to_owned()));
        };
        for slice in bytes.chunks(SLICE_BYTES) {
            let mut lanes = vec![Vec::new(); self.channels.len()];
            decoder.push(slice, &mut lanes);
            let lanes = named(&self.channels, lanes);
            tell(&self.entry, MediaInput::Audio { socket: self.socket, lanes }).await;
        }
        Ok(())
    }

    async fn text(&mut self, text: &str) -> Result<(), Reason> {
        if self.stopped {
            return Ok(());
        }
        let bad = |message: String| (Refusal::BadMessage, message);
        let second_start = || bad("a second start: one socket carries one call".to_owned());
        let control = if self.decoder.is_some() {
            MediaMessage::parse(text).map_err(|error| bad(error.0))?
        } else {
            match TranscriptMessage::parse(text).map_err(|error| bad(error.0))? {
                TranscriptMessage::Start(_) => return Err(second_start()),
                TranscriptMessage::Utterance { channel, .. } if !self.channels.contains(&channel) => {
                    return Err(bad(format!("the channel \"{}\" was not named in start", channel.as_str())));
                }
                TranscriptMessage::Utterance { channel, span, text } => {
                    tell(&self.entry, MediaInput::Utterance { channel, span, text }).await;
                    return Ok(());
                }
                TranscriptMessage::Control(control) => control,
            }
        };
        let input = match control {
            MediaMessage::Start(_) => return Err(second_start()),
            MediaMessage::Hold => MediaInput::Hold,
            MediaMessage::Resume => MediaInput::Resume,
            MediaMessage::Consent { given } => MediaInput::Consent { given },
            MediaMessage::Metadata(facts) => MediaInput::Facts(call_facts(&facts)),
            MediaMessage::Stop => {
                self.finish_audio().await;
                self.stopped = true;
                MediaInput::Stop { socket: self.socket }
            }
        };
        tell(&self.entry, input).await;
        Ok(())
    }

    /// Hands over what the decoder's filters still hold.
    async fn finish_audio(&mut self) {
        let Some(decoder) = &mut self.decoder else { return };
        let mut lanes = vec![Vec::new(); self.channels.len()];
        decoder.finish(&mut lanes);
        if lanes.iter().any(|lane| !lane.is_empty()) {
            let lanes = named(&self.channels, lanes);
            tell(&self.entry, MediaInput::Audio { socket: self.socket, lanes }).await;
        }
    }

    /// The socket is no more; unless it had said stop, the call waits for it to come back.
    async fn lose(&self) {
        if !self.stopped {
            tell(&self.entry, MediaInput::Lost { socket: self.socket }).await;
        }
    }
}

/// Waits for a place in the call's queue. A call that has gone says so, or has said so, through the inbox.
async fn tell(entry: &Entry, input: MediaInput) {
    let _ = entry.media.send(input).await;
}

fn named(channels: &[Channel], lanes: Vec<Vec<f32>>) -> Vec<(Channel, Vec<f32>)> {
    channels.iter().copied().zip(lanes).collect()
}

fn call_facts(facts: &Facts) -> call::Facts {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    call::Facts {
        customer_name: facts.customer_name.clone(),
        wait_s: facts.wait_s,
        shift_started_unix_ms: facts.shift_started.as_deref().and_then(parse_rfc3339),
        metadata: facts.metadata.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
    }
}

async fn refuse(app: &App, socket: Socket, reason: Option<Reason>) {
    let Some((refusal, message)) = reason else { return };
    app.metrics.refuse(refusal.code());
    warn!(code = refusal.code(), close = refusal.close_code(), "stream refused");
    let mut error = ErrorMessage::new(refusal.code(), message);
    error.retry_after_s = (refusal == Refusal::Busy).then_some(app.config.limits.retry_after_s);
    socket.fail(refusal, error).await;
}

fn refused(refusal: Refusal, call: &str) -> String {
    match refusal {
        Refusal::CallExists => {
            format!(
                "an open socket already carries this channel of the call \"{call}\"; use another id, or end that one"
            )
        }
        Refusal::Busy => "all call slots are taken; try again later or elsewhere".to_owned(),
        Refusal::ShuttingDown => shutting_down().1,
        other => other.code().to_owned(),
    }
}

fn token_ran_out() -> Reason {
    (Refusal::Unauthorized, "the token has run out; connect again with a new one".to_owned())
}

fn shutting_down() -> Reason {
    (Refusal::ShuttingDown, "the server is shutting down".to_owned())
}
