//! What the sound of the line tells, whatever network judges the voice: levels, noise floor, tones.
//!
//! Three things fool a voice activity network on a telephone. *Tones and music*: their spectrum stays
//! the same over a tenth of a second, a voice's does not. *Background voices and noise*: they stay near
//! the noise floor. *The other party's echo*: it lies far below the level of this channel's own voice.

use std::f64::consts::PI;

use super::rumble::RumbleFilter;

/// Samples (16 kHz) of one block of analysis: 16 ms.
pub const BLOCK_SAMPLES: usize = 256;

/// Points of the spectrum, over 64 ms of sound at 8 kHz: 15.6 Hz each, fine enough to see a voice's
/// pitch move, which a tone's does not.
const POINTS: usize = 512;
const BINS: usize = POINTS / 2;
/// Bins of 62 Hz to 3.75 kHz, the telephone band.
const BAND: std::ops::Range<usize> = 4..240;

/// Blocks between two spectra that are compared: as long as one window, so that they share no sample.
const COMPARED_BLOCKS: usize = 4;
/// Cosine between two such spectra above which the sound is steady. 97 of 100 frames of speech
/// lie below 0.92, a tone or a held chord above 0.99.
const STEADY_COSINE: f32 = 0.97;
/// Share of the energy in the two strongest lines above which it is a tone or a pair of tones (keypad),
/// known before there is a second spectrum to compare.
const TONE_SHARE: f32 = 0.985;

/// The share of steady blocks of late above which it is music or a tone, and below which no longer.
const MUSIC_ENTER: f32 = 0.30;
const MUSIC_LEAVE: f32 = 0.15;
/// Time constant of that share, in blocks: 0.4 s. Steady sound too faint for a voice to begin in, such as
/// the mains hum of many lines, is not counted: nothing has to be kept from beginning there.
const MUSIC_BLOCKS: f32 = 25.0;

/// Below this level there is nothing to analyse: idle noise of a G.711 line lies at -66 to -72 dBFS.
const SILENCE_DBFS: f32 = -60.0;

/// The noise floor is the loudest block of the quietest pause, two stretches of 80 ms in a row, of the last
/// 10 s: nobody speaks so long without a breath. The loudest block of it, because background voices
/// rise far above their own minimum.
const FLOOR_STRETCHES: usize = 125;
const STRETCH_BLOCKS: usize = 5;
/// So many stretches of quiet line are assumed before the call: 2 s, until the real floor is known.
const FLOOR_ASSUMED_STRETCHES: usize = 25;
/// So many stretches at the start of the call, 4 s, the floor goes where it must. Later it rises only so
/// much per stretch (1 dB per second) while somebody speaks and up to 0.4 s after: who speaks for longer
/// than the 10 s without a pause is not the background. It falls at once.
const FLOOR_FREE_STRETCHES: usize = 50;
const FLOOR_RISE_DB_PER_STRETCH: f32 = 0.08;
const FLOOR_VOICED_STRETCHES: usize = 5;
/// Bounds of the floor.
const FLOOR_MIN_DBFS: f32 = -70.0;
const FLOOR_MAX_DBFS: f32 = -22.0;

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
            let (floor_dbfs, span_db) = (self.floor.dbfs, self.voice_dbfs - self.floor.dbfs);
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
        self.floor.voiced_stretches = FLOOR_VOICED_STRETCHES;
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

/// Level of the background in the pauses of the last seconds.
#[derive(Debug, Clone)]
struct Floor {
    dbfs: f32,
    /// Loudest block of each pair of stretches; the oldest is at `next`.
    pairs: [f32; FLOOR_STRETCHES],
    next: usize,
    /// Loudest block of the stretch before and of the current one, which has `blocks` so far.
    before: f32,
    loudest: f32,
    blocks: usize,
    /// Stretches still to come in which the floor rises freely, and in which a voice counts as going on.
    free_stretches: usize,
    voiced_stretches: usize,
}

