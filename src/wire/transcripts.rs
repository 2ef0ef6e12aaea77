//! Streams of those who transcribe themselves: the native stream with utterances as JSON instead of audio, and the
//! results of some services as they are (`results`).
//!
//! Interim results are passed over, and a final one whose id was told before is not told again: the log of a call is
//! never rewritten. Results may come late and in any order.

use std::collections::VecDeque;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::terms::{Channel, Span};
use crate::wire::native::{MediaMessage, Opening, Session, refuse};
use crate::wire::phone::{Action, Dialect, Refused, Start, Started};
use crate::wire::results::{self, Final};
use crate::wire::{BadMessage, Refusal, message_type, parse};

/// Longest text of one utterance, in bytes: some minutes of speech.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// Latest media time an utterance may name: a week.
const MAX_MS: u64 = 7 * 24 * 3_600_000;

/// One socket that brings utterances.
#[derive(Debug, Default)]
pub struct Transcripts {
    session: Session,
    channels: Vec<Channel>,
    /// Ids of the last utterances, so that none is told twice.
    told: VecDeque<String>,
}

/// Ids of utterances remembered: recognisers repeat themselves within seconds.
const TOLD: usize = 256;

/// A text frame of a transcribing system.
#[derive(Debug, Clone, PartialEq)]
pub enum TranscriptMessage {
    Start(Box<Opening>),
    Utterance {
        channel: Channel,
        span: Span,
        text: String,
        /// The recogniser's own name for it.
        id: Option<String>,
        /// `false`: it may still change.
        last: bool,
    },
    /// `hold`, `resume`, `stop`, `consent` or `metadata`; never a `start`.
    Control(MediaMessage),
}

impl Dialect for Transcripts {
    fn text(&mut self, _now_ms: u64, text: &str, out: &mut Vec<Action>) {
        if self.session.stopped {
            return;
        }
        if self.session.started
            && let Ok(message @ Value::Object(_)) = serde_json::from_str(text)
        {
            match results::read(&message, &self.channels) {
                Ok(Some(finals)) => return finals.into_iter().for_each(|one| self.tell(one, out)),
                Ok(None) => {}
                Err(error) => return out.push(Action::Refuse(Refusal::BadMessage, error.0)),
            }
        }
        let message = match TranscriptMessage::parse(text) {
            Ok(message) => message,
            Err(error) => return out.push(Action::Refuse(Refusal::BadMessage, error.0)),
        };
        match message {
            TranscriptMessage::Start(_) if self.session.started => {
                let message = "a second start: one socket carries one call".to_owned();
                out.push(Action::Refuse(Refusal::BadMessage, message));
            }
            TranscriptMessage::Start(opening) => {
                self.session.started = true;
                self.channels.clone_from(&opening.channels);
                out.push(Action::Start(Box::new(Start::new(*opening, Vec::new()))));
            }
            TranscriptMessage::Utterance { .. } if !self.session.started => {
                out.push(Action::Refuse(Refusal::BadMessage, "the first message must be start".to_owned()));
            }
            TranscriptMessage::Utterance { channel, .. } if !self.channels.contains(&channel) => {
                let message = format!("the channel \"{}\" was not named in start", channel.as_str());
                out.push(Action::Refuse(Refusal::BadMessage, message));
            }
            TranscriptMessage::Utterance { last: false, .. } => {}
            TranscriptMessage::Utterance { channel, span, text, id, .. } => {
                self.tell(Final { channel, span, text, id }, out);
            }
            TranscriptMessage::Control(control) => self.session.control(control, out),
        }
    }

    fn binary(&mut self, _now_ms: u64, _bytes: Bytes, out: &mut Vec<Action>) {
        if !self.session.stopped {
            let message = "this path takes JSON messages only".to_owned();
            out.push(Action::Refuse(Refusal::UnexpectedBinary, message));
        }
    }

    fn started(&mut self, _now_ms: u64, started: &Started, out: &mut Vec<Action>) {
        self.session.ready(started, out);
    }

    fn stopped(&mut self, utterances: u64, out: &mut Vec<Action>) {
        self.session.goodbye(utterances, out);
    }

    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>) {
        self.session.stopped = true;
        refuse(refused, out);
    }
}

impl Transcripts {
    fn tell(&mut self, one: Final, out: &mut Vec<Action>) {
        let Final { channel, span, text, id } = one;
        if let Some(id) = id {
            let id = format!("{} {id}", channel.as_str());
            if self.told.contains(&id) {
                return;
            }
            self.told.push_back(id);
            if self.told.len() > TOLD {
                self.told.pop_front();
            }
        }
        out.push(Action::Utterance { channel, span, text });
    }
}

