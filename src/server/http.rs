//! HTTP: which path is answered by whom, and one connection.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tower::Service as _;

use crate::config::seconds;
use crate::server::app::App;
use crate::server::doors::Connection;
use crate::server::ingest::{announce, ingest};
use crate::server::patient::Patient;
use crate::server::platform::Platform;
use crate::server::problem::Problem;
use crate::server::{describe, feeds, guard, history, page, records, status};

/// Largest head of a request, and what is read ahead of it.
const HEAD_BYTES: usize = 16 << 10;

pub(super) fn router(app: Arc<App>) -> Router {
    let oidc = app.config.auth.oidc.as_ref();
    let (policy, sign_in) = (page::policy(oidc), page::sign_in(oidc));
    let agents_policy = policy.clone();
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { page::board(&headers, &policy) }))
        .route("/agent", get(|headers: HeaderMap| async move { page::agent(&headers, &agents_policy) }))
        .route("/v1/sign-in", get(|| async { Json(sign_in) }))
        .route("/assets/{file}", get(page::asset))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(status::metrics))
        .route("/openapi.json", get(|| async { Json(describe::openapi()) }))
        .route("/asyncapi.json", get(|| async { Json(describe::asyncapi()) }))
        .route("/schema/event.json", get(describe::event_schema))
        .route("/schema/feed.json", get(describe::feed_schema))
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
        .route("/v1/feed/supervisor", get(feeds::supervisor))
        .route("/v1/feed/agent/{agent}", get(feeds::agent))
        .route("/v1/calls", get(history::calls))
        .route("/v1/calls/{call}", get(history::call).delete(history::erase))
        .route("/v1/calls/{call}/events", get(history::events))
        .route("/v1/alerts", get(history::alerts))
        .route("/v1/audit", get(history::audit))
        .route("/v1/config", get(status::config))
        .route("/v1/webhooks", get(status::webhooks))
        .route("/v1/agents/{agent}/record", get(records::record).delete(records::erase_record))
        .route("/v1/teams/{team}/practices", get(records::team_practices))
        .fallback(|| async { Problem::nothing_here() })
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
