//! What a receiver gets: the body, in our shape or in that of a template, and the signature over it.
//!
//! The headers are those of the Standard Webhooks specification (standardwebhooks.com, version 1), so that its libraries
//! check ours: `webhook-id`, `webhook-timestamp` and `webhook-signature`, a list of `v1,` and the base64 of HMAC-SHA256
//! over `ID.TIMESTAMP.BODY`.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;

use crate::call::event::{Event, EventKind};
use crate::terms::{AlertState, Band, Lang};
use crate::wire::sign::{from_base64, to_base64};

/// Names a template may use.
pub const FIELDS: [&str; 15] = [
    "id", "node", "call", "agent", "queue", "team", "type", "at", "state", "kind", "reason", "quote", "by", "title",
    "text",
];

/// How a secret of the Standard Webhooks libraries begins; the rest is base64.
const SECRET_PREFIX: &str = "whsec_";

/// An event with what a receiver needs to know of its call.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its place in the journal.
    pub position: u64,
    pub event: Event,
    pub agent: Option<String>,
    pub queue: Option<String>,
    pub team: Option<String>,
    pub lang: Lang,
}

/// The body in our own shape.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(title = "Webhook")]
pub struct Body<'a> {
    /// The same however often it is sent; also in the headers `webhook-id` and `Idempotency-Key`.
    id: &'a str,
    /// `server.node` of the sender.
    node: &'a str,
    agent: Option<&'a str>,
    queue: Option<&'a str>,
    team: Option<&'a str>,
    event: &'a Event,
}

impl Item {
    /// Unique over servers and restarts: places in the journal never come twice, and each server has its name.
    pub fn id(&self, node: &str) -> String {
        let hash = node.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        format!("{hash:08x}-{}", self.position)
    }

    /// The body, in the shape of the template if there is one.
    pub fn body(&self, node: &str, template: Option<&Value>) -> String {
        let id = self.id(node);
        match template {
            Some(template) => filled(template, &|field| self.field(field, node)).to_string(),
            None => {
                let (agent, queue, team) = (self.agent.as_deref(), self.queue.as_deref(), self.team.as_deref());
                crate::wire::to_json(&Body { id: &id, node, agent, queue, team, event: &self.event })
            }
        }
    }

    fn field(&self, name: &str, node: &str) -> String {
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        let of_alert = |what: &dyn Fn(&EventKind) -> Option<String>| what(&self.event.kind).unwrap_or_default();
        match name {
            "id" => self.id(node),
            "node" => node.to_owned(),
            "call" => self.event.call.clone(),
            "agent" => or_empty(&self.agent),
            "queue" => or_empty(&self.queue),
            "team" => or_empty(&self.team),
            "type" => self.event.kind.name().to_owned(),
            "at" => self.event.at.clone(),
            "state" => of_alert(&|kind| match kind {
                EventKind::Alert { state, .. } => Some(word(state)),
                _ => None,
            }),
            "kind" => of_alert(&|kind| match kind {
                EventKind::Alert { kind, .. } => Some(kind.as_str().to_owned()),
                _ => None,
            }),
            "reason" => of_alert(&|kind| match kind {
                EventKind::Alert { reason, .. } => Some(reason.clone()),
                _ => None,
            }),
            "quote" => of_alert(&|kind| match kind {
                EventKind::Alert { quote, .. } => quote.clone(),
                _ => None,
            }),
            "by" => of_alert(&|kind| match kind {
                EventKind::Alert { by, .. } => by.clone(),
                _ => None,
            }),
            "title" => self.title(),
            "text" => self.text(),
            _ => String::new(),
        }
    }

    /// What happened, in a few words.
    fn title(&self) -> String {
        let words = match (&self.event.kind, self.lang) {
            (EventKind::Alert { unacknowledged_ms: Some(_), .. }, Lang::De) => "Alarm wartet",
            (EventKind::Alert { unacknowledged_ms: Some(_), .. }, Lang::En) => "Alert is waiting",
            (EventKind::Alert { state, .. }, Lang::De) => match state {
                AlertState::Raised => "Alarm",
                AlertState::RaisedHigher => "Alarm, dringender",
                AlertState::Acknowledged => "Alarm übernommen",
                AlertState::Snoozed => "Alarm zurückgestellt",
                AlertState::Dismissed => "Alarm verworfen",
                AlertState::Cleared => "Alarm vorbei",
            },
            (EventKind::Alert { state, .. }, Lang::En) => match state {
                AlertState::Raised => "Alert",
                AlertState::RaisedHigher => "Alert, more urgent",
                AlertState::Acknowledged => "Alert taken",
                AlertState::Snoozed => "Alert put off",
                AlertState::Dismissed => "Alert dismissed",
                AlertState::Cleared => "Alert over",
            },
            (EventKind::CallEnded { .. }, Lang::De) => "Gespräch beendet",
            (EventKind::CallEnded { .. }, Lang::En) => "Call ended",
            (_, Lang::De) => "Gespräch begonnen",
            (_, Lang::En) => "Call started",
        };
        words.to_owned()
    }

