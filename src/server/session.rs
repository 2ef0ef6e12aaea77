//! One task per call: it owns the [`Call`], hands it one input at a time and carries out what comes back.
//!
//! Sockets bring audio through one bounded queue, readers of feeds bring commands through another, the speech
//! engine answers through a third. Audio of a live call is never held up by transcription; only a recording
//! sent faster than real time waits when many of its segments are still unread.

mod begin;
mod intake;
mod interim;
mod tell;

pub use self::begin::{restore, spawn};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use self::interim::Interims;
use crate::call::event::EndReason;
use crate::call::{Call, Input, Output};
use crate::journal::Ticket;
use crate::server::agents::Tally;
use crate::server::app::App;
use crate::server::mailbox::{Mailboxes, SocketId, ToSocket};
use crate::server::stop::Phase;
use crate::terms::{Channel, SAMPLES_PER_MS, Transcript};
use crate::wall_clock::unix_ms;
use crate::wire::phone::Wants;

/// Segments of one call that may be on their way to becoming text; with the longest segment of 11 s that is more
/// than ten minutes of speech.
const IN_FLIGHT: usize = 64;

/// The same for a recording sent faster than real time, which then waits.
const IN_FLIGHT_AHEAD: usize = 4;

/// Media clock before the wall clock by more than this (milliseconds): not a live call but a recording.
const AHEAD_MS: u64 = 2_000;

/// Patience with a socket that has reserved its place in the call and not yet taken it.
const COMING_BACK: Duration = Duration::from_secs(1);

/// How long an ended call waits for what is in flight beyond the deadline of the speech queue.
const FINISH_SLACK: Duration = Duration::from_secs(10);

/// The same at shutdown.
const FINISH_AT_SHUTDOWN: Duration = Duration::from_secs(3);

struct Session<'a> {
    app: &'a App,
    id: String,
    name: Arc<str>,
    call: Call,
    sockets: Vec<Attached>,
    /// Segments on their way to becoming text: their channel and where they begin, in milliseconds of the call.
    in_flight: BTreeMap<u64, (Channel, u64)>,
    /// What the sockets were told of them: per channel where the oldest begins.
    unread: BTreeMap<Channel, u64>,
    transcripts: mpsc::Receiver<Transcript>,
    reply: mpsc::Sender<Transcript>,
    started: Instant,
    /// When audio last came; `None` if only transcripts do.
    last_audio: Option<Instant>,
    held: Option<Since>,
    /// When the last socket broke.
    lost: Option<Since>,
    /// Until when it may come back.
    grace_until: Instant,
    /// Until when the ended call waits for what is in flight.
    ending: Option<(EndReason, Instant)>,
    /// What the call is for the agent's shift.
    tally: Tally,
    /// The last events handed to the journal.
    ticket: Ticket,
    interims: Interims,
    out: Vec<Output>,
}

/// A moment on both clocks.
#[derive(Clone, Copy)]
struct Since {
    wall: Instant,
    t_ms: u64,
}

struct Attached {
    id: SocketId,
    /// Each channel of this socket with the index of the sample expected next on it.
    lanes: Vec<(Channel, u64)>,
    outbox: mpsc::Sender<ToSocket>,
    wants: Wants,
    /// Set by `flush`: segments still to be answered before `flushed` is said.
    flushing: Option<BTreeSet<u64>>,
    /// Set by `stop`: segments still to be answered before `stopped` is said.
    stopping: Option<BTreeSet<u64>>,
}

