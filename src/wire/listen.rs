//! `/v1/listen`: the protocol of Deepgram's streaming clients, so that their libraries work against this server.
//!
//! What is asked for stands in the query; audio comes as binary frames, transcripts go back as `Results`. Utterances
//! are transcribed whole, so that every `Results` is final. Times of words are spread over the utterance by their
//! length (the field `ruhepol.words` says so); the escalation of a customer's utterance is in the same field.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::audio::{Encoding, SAMPLE_RATES};
use crate::call::event::{Event, EventKind, rfc3339};
use crate::terms::{Channel, Lang};
use crate::wire::fields::{FieldMap, Told};
use crate::wire::native::Opening;
use crate::wire::phone::{Action, Dialect, News, Refused, Start, Started, Stream};
use crate::wire::{BadMessage, Refusal, message_type};

/// Without audio or `KeepAlive` for so long the socket is closed (Deepgram, "Audio keep alive").
const KEEP_ALIVE_MS: u64 = 10_000;

/// What a client asks for, read from the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    encoding: Encoding,
    sample_rate: u32,
    channels: usize,
    model: String,
    utterance_end_ms: Option<u64>,
    vad_events: bool,
    language: Option<Lang>,
    extra: Map<String, Value>,
}

impl Query {
    /// Reads the parameters, in the order in which they stand. Those we do not know pass.
    pub fn read<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, BadMessage> {
        let (mut encoding, mut sample_rate, mut channels) = (None, None, 1);
        let mut query = Self {
            encoding: Encoding::PcmS16le,
            sample_rate: 0,
            channels: 1,
            model: String::new(),
            utterance_end_ms: None,
            vad_events: false,
            language: None,
            extra: Map::new(),
        };
        let number = |name: &str, value: &str| {
            value.parse::<u32>().map_err(|_| BadMessage(format!("parameter `{name}`: \"{value}\" is not a number")))
        };
        for (name, value) in pairs {
            match name {
                "encoding" => {
                    encoding = Some(match value {
                        "linear16" => Encoding::PcmS16le,
                        "mulaw" => Encoding::Mulaw,
                        "alaw" => Encoding::Alaw,
                        _ => {
                            return Err(BadMessage(format!(
                                "parameter `encoding`: \"{value}\" is not understood here; use linear16, mulaw or alaw"
                            )));
                        }
                    });
                }
                "sample_rate" => sample_rate = Some(number(name, value)?),
                "channels" => channels = number(name, value)? as usize,
                "model" => value.clone_into(&mut query.model),
                "language" => query.language = Lang::from_tag(value),
                "utterance_end_ms" => query.utterance_end_ms = Some(u64::from(number(name, value)?)),
                "vad_events" => query.vad_events = value == "true",
                "extra" => {
                    let (key, value) = value.split_once(':').unwrap_or((value, "true"));
                    query.extra.insert(key.to_owned(), Value::from(value));
                }
                "tag" => {
                    query.extra.insert("tag".to_owned(), Value::from(value));
                }
                _ => {}
            }
        }
        query.encoding = encoding.ok_or_else(|| {
            BadMessage("parameter `encoding` is missing: give encoding=linear16|mulaw|alaw and sample_rate".to_owned())
        })?;
        query.sample_rate = match (sample_rate, query.encoding) {
            (Some(rate), _) if SAMPLE_RATES.contains(&rate) => rate,
            (None, Encoding::Mulaw | Encoding::Alaw) => 8_000,
            (None, Encoding::PcmS16le) => {
                return Err(BadMessage("parameter `sample_rate` is missing: it belongs to linear16".to_owned()));
            }
            (Some(rate), _) => {
                return Err(BadMessage(format!("parameter `sample_rate`: {rate} is not one of {SAMPLE_RATES:?}")));
            }
        };
        if !(1..=2).contains(&channels) {
            return Err(BadMessage(format!(
                "parameter `channels`: {channels} is not 1 (the customer) or 2 (customer and agent)"
            )));
        }
        query.channels = channels;
        Ok(query)
    }
}

/// What a server knows of a request when the socket opens.
#[derive(Debug, Clone)]
pub struct Settings {
    pub fields: FieldMap,
    /// Unique; also the id of a call whose `extra` names none.
    pub request_id: String,
    /// Wall clock, milliseconds since 1970.
    pub opened_unix_ms: u64,
}

