use proptest::prelude::*;

use super::results::words;
use super::*;
use crate::call::event::Log;
use crate::terms::{Band, Lang, Span};
use crate::wire::BadMessage;

fn query(text: &str) -> Result<Query, BadMessage> {
    Query::read(text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))))
}

fn listen(text: &str) -> Listen {
    let settings =
        Settings { fields: FieldMap::default(), request_id: "r1".to_owned(), opened_unix_ms: 1_780_000_000_000 };
    Listen::new(query(text).unwrap(), settings)
}

fn opened(text: &str) -> (Listen, Start) {
    let mut listen = listen(text);
    let mut out = Vec::new();
    listen.opened(&mut out);
    let Some(Action::Start(start)) = out.pop() else { panic!("no start") };
    listen.started(0, &Started { call: start.opening.call.clone(), t_ms: 0, resumed: false }, &mut out);
    assert_eq!(out, []);
    (listen, *start)
}

fn sent(out: Vec<Action>) -> Vec<Value> {
    out.into_iter()
        .filter_map(|action| match action {
            Action::Send(text) => Some(serde_json::from_str(&text).unwrap()),
            _ => None,
        })
        .collect()
}

fn event(seq: u64, kind: EventKind) -> Event {
    Event { call: "c1".to_owned(), log: Log::Call, seq, at: String::new(), t_ms: 0, kind, durable: None }
}

fn utterance(channel: Channel, text: Option<&str>) -> EventKind {
    let text = text.map(str::to_owned);
    EventKind::Utterance { channel, start_ms: 1_000, end_ms: 3_000, text, confidence: Some(0.5) }
}

#[test]
fn what_the_query_says() {
    let (_, start) = opened(
        "model=nova-3&encoding=mulaw&sample_rate=8000&channels=2&multichannel=true&language=de&extra=consent:true\
         &extra=call:c1&extra=agent:a7&interim_results=true&punctuate=true",
    );
    assert_eq!(start.opening.call, "c1");
    assert_eq!(start.opening.consent, Some(true));
    assert_eq!(start.opening.language, Some(Lang::De));
    assert_eq!(start.opening.facts.agent.as_deref(), Some("a7"));
    assert_eq!(start.streams[0].channels, [Channel::Customer, Channel::Agent]);
    let (_, start) = opened("encoding=alaw&extra=channel:agent");
    assert_eq!((start.opening.call.as_str(), start.streams[0].sample_rate), ("r1", 8_000));
    assert_eq!(start.opening.channels, [Channel::Agent]);
    for (wrong, named) in [
        ("model=x", "encoding"),
        ("encoding=opus", "opus"),
        ("encoding=linear16", "sample_rate"),
        ("encoding=linear16&sample_rate=11025", "11025"),
        ("encoding=mulaw&channels=3", "3"),
        ("encoding=mulaw&channels=x", "channels"),
        ("encoding=mulaw&utterance_end_ms=-1", "utterance_end_ms"),
    ] {
        assert!(query(wrong).unwrap_err().0.contains(named), "{wrong}");
    }
}

#[test]
fn utterances_come_back_as_results_with_their_escalation() {
    let (mut listen, _) = opened("encoding=linear16&sample_rate=16000&channels=2&vad_events=true");
    let mut out = Vec::new();
    let started = News::Speech { channel: Channel::Customer, speaking: true, at_ms: 1_000 };
    listen.news(0, &started, &mut out);
    let assessment = EventKind::Assessment {
        level: 61,
        band: Band::Heated,
        severity: 2,
        cues: Vec::new(),
        utterance_seq: 2,
        sound: None,
    };
    let events = [event(2, utterance(Channel::Customer, Some("Wo ist mein Paket?"))), event(3, assessment)];
    listen.news(0, &News::Events(events.to_vec()), &mut out);
    listen.news(0, &News::Events(vec![event(4, utterance(Channel::Agent, None))]), &mut out);
    let sent = sent(out);
    assert_eq!(sent[0], json!({"type": "SpeechStarted", "channel": [0, 2], "timestamp": 1.0}));
    assert_eq!(
        (&sent[1]["channel_index"], &sent[1]["start"], &sent[1]["duration"]),
        (&json!([0, 2]), &json!(1.0), &json!(2.0))
    );
    let best = &sent[1]["channel"]["alternatives"][0];
    assert_eq!(best["transcript"], "Wo ist mein Paket?");
    let words = best["words"].as_array().unwrap();
    assert_eq!((words.len(), &words[3]["word"], &words[3]["punctuated_word"]), (4, &json!("paket"), &json!("Paket?")));
    assert_eq!((&words[0]["start"], &words[3]["end"]), (&json!(1.0), &json!(3.0)));
    assert_eq!((&sent[1]["ruhepol"]["level"], &sent[1]["ruhepol"]["band"]), (&json!(61), &json!("heated")));
    assert_eq!(
        (&sent[2]["channel_index"], &sent[2]["channel"]["alternatives"][0]["transcript"]),
        (&json!([1, 2]), &json!(""))
    );
}

