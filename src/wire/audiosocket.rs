//! Asterisk's AudioSocket: frames of one byte kind, two bytes length and the payload over plain TCP. The first frame
//! names a UUID; only calls announced under it are taken, since the protocol knows no other proof.

use bytes::Bytes;

use crate::audio::Encoding;
use crate::terms::Channel;
use crate::wire::Refusal;
use crate::wire::fields::Told;
use crate::wire::hex::uuid;
use crate::wire::native::Opening;
use crate::wire::phone::{Action, Dialect, Refused, Start, Stream};

const HANG_UP: u8 = 0x00;
const UUID: u8 = 0x01;
const DTMF: u8 = 0x03;
const ERROR: u8 = 0xff;

/// Bytes of the head of a frame.
const HEAD_BYTES: usize = 3;

/// The first whole frame in `buffer`, kind and payload together, taken out of it.
pub fn frame(buffer: &mut bytes::BytesMut) -> Option<Bytes> {
    let (kind, length) = match buffer.get(..HEAD_BYTES)? {
        [kind, high, low] => (*kind, usize::from(u16::from_be_bytes([*high, *low]))),
        _ => return None,
    };
    if buffer.len() < HEAD_BYTES + length {
        return None;
    }
    let mut whole = buffer.split_to(HEAD_BYTES + length);
    // Kind and payload side by side.
    let mut frame = whole.split_off(HEAD_BYTES - 1);
    frame[0] = kind;
    Some(frame.freeze())
}

/// A frame as it goes over the wire.
pub fn encode(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let mut frame = vec![kind];
    frame.extend(length.to_be_bytes());
    frame.extend(&payload[..usize::from(length)]);
    frame
}

/// Finds the call announced under a UUID, once.
pub type Announced = Box<dyn FnMut(&str) -> Option<Told> + Send>;

/// One connection.
pub struct AudioSocket {
    announced: Announced,
    /// The call, once it is known and until its first audio says the rate.
    told: Option<(String, Told)>,
    sample_rate: Option<u32>,
    stopped: bool,
}

impl AudioSocket {
    pub fn new(announced: Announced) -> Self {
        Self { announced, told: None, sample_rate: None, stopped: false }
    }

    fn audio(&mut self, sample_rate: u32, bytes: Bytes, out: &mut Vec<Action>) {
        if let Some((uuid, told)) = self.told.take() {
            let Told { call, consent, language, channel, facts, .. } = told;
            let channels = vec![channel.unwrap_or(Channel::Customer)];
            let streams = vec![Stream { encoding: Encoding::PcmS16le, sample_rate, channels: channels.clone() }];
            let opening = Opening { call: call.unwrap_or(uuid), channels, language, consent, facts };
            self.sample_rate = Some(sample_rate);
            out.push(Action::Start(Box::new(Start::new(opening, streams))));
        }
        match self.sample_rate {
            None => out.push(Action::Refuse(Refusal::UnexpectedBinary, "audio before the UUID".to_owned())),
            Some(rate) if rate != sample_rate => {
                let message = format!("audio of {sample_rate} Hz after audio of {rate} Hz");
                out.push(Action::Refuse(Refusal::BadMessage, message));
            }
            Some(_) => out.push(Action::Audio { stream: 0, bytes }),
        }
    }

    fn uuid(&mut self, payload: &[u8], out: &mut Vec<Action>) {
        if self.told.is_some() || self.sample_rate.is_some() {
            return out.push(Action::Refuse(Refusal::BadMessage, "a second UUID".to_owned()));
        }
        let Ok(bytes) = payload.try_into() else {
            return out.push(Action::Refuse(Refusal::BadMessage, "a UUID has 16 bytes".to_owned()));
        };
        let uuid = uuid(bytes);
        match (self.announced)(&uuid) {
            Some(told) => self.told = Some((uuid, told)),
            None => out.push(Action::Refuse(Refusal::Unauthorized, format!("the UUID {uuid} was not announced"))),
        }
    }
}

impl Dialect for AudioSocket {
    fn text(&mut self, _now_ms: u64, _text: &str, _out: &mut Vec<Action>) {}

    fn binary(&mut self, _now_ms: u64, frame: Bytes, out: &mut Vec<Action>) {
        if self.stopped || frame.is_empty() {
            return;
        }
        let payload = frame.slice(1..);
        match frame[0] {
            UUID => self.uuid(&payload, out),
            HANG_UP if self.sample_rate.is_some() => {
                self.stopped = true;
                out.push(Action::Stop);
            }
            HANG_UP => out.push(Action::Close { code: 1000, reason: String::new() }),
            // Digits are not kept; of its errors Asterisk tells nobody else, and hangs up after them.
            DTMF | ERROR => {}
            kind => match rate(kind) {
                Some(sample_rate) => self.audio(sample_rate, payload, out),
                None => {
                    let message = format!("a frame of the unknown kind {kind:#04x}");
                    out.push(Action::Refuse(Refusal::BadMessage, message));
                }
            },
        }
    }

