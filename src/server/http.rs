//! HTTP: routes, roles, and the door to the sockets. Whoever may not come in hears it before the upgrade.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::FutureExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tower::Service as _;

use crate::audit::Action;
use crate::call::event::Event;
use crate::config::{MetricsAccess, seconds};
use crate::metrics::Kind;
use crate::server::agents::TEAM_MIN_AGENTS;
use crate::server::auth::{Admitted, Claims, Denied, Need};
use crate::server::describe;
use crate::server::feeds::{self, Words};
use crate::server::guard;
use crate::server::history::{self, AlertsQuery, CallsQuery, EventsQuery};
use crate::server::media;
use crate::server::page;
use crate::server::patient::Patient;
use crate::server::platform::{NotAdmitted, Platform};
use crate::server::revoked::TokenLife;
use crate::server::socket::{Patience, Peer, Socket};
use crate::server::{App, Connection, Phase, entry, unix_ms};
use crate::stt::SpeechQueue;
use crate::wire::audiohook::is_uuid;
use crate::wire::sign::from_base64;
use crate::wire::{ErrorMessage, MAX_JSON_BYTES, feed, to_json};

/// Largest head of a request, and what is read ahead of it.
const HEAD_BYTES: usize = 16 << 10;

/// Without a transcription worker for so long, calls are better sent elsewhere. A restart after a crash takes less.
const WITHOUT_WORDS: Duration = Duration::from_secs(10);

type Shared = State<Arc<App>>;

pub(super) fn router(app: Arc<App>) -> Router {
    let oidc = app.config.auth.oidc.as_ref();
    let (policy, sign_in) = (page::policy(oidc), page::sign_in(oidc));
    let agents_policy = policy.clone();
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { page::board(&headers, &policy) }))
        .route("/agent", get(|headers: HeaderMap| async move { page::agent(&headers, &agents_policy) }))
        .route("/v1/sign-in", get(|| async { Json(sign_in) }))
        .route("/assets/{file}", get(asset))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(|| async { Json(describe::openapi()) }))
        .route("/asyncapi.json", get(|| async { Json(describe::asyncapi()) }))
        .route("/schema/event.json", get(event_schema))
        .route("/schema/feed.json", get(feed_schema))
        .route("/v1/media", get(|app, request| ingest(app, request, Platform::Native)))
        .route("/v1/media/twilio", get(|app, request| ingest(app, request, Platform::Twilio)))
        .route("/v1/media/audiohook", get(|app, request| ingest(app, request, Platform::AudioHook)))
        .route("/v1/media/audiosocket", post(announce))
        .route("/v1/media/vonage", get(|app, request| ingest(app, request, Platform::Vonage)))
        .route("/v1/media/jambonz", get(|app, request| ingest(app, request, Platform::Jambonz)))
        .route("/v1/media/freeswitch", get(|app, request| ingest(app, request, Platform::FreeSwitch)))
        .route("/v1/media/asterisk", get(|app, request| ingest(app, request, Platform::Asterisk)))
        .route("/v1/media/asterisk/{id}", get(|app, request| ingest(app, request, Platform::Asterisk)))
        .route("/v1/listen", get(|app, request| ingest(app, request, Platform::Listen)))
        .route("/v1/transcripts", get(|app, request| ingest(app, request, Platform::Transcripts)))
        .route("/v1/feed/supervisor", get(supervisor_feed))
        .route("/v1/feed/agent/{agent}", get(agent_feed))
        .route("/v1/calls", get(calls))
        .route("/v1/calls/{call}", get(call).delete(erase))
        .route("/v1/calls/{call}/events", get(events))
        .route("/v1/alerts", get(alerts))
        .route("/v1/audit", get(audit))
        .route("/v1/config", get(config))
        .route("/v1/webhooks", get(webhooks))
        .route("/v1/agents/{agent}/record", get(record).delete(erase_record))
        .route("/v1/teams/{team}/practices", get(team_practices))
        .fallback(|| async { error(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path") })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard::watch))
        .with_state(app)
}

/// One connection, until it closes or becomes a socket.
pub(super) async fn serve<S>(app: Arc<App>, stream: S, router: Router, connection: Arc<Connection>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Arc::clone(&connection));
        router.clone().call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(seconds(app.config.limits.header_s))
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Patient::new(stream, seconds(app.config.limits.take_s))), service)
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        result = &mut serving => {
            if let Err(error) = result {
                tracing::debug!(%error, "connection ended");
            }
            return;
        }
        () = app.closed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

