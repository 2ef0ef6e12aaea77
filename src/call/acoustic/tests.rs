use super::*;
use crate::call::endpointing::SegmentEnd;
use crate::terms::{SAMPLE_RATE, SAMPLES_PER_MS, Span};

/// A stretch of synthetic speech over the noise of a line.
#[derive(Clone, Copy)]
struct Voice {
    /// Syllables per second.
    rate: f32,
    /// Amplitude of the voice at the mouth.
    voice: f32,
    /// Amplitude of the noise.
    noise: f32,
    /// What the line makes of both; cut off at full scale.
    gain: f32,
    ms: u64,
}

const USUAL: Voice = Voice { rate: 4.0, voice: 0.05, noise: 0.000_8, gain: 1.0, ms: 3_000 };

impl Voice {
    fn segment(self) -> SpeechSegment {
        let (before, after) = (250 * SAMPLES_PER_MS, 150 * SAMPLES_PER_MS);
        let spoken = self.ms * SAMPLES_PER_MS;
        let mut state = 11u32;
        let samples: Vec<f32> = (0..before + spoken + after)
            .map(|index| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = self.noise * (state as i32 as f32 / 2_147_483_648.0);
                let t = (index as f32 - before as f32) / SAMPLE_RATE as f32;
                let swell = (std::f32::consts::PI * self.rate * t).sin().powi(2);
                let hum: f32 = (1..6).map(|n| (std::f32::consts::TAU * 150.0 * n as f32 * t).sin() / n as f32).sum();
                let voice = if (before..before + spoken).contains(&index) { self.voice * swell * hum } else { 0.0 };
                (self.gain * (voice + noise)).clamp(-1.0, 1.0)
            })
            .collect();
        let inside = &samples[before as usize..(before + spoken) as usize];
        let power = inside.iter().map(|sample| sample * sample).sum::<f32>() / inside.len() as f32;
        SpeechSegment {
            span: Span::new(0, self.ms),
            samples,
            end: SegmentEnd::Silence,
            voiced: 1.0,
            level_dbfs: 10.0 * power.log10(),
        }
    }
}

fn hear(ear: &mut Ear, voice: Voice, times: usize) -> Vec<SoundChange> {
    let segment = voice.segment();
    (0..times).flat_map(|_| ear.hear(Channel::Customer, &segment)).collect()
}

/// An ear that knows how this caller began.
fn used_to(voice: Voice) -> Ear {
    let mut ear = Ear::default();
    assert_eq!(hear(&mut ear, voice, 11), []);
    ear
}

fn sounds(changes: &[SoundChange]) -> Vec<(Sound, bool)> {
    changes.iter().map(|change| (change.sound, change.on)).collect()
}

#[test]
fn a_louder_voice_is_told_in_decibels_and_so_is_its_end() {
    let mut ear = used_to(USUAL);
    let louder = hear(&mut ear, Voice { voice: USUAL.voice * 2.8, ..USUAL }, 4);
    assert_eq!(sounds(&louder), [(Sound::Louder, true)]);
    assert!((8..=10).contains(&louder[0].change.unwrap()), "{louder:?}");
    assert_eq!(ear.sounds(), [Sound::Louder]);
    assert_eq!(sounds(&hear(&mut ear, USUAL, 4)), [(Sound::Louder, false)]);
    assert_eq!(ear.sounds(), []);
}

#[test]
fn a_faster_voice_is_told_in_per_cent_and_so_is_its_end() {
    let mut ear = used_to(USUAL);
    let faster = hear(&mut ear, Voice { rate: 5.6, ..USUAL }, 4);
    assert_eq!(sounds(&faster), [(Sound::Faster, true)]);
    assert!((30..=50).contains(&faster[0].change.unwrap()), "{faster:?}");
    assert_eq!(sounds(&hear(&mut ear, USUAL, 4)), [(Sound::Faster, false)]);
}

#[test]
fn little_change_a_quieter_or_slower_voice_and_short_answers_say_nothing() {
    let mut ear = used_to(USUAL);
    let ja = Voice { ms: 400, voice: USUAL.voice * 4.0, rate: 8.0, ..USUAL };
    for voice in [
        Voice { voice: USUAL.voice * 1.6, ..USUAL },
        Voice { rate: 4.4, ..USUAL },
        Voice { voice: USUAL.voice / 4.0, ..USUAL },
        Voice { rate: 2.8, ..USUAL },
        ja,
    ] {
        assert_eq!(hear(&mut ear, voice, 5), [], "{} {}", voice.voice, voice.rate);
    }
}

