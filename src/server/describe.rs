//! `/openapi.json` and `/asyncapi.json`: what this server speaks, made from the types it speaks with.
//!
//! OpenAPI 3.1 (spec.openapis.org/oas/v3.1.0) for HTTP, AsyncAPI 3.0 (asyncapi.com/docs/reference/specification/v3.0.0) for the
//! sockets. Paths and roles stand here; shapes come from the types themselves, so that they cannot say anything else.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::agents::TeamFigure;
use super::history::{AlertsPage, AuditPage, CallsPage, EventsPage};
use super::webhooks::Status;
use super::webhooks::message::Body;
use crate::call::event::Event;
use crate::call::view::CallView;
use crate::wire::feed::{
    AgentCommand, AgentMessage, CallFacts, Colleagues, Done, Erased, Load, SignIn, SupervisorCommand,
    SupervisorSnapshot,
};
use crate::wire::native::{MediaSchema, Ready, Stopped, TranscriptSchema};
use crate::wire::{ErrorMessage, MAX_BINARY_BYTES, MAX_JSON_BYTES};

/// How the webhooks of the configuration do.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct WebhooksPage {
    pub webhooks: Vec<Status>,
}

/// What became of the practices in a team.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct TeamPractices {
    pub team: String,
    /// What fewer agents stand behind is left out.
    pub min_agents: usize,
    /// By the id of the practice.
    pub practices: std::collections::BTreeMap<String, TeamFigure>,
}

/// What an HTTP answer holds.
#[derive(Clone, Copy)]
enum Content {
    /// Of this type, by the name of its schema.
    Json(fn(&mut SchemaGenerator) -> Value),
    /// JSON that is described elsewhere.
    AnyJson,
    Text(&'static str),
    Nothing,
}

/// One method of one path.
struct Operation {
    path: &'static str,
    method: &'static str,
    summary: &'static str,
    /// Roles that may; none: open to all.
    roles: &'static [&'static str],
    /// Name, type and meaning.
    query: &'static [(&'static str, &'static str, &'static str)],
    status: u16,
    content: Content,
    /// Statuses beside those that every path with a token has.
    refusals: &'static [u16],
}

impl Operation {
    const fn open(path: &'static str, summary: &'static str, content: Content) -> Self {
        Self { path, method: "get", summary, roles: &[], query: &[], status: 200, content, refusals: &[] }
    }
}

const PAGE: (&str, &str, &str) = ("limit", "integer", "Entries of a page, at most 1000.");
const SUPERVISE: &[&str] = &["supervisor", "admin"];
const AUDIT: &[&str] = &["auditor", "admin"];
const INGEST: &[&str] = &["ingest", "admin"];
const AGENT: &[&str] = &["agent"];

