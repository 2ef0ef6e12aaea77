//! Looks through a Whisper model file before whisper.cpp does.
//!
//! whisper.cpp reads such files without checking lengths: a truncated one becomes a model that hears
//! nonsense, a foreign one may end the process. The layout walked here is the one its converter writes:
//! magic, eleven sizes, mel filters, vocabulary, then tensors to the end of the file, all little-endian.

use std::io::{self, Read, Seek, SeekFrom};

/// What the file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelHeader {
    /// Tokens of the vocabulary: 51864 for English-only models, more for multilingual ones.
    pub n_vocab: u32,
    /// Encoder positions, 1500 (30 s) in every model published so far.
    pub n_audio_ctx: u32,
    /// Decoder positions; whisper.cpp lets half of them be text.
    pub n_text_ctx: u32,
    /// Encoder layers: 4 tiny, 6 base, 12 small, 24 medium, 32 large.
    pub n_audio_layer: u32,
    pub n_mels: u32,
    /// Tensors found.
    pub tensors: u32,
}

/// Why a file is not a usable Whisper model.
#[derive(Debug, thiserror::Error)]
pub enum ModelFault {
    /// Not in ggml's format at all.
    #[error("it is not a whisper.cpp model ({0})")]
    Foreign(&'static str),
    /// In ggml's format, but of another network.
    #[error("it is a ggml file of another kind, not Whisper speech recognition ({0})")]
    OtherNetwork(String),
    /// The file ends too early.
    #[error("it is cut off: {what} should reach byte {needed}, the file ends at {len}")]
    Truncated { what: &'static str, needed: u64, len: u64 },
    /// Sizes that no Whisper model has.
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Walks the whole file of `len` bytes, seeking over weights.
///
/// # Errors
/// The first [`ModelFault`] met.
pub fn inspect(file: &mut (impl Read + Seek), len: u64) -> Result<ModelHeader, ModelFault> {
    let mut walk = Walk { file, at: 0, len };
    walk.magic()?;
    let n_vocab = walk.u32("the header")?;
    if !VOCABULARIES.contains(&n_vocab) {
        return Err(walk.other_network(n_vocab));
    }
    let mut sizes = [0; 10];
    for size in &mut sizes {
        *size = walk.u32("the header")?;
    }
    let [n_audio_ctx, n_audio_state, _, n_audio_layer, n_text_ctx, n_text_state, _, n_text_layer, n_mels, _] = sizes;
    let plausible = n_audio_state == n_text_state
        && (1..=8192).contains(&n_audio_state)
        && (1..=8192).contains(&n_audio_ctx)
        && (16..=8192).contains(&n_text_ctx)
        && (1..=256).contains(&n_audio_layer)
        && (1..=256).contains(&n_text_layer)
        && (1..=512).contains(&n_mels);
    if !plausible {
        return Err(ModelFault::Damaged(format!("its header holds the sizes {sizes:?}")));
    }
    walk.mel_filters(n_mels)?;
    walk.vocabulary(n_vocab)?;
    let mut tensors = 0;
    while walk.at < len {
        walk.tensor()?;
        tensors += 1;
    }
    let expected = ENCODER_AND_DECODER_TENSORS + PER_AUDIO_LAYER * n_audio_layer + PER_TEXT_LAYER * n_text_layer;
    if tensors != expected {
        return Err(ModelFault::Damaged(format!("it holds {tensors} of {expected} tensors")));
    }
    Ok(ModelHeader { n_vocab, n_audio_ctx, n_text_ctx, n_audio_layer, n_mels, tensors })
}

/// English-only, multilingual, and multilingual with Cantonese (large-v3).
const VOCABULARIES: std::ops::RangeInclusive<u32> = 51_864..=51_866;

/// `ggml` as the little-endian number whisper.cpp's converter writes.
const MAGIC: [u8; 4] = *b"lmgg";

/// Tensors outside of the layers: positions, two convolutions and the last norm of the encoder; positions,
/// embedding and the last norm of the decoder.
const ENCODER_AND_DECODER_TENSORS: u32 = 7 + 4;

/// Two norms, attention (its keys have no bias) and a two-layer perceptron.
const PER_AUDIO_LAYER: u32 = 15;

/// The same, and attention to the encoder with its norm.
const PER_TEXT_LAYER: u32 = PER_AUDIO_LAYER + 9;

struct Walk<'a, F> {
    file: &'a mut F,
    at: u64,
    len: u64,
}

impl<F: Read + Seek> Walk<'_, F> {
    fn magic(&mut self) -> Result<(), ModelFault> {
        if self.len == 0 {
            return Err(ModelFault::Foreign("the file is empty"));
        }
        let mut magic = [0; 4];
        self.bytes("the header", &mut magic)?;
        match &magic {
            m if *m == MAGIC => Ok(()),
            b"GGUF" => Err(ModelFault::Foreign("it is a GGUF file, whisper.cpp reads its older ggml format")),
            b"vers" => Err(ModelFault::Foreign("it is a Git LFS pointer instead of the model itself")),
            [b'<', ..] => Err(ModelFault::Foreign("it is a web page, probably a failed download")),
            [b'P', b'K', ..] => Err(ModelFault::Foreign("it is a zip or PyTorch file")),
            m if m.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
                Err(ModelFault::Foreign("it looks like a text file"))
            }
            _ => Err(ModelFault::Foreign("it does not start with ggml's mark")),
        }
    }

