//! How a call's task comes to life: for a new call, or for one that was live before a restart.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tracing::{Instrument as _, info, info_span};

use super::interim::Interims;
use super::{IN_FLIGHT, Session, Since};
use crate::call::event::{EndReason, Event, EventKind, parse_rfc3339};
use crate::call::{Call, CallInfo, CallSettings, Output};
use crate::journal::{Logged, Ticket};
use crate::metrics::Kind;
use crate::server::agents::Tally;
use crate::server::app::App;
use crate::server::mailbox::Mailboxes;
use crate::terms::Transcript;
use crate::wall_clock::unix_ms;

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
    // Thresholds are those of the queue the call is in now.
    let late = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::CallFacts { queue, .. } => queue.clone(),
        _ => None,
    });
    let mut info = CallInfo { call, agent, queue, team, lang: language, ..CallInfo::default() };
    if let Some(agent) = &info.agent {
        (info.habits, info.shift) = app.agents.begin(agent, info.team.as_deref(), None, unix_ms());
    }
    let rules = Arc::clone(&app.rules.borrow());
    let settings = call_settings(app, &info, late.as_deref().or(info.queue.as_deref()));
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

impl<'a> Session<'a> {
    fn start(app: &'a App, info: CallInfo) -> Self {
        let (reply, transcripts) = mpsc::channel(IN_FLIGHT + 1);
        let mut out = Vec::new();
        let mut info = info;
        if let Some(agent) = &info.agent {
            (info.habits, info.shift) =
                app.agents.begin(agent, info.team.as_deref(), info.facts.shift_started_unix_ms, unix_ms());
        }
        app.calls.learn(&info.call, &info.facts);
        let rules = Arc::clone(&app.rules.borrow());
        let settings = call_settings(app, &info, info.queue.as_deref());
        let call = Call::start(info, rules, settings, unix_ms(), &mut out);
        let mut session = Self::new(app, call, reply, transcripts, out);
        session.carry_out();
        session
    }

    /// From the log of a call that was live when the program went.
    fn take_up(app: &'a App, Rebuilt { call, events }: Rebuilt) -> Option<Self> {
        let (reply, transcripts) = mpsc::channel(IN_FLIGHT + 1);
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
        let id = call.info().call.clone();
        Self {
            app,
            name: Arc::from(id.as_str()),
            id,
            call,
            sockets: Vec::new(),
            in_flight: BTreeMap::new(),
            unread: BTreeMap::new(),
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
            interims: Interims::default(),
            out,
        }
    }
}

/// `queue`: the one whose thresholds count.
fn call_settings(app: &App, info: &CallInfo, queue: Option<&str>) -> CallSettings {
    let escalation = app.config.alerts.settings(queue);
    let unacknowledged_ms = app.config.alerts.unacknowledged_ms(queue);
    let acoustic = app.config.acoustic.settings(queue);
    let mut settings = CallSettings { escalation, unacknowledged_ms, acoustic, ..app.call_settings.clone() };
    if let Some(hangover_ms) = info.hangover_ms {
        settings.endpointing.hangover_ms = hangover_ms;
    }
    settings
}

fn reason_name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Stop => "stop",
        EndReason::ConnectionLost => "connection_lost",
        EndReason::Shutdown => "shutdown",
        EndReason::Fault => "fault",
    }
}