impl Session<'_> {
    async fn run(mut self, mut mailboxes: Mailboxes) -> EndReason {
        let mut phase = self.app.phase.clone();
        loop {
            self.answer_stopped();
            if self.call.ended() {
                break;
            }
            let reading = self.ending.is_some() || !self.must_wait();
            let wake = self.next_wake();
            tokio::select! {
                Some(transcript) = self.transcripts.recv() => self.transcript(transcript),
                Some(command) = mailboxes.commands.recv() => {
                    if command.input == Input::ForgetAgent {
                        self.tally = Tally::default();
                    }
                    self.handle(command.input);
                    self.answer(command.done);
                }
                Ok(()) = phase.changed() => self.phase_changed(*phase.borrow_and_update()),
                () = sleep_until(wake.unwrap_or(self.started)), if wake.is_some() => self.wake(),
                input = mailboxes.media.recv(), if reading => match input {
                    Some(input) => {
                        self.media(input);
                        // A second of audio takes milliseconds to listen to, and the sockets on this thread have
                        // answers to give.
                        yield_now().await;
                    }
                    None => self.end(EndReason::ConnectionLost),
                },
            }
        }
        self.app.journal.told(self.ticket).await;
        self.farewell()
    }

    /// Tells whoever gave a command when readers know what came of it; the call goes on meanwhile.
    fn answer(&self, done: oneshot::Sender<()>) {
        let (journal, ticket) = (Arc::clone(&self.app.journal), self.ticket);
        tokio::spawn(async move {
            journal.told(ticket).await;
            // A reader that has gone does not wait for the answer.
            let _ = done.send(());
        });
    }

    /// Whether a recording is so far ahead of the transcription that reading on would only make it drop speech.
    fn must_wait(&self) -> bool {
        self.ahead() && self.in_flight.len() >= IN_FLIGHT_AHEAD
    }

    /// Media clock up to which audio came on any socket; the call's own may be some milliseconds behind, since it
    /// works in blocks.
    fn media_ms(&self) -> u64 {
        let positions = self.sockets.iter().flat_map(|attached| attached.lanes.iter().map(|(_, position)| *position));
        let heard = positions.map(|position| position.div_ceil(SAMPLES_PER_MS)).max();
        heard.unwrap_or(0).max(self.call.t_ms())
    }

    fn ahead(&self) -> bool {
        self.call.t_ms() > elapsed_ms(self.started) + AHEAD_MS
    }

    fn phase_changed(&mut self, phase: Phase) {
        match phase {
            Phase::Running => {}
            Phase::Draining if self.lost.is_some() => self.end(EndReason::ConnectionLost),
            Phase::Draining => {}
            Phase::Stopping | Phase::Closed => self.end(EndReason::Shutdown),
        }
    }

    fn end(&mut self, reason: EndReason) {
        let patience = match reason {
            EndReason::Shutdown => FINISH_AT_SHUTDOWN,
            _ => self.app.deadline + FINISH_SLACK,
        };
        let until = Instant::now() + patience;
        if let Some((_, earlier)) = &mut self.ending {
            *earlier = until.min(*earlier);
            return;
        }
        self.app.calls.end(&self.id);
        self.ending = Some((reason, until));
        self.handle(Input::End { reason });
    }

    fn transcript(&mut self, transcript: Transcript) {
        if Interims::is_one(transcript.segment) {
            return self.tell_interim(transcript);
        }
        self.in_flight.remove(&transcript.segment);
        for attached in &mut self.sockets {
            for waiting in [&mut attached.stopping, &mut attached.flushing].into_iter().flatten() {
                waiting.remove(&transcript.segment);
            }
        }
        self.handle(Input::Transcript(transcript));
    }

    /// When the loop must go on even if nothing comes.
    fn next_wake(&self) -> Option<Instant> {
        let finish = self.ending.map(|(_, until)| until);
        let grace = (self.lost.is_some() && self.ending.is_none()).then_some(self.grace_until);
        [finish, grace, self.next_tick()].into_iter().flatten().min()
    }

    /// The media clock where no audio moves it: in calls without audio, on hold, and while the connection is lost.
    fn silent_clock(&self) -> Option<Since> {
        let from_start = Since { wall: self.started, t_ms: 0 };
        self.lost.or(self.held).or(self.last_audio.is_none().then_some(from_start))
    }

    /// There it runs with the wall clock.
    fn next_tick(&self) -> Option<Instant> {
        let clock = self.silent_clock().filter(|_| self.ending.is_none())?;
        let due_ms = self.call.next_deadline()?.max(self.call.t_ms() + 1);
        Some(clock.wall + Duration::from_millis(due_ms.saturating_sub(clock.t_ms)))
    }

    fn wake(&mut self) {
        let now = Instant::now();
        if self.ending.is_some_and(|(_, until)| until <= now) {
            warn!(in_flight = self.in_flight.len(), "gave up waiting for transcripts of an ended call");
            self.handle(Input::Abandon);
        } else if self.ending.is_none() && self.lost.is_some() && self.grace_until <= now {
            if self.app.calls.end_if_alone(&self.id) {
                self.end(EndReason::ConnectionLost);
            } else {
                // A socket has reserved its place and is on its way.
                self.grace_until = now + COMING_BACK;
            }
        } else if let Some(clock) = self.silent_clock().filter(|_| self.next_tick().is_some_and(|at| at <= now)) {
            self.handle(Input::Tick { t_ms: clock.t_ms + elapsed_ms(clock.wall) });
        }
    }

    fn handle(&mut self, input: Input) {
        let begun = Instant::now();
        self.call.handle(unix_ms(), input, &mut self.out);
        let prompts = self.out.iter().filter(|output| matches!(output, Output::Prompted { .. })).count();
        self.carry_out();
        for _ in 0..prompts {
            self.app.metrics.prompt_processing_s.observe(begun.elapsed().as_secs_f64());
        }
        self.tell_unread();
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
