//! Streams of those who transcribe themselves: the native stream with utterances as JSON instead of audio.

use serde::Deserialize;

use crate::terms::{Channel, Span};
use crate::wire::native::{MediaMessage, Opening};
use crate::wire::{BadMessage, message_type, parse};

/// Longest text of one utterance, in bytes: some minutes of speech.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// Latest media time an utterance may name: a week.
const MAX_MS: u64 = 7 * 24 * 3_600_000;

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