/// Every path that answers over HTTP.
const OPERATIONS: &[Operation] = &[
    Operation::open("/", "The board", Content::Text("text/html")),
    Operation::open("/agent", "The agent's panel", Content::Text("text/html")),
    Operation { refusals: &[404], ..Operation::open("/assets/{file}", "Parts of the pages", Content::Text("*/*")) },
    Operation::open("/healthz", "Whether the process lives", Content::Text("text/plain")),
    Operation {
        refusals: &[503],
        ..Operation::open("/readyz", "Whether it takes calls: 503 while draining or full", Content::Text("text/plain"))
    },
    Operation {
        refusals: &[401, 403],
        ..Operation::open(
            "/metrics",
            "Prometheus metrics; from other machines with a token of role `auditor` or `admin`, unless `server.metrics` says otherwise",
            Content::Text("application/openmetrics-text"),
        )
    },
    Operation::open("/openapi.json", "This description", Content::AnyJson),
    Operation::open("/asyncapi.json", "Description of the sockets", Content::AnyJson),
    Operation::open(
        "/v1/sign-in",
        "Where people of this server sign in, if at a provider",
        Content::Json(schema_of::<SignIn>),
    ),
    Operation::open("/schema/event.json", "JSON Schema of an event", Content::AnyJson),
    Operation::open("/schema/feed.json", "JSON Schema of both feeds and their commands", Content::AnyJson),
    Operation {
        path: "/v1/calls",
        method: "get",
        summary: "Calls in scope, newest first",
        roles: SUPERVISE,
        query: &[
            ("state", "string", "`live` or `ended`; both without."),
            ("before", "integer", "`next` of the page before."),
            PAGE,
        ],
        status: 200,
        content: Content::Json(schema_of::<CallsPage>),
        refusals: &[400, 503],
    },
    Operation {
        path: "/v1/calls/{call}",
        method: "get",
        summary: "One call",
        roles: SUPERVISE,
        query: &[],
        status: 200,
        content: Content::Json(schema_of::<CallView>),
        refusals: &[404, 503],
    },
    Operation {
        path: "/v1/calls/{call}",
        method: "delete",
        summary: "Erases an ended call from memory and disk; 409 while it is live",
        roles: SUPERVISE,
        query: &[],
        status: 204,
        content: Content::Nothing,
        refusals: &[404, 409, 503],
    },
    Operation {
        path: "/v1/calls/{call}/events",
        method: "get",
        summary: "The log of a call",
        roles: SUPERVISE,
        query: &[("after", "integer", "Events with a higher `seq`."), PAGE],
        status: 200,
        content: Content::Json(schema_of::<EventsPage>),
        refusals: &[400, 404, 503],
    },
    Operation {
        path: "/v1/alerts",
        method: "get",
        summary: "Open alerts in scope, or every state of every alert on record",
        roles: SUPERVISE,
        query: &[
            ("state", "string", "`open` (default) or `all`."),
            ("before", "integer", "`next` of the page before."),
            PAGE,
        ],
        status: 200,
        content: Content::Json(schema_of::<AlertsPage>),
        refusals: &[400, 503],
    },
    Operation {
        path: "/v1/audit",
        method: "get",
        summary: "Who saw, changed or removed what, oldest first",
        roles: AUDIT,
        query: &[("after", "integer", "Entries with a higher `seq`."), PAGE],
        status: 200,
        content: Content::Json(schema_of::<AuditPage>),
        refusals: &[400, 503],
    },
    Operation {
        path: "/v1/config",
        method: "get",
        summary: "The settings in force (docs/configuration.md); no secrets",
        roles: AUDIT,
        query: &[],
        status: 200,
        content: Content::AnyJson,
        refusals: &[],
    },
    Operation {
        path: "/v1/webhooks",
        method: "get",
        summary: "How the receivers of webhooks do, and what they will never get",
        roles: AUDIT,
        query: &[],
        status: 200,
        content: Content::Json(schema_of::<WebhooksPage>),
        refusals: &[],
    },
    Operation {
        path: "/v1/agents/{agent}/record",
        method: "get",
        summary: "What is kept of an agent, for that agent alone",
        roles: AGENT,
        query: &[],
        status: 200,
        content: Content::AnyJson,
        refusals: &[],
    },
    Operation {
        path: "/v1/agents/{agent}/record",
        method: "delete",
        summary: "Erases it",
        roles: AGENT,
        query: &[],
        status: 204,
        content: Content::Nothing,
        refusals: &[500],
    },
    Operation {
        path: "/v1/teams/{team}/practices",
        method: "get",
        summary: "What became of the practices in a team; nothing fewer than five agents stand behind",
        roles: SUPERVISE,
        query: &[],
        status: 200,
        content: Content::Json(schema_of::<TeamPractices>),
        refusals: &[404, 500],
    },
    Operation {
        path: "/v1/media/audiosocket",
        method: "post",
        summary: "Announces a call that AudioSocket will bring: `uuid`, `call`, `channel` and other facts (docs/phones.md)",
        roles: INGEST,
        query: &[],
        status: 204,
        content: Content::Nothing,
        refusals: &[400, 404, 413, 503],
    },
];

/// A path that becomes a WebSocket.
struct Channel {
    path: &'static str,
    summary: &'static str,
    roles: &'static [&'static str],
    /// What the client sends, what the server sends.
    sends: fn(&mut SchemaGenerator) -> Value,
    hears: fn(&mut SchemaGenerator) -> Value,
    /// Binary frames of audio are sent as well.
    audio: bool,
}

