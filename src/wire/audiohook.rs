//! Genesys AudioHook, version 2: JSON text frames numbered in both directions, audio in binary frames.
//!
//! The client gives up on anything unexpected, so that this side is strict in what it sends: numbers without gaps,
//! never a binary frame, `pong` at once, `opened` with one of the offers exactly as offered, `closed` always. Events
//! (transcripts, suggestions) stay within the platform's budget of messages and leave room for the answers.

mod budget;
mod entities;
mod offers;
#[cfg(test)]
mod tests;
mod values;

pub use self::values::is_uuid;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::budget::Budget;
use self::offers::select;
use self::values::{duration_ms, parse_duration};
use crate::terms::{Channel, Lang};
use crate::wire::fields::{FieldMap, text};
use crate::wire::native::Opening;
use crate::wire::phone::{Action, Dialect, News, Refused, Start, Started, Stream, Wants, cut};
use crate::wire::{BadMessage, Refusal};

/// After `close`, `closed` comes at the latest so long after, whatever is still being read: the client gives up after
/// 10 s.
const CLOSED_AFTER_MS: u64 = 5_000;

/// Events rest so long after the client has had too many messages and does not say for how long.
const QUIET_MS: u64 = 5_000;

/// Entities that wait for room in the budget, and most in one message.
const WAITING_MAX: usize = 200;
const ENTITIES_MAX: usize = 20;

const NO_ONE: &str = "00000000-0000-0000-0000-000000000000";

/// What the server knows of a request when the socket opens, and what it is told to do.
#[derive(Debug, Clone)]
pub struct Settings {
    pub fields: FieldMap,
    /// Header `Audiohook-Organization-Id`, if there was one.
    pub organization: Option<String>,
    /// Header `Audiohook-Session-Id`, if there was one.
    pub session: Option<String>,
    /// Whether the agent's voice is wanted at all.
    pub agent: bool,
    /// Send what the customer said back as `event` messages.
    pub transcripts: bool,
    /// Send suggestions back as `event` messages.
    pub suggestions: bool,
}

/// One socket.
#[derive(Debug)]
pub struct AudioHook {
    settings: Settings,
    state: State,
    session: String,
    client_seq: u64,
    server_seq: u64,
    /// What `opened` will say.
    media: Vec<Value>,
    more: Map<String, Value>,
    opened: bool,
    /// Channel of each track of the selected media.
    channels: Vec<Channel>,
    /// Media clock of the call at this session's first sample.
    base_ms: u64,
    probe: bool,
    close_by_ms: Option<u64>,
    waiting: Vec<Value>,
    budget: Budget,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// `open` has not come.
    Preparing,
    /// The call is being opened.
    Opening,
    Active,
    Paused,
    /// `close` has come.
    Closing,
    /// `disconnect` was sent; `close` is to come.
    Disconnecting,
    Closed,
}

impl AudioHook {
    pub fn new(settings: Settings) -> Self {
        Self {
            state: State::Preparing,
            session: settings.session.clone().unwrap_or_else(|| NO_ONE.to_owned()),
            settings,
            client_seq: 0,
            server_seq: 0,
            media: Vec::new(),
            more: Map::new(),
            opened: false,
            channels: Vec::new(),
            base_ms: 0,
            probe: false,
            close_by_ms: None,
            waiting: Vec::new(),
            budget: Budget::new(),
        }
    }

    fn send(&mut self, kind: &str, parameters: Value, out: &mut Vec<Action>) {
        self.server_seq += 1;
        self.budget.spend();
        let message = json!({
            "version": "2",
            "id": self.session,
            "type": kind,
            "seq": self.server_seq,
            "clientseq": self.client_seq,
            "parameters": parameters,
        });
        out.push(Action::Send(message.to_string()));
    }

    fn message(&mut self, now_ms: u64, message: &str, out: &mut Vec<Action>) -> Result<(), BadMessage> {
        let message: Value =
            serde_json::from_str(message).map_err(|error| BadMessage(format!("the message is not JSON: {error}")))?;
        let head = self.head(&message)?;
        let empty = Map::new();
        let parameters = match &message["parameters"] {
            Value::Object(parameters) => parameters,
            Value::Null if head != "open" => &empty,
            _ => return Err(BadMessage("field `parameters` must be an object".to_owned())),
        };
        match (head, self.state) {
            ("close", _) => self.close(now_ms, parameters, out),
            (_, State::Closed | State::Disconnecting | State::Closing) if head != "ping" => {}
            ("open", State::Preparing) => self.open(parameters, out)?,
            ("open", _) => return Err(BadMessage("a second open: one connection carries one session".to_owned())),
            (_, State::Preparing) => return Err(BadMessage(format!("`{head}` before open"))),
            ("ping", _) => self.send("pong", json!({}), out),
            ("paused", State::Active) => {
                self.state = State::Paused;
                out.push(Action::Hold);
            }
            ("resumed", _) => {
                let skipped_ms = duration_ms("discarded", parameters)?;
                if self.state == State::Paused {
                    self.state = State::Active;
                    out.push(Action::Resume { skipped_ms: Some(skipped_ms) });
                } else {
                    out.push(Action::Skip { stream: 0, duration_ms: skipped_ms });
                }
            }
            ("discarded", _) => {
                out.push(Action::Skip { stream: 0, duration_ms: duration_ms("discarded", parameters)? });
            }
            ("update", _) => {
                // A language that is not understood here changes nothing, and is not confirmed.
                let language = parameters.get("language").and_then(text).and_then(|tag| Lang::from_tag(&tag));
                if let Some(language) = language {
                    if !self.probe {
                        out.push(Action::Language(language));
                    }
                    self.send("updated", json!({}), out);
                }
            }
            ("error", _) if parameters.get("code") == Some(&json!(429)) => {
                let pause_ms = parameters.get("retryAfter").and_then(Value::as_str).and_then(parse_duration);
                self.budget.rest(now_ms, pause_ms.unwrap_or(QUIET_MS));
            }
            // What else the client says of its errors changes nothing here: `close` follows.
            _ => {}
        }
        Ok(())
    }

