//! Twilio Media Streams and those who copied them: Talkdesk, Telnyx, Exotel.
//!
//! JSON text frames with audio in base64; tracks come in messages of their own. Real clients leave out what they
//! think is obvious, so a missing track is `inbound`, a missing format is 8 kHz µ-law, numbers may be text, and a
//! socket closed without `stop` has ended its call all the same. Nothing is ever sent: on a one-way stream the
//! platform would take it for an error (Twilio 31924, 31951), so that a refusal is a close frame.

mod order;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use self::order::Order;
use crate::audio::Encoding;
use crate::terms::Channel;
use crate::wire::fields::{FieldMap, number, text};
use crate::wire::native::Opening;
use crate::wire::phone::{Action, Dialect, Refused, Start, Stream, close_with};
use crate::wire::sign::from_base64;
use crate::wire::{BadMessage, Refusal, check_id, parse};

/// Audio later than its place by less than this (milliseconds) is jitter of the platform's stamps.
const JITTER_MS: u64 = 60;

/// A stamp ahead by more than this (milliseconds) is another clock, not a gap: an hour.
const GAP_MAX_MS: u64 = 3_600_000;

/// What the server is told about its Twilio.
#[derive(Debug, Clone)]
pub struct Settings {
    pub fields: FieldMap,
    /// Parameters of the address, where the platform has custom parameters there; those of `start` come before.
    pub query: Map<String, Value>,
    /// Party on the track `inbound`.
    pub inbound: Channel,
    /// Id for calls that name none.
    pub fallback_id: String,
}

/// One socket.
#[derive(Debug)]
pub struct Twilio {
    settings: Settings,
    tracks: Vec<Track>,
    /// Stamp of the first audio, on the platform's clock.
    origin_ms: Option<u64>,
    bytes_per_ms: u64,
    /// Frames of a track have numbers and may come out of order (Telnyx).
    unordered: bool,
    stopped: bool,
}

/// One party's audio.
#[derive(Debug)]
struct Track {
    name: TrackName,
    /// Bytes taken in, gaps included.
    position: u64,
    order: Order<Packet>,
}

/// Audio of one frame.
#[derive(Debug)]
struct Packet {
    /// On the platform's clock.
    stamp_ms: Option<u64>,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrackName {
    Inbound,
    Outbound,
}

impl Twilio {
    pub fn new(settings: Settings) -> Self {
        Self { settings, tracks: Vec::new(), origin_ms: None, bytes_per_ms: 8, unordered: false, stopped: false }
    }

