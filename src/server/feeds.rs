//! Sockets that read: supervisors' feeds and agents' feeds. A snapshot, then events; commands back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use crate::audit::Action;
use crate::call::event::{Event, EventKind};
use crate::call::view::{AgentView, CallView};
use crate::call::{AlertCommand, Input};
use crate::coach::{Answer, PromptState};
use crate::language::facts::{FactKind, facts};
use crate::server::auth::Claims;
use crate::server::http::token_left;
use crate::server::hub::{AgentItem, CallItem, FeedItem};
use crate::server::session::Command;
use crate::server::socket::{Gone, Incoming, Socket};
use crate::server::{App, entry, unix_ms};
use crate::terms::{Channel, Lang};
use crate::wire::feed::{
    AgentCommand, AgentSnapshot, CallFacts, Card, Done, Erased, FeedEvent, Request, SaidFact, SupervisorCommand,
    SupervisorSnapshot,
};
use crate::wire::{ErrorMessage, Refusal, to_json};

/// How long a call may take to carry out a command; it does so between two slices of audio.
const COMMAND: Duration = Duration::from_secs(2);

/// Which callers' words a supervisor's feed carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Words {
    /// Of all calls in scope.
    #[default]
    All,
    /// Of calls opened on this feed; alert quotes always.
    Opened,
}

/// Why a feed ends.
enum End {
    /// Nobody to tell.
    Gone,
    /// The reader does not read.
    Stuck,
    Refused(Refusal, String),
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Stuck
    }
}

/// A command that was not carried out.
struct Failed(&'static str, String);

pub(super) async fn supervisor(app: &App, mut socket: Socket, claims: &Claims, after: Option<u64>, words: Words) {
    let mut sight = entry(claims, Action::FeedOpened, None);
    sight.detail.insert("text".to_owned(), if words == Words::All { "all" } else { "opened" }.into());
    app.audit.record(sight).await;
    let mut feed = SupervisorFeed { app, claims, words, opened: BTreeSet::new(), shown: BTreeSet::new() };
    let Err(end) = feed.run(&mut socket, after).await;
    feed.leave();
    say_goodbye(app, socket, end).await;
}

struct SupervisorFeed<'a> {
    app: &'a App,
    claims: &'a Claims,
    words: Words,
    /// Calls this supervisor looks at.
    opened: BTreeSet<String>,
    /// Live calls this reader has been told of: a transfer may take one out of the scope, or bring one in.
    shown: BTreeSet<String>,
}

/// What became of an event on a feed.
#[derive(PartialEq, Eq)]
enum Told {
    Done,
    /// The call came into the scope in its midst: only a snapshot can show it.
    Unknown,
}

