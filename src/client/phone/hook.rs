//! AudioHook's client: numbers in both directions, pings, and the signature of the request.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::Proof;
use super::leg::Leg;
use super::words::duration;
use crate::client::{Answers, ClientError};
use crate::wall_clock::unix_s;
use crate::wire::hex::uuid;
use crate::wire::httpsig;
use crate::wire::sign::{from_base64, to_base64};

/// AudioHook's client pings every five seconds and gives up if the pong before is missing.
const PONG_PATIENCE: Duration = Duration::from_secs(5);

/// The organization our AudioHook client says it is.
pub(super) const ORGANIZATION: &str = "d7934305-0972-4844-938e-9060eef73d05";

/// AudioHook's side of the numbers.
#[derive(Default)]
pub(super) struct AudioHook {
    pub session: String,
    pub seq: u64,
    pub server_seq: u64,
    /// When the ping that is unanswered was sent.
    pub pinged: Option<Instant>,
    pub next_ping_ms: u64,
    pub pings: u64,
    pub answers: Answers,
}

impl Leg<'_> {
    pub(super) async fn ping(&mut self, at_ms: u64) -> Result<(), ClientError> {
        if let Some(pinged) = self.audiohook.pinged {
            if pinged.elapsed() < PONG_PATIENCE {
                // Only a recording sent faster than real time is here so soon.
                return Ok(());
            }
            return Err(self.rejected("no_pong", "no pong came before the next ping"));
        }
        self.audiohook.pinged = Some(Instant::now());
        self.audiohook.pings += 1;
        self.audiohook.next_ping_ms = at_ms + 5_000;
        let parameters = if self.audiohook.pings > 1 { json!({"rtt": "PT0.05S"}) } else { json!({}) };
        let message = self.audiohook_message("ping", at_ms, parameters);
        self.say(message).await
    }

    pub(super) async fn hear_audiohook(&mut self, message: &Value) -> Result<(), ClientError> {
        self.audiohook.server_seq += 1;
        if message["seq"] != self.audiohook.server_seq || message["version"] != "2" {
            return Err(self.rejected("seq", &format!("the server's message breaks the numbers: {message}")));
        }
        match message["type"].as_str() {
            Some("pong") => {
                match self.audiohook.pinged.take() {
                    Some(pinged) => self.audiohook.answers.pongs.push(pinged.elapsed()),
                    None => return Err(self.rejected("pong", "an unsolicited pong")),
                }
                if self.audiohook.pings == 1 {
                    // The platform measures the round trip once more at once.
                    self.audiohook.next_ping_ms = 0;
                }
                Ok(())
            }
            Some("disconnect") => {
                let parameters = &message["parameters"];
                let told = format!("{}: {}", parameters["reason"], parameters["info"]);
                Err(self.rejected("disconnect", &told))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn audiohook_message(&mut self, kind: &str, at_ms: u64, parameters: Value) -> Message {
        self.audiohook.seq += 1;
        let message = json!({"version": "2", "id": self.audiohook.session, "type": kind, "seq": self.audiohook.seq,
            "serverseq": self.audiohook.server_seq, "position": duration(at_ms),
            "parameters": parameters});
        Message::text(message.to_string())
    }

    pub(super) fn audiohook_headers(
        &mut self,
        url: &str,
        proof: &Proof,
        number: usize,
    ) -> Result<Vec<(&'static str, String)>, ClientError> {
        self.audiohook.session = uuid_of(&format!("{} session {number}", self.playing.call));
        let mut headers = vec![
            ("audiohook-organization-id", ORGANIZATION.to_owned()),
            ("audiohook-session-id", self.audiohook.session.clone()),
            ("audiohook-correlation-id", uuid_of("correlation")),
        ];
        let Some(key) = &proof.api_key else { return Ok(headers) };
        headers.push(("x-api-key", key.clone()));
        if let Some(secret) = &proof.secret {
            let wrong = || ClientError::Recording("the client secret is not base64; copy it anew".to_owned());
            let secret = from_base64(secret.trim()).ok_or_else(wrong)?;
            let (_, rest) = url.split_once("://").unwrap_or(("", url));
            let (authority, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let value = |name: &str| match name {
                "@request-target" => Some(target.to_owned()),
                "@authority" => Some(authority.to_ascii_lowercase()),
                name => headers.iter().find(|(held, _)| *held == name).map(|(_, value)| value.clone()),
            };
            let mut nonce = [0; 16];
            // A nonce that is not random is refused the second time, which says what is wrong.
            let _ = getrandom::fill(&mut nonce);
            let now_s = unix_s();
            if let Some((input, signature)) = httpsig::sign(&secret, key, &to_base64(&nonce), now_s, now_s + 10, value)
            {
                headers.push(("signature-input", input));
                headers.push(("signature", signature));
            }
        }
        Ok(headers)
    }
}

/// A UUID that belongs to a name: the same call gets the same conversation.
pub(super) fn uuid_of(name: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(name.as_bytes())[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x0f | 0x80;
    uuid(&bytes)
}
