//! One task per call: it owns the [`Call`], hands it one input at a time and carries out what comes back.
//!
//! Sockets bring audio through one bounded queue, readers of feeds bring commands through another, the speech
//! engine answers through a third. Audio of a live call is never held up by transcription; only a recording
//! sent faster than real time waits when many of its segments are still unread.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument as _, info, info_span, warn};

use crate::call::event::{EndReason, Event, EventKind};
use crate::call::{Call, CallInfo, CallSettings, Facts, Input, Output};
use crate::metrics::{Kind, Practice};
use crate::server::agents::Tally;
use crate::server::calls::{Mailboxes, SocketId};
use crate::server::{App, Phase, unix_ms};
use crate::stt::SpeechJob;
use crate::terms::{Channel, DropReason, Outcome, SAMPLES_PER_MS, Span, Transcript};

/// Segments of one call that may be on their way to becoming text; with the longest segment of 11 s that is more
/// than ten minutes of speech.
const IN_FLIGHT: usize = 64;

/// The same for a recording sent faster than real time, which then waits.
const IN_FLIGHT_AHEAD: usize = 4;

/// Media clock before the wall clock by more than this (milliseconds): not a live call but a recording.
const AHEAD_MS: u64 = 2_000;

/// A hold that brought less audio than time passed jumps ahead, if by more than this (milliseconds): below is jitter.
const HOLD_JITTER_MS: u64 = 500;

/// Patience with a socket that has reserved its place in the call and not yet taken it.
const COMING_BACK: Duration = Duration::from_secs(1);

/// How long an ended call waits for what is in flight beyond the deadline of the speech queue.
const FINISH_SLACK: Duration = Duration::from_secs(10);

/// The same at shutdown.
const FINISH_AT_SHUTDOWN: Duration = Duration::from_secs(3);

/// What a socket brings.
#[derive(Debug)]
pub enum MediaInput {
    Attach(Attach),
    /// 16 kHz samples per channel.
    Audio {
        socket: SocketId,
        lanes: Vec<(Channel, Vec<f32>)>,
    },
    Utterance {
        channel: Channel,
        span: Span,
        text: String,
    },
    Hold,
    Resume,
    Consent {
        given: bool,
    },
    Facts(Facts),
    /// The stream of this socket is complete.
    Stop {
        socket: SocketId,
    },
    /// The socket broke.
    Lost {
        socket: SocketId,
    },
}

/// A socket that takes its place.
#[derive(Debug)]
pub struct Attach {
    pub socket: SocketId,
    pub channels: Vec<Channel>,
    pub resumed: bool,
    pub outbox: mpsc::Sender<ToSocket>,
    /// Told the media clock at which the socket's first sample is placed.
    pub ready: oneshot::Sender<u64>,
}

/// What the call tells a socket; at most one message, then the socket closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToSocket {
    Stopped { utterances: u64 },
    ShuttingDown,
}

/// Something a supervisor or the agent does.
#[derive(Debug)]
pub struct Command {
    pub input: Input,
    /// Told when the events it made are out.
    pub done: oneshot::Sender<()>,
}

/// Runs a call until it has ended. A panic inside ends this call alone: it becomes an event and is counted.
pub fn spawn(app: Arc<App>, info: CallInfo, mailboxes: Mailboxes) {
    let call = info.call.clone();
    let span = info_span!("call", call = %call);
    let task = async move {
        app.metrics.calls.inc();
        app.metrics.calls_started.inc();
        let run = async {
            let session = Session::start(&app, info);
            session.run(mailboxes).await
        };
        let reason = match AssertUnwindSafe(run).catch_unwind().await {
            Ok(reason) => reason,
            Err(_) => {
                app.metrics.faults.inc();
                tracing::error!("call ended by a fault of ours");
                app.hub.fault(&call);
                EndReason::Fault
            }
        };
        app.calls.remove(&call);
        app.metrics.calls.dec();
        app.metrics.calls_ended.get_or_create(&Kind { kind: reason_name(reason) }).inc();
        info!(reason = reason_name(reason), "call ended");
    };
    tokio::spawn(task.instrument(span));
}

