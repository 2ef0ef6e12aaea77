//! Settings of webhooks: who else is told of alerts and ends of calls.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address::is_private;
use super::error::{ConfigError, wrong};
use crate::terms::AlertState;

/// Longest name of a webhook: it is part of file names, metrics and environment variables.
const NAME_CHARS_MAX: usize = 40;

/// One receiver, `[[webhooks]]`. Secrets are files or environment variables, never values in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Small letters, digits and `-`; names the receiver in metrics, logs and dead letters. What was sent is remembered
    /// under it.
    pub name: String,
    /// Address. `https`, except on this machine. One that is itself a secret (chat tools) belongs into `url_file` or the
    /// environment variable `RUHEPOL_WEBHOOK_NAME_URL`.
    #[serde(default)]
    pub url: Option<String>,
    /// File (mode 600) with the address.
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// File (mode 600) with the secret that signs; of several lines each signs, so that secrets can be changed. Or the
    /// environment variable `RUHEPOL_WEBHOOK_NAME_SECRET`.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// Send without a signature: for receivers that check none. Default `false`.
    #[serde(default)]
    pub unsigned: bool,
    /// Which events. Default `["alert", "call_ended"]`.
    #[serde(default = "events")]
    pub events: Vec<WebhookEvent>,
    /// Which states of alerts. Default all.
    #[serde(default = "states")]
    pub states: Vec<AlertState>,
    /// Only calls of these teams and queues. Default all.
    #[serde(default)]
    pub teams: Vec<String>,
    #[serde(default)]
    pub queues: Vec<String>,
    /// Send the customer's words (redacted) that prove an alert. Default `true`; `false` leaves out quote and reason.
    #[serde(default = "yes")]
    pub words: bool,
    /// JSON of the receiver's own shape; `{{text}}`, `{{reason}}`, … in its strings are filled in (docs/webhooks.md). Default
    /// none: our own shape.
    #[serde(default)]
    pub template: Option<String>,
    /// Seconds the receiver may take to answer. Default 10.
    #[serde(default = "timeout_s")]
    pub timeout_s: u64,
    /// Seconds after an event at which it is given up and becomes a dead letter. Default 86400: a day.
    #[serde(default = "give_up_s")]
    pub give_up_s: u64,
}

/// What can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookEvent {
    Alert,
    CallStarted,
    CallEnded,
}

impl WebhookEvent {
    /// The `type` of the event.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::CallStarted => "call_started",
            Self::CallEnded => "call_ended",
        }
    }
}

fn events() -> Vec<WebhookEvent> {
    vec![WebhookEvent::Alert, WebhookEvent::CallEnded]
}

fn states() -> Vec<AlertState> {
    use AlertState::{Acknowledged, Cleared, Dismissed, Raised, RaisedHigher, Snoozed};
    vec![Raised, RaisedHigher, Acknowledged, Snoozed, Dismissed, Cleared]
}

fn yes() -> bool {
    true
}

fn timeout_s() -> u64 {
    10
}

fn give_up_s() -> u64 {
    86_400
}

impl Webhook {
    /// Environment variable of this webhook, `RUHEPOL_WEBHOOK_NAME_…`.
    pub fn variable(&self, what: &str) -> String {
        format!("RUHEPOL_WEBHOOK_{}_{what}", self.name.to_ascii_uppercase().replace('-', "_"))
    }
}

/// Checks what the types cannot say.
pub(super) fn validate(webhooks: &[Webhook]) -> Result<(), ConfigError> {
    for (at, webhook) in webhooks.iter().enumerate() {
        let name = &webhook.name;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(plain) {
            return wrong("webhooks.name", format!("\"{name}\""), "use small letters, digits and `-`, at most 40");
        }
        if webhooks[..at].iter().any(|other| other.name == *name) {
            return wrong("webhooks.name", format!("two are called \"{name}\""), "give each its own name");
        }
        if webhook.url.as_deref().is_some_and(|url| !is_private(url)) {
            let problem = format!("that of \"{name}\" sends what callers said in the clear");
            return wrong("webhooks.url", problem, "use an https address");
        }
        if webhook.events.is_empty() {
            return wrong("webhooks.events", format!("\"{name}\" wants none"), "name some, or leave it out");
        }
        if !(1..=60).contains(&webhook.timeout_s) {
            return wrong("webhooks.timeout_s", format!("{} s", webhook.timeout_s), "use 1 to 60");
        }
        if !(1..=2_592_000).contains(&webhook.give_up_s) {
            return wrong("webhooks.give_up_s", format!("{} s", webhook.give_up_s), "use 1 to 2592000 (30 days)");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::tests::check;

    #[test]
    fn a_receiver_needs_little_and_mistakes_are_named() {
        let config = check("[[webhooks]]\nname = \"leitung\"\nurl = \"https://hooks.example/x\"\n").unwrap();
        let [webhook] = &config.webhooks[..] else { panic!("{config:?}") };
        assert_eq!(webhook.variable("SECRET"), "RUHEPOL_WEBHOOK_LEITUNG_SECRET");
        assert!(webhook.words && !webhook.unsigned && webhook.states.len() == 6);
        for (toml, named) in [
            ("name = \"Leitung\"", "webhooks.name"),
            ("name = \"../x\"", "webhooks.name"),
            ("name = \"a\"\nurl = \"http://hooks.example/x\"", "webhooks.url"),
            ("name = \"a\"\nurl = \"http://127.0.0.1.evil.example/\"", "webhooks.url"),
            ("name = \"a\"\nevents = []", "webhooks.events"),
            ("name = \"a\"\nevents = [\"utterance\"]", "utterance"),
            ("name = \"a\"\nsecret = \"hush\"", "secret"),
            ("name = \"a\"\ntimeout_s = 0", "webhooks.timeout_s"),
            ("name = \"a\"\n[[webhooks]]\nname = \"a\"", "two"),
        ] {
            let message = check(&format!("[[webhooks]]\n{toml}\n")).unwrap_err();
            assert!(message.contains(named), "{toml}: {message}");
        }
    }
}