#[test]
fn final_words_of_a_channel_come_in_the_order_in_which_they_were_said() {
    let (mut listen, _) = opened("encoding=mulaw&channels=2&utterance_end_ms=1000");
    let mut out = Vec::new();
    listen.binary(0, vec![0xff; 16 * 20_000].into(), &mut out);
    out.clear();
    let said = |seq: u64, channel: Channel, start_ms: u64, text: &str| {
        let text = Some(text.to_owned());
        News::Events(vec![event(
            seq,
            EventKind::Utterance { channel, start_ms, end_ms: start_ms + 900, text, confidence: None },
        )])
    };
    let unread = |channel: Channel, since_ms: Option<u64>| News::Unread { channel, since_ms };
    use Channel::{Agent, Customer};
    for news in [
        unread(Customer, Some(1_000)),
        said(2, Customer, 3_000, "three"),
        said(3, Customer, 2_000, "two"),
        said(4, Agent, 2_500, "other"),
        said(5, Customer, 1_000, "one"),
        unread(Customer, Some(4_000)),
        said(6, Customer, 5_000, "five"),
        // Four turned out to be a cough.
        unread(Customer, None),
    ] {
        listen.news(0, &news, &mut out);
    }
    let told: Vec<String> = sent(out)
        .iter()
        .map(|message| match message["type"].as_str().unwrap() {
            "Results" => message["channel"]["alternatives"][0]["transcript"].as_str().unwrap().to_owned(),
            _ => format!("{}@{}", message["channel"][0], message["last_word_end"]),
        })
        .collect();
    assert_eq!(told, ["other", "1@3.4", "one", "two", "three", "five", "0@5.9"], "and an end is no end before words");
}

#[test]
fn what_was_never_answered_is_told_at_the_end() {
    let (mut listen, _) = opened("encoding=mulaw");
    let mut out = Vec::new();
    listen.news(0, &News::Unread { channel: Channel::Customer, since_ms: Some(500) }, &mut out);
    listen.news(0, &News::Events(vec![event(2, utterance(Channel::Customer, Some("Ja.")))]), &mut out);
    assert_eq!(out, []);
    listen.stopped(1, &mut out);
    let kinds: Vec<_> = sent(out).iter().map(|message| message["type"].clone()).collect();
    assert_eq!(kinds, ["Results", "Metadata"]);
}

#[test]
fn finalize_is_always_answered_once() {
    let (mut listen, _) = opened("encoding=mulaw");
    let mut out = Vec::new();
    listen.text(5, r#"{"type":"Finalize"}"#, &mut out);
    assert_eq!(out, [Action::Flush]);
    out.clear();
    listen.news(6, &News::Flushed, &mut out);
    let empty = sent(out);
    assert_eq!((empty.len(), &empty[0]["from_finalize"]), (1, &json!(true)));
    let mut out = Vec::new();
    listen.text(7, r#"{"type":"Finalize","channel":0}"#, &mut out);
    listen.news(8, &News::Events(vec![event(2, utterance(Channel::Customer, Some("Ja.")))]), &mut out);
    listen.news(9, &News::Flushed, &mut out);
    listen.news(9, &News::Events(vec![event(3, utterance(Channel::Customer, Some("Nein.")))]), &mut out);
    let marks: Vec<_> = sent(out).iter().map(|message| message["from_finalize"].clone()).collect();
    assert_eq!(marks, [json!(true), json!(false)]);
}

#[test]
fn the_end_of_an_utterance_is_told_after_its_pause() {
    let (mut listen, _) = opened("encoding=mulaw&utterance_end_ms=1000");
    let mut out = Vec::new();
    listen.binary(0, vec![0xff; 8 * 3_500].into(), &mut out);
    listen.news(0, &News::Events(vec![event(2, utterance(Channel::Customer, Some("Ja.")))]), &mut out);
    assert_eq!(sent(std::mem::take(&mut out)).len(), 1, "only half a second has passed");
    listen.binary(0, vec![0xff; 8 * 600].into(), &mut out);
    assert_eq!(
        sent(std::mem::take(&mut out)),
        [json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 3.0})]
    );
    listen.binary(0, vec![0xff; 8 * 600].into(), &mut out);
    assert_eq!(sent(out), [] as [Value; 0]);
}

#[test]
fn final_is_what_will_not_change_and_speech_final_is_a_pause() {
    let (mut listen, start) = opened("encoding=mulaw&interim_results=true&endpointing=400");
    assert_eq!((listen.wants(), start.hangover_ms), (Wants::Interim, Some(400)));
    let mut out = Vec::new();
    let span = Span::new(1_000, 2_000);
    let interim = News::Interim { channel: Channel::Customer, span, text: "Ja, aber".to_owned(), confidence: 0.4 };
    listen.news(0, &interim, &mut out);
    // Cut because it was long: the speaker goes on.
    listen.news(0, &News::Events(vec![event(2, utterance(Channel::Customer, Some("Ja, aber nein.")))]), &mut out);
    let paused = News::Speech { channel: Channel::Customer, speaking: false, at_ms: 3_000 };
    listen.news(0, &paused, &mut out);
    listen.news(0, &News::Events(vec![event(3, utterance(Channel::Customer, Some("Doch.")))]), &mut out);
    let said: Vec<_> = sent(out)
        .iter()
        .map(|message| {
            let text = message["channel"]["alternatives"][0]["transcript"].as_str().unwrap().to_owned();
            (text, message["is_final"] == true, message["speech_final"] == true)
        })
        .collect();
    let expected = [("Ja, aber", false, false), ("Ja, aber nein.", true, false), ("Doch.", true, true)];
    assert_eq!(said, expected.map(|(text, is_final, speech_final)| (text.to_owned(), is_final, speech_final)));
}