    /// Checks what all messages have in common; the type.
    fn head<'a>(&mut self, message: &'a Value) -> Result<&'a str, BadMessage> {
        let wrong = |what: String| Err(BadMessage(what));
        let Some(message) = message.as_object() else { return wrong("a message is a JSON object".to_owned()) };
        if message.get("version") != Some(&json!("2")) {
            return wrong("field `version` must be \"2\"".to_owned());
        }
        let Some(kind) = message.get("type").and_then(Value::as_str) else {
            return wrong("field `type` is missing".to_owned());
        };
        let Some(id) = message.get("id").and_then(Value::as_str).filter(|id| is_uuid(id)) else {
            return wrong("field `id` must be the UUID of the session".to_owned());
        };
        match &self.settings.session {
            Some(session) if !session.eq_ignore_ascii_case(id) => {
                return wrong("field `id` is not the session named in the header".to_owned());
            }
            Some(_) => {}
            None => self.settings.session = Some(id.to_owned()),
        }
        id.clone_into(&mut self.session);
        let expected = self.client_seq + 1;
        if message.get("seq").and_then(Value::as_u64) != Some(expected) {
            return wrong(format!("field `seq` must be {expected}"));
        }
        self.client_seq = expected;
        match message.get("serverseq").and_then(Value::as_u64) {
            Some(seq) if seq <= self.server_seq => {}
            _ => return wrong(format!("field `serverseq` must be at most {}", self.server_seq)),
        }
        if message.get("position").and_then(Value::as_str).is_none_or(|position| parse_duration(position).is_none()) {
            return wrong("field `position` must be a duration such as \"PT12.3S\"".to_owned());
        }
        Ok(kind)
    }

    fn open(&mut self, parameters: &Map<String, Value>, out: &mut Vec<Action>) -> Result<(), BadMessage> {
        let uuid = |value: Option<&Value>, name: &str| {
            let id = value.and_then(Value::as_str).filter(|id| is_uuid(id));
            id.map(str::to_owned).ok_or_else(|| BadMessage(format!("field `parameters.{name}` must be a UUID")))
        };
        let organization = uuid(parameters.get("organizationId"), "organizationId")?;
        if self.settings.organization.as_ref().is_some_and(|header| !header.eq_ignore_ascii_case(&organization)) {
            return Err(BadMessage("field `parameters.organizationId` is not that of the header".to_owned()));
        }
        let conversation = uuid(parameters.get("conversationId"), "conversationId")?;
        let participant = parameters.get("participant").and_then(Value::as_object);
        let participant_id = uuid(participant.and_then(|participant| participant.get("id")), "participant.id")?;
        let Some(offers) = parameters.get("media").and_then(Value::as_array) else {
            return Err(BadMessage("field `parameters.media` must be a list of offers".to_owned()));
        };
        self.probe = conversation == NO_ONE && participant_id == NO_ONE;
        if parameters.get("supportedLanguages") == Some(&Value::Bool(true)) {
            self.more.insert("supportedLanguages".to_owned(), json!(["de-DE", "en-US"]));
        }
        let selected = select(offers, self.settings.agent);
        if let Some((offer, ..)) = &selected {
            self.media = vec![Value::clone(offer)];
        }
        if self.probe {
            self.state = State::Active;
            self.open_up(out);
            return Ok(());
        }
        let Some((_, encoding, channels)) = selected else {
            return Err(BadMessage(
                "no media offered here can be used: PCMU or L16 at 8000 Hz with the channel external is needed, or \
                 internal unless `agent.channel` is off"
                    .to_owned(),
            ));
        };
        let mut values = parameters.get("customConfig").and_then(Value::as_object).cloned().unwrap_or_default();
        for name in ["participant", "language"] {
            if let Some(value) = parameters.get(name) {
                values.entry(name).or_insert_with(|| value.clone());
            }
        }
        let told = self.settings.fields.read(&values);
        self.channels.clone_from(&channels);
        self.state = State::Opening;
        let streams = vec![Stream { encoding, sample_rate: 8_000, channels: channels.clone() }];
        let opening = Opening {
            call: told.call.unwrap_or(conversation),
            channels,
            language: told.language,
            consent: told.consent,
            facts: told.facts,
        };
        out.push(Action::Start(Box::new(Start::new(opening, streams))));
        Ok(())
    }

    fn open_up(&mut self, out: &mut Vec<Action>) {
        if self.opened {
            return;
        }
        self.opened = true;
        let mut parameters = self.more.clone();
        parameters.insert("startPaused".to_owned(), Value::Bool(false));
        parameters.insert("media".to_owned(), Value::Array(self.media.clone()));
        self.send("opened", Value::Object(parameters), out);
    }

    fn close(&mut self, now_ms: u64, parameters: &Map<String, Value>, out: &mut Vec<Action>) {
        let ends = matches!(parameters.get("reason").and_then(Value::as_str), Some("end") | None);
        match self.state {
            State::Closing | State::Closed => {}
            State::Opening | State::Active | State::Paused if ends && !self.probe => {
                self.state = State::Closing;
                self.close_by_ms = Some(now_ms + CLOSED_AFTER_MS);
                out.push(Action::Stop);
            }
            // Nothing to wait for; a call that goes on elsewhere (`reconnect`) is kept for its return.
            _ => self.goodbye(out),
        }
    }

    fn goodbye(&mut self, out: &mut Vec<Action>) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.close_by_ms = None;
            self.send("closed", json!({}), out);
            out.push(Action::Close { code: 1000, reason: String::new() });
        }
    }

    fn wait_in_line(&mut self, entity: Value) {
        self.waiting.push(entity);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.remove(0);
        }
    }

    fn tell(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        self.budget.refill(now_ms);
        let may = self.opened && matches!(self.state, State::Active | State::Paused | State::Closing);
        while may && !self.waiting.is_empty() && self.budget.has_room() {
            let count = self.waiting.len().min(ENTITIES_MAX);
            let entities: Vec<Value> = self.waiting.drain(..count).collect();
            self.send("event", json!({ "entities": entities }), out);
        }
    }
}