/// One socket.
#[derive(Debug)]
pub struct Listen {
    query: Query,
    settings: Settings,
    channels: Vec<Channel>,
    /// Bytes of audio taken in.
    received: u64,
    digest: Sha256,
    /// Media clock of the call at this socket's first sample.
    base_ms: u64,
    last_sign_ms: u64,
    started: bool,
    stopped: bool,
    finalize: Finalize,
    /// Per channel: the last word, and whether its end is still to be told.
    ends: Vec<Ending>,
    /// Utterance whose assessment follows.
    waiting: Option<(Event, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finalize {
    No,
    Asked,
    /// A `Results` has carried the mark.
    Told,
}

#[derive(Debug, Clone, Copy, Default)]
struct Ending {
    last_word_end_ms: Option<u64>,
    speaking: bool,
}

impl Listen {
    pub fn new(query: Query, settings: Settings) -> Self {
        let channels = match query.channels {
            1 => vec![Channel::Customer],
            _ => vec![Channel::Customer, Channel::Agent],
        };
        Self {
            ends: vec![Ending::default(); channels.len()],
            query,
            settings,
            channels,
            received: 0,
            digest: Sha256::new(),
            base_ms: 0,
            last_sign_ms: 0,
            started: false,
            stopped: false,
            finalize: Finalize::No,
            waiting: None,
        }
    }

    fn open(&mut self, out: &mut Vec<Action>) {
        let Told { call, consent, language, channel, facts, .. } = self.settings.fields.read(&self.query.extra);
        if let (Some(channel), [only]) = (channel, self.channels.as_mut_slice()) {
            *only = channel;
        }
        let call = call.unwrap_or_else(|| self.settings.request_id.clone());
        let Query { encoding, sample_rate, .. } = self.query;
        let channels = self.channels.clone();
        let language = self.query.language.or(language);
        let opening = Opening { call, channels: channels.clone(), language, consent, facts };
        let streams = vec![Stream { encoding, sample_rate, channels }];
        out.push(Action::Start(Box::new(Start { opening, streams })));
    }

    fn stop(&mut self, out: &mut Vec<Action>) {
        self.stopped = true;
        out.push(Action::Stop);
    }

    /// Audio taken in so far.
    fn position_ms(&self) -> u64 {
        let sample_frames = self.received / (self.query.encoding.bytes_per_sample() * self.channels.len()) as u64;
        sample_frames * 1_000 / u64::from(self.query.sample_rate)
    }

    fn index(&self, channel: Channel) -> Option<usize> {
        self.channels.iter().position(|held| *held == channel)
    }

    fn send(&self, message: &Value, out: &mut Vec<Action>) {
        out.push(Action::Send(message.to_string()));
    }

    /// Milliseconds of the call as seconds of this socket.
    fn seconds(&self, t_ms: u64) -> f64 {
        t_ms.saturating_sub(self.base_ms) as f64 / 1e3
    }

    fn events(&mut self, events: &[Event], out: &mut Vec<Action>) {
        for event in events {
            match &event.kind {
                EventKind::Utterance { channel, .. } => {
                    self.tell_waiting(None, out);
                    if let Some(index) = self.index(*channel) {
                        self.waiting = Some((event.clone(), index));
                    }
                }
                EventKind::Assessment { .. } => self.tell_waiting(Some(event), out),
                _ => {}
            }
        }
        self.tell_waiting(None, out);
    }

    fn tell_waiting(&mut self, assessment: Option<&Event>, out: &mut Vec<Action>) {
        let Some((event, index)) = self.waiting.take() else { return };
        let EventKind::Utterance { start_ms, end_ms, text, confidence, .. } = event.kind else { return };
        let mut extra = json!({"words": "interpolated", "call": event.call, "utterance_seq": event.seq});
        if let Some(EventKind::Assessment { level, band, severity, cues, .. }) = assessment.map(|event| &event.kind) {
            extra["level"] = json!(level);
            extra["band"] = json!(band);
            extra["severity"] = json!(severity);
            extra["cues"] = json!(cues);
        }
        let (start, end) = (self.seconds(start_ms), self.seconds(end_ms));
        // Without the agent's words in the log (`agent.channel`), their Results have times and no text.
        let text = text.unwrap_or_default();
        let from_finalize = self.finalize != Finalize::No;
        if from_finalize {
            self.finalize = Finalize::Told;
        }
        let results = self.results(index, (start, end), &text, confidence.unwrap_or(1.0), from_finalize, extra);
        self.send(&results, out);
        self.ends[index].last_word_end_ms = Some(end_ms);
        self.utterance_ends(out);
    }

    fn results(
        &self,
        index: usize,
        (start, end): (f64, f64),
        text: &str,
        confidence: f32,
        from_finalize: bool,
        extra: Value,
    ) -> Value {
        json!({
            "type": "Results",
            "channel_index": [index, self.channels.len()],
            "start": start,
            "duration": ((end - start) * 1e3).round() / 1e3,
            "is_final": true,
            "speech_final": true,
            "from_finalize": from_finalize,
            "channel": {"alternatives": [{
                "transcript": text,
                "confidence": confidence,
                "words": words(text, start, end, confidence),
            }]},
            "metadata": {
                "request_id": self.settings.request_id,
                "model_info": {"name": self.query.model, "version": env!("CARGO_PKG_VERSION"), "arch": "whisper"},
                "model_uuid": self.settings.request_id,
            },
            "ruhepol": extra,
        })
    }

    /// Tells the end of an utterance once it is long enough ago and nobody speaks on that channel.
    fn utterance_ends(&mut self, out: &mut Vec<Action>) {
        let Some(pause_ms) = self.query.utterance_end_ms else { return };
        let now_ms = self.base_ms + self.position_ms();
        for index in 0..self.ends.len() {
            let ending = self.ends[index];
            let due = ending.last_word_end_ms.filter(|end_ms| !ending.speaking && now_ms >= end_ms + pause_ms);
            if let Some(end_ms) = due {
                self.ends[index].last_word_end_ms = None;
                let channel = [index, self.channels.len()];
                let message =
                    json!({"type": "UtteranceEnd", "channel": channel, "last_word_end": self.seconds(end_ms)});
                self.send(&message, out);
            }
        }
    }
}

impl Dialect for Listen {
    fn opened(&mut self, out: &mut Vec<Action>) {
        self.open(out);
    }

    fn text(&mut self, now_ms: u64, text: &str, out: &mut Vec<Action>) {
        if self.stopped {
            return;
        }
        self.last_sign_ms = now_ms;
        match message_type(text).as_deref() {
            Ok("KeepAlive" | "Configure") => {}
            Ok("Finalize") => {
                self.finalize = Finalize::Asked;
                out.push(Action::Flush);
            }
            Ok("CloseStream") => self.stop(out),
            Ok(other) => {
                let message = format!("unknown message type \"{other}\": use KeepAlive, Finalize or CloseStream");
                out.push(Action::Refuse(Refusal::BadMessage, message));
            }
            Err(error) => out.push(Action::Refuse(Refusal::BadMessage, error.0.clone())),
        }
    }

    fn binary(&mut self, now_ms: u64, bytes: Bytes, out: &mut Vec<Action>) {
        if self.stopped {
            return;
        }
        self.last_sign_ms = now_ms;
        if bytes.is_empty() {
            // The older way to say CloseStream.
            return self.stop(out);
        }
        self.received += bytes.len() as u64;
        self.digest.update(&bytes);
        out.push(Action::Audio { stream: 0, bytes });
        self.utterance_ends(out);
    }

    fn started(&mut self, now_ms: u64, started: &Started, _out: &mut Vec<Action>) {
        self.started = true;
        self.last_sign_ms = now_ms;
        self.base_ms = started.t_ms;
    }

    fn stopped(&mut self, _utterances: u64, out: &mut Vec<Action>) {
        self.stopped = true;
        let digest: String = self.digest.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let metadata = json!({
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": self.settings.request_id,
            "sha256": digest,
            "created": rfc3339(self.settings.opened_unix_ms),
            "duration": self.position_ms() as f64 / 1e3,
            "channels": self.channels.len(),
        });
        self.send(&metadata, out);
        out.push(Action::Close { code: 1000, reason: String::new() });
    }

    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>) {
        self.stopped = true;
        let code = refused.refusal.code();
        let mut error = json!({
            "type": "Error",
            "code": code,
            "variant": code.to_ascii_uppercase(),
            "description": refused.message,
            "message": refused.message,
        });
        if let Some(retry_after_s) = refused.retry_after_s {
            error["retry_after_s"] = json!(retry_after_s);
        }
        self.send(&error, out);
        out.push(Action::Close { code: refused.refusal.close_code(), reason: code.to_owned() });
    }

    fn closed(&mut self, out: &mut Vec<Action>) {
        if !self.stopped {
            self.stop(out);
        }
    }

    fn wants_news(&self) -> bool {
        true
    }

    fn news(&mut self, _now_ms: u64, news: &News, out: &mut Vec<Action>) {
        match news {
            News::Events(events) => self.events(events, out),
            News::Speech { channel, speaking, at_ms } => {
                let Some(index) = self.index(*channel) else { return };
                self.ends[index].speaking = *speaking;
                if *speaking && self.query.vad_events {
                    let channel = [index, self.channels.len()];
                    let timestamp = self.seconds(*at_ms);
                    let message = json!({"type": "SpeechStarted", "channel": channel, "timestamp": timestamp});
                    self.send(&message, out);
                }
            }
            News::Flushed => {
                if self.finalize == Finalize::Asked {
                    let at = self.position_ms() as f64 / 1e3;
                    let results = self.results(0, (at, at), "", 0.0, true, json!({"words": "interpolated"}));
                    self.send(&results, out);
                }
                self.finalize = Finalize::No;
            }
        }
    }

    fn deadline_ms(&self) -> Option<u64> {
        (self.started && !self.stopped).then_some(self.last_sign_ms + KEEP_ALIVE_MS)
    }

    fn wake(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        if self.deadline_ms().is_some_and(|deadline_ms| deadline_ms <= now_ms) {
            self.stopped = true;
            let reason = "NET-0001: neither audio nor KeepAlive came within 10 s".to_owned();
            out.push(Action::Close { code: 1011, reason });
        }
    }
}

/// Words with times by their share of the characters: honest to about a word's length, exact at both ends.
fn words(text: &str, start: f64, end: f64, confidence: f32) -> Vec<Value> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let length = |word: &str| word.chars().count() + 1;
    let total = words.iter().map(|word| length(word)).sum::<usize>().max(1) as f64;
    let mut passed = 0;
    let place = |passed: usize| {
        let at = start + (end - start) * passed as f64 / total;
        (at * 1e3).round() / 1e3
    };
    let mut timed = Vec::with_capacity(words.len());
    for word in words {
        let from = place(passed);
        passed += length(word);
        let bare: String = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let bare = if bare.is_empty() { word.to_owned() } else { bare };
        timed.push(json!({"word": bare, "start": from, "end": place(passed), "confidence": confidence,
            "punctuated_word": word}));
    }
    timed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::call::event::Log;
    use crate::terms::Band;

