//! The native media stream: `start`, binary audio, `hold`, `resume`, `metadata`, `consent`, `stop`.
//!
//! Fields we do not know are ignored; types we do not know and values of the wrong type are bad messages.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audio::Encoding;
use crate::terms::{Channel, Lang};
use crate::wire::phone::{Action, Dialect, Refused, Start, Started, Stream};
use crate::wire::{BadMessage, ErrorMessage, Refusal, check_id, message_type, parse, to_json};

/// Longest free-form `metadata` we keep, in entries.
const MAX_METADATA_ENTRIES: usize = 64;

/// One socket of a native stream.
#[derive(Debug, Default)]
pub struct Native(Session);

/// Where a stream that speaks our own messages stands; shared with `transcripts`.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub started: bool,
    pub stopped: bool,
    /// The id the call goes by.
    call: String,
}

/// A text frame of the phone system.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaMessage {
    Start(Box<MediaStart>),
    Hold,
    Resume,
    Stop,
    Consent { given: bool },
    Metadata(Box<Facts>),
}

/// The first message of a media stream.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaStart {
    pub opening: Opening,
    pub encoding: Encoding,
    /// 8000, 16000 or 48000.
    pub sample_rate: u32,
}

/// What every kind of stream says at its start.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Id of the call, as the phone system knows it.
    pub call: String,
    /// One or two, in the order of the samples of a frame.
    pub channels: Vec<Channel>,
    pub language: Option<Lang>,
    /// The customer's agreement to be transcribed, if the stream speaks of it.
    pub consent: Option<bool>,
    pub facts: Facts,
}

/// What is known about a call beside its audio; all of it may come later in `metadata`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Id of the agent.
    pub agent: Option<String>,
    pub queue: Option<String>,
    pub team: Option<String>,
    pub customer_name: Option<String>,
    /// How long the customer waited before an agent answered, in seconds.
    pub wait_s: Option<u64>,
    /// RFC 3339.
    pub shift_started: Option<String>,
    /// Whatever else the phone system told, kept as it came.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

impl Dialect for Native {
    fn text(&mut self, _now_ms: u64, text: &str, out: &mut Vec<Action>) {
        if self.0.stopped {
            return;
        }
        match MediaMessage::parse(text) {
            Ok(MediaMessage::Start(start)) if !self.0.started => {
                self.0.started = true;
                let MediaStart { opening, encoding, sample_rate } = *start;
                let stream = Stream { encoding, sample_rate, channels: opening.channels.clone() };
                out.push(Action::Start(Box::new(Start::new(opening, vec![stream]))));
            }
            Ok(message) => self.0.control(message, out),
            Err(error) => out.push(Action::Refuse(Refusal::BadMessage, error.0)),
        }
    }

    fn binary(&mut self, _now_ms: u64, bytes: Bytes, out: &mut Vec<Action>) {
        if self.0.stopped {
            return;
        }
        out.push(if self.0.started {
            Action::Audio { stream: 0, bytes }
        } else {
            let message = "the first message must be the JSON message start, not audio".to_owned();
            Action::Refuse(Refusal::UnexpectedBinary, message)
        });
    }

    fn started(&mut self, _now_ms: u64, started: &Started, out: &mut Vec<Action>) {
        self.0.ready(started, out);
    }

    fn stopped(&mut self, utterances: u64, out: &mut Vec<Action>) {
        self.0.goodbye(utterances, out);
    }

    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>) {
        self.0.stopped = true;
        refuse(refused, out);
    }
}

impl Session {
    /// What every native stream says after its start.
    pub(super) fn control(&mut self, message: MediaMessage, out: &mut Vec<Action>) {
        if !self.started {
            out.push(Action::Refuse(Refusal::BadMessage, "the first message must be start".to_owned()));
            return;
        }
        out.push(match message {
            MediaMessage::Start(_) => {
                Action::Refuse(Refusal::BadMessage, "a second start: one socket carries one call".to_owned())
            }
            MediaMessage::Hold => Action::Hold,
            MediaMessage::Resume => Action::Resume { skipped_ms: None },
            MediaMessage::Consent { given } => Action::Consent { given },
            MediaMessage::Metadata(facts) => Action::Facts(facts),
            MediaMessage::Stop => {
                self.stopped = true;
                Action::Stop
            }
        });
    }

    pub(super) fn ready(&mut self, started: &Started, out: &mut Vec<Action>) {
        self.call.clone_from(&started.call);
        let ready = match started.resumed {
            true => Ready::resumed(&started.call, started.t_ms),
            false => Ready::new(&started.call),
        };
        out.push(Action::Send(to_json(&ready)));
    }

