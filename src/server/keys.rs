//! Secrets of phone systems, read once at the start from files only their owner can read.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::config::Phones;
use crate::wire::hex::uuid;
use crate::wire::httpsig::{self, Signature};
use crate::wire::sign::{from_base64, same};

/// Nonces remembered: at a hundred handshakes a second far more than can be fresh at once. When they are full,
/// signed requests are refused.
const NONCES_MAX: usize = 65_536;

/// What platforms prove themselves with.
#[derive(Default)]
pub(crate) struct Keys {
    /// Twilio's auth token.
    pub twilio: Option<String>,
    pub audiohook: AudioHookKeys,
}

/// API keys of AudioHook connections with their secrets, and the nonces seen lately.
#[derive(Default)]
pub(crate) struct AudioHookKeys {
    /// An empty secret needs no signature.
    secrets: BTreeMap<String, Vec<u8>>,
    authority: Option<String>,
    /// Nonces with the second at which they may be forgotten.
    nonces: Mutex<HashMap<String, u64>>,
}

impl Keys {
    /// # Errors
    /// A file is missing, empty, or can be read by others; the message says which and what to do.
    pub fn read(phones: &Phones) -> io::Result<Self> {
        let twilio = phones.twilio.auth_token_file.as_deref();
        Ok(Self {
            twilio: twilio.map(|path| secret("phones.twilio.auth_token_file", path)).transpose()?,
            audiohook: AudioHookKeys::read(&phones.audiohook)?,
        })
    }
}

impl AudioHookKeys {
    fn read(settings: &crate::config::AudioHook) -> io::Result<Self> {
        let authority = settings.public_authority.as_deref().map(bare_authority);
        let Some(path) = &settings.keys_file else { return Ok(Self { authority, ..Self::default() }) };
        let setting = "phones.audiohook.keys_file";
        let wrong = |problem: String| io::Error::new(io::ErrorKind::InvalidInput, format!("`{setting}`: {problem}"));
        let lines: BTreeMap<String, String> = toml::from_str(&secret(setting, path)?)
            .map_err(|_| wrong(format!("{} is not a list of \"API key\" = \"secret\"", path.display())))?;
        let mut secrets = BTreeMap::new();
        for (key, secret) in lines {
            let decoded = from_base64(secret.trim())
                .ok_or_else(|| wrong(format!("the secret of an API key in {} is not base64", path.display())))?;
            secrets.insert(key, decoded);
        }
        Ok(Self { secrets, authority, nonces: Mutex::default() })
    }

    pub fn into_secrets(self) -> Vec<(String, Vec<u8>)> {
        self.secrets.into_iter().collect()
    }

    /// Whether the request's API key is known and its signature holds; each signature opens one session.
    pub fn admit(&self, request: &Parts, now_s: u64) -> bool {
        let header = |name: &str| text_of(&request.headers, name);
        let Some(key) = header("x-api-key") else { return false };
        let mut found = None;
        for (known, secret) in &self.secrets {
            // All are compared, so that the time does not tell which one it was.
            if same(known.as_bytes(), key.as_bytes()) {
                found = Some(secret);
            }
        }
        let Some(secret) = found else { return false };
        if secret.is_empty() {
            return true;
        }
        let (Some(input), Some(signature)) = (header("signature-input"), header("signature")) else { return false };
        let Ok(signature) = Signature::read(&input, &signature) else { return false };
        if signature.keyid != key {
            return false;
        }
        let value = |component: &str| match component {
            "@request-target" => request.uri.path_and_query().map(|target| target.as_str().to_owned()),
            "@authority" => self.authority.clone().or_else(|| Some(bare_authority(&header("host")?))),
            name => header(name),
        };
        signature.check(secret, now_s, value).is_ok() && self.first_time(&key, &signature.nonce, now_s)
    }

    fn first_time(&self, key: &str, nonce: &str, now_s: u64) -> bool {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.retain(|_, until_s| *until_s >= now_s);
        let until_s = now_s + httpsig::MAX_AGE_S + 2 * httpsig::SKEW_S + 1;
        nonces.len() < NONCES_MAX && nonces.insert(format!("{key} {nonce}"), until_s).is_none()
    }
}

/// A header as text; several of one name are one list.
fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().ok()).collect::<Option<_>>()?;
    (!values.is_empty()).then(|| values.join(", ").trim().to_owned())
}

/// Host in small letters, without a port that goes without saying.
fn bare_authority(authority: &str) -> String {
    let authority = authority.trim().to_ascii_lowercase();
    match authority.strip_suffix(":443") {
        Some(host) => host.to_owned(),
        None => authority,
    }
}