#[test]
fn endpointing_is_a_pause_within_reason_or_none() {
    for (asked, hangover_ms, speech_final) in [
        ("", None, true),
        ("&endpointing=true", None, true),
        ("&endpointing=false", None, false),
        ("&endpointing=10", Some(300), true),
        ("&endpointing=60000", Some(2_000), true),
    ] {
        let query = query(&format!("encoding=mulaw{asked}")).unwrap();
        assert_eq!((query.hangover_ms, query.speech_final), (hangover_ms, speech_final), "{asked}");
    }
    assert!(query("encoding=mulaw&endpointing=soon").is_err());
    assert_eq!(opened("encoding=mulaw").0.wants(), Wants::News);
}

#[test]
fn silence_closes_and_keep_alive_keeps() {
    let (mut listen, _) = opened("encoding=mulaw");
    assert_eq!(listen.deadline_ms(), Some(10_000));
    let mut out = Vec::new();
    listen.text(9_000, r#"{"type":"KeepAlive"}"#, &mut out);
    listen.wake(10_000, &mut out);
    assert_eq!((out.len(), listen.deadline_ms()), (0, Some(19_000)));
    listen.wake(19_000, &mut out);
    assert!(matches!(out.as_slice(), [Action::Close { code: 1011, reason }] if reason.starts_with("NET-0001")));
}

#[test]
fn the_end_is_metadata() {
    let (mut listen, _) = opened("encoding=mulaw");
    let mut out = Vec::new();
    listen.binary(0, vec![0xff; 8_000].into(), &mut out);
    listen.text(0, r#"{"type":"CloseStream"}"#, &mut out);
    listen.binary(0, vec![0xff; 8_000].into(), &mut out);
    assert_eq!(out.len(), 2, "nothing is heard after CloseStream");
    assert_eq!(out[1], Action::Stop);
    out.clear();
    listen.stopped(0, &mut out);
    assert!(matches!(out[1], Action::Close { code: 1000, .. }));
    let metadata = &sent(out)[0];
    assert_eq!(
        (&metadata["type"], &metadata["duration"], &metadata["channels"]),
        (&json!("Metadata"), &json!(1.0), &json!(1))
    );
    assert_eq!(metadata["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn refusals_have_the_shape_of_the_protocol() {
    let (mut listen, _) = opened("encoding=mulaw");
    let mut out = Vec::new();
    listen.text(0, r#"{"type":"Dance"}"#, &mut out);
    assert!(matches!(&out[0], Action::Refuse(Refusal::BadMessage, message) if message.contains("Dance")));
    out.clear();
    let refused = Refused { refusal: Refusal::Busy, message: "full".to_owned(), retry_after_s: Some(5) };
    listen.refused(&refused, &mut out);
    assert!(matches!(out[1], Action::Close { code: 1013, .. }));
    let error = &sent(out)[0];
    assert_eq!((&error["type"], &error["code"], &error["retry_after_s"]), (&json!("Error"), &json!("busy"), &json!(5)));
}

proptest! {
    #[test]
    fn no_frame_panics(
        texts in prop::collection::vec(prop_oneof![
            ".{0,40}",
            prop::sample::select(vec!["KeepAlive", "Finalize", "CloseStream", "Configure", "x"])
                .prop_map(|kind| format!(r#"{{"type":"{kind}","channel":"x"}}"#)),
        ], 0..20),
        bytes in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let (mut listen, _) = opened("encoding=linear16&sample_rate=48000&channels=2&utterance_end_ms=1000&vad_events=true");
        for (now_ms, text) in texts.iter().enumerate() {
            let mut out = Vec::new();
            listen.text(now_ms as u64, text, &mut out);
            listen.binary(now_ms as u64, bytes.clone().into(), &mut out);
            listen.news(0, &News::Flushed, &mut out);
            listen.wake(u64::MAX, &mut out);
        }
    }

    #[test]
    fn no_query_panics(pairs in prop::collection::vec(("[a-z_]{0,12}", ".{0,12}"), 0..8)) {
        let _ = Query::read(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }

    #[test]
    fn words_lie_in_order_within_their_utterance(text in "[a-zß ?.]{0,80}", length in 0.0f64..20.0) {
        let mut last = 1.0;
        for word in words(&text, 1.0, 1.0 + length, 0.9) {
            let (from, to) = (word["start"].as_f64().unwrap(), word["end"].as_f64().unwrap());
            prop_assert!(last <= from + 0.001 && from <= to && to <= 1.001 + length);
            last = to;
        }
    }
}