/// A socket that brings calls. Who may not, and what makes no sense, hears it before the upgrade.
async fn ingest(State(app): Shared, request: Request, platform: Platform) -> Response {
    let arrived = Instant::now();
    let patience = media_patience(&app);
    let (parts, body) = request.into_parts();
    let admitted = platform.admit(&app, &parts).and_then(|admission| {
        let dialect = platform.dialect(&app, &parts)?;
        Ok((admission, dialect))
    });
    let (admission, dialect) = match admitted {
        Ok(admitted) => admitted,
        Err(NotAdmitted { status, body }) => {
            sleep_until(arrived + platform.refusal_delay()).await;
            let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
            if status == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            return response;
        }
    };
    let request = Request::from_parts(parts, body);
    let expires = admission.expires;
    switch(
        app,
        request,
        admission.subprotocol,
        admission.life,
        platform.name(),
        patience,
        move |app, socket| async move {
            media::serve(&app, Peer::Web(Box::new(socket)), expires, platform, dialect).await;
        },
    )
}

/// Announces a call that AudioSocket will bring: a JSON object with `uuid` and the facts of the call.
async fn announce(State(app): Shared, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(NotAdmitted { status, body }) = Platform::AudioSocket.admit(&app, &parts) {
        return (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    }
    let settings = &app.config.phones.audiosocket;
    if settings.listen.is_none() {
        return error(
            StatusCode::NOT_FOUND,
            "not_found",
            "AudioSocket is not configured: set `phones.audiosocket.listen`",
        );
    }
    let wrong = |message: &str| error(StatusCode::BAD_REQUEST, "bad_message", message);
    let Ok(bytes) = axum::body::to_bytes(body, MAX_JSON_BYTES).await else {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "too_big", "an announcement is at most 64 KiB long");
    };
    let Ok(mut values) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes) else {
        return wrong("an announcement is a JSON object with uuid, call, channel and other facts");
    };
    let uuid = values.remove("uuid").and_then(|uuid| uuid.as_str().map(str::to_owned));
    let Some(uuid) = uuid.filter(|uuid| is_uuid(uuid)) else {
        return wrong("field `uuid` must be a UUID such as 00010203-0405-0607-0809-0a0b0c0d0e0f");
    };
    let told = Platform::AudioSocket.fields(&app).read(&values);
    if app.announced.announce(&uuid, told, seconds(settings.announce_s)) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        error(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many announced calls have not come")
    }
}

/// The query of the supervisor feed.
#[derive(Debug, Deserialize)]
struct FeedQuery {
    after: Option<u64>,
    #[serde(default)]
    text: Words,
}

async fn supervisor_feed(
    State(app): Shared,
    query: Result<Query<FeedQuery>, QueryRejection>,
    request: Request,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(_) => {
            let wrong = "the query knows `after` (a cursor) and `text` (all or opened)";
            let wrong = || error(StatusCode::BAD_REQUEST, "bad_request", wrong);
            return admit(&app, request.headers(), Need::Supervise).map_or_else(|denied| *denied, |_| wrong());
        }
    };
    let patience = feed_patience(&app);
    upgrade(app, request, Need::Supervise, "supervisor", patience, move |app, socket, claims| async move {
        feeds::supervisor(&app, socket, &claims, query.after, query.text).await;
    })
}

async fn agent_feed(State(app): Shared, Path(agent): Path<String>, request: Request) -> Response {
    let patience = feed_patience(&app);
    let need = agent.clone();
    upgrade(app, request, Need::Agent(&need), "agent", patience, move |app, socket, claims| async move {
        feeds::agent(&app, socket, &claims, &agent).await;
    })
}

