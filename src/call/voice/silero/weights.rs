//! The weights of the Silero network, read from a file in whisper.cpp's format.

use thiserror::Error;

use super::{BINS, CONTEXT, ENCODER, FRAME_SAMPLES, HIDDEN, KERNEL, WINDOW};

/// Why a file is not usable as Silero weights. The remedy is always to fetch it again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SileroError {
    #[error("this is not a whisper.cpp model file (it starts with {0:02x?}): {FETCH}")]
    Magic(Vec<u8>),
    #[error("this is a model of kind \"{0}\", not the Silero voice activity model: {FETCH}")]
    Kind(String),
    #[error("the file ends at byte {found} inside {what}, which needs {needed} more bytes: {FETCH}")]
    Truncated { what: String, needed: usize, found: usize },
    #[error("{what} at byte {at} is {found}, expected {expected}: {FETCH}")]
    Shape { what: String, at: usize, found: String, expected: String },
    #[error("the file lacks the weights \"{0}\": {FETCH}")]
    Missing(&'static str),
}

const FETCH: &str = "fetch it with `ruhepol models pull silero-vad`, or set the detector to \"earshot\"";

/// The weights, shared by all channels of all calls.
#[derive(Debug)]
pub struct SileroWeights {
    /// Rows of [`WINDOW`]: cosines of all [`BINS`], then sines.
    pub(super) basis: Vec<f32>,
    /// Per layer: rows of `KERNEL * channels_in` (time major), then the bias.
    pub(super) encoder: [(Vec<f32>, Vec<f32>); 4],
    /// Rows of `2 * HIDDEN`: weights of the input, then of the state; gates in the order i, f, g, o.
    pub(super) lstm: Vec<f32>,
    pub(super) lstm_bias: Vec<f32>,
    pub(super) output: Vec<f32>,
    pub(super) output_bias: f32,
}

impl SileroWeights {
    /// Reads the weights from the bytes of `ggml-silero-v*.bin`.
    pub fn from_ggml(bytes: &[u8]) -> Result<Self, SileroError> {
        let mut reader = Reader { bytes, at: 0 };
        reader.header()?;
        let mut tensors = Tensors::default();
        while reader.at < bytes.len() {
            tensors.read(&mut reader)?;
        }
        tensors.weights()
    }
}

/// Walks through the file; every read that does not fit is an error that says where.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], SileroError> {
        let rest = &self.bytes[self.at..];
        if rest.len() < count {
            let needed = count - rest.len();
            return Err(SileroError::Truncated { what: what.to_owned(), needed, found: self.bytes.len() });
        }
        self.at += count;
        Ok(&rest[..count])
    }

    fn int(&mut self, what: &str) -> Result<i32, SileroError> {
        let bytes = self.take(4, what)?;
        Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn expect(&mut self, expected: i32, what: &str) -> Result<(), SileroError> {
        let at = self.at;
        let found = self.int(what)?;
        if found == expected {
            return Ok(());
        }
        let (found, expected) = (found.to_string(), expected.to_string());
        Err(SileroError::Shape { what: what.to_owned(), at, found, expected })
    }

    /// Magic number, kind, version, window, context and the dimensions of the layers.
    fn header(&mut self) -> Result<(), SileroError> {
        if !self.bytes.starts_with(b"lmgg") {
            return Err(SileroError::Magic(self.bytes[..self.bytes.len().min(4)].to_vec()));
        }
        self.at = 4;
        let length = self.int("the header")?;
        // A speech model of whisper.cpp has its vocabulary size here.
        let length = usize::try_from(length).ok().filter(|&length| length <= 64);
        let kind = self.take(length.ok_or_else(|| SileroError::Kind("unknown".to_owned()))?, "the header")?;
        if !kind.starts_with(b"silero") {
            return Err(SileroError::Kind(String::from_utf8_lossy(kind).into_owned()));
        }
        for part in ["the major version", "the minor version", "the patch version"] {
            self.int(part)?;
        }
        self.expect(FRAME_SAMPLES as i32, "the chunk length")?;
        self.expect(CONTEXT as i32, "the context length")?;
        self.expect(ENCODER.len() as i32, "the number of encoder layers")?;
        for (channels_in, channels_out, _) in ENCODER {
            self.expect(channels_in as i32, "the channels into an encoder layer")?;
            self.expect(channels_out as i32, "the channels out of an encoder layer")?;
            self.expect(KERNEL as i32, "the kernel of an encoder layer")?;
        }
        self.expect(HIDDEN as i32, "the LSTM's input size")?;
        self.expect(HIDDEN as i32, "the LSTM's size")?;
        self.expect(HIDDEN as i32, "the output layer's input size")?;
        self.expect(1, "the output layer's size")
    }
}

