//! Settings of the phone systems that connect with their own protocols.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, wrong};
use crate::terms::Channel;
use crate::wire::fields::FieldMap;

/// One table per platform, and what they share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Phones {
    /// Where each platform keeps what we call agent, queue, customer name and so on, by the last part of its path:
    /// `[phones.fields.twilio]`. Names not given are looked for under our own.
    pub fields: BTreeMap<String, FieldMap>,
    pub twilio: Twilio,
    pub audiohook: AudioHook,
    pub vonage: Vonage,
    pub jambonz: Jambonz,
    pub freeswitch: FreeSwitch,
    pub asterisk: Asterisk,
    pub audiosocket: AudioSocket,
}

impl Phones {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let AudioSocket { listen, allow, .. } = &self.audiosocket;
        if let Some(listen) = listen
            && !listen.ip().is_loopback()
            && allow.is_empty()
        {
            return wrong(
                "phones.audiosocket.listen",
                format!("{listen} can be reached from other machines, and AudioSocket knows no proof"),
                "listen on 127.0.0.1, or list who may connect in `phones.audiosocket.allow`",
            );
        }
        Ok(())
    }
}

/// `/v1/media/twilio`: Twilio, Talkdesk, Telnyx, Exotel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Twilio {
    /// File with the account's auth token (mode 600), to check `X-Twilio-Signature`. Default none: an access token of
    /// ours is needed.
    pub auth_token_file: Option<PathBuf>,
    /// The address as it stands in `<Stream url>`, such as `wss://calls.example.com/v1/media/twilio`: it is what was
    /// signed. Default none: `wss://`, the header `Host` and the path.
    pub public_url: Option<String>,
    /// Party on the track `inbound`: `customer` (default) or `agent`. A custom parameter `direction=outbound` turns it
    /// round for one call.
    pub inbound: Channel,
}

/// `/v1/media/audiohook`: Genesys Cloud.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioHook {
    /// File (TOML, mode 600) with one line `"API KEY" = "client secret in base64"` per connection; an empty secret
    /// admits the key without a signature. Default none: an access token of ours is needed.
    pub keys_file: Option<PathBuf>,
    /// Host (and port) under which Genesys reaches this server: it is part of what is signed. Default none: the
    /// header `Host`.
    pub public_authority: Option<String>,
    /// Send what the customer said back as events of the session. Default `false`.
    pub transcripts: bool,
    /// Send suggestions back as `agentassist` events (experimental at Genesys). Default `false`.
    pub suggestions: bool,
}

/// `/v1/media/vonage`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vonage {
    /// Party on the socket: `customer` (default), `agent` or `mixed`, unless the header `channel` of the NCCO says so.
    pub channel: Channel,
}

/// `/v1/media/jambonz`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jambonz {
    /// Party on a mono stream: `customer` (default) or `agent`.
    pub channel: Channel,
    /// Parties of a stereo stream, in order. Default customer, agent: the caller is on the left.
    pub stereo: [Channel; 2],
}

/// `/v1/media/freeswitch`: mod_audio_fork and mod_audio_stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FreeSwitch {
    /// Party on a mono stream: `customer` (default) or `agent`.
    pub channel: Channel,
    /// Parties of a stereo stream, in order. Default customer, agent; measure it once (docs/phones.md).
    pub stereo: [Channel; 2],
    /// Hertz where the description does not say. Default 8000.
    pub sample_rate: u32,
    /// Send utterances, assessments, alerts and suggestions back as JSON, for the dial plan. Default `false`.
    pub events: bool,
}

/// `/v1/media/asterisk`: chan_websocket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asterisk {
    /// Party on a socket whose address and variables do not say: `customer` (default) or `agent`.
    pub channel: Channel,
}

/// AudioSocket of Asterisk, over TCP beside the server's own port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioSocket {
    /// Address and port, such as `127.0.0.1:9092`. Default none: it is off.
    pub listen: Option<SocketAddr>,
    /// Addresses beside this machine's own that may connect. Default none: the protocol knows neither proof nor
    /// encryption, so list machines of a closed network only.
    pub allow: Vec<IpAddr>,
    /// Seconds for which an announced call is waited for. Default 120.
    pub announce_s: u64,
}

impl Default for AudioSocket {
    fn default() -> Self {
        Self { listen: None, allow: Vec::new(), announce_s: 120 }
    }
}

impl Default for Vonage {
    fn default() -> Self {
        Self { channel: Channel::Customer }
    }
}

impl Default for Jambonz {
    fn default() -> Self {
        Self { channel: Channel::Customer, stereo: [Channel::Customer, Channel::Agent] }
    }
}

impl Default for FreeSwitch {
    fn default() -> Self {
        let stereo = [Channel::Customer, Channel::Agent];
        Self { channel: Channel::Customer, stereo, sample_rate: 8_000, events: false }
    }
}

impl Default for Asterisk {
    fn default() -> Self {
        Self { channel: Channel::Customer }
    }
}

impl Default for Twilio {
    fn default() -> Self {
        Self { auth_token_file: None, public_url: None, inbound: Channel::Customer }
    }
}
