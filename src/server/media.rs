//! Sockets that bring calls, of whatever dialect: the shell that carries out what a [`Dialect`] makes of the frames.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tracing::{info, warn};

use crate::audio::Decoder;
use crate::call::event::parse_rfc3339;
use crate::call::{self, CallInfo};
use crate::config::{Consent, seconds};
use crate::server::App;
use crate::server::calls::{Entry, SocketId};
use crate::server::platform::Platform;
use crate::server::session::{self, Attach, MediaInput, ToSocket};
use crate::server::socket::{Incoming, Peer};
use crate::terms::Channel;
use crate::wire::Refusal;
use crate::wire::native::{Facts, Opening};
use crate::wire::phone::{Action, Dialect, Refused, Start, Started, Wants};

/// Audio is decoded and handed over in slices of this many bytes, so that one large frame neither holds up the
/// other sockets nor fills a call's queue.
const SLICE_BYTES: usize = 16 << 10;

/// Longer than this to come into a call, and platforms with a time limit are answered before: AudioHook gives up
/// after 5 s.
const OPENING_PATIENCE: Duration = Duration::from_millis(700);

/// What a socket reads ahead of its call, in bytes: half a minute of a phone's audio. Beyond it the peer waits.
const AHEAD_BYTES: usize = 512 << 10;

/// How long a peer that is told to go, and is expected to close by itself, may take.
const GOODBYE: Duration = Duration::from_secs(8);

/// Why a socket is given up: what to tell it.
type Reason = (Refusal, String);

/// One socket from its first message to its last. `expires` is when its token runs out.
pub(super) async fn serve(
    app: &Arc<App>,
    socket: Peer,
    expires: Option<Instant>,
    platform: Platform,
    dialect: Box<dyn Dialect>,
) {
    let (outbox, inbox) = session::outbox();
    let line = Line {
        app,
        socket,
        platform,
        dialect,
        opened_at: Instant::now(),
        outbox,
        inbox,
        stream: None,
        last_turn: Instant::now(),
        refused: None,
    };
    line.run(expires).await;
}

/// A socket and what it has to do with a call.
struct Line<'a> {
    app: &'a Arc<App>,
    socket: Peer,
    platform: Platform,
    dialect: Box<dyn Dialect>,
    opened_at: Instant,
    /// Given to the call when it is entered.
    outbox: mpsc::Sender<ToSocket>,
    inbox: mpsc::Receiver<ToSocket>,
    stream: Option<Stream>,
    last_turn: Instant,
    /// Given up; until when the peer may close by itself.
    refused: Option<(Refusal, Instant)>,
}

/// A place in a call.
struct Stream {
    entry: Entry,
    socket: SocketId,
    /// Each stream of audio with its channels.
    decoders: Vec<(Decoder, Vec<Channel>)>,
    /// What the call has not taken yet, in order: a call that is busy must not keep the socket from its answers.
    waiting: VecDeque<Action>,
    /// Their weight.
    waiting_bytes: usize,
    /// The same, decoded.
    ready: VecDeque<MediaInput>,
    /// `stop` was said.
    stopped: bool,
}

/// What a loop turn found.
enum Turn {
    Message(Incoming),
    FromCall(Option<ToSocket>),
    TokenRanOut,
    /// Nothing came in time.
    Late,
    /// The dialect wanted to be woken.
    Wake,
    /// The call takes more.
    Room,
    Closed,
}

/// What to do with the socket after the actions of a turn.
enum After {
    GoOn,
    /// It is closed or gone.
    Over,
    Close(u16, String),
}