#[test]
fn without_half_a_minute_of_the_callers_own_speech_nothing_is_told() {
    let mut ear = Ear::default();
    assert_eq!(hear(&mut ear, USUAL, 5), []);
    assert_eq!(hear(&mut ear, Voice { voice: USUAL.voice * 4.0, ..USUAL }, 4), []);
}

#[test]
fn a_step_of_gain_is_the_lines_and_not_the_callers() {
    let mut ear = used_to(USUAL);
    assert_eq!(hear(&mut ear, Voice { gain: 3.0, ..USUAL }, 6), []);
    assert_eq!(hear(&mut ear, Voice { gain: 0.3, ..USUAL }, 6), []);
}

#[test]
fn after_a_hold_the_line_is_measured_anew() {
    // A line without noise: only the hold tells that the gain may be another one.
    let silent = Voice { noise: 0.0, ..USUAL };
    let mut ear = used_to(silent);
    ear.line_changed();
    assert_eq!(hear(&mut ear, Voice { gain: 4.0, ..silent }, 6), []);
    let louder = hear(&mut ear, Voice { gain: 4.0, voice: USUAL.voice * 2.8, ..silent }, 4);
    assert_eq!(sounds(&louder), [(Sound::Louder, true)]);
    ear.line_changed();
    assert_eq!(hear(&mut ear, Voice { voice: USUAL.voice * 2.8, ..silent }, 4), [], "it goes on over the next hold");
    assert_eq!(sounds(&hear(&mut ear, silent, 4)), [(Sound::Louder, false)]);
}

#[test]
fn a_hold_in_the_first_half_minute_does_not_spoil_it() {
    let silent = Voice { noise: 0.0, ..USUAL };
    let mut ear = Ear::default();
    assert_eq!(hear(&mut ear, silent, 5), []);
    ear.line_changed();
    assert_eq!(hear(&mut ear, Voice { gain: 4.0, ..silent }, 12), []);
    assert_eq!(
        sounds(&hear(&mut ear, Voice { gain: 4.0, voice: USUAL.voice * 2.8, ..silent }, 4)),
        [(Sound::Louder, true)]
    );
}

#[test]
fn a_clipped_voice_is_at_least_so_loud_and_no_beginning() {
    let mut ear = used_to(USUAL);
    let clipped = Voice { voice: 2.0, noise: USUAL.noise, ..USUAL };
    assert_eq!(sounds(&hear(&mut ear, clipped, 4)), [(Sound::Louder, true)]);
    let mut from_the_start = Ear::default();
    assert_eq!(hear(&mut from_the_start, clipped, 20), []);
    assert!(from_the_start.loudness.beginning().is_none());
}

#[test]
fn nobody_but_the_customer_is_ever_observed() {
    for channel in [Channel::Agent, Channel::Mixed] {
        let mut ear = Ear::default();
        let loud = Voice { voice: 0.5, rate: 7.0, ..USUAL };
        for voice in [[USUAL; 12], [loud; 12]].concat() {
            assert_eq!(ear.hear(channel, &voice.segment()), []);
        }
        assert_eq!(ear.sounds(), []);
        assert!(ear.loudness.latest().is_none() && ear.pace.latest().is_none(), "nothing is even kept");
    }
}

#[test]
fn after_a_restart_what_was_open_ends_and_nothing_more_is_told() {
    let mut ear = Ear::default();
    ear.recall(Sound::Faster, true);
    ear.lose_beginning();
    assert_eq!(ear.sounds(), []);
    let ended = hear(&mut ear, USUAL, 1);
    assert_eq!(ended, [SoundChange { sound: Sound::Faster, on: false, change: None }]);
    assert_eq!(hear(&mut ear, USUAL, 20), []);
    assert_eq!(hear(&mut ear, Voice { voice: 0.4, ..USUAL }, 5), []);
}

#[test]
fn the_words_are_of_sound_and_never_of_feeling() {
    for sound in [Sound::Louder, Sound::Faster] {
        for lang in [Lang::De, Lang::En] {
            let (on, off) = (sound.text(true, lang), sound.text(false, lang));
            assert_ne!(on, off);
            for feeling in ["wütend", "ärger", "aufgeregt", "angry", "upset", "emotion", "stress"] {
                assert!(!on.contains(feeling) && !off.contains(feeling), "{on} {off}");
            }
        }
    }
}
