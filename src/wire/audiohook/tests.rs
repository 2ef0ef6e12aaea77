//! Sessions as the platform's own client leads them, and everything it or somebody else may do wrong.

use proptest::prelude::*;

use super::budget::{BURST, RATE_PER_S};
use super::values::duration;
use super::*;
use crate::audio::Encoding;
use crate::call::event::{Event, EventKind, Log};

const SESSION: &str = "30b0e395-84d3-4570-ac13-9a62d8f514c0";
const ORGANIZATION: &str = "d7934305-0972-4844-938e-9060eef73d05";
const CONVERSATION: &str = "e160e428-53e2-487c-977d-96989bf5c99d";

/// A client that numbers its messages, and its server.
struct Client {
    hook: AudioHook,
    seq: u64,
    server_seq: u64,
    now_ms: u64,
}

impl Client {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            fields: FieldMap::default(),
            organization: Some(ORGANIZATION.to_owned()),
            session: Some(SESSION.to_owned()),
            agent: true,
            transcripts: false,
            suggestions: false,
        };
        change(&mut settings);
        Self { hook: AudioHook::new(settings), seq: 0, server_seq: 0, now_ms: 0 }
    }

    fn message(&mut self, kind: &str, parameters: Value) -> Value {
        self.seq += 1;
        json!({"version": "2", "id": SESSION, "type": kind, "seq": self.seq, "serverseq": self.server_seq,
            "position": "PT0S", "parameters": parameters})
    }

    fn raw(&mut self, text: &str) -> Vec<Action> {
        let mut out = Vec::new();
        self.hook.text(self.now_ms, text, &mut out);
        self.check(&out);
        out
    }

    fn say(&mut self, kind: &str, parameters: Value) -> Vec<Action> {
        let message = self.message(kind, parameters);
        self.raw(&message.to_string())
    }

    /// What every message of ours must be, as the platform's client checks it.
    fn check(&mut self, out: &[Action]) {
        for action in out {
            let Action::Send(text) = action else { continue };
            let message: Value = serde_json::from_str(text).unwrap();
            self.server_seq += 1;
            assert_eq!(message["seq"], self.server_seq, "numbers have no gap: {message}");
            assert_eq!((&message["version"], &message["id"]), (&json!("2"), &json!(SESSION)));
            assert!(message["clientseq"].as_u64().unwrap() <= self.seq, "{message}");
            assert!(message["parameters"].is_object(), "{message}");
            assert!(text.len() < 65_535);
        }
    }

    /// Opens a session up to `opened`; what the call is started with.
    fn open(&mut self, parameters: Value) -> Start {
        let out = self.say("open", parameters);
        let [Action::Start(start)] = out.as_slice() else { panic!("no start: {out:?}") };
        let mut out = Vec::new();
        let started = Started { call: start.opening.call.clone(), t_ms: 0, resumed: false };
        self.hook.started(self.now_ms, &started, &mut out);
        self.check(&out);
        assert_eq!(kinds(&out), ["opened"]);
        Start::clone(start)
    }

    fn news(&mut self, kinds: Vec<EventKind>) -> Vec<Action> {
        let events = kinds.into_iter().enumerate().map(|(index, kind)| Event {
            call: "c1".to_owned(),
            log: Log::Call,
            seq: index as u64 + 2,
            at: String::new(),
            t_ms: 0,
            kind,
            durable: None,
        });
        let mut out = Vec::new();
        self.hook.news(self.now_ms, &News::Events(events.collect()), &mut out);
        self.check(&out);
        out
    }

    fn wake(&mut self, now_ms: u64) -> Vec<Action> {
        self.now_ms = now_ms;
        let mut out = Vec::new();
        self.hook.wake(now_ms, &mut out);
        self.check(&out);
        out
    }
}

fn sent(out: &[Action]) -> Vec<Value> {
    out.iter()
        .filter_map(|action| match action {
            Action::Send(text) => Some(serde_json::from_str(text).unwrap()),
            _ => None,
        })
        .collect()
}

fn kinds(out: &[Action]) -> Vec<String> {
    sent(out).iter().map(|message| message["type"].as_str().unwrap().to_owned()).collect()
}

fn media(format: &str, channels: &[&str]) -> Value {
    json!({"type": "audio", "format": format, "channels": channels, "rate": 8000})
}