    pub(super) fn goodbye(&mut self, utterances: u64, out: &mut Vec<Action>) {
        self.stopped = true;
        out.push(Action::Send(to_json(&Stopped::new(&self.call, utterances))));
        out.push(Action::Close { code: 1000, reason: String::new() });
    }
}

/// Our own shape of a refusal: `error`, then the close code that belongs to it.
pub(super) fn refuse(refused: &Refused, out: &mut Vec<Action>) {
    let code = refused.refusal.code();
    let mut error = ErrorMessage::new(code, refused.message.clone());
    error.retry_after_s = refused.retry_after_s;
    out.push(Action::Send(to_json(&error)));
    out.push(Action::Close { code: refused.refusal.close_code(), reason: code.to_owned() });
}

impl MediaMessage {
    pub fn parse(text: &str) -> Result<Self, BadMessage> {
        match message_type(text)?.as_str() {
            "start" => {
                let wire: StartWire = parse(text)?;
                let sample_rate = wire.sample_rate()?;
                let opening = Opening::parse(text, wire.channels)?;
                Ok(Self::Start(Box::new(MediaStart { opening, encoding: wire.encoding, sample_rate })))
            }
            other => Self::parse_control(other, text)?.ok_or_else(|| {
                BadMessage(format!(
                    "unknown message type \"{other}\": this path knows start, hold, resume, metadata, consent and stop"
                ))
            }),
        }
    }

    /// The messages that all streams share after `start`; `None` for any other type.
    pub(super) fn parse_control(kind: &str, text: &str) -> Result<Option<Self>, BadMessage> {
        Ok(Some(match kind {
            "hold" => Self::Hold,
            "resume" => Self::Resume,
            "stop" => Self::Stop,
            "consent" => Self::Consent { given: parse::<ConsentWire>(text)?.given },
            "metadata" => Self::Metadata(Box::new(parse::<FactsWire>(text)?.facts()?)),
            _ => return Ok(None),
        }))
    }
}

/// `{"type":"ready",…}`: the answer to `start`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ready {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "ready"))]
    kind: &'static str,
    /// The id the call goes by from now on.
    pub call: String,
    /// Present and `true` when this continues a call whose connection was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<bool>,
    /// Media clock at which the first sample of this socket is placed; with `resumed` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t_ms: Option<u64>,
}

impl Ready {
    pub fn new(call: &str) -> Self {
        Self { kind: "ready", call: call.to_owned(), resumed: None, t_ms: None }
    }

    pub fn resumed(call: &str, t_ms: u64) -> Self {
        Self { kind: "ready", call: call.to_owned(), resumed: Some(true), t_ms: Some(t_ms) }
    }
}

/// `{"type":"stopped",…}`: everything sent has been dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stopped {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "stopped"))]
    kind: &'static str,
    pub call: String,
    /// Utterances in the call's log.
    pub utterances: u64,
}

impl Stopped {
    pub fn new(call: &str, utterances: u64) -> Self {
        Self { kind: "stopped", call: call.to_owned(), utterances }
    }
}

/// What a phone system sends on `/v1/media` beside audio; for the schema only.
#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "MediaMessage")]
#[expect(private_interfaces, reason = "only its schema is used")]
pub enum MediaSchema {
    Start(StartSchema),
    Hold,
    Resume,
    /// Late facts.
    Metadata(FactsWire),
    Consent(ConsentWire),
    Stop,
}

#[derive(JsonSchema)]
#[schemars(rename = "MediaStart")]
#[expect(dead_code, reason = "only its schema is used")]
struct StartSchema {
    #[serde(flatten)]
    stream: StartWire,
    #[serde(flatten)]
    opening: OpeningWire,
    #[serde(flatten)]
    facts: FactsWire,
}

/// What a transcribing system sends on `/v1/transcripts`; for the schema only.
#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "TranscriptMessage")]
#[expect(private_interfaces, reason = "only its schema is used")]
pub enum TranscriptSchema {
    Start(TranscriptStartSchema),
    Utterance(super::transcripts::UtteranceWire),
    Hold,
    Resume,
    /// Late facts.
    Metadata(FactsWire),
    Consent(ConsentWire),
    Stop,
}

#[derive(JsonSchema)]
#[schemars(rename = "TranscriptStart")]
#[expect(dead_code, reason = "only its schema is used")]
struct TranscriptStartSchema {
    /// Without: customer and agent.
    #[serde(default)]
    channels: Option<Vec<Channel>>,
    #[serde(flatten)]
    opening: OpeningWire,
    #[serde(flatten)]
    facts: FactsWire,
}

