//! The Silero voice activity network (version 5 and 6, MIT) with weights from a file in whisper.cpp's format.
//!
//! The network reads 32 ms at a time: a short-time Fourier transform written as a convolution, four
//! small convolutions, one LSTM layer of 128 and a logistic output. Unlike whisper.cpp's own runner,
//! which starts every call from nothing, this one keeps the LSTM state and the 64 samples of context
//! the network was trained with from chunk to chunk.

mod weights;

pub use self::weights::{SileroError, SileroWeights};

use std::sync::Arc;

/// Samples of one chunk.
pub const FRAME_SAMPLES: usize = 512;

/// Samples of the chunk before that the network sees again.
const CONTEXT: usize = 64;
/// Window, hop and number of frequencies of the Fourier transform.
const WINDOW: usize = 256;
const HOP: usize = 128;
const BINS: usize = 129;
/// Windows in a chunk with its context and the mirrored samples after it.
const STEPS: usize = 4;
const HIDDEN: usize = 128;

/// Convolutions of the encoder: channels in, channels out, stride. Kernels are three wide.
const ENCODER: [(usize, usize, usize); 4] = [(BINS, 128, 1), (128, 64, 2), (64, 64, 2), (64, HIDDEN, 1)];
const KERNEL: usize = 3;

/// The network on one channel.
#[derive(Debug, Clone)]
pub struct Silero {
    weights: Arc<SileroWeights>,
    context: [f32; CONTEXT],
    hidden: [f32; HIDDEN],
    cell: [f32; HIDDEN],
}

impl Silero {
    pub fn new(weights: Arc<SileroWeights>) -> Self {
        Self { weights, context: [0.0; CONTEXT], hidden: [0.0; HIDDEN], cell: [0.0; HIDDEN] }
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        *self = Self::new(Arc::clone(&self.weights));
    }

    /// Probability that somebody speaks in the next [`FRAME_SAMPLES`] samples.
    pub fn push(&mut self, frame: &[f32; FRAME_SAMPLES]) -> f32 {
        let weights = Arc::clone(&self.weights);
        let mut planes = self.spectrum(frame, &weights.basis);
        let mut steps = STEPS;
        for (&(channels_in, _, stride), (kernel, bias)) in ENCODER.iter().zip(&weights.encoder) {
            planes = convolve(&planes, steps, channels_in, stride, kernel, bias);
            steps = steps.div_ceil(stride);
        }
        self.recur(&planes[..HIDDEN], &weights);
        let score: f32 = self.hidden.iter().zip(&weights.output).map(|(h, w)| h.max(0.0) * w).sum();
        logistic(score + weights.output_bias)
    }

    /// Magnitudes of [`STEPS`] windows over context, frame and its mirrored end; time major.
    fn spectrum(&mut self, frame: &[f32; FRAME_SAMPLES], basis: &[f32]) -> Vec<f32> {
        let mut signal = [0.0; CONTEXT + FRAME_SAMPLES + CONTEXT];
        signal[..CONTEXT].copy_from_slice(&self.context);
        signal[CONTEXT..CONTEXT + FRAME_SAMPLES].copy_from_slice(frame);
        self.context.copy_from_slice(&frame[FRAME_SAMPLES - CONTEXT..]);
        let last = CONTEXT + FRAME_SAMPLES - 1;
        for offset in 1..=CONTEXT {
            signal[last + offset] = signal[last - offset];
        }
        let mut planes = Vec::with_capacity(STEPS * BINS);
        for step in 0..STEPS {
            let window = &signal[step * HOP..step * HOP + WINDOW];
            planes.extend((0..BINS).map(|bin| {
                let cosine = dot(window, &basis[bin * WINDOW..(bin + 1) * WINDOW]);
                let sine = dot(window, &basis[(BINS + bin) * WINDOW..(BINS + bin + 1) * WINDOW]);
                (cosine * cosine + sine * sine).sqrt()
            }));
        }
        planes
    }

    /// One step of the LSTM.
    fn recur(&mut self, input: &[f32], weights: &SileroWeights) {
        let mut joined = [0.0; 2 * HIDDEN];
        joined[..HIDDEN].copy_from_slice(input);
        joined[HIDDEN..].copy_from_slice(&self.hidden);
        let gate = |gate: usize, unit: usize| {
            let row = gate * HIDDEN + unit;
            dot(&joined, &weights.lstm[row * 2 * HIDDEN..(row + 1) * 2 * HIDDEN]) + weights.lstm_bias[row]
        };
        for unit in 0..HIDDEN {
            let (input, forget) = (logistic(gate(0, unit)), logistic(gate(1, unit)));
            let (candidate, output) = (gate(2, unit).tanh(), logistic(gate(3, unit)));
            self.cell[unit] = forget * self.cell[unit] + input * candidate;
            self.hidden[unit] = output * self.cell[unit].tanh();
        }
    }
}

/// A three-wide convolution with one step of silence on either side, then the positive part.
fn convolve(planes: &[f32], steps: usize, channels_in: usize, stride: usize, kernel: &[f32], bias: &[f32]) -> Vec<f32> {
    let width = KERNEL * channels_in;
    let mut padded = vec![0.0; (steps + 2) * channels_in];
    padded[channels_in..(steps + 1) * channels_in].copy_from_slice(planes);
    let mut out = Vec::with_capacity(steps.div_ceil(stride) * bias.len());
    for step in (0..steps).step_by(stride) {
        let window = &padded[step * channels_in..step * channels_in + width];
        out.extend(kernel.chunks_exact(width).zip(bias).map(|(row, bias)| (dot(window, row) + bias).max(0.0)));
    }
    out
}

/// Sixteen sums side by side, in an order that never changes.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_lanes.remainder().iter().zip(b_lanes.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::weights::tests::file;
    use super::*;

    #[test]
    fn a_well_formed_file_runs() {
        let mut silero = Silero::new(Arc::new(SileroWeights::from_ggml(&file(0.0)).unwrap()));
        assert_eq!(silero.push(&[0.5; FRAME_SAMPLES]), 0.5);
        let weights = Arc::new(SileroWeights::from_ggml(&file(0.001)).unwrap());
        let mut silero = Silero::new(weights);
        let (first, second) = (silero.push(&[0.5; FRAME_SAMPLES]), silero.push(&[0.5; FRAME_SAMPLES]));
        assert!(second > first, "state is kept: {first} {second}");
        silero.reset();
        assert_eq!(silero.push(&[0.5; FRAME_SAMPLES]), first);
    }
}
