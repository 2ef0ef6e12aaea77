//! Signatures of platforms over their requests: how they are made, and whether one is right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

/// Base64 with padding, as all platforms write it.
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes of base64 text; `None` if it is none.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// `X-Twilio-Signature` of a WebSocket request: base64 of HMAC-SHA1 over the address, keyed with the account's auth
/// token (Twilio, "Security", validating requests; no body, so nothing is appended).
pub fn twilio(auth_token: &str, url: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()) else { return String::new() };
    mac.update(url.as_bytes());
    to_base64(&mac.finalize().into_bytes())
}

/// Whether `signature` is Twilio's over this address, written with or without the default port.
pub fn twilio_holds(auth_token: &str, url: &str, signature: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let bare = host.strip_suffix(":443").unwrap_or(host);
    let mut forms = vec![url.to_owned(), format!("{scheme}://{bare}{path}")];
    if !bare.contains(':') {
        forms.push(format!("{scheme}://{bare}:443{path}"));
    }
    // All are computed, so that the time does not tell which one held.
    let holds = |form: &String| same(twilio(auth_token, form).as_bytes(), signature.as_bytes());
    forms.iter().filter(|form| holds(form)).count() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "wss://calls.example.com/twilio/media";
    const SIGNATURE: &str = "ZJggUnC99MXtj98vjKZ+SvGZE+E=";

    #[test]
    fn twilios_worked_example() {
        assert_eq!(twilio("12345", URL), SIGNATURE);
        assert!(twilio_holds("12345", URL, SIGNATURE));
        assert!(twilio_holds("12345", "wss://calls.example.com:443/twilio/media", SIGNATURE));
    }

    #[test]
    fn other_addresses_tokens_and_signatures_are_refused() {
        for url in [
            "https://calls.example.com/twilio/media",
            "wss://calls.example.com/twilio/media/",
            "wss://calls.example.com:8443/twilio/media",
            "wss://evil.example.com/twilio/media",
            "calls.example.com",
            "",
        ] {
            assert!(!twilio_holds("12345", url, SIGNATURE), "{url}");
        }
        assert!(!twilio_holds("12346", URL, SIGNATURE));
        assert!(!twilio_holds("12345", URL, ""));
        assert!(!twilio_holds("", URL, SIGNATURE));
    }
}
