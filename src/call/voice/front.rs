//! What the sound of the line tells, whatever network judges the voice: levels, noise floor, tones.
//!
//! Three things fool a voice activity network on a telephone. *Tones and music*: their spectrum stays
//! the same over a tenth of a second, a voice's does not. *Background voices and noise*: they stay near
//! the noise floor. *The other party's echo*: it lies far below the level of this channel's own voice.

use super::floor::Floor;
use super::rumble::RumbleFilter;
use super::spectrum::{COMPARED_BLOCKS, Look, Spectrum};

/// Samples (16 kHz) of one block of analysis: 16 ms.
pub const BLOCK_SAMPLES: usize = 256;

/// The share of steady blocks of late above which it is music or a tone, and below which no longer.
const MUSIC_ENTER: f32 = 0.30;
const MUSIC_LEAVE: f32 = 0.15;
/// Time constant of that share, in blocks: 0.4 s. Steady sound too faint for a voice to begin in, such as
/// the mains hum of many lines, is not counted: nothing has to be kept from beginning there.
const MUSIC_BLOCKS: f32 = 25.0;

/// Below this level there is nothing to analyse: idle noise of a G.711 line lies at -66 to -72 dBFS.
const SILENCE_DBFS: f32 = -60.0;

/// Level of the channel's own voice before anybody spoke, the least it is
/// taken for, and how fast it is forgotten: 0.5 dB per second.
const VOICE_START_DBFS: f32 = -25.0;
const VOICE_MIN_DBFS: f32 = -40.0;
const VOICE_DECAY_DB_PER_BLOCK: f32 = 0.5 * 0.016;
/// Share of the difference that a louder voiced block moves it by.
const VOICE_ATTACK: f32 = 0.1;

/// A voice that begins lies this far above the floor, in dB, and this share of the way from the floor to
/// the channel's own voice; being so far below the own voice is enough in any case.
const NEAR_MARGIN_DB: f32 = 5.0;
const NEAR_SHARE: f32 = 0.5;
const NEAR_BELOW_DB: f32 = 8.0;
/// To go on, a voice needs less than to begin: word ends fall off.
const ONGOING_MARGIN_DB: f32 = 3.0;
const ONGOING_SHARE: f32 = 0.35;
const ONGOING_BELOW_DB: f32 = 11.0;
/// However near the own voice lies to the floor, sound must rise above the floor by this much.
const MARGIN_MIN_DB: f32 = 1.0;

/// What [`Front::push`] found in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// RMS level of the frame, in dBFS (a full-scale sine is -3).
    pub level_dbfs: f32,
    /// Loud enough, against floor and own voice, for a voice to begin.
    pub near: bool,
    /// Loud enough for a voice to go on.
    pub ongoing: bool,
    /// All energy lies in one or two lines: a tone or a keypad's pair.
    pub tone: bool,
    /// A tone, or a spectrum that stands still: no voice in this frame.
    pub steady: bool,
    /// It has been standing still so often of late that this is a tone or music.
    pub music: bool,
}

/// Watches the sound of one channel.
#[derive(Debug, Clone)]
pub struct Front {
    rumble: RumbleFilter,
    spectrum: Spectrum,
    floor: Floor,
    voice_dbfs: f32,
    /// Mean power of the last blocks: single loud samples begin nothing.
    smooth_power: f32,
    steady_share: f32,
    music: bool,
    /// Part of a tone stays in the window for so many blocks and is no line any more.
    blocks_since_tone: usize,
}

impl Default for Front {
    fn default() -> Self {
        Self {
            rumble: RumbleFilter::default(),
            spectrum: Spectrum::new(),
            floor: Floor::default(),
            voice_dbfs: VOICE_START_DBFS,
            smooth_power: 0.0,
            steady_share: 0.0,
            music: false,
            blocks_since_tone: COMPARED_BLOCKS,
        }
    }
}

