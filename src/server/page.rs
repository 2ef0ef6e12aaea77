//! What a browser sees before the board is built: two plain pages that say so, and how to watch until then.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

/// Nothing may load or run: the pages are text.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn board() -> Response {
    page(
        "Ruhepol",
        "<p>The server is running. The supervisors' board is part of the web build, which this program was made without.</p>\
         <p>Until then, watch in a terminal:</p>\
         <pre>ruhepol watch --url ws://127.0.0.1:8080 \\\n  --token \"$(ruhepol token issue --role supervisor --sub me)\"</pre>\
         <p>State of the server: <a href=\"/readyz\">/readyz</a>, <a href=\"/metrics\">/metrics</a>. \
         Shape of all events: <a href=\"/schema/event.json\">/schema/event.json</a>.</p>",
    )
}

pub(super) fn agent() -> Response {
    page(
        "Ruhepol, agent panel",
        "<p>The server is running. The agents' panel is part of the web build, which this program was made without.</p>\
         <p>Until then, an agent's prompts can be read by any WebSocket client at <code>/v1/feed/agent/AGENT</code>, \
         with a token from <code>ruhepol token issue --role agent --sub AGENT</code>. \
         Nobody but that agent can read them.</p>",
    )
}

fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\
         <body><h1>{title}</h1>{body}</body></html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, html).into_response()
}