fn offers() -> Value {
    json!([media("PCMU", &["external", "internal"]), media("PCMU", &["external"]), media("PCMU", &["internal"])])
}

fn open_with(media: Value) -> Value {
    json!({"organizationId": ORGANIZATION, "conversationId": CONVERSATION,
        "participant": {"id": SESSION, "ani": "+1-555-555-1234", "aniName": "Keller", "dnis": "+1-800"},
        "media": media, "language": "de-DE", "customConfig": {"consent": true, "agent": "a7"}})
}

#[test]
fn a_session_from_open_to_closed() {
    let mut client = Client::new(|_| {});
    let start = client.open(open_with(offers()));
    assert_eq!(start.opening.call, CONVERSATION);
    assert_eq!((start.opening.consent, start.opening.language), (Some(true), Some(Lang::De)));
    assert_eq!(start.opening.facts.agent.as_deref(), Some("a7"));
    assert_eq!(start.streams[0].channels, [Channel::Customer, Channel::Agent]);
    let pong = sent(&client.say("ping", json!({})));
    assert_eq!((&pong[0]["type"], &pong[0]["clientseq"]), (&json!("pong"), &json!(2)));
    assert_eq!(kinds(&client.say("ping", json!({"rtt": "PT0.05S"}))), ["pong"]);
    let mut out = Vec::new();
    client.hook.binary(0, vec![0xff; 3_200].into(), &mut out);
    client.hook.binary(0, Bytes::new(), &mut out);
    assert_eq!(out, [Action::Audio { stream: 0, bytes: vec![0xff; 3_200].into() }]);
    assert_eq!(client.say("paused", json!({})), [Action::Hold]);
    out.clear();
    client.hook.binary(0, vec![0xff; 160].into(), &mut out);
    assert_eq!(out, [], "nothing is heard while paused");
    let resumed = client.say("resumed", json!({"start": "PT1S", "discarded": "PT2.5S"}));
    assert_eq!(resumed, [Action::Resume { skipped_ms: Some(2_500) }]);
    let discarded = client.say("discarded", json!({"start": "PT1S", "discarded": "PT.25S"}));
    assert_eq!(discarded, [Action::Skip { stream: 0, duration_ms: 250 }]);
    let updated = client.say("update", json!({"language": "en-GB"}));
    assert_eq!((&updated[0], kinds(&updated)), (&Action::Language(Lang::En), vec!["updated".to_owned()]));
    assert_eq!(client.say("update", json!({"language": "fr-FR"})), []);
    assert_eq!(client.say("dtmf", json!({"digit": "1"})), []);
    assert_eq!(client.say("close", json!({"reason": "end"})), [Action::Stop]);
    assert_eq!(kinds(&client.say("ping", json!({}))), ["pong"], "also while the last words are read");
    out.clear();
    client.hook.stopped(3, &mut out);
    assert_eq!(kinds(&out), ["closed"]);
    assert_eq!(out[1], Action::Close { code: 1000, reason: String::new() });
    out.clear();
    client.hook.stopped(3, &mut out);
    assert_eq!(out, [], "once");
}

#[test]
fn closed_does_not_wait_for_ever() {
    let mut client = Client::new(|_| {});
    client.open(open_with(offers()));
    client.now_ms = 60_000;
    client.say("close", json!({"reason": "end"}));
    assert_eq!(client.hook.deadline_ms(), Some(65_000));
    assert_eq!(client.wake(64_999), []);
    assert_eq!(kinds(&client.wake(65_000)), ["closed"]);
}

