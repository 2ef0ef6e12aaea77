//! What supervisors' boards and agents' panels say to us, and what they hear beside events.
//!
//! A command is a JSON object with `type` and, if the sender wants to know which answer is whose, a `ref` of its
//! own choosing (text or number). It is answered with `done` or `error`, both carrying that `ref`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::event::{Event, rfc3339};
use crate::call::view::{AgentView, CallView};
use crate::call::{AgentChannel, Facts};
use crate::language::facts::FactKind;
use crate::terms::Lang;
use crate::wire::{BadMessage, ErrorMessage, parse};

/// Longest text of a whisper, a note or a reason, in characters: it must be read during a call.
const MAX_TEXT_CHARS: usize = 2_000;

/// Longest snooze, in minutes: a day.
const MAX_SNOOZE_MINUTES: u32 = 24 * 60;

/// What a supervisor asks for.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SupervisorCommand {
    Ack {
        alert: String,
    },
    Dismiss {
        alert: String,
        /// Such as `false_alarm`.
        #[serde(default)]
        reason: Option<String>,
    },
    Snooze {
        alert: String,
        minutes: u32,
    },
    /// Words for the agent alone.
    Whisper {
        call: String,
        text: String,
    },
    /// The supervisor looks at the conversation; the agent is told.
    Open {
        call: String,
    },
    Close {
        call: String,
    },
    /// Words for the call's log.
    Note {
        call: String,
        text: String,
    },
}

/// What an agent answers.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentCommand {
    Used {
        #[serde(alias = "id")]
        prompt: String,
    },
    NotNow {
        #[serde(alias = "id")]
        prompt: String,
    },
    /// With `prompt`: not this practice any more in this call. Without: no prompts on this connection for so many
    /// minutes; 0 lifts it, absent is until it is lifted.
    Mute {
        #[serde(default, alias = "id")]
        prompt: Option<String>,
        #[serde(default)]
        minutes: Option<u32>,
        /// With `prompt`: not in any later call either, until the agent erases the record.
        #[serde(default)]
        for_good: bool,
    },
    /// Asks for the card of the shift; it comes as a message `card`, in the server's language without `lang`.
    Card {
        #[serde(default)]
        lang: Option<Lang>,
    },
    /// Shows a good moment to the supervisors: `seq` of the `moment` event in the agent's log.
    Share { call: String, seq: u64 },
}

/// A command, or what is wrong with it, with the `ref` to answer to.
#[derive(Debug, Clone, PartialEq)]
pub struct Request<C> {
    pub reference: Option<Value>,
    pub command: Result<C, BadMessage>,
}

impl SupervisorCommand {
    /// Fails only if the text is no JSON object at all: then nothing on this socket can be trusted.
    pub fn parse(text: &str) -> Result<Request<Self>, BadMessage> {
        request(text, |command| match command {
            Self::Whisper { text, .. } | Self::Note { text, .. } => check_text("text", text),
            Self::Dismiss { reason: Some(reason), .. } => check_text("reason", reason),
            Self::Snooze { minutes, .. } if !(1..=MAX_SNOOZE_MINUTES).contains(minutes) => {
                Err(BadMessage(format!("field `minutes`: {minutes} is not between 1 and {MAX_SNOOZE_MINUTES}")))
            }
            _ => Ok(()),
        })
    }
}

impl AgentCommand {
    /// As [`SupervisorCommand::parse`].
    pub fn parse(text: &str) -> Result<Request<Self>, BadMessage> {
        request(text, |_| Ok(()))
    }
}

/// The agent's shift so far: what was hard and what was good. Has no number, since it is part of no log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Card {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "card"))]
    kind: &'static str,
    agent: String,
    /// The load of the day in one line, if there was any.
    load: Option<String>,
    /// Empty after a shift without calls.
    lines: Vec<String>,
}

impl Card {
    pub fn new(agent: &str, load: Option<String>, lines: Vec<String>) -> Self {
        Self { kind: "card", agent: agent.to_owned(), load, lines }
    }
}

/// The answer to a command that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Done {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "done"))]
    kind: &'static str,
    #[serde(rename = "ref")]
    pub reference: Option<Value>,
}

impl Done {
    pub fn new(reference: Option<Value>) -> Self {
        Self { kind: "done", reference }
    }
}