    /// Voice activity models start with their name where Whisper has the size of its vocabulary.
    fn other_network(&mut self, first: u32) -> ModelFault {
        let mut name = vec![0; first as usize];
        let named = (1..=64).contains(&first) && self.bytes("the name", &mut name).is_ok();
        match String::from_utf8(name) {
            Ok(name) if named && name.chars().all(|c| c.is_ascii_graphic()) => {
                ModelFault::OtherNetwork(format!("it calls itself {name}"))
            }
            _ => ModelFault::OtherNetwork(format!("its vocabulary has {first} tokens")),
        }
    }

    fn mel_filters(&mut self, n_mels: u32) -> Result<(), ModelFault> {
        let (rows, columns) = (self.u32("the mel filters")?, self.u32("the mel filters")?);
        if rows != n_mels || columns > 4096 {
            return Err(ModelFault::Damaged(format!("its mel filters are {rows} by {columns}")));
        }
        self.skip("the mel filters", u64::from(rows) * u64::from(columns) * 4)
    }

    fn vocabulary(&mut self, n_vocab: u32) -> Result<(), ModelFault> {
        let words = self.u32("the vocabulary")?;
        if words > n_vocab {
            return Err(ModelFault::Damaged(format!("its vocabulary lists {words} words of {n_vocab}")));
        }
        for _ in 0..words {
            let bytes = self.u32("the vocabulary")?;
            if bytes > 4096 {
                return Err(ModelFault::Damaged(format!("its vocabulary has a word of {bytes} bytes")));
            }
            self.skip("the vocabulary", u64::from(bytes))?;
        }
        Ok(())
    }

