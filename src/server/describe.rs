//! `/openapi.json` and `/asyncapi.json`: what this server speaks, made from the types it speaks with.
//!
//! Paths and roles stand here; shapes come from the types themselves, so that they cannot say anything else.

mod asyncapi;
mod openapi;

pub use self::asyncapi::asyncapi;
pub use self::openapi::openapi;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Value, json};

use crate::call::event::Event;
use crate::wire::{feed, to_json};

const SUPERVISE: &[&str] = &["supervisor", "admin"];
const AUDIT: &[&str] = &["auditor", "admin"];
const INGEST: &[&str] = &["ingest", "admin"];
const AGENT: &[&str] = &["agent"];

/// The schema of an event.
pub(super) async fn event_schema() -> Response {
    json_schema(&schemars::schema_for!(Event))
}

/// The schema of both feeds and their commands.
pub(super) async fn feed_schema() -> Response {
    json_schema(&feed::schema())
}

fn json_schema(schema: &impl Serialize) -> Response {
    ([(header::CONTENT_TYPE, "application/schema+json")], to_json(schema)).into_response()
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::asyncapi::CHANNELS;
    use super::openapi::OPERATIONS;
    use super::*;

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
