//! Twilio Media Streams and those who copied them: Talkdesk, Telnyx, Exotel.
//!
//! JSON text frames with audio in base64; tracks come in messages of their own. Real clients leave out what they
//! think is obvious, so a missing track is `inbound`, a missing format is 8 kHz µ-law, numbers may be text, and a
//! socket closed without `stop` has ended its call all the same. Nothing is ever sent: on a one-way stream the
//! platform would take it for an error (Twilio 31924, 31951), so that a refusal is a close frame.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::audio::Encoding;
use crate::terms::Channel;
use crate::wire::fields::{FieldMap, number, text};
use crate::wire::native::Opening;
use crate::wire::phone::{Action, Dialect, Refused, Start, Started, Stream, close_with};
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
    stopped: bool,
}

/// One party's audio.
#[derive(Debug)]
struct Track {
    name: TrackName,
    /// Bytes taken in, gaps included.
    position: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrackName {
    Inbound,
    Outbound,
}

impl Twilio {
    pub fn new(settings: Settings) -> Self {
        Self { settings, tracks: Vec::new(), origin_ms: None, bytes_per_ms: 8, stopped: false }
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
                self.stopped = true;
                out.push(Action::Stop);
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
        let told = self.settings.fields.read(&wire.custom_parameters.unwrap_or_default());
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
        let ids = [wire.call_sid, wire.stream_sid, frame.stream_sid];
        let named = ids.into_iter().flatten().find(|id| check_id("callSid", id).is_ok());
        let call = told.call.or(named).unwrap_or_else(|| self.settings.fallback_id.clone());
        self.bytes_per_ms = u64::from(sample_rate / 1_000).max(1) * encoding.bytes_per_sample() as u64;
        self.tracks = names.into_iter().map(|name| Track { name, position: 0 }).collect();
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
        let track = &mut self.tracks[place];
        if let Some(stamp_ms) = media.timestamp.as_ref().and_then(number).filter(|stamp| *stamp >= 0.0) {
            let stamp_ms = stamp_ms as u64;
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
        Ok(())
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

    fn started(&mut self, _now_ms: u64, _started: &Started, _out: &mut Vec<Action>) {}

    fn stopped(&mut self, _utterances: u64, out: &mut Vec<Action>) {
        out.push(Action::Close { code: 1000, reason: String::new() });
    }

    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>) {
        self.stopped = true;
        out.push(close_with(refused));
    }

    fn closed(&mut self, out: &mut Vec<Action>) {
        if !self.stopped && !self.tracks.is_empty() {
            self.stopped = true;
            out.push(Action::Stop);
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
    #[serde(default, alias = "stream_sid", alias = "stream_id", rename = "streamSid")]
    stream_sid: Option<String>,
    #[serde(default)]
    start: Option<StartWire>,
    #[serde(default)]
    media: Option<Media>,
}

#[derive(Default, Deserialize)]
struct StartWire {
    #[serde(default, rename = "callSid", alias = "call_sid", alias = "call_control_id", alias = "callId")]
    call_sid: Option<String>,
    #[serde(default, rename = "streamSid", alias = "stream_sid", alias = "stream_id")]
    stream_sid: Option<String>,
    #[serde(default)]
    tracks: Option<Vec<String>>,
    #[serde(default, rename = "customParameters", alias = "custom_parameters")]
    custom_parameters: Option<Map<String, Value>>,
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
    /// The names the platforms use: Twilio and Talkdesk `audio/x-mulaw`, Telnyx those of RTP, Exotel `base64` or
    /// `raw/slin` for 16-bit linear.
    fn encoding(&self) -> Result<Encoding, BadMessage> {
        let Some(name) = self.encoding.as_ref().and_then(text) else { return Ok(Encoding::Mulaw) };
        let lower = name.to_ascii_lowercase();
        Ok(match lower.strip_prefix("audio/").unwrap_or(&lower) {
            "x-mulaw" | "x-ulaw" | "mulaw" | "ulaw" | "pcmu" | "basic" => Encoding::Mulaw,
            "x-alaw" | "alaw" | "pcma" => Encoding::Alaw,
            "x-l16" | "l16" | "linear16" | "raw/slin" | "slin" | "slin16" | "pcm" | "pcm_s16le" | "base64" => {
                Encoding::PcmS16le
            }
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
    timestamp: Option<Value>,
    #[serde(default)]
    payload: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::terms::Lang;
    use crate::wire::sign::to_base64;

    fn twilio() -> Twilio {
        let fields = FieldMap::default();
        Twilio::new(Settings { fields, inbound: Channel::Customer, fallback_id: "fallback".to_owned() })
    }

    fn say(twilio: &mut Twilio, message: &Value) -> Vec<Action> {
        let mut out = Vec::new();
        twilio.text(0, &message.to_string(), &mut out);
        out
    }

    fn start(twilio: &mut Twilio, message: &Value) -> Start {
        match say(twilio, message).as_slice() {
            [Action::Start(start)] => Start::clone(start),
            other => panic!("no start: {other:?}"),
        }
    }

    fn media(track: &str, timestamp: Value, bytes: &[u8]) -> Value {
        json!({"event": "media", "sequenceNumber": "3", "streamSid": "MZ1",
            "media": {"track": track, "chunk": "1", "timestamp": timestamp, "payload": to_base64(bytes)}})
    }

    fn twilio_start() -> Value {
        json!({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": {"accountSid": "AC1",
            "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound", "outbound"],
            "customParameters": {"consent": "true", "agent": "a7", "customer_name": "Frau Keller", "order": "7"},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}})
    }

    #[test]
    fn a_session_as_twilio_sends_it() {
        let mut twilio = twilio();
        assert_eq!(say(&mut twilio, &json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})), []);
        let start = start(&mut twilio, &twilio_start());
        assert_eq!(start.opening.call, "CA1");
        assert_eq!(start.opening.consent, Some(true));
        assert_eq!(start.opening.channels, [Channel::Customer, Channel::Agent]);
        assert_eq!(start.opening.facts.customer_name.as_deref(), Some("Frau Keller"));
        assert_eq!(start.opening.facts.metadata["order"], "7");
        let stream = |channel| Stream { encoding: Encoding::Mulaw, sample_rate: 8_000, channels: vec![channel] };
        assert_eq!(start.streams, [stream(Channel::Customer), stream(Channel::Agent)]);
        let audio = |stream: usize| Action::Audio { stream, bytes: Bytes::from_static(&[0xff; 160]) };
        assert_eq!(say(&mut twilio, &media("inbound", json!("5"), &[0xff; 160])), [audio(0)]);
        assert_eq!(say(&mut twilio, &media("outbound", json!("5"), &[0xff; 160])), [audio(1)]);
        assert_eq!(say(&mut twilio, &media("inbound", json!("25"), &[0xff; 160])), [audio(0)]);
        let gap = Action::Skip { stream: 0, duration_ms: 960 };
        assert_eq!(say(&mut twilio, &media("inbound", json!("1005"), &[0xff; 160])), [gap, audio(0)]);
        assert_eq!(say(&mut twilio, &json!({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "1"}})), []);
        assert_eq!(say(&mut twilio, &json!({"event": "stop", "stop": {"callSid": "CA1"}})), [Action::Stop]);
        assert_eq!(say(&mut twilio, &media("inbound", json!("1025"), &[0xff; 160])), []);
        let mut out = Vec::new();
        twilio.stopped(3, &mut out);
        assert_eq!(out, [Action::Close { code: 1000, reason: String::new() }]);
    }

    #[test]
    fn a_client_that_leaves_everything_out() {
        let mut twilio = twilio();
        let start = start(&mut twilio, &json!({"event": "start", "start": {"callSid": "CA9", "streamSid": "MZ9"}}));
        assert_eq!((start.opening.call.as_str(), start.opening.consent), ("CA9", None));
        assert_eq!(start.streams[0].encoding, Encoding::Mulaw);
        let frame = json!({"event": "media", "media": {"payload": to_base64(&[1; 320])}});
        assert_eq!(say(&mut twilio, &frame), [Action::Audio { stream: 0, bytes: Bytes::from_static(&[1; 320]) }]);
        let mut out = Vec::new();
        twilio.closed(&mut out);
        assert_eq!(out, [Action::Stop], "a close without stop ends the call");
    }

    #[test]
    fn telnyx_and_exotel() {
        let mut telnyx = twilio();
        let started = start(
            &mut telnyx,
            &json!({"event": "start", "sequence_number": "1", "stream_id": "32de", "start": {"call_control_id": "v3:c",
                "media_format": {"encoding": "PCMA", "sample_rate": 8000, "channels": 1},
                "custom_parameters": {"language": "en"}}}),
        );
        assert_eq!((started.opening.call.as_str(), started.opening.language), ("v3:c", Some(Lang::En)));
        assert_eq!(started.streams[1].encoding, Encoding::Alaw);
        let mut exotel = twilio();
        let started = start(
            &mut exotel,
            &json!({"event": "start", "sequence_number": 1, "stream_sid": "s1", "start": {"stream_sid": "s1",
                "call_sid": "x1", "media_format": {"encoding": "base64", "sample_rate": "8000", "bit_rate": "128kbps"}}}),
        );
        assert_eq!((started.opening.call.as_str(), started.streams[0].encoding), ("x1", Encoding::PcmS16le));
        let frame = json!({"event": "media", "sequence_number": 3, "stream_sid": "s1",
            "media": {"chunk": 2, "timestamp": 10, "payload": to_base64(&[0; 3200])}});
        assert!(matches!(say(&mut exotel, &frame).as_slice(), [Action::Audio { stream: 0, .. }]));
    }

    #[test]
    fn roles_follow_direction_and_parameters() {
        let with = |parameters: Value, tracks: Value| {
            let mut message = twilio_start();
            message["start"]["customParameters"] = parameters;
            message["start"]["tracks"] = tracks;
            start(&mut twilio(), &message).opening.channels
        };
        use Channel::{Agent, Customer};
        assert_eq!(with(json!({"direction": "outbound"}), json!(["inbound", "outbound"])), [Agent, Customer]);
        assert_eq!(with(json!({"direction": "inbound"}), json!(["inbound"])), [Customer]);
        assert_eq!(with(json!({"channel": "agent"}), json!(["inbound"])), [Agent], "one leg of two");
        assert_eq!(with(json!({"channel": "agent"}), json!([])), [Agent]);
        assert_eq!(with(json!({}), json!(["outbound", "outbound"])), [Agent]);
    }

    #[test]
    fn what_is_wrong_is_refused_and_said() {
        let refused = |messages: &[Value]| {
            let mut twilio = twilio();
            let said: Vec<_> = messages.iter().map(|message| say(&mut twilio, message)).collect();
            match said[said.len() - 1].as_slice() {
                [Action::Refuse(refusal, message)] => (*refusal, message.clone()),
                other => panic!("{other:?}"),
            }
        };
        let bad = |messages: &[Value], part: &str| {
            let (refusal, message) = refused(messages);
            assert_eq!(refusal, Refusal::BadMessage);
            assert!(message.contains(part), "{message}");
        };
        bad(&[json!({"x": 1})], "event");
        bad(&[json!([1])], "");
        bad(&[media("inbound", json!("5"), &[0])], "before start");
        bad(&[twilio_start(), twilio_start()], "second start");
        bad(&[twilio_start(), json!({"event": "media", "media": {"payload": "***"}})], "base64");
        bad(&[twilio_start(), json!({"event": "media", "media": {"payload": 7}})], "payload");
        let mut opus = twilio_start();
        opus["start"]["mediaFormat"]["encoding"] = json!("OPUS");
        bad(&[opus], "OPUS");
        let mut out = Vec::new();
        twilio().binary(0, Bytes::from_static(b"x"), &mut out);
        assert!(matches!(out.as_slice(), [Action::Refuse(Refusal::UnexpectedBinary, _)]));
        let told = Refused { refusal: Refusal::Busy, message: "x".repeat(300), retry_after_s: Some(5) };
        let mut out = Vec::new();
        twilio().refused(&told, &mut out);
        assert!(matches!(out.as_slice(), [Action::Close { code: 1013, reason }] if reason.len() <= 123));
    }

    #[test]
    fn stamps_of_another_clock_are_no_gap() {
        let mut twilio = twilio();
        start(&mut twilio, &twilio_start());
        let wall = 1_780_000_000_000_u64;
        assert_eq!(say(&mut twilio, &media("inbound", json!(wall), &[0; 160])).len(), 1);
        assert_eq!(say(&mut twilio, &media("inbound", json!(wall + 20), &[0; 160])).len(), 1);
        assert_eq!(say(&mut twilio, &media("inbound", json!(5), &[0; 160])).len(), 1, "back in time");
        assert_eq!(say(&mut twilio, &media("inbound", json!(u64::MAX), &[0; 160])).len(), 1, "another clock");
        assert_eq!(say(&mut twilio, &media("inbound", json!("x"), &[0; 160])).len(), 1);
        assert_eq!(say(&mut twilio, &media("inbound", json!(-1e300), &[0; 160])).len(), 1);
    }

    fn frames() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            Just(json!(null)),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-zA-Z0-9+/=]{0,40}".prop_map(Value::from),
            Just(json!({})),
            Just(json!([[]])),
        ];
        let fields = prop::sample::select(vec![
            "track",
            "timestamp",
            "payload",
            "callSid",
            "tracks",
            "customParameters",
            "mediaFormat",
            "encoding",
        ]);
        let inner = prop::collection::btree_map(fields, value, 0..5);
        let event = prop::sample::select(vec!["connected", "start", "media", "stop", "dtmf", "mark", "other"]);
        prop_oneof![
            (event, inner).prop_map(|(event, inner)| {
                json!({"event": event, event: inner.into_iter().collect::<std::collections::BTreeMap<_, _>>()})
                    .to_string()
            }),
            ".{0,60}",
        ]
    }

    proptest! {
        #[test]
        fn no_frame_panics(frames in prop::collection::vec(frames(), 0..30)) {
            let mut twilio = twilio();
            for frame in frames {
                let mut out = Vec::new();
                twilio.text(0, &frame, &mut out);
                prop_assert!(out.iter().all(|action| !matches!(action, Action::Send(_))), "nothing is ever sent");
            }
        }
    }
}
