//! From an HTTP request to a WebSocket. Whoever may not come in, or does not know how, hears it before.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::metrics::Kind;
use crate::server::app::App;
use crate::server::auth::revoked::TokenLife;
use crate::server::auth::{Admitted, Claims, Need};
use crate::server::doors::Connection;
use crate::server::problem::Problem;
use crate::server::socket::{Patience, Socket};
use crate::wire::sign::from_base64;

/// Checks the token, then the handshake; answers 101 and runs `task` on the socket.
pub(super) fn upgrade<F>(
    app: Arc<App>,
    request: Request,
    need: Need<'_>,
    kind: &'static str,
    patience: Patience,
    task: impl FnOnce(Arc<App>, Socket, Claims) -> F + Send + 'static,
) -> Result<Response, Problem>
where
    F: Future<Output = ()> + Send,
{
    let Admitted { claims, subprotocol } = app.admit(request.headers(), need)?;
    let subprotocol = subprotocol.then(|| "bearer".to_owned());
    let life = Some(app.tokens.life(&claims, Instant::now() + claims.time_left()));
    switch(app, request, subprotocol, life, kind, patience, move |app, socket| task(app, socket, claims))
}

/// Checks the handshake; answers 101 and runs `task` on the socket.
pub(super) fn switch<F>(
    app: Arc<App>,
    mut request: Request,
    subprotocol: Option<String>,
    life: Option<TokenLife>,
    kind: &'static str,
    patience: Patience,
    task: impl FnOnce(Arc<App>, Socket) -> F + Send + 'static,
) -> Result<Response, Problem>
where
    F: Future<Output = ()> + Send,
{
    if request.version() != Version::HTTP_11 {
        return Err(upgrade_required("this path speaks WebSocket over HTTP/1.1"));
    }
    let response = switching(request.headers(), subprotocol.as_deref())?;
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(upgrade_required("this path speaks WebSocket over HTTP/1.1"));
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
    Ok(response)
}

/// The answer to a WebSocket handshake (RFC 6455, section 4.2).
fn switching(headers: &HeaderMap, subprotocol: Option<&str>) -> Result<Response, Problem> {
    let has = |name: HeaderName, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        let problem = upgrade_required("this path speaks WebSocket");
        return Err(problem.with(header::UPGRADE, "websocket").with(header::CONNECTION, "upgrade"));
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        let problem = upgrade_required("WebSocket version 13 is needed");
        return Err(problem.with(header::SEC_WEBSOCKET_VERSION, "13"));
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let key = keys.next().filter(|key| key.to_str().ok().and_then(from_base64).is_some_and(|key| key.len() == 16));
    let (Some(key), None) = (key, keys.next()) else {
        let message = "there must be one header Sec-WebSocket-Key, with 16 bytes in Base64";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_request", message));
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

fn upgrade_required(message: &str) -> Problem {
    Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", message)
}