impl Default for Floor {
    fn default() -> Self {
        let mut pairs = [f32::INFINITY; FLOOR_STRETCHES];
        pairs[..FLOOR_ASSUMED_STRETCHES].fill(FLOOR_MIN_DBFS);
        Self {
            dbfs: FLOOR_MIN_DBFS,
            pairs,
            next: 0,
            before: FLOOR_MIN_DBFS,
            loudest: f32::NEG_INFINITY,
            blocks: 0,
            free_stretches: FLOOR_FREE_STRETCHES,
            voiced_stretches: 0,
        }
    }
}

impl Floor {
    fn push(&mut self, level_dbfs: f32) {
        self.loudest = self.loudest.max(level_dbfs);
        self.blocks += 1;
        if self.blocks == STRETCH_BLOCKS {
            self.pairs[self.next] = self.loudest.max(self.before);
            self.next = (self.next + 1) % FLOOR_STRETCHES;
            self.before = self.loudest;
            (self.loudest, self.blocks) = (f32::NEG_INFINITY, 0);
            let quietest = self.pairs.iter().copied().fold(f32::INFINITY, f32::min);
            let slow = self.voiced_stretches > 0 && self.free_stretches == 0;
            let highest = if slow { self.dbfs + FLOOR_RISE_DB_PER_STRETCH } else { FLOOR_MAX_DBFS };
            self.dbfs = quietest.clamp(FLOOR_MIN_DBFS, FLOOR_MAX_DBFS).min(highest);
            self.free_stretches = self.free_stretches.saturating_sub(1);
            self.voiced_stretches = self.voiced_stretches.saturating_sub(1);
        }
    }
}

/// What a spectrum looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// One or two lines.
    Tone,
    /// As it was 64 ms ago.
    Steady,
    /// Neither, or silence.
    Moving,
}

/// Magnitude spectra of the last blocks and whether they stand still.
#[derive(Debug, Clone)]
struct Spectrum {
    /// The last [`POINTS`] samples at 8 kHz.
    recent: Vec<f32>,
    /// Spectra of the last [`COMPARED_BLOCKS`] blocks, the oldest at `oldest`; empty where it was silent.
    before: [Vec<f32>; COMPARED_BLOCKS],
    oldest: usize,
    window: Vec<f32>,
    /// `exp(-2πi k / POINTS)` for the first half of the circle.
    circle: Vec<(f32, f32)>,
}

impl Spectrum {
    fn new() -> Self {
        let angle = |index: usize| 2.0 * PI * index as f64 / POINTS as f64;
        Self {
            recent: vec![0.0; POINTS],
            before: Default::default(),
            oldest: 0,
            window: (0..POINTS).map(|n| (0.5 - 0.5 * angle(n).cos()) as f32).collect(),
            circle: (0..POINTS / 2).map(|k| (angle(k).cos() as f32, -angle(k).sin() as f32)).collect(),
        }
    }

    fn restart(&mut self) {
        self.recent.fill(0.0);
        self.before.iter_mut().for_each(Vec::clear);
    }

    /// Takes in a block and tells what the spectrum around it looks like.
    fn push(&mut self, block: &[f32], audible: bool) -> Look {
        self.recent.copy_within(block.len() / 2.., 0);
        let kept = POINTS - block.len() / 2;
        for (recent, pair) in self.recent[kept..].iter_mut().zip(block.chunks_exact(2)) {
            *recent = (pair[0] + pair[1]) * 0.5;
        }
        let slot = self.oldest;
        self.oldest = (slot + 1) % COMPARED_BLOCKS;
        if !audible {
            self.before[slot].clear();
            return Look::Moving;
        }
        let now = self.magnitudes();
        let look = if is_tone(&now) {
            Look::Tone
        } else if cosine(&now, &self.before[slot]) > STEADY_COSINE {
            Look::Steady
        } else {
            Look::Moving
        };
        self.before[slot] = now;
        look
    }

