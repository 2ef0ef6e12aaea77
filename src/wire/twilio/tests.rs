use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::terms::Lang;
use crate::wire::sign::to_base64;

fn twilio() -> Twilio {
    let fields = FieldMap::default();
    Twilio::new(Settings { fields, query: Map::new(), inbound: Channel::Customer, fallback_id: "fallback".to_owned() })
}

fn say(twilio: &mut Twilio, message: &Value) -> Vec<Action> {
    let mut out = Vec::new();
    twilio.text(0, &message.to_string(), &mut out);
    out
}

fn start(twilio: &mut Twilio, message: &Value) -> Start {
    match say(twilio, message).as_slice() {
        [Action::Start(start)] => Start::clone(start),
        other => panic!("no start: {other:?}"),
    }
}

fn media(track: &str, timestamp: Value, bytes: &[u8]) -> Value {
    json!({"event": "media", "sequenceNumber": "3", "streamSid": "MZ1",
        "media": {"track": track, "chunk": "1", "timestamp": timestamp, "payload": to_base64(bytes)}})
}

fn twilio_start() -> Value {
    json!({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": {"accountSid": "AC1",
        "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound", "outbound"],
        "customParameters": {"consent": "true", "agent": "a7", "customer_name": "Frau Keller", "order": "7"},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}})
}

#[test]
fn a_session_as_twilio_sends_it() {
    let mut twilio = twilio();
    assert_eq!(say(&mut twilio, &json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})), []);
    let start = start(&mut twilio, &twilio_start());
    assert_eq!(start.opening.call, "CA1");
    assert_eq!(start.opening.consent, Some(true));
    assert_eq!(start.opening.channels, [Channel::Customer, Channel::Agent]);
    assert_eq!(start.opening.facts.customer_name.as_deref(), Some("Frau Keller"));
    assert_eq!(start.opening.facts.metadata["order"], "7");
    let stream = |channel| Stream { encoding: Encoding::Mulaw, sample_rate: 8_000, channels: vec![channel] };
    assert_eq!(start.streams, [stream(Channel::Customer), stream(Channel::Agent)]);
    let audio = |stream: usize| Action::Audio { stream, bytes: Bytes::from_static(&[0xff; 160]) };
    assert_eq!(say(&mut twilio, &media("inbound", json!("5"), &[0xff; 160])), [audio(0)]);
    assert_eq!(say(&mut twilio, &media("outbound", json!("5"), &[0xff; 160])), [audio(1)]);
    assert_eq!(say(&mut twilio, &media("inbound", json!("25"), &[0xff; 160])), [audio(0)]);
    let gap = Action::Skip { stream: 0, duration_ms: 960 };
    assert_eq!(say(&mut twilio, &media("inbound", json!("1005"), &[0xff; 160])), [gap, audio(0)]);
    assert_eq!(say(&mut twilio, &json!({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "1"}})), []);
    assert_eq!(say(&mut twilio, &json!({"event": "stop", "stop": {"callSid": "CA1"}})), [Action::Stop]);
    assert_eq!(say(&mut twilio, &media("inbound", json!("1025"), &[0xff; 160])), []);
    let mut out = Vec::new();
    twilio.stopped(3, &mut out);
    assert_eq!(out, [Action::Close { code: 1000, reason: String::new() }]);
}

#[test]
fn a_client_that_leaves_everything_out() {
    let mut twilio = twilio();
    let start = start(&mut twilio, &json!({"event": "start", "start": {"callSid": "CA9", "streamSid": "MZ9"}}));
    assert_eq!((start.opening.call.as_str(), start.opening.consent), ("CA9", None));
    assert_eq!(start.streams[0].encoding, Encoding::Mulaw);
    let frame = json!({"event": "media", "media": {"payload": to_base64(&[1; 320])}});
    assert_eq!(say(&mut twilio, &frame), [Action::Audio { stream: 0, bytes: Bytes::from_static(&[1; 320]) }]);
    let mut out = Vec::new();
    twilio.closed(&mut out);
    assert_eq!(out, [Action::Stop], "a close without stop ends the call");
}

