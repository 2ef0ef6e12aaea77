//! `/v1/listen`: the protocol of Deepgram's streaming clients, so that their libraries work against this server.
//!
//! What is asked for stands in the query; audio comes as binary frames, transcripts go back as `Results`. Utterances
//! are transcribed whole when they are over; whoever asks for `interim_results` gets what could be read of them before.
//! Final ones of a channel come in the order in which they were said, even where a later one was read sooner.
//! Times of words are spread over the utterance by their length (the field `ruhepol.words` says so); the escalation of a
//! customer's utterance is in the same field.

mod query;
mod results;
#[cfg(test)]
mod tests;

pub use self::query::Query;

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use self::results::Read;
use crate::call::event::{Event, EventKind, rfc3339};
use crate::terms::Channel;
use crate::wire::fields::{FieldMap, Told};
use crate::wire::hex::hex;
use crate::wire::native::Opening;
use crate::wire::phone::{Action, Dialect, News, Refused, Start, Started, Stream, Wants};
use crate::wire::{Refusal, message_type};

/// Pauses of a channel remembered until the words before them have been told.
const PAUSES_MAX: usize = 64;

/// Without audio or `KeepAlive` for so long the socket is closed (Deepgram, "Audio keep alive").
const KEEP_ALIVE_MS: u64 = 10_000;

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
    /// Per channel: what is still to be told, the last word, and whether its end is.
    ends: Vec<Ending>,
    /// Utterance whose assessment follows.
    waiting: Option<(Event, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finalize {
    No,
    /// When so much audio had been taken in, in milliseconds.
    Asked {
        at_ms: u64,
    },
    /// A `Results` has carried the mark.
    Told,
}

#[derive(Debug, Clone, Default)]
struct Ending {
    last_word_end_ms: Option<u64>,
    speaking: bool,
    /// Where the speaker paused; what was cut elsewhere goes on.
    pauses_ms: VecDeque<u64>,
    /// Where the oldest speech begins that is still being read.
    unread_since_ms: Option<u64>,
    /// Words said after that, oldest first: never more than the call has speech on its way.
    held: VecDeque<Words>,
}

/// An utterance as it will be told.
#[derive(Debug, Clone)]
struct Words {
    start_ms: u64,
    end_ms: u64,
    text: String,
    confidence: f32,
    /// What only we know.
    extra: Value,
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
        let hangover_ms = self.query.hangover_ms;
        out.push(Action::Start(Box::new(Start { hangover_ms, ..Start::new(opening, streams) })));
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

    /// Puts the utterance in line whose assessment was awaited.
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
        // Without the agent's words in the log (`agent.channel`), their Results have times and no text.
        let text = text.unwrap_or_default();
        let words = Words { start_ms, end_ms, text, confidence: confidence.unwrap_or(1.0), extra };
        let held = &mut self.ends[index].held;
        held.insert(held.partition_point(|earlier| earlier.start_ms <= start_ms), words);
        self.tell_held(index, out);
    }

    /// Tells what is held of a channel, up to the oldest speech that is still being read.
    fn tell_held(&mut self, index: usize, out: &mut Vec<Action>) {
        while let Some(words) = self.ends[index].next_words() {
            self.tell(index, words, out);
        }
        self.utterance_ends(out);
    }

    fn tell(&mut self, index: usize, words: Words, out: &mut Vec<Action>) {
        let Words { start_ms, end_ms, text, confidence, extra } = words;
        let (start, end) = (self.seconds(start_ms), self.seconds(end_ms));
        let from_finalize = self.finalize != Finalize::No;
        if from_finalize {
            self.finalize = Finalize::Told;
        }
        let speech_final = self.ends[index].paused_at(end_ms) && self.query.speech_final;
        let read = Read { index, start, end, text: &text, confidence, is_final: true, speech_final, from_finalize };
        let results = self.results(&read, extra);
        self.send(&results, out);
        self.ends[index].last_word_end_ms = Some(end_ms);
    }

    /// Tells the end of an utterance once it is long enough ago, nobody speaks on that channel and nobody has spoken
    /// since.
    fn utterance_ends(&mut self, out: &mut Vec<Action>) {
        let Some(pause_ms) = self.query.utterance_end_ms else { return };
        let now_ms = self.base_ms + self.position_ms();
        for index in 0..self.ends.len() {
            let ending = &self.ends[index];
            let silent = !ending.speaking && ending.unread_since_ms.is_none();
            let due = ending.last_word_end_ms.filter(|end_ms| silent && now_ms >= end_ms + pause_ms);
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

impl Ending {
    fn pauses(&mut self, at_ms: u64) {
        if self.pauses_ms.len() >= PAUSES_MAX {
            self.pauses_ms.pop_front();
        }
        self.pauses_ms.push_back(at_ms);
    }

    /// The words that come next, if no older ones are still being read.
    fn next_words(&mut self) -> Option<Words> {
        let until_ms = self.unread_since_ms.unwrap_or(u64::MAX);
        if self.held.front()?.start_ms <= until_ms { self.held.pop_front() } else { None }
    }

    /// Whether the speaker paused after words that ended at `end_ms`; earlier pauses are forgotten.
    fn paused_at(&mut self, end_ms: u64) -> bool {
        while self.pauses_ms.front().is_some_and(|at_ms| *at_ms < end_ms) {
            self.pauses_ms.pop_front();
        }
        let paused = self.pauses_ms.front() == Some(&end_ms);
        if paused {
            self.pauses_ms.pop_front();
        }
        paused
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
                self.finalize = Finalize::Asked { at_ms: self.position_ms() };
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
        for index in 0..self.ends.len() {
            self.ends[index].unread_since_ms = None;
            self.tell_held(index, out);
        }
        let digest = hex(&self.digest.clone().finalize());
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

    fn wants(&self) -> Wants {
        if self.query.interim_results { Wants::Interim } else { Wants::News }
    }

    fn news(&mut self, _now_ms: u64, news: &News, out: &mut Vec<Action>) {
        match news {
            News::Events(events) => self.events(events, out),
            News::Speech { channel, speaking, at_ms } => {
                let Some(index) = self.index(*channel) else { return };
                self.ends[index].speaking = *speaking;
                if !*speaking {
                    self.ends[index].pauses(*at_ms);
                }
                if *speaking && self.query.vad_events {
                    let channel = [index, self.channels.len()];
                    let timestamp = self.seconds(*at_ms);
                    let message = json!({"type": "SpeechStarted", "channel": channel, "timestamp": timestamp});
                    self.send(&message, out);
                }
            }
            News::Unread { channel, since_ms } => {
                let Some(index) = self.index(*channel) else { return };
                self.ends[index].unread_since_ms = *since_ms;
                self.tell_held(index, out);
            }
            News::Interim { channel, span, text, confidence } => {
                let Some(index) = self.index(*channel).filter(|_| !self.stopped) else { return };
                let (start, end) = (self.seconds(span.start_ms), self.seconds(span.end_ms));
                let read = Read {
                    index,
                    start,
                    end,
                    text,
                    confidence: *confidence,
                    is_final: false,
                    speech_final: false,
                    from_finalize: false,
                };
                let results = self.results(&read, json!({"words": "interpolated"}));
                self.send(&results, out);
            }
            News::Flushed => {
                if let Finalize::Asked { at_ms } = self.finalize {
                    let at = at_ms as f64 / 1e3;
                    let read = Read {
                        index: 0,
                        start: at,
                        end: at,
                        text: "",
                        confidence: 0.0,
                        is_final: true,
                        speech_final: self.query.speech_final,
                        from_finalize: true,
                    };
                    let results = self.results(&read, json!({"words": "interpolated"}));
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
