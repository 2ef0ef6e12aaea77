//! OpenAPI 3.1 (spec.openapis.org/oas/v3.1.0): what is answered over HTTP.

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::{AGENT, AUDIT, INGEST, SUPERVISE, generator, info, parameters, schema_of};
use crate::call::view::CallView;
use crate::server::history::{AlertsPage, AuditPage, CallsPage, EventsPage};
use crate::server::records::TeamPractices;
use crate::server::status::WebhooksPage;
use crate::server::webhooks::message::Body;
use crate::wire::ErrorMessage;
use crate::wire::feed::SignIn;

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
pub(super) struct Operation {
    pub path: &'static str,
    pub method: &'static str,
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

/// Every path that answers over HTTP.
pub(super) const OPERATIONS: &[Operation] = &[
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