#[test]
fn telnyx_and_exotel() {
    let mut telnyx = twilio();
    let started = start(
        &mut telnyx,
        &json!({"event": "start", "sequence_number": "1", "stream_id": "32de", "start": {"call_control_id": "v3:c",
            "media_format": {"encoding": "PCMA", "sample_rate": 8000, "channels": 1},
            "custom_parameters": {"language": "en"}}}),
    );
    assert_eq!((started.opening.call.as_str(), started.opening.language), ("v3:c", Some(Lang::En)));
    assert_eq!(started.streams[1].encoding, Encoding::Alaw);
    let mut exotel = twilio();
    let started = start(
        &mut exotel,
        &json!({"event": "start", "sequence_number": 1, "stream_sid": "s1", "start": {"stream_sid": "s1",
            "call_sid": "x1", "media_format": {"encoding": "base64", "sample_rate": "8000", "bit_rate": "128kbps"}}}),
    );
    assert_eq!((started.opening.call.as_str(), started.streams[0].encoding), ("x1", Encoding::PcmS16le));
    let frame = json!({"event": "media", "sequence_number": 3, "stream_sid": "s1",
        "media": {"chunk": 2, "timestamp": 10, "payload": to_base64(&[0; 3200])}});
    assert!(matches!(say(&mut exotel, &frame).as_slice(), [Action::Audio { stream: 0, .. }]));
}

