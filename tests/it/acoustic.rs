//! How the customer sounds: observed only where that is asked for, only of the customer, and told apart from the line.

use ruhepol::audio::Decoder;
use ruhepol::call::acoustic::{AcousticSettings, Sound};
use ruhepol::call::event::{EndReason, Event, EventKind, Log};
use ruhepol::call::view::CallView;
use ruhepol::call::{AgentChannel, Call, CallInfo, CallSettings, Input, Output};
use ruhepol::config::Config;
use ruhepol::fixture::Fixture;
use ruhepol::setup;
use ruhepol::terms::{Channel, Outcome, SAMPLES_PER_MS, Span, Transcript};

use crate::golden::fixtures;

/// A friendly caller of a recorded call: 16 kHz samples, and when they speak.
fn caller() -> (Vec<f32>, Vec<Span>) {
    let folder = fixtures().into_iter().find(|path| path.ends_with("kind-customer")).unwrap();
    let fixture = Fixture::load(&folder).unwrap();
    let recording = &fixture.recording;
    let mut decoder = Decoder::new(recording.encoding, recording.sample_rate, recording.channels).unwrap();
    let mut lanes = vec![Vec::new(); recording.channels];
    decoder.push(&recording.data, &mut lanes);
    decoder.finish(&mut lanes);
    let lane = fixture.channels.iter().position(|channel| *channel == Channel::Customer).unwrap();
    let spans = fixture.script.iter().filter(|line| line.channel == Channel::Customer).map(|line| line.span).collect();
    let samples: Vec<f32> = lanes.swap_remove(lane).iter().map(|sample| sample * 0.3).collect();
    (samples, spans)
}

/// The voice `gain` times as strong, over the same line.
fn voice(samples: &[f32], spans: &[Span], gain: f32) -> Vec<f32> {
    let speaks = |index: usize| {
        let ms = index as u64 / SAMPLES_PER_MS;
        spans.iter().any(|span| (span.start_ms..span.end_ms).contains(&ms))
    };
    let by = |index: usize| if speaks(index) { gain } else { 1.0 };
    samples.iter().enumerate().map(|(index, sample)| sample * by(index)).collect()
}

/// The same played faster, as from a tape.
fn faster(samples: &[f32], factor: f32) -> Vec<f32> {
    let length = (samples.len() as f32 / factor) as usize;
    (0..length).map(|index| samples[(index as f32 * factor) as usize]).collect()
}

/// Noise of a line, at about -60 dBFS, and the same on every machine.
fn noise(samples: &mut [f32]) {
    let mut state = 5u32;
    for sample in samples {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *sample += 0.001_7 * (state as i32 as f32 / 2_147_483_648.0);
    }
}

fn start(acoustic: Option<AcousticSettings>) -> Call {
    let config = Config::default();
    let settings =
        CallSettings { acoustic, agent_channel: AgentChannel::Full, ..setup::call_settings(&config).unwrap() };
    let info = CallInfo { call: "c1".to_owned(), ..CallInfo::default() };
    Call::start(info, setup::rules(&config).unwrap(), settings, 0, &mut Vec::new())
}

/// Plays samples on a channel; every stretch of speech is heard as `words`. All events of both logs.
fn play(call: &mut Call, channel: Channel, samples: &[f32], words: Option<&str>) -> Vec<Event> {
    let mut events = Vec::new();
    for frame in samples.chunks(320) {
        let mut out = Vec::new();
        let at = call.position(channel);
        call.handle(0, Input::Audio { at, lanes: vec![(channel, frame.to_vec())] }, &mut out);
        while !out.is_empty() {
            let mut more = Vec::new();
            for output in out.drain(..) {
                match output {
                    Output::Event(event) => events.push(event),
                    Output::Transcribe { segment, .. } => {
                        let outcome = words.map_or(Outcome::Nothing, |words| Outcome::Text {
                            text: words.to_owned(),
                            confidence: 0.9,
                        });
                        call.handle(0, Input::Transcript(Transcript { segment, outcome }), &mut more);
                    }
                    _ => {}
                }
            }
            out = more;
        }
    }
    events
}

fn sounds(events: &[Event]) -> Vec<(Sound, bool)> {
    let told = events.iter().filter_map(|event| match &event.kind {
        EventKind::Observation { sound, on, .. } => Some((*sound, *on)),
        _ => None,
    });
    told.collect()
}

const OBSERVED: Option<AcousticSettings> = Some(AcousticSettings { level_points: 0 });

/// A call whose beginning was heard: the recording twice, over the noise of a line.
fn begun(samples: &[f32]) -> Call {
    let mut call = start(OBSERVED);
    for _ in 0..3 {
        let mut usual = samples.to_vec();
        noise(&mut usual);
        assert_eq!(sounds(&play(&mut call, Channel::Customer, &usual, None)), []);
    }
    call
}

