//! The two pages and their parts, built into the program from `web/dist`; without that, two plain pages that say how
//! to build it.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::config::Oidc;
use crate::server::problem::Problem;
use crate::wire::feed::{ProviderToken, SignIn, SignInProvider};

/// One file of the web build.
struct Asset {
    name: &'static str,
    mime: &'static str,
    /// Changes with the content.
    tag: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// Only our own files run and style, only our own sockets are spoken to, and no string becomes markup or code.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// The same, where people sign in at a provider: its origin is spoken to besides.
pub(super) fn policy(oidc: Option<&Oidc>) -> HeaderValue {
    let origin = oidc.and_then(Oidc::sign_in_origin);
    let policy = origin.map(|origin| POLICY.replace("connect-src 'self'", &format!("connect-src 'self' {origin}")));
    // An origin is ASCII.
    policy.and_then(|policy| HeaderValue::try_from(policy).ok()).unwrap_or(HeaderValue::from_static(POLICY))
}

/// How people sign in on the pages.
pub(super) fn sign_in(oidc: Option<&Oidc>) -> SignIn {
    let provider = oidc.and_then(|oidc| {
        let client_id = oidc.client_id.clone()?;
        let token = if oidc.audience == client_id { ProviderToken::Id } else { ProviderToken::Access };
        let Oidc { issuer, scope, sub_claim, .. } = oidc.clone();
        Some(SignInProvider { issuer, client_id, scope, token, sub_claim })
    });
    SignIn { provider }
}

/// The pages need none of these powers.
const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=()";

pub(super) fn board(headers: &HeaderMap, policy: &HeaderValue) -> Response {
    match find("index.html") {
        Some(file) => file.page(headers, policy),
        None => not_built(
            "Ruhepol",
            "<p>The server is running. This program was built without the supervisors&#8217; board.</p>\
             <p>To build it in: install Node.js 18 or newer with npm, then <code>make build</code> (or <code>make serve</code>).</p>\
             <p>Until then, watch in a terminal:</p>\
             <pre>ruhepol watch --url ws://127.0.0.1:8080 \\\n  --token \"$(ruhepol token issue --role supervisor --sub me)\"</pre>\
             <p>State of the server: <a href=\"/readyz\">/readyz</a>, <a href=\"/metrics\">/metrics</a>. \
             Shape of all events: <a href=\"/schema/event.json\">/schema/event.json</a>.</p>",
        ),
    }
}

pub(super) fn agent(headers: &HeaderMap, policy: &HeaderValue) -> Response {
    match find("agent.html") {
        Some(file) => file.page(headers, policy),
        None => not_built(
            "Ruhepol, agent panel",
            "<p>The server is running. This program was built without the agents&#8217; panel.</p>\
             <p>To build it in: install Node.js 18 or newer with npm, then <code>make build</code> (or <code>make serve</code>).</p>\
             <p>Until then, an agent&#8217;s prompts can be read by any WebSocket client at <code>/v1/feed/agent/AGENT</code>, \
             with a token from <code>ruhepol token issue --role agent --sub AGENT</code>. \
             Nobody but that agent can read them.</p>",
        ),
    }
}

/// A part of the pages.
pub(super) async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    part(&file, &headers).ok_or_else(Problem::nothing_here)
}

/// A script, a style sheet or a picture of the pages; their names change with their content.
fn part(file: &str, headers: &HeaderMap) -> Option<Response> {
    let file = find(&format!("assets/{file}"))?;
    Some(file.answer(headers, "public, max-age=31536000, immutable"))
}

fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    fn page(&self, request: &HeaderMap, policy: &HeaderValue) -> Response {
        let mut response = self.answer(request, "no-cache");
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        response
    }

    fn answer(&self, request: &HeaderMap, caching: &'static str) -> Response {
        let seen = request.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == self.tag.as_bytes());
        let (encoding, body) = self.encoded(request);
        let mut response = Response::new(if seen { Body::empty() } else { Body::from(body) });
        *response.status_mut() = if seen { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let headers = response.headers_mut();
        for (name, value) in common(self.mime, caching) {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(header::ETAG, HeaderValue::from_static(self.tag));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(encoding) = encoding.filter(|_| !seen) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }

    /// The smallest form the reader takes. A weight of 0 is not honoured: nobody sends one for these two.
    fn encoded(&self, request: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
        let accepts = |wanted: &str| {
            let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
            let mut names = values.flat_map(|value| value.split(',')).filter_map(|part| part.split(';').next());
            names.any(|name| name.trim().eq_ignore_ascii_case(wanted))
        };
        match (self.brotli, self.gzip) {
            (Some(body), _) if accepts("br") => (Some("br"), body),
            (_, Some(body)) if accepts("gzip") => (Some("gzip"), body),
            _ => (None, self.plain),
        }
    }
}

fn common(mime: &'static str, caching: &'static str) -> [(HeaderName, &'static str); 7] {
    [
        (header::CONTENT_TYPE, mime),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::CACHE_CONTROL, caching),
    ]
}

fn not_built(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\
         <body><h1>{title}</h1>{body}</body></html>\n"
    );
    (common("text/html; charset=utf-8", "no-store"), html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Asset = Asset {
        name: "assets/a.js",
        mime: "text/javascript",
        tag: "\"1\"",
        plain: b"plain",
        gzip: Some(b"gz"),
        brotli: Some(b"br"),
    };

    fn request(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_reader_gets_what_it_can_read() {
        for (accepts, encoding) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("br;q=1.0, gzip;q=0.8", Some("br")),
            ("GZIP", Some("gzip")),
            ("identity", None),
            ("brotli", None),
        ] {
            let (got, body) = FILE.encoded(&request(header::ACCEPT_ENCODING, accepts));
            assert_eq!(got, encoding, "{accepts}");
            assert_eq!(
                body,
                match encoding {
                    Some("br") => &b"br"[..],
                    Some(_) => b"gz",
                    None => b"plain",
                }
            );
        }
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let known = FILE.answer(&request(header::IF_NONE_MATCH, "\"1\""), "no-cache");
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        let other = FILE.answer(&request(header::IF_NONE_MATCH, "\"2\""), "no-cache");
        assert_eq!(other.status(), StatusCode::OK);
        assert!(!POLICY.contains("unsafe"));
    }

    #[test]
    fn a_providers_origin_is_spoken_to_only_where_people_sign_in_there() {
        let oidc = |client: &str| -> Oidc {
            let text =
                format!("issuer = \"https://id.example/realms/a\"\naudience = \"pages\"\njwks_url = \"\"\n{client}");
            toml::from_str(&text).unwrap()
        };
        let asked =
            |oidc: &Oidc| policy(Some(oidc)).to_str().unwrap().contains("connect-src 'self' https://id.example;");
        assert!(asked(&oidc("client_id = \"pages\"")) && !asked(&oidc("")));
        assert_eq!(policy(None), POLICY);
        assert_eq!(sign_in(Some(&oidc(""))), SignIn::default());
        let token = |client: &str| sign_in(Some(&oidc(client))).provider.unwrap().token;
        assert_eq!(token("client_id = \"pages\""), ProviderToken::Id);
        assert_eq!(token("client_id = \"other\""), ProviderToken::Access);
    }

    #[test]
    fn both_pages_answer_with_or_without_the_web_build() {
        let policy = policy(None);
        for page in [board(&HeaderMap::new(), &policy), agent(&HeaderMap::new(), &policy)] {
            assert_eq!(page.status(), StatusCode::OK);
            assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        }
        assert!(part("../index.html", &HeaderMap::new()).is_none());
    }
}
