//! HTTP message signatures as AudioHook clients make them (draft-ietf-httpbis-message-signatures, HMAC-SHA256).

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::wire::sign::{from_base64, same, to_base64};

/// What must be signed, in whatever order.
pub const COMPONENTS: [&str; 6] = [
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
];

/// Shortest nonce: 128 bits in base64.
const NONCE_MIN_CHARS: usize = 22;

/// Longest nonce we remember.
const NONCE_MAX_CHARS: usize = 256;

/// How old a signature may be, and how far the clocks may differ, in seconds.
pub const MAX_AGE_S: u64 = 10;
pub const SKEW_S: u64 = 3;

/// A signature, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    components: Vec<String>,
    /// As the client wrote them: they are part of what is signed.
    params: String,
    bytes: Vec<u8>,
    pub keyid: String,
    pub nonce: String,
    created_s: u64,
    expires_s: Option<u64>,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the headers Signature-Input and Signature do not make sense")]
    Malformed,
    #[error("something that must be signed is not")]
    Incomplete,
    #[error("the signature is too old, or the clocks differ by more than three seconds")]
    Stale,
    #[error("the signature does not fit the request: check the secret and the public authority")]
    Wrong,
}

impl Signature {
    /// Reads the two headers, `Signature-Input` and `Signature`.
    pub fn read(input: &str, signature: &str) -> Result<Self, Fault> {
        let (label, params) = input.trim().split_once('=').ok_or(Fault::Malformed)?;
        let params = params.trim();
        let (list, rest) = params.strip_prefix('(').and_then(|text| text.split_once(')')).ok_or(Fault::Malformed)?;
        let mut components = Vec::new();
        for component in list.split_whitespace() {
            let bare = component.strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or(Fault::Malformed)?;
            components.push(bare.to_ascii_lowercase());
        }
        let (mut keyid, mut nonce, mut created_s, mut expires_s) = (None, None, None, None);
        for (name, value) in parameters(rest)? {
            match name.as_str() {
                "keyid" => keyid = Some(value),
                "nonce" => nonce = Some(value),
                "created" => created_s = Some(value.parse().map_err(|_| Fault::Malformed)?),
                "expires" => expires_s = Some(value.parse().map_err(|_| Fault::Malformed)?),
                "alg" if value != "hmac-sha256" => return Err(Fault::Malformed),
                _ => {}
            }
        }
        let (other, bytes) = signature.trim().split_once('=').ok_or(Fault::Malformed)?;
        let bytes = bytes.strip_prefix(':').and_then(|text| text.strip_suffix(':')).ok_or(Fault::Malformed)?;
        if other != label {
            return Err(Fault::Malformed);
        }
        let nonce: String = nonce.ok_or(Fault::Malformed)?;
        if !(NONCE_MIN_CHARS..=NONCE_MAX_CHARS).contains(&nonce.len()) {
            return Err(Fault::Malformed);
        }
        Ok(Self {
            components,
            params: params.to_owned(),
            bytes: from_base64(bytes).ok_or(Fault::Malformed)?,
            keyid: keyid.ok_or(Fault::Malformed)?,
            nonce,
            created_s: created_s.ok_or(Fault::Malformed)?,
            expires_s,
        })
    }

    /// Checks it against the request: `value` gives what a component is. The key is the decoded client secret.
    pub fn check(&self, key: &[u8], now_s: u64, value: impl Fn(&str) -> Option<String>) -> Result<(), Fault> {
        if COMPONENTS.iter().any(|needed| !self.components.iter().any(|signed| signed == needed)) {
            return Err(Fault::Incomplete);
        }
        let base = base(self.components.iter().map(String::as_str), &self.params, value).ok_or(Fault::Incomplete)?;
        // The comparison comes before the clock, so that an old signature tells nothing about the key.
        let holds = same(&mac(key, &base), &self.bytes);
        let fresh = self.created_s <= now_s.saturating_add(SKEW_S)
            && now_s <= self.created_s.saturating_add(MAX_AGE_S + SKEW_S)
            && self
                .expires_s
                .is_none_or(|expires_s| expires_s >= self.created_s && now_s <= expires_s.saturating_add(SKEW_S));
        match (holds, fresh) {
            (false, _) => Err(Fault::Wrong),
            (true, false) => Err(Fault::Stale),
            (true, true) => Ok(()),
        }
    }
}

