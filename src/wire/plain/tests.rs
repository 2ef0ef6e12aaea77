use proptest::prelude::*;

use super::*;
use crate::call::event::{Event, Log};
use crate::terms::Lang;

fn plain(flavour: Flavour) -> Plain {
    Plain::new(Settings {
        flavour,
        fields: FieldMap::default(),
        query: Map::new(),
        mono: Channel::Customer,
        stereo: [Channel::Customer, Channel::Agent],
        sample_rate: 8_000,
        events: true,
        fallback_id: "fallback".to_owned(),
    })
}

fn first(plain: &mut Plain, message: &str) -> Start {
    let mut out = Vec::new();
    plain.text(0, message, &mut out);
    match out.as_slice() {
        [Action::Start(start)] => Start::clone(start),
        other => panic!("no start: {other:?}"),
    }
}

fn refused(plain: &mut Plain, message: &str) -> String {
    let mut out = Vec::new();
    plain.text(0, message, &mut out);
    match out.as_slice() {
        [Action::Refuse(Refusal::BadMessage, message)] => message.clone(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_vonage_session() {
    let mut vonage = plain(Flavour::Vonage);
    let message = json!({"event": "websocket:connected", "content-type": "audio/l16;rate=16000",
        "call": "c1", "consent": "true", "agent": "a7", "order": "9"});
    let start = first(&mut vonage, &message.to_string());
    assert_eq!((start.opening.call.as_str(), start.opening.consent), ("c1", Some(true)));
    assert_eq!((start.streams[0].sample_rate, &start.opening.channels[..]), (16_000, &[Channel::Customer][..]));
    let mut out = Vec::new();
    vonage.binary(0, vec![0; 641].into(), &mut out);
    vonage.text(0, r#"{"event":"websocket:dtmf","digit":"5","duration":260}"#, &mut out);
    vonage.text(0, r#"{"event":"websocket:notify","payload":{}}"#, &mut out);
    assert_eq!(out, [Action::Audio { stream: 0, bytes: vec![0; 641].into() }]);
    out.clear();
    vonage.closed(&mut out);
    assert_eq!(out, [Action::Stop]);
    out.clear();
    vonage.closed(&mut out);
    assert_eq!(out, []);
}

#[test]
fn a_jambonz_session() {
    let message = json!({"callSid": "cs1", "direction": "inbound", "from": "+49", "to": "100", "sampleRate": 8000,
        "mixType": "stereo", "metadata": {"agent": "a7", "consent": true, "language": "en"}});
    let start = first(&mut plain(Flavour::Jambonz), &message.to_string());
    assert_eq!((start.opening.call.as_str(), start.opening.language), ("cs1", Some(Lang::En)));
    assert_eq!(start.opening.consent, Some(true));
    assert_eq!(start.opening.channels, [Channel::Customer, Channel::Agent]);
    assert_eq!(start.opening.facts.agent.as_deref(), Some("a7"));
    let mut outbound = message.clone();
    outbound["direction"] = json!("outbound");
    let start = first(&mut plain(Flavour::Jambonz), &outbound.to_string());
    assert_eq!(start.opening.channels, [Channel::Agent, Channel::Customer]);
    outbound["mixType"] = json!("mixed");
    assert_eq!(first(&mut plain(Flavour::Jambonz), &outbound.to_string()).opening.channels, [Channel::Mixed]);
}

#[test]
fn freeswitch_describes_as_it_likes() {
    let mut fork = plain(Flavour::FreeSwitch);
    let start = first(&mut fork, r#"{"uuid":"u1","mix":"stereo","rate":"16k","agent":"a7"}"#);
    assert_eq!((start.opening.call.as_str(), start.streams[0].sample_rate), ("u1", 16_000));
    let mut out = Vec::new();
    fork.text(0, r#"{"queue":"versand"}"#, &mut out);
    fork.text(0, r#"{"event":"hold"}"#, &mut out);
    fork.text(0, r#"{"event":"resume"}"#, &mut out);
    fork.text(0, r#"{"event":"consent","given":"no"}"#, &mut out);
    fork.text(0, "free text", &mut out);
    assert!(matches!(&out[0], Action::Facts(facts) if facts.queue.as_deref() == Some("versand")));
    assert_eq!(out[1..], [Action::Hold, Action::Resume { skipped_ms: None }, Action::Consent { given: false }]);
    let start = first(&mut plain(Flavour::FreeSwitch), "just a word");
    assert_eq!(
        (start.opening.call.as_str(), &start.opening.facts.metadata["text"]),
        ("fallback", &json!("just a word"))
    );
    let mut bare = plain(Flavour::FreeSwitch);
    bare.settings.query = Map::from_iter([("call".to_owned(), json!("q1")), ("rate".to_owned(), json!("16000"))]);
    let mut out = Vec::new();
    bare.binary(0, vec![0; 320].into(), &mut out);
    assert!(
        matches!(&out[0], Action::Start(start) if start.opening.call == "q1" && start.streams[0].sample_rate == 16_000)
    );
    assert!(matches!(&out[1], Action::Audio { .. }));
}

#[test]
fn the_call_is_told_back_to_freeswitch_alone() {
    let kind = EventKind::Utterance {
        channel: Channel::Customer,
        start_ms: 0,
        end_ms: 5,
        text: Some("Ja.".to_owned()),
        confidence: None,
    };
    let event = Event { call: "c".to_owned(), log: Log::Call, seq: 2, at: String::new(), t_ms: 5, kind, durable: None };
    let news = News::Events(vec![event]);
    for (flavour, count) in [(Flavour::FreeSwitch, 1), (Flavour::Vonage, 0), (Flavour::Jambonz, 0)] {
        let mut out = Vec::new();
        plain(flavour).news(0, &news, &mut out);
        assert_eq!(out.len(), count, "{flavour:?}");
    }
    let told = Refused { refusal: Refusal::Busy, message: "full".to_owned(), retry_after_s: Some(5) };
    for (flavour, count) in [(Flavour::FreeSwitch, 2), (Flavour::Vonage, 1), (Flavour::Jambonz, 1)] {
        let mut out = Vec::new();
        plain(flavour).refused(&told, &mut out);
        assert_eq!(out.len(), count, "{flavour:?}");
        assert!(matches!(out.last(), Some(Action::Close { code: 1013, .. })));
    }
}

#[test]
fn what_is_wrong_is_refused_and_said() {
    assert!(refused(&mut plain(Flavour::Vonage), "hello").contains("JSON"));
    assert!(refused(&mut plain(Flavour::Jambonz), "[1]").contains("JSON"));
    assert!(refused(&mut plain(Flavour::Vonage), r#"{"content-type":"audio/opus"}"#).contains("opus"));
    assert!(refused(&mut plain(Flavour::Jambonz), r#"{"sampleRate":"fast"}"#).contains("fast"));
    for flavour in [Flavour::Vonage, Flavour::Jambonz] {
        let mut out = Vec::new();
        plain(flavour).binary(0, vec![0; 320].into(), &mut out);
        assert!(matches!(out.as_slice(), [Action::Refuse(Refusal::UnexpectedBinary, _)]), "{flavour:?}");
    }
}

proptest! {
    #[test]
    fn no_frame_panics(
        flavour in prop::sample::select(vec![Flavour::Vonage, Flavour::Jambonz, Flavour::FreeSwitch]),
        texts in prop::collection::vec(prop_oneof![
            ".{0,40}",
            ("[a-zA-Z-]{0,12}", ".{0,12}").prop_map(|(name, value)| json!({ name: value }).to_string()),
            prop::sample::select(vec!["sampleRate", "mixType", "content-type", "metadata", "event", "call"])
                .prop_flat_map(|name| ".{0,10}".prop_map(move |value| json!({ name: value }).to_string())),
        ], 0..12),
    ) {
        let mut plain = plain(flavour);
        for text in texts {
            let mut out = Vec::new();
            plain.text(0, &text, &mut out);
            plain.binary(0, text.into_bytes().into(), &mut out);
        }
    }
}
