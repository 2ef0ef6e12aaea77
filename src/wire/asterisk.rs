//! Asterisk's `chan_websocket`: control as text frames (JSON, or plain text in older versions), raw audio as binary
//! frames, one party per socket. Nothing but one command is ever sent: a wrong frame would hang up the caller.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::audio::Encoding;
use crate::terms::Channel;
use crate::wire::fields::{FieldMap, Told, text};
use crate::wire::native::Opening;
use crate::wire::phone::{Action, Dialect, Refused, Start, Stream, close_with};
use crate::wire::{BadMessage, Refusal, check_id};

/// What the server knows of a request when the socket opens.
#[derive(Debug, Clone)]
pub struct Settings {
    pub fields: FieldMap,
    /// Parameters of the address (`v(name=value)` in the dial string); the channel's variables count more.
    pub query: Map<String, Value>,
    /// Party on a socket whose variables and address do not say.
    pub channel: Channel,
    /// Id for calls that name none.
    pub fallback_id: String,
}

/// One socket.
#[derive(Debug)]
pub struct Asterisk {
    settings: Settings,
    started: bool,
    stopped: bool,
}

impl Asterisk {
    pub fn new(settings: Settings) -> Self {
        Self { settings, started: false, stopped: false }
    }

    fn message(&mut self, message: &str, out: &mut Vec<Action>) -> Result<(), BadMessage> {
        let (event, values, json_spoken) = read(message)?;
        match event.as_str() {
            "MEDIA_START" if self.started => {
                return Err(BadMessage("a second MEDIA_START: one socket carries one channel".to_owned()));
            }
            "MEDIA_START" => {
                self.start(values, out)?;
                // We never talk: Asterisk need not wait for audio of ours.
                out.push(Action::Send(match json_spoken {
                    true => json!({"command": "SET_MEDIA_DIRECTION", "direction": "out"}).to_string(),
                    false => "SET_MEDIA_DIRECTION out".to_owned(),
                }));
            }
            _ if !self.started => return Err(BadMessage("the first message must be MEDIA_START".to_owned())),
            // Digits are not kept, and the rest is about audio that we never send.
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, values: Map<String, Value>, out: &mut Vec<Action>) -> Result<(), BadMessage> {
        let mut all = self.settings.query.clone();
        let mut values = values;
        if let Some(Value::Object(variables)) = values.remove("channel_variables") {
            all.extend(variables);
        }
        let format = values.get("format").and_then(text);
        let format = format.ok_or_else(|| BadMessage("MEDIA_START names no format".to_owned()))?;
        let (encoding, sample_rate) = codec(&format)?;
        let Told { call, consent, language, channel, facts, .. } = self.settings.fields.read(&all);
        let ids = ["connection_id", "channel_id"];
        let named =
            ids.iter().filter_map(|name| values.get(*name).and_then(text)).find(|id| check_id("id", id).is_ok());
        let call = call.or(named).unwrap_or_else(|| self.settings.fallback_id.clone());
        let channels = vec![channel.unwrap_or(self.settings.channel)];
        let streams = vec![Stream { encoding, sample_rate, channels: channels.clone() }];
        let opening = Opening { call, channels, language, consent, facts };
        self.started = true;
        out.push(Action::Start(Box::new(Start::new(opening, streams))));
        Ok(())
    }
}

impl Dialect for Asterisk {
    fn text(&mut self, _now_ms: u64, message: &str, out: &mut Vec<Action>) {
        if self.stopped {
            return;
        }
        if let Err(error) = self.message(message, out) {
            out.push(Action::Refuse(Refusal::BadMessage, error.0));
        }
    }

    fn binary(&mut self, _now_ms: u64, bytes: Bytes, out: &mut Vec<Action>) {
        if self.stopped {
            return;
        }
        if !self.started {
            out.push(Action::Refuse(Refusal::UnexpectedBinary, "audio before MEDIA_START".to_owned()));
        } else if !bytes.is_empty() {
            out.push(Action::Audio { stream: 0, bytes });
        }
    }

    fn stopped(&mut self, _utterances: u64, out: &mut Vec<Action>) {
        self.stopped = true;
        out.push(Action::Close { code: 1000, reason: String::new() });
    }

    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>) {
        self.stopped = true;
        out.push(close_with(refused));
    }

    fn closed(&mut self, out: &mut Vec<Action>) {
        if self.started && !self.stopped {
            self.stopped = true;
            out.push(Action::Stop);
        }
    }
}

/// Name, fields and whether it was JSON. Plain text is `MEDIA_START name:value name:value`.
fn read(message: &str) -> Result<(String, Map<String, Value>, bool), BadMessage> {
    if message.trim_start().starts_with('{') {
        let values: Map<String, Value> =
            serde_json::from_str(message).map_err(|error| BadMessage(format!("the message is not JSON: {error}")))?;
        let event = values.get("event").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Ok((event, values, true));
    }
    let mut words = message.split_whitespace();
    let event = words.next().ok_or_else(|| BadMessage("the message is empty".to_owned()))?.to_owned();
    let fields = words.filter_map(|word| word.split_once(':'));
    Ok((event, fields.map(|(name, value)| (name.to_owned(), json!(value))).collect(), false))
}

