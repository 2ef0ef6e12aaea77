//! The lines of the audit log, and the hashes that chain them.

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Action, Entry};
use crate::call::event::rfc3339;
use crate::wire::hex::hex;

/// The hash before the first line.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What ends every line: the field with 64 hexadecimal digits.
const HASH_FIELD: &str = ",\"hash\":\"";

/// Where a chain stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Lines.
    pub seq: u64,
    pub hash: String,
}

impl Head {
    /// Before the first line.
    pub fn beginning() -> Self {
        Self { seq: 0, hash: BEGINNING.to_owned() }
    }
}

/// A line without its hash, in the order in which it is hashed.
#[derive(Debug, Serialize)]
struct Line<'a> {
    seq: u64,
    at: String,
    who: &'a str,
    role: &'a str,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    detail: &'a Map<String, Value>,
}

/// The line with its end, and its hash.
pub(super) fn line_of(entry: &Entry, head: &Head) -> (String, String) {
    let Entry { unix_ms, who, role, action, object, detail } = entry;
    let (seq, at) = (head.seq + 1, rfc3339(*unix_ms));
    let body = Line { seq, at, who, role, action: *action, object: object.as_deref(), detail };
    let body = crate::wire::to_json(&body);
    let hash = digest(&head.hash, &body);
    let open = body.strip_suffix('}').unwrap_or(&body);
    (format!("{open}{HASH_FIELD}{hash}\"}}\n"), hash)
}

/// The line's hash if it follows on `before`; else what is wrong and the hash it claims.
pub(super) fn check_line(line: &str, seq: u64, before: &str) -> Result<String, (&'static str, Option<String>)> {
    let Some((open, hash)) = line.rsplit_once(HASH_FIELD) else { return Err(("has no hash", None)) };
    let Some(hash) = hash.strip_suffix("\"}").filter(|hash| hash.len() == BEGINNING.len()) else {
        return Err(("has no hash", None));
    };
    let body = format!("{open}}}");
    if digest(before, &body) != hash {
        return Err(("does not fit the line before it", Some(hash.to_owned())));
    }
    match serde_json::from_str::<Value>(&body) {
        Ok(entry) if entry["seq"].as_u64() == Some(seq) => Ok(hash.to_owned()),
        _ => Err(("has another number", Some(hash.to_owned()))),
    }
}

/// The hash of a line whose predecessor has the hash `before`.
pub(super) fn digest(before: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    hash.update(b"\n");
    hash.update(body.as_bytes());
    hex(&hash.finalize())
}
