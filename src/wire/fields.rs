//! Facts of a call out of a phone system's own fields.
//!
//! Platforms carry what we want to know (agent, queue, consent, …) under names their administrators chose. A
//! [`FieldMap`] says which; whatever has no meaning to us is kept as metadata. Values that make no sense are left
//! among the metadata and harm nothing: a phone call must not fail on a badly filled variable.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::terms::{Channel, Lang};
use crate::wire::native::Facts;
use crate::wire::{check_id, phone::cut};

/// Most metadata kept, in entries, and the longest value, in bytes.
const MAX_ENTRIES: usize = 64;
const MAX_VALUE_BYTES: usize = 4 << 10;

/// Longest wait believed, in seconds: a day.
const MAX_WAIT_S: f64 = 86_400.0;

/// Names of a platform's fields; a name with dots reaches into nested objects. `None`: our own name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldMap {
    /// Id of the call: two sockets that name the same one are one call. Default `call`.
    pub call: Option<String>,
    /// Id of the agent. Default `agent`.
    pub agent: Option<String>,
    /// Default `queue`.
    pub queue: Option<String>,
    /// Default `team`.
    pub team: Option<String>,
    /// Default `customer_name`.
    pub customer_name: Option<String>,
    /// Seconds the customer waited. Default `wait_s`.
    pub wait_s: Option<String>,
    /// The same in milliseconds. Default `wait_ms`.
    pub wait_ms: Option<String>,
    /// Begin of the agent's shift, RFC 3339. Default `shift_started`.
    pub shift_started: Option<String>,
    /// `true` if the customer agreed to be transcribed. Default `consent`.
    pub consent: Option<String>,
    /// Such as `de` or `en-GB`. Default `language`.
    pub language: Option<String>,
    /// Party on a socket that carries one: `customer` or `agent`. Default `channel`.
    pub channel: Option<String>,
    /// `inbound` or `outbound`. Default `direction`.
    pub direction: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    pub call: Option<String>,
    pub consent: Option<bool>,
    pub language: Option<Lang>,
    pub channel: Option<Channel>,
    /// The customer was called by us.
    pub outbound: bool,
    pub facts: Facts,
}

impl FieldMap {
    /// Reads the fields of one message; all that is not ours by name becomes metadata.
    pub fn read(&self, values: &Map<String, Value>) -> Told {
        let mut rest = values.clone();
        let mut take = |name: &Option<String>, ours: &str| {
            let path = name.as_deref().filter(|name| !name.is_empty()).unwrap_or(ours);
            take_path(&mut rest, path)
        };
        let mut told = Told {
            call: take(&self.call, "call").and_then(|value| id(&value)),
            consent: take(&self.consent, "consent").and_then(|value| flag(&value)),
            ..Told::default()
        };
        told.language = take(&self.language, "language").and_then(|value| Lang::from_tag(&text(&value)?));
        told.channel = take(&self.channel, "channel").and_then(|value| channel(&value));
        told.outbound = take(&self.direction, "direction")
            .and_then(|value| text(&value))
            .is_some_and(|direction| direction.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("out")));
        let facts = &mut told.facts;
        facts.agent = take(&self.agent, "agent").and_then(|value| id(&value));
        facts.queue = take(&self.queue, "queue").and_then(|value| id(&value));
        facts.team = take(&self.team, "team").and_then(|value| id(&value));
        facts.customer_name = take(&self.customer_name, "customer_name").and_then(|value| id(&value));
        if facts.customer_name.is_none() {
            facts.customer_name = take(&None, "customer.name").and_then(|value| id(&value));
        }
        let seconds = |value: Option<Value>, unit: f64| {
            let seconds = number(&value?)? / unit;
            (0.0..=MAX_WAIT_S).contains(&seconds).then_some(seconds as u64)
        };
        let wait_ms = take(&self.wait_ms, "wait_ms");
        facts.wait_s = seconds(take(&self.wait_s, "wait_s"), 1.0).or_else(|| seconds(wait_ms, 1_000.0));
        facts.shift_started = take(&self.shift_started, "shift_started")
            .and_then(|value| text(&value))
            .filter(|time| time.parse::<jiff::Timestamp>().is_ok());
        for (name, value) in rest {
            if facts.metadata.len() < MAX_ENTRIES && !value.is_null() {
                facts.metadata.insert(cut(&name, MAX_VALUE_BYTES).to_owned(), short(value));
            }
        }
        told
    }
}

