//! What each platform says of a call, in its own words.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::Protocol;
use super::hook::{ORGANIZATION, uuid_of};
use super::leg::Leg;
use crate::client::{ClientError, control_message};
use crate::fixture::ControlKind;
use crate::terms::Channel;

impl Leg<'_> {
    /// The address, with what the platform carries in it.
    pub(super) fn url(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match self.protocol {
            Protocol::Listen => {
                query.append_pair("model", "general").append_pair("encoding", "linear16");
                query.append_pair("sample_rate", &self.sample_rate.to_string());
                query.append_pair("channels", &self.channels.len().to_string());
                query.append_pair("multichannel", if self.channels.len() > 1 { "true" } else { "false" });
                query.append_pair("language", self.fixture.info.lang.as_str());
                query.append_pair("interim_results", "true").append_pair("punctuate", "true");
                for (name, value) in self.parameters() {
                    query.append_pair("extra", &format!("{name}:{}", plain(&value)));
                }
            }
            Protocol::Asterisk => {
                for (name, value) in self.parameters() {
                    query.append_pair(&name, &plain(&value));
                }
            }
            _ => return self.playing.url.clone(),
        }
        format!("{}?{}", self.playing.url, query.finish())
    }

    /// The facts of the call under our own names.
    pub(super) fn parameters(&self) -> serde_json::Map<String, Value> {
        let info = &self.fixture.info;
        let mut all = serde_json::Map::new();
        all.insert("call".to_owned(), json!(self.playing.call));
        all.insert("language".to_owned(), json!(info.lang));
        if self.fixture.consent {
            all.insert("consent".to_owned(), json!("true"));
        }
        if let [only] = self.channels.as_slice() {
            all.insert("channel".to_owned(), json!(only));
        }
        let facts = [
            ("agent", &info.agent),
            ("queue", &info.queue),
            ("team", &info.team),
            ("customer_name", &info.facts.customer_name),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                all.insert(name.to_owned(), json!(value));
            }
        }
        if let Some(wait_s) = info.facts.wait_s {
            all.insert("wait_s".to_owned(), json!(wait_s.to_string()));
        }
        all
    }

    pub(super) fn first_messages(&mut self) -> Vec<Message> {
        let text = |value: Value| Message::text(value.to_string());
        let mut all = self.parameters();
        match self.protocol {
            Protocol::Twilio => {
                let tracks: Vec<&str> = self.channels.iter().map(|channel| track(*channel)).collect();
                let texts = all.iter().map(|(name, value)| (name.clone(), json!(plain(value))));
                let parameters: serde_json::Map<_, _> = texts.collect();
                self.sequence = 1;
                vec![
                    text(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})),
                    text(json!({"event": "start", "sequenceNumber": "1", "streamSid": "MZ00", "start": {
                        "accountSid": "AC00", "streamSid": "MZ00", "callSid": self.playing.call, "tracks": tracks,
                        "customParameters": parameters,
                        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}})),
                ]
            }
            Protocol::Vonage => {
                all.insert("event".to_owned(), json!("websocket:connected"));
                all.insert("content-type".to_owned(), json!(format!("audio/l16;rate={}", self.sample_rate)));
                vec![text(Value::Object(all))]
            }
            Protocol::Jambonz => vec![text(json!({"callSid": self.playing.call, "direction": "inbound",
                "sampleRate": self.sample_rate, "mixType": self.mix(), "metadata": all}))],
            Protocol::FreeSwitch => {
                all.insert("mix".to_owned(), json!(self.mix()));
                all.insert("rate".to_owned(), json!(self.sample_rate));
                vec![text(Value::Object(all))]
            }
            Protocol::Asterisk => {
                let format = match self.sample_rate {
                    8_000 => "ulaw",
                    16_000 => "slin16",
                    _ => "slin48",
                };
                vec![text(json!({"event": "MEDIA_START", "connection_id": self.playing.call, "format": format,
                    "channel": "WebSocket/ruhepol", "channel_id": self.playing.call, "optimal_frame_size": 160,
                    "ptime": 20, "channel_variables": {}}))]
            }
            Protocol::AudioHook => {
                let media =
                    |channels: Value| json!({"type": "audio", "format": "PCMU", "channels": channels, "rate": 8000});
                let mut offers = vec![media(json!(["external"])), media(json!(["internal"]))];
                if self.channels == [Channel::Customer, Channel::Agent] {
                    offers.insert(0, media(json!(["external", "internal"])));
                }
                let parameters = json!({"organizationId": ORGANIZATION, "conversationId": uuid_of(&self.playing.call),
                    "participant": {"id": uuid_of("participant"), "ani": "", "aniName": "", "dnis": ""},
                    "media": offers, "language": format!("{}-{}", self.fixture.info.lang.as_str(), "DE"),
                    "customConfig": all});
                vec![self.audiohook_message("open", 0, parameters)]
            }
            Protocol::Native | Protocol::AudioSocket | Protocol::Listen => Vec::new(),
        }
    }

    pub(super) fn mix(&self) -> &'static str {
        if self.channels.len() == 2 { "stereo" } else { "mono" }
    }

    /// What the phone system says at a time of the call, where the platform has a word for it.
    pub(super) async fn control(&mut self, at_ms: u64, kind: &ControlKind) -> Result<(), ClientError> {
        match (self.protocol, kind) {
            (Protocol::AudioHook, ControlKind::Hold) => {
                self.held_from_ms = Some(at_ms);
                let message = self.audiohook_message("paused", at_ms, json!({}));
                self.say(message).await
            }
            (Protocol::AudioHook, ControlKind::Resume) => {
                let from_ms = self.held_from_ms.take().unwrap_or(at_ms);
                let parameters = json!({"start": duration(from_ms), "discarded": duration(at_ms - from_ms)});
                let message = self.audiohook_message("resumed", at_ms, parameters);
                self.say(message).await
            }
            (Protocol::FreeSwitch, kind) => {
                let mut message = control_message(kind);
                if let Some(event) = message.as_object_mut().and_then(|message| message.remove("type")) {
                    message["event"] = event;
                }
                self.say(Message::text(message.to_string())).await
            }
            _ => Ok(()),
        }
    }
}

/// AudioHook's form of a time.
pub(super) fn duration(ms: u64) -> String {
    format!("PT{}S", ms as f64 / 1e3)
}

pub(super) fn track(channel: Channel) -> &'static str {
    if channel == Channel::Agent { "outbound" } else { "inbound" }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
