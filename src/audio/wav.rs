//! RIFF WAVE files: just enough to take a recording's bytes out unchanged, and to write one.
//!
//! The samples are not decoded here: a client sends them as they are, a replay hands them to
//! [`Decoder`](super::Decoder). Layout: Microsoft/IBM "Multimedia Programming Interface and Data
//! Specifications 1.0" (1991), `WAVE_FORMAT_EXTENSIBLE` after the Windows SDK's `mmreg.h`.

use thiserror::Error;

use super::{CHANNELS_MAX, Encoding};

/// A recording as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    pub encoding: Encoding,
    /// In hertz; any rate but 0. [`Decoder::new`](super::Decoder::new) says which ones can be played.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: usize,
    /// Interleaved samples in `encoding`, whole sample frames only.
    pub data: Vec<u8>,
}

impl Recording {
    /// A recording of interleaved 16-bit samples.
    pub fn from_pcm16(sample_rate: u32, channels: usize, samples: &[i16]) -> Self {
        let data = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        Self { encoding: Encoding::PcmS16le, sample_rate, channels, data }
    }

    /// Bytes of one sample of every channel.
    pub fn frame_bytes(&self) -> usize {
        self.encoding.bytes_per_sample() * self.channels
    }

    /// Length in milliseconds, rounded down.
    pub fn duration_ms(&self) -> u64 {
        let frames = self.data.len() as u64 / self.frame_bytes().max(1) as u64;
        frames * 1000 / u64::from(self.sample_rate.max(1))
    }

    /// The bytes of a WAV file with this recording.
    pub fn to_wav(&self) -> Vec<u8> {
        let frame_bytes = self.frame_bytes() as u32;
        let padding = self.data.len() % 2;
        let mut file = Vec::with_capacity(46 + self.data.len() + padding);
        file.extend_from_slice(b"RIFF");
        file.extend_from_slice(&(38 + self.data.len() as u32 + padding as u32).to_le_bytes());
        file.extend_from_slice(b"WAVEfmt ");
        file.extend_from_slice(&18u32.to_le_bytes());
        file.extend_from_slice(&format_tag(self.encoding).to_le_bytes());
        file.extend_from_slice(&(self.channels as u16).to_le_bytes());
        file.extend_from_slice(&self.sample_rate.to_le_bytes());
        file.extend_from_slice(&self.sample_rate.wrapping_mul(frame_bytes).to_le_bytes());
        file.extend_from_slice(&(frame_bytes as u16).to_le_bytes());
        file.extend_from_slice(&(8 * self.encoding.bytes_per_sample() as u16).to_le_bytes());
        file.extend_from_slice(&0u16.to_le_bytes());
        file.extend_from_slice(b"data");
        file.extend_from_slice(&(self.data.len() as u32).to_le_bytes());
        file.extend_from_slice(&self.data);
        file.resize(file.len() + padding, 0);
        file
    }
}