/// Asterisk's names of raw codecs.
fn codec(format: &str) -> Result<(Encoding, u32), BadMessage> {
    Ok(match format {
        "ulaw" => (Encoding::Mulaw, 8_000),
        "alaw" => (Encoding::Alaw, 8_000),
        "slin" | "slin8" => (Encoding::PcmS16le, 8_000),
        "slin12" => (Encoding::PcmS16le, 12_000),
        "slin16" => (Encoding::PcmS16le, 16_000),
        "slin24" => (Encoding::PcmS16le, 24_000),
        "slin32" => (Encoding::PcmS16le, 32_000),
        "slin44" => (Encoding::PcmS16le, 44_100),
        "slin48" => (Encoding::PcmS16le, 48_000),
        "slin96" => (Encoding::PcmS16le, 96_000),
        "slin192" => (Encoding::PcmS16le, 192_000),
        _ => {
            return Err(BadMessage(format!(
                "the format \"{format}\" is not understood here: dial with a raw codec, such as c(ulaw), c(alaw) or c(slin16)"
            )));
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asterisk() -> Asterisk {
        Asterisk::new(Settings {
            fields: FieldMap::default(),
            query: Map::from_iter([("call".to_owned(), json!("c1")), ("channel".to_owned(), json!("agent"))]),
            channel: Channel::Customer,
            fallback_id: "fallback".to_owned(),
        })
    }

    fn say(asterisk: &mut Asterisk, message: &str) -> Vec<Action> {
        let mut out = Vec::new();
        asterisk.text(0, message, &mut out);
        out
    }

    fn start(out: &[Action]) -> Start {
        match &out[0] {
            Action::Start(start) => Start::clone(start),
            other => panic!("no start: {other:?}"),
        }
    }

    #[test]
    fn a_session_in_json() {
        let mut asterisk = asterisk();
        let message = json!({"event": "MEDIA_START", "connection_id": "m1", "channel": "WebSocket/x", "channel_id": "1.2",
            "format": "alaw", "optimal_frame_size": 160, "ptime": 20,
            "channel_variables": {"channel": "customer", "agent": "a7", "consent": "true"}});
        let out = say(&mut asterisk, &message.to_string());
        let started = start(&out);
        assert_eq!((started.opening.call.as_str(), started.opening.consent), ("c1", Some(true)));
        assert_eq!(started.opening.channels, [Channel::Customer], "the channel's variables count more");
        assert_eq!((started.streams[0].encoding, started.streams[0].sample_rate), (Encoding::Alaw, 8_000));
        assert_eq!(out[1], Action::Send(r#"{"command":"SET_MEDIA_DIRECTION","direction":"out"}"#.to_owned()));
        for other in [r#"{"event":"DTMF_END","digit":"1"}"#, r#"{"event":"MEDIA_XOFF"}"#, r#"{"event":"NEW"}"#] {
            assert_eq!(say(&mut asterisk, other), []);
        }
        let mut out = Vec::new();
        asterisk.binary(0, vec![0xd5; 160].into(), &mut out);
        asterisk.closed(&mut out);
        assert_eq!(out, [Action::Audio { stream: 0, bytes: vec![0xd5; 160].into() }, Action::Stop]);
    }

    #[test]
    fn a_session_in_plain_text() {
        let mut asterisk = asterisk();
        asterisk.settings.query.clear();
        let message = "MEDIA_START connection_id:m1 channel:WebSocket/x format:slin16 optimal_frame_size:640 ptime:20";
        let out = say(&mut asterisk, message);
        assert_eq!(start(&out).opening.call, "m1");
        assert_eq!(start(&out).streams[0].sample_rate, 16_000);
        assert_eq!(out[1], Action::Send("SET_MEDIA_DIRECTION out".to_owned()));
        assert_eq!(say(&mut asterisk, "MEDIA_XON"), []);
    }

    #[test]
    fn what_is_wrong_is_refused_and_said() {
        let refused = |messages: &[&str], part: &str| {
            let mut asterisk = asterisk();
            let said: Vec<_> = messages.iter().map(|message| say(&mut asterisk, message)).collect();
            match said[said.len() - 1].as_slice() {
                [Action::Refuse(Refusal::BadMessage, message)] => assert!(message.contains(part), "{message}"),
                other => panic!("{part}: {other:?}"),
            }
        };
        refused(&["MEDIA_START format:opus"], "opus");
        refused(&["MEDIA_START"], "format");
        refused(&["STATUS"], "MEDIA_START");
        refused(&["{"], "JSON");
        refused(&[""], "empty");
        refused(&["MEDIA_START format:ulaw", "MEDIA_START format:ulaw"], "second");
        let mut out = Vec::new();
        asterisk().binary(0, vec![0].into(), &mut out);
        assert!(matches!(out.as_slice(), [Action::Refuse(Refusal::UnexpectedBinary, _)]));
    }

    proptest! {
        #[test]
        fn no_frame_panics(texts in prop::collection::vec(
            prop_oneof![".{0,40}", "MEDIA_START( [a-z_]{0,8}:[a-z0-9]{0,8}){0,4}", "[{]\"event\":\".{0,9}\"[}]"], 0..12)
        ) {
            let mut asterisk = asterisk();
            for text in texts {
                for action in say(&mut asterisk, &text) {
                    if let Action::Send(text) = action {
                        prop_assert!(text.contains("SET_MEDIA_DIRECTION"));
                    }
                }
                let mut out = Vec::new();
                asterisk.binary(0, text.into_bytes().into(), &mut out);
            }
        }
    }
}
