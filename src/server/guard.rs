//! What every request passes before its path is looked at, and every answer before it leaves.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::server::app::{App, Shared};
use crate::server::doors::Connection;
use crate::server::problem::Problem;

/// What is not a page loads nothing, runs nothing and is shown in nobody's frame.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Limits, origins and headers around everything else.
pub(super) async fn watch(State(app): Shared, request: Request, next: Next) -> Response {
    let address = client(&app, &request);
    let mut response = match admit(&app, address, &request) {
        Ok(()) => {
            app.tokens.prepare(request.headers()).await;
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        app.allowances.wrong_token(address, Instant::now());
    }
    harden(&app, response.headers_mut());
    response
}

fn admit(app: &App, address: IpAddr, request: &Request) -> Result<(), Problem> {
    let now = Instant::now();
    let too_many = |what: &str| {
        app.metrics.refuse("too_many_requests");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", what);
        Err(problem.with(header::RETRY_AFTER, "1"))
    };
    if !app.allowances.knock(address, now) {
        return too_many("too many requests from this address; slow down");
    }
    if !app.allowances.may_try_tokens(address, now) {
        return too_many("too many wrong tokens from this address; wait");
    }
    let token = request.headers().get(header::AUTHORIZATION);
    if let Some(token) = token.or_else(|| request.headers().get(header::SEC_WEBSOCKET_PROTOCOL))
        && !app.allowances.use_token(token.as_bytes(), now)
    {
        return too_many("too many requests with this token; slow down");
    }
    if !origin_is_ours(request.headers(), request.uri(), &app.config.server.origins) {
        app.metrics.refuse("foreign_origin");
        let message = "pages of this origin may not talk to this server; name it in `server.origins` if they should";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", message));
    }
    Ok(())
}

/// Browsers say which page asks; whoever says nothing is no browser. Ours has the host it asks.
fn origin_is_ours(headers: &HeaderMap, uri: &Uri, others: &[String]) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    // No browser names two.
    if origins.next().is_some() {
        return false;
    }
    let Ok(origin) = origin.to_str() else { return false };
    let host =
        headers.get(header::HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(|a| a.as_str()));
    let page = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    page.is_some_and(|page| host.is_some_and(|host| page.eq_ignore_ascii_case(host)))
        || others.iter().any(|other| other.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

/// Who asks: the peer, or whom a declared proxy names last, for only that name is the proxy's own.
pub(super) fn client(app: &App, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Arc<Connection>>().map(|connection| connection.address);
    let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0]));
    if !app.config.server.proxies.contains(&peer.to_canonical()) {
        return peer;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.unwrap_or(peer)
}

fn harden(app: &App, headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if app.config.speaks_tls() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_may_ask() {
        let others = ["https://board.example/".to_owned()];
        for (host, origin, ours) in [
            ("127.0.0.1:8080", None, true),
            ("127.0.0.1:8080", Some("http://127.0.0.1:8080"), true),
            ("calls.example", Some("https://Calls.example"), true),
            ("calls.example", Some("https://calls.example.evil"), false),
            ("calls.example", Some("https://evil.example"), false),
            ("calls.example", Some("null"), false),
            ("calls.example", Some("https://board.example"), true),
            ("127.0.0.1:8080", Some("http://127.0.0.1:9090"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(origin_is_ours(&headers, &Uri::from_static("/"), &others), ours, "{host} {origin:?}");
            headers.append(header::ORIGIN, "https://board.example".parse().unwrap());
            headers.append(header::ORIGIN, "https://board.example".parse().unwrap());
            assert!(!origin_is_ours(&headers, &Uri::from_static("/"), &others), "nobody comes from two places");
        }
    }
}