/// Every socket. What a platform speaks is the platform's to describe; docs/phones.md links each description.
const CHANNELS: &[Channel] = &[
    Channel {
        path: "/v1/media",
        summary: "Audio of a call",
        roles: INGEST,
        sends: schema_of::<MediaSchema>,
        hears: answers,
        audio: true,
    },
    Channel {
        path: "/v1/transcripts",
        summary: "Words of a call that somebody else transcribes",
        roles: INGEST,
        sends: schema_of::<TranscriptSchema>,
        hears: answers,
        audio: false,
    },
    Channel {
        path: "/v1/listen",
        summary: "Audio in and results back, as Deepgram's clients expect them",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/twilio",
        summary: "Twilio Media Streams, and those who speak it too",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: false,
    },
    Channel {
        path: "/v1/media/audiohook",
        summary: "Genesys AudioHook",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/vonage",
        summary: "Vonage WebSockets",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/jambonz",
        summary: "jambonz listen",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/freeswitch",
        summary: "FreeSWITCH mod_audio_stream and its like",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/asterisk",
        summary: "Asterisk chan_websocket",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/asterisk/{id}",
        summary: "The same, the call named in the path",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/feed/supervisor",
        summary: "A snapshot, then the events of all calls in scope; commands back",
        roles: SUPERVISE,
        sends: schema_of::<Request<SupervisorCommand>>,
        hears: schema_of::<BoardMessage>,
        audio: false,
    },
    Channel {
        path: "/v1/feed/agent/{agent}",
        summary: "An agent's own calls and prompts; answers back",
        roles: AGENT,
        sends: schema_of::<Request<AgentCommand>>,
        hears: schema_of::<AgentMessage>,
        audio: false,
    },
];

/// What our own streams answer.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum StreamAnswer {
    Ready(Ready),
    Stopped(Stopped),
    Error(ErrorMessage),
}

/// What a supervisor's feed carries.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum BoardMessage {
    Snapshot(SupervisorSnapshot),
    Event(BoardEvent),
    Load(Load),
    Facts(CallFacts),
    Erased(Erased),
    Colleagues(Colleagues),
    Done(Done),
    Error(ErrorMessage),
}

/// An event, and where the feed stands after it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct BoardEvent {
    #[serde(flatten)]
    event: Event,
    /// `after=CURSOR` continues from here.
    cursor: u64,
}

/// A command with a name of the sender's own choosing, which its answer carries.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Request<C> {
    #[serde(flatten)]
    command: C,
    /// Text or number.
    #[serde(default, rename = "ref")]
    reference: Option<Value>,
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

fn answers(generator: &mut SchemaGenerator) -> Value {
    schema_of::<StreamAnswer>(generator)
}

/// Frames described by the platform itself.
fn elsewhere(_: &mut SchemaGenerator) -> Value {
    json!({ "type": "object", "description": "As the platform's own documentation says; docs/phones.md names it, and what of it is read and sent." })
}

/// A generator that keeps named types in `components`.
fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    settings.into_generator()
}

fn info(title: &str) -> Value {
    json!({ "title": title, "version": env!("CARGO_PKG_VERSION"), "license": { "name": "MIT OR Apache-2.0" } })
}

/// The names in braces of a path.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name)
}

/// OpenAPI 3.1.
pub fn openapi() -> Value {
    let mut generator = generator();
    let refusal = schema_of::<ErrorMessage>(&mut generator);
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let mut answers = Map::new();
        let content = match operation.content {
            Content::Json(schema) => Some(("application/json", schema(&mut generator))),
            Content::AnyJson => Some(("application/json", json!({ "type": "object" }))),
            Content::Text(kind) => Some((kind, json!({ "type": "string" }))),
            Content::Nothing => None,
        };
        let mut good = json!({ "description": operation.summary });
        if let Some((kind, schema)) = content {
            good["content"] = json!({ kind: { "schema": schema } });
        }
        answers.insert(operation.status.to_string(), good);
        let guarded: &[u16] = if operation.roles.is_empty() { &[] } else { &[401, 403] };
        for status in guarded.iter().chain(operation.refusals).chain(&[429]) {
            let answer =
                json!({ "description": meaning(*status), "content": { "application/json": { "schema": refusal } } });
            answers.insert(status.to_string(), answer);
        }
        let in_path = parameters(operation.path)
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
        let in_query = operation.query.iter().map(|(name, kind, text)| {
            json!({ "name": name, "in": "query", "required": false, "description": text, "schema": { "type": kind } })
        });
        let mut described = json!({
            "summary": operation.summary,
            "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
            "responses": answers,
        });
        if !operation.roles.is_empty() {
            described["security"] = json!([{ "token": [] }]);
            described["description"] = Value::from(format!("Roles: {}.", operation.roles.join(", ")));
        }
        if operation.method == "post" {
            described["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": { "type": "object" } } } });
        }
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described;
    }
    let webhook = schema_of::<Body<'static>>(&mut generator);
    json!({
        "openapi": "3.1.0",
        "info": info("ruhepol"),
        "paths": paths,
        "webhooks": { "event": { "post": {
            "summary": "What a receiver of `[[webhooks]]` gets (docs/webhooks.md)",
            "requestBody": { "required": true, "content": { "application/json": { "schema": webhook } } },
            "responses": { "2XX": { "description": "Taken; anything else is tried again or given up" } },
        } } },
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The query or the message makes no sense",
        401 => "No token, or one that does not hold",
        403 => "The token's role may not do this, or the page's origin is foreign",
        404 => "Nothing like that within the token's scope",
        409 => "Not now",
        413 => "Too long",
        429 => "Too many requests; `Retry-After` says when",
        500 => "A file cannot be read or written",
        _ => "Not at the moment",
    }
}