impl Dialect for AudioHook {
    fn text(&mut self, now_ms: u64, text: &str, out: &mut Vec<Action>) {
        self.budget.refill(now_ms);
        if let Err(error) = self.message(now_ms, text, out) {
            match self.state {
                // A client that is being sent away may stumble; its goodbye counts all the same.
                State::Disconnecting if says_close(text) => self.goodbye(out),
                State::Disconnecting | State::Closing | State::Closed => {}
                _ => out.push(Action::Refuse(Refusal::BadMessage, error.0)),
            }
        }
        self.tell(now_ms, out);
    }

    fn binary(&mut self, _now_ms: u64, bytes: Bytes, out: &mut Vec<Action>) {
        match self.state {
            State::Preparing | State::Opening => {
                let message = "audio before opened".to_owned();
                out.push(Action::Refuse(Refusal::UnexpectedBinary, message));
            }
            State::Active if !self.probe && !bytes.is_empty() => out.push(Action::Audio { stream: 0, bytes }),
            _ => {}
        }
    }

    fn started(&mut self, _now_ms: u64, started: &Started, out: &mut Vec<Action>) {
        self.base_ms = started.t_ms;
        if self.state == State::Opening {
            self.state = State::Active;
            self.open_up(out);
        }
    }

    fn waiting(&mut self, out: &mut Vec<Action>) {
        self.open_up(out);
    }

    fn stopped(&mut self, _utterances: u64, out: &mut Vec<Action>) {
        self.goodbye(out);
    }

    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>) {
        if matches!(self.state, State::Closing | State::Closed) {
            return self.goodbye(out);
        }
        self.state = State::Disconnecting;
        self.waiting.clear();
        let reason = match refused.refusal {
            Refusal::Unauthorized => "unauthorized",
            _ => "error",
        };
        let mut info = format!("{}: {}", refused.refusal.code(), refused.message);
        if let Some(retry_after_s) = refused.retry_after_s {
            info.push_str(&format!("; try again in {retry_after_s} s"));
        }
        self.send("disconnect", json!({"reason": reason, "info": cut(&info, 1_000)}), out);
    }

    fn wants(&self) -> Wants {
        let told = self.settings.transcripts || self.settings.suggestions;
        if told { Wants::News } else { Wants::Nothing }
    }

    fn news(&mut self, now_ms: u64, news: &News, out: &mut Vec<Action>) {
        if let News::Events(events) = news {
            for event in events {
                if let Some(entity) = self.entity(event) {
                    self.wait_in_line(entity);
                }
            }
            self.tell(now_ms, out);
        }
    }

    fn deadline_ms(&self) -> Option<u64> {
        let room = (!self.waiting.is_empty() && self.opened).then(|| self.budget.room_at_ms());
        [self.close_by_ms, room].into_iter().flatten().min()
    }

    fn wake(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        self.tell(now_ms, out);
        if self.close_by_ms.is_some_and(|by_ms| by_ms <= now_ms) {
            self.goodbye(out);
        }
    }
}

fn says_close(message: &str) -> bool {
    let message: Option<Value> = serde_json::from_str(message).ok();
    message.is_some_and(|message| message.get("type") == Some(&json!("close")))
}