    /// Magnitudes of the windowed signal, computed as a transform of half the points: even samples as
    /// real, odd as imaginary parts, separated afterwards.
    fn magnitudes(&self) -> Vec<f32> {
        let windowed = |n: usize| self.recent[n] * self.window[n];
        let mut points: Vec<(f32, f32)> = (0..BINS).map(|n| (windowed(2 * n), windowed(2 * n + 1))).collect();
        transform(&mut points, &self.circle);
        (0..BAND.end)
            .map(|k| {
                let ((a, b), (c, d)) = (points[k], points[(BINS - k) % BINS]);
                let (even, odd) = (((a + c) * 0.5, (b - d) * 0.5), ((b + d) * 0.5, (c - a) * 0.5));
                let (cos, sin) = self.circle[k];
                let real = even.0 + odd.0 * cos - odd.1 * sin;
                let imaginary = even.1 + odd.0 * sin + odd.1 * cos;
                (real * real + imaginary * imaginary).sqrt()
            })
            .collect()
    }
}

/// Fast Fourier transform in place (Cooley and Tukey 1965, radix 2); the length is a power of two and
/// `circle` holds as many points as `values`, over half the circle.
fn transform(values: &mut [(f32, f32)], circle: &[(f32, f32)]) {
    let count = values.len();
    let bits = count.trailing_zeros();
    for index in 0..count {
        let mirrored = index.reverse_bits() >> (usize::BITS - bits);
        if index < mirrored {
            values.swap(index, mirrored);
        }
    }
    let mut half = 1;
    while half < count {
        let stride = circle.len() / half;
        for group in values.chunks_exact_mut(2 * half) {
            let (low, high) = group.split_at_mut(half);
            for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                let (cos, sin) = circle[k * stride];
                let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                *b = (a.0 - turned.0, a.1 - turned.1);
                *a = (a.0 + turned.0, a.1 + turned.1);
            }
        }
        half *= 2;
    }
}

/// Whether nearly all energy lies in one or two lines.
fn is_tone(magnitudes: &[f32]) -> bool {
    let power = |k: usize| magnitudes[k] * magnitudes[k];
    let total: f32 = BAND.map(power).sum();
    // A Hann window spreads a line over two bins on either side.
    let strongest = |except: Option<usize>| {
        let peak = BAND
            .filter(|k| except.is_none_or(|other| k.abs_diff(other) > 4))
            .max_by(|&a, &b| magnitudes[a].total_cmp(&magnitudes[b]))
            .unwrap_or(BAND.start);
        let share: f32 = (peak - 2..=(peak + 2).min(BAND.end - 1)).map(power).sum();
        (peak, share)
    };
    let (first_at, first) = strongest(None);
    first + strongest(Some(first_at)).1 > TONE_SHARE * total
}

/// Cosine of the angle between two spectra; 0 when there is none to compare with.
fn cosine(now: &[f32], before: &[f32]) -> f32 {
    if before.is_empty() {
        return 0.0;
    }
    let (now, before) = (&now[BAND], &before[BAND]);
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    product(now, before) / (product(now, now) * product(before, before)).sqrt().max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
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
    fn the_transform_agrees_with_its_definition() {
        let mut spectrum = Spectrum::new();
        for (n, sample) in spectrum.recent.iter_mut().enumerate() {
            *sample = ((n * 37 % 101) as f32 - 50.0) / 101.0;
        }
        let magnitudes = spectrum.magnitudes();
        for k in [0usize, 1, 7, 100, 239] {
            let (mut real, mut imaginary) = (0.0f64, 0.0f64);
            for n in 0..POINTS {
                let angle = 2.0 * PI * (k * n % POINTS) as f64 / POINTS as f64;
                let sample = f64::from(spectrum.recent[n] * spectrum.window[n]);
                real += sample * angle.cos();
                imaginary -= sample * angle.sin();
            }
            assert!((real.hypot(imaginary) - f64::from(magnitudes[k])).abs() < 1e-3, "bin {k}");
        }
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