/// What a supervisor sees first, and again whenever it fell behind.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SupervisorSnapshot {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "snapshot"))]
    kind: &'static str,
    pub node: String,
    /// Wall clock of the server, RFC 3339: the reader's own may be wrong.
    pub at: String,
    /// Whether agents' words can be in the call's log.
    pub agent_channel: AgentChannel,
    /// Position in the feed; `after=CURSOR` continues from here.
    pub cursor: u64,
    pub calls: Vec<CallView>,
}

impl SupervisorSnapshot {
    pub fn new(node: &str, unix_ms: u64, agent_channel: AgentChannel, cursor: u64, calls: Vec<CallView>) -> Self {
        Self { kind: "snapshot", node: node.to_owned(), at: rfc3339(unix_ms), agent_channel, cursor, calls }
    }
}

/// What an agent sees first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgentSnapshot {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "snapshot"))]
    kind: &'static str,
    pub node: String,
    pub agent: String,
    /// Wall clock of the server, RFC 3339.
    pub at: String,
    /// What happens to the agent's own words; said on the panel.
    pub agent_channel: AgentChannel,
    pub calls: Vec<AgentView>,
}

impl AgentSnapshot {
    pub fn new(node: &str, agent: &str, unix_ms: u64, agent_channel: AgentChannel, calls: Vec<AgentView>) -> Self {
        let (node, agent) = (node.to_owned(), agent.to_owned());
        Self { kind: "snapshot", node, agent, at: rfc3339(unix_ms), agent_channel, calls }
    }
}

/// An event on the supervisor feed: the event itself and where the feed stands after it.
#[derive(Debug, Serialize)]
pub struct FeedEvent<'a> {
    #[serde(flatten)]
    pub event: &'a Event,
    pub cursor: u64,
}

/// How much an agent had to bear; for the supervisor who can send them on a break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Load {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "load"))]
    kind: &'static str,
    pub agent: String,
    /// Calls that became heated since this server started.
    pub heated_calls: u32,
    /// Time in heated or critical calls.
    pub heated_ms: u64,
    pub break_suggested: bool,
}

impl Load {
    pub fn new(agent: &str, heated_calls: u32, heated_ms: u64, break_suggested: bool) -> Self {
        Self { kind: "load", agent: agent.to_owned(), heated_calls, heated_ms, break_suggested }
    }
}

/// What is known of an opened call apart from its course: from the phone system, and as the customer said it. Comes
/// once a call is opened, and again, with what is new in `said`, whenever the customer says more.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CallFacts {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "facts"))]
    kind: &'static str,
    pub call: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Seconds in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u64>,
    pub metadata: BTreeMap<String, String>,
    pub said: Vec<SaidFact>,
}

/// One thing the customer said of the matter: what it is about, since when, how often.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SaidFact {
    pub kind: FactKind,
    /// The customer's words.
    pub text: String,
    /// Media clock of the utterance.
    pub t_ms: u64,
}

impl CallFacts {
    pub fn new(call: &str, facts: &Facts, said: Vec<SaidFact>) -> Self {
        Self {
            kind: "facts",
            call: call.to_owned(),
            customer: facts.customer_name.clone(),
            wait_s: facts.wait_s,
            metadata: facts.metadata.iter().cloned().collect(),
            said,
        }
    }
}

/// What colleagues do at an opened call: who has it open, and what was whispered to its agent. Comes once a call is
/// opened, and again, whole, whenever it changes. Part of no log and kept nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Colleagues {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "colleagues"))]
    kind: &'static str,
    pub call: String,
    /// Who has it open, the reader included.
    pub watching: Vec<String>,
    /// The last of them, oldest first.
    pub whispers: Vec<Whispered>,
}

/// Words of a supervisor to an agent, as other supervisors see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Whispered {
    pub from: String,
    pub text: String,
    /// Media clock.
    pub t_ms: u64,
}

impl Colleagues {
    pub fn new(call: &str, watching: Vec<String>, whispers: Vec<Whispered>) -> Self {
        Self { kind: "colleagues", call: call.to_owned(), watching, whispers }
    }
}

/// How people sign in on the pages beside tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SignIn {
    /// `null`: by a token only.
    pub provider: Option<SignInProvider>,
}

/// An OpenID Connect provider at which the pages are a public client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SignInProvider {
    pub issuer: String,
    pub client_id: String,
    pub scope: String,
    /// Which of the provider's tokens this server takes.
    pub token: ProviderToken,
    /// Claim with who it is; dots lead into objects.
    pub sub_claim: String,
}

