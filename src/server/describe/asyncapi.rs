//! AsyncAPI 3.0 (asyncapi.com/docs/reference/specification/v3.0.0): what the sockets carry.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{AGENT, INGEST, SUPERVISE, generator, info, parameters, schema_of};
use crate::call::event::Event;
use crate::wire::feed::{
    AgentCommand, AgentMessage, CallFacts, Colleagues, Done, Erased, Load, SupervisorCommand, SupervisorSnapshot,
};
use crate::wire::native::{MediaSchema, Ready, Stopped, TranscriptSchema};
use crate::wire::{ErrorMessage, MAX_BINARY_BYTES, MAX_JSON_BYTES};

/// A path that becomes a WebSocket.
pub(super) struct Channel {
    pub path: &'static str,
    summary: &'static str,
    roles: &'static [&'static str],
    /// What the client sends, what the server sends.
    sends: fn(&mut SchemaGenerator) -> Value,
    hears: fn(&mut SchemaGenerator) -> Value,
    /// Binary frames of audio are sent as well.
    audio: bool,
}

/// Every socket. What a platform speaks is the platform's to describe; docs/phones.md links each description.
pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        path: "/v1/media",
        summary: "Audio of a call",
        roles: INGEST,
        sends: schema_of::<MediaSchema>,
        hears: answers,
        audio: true,
    },
    Channel {
        path: "/v1/transcripts",
        summary: "Words of a call that somebody else transcribes",
        roles: INGEST,
        sends: schema_of::<TranscriptSchema>,
        hears: answers,
        audio: false,
    },
    Channel {
        path: "/v1/listen",
        summary: "Audio in and results back, as Deepgram's clients expect them",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/twilio",
        summary: "Twilio Media Streams, and those who speak it too",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: false,
    },
    Channel {
        path: "/v1/media/audiohook",
        summary: "Genesys AudioHook",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/vonage",
        summary: "Vonage WebSockets",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/jambonz",
        summary: "jambonz listen",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/freeswitch",
        summary: "FreeSWITCH mod_audio_stream and its like",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/asterisk",
        summary: "Asterisk chan_websocket",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/media/asterisk/{id}",
        summary: "The same, the call named in the path",
        roles: INGEST,
        sends: elsewhere,
        hears: elsewhere,
        audio: true,
    },
    Channel {
        path: "/v1/feed/supervisor",
        summary: "A snapshot, then the events of all calls in scope; commands back",
        roles: SUPERVISE,
        sends: schema_of::<Request<SupervisorCommand>>,
        hears: schema_of::<BoardMessage>,
        audio: false,
    },
    Channel {
        path: "/v1/feed/agent/{agent}",
        summary: "An agent's own calls and prompts; answers back",
        roles: AGENT,
        sends: schema_of::<Request<AgentCommand>>,
        hears: schema_of::<AgentMessage>,
        audio: false,
    },
];

/// What our own streams answer.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum StreamAnswer {
    Ready(Ready),
    Stopped(Stopped),
    Error(ErrorMessage),
}

/// What a supervisor's feed carries.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum BoardMessage {
    Snapshot(SupervisorSnapshot),
    Event(BoardEvent),
    Load(Load),
    Facts(CallFacts),
    Erased(Erased),
    Colleagues(Colleagues),
    Done(Done),
    Error(ErrorMessage),
}

/// An event, and where the feed stands after it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct BoardEvent {
    #[serde(flatten)]
    event: Event,
    /// `after=CURSOR` continues from here.
    cursor: u64,
}

/// A command with a name of the sender's own choosing, which its answer carries.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Request<C> {
    #[serde(flatten)]
    command: C,
    /// Text or number.
    #[serde(default, rename = "ref")]
    reference: Option<Value>,
}

fn answers(generator: &mut SchemaGenerator) -> Value {
    schema_of::<StreamAnswer>(generator)
}

/// Frames described by the platform itself.
fn elsewhere(_: &mut SchemaGenerator) -> Value {
    json!({ "type": "object", "description": "As the platform's own documentation says; docs/phones.md names it, and what of it is read and sent." })
}

/// AsyncAPI 3.0.
pub fn asyncapi() -> Value {
    let mut generator = generator();
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for channel in CHANNELS {
        let name: String = channel.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let name = name.trim_matches('_').to_owned();
        let mut messages = json!({
            "sent": { "title": "From the client", "contentType": "application/json", "payload": (channel.sends)(&mut generator) },
            "heard": { "title": "From the server", "contentType": "application/json", "payload": (channel.hears)(&mut generator) },
        });
        let at = |message: &str| json!({ "$ref": format!("#/channels/{name}/messages/{message}") });
        let mut sent = vec![at("sent")];
        if channel.audio {
            messages["audio"] = json!({
                "title": "Audio",
                "contentType": "application/octet-stream",
                "payload": { "type": "string", "format": "binary", "maxLength": MAX_BINARY_BYTES },
            });
            sent.push(at("audio"));
        }
        let mut described = json!({
            "address": channel.path,
            "title": channel.summary,
            "description": format!("Roles: {}. JSON messages up to {MAX_JSON_BYTES} bytes.", channel.roles.join(", ")),
            "messages": messages,
        });
        let names: Map<String, Value> = parameters(channel.path).map(|name| (name.to_owned(), json!({}))).collect();
        if !names.is_empty() {
            described["parameters"] = Value::Object(names);
        }
        let of_channel = json!({ "$ref": format!("#/channels/{name}") });
        operations
            .insert(format!("{name}_receive"), json!({ "action": "receive", "channel": of_channel, "messages": sent }));
        operations.insert(
            format!("{name}_send"),
            json!({ "action": "send", "channel": of_channel, "messages": [at("heard")] }),
        );
        channels.insert(name, described);
    }
    // Named for readers who look for it; the feeds refer to it.
    let _ = schema_of::<Event>(&mut generator);
    json!({
        "asyncapi": "3.0.0",
        "info": info("ruhepol"),
        "defaultContentType": "application/json",
        "servers": { "here": {
            "host": "localhost:8080",
            "protocol": "ws",
            "security": [{ "$ref": "#/components/securitySchemes/token" }],
        } },
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "`Authorization: Bearer TOKEN`, or the subprotocols `bearer, TOKEN`; never in the address",
            } },
        },
    })
}
