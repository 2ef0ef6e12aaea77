//! Band-limited resampling from 8 and 48 kHz to 16 kHz.
//!
//! Both filters are Kaiser-windowed sincs (Kaiser & Schafer 1980) whose cut-off divides the sample
//! rate evenly, so that each tap is a plain fraction of π and no library sine is needed: the same
//! taps, and so the same samples, on every machine.

use std::f64::consts::PI;

/// Shape of the Kaiser window: about 70 dB between pass band and stop band.
const KAISER_BETA: f64 = 6.76;

/// Input samples on either side of an output sample when doubling 8 kHz. Flat to 3.4 kHz (the
/// telephone band); its image from 4.6 kHz up is 70 dB down. 16 samples are 2 ms of delay.
const DOUBLING_REACH: usize = 16;

/// Input samples on either side of an output sample when taking every third of 48 kHz. Flat to 7 kHz;
/// what lies above 9 kHz is 70 dB down before it folds back.
const THIRDING_REACH: usize = 54;

/// Brings one channel to 16 kHz.
#[derive(Debug, Clone)]
pub(super) enum Resampler {
    /// Is at 16 kHz already.
    Direct,
    /// 8 kHz: every sample stays, one is computed between each two.
    Doubling(Fir),
    /// 48 kHz: every third sample of the filtered signal stays.
    Thirding(Fir),
}

impl Resampler {
    /// `None` for a rate that is not one of [`super::SAMPLE_RATES`].
    pub(super) fn new(sample_rate: u32) -> Option<Self> {
        match sample_rate {
            8_000 => Some(Self::Doubling(Fir::new(doubling_taps(), DOUBLING_REACH - 1))),
            16_000 => Some(Self::Direct),
            48_000 => Some(Self::Thirding(Fir::new(thirding_taps(), THIRDING_REACH))),
            _ => None,
        }
    }

    /// Appends to `out` all 16 kHz samples whose surroundings are known.
    pub(super) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        match self {
            Self::Direct => out.extend_from_slice(samples),
            Self::Doubling(fir) => {
                out.reserve(samples.len() * 2);
                fir.push(samples, 1, |now, between| out.extend([now, between]));
            }
            Self::Thirding(fir) => {
                out.reserve(samples.len() / 3 + 1);
                fir.push(samples, 3, |_, filtered| out.push(filtered));
            }
        }
    }

    /// Appends the samples that waited for more input, as if silence followed, and starts anew.
    pub(super) fn finish(&mut self, out: &mut Vec<f32>) {
        let tail = match self {
            Self::Direct => return,
            Self::Doubling(fir) | Self::Thirding(fir) => fir.awaited(),
        };
        self.push(&vec![0.0; tail], out);
        if let Self::Doubling(fir) | Self::Thirding(fir) = self {
            fir.restart();
        }
    }
}

/// A symmetric filter sliding over the signal; the sound before the first sample is silence.
#[derive(Debug, Clone)]
pub(super) struct Fir {
    /// Padded with zeros to a multiple of [`LANES`].
    taps: Vec<f32>,
    /// Samples before the one an output belongs to that its filter window takes in.
    before: usize,
    /// Samples after it.
    after: usize,
    /// Samples still needed; `next` points at the window of the next output.
    window: Vec<f32>,
    next: usize,
}

impl Fir {
    fn new(mut taps: Vec<f32>, before: usize) -> Self {
        let after = taps.len() - 1 - before;
        taps.resize(taps.len().next_multiple_of(LANES), 0.0);
        let mut fir = Self { taps, before, after, window: Vec::new(), next: 0 };
        fir.restart();
        fir
    }

    fn restart(&mut self) {
        self.window.clear();
        self.window.resize(self.before, 0.0);
        self.next = 0;
    }

    /// Samples after the last input that its output waits for.
    fn awaited(&self) -> usize {
        self.after
    }

    /// Calls `each` with the sample itself and its filtered value for every `step`-th sample.
    fn push(&mut self, samples: &[f32], step: usize, mut each: impl FnMut(f32, f32)) {
        self.window.extend_from_slice(samples);
        let (reach, width) = (self.before + self.after + 1, self.taps.len());
        let end = self.window.len();
        // The taps beyond `reach` are zero, but the loop reads there.
        self.window.resize(end + width - reach, 0.0);
        while self.next + reach <= end {
            let window = &self.window[self.next..self.next + width];
            each(window[self.before], dot(window, &self.taps));
            self.next += step;
        }
        self.window.truncate(end);
        let passed = self.next.min(end);
        self.window.drain(..passed);
        self.next -= passed;
    }
}

/// Sums kept side by side: fixed, so that the order of additions never depends on the caller.
const LANES: usize = 8;

/// Both slices have the same length, a multiple of [`LANES`].
fn dot(samples: &[f32], taps: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for (samples, taps) in samples.chunks_exact(LANES).zip(taps.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += samples[lane] * taps[lane];
        }
    }
    sums.iter().sum()
}

/// The odd phase of a half-band filter: the value half-way between two samples. The even phase is
/// the sample itself. `sin(π (k + 1/2))` is +1 and -1 in turn.
fn doubling_taps() -> Vec<f32> {
    let taps = (0..2 * DOUBLING_REACH).map(|index| {
        let offset = index as f64 - DOUBLING_REACH as f64 + 0.5;
        let sign = if (index + DOUBLING_REACH).is_multiple_of(2) { 1.0 } else { -1.0 };
        sign / (PI * offset) * kaiser(offset / DOUBLING_REACH as f64)
    });
    normalised(taps.collect())
}

