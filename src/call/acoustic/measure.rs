//! What a stretch of speech says of loudness and pace besides its level: noise, clipping, syllables.
//!
//! Syllables are counted as their nuclei: hills of the loudness contour with a dip between them (after N. H. de Jong and
//! T. Wempe, "Praat script to detect syllable nuclei and measure speech rate automatically", Behavior Research Methods
//! 41, 2009). All of it is relative to the stretch itself, so that gain changes no count.

use crate::terms::SAMPLE_RATE;

/// Frames of the contour: 10 ms.
const FRAME: usize = SAMPLE_RATE as usize / 100;
/// Frames averaged to smooth the contour, odd: 50 ms, less than the shortest syllable.
const SMOOTH: usize = 5;
/// A dip between two nuclei is at least this deep, in decibels.
const DIP_DB: f32 = 2.5;
/// Nuclei lie at most this far below the loudest part, in decibels.
const DEPTH_DB: f32 = 22.0;
/// Vowels are strong here, hiss is not.
const BAND_HZ: (f32, f32) = (250.0, 1_500.0);
/// Amplitude from which a sample stands at the end of the scale.
const FULL: f32 = 0.95;
/// Share of such samples from which a voice is clipped; a healthy one touches the end only now and then.
const CLIPPED_SHARE: f32 = 0.003;
/// The noise is the level that one frame in so many stays below: even without a pause, a stretch begins and ends with some.
const NOISE_PART: usize = 33;
/// Silence, in dBFS.
const SILENCE_DBFS: f32 = -120.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    /// Level of what lies between the words, in dBFS.
    pub noise_dbfs: f32,
    /// The loudest parts are cut off: the true level is higher than the measured one.
    pub clipped: bool,
    pub syllables: usize,
}

/// Measures 16 kHz samples, -1 to 1.
pub(super) fn measure(samples: &[f32]) -> Measured {
    let full = samples.iter().filter(|sample| sample.abs() >= FULL).count();
    let mut levels = contour(samples.iter().copied());
    let syllables = nuclei(&smooth(&contour(vowels(samples))));
    levels.sort_by(f32::total_cmp);
    Measured {
        noise_dbfs: levels.get(levels.len() / NOISE_PART).copied().unwrap_or(SILENCE_DBFS),
        clipped: full as f32 > samples.len() as f32 * CLIPPED_SHARE,
        syllables,
    }
}

/// Level of each frame, in dBFS.
fn contour(samples: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut levels = Vec::new();
    let (mut sum, mut count) = (0.0, 0);
    for sample in samples {
        sum += sample * sample;
        count += 1;
        if count == FRAME {
            levels.push((10.0 * (sum / FRAME as f32).log10()).max(SILENCE_DBFS));
            (sum, count) = (0.0, 0);
        }
    }
    levels
}

/// The band of the vowels: two first-order filters each way.
fn vowels(samples: &[f32]) -> impl Iterator<Item = f32> + '_ {
    let share = |hz: f32| 1.0 - (-std::f32::consts::TAU * hz / SAMPLE_RATE as f32).exp();
    let (low, high) = (share(BAND_HZ.0), share(BAND_HZ.1));
    let (mut below, mut first, mut second) = (0.0, 0.0, 0.0);
    samples.iter().map(move |&sample| {
        let sample = if sample.is_finite() { sample } else { 0.0 };
        below += low * (sample - below);
        first += high * (sample - below - first);
        second += high * (first - second);
        second
    })
}

fn smooth(levels: &[f32]) -> Vec<f32> {
    let reach = SMOOTH / 2;
    (0..levels.len())
        .map(|index| {
            let around = &levels[index.saturating_sub(reach)..levels.len().min(index + reach + 1)];
            around.iter().sum::<f32>() / around.len() as f32
        })
        .collect()
}

/// Hills of the contour with a dip before and after them.
fn nuclei(levels: &[f32]) -> usize {
    let loudest = levels.iter().copied().fold(SILENCE_DBFS, f32::max);
    let floor = loudest - DEPTH_DB;
    let (mut count, mut rising) = (0, true);
    let (mut high, mut low) = (SILENCE_DBFS, f32::MAX);
    for &level in levels {
        if rising {
            high = high.max(level);
            if level < high - DIP_DB {
                count += usize::from(high > floor);
                (rising, low) = (false, level);
            }
        } else {
            low = low.min(level);
            if level > low + DIP_DB {
                (rising, high) = (true, level);
            }
        }
    }
    count + usize::from(rising && high > floor && loudest > SILENCE_DBFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice of `hz` that says `rate` syllables a second for `seconds`, over noise of `noise` amplitude.
    fn voice(rate: f32, seconds: f32, gain: f32, noise: f32) -> Vec<f32> {
        let mut state = 7u32;
        (0..(seconds * SAMPLE_RATE as f32) as usize)
            .map(|index| {
                let t = index as f32 / SAMPLE_RATE as f32;
                let swell = (std::f32::consts::PI * rate * t).sin().powi(2);
                let tone: f32 = (1..8).map(|n| (std::f32::consts::TAU * 140.0 * n as f32 * t).sin() / n as f32).sum();
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                gain * 0.3 * swell * tone + noise * (state as i32 as f32 / 2_147_483_648.0)
            })
            .collect()
    }

    #[test]
    fn syllables_are_counted_whatever_the_gain() {
        for rate in [3.0, 4.0, 5.5, 7.0] {
            for gain in [0.02, 0.3, 1.0] {
                let found = measure(&voice(rate, 4.0, gain, 0.0005)).syllables as f32;
                assert!((found - rate * 4.0).abs() <= 2.0, "{rate}/s at {gain}: {found}");
            }
        }
        assert_eq!(measure(&[]).syllables, 0);
        assert_eq!(measure(&[0.0; 16_000]).syllables, 0);
        assert_eq!(measure(&[f32::NAN; 16_000]).syllables, 0);
    }

    #[test]
    fn noise_between_the_words_and_clipping_are_noticed() {
        let quiet = measure(&voice(4.0, 3.0, 0.5, 0.001));
        let loud = measure(&voice(4.0, 3.0, 1.0, 0.001));
        let gained = measure(&voice(4.0, 3.0, 0.5, 0.001).iter().map(|sample| 4.0 * sample).collect::<Vec<_>>());
        assert!((quiet.noise_dbfs - loud.noise_dbfs).abs() < 6.0);
        assert!((gained.noise_dbfs - quiet.noise_dbfs - 12.0).abs() < 0.5);
        assert!(!quiet.clipped);
        let cut: Vec<f32> = voice(4.0, 3.0, 4.0, 0.001).iter().map(|sample| sample.clamp(-1.0, 1.0)).collect();
        assert!(measure(&cut).clipped);
    }
}
