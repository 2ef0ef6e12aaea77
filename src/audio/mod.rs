//! Telephone bytes in, 16 kHz mono samples out, one stream per channel.
//!
//! Every sample that leaves depends only on the bytes that came before it, never on how they were
//! cut into frames, and sample `n` of a channel is always the sound `n / 16000` seconds after the
//! first byte: the delay of the filters is taken out and the ratio of samples is exact.

mod resample;
pub mod wav;

use audio_codec_algorithms::{decode_alaw, decode_ulaw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::resample::Resampler;

/// Sample rates a [`Decoder`] takes, in hertz.
pub const SAMPLE_RATES: [u32; 10] = [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 64_000, 96_000, 192_000];

/// Sample rate of what comes out, in hertz.
const OUTPUT_RATE: u32 = 16_000;

/// Most channels of one stream: the two parties of a call.
pub const CHANNELS_MAX: usize = 2;

/// How one sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Signed 16-bit linear, little-endian.
    PcmS16le,
    /// ITU-T G.711 µ-law, one byte.
    Mulaw,
    /// ITU-T G.711 A-law, one byte.
    Alaw,
}

impl Encoding {
    /// The name used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PcmS16le => "pcm_s16le",
            Self::Mulaw => "mulaw",
            Self::Alaw => "alaw",
        }
    }

    /// Bytes of one sample of one channel.
    pub fn bytes_per_sample(self) -> usize {
        match self {
            Self::PcmS16le => 2,
            Self::Mulaw | Self::Alaw => 1,
        }
    }
}

/// Why a stream cannot be decoded. Refuse it and tell the sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AudioError {
    #[error(
        "a sample rate of {0} Hz is not accepted: send 8000, 16000 or 48000 Hz, or another of 12, 24, 32, 44.1, 64, 96 and 192 kHz (resample the recording before)"
    )]
    SampleRate(u32),
    #[error("{0} channels are not accepted: send one channel or two (customer and agent), interleaved")]
    Channels(usize),
}

/// Decodes one interleaved stream of bytes into 16 kHz samples per channel, in `-1.0..=1.0`.
///
/// Frames may have any length: a sample that was cut in two is completed by the next frame.
#[derive(Debug, Clone)]
pub struct Decoder {
    encoding: Encoding,
    channels: Vec<Resampler>,
    /// Start of a sample frame whose other bytes have not come yet; shorter than one sample frame.
    partial: Vec<u8>,
    /// Decoded samples of one channel, kept to save the allocation.
    scratch: Vec<f32>,
}

impl Decoder {
    /// A decoder for `channels` interleaved channels (1 or 2) at `sample_rate` hertz (one of [`SAMPLE_RATES`]).
    pub fn new(encoding: Encoding, sample_rate: u32, channels: usize) -> Result<Self, AudioError> {
        if channels == 0 || channels > CHANNELS_MAX {
            return Err(AudioError::Channels(channels));
        }
        let resampler = Resampler::new(sample_rate).ok_or(AudioError::SampleRate(sample_rate))?;
        Ok(Self { encoding, channels: vec![resampler; channels], partial: Vec::new(), scratch: Vec::new() })
    }

    /// Number of channels, at most [`CHANNELS_MAX`].
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Decodes `bytes` and appends the 16 kHz samples of channel `i` to `out[i]`.
    ///
    /// The newest 2 ms (at 16 kHz: nothing) stay in the filter until more bytes or [`Decoder::finish`]
    /// push them out. Channels beyond `out.len()` are decoded and dropped.
    pub fn push(&mut self, bytes: &[u8], out: &mut [Vec<f32>]) {
        let frame_bytes = self.frame_bytes();
        let mut bytes = bytes;
        if !self.partial.is_empty() {
            let missing = (frame_bytes - self.partial.len()).min(bytes.len());
            self.partial.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.partial.len() < frame_bytes {
                return;
            }
            let frame = std::mem::take(&mut self.partial);
            self.push_whole(&frame, out);
        }
        let whole = bytes.len() - bytes.len() % frame_bytes;
        self.push_whole(&bytes[..whole], out);
        self.partial.extend_from_slice(&bytes[whole..]);
    }

    /// Ends the stream: appends what the filters still hold, so that `n` sample frames have become
    /// `2 n` (8 kHz), `n` (16 kHz) or `n / 3` rounded up (48 kHz) samples per channel, other rates alike. The bytes of an
    /// incomplete last sample are dropped. Afterwards the decoder is as new.
    pub fn finish(&mut self, out: &mut [Vec<f32>]) {
        self.partial.clear();
        for (index, resampler) in self.channels.iter_mut().enumerate() {
            match out.get_mut(index) {
                Some(samples) => resampler.finish(samples),
                None => resampler.finish(&mut self.scratch),
            }
        }
        self.scratch.clear();
    }

    fn frame_bytes(&self) -> usize {
        self.encoding.bytes_per_sample() * self.channels.len()
    }

    /// `bytes` holds whole sample frames only.
    fn push_whole(&mut self, bytes: &[u8], out: &mut [Vec<f32>]) {
        let (count, width) = (self.channels.len(), self.encoding.bytes_per_sample());
        for (index, resampler) in self.channels.iter_mut().enumerate() {
            self.scratch.clear();
            let samples = bytes.chunks_exact(width * count).map(|frame| &frame[index * width..]);
            match self.encoding {
                Encoding::PcmS16le => {
                    self.scratch.extend(samples.map(|s| full_scale(i16::from_le_bytes([s[0], s[1]]))))
                }
                Encoding::Mulaw => self.scratch.extend(samples.map(|s| full_scale(decode_ulaw(s[0])))),
                Encoding::Alaw => self.scratch.extend(samples.map(|s| full_scale(decode_alaw(s[0])))),
            }
            if let Some(samples) = out.get_mut(index) {
                resampler.push(&self.scratch, samples);
            }
        }
    }
}