/// Checks the token, then the handshake; answers 101 and runs `task` on the socket.
fn upgrade<F>(
    app: Arc<App>,
    request: Request,
    need: Need<'_>,
    kind: &'static str,
    patience: Patience,
    task: impl FnOnce(Arc<App>, Socket, Claims) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send,
{
    match admit(&app, request.headers(), need) {
        Ok(Admitted { claims, subprotocol }) => {
            let subprotocol = subprotocol.then(|| "bearer".to_owned());
            let life = Some(app.tokens.life(&claims, Instant::now() + token_left(&claims)));
            switch(app, request, subprotocol, life, kind, patience, move |app, socket| task(app, socket, claims))
        }
        Err(response) => *response,
    }
}

/// Checks the handshake; answers 101 and runs `task` on the socket.
fn switch<F>(
    app: Arc<App>,
    mut request: Request,
    subprotocol: Option<String>,
    life: Option<TokenLife>,
    kind: &'static str,
    patience: Patience,
    task: impl FnOnce(Arc<App>, Socket) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send,
{
    if request.version() != Version::HTTP_11 {
        return error(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "this path speaks WebSocket over HTTP/1.1");
    }
    let response = match switching(request.headers(), subprotocol.as_deref()) {
        Ok(response) => response,
        Err(response) => return *response,
    };
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return error(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "this path speaks WebSocket over HTTP/1.1");
    };
    tokio::spawn(async move {
        // A client that goes away during the handshake is no news.
        let Ok(upgraded) = on_upgrade.await else { return };
        let socket = Socket::new(upgraded, patience).await.lasting(life);
        let open = app.metrics.sockets.get_or_create(&Kind { kind }).clone();
        open.inc();
        if AssertUnwindSafe(task(Arc::clone(&app), socket)).catch_unwind().await.is_err() {
            app.metrics.faults.inc();
            tracing::error!(kind, "socket ended by a fault of ours");
        }
        open.dec();
        drop(connection);
    });
    response
}

/// The answer to a WebSocket handshake (RFC 6455, section 4.2).
fn switching(headers: &HeaderMap, subprotocol: Option<&str>) -> Result<Response, Box<Response>> {
    let has = |name: HeaderName, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        let mut response = error(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "this path speaks WebSocket");
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        return Err(Box::new(response));
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        let mut response = error(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "WebSocket version 13 is needed");
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(Box::new(response));
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let key = keys.next().filter(|key| key.to_str().ok().and_then(from_base64).is_some_and(|key| key.len() == 16));
    let (Some(key), None) = (key, keys.next()) else {
        let message = "there must be one header Sec-WebSocket-Key, with 16 bytes in Base64";
        return Err(Box::new(error(StatusCode::BAD_REQUEST, "bad_request", message)));
    };
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(Ok(subprotocol)) = subprotocol.map(HeaderValue::from_str) {
        answer.insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    Ok(response)
}

/// A server without transcription lives, and a restart would not help it; the second line says what is wrong.
async fn healthz(State(app): Shared) -> String {
    let Some(stats) = app.speech.as_ref().map(SpeechQueue::stats) else { return "ok\n".to_owned() };
    if stats.workers_up >= stats.workers {
        return "ok\n".to_owned();
    }
    format!("ok\ndegraded: {} of {} transcription workers can read\n", stats.workers_up, stats.workers)
}

async fn readyz(State(app): Shared) -> Response {
    let phase = *app.phase.borrow();
    if phase != Phase::Running {
        return error(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", "the server is going down");
    }
    if !app.calls.has_room() {
        return error(StatusCode::SERVICE_UNAVAILABLE, "busy", "all call slots are taken");
    }
    let down = app.speech.as_ref().and_then(SpeechQueue::down_for);
    if down.is_some_and(|down| down > WITHOUT_WORDS) {
        return error(StatusCode::SERVICE_UNAVAILABLE, "no_transcription", "no transcription worker can read");
    }
    "ready\n".into_response()
}

async fn metrics(State(app): Shared, request: Request) -> Response {
    let needs_token = match app.config.server.metrics {
        MetricsAccess::Open => false,
        MetricsAccess::Local => !guard::client(&app, &request).to_canonical().is_loopback(),
        MetricsAccess::Token => true,
    };
    if needs_token && let Err(response) = admit(&app, request.headers(), Need::Audit) {
        return *response;
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.page()).into_response()
}

async fn event_schema() -> Response {
    let schema = schemars::schema_for!(Event);
    ([(header::CONTENT_TYPE, "application/schema+json")], to_json(&schema)).into_response()
}

async fn feed_schema() -> Response {
    ([(header::CONTENT_TYPE, "application/schema+json")], to_json(&feed::schema())).into_response()
}

/// A part of the pages.
async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let nothing = || error(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path");
    page::asset(&file, &headers).unwrap_or_else(nothing)
}

async fn calls(State(app): Shared, query: Result<Query<CallsQuery>, QueryRejection>, headers: HeaderMap) -> Response {
    match history::calls(&app, query, &headers).await {
        Ok(page) => Json(page).into_response(),
        Err(response) => *response,
    }
}

async fn call(State(app): Shared, Path(call): Path<String>, headers: HeaderMap) -> Response {
    match history::visible(&app, &headers, &call).await {
        Ok(view) => Json(view).into_response(),
        Err(response) => *response,
    }
}

async fn events(
    State(app): Shared,
    Path(call): Path<String>,
    query: Result<Query<EventsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    match history::events(&app, &call, query, &headers).await {
        Ok(page) => Json(page).into_response(),
        Err(response) => *response,
    }
}

async fn erase(State(app): Shared, Path(call): Path<String>, headers: HeaderMap) -> Response {
    match history::erase(&app, &call, &headers).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(response) => *response,
    }
}

/// Who saw, changed or removed what, oldest first, by pages.
async fn audit(State(app): Shared, query: Result<Query<EventsQuery>, QueryRejection>, headers: HeaderMap) -> Response {
    match history::audit(&app, query, &headers).await {
        Ok(page) => Json(page).into_response(),
        Err(response) => *response,
    }
}

/// The settings in force. Secrets are never among them: those are files of their own.
async fn config(State(app): Shared, headers: HeaderMap) -> Response {
    match admit(&app, &headers, Need::Audit) {
        Ok(_) => Json(&app.config).into_response(),
        Err(response) => *response,
    }
}

/// How the receivers of webhooks do, and what they will never get.
async fn webhooks(State(app): Shared, headers: HeaderMap) -> Response {
    match admit(&app, &headers, Need::Audit) {
        Ok(_) => Json(describe::WebhooksPage { webhooks: app.webhooks.status() }).into_response(),
        Err(response) => *response,
    }
}

async fn alerts(State(app): Shared, query: Result<Query<AlertsQuery>, QueryRejection>, headers: HeaderMap) -> Response {
    match history::alerts(&app, query, &headers).await {
        Ok(page) => Json(page).into_response(),
        Err(response) => *response,
    }
}

/// What is kept of an agent, with that agent's own token; nobody else's opens it.
async fn record(State(app): Shared, Path(agent): Path<String>, headers: HeaderMap) -> Response {
    match admit(&app, &headers, Need::Agent(&agent)) {
        Ok(_) => Json(app.agents.record(&agent)).into_response(),
        Err(response) => *response,
    }
}

async fn erase_record(State(app): Shared, Path(agent): Path<String>, headers: HeaderMap) -> Response {
    let claims = match admit(&app, &headers, Need::Agent(&agent)) {
        Ok(admitted) => admitted.claims,
        Err(response) => return *response,
    };
    app.audit.record(entry(&claims, Action::RecordErased, Some(&agent))).await;
    match app.agents.erase(&agent) {
        Ok(()) => {
            feeds::forget_agent(&app, &agent);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(problem) => {
            tracing::error!(error = %problem, "an agent's record cannot be erased");
            error(StatusCode::INTERNAL_SERVER_ERROR, "storage", "the record cannot be removed; tell the administrator")
        }
    }
}

/// What became of the practices in a team; nothing that fewer than five agents stand behind.
async fn team_practices(State(app): Shared, Path(team): Path<String>, headers: HeaderMap) -> Response {
    match admit(&app, &headers, Need::Supervise) {
        Ok(admitted) if admitted.claims.covers(Some(&team), None) => {}
        Ok(_) => return error(StatusCode::NOT_FOUND, "unknown_team", "there is no such team in your scope"),
        Err(response) => return *response,
    }
    let read = {
        let (app, team) = (Arc::clone(&app), team.clone());
        move || app.agents.team_figures(&team)
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(practices) => Json(describe::TeamPractices { team, min_agents: TEAM_MIN_AGENTS, practices }).into_response(),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "storage", "the records cannot be read; try again"),
    }
}

pub(super) fn admit(app: &App, headers: &HeaderMap, need: Need<'_>) -> Result<Admitted, Box<Response>> {
    app.tokens.admit(headers, need).map_err(|denied| {
        let (status, code) = match denied {
            Denied::Missing | Denied::Invalid | Denied::Expired | Denied::Revoked => {
                (StatusCode::UNAUTHORIZED, "unauthorized")
            }
            Denied::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
        };
        app.metrics.refuse(code);
        let mut response = error(status, code, &denied.to_string());
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Box::new(response)
    })
}

pub(super) fn error(status: StatusCode, code: &'static str, message: &str) -> Response {
    let body = Body::from(to_json(&ErrorMessage::new(code, message)));
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn media_patience(app: &App) -> Patience {
    let media = &app.config.media;
    Patience { ping: seconds(media.ping_s), silent: seconds(media.silent_s), write: seconds(media.write_s) }
}

fn feed_patience(app: &App) -> Patience {
    Patience { write: seconds(app.config.feeds.write_s), ..media_patience(app) }
}

/// How long a token has still to go.
pub(super) fn token_left(claims: &Claims) -> std::time::Duration {
    std::time::Duration::from_millis(claims.exp.saturating_mul(1_000).saturating_sub(unix_ms()))
}