    fn tensor(&mut self) -> Result<(), ModelFault> {
        let dimensions = self.u32("a tensor")?;
        let name_len = self.u32("a tensor")?;
        let kind = self.u32("a tensor")?;
        if !(1..=4).contains(&dimensions) || name_len > 256 {
            return Err(ModelFault::Damaged(format!("a tensor has {dimensions} dimensions at byte {}", self.at)));
        }
        let mut elements: u64 = 1;
        for _ in 0..dimensions {
            let size = self.u32("a tensor")?;
            elements = elements.saturating_mul(u64::from(size));
        }
        self.skip("a tensor's name", u64::from(name_len))?;
        let Some((block, block_bytes)) = block_of(kind) else {
            return Err(ModelFault::Damaged(format!("a tensor has the unknown kind {kind} at byte {}", self.at)));
        };
        self.skip("a tensor's weights", (elements / block).saturating_mul(block_bytes))
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, ModelFault> {
        let mut bytes = [0; 4];
        self.bytes(what, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn bytes(&mut self, what: &'static str, into: &mut [u8]) -> Result<(), ModelFault> {
        self.reaches(what, into.len() as u64)?;
        self.file.read_exact(into)?;
        self.at += into.len() as u64;
        Ok(())
    }

    fn skip(&mut self, what: &'static str, bytes: u64) -> Result<(), ModelFault> {
        self.reaches(what, bytes)?;
        self.at = self.file.seek(SeekFrom::Start(self.at + bytes))?;
        Ok(())
    }

    fn reaches(&self, what: &'static str, bytes: u64) -> Result<(), ModelFault> {
        let needed = self.at.saturating_add(bytes);
        if needed > self.len { Err(ModelFault::Truncated { what, needed, len: self.len }) } else { Ok(()) }
    }
}

/// Elements and bytes of one block of a ggml tensor kind (`ggml.h`, `enum ggml_type`; block layouts in
/// `ggml-common.h`).
fn block_of(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),
        1 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        30 => (1, 2),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::stt::whisper::EMBEDDED_MODEL;

    fn check(bytes: &[u8]) -> Result<ModelHeader, ModelFault> {
        inspect(&mut Cursor::new(bytes), bytes.len() as u64)
    }

    #[test]
    fn the_shipped_model_is_whole() {
        let header = check(EMBEDDED_MODEL).unwrap();
        assert_eq!((header.n_vocab, header.n_audio_ctx, header.n_text_ctx), (51_865, 1500, 128));
        assert_eq!((header.n_audio_layer, header.n_mels), (4, 80));
        assert_eq!(header.tensors, 119);
    }

    #[test]
    fn every_cut_is_noticed() {
        let len = EMBEDDED_MODEL.len();
        for cut in (0..200).chain((200..len).step_by(97_331)).chain(len - 300..len) {
            assert!(check(&EMBEDDED_MODEL[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_missing_last_tensor_is_noticed() {
        let mut walk = Walk { file: &mut Cursor::new(EMBEDDED_MODEL), at: 0, len: EMBEDDED_MODEL.len() as u64 };
        walk.skip("the header", 48).unwrap();
        walk.mel_filters(80).unwrap();
        walk.vocabulary(51_865).unwrap();
        let mut boundaries = vec![];
        while walk.at < walk.len {
            boundaries.push(walk.at as usize);
            walk.tensor().unwrap();
        }
        for boundary in boundaries {
            assert!(check(&EMBEDDED_MODEL[..boundary]).unwrap_err().to_string().contains("tensors"));
        }
    }

    #[test]
    fn foreign_files_are_named() {
        let cases: [(&[u8], &str); 7] = [
            (b"", "empty"),
            (b"GGUF\x03\0\0\0", "GGUF"),
            (b"version https://git-lfs.github.com/spec/v1", "LFS"),
            (b"<!doctype html>", "web page"),
            (b"PK\x03\x04", "PyTorch"),
            (b"# a note\n", "text file"),
            (b"RIFF\x01\x02\x03\x04", "text file"),
        ];
        for (bytes, word) in cases {
            let fault = check(bytes).unwrap_err().to_string();
            assert!(fault.contains(word), "{bytes:?}: {fault}");
        }
        let silero = b"lmgg\x0a\0\0\0silero-16k\x06\0\0\0";
        assert!(check(silero).unwrap_err().to_string().contains("silero-16k"));
    }

    #[test]
    fn hostile_sizes_end_in_an_error() {
        let mut bytes = EMBEDDED_MODEL[..5000].to_vec();
        for at in (4..bytes.len() - 4).step_by(4) {
            let kept: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
            bytes[at..at + 4].copy_from_slice(&[0xff; 4]);
            assert!(check(&bytes).is_err(), "byte {at}");
            bytes[at..at + 4].copy_from_slice(&kept);
        }
    }
}