#[derive(Deserialize, JsonSchema)]
struct ConsentWire {
    given: bool,
}

/// The fields of `start` that every stream has beside the facts; `null` is as good as absent.
#[derive(Deserialize, JsonSchema)]
struct OpeningWire {
    call: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    consent: Option<bool>,
}

impl Opening {
    /// Reads its part of `start`. The parts are read one by one, not nested into each other, because only so do
    /// errors name the field.
    pub(super) fn parse(text: &str, channels: Vec<Channel>) -> Result<Self, BadMessage> {
        let wire: OpeningWire = parse(text)?;
        check_id("call", &wire.call)?;
        check_channels(&channels)?;
        let language = match wire.language.as_deref() {
            None | Some("") => None,
            Some(tag) => Some(Lang::from_tag(tag).ok_or_else(|| {
                BadMessage(format!("field `language`: \"{tag}\" is not understood here; use \"de\" or \"en\""))
            })?),
        };
        let facts = parse::<FactsWire>(text)?.facts()?;
        Ok(Self { call: wire.call, channels, language, consent: wire.consent, facts })
    }
}

#[derive(Deserialize, JsonSchema)]
struct StartWire {
    encoding: Encoding,
    sample_rate: u32,
    channels: Vec<Channel>,
}

impl StartWire {
    fn sample_rate(&self) -> Result<u32, BadMessage> {
        match self.sample_rate {
            8_000 | 16_000 | 48_000 => Ok(self.sample_rate),
            other => Err(BadMessage(format!(
                "field `sample_rate`: {other} is not supported; send 8000, 16000 or 48000 samples a second"
            ))),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct FactsWire {
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    queue: Option<String>,
    #[serde(default)]
    team: Option<String>,
    #[serde(default)]
    customer: Option<CustomerWire>,
    #[serde(default)]
    wait_s: Option<f64>,
    #[serde(default)]
    shift_started: Option<String>,
    #[serde(default)]
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize, JsonSchema)]
struct CustomerWire {
    #[serde(default)]
    name: Option<String>,
}

impl FactsWire {
    fn facts(self) -> Result<Facts, BadMessage> {
        let metadata = self.metadata.unwrap_or_default();
        if metadata.len() > MAX_METADATA_ENTRIES {
            return Err(BadMessage(format!("field `metadata` has more than {MAX_METADATA_ENTRIES} entries")));
        }
        let wait_s = match self.wait_s {
            None => None,
            // A day is longer than any queue; what is over it is a unit mistaken (milliseconds, a date).
            Some(wait_s) if (0.0..=86_400.0).contains(&wait_s) => Some(wait_s as u64),
            Some(wait_s) => {
                return Err(BadMessage(format!("field `wait_s`: {wait_s} is not between 0 and 86400 seconds")));
            }
        };
        if let Some(time) = &self.shift_started
            && time.parse::<jiff::Timestamp>().is_err()
        {
            return Err(BadMessage(format!(
                "field `shift_started`: \"{time}\" is no RFC 3339 time such as 2026-03-02T07:00:00Z"
            )));
        }
        Ok(Facts {
            agent: optional_id("agent", self.agent)?,
            queue: optional_id("queue", self.queue)?,
            team: optional_id("team", self.team)?,
            customer_name: optional_id("customer.name", self.customer.and_then(|customer| customer.name))?,
            wait_s,
            shift_started: self.shift_started,
            metadata,
        })
    }
}

/// An empty text counts as absent: phone systems fill unset variables with it.
fn optional_id(field: &str, id: Option<String>) -> Result<Option<String>, BadMessage> {
    match id.filter(|id| !id.is_empty()) {
        Some(id) => check_id(field, &id).map(|()| Some(id)),
        None => Ok(None),
    }
}

fn check_channels(channels: &[Channel]) -> Result<(), BadMessage> {
    match channels {
        [_] => Ok(()),
        [a, b] if a == b => Err(BadMessage(format!("field `channels` names \"{}\" twice", a.as_str()))),
        [Channel::Mixed, _] | [_, Channel::Mixed] => {
            Err(BadMessage("field `channels`: \"mixed\" carries both parties and stands alone".to_owned()))
        }
        [_, _] => Ok(()),
        _ => Err(BadMessage(format!("field `channels` has {} entries; one or two are possible", channels.len()))),
    }
}
