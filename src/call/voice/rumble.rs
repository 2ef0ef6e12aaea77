//! The lowest sounds of the line, taken out before its spectrum is judged.
//!
//! Mains hum is strongest at 50 and 100 Hz, below all that a telephone carries of a voice (300 Hz to
//! 3.4 kHz), and would otherwise make a voice look like a tone.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// Corner of the filter, in hertz: 100 Hz come out 8 dB fainter, 50 Hz 19 dB, 300 Hz less than half a dB.
const CORNER_HZ: f64 = 150.0;
const SAMPLE_HZ: f64 = 16_000.0;

/// Memory fainter than this (-300 dBFS) is nothing; processors are slow with numbers much smaller.
const NOTHING: f32 = 1e-15;

/// A Butterworth high-pass of second order (bilinear transform), in the transposed direct form 2.
#[derive(Debug, Clone)]
pub struct RumbleFilter {
    /// Factors of the input now, one and two samples ago.
    forward: [f32; 3],
    /// Factors of the output one and two samples ago.
    back: [f32; 2],
    memory: [f32; 2],
}

impl Default for RumbleFilter {
    fn default() -> Self {
        let angle = TAU * CORNER_HZ / SAMPLE_HZ;
        let (alpha, cos) = (angle.sin() * FRAC_1_SQRT_2, angle.cos());
        let scale = 1.0 / (1.0 + alpha);
        let gain = ((1.0 + cos) * 0.5 * scale) as f32;
        Self {
            forward: [gain, -2.0 * gain, gain],
            back: [(-2.0 * cos * scale) as f32, ((1.0 - alpha) * scale) as f32],
            memory: [0.0; 2],
        }
    }
}

impl RumbleFilter {
    /// The next samples (16 kHz, -1.0 to 1.0) without their rumble. What lies beyond is clipped, what is no number is 0.
    pub fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        let (forward, back) = (self.forward, self.back);
        let [mut first, mut second] = self.memory;
        let filtered = samples.iter().map(|&sample| {
            let sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
            let out = forward[0] * sample + first;
            first = forward[1] * sample - back[0] * out + second;
            second = forward[2] * sample - back[1] * out;
            out
        });
        let filtered = filtered.collect();
        self.memory = [first, second].map(|value| if value.abs() < NOTHING { 0.0 } else { value });
        filtered
    }

    /// Forgets the samples so far, for sound that does not continue them.
    pub fn restart(&mut self) {
        self.memory = [0.0; 2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::voice::front::{dbfs, mean_square};

    /// How much a sine comes out fainter, in dB, once the filter has settled.
    fn loss_db(hertz: f64) -> f32 {
        let sine: Vec<f32> = (0..32_000).map(|n| (TAU * hertz * f64::from(n) / SAMPLE_HZ).sin() as f32 * 0.5).collect();
        let out = RumbleFilter::default().push(&sine);
        dbfs(mean_square(&sine[16_000..])) - dbfs(mean_square(&out[16_000..]))
    }

    #[test]
    fn hum_goes_and_the_telephone_band_stays() {
        assert!((loss_db(150.0) - 3.01).abs() < 0.05, "{}", loss_db(150.0));
        assert!(loss_db(50.0) > 18.5 && loss_db(100.0) > 7.5);
        assert!([300.0, 1000.0, 3400.0, 7000.0].iter().all(|&hertz| loss_db(hertz).abs() < 0.4));
        let offset = RumbleFilter::default().push(&[0.5; 16_000]);
        assert!(offset[8_000..].iter().all(|sample| sample.abs() < 1e-4));
    }

    #[test]
    fn the_filter_does_not_care_how_samples_are_cut() {
        let samples: Vec<f32> = (0..2000).map(|n| ((n * 37 % 101) as f32 - 50.0) / 101.0).collect();
        let whole = RumbleFilter::default().push(&samples);
        let mut filter = RumbleFilter::default();
        let parts: Vec<f32> = samples.chunks(17).flat_map(|part| filter.push(part)).collect();
        assert_eq!(whole, parts);
    }

    #[test]
    fn no_sample_does_lasting_harm() {
        let mut filter = RumbleFilter::default();
        assert!(filter.push(&[f32::NAN, f32::INFINITY, -1e30, 1e30]).iter().all(|sample| sample.is_finite()));
        filter.push(&[0.0; 16_000]);
        assert_eq!(filter.push(&[0.0; 4]), [0.0; 4]);
    }
}