/// Name and number of values of each tensor in the file.
const TENSORS: [(&str, usize); 15] = [
    ("_model.stft.forward_basis_buffer", 2 * BINS * WINDOW),
    ("_model.encoder.0.reparam_conv.weight", 128 * BINS * KERNEL),
    ("_model.encoder.0.reparam_conv.bias", 128),
    ("_model.encoder.1.reparam_conv.weight", 64 * 128 * KERNEL),
    ("_model.encoder.1.reparam_conv.bias", 64),
    ("_model.encoder.2.reparam_conv.weight", 64 * 64 * KERNEL),
    ("_model.encoder.2.reparam_conv.bias", 64),
    ("_model.encoder.3.reparam_conv.weight", HIDDEN * 64 * KERNEL),
    ("_model.encoder.3.reparam_conv.bias", HIDDEN),
    ("_model.decoder.rnn.weight_ih", 4 * HIDDEN * HIDDEN),
    ("_model.decoder.rnn.weight_hh", 4 * HIDDEN * HIDDEN),
    ("_model.decoder.rnn.bias_ih", 4 * HIDDEN),
    ("_model.decoder.rnn.bias_hh", 4 * HIDDEN),
    ("_model.decoder.decoder.2.weight", HIDDEN),
    ("_model.decoder.decoder.2.bias", 1),
];

#[derive(Default)]
struct Tensors {
    values: [Option<Vec<f32>>; TENSORS.len()],
}

impl Tensors {
    /// Reads one tensor: number of dimensions, length of the name, type, dimensions, name, values.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), SileroError> {
        let at = reader.at;
        let shape_error = |what: String, found: String, expected: &str| SileroError::Shape {
            what,
            at,
            found,
            expected: expected.to_owned(),
        };
        let head = "the head of a tensor";
        let (dimensions, name_length, kind) = (reader.int(head)?, reader.int(head)?, reader.int(head)?);
        if !(0..=4).contains(&dimensions) || !(1..=128).contains(&name_length) {
            return Err(shape_error(
                head.to_owned(),
                format!("{dimensions}, {name_length}"),
                "dimensions and a name length",
            ));
        }
        let mut count = 1usize;
        for _ in 0..dimensions {
            count = count.saturating_mul(usize::try_from(reader.int(head)?).unwrap_or_default());
        }
        let name = String::from_utf8_lossy(reader.take(name_length as usize, head)?).into_owned();
        let Some(index) = TENSORS.iter().position(|&(known, _)| known == name) else {
            return Err(shape_error(
                "the name of a tensor".to_owned(),
                format!("\"{name}\""),
                "one of the Silero network",
            ));
        };
        if count != TENSORS[index].1 {
            let expected = TENSORS[index].1.to_string();
            return Err(shape_error(format!("the number of values of \"{name}\""), count.to_string(), &expected));
        }
        self.values[index] = Some(match kind {
            0 => {
                let bytes = reader.take(count * 4, &name)?;
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
            }
            1 => {
                let bytes = reader.take(count * 2, &name)?;
                bytes.chunks_exact(2).map(|b| half_to_f32(u16::from_le_bytes([b[0], b[1]]))).collect()
            }
            _ => return Err(shape_error(format!("the type of \"{name}\""), kind.to_string(), "0 (f32) or 1 (f16)")),
        });
        Ok(())
    }

    fn weights(mut self) -> Result<SileroWeights, SileroError> {
        let mut take = |index: usize| self.values[index].take().ok_or(SileroError::Missing(TENSORS[index].0));
        let basis = take(0)?;
        let mut encoder = [const { (Vec::new(), Vec::new()) }; 4];
        for (layer, (kernel, bias)) in encoder.iter_mut().enumerate() {
            *kernel = time_major(&take(1 + 2 * layer)?, ENCODER[layer].0);
            *bias = take(2 + 2 * layer)?;
        }
        let (input, state) = (take(9)?, take(10)?);
        let rows = input.chunks_exact(HIDDEN).zip(state.chunks_exact(HIDDEN));
        let lstm = rows.flat_map(|(input, state)| input.iter().chain(state).copied()).collect();
        let lstm_bias = take(11)?.iter().zip(take(12)?).map(|(input, state)| input + state).collect();
        Ok(SileroWeights { basis, encoder, lstm, lstm_bias, output: take(13)?, output_bias: take(14)?[0] })
    }
}