/// A 16-bit sample as a share of full scale.
fn full_scale(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(encoding: Encoding, rate: u32, channels: usize, bytes: &[u8], cuts: &[usize]) -> Vec<Vec<f32>> {
        let mut decoder = Decoder::new(encoding, rate, channels).unwrap();
        let mut out = vec![Vec::new(); channels];
        let mut rest = bytes;
        let mut sizes = cuts.iter().cycle();
        while !rest.is_empty() {
            let size = sizes.next().map_or(rest.len(), |&size| size.min(rest.len()));
            decoder.push(&rest[..size], &mut out);
            rest = &rest[size..];
        }
        decoder.finish(&mut out);
        out
    }

    fn encodings() -> impl Strategy<Value = Encoding> {
        prop::sample::select(vec![Encoding::PcmS16le, Encoding::Mulaw, Encoding::Alaw])
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_bits(
            encoding in encodings(),
            rate in prop::sample::select(SAMPLE_RATES.to_vec()),
            channels in 1usize..=2,
            bytes in prop::collection::vec(any::<u8>(), 0..3000),
            cuts in prop::collection::vec(1usize..200, 1..20),
        ) {
            let whole = decode(encoding, rate, channels, &bytes, &[]);
            let cut = decode(encoding, rate, channels, &bytes, &cuts);
            prop_assert_eq!(whole, cut);
        }

        #[test]
        fn every_sample_frame_becomes_its_exact_share(
            encoding in encodings(),
            channels in 1usize..=2,
            bytes in prop::collection::vec(any::<u8>(), 0..3000),
        ) {
            let frames = bytes.len() / (encoding.bytes_per_sample() * channels);
            let ratios = [(8_000, frames * 2), (16_000, frames), (48_000, frames.div_ceil(3)),
                (24_000, (frames * 2).div_ceil(3)), (44_100, (frames * 160).div_ceil(441))];
            for (rate, expected) in ratios {
                for channel in decode(encoding, rate, channels, &bytes, &[7]) {
                    prop_assert_eq!(channel.len(), expected);
                }
            }
        }
    }

    #[test]
    fn an_hour_has_no_drift() {
        let mut out = [Vec::new()];
        for (rate, packet) in [(8_000, 160), (16_000, 320), (48_000, 961)] {
            let mut decoder = Decoder::new(Encoding::Mulaw, rate, 1).unwrap();
            let (mut pushed, mut produced) = (0u64, 0u64);
            while pushed < u64::from(rate) * 3600 {
                decoder.push(&vec![0xff; packet], &mut out);
                pushed += packet as u64;
                produced += out[0].len() as u64;
                out[0].clear();
                let due = pushed * 16_000 / u64::from(rate);
                assert!(produced <= due + 1 && due - produced.min(due) <= 32, "{produced} of {due} at {rate} Hz");
            }
            decoder.finish(&mut out);
            assert_eq!(produced + out[0].len() as u64, (pushed * 16_000).div_ceil(u64::from(rate)));
            out[0].clear();
        }
    }

    #[test]
    fn channels_stay_apart() {
        let mut bytes = Vec::new();
        for index in 0..800i16 {
            bytes.extend_from_slice(&(index * 40).to_le_bytes());
            bytes.extend_from_slice(&(-index * 20).to_le_bytes());
        }
        let out = decode(Encoding::PcmS16le, 16_000, 2, &bytes, &[3]);
        assert_eq!(out[0][100], 4000.0 / 32_768.0);
        assert_eq!(out[1][100], -2000.0 / 32_768.0);
    }

    #[test]
    fn g711_decodes_to_the_values_of_the_standard() {
        // G.711 tables 1 and 2, scaled to 16 bits: largest, smallest and zero codes.
        let mulaw = decode(Encoding::Mulaw, 16_000, 1, &[0x00, 0x80, 0xff], &[]);
        assert_eq!(mulaw[0], [-32_124.0 / 32_768.0, 32_124.0 / 32_768.0, 0.0]);
        let alaw = decode(Encoding::Alaw, 16_000, 1, &[0x2a, 0xaa, 0xd5, 0x55], &[]);
        assert_eq!(alaw[0], [-32_256.0 / 32_768.0, 32_256.0 / 32_768.0, 8.0 / 32_768.0, -8.0 / 32_768.0]);
    }

    #[test]
    fn other_rates_and_channel_counts_are_refused_with_the_remedy() {
        for rate in [0, 11_025, 22_050, u32::MAX] {
            let message = Decoder::new(Encoding::Alaw, rate, 1).unwrap_err().to_string();
            assert!(message.contains(&rate.to_string()) && message.contains("8000, 16000 or 48000"), "{message}");
        }
        for channels in [0, 3, usize::MAX] {
            assert_eq!(Decoder::new(Encoding::Alaw, 8_000, channels).unwrap_err(), AudioError::Channels(channels));
        }
    }

    #[test]
    fn too_few_outputs_do_no_harm() {
        let mut decoder = Decoder::new(Encoding::Mulaw, 8_000, 2).unwrap();
        let mut out = [Vec::new()];
        decoder.push(&[0x10; 999], &mut out);
        decoder.finish(&mut out);
        assert_eq!(out[0].len(), 998);
    }
}
