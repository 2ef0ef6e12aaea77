//! How the server does, for those who run it.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{Config, MetricsAccess};
use crate::server::app::Shared;
use crate::server::auth::Need;
use crate::server::guard;
use crate::server::problem::Problem;
use crate::server::stop::Phase;
use crate::server::webhooks::Status;
use crate::stt::SpeechQueue;

/// Without a transcription worker for so long, calls are better sent elsewhere. A restart after a crash takes less.
const WITHOUT_WORDS: Duration = Duration::from_secs(10);

/// How the webhooks of the configuration do.
#[derive(Serialize, JsonSchema)]
pub(super) struct WebhooksPage {
    pub webhooks: Vec<Status>,
}

/// A server without transcription lives, and a restart would not help it; the second line says what is wrong.
pub(super) async fn healthz(State(app): Shared) -> String {
    let Some(stats) = app.speech.as_ref().map(SpeechQueue::stats) else { return "ok\n".to_owned() };
    if stats.workers_up >= stats.workers {
        return "ok\n".to_owned();
    }
    format!("ok\ndegraded: {} of {} transcription workers can read\n", stats.workers_up, stats.workers)
}

pub(super) async fn readyz(State(app): Shared) -> Result<&'static str, Problem> {
    let phase = *app.phase.borrow();
    if phase != Phase::Running {
        return Err(not_ready("shutting_down", "the server is going down"));
    }
    if !app.calls.has_room() {
        return Err(not_ready("busy", "all call slots are taken"));
    }
    let down = app.speech.as_ref().and_then(SpeechQueue::down_for);
    if down.is_some_and(|down| down > WITHOUT_WORDS) {
        return Err(not_ready("no_transcription", "no transcription worker can read"));
    }
    Ok("ready\n")
}

fn not_ready(code: &'static str, message: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
}

pub(super) async fn metrics(State(app): Shared, request: Request) -> Result<Response, Problem> {
    let needs_token = match app.config.server.metrics {
        MetricsAccess::Open => false,
        MetricsAccess::Local => !guard::client(&app, &request).to_canonical().is_loopback(),
        MetricsAccess::Token => true,
    };
    if needs_token {
        app.admit(request.headers(), Need::Audit)?;
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], app.metrics.page()).into_response())
}

/// The settings in force. Secrets are never among them: those are files of their own.
pub(super) async fn config(State(app): Shared, headers: HeaderMap) -> Result<Json<Config>, Problem> {
    app.admit(&headers, Need::Audit)?;
    Ok(Json(app.config.clone()))
}

/// How the receivers of webhooks do, and what they will never get.
pub(super) async fn webhooks(State(app): Shared, headers: HeaderMap) -> Result<Json<WebhooksPage>, Problem> {
    app.admit(&headers, Need::Audit)?;
    Ok(Json(WebhooksPage { webhooks: app.webhooks.status() }))
}
