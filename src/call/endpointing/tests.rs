use std::f32::consts::TAU;

use proptest::prelude::*;

use super::*;
use crate::audio::{Decoder, Encoding};

/// Seconds of sound a voice could make: a buzz of changing pitch, shaped by two moving resonances, in
/// syllables, with a breath every 3 s. Synthetic, but the network takes it for speech.
fn voice(seconds: f32, level: f32) -> Vec<f32> {
    let (mut phase, mut state) = (0.0f32, [[0.0f32; 2]; 2]);
    let samples = (0..(seconds * 16_000.0) as usize).map(|n| {
        let time = n as f32 / 16_000.0;
        let pitch = 120.0 + 25.0 * (TAU * 0.7 * time).sin() + 12.0 * (TAU * 2.3 * time).sin();
        phase = (phase + pitch / 16_000.0).fract();
        let syllable = (0.5 - 0.5 * (TAU * 4.0 * time).cos()).powf(0.6);
        let breath = if time % 3.0 > 2.75 { 0.01 } else { 1.0 };
        let mut sample = (1.0 - 2.0 * phase) * syllable * breath;
        let formants = [500.0 + 250.0 * (TAU * 1.9 * time).sin(), 1500.0 + 600.0 * (TAU * 1.3 * time).sin()];
        for (memory, formant) in state.iter_mut().zip(formants) {
            let (radius, angle) = (0.97, TAU * formant / 16_000.0);
            let resonant = sample * 0.1 + 2.0 * radius * angle.cos() * memory[0] - radius * radius * memory[1];
            (memory[1], memory[0]) = (memory[0], resonant);
            sample = resonant;
        }
        sample
    });
    let samples: Vec<f32> = samples.collect();
    let gain = level / mean_square(&samples).sqrt();
    over_the_phone(&samples.iter().map(|sample| (sample * gain).clamp(-1.0, 1.0)).collect::<Vec<_>>())
}

/// Down to 8 kHz µ-law and back.
fn over_the_phone(samples: &[f32]) -> Vec<f32> {
    let narrow = samples.chunks_exact(2).map(|pair| ((pair[0] + pair[1]) * 0.5 * 32_767.0) as i16);
    let bytes: Vec<u8> = narrow.map(audio_codec_algorithms::encode_ulaw).collect();
    let mut decoder = Decoder::new(Encoding::Mulaw, 8000, 1).unwrap();
    let mut out = [Vec::new()];
    decoder.push(&bytes, &mut out);
    decoder.finish(&mut out);
    let [samples] = out;
    samples
}

fn silence(seconds: f32) -> Vec<f32> {
    vec![0.0; (seconds * 16_000.0) as usize]
}

fn noise(seconds: f32, level: f32) -> Vec<f32> {
    let mut state = 0x2545_f491u32;
    let samples = (0..(seconds * 16_000.0) as usize).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    });
    over_the_phone(&samples.map(|sample| sample * level * 3f32.sqrt()).collect::<Vec<_>>())
}

fn tones(seconds: f32, level: f32, hertz: &[f32]) -> Vec<f32> {
    let sample = |n: usize| hertz.iter().map(|hz| (TAU * hz * n as f32 / 16_000.0).sin()).sum::<f32>();
    let samples = (0..(seconds * 16_000.0) as usize).map(|n| level * sample(n) / hertz.len() as f32);
    over_the_phone(&samples.collect::<Vec<_>>())
}

/// A 50 Hz mains hum of the given level (RMS), its harmonics falling off as 1 / number.
fn hum(seconds: f32, level: f32) -> Vec<f32> {
    let harmonics = |n: usize| (1..=12u8).map(move |h| (f32::from(h), TAU * 50.0 * (n % 320) as f32 / 16_000.0));
    let sample = |n: usize| harmonics(n).map(|(h, angle)| (angle * h + h * h).sin() / h).sum::<f32>();
    let samples: Vec<f32> = (0..(seconds * 16_000.0) as usize).map(sample).collect();
    let gain = level / mean_square(&samples).sqrt();
    samples.iter().map(|sample| sample * gain).collect()
}

