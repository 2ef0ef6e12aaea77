//! `/openapi.json` and `/asyncapi.json` against what the server really sends and takes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use ruhepol::server::auth::Role;

use crate::support::{TestServer, serve, start};

/// A document, to check values by its schemas: as much of JSON Schema as ours use.
struct Schemas(Value);

impl Schemas {
    fn find(&self, reference: &str) -> &Value {
        self.0.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// What is wrong with `value`. Members that no schema knows are wrong, too: a description must be complete.
    fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        self.fits(schema, value)?;
        if let Value::Object(members) = value {
            let mut known = BTreeSet::new();
            let open = self.members(schema, &mut known);
            if !open && let Some(unknown) = members.keys().find(|name| !known.contains(*name)) {
                return Err(format!("`{unknown}` is not described: {value}"));
            }
        }
        Ok(())
    }

    /// Names of members anywhere in a schema; whether it takes others as well.
    fn members(&self, schema: &Value, known: &mut BTreeSet<String>) -> bool {
        if let Some(reference) = schema["$ref"].as_str() {
            self.members(self.find(reference), known);
        }
        if let Value::Object(properties) = &schema["properties"] {
            known.extend(properties.keys().cloned());
        }
        let parts = ["allOf", "anyOf", "oneOf"].iter().filter_map(|name| schema[*name].as_array()).flatten();
        let mut open = parts.fold(false, |open, part| self.members(part, known) | open);
        open |= schema["additionalProperties"].is_object() || schema["additionalProperties"] == true;
        open | (schema["type"] == "object" && schema["properties"].is_null()) | (*schema == true)
    }

    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{what}: {value} against {schema}"));
        if let Some(reference) = schema["$ref"].as_str() {
            self.fits(self.find(reference), value)?;
        }
        if schema.get("const").is_some_and(|wanted| wanted != value) {
            return wrong("another constant");
        }
        if schema["enum"].as_array().is_some_and(|names| !names.contains(value)) {
            return wrong("no such name");
        }
        let is = |kind: &str| match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("type {other}"),
        };
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind)) {
            return wrong("another type");
        }
        if let Value::Object(members) = value {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for name in required {
                if !members.contains_key(name) {
                    return wrong(&format!("without `{name}`"));
                }
            }
            for (name, member) in members {
                match &schema["properties"][name] {
                    Value::Null => {}
                    of_member => self.check(of_member, member)?,
                }
            }
        }
        if let (Value::Array(items), of_item @ Value::Object(_)) = (value, &schema["items"]) {
            items.iter().try_for_each(|item| self.check(of_item, item))?;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.fits(part, value)?;
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(parts) = schema[name].as_array()
                && !parts.iter().any(|part| self.fits(part, value).is_ok())
            {
                return wrong(&format!("fits none of {name}"));
            }
        }
        Ok(())
    }
}

async fn document(server: &TestServer, path: &str) -> Schemas {
    let (status, page) = server.get(path, None).await;
    assert_eq!(status, 200);
    Schemas(serde_json::from_str(&page).unwrap())
}