/// Why a file cannot be used as a recording. Every message ends with what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WavError {
    #[error("the file is empty: record or copy it again")]
    Empty,
    #[error("this is not a WAV file but {0}: {CONVERT}")]
    Foreign(&'static str),
    #[error(
        "the file ends at byte {found} inside the {what}, which should reach to byte {expected}: \
         it was cut off, so record or copy it again"
    )]
    Truncated { what: &'static str, expected: u64, found: u64 },
    #[error("the file has no {0} chunk: {CONVERT}")]
    Missing(&'static str),
    #[error("format {tag:#06x} ({name}) at byte {at} cannot be read, only 16-bit PCM, A-law and µ-law can: {CONVERT}")]
    Format { tag: u16, name: &'static str, at: usize },
    #[error("{bits} bits per sample for {encoding} at byte {at} cannot be read: {CONVERT}")]
    Bits { bits: u16, encoding: &'static str, at: usize },
    #[error("{channels} channels at byte {at}, but a call has one or two: pick two with `sox IN OUT remix 1 2`")]
    Channels { channels: u16, at: usize },
    #[error("the format chunk at byte {at} contradicts itself ({what}): {CONVERT}")]
    Contradiction { what: &'static str, at: usize },
}

const CONVERT: &str = "convert it with `sox IN -e signed -b 16 -r 8000 OUT.wav`";

/// Reads a WAV file from its bytes: 16-bit PCM, A-law (6) or µ-law (7), plain or extensible header.
///
/// Unknown chunks are passed over. A size left open by a program that wrote to a pipe (0 or close to
/// the largest number) means "until the end of the file". A sample frame cut off at the end is dropped.
pub fn read(bytes: &[u8]) -> Result<Recording, WavError> {
    if bytes.is_empty() {
        return Err(WavError::Empty);
    }
    if !bytes.starts_with(b"RIFF") {
        return Err(match foreign(bytes) {
            Some(name) => WavError::Foreign(name),
            None if b"RIFF".starts_with(bytes) => truncated("RIFF header", 12, bytes),
            None => WavError::Foreign("something else"),
        });
    }
    let Some(form) = bytes.get(8..12) else {
        return Err(truncated("RIFF header", 12, bytes));
    };
    if form != b"WAVE" {
        return Err(WavError::Foreign("a RIFF file of another kind (AVI, WebP, …)"));
    }

    let riff_size = le_u32(bytes, 4).unwrap_or_default();
    let mut format = None;
    let mut at = 12;
    while at < bytes.len() {
        let (Some(id), Some(size)) = (bytes.get(at..at + 4), le_u32(bytes, at + 4)) else {
            return match format {
                Some(_) => Err(WavError::Missing("data")),
                None => Err(truncated("header of a chunk", at as u64 + 8, bytes)),
            };
        };
        let body = at + 8;
        let end = body as u64 + u64::from(size);
        match id {
            b"fmt " => format = Some(Format::read(bytes, body, end)?),
            b"data" => {
                let Some(format) = format else {
                    return Err(WavError::Missing("fmt"));
                };
                let left_open = size >= OPEN_SIZE || (size == 0 && no_more_than_header(riff_size, body));
                return format.recording(bytes, body, if left_open { bytes.len() as u64 } else { end });
            }
            _ => {}
        }
        // Chunks start at even offsets.
        let Ok(next) = usize::try_from(end + end % 2) else {
            return Err(truncated("chunk", end, bytes));
        };
        if next > bytes.len() && format.is_none() {
            return Err(truncated("chunk before the format", end, bytes));
        }
        at = next;
    }
    Err(WavError::Missing(if format.is_some() { "data" } else { "fmt" }))
}

/// Sizes from here on are left open: SoX writes about 2³¹ to a pipe, FFmpeg 2³² − 1.
const OPEN_SIZE: u32 = 0x7fff_0000;

/// Whether the size in the RIFF header was left open too, so that a data size of 0 does not mean silence.
fn no_more_than_header(riff_size: u32, data_at: usize) -> bool {
    riff_size >= OPEN_SIZE || u64::from(riff_size) + 8 <= data_at as u64
}

struct Format {
    encoding: Encoding,
    sample_rate: u32,
    channels: usize,
}

impl Format {
    /// Reads the chunk whose body lies at `at..end`.
    fn read(bytes: &[u8], at: usize, end: u64) -> Result<Self, WavError> {
        if end > bytes.len() as u64 {
            return Err(truncated("format chunk", end, bytes));
        }
        let body = &bytes[at..end as usize];
        let (Some(tag), Some(channels), Some(sample_rate), Some(align), Some(bits)) =
            (le_u16(body, 0), le_u16(body, 2), le_u32(body, 4), le_u16(body, 12), le_u16(body, 14))
        else {
            return Err(WavError::Contradiction { what: "it is shorter than 16 bytes", at });
        };
        let tag = if tag == EXTENSIBLE { extensible_tag(body, at)? } else { tag };
        let encoding = match tag {
            1 => Encoding::PcmS16le,
            6 => Encoding::Alaw,
            7 => Encoding::Mulaw,
            _ => return Err(WavError::Format { tag, name: tag_name(tag), at }),
        };
        if usize::from(bits) != 8 * encoding.bytes_per_sample() {
            return Err(WavError::Bits { bits, encoding: encoding.as_str(), at: at + 14 });
        }
        if channels == 0 || usize::from(channels) > CHANNELS_MAX {
            return Err(WavError::Channels { channels, at: at + 2 });
        }
        if sample_rate == 0 {
            return Err(WavError::Contradiction { what: "a sample rate of 0", at: at + 4 });
        }
        let channels = usize::from(channels);
        if usize::from(align) != channels * encoding.bytes_per_sample() {
            return Err(WavError::Contradiction {
                what: "the block size is not channels times sample size",
                at: at + 12,
            });
        }
        Ok(Self { encoding, sample_rate, channels })
    }

    /// Takes the samples out of `at..end`.
    fn recording(self, bytes: &[u8], at: usize, end: u64) -> Result<Recording, WavError> {
        let Some(data) = usize::try_from(end).ok().and_then(|end| bytes.get(at..end)) else {
            return Err(truncated("data chunk", end, bytes));
        };
        let frame_bytes = self.channels * self.encoding.bytes_per_sample();
        let data = data[..data.len() - data.len() % frame_bytes].to_vec();
        Ok(Recording { encoding: self.encoding, sample_rate: self.sample_rate, channels: self.channels, data })
    }
}

const EXTENSIBLE: u16 = 0xfffe;

/// What follows the format tag in the sub-format identifier of an extensible header.
const SUBFORMAT_SUFFIX: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// The format tag inside the sub-format identifier.
fn extensible_tag(body: &[u8], at: usize) -> Result<u16, WavError> {
    match (le_u16(body, 24), body.get(26..40)) {
        (Some(tag), Some(suffix)) if suffix == SUBFORMAT_SUFFIX => Ok(tag),
        (Some(_), Some(_)) => {
            Err(WavError::Format { tag: EXTENSIBLE, name: "extensible, of an unknown sub-format", at: at + 24 })
        }
        _ => Err(WavError::Contradiction { what: "an extensible header shorter than 40 bytes", at }),
    }
}

fn format_tag(encoding: Encoding) -> u16 {
    match encoding {
        Encoding::PcmS16le => 1,
        Encoding::Alaw => 6,
        Encoding::Mulaw => 7,
    }
}

fn tag_name(tag: u16) -> &'static str {
    match tag {
        0x0002 => "Microsoft ADPCM",
        0x0003 => "floating point",
        0x0011 => "IMA ADPCM",
        0x0014 | 0x0040 => "G.723",
        0x0031 => "GSM 6.10",
        0x0045 => "G.726",
        0x0050 => "MPEG audio",
        0x0055 => "MP3",
        0x0083 => "G.729",
        _ => "an unknown format",
    }
}

/// What a file that is not RIFF starts like.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 10] = [
        (b"RIFX", "a big-endian RIFX file"),
        (b"RF64", "an RF64 file of over 4 GB"),
        (b"OggS", "an Ogg file"),
        (b"fLaC", "a FLAC file"),
        (b"ID3", "an MP3 file"),
        (b"FORM", "an AIFF file"),
        (b".snd", "a Sun audio file"),
        (b"#!AMR", "an AMR file"),
        (b"caff", "a Core Audio file"),
        (b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
    ];
    let named = KNOWN.iter().find(|(start, _)| bytes.starts_with(start)).map(|&(_, name)| name);
    let mp3 = bytes.len() > 1 && bytes[0] == 0xff && bytes[1] & 0xe0 == 0xe0;
    let mp4 = bytes.get(4..8) == Some(b"ftyp");
    named.or(mp3.then_some("an MP3 file")).or(mp4.then_some("an MP4 file"))
}

fn truncated(what: &'static str, expected: u64, bytes: &[u8]) -> WavError {
    WavError::Truncated { what, expected, found: bytes.len() as u64 }
}

fn le_u16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|&word| u16::from_le_bytes(word))
}

fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|&word| u32::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recording(encoding: Encoding, channels: usize, frames: usize) -> Recording {
        let bytes = frames * channels * encoding.bytes_per_sample();
        let data = (0..bytes).map(|n| (n * 7 % 251) as u8).collect();
        Recording { encoding, sample_rate: 8000, channels, data }
    }

    /// A file of a header, chunks before the data, and the data with the size it claims.
    fn file(fmt: &[u8], extra: &[u8], data_size: u32, data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\xff\xff\xff\xffWAVEfmt ".to_vec();
        file.extend_from_slice(&(fmt.len() as u32).to_le_bytes());
        file.extend_from_slice(fmt);
        file.extend_from_slice(extra);
        file.extend_from_slice(b"data");
        file.extend_from_slice(&data_size.to_le_bytes());
        file.extend_from_slice(data);
        file
    }

    fn fmt(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
        let align = channels * bits / 8;
        let mut chunk = Vec::new();
        chunk.extend_from_slice(&tag.to_le_bytes());
        chunk.extend_from_slice(&channels.to_le_bytes());
        chunk.extend_from_slice(&rate.to_le_bytes());
        chunk.extend_from_slice(&(rate * u32::from(align)).to_le_bytes());
        chunk.extend_from_slice(&align.to_le_bytes());
        chunk.extend_from_slice(&bits.to_le_bytes());
        chunk
    }

    #[test]
    fn what_is_written_is_read_back() {
        for encoding in [Encoding::PcmS16le, Encoding::Mulaw, Encoding::Alaw] {
            for (channels, frames) in [(1, 0), (1, 801), (2, 400)] {
                let recording = recording(encoding, channels, frames);
                assert_eq!(read(&recording.to_wav()), Ok(recording));
            }
        }
        let recording = Recording::from_pcm16(8000, 2, &[1, -1, i16::MIN, i16::MAX]);
        assert_eq!(recording.data, [1, 0, 255, 255, 0, 128, 255, 127]);
        assert_eq!(recording.duration_ms(), 0);
        assert_eq!(read(&recording.to_wav()), Ok(recording));
    }

    #[test]
    fn unknown_chunks_and_odd_padding_are_passed_over() {
        let extra = b"LIST\x05\0\0\0abcde\0fact\x04\0\0\0\0\0\0\0";
        let read = read(&file(&fmt(7, 1, 8000, 8), extra, 3, b"xyz\0LIST")).unwrap();
        assert_eq!((read.encoding, read.data.as_slice()), (Encoding::Mulaw, b"xyz".as_slice()));
    }

    #[test]
    fn sizes_left_open_reach_to_the_end() {
        for size in [0, 0x7fff_f000, u32::MAX] {
            let read = read(&file(&fmt(1, 1, 16_000, 16), b"", size, b"abcdefg")).unwrap();
            assert_eq!(read.data, b"abcdef", "claimed size {size}");
        }
        let mut closed = file(&fmt(1, 1, 16_000, 16), b"", 0, b"LIST\x02\0\0\0ab");
        let riff_size = closed.len() as u32 - 8;
        closed[4..8].copy_from_slice(&riff_size.to_le_bytes());
        assert_eq!(read(&closed).unwrap().data, b"");
    }

    #[test]
    fn the_extensible_header_is_understood() {
        let mut chunk = fmt(EXTENSIBLE, 2, 8000, 8);
        chunk.extend_from_slice(&[22, 0, 8, 0, 3, 0, 0, 0, 6, 0]);
        chunk.extend_from_slice(&SUBFORMAT_SUFFIX);
        assert_eq!(read(&file(&chunk, b"", 4, b"abcd")).unwrap().encoding, Encoding::Alaw);
        chunk[30] ^= 1;
        assert!(matches!(read(&file(&chunk, b"", 4, b"abcd")), Err(WavError::Format { at: 44, .. })));
        chunk.truncate(20);
        assert!(matches!(read(&file(&chunk, b"", 4, b"abcd")), Err(WavError::Contradiction { .. })));
    }

    #[test]
    fn a_cut_off_file_says_where() {
        let whole = recording(Encoding::PcmS16le, 2, 1000).to_wav();
        let error = read(&whole[..3000]).unwrap_err();
        assert_eq!(error, WavError::Truncated { what: "data chunk", expected: 4046, found: 3000 });
        assert!(error.to_string().contains("byte 3000") && error.to_string().contains("copy it again"));
        for length in 1..46 {
            assert!(read(&whole[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn foreign_files_are_named_and_the_remedy_given() {
        let check = |bytes: &[u8], named: &str| {
            let message = read(bytes).unwrap_err().to_string();
            assert!(message.contains(named) && message.contains("sox"), "{message}");
        };
        check(b"ID3\x04\0\0", "MP3");
        check(b"\xff\xfb\x90\x64", "MP3");
        check(b"OggS\0\x02", "Ogg");
        check(b"RIFF\0\0\0\0AVI LIST", "another kind");
        check(b"{\"type\":\"start\"}", "something else");
        check(&file(&fmt(3, 1, 8000, 32), b"", 4, b"abcd"), "floating point");
        check(&file(&fmt(0x31, 1, 8000, 8), b"", 4, b"abcd"), "GSM 6.10");
        check(&file(&fmt(1, 1, 8000, 24), b"", 3, b"abc"), "24 bits");
        check(&file(&fmt(1, 6, 8000, 16), b"", 12, b"abcdefghijkl"), "6 channels");
        check(b"RIFF\x04\0\0\0WAVE", "no fmt chunk");
        check(&file(&fmt(1, 1, 0, 16), b"", 2, b"ab"), "sample rate of 0");
        assert_eq!(read(b""), Err(WavError::Empty));
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            start in 0usize..3,
        ) {
            let header = file(&fmt(1, 2, 8000, 16), b"", 40, b"");
            let kept = [0, 12, header.len()][start];
            bytes.splice(0..0, header[..kept].iter().copied());
            if let Ok(recording) = read(&bytes) {
                prop_assert_eq!(recording.data.len() % recording.frame_bytes(), 0);
            }
        }

        #[test]
        fn a_changed_header_is_read_or_refused(at in 0usize..46, value in any::<u8>()) {
            let mut bytes = recording(Encoding::PcmS16le, 2, 50).to_wav();
            bytes[at] = value;
            if let Ok(recording) = read(&bytes) {
                prop_assert!(recording.data.len() <= 200 && recording.sample_rate > 0);
            }
        }
    }
}