impl TranscriptMessage {
    pub fn parse(text: &str) -> Result<Self, BadMessage> {
        match message_type(text)?.as_str() {
            "start" => {
                let wire: StartWire = parse(text)?;
                let channels = wire.channels.unwrap_or_else(|| vec![Channel::Customer, Channel::Agent]);
                Ok(Self::Start(Box::new(Opening::parse(text, channels)?)))
            }
            "utterance" => parse::<UtteranceWire>(text)?.utterance(),
            other => match MediaMessage::parse_control(other, text)? {
                Some(control) => Ok(Self::Control(control)),
                None => Err(BadMessage(format!(
                    "unknown message type \"{other}\": this path knows start, utterance, hold, resume, metadata, consent and stop"
                ))),
            },
        }
    }
}

#[derive(Deserialize)]
struct StartWire {
    #[serde(default)]
    channels: Option<Vec<Channel>>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct UtteranceWire {
    channel: Channel,
    start_ms: u64,
    end_ms: u64,
    text: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "final")]
    last: Option<bool>,
}

impl UtteranceWire {
    fn utterance(self) -> Result<TranscriptMessage, BadMessage> {
        if self.end_ms < self.start_ms {
            return Err(BadMessage(format!("`end_ms` {} is before `start_ms` {}", self.end_ms, self.start_ms)));
        }
        if self.end_ms > MAX_MS {
            return Err(BadMessage(format!(
                "`end_ms` {} is beyond a week: count from the start of the call",
                self.end_ms
            )));
        }
        if self.text.len() > MAX_TEXT_BYTES {
            return Err(BadMessage(format!("field `text` is longer than {MAX_TEXT_BYTES} bytes")));
        }
        Ok(TranscriptMessage::Utterance {
            channel: self.channel,
            span: Span::new(self.start_ms, self.end_ms),
            text: self.text,
            id: self.id,
            last: self.last.unwrap_or(true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_needs_a_call_only() {
        let Ok(TranscriptMessage::Start(opening)) = TranscriptMessage::parse(r#"{"type":"start","call":"t1"}"#) else {
            panic!("not a start")
        };
        assert_eq!(opening.channels, [Channel::Customer, Channel::Agent]);
        assert!(TranscriptMessage::parse(r#"{"type":"start"}"#).is_err());
    }

    #[test]
    fn utterances_are_checked() {
        let good = r#"{"type":"utterance","channel":"customer","start_ms":0,"end_ms":2100,"text":"Guten Tag."}"#;
        let expected = TranscriptMessage::Utterance {
            channel: Channel::Customer,
            span: Span { start_ms: 0, end_ms: 2_100 },
            text: "Guten Tag.".to_owned(),
            id: None,
            last: true,
        };
        assert_eq!(TranscriptMessage::parse(good), Ok(expected));
        for (from, to) in
            [("2100", "-1"), ("\"start_ms\":0", "\"start_ms\":3000"), ("2100", "9999999999"), ("\"Guten Tag.\"", "7")]
        {
            assert!(TranscriptMessage::parse(&good.replace(from, to)).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn interim_results_are_passed_over_and_none_is_told_twice() {
        let mut stream = Transcripts::default();
        let mut out = Vec::new();
        let mut say = |message: &str| {
            stream.text(0, message, &mut out);
            std::mem::take(&mut out)
        };
        assert_eq!(say(r#"{"type":"start","call":"t1"}"#).len(), 1);
        let utterance = |text: &str, more: &str| {
            format!(r#"{{"type":"utterance","channel":"customer","start_ms":0,"end_ms":5,"text":"{text}"{more}}}"#)
        };
        assert_eq!(say(&utterance("Gu", r#","id":"1","final":false"#)), []);
        assert_eq!(say(&utterance("Guten Tag", r#","id":"1""#)).len(), 1);
        assert_eq!(say(&utterance("Guten Tag!", r#","id":"1","final":true"#)), [], "the log is never rewritten");
        assert_eq!(say(&utterance("Guten Tag", "")).len(), 1);
        let azure = r#"{"RecognitionStatus":"Success","Offset":0,"Duration":20000000,"DisplayText":"Hallo.","Id":"z"}"#;
        let span = Span::new(0, 2_000);
        let expected = Action::Utterance { channel: Channel::Customer, span, text: "Hallo.".to_owned() };
        assert_eq!(say(azure), [expected]);
        assert_eq!(say(azure), []);
        let foreign = r#"{"RecognitionStatus":"Success","Channel":9,"Offset":0,"Duration":1,"DisplayText":"x"}"#;
        assert!(matches!(say(foreign).as_slice(), [Action::Refuse(Refusal::BadMessage, _)]));
    }

    #[test]
    fn controls_are_shared_with_the_media_stream() {
        let stop = TranscriptMessage::parse(r#"{"type":"stop"}"#);
        assert_eq!(stop, Ok(TranscriptMessage::Control(MediaMessage::Stop)));
        assert!(TranscriptMessage::parse(r#"{"type":"media"}"#).is_err());
    }
}