    fn message(&mut self, message: &str, out: &mut Vec<Action>) -> Result<(), BadMessage> {
        let frame: Frame = parse(message)?;
        match frame.event.as_str() {
            "start" if self.tracks.is_empty() => self.start(frame, out)?,
            "start" => return Err(BadMessage("a second start: one socket carries one call".to_owned())),
            "media" if self.tracks.is_empty() => return Err(BadMessage("media before start".to_owned())),
            "media" => self.media(frame.media.unwrap_or_default(), out)?,
            "stop" if self.tracks.is_empty() => out.push(Action::Close { code: 1000, reason: String::new() }),
            "stop" => {
                self.stop(out);
            }
            // Digits are not kept: they may be a card number or a PIN.
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, frame: Frame, out: &mut Vec<Action>) -> Result<(), BadMessage> {
        let wire = frame.start.unwrap_or_default();
        let format = wire.media_format.unwrap_or_default();
        let encoding = format.encoding()?;
        let sample_rate = format.sample_rate.as_ref().and_then(number).unwrap_or(8_000.0) as u32;
        if format.channels.as_ref().and_then(number).unwrap_or(1.0) != 1.0 {
            return Err(BadMessage(
                "field `start.mediaFormat.channels`: tracks come apart, with one channel".to_owned(),
            ));
        }
        let mut parameters = self.settings.query.clone();
        parameters.extend(named(wire.custom_parameters.unwrap_or_default()));
        let told = self.settings.fields.read(&parameters);
        let mut names: Vec<TrackName> = Vec::new();
        for name in wire.tracks.iter().flatten().filter_map(|name| TrackName::of(name)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            // Who does not say so may send both.
            names = vec![TrackName::Inbound, TrackName::Outbound];
            if told.channel.is_some() {
                names.truncate(1);
            }
        }
        let inbound = match told.outbound {
            false => self.settings.inbound,
            true => other(self.settings.inbound),
        };
        let mut channels: Vec<Channel> = names
            .iter()
            .map(|name| match name {
                TrackName::Inbound => inbound,
                TrackName::Outbound => other(inbound),
            })
            .collect();
        if let (Some(channel), [only]) = (told.channel, channels.as_mut_slice()) {
            *only = channel;
        }
        self.unordered = wire.call_control_id.is_some() || frame.stream_id.is_some();
        let ids = [wire.call_sid, wire.call_control_id, wire.stream_sid, frame.stream_sid, frame.stream_id];
        let named = ids.into_iter().flatten().find(|id| check_id("callSid", id).is_ok());
        let call = told.call.or(named).unwrap_or_else(|| self.settings.fallback_id.clone());
        self.bytes_per_ms = u64::from(sample_rate / 1_000).max(1) * encoding.bytes_per_sample() as u64;
        self.tracks = names.into_iter().map(|name| Track { name, position: 0, order: Order::default() }).collect();
        let streams = channels.iter().map(|channel| Stream { encoding, sample_rate, channels: vec![*channel] });
        let streams = streams.collect();
        let opening = Opening { call, channels, language: told.language, consent: told.consent, facts: told.facts };
        out.push(Action::Start(Box::new(Start::new(opening, streams))));
        Ok(())
    }

    fn media(&mut self, media: Media, out: &mut Vec<Action>) -> Result<(), BadMessage> {
        let name = media.track.as_deref().map_or(Some(TrackName::Inbound), TrackName::of);
        let place = self.tracks.iter().position(|track| Some(track.name) == name);
        // A single track is meant whatever it is called.
        let place = place.or((self.tracks.len() == 1 && media.track.is_none()).then_some(0));
        let Some(place) = place else { return Ok(()) };
        let payload = media.payload.unwrap_or_default();
        let Some(bytes) = from_base64(&payload) else {
            return Err(BadMessage("field `media.payload` is not base64".to_owned()));
        };
        let whole = |value: &Option<Value>| value.as_ref().and_then(number).filter(|number| *number >= 0.0);
        let stamp_ms = whole(&media.timestamp).map(|stamp_ms| stamp_ms as u64);
        let chunk = whole(&media.chunk).filter(|_| self.unordered).map(|chunk| chunk as u64);
        let mut packets = Vec::new();
        self.tracks[place].order.push(chunk, Packet { stamp_ms, bytes }, &mut packets);
        packets.into_iter().for_each(|packet| self.take(place, packet, out));
        Ok(())
    }

    /// Takes in audio whose turn it is.
    fn take(&mut self, place: usize, Packet { stamp_ms, bytes }: Packet, out: &mut Vec<Action>) {
        let track = &mut self.tracks[place];
        if let Some(stamp_ms) = stamp_ms {
            let position_ms = track.position / self.bytes_per_ms;
            let origin_ms = *self.origin_ms.get_or_insert(stamp_ms);
            let late_ms = stamp_ms.saturating_sub(origin_ms).saturating_sub(position_ms);
            if late_ms > GAP_MAX_MS {
                self.origin_ms = Some(stamp_ms.saturating_sub(position_ms));
            } else if late_ms > JITTER_MS {
                out.push(Action::Skip { stream: place, duration_ms: late_ms });
                track.position += late_ms * self.bytes_per_ms;
            }
        }
        track.position += bytes.len() as u64;
        if !bytes.is_empty() {
            out.push(Action::Audio { stream: place, bytes: bytes.into() });
        }
    }

    fn stop(&mut self, out: &mut Vec<Action>) {
        self.stopped = true;
        for place in 0..self.tracks.len() {
            let mut packets = Vec::new();
            self.tracks[place].order.finish(&mut packets);
            packets.into_iter().for_each(|packet| self.take(place, packet, out));
        }
        out.push(Action::Stop);
    }
}

impl Dialect for Twilio {
    fn text(&mut self, _now_ms: u64, text: &str, out: &mut Vec<Action>) {
        if self.stopped {
            return;
        }
        if let Err(error) = self.message(text, out) {
            out.push(Action::Refuse(Refusal::BadMessage, error.0));
        }
    }

    fn binary(&mut self, _now_ms: u64, _bytes: Bytes, out: &mut Vec<Action>) {
        if !self.stopped {
            let message = "this path takes JSON messages with base64 audio".to_owned();
            out.push(Action::Refuse(Refusal::UnexpectedBinary, message));
        }
    }

