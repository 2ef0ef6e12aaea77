//! Sockets that bring calls, of whatever dialect: the shell that carries out what a [`Dialect`] makes of the frames.

mod enter;
mod facts;
mod stream;

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tracing::warn;

use self::enter::{Reason, enter, shutting_down};
use self::stream::Stream;
use crate::config::seconds;
use crate::server::app::App;
use crate::server::mailbox::{MediaInput, ToSocket, outbox};
use crate::server::peer::Peer;
use crate::server::platform::Platform;
use crate::server::socket::Incoming;
use crate::wire::Refusal;
use crate::wire::phone::{Action, Dialect, Refused, Start, Started};

/// Longer than this to come into a call, and platforms with a time limit are answered before: AudioHook gives up
/// after 5 s.
const OPENING_PATIENCE: Duration = Duration::from_millis(700);

/// What a socket reads ahead of its call, in bytes: half a minute of a phone's audio. Beyond it the peer waits.
const AHEAD_BYTES: usize = 512 << 10;

/// How long a peer that is told to go, and is expected to close by itself, may take.
const GOODBYE: Duration = Duration::from_secs(8);

/// How long the answer to a peer's goodbye waits until its place in the call is free.
const GOODBYE_PATIENCE: Duration = Duration::from_millis(500);

/// One socket from its first message to its last. `expires` is when its token runs out.
pub(super) async fn serve(
    app: &Arc<App>,
    socket: Peer,
    expires: Option<Instant>,
    platform: Platform,
    dialect: Box<dyn Dialect>,
) {
    let (outbox, inbox) = outbox();
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
    /// It is gone.
    Over,
    /// The peer has closed it and wants its answer.
    Goodbye,
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
        let Line { app, mut socket, mut stream, .. } = self;
        match after {
            After::Close(code, reason) => {
                lose(app, &mut stream).await;
                socket.close(code, &reason).await;
            }
            After::Over | After::GoOn => lose(app, &mut stream).await,
            After::Goodbye => {
                // A call that takes its time to read what it was sent does not keep the peer from its answer.
                let mut losing = std::pin::pin!(lose(app, &mut stream));
                let lost = timeout(GOODBYE_PATIENCE, &mut losing).await.is_ok();
                socket.answer_close().await;
                if !lost {
                    losing.await;
                }
            }
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
        let media = waiting.map(|stream| stream.handle.media.clone());
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
                return After::Goodbye;
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
        self.outbox = outbox().0;
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
        lose(self.app, &mut self.stream).await;
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

    fn now_ms(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The socket is no more; unless it had said stop, the call waits for it to come back. Its place is free before the peer
/// can see that it is closed, and whoever takes it is heard after the loss.
async fn lose(app: &App, stream: &mut Option<Stream>) {
    let Some(stream) = stream else { return };
    stream.hand_over_all().await;
    if !stream.stopped {
        stream.stopped = true;
        stream.finish_audio();
        stream.hand_over_all().await;
        stream.handle.bring(MediaInput::Lost { socket: stream.socket }).await;
        app.calls.release(&stream.handle.call, stream.socket, false);
    }
}