impl SupervisorFeed<'_> {
    async fn run(&mut self, socket: &mut Socket, mut after: Option<u64>) -> Result<std::convert::Infallible, End> {
        let expires = Instant::now() + token_left(self.claims);
        loop {
            let mut subscription = self.app.hub.subscribe(after.take());
            let calls: Vec<CallView> = subscription.calls.into_iter().filter(|view| self.sees(view)).collect();
            self.shown = calls.iter().map(|view| view.call.clone()).collect();
            let calls = calls.into_iter().map(|view| self.shown(view));
            let (server, agent_channel) = (&self.app.config.server, self.app.config.agent.channel);
            let (cursor, calls) = (subscription.cursor, calls.collect());
            let snapshot = SupervisorSnapshot::new(&server.node, unix_ms(), agent_channel, cursor, calls);
            socket.send(to_json(&snapshot)).await?;
            for load in &subscription.loads {
                self.load(socket, load).await?;
            }
            let mut unknown = false;
            for item in subscription.missed {
                unknown |= self.event(socket, &item).await? == Told::Unknown;
            }
            if unknown {
                continue;
            }
            loop {
                tokio::select! {
                    item = subscription.items.recv() => match item {
                        Ok(FeedItem::Event(item)) => {
                            if self.event(socket, &item).await? == Told::Unknown {
                                break;
                            }
                        }
                        Ok(load @ FeedItem::Load { .. }) => self.load(socket, &load).await?,
                        Ok(FeedItem::Colleagues { colleagues, team, queue }) => {
                            let is_open = self.opened.contains(&colleagues.call);
                            if is_open && self.claims.covers(team.as_deref(), queue.as_deref()) {
                                socket.send(to_json(colleagues.as_ref())).await?;
                            }
                        }
                        Ok(FeedItem::Erased { call, team, queue }) => {
                            if self.claims.covers(team.as_deref(), queue.as_deref()) {
                                socket.send(to_json(&Erased::new(&call))).await?;
                            }
                        }
                        Err(RecvError::Lagged(missed)) => {
                            lagged(self.app, missed);
                            break;
                        }
                        Err(RecvError::Closed) => return Err(End::Refused(Refusal::ShuttingDown, String::new())),
                    },
                    incoming = socket.receive() => {
                        let request = SupervisorCommand::parse(&command_text(incoming)?);
                        let Request { reference, command } = request.map_err(bad_message)?;
                        let opening = match &command {
                            Ok(SupervisorCommand::Open { call }) => Some(call.clone()),
                            _ => None,
                        };
                        let result = match command {
                            Ok(command) => self.carry_out(command).await,
                            Err(error) => Err(Failed("bad_message", error.0)),
                        };
                        if let Some(call) = opening.filter(|_| result.is_ok()) {
                            let events = self.app.hub.events(&call, 0, usize::MAX).unwrap_or_default();
                            self.facts(socket, &call, &events, false).await?;
                            if let Some(colleagues) = self.app.hub.colleagues(&call) {
                                socket.send(to_json(&colleagues)).await?;
                            }
                        }
                        answer(socket, reference, result).await?;
                    }
                    () = sleep_until(expires) => return Err(token_ran_out()),
                    () = self.app.closed() => return Err(shutting_down()),
                }
            }
        }
    }

    async fn load(&self, socket: &mut Socket, item: &FeedItem) -> Result<(), Gone> {
        match item {
            FeedItem::Load { load, team, queue } if self.claims.covers(team.as_deref(), queue.as_deref()) => {
                socket.send(to_json(load)).await
            }
            _ => Ok(()),
        }
    }

    /// What is known of an opened call, as said in these events; `only_news`: nothing if they say nothing.
    async fn facts(&self, socket: &mut Socket, call: &str, events: &[Arc<Event>], only_news: bool) -> Result<(), Gone> {
        let Some(facts) = self.app.calls.facts(call) else { return Ok(()) };
        let known = self.app.hub.call(call).and_then(|view| view.language);
        let lang = known.unwrap_or(self.app.config.speech.language);
        let said: Vec<_> = events.iter().flat_map(|event| said_facts(lang, event)).collect();
        if only_news && said.is_empty() {
            return Ok(());
        }
        socket.send(to_json(&CallFacts::new(call, &facts, said))).await
    }

    async fn event(&mut self, socket: &mut Socket, item: &CallItem) -> Result<Told, Gone> {
        let call = &item.event.call;
        if !self.claims.covers(item.team.as_deref(), item.queue.as_deref()) {
            if self.shown.remove(call) {
                // Transferred to others: whoever may not see it any more does not keep it on the screen either.
                if self.opened.remove(call) {
                    self.stop_watching(call);
                }
                socket.send(to_json(&Erased::new(call))).await?;
            }
            return Ok(Told::Done);
        }
        match &item.event.kind {
            EventKind::CallStarted { .. } => {
                self.shown.insert(call.clone());
            }
            EventKind::CallEnded { .. } => {
                self.shown.remove(call);
            }
            _ if !self.shown.contains(call) => return Ok(Told::Unknown),
            _ => {}
        }
        if self.opened.contains(call) {
            socket.send(item.json.as_str()).await?;
            self.facts(socket, call, std::slice::from_ref(&item.event), true).await?;
        } else if self.words == Words::All {
            socket.send(item.json.as_str()).await?;
        } else {
            let event = without_words(&item.event);
            socket.send(to_json(&FeedEvent { event: &event, cursor: item.cursor })).await?;
        }
        Ok(Told::Done)
    }

    async fn carry_out(&mut self, command: SupervisorCommand) -> Result<(), Failed> {
        let by = self.claims.sub.clone();
        let alert_input = |alert: &str, command| Input::Alert { alert: alert.to_owned(), command, by: by.clone() };
        match command {
            SupervisorCommand::Ack { alert } => {
                let input = alert_input(&alert, AlertCommand::Acknowledge);
                self.on_alert(&alert, input).await
            }
            SupervisorCommand::Dismiss { alert, reason } => {
                let reason = reason.unwrap_or_default();
                let input = alert_input(&alert, AlertCommand::Dismiss { reason });
                self.on_alert(&alert, input).await?;
                self.app.audit.record(entry(self.claims, Action::AlertDismissed, Some(&alert))).await;
                Ok(())
            }
            SupervisorCommand::Snooze { alert, minutes } => {
                let input = alert_input(&alert, AlertCommand::Snooze { minutes });
                self.on_alert(&alert, input).await
            }
            SupervisorCommand::Whisper { call, text } => {
                let view = self.visible(&call)?;
                if view.agent.is_none() {
                    return Err(Failed("no_agent", "nobody would hear it: the call names no agent".to_owned()));
                }
                send(self.app, &call, Input::Whisper { from: by, text }).await
            }
            SupervisorCommand::Note { call, text } => {
                self.visible(&call)?;
                send(self.app, &call, Input::Note { by, text }).await
            }
            SupervisorCommand::Open { call } => {
                self.visible(&call)?;
                if self.opened.insert(call.clone()) {
                    self.app.audit.record(entry(self.claims, Action::CallOpened, Some(&call))).await;
                    if self.app.hub.watch(&call, &by) {
                        send(self.app, &call, Input::Watching { who: by, on: true }).await?;
                    }
                }
                Ok(())
            }
            SupervisorCommand::Close { call } => {
                if !self.opened.remove(&call) {
                    return Err(Failed("not_open", "this call is not open on this feed".to_owned()));
                }
                if self.app.hub.unwatch(&call, &by) {
                    let _ = send(self.app, &call, Input::Watching { who: by, on: false }).await;
                }
                Ok(())
            }
        }
    }

    /// Alerts are named `CALL:aN`; only the open one can be acted on.
    async fn on_alert(&self, alert: &str, input: Input) -> Result<(), Failed> {
        let call = alert.rsplit_once(':').map_or(alert, |(call, _)| call);
        let open = self.visible(call).ok().and_then(|view| view.alert);
        if open.is_none_or(|open| open.id != alert) {
            return Err(Failed("unknown_alert", "there is no such open alert in your scope".to_owned()));
        }
        send(self.app, call, input).await
    }

    fn visible(&self, call: &str) -> Result<CallView, Failed> {
        let view = self.app.hub.call(call).filter(|view| self.sees(view) && view.ended.is_none());
        view.ok_or_else(|| Failed("unknown_call", "there is no such live call in your scope".to_owned()))
    }

    fn sees(&self, view: &CallView) -> bool {
        self.claims.covers(view.team.as_deref(), view.queue.as_deref())
    }

    fn shown(&self, mut view: CallView) -> CallView {
        if self.words == Words::Opened && !self.opened.contains(&view.call) {
            view.last = None;
        }
        view
    }

    /// Tells the agents that nobody looks any more.
    fn leave(&self) {
        self.opened.iter().for_each(|call| self.stop_watching(call));
    }

    /// A call that has no room for it is told when it ends.
    fn stop_watching(&self, call: &str) {
        if self.app.hub.unwatch(call, &self.claims.sub)
            && let Some(entry) = self.app.calls.find(call)
        {
            let input = Input::Watching { who: self.claims.sub.clone(), on: false };
            let _ = entry.commands.try_send(Command { input, done: oneshot::channel().0 });
        }
    }
}

