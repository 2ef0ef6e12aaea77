//! What was: calls, their events and alerts over HTTP, from the journal and, for what is not in it (yet), from memory.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;

use crate::audit::{Action, AuditLine};
use crate::call::event::Event;
use crate::call::view::{CallView, OpenAlert};
use crate::journal::{CallQuery, StoreError};
use crate::server::app::{App, Shared};
use crate::server::auth::{Claims, Need};
use crate::server::problem::{Problem, known};
use crate::terms::Band;

/// Entries of one page unless asked for fewer or more, and at most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// How long an erasure may take before the asker is told that the disk fails.
const ERASURE: Duration = Duration::from_secs(10);

/// `GET /v1/calls`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallsQuery {
    /// `live` or `ended`; both without.
    state: Option<CallState>,
    /// `next` of the page before.
    before: Option<u64>,
    limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CallState {
    Live,
    Ended,
}

/// `GET /v1/calls/{call}/events`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

/// `GET /v1/alerts`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertsQuery {
    /// `open` (default): of live calls, now. `all`: every state of every alert on record.
    #[serde(default)]
    state: AlertsState,
    before: Option<u64>,
    limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AlertsState {
    #[default]
    Open,
    All,
}

/// A page of calls, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CallsPage {
    calls: Vec<Listed>,
    /// `before` of the next page; `null` ends it.
    next: Option<u64>,
}

/// A page of a call's log.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EventsPage {
    call: String,
    events: Vec<Event>,
    /// `after` of the next page; `null`: there is no more yet.
    next: Option<u64>,
}

/// Alerts: with `state=open` those open now, with `state=all` every state of every alert on record, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AlertsPage {
    alerts: Vec<AlertEntry>,
    /// `before` of the next page; `null` ends it.
    next: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum AlertEntry {
    Open(AlertOfCall),
    State(Event),
}

/// An open alert with its call.
#[derive(Debug, Serialize, JsonSchema)]
struct AlertOfCall {
    call: String,
    agent: Option<String>,
    queue: Option<String>,
    team: Option<String>,
    level: u8,
    band: Band,
    alert: OpenAlert,
}

/// A page of the audit log, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AuditPage {
    #[schemars(with = "Vec<AuditLine>")]
    entries: Vec<Value>,
    /// `after` of the next page; `null`: there is no more yet.
    next: Option<u64>,
}

/// A call as the list shows it.
#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    #[serde(flatten)]
    view: CallView,
    /// The events that are not (yet) in the journal would be lost with the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    durable: Option<bool>,
}

/// Calls in scope, newest first, by pages.
pub(super) async fn calls(
    State(app): Shared,
    query: Result<Query<CallsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<CallsPage>, Problem> {
    let claims = app.admit(&headers, Need::Supervise)?.claims;
    let query = known(query, "`state` (live or ended), `before` (a number) and `limit`")?;
    saw(&app, &claims, Action::ListRead, None).await;
    let limit = page(query.limit);
    let wanted = |view: &CallView| match query.state {
        None => true,
        Some(CallState::Live) => view.ended.is_none(),
        Some(CallState::Ended) => view.ended.is_some(),
    };
    let asked = CallQuery {
        live: query.state.map(|state| state == CallState::Live),
        before: query.before,
        limit: limit + 1,
        ..scope(&claims)
    };
    let mut stored = read(&app, move |reader| reader.calls(&asked)).await?;
    let next = cut(&mut stored, limit);
    let in_memory: Vec<CallView> = app.hub.calls();
    let mut listed = Vec::new();
    if query.before.is_none() {
        // What the journal does not know yet is newest of all.
        for view in in_memory.iter().rev().filter(|view| covers(&claims, view) && wanted(view)) {
            if !in_journal(&app, &view.call, &stored).await? {
                listed.push(Listed { view: view.clone(), durable: Some(false) });
            }
        }
    }
    for (_, view) in stored {
        // Memory is ahead of a journal that waits for its disk.
        let fresher = in_memory.iter().find(|known| known.call == view.call && known.seq > view.seq);
        listed.push(Listed { view: fresher.cloned().unwrap_or(view), durable: None });
    }
    Ok(Json(CallsPage { calls: listed, next }))
}

async fn in_journal(app: &App, call: &str, page: &[(u64, CallView)]) -> Result<bool, Problem> {
    if page.iter().any(|(_, view)| view.call == call) {
        return Ok(true);
    }
    Ok(stored_call(app, call).await?.is_some())
}

async fn stored_call(app: &App, call: &str) -> Result<Option<CallView>, Problem> {
    let call = call.to_owned();
    Ok(read(app, move |reader| Ok(reader.call(&call)?.into_iter().collect::<Vec<_>>())).await?.pop())
}

pub(super) async fn call(
    State(app): Shared,
    Path(call): Path<String>,
    headers: HeaderMap,
) -> Result<Json<CallView>, Problem> {
    let (_, view) = visible(&app, &headers, &call).await?;
    Ok(Json(view))
}

/// A call in scope, and whose scope; one outside of it does not exist.
async fn visible(app: &App, headers: &HeaderMap, call: &str) -> Result<(Claims, CallView), Problem> {
    let claims = app.admit(headers, Need::Supervise)?.claims;
    let known = app.hub.call(call);
    let view = match known {
        Some(view) => Some(view),
        None => stored_call(app, call).await?,
    };
    let view = view.filter(|view| covers(&claims, view)).ok_or_else(unknown_call)?;
    saw(app, &claims, Action::CallRead, Some(call)).await;
    Ok((claims, view))
}

/// Records that somebody saw words; the same sight again within some minutes is not a new one.
async fn saw(app: &App, claims: &Claims, action: Action, object: Option<&str>) {
    if app.sights.is_new(&claims.sub, object.unwrap_or_default()) {
        app.audit.record(claims.entry(action, object)).await;
    }
}

/// The audit log, oldest first, by pages.
pub(super) async fn audit(
    State(app): Shared,
    query: Result<Query<EventsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<AuditPage>, Problem> {
    app.admit(&headers, Need::Audit)?;
    let EventsQuery { after, limit } = known(query, "`after` (a number) and `limit`")?;
    let limit = page(limit);
    match app.audit.page(after, limit).await {
        Ok(entries) => {
            let next = (entries.len() == limit).then(|| entries.last().and_then(|last| last["seq"].as_u64())).flatten();
            Ok(Json(AuditPage { entries, next }))
        }
        Err(problem) => {
            tracing::error!(error = %problem, "the audit log cannot be read");
            let message = "the audit log cannot be read; tell the administrator";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "storage", message))
        }
    }
}