impl Front {
    /// Takes in the next frame; its length must be a multiple of [`BLOCK_SAMPLES`], a rest is ignored.
    pub fn push(&mut self, frame: &[f32]) -> Line {
        let mut steady = true;
        let (mut near, mut ongoing, mut tone) = (false, false, false);
        let heard = self.rumble.push(frame);
        for (block, heard) in frame.chunks_exact(BLOCK_SAMPLES).zip(heard.chunks_exact(BLOCK_SAMPLES)) {
            let power = mean_square(block);
            let power = if power.is_finite() { power } else { 0.0 };
            self.smooth_power += 0.5 * (power - self.smooth_power);
            let level_dbfs = dbfs(self.smooth_power);
            self.floor.push(level_dbfs);
            self.voice_dbfs = (self.voice_dbfs - VOICE_DECAY_DB_PER_BLOCK).max(VOICE_MIN_DBFS);
            let (floor_dbfs, span_db) = (self.floor.dbfs(), self.voice_dbfs - self.floor.dbfs());
            let above = |margin_db: f32, share: f32, below_db: f32| {
                level_dbfs > floor_dbfs + (share * span_db).max(margin_db).min((span_db - below_db).max(MARGIN_MIN_DB))
            };
            let block_near = above(NEAR_MARGIN_DB, NEAR_SHARE, NEAR_BELOW_DB);
            near |= block_near;
            ongoing |= above(ONGOING_MARGIN_DB, ONGOING_SHARE, ONGOING_BELOW_DB);

            let audible = level_dbfs > SILENCE_DBFS;
            let look = self.spectrum.push(heard, audible);
            self.blocks_since_tone = if look == Look::Tone { 0 } else { self.blocks_since_tone.saturating_add(1) };
            let block_steady = look != Look::Moving || self.blocks_since_tone < COMPARED_BLOCKS;
            tone |= look == Look::Tone;
            steady &= block_steady;
            let target = if block_steady && block_near { 1.0 } else { 0.0 };
            self.steady_share += (target - self.steady_share) / MUSIC_BLOCKS;
            self.music = self.steady_share > if self.music { MUSIC_LEAVE } else { MUSIC_ENTER };
        }
        Line { level_dbfs: dbfs(mean_square(frame)), near, ongoing, tone, steady, music: self.music }
    }

    /// Learns from a frame that turned out to be voice: the level of the channel's own voice, and that it is
    /// no background.
    pub fn voiced(&mut self, level_dbfs: f32) {
        self.floor.voiced();
        if level_dbfs > self.voice_dbfs {
            self.voice_dbfs += VOICE_ATTACK * (level_dbfs - self.voice_dbfs);
        }
    }

    /// Forgets the sound heard last, for sound that does not continue it; levels stay.
    pub fn restart(&mut self) {
        self.rumble.restart();
        self.spectrum.restart();
        self.smooth_power = 0.0;
        self.steady_share = 0.0;
        self.music = false;
        self.blocks_since_tone = COMPARED_BLOCKS;
    }
}

/// Mean square of samples; 0 for none.
pub fn mean_square(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32
}