    fn stopped(&mut self, _utterances: u64, out: &mut Vec<Action>) {
        out.push(Action::Close { code: 1000, reason: String::new() });
    }

    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>) {
        self.stopped = true;
        out.push(close_with(refused));
    }

    fn closed(&mut self, out: &mut Vec<Action>) {
        if !self.stopped && !self.tracks.is_empty() {
            self.stop(out);
        }
    }
}

impl TrackName {
    fn of(name: &str) -> Option<Self> {
        match name {
            "inbound" | "inbound_track" => Some(Self::Inbound),
            "outbound" | "outbound_track" => Some(Self::Outbound),
            _ => None,
        }
    }
}

/// Custom parameters: an object, or a list of objects with `name` and `value` as they are configured at Telnyx.
fn named(parameters: Value) -> Map<String, Value> {
    match parameters {
        Value::Object(parameters) => parameters,
        Value::Array(list) => list
            .into_iter()
            .filter_map(|mut one| Some((one.get("name").and_then(text)?, one.get_mut("value")?.take())))
            .collect(),
        _ => Map::new(),
    }
}

fn other(channel: Channel) -> Channel {
    match channel {
        Channel::Customer => Channel::Agent,
        Channel::Agent => Channel::Customer,
        Channel::Mixed => Channel::Mixed,
    }
}

#[derive(Deserialize)]
struct Frame {
    event: String,
    #[serde(default, alias = "stream_sid", rename = "streamSid")]
    stream_sid: Option<String>,
    #[serde(default)]
    stream_id: Option<String>,
    #[serde(default)]
    start: Option<StartWire>,
    #[serde(default)]
    media: Option<Media>,
}

#[derive(Default, Deserialize)]
struct StartWire {
    #[serde(default, rename = "callSid", alias = "call_sid", alias = "callId")]
    call_sid: Option<String>,
    #[serde(default)]
    call_control_id: Option<String>,
    #[serde(default, rename = "streamSid", alias = "stream_sid", alias = "stream_id")]
    stream_sid: Option<String>,
    #[serde(default)]
    tracks: Option<Vec<String>>,
    #[serde(default, rename = "customParameters", alias = "custom_parameters")]
    custom_parameters: Option<Value>,
    #[serde(default, rename = "mediaFormat", alias = "media_format")]
    media_format: Option<Format>,
}

#[derive(Default, Deserialize)]
struct Format {
    #[serde(default)]
    encoding: Option<Value>,
    #[serde(default, rename = "sampleRate", alias = "sample_rate")]
    sample_rate: Option<Value>,
    #[serde(default)]
    channels: Option<Value>,
}

impl Format {
    /// The names the platforms use: Twilio and Talkdesk `audio/x-mulaw`, Telnyx those of RTP, Exotel `audio/x-raw`,
    /// `base64` or `raw/slin` for 16-bit linear.
    fn encoding(&self) -> Result<Encoding, BadMessage> {
        let Some(name) = self.encoding.as_ref().and_then(text) else { return Ok(Encoding::Mulaw) };
        let lower = name.to_ascii_lowercase();
        // As a content type it may say the rate, too: "audio/x-mulaw;rate=8000".
        let bare = lower.split(';').next().unwrap_or(&lower).trim();
        Ok(match bare.strip_prefix("audio/").unwrap_or(bare) {
            "x-mulaw" | "x-ulaw" | "mulaw" | "ulaw" | "pcmu" | "basic" => Encoding::Mulaw,
            "x-alaw" | "alaw" | "pcma" => Encoding::Alaw,
            "x-l16" | "l16" | "linear16" | "raw/slin" | "slin" | "slin16" | "pcm" | "pcm_s16le" | "base64"
            | "x-raw" | "raw" => Encoding::PcmS16le,
            _ => {
                return Err(BadMessage(format!(
                    "field `start.mediaFormat.encoding`: \"{name}\" is not understood here; use PCMU, PCMA or L16"
                )));
            }
        })
    }
}

#[derive(Default, Deserialize)]
struct Media {
    #[serde(default)]
    track: Option<String>,
    #[serde(default)]
    chunk: Option<Value>,
    #[serde(default)]
    timestamp: Option<Value>,
    #[serde(default)]
    payload: Option<String>,
}
