//! A supervisor's feed: a snapshot of the calls in scope, their events, and what the supervisor does.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{self, Query, State};
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use super::{End, Failed, answer, bad_message, command_text, lagged, say_goodbye, send, shutting_down, token_ran_out};
use crate::audit::Action;
use crate::call::event::{Event, EventKind};
use crate::call::view::CallView;
use crate::call::{AlertCommand, Input};
use crate::language::facts::{FactKind, facts};
use crate::server::app::{App, Shared};
use crate::server::auth::{Claims, Need};
use crate::server::hub::{CallItem, FeedItem};
use crate::server::problem::{Problem, known};
use crate::server::socket::{Gone, Patience, Socket};
use crate::server::upgrade::upgrade;
use crate::terms::{Channel, Lang};
use crate::wall_clock::unix_ms;
use crate::wire::feed::{CallFacts, Erased, FeedEvent, Request, SaidFact, SupervisorCommand, SupervisorSnapshot};
use crate::wire::{Refusal, to_json};

/// The query of the feed.
#[derive(Debug, Deserialize)]
pub(in crate::server) struct FeedQuery {
    after: Option<u64>,
    #[serde(default)]
    text: Words,
}

/// Which callers' words a supervisor's feed carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Words {
    /// Of all calls in scope.
    #[default]
    All,
    /// Of calls opened on this feed; alert quotes always.
    Opened,
}

pub(in crate::server) async fn supervisor(
    State(app): Shared,
    query: Result<Query<FeedQuery>, QueryRejection>,
    request: extract::Request,
) -> Result<Response, Problem> {
    if query.is_err() {
        // Who may not come in learns nothing of queries.
        app.admit(request.headers(), Need::Supervise)?;
    }
    let query = known(query, "`after` (a cursor) and `text` (all or opened)")?;
    let patience = Patience::with_readers(&app.config);
    upgrade(app, request, Need::Supervise, "supervisor", patience, move |app, socket, claims| async move {
        serve(&app, socket, &claims, query.after, query.text).await;
    })
}

async fn serve(app: &App, mut socket: Socket, claims: &Claims, after: Option<u64>, words: Words) {
    let mut sight = claims.entry(Action::FeedOpened, None);
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
        let expires = Instant::now() + self.claims.time_left();
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
                self.app.audit.record(self.claims.entry(Action::AlertDismissed, Some(&alert))).await;
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
                    self.app.audit.record(self.claims.entry(Action::CallOpened, Some(&call))).await;
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
            && let Some(handle) = self.app.calls.find(call)
        {
            handle.mention(Input::Watching { who: self.claims.sub.clone(), on: false });
        }
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
