//! The ways in for calls: which dialect a path speaks, and who may use it.

use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tokio::time::{Duration, Instant};

use crate::call::AgentChannel;
use crate::config::{Consent, ConsentPaths};
use crate::server::app::App;
use crate::server::auth::revoked::TokenLife;
use crate::server::auth::{Denied, Need};
use crate::server::keys::random_id;
use crate::server::problem::Problem;
use crate::terms::Channel;
use crate::wall_clock::{unix_ms, unix_s};
use crate::wire::asterisk::{self, Asterisk};
use crate::wire::audiohook::{self, AudioHook};
use crate::wire::fields::FieldMap;
use crate::wire::listen::{self, Listen, Query};
use crate::wire::native::Native;
use crate::wire::phone::Dialect;
use crate::wire::plain::{self, Flavour, Plain};
use crate::wire::sign::twilio_holds;
use crate::wire::transcripts::Transcripts;
use crate::wire::twilio::{self, Twilio};

/// A path on which calls come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    Native,
    Transcripts,
    Listen,
    Twilio,
    AudioHook,
    Vonage,
    Jambonz,
    FreeSwitch,
    Asterisk,
    AudioSocket,
}

/// A caller who may come in.
#[derive(Debug)]
pub(super) struct Admission {
    /// When the token runs out, if it was one,
    pub expires: Option<Instant>,
    /// and how long it holds, since it may also be revoked.
    pub life: Option<TokenLife>,
    /// Name of the sub-protocol to agree to.
    pub subprotocol: Option<String>,
}