/// AsyncAPI 3.0.
pub fn asyncapi() -> Value {
    let mut generator = generator();
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for channel in CHANNELS {
        let name: String = channel.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let name = name.trim_matches('_').to_owned();
        let mut messages = json!({
            "sent": { "title": "From the client", "contentType": "application/json", "payload": (channel.sends)(&mut generator) },
            "heard": { "title": "From the server", "contentType": "application/json", "payload": (channel.hears)(&mut generator) },
        });
        let at = |message: &str| json!({ "$ref": format!("#/channels/{name}/messages/{message}") });
        let mut sent = vec![at("sent")];
        if channel.audio {
            messages["audio"] = json!({
                "title": "Audio",
                "contentType": "application/octet-stream",
                "payload": { "type": "string", "format": "binary", "maxLength": MAX_BINARY_BYTES },
            });
            sent.push(at("audio"));
        }
        let mut described = json!({
            "address": channel.path,
            "title": channel.summary,
            "description": format!("Roles: {}. JSON messages up to {MAX_JSON_BYTES} bytes.", channel.roles.join(", ")),
            "messages": messages,
        });
        let names: Map<String, Value> = parameters(channel.path).map(|name| (name.to_owned(), json!({}))).collect();
        if !names.is_empty() {
            described["parameters"] = Value::Object(names);
        }
        let of_channel = json!({ "$ref": format!("#/channels/{name}") });
        operations
            .insert(format!("{name}_receive"), json!({ "action": "receive", "channel": of_channel, "messages": sent }));
        operations.insert(
            format!("{name}_send"),
            json!({ "action": "send", "channel": of_channel, "messages": [at("heard")] }),
        );
        channels.insert(name, described);
    }
    // Named for readers who look for it; the feeds refer to it.
    let _ = schema_of::<Event>(&mut generator);
    json!({
        "asyncapi": "3.0.0",
        "info": info("ruhepol"),
        "defaultContentType": "application/json",
        "servers": { "here": {
            "host": "localhost:8080",
            "protocol": "ws",
            "security": [{ "$ref": "#/components/securitySchemes/token" }],
        } },
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "`Authorization: Bearer TOKEN`, or the subprotocols `bearer, TOKEN`; never in the address",
            } },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Paths and methods, read off the router's own source.
    fn routes() -> BTreeSet<(String, String)> {
        let source = include_str!("http.rs");
        let mut found = BTreeSet::new();
        for line in source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")) {
            let (path, rest) = line.split_once('"').unwrap();
            let method = |name: &str| rest.contains(&format!(" {name}(")) || rest.contains(&format!(".{name}("));
            for name in ["get", "post", "delete", "put", "patch"] {
                if method(name) {
                    found.insert((path.to_owned(), name.to_owned()));
                }
            }
        }
        assert!(found.len() > 20, "{found:?}");
        found
    }

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let http = OPERATIONS.iter().map(|operation| (operation.path.to_owned(), operation.method.to_owned()));
        let sockets = CHANNELS.iter().map(|channel| (channel.path.to_owned(), "get".to_owned()));
        let described: BTreeSet<_> = http.chain(sockets).collect();
        assert_eq!(described, routes());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        for document in [openapi(), asyncapi()] {
            let mut open = vec![&document];
            let mut references = 0;
            while let Some(value) = open.pop() {
                match value {
                    Value::Object(entries) => {
                        if let Some(Value::String(to)) = entries.get("$ref") {
                            references += 1;
                            assert!(document.pointer(to.trim_start_matches('#')).is_some(), "{to}");
                        }
                        open.extend(entries.values());
                    }
                    Value::Array(items) => open.extend(items),
                    _ => {}
                }
            }
            assert!(references > 10);
        }
    }
}