    fn stopped(&mut self, _utterances: u64, out: &mut Vec<Action>) {
        self.stopped = true;
        out.push(Action::Close { code: 1000, reason: String::new() });
    }

    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>) {
        self.stopped = true;
        // A hang-up frame would end the caller's call; a closed connection only ends this listening.
        out.push(Action::Close { code: refused.refusal.close_code(), reason: String::new() });
    }

    fn closed(&mut self, out: &mut Vec<Action>) {
        if self.sample_rate.is_some() && !self.stopped {
            self.stopped = true;
            out.push(Action::Stop);
        }
    }
}

/// Hertz of a kind of audio frame.
fn rate(kind: u8) -> Option<u32> {
    Some(match kind {
        0x10 => 8_000,
        0x11 => 12_000,
        0x12 => 16_000,
        0x13 => 24_000,
        0x14 => 32_000,
        0x15 => 44_100,
        0x16 => 48_000,
        0x17 => 96_000,
        0x18 => 192_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    fn socket() -> AudioSocket {
        AudioSocket::new(Box::new(|uuid| {
            let known = uuid == "00010203-0405-0607-0809-0a0b0c0d0e0f";
            known.then(|| Told { call: Some("c1".to_owned()), channel: Some(Channel::Agent), ..Told::default() })
        }))
    }

    fn say(socket: &mut AudioSocket, kind: u8, payload: &[u8]) -> Vec<Action> {
        let mut buffer = BytesMut::from(encode(kind, payload).as_slice());
        let mut out = Vec::new();
        socket.binary(0, frame(&mut buffer).unwrap(), &mut out);
        assert!(buffer.is_empty());
        out
    }

    fn uuid() -> Vec<u8> {
        (0..16).collect()
    }

    #[test]
    fn a_call_from_uuid_to_hang_up() {
        let mut socket = socket();
        assert_eq!(say(&mut socket, UUID, &uuid()), []);
        let out = say(&mut socket, 0x10, &[0; 320]);
        let Action::Start(start) = &out[0] else { panic!("no start: {out:?}") };
        assert_eq!((start.opening.call.as_str(), start.streams[0].sample_rate), ("c1", 8_000));
        assert_eq!(start.opening.channels, [Channel::Agent]);
        assert_eq!(out[1], Action::Audio { stream: 0, bytes: Bytes::from_static(&[0; 320]) });
        assert_eq!(say(&mut socket, DTMF, b"5"), []);
        assert_eq!(say(&mut socket, 0x10, &[0; 3]).len(), 1);
        assert_eq!(say(&mut socket, HANG_UP, &[]), [Action::Stop]);
        assert_eq!(say(&mut socket, 0x10, &[0; 320]), []);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let refused = |frames: &[(u8, &[u8])], expected: Refusal| {
            let mut socket = socket();
            let said: Vec<_> = frames.iter().map(|(kind, payload)| say(&mut socket, *kind, payload)).collect();
            let last = &said[said.len() - 1];
            assert!(matches!(last.as_slice(), [Action::Refuse(refusal, _)] if *refusal == expected), "{last:?}");
        };
        refused(&[(UUID, &[7; 16])], Refusal::Unauthorized);
        refused(&[(UUID, &[7; 15])], Refusal::BadMessage);
        refused(&[(UUID, &uuid()), (UUID, &uuid())], Refusal::BadMessage);
        refused(&[(0x10, &[0; 320])], Refusal::UnexpectedBinary);
        refused(&[(0x42, &[])], Refusal::BadMessage);
        refused(&[(UUID, &uuid()), (0x10, &[0; 2]), (0x12, &[0; 2])], Refusal::BadMessage);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_are_lost(bytes in prop::collection::vec(any::<u8>(), 0..400), cuts in prop::collection::vec(1..40_usize, 1..20)) {
            let mut socket = socket();
            let (mut buffer, mut rest, mut taken) = (BytesMut::new(), bytes.as_slice(), 0);
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                buffer.extend_from_slice(now);
                rest = later;
                while let Some(frame) = frame(&mut buffer) {
                    taken += frame.len() + 2;
                    socket.binary(0, frame, &mut Vec::new());
                }
            }
            prop_assert_eq!(taken + buffer.len(), bytes.len());
        }
    }
}
