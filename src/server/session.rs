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
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument as _, info, info_span, warn};

use crate::call::event::{EndReason, Event, EventKind, Log, parse_rfc3339};
use crate::call::{Call, CallInfo, CallSettings, Facts, Input, Output};
use crate::journal::{Logged, Ticket};
use crate::metrics::{Kind, Practice};
use crate::server::agents::Tally;
use crate::server::calls::{Mailboxes, SocketId};
use crate::server::{App, Phase, unix_ms};
use crate::stt::SpeechJob;
use crate::terms::{Channel, DropReason, Outcome, SAMPLES_PER_MS, Span, Transcript};
use crate::wire::phone::News;

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

/// Messages of a call that may wait for a socket that wants to be told of it, and room for the last one.
const OUTBOX: usize = 64;

/// What a socket brings.
#[derive(Debug)]
pub enum MediaInput {
    Attach(Attach),
    /// 16 kHz samples per channel, directly after what came before on these channels.
    Audio {
        socket: SocketId,
        lanes: Vec<(Channel, Vec<f32>)>,
    },
    /// Audio of these channels that never came.
    Skip {
        socket: SocketId,
        channels: Vec<Channel>,
        duration_ms: u64,
    },
    /// What is being said on this socket's channels is cut and transcribed now.
    Flush {
        socket: SocketId,
    },
    Utterance {
        channel: Channel,
        span: Span,
        text: String,
    },
    Hold,
    Resume {
        socket: SocketId,
        /// Audio left out during the hold; `None`: as long as it took.
        skipped_ms: Option<u64>,
    },
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
    /// Whether it wants [`ToSocket::News`].
    pub wants_news: bool,
    /// Told the media clock at which the socket's first sample is placed.
    pub ready: oneshot::Sender<u64>,
}

/// What the call tells a socket; after anything but news the socket closes.
#[derive(Debug, Clone, PartialEq)]
pub enum ToSocket {
    News(News),
    Stopped { utterances: u64 },
    ShuttingDown,
}

/// Where a call's messages for one socket wait. News never take the last place, so that the end is always told.
pub fn outbox() -> (mpsc::Sender<ToSocket>, mpsc::Receiver<ToSocket>) {
    mpsc::channel(OUTBOX)
}

/// Something a supervisor or the agent does.
#[derive(Debug)]
pub struct Command {
    pub input: Input,
    /// Told when the events it made are out.
    pub done: oneshot::Sender<()>,
}

/// Runs a new call until it has ended.
pub fn spawn(app: Arc<App>, info: CallInfo, mailboxes: Mailboxes) {
    app.metrics.calls_started.inc();
    let call = info.call.clone();
    run(app, call, mailboxes, |app| Some(Session::start(app, info)));
}

/// Takes up a call of before a restart: it waits for its connection like one that has just lost it. Living through a
/// long log takes a while, so it is done beside the runtime, of all calls at most as many at once as `turns` allows.
pub fn restore(app: Arc<App>, call: String, log: Logged, mailboxes: Mailboxes, turns: Arc<Semaphore>) {
    tokio::spawn(async move {
        // Never closed.
        let turn = turns.acquire_owned().await;
        let rebuilding = {
            let app = Arc::clone(&app);
            tokio::task::spawn_blocking(move || rebuild(&app, log))
        };
        // A panic inside is a call that cannot be taken up.
        let rebuilt = rebuilding.await.ok().flatten();
        drop(turn);
        run(app, call, mailboxes, |app| Session::take_up(app, rebuilt?));
    });
}

/// A call that lives again, and its log.
struct Rebuilt {
    call: Call,
    events: Vec<Event>,
}

fn rebuild(app: &App, log: Logged) -> Option<Rebuilt> {
    let events: Vec<Event> = log.events.into_iter().map(|(_, event)| event).collect();
    let EventKind::CallStarted { agent, queue, team, language, .. } = events.first()?.kind.clone() else {
        return None;
    };
    let call = events.first()?.call.clone();
    let mut info = CallInfo { call, agent, queue, team, lang: language, ..CallInfo::default() };
    if let Some(agent) = &info.agent {
        (info.habits, info.shift) = app.agents.begin(agent, info.team.as_deref(), None, unix_ms());
    }
    let rules = Arc::clone(&app.rules.borrow());
    let settings = call_settings(app, &info);
    let call = Call::take_up(info, rules, settings, &events, log.agent_seq)?;
    Some(Rebuilt { call, events })
}

