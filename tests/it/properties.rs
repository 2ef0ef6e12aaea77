//! What must hold for every call, whatever is said in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use ruhepol::audio::Decoder;
use ruhepol::call::conversation::Rules;
use ruhepol::call::event::{EndReason, Event, EventKind, Log};
use ruhepol::call::{Call, CallInfo, CallSettings, Input, Output};
use ruhepol::config::Config;
use ruhepol::fixture::Fixture;
use ruhepol::setup;
use ruhepol::stt::Recorded;
use ruhepol::terms::{Channel, Outcome, SAMPLES_PER_MS, Span, Transcript};

use crate::golden::{fixtures, recorded_log};

fn house() -> (Arc<Rules>, CallSettings) {
    let config = Config::default();
    (setup::rules(&config).unwrap(), setup::call_settings(&config).unwrap())
}

fn begin(lang_of: &Fixture, out: &mut Vec<Output>) -> Call {
    let (rules, settings) = house();
    Call::start(lang_of.info.clone(), rules, settings, lang_of.started_at_unix_ms, out)
}

fn events(outputs: &[Output]) -> Vec<Event> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(event.clone()),
            Output::Transcribe { .. } | Output::Prompted { .. } | Output::Speech { .. } => None,
        })
        .collect()
}

struct Played {
    events: Vec<Event>,
    /// As the recogniser gave them, before redaction.
    words_heard: usize,
}

/// Plays the recording cut into frames of the given byte counts (repeated), answering every `batch_ms` of media
/// clock the segments that are waiting, in the order `shuffle` gives them.
fn play(fixture: &Fixture, cuts: &[usize], batch_ms: u64, mut shuffle: impl FnMut(&mut Vec<Transcript>)) -> Played {
    let recording = &fixture.recording;
    let mut decoder = Decoder::new(recording.encoding, recording.sample_rate, recording.channels).unwrap();
    let mut recorded = Recorded::new(fixture.script.clone());
    let mut all = Vec::new();
    let mut call = begin(fixture, &mut all);
    let mut at = 0;
    let mut rest = recording.data.as_slice();
    let mut cuts = cuts.iter().copied().cycle();
    let mut waiting: Vec<(u64, Transcript)> = Vec::new();
    let mut lanes = vec![Vec::new(); recording.channels];
    let now = fixture.started_at_unix_ms;
    let mut words_heard = 0;
    loop {
        let finished = rest.is_empty();
        if finished {
            decoder.finish(&mut lanes);
        } else {
            let (frame, after) = rest.split_at(cuts.next().unwrap().clamp(1, rest.len()));
            rest = after;
            decoder.push(frame, &mut lanes);
        }
        let samples = lanes[0].len() as u64;
        let taken = fixture.channels.iter().copied().zip(lanes.iter_mut().map(std::mem::take)).collect();
        let mut out = Vec::new();
        call.handle(now, Input::Audio { at, lanes: taken }, &mut out);
        at += samples;
        if finished {
            call.handle(now, Input::End { reason: EndReason::Stop }, &mut out);
        }
        for output in &out {
            if let Output::Transcribe { segment, channel, speech, .. } = output {
                let outcome = recorded.answer(*channel, speech.span);
                if let Outcome::Text { text, .. } = &outcome {
                    words_heard += words(text);
                }
                waiting.push((call.t_ms(), Transcript { segment: *segment, outcome }));
            }
        }
        all.extend(out);
        let due = waiting.first().is_some_and(|(since_ms, _)| call.t_ms() - since_ms >= batch_ms);
        if due || finished {
            let mut batch: Vec<Transcript> = waiting.drain(..).map(|(_, transcript)| transcript).collect();
            shuffle(&mut batch);
            for transcript in batch {
                call.handle(now, Input::Transcript(transcript), &mut all);
            }
        }
        if finished {
            assert!(call.ended(), "a call with every answer ends");
            return Played { events: events(&all), words_heard };
        }
    }
}

/// What was said, by whom, when.
fn spoken(events: &[Event]) -> Vec<(Log, Channel, u64, u64, Option<String>)> {
    events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Utterance { channel, start_ms, end_ms, text, .. } => {
                Some((event.log, *channel, *start_ms, *end_ms, text.clone()))
            }
            _ => None,
        })
        .collect()
}

fn some_fixture() -> Fixture {
    Fixture::load(&fixtures()[0]).unwrap()
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for folder in fixtures() {
        let fixture = Fixture::load(&folder).unwrap();
        assert_eq!(recorded_log(&fixture), recorded_log(&fixture), "{}", folder.display());
    }
}

#[test]
fn sequence_numbers_have_no_gaps_and_time_never_runs_back() {
    for folder in fixtures() {
        let fixture = Fixture::load(&folder).unwrap();
        let mut seqs: BTreeMap<&str, u64> = BTreeMap::new();
        let mut t_ms = 0;
        for line in recorded_log(&fixture) {
            let event: Event = serde_json::from_str(&line).unwrap();
            let seq = seqs.entry(if event.log == Log::Call { "call" } else { "agent" }).or_default();
            *seq += 1;
            assert_eq!(event.seq, *seq, "{}", folder.display());
            assert!(event.t_ms >= t_ms, "{}", folder.display());
            t_ms = event.t_ms;
        }
        assert_eq!(seqs.len(), 2, "{}: both logs are written", folder.display());
    }
}

