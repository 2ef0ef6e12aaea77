//! Voice activity: does somebody speak in this frame of one channel?
//!
//! Two networks answer that, chosen by setting. Both were trained on close microphones and wide-band
//! sound; what a telephone line adds (ringback, keypad tones, music, the other party's echo, its own
//! noise) is judged by [`front`], which is the same for both.

mod floor;
pub mod front;
pub mod rumble;
pub mod silero;
mod spectrum;

use std::sync::Arc;

use self::silero::{Silero, SileroWeights};

/// Level of the noise added for earshot, in dBFS (RMS). Telephone audio has nothing above 4 kHz, which
/// earshot never met: it takes nearly every frame for speech. Noise at this level fills the upper
/// band, is inaudible, and brings it back to its normal accuracy.
const DITHER_DBFS: f32 = -65.0;

/// A voice activity network on one channel.
#[derive(Debug)]
pub enum Detector {
    /// The embedded default: its weights are part of the program.
    Earshot(Earshot),
    /// More reliable in noise and music, four times the work; needs its file.
    Silero(Box<Silero>),
}

impl Detector {
    /// The embedded detector. The same `seed` gives the same probabilities for the same samples.
    pub fn earshot(seed: u32) -> Self {
        Self::Earshot(Earshot::new(seed))
    }

    /// Silero with weights read from its file.
    pub fn silero(weights: Arc<SileroWeights>) -> Self {
        Self::Silero(Box::new(Silero::new(weights)))
    }

    /// Samples (16 kHz) of one frame: 256 (16 ms) or 512 (32 ms).
    pub fn frame_samples(&self) -> usize {
        match self {
            Self::Earshot(_) => Earshot::FRAME_SAMPLES,
            Self::Silero(_) => silero::FRAME_SAMPLES,
        }
    }

    /// Probability, 0.0 to 1.0, that somebody speaks in the next frame.
    ///
    /// A frame shorter than [`Detector::frame_samples`] is filled up with silence, what is beyond is ignored.
    pub fn push(&mut self, frame: &[f32]) -> f32 {
        match self {
            Self::Earshot(earshot) => earshot.push(&filled(frame)),
            Self::Silero(silero) => silero.push(&filled(frame)),
        }
    }

    /// Forgets what was heard, for sound that does not continue it.
    pub fn reset(&mut self) {
        match self {
            Self::Earshot(earshot) => earshot.network.reset(),
            Self::Silero(silero) => silero.reset(),
        }
    }
}

/// The earshot network behind its dither.
pub struct Earshot {
    network: Box<earshot::Detector>,
    dither: Dither,
}

impl Earshot {
    const FRAME_SAMPLES: usize = 256;

    fn new(seed: u32) -> Self {
        Self { network: earshot::Detector::default_boxed(), dither: Dither::new(seed) }
    }

    fn push(&mut self, frame: &[f32; Self::FRAME_SAMPLES]) -> f32 {
        let dithered = frame.map(|sample| (sample + self.dither.next()).clamp(-1.0, 1.0));
        self.network.predict_f32(&dithered).clamp(0.0, 1.0)
    }
}

impl std::fmt::Debug for Earshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Earshot").finish_non_exhaustive()
    }
}

/// White noise of [`DITHER_DBFS`], uniformly distributed, from Marsaglia's 32-bit xorshift (2003).
#[derive(Debug)]
struct Dither {
    state: u32,
    amplitude: f32,
}

impl Dither {
    fn new(seed: u32) -> Self {
        // The generator stands still at 0. Uniform noise has an RMS of its amplitude / √3.
        let amplitude = 10f32.powf(DITHER_DBFS / 20.0) * 3f32.sqrt();
        Self { state: seed.wrapping_mul(0x9e37_79b9) | 1, amplitude }
    }

    fn next(&mut self) -> f32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        self.state as i32 as f32 * (self.amplitude / 2_147_483_648.0)
    }
}

/// A whole frame: what is missing is silence, and a sample that is no number is too.
fn filled<const N: usize>(frame: &[f32]) -> [f32; N] {
    let mut whole = [0.0; N];
    for (to, from) in whole.iter_mut().zip(frame) {
        *to = if from.is_finite() { *from } else { 0.0 };
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buzz(samples: usize) -> Vec<f32> {
        (0..samples).map(|n| ((n % 130) as f32 / 130.0 - 0.5) * 0.2).collect()
    }

    #[test]
    fn the_same_samples_and_seed_give_the_same_probabilities() {
        let probabilities = |seed| {
            let mut detector = Detector::earshot(seed);
            let frame = detector.frame_samples();
            buzz(16_000).chunks_exact(frame).map(|frame| detector.push(frame).to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(probabilities(1), probabilities(1));
        assert_ne!(probabilities(1), probabilities(2));
    }

    #[test]
    fn dither_has_its_level_and_no_offset() {
        for seed in [0, 1, 7, u32::MAX] {
            let mut dither = Dither::new(seed);
            let noise: Vec<f32> = (0..100_000).map(|_| dither.next()).collect();
            let level = front::dbfs(front::mean_square(&noise));
            assert!((level - DITHER_DBFS).abs() < 0.1, "{level} dBFS from seed {seed}");
            assert!((noise.iter().sum::<f32>() / noise.len() as f32).abs() < 1e-5);
        }
    }

    #[test]
    fn a_quiet_telephone_line_is_no_speech() {
        // What ruins earshot without dither: nothing at all above 4 kHz.
        let mut detector = Detector::earshot(1);
        let probabilities: Vec<f32> = (0..200).map(|_| detector.push(&[0.0; 256])).collect();
        assert!(probabilities[20..].iter().all(|&probability| probability < 0.5));
    }

    #[test]
    fn odd_frames_are_answered() {
        let mut detector = Detector::earshot(1);
        for frame in [&[][..], &[0.1; 3], &[f32::NAN; 256], &[f32::INFINITY; 256], &[-1e30; 5000]] {
            assert!((0.0..=1.0).contains(&detector.push(frame)));
        }
        detector.reset();
        assert!(detector.push(&[0.0; 256]).is_finite());
    }
}
