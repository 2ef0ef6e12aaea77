//! Messages of the outside world, one file per dialect: text in, plain values out, nothing else.
//!
//! The room knows no socket. It says what a message means, or in one sentence what is wrong with it.

pub mod asterisk;
pub mod audiohook;
pub mod audiosocket;
pub mod feed;
pub mod fields;
pub mod hex;
pub mod httpsig;
pub mod listen;
pub mod native;
pub mod phone;
pub mod plain;
pub mod results;
pub mod sign;
pub mod transcripts;
pub mod twilio;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Longest binary message on any media path, in bytes.
pub const MAX_BINARY_BYTES: usize = 1 << 20;

/// Longest JSON message on any path, in bytes.
pub const MAX_JSON_BYTES: usize = 64 << 10;

/// Longest identifier (call, agent, team, queue) in bytes: it becomes a key of maps and a part of addresses.
pub const MAX_ID_BYTES: usize = 200;

/// A message that means nothing to us; the text says what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadMessage(pub String);

/// Why a socket is refused or given up, as told to the peer in `error` before the close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No sign of the customer's consent where this path requires it.
    ConsentRequired,
    /// An open socket already carries this channel of this call.
    CallExists,
    /// A message that cannot be understood, or one that must not come now.
    BadMessage,
    /// A binary frame where only JSON may be.
    UnexpectedBinary,
    /// The token ran out while the socket was open.
    Unauthorized,
    /// A text frame that is not UTF-8.
    BadUtf8,
    /// A frame or message over the limit.
    TooBig,
    /// Breaks RFC 6455 itself.
    Protocol,
    /// No call slot is free.
    Busy,
    /// The server is going down.
    ShuttingDown,
    /// No sign of life for too long.
    Silent,
    /// A fault of ours ended this call.
    Fault,
}

impl Refusal {
    /// The `code` of the error message. An unexpected binary frame is told as `bad_message`, too: the close
    /// code says the rest.
    pub fn code(self) -> &'static str {
        match self {
            Self::ConsentRequired => "consent_required",
            Self::CallExists => "call_exists",
            Self::BadMessage | Self::UnexpectedBinary => "bad_message",
            Self::Unauthorized => "unauthorized",
            Self::BadUtf8 => "bad_utf8",
            Self::TooBig => "too_big",
            Self::Protocol => "protocol_error",
            Self::Busy => "busy",
            Self::ShuttingDown => "shutting_down",
            Self::Silent => "silent",
            Self::Fault => "internal_error",
        }
    }

    /// WebSocket close code (RFC 6455, section 7.4.1).
    pub fn close_code(self) -> u16 {
        match self {
            Self::ConsentRequired | Self::CallExists | Self::BadMessage | Self::Unauthorized | Self::Silent => 1008,
            Self::UnexpectedBinary => 1003,
            Self::BadUtf8 => 1007,
            Self::TooBig => 1009,
            Self::Protocol => 1002,
            Self::Busy => 1013,
            Self::ShuttingDown => 1001,
            Self::Fault => 1011,
        }
    }
}

/// `{"type":"error",…}` as every socket sends it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ErrorMessage {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "error"))]
    kind: &'static str,
    pub code: &'static str,
    pub message: String,
    /// When to try again, in seconds; only with `busy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// The `ref` of the command this answers; only on feeds.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<serde_json::Value>,
}

impl ErrorMessage {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { kind: "error", code, message: message.into(), retry_after_s: None, reference: None }
    }
}

/// Serialises a message of ours; they hold nothing JSON cannot say, so an empty object never really appears.
pub fn to_json(message: &impl Serialize) -> String {
    serde_json::to_string(message).unwrap_or_else(|_| "{}".to_owned())
}

/// The `type` of a JSON message.
fn message_type(text: &str) -> Result<String, BadMessage> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "type")]
        kind: String,
    }
    match text.trim_start().chars().next() {
        Some('{') => parse::<Head>(text).map(|head| head.kind),
        _ => Err(BadMessage("a message is a JSON object with a field \"type\"".to_owned())),
    }
}

/// Reads a message; unknown fields pass, so that newer clients can talk to older servers.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, BadMessage> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if path == "." { BadMessage(inner.to_string()) } else { BadMessage(format!("field `{path}`: {inner}")) }
    })?;
    json.end().map_err(|error| BadMessage(format!("more than one JSON value in a message: {error}")))?;
    Ok(value)
}

/// Checks an identifier: not empty, at most [`MAX_ID_BYTES`], no control characters.
pub fn check_id(field: &str, id: &str) -> Result<(), BadMessage> {
    if id.is_empty() {
        Err(BadMessage(format!("field `{field}` must not be empty")))
    } else if id.len() > MAX_ID_BYTES {
        Err(BadMessage(format!("field `{field}` is longer than {MAX_ID_BYTES} bytes")))
    } else if id.chars().any(char::is_control) {
        Err(BadMessage(format!("field `{field}` contains control characters")))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_are_those_of_the_contract() {
        let pairs = [
            (Refusal::ConsentRequired, "consent_required", 1008),
            (Refusal::CallExists, "call_exists", 1008),
            (Refusal::BadMessage, "bad_message", 1008),
            (Refusal::Unauthorized, "unauthorized", 1008),
            (Refusal::UnexpectedBinary, "bad_message", 1003),
            (Refusal::BadUtf8, "bad_utf8", 1007),
            (Refusal::TooBig, "too_big", 1009),
            (Refusal::Busy, "busy", 1013),
            (Refusal::ShuttingDown, "shutting_down", 1001),
        ];
        for (refusal, code, close) in pairs {
            assert_eq!((refusal.code(), refusal.close_code()), (code, close));
        }
    }

    #[test]
    fn type_is_needed_and_must_be_text() {
        for text in ["", "[]", "7", "{}", r#"{"type":7}"#, "{", "\u{feff}{}"] {
            assert!(message_type(text).is_err(), "{text}");
        }
        assert_eq!(message_type(r#" {"type":"start","x":1}"#), Ok("start".to_owned()));
    }

    #[test]
    fn identifiers_are_bounded() {
        assert!(check_id("call", "c1").is_ok());
        assert!(check_id("call", "").is_err());
        assert!(check_id("call", "a\nb").is_err());
        assert!(check_id("call", &"x".repeat(MAX_ID_BYTES)).is_ok());
        assert!(check_id("call", &"x".repeat(MAX_ID_BYTES + 1)).is_err());
    }
}
