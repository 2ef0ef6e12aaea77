//! Vonage, jambonz and FreeSWITCH (mod_audio_fork, mod_audio_stream): one text frame that describes the call, then
//! binary frames of 16-bit linear samples, little-endian; the end is the closing of the socket.
//!
//! None of them says `stop`, so that an orderly close is one. What the description leaves open (which party is on
//! which channel, the rate) comes from the query of the address, then from the configuration.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::audio::Encoding;
use crate::call::event::EventKind;
use crate::terms::Channel;
use crate::wire::fields::{FieldMap, Told, flag, number, text};
use crate::wire::native::Opening;
use crate::wire::phone::{Action, Dialect, News, Refused, Start, Stream, Wants, close_with, cut};
use crate::wire::{BadMessage, Refusal, check_id};

/// Whose words these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    Vonage,
    Jambonz,
    FreeSwitch,
}

/// What the server knows of a request when the socket opens.
#[derive(Debug, Clone)]
pub struct Settings {
    pub flavour: Flavour,
    pub fields: FieldMap,
    /// Parameters of the address; what the description says counts more.
    pub query: Map<String, Value>,
    /// Party on a socket that carries one.
    pub mono: Channel,
    /// Parties of a stereo stream, in order.
    pub stereo: [Channel; 2],
    /// Hertz, where nothing says so.
    pub sample_rate: u32,
    /// Send what the call's log says back, for the dial plan (FreeSWITCH only).
    pub events: bool,
    /// Id for calls that name none.
    pub fallback_id: String,
}

/// One socket.
#[derive(Debug)]
pub struct Plain {
    settings: Settings,
    started: bool,
    stopped: bool,
}

impl Plain {
    pub fn new(settings: Settings) -> Self {
        Self { settings, started: false, stopped: false }
    }

    fn start(&mut self, values: Map<String, Value>, out: &mut Vec<Action>) -> Result<(), BadMessage> {
        let mut all = self.settings.query.clone();
        // jambonz nests what the application added, Vonage and FreeSWITCH do not.
        let nested = ["metadata", "customerData", "parentCallInfo", "headers"];
        for name in nested {
            if let Some(Value::Object(inner)) = values.get(name) {
                all.extend(inner.clone());
            }
        }
        let here = values.into_iter().filter(|(name, value)| !(nested.contains(&name.as_str()) && value.is_object()));
        all.extend(here);
        let sample_rate = self.rate(&mut all)?;
        let mix = take(&mut all, &["mixType", "mix_type", "mix"]);
        let Told { call, consent, language, channel, outbound, facts } = self.settings.fields.read(&all);
        let channels = match mix.as_deref() {
            Some("stereo") => self.settings.stereo.to_vec(),
            Some("mixed") => vec![Channel::Mixed],
            _ => vec![channel.unwrap_or(self.settings.mono)],
        };
        // On calls we made, the first leg is the other one.
        let channels: Vec<Channel> = match outbound && channel.is_none() {
            true => channels.into_iter().map(other).collect(),
            false => channels,
        };
        let ids = ["callSid", "call_sid", "callId", "call_id", "uuid", "conversation_uuid", "call_uuid"];
        let named = ids.iter().filter_map(|name| all.get(*name).and_then(text)).find(|id| check_id("call", id).is_ok());
        let call = call.or(named).unwrap_or_else(|| self.settings.fallback_id.clone());
        let streams = vec![Stream { encoding: Encoding::PcmS16le, sample_rate, channels: channels.clone() }];
        self.started = true;
        let opening = Opening { call, channels, language, consent, facts };
        out.push(Action::Start(Box::new(Start::new(opening, streams))));
        Ok(())
    }