/// A low-pass at a sixth of the sample rate. `sin(π k / 3)` is 0, s, s, 0, -s, -s in turn, s = √3 / 2.
fn thirding_taps() -> Vec<f32> {
    let half_sqrt_3 = 3f64.sqrt() / 2.0;
    let taps = (0..=2 * THIRDING_REACH).map(|index| {
        let distance = index.abs_diff(THIRDING_REACH);
        let sinc = match distance % 6 {
            _ if distance == 0 => 1.0 / 3.0,
            1 | 2 => half_sqrt_3 / (PI * distance as f64),
            4 | 5 => -half_sqrt_3 / (PI * distance as f64),
            _ => 0.0,
        };
        sinc * kaiser(distance as f64 / (THIRDING_REACH + 1) as f64)
    });
    normalised(taps.collect())
}

/// Scales the taps so that a constant signal keeps its level.
fn normalised(taps: Vec<f64>) -> Vec<f32> {
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

/// The Kaiser window at `position` in `-1.0..=1.0`.
fn kaiser(position: f64) -> f64 {
    bessel_i0(KAISER_BETA * (1.0 - position * position).max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
}

/// Modified Bessel function of order zero by its power series; 30 terms are exact for arguments up to 10.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..=30 {
        term *= quarter / f64::from(k * k);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RMS in decibels of a sine of `hz` after resampling, and the RMS of what is not that sine.
    fn through(rate: u32, hz: f64) -> (f64, f64) {
        let mut resampler = Resampler::new(rate).unwrap();
        let input: Vec<f32> =
            (0..rate).map(|n| (2.0 * PI * hz * f64::from(n) / f64::from(rate)).sin() as f32 * 0.5).collect();
        let mut out = Vec::new();
        resampler.push(&input, &mut out);
        resampler.finish(&mut out);
        let middle = &out[2000..14_000];
        // Project on sine and cosine of the same frequency; the rest is image, alias or error.
        let phase = |n: usize| 2.0 * PI * hz * (n + 2000) as f64 / 16_000.0;
        let scale = 2.0 / middle.len() as f64;
        let (mut sine, mut cosine) = (0.0, 0.0);
        for (n, &sample) in middle.iter().enumerate() {
            sine += f64::from(sample) * phase(n).sin() * scale;
            cosine += f64::from(sample) * phase(n).cos() * scale;
        }
        assert!(cosine.abs() < 0.01 || hz > 3_500.0, "delay is not taken out: {cosine} at {hz} Hz");
        let rest: f64 = middle
            .iter()
            .enumerate()
            .map(|(n, &sample)| (f64::from(sample) - sine * phase(n).sin() - cosine * phase(n).cos()).powi(2))
            .sum();
        let kept = 20.0 * ((sine.hypot(cosine)) / 0.5).log10();
        (kept, 10.0 * (rest / middle.len() as f64 / 0.125).log10())
    }

    #[test]
    fn the_telephone_band_passes_and_its_image_does_not() {
        for hz in [200.0, 300.0, 1000.0, 2500.0, 3400.0] {
            let (kept, rest) = through(8_000, hz);
            assert!(kept.abs() < 0.02, "{kept} dB at {hz} Hz");
            assert!(rest < -66.0, "image {rest} dB at {hz} Hz");
        }
    }

    #[test]
    fn wide_band_passes_and_what_would_fold_back_does_not() {
        for hz in [100.0, 1000.0, 4000.0, 7000.0] {
            let (kept, rest) = through(48_000, hz);
            assert!(kept.abs() < 0.02, "{kept} dB at {hz} Hz");
            assert!(rest < -66.0, "rest {rest} dB at {hz} Hz");
        }
        for hz in [9100.0, 12_000.0, 20_000.0] {
            let mut resampler = Resampler::new(48_000).unwrap();
            let input: Vec<f32> = (0..48_000).map(|n| (2.0 * PI * hz * f64::from(n) / 48_000.0).sin() as f32).collect();
            let mut out = Vec::new();
            resampler.push(&input, &mut out);
            let energy: f32 = out[1000..].iter().map(|s| s * s).sum::<f32>() / (out.len() - 1000) as f32;
            assert!(10.0 * (energy / 0.5).log10() < -66.0, "{hz} Hz folds back");
        }
    }

    #[test]
    fn given_samples_stay_untouched_when_doubling() {
        let mut resampler = Resampler::new(8_000).unwrap();
        let input: Vec<f32> = (0..500).map(|n| ((n * 37) % 101) as f32 / 101.0).collect();
        let mut out = Vec::new();
        resampler.push(&input, &mut out);
        resampler.finish(&mut out);
        assert!(out.iter().step_by(2).eq(input.iter()));
    }

    #[test]
    fn after_the_end_it_starts_anew() {
        let mut used = Resampler::new(48_000).unwrap();
        let mut out = Vec::new();
        used.push(&[0.5; 1000], &mut out);
        used.finish(&mut out);
        let (mut again, mut fresh) = (Vec::new(), Vec::new());
        used.push(&[0.25; 500], &mut again);
        Resampler::new(48_000).unwrap().push(&[0.25; 500], &mut fresh);
        assert_eq!(again, fresh);
    }
}