#[test]
fn one_offer_is_taken_as_it_was_offered() {
    let select = |agent: bool, offers: Value| {
        let mut client = Client::new(|settings| settings.agent = agent);
        let out = client.say("open", open_with(offers));
        match out.as_slice() {
            [Action::Start(start)] => Some((client.hook.media[0].clone(), start.streams[0].clone())),
            _ => None,
        }
    };
    let both = media("PCMU", &["external", "internal"]);
    let turned = media("PCMU", &["internal", "external"]);
    let external = media("PCMU", &["external"]);
    let linear = media("L16", &["external", "internal"]);
    use Channel::{Agent, Customer};
    let (offer, stream) = select(true, json!([turned, external])).unwrap();
    assert_eq!((offer, stream.channels), (turned.clone(), vec![Agent, Customer]));
    let (offer, stream) = select(false, json!([both, external])).unwrap();
    assert_eq!((offer, stream.channels), (external.clone(), vec![Customer]));
    let (offer, _) = select(true, json!([external, linear])).unwrap();
    assert_eq!(offer, linear);
    assert_eq!(select(true, json!([external])).unwrap().1.channels, [Customer]);
    assert_eq!(select(false, json!([both])).unwrap().0, both, "better than nothing");
    assert_eq!(select(true, json!([linear, both])).unwrap().1.encoding, Encoding::PcmS16le);
    let internal = media("PCMU", &["internal"]);
    assert_eq!(select(true, json!([internal])).unwrap().1.channels, [Agent]);
    assert_eq!(
        select(true, json!([internal, external])).unwrap().1.channels,
        [Customer],
        "the customer is what counts"
    );
    assert_eq!(select(false, json!([internal])), None, "the agent's voice is not to come here");
    for wrong in [
        json!([]),
        json!([media("OPUS", &["external"])]),
        json!([media("PCMU", &["external", "external"])]),
        json!([{"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 16000}]),
        json!([7, null, {}]),
    ] {
        assert_eq!(select(true, wrong.clone()), None, "{wrong}");
    }
}

#[test]
fn a_probe_is_answered_and_is_no_call() {
    let mut client = Client::new(|_| {});
    let mut parameters = open_with(offers());
    parameters["conversationId"] = json!(NO_ONE);
    parameters["participant"]["id"] = json!(NO_ONE);
    assert_eq!(kinds(&client.say("open", parameters)), ["opened"]);
    assert_eq!(kinds(&client.say("ping", json!({}))), ["pong"]);
    let mut out = Vec::new();
    client.hook.binary(0, Bytes::new(), &mut out);
    client.hook.binary(0, vec![1; 100].into(), &mut out);
    assert_eq!(out, []);
    assert_eq!(kinds(&client.say("close", json!({"reason": "end"}))), ["closed"]);
}

#[test]
fn a_slow_call_is_opened_before_it_is_there() {
    let mut client = Client::new(|_| {});
    let out = client.say("open", open_with(offers()));
    assert!(matches!(out.as_slice(), [Action::Start(_)]));
    let mut out = Vec::new();
    client.hook.waiting(&mut out);
    assert_eq!(kinds(&out), ["opened"]);
    client.check(&out);
    let mut out = Vec::new();
    client.hook.started(0, &Started { call: "c".to_owned(), t_ms: 0, resumed: false }, &mut out);
    assert_eq!(out, [], "once is enough");
}

#[test]
fn whoever_is_sent_away_is_told_so_and_may_close() {
    let mut client = Client::new(|_| {});
    client.open(open_with(offers()));
    let mut out = Vec::new();
    let refused = Refused { refusal: Refusal::Busy, message: "full".to_owned(), retry_after_s: Some(5) };
    client.hook.refused(&refused, &mut out);
    client.check(&out);
    let message = &sent(&out)[0];
    assert_eq!((&message["type"], &message["parameters"]["reason"]), (&json!("disconnect"), &json!("error")));
    assert!(message["parameters"]["info"].as_str().unwrap().contains("busy"));
    assert_eq!(kinds(&client.say("ping", json!({}))), ["pong"]);
    assert_eq!(client.say("paused", json!({})), []);
    let out = client.say("close", json!({"reason": "disconnect"}));
    assert_eq!(kinds(&out), ["closed"]);
    assert!(matches!(out.last(), Some(Action::Close { code: 1000, .. })));
}

#[test]
fn an_error_of_the_client_keeps_the_call_for_its_return() {
    for reason in ["error", "reconnect", "disconnect"] {
        let mut client = Client::new(|_| {});
        client.open(open_with(offers()));
        client.say("error", json!({"code": 408, "message": "no pong"}));
        let out = client.say("close", json!({ "reason": reason }));
        assert_eq!(kinds(&out), ["closed"], "{reason}");
        assert!(!out.contains(&Action::Stop), "{reason}");
    }
}

#[test]
fn what_breaks_the_protocol_is_refused_and_said() {
    let refused = |out: &[Action], part: &str| match out {
        [Action::Refuse(Refusal::BadMessage, message)] => assert!(message.contains(part), "{part}: {message}"),
        other => panic!("{part}: {other:?}"),
    };
    let changed = |field: &str, value: Value| {
        let mut client = Client::new(|_| {});
        client.open(open_with(offers()));
        let mut message = client.message("ping", json!({}));
        message[field] = value;
        client.raw(&message.to_string())
    };
    refused(&changed("version", json!(2)), "version");
    refused(&changed("version", json!("1")), "version");
    refused(&changed("id", json!(CONVERSATION)), "id");
    refused(&changed("id", json!("x")), "id");
    refused(&changed("seq", json!(3)), "seq");
    refused(&changed("seq", json!(1)), "seq");
    refused(&changed("seq", json!("2")), "seq");
    refused(&changed("serverseq", json!(9)), "serverseq");
    refused(&changed("serverseq", Value::Null), "serverseq");
    refused(&changed("position", json!("12")), "position");
    refused(&changed("type", json!(7)), "type");
    refused(&changed("parameters", json!([])), "parameters");
    let first = |kind: &str, parameters: Value| Client::new(|_| {}).say(kind, parameters);
    refused(&first("ping", json!({})), "before open");
    refused(&first("open", Value::Null), "parameters");
    let without = |field: &str, value: Value| {
        let mut parameters = open_with(offers());
        parameters[field] = value;
        first("open", parameters)
    };
    refused(&without("organizationId", json!(CONVERSATION)), "organizationId");
    refused(&without("conversationId", json!("c1")), "conversationId");
    refused(&without("participant", json!({})), "participant.id");
    refused(&without("media", json!({})), "media");
    let mut client = Client::new(|_| {});
    client.open(open_with(offers()));
    refused(&client.say("open", open_with(offers())), "second open");
    refused(&client.raw("{"), "JSON");
    refused(&client.say("discarded", json!({"start": "PT0S"})), "discarded");
    let mut out = Vec::new();
    Client::new(|_| {}).hook.binary(0, vec![1].into(), &mut out);
    assert!(matches!(out.as_slice(), [Action::Refuse(Refusal::UnexpectedBinary, _)]));
}

#[test]
fn a_stumbling_client_that_is_sent_away_still_gets_its_closed() {
    let mut client = Client::new(|_| {});
    client.open(open_with(offers()));
    client.seq = 40;
    assert!(matches!(client.say("ping", json!({})).as_slice(), [Action::Refuse(..)]));
    let mut out = Vec::new();
    let refused = Refused { refusal: Refusal::BadMessage, message: "seq".to_owned(), retry_after_s: None };
    client.hook.refused(&refused, &mut out);
    client.check(&out);
    client.seq = 7;
    let message = client.message("close", json!({"reason": "disconnect"})).to_string();
    let mut out = Vec::new();
    client.hook.text(0, &message, &mut out);
    assert_eq!(kinds(&out), ["closed"]);
}

fn utterance(text: &str) -> EventKind {
    EventKind::Utterance {
        channel: Channel::Customer,
        start_ms: 1_000,
        end_ms: 3_250,
        text: Some(text.to_owned()),
        confidence: Some(0.5),
    }
}

#[test]
fn words_and_suggestions_go_back_when_wanted() {
    let mut client = Client::new(|settings| {
        settings.transcripts = true;
        settings.suggestions = true;
    });
    client.open(open_with(json!([media("PCMU", &["internal", "external"])])));
    let suggestion = EventKind::Suggestion {
        id: "c1:s1".to_owned(),
        practice: "apologise".to_owned(),
        text: "Das tut mir leid.".to_owned(),
        alert: None,
    };
    let out = client.news(vec![utterance("Wo ist mein Paket?"), EventKind::Hold, suggestion]);
    let entities = sent(&out)[0]["parameters"]["entities"].clone();
    assert_eq!(entities.as_array().unwrap().len(), 2, "one message for what belongs together");
    let data = &entities[0]["data"];
    assert_eq!((&data["channelId"], &data["isFinal"]), (&json!(1), &json!(true)));
    assert_eq!((&data["offset"], &data["duration"]), (&json!("PT1.000S"), &json!("PT2.250S")));
    assert_eq!(data["alternatives"][0]["interpretations"][0]["transcript"], "Wo ist mein Paket?");
    assert_eq!(entities[1]["type"], "agentassist");
    let mut silent = Client::new(|_| {});
    silent.open(open_with(offers()));
    assert_eq!(silent.news(vec![utterance("x")]), []);
}

#[test]
fn events_stay_within_the_budget_and_pong_never_waits() {
    let mut client = Client::new(|settings| settings.transcripts = true);
    client.open(open_with(offers()));
    let mut events = 0;
    for _ in 0..100 {
        events += sent(&client.news(vec![utterance("Ja.")])).len();
        assert!(events <= BURST as usize);
    }
    assert_eq!(kinds(&client.say("ping", json!({}))), ["pong"]);
    let mut told = events;
    while let Some(at_ms) = client.hook.deadline_ms() {
        let out = client.wake(at_ms);
        for message in sent(&out) {
            events += 1;
            told += message["parameters"]["entities"].as_array().unwrap().len();
        }
        assert!(client.now_ms < 20_000, "what waits is told in the end");
    }
    assert_eq!(told, 100, "nothing is lost");
    let allowed = BURST + client.now_ms as f64 / 1e3 * RATE_PER_S;
    assert!(events as f64 <= allowed, "{events} messages in {} ms", client.now_ms);
}

#[test]
fn too_many_messages_are_followed_by_quiet() {
    let mut client = Client::new(|settings| settings.transcripts = true);
    client.open(open_with(offers()));
    assert_eq!(kinds(&client.news(vec![utterance("Ja.")])), ["event"]);
    client.say("error", json!({"code": 429, "message": "too many", "retryAfter": "PT7S"}));
    assert_eq!(client.news(vec![utterance("Nein.")]), []);
    assert_eq!(kinds(&client.say("ping", json!({}))), ["pong"], "answers go on");
    let at_ms = client.hook.deadline_ms().unwrap();
    assert!(at_ms >= 7_000, "{at_ms}");
    assert_eq!(client.wake(6_999), []);
    let told = (at_ms..at_ms + 1_000).find(|at_ms| !client.wake(*at_ms).is_empty());
    assert!(told.is_some_and(|told_ms| told_ms < 8_000), "{told:?}");
}

#[test]
fn durations() {
    let cases = [("PT0S", Some(0)), ("PT12.3S", Some(12_300)), ("PT.25S", Some(250)), ("PT1.0005S", Some(1_001))];
    for (text, ms) in cases {
        assert_eq!(parse_duration(text), ms, "{text}");
    }
    for wrong in ["", "PT", "PTS", "PT1", "1S", "PT1.S", "PT-1S", "PT1e3S", "PTinfS", "PT1.2.3S", "PT99999999S", "P1D"]
    {
        assert_eq!(parse_duration(wrong), None, "{wrong}");
    }
    assert_eq!(duration(61_005), "PT61.005S");
}

proptest! {
    #[test]
    fn no_sequence_of_frames_panics_or_breaks_our_numbers(
        steps in prop::collection::vec((0..12_u8, any::<bool>(), any::<u64>(), ".{0,20}"), 0..60)
    ) {
        let mut client = Client::new(|settings| settings.transcripts = true);
        for (kind, right, number, words) in steps {
            client.now_ms += number % 3_000;
            let name = ["open", "ping", "paused", "resumed", "discarded", "update", "error", "close", "dtmf", "x"];
            let parameters = if right { open_with(offers()) } else { json!({"discarded": words, "language": words}) };
            let mut out = match kind {
                0..=9 => {
                    let mut message = client.message(name[kind as usize], parameters);
                    if !right {
                        message["seq"] = json!(number);
                    }
                    client.raw(&message.to_string())
                }
                10 => client.raw(&words),
                _ => client.news(vec![utterance(&words)]),
            };
            let mut more = Vec::new();
            for action in out.drain(..) {
                match action {
                    Action::Start(start) => {
                        let started = Started { call: start.opening.call.clone(), t_ms: number, resumed: !right };
                        client.hook.started(client.now_ms, &started, &mut more);
                    }
                    Action::Refuse(refusal, message) => {
                        let refused = Refused { refusal, message, retry_after_s: None };
                        client.hook.refused(&refused, &mut more);
                    }
                    Action::Stop => client.hook.stopped(0, &mut more),
                    _ => {}
                }
            }
            client.hook.binary(client.now_ms, words.into_bytes().into(), &mut more);
            client.check(&more);
            let now_ms = client.now_ms;
            client.wake(now_ms);
        }
    }
}