pub(super) async fn agent(app: &App, mut socket: Socket, claims: &Claims, agent: &str) {
    let mut feed = AgentFeed { app, agent, muted_until: None };
    let Err(end) = feed.run(&mut socket, Instant::now() + token_left(claims)).await;
    say_goodbye(app, socket, end).await;
}

struct AgentFeed<'a> {
    app: &'a App,
    agent: &'a str,
    /// No new prompts are shown until then.
    muted_until: Option<Instant>,
}

impl AgentFeed<'_> {
    async fn run(&mut self, socket: &mut Socket, expires: Instant) -> Result<std::convert::Infallible, End> {
        loop {
            let (calls, mut events) = self.app.hub.subscribe_agent(self.agent);
            self.snapshot(socket, calls).await?;
            loop {
                tokio::select! {
                    event = events.recv() => match event {
                        Ok(AgentItem::Event(event)) if self.is_muted(&event) => {}
                        Ok(AgentItem::Event(event)) => socket.send(to_json(event.as_ref())).await?,
                        Ok(AgentItem::Calls) => self.snapshot(socket, self.app.hub.agent_views(self.agent)).await?,
                        Err(RecvError::Lagged(missed)) => {
                            lagged(self.app, missed);
                            break;
                        }
                        Err(RecvError::Closed) => return Err(shutting_down()),
                    },
                    incoming = socket.receive() => {
                        let request = AgentCommand::parse(&command_text(incoming)?);
                        let Request { reference, command } = request.map_err(bad_message)?;
                        if let Ok(AgentCommand::Card { lang }) = command {
                            socket.send(to_json(&self.card(lang))).await?;
                        }
                        let result = match command {
                            Ok(command) => self.carry_out(command).await,
                            Err(error) => Err(Failed("bad_message", error.0)),
                        };
                        answer(socket, reference, result).await?;
                    }
                    () = sleep_until(expires) => return Err(token_ran_out()),
                    () = self.app.closed() => return Err(shutting_down()),
                }
            }
        }
    }

    async fn snapshot(&self, socket: &mut Socket, calls: Vec<AgentView>) -> Result<(), Gone> {
        let (node, agent_channel) = (&self.app.config.server.node, self.app.config.agent.channel);
        let snapshot = AgentSnapshot::new(node, self.agent, unix_ms(), agent_channel, calls);
        socket.send(to_json(&snapshot)).await
    }

    fn card(&self, lang: Option<Lang>) -> Card {
        let rules = self.app.rules.borrow().clone();
        let lang = lang.unwrap_or(self.app.config.speech.language);
        let (load, lines) = self.app.agents.card(self.agent, rules.playbook.for_queue(None), lang, unix_ms());
        Card::new(self.agent, load, lines)
    }

    fn is_muted(&self, event: &Event) -> bool {
        let shows = matches!(event.kind, EventKind::Prompt { state: PromptState::Shown, .. });
        shows && self.muted_until.is_some_and(|until| until > Instant::now())
    }

    async fn carry_out(&mut self, command: AgentCommand) -> Result<(), Failed> {
        match command {
            AgentCommand::Used { prompt } => self.on_prompt(prompt, Answer::Used).await,
            AgentCommand::NotNow { prompt } => self.on_prompt(prompt, Answer::NotNow).await,
            AgentCommand::Mute { prompt: Some(prompt), for_good: true, .. } => {
                if !self.app.agents.mute(self.agent, &prompt) {
                    return Err(unknown_prompt());
                }
                // Its call may have ended meanwhile; it is off for all later ones.
                let _ = self.on_prompt(prompt, Answer::Mute).await;
                Ok(())
            }
            AgentCommand::Mute { prompt: Some(prompt), .. } => self.on_prompt(prompt, Answer::Mute).await,
            AgentCommand::Mute { prompt: None, minutes, .. } => {
                // A day: longer than any shift.
                let minutes = minutes.unwrap_or(24 * 60).min(24 * 60);
                self.muted_until = Some(Instant::now() + Duration::from_secs(u64::from(minutes) * 60));
                Ok(())
            }
            // Sent by the caller, who has the socket.
            AgentCommand::Card { .. } => Ok(()),
            AgentCommand::Share { call, seq } => {
                let Some(text) = self.app.hub.moment(self.agent, &call, seq) else {
                    return Err(Failed("unknown_moment", "there is no such moment in a live call of yours".to_owned()));
                };
                send(self.app, &call, Input::Note { by: self.agent.to_owned(), text }).await?;
                self.app.hub.moment_shared(&call, seq);
                Ok(())
            }
        }
    }

    /// Prompts are named `CALL:pN`.
    async fn on_prompt(&self, prompt: String, answer: Answer) -> Result<(), Failed> {
        let call = prompt.rsplit_once(':').map_or("", |(call, _)| call).to_owned();
        if !self.app.hub.is_agents(self.agent, &call) {
            return Err(unknown_prompt());
        }
        send(self.app, &call, Input::Prompt { prompt, answer }).await
    }
}

