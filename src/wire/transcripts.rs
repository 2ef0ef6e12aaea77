//! Streams of those who transcribe themselves: the native stream with utterances as JSON instead of audio.

use bytes::Bytes;
use serde::Deserialize;

use crate::terms::{Channel, Span};
use crate::wire::native::{MediaMessage, Opening, Session, refuse};
use crate::wire::phone::{Action, Dialect, Refused, Start, Started};
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
}

/// A text frame of a transcribing system.
#[derive(Debug, Clone, PartialEq)]
pub enum TranscriptMessage {
    Start(Box<Opening>),
    Utterance {
        channel: Channel,
        span: Span,
        text: String,
    },
    /// `hold`, `resume`, `stop`, `consent` or `metadata`; never a `start`.
    Control(MediaMessage),
}

impl Dialect for Transcripts {
    fn text(&mut self, _now_ms: u64, text: &str, out: &mut Vec<Action>) {
        if self.session.stopped {
            return;
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
                out.push(Action::Start(Box::new(Start { opening: *opening, streams: Vec::new() })));
            }
            TranscriptMessage::Utterance { .. } if !self.session.started => {
                out.push(Action::Refuse(Refusal::BadMessage, "the first message must be start".to_owned()));
            }
            TranscriptMessage::Utterance { channel, .. } if !self.channels.contains(&channel) => {
                let message = format!("the channel \"{}\" was not named in start", channel.as_str());
                out.push(Action::Refuse(Refusal::BadMessage, message));
            }
            TranscriptMessage::Utterance { channel, span, text } => {
                out.push(Action::Utterance { channel, span, text });
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

#[derive(Deserialize)]
struct UtteranceWire {
    channel: Channel,
    start_ms: u64,
    end_ms: u64,
    text: String,
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
        };
        assert_eq!(TranscriptMessage::parse(good), Ok(expected));
        for (from, to) in
            [("2100", "-1"), ("\"start_ms\":0", "\"start_ms\":3000"), ("2100", "9999999999"), ("\"Guten Tag.\"", "7")]
        {
            assert!(TranscriptMessage::parse(&good.replace(from, to)).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn controls_are_shared_with_the_media_stream() {
        let stop = TranscriptMessage::parse(r#"{"type":"stop"}"#);
        assert_eq!(stop, Ok(TranscriptMessage::Control(MediaMessage::Stop)));
        assert!(TranscriptMessage::parse(r#"{"type":"media"}"#).is_err());
    }
}