/// A panic inside ends this call alone: it becomes an event and is counted.
fn run(
    app: Arc<App>,
    call: String,
    mailboxes: Mailboxes,
    session: impl FnOnce(&App) -> Option<Session<'_>> + Send + 'static,
) {
    let span = info_span!("call", call = %call);
    let task = async move {
        app.metrics.calls.inc();
        let run = async {
            match session(&app) {
                Some(session) => session.run(mailboxes).await,
                None => EndReason::Fault,
            }
        };
        let reason = match AssertUnwindSafe(run).catch_unwind().await {
            Ok(EndReason::Fault) | Err(_) => {
                app.metrics.faults.inc();
                tracing::error!("call ended by a fault of ours");
                // What the call had still said comes first.
                app.journal.told(app.journal.submit(Vec::new())).await;
                app.journal.told(app.journal.submit(app.hub.fault(&call).into_iter().collect())).await;
                EndReason::Fault
            }
            Ok(reason) => reason,
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
    /// The last events handed to the journal.
    ticket: Ticket,
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
    wants_news: bool,
    /// Set by `flush`: segments still to be answered before `flushed` is said.
    flushing: Option<BTreeSet<u64>>,
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
        app.calls.learn(&info.call, &info.facts);
        let rules = Arc::clone(&app.rules.borrow());
        let settings = call_settings(app, &info);
        let call = Call::start(info, rules, settings, unix_ms(), &mut out);
        let mut session = Self::new(app, call, reply, transcripts, out);
        session.carry_out();
        session
    }

    /// From the log of a call that was live when the program went.
    fn take_up(app: &'a App, Rebuilt { call, events }: Rebuilt) -> Option<Self> {
        let (reply, transcripts) = mpsc::channel(IN_FLIGHT);
        let mut session = Self::new(app, call, reply, transcripts, Vec::new());
        for event in &events {
            session.tally.hear(event, unix_ms());
        }
        let ago = |at: Option<u64>| Duration::from_millis(at.map_or(0, |at| unix_ms().saturating_sub(at)));
        let now = Instant::now();
        session.started = now.checked_sub(ago(parse_rfc3339(&events.first()?.at))).unwrap_or(now);
        let wall = now.checked_sub(ago(parse_rfc3339(&events.last()?.at))).unwrap_or(now);
        let since = Since { wall, t_ms: session.call.t_ms() };
        session.lost = Some(since);
        session.held = session.call.is_held().then_some(since);
        session.grace_until = now + app.grace;
        info!(t_ms = since.t_ms, "taken up again; waiting for its connection");
        Some(session)
    }

    fn new(
        app: &'a App,
        call: Call,
        reply: mpsc::Sender<Transcript>,
        transcripts: mpsc::Receiver<Transcript>,
        out: Vec<Output>,
    ) -> Self {
        let CallInfo { call: id, lang, .. } = call.info();
        Self {
            app,
            name: Arc::from(id.as_str()),
            id: id.clone(),
            lang: *lang,
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
            ticket: Ticket::default(),
            out,
        }
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
                    self.answer(command.done);
                }
                Ok(()) = phase.changed() => self.phase_changed(*phase.borrow_and_update()),
                () = sleep_until(wake.unwrap_or(self.started)), if wake.is_some() => self.wake(),
                input = mailboxes.media.recv(), if reading => match input {
                    Some(input) => self.media(input),
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

    fn media(&mut self, input: MediaInput) {
        if self.ending.is_some() {
            return;
        }
        match input {
            MediaInput::Attach(attach) => self.attach(attach),
            MediaInput::Audio { socket, lanes } => self.audio(socket, lanes),
            MediaInput::Skip { socket, channels, duration_ms } => self.skip(socket, &channels, duration_ms),
            MediaInput::Flush { socket } => self.flush(socket),
            MediaInput::Utterance { channel, span, text } => self.handle(Input::Utterance { channel, span, text }),
            MediaInput::Hold => {
                let t_ms = self.media_ms();
                self.held.get_or_insert(Since { wall: Instant::now(), t_ms });
                self.handle(Input::Hold);
            }
            MediaInput::Resume { socket, skipped_ms } => self.resume(socket, skipped_ms),
            MediaInput::Consent { given } => {
                if !given {
                    self.in_flight.clear();
                }
                self.handle(Input::Consent { given });
            }
            MediaInput::Facts(facts) => {
                self.app.calls.learn(&self.id, &facts);
                self.handle(Input::Facts(facts));
            }
            MediaInput::Stop { socket } => self.stop(socket),
            MediaInput::Lost { socket } => self.lose(socket),
        }
    }

    fn attach(&mut self, attach: Attach) {
        let Attach { socket, channels, resumed, outbox, wants_news, ready } = attach;
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
        let lanes = channels.into_iter().map(|channel| (channel, position)).collect();
        self.sockets.push(Attached { id: socket, lanes, outbox, wants_news, flushing: None, stopping: None });
        // If the socket has gone meanwhile, `Lost` follows.
        let _ = ready.send(t_ms);
    }

    fn audio(&mut self, socket: SocketId, lanes: Vec<(Channel, Vec<f32>)>) {
        let Some(attached) = self.sockets.iter_mut().find(|attached| attached.id == socket) else { return };
        let samples: u64 = lanes.iter().map(|(_, samples)| samples.len() as u64).sum();
        // Channels of one stream come together and are at the same place.
        let mut at = None;
        for (channel, samples) in &lanes {
            if let Some((_, position)) = attached.lanes.iter_mut().find(|(held, _)| held == channel) {
                at.get_or_insert(*position);
                *position += samples.len() as u64;
            }
        }
        let Some(at) = at else { return };
        self.last_audio = Some(Instant::now());
        self.app.metrics.audio_ms.inc_by(samples / SAMPLES_PER_MS);
        self.handle(Input::Audio { at, lanes });
    }

    /// What comes next on these channels comes so much later; the call says so when it does.
    fn skip(&mut self, socket: SocketId, channels: &[Channel], duration_ms: u64) {
        let Some(attached) = self.sockets.iter_mut().find(|attached| attached.id == socket) else { return };
        for (_, position) in attached.lanes.iter_mut().filter(|(channel, _)| channels.contains(channel)) {
            *position = position.saturating_add(duration_ms.saturating_mul(SAMPLES_PER_MS));
        }
    }

    fn resume(&mut self, socket: SocketId, skipped_ms: Option<u64>) {
        let Some(held) = self.held.take() else { return };
        let t_ms = match skipped_ms {
            Some(skipped_ms) => {
                let all: Vec<Channel> = self.channels_of(socket);
                self.skip(socket, &all, skipped_ms);
                self.media_ms()
            }
            None => {
                let now_ms = self.media_ms();
                let should_be_ms = held.t_ms + elapsed_ms(held.wall);
                if should_be_ms > now_ms + HOLD_JITTER_MS { should_be_ms } else { now_ms }
            }
        };
        self.handle(Input::Resume { t_ms });
        for (_, position) in self.sockets.iter_mut().flat_map(|attached| &mut attached.lanes) {
            *position = (*position).max(t_ms * SAMPLES_PER_MS);
        }
    }

    fn channels_of(&self, socket: SocketId) -> Vec<Channel> {
        let attached = self.sockets.iter().find(|attached| attached.id == socket);
        attached.map_or_else(Vec::new, |attached| attached.lanes.iter().map(|(channel, _)| *channel).collect())
    }

    /// Cuts what is being said on the channels of a socket.
    fn end_channels(&mut self, socket: SocketId) {
        for channel in self.channels_of(socket) {
            self.handle(Input::EndChannel { channel });
        }
    }

    fn flush(&mut self, socket: SocketId) {
        self.end_channels(socket);
        let waiting = self.in_flight.clone();
        if let Some(attached) = self.sockets.iter_mut().find(|attached| attached.id == socket) {
            attached.flushing = Some(waiting);
        }
    }

    fn stop(&mut self, socket: SocketId) {
        if self.app.calls.release(&self.id, socket, true) {
            self.mark_stopping(socket);
            self.end(EndReason::Stop);
            return;
        }
        // The others go on; this stream's last words are cut here.
        self.end_channels(socket);
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
        self.end_channels(socket);
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
                Output::Speech { channel, speaking, at_ms } => {
                    // In the order in which the call told them.
                    self.publish(std::mem::take(&mut events));
                    self.tell_sockets(&News::Speech { channel, speaking, at_ms });
                }
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
        self.publish(events);
        if !self.out.is_empty() {
            self.carry_out();
        }
    }

    fn publish(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.observe_delay(&events);
        self.remember(&events);
        if self.sockets.iter().any(|attached| attached.wants_news) {
            let told = events.iter().filter(|event| event.log == Log::Call).cloned().collect();
            self.tell_sockets(&News::Events(told));
        }
        self.ticket = self.app.journal.submit(events);
    }

    /// A socket that does not take its news in time misses them; the call never waits for it.
    fn tell_sockets(&mut self, news: &News) {
        for attached in self.sockets.iter().filter(|attached| attached.wants_news) {
            let room = attached.outbox.capacity() > 1;
            if !room || attached.outbox.try_send(ToSocket::News(news.clone())).is_err() {
                self.app.metrics.feed_missed.inc();
                warn!("a media socket does not take what the call tells it");
            }
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
        for attached in &mut self.sockets {
            if attached.flushing.take_if(|waiting| waiting.is_empty()).is_some() && attached.outbox.capacity() > 1 {
                let _ = attached.outbox.try_send(ToSocket::News(News::Flushed));
            }
        }
        self.sockets.retain(|attached| match &attached.stopping {
            Some(waiting) if waiting.is_empty() => {
                // The outbox keeps a place for the last message a socket gets.
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

fn call_settings(app: &App, info: &CallInfo) -> CallSettings {
    let queue = info.queue.as_deref();
    let (escalation, acoustic) = (app.config.alerts.settings(queue), app.config.acoustic.settings(queue));
    CallSettings { escalation, acoustic, ..app.call_settings.clone() }
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