fn unknown_prompt() -> Failed {
    Failed("unknown_prompt", "there is no such prompt in a live call of yours".to_owned())
}

/// Tells the calls of an agent that what was kept of them is erased. A call that has no room for it keeps what it has
/// until it ends.
pub(super) fn forget_agent(app: &App, agent: &str) {
    for entry in app.hub.calls_of(agent).iter().filter_map(|call| app.calls.find(call)) {
        let command = Command { input: Input::ForgetAgent, done: oneshot::channel().0 };
        if entry.commands.try_send(command).is_err() {
            tracing::warn!(call = entry.call, "a busy call still holds what its agent erased until it ends");
        }
    }
}

/// Hands a command to a call and waits until it is carried out.
async fn send(app: &App, call: &str, input: Input) -> Result<(), Failed> {
    let ended = || Failed("call_ended", "the call has just ended".to_owned());
    let busy = || Failed("busy", "the call is busy; try again".to_owned());
    let entry = app.calls.find(call).ok_or_else(ended)?;
    let (done, carried_out) = oneshot::channel();
    entry.commands.try_send(Command { input, done }).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => busy(),
        mpsc::error::TrySendError::Closed(_) => ended(),
    })?;
    match timeout(COMMAND, carried_out).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(ended()),
        Err(_) => Err(busy()),
    }
}