pub(super) fn secret(setting: &str, path: &Path) -> io::Result<String> {
    let wrong = |problem: String| io::Error::new(io::ErrorKind::InvalidInput, format!("`{setting}`: {problem}"));
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| wrong(format!("cannot read {shown}: {error}")))?;
    let mode = fs::metadata(path).map_err(|error| wrong(format!("cannot read {shown}: {error}")))?.permissions();
    if mode.mode() & 0o077 != 0 {
        return Err(wrong(format!("{shown} can be read by others; run `chmod 600 {shown}`")));
    }
    let secret = text.trim();
    if secret.is_empty() {
        return Err(wrong(format!("{shown} is empty; put the secret into it")));
    }
    Ok(secret.to_owned())
}

/// A random UUID (version 4), for requests and calls that bring no id.
pub(crate) fn random_id() -> String {
    let mut bytes = [0_u8; 16];
    // Without random numbers no token could have been made either; ids would then only be less unlike.
    let _ = getrandom::fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    uuid(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_private_and_not_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let read = || secret("phones.twilio.auth_token_file", &path).map_err(|error| error.to_string());
        assert!(read().unwrap_err().contains("cannot read"));
        fs::write(&path, "12345\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read().unwrap_err().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read().unwrap(), "12345");
        fs::write(&path, "\n").unwrap();
        assert!(read().unwrap_err().contains("empty"));
    }

    #[test]
    fn ids_are_uuids_and_differ() {
        let (a, b) = (random_id(), random_id());
        assert!(a != b && a.len() == 36 && a.as_bytes()[14] == b'4', "{a} {b}");
    }

    fn request(signed_at_s: u64, nonce: &str, change: impl Fn(&str, String) -> String) -> Parts {
        let key = "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh";
        let value = |component: &str| {
            let value = match component {
                "@request-target" => "/v1/media/audiohook?x=1",
                "@authority" => "audiohook.example.com",
                "x-api-key" => key,
                other => other,
            };
            Some(value.to_owned())
        };
        let (input, signature) = httpsig::sign(b"secret", key, nonce, signed_at_s, signed_at_s + 10, value).unwrap();
        let mut request = axum::http::Request::builder().uri("/v1/media/audiohook?x=1");
        for name in ["audiohook-organization-id", "audiohook-session-id", "audiohook-correlation-id"] {
            request = request.header(name, change(name, name.to_owned()));
        }
        let request = request
            .header("host", change("host", "AudioHook.example.com:443".to_owned()))
            .header("x-api-key", change("x-api-key", key.to_owned()))
            .header("signature-input", input)
            .header("signature", change("signature", signature));
        request.body(()).unwrap().into_parts().0
    }

    fn audiohook(secret: &[u8]) -> AudioHookKeys {
        let secrets = BTreeMap::from([("SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh".to_owned(), secret.to_vec())]);
        AudioHookKeys { secrets, ..AudioHookKeys::default() }
    }

    #[test]
    fn a_signed_request_opens_one_session() {
        let keys = audiohook(b"secret");
        let nonce = "VGhpc0lzQVVuaXF1ZU5vbmNl";
        let same = |_: &str, value: String| value;
        assert!(keys.admit(&request(1_000, nonce, same), 1_001));
        assert!(!keys.admit(&request(1_000, nonce, same), 1_002), "a nonce is good for once");
        assert!(!keys.admit(&request(1_001, nonce, same), 1_002), "also signed anew");
        assert!(keys.admit(&request(1_001, "another nonce of 22 chars", same), 1_002));
        assert!(keys.admit(&request(2_000, nonce, same), 2_000), "what is stale is forgotten");
        assert!(!keys.admit(&request(3_000, nonce, same), 3_020));
    }

    #[test]
    fn changed_requests_and_unknown_keys_are_refused() {
        let nonce = "VGhpc0lzQVVuaXF1ZU5vbmNl";
        for changed in ["host", "x-api-key", "signature", "audiohook-session-id"] {
            let keys = audiohook(b"secret");
            let change = |name: &str, value: String| if name == changed { "other".to_owned() } else { value };
            assert!(!keys.admit(&request(1_000, nonce, change), 1_000), "{changed}");
        }
        assert!(!AudioHookKeys::default().admit(&request(1_000, nonce, |_, value| value), 1_000));
        assert!(!audiohook(b"other").admit(&request(1_000, nonce, |_, value| value), 1_000));
        let unsigned = |name: &str, value: String| if name == "signature" { "x".to_owned() } else { value };
        assert!(audiohook(b"").admit(&request(1_000, nonce, unsigned), 1_000), "an empty secret needs none");
    }

    #[test]
    fn the_authority_may_be_configured() {
        let nonce = "VGhpc0lzQVVuaXF1ZU5vbmNl";
        let behind = |name: &str, value: String| if name == "host" { "10.0.0.7:8080".to_owned() } else { value };
        let mut keys = audiohook(b"secret");
        assert!(!keys.admit(&request(1_000, nonce, behind), 1_000));
        keys.authority = Some("audiohook.example.com".to_owned());
        assert!(keys.admit(&request(1_000, nonce, behind), 1_000));
    }
}