fn mixed(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// A voice without syllables apart and without breath, by three voices that fill each other's pauses.
fn breathless(seconds: f32, level: f32) -> Vec<f32> {
    let long = voice(seconds + 1.5, level / 1.7);
    let count = (seconds * 16_000.0) as usize;
    (0..count).map(|n| long[n] + long[n + 2_000] + long[n + 17_000]).collect()
}

fn endpointer() -> Endpointer {
    Endpointer::new(&EndpointingSettings::default(), Detector::earshot(1))
}

fn listen(samples: &[f32]) -> Vec<Endpoint> {
    let (mut endpointer, mut out) = (endpointer(), Vec::new());
    endpointer.push(samples, &mut out);
    endpointer.end(&mut out);
    out
}

fn segments(endpoints: &[Endpoint]) -> Vec<&SpeechSegment> {
    let segments = endpoints.iter().filter_map(|endpoint| match endpoint {
        Endpoint::Segment(segment) => Some(segment),
        _ => None,
    });
    segments.collect()
}

/// A start, then its stop, in turn.
fn starts_and_stops_alternate(endpoints: &[Endpoint]) -> bool {
    let mut speaking = false;
    let in_turn = endpoints.iter().all(|endpoint| match endpoint {
        Endpoint::SpeechStarted { .. } => !std::mem::replace(&mut speaking, true),
        Endpoint::SpeechStopped { .. } => std::mem::replace(&mut speaking, false),
        Endpoint::Segment(_) => true,
    });
    in_turn && !speaking
}

#[test]
fn an_utterance_is_found_with_its_edges() {
    let samples = [silence(1.0), voice(1.5, 0.1), silence(1.5)].concat();
    let endpoints = listen(&samples);
    assert!(starts_and_stops_alternate(&endpoints));
    let [segment] = segments(&endpoints)[..] else { panic!("{endpoints:?}") };
    assert!(segment.span.start_ms.abs_diff(1000) <= 100, "{:?}", segment.span);
    assert!(segment.span.end_ms.abs_diff(2500) <= 100, "{:?}", segment.span);
    assert_eq!(segment.end, SegmentEnd::Silence);
    let settings = EndpointingSettings::default();
    let longest = segment.span.duration_ms() + settings.pre_roll_ms + settings.tail_ms + 2;
    assert!(segment.samples.len() as u64 <= longest * SAMPLES_PER_MS);
    assert!(segment.samples.len() as u64 >= (segment.span.duration_ms() + settings.pre_roll_ms) * SAMPLES_PER_MS);
    assert!(segment.voiced > 0.6 && (-24.0..-14.0).contains(&segment.level_dbfs), "{segment:?}");
}

#[test]
fn a_short_pause_does_not_part_an_utterance_and_a_long_one_does() {
    let pause =
        |seconds| listen(&[silence(0.5), voice(1.0, 0.1), silence(seconds), voice(1.0, 0.1), silence(1.0)].concat());
    assert_eq!(segments(&pause(0.25)).len(), 1);
    assert_eq!(segments(&pause(0.9)).len(), 2);
}

#[test]
fn silence_noise_and_tones_open_nothing() {
    let cases = [
        ("silence", silence(20.0)),
        ("noise", noise(20.0, 0.03)),
        ("loud noise", noise(20.0, 0.1)),
        ("noise that sets in", [silence(3.0), noise(12.0, 0.02)].concat()),
        ("ringback", [tones(1.0, 0.1, &[425.0]), silence(4.0), tones(1.0, 0.1, &[425.0]), silence(2.0)].concat()),
        ("busy", [tones(0.48, 0.1, &[425.0]), silence(0.48)].concat().repeat(6)),
        ("dial tone", tones(8.0, 0.1, &[350.0, 440.0])),
        (
            "keypad",
            [tones(0.1, 0.2, &[770.0, 1336.0]), silence(0.1), tones(0.1, 0.2, &[941.0, 1477.0]), silence(0.1)]
                .concat()
                .repeat(5),
        ),
        ("fax", tones(3.0, 0.1, &[2100.0])),
        ("held chord", tones(6.0, 0.1, &[220.0, 277.2, 329.6, 440.0])),
    ];
    for (name, samples) in cases {
        let endpoints = listen(&samples);
        assert!(starts_and_stops_alternate(&endpoints), "{name}");
        assert!(segments(&endpoints).is_empty(), "{name}: {:?}", segments(&endpoints)[0].span);
    }
}

#[test]
fn mains_hum_opens_nothing_and_hides_no_word() {
    // -52 to -38 dBFS under a voice of -20 to -26 dBFS.
    for (hum_level, voice_level) in [(0.0025, 0.05), (0.0056, 0.1), (0.0126, 0.1)] {
        let words =
            [silence(3.0), voice(0.6, voice_level), silence(1.5), voice(1.5, voice_level), silence(4.0)].concat();
        let hum = hum(words.len() as f32 / 16_000.0, hum_level);
        assert_eq!(listen(&hum), [], "hum of {hum_level} alone");
        let endpoints = listen(&over_the_phone(&mixed(&words, &hum)));
        let spans: Vec<Span> = segments(&endpoints).iter().map(|segment| segment.span).collect();
        let [first, second] = spans[..] else { panic!("hum of {hum_level}: {spans:?}") };
        for (span, start_ms, end_ms) in [(first, 3_000, 3_600), (second, 5_100, 6_600)] {
            let (early, late) = (span.start_ms.abs_diff(start_ms), span.end_ms.abs_diff(end_ms));
            assert!(early <= 200 && late <= 250, "hum of {hum_level}: {span:?} for {start_ms} to {end_ms}");
        }
    }
}

#[test]
fn quiet_words_after_long_speech_without_a_breath_are_heard() {
    let samples = [silence(5.0), breathless(15.0, 0.1), voice(0.7, 0.012), silence(1.0)].concat();
    let endpoints = listen(&samples);
    assert!(starts_and_stops_alternate(&endpoints));
    let last = segments(&endpoints).last().unwrap().span;
    assert!(last.end_ms.abs_diff(20_700) <= 150, "{last:?}");
    let spoken: u64 = segments(&endpoints).iter().map(|segment| segment.span.duration_ms()).sum();
    assert!(spoken > 15_200, "{spoken} ms of 15.7 s");
}

#[test]
fn speech_after_ringback_is_heard() {
    let ringback = [tones(1.0, 0.1, &[425.0]), silence(3.0), tones(1.0, 0.1, &[425.0])].concat();
    let endpoints = listen(&[ringback, silence(0.4), voice(1.2, 0.1), silence(1.0)].concat());
    let [segment] = segments(&endpoints)[..] else { panic!("{endpoints:?}") };
    assert!(
        segment.span.start_ms.abs_diff(5400) <= 150 && segment.span.end_ms.abs_diff(6600) <= 100,
        "{:?}",
        segment.span
    );
}

#[test]
fn the_last_words_are_never_lost() {
    // From a word that breaks off at once to one with nearly the whole hangover behind it.
    for (speech, after) in [(0.15, 0.0), (0.22, 0.0), (0.6, 0.0), (0.6, 0.003), (0.6, 0.05), (0.6, 0.3), (0.6, 0.49)] {
        let samples = [silence(1.0), voice(speech, 0.1), silence(after)].concat();
        let endpoints = listen(&samples);
        let [segment] = segments(&endpoints)[..] else { panic!("{speech} s with {after} s behind: {endpoints:?}") };
        assert_eq!(segment.end, SegmentEnd::End);
        assert!(starts_and_stops_alternate(&endpoints));
        assert!(segment.span.end_ms <= samples.len() as u64 / SAMPLES_PER_MS);
        let word = &samples[16_000..16_000 + (speech * 16_000.0) as usize];
        let heard = segment.samples.windows(word.len()).any(|window| window == word);
        assert!(heard, "all samples of a word of {speech} s with {after} s behind it");
    }
}

#[test]
fn hold_closes_and_freezes() {
    let (mut endpointer, mut out) = (endpointer(), Vec::new());
    endpointer.push(&[silence(0.5), voice(1.0, 0.1)].concat(), &mut out);
    endpointer.hold(&mut out);
    assert_eq!(segments(&out).len(), 1);
    assert_eq!(segments(&out)[0].end, SegmentEnd::Hold);
    assert!(starts_and_stops_alternate(&out));

    out.clear();
    endpointer.push(&voice(5.0, 0.1), &mut out);
    endpointer.hold(&mut out);
    endpointer.resume(6_500);
    assert_eq!((out.as_slice(), endpointer.position_ms()), ([].as_slice(), 6_500));

    endpointer.push(&[silence(0.5), voice(1.0, 0.1), silence(1.0)].concat(), &mut out);
    let [segment] = segments(&out)[..] else { panic!("{out:?}") };
    assert!(
        segment.span.start_ms.abs_diff(7_000) <= 100 && segment.span.end_ms.abs_diff(8_000) <= 100,
        "{:?}",
        segment.span
    );
}

#[test]
fn hold_without_sound_moves_the_clock() {
    let (mut endpointer, mut out) = (endpointer(), Vec::new());
    endpointer.hold(&mut out);
    endpointer.resume(60_000);
    endpointer.push(&silence(1.0), &mut out);
    assert_eq!(endpointer.position_ms(), 61_000);
    endpointer.resume(0);
    assert_eq!(endpointer.position_ms(), 61_000);
}

#[test]
fn a_gap_ends_what_was_open_and_keeps_the_clock() {
    for lost_ms in [40, 700, 3_600_000] {
        let (mut endpointer, mut out) = (endpointer(), Vec::new());
        endpointer.push(&[silence(0.5), voice(1.0, 0.1)].concat(), &mut out);
        endpointer.skip_to(1_500 + lost_ms, &mut out);
        assert_eq!(endpointer.position_ms(), 1_500 + lost_ms);
        assert_eq!(segments(&out).len(), usize::from(lost_ms >= 500), "{lost_ms} ms lost");
        endpointer.skip_to(100, &mut out);
        endpointer.push(&[silence(0.3), voice(1.0, 0.1)].concat(), &mut out);
        endpointer.end(&mut out);
        let last = segments(&out).last().unwrap().span;
        assert!(last.end_ms.abs_diff(1_500 + lost_ms + 1_300) <= 100, "{lost_ms} ms lost: {last:?}");
        assert!(starts_and_stops_alternate(&out));
    }
}

#[test]
fn long_speech_is_cut_at_its_quietest_point() {
    // 0.2 s of near silence at 8.0 s: too short to end an utterance, the best place to cut a long one.
    let samples = [silence(0.5), voice(7.5, 0.1), silence(0.2), voice(6.8, 0.1), silence(1.0)].concat();
    let endpoints = listen(&samples);
    assert!(starts_and_stops_alternate(&endpoints));
    let [first, second] = segments(&endpoints)[..] else { panic!("{endpoints:?}") };
    assert_eq!((first.end, second.end), (SegmentEnd::MaxLength, SegmentEnd::Silence));
    assert!((7_900..=8_050).contains(&first.span.end_ms), "{:?}", first.span);
    assert!((8_050..=8_300).contains(&second.span.start_ms), "{:?}", second.span);
    // Nothing between the two parts is lost.
    let joined = [first.samples.as_slice(), &second.samples].concat();
    assert!(samples.windows(joined.len()).any(|window| window == joined));
}

#[test]
fn no_segment_is_longer_than_the_maximum() {
    let settings = EndpointingSettings { max_segment_ms: 3_000, ..EndpointingSettings::default() };
    let (mut endpointer, mut out) = (Endpointer::new(&settings, Detector::earshot(1)), Vec::new());
    endpointer.push(&[silence(1.0), voice(20.0, 0.1)].concat(), &mut out);
    endpointer.end(&mut out);
    let segments = segments(&out);
    assert!(segments.len() >= 7);
    assert!(segments.iter().all(|segment| segment.samples.len() as u64 <= 3_000 * SAMPLES_PER_MS));
    let spoken: u64 = segments.iter().map(|segment| segment.span.duration_ms()).sum();
    assert!(spoken > 19_000, "{spoken} ms of 20 s");
}

#[test]
fn the_other_partys_faint_echo_opens_nothing() {
    let own = || [voice(2.0, 0.1), silence(1.0)].concat();
    let echo = voice(2.0, 0.1 * 0.03);
    let endpoints = listen(&[silence(0.5), own(), own(), own(), echo, silence(1.0)].concat());
    assert_eq!(segments(&endpoints).len(), 3);
}

#[test]
fn an_hour_of_silence_needs_no_memory() {
    let (mut endpointer, mut out) = (endpointer(), Vec::new());
    for _ in 0..60 {
        endpointer.push(&silence(1.0), &mut out);
        assert!(endpointer.kept.capacity() < 100_000);
    }
    endpointer.skip_to(3_600_000, &mut out);
    assert!(out.is_empty() && endpointer.kept.len() == 0);
}

#[test]
fn samples_that_are_no_numbers_do_no_lasting_harm() {
    let (mut endpointer, mut out) = (endpointer(), Vec::new());
    endpointer.push(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30].repeat(1000), &mut out);
    out.clear();
    endpointer.push(&[silence(8.0), voice(1.5, 0.1), silence(1.0)].concat(), &mut out);
    assert_eq!(segments(&out).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_cut_gives_the_same_endpoints(cuts in prop::collection::vec(1usize..5000, 1..30), rest in 0usize..600) {
        let mut samples = [silence(0.4), voice(1.2, 0.1), silence(0.8), voice(0.9, 0.05), silence(0.3)].concat();
        samples.truncate(samples.len() - rest);
        let whole = listen(&samples);
        let (mut endpointer, mut out) = (endpointer(), Vec::new());
        let mut left = samples.as_slice();
        for &cut in cuts.iter().cycle() {
            let (now, later) = left.split_at(cut.min(left.len()));
            endpointer.push(now, &mut out);
            left = later;
            if left.is_empty() {
                break;
            }
        }
        endpointer.end(&mut out);
        prop_assert_eq!(whole, out);
    }

    #[test]
    fn any_order_of_calls_is_answered(steps in prop::collection::vec((0u8..6, 0u64..3000), 1..25)) {
        let (mut endpointer, mut out) = (endpointer(), Vec::new());
        let speech = voice(3.0, 0.1);
        let mut position = 0;
        for (kind, amount) in steps {
            match kind {
                0 | 1 => endpointer.push(&speech[..amount as usize * 16], &mut out),
                2 => endpointer.skip_to(endpointer.position_ms() + amount, &mut out),
                3 => endpointer.hold(&mut out),
                4 => endpointer.resume(amount * 10),
                _ => endpointer.end(&mut out),
            }
            prop_assert!(endpointer.position_ms() >= position);
            position = endpointer.position_ms();
        }
        endpointer.end(&mut out);
        prop_assert!(starts_and_stops_alternate(&out));
        let mut before = 0;
        for segment in segments(&out) {
            prop_assert!(segment.span.start_ms >= before && segment.span.end_ms <= position + 1);
            before = segment.span.end_ms;
        }
    }
}