    fn query(text: &str) -> Result<Query, BadMessage> {
        Query::read(text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))))
    }

    fn listen(text: &str) -> Listen {
        let settings =
            Settings { fields: FieldMap::default(), request_id: "r1".to_owned(), opened_unix_ms: 1_780_000_000_000 };
        Listen::new(query(text).unwrap(), settings)
    }

    fn opened(text: &str) -> (Listen, Start) {
        let mut listen = listen(text);
        let mut out = Vec::new();
        listen.opened(&mut out);
        let Some(Action::Start(start)) = out.pop() else { panic!("no start") };
        listen.started(0, &Started { call: start.opening.call.clone(), t_ms: 0, resumed: false }, &mut out);
        assert_eq!(out, []);
        (listen, *start)
    }

    fn sent(out: Vec<Action>) -> Vec<Value> {
        out.into_iter()
            .filter_map(|action| match action {
                Action::Send(text) => Some(serde_json::from_str(&text).unwrap()),
                _ => None,
            })
            .collect()
    }

    fn event(seq: u64, kind: EventKind) -> Event {
        Event { call: "c1".to_owned(), log: Log::Call, seq, at: String::new(), t_ms: 0, kind, durable: None }
    }

    fn utterance(channel: Channel, text: Option<&str>) -> EventKind {
        let text = text.map(str::to_owned);
        EventKind::Utterance { channel, start_ms: 1_000, end_ms: 3_000, text, confidence: Some(0.5) }
    }

    #[test]
    fn what_the_query_says() {
        let (_, start) = opened(
            "model=nova-3&encoding=mulaw&sample_rate=8000&channels=2&multichannel=true&language=de&extra=consent:true\
             &extra=call:c1&extra=agent:a7&interim_results=true&punctuate=true",
        );
        assert_eq!(start.opening.call, "c1");
        assert_eq!(start.opening.consent, Some(true));
        assert_eq!(start.opening.language, Some(Lang::De));
        assert_eq!(start.opening.facts.agent.as_deref(), Some("a7"));
        assert_eq!(start.streams[0].channels, [Channel::Customer, Channel::Agent]);
        let (_, start) = opened("encoding=alaw&extra=channel:agent");
        assert_eq!((start.opening.call.as_str(), start.streams[0].sample_rate), ("r1", 8_000));
        assert_eq!(start.opening.channels, [Channel::Agent]);
        for (wrong, named) in [
            ("model=x", "encoding"),
            ("encoding=opus", "opus"),
            ("encoding=linear16", "sample_rate"),
            ("encoding=linear16&sample_rate=11025", "11025"),
            ("encoding=mulaw&channels=3", "3"),
            ("encoding=mulaw&channels=x", "channels"),
            ("encoding=mulaw&utterance_end_ms=-1", "utterance_end_ms"),
        ] {
            assert!(query(wrong).unwrap_err().0.contains(named), "{wrong}");
        }
    }

    #[test]
    fn utterances_come_back_as_results_with_their_escalation() {
        let (mut listen, _) = opened("encoding=linear16&sample_rate=16000&channels=2&vad_events=true");
        let mut out = Vec::new();
        let started = News::Speech { channel: Channel::Customer, speaking: true, at_ms: 1_000 };
        listen.news(0, &started, &mut out);
        let assessment = EventKind::Assessment {
            level: 61,
            band: Band::Heated,
            severity: 2,
            cues: Vec::new(),
            utterance_seq: 2,
            sound: None,
        };
        let events = [event(2, utterance(Channel::Customer, Some("Wo ist mein Paket?"))), event(3, assessment)];
        listen.news(0, &News::Events(events.to_vec()), &mut out);
        listen.news(0, &News::Events(vec![event(4, utterance(Channel::Agent, None))]), &mut out);
        let sent = sent(out);
        assert_eq!(sent[0], json!({"type": "SpeechStarted", "channel": [0, 2], "timestamp": 1.0}));
        assert_eq!(
            (&sent[1]["channel_index"], &sent[1]["start"], &sent[1]["duration"]),
            (&json!([0, 2]), &json!(1.0), &json!(2.0))
        );
        let best = &sent[1]["channel"]["alternatives"][0];
        assert_eq!(best["transcript"], "Wo ist mein Paket?");
        let words = best["words"].as_array().unwrap();
        assert_eq!(
            (words.len(), &words[3]["word"], &words[3]["punctuated_word"]),
            (4, &json!("paket"), &json!("Paket?"))
        );
        assert_eq!((&words[0]["start"], &words[3]["end"]), (&json!(1.0), &json!(3.0)));
        assert_eq!((&sent[1]["ruhepol"]["level"], &sent[1]["ruhepol"]["band"]), (&json!(61), &json!("heated")));
        assert_eq!(
            (&sent[2]["channel_index"], &sent[2]["channel"]["alternatives"][0]["transcript"]),
            (&json!([1, 2]), &json!(""))
        );
    }

    #[test]
    fn finalize_is_always_answered_once() {
        let (mut listen, _) = opened("encoding=mulaw");
        let mut out = Vec::new();
        listen.text(5, r#"{"type":"Finalize"}"#, &mut out);
        assert_eq!(out, [Action::Flush]);
        out.clear();
        listen.news(6, &News::Flushed, &mut out);
        let empty = sent(out);
        assert_eq!((empty.len(), &empty[0]["from_finalize"]), (1, &json!(true)));
        let mut out = Vec::new();
        listen.text(7, r#"{"type":"Finalize","channel":0}"#, &mut out);
        listen.news(8, &News::Events(vec![event(2, utterance(Channel::Customer, Some("Ja.")))]), &mut out);
        listen.news(9, &News::Flushed, &mut out);
        listen.news(9, &News::Events(vec![event(3, utterance(Channel::Customer, Some("Nein.")))]), &mut out);
        let marks: Vec<_> = sent(out).iter().map(|message| message["from_finalize"].clone()).collect();
        assert_eq!(marks, [json!(true), json!(false)]);
    }

    #[test]
    fn the_end_of_an_utterance_is_told_after_its_pause() {
        let (mut listen, _) = opened("encoding=mulaw&utterance_end_ms=1000");
        let mut out = Vec::new();
        listen.binary(0, vec![0xff; 8 * 3_500].into(), &mut out);
        listen.news(0, &News::Events(vec![event(2, utterance(Channel::Customer, Some("Ja.")))]), &mut out);
        assert_eq!(sent(std::mem::take(&mut out)).len(), 1, "only half a second has passed");
        listen.binary(0, vec![0xff; 8 * 600].into(), &mut out);
        assert_eq!(
            sent(std::mem::take(&mut out)),
            [json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 3.0})]
        );
        listen.binary(0, vec![0xff; 8 * 600].into(), &mut out);
        assert_eq!(sent(out), [] as [Value; 0]);
    }

    #[test]
    fn silence_closes_and_keep_alive_keeps() {
        let (mut listen, _) = opened("encoding=mulaw");
        assert_eq!(listen.deadline_ms(), Some(10_000));
        let mut out = Vec::new();
        listen.text(9_000, r#"{"type":"KeepAlive"}"#, &mut out);
        listen.wake(10_000, &mut out);
        assert_eq!((out.len(), listen.deadline_ms()), (0, Some(19_000)));
        listen.wake(19_000, &mut out);
        assert!(matches!(out.as_slice(), [Action::Close { code: 1011, reason }] if reason.starts_with("NET-0001")));
    }

    #[test]
    fn the_end_is_metadata() {
        let (mut listen, _) = opened("encoding=mulaw");
        let mut out = Vec::new();
        listen.binary(0, vec![0xff; 8_000].into(), &mut out);
        listen.text(0, r#"{"type":"CloseStream"}"#, &mut out);
        listen.binary(0, vec![0xff; 8_000].into(), &mut out);
        assert_eq!(out.len(), 2, "nothing is heard after CloseStream");
        assert_eq!(out[1], Action::Stop);
        out.clear();
        listen.stopped(0, &mut out);
        assert!(matches!(out[1], Action::Close { code: 1000, .. }));
        let metadata = &sent(out)[0];
        assert_eq!(
            (&metadata["type"], &metadata["duration"], &metadata["channels"]),
            (&json!("Metadata"), &json!(1.0), &json!(1))
        );
        assert_eq!(metadata["sha256"].as_str().unwrap().len(), 64);
    }

    #[test]
    fn refusals_have_the_shape_of_the_protocol() {
        let (mut listen, _) = opened("encoding=mulaw");
        let mut out = Vec::new();
        listen.text(0, r#"{"type":"Dance"}"#, &mut out);
        assert!(matches!(&out[0], Action::Refuse(Refusal::BadMessage, message) if message.contains("Dance")));
        out.clear();
        let refused = Refused { refusal: Refusal::Busy, message: "full".to_owned(), retry_after_s: Some(5) };
        listen.refused(&refused, &mut out);
        assert!(matches!(out[1], Action::Close { code: 1013, .. }));
        let error = &sent(out)[0];
        assert_eq!(
            (&error["type"], &error["code"], &error["retry_after_s"]),
            (&json!("Error"), &json!("busy"), &json!(5))
        );
    }

    proptest! {
        #[test]
        fn no_frame_panics(
            texts in prop::collection::vec(prop_oneof![
                ".{0,40}",
                prop::sample::select(vec!["KeepAlive", "Finalize", "CloseStream", "Configure", "x"])
                    .prop_map(|kind| format!(r#"{{"type":"{kind}","channel":"x"}}"#)),
            ], 0..20),
            bytes in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let (mut listen, _) = opened("encoding=linear16&sample_rate=48000&channels=2&utterance_end_ms=1000&vad_events=true");
            for (now_ms, text) in texts.iter().enumerate() {
                let mut out = Vec::new();
                listen.text(now_ms as u64, text, &mut out);
                listen.binary(now_ms as u64, bytes.clone().into(), &mut out);
                listen.news(0, &News::Flushed, &mut out);
                listen.wake(u64::MAX, &mut out);
            }
        }

        #[test]
        fn no_query_panics(pairs in prop::collection::vec(("[a-z_]{0,12}", ".{0,12}"), 0..8)) {
            let _ = Query::read(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        }

        #[test]
        fn words_lie_in_order_within_their_utterance(text in "[a-zß ?.]{0,80}", length in 0.0f64..20.0) {
            let mut last = 1.0;
            for word in words(&text, 1.0, 1.0 + length, 0.9) {
                let (from, to) = (word["start"].as_f64().unwrap(), word["end"].as_f64().unwrap());
                prop_assert!(last <= from + 0.001 && from <= to && to <= 1.001 + length);
                last = to;
            }
        }
    }
}