/// Takes a value out, if it is there; a parent that holds more stays with the rest.
fn take_path(values: &mut Map<String, Value>, path: &str) -> Option<Value> {
    if let Some(value) = values.remove(path) {
        return Some(value);
    }
    let (parent, child) = path.split_once('.')?;
    take_path(values.get_mut(parent)?.as_object_mut()?, child)
}

/// A value as text, if it is one or a number; empty is absent.
pub fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn id(value: &Value) -> Option<String> {
    text(value).filter(|id| check_id("id", id).is_ok())
}

/// Yes or no, as people and programs write it.
pub fn flag(value: &Value) -> Option<bool> {
    match text(value)?.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "ja" | "y" => Some(true),
        "false" | "0" | "no" | "nein" | "n" => Some(false),
        _ => None,
    }
}

/// A number, also one written as text.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn channel(value: &Value) -> Option<Channel> {
    match text(value)?.to_ascii_lowercase().as_str() {
        "customer" | "external" | "caller" => Some(Channel::Customer),
        "agent" | "internal" => Some(Channel::Agent),
        "mixed" => Some(Channel::Mixed),
        _ => None,
    }
}

fn short(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > MAX_VALUE_BYTES => Value::String(cut(&text, MAX_VALUE_BYTES).to_owned()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(map: &FieldMap, value: Value) -> Told {
        map.read(value.as_object().unwrap())
    }

    #[test]
    fn our_own_names_need_no_map() {
        let told = read(
            &FieldMap::default(),
            json!({"call": "c1", "agent": 7, "consent": "true", "customer": {"name": "Frau Keller", "no": 9},
                "wait_s": "240", "language": "de-AT", "channel": "agent", "direction": "outbound-dial", "x": [1]}),
        );
        assert_eq!((told.call.as_deref(), told.consent, told.language), (Some("c1"), Some(true), Some(Lang::De)));
        assert_eq!((told.channel, told.outbound), (Some(Channel::Agent), true));
        assert_eq!(told.facts.agent.as_deref(), Some("7"));
        assert_eq!(told.facts.customer_name.as_deref(), Some("Frau Keller"));
        assert_eq!(told.facts.wait_s, Some(240));
        assert_eq!(Value::Object(told.facts.metadata), json!({"customer": {"no": 9}, "x": [1]}));
    }

    #[test]
    fn names_of_the_platform_are_mapped() {
        let map = FieldMap {
            agent: Some("worker.id".to_owned()),
            wait_ms: Some("queue_time".to_owned()),
            ..FieldMap::default()
        };
        let told = read(&map, json!({"worker": {"id": "a7"}, "queue_time": 61_500, "agent": "not this"}));
        assert_eq!(told.facts.agent.as_deref(), Some("a7"));
        assert_eq!(told.facts.wait_s, Some(61));
        assert_eq!(told.facts.metadata["agent"], "not this");
    }

    #[test]
    fn nonsense_harms_nothing() {
        let told = read(
            &FieldMap::default(),
            json!({"call": {}, "consent": "perhaps", "wait_s": -1, "agent": "x".repeat(300), "queue": "",
                "shift_started": "today", "language": "xx", "direction": "ö"}),
        );
        assert_eq!(told, Told::default());
        let many: Map<String, Value> = (0..100).map(|n| (n.to_string(), json!("ü".repeat(4_000)))).collect();
        let facts = FieldMap::default().read(&many).facts;
        assert_eq!(facts.metadata.len(), MAX_ENTRIES);
        assert!(facts.metadata.values().all(|value| value.as_str().unwrap().len() <= MAX_VALUE_BYTES));
    }
}
