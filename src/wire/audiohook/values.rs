//! Identifiers and times as AudioHook writes them.

use serde_json::{Map, Value};

use crate::wire::BadMessage;

/// Eight, four, four, four and twelve hexadecimal digits with hyphens between.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Milliseconds of `PT12.3S`.
pub(super) fn parse_duration(text: &str) -> Option<u64> {
    let seconds = text.strip_prefix("PT")?.strip_suffix('S')?;
    let decimal = seconds.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !decimal || seconds.ends_with('.') {
        return None;
    }
    let seconds: f64 = seconds.parse().ok()?;
    // A week is longer than any call.
    (seconds <= 604_800.0).then(|| (seconds * 1e3).round() as u64)
}

/// A parameter that is a duration.
pub(super) fn duration_ms(name: &str, parameters: &Map<String, Value>) -> Result<u64, BadMessage> {
    parameters
        .get(name)
        .and_then(Value::as_str)
        .and_then(parse_duration)
        .ok_or_else(|| BadMessage(format!("field `parameters.{name}` must be a duration such as \"PT1.5S\"")))
}

/// The form of a time.
pub(super) fn duration(ms: u64) -> String {
    format!("PT{}.{:03}S", ms / 1_000, ms % 1_000)
}