impl Line<'_> {
    async fn run(mut self, expires: Option<Instant>) {
        let mut out = Vec::new();
        self.dialect.opened(&mut out);
        let opened = self.perform(out).await;
        let after = loop {
            if !matches!(opened, After::GoOn) {
                break opened;
            }
            let turn = self.turn(expires).await;
            self.last_turn = Instant::now();
            match self.take(turn).await {
                After::GoOn => {}
                after => break after,
            }
        };
        self.lose().await;
        if let After::Close(code, reason) = after {
            self.socket.close(code, &reason).await;
        }
    }

    async fn turn(&mut self, expires: Option<Instant>) -> Turn {
        let far = self.last_turn + seconds(self.app.config.media.idle_s);
        let late = match (&self.refused, &self.stream) {
            (Some((_, until)), _) => *until,
            (None, None) => self.opened_at + seconds(self.app.config.limits.start_s),
            (None, Some(_)) => far,
        };
        let wake = self.dialect.deadline_ms().map(|ms| self.opened_at + Duration::from_millis(ms));
        let expires = expires.filter(|_| self.refused.is_none());
        let waiting = self.stream.as_ref().filter(|stream| stream.has_waiting());
        let media = waiting.map(|stream| stream.entry.media.clone());
        let reads = waiting.is_none_or(|stream| stream.waiting_bytes < AHEAD_BYTES);
        let room = async {
            match &media {
                // Whether there is room or the call has gone: handing over shows it.
                Some(media) => drop(media.reserve().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            incoming = self.socket.receive(), if reads => Turn::Message(incoming),
            () = room => Turn::Room,
            message = self.inbox.recv(), if self.stream.is_some() => Turn::FromCall(message),
            () = sleep_until(expires.unwrap_or(far)), if expires.is_some() => Turn::TokenRanOut,
            () = sleep_until(wake.unwrap_or(far)), if wake.is_some() => Turn::Wake,
            () = sleep_until(late) => Turn::Late,
            () = self.app.closed() => Turn::Closed,
        }
    }

    async fn take(&mut self, turn: Turn) -> After {
        let now_ms = self.now_ms();
        let mut out = Vec::new();
        match turn {
            Turn::Message(Incoming::Text(text)) => self.dialect.text(now_ms, &text, &mut out),
            Turn::Message(Incoming::Binary(bytes)) => self.dialect.binary(now_ms, bytes, &mut out),
            Turn::Message(Incoming::Refused(refusal, message)) => {
                return self.break_off(refusal, message.to_owned()).await;
            }
            Turn::Message(Incoming::Closed) => {
                self.dialect.closed(&mut out);
                out.retain(|action| !matches!(action, Action::Send(_) | Action::Close { .. }));
                let _ = self.perform(out).await;
                return After::Over;
            }
            Turn::Message(Incoming::Gone) => return After::Over,
            Turn::FromCall(Some(ToSocket::News(news))) => self.dialect.news(now_ms, &news, &mut out),
            Turn::FromCall(Some(ToSocket::Stopped { utterances })) => {
                if let Some(stream) = &mut self.stream {
                    stream.stopped = true;
                }
                self.dialect.stopped(utterances, &mut out);
            }
            Turn::FromCall(Some(ToSocket::ShuttingDown)) | Turn::Closed => {
                let (refusal, message) = shutting_down();
                return self.break_off(refusal, message).await;
            }
            Turn::FromCall(None) => {
                out.push(Action::Refuse(Refusal::Fault, "a fault of ours ended this call".to_owned()));
            }
            Turn::TokenRanOut => {
                let message = "the token has run out; connect again with a new one".to_owned();
                out.push(Action::Refuse(Refusal::Unauthorized, message));
            }
            Turn::Wake => self.dialect.wake(now_ms, &mut out),
            Turn::Room => {}
            Turn::Late => match (&self.refused, &self.stream) {
                (Some((refusal, _)), _) => return After::Close(refusal.close_code(), refusal.code().to_owned()),
                (None, None) => {
                    let message = "no start message came in time".to_owned();
                    out.push(Action::Refuse(Refusal::BadMessage, message));
                }
                (None, Some(_)) => {
                    let message = "neither audio nor a message for too long".to_owned();
                    out.push(Action::Refuse(Refusal::Silent, message));
                }
            },
        }
        self.perform(out).await
    }

    async fn perform(&mut self, actions: Vec<Action>) -> After {
        let mut todo = VecDeque::from(actions);
        while let Some(action) = todo.pop_front() {
            match action {
                Action::Send(text) => {
                    if self.socket.send(text).await.is_err() {
                        return After::Over;
                    }
                }
                Action::Close { code, reason } => return After::Close(code, reason),
                Action::Refuse(refusal, message) => {
                    // What else the frame asked for has lost its ground.
                    todo = self.refuse(refusal, message).await.into();
                }
                Action::Start(start) => {
                    let mut more = Vec::new();
                    match self.start(*start, &mut more).await {
                        Ok(started) => {
                            let now_ms = self.now_ms();
                            self.dialect.started(now_ms, &started, &mut more);
                            more.into_iter().rev().for_each(|action| todo.push_front(action));
                        }
                        Err((refusal, message)) => todo = self.refuse(refusal, message).await.into(),
                    }
                }
                other => {
                    if let Some(stream) = &mut self.stream {
                        stream.queue(other);
                    }
                }
            }
        }
        if let Some(stream) = &mut self.stream {
            stream.hand_over();
        }
        After::GoOn
    }

    /// Waits for a place in the call, but not longer than the platform can bear without a word.
    async fn start(&mut self, start: Start, more: &mut Vec<Action>) -> Result<Started, Reason> {
        if self.stream.is_some() || self.refused.is_some() {
            return Err((Refusal::BadMessage, "a second start: one socket carries one call".to_owned()));
        }
        let entering = enter(self.app, start, self.platform, self.outbox.clone(), self.dialect.wants());
        let mut entering = std::pin::pin!(entering);
        let entered = match timeout(OPENING_PATIENCE, &mut entering).await {
            Ok(entered) => entered,
            Err(_) => {
                self.dialect.waiting(more);
                for action in std::mem::take(more) {
                    if let Action::Send(text) = action {
                        // If the peer has gone, reading says so next.
                        let _ = self.socket.send(text).await;
                    }
                }
                entering.await
            }
        };
        let (stream, started) = entered?;
        // The call alone holds the sending end from now on: when it is gone, the socket hears it.
        self.outbox = session::outbox().0;
        self.stream = Some(stream);
        Ok(started)
    }

    /// Gives the socket up: the call so far is kept; what the dialect says to it.
    async fn refuse(&mut self, refusal: Refusal, message: String) -> Vec<Action> {
        if self.refused.is_some() {
            return Vec::new();
        }
        self.app.metrics.refuse(refusal.code());
        let path = self.platform.name();
        warn!(path, code = refusal.code(), close = refusal.close_code(), "stream refused");
        self.lose().await;
        self.stream = None;
        self.refused = Some((refusal, Instant::now() + GOODBYE));
        let retry_after_s = (refusal == Refusal::Busy).then_some(self.app.config.limits.retry_after_s);
        let mut out = Vec::new();
        self.dialect.refused(&Refused { refusal, message, retry_after_s }, &mut out);
        out
    }

    /// As [`refuse`](Self::refuse), for sockets that cannot go on at all: they are closed whatever the dialect says.
    async fn break_off(&mut self, refusal: Refusal, message: String) -> After {
        let actions = self.refuse(refusal, message).await;
        match self.perform(actions).await {
            After::GoOn => After::Close(refusal.close_code(), refusal.code().to_owned()),
            after => after,
        }
    }

    /// The socket is no more; unless it had said stop, the call waits for it to come back.
    async fn lose(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        stream.hand_over_all().await;
        if !stream.stopped {
            stream.stopped = true;
            stream.finish_audio();
            stream.hand_over_all().await;
            send(&stream.entry, MediaInput::Lost { socket: stream.socket }).await;
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Stream {
    /// Puts in line what concerns the call.
    fn queue(&mut self, action: Action) {
        if self.stopped {
            return;
        }
        self.stopped = action == Action::Stop;
        self.waiting_bytes += weight(&action);
        self.waiting.push_back(action);
    }

    fn has_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.ready.is_empty()
    }

    /// Hands over as much as the call takes at once.
    fn hand_over(&mut self) {
        while self.has_waiting() {
            match self.entry.media.clone().try_reserve_owned() {
                Ok(place) => {
                    if let Some(input) = self.next_input() {
                        place.send(input);
                    }
                }
                Err(TrySendError::Full(_)) => return,
                // A call that has gone says so, or has said so, through the inbox.
                Err(TrySendError::Closed(_)) => {
                    self.waiting.clear();
                    self.ready.clear();
                    self.waiting_bytes = 0;
                }
            }
        }
    }

    /// Hands over everything, waiting for places.
    async fn hand_over_all(&mut self) {
        while let Some(input) = self.next_input() {
            send(&self.entry, input).await;
        }
    }

    /// What the call is to be told next. Audio is decoded here, a slice at a time.
    fn next_input(&mut self) -> Option<MediaInput> {
        while self.ready.is_empty() {
            match self.waiting.pop_front()? {
                Action::Audio { stream, mut bytes } => {
                    let slice = bytes.split_to(bytes.len().min(SLICE_BYTES));
                    self.waiting_bytes -= slice.len();
                    if !bytes.is_empty() {
                        self.waiting.push_front(Action::Audio { stream, bytes });
                    }
                    let Some((decoder, channels)) = self.decoders.get_mut(stream) else { continue };
                    let mut lanes = vec![Vec::new(); channels.len()];
                    decoder.push(&slice, &mut lanes);
                    self.ready.push_back(MediaInput::Audio { socket: self.socket, lanes: named(channels, lanes) });
                }
                other => {
                    self.waiting_bytes -= weight(&other);
                    let cuts = [Action::Hold, Action::Flush, Action::Stop];
                    if cuts.contains(&other) || matches!(other, Action::Skip { .. } | Action::Resume { .. }) {
                        self.finish_audio();
                    }
                    self.ready.extend(self.input(other));
                }
            }
        }
        self.ready.pop_front()
    }

    /// What the decoders' filters still hold: two milliseconds that belong before what comes next.
    fn finish_audio(&mut self) {
        for (decoder, channels) in &mut self.decoders {
            let mut lanes = vec![Vec::new(); channels.len()];
            decoder.finish(&mut lanes);
            if lanes.iter().any(|lane| !lane.is_empty()) {
                self.ready.push_back(MediaInput::Audio { socket: self.socket, lanes: named(channels, lanes) });
            }
        }
    }

    fn input(&self, action: Action) -> Option<MediaInput> {
        let socket = self.socket;
        Some(match action {
            Action::Skip { stream, duration_ms } => {
                let (_, channels) = self.decoders.get(stream)?;
                MediaInput::Skip { socket, channels: channels.clone(), duration_ms }
            }
            Action::Utterance { channel, span, text } => MediaInput::Utterance { channel, span, text },
            Action::Hold => MediaInput::Hold,
            Action::Resume { skipped_ms } => MediaInput::Resume { socket, skipped_ms },
            Action::Consent { given } => MediaInput::Consent { given },
            Action::Facts(facts) => MediaInput::Facts(late_facts(&facts)),
            Action::Language(lang) => MediaInput::Language(lang),
            Action::Flush => MediaInput::Flush { socket },
            Action::Stop => MediaInput::Stop { socket },
            Action::Start(_) | Action::Audio { .. } | Action::Send(_) | Action::Close { .. } | Action::Refuse(..) => {
                return None;
            }
        })
    }
}

/// Finds or makes the call and takes a place in it.
async fn enter(
    app: &Arc<App>,
    start: Start,
    platform: Platform,
    outbox: mpsc::Sender<ToSocket>,
    wants: Wants,
) -> Result<(Stream, Started), Reason> {
    let Start { opening, streams, hangover_ms } = start;
    check(app, &opening, platform)?;
    let mut decoders = Vec::new();
    for stream in streams {
        let decoder = Decoder::new(stream.encoding, stream.sample_rate, stream.channels.len());
        decoders.push((decoder.map_err(|error| (Refusal::BadMessage, error.to_string()))?, stream.channels));
    }
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
                hangover_ms,
                ..CallInfo::default()
            };
            session::spawn(Arc::clone(app), info, mailboxes);
        }
        let (ready, readied) = oneshot::channel();
        let socket = reserved.socket;
        let resumed = reserved.resumed;
        let attach = Attach { socket, channels: channels.clone(), resumed, outbox: outbox.clone(), wants, ready };
        let sent = reserved.entry.media.send(MediaInput::Attach(attach)).await;
        if sent.is_ok()
            && let Ok(t_ms) = readied.await
        {
            let call = reserved.entry.call.clone();
            if !is_new {
                send(&reserved.entry, MediaInput::Facts(late_facts(&facts))).await;
            }
            info!(call = %call, path = platform.name(), resumed, "stream started");
            let stream = Stream {
                entry: reserved.entry,
                socket,
                decoders,
                waiting: VecDeque::new(),
                waiting_bytes: 0,
                ready: VecDeque::new(),
                stopped: false,
            };
            return Ok((stream, Started { call, t_ms, resumed }));
        }
        app.calls.release(&reserved.entry.call, socket, false);
    }
    Err((Refusal::Busy, "the call is just ending; try again".to_owned()))
}

