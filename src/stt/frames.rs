//! What the server and its transcription processes say to each other: one frame asks, one frame answers.
//!
//! A frame is its length as a little-endian `u32` and so many bytes. An utterance is its language (1 byte), the share of
//! voice in it and its samples (`f32`, little-endian); an answer is a mark (1 byte) and what belongs to it. Both ends
//! check lengths before they make room: each could be talking to something broken.

use std::io::{self, Read, Write};

use crate::terms::{Lang, SAMPLE_RATE};

/// Longest utterance: Whisper hears 30 s, and a segment is cut well before.
const SAMPLES_MAX: usize = SAMPLE_RATE as usize * 40;

/// Language and share of voice before the samples.
const HEAD_BYTES: usize = 5;

const UTTERANCE_BYTES_MAX: usize = HEAD_BYTES + 4 * SAMPLES_MAX;

/// Nobody says so much in an utterance.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// One utterance to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    pub lang: Lang,
    /// Share of voiced frames, 0 to 1.
    pub voiced: f32,
    /// Mono, [`SAMPLE_RATE`], −1 to 1.
    pub samples: Vec<f32>,
}

/// What a transcription process says.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The model is loaded; said once, at the start.
    Ready,
    /// There is no model to read with; said instead of `Ready`, and nothing after it.
    Unusable(String),
    Text {
        text: String,
        /// 0 to 1.
        confidence: f32,
    },
    Nothing,
    /// The engine failed and said so.
    Failed,
}

impl Utterance {
    /// The frame for a borrowed utterance; what is too long is cut.
    pub fn frame(lang: Lang, voiced: f32, samples: &[f32]) -> Vec<u8> {
        let samples = &samples[..samples.len().min(SAMPLES_MAX)];
        let len = HEAD_BYTES + 4 * samples.len();
        let mut frame = Vec::with_capacity(4 + len);
        frame.extend_from_slice(&(len as u32).to_le_bytes());
        frame.push(match lang {
            Lang::De => 0,
            Lang::En => 1,
        });
        frame.extend_from_slice(&voiced.to_le_bytes());
        for sample in samples {
            frame.extend_from_slice(&sample.to_le_bytes());
        }
        frame
    }

    /// The next one; `None` when the other end has closed between two frames.
    ///
    /// # Errors
    /// The stream breaks, or what came is no utterance (`InvalidData`).
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let Some(body) = read_frame(from, UTTERANCE_BYTES_MAX)? else { return Ok(None) };
        let Some(([lang, voiced @ ..], samples)) = body.split_first_chunk::<HEAD_BYTES>() else {
            return Err(wrong("an utterance cut off"));
        };
        let lang = match lang {
            0 => Lang::De,
            1 => Lang::En,
            _ => return Err(wrong("an utterance in no known language")),
        };
        let (samples, []) = samples.as_chunks::<4>() else {
            return Err(wrong("an utterance with a sample cut off"));
        };
        let voiced = f32::from_le_bytes(*voiced);
        let samples = samples.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Ok(Some(Self { lang, voiced, samples }))
    }
}

impl Answer {
    /// Writes the frame and flushes.
    ///
    /// # Errors
    /// The stream breaks.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut body = Vec::new();
        match self {
            Self::Ready => body.push(0),
            Self::Unusable(why) => {
                body.push(1);
                body.extend_from_slice(why.as_bytes());
            }
            Self::Text { text, confidence } => {
                body.push(2);
                body.extend_from_slice(&confidence.to_le_bytes());
                body.extend_from_slice(text.as_bytes());
            }
            Self::Nothing => body.push(3),
            Self::Failed => body.push(4),
        }
        if body.len() > ANSWER_BYTES_MAX {
            return Err(wrong("an answer longer than anybody speaks"));
        }
        to.write_all(&(body.len() as u32).to_le_bytes())?;
        to.write_all(&body)?;
        to.flush()
    }

    /// The next one; `None` when the other end has closed between two frames.
    ///
    /// # Errors
    /// The stream breaks, or what came is no answer (`InvalidData`).
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let Some(body) = read_frame(from, ANSWER_BYTES_MAX)? else { return Ok(None) };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| wrong("an answer that is not UTF-8"));
        match body.split_first() {
            Some((0, [])) => Ok(Some(Self::Ready)),
            Some((1, why)) => Ok(Some(Self::Unusable(text(why)?))),
            Some((2, rest)) => {
                let (confidence, rest) = rest.split_first_chunk().ok_or_else(|| wrong("an answer cut off"))?;
                let confidence = f32::from_le_bytes(*confidence);
                if !(0.0..=1.0).contains(&confidence) || rest.is_empty() {
                    return Err(wrong("an answer without words or with an impossible confidence"));
                }
                Ok(Some(Self::Text { text: text(rest)?, confidence }))
            }
            Some((3, [])) => Ok(Some(Self::Nothing)),
            Some((4, [])) => Ok(Some(Self::Failed)),
            _ => Err(wrong("an unknown answer")),
        }
    }
}