/// Events of a call, by pages: from the journal, and after them those it does not have yet.
pub(super) async fn events(
    State(app): Shared,
    Path(call): Path<String>,
    query: Result<Query<EventsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<EventsPage>, Problem> {
    visible(&app, &headers, &call).await?;
    let EventsQuery { after, limit } = known(query, "`after` (a number) and `limit`")?;
    let limit = limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let id = call.clone();
    let stored = read(&app, move |reader| reader.events(&id, after, limit)).await?;
    let mut events: Vec<Event> = stored.into_iter().map(|(_, event)| event).collect();
    if events.len() < limit {
        let last = events.last().map_or(after, |event| event.seq);
        let more = app.hub.events(&call, last, limit - events.len()).unwrap_or_default();
        events.extend(more.iter().map(|event| Event::clone(event)));
    }
    let next = (events.len() == limit).then(|| events.last().map(|event| event.seq)).flatten();
    Ok(Json(EventsPage { call, events, next }))
}

/// Removes an ended call from the journal and from memory, and tells the feeds.
pub(super) async fn erase(
    State(app): Shared,
    Path(call): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (claims, view) = visible(&app, &headers, &call).await?;
    if view.ended.is_none() {
        let message = "the call is still live; erase it when it has ended";
        return Err(Problem::new(StatusCode::CONFLICT, "call_live", message));
    }
    match timeout(ERASURE, app.journal.erase(&call)).await {
        Ok(Ok(_)) => {
            app.hub.erase(&view);
            app.audit.record(claims.entry(Action::CallErased, Some(&call))).await;
            Ok(StatusCode::NO_CONTENT)
        }
        Ok(Err(problem)) => Err(broken(&problem)),
        Err(_) => Err(broken(&std::io::Error::from(std::io::ErrorKind::TimedOut).into())),
    }
}

/// Alerts in scope: those open now, or all states on record, newest first, by pages.
pub(super) async fn alerts(
    State(app): Shared,
    query: Result<Query<AlertsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<AlertsPage>, Problem> {
    let claims = app.admit(&headers, Need::Supervise)?.claims;
    let query = known(query, "`state` (open or all), `before` (a number) and `limit`")?;
    saw(&app, &claims, Action::ListRead, None).await;
    let limit = page(query.limit);
    if query.state == AlertsState::All {
        let asked = CallQuery { before: query.before, limit: limit + 1, ..scope(&claims) };
        let mut stored = read(&app, move |reader| reader.alerts(&asked)).await?;
        let next = cut(&mut stored, limit);
        let alerts = stored.into_iter().map(|(_, event)| AlertEntry::State(event)).collect();
        return Ok(Json(AlertsPage { alerts, next }));
    }
    let live = app.hub.calls().into_iter().filter(|view| covers(&claims, view) && view.ended.is_none());
    let alerts = live.filter_map(|CallView { call, agent, queue, team, level, band, alert, .. }| {
        Some(AlertEntry::Open(AlertOfCall { call, agent, queue, team, level, band, alert: alert? }))
    });
    Ok(Json(AlertsPage { alerts: alerts.collect(), next: None }))
}

fn covers(claims: &Claims, view: &CallView) -> bool {
    claims.covers(view.team.as_deref(), view.queue.as_deref())
}

fn scope(claims: &Claims) -> CallQuery {
    CallQuery { teams: claims.teams.clone(), queues: claims.queues.clone(), ..CallQuery::default() }
}

fn page(limit: Option<usize>) -> usize {
    limit.unwrap_or(PAGE).clamp(1, PAGE_MAX)
}

/// Cuts a list that was asked for with one entry too many; where the next page begins, if there is one.
fn cut<T>(stored: &mut Vec<(u64, T)>, limit: usize) -> Option<u64> {
    let more = stored.len() > limit;
    stored.truncate(limit);
    stored.last().map(|(position, _)| *position).filter(|_| more)
}

/// Asks the journal for a list; empty without a journal. One that cannot be read is said, not passed over: what is
/// missing from an answer must not look as if it had never been.
async fn read<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&crate::journal::Reader) -> Result<Vec<T>, StoreError> + Send + 'static,
) -> Result<Vec<T>, Problem> {
    match app.journal.read(question).await {
        Ok(answer) => Ok(answer.unwrap_or_default()),
        Err(problem) if !app.journal.is_up() => {
            // The feeds say that events are not durable; lists show what memory holds.
            tracing::warn!(error = %problem, "the journal cannot be read; answered from memory");
            Ok(Vec::new())
        }
        Err(problem) => Err(broken(&problem)),
    }
}

fn unknown_call() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_call", "there is no such call in your scope")
}

fn broken(problem: &StoreError) -> Problem {
    tracing::error!(error = %problem, "the journal cannot do what was asked");
    let message = "the journal's disk fails; try again, and tell the administrator if it stays so";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "storage", message)
}
