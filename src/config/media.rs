//! Streams of phone systems, and whose consent they need.

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, in_use, wrong};

/// Streams of phone systems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// Seconds a call waits for its connection to come back. Default 30.
    pub grace_s: u64,
    /// Seconds of silence on a socket until it is pinged. Default 20: below the 30 to 60 s after which proxies and
    /// address translators forget a connection.
    pub ping_s: u64,
    /// Seconds without any frame, pongs included, until the peer is given up. Default 60: three pings.
    pub silent_s: u64,
    /// Seconds without audio or a message, on a connection that answers pings. Default 7200: longer than any
    /// hold, shorter than a forgotten connection.
    pub idle_s: u64,
    /// Seconds a peer may take to accept one message of ours. Default 10.
    pub write_s: u64,
    /// Accept a channel `mixed` with both parties on it. Default `false`: what is said cannot be told apart, so
    /// only threats and danger alert.
    pub allow_mixed: bool,
}

impl Default for Media {
    fn default() -> Self {
        Self { grace_s: 30, ping_s: 20, silent_s: 60, idle_s: 7_200, write_s: 10, allow_mixed: false }
    }
}

impl Media {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        in_use(&[("media.ping_s", self.ping_s), ("media.idle_s", self.idle_s), ("media.write_s", self.write_s)])?;
        if self.silent_s <= self.ping_s {
            return wrong(
                "media.silent_s",
                format!("{} s is not longer than `media.ping_s` ({} s)", self.silent_s, self.ping_s),
                "leave time for an answer to the ping",
            );
        }
        Ok(())
    }
}

/// Whether a path needs the customer's consent in the stream itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// The stream must say so, or the call is refused.
    #[default]
    Required,
    /// Somebody before us took care of it.
    Elsewhere,
}

/// Consent per ingest path. Default `required` everywhere: transcribing without it is a crime in some countries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentPaths {
    /// `/v1/media`.
    pub media: Consent,
    /// `/v1/transcripts`.
    pub transcripts: Consent,
    /// `/v1/listen`.
    pub listen: Consent,
    /// `/v1/media/twilio`.
    pub twilio: Consent,
    /// `/v1/media/audiohook`.
    pub audiohook: Consent,
    /// `/v1/media/vonage`.
    pub vonage: Consent,
    /// `/v1/media/jambonz`.
    pub jambonz: Consent,
    /// `/v1/media/freeswitch`.
    pub freeswitch: Consent,
    /// `/v1/media/asterisk`.
    pub asterisk: Consent,
    /// AudioSocket.
    pub audiosocket: Consent,
}

impl ConsentPaths {
    /// All paths alike.
    pub fn all(consent: Consent) -> Self {
        Self {
            media: consent,
            transcripts: consent,
            listen: consent,
            twilio: consent,
            audiohook: consent,
            vonage: consent,
            jambonz: consent,
            freeswitch: consent,
            asterisk: consent,
            audiosocket: consent,
        }
    }
}
