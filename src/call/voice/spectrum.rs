//! Does the sound stand still, as tones and music do and voices do not?

use std::f64::consts::PI;

/// Points of the spectrum, over 64 ms of sound at 8 kHz: 15.6 Hz each, fine enough to see a voice's
/// pitch move, which a tone's does not.
const POINTS: usize = 512;
const BINS: usize = POINTS / 2;
/// Bins of 62 Hz to 3.75 kHz, the telephone band.
const BAND: std::ops::Range<usize> = 4..240;

/// Blocks between two spectra that are compared: as long as one window, so that they share no sample.
pub const COMPARED_BLOCKS: usize = 4;
/// Cosine between two such spectra above which the sound is steady. 97 of 100 frames of speech
/// lie below 0.92, a tone or a held chord above 0.99.
const STEADY_COSINE: f32 = 0.97;
/// Share of the energy in the two strongest lines above which it is a tone or a pair of tones (keypad),
/// known before there is a second spectrum to compare.
const TONE_SHARE: f32 = 0.985;

/// What a spectrum looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// One or two lines.
    Tone,
    /// As it was 64 ms ago.
    Steady,
    /// Neither, or silence.
    Moving,
}

/// Magnitude spectra of the last blocks and whether they stand still.
#[derive(Debug, Clone)]
pub struct Spectrum {
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
    /// Silence before the call.
    pub fn new() -> Self {
        let angle = |index: usize| 2.0 * PI * index as f64 / POINTS as f64;
        Self {
            recent: vec![0.0; POINTS],
            before: Default::default(),
            oldest: 0,
            window: (0..POINTS).map(|n| (0.5 - 0.5 * angle(n).cos()) as f32).collect(),
            circle: (0..POINTS / 2).map(|k| (angle(k).cos() as f32, -angle(k).sin() as f32)).collect(),
        }
    }

    /// Forgets the sound heard last.
    pub fn restart(&mut self) {
        self.recent.fill(0.0);
        self.before.iter_mut().for_each(Vec::clear);
    }

    /// Takes in a block and tells what the spectrum around it looks like.
    pub fn push(&mut self, block: &[f32], audible: bool) -> Look {
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
}