struct Session<'a> {
    app: &'a App,
    id: String,
    name: Arc<str>,
    lang: crate::terms::Lang,
    call: Call,
    sockets: Vec<Attached>,
    in_flight: BTreeSet<u64>,
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
    channels: Vec<Channel>,
    /// Index of the sample expected next on this socket.
    position: u64,
    outbox: mpsc::Sender<ToSocket>,
    /// Set by `stop`: segments still to be answered before `stopped` is said.
    stopping: Option<BTreeSet<u64>>,
}

impl<'a> Session<'a> {
    fn start(app: &'a App, info: CallInfo) -> Self {
        let (reply, transcripts) = mpsc::channel(IN_FLIGHT);
        let mut out = Vec::new();
        let mut info = info;
        if let Some(agent) = &info.agent {
            (info.habits, info.shift) =
                app.agents.begin(agent, info.team.as_deref(), info.facts.shift_started_unix_ms, unix_ms());
        }
        let (id, lang) = (info.call.clone(), info.lang);
        let facts = info.facts.clone();
        let rules = Arc::clone(&app.rules.borrow());
        let escalation = app.config.alerts.settings(info.queue.as_deref());
        let settings = CallSettings { escalation, ..app.call_settings.clone() };
        let call = Call::start(info, rules, settings, unix_ms(), &mut out);
        let mut session = Self {
            app,
            name: Arc::from(id.as_str()),
            id,
            lang,
            call,
            sockets: Vec::new(),
            in_flight: BTreeSet::new(),
            transcripts,
            reply,
            started: Instant::now(),
            last_audio: None,
            held: None,
            lost: None,
            grace_until: Instant::now(),
            ending: None,
            tally: Tally::default(),
            out,
        };
        session.carry_out();
        app.hub.facts(&session.id, &facts);
        session
    }

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
                    // A reader that has gone does not wait for the answer.
                    let _ = command.done.send(());
                }
                Ok(()) = phase.changed() => self.phase_changed(*phase.borrow_and_update()),
                () = sleep_until(wake.unwrap_or(self.started)), if wake.is_some() => self.wake(),
                input = mailboxes.media.recv(), if reading => match input {
                    Some(input) => self.media(input),
                    None => self.end(EndReason::ConnectionLost),
                },
            }
        }
        self.farewell()
    }

    /// Whether a recording is so far ahead of the transcription that reading on would only make it drop speech.
    fn must_wait(&self) -> bool {
        self.ahead() && self.in_flight.len() >= IN_FLIGHT_AHEAD
    }

    /// Media clock up to which audio came on any socket; the call's own may be some milliseconds behind, since it
    /// works in blocks.
    fn media_ms(&self) -> u64 {
        let heard = self.sockets.iter().map(|attached| attached.position.div_ceil(SAMPLES_PER_MS)).max();
        heard.unwrap_or(0).max(self.call.t_ms())
    }

    fn ahead(&self) -> bool {
        self.call.t_ms() > elapsed_ms(self.started) + AHEAD_MS
    }

    fn media(&mut self, input: MediaInput) {
        if self.ending.is_some() {
            return;
        }
        match input {
            MediaInput::Attach(attach) => self.attach(attach),
            MediaInput::Audio { socket, lanes } => self.audio(socket, lanes),
            MediaInput::Utterance { channel, span, text } => self.handle(Input::Utterance { channel, span, text }),
            MediaInput::Hold => {
                let t_ms = self.media_ms();
                self.held.get_or_insert(Since { wall: Instant::now(), t_ms });
                self.handle(Input::Hold);
            }
            MediaInput::Resume => self.resume(),
            MediaInput::Consent { given } => {
                if !given {
                    self.in_flight.clear();
                }
                self.handle(Input::Consent { given });
            }
            MediaInput::Facts(facts) => {
                self.app.hub.facts(&self.id, &facts);
                self.handle(Input::Facts(facts));
            }
            MediaInput::Stop { socket } => self.stop(socket),
            MediaInput::Lost { socket } => self.lose(socket),
        }
    }

    fn attach(&mut self, attach: Attach) {
        let Attach { socket, channels, resumed, outbox, ready } = attach;
        if let Some(lost) = self.lost.take() {
            let until_ms = lost.t_ms + elapsed_ms(lost.wall);
            self.handle(Input::Gap { until_ms });
        }
        if resumed {
            self.app.metrics.calls_resumed.inc();
            info!("connection came back");
        }
        let t_ms = self.media_ms();
        let position = t_ms * SAMPLES_PER_MS;
        self.sockets.push(Attached { id: socket, channels, position, outbox, stopping: None });
        // If the socket has gone meanwhile, `Lost` follows.
        let _ = ready.send(t_ms);
    }

    fn audio(&mut self, socket: SocketId, lanes: Vec<(Channel, Vec<f32>)>) {
        let Some(attached) = self.sockets.iter_mut().find(|attached| attached.id == socket) else { return };
        let samples = lanes.iter().map(|(_, samples)| samples.len()).max().unwrap_or(0) as u64;
        let at = attached.position;
        attached.position += samples;
        self.last_audio = Some(Instant::now());
        self.app.metrics.audio_ms.inc_by(samples * lanes.len() as u64 / SAMPLES_PER_MS);
        self.handle(Input::Audio { at, lanes });
    }

    fn resume(&mut self) {
        let Some(held) = self.held.take() else { return };
        let now_ms = self.media_ms();
        let should_be_ms = held.t_ms + elapsed_ms(held.wall);
        let t_ms = if should_be_ms > now_ms + HOLD_JITTER_MS { should_be_ms } else { now_ms };
        self.handle(Input::Resume { t_ms });
        for attached in &mut self.sockets {
            attached.position = attached.position.max(t_ms * SAMPLES_PER_MS);
        }
    }

    fn stop(&mut self, socket: SocketId) {
        if self.app.calls.release(&self.id, socket, true) {
            self.mark_stopping(socket);
            self.end(EndReason::Stop);
            return;
        }
        // The others go on; this stream is silent from here on, which also cuts its last words.
        let hangover_ms = self.app.call_settings.endpointing.hangover_ms;
        if let Some(attached) = self.sockets.iter().find(|attached| attached.id == socket) {
            let silence = vec![0.0; ((hangover_ms + 100) * SAMPLES_PER_MS) as usize];
            let lanes = attached.channels.iter().map(|channel| (*channel, silence.clone())).collect();
            if self.last_audio.is_some() {
                self.handle(Input::Audio { at: attached.position, lanes });
            }
        }
        self.mark_stopping(socket);
    }

    fn mark_stopping(&mut self, socket: SocketId) {
        let waiting = self.in_flight.clone();
        if let Some(attached) = self.sockets.iter_mut().find(|attached| attached.id == socket) {
            attached.stopping = Some(waiting);
        }
    }

    fn lose(&mut self, socket: SocketId) {
        let t_ms = self.media_ms();
        self.sockets.retain(|attached| attached.id != socket);
        if self.app.calls.release(&self.id, socket, false) {
            let wall = Instant::now();
            self.lost = Some(Since { wall, t_ms });
            self.grace_until = wall + self.app.grace;
            warn!("connection lost; waiting for it to come back");
            if *self.app.phase.borrow() != Phase::Running {
                self.end(EndReason::ConnectionLost);
            }
        }
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
        self.in_flight.remove(&transcript.segment);
        for attached in &mut self.sockets {
            if let Some(waiting) = &mut attached.stopping {
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

    /// Without audio the media clock runs with the wall clock.
    fn next_tick(&self) -> Option<Instant> {
        if self.last_audio.is_some() || self.ending.is_some() || self.lost.is_some() {
            return None;
        }
        let due_ms = self.call.next_deadline()?.max(self.call.t_ms() + 1);
        Some(self.started + Duration::from_millis(due_ms))
    }

    fn wake(&mut self) {
        let now = Instant::now();
        if self.ending.is_some_and(|(_, until)| until <= now) {
            warn!(in_flight = self.in_flight.len(), "gave up waiting for transcripts of an ended call");
            self.handle(Input::Abandon);
        } else if self.next_tick().is_some_and(|at| at <= now) {
            self.handle(Input::Tick { t_ms: elapsed_ms(self.started) });
        } else if self.ending.is_none() && self.lost.is_some() && self.grace_until <= now {
            if self.app.calls.end_if_alone(&self.id) {
                self.end(EndReason::ConnectionLost);
            } else {
                // A socket has reserved its place and is on its way.
                self.grace_until = now + COMING_BACK;
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.call.handle(unix_ms(), input, &mut self.out);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        let mut events = Vec::new();
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Event(event) => events.push(event),
                Output::Prompted { practice, waited_ms } => {
                    let waited = self.app.metrics.prompt_wait_s.get_or_create(&Practice { practice });
                    waited.observe(waited_ms as f64 / 1e3);
                }
                Output::Transcribe { segment, channel, heated, speech } => {
                    let outcome = match &self.app.speech {
                        Some(_) if self.in_flight.len() >= IN_FLIGHT => {
                            Outcome::Dropped { reason: DropReason::Overload }
                        }
                        None => Outcome::Nothing,
                        Some(queue) => {
                            self.in_flight.insert(segment);
                            queue.submit(SpeechJob {
                                call: Arc::clone(&self.name),
                                segment,
                                channel,
                                lang: self.lang,
                                samples: speech.samples,
                                voiced: speech.voiced,
                                heated,
                                ended_at: std::time::Instant::now(),
                                reply: self.reply.clone(),
                            });
                            continue;
                        }
                    };
                    let answer = Input::Transcript(Transcript { segment, outcome });
                    self.call.handle(unix_ms(), answer, &mut self.out);
                }
            }
        }
        if !events.is_empty() {
            self.observe_delay(&events);
            self.remember(&events);
            self.app.hub.publish(events);
        }
        if !self.out.is_empty() {
            self.carry_out();
        }
    }

    /// Keeps for the agent alone what became of the prompts, and what the call was for the shift.
    fn remember(&mut self, events: &[Event]) {
        let Some(agent) = &self.call.info().agent else { return };
        for event in events {
            self.app.agents.prompted(agent, event);
            if let Some(call) = self.tally.hear(event, unix_ms()) {
                self.app.agents.ended(agent, call);
            }
        }
    }

    /// Time from the last voiced sample of an utterance to its assessment, for live audio.
    fn observe_delay(&self, events: &[Event]) {
        let Some(last_audio) = self.last_audio else { return };
        if self.ahead() {
            return;
        }
        for pair in events.windows(2) {
            if let (EventKind::Utterance { end_ms, .. }, EventKind::Assessment { .. }) = (&pair[0].kind, &pair[1].kind)
            {
                let media_ms = self.call.t_ms().saturating_sub(*end_ms);
                let delay_ms = media_ms + elapsed_ms(last_audio);
                self.app.metrics.speech_to_assessment_s.observe(delay_ms as f64 / 1e3);
            }
        }
    }

    /// Tells sockets that have stopped, and whose words are all dealt with. Those of an ended call are told at its end.
    fn answer_stopped(&mut self) {
        if self.ending.is_some() {
            return;
        }
        let utterances = u64::from(self.call.utterances());
        self.sockets.retain(|attached| match &attached.stopping {
            Some(waiting) if waiting.is_empty() => {
                // The outbox has room for the one message a socket ever gets.
                let _ = attached.outbox.try_send(ToSocket::Stopped { utterances });
                false
            }
            _ => true,
        });
    }

    fn farewell(self) -> EndReason {
        let reason = self.ending.map_or(EndReason::Fault, |(reason, _)| reason);
        let utterances = u64::from(self.call.utterances());
        self.app.calls.remove(&self.id);
        for attached in self.sockets {
            let stopped = attached.stopping.is_some();
            let message = if stopped { ToSocket::Stopped { utterances } } else { ToSocket::ShuttingDown };
            let _ = attached.outbox.try_send(message);
        }
        reason
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn reason_name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Stop => "stop",
        EndReason::ConnectionLost => "connection_lost",
        EndReason::Shutdown => "shutdown",
        EndReason::Fault => "fault",
    }
}