/// The payload of what a socket's client sends or hears.
fn payload<'a>(described: &'a Schemas, path: &str, which: &str) -> &'a Value {
    let channels = described.0["channels"].as_object().unwrap();
    let channel = channels.values().find(|channel| channel["address"] == path).unwrap();
    &channel["messages"][which]["payload"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_and_taken_is_what_is_described() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(|config| config.server.data_dir = Some(dir.path().to_owned())).await;
    let sockets = document(&server, "/asyncapi.json").await;
    let check = |path: &str, which: &str, message: &Value| {
        let result = sockets.check(payload(&sockets, path, which), message);
        result.unwrap_or_else(|problem| panic!("{path}, {which}: {problem}"));
    };
    let (stream, board, panel) = ("/v1/transcripts", "/v1/feed/supervisor", "/v1/feed/agent/{agent}");
    let mut feed = server.connect(board, Role::Supervisor, "s1").await;
    let mut own = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    let mut line = server.transcripts().await;
    let mut opening = start("c1");
    for field in ["encoding", "sample_rate"] {
        opening.as_object_mut().unwrap().remove(field);
    }
    opening["customer"] = json!({"name": "Frau Keller"});
    check(stream, "sent", &opening);
    check("/v1/media", "sent", &start("c1"));
    for wrong in [json!({"type": "start"}), json!({"type": "sing"}), json!({"type": "consent"})] {
        assert!(sockets.check(payload(&sockets, "/v1/media", "sent"), &wrong).is_err(), "{wrong}");
    }
    line.send(opening).await;
    check(stream, "heard", &line.json().await);
    let words = [
        ("customer", "Ich warte seit drei Wochen auf mein Paket, das ist eine Unverschämtheit!"),
        ("agent", "Das weiß ich leider nicht."),
        ("customer", "Sie unfähiger Idiot, ich gehe jetzt zum Anwalt!"),
    ];
    for (at, (channel, text)) in (0_u64..).zip(words) {
        let said = json!({"type": "utterance", "channel": channel, "start_ms": at * 4_000, "end_ms": at * 4_000 + 3_000, "text": text});
        check(stream, "sent", &said);
        line.send(said).await;
    }
    let mut heard = Vec::new();
    let alert = loop {
        let message = feed.json().await;
        heard.push(message.clone());
        if message["type"] == "alert" {
            break message;
        }
    };
    for command in [
        json!({"type": "ack", "alert": alert["id"], "ref": 1}),
        json!({"type": "open", "call": "c1"}),
        json!({"type": "whisper", "call": "c1", "text": "Ich bin da."}),
        json!({"type": "note", "call": "c1", "text": "Ruft zurück."}),
        json!({"type": "close", "call": "nobody's"}),
    ] {
        check(board, "sent", &command);
        feed.send(command).await;
    }
    while heard.last().is_none_or(|last| last["type"] != "note") {
        heard.push(feed.json().await);
    }
    own.send(json!({"type": "card", "ref": "x"})).await;
    check(panel, "sent", &json!({"type": "card"}));
    for control in [
        json!({"type": "hold"}),
        json!({"type": "resume"}),
        json!({"type": "metadata", "queue": "technik"}),
        json!({"type": "stop"}),
    ] {
        check(stream, "sent", &control);
        line.send(control).await;
    }
    check(stream, "heard", &line.json().await);
    while heard.last().is_none_or(|last| last["type"] != "call_ended") {
        heard.push(feed.json().await);
    }
    heard.iter().for_each(|message| check(board, "heard", message));
    let kinds: BTreeSet<&str> = heard.iter().filter_map(|message| message["type"].as_str()).collect();
    for kind in ["snapshot", "utterance", "assessment", "alert", "facts", "done", "error", "note", "call_facts", "hold"]
    {
        assert!(kinds.contains(kind), "{kind} was not heard, so it was not checked: {kinds:?}");
    }
    loop {
        let message = own.json().await;
        check(panel, "heard", &message);
        if message["type"] == "summary" {
            break;
        }
    }
    over_http(&server).await;
    server.end().await;
}

async fn over_http(server: &TestServer) {
    let described = document(server, "/openapi.json").await;
    for (path, asked, role) in [
        ("/v1/sign-in", "/v1/sign-in", Role::Supervisor),
        ("/v1/calls", "/v1/calls?state=ended", Role::Supervisor),
        ("/v1/calls/{call}", "/v1/calls/c1", Role::Supervisor),
        ("/v1/calls/{call}/events", "/v1/calls/c1/events?limit=5", Role::Supervisor),
        ("/v1/alerts", "/v1/alerts?state=all", Role::Supervisor),
        ("/v1/alerts", "/v1/alerts", Role::Admin),
        ("/v1/audit", "/v1/audit", Role::Auditor),
        ("/v1/config", "/v1/config", Role::Auditor),
        ("/v1/webhooks", "/v1/webhooks", Role::Auditor),
        ("/v1/teams/{team}/practices", "/v1/teams/nord/practices", Role::Supervisor),
    ] {
        let (status, page) = server.get(asked, Some(&server.token(role, "x"))).await;
        let page: Value = serde_json::from_str(&page).unwrap();
        let answers = &described.0["paths"][path]["get"]["responses"];
        let schema = &answers[status.to_string()]["content"]["application/json"]["schema"];
        assert_eq!(status, 200, "{asked}: {page}");
        described.check(schema, &page).unwrap_or_else(|problem| panic!("{asked}: {problem}"));
        let (status, refusal) = server.get(asked, None).await;
        if described.0["paths"][path]["get"]["security"].is_null() {
            assert_eq!(status, 200, "{asked} is open to all");
            continue;
        }
        let schema = &answers[status.to_string()]["content"]["application/json"]["schema"];
        described.check(schema, &serde_json::from_str(&refusal).unwrap()).unwrap();
    }
}