    /// One line for people.
    fn text(&self) -> String {
        let mut place: Vec<&str> = [&self.queue, &self.agent].into_iter().filter_map(|name| name.as_deref()).collect();
        place.push(&self.event.call);
        let mut text = format!("{} ({})", self.title(), place.join(", "));
        match &self.event.kind {
            EventKind::Alert { reason, quote, by, .. } => {
                if let Some(by) = by {
                    text.push_str(&format!(" – {by}"));
                }
                if !reason.is_empty() {
                    text.push_str(&format!(": {reason}"));
                }
                match (quote, self.lang) {
                    (Some(quote), Lang::De) => text.push_str(&format!(" – „{quote}“")),
                    (Some(quote), Lang::En) => text.push_str(&format!(" – “{quote}”")),
                    (None, _) => {}
                }
            }
            EventKind::CallEnded { summary, .. } => {
                let minutes = format!("{}:{:02}", summary.duration_ms / 60_000, summary.duration_ms / 1_000 % 60);
                let band = summary.peak_band;
                text.push_str(&match self.lang {
                    Lang::De => format!(": {minutes} min, höchstens {}, Alarme: {}", band_de(band), summary.alerts),
                    Lang::En => format!(": {minutes} min, at most {}, alerts: {}", word(&band), summary.alerts),
                });
            }
            _ => {}
        }
        text
    }
}

fn band_de(band: Band) -> &'static str {
    match band {
        Band::Calm => "ruhig",
        Band::Tense => "angespannt",
        Band::Heated => "erhitzt",
        Band::Critical => "kritisch",
    }
}

/// The name of a value on the wire.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A template as JSON.
///
/// # Errors
/// It is no JSON, or names a field there is none of.
pub fn template(text: &str) -> Result<Value, String> {
    let template: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
    let unknown = std::cell::RefCell::new(None);
    filled(&template, &|field| {
        if !FIELDS.contains(&field) {
            unknown.borrow_mut().get_or_insert_with(|| field.to_owned());
        }
        String::new()
    });
    match unknown.into_inner() {
        Some(field) => Err(format!("names `{field}`; there are {}", FIELDS.join(", "))),
        None => Ok(template),
    }
}

/// The template with `{{name}}` in its strings replaced. What is filled in can never become JSON of its own.
fn filled(template: &Value, field: &dyn Fn(&str) -> String) -> Value {
    match template {
        Value::String(text) => {
            let mut parts = text.split("{{");
            let mut out = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                match part.split_once("}}") {
                    Some((name, rest)) => out.extend([field(name.trim()).as_str(), rest]),
                    None => out.extend(["{{", part]),
                }
            }
            Value::String(out)
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, field)).collect()),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(name, value)| (name.clone(), filled(value, field))).collect())
        }
        other => other.clone(),
    }
}

/// Keys from the text of a secret: one per line.
pub fn keys(text: &str) -> Vec<Vec<u8>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| match line.strip_prefix(SECRET_PREFIX).and_then(from_base64) {
            Some(key) => key,
            None => line.as_bytes().to_vec(),
        })
        .collect()
}

/// The header `webhook-signature`: one signature per key.
pub fn signature(keys: &[Vec<u8>], id: &str, timestamp_s: u64, body: &str) -> String {
    let signatures = keys.iter().filter_map(|key| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body.as_bytes());
        Some(format!("v1,{}", to_base64(&mac.finalize().into_bytes())))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::event::Log;
    use crate::terms::{AlertKind, CueKind};

    fn item(state: AlertState, quote: &str) -> Item {
        let kind = EventKind::Alert {
            id: "c1:a1".to_owned(),
            state,
            kind: AlertKind::Act(CueKind::LegalThreat),
            reason: "Droht mit dem Anwalt".to_owned(),
            quote: Some(quote.to_owned()),
            by: None,
            until: None,
            dismissal: None,
            unacknowledged_ms: None,
        };
        let event = Event {
            call: "c1".to_owned(),
            log: Log::Call,
            seq: 9,
            at: "2026-03-02T09:14:00.000Z".to_owned(),
            t_ms: 5,
            kind,
            durable: None,
        };
        Item { position: 77, event, agent: Some("a7".to_owned()), queue: None, team: None, lang: Lang::De }
    }

    /// Key and message of the specification's own example, the signature computed with Python's `hmac` and with OpenSSL.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let keys = keys("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
        let signed = signature(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let both = signature(&super::keys("new\nold\n"), "a", 1, "{}");
        assert_eq!(both.split(' ').count(), 2, "a secret can be changed without a gap");
    }

    #[test]
    fn a_template_is_filled_and_stays_json() {
        let template =
            template(r#"{"text":"{{title}}: {{ reason }} {{quote}}","n":[1,"{{agent}}"],"open":"{{"}"#).unwrap();
        let item = item(AlertState::Raised, r#"Er sagte "nein"}, {{node}}"#);
        let body: Value = serde_json::from_str(&item.body("n1", Some(&template))).unwrap();
        assert_eq!(body["text"], r#"Alarm: Droht mit dem Anwalt Er sagte "nein"}, {{node}}"#);
        assert_eq!((&body["n"][1], &body["open"]), (&Value::from("a7"), &Value::from("{{")));
        assert!(super::template(r#"{"text":"{{words}}"}"#).unwrap_err().contains("words"));
        assert!(super::template("{{text}}").unwrap_err().contains("JSON"));
    }

    #[test]
    fn our_own_shape_holds_the_event_as_it_is_everywhere() {
        let item = item(AlertState::Acknowledged, "Ich gehe zum Anwalt.");
        let body: Value = serde_json::from_str(&item.body("n1", None)).unwrap();
        assert_eq!(body["event"], serde_json::to_value(&item.event).unwrap());
        assert_eq!((body["agent"].as_str(), body["queue"].as_str()), (Some("a7"), None));
        assert_eq!(body["id"], item.id("n1"));
        assert_ne!(item.id("n1"), item.id("n2"));
        assert!(item.text().starts_with("Alarm übernommen (a7, c1): Droht mit dem Anwalt – „Ich"), "{}", item.text());
    }
}