impl Platform {
    /// For log lines and counters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "media",
            Self::Transcripts => "transcripts",
            Self::Listen => "listen",
            Self::Twilio => "twilio",
            Self::AudioHook => "audiohook",
            Self::Vonage => "vonage",
            Self::Jambonz => "jambonz",
            Self::FreeSwitch => "freeswitch",
            Self::Asterisk => "asterisk",
            Self::AudioSocket => "audiosocket",
        }
    }

    pub fn consent(self, paths: &ConsentPaths) -> Consent {
        match self {
            Self::Native => paths.media,
            Self::Transcripts => paths.transcripts,
            Self::Listen => paths.listen,
            Self::Twilio => paths.twilio,
            Self::AudioHook => paths.audiohook,
            Self::Vonage => paths.vonage,
            Self::Jambonz => paths.jambonz,
            Self::FreeSwitch => paths.freeswitch,
            Self::Asterisk => paths.asterisk,
            Self::AudioSocket => paths.audiosocket,
        }
    }

    /// How consent is given on this path.
    pub fn consent_sign(self) -> &'static str {
        match self {
            Self::Native | Self::Transcripts => "\"consent\":true in start",
            Self::Listen => "the parameter extra=consent:true",
            Self::Twilio => "the custom parameter consent=true",
            Self::AudioHook => "\"consent\":true in customConfig",
            Self::Vonage => "the header consent=true in the NCCO",
            Self::Jambonz | Self::FreeSwitch => "\"consent\":true in the metadata",
            Self::Asterisk => "consent=true as a channel variable or in the address",
            Self::AudioSocket => "\"consent\":true in the announcement",
        }
    }

    /// A refusal is not told before: whoever guesses keys learns nothing from how long it took.
    pub fn refusal_delay(self) -> Duration {
        match self {
            Self::AudioHook => Duration::from_millis(500),
            _ => Duration::ZERO,
        }
    }

    /// Who may come in: bearers of an ingest token, and whoever the platform's own way of proof admits.
    pub fn admit(self, app: &App, request: &Parts) -> Result<Admission, Problem> {
        let offered = subprotocols(&request.headers);
        let credentials = credentials(&request.headers, &offered);
        // Platforms that offer a sub-protocol of their own give up if it is not agreed to.
        let own = offered.iter().find(|name| !matches!(name.as_str(), "bearer" | "token")).cloned();
        let denied = match credentials {
            Some(Credentials { token, subprotocol }) => match app.tokens.check(&token) {
                Ok(claims) if Need::Ingest.allows(&claims) => {
                    let expires = Instant::now() + claims.time_left();
                    let (life, expires) = (Some(app.tokens.life(&claims, expires)), Some(expires));
                    return Ok(Admission { expires, life, subprotocol: subprotocol.map(str::to_owned).or(own) });
                }
                Ok(_) => Denied::Forbidden,
                Err(denied) => denied,
            },
            None => Denied::Missing,
        };
        if self.proves_itself(app, request) {
            return Ok(Admission { expires: None, life: None, subprotocol: own });
        }
        app.metrics.refuse("unauthorized");
        Err(self.not_admitted(denied))
    }

    fn proves_itself(self, app: &App, request: &Parts) -> bool {
        match self {
            Self::Native
            | Self::Transcripts
            | Self::Listen
            | Self::Vonage
            | Self::Jambonz
            | Self::FreeSwitch
            | Self::Asterisk
            | Self::AudioSocket => false,
            Self::Twilio => {
                let signature = request.headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
                let (Some(signature), Some(token)) = (signature, &app.keys.twilio) else { return false };
                twilio_holds(token, &signed_url(app, request), signature)
            }
            Self::AudioHook => app.keys.audiohook.admit(request, unix_s()),
        }
    }

    /// In the platform's own shape.
    fn not_admitted(self, denied: Denied) -> Problem {
        let status = if denied == Denied::Forbidden { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        match self {
            Self::Listen => Problem::json(status, listen_error("INVALID_AUTH", &denied.to_string())),
            Self::Twilio if denied == Denied::Missing => Problem::new(
                status,
                "unauthorized",
                "neither a token nor a signature that holds: check the auth token and `phones.twilio.public_url`",
            ),
            Self::AudioHook if denied == Denied::Missing => Problem::new(
                status,
                "unauthorized",
                "neither a token nor an API key with a signature that holds: check key, secret, clock and \
                 `phones.audiohook.public_authority`",
            ),
            _ => {
                let code = if denied == Denied::Forbidden { "forbidden" } else { "unauthorized" };
                Problem::new(status, code, &denied.to_string())
            }
        }
    }

    /// The decoder of a socket that is about to open.
    pub fn dialect(self, app: &App, request: &Parts) -> Result<Box<dyn Dialect>, Problem> {
        Ok(match self {
            Self::Native => Box::new(Native::default()),
            Self::Transcripts => Box::new(Transcripts::default()),
            Self::Twilio => Box::new(Twilio::new(twilio::Settings {
                fields: self.fields(app),
                query: query_of(request),
                inbound: app.config.phones.twilio.inbound,
                fallback_id: random_id(),
            })),
            Self::Vonage => {
                let mono = app.config.phones.vonage.channel;
                self.plain(app, request, Flavour::Vonage, mono, [Channel::Customer, Channel::Agent])
            }
            Self::Jambonz => {
                let settings = &app.config.phones.jambonz;
                self.plain(app, request, Flavour::Jambonz, settings.channel, settings.stereo)
            }
            Self::FreeSwitch => {
                let settings = &app.config.phones.freeswitch;
                self.plain(app, request, Flavour::FreeSwitch, settings.channel, settings.stereo)
            }
            // Its connections do not come over HTTP, so nobody asks.
            Self::AudioSocket => Box::new(Native::default()),
            Self::Asterisk => Box::new(Asterisk::new(asterisk::Settings {
                fields: self.fields(app),
                query: query_of(request),
                channel: app.config.phones.asterisk.channel,
                fallback_id: random_id(),
            })),
            Self::AudioHook => {
                let header = |name: &str| Some(request.headers.get(name)?.to_str().ok()?.to_owned());
                let settings = &app.config.phones.audiohook;
                Box::new(AudioHook::new(audiohook::Settings {
                    fields: self.fields(app),
                    organization: header("audiohook-organization-id"),
                    session: header("audiohook-session-id"),
                    agent: app.config.agent.channel != AgentChannel::Off,
                    transcripts: settings.transcripts,
                    suggestions: settings.suggestions,
                }))
            }
            Self::Listen => {
                let pairs: Vec<_> = form_urlencoded::parse(request.uri.query().unwrap_or("").as_bytes()).collect();
                let query = Query::read(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
                let query = query
                    .map_err(|error| Problem::json(StatusCode::BAD_REQUEST, listen_error("Bad Request", &error.0)))?;
                let settings =
                    listen::Settings { fields: self.fields(app), request_id: random_id(), opened_unix_ms: unix_ms() };
                Box::new(Listen::new(query, settings))
            }
        })
    }

    fn plain(
        self,
        app: &App,
        request: &Parts,
        flavour: Flavour,
        mono: Channel,
        stereo: [Channel; 2],
    ) -> Box<dyn Dialect> {
        let freeswitch = &app.config.phones.freeswitch;
        Box::new(Plain::new(plain::Settings {
            flavour,
            fields: self.fields(app),
            query: query_of(request),
            mono,
            stereo,
            sample_rate: if flavour == Flavour::FreeSwitch { freeswitch.sample_rate } else { 8_000 },
            events: freeswitch.events,
            fallback_id: random_id(),
        }))
    }

    /// Names of this platform's fields.
    pub fn fields(self, app: &App) -> FieldMap {
        app.config.phones.fields.get(self.name()).cloned().unwrap_or_default()
    }
}

/// The parameters of the address, as facts of the call. Never a token: those are no parameters here.
fn query_of(request: &Parts) -> Map<String, Value> {
    let pairs = form_urlencoded::parse(request.uri.query().unwrap_or("").as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}

/// Deepgram's shape of a refused handshake.
fn listen_error(code: &str, message: &str) -> String {
    serde_json::json!({"err_code": code, "err_msg": message, "request_id": random_id()}).to_string()
}

/// The address Twilio signed: as configured, else as seen.
fn signed_url(app: &App, request: &Parts) -> String {
    match &app.config.phones.twilio.public_url {
        Some(url) => url.clone(),
        None => {
            let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
            format!("wss://{host}{path}")
        }
    }
}

struct Credentials {
    token: String,
    /// The name under which it was offered as a sub-protocol.
    subprotocol: Option<&'static str>,
}

/// The token of a request: `Bearer` or `Token`, the password of `Basic` for platforms that know no other, or one
/// of the sub-protocol pairs `bearer, TOKEN` and `token, TOKEN`.
fn credentials(headers: &HeaderMap, offered: &[String]) -> Option<Credentials> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
        let token = token.trim();
        let token = match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "token" => token.to_owned(),
            "basic" => {
                let pair = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
                pair.split_once(':')?.1.to_owned()
            }
            _ => return None,
        };
        return Some(Credentials { token, subprotocol: None });
    }
    let place = offered.iter().position(|name| name == "bearer" || name == "token")?;
    let subprotocol = if offered[place] == "bearer" { "bearer" } else { "token" };
    offered.get(place + 1).map(|token| Credentials { token: token.clone(), subprotocol: Some(subprotocol) })
}