fn check(app: &App, opening: &Opening, platform: Platform) -> Result<(), Reason> {
    let required = platform.consent(&app.config.consent);
    if opening.consent == Some(false) || (required == Consent::Required && opening.consent.is_none()) {
        let message = format!(
            "the customer's consent is needed: send {}, or configure this path as \"elsewhere\" if it is obtained before",
            platform.consent_sign()
        );
        return Err((Refusal::ConsentRequired, message));
    }
    if opening.channels.contains(&Channel::Mixed) && !app.config.media.allow_mixed {
        let message = "a channel with both parties on it is not accepted here; \
                       send customer and agent apart, or set `media.allow_mixed`";
        return Err((Refusal::BadMessage, message.to_owned()));
    }
    Ok(())
}

/// Waits for a place in the call's queue. A call that has gone says so, or has said so, through the inbox.
async fn send(entry: &Entry, input: MediaInput) {
    let _ = entry.media.send(input).await;
}

/// About what an action takes of memory while it waits, in bytes.
fn weight(action: &Action) -> usize {
    match action {
        Action::Audio { bytes, .. } => bytes.len(),
        Action::Utterance { text, .. } => 64 + text.len(),
        Action::Facts(_) => 4_096,
        _ => 64,
    }
}

fn named(channels: &[Channel], lanes: Vec<Vec<f32>>) -> Vec<(Channel, Vec<f32>)> {
    channels.iter().copied().zip(lanes).collect()
}

/// Facts that come after the call's start may name its agent, queue and team.
fn late_facts(facts: &Facts) -> call::Facts {
    call::Facts {
        agent: facts.agent.clone(),
        queue: facts.queue.clone(),
        team: facts.team.clone(),
        ..call_facts(facts)
    }
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
        ..call::Facts::default()
    }
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

fn shutting_down() -> Reason {
    (Refusal::ShuttingDown, "the server is shutting down".to_owned())
}