/// Both headers of a signed request: `Signature-Input` and `Signature`.
pub fn sign(
    key: &[u8],
    keyid: &str,
    nonce: &str,
    created_s: u64,
    expires_s: u64,
    value: impl Fn(&str) -> Option<String>,
) -> Option<(String, String)> {
    let list: Vec<String> = COMPONENTS.iter().map(|component| format!("\"{component}\"")).collect();
    let params = format!(
        "({});keyid=\"{keyid}\";nonce=\"{nonce}\";alg=\"hmac-sha256\";created={created_s};expires={expires_s}",
        list.join(" ")
    );
    let base = base(COMPONENTS.into_iter(), &params, value)?;
    Some((format!("sig1={params}"), format!("sig1=:{}:", to_base64(&mac(key, &base)))))
}

/// What is signed: a line for each component, last the parameters.
fn base<'a>(
    components: impl Iterator<Item = &'a str>,
    params: &str,
    value: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let mut base = String::new();
    for component in components {
        base.push_str(&format!("\"{component}\": {}\n", value(component)?));
    }
    base.push_str(&format!("\"@signature-params\": {params}"));
    Some(base)
}

fn mac(key: &[u8], base: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(base.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// `;name="text";name=7`
fn parameters(text: &str) -> Result<Vec<(String, String)>, Fault> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some(after) = rest.strip_prefix(';') {
        let (name, value) = after.trim_start().split_once('=').ok_or(Fault::Malformed)?;
        let (value, next) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or(Fault::Malformed)?,
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        found.push((name.trim().to_owned(), value.trim().to_owned()));
        rest = next.trim_start();
    }
    if rest.is_empty() { Ok(found) } else { Err(Fault::Malformed) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=";
    const CREATED_S: u64 = 1_641_013_200;
    const EXPECTED: &str = "NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=";

    fn value(component: &str) -> Option<String> {
        let value = match component {
            "@request-target" => "/api/v1/voicebiometrics/ws",
            "@authority" => "audiohook.example.com",
            "audiohook-organization-id" => "d7934305-0972-4844-938e-9060eef73d05",
            "audiohook-session-id" => "30b0e395-84d3-4570-ac13-9a62d8f514c0",
            "audiohook-correlation-id" => "e160e428-53e2-487c-977d-96989bf5c99d",
            "x-api-key" => "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn signed() -> (String, String) {
        let key = from_base64(SECRET).unwrap();
        sign(&key, &value("x-api-key").unwrap(), "VGhpc0lzQVVuaXF1ZU5vbmNl", CREATED_S, 3_282_026_430, value).unwrap()
    }

    #[test]
    fn the_worked_example_holds() {
        let (input, signature) = signed();
        assert_eq!(signature, format!("sig1=:{EXPECTED}:"));
        let key = from_base64(SECRET).unwrap();
        let read = Signature::read(&input, &signature).unwrap();
        assert_eq!(read.check(&key, CREATED_S + 1, value), Ok(()));
        assert_eq!(read.check(&key, CREATED_S - SKEW_S, value), Ok(()));
        assert_eq!(read.check(&key, CREATED_S - SKEW_S - 1, value), Err(Fault::Stale));
        assert_eq!(read.check(&key, CREATED_S + MAX_AGE_S + SKEW_S + 1, value), Err(Fault::Stale));
        assert_eq!(read.check(b"other", CREATED_S, value), Err(Fault::Wrong));
    }

    #[test]
    fn every_component_counts() {
        let (input, signature) = signed();
        let key = from_base64(SECRET).unwrap();
        let read = Signature::read(&input, &signature).unwrap();
        for changed in COMPONENTS {
            let other = |name: &str| if name == changed { Some("other".to_owned()) } else { value(name) };
            assert_eq!(read.check(&key, CREATED_S, other), Err(Fault::Wrong), "{changed}");
            let without = |name: &str| if name == changed { None } else { value(name) };
            assert_eq!(read.check(&key, CREATED_S, without), Err(Fault::Incomplete), "{changed}");
            let input = input.replace(&format!("\"{changed}\""), "\"date\"");
            let read = Signature::read(&input, &signature).unwrap();
            assert_eq!(read.check(&key, CREATED_S, value), Err(Fault::Incomplete), "{changed}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let (input, signature) = signed();
        for (from, to) in [
            ("VGhpc0lzQVVuaXF1ZU5vbmNl", "short"),
            ("hmac-sha256", "none"),
            ("created=1641013200", "created=soon"),
            (";created=1641013200", ""),
            ("sig1=", "sig2="),
            ("(", ""),
            (";keyid", " keyid"),
        ] {
            assert_eq!(Signature::read(&input.replace(from, to), &signature), Err(Fault::Malformed), "{from}");
        }
        for wrong in ["", "sig1", "sig1=abc", "sig1=:***:"] {
            assert_eq!(Signature::read(&input, wrong), Err(Fault::Malformed), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(input in "[a-z0-9=();\" :@,-]{0,80}", signature in "[a-zA-Z0-9=:]{0,40}") {
            let _ = Signature::read(&input, &signature);
        }
    }
}