#[test]
fn other_frame_sizes_give_the_same_utterances() {
    let fixture = some_fixture();
    let whole = spoken(&play(&fixture, &[320], 0, |_| {}).events);
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&prop::collection::vec(1usize..20_000, 1..8), |cuts| {
            prop_assert_eq!(&spoken(&play(&fixture, &cuts, 0, |_| {}).events), &whole);
            Ok(())
        })
        .unwrap();
}

#[test]
fn transcripts_in_any_order_give_the_same_log() {
    let fixture = some_fixture();
    let sorted = play(&fixture, &[320], 1_500, |_| {}).events;
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&any::<u64>(), |seed| {
            let mut state = seed | 1;
            let mixed = play(&fixture, &[320], 1_500, |batch| {
                batch.sort_by_key(|transcript| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(transcript.segment);
                    state >> 33
                });
            });
            prop_assert_eq!(&mixed.events, &sorted);
            Ok(())
        })
        .unwrap();
}

#[test]
fn every_scripted_word_is_heard_once() {
    for folder in fixtures() {
        let fixture = Fixture::load(&folder).unwrap();
        if !fixture.controls.is_empty() {
            continue;
        }
        let heard = play(&fixture, &[320], 0, |_| {}).words_heard;
        let scripted: usize = fixture.script.iter().map(|line| words(&line.text)).sum();
        assert_eq!(heard, scripted, "{}", folder.display());
    }
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// A conversation of customer utterances, as `/v1/transcripts` brings them, with a hold of `hold_ms` after the second.
fn levels(texts: &[&str], hold_ms: u64) -> Vec<(u8, u8)> {
    let (rules, settings) = house();
    let mut out = Vec::new();
    let info = CallInfo { call: "c1".to_owned(), ..CallInfo::default() };
    let mut call = Call::start(info, rules, settings, 0, &mut out);
    let mut t_ms = 0;
    for (index, text) in texts.iter().enumerate() {
        let span = Span::new(t_ms + 500, t_ms + 4_000);
        t_ms = span.end_ms;
        call.handle(0, Input::Utterance { channel: Channel::Customer, span, text: (*text).to_owned() }, &mut out);
        if index == 1 && hold_ms > 0 {
            call.handle(0, Input::Hold, &mut out);
            let during = Span::new(t_ms + 10, t_ms + 20);
            let rant = "Ich zeige Sie alle an!".to_owned();
            call.handle(0, Input::Utterance { channel: Channel::Customer, span: during, text: rant }, &mut out);
            t_ms += hold_ms;
            call.handle(0, Input::Resume { t_ms }, &mut out);
        }
    }
    events(&out)
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Assessment { level, severity, .. } => Some((level, severity)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_hold_freezes_the_level_and_hears_nothing() {
    let texts = [
        "Ich warte seit drei Wochen auf meine Lieferung, das ist eine Frechheit.",
        "Ich rufe jetzt schon zum dritten Mal an.",
        "Ja, gut.",
        "Das nehme ich so nicht hin.",
    ];
    let without = levels(&texts, 0);
    assert_eq!(without.len(), texts.len());
    assert!(without.iter().any(|(level, _)| *level > 0));
    for hold_ms in [100, 30_000, 3_600_000] {
        assert_eq!(levels(&texts, hold_ms), without);
    }
}

#[test]
fn audio_on_hold_is_not_heard() {
    let fixture = some_fixture();
    let (rules, settings) = house();
    let mut out = Vec::new();
    let mut call = Call::start(fixture.info.clone(), rules, settings, 0, &mut out);
    call.handle(0, Input::Hold, &mut out);
    let recording = &fixture.recording;
    let mut decoder = Decoder::new(recording.encoding, recording.sample_rate, recording.channels).unwrap();
    let mut lanes = vec![Vec::new(); recording.channels];
    decoder.push(&recording.data, &mut lanes);
    let samples = lanes[0].len() as u64;
    let lanes = fixture.channels.iter().copied().zip(lanes).collect();
    call.handle(0, Input::Audio { at: 0, lanes }, &mut out);
    assert_eq!(call.t_ms(), samples / SAMPLES_PER_MS, "the media clock runs on");
    call.handle(0, Input::End { reason: EndReason::Stop }, &mut out);
    assert!(call.ended());
    assert!(!out.iter().any(|output| matches!(output, Output::Transcribe { .. })));
}

#[test]
fn an_hour_of_silence_is_an_hour_in_which_nobody_spoke() {
    const SECOND: usize = 16_000;
    let (rules, settings) = house();
    let mut out = Vec::new();
    let info = CallInfo { call: "c1".to_owned(), ..CallInfo::default() };
    let mut call = Call::start(info, rules, settings, 0, &mut out);
    for second in 0..3_600u64 {
        let lanes = vec![(Channel::Customer, vec![0.0; SECOND])];
        call.handle(0, Input::Audio { at: second * SECOND as u64, lanes }, &mut out);
    }
    call.handle(0, Input::End { reason: EndReason::Stop }, &mut out);
    assert!(call.ended());
    assert_eq!(call.t_ms(), 3_600_000);
    assert_eq!(call.utterances(), 0);
    assert!(!out.iter().any(|output| matches!(output, Output::Transcribe { .. })));
}