/// Reorders rows of `[channel][time]` to `[time][channel]`, so that a window of the signal is one slice.
fn time_major(kernel: &[f32], channels_in: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(kernel.len());
    for row in kernel.chunks_exact(channels_in * KERNEL) {
        for time in 0..KERNEL {
            out.extend((0..channels_in).map(|channel| row[channel * KERNEL + time]));
        }
    }
    out
}

/// IEEE 754 binary16 to binary32.
fn half_to_f32(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let exponent = u32::from(half >> 10 & 0x1f);
    let fraction = u32::from(half & 0x3ff);
    match exponent {
        0 => {
            let magnitude = fraction as f32 * (1.0 / 16_777_216.0);
            if sign == 0 { magnitude } else { -magnitude }
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Vec<u8> {
        let mut file = b"lmgg".to_vec();
        let ints = |values: &[i32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        file.extend(ints(&[10]));
        file.extend(b"silero-16k");
        file.extend(ints(&[6, 2, 0, 512, 64, 4]));
        for (channels_in, channels_out, _) in ENCODER {
            file.extend(ints(&[channels_in as i32, channels_out as i32, 3]));
        }
        file.extend(ints(&[128, 128, 128, 1]));
        file
    }

    fn tensor(name: &str, count: usize, value: f32) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            [1, name.len() as i32, 0, count as i32].iter().flat_map(|value| value.to_le_bytes()).collect();
        bytes.extend(name.as_bytes());
        bytes.extend(value.to_le_bytes().repeat(count));
        bytes
    }

    /// A well-formed file in which every weight is `value`.
    pub fn file(value: f32) -> Vec<u8> {
        let tensors = TENSORS.iter().flat_map(|&(name, count)| tensor(name, count, value));
        header().into_iter().chain(tensors).collect()
    }

    fn refused(bytes: &[u8]) -> String {
        let message = SileroWeights::from_ggml(bytes).unwrap_err().to_string();
        assert!(message.contains("models pull silero-vad"), "{message}");
        message
    }

    #[test]
    fn a_cut_off_file_says_where() {
        let whole = file(0.0);
        assert!(refused(&whole[..whole.len() - 1]).contains(&format!("byte {}", whole.len() - 1)));
        assert!(refused(&whole[..200_000]).contains("stft"));
        for length in 4..header().len() {
            refused(&whole[..length]);
        }
        let last_tensor = whole.len() - tensor(TENSORS[14].0, 1, 0.0).len();
        assert_eq!(SileroWeights::from_ggml(&whole[..last_tensor]).unwrap_err(), SileroError::Missing(TENSORS[14].0));
    }

    #[test]
    fn other_files_are_named() {
        assert!(refused(b"").contains("starts with []"));
        assert!(refused(b"RIFF....WAVE").contains("not a whisper.cpp model"));
        // A speech model: the same magic number, then its vocabulary size.
        assert!(refused(b"lmgg\xe9\xca\0\0\0\0\0\0").contains("unknown"));
        let mut other = header();
        other[8..14].copy_from_slice(b"ten-vd");
        assert!(refused(&other).contains("ten-vd"));
        let mut other = header();
        let at = other.len() - 16;
        other[at] = 64;
        assert!(refused(&other).contains("is 64, expected 128"));
        let unknown = [header(), tensor("encoder.weight", 4, 0.0)].concat();
        assert!(refused(&unknown).contains("\"encoder.weight\""));
        let short = [header(), tensor(TENSORS[2].0, 4, 0.0)].concat();
        assert!(refused(&short).contains("is 4, expected 128"));
    }

    #[test]
    fn half_precision_is_read() {
        for (half, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(half_to_f32(half), value);
        }
        assert!(half_to_f32(0x7e00).is_nan() && half_to_f32(0xfc00) == f32::NEG_INFINITY);
    }

    proptest! {
        #[test]
        fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), after_header in any::<bool>()) {
            let bytes = if after_header { [header(), bytes].concat() } else { bytes };
            prop_assert!(SileroWeights::from_ggml(&bytes).is_err());
        }
    }
}