#[test]
fn telnyx_packets_are_put_back_into_order_and_nobody_elses() {
    let packet = |chunk: u64, track: &str| {
        json!({"event": "media", "sequence_number": "9", "stream_id": "s", "media": {"track": track,
            "chunk": chunk.to_string(), "timestamp": (chunk * 20).to_string(), "payload": to_base64(&[chunk as u8; 160])}})
    };
    let heard = |start_message: Value, order: &[(u64, &str)]| -> Vec<(usize, u64)> {
        let mut platform = twilio();
        start(&mut platform, &start_message);
        let mut out: Vec<Action> =
            order.iter().flat_map(|(chunk, track)| say(&mut platform, &packet(*chunk, track))).collect();
        out.extend(say(&mut platform, &json!({"event": "stop"})));
        assert_eq!(out.pop(), Some(Action::Stop));
        let heard = out.into_iter().map(|action| match action {
            Action::Audio { stream, bytes } => (stream, u64::from(bytes[0])),
            other => panic!("{other:?}"),
        });
        heard.collect()
    };
    let telnyx = json!({"event": "start", "stream_id": "s", "start": {"call_control_id": "v3:c",
        "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}}});
    let sent = [
        (1, "inbound"),
        (3, "inbound"),
        (2, "outbound"),
        (2, "inbound"),
        (1, "outbound"),
        (5, "inbound"),
        (4, "inbound"),
    ];
    let mut both = heard(telnyx, &sent);
    both.sort_by_key(|(stream, _)| *stream);
    assert_eq!(both, [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 1), (1, 2)]);
    let swapped: Vec<u64> = heard(twilio_start(), &sent[..4]).iter().map(|(_, chunk)| *chunk).collect();
    assert_eq!(swapped, [1, 3, 2, 2], "Twilio's come as they are sent");
}

#[test]
fn names_and_places_that_differ_from_twilios() {
    let format = |encoding: &str| {
        let mut message = twilio_start();
        message["start"]["mediaFormat"] = json!({"encoding": encoding, "sample_rate": "16000"});
        start(&mut twilio(), &message).streams[0].encoding
    };
    assert_eq!(format("audio/x-raw"), Encoding::PcmS16le);
    assert_eq!(format("audio/x-mulaw;rate=8000"), Encoding::Mulaw);
    let mut listed = twilio();
    let mut message = twilio_start();
    message["start"]["customParameters"] = json!([{"name": "agent", "value": "a9"}, {"name": "x"}, 7]);
    assert_eq!(start(&mut listed, &message).opening.facts.agent.as_deref(), Some("a9"));
    message["start"]["customParameters"] = json!("none");
    let mut addressed = twilio();
    addressed.settings.query = Map::from_iter([("queue".to_owned(), json!("q")), ("agent".to_owned(), json!("a1"))]);
    let facts = start(&mut addressed, &message).opening.facts;
    assert_eq!((facts.agent.as_deref(), facts.queue.as_deref()), (Some("a1"), Some("q")));
    message["start"]["customParameters"] = json!({"agent": "a2"});
    let mut both = twilio();
    both.settings.query = addressed.settings.query;
    assert_eq!(start(&mut both, &message).opening.facts.agent.as_deref(), Some("a2"), "what start says comes first");
}

#[test]
fn roles_follow_direction_and_parameters() {
    let with = |parameters: Value, tracks: Value| {
        let mut message = twilio_start();
        message["start"]["customParameters"] = parameters;
        message["start"]["tracks"] = tracks;
        start(&mut twilio(), &message).opening.channels
    };
    use Channel::{Agent, Customer};
    assert_eq!(with(json!({"direction": "outbound"}), json!(["inbound", "outbound"])), [Agent, Customer]);
    assert_eq!(with(json!({"direction": "inbound"}), json!(["inbound"])), [Customer]);
    assert_eq!(with(json!({"channel": "agent"}), json!(["inbound"])), [Agent], "one leg of two");
    assert_eq!(with(json!({"channel": "agent"}), json!([])), [Agent]);
    assert_eq!(with(json!({}), json!(["outbound", "outbound"])), [Agent]);
}

#[test]
fn what_is_wrong_is_refused_and_said() {
    let refused = |messages: &[Value]| {
        let mut twilio = twilio();
        let said: Vec<_> = messages.iter().map(|message| say(&mut twilio, message)).collect();
        match said[said.len() - 1].as_slice() {
            [Action::Refuse(refusal, message)] => (*refusal, message.clone()),
            other => panic!("{other:?}"),
        }
    };
    let bad = |messages: &[Value], part: &str| {
        let (refusal, message) = refused(messages);
        assert_eq!(refusal, Refusal::BadMessage);
        assert!(message.contains(part), "{message}");
    };
    bad(&[json!({"x": 1})], "event");
    bad(&[json!([1])], "");
    bad(&[media("inbound", json!("5"), &[0])], "before start");
    bad(&[twilio_start(), twilio_start()], "second start");
    bad(&[twilio_start(), json!({"event": "media", "media": {"payload": "***"}})], "base64");
    bad(&[twilio_start(), json!({"event": "media", "media": {"payload": 7}})], "payload");
    let mut opus = twilio_start();
    opus["start"]["mediaFormat"]["encoding"] = json!("OPUS");
    bad(&[opus], "OPUS");
    let mut out = Vec::new();
    twilio().binary(0, Bytes::from_static(b"x"), &mut out);
    assert!(matches!(out.as_slice(), [Action::Refuse(Refusal::UnexpectedBinary, _)]));
    let told = Refused { refusal: Refusal::Busy, message: "x".repeat(300), retry_after_s: Some(5) };
    let mut out = Vec::new();
    twilio().refused(&told, &mut out);
    assert!(matches!(out.as_slice(), [Action::Close { code: 1013, reason }] if reason.len() <= 123));
}

#[test]
fn stamps_of_another_clock_are_no_gap() {
    let mut twilio = twilio();
    start(&mut twilio, &twilio_start());
    let wall = 1_780_000_000_000_u64;
    assert_eq!(say(&mut twilio, &media("inbound", json!(wall), &[0; 160])).len(), 1);
    assert_eq!(say(&mut twilio, &media("inbound", json!(wall + 20), &[0; 160])).len(), 1);
    assert_eq!(say(&mut twilio, &media("inbound", json!(5), &[0; 160])).len(), 1, "back in time");
    assert_eq!(say(&mut twilio, &media("inbound", json!(u64::MAX), &[0; 160])).len(), 1, "another clock");
    assert_eq!(say(&mut twilio, &media("inbound", json!("x"), &[0; 160])).len(), 1);
    assert_eq!(say(&mut twilio, &media("inbound", json!(-1e300), &[0; 160])).len(), 1);
}

fn frames() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9+/=]{0,40}".prop_map(Value::from),
        Just(json!({})),
        Just(json!([[]])),
    ];
    let fields = prop::sample::select(vec![
        "track",
        "timestamp",
        "payload",
        "callSid",
        "tracks",
        "customParameters",
        "mediaFormat",
        "encoding",
    ]);
    let inner = prop::collection::btree_map(fields, value, 0..5);
    let event = prop::sample::select(vec!["connected", "start", "media", "stop", "dtmf", "mark", "other"]);
    prop_oneof![
        (event, inner).prop_map(|(event, inner)| {
            json!({"event": event, event: inner.into_iter().collect::<std::collections::BTreeMap<_, _>>()}).to_string()
        }),
        ".{0,60}",
    ]
}

proptest! {
    #[test]
    fn no_frame_panics(frames in prop::collection::vec(frames(), 0..30)) {
        let mut twilio = twilio();
        for frame in frames {
            let mut out = Vec::new();
            twilio.text(0, &frame, &mut out);
            prop_assert!(out.iter().all(|action| !matches!(action, Action::Send(_))), "nothing is ever sent");
        }
    }
}