async fn answer(socket: &mut Socket, reference: Option<Value>, result: Result<(), Failed>) -> Result<(), Gone> {
    let json = match result {
        Ok(()) => to_json(&Done::new(reference)),
        Err(Failed(code, message)) => {
            let mut error = ErrorMessage::new(code, message);
            error.reference = reference;
            to_json(&error)
        }
    };
    socket.send(json).await
}

fn command_text(incoming: Incoming) -> Result<String, End> {
    match incoming {
        Incoming::Text(text) => Ok(text.as_str().to_owned()),
        Incoming::Binary(_) => Err(End::Refused(Refusal::UnexpectedBinary, "commands are JSON text frames".to_owned())),
        Incoming::Refused(refusal, message) => Err(End::Refused(refusal, message.to_owned())),
        Incoming::Gone | Incoming::Closed => Err(End::Gone),
    }
}

/// What the customer says of the matter in one event. Names, numbers and addresses are not repeated here.
fn said_facts(lang: Lang, event: &Event) -> Vec<SaidFact> {
    let EventKind::Utterance { channel: Channel::Customer, text: Some(text), start_ms, .. } = &event.kind else {
        return Vec::new();
    };
    let tells =
        [FactKind::What, FactKind::Problem, FactKind::Since, FactKind::Wait, FactKind::HowOften, FactKind::Amount];
    let found = facts(lang, text).into_iter().filter(|fact| tells.contains(&fact.kind));
    found.map(|fact| SaidFact { kind: fact.kind, text: fact.text, t_ms: *start_ms }).collect()
}

/// An event without a caller's words: for calls the supervisor has not opened.
fn without_words(event: &Arc<Event>) -> Event {
    let mut event = Event::clone(event);
    match &mut event.kind {
        EventKind::Utterance { text, .. } => *text = None,
        EventKind::Assessment { cues, .. } => cues.iter_mut().for_each(|cue| cue.text.clear()),
        _ => {}
    }
    event
}

fn lagged(app: &App, missed: u64) {
    app.metrics.feed_lagged.inc();
    app.metrics.feed_missed.inc_by(missed);
    tracing::warn!(missed, "a reader fell behind and gets a snapshot");
}

async fn say_goodbye(app: &App, socket: Socket, end: End) {
    match end {
        End::Gone => {}
        End::Stuck => {
            app.metrics.feed_dropped.inc();
            tracing::warn!("a reader does not read; dropped");
        }
        End::Refused(refusal, message) => {
            app.metrics.refuse(refusal.code());
            socket.refuse(refusal, &message).await;
        }
    }
}

fn bad_message(error: crate::wire::BadMessage) -> End {
    End::Refused(Refusal::BadMessage, error.0)
}

fn token_ran_out() -> End {
    End::Refused(Refusal::Unauthorized, "the token has run out; connect again with a new one".to_owned())
}

fn shutting_down() -> End {
    End::Refused(Refusal::ShuttingDown, "the server is shutting down".to_owned())
}