    /// Samples a second, from `content-type` or a field of its own.
    fn rate(&self, all: &mut Map<String, Value>) -> Result<u32, BadMessage> {
        let mut rate = take(all, &["sampleRate", "sample_rate", "rate"]);
        if let Some(kind) = take(all, &["content-type"]) {
            let mut parts = kind.split(';').map(str::trim);
            if !parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("audio/l16")) {
                return Err(BadMessage(format!("content-type \"{kind}\" is not understood here; use audio/l16")));
            }
            rate = parts.find_map(|part| part.strip_prefix("rate=")).map(str::to_owned).or(rate);
        }
        let Some(rate) = rate else { return Ok(self.settings.sample_rate) };
        let hertz = match rate.strip_suffix(['k', 'K']) {
            Some(thousands) => number(&json!(thousands)).map(|thousands| thousands * 1e3),
            None => number(&json!(rate)),
        };
        match hertz {
            Some(hertz) if (1.0..1e6).contains(&hertz) => Ok(hertz as u32),
            _ => Err(BadMessage(format!("the sample rate \"{rate}\" is not a number"))),
        }
    }

    /// A text frame after the first.
    fn later(&mut self, message: &str, out: &mut Vec<Action>) {
        let Ok(Value::Object(values)) = serde_json::from_str(message) else { return };
        // Digits, notices and marks of the platforms say nothing of the call, and digits may be a PIN.
        let kind = values.get("event").or_else(|| values.get("type")).and_then(Value::as_str);
        match kind {
            Some("hold") => out.push(Action::Hold),
            Some("resume") => out.push(Action::Resume { skipped_ms: None }),
            Some("consent") => {
                if let Some(given) = values.get("given").and_then(flag) {
                    out.push(Action::Consent { given });
                }
            }
            Some("stop") => {
                self.stopped = true;
                out.push(Action::Stop);
            }
            Some("metadata") | None => {
                out.push(Action::Facts(Box::new(self.settings.fields.read(&values).facts)));
            }
            Some(_) => {}
        }
    }

    fn tells(&self) -> bool {
        self.settings.events && self.settings.flavour == Flavour::FreeSwitch
    }
}

impl Dialect for Plain {
    fn text(&mut self, _now_ms: u64, message: &str, out: &mut Vec<Action>) {
        if self.stopped {
            return;
        }
        if self.started {
            return self.later(message, out);
        }
        let values = match (serde_json::from_str(message), self.settings.flavour) {
            (Ok(Value::Object(values)), _) => Ok(values),
            // Its description is free text.
            (_, Flavour::FreeSwitch) => Ok(Map::from_iter([("text".to_owned(), json!(cut(message, 1_000)))])),
            (..) => Err(BadMessage("the first message must be a JSON object that describes the call".to_owned())),
        };
        if let Err(error) = values.and_then(|values| self.start(values, out)) {
            out.push(Action::Refuse(Refusal::BadMessage, error.0));
        }
    }

    fn binary(&mut self, _now_ms: u64, bytes: Bytes, out: &mut Vec<Action>) {
        if self.stopped {
            return;
        }
        if !self.started {
            // FreeSWITCH sends no description if the dial plan gives none.
            let begun = match self.settings.flavour {
                Flavour::FreeSwitch => self.start(Map::new(), out),
                _ => Err(BadMessage("audio before the message that describes the call".to_owned())),
            };
            if let Err(error) = begun {
                return out.push(Action::Refuse(Refusal::UnexpectedBinary, error.0));
            }
        }
        if !bytes.is_empty() {
            out.push(Action::Audio { stream: 0, bytes });
        }
    }

    fn stopped(&mut self, _utterances: u64, out: &mut Vec<Action>) {
        self.stopped = true;
        out.push(Action::Close { code: 1000, reason: String::new() });
    }

    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>) {
        self.stopped = true;
        if self.settings.flavour == Flavour::FreeSwitch {
            let data = json!({"code": refused.refusal.code(), "message": refused.message});
            out.push(Action::Send(json!({"type": "error", "data": data}).to_string()));
        }
        out.push(close_with(refused));
    }

    fn closed(&mut self, out: &mut Vec<Action>) {
        if self.started && !self.stopped {
            self.stopped = true;
            out.push(Action::Stop);
        }
    }

    fn wants(&self) -> Wants {
        if self.tells() { Wants::News } else { Wants::Nothing }
    }

    fn news(&mut self, _now_ms: u64, news: &News, out: &mut Vec<Action>) {
        let News::Events(events) = news else { return };
        for event in events {
            let told = matches!(
                event.kind,
                EventKind::Utterance { text: Some(_), .. }
                    | EventKind::Assessment { .. }
                    | EventKind::Alert { .. }
                    | EventKind::Suggestion { .. }
            );
            if told && self.tells() {
                out.push(Action::Send(json!({"type": "transcription", "data": event}).to_string()));
            }
        }
    }
}

/// Takes out the first of these fields that says something.
fn take(values: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    let found: Vec<Value> = names.iter().filter_map(|name| values.remove(*name)).collect();
    found.iter().find_map(text)
}

fn other(channel: Channel) -> Channel {
    match channel {
        Channel::Customer => Channel::Agent,
        Channel::Agent => Channel::Customer,
        Channel::Mixed => Channel::Mixed,
    }
}