/// A kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderToken {
    /// Its audience is the client itself.
    Id,
    Access,
}

/// A call was erased: whoever shows or keeps it forgets it. Has no number, since the log it belonged to is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Erased {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "erased"))]
    kind: &'static str,
    pub call: String,
}

impl Erased {
    pub fn new(call: &str) -> Self {
        Self { kind: "erased", call: call.to_owned() }
    }
}

/// Everything a supervisor's feed carries; for the schema only.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SupervisorMessage {
    Snapshot(SupervisorSnapshot),
    Event(Event),
    Load(Load),
    Facts(CallFacts),
    Colleagues(Colleagues),
    Erased(Erased),
    Done(Done),
    Error(ErrorMessage),
}

/// Everything an agent's feed carries; for the schema only.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum AgentMessage {
    Snapshot(AgentSnapshot),
    Event(Event),
    Card(Card),
    Done(Done),
    Error(ErrorMessage),
}

/// Both feeds, their commands and the answer of `/v1/sign-in`, as one schema: what pages are generated from.
#[derive(Debug, JsonSchema)]
#[schemars(title = "Feeds")]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Feeds {
    supervisor: SupervisorMessage,
    supervisor_command: SupervisorCommand,
    agent: AgentMessage,
    agent_command: AgentCommand,
    sign_in: SignIn,
}

/// JSON Schema of the feeds.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Feeds)
}

fn request<C: for<'de> Deserialize<'de>>(
    text: &str,
    check: impl Fn(&C) -> Result<(), BadMessage>,
) -> Result<Request<C>, BadMessage> {
    let value: serde_json::Map<String, Value> =
        parse(text).map_err(|error| BadMessage(format!("a command is a JSON object: {error}")))?;
    let reference = match value.get("ref") {
        Some(reference @ (Value::String(_) | Value::Number(_))) => Some(reference.clone()),
        _ => None,
    };
    let command = parse::<C>(text).and_then(|command| check(&command).map(|()| command));
    Ok(Request { reference, command })
}

fn check_text(field: &str, text: &str) -> Result<(), BadMessage> {
    if text.trim().is_empty() {
        Err(BadMessage(format!("field `{field}` is empty")))
    } else if text.chars().count() > MAX_TEXT_CHARS {
        Err(BadMessage(format!("field `{field}` is longer than {MAX_TEXT_CHARS} characters")))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Result<SupervisorCommand, BadMessage> {
        SupervisorCommand::parse(text).unwrap().command
    }

    #[test]
    fn commands_and_their_refs() {
        let request = SupervisorCommand::parse(r#"{"type":"ack","alert":"c1:a1","ref":7,"more":1}"#).unwrap();
        assert_eq!(request.reference, Some(Value::from(7)));
        assert_eq!(request.command, Ok(SupervisorCommand::Ack { alert: "c1:a1".to_owned() }));
        let used = AgentCommand::parse(r#"{"type":"used","id":"c1:p1"}"#).unwrap();
        assert_eq!(used.reference, None);
        assert_eq!(used.command, Ok(AgentCommand::Used { prompt: "c1:p1".to_owned() }));
        let mute = AgentCommand::parse(r#"{"type":"mute"}"#).unwrap();
        assert_eq!(mute.command, Ok(AgentCommand::Mute { prompt: None, minutes: None, for_good: false }));
    }

    #[test]
    fn a_wrong_command_keeps_its_ref() {
        let request = SupervisorCommand::parse(r#"{"type":"shout","ref":"x"}"#).unwrap();
        assert_eq!(request.reference, Some(Value::from("x")));
        assert!(request.command.unwrap_err().0.contains("shout"));
        assert!(command(r#"{"type":"ack"}"#).unwrap_err().0.contains("alert"));
        assert!(command(r#"{"type":"snooze","alert":"a","minutes":0}"#).is_err());
        assert!(command(r#"{"type":"snooze","alert":"a","minutes":"5"}"#).is_err());
        assert!(command(r#"{"type":"whisper","call":"c","text":" "}"#).is_err());
        let long = format!(r#"{{"type":"note","call":"c","text":"{}"}}"#, "x".repeat(MAX_TEXT_CHARS + 1));
        assert!(command(&long).is_err());
    }

    #[test]
    fn what_is_no_object_is_no_request() {
        for text in ["", "7", "[]", "{", "null"] {
            assert!(SupervisorCommand::parse(text).is_err(), "{text}");
        }
    }
}