#[test]
fn a_recorded_caller_who_gets_louder_or_faster_is_told_and_a_step_of_gain_is_not() {
    let (samples, spans) = caller();
    let mut louder = voice(&samples, &spans, 2.8);
    noise(&mut louder);
    let mut call = begun(&samples);
    let events = play(&mut call, Channel::Customer, &louder, None);
    assert_eq!(sounds(&events), [(Sound::Louder, true)]);
    let told = events.iter().find(|event| matches!(event.kind, EventKind::Observation { .. })).unwrap();
    assert_eq!(told.log, Log::Call);
    let json = serde_json::to_value(told).unwrap();
    assert_eq!((&json["type"], &json["text"]), (&"observation".into(), &"spricht lauter als zu Beginn".into()));
    let mut view = CallView::default();
    events.iter().for_each(|event| view.apply(event));
    assert_eq!(view.sounds.len(), 1);

    let mut hasty = faster(&samples, 1.45);
    noise(&mut hasty);
    assert!(sounds(&play(&mut begun(&samples), Channel::Customer, &hasty, None)).contains(&(Sound::Faster, true)));

    let mut gained = samples.clone();
    noise(&mut gained);
    gained.iter_mut().for_each(|sample| *sample *= 2.8);
    assert_eq!(sounds(&play(&mut begun(&samples), Channel::Customer, &gained, None)), []);
}

#[test]
fn a_new_gain_after_a_hold_is_the_lines() {
    let (samples, _) = caller();
    let mut call = begun(&samples);
    call.handle(0, Input::Hold, &mut Vec::new());
    let t_ms = call.t_ms() + 30_000;
    call.handle(0, Input::Resume { t_ms }, &mut Vec::new());
    let gained: Vec<f32> = samples.iter().map(|sample| sample * 2.8).collect();
    assert_eq!(sounds(&play(&mut call, Channel::Customer, &gained, None)), []);
}

#[test]
fn agents_and_mixed_channels_are_never_observed_and_nobody_unless_configured() {
    let (samples, spans) = caller();
    let rant = voice(&faster(&samples, 1.0), &spans, 3.0);
    for (channel, acoustic) in [
        (Channel::Agent, OBSERVED),
        (Channel::Agent, Some(AcousticSettings { level_points: 5 })),
        (Channel::Mixed, OBSERVED),
        (Channel::Customer, None),
    ] {
        let mut call = start(acoustic);
        let mut events = Vec::new();
        for samples in [&samples, &samples, &samples, &rant, &rant] {
            events.extend(play(&mut call, channel, samples, Some("Das ist ja unglaublich.")));
        }
        let mut out = Vec::new();
        call.handle(0, Input::End { reason: EndReason::Stop }, &mut out);
        events.extend(out.into_iter().filter_map(|o| if let Output::Event(event) = o { Some(event) } else { None }));
        assert!(events.iter().any(|event| matches!(event.kind, EventKind::Utterance { .. })), "{channel:?}");
        let text = serde_json::to_string(&events).unwrap();
        for trace in ["observation", "louder", "faster", "\"sound\""] {
            assert!(!text.contains(trace), "{channel:?}: {trace}");
        }
    }
}

#[test]
fn where_it_counts_it_adds_little_with_words_of_friction_alone_and_is_named() {
    let (samples, spans) = caller();
    let louder = voice(&samples, &spans, 2.8);
    let levels = |level_points, words: &str| {
        let mut call = start(Some(AcousticSettings { level_points }));
        for _ in 0..3 {
            play(&mut call, Channel::Customer, &samples, None);
        }
        let events = play(&mut call, Channel::Customer, &louder, Some(words));
        let assessed: Vec<_> = events
            .into_iter()
            .filter_map(|event| match event.kind {
                EventKind::Assessment { level, sound, band, .. } => Some((level, sound, band)),
                _ => None,
            })
            .collect();
        assert!(!assessed.is_empty());
        assessed
    };
    let friction = "Ich warte jetzt schon seit drei Wochen auf meine Rechnung.";
    let (with, without) = (levels(5, friction), levels(0, friction));
    assert!(with.iter().any(|(_, sound, _)| sound.is_some()), "{with:?}");
    for ((level, sound, band), (words_alone, none, band_alone)) in with.into_iter().zip(without) {
        assert_eq!((none, band), (None, band_alone));
        let points = sound.map_or(0.0, |part| {
            assert_eq!(part.because, [Sound::Louder]);
            part.points
        });
        assert!((0.0..=5.0).contains(&points));
        assert!((f32::from(level) - f32::from(words_alone) - points).abs() <= 1.0, "{level} {words_alone} {points}");
    }
    assert!(levels(5, "Ja, genau, das ist die Nummer.").iter().all(|(_, sound, _)| sound.is_none()));
}

#[test]
fn queues_have_a_setting_of_their_own() {
    let config =
        Config::parse("[acoustic]\nobserve = true\nlevel_points = 2\n[acoustic.queues]\nkuendigung = false").unwrap();
    assert_eq!(config.acoustic.settings(Some("versand")), Some(AcousticSettings { level_points: 2 }));
    assert_eq!(config.acoustic.settings(Some("kuendigung")), None);
    assert_eq!(Config::default().acoustic.settings(None), None);
}