/// A mean square in decibels below full scale, at least -120.
pub fn dbfs(mean_square: f32) -> f32 {
    10.0 * mean_square.max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    fn tone(hertz: &[f64], seconds: f64, level: f64) -> Vec<f32> {
        let sample = |n: usize| hertz.iter().map(|hz| (2.0 * PI * hz * n as f64 / 16_000.0).sin()).sum::<f64>();
        (0..(seconds * 16_000.0) as usize).map(|n| (level * sample(n) / hertz.len() as f64) as f32).collect()
    }

    fn noise(seconds: f64, level: f32) -> Vec<f32> {
        let mut state = 1u32;
        let samples = (0..(seconds * 16_000.0) as usize).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            level * ((state >> 8) as f32 / 8_388_608.0 - 1.0)
        });
        samples.collect()
    }

    fn lines(front: &mut Front, samples: &[f32]) -> Vec<Line> {
        samples.chunks_exact(BLOCK_SAMPLES).map(|block| front.push(block)).collect()
    }

    #[test]
    fn levels_are_in_dbfs() {
        let line = lines(&mut Front::default(), &tone(&[1000.0], 0.5, 1.0))[20];
        assert!((line.level_dbfs + 3.01).abs() < 0.05, "{line:?}");
        assert_eq!(dbfs(0.0), -120.0);
    }

    #[test]
    fn a_tone_is_told_at_once_and_remembered_as_music() {
        for hertz in [vec![425.0], vec![350.0, 440.0], vec![697.0, 1209.0], vec![2100.0]] {
            let lines = lines(&mut Front::default(), &tone(&hertz, 1.0, 0.1));
            assert!(lines[5..].iter().all(|line| line.tone && line.steady), "{hertz:?}");
            assert!(lines[30..].iter().all(|line| line.music), "{hertz:?}");
        }
    }

    #[test]
    fn a_held_chord_is_steady_but_no_tone() {
        let lines = lines(&mut Front::default(), &tone(&[220.0, 277.2, 329.6, 440.0, 554.4], 1.5, 0.2));
        assert!(lines[12..].iter().all(|line| line.steady && !line.tone));
        assert!(lines[40..].iter().all(|line| line.music));
    }

    #[test]
    fn noise_and_silence_are_not_steady() {
        let mut front = Front::default();
        for samples in [noise(3.0, 0.05), vec![0.0; 32_000], noise(3.0, 0.002)] {
            assert!(lines(&mut front, &samples).iter().all(|line| !line.steady && !line.music));
        }
    }

    #[test]
    fn the_floor_follows_noise_and_ignores_a_burst() {
        let mut front = Front::default();
        let before = lines(&mut front, &noise(15.0, 0.02));
        assert!(before[..10].iter().any(|line| line.near), "a line is taken for quiet before it is known");
        assert!(before[800..].iter().all(|line| !line.near && !line.ongoing));
        let burst = lines(&mut front, &noise(1.0, 0.3));
        assert!(burst[3..].iter().all(|line| line.near && line.ongoing));
        let after = lines(&mut front, &noise(2.0, 0.02));
        assert!(after[20..].iter().all(|line| !line.near));
    }

    #[test]
    fn a_voice_without_a_pause_does_not_become_the_background() {
        let (mut background, mut voice) = (Front::default(), Front::default());
        let sound = noise(15.0, 0.05);
        for front in [&mut background, &mut voice] {
            lines(front, &[0.0; 80_000]);
        }
        for block in sound.chunks_exact(BLOCK_SAMPLES) {
            let line = voice.push(block);
            voice.voiced(line.level_dbfs);
        }
        lines(&mut background, &sound);
        let fainter = noise(0.2, 0.02);
        assert!(lines(&mut voice, &fainter)[8..].iter().all(|line| line.ongoing));
        assert!(!lines(&mut background, &fainter)[8..].iter().any(|line| line.ongoing));
        // Once nobody is believed to speak, what stays is background.
        assert!(lines(&mut voice, &noise(15.0, 0.02))[900..].iter().all(|line| !line.ongoing));
    }

    #[test]
    fn a_faint_steady_sound_is_no_music() {
        let hum = lines(&mut Front::default(), &tone(&[100.0, 150.0, 200.0, 250.0], 3.0, 0.006));
        assert!(hum[12..].iter().all(|line| line.steady && !line.music && !line.near));
    }

    #[test]
    fn the_louder_the_own_voice_the_less_an_echo_counts() {
        let mut front = Front::default();
        let echo = noise(0.5, 0.01);
        assert!(lines(&mut front, &echo)[10].near);
        for _ in 0..200 {
            front.voiced(-12.0);
        }
        assert!(!lines(&mut front, &echo)[10].near);
    }

    #[test]
    fn a_frame_of_two_blocks_is_judged_as_one() {
        let samples = tone(&[425.0], 1.0, 0.1);
        let mut front = Front::default();
        let lines: Vec<Line> = samples.chunks_exact(2 * BLOCK_SAMPLES).map(|frame| front.push(frame)).collect();
        assert!(lines[4..].iter().all(|line| line.steady && line.near));
    }
}