/// Body of the next frame; `None` at the end of the stream, if no frame has begun.
fn read_frame(from: &mut impl Read, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut len = [0; 4];
    let mut filled = 0;
    while filled < len.len() {
        match from.read(&mut len[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let len = u32::from_le_bytes(len) as usize;
    if len > most {
        return Err(wrong("a frame beyond all bounds"));
    }
    let mut body = vec![0; len];
    from.read_exact(&mut body)?;
    Ok(Some(body))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let samples: Vec<f32> = (0..1_000).map(|n| n as f32 / 1_000.0 - 0.5).collect();
        let frame = Utterance::frame(Lang::En, 0.7, &samples);
        let mut stream = frame.as_slice();
        let read = Utterance::read(&mut stream).unwrap().unwrap();
        assert_eq!(read, Utterance { lang: Lang::En, voiced: 0.7, samples });
        assert_eq!(Utterance::read(&mut stream).unwrap(), None);

        let answers = [
            Answer::Ready,
            Answer::Unusable("no memory".into()),
            Answer::Text { text: "Grüß Gott".into(), confidence: 0.9 },
            Answer::Nothing,
            Answer::Failed,
        ];
        let mut stream = Vec::new();
        answers.iter().for_each(|answer| answer.write(&mut stream).unwrap());
        let mut stream = stream.as_slice();
        let read: Vec<Answer> = std::iter::from_fn(|| Answer::read(&mut stream).unwrap()).collect();
        assert_eq!(read, answers);
    }

    #[test]
    fn too_long_is_cut_and_nothing_is_made_room_for() {
        let frame = Utterance::frame(Lang::De, 1.0, &vec![0.0; SAMPLES_MAX + 9]);
        assert_eq!(Utterance::read(&mut frame.as_slice()).unwrap().unwrap().samples.len(), SAMPLES_MAX);
        assert!(Answer::read(&mut [0xff; 64].as_slice()).is_err());
        assert!(Answer::Unusable("x".repeat(ANSWER_BYTES_MAX)).write(&mut Vec::new()).is_err());
    }

    #[test]
    fn a_stream_cut_anywhere_is_an_error_and_never_words() {
        let frame = Utterance::frame(Lang::De, 0.5, &[0.1; 10]);
        for cut in 1..frame.len() {
            assert!(Utterance::read(&mut &frame[..cut]).is_err(), "{cut}");
        }
        let mut answer = Vec::new();
        Answer::Text { text: "ja".into(), confidence: 1.0 }.write(&mut answer).unwrap();
        for cut in 1..answer.len() {
            assert!(Answer::read(&mut &answer[..cut]).is_err(), "{cut}");
        }
        for (body, what) in [
            (&[9][..], "unknown"),
            (&[], "unknown"),
            (&[0, 0], "unknown"),
            (&[2, 0, 0, 128, 63], "words"),
            (&[2, 0, 0, 0, 64, 65], "confidence"),
            (&[2, 0, 0, 128, 63, 0xff], "UTF-8"),
        ] {
            let mut frame = (body.len() as u32).to_le_bytes().to_vec();
            frame.extend_from_slice(body);
            let error = Answer::read(&mut frame.as_slice()).unwrap_err().to_string();
            assert!(error.contains(what), "{body:?}: {error}");
        }
    }
}
