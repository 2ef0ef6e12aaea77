//! Band-limited resampling to 16 kHz: from 8 and 48 kHz with filters of their own, from other rates at any ratio.
//!
//! All filters are Kaiser-windowed sincs (Kaiser & Schafer 1980) whose cut-off divides the sample
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
    /// Any other rate.
    Ratio(Ratio),
}

impl Resampler {
    /// `None` for a rate that is not one of [`super::SAMPLE_RATES`].
    pub(super) fn new(sample_rate: u32) -> Option<Self> {
        match sample_rate {
            8_000 => Some(Self::Doubling(Fir::new(doubling_taps(), DOUBLING_REACH - 1))),
            16_000 => Some(Self::Direct),
            48_000 => Some(Self::Thirding(Fir::new(thirding_taps(), THIRDING_REACH))),
            other if super::SAMPLE_RATES.contains(&other) => Some(Self::Ratio(Ratio::new(other))),
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
            Self::Ratio(ratio) => ratio.push(samples, out),
        }
    }

    /// Appends the samples that waited for more input, as if silence followed, and starts anew.
    pub(super) fn finish(&mut self, out: &mut Vec<f32>) {
        let tail = match self {
            Self::Direct => return,
            Self::Doubling(fir) | Self::Thirding(fir) => fir.awaited(),
            Self::Ratio(ratio) => ratio.reach,
        };
        self.push(&vec![0.0; tail], out);
        match self {
            Self::Direct => {}
            Self::Doubling(fir) | Self::Thirding(fir) => fir.restart(),
            Self::Ratio(ratio) => ratio.restart(),
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

/// `up` output samples for each `down` input samples, each with the filter of its own place between two of them.
#[derive(Debug, Clone)]
pub(super) struct Ratio {
    up: u64,
    down: u64,
    /// Input samples on either side of an output sample.
    reach: usize,
    /// Filters by place, one after the other, of `2 * reach` taps each.
    taps: Vec<f32>,
    /// Input samples still needed; the first belongs to input sample `first - reach`.
    window: Vec<f32>,
    first: u64,
    /// Number of the next output sample.
    next: u64,
}

impl Ratio {
    fn new(sample_rate: u32) -> Self {
        let common = greatest_common_divisor(sample_rate, super::OUTPUT_RATE);
        let (up, down) = (u64::from(super::OUTPUT_RATE / common), u64::from(sample_rate / common));
        // 70 dB within a transition of 2 kHz around 8 kHz (Kaiser's formula), never less than the doubling filter.
        let reach = (sample_rate as usize * 112 / 100_000 + 1).max(24);
        let mut ratio = Self { up, down, reach, taps: Vec::new(), window: Vec::new(), first: 0, next: 0 };
        for place in 0..up {
            ratio.taps.extend(place_taps(place, up, sample_rate, reach));
        }
        ratio.restart();
        ratio
    }

    fn restart(&mut self) {
        self.window.clear();
        self.window.resize(self.reach, 0.0);
        (self.first, self.next) = (0, 0);
    }

    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.window.extend_from_slice(samples);
        let width = 2 * self.reach;
        loop {
            let passed = self.next * self.down;
            let (base, place) = (passed / self.up, (passed % self.up) as usize);
            // The window of this output begins `reach - 1` samples before its base.
            let from = (base - self.first + 1) as usize;
            let Some(window) = self.window.get(from..from + width) else { break };
            let taps = &self.taps[place * width..(place + 1) * width];
            out.push(window.iter().zip(taps).map(|(sample, tap)| sample * tap).sum());
            self.next += 1;
        }
        let unused = (self.next * self.down / self.up - self.first) as usize;
        let unused = unused.min(self.window.len());
        self.window.drain(..unused);
        self.first += unused as u64;
    }
}

/// A low-pass at 8 kHz, or at half the rate if that is lower, for outputs `place / up` after an input sample.
fn place_taps(place: u64, up: u64, sample_rate: u32, reach: usize) -> Vec<f32> {
    let cut_off = (f64::from(super::OUTPUT_RATE) / f64::from(sample_rate)).min(1.0);
    let taps = (0..2 * reach).map(|index| {
        let offset = index as f64 - (reach as f64 - 1.0) - place as f64 / up as f64;
        let x = cut_off * offset;
        let sinc = if x == 0.0 { 1.0 } else { sin_pi(x) / (PI * x) };
        sinc * kaiser(offset / (reach as f64 + 0.5))
    });
    normalised(taps.collect())
}

/// `sin(π x)` by its power series, the same on every machine; exact to the last bits for the quarter it is reduced to.
fn sin_pi(x: f64) -> f64 {
    let turns = x.rem_euclid(2.0);
    let (sign, half) = if turns >= 1.0 { (-1.0, turns - 1.0) } else { (1.0, turns) };
    let angle = PI * half.min(1.0 - half);
    let (mut sum, mut term) = (angle, angle);
    for k in 1..12 {
        term *= -angle * angle / f64::from((2 * k) * (2 * k + 1));
        sum += term;
    }
    sign * sum
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
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
    fn other_rates_keep_the_band_and_nothing_else() {
        for rate in [12_000, 24_000, 32_000, 44_100, 64_000, 96_000, 192_000] {
            for hz in [200.0, 1000.0, 3400.0] {
                let (kept, rest) = through(rate, hz);
                assert!(kept.abs() < 0.05, "{kept} dB at {hz} Hz of {rate}");
                assert!(rest < -60.0, "rest {rest} dB at {hz} Hz of {rate}");
            }
        }
        for (rate, hz) in [(44_100, 12_000.0), (24_000, 9_500.0), (96_000, 20_000.0)] {
            let mut resampler = Resampler::new(rate).unwrap();
            let sine = |n| (2.0 * PI * hz * f64::from(n) / f64::from(rate)).sin() as f32;
            let input: Vec<f32> = (0..rate).map(sine).collect();
            let mut out = Vec::new();
            resampler.push(&input, &mut out);
            let energy: f32 = out[1000..].iter().map(|s| s * s).sum::<f32>() / (out.len() - 1000) as f32;
            assert!(10.0 * (energy / 0.5).log10() < -60.0, "{hz} Hz of {rate} folds back");
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
