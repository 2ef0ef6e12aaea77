use super::*;

const START: &str =
    r#"{"type":"start","call":"c1","encoding":"pcm_s16le","sample_rate":8000,"channels":["customer","agent"]}"#;

#[test]
fn the_shortest_start_is_enough() {
    let MediaMessage::Start(start) = MediaMessage::parse(START).unwrap() else { panic!("not a start") };
    assert_eq!(start.opening.call, "c1");
    assert_eq!(start.opening.channels, [Channel::Customer, Channel::Agent]);
    assert_eq!((start.encoding, start.sample_rate), (Encoding::PcmS16le, 8_000));
    assert_eq!(start.opening.facts, Facts::default());
    assert_eq!(start.opening.consent, None);
}

#[test]
fn a_full_start_is_read_and_unknown_fields_pass() {
    let text = r#"{"type":"start","call":"c1","agent":"a7","language":"de-AT","encoding":"mulaw","sample_rate":8000,
        "channels":["agent"],"consent":true,"customer":{"name":"Frau Keller","id":9},"queue":"q","team":"","wait_s":240.5,
        "shift_started":"2026-03-02T07:00:00Z","metadata":{"x":[1]},"later":{"deep":true}}"#;
    let MediaMessage::Start(start) = MediaMessage::parse(text).unwrap() else { panic!("not a start") };
    let facts = start.opening.facts;
    assert_eq!(start.opening.language, Some(Lang::De));
    assert_eq!(start.opening.consent, Some(true));
    assert_eq!(facts.agent.as_deref(), Some("a7"));
    assert_eq!(facts.team, None);
    assert_eq!(facts.customer_name.as_deref(), Some("Frau Keller"));
    assert_eq!(facts.wait_s, Some(240));
    assert_eq!(facts.metadata.len(), 1);
}

#[test]
fn what_is_wrong_is_named() {
    let replace = |from: &str, to: &str| MediaMessage::parse(&START.replace(from, to)).unwrap_err().0;
    assert!(replace("8000", "11025").contains("11025"));
    assert!(replace("8000", "\"8000\"").contains("sample_rate"));
    assert!(replace("pcm_s16le", "opus").contains("opus"));
    assert!(replace("\"c1\"", "\"\"").contains("call"));
    assert!(replace("\"c1\"", "7").contains("call"));
    assert!(replace("\"agent\"", "\"customer\"").contains("twice"));
    assert!(replace("\"agent\"", "\"mixed\"").contains("mixed"));
    assert!(replace("\"agent\"", "\"bot\"").contains("bot"));
    assert!(replace("[\"customer\",\"agent\"]", "[]").contains("channels"));
    assert!(replace("}", ",\"language\":\"fr\"}").contains("fr"));
    assert!(replace("}", ",\"wait_s\":-1}").contains("wait_s"));
    assert!(replace("}", ",\"shift_started\":\"heute\"}").contains("heute"));
    assert!(replace("\"type\":\"start\"", "\"type\":\"begin\"").contains("begin"));
    assert!(MediaMessage::parse(&format!("{START}{START}")).is_err());
}

#[test]
fn controls() {
    assert_eq!(MediaMessage::parse(r#"{"type":"hold"}"#), Ok(MediaMessage::Hold));
    assert_eq!(MediaMessage::parse(r#"{"type":"resume","x":1}"#), Ok(MediaMessage::Resume));
    assert_eq!(MediaMessage::parse(r#"{"type":"stop"}"#), Ok(MediaMessage::Stop));
    let consent = MediaMessage::parse(r#"{"type":"consent","given":false}"#);
    assert_eq!(consent, Ok(MediaMessage::Consent { given: false }));
    assert!(MediaMessage::parse(r#"{"type":"consent"}"#).is_err());
    assert!(MediaMessage::parse(r#"{"type":"consent","given":"no"}"#).is_err());
    let MediaMessage::Metadata(facts) = MediaMessage::parse(r#"{"type":"metadata","wait_s":5}"#).unwrap() else {
        panic!("not metadata")
    };
    assert_eq!(facts.wait_s, Some(5));
}

#[test]
fn answers_have_the_shape_of_the_contract() {
    assert_eq!(crate::wire::to_json(&Ready::new("c1")), r#"{"type":"ready","call":"c1"}"#);
    let resumed = crate::wire::to_json(&Ready::resumed("c1", 5));
    assert_eq!(resumed, r#"{"type":"ready","call":"c1","resumed":true,"t_ms":5}"#);
    assert_eq!(crate::wire::to_json(&Stopped::new("c1", 3)), r#"{"type":"stopped","call":"c1","utterances":3}"#);
}