fn subprotocols(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: header::HeaderName, value: &str) -> Option<(String, Option<&'static str>)> {
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        credentials(&headers, &subprotocols(&headers)).map(|found| (found.token, found.subprotocol))
    }

    #[test]
    fn tokens_travel_in_many_ways() {
        let plain = |token: &str| Some((token.to_owned(), None));
        assert_eq!(found(header::AUTHORIZATION, "Bearer abc"), plain("abc"));
        assert_eq!(found(header::AUTHORIZATION, "token abc"), plain("abc"));
        assert_eq!(found(header::AUTHORIZATION, "Basic dXNlcjpwYTpzcw=="), plain("pa:ss"));
        assert_eq!(found(header::AUTHORIZATION, "Basic !!"), None);
        assert_eq!(found(header::AUTHORIZATION, "Digest abc"), None);
        let protocols = header::SEC_WEBSOCKET_PROTOCOL;
        assert_eq!(found(protocols.clone(), "token, abc"), Some(("abc".to_owned(), Some("token"))));
        assert_eq!(found(protocols.clone(), "media, bearer,abc"), Some(("abc".to_owned(), Some("bearer"))));
        assert_eq!(found(protocols.clone(), "audio.jambonz.org"), None);
        assert_eq!(found(protocols, "bearer"), None);
    }
}
