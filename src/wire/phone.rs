//! What the frames of a phone system mean, whichever dialect it speaks.
//!
//! A [`Dialect`] is a machine without I/O: frames, news of the call and time go in, [`Action`]s come out. One shell
//! (`server::media`) carries them out for all dialects, so that a dialect knows its own language and nothing else.

use bytes::Bytes;

use crate::audio::Encoding;
use crate::call::event::Event;
use crate::terms::{Channel, Lang, Span};
use crate::wire::Refusal;
use crate::wire::native::{Facts, Opening};

/// What a frame asks for. Actions of one frame are carried out in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Open the call, join it, or continue it; answered with [`Dialect::started`] or [`Dialect::refused`].
    Start(Box<Start>),
    /// Audio of stream `stream` (index into [`Start::streams`]), directly after what came before on it.
    Audio {
        stream: usize,
        bytes: Bytes,
    },
    /// Audio of this stream that never came: time passed, nothing was heard.
    Skip {
        stream: usize,
        duration_ms: u64,
    },
    /// An utterance somebody else transcribed.
    Utterance {
        channel: Channel,
        span: Span,
        text: String,
    },
    Hold,
    /// The hold is over. `skipped_ms` is how much audio was left out meanwhile; `None` if the platform does not say,
    /// then it is as long as the hold took.
    Resume {
        skipped_ms: Option<u64>,
    },
    Facts(Box<Facts>),
    /// The parties speak this language from now on.
    Language(Lang),
    Consent {
        given: bool,
    },
    /// Cut what is being said and transcribe it now; answered with [`News::Flushed`].
    Flush,
    /// This socket's part of the call is complete; answered with [`Dialect::stopped`].
    Stop,
    /// Send this text frame.
    Send(String),
    /// Close the socket. Without a [`Action::Stop`] before, the call waits for the socket to come back.
    Close {
        code: u16,
        reason: String,
    },
    /// Give the socket up, and say so with [`Dialect::refused`].
    Refuse(Refusal, String),
}

/// How a call begins on a socket.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// `channels` are those of all streams.
    pub opening: Opening,
    /// Empty if the socket brings words instead of audio.
    pub streams: Vec<Stream>,
    /// Milliseconds of silence that end an utterance; `None`: as configured. Only the socket that begins a call is asked.
    pub hangover_ms: Option<u64>,
}

impl Start {
    pub fn new(opening: Opening, streams: Vec<Stream>) -> Self {
        Self { opening, streams, hangover_ms: None }
    }
}

/// One interleaved stream of audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    pub encoding: Encoding,
    /// Hertz.
    pub sample_rate: u32,
    /// One or two, in the order of the samples of a frame.
    pub channels: Vec<Channel>,
}

/// The call this socket has come into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The id it goes by.
    pub call: String,
    /// Media clock of this socket's first sample.
    pub t_ms: u64,
    /// This continues a call whose connection was lost.
    pub resumed: bool,
}

/// Why the socket is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub refusal: Refusal,
    pub message: String,
    /// With [`Refusal::Busy`].
    pub retry_after_s: Option<u64>,
}

/// What the call tells sockets that want to hear it.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Events of the call's log that belong together, in order.
    Events(Vec<Event>),
    /// Somebody began or stopped speaking.
    Speech { channel: Channel, speaking: bool, at_ms: u64 },
    /// The oldest speech of a channel that is being read began at `since_ms`; `None`: all that was said is dealt with.
    /// Told whenever it changes, after the events that belong to the change: what is read later of it comes before
    /// whatever began after it.
    Unread { channel: Channel, since_ms: Option<u64> },
    /// What has been said so far of an utterance that is going on, as well as it could be read.
    Interim { channel: Channel, span: Span, text: String, confidence: f32 },
    /// What an [`Action::Flush`] cut has been told.
    Flushed,
}

/// What a dialect wants to be told with [`Dialect::news`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wants {
    Nothing,
    News,
    /// Also [`News::Interim`], which costs transcriptions.
    Interim,
}

/// A way to speak with a phone system. `now_ms` counts from the opening of the socket.
///
/// No method panics, whatever the frames say; a frame that means nothing yields [`Action::Refuse`] or nothing, as
/// the platform expects.
pub trait Dialect: Send {
    /// The socket is open.
    fn opened(&mut self, _out: &mut Vec<Action>) {}

    fn text(&mut self, now_ms: u64, text: &str, out: &mut Vec<Action>);

    fn binary(&mut self, now_ms: u64, bytes: Bytes, out: &mut Vec<Action>);

    /// The call is open.
    fn started(&mut self, _now_ms: u64, _started: &Started, _out: &mut Vec<Action>) {}

    /// The call takes unusually long to open; platforms with a time limit are answered now.
    fn waiting(&mut self, _out: &mut Vec<Action>) {}

    /// Everything said up to [`Action::Stop`] has been dealt with.
    fn stopped(&mut self, utterances: u64, out: &mut Vec<Action>);

    /// The socket is given up: the platform's own way to be told. Without an [`Action::Close`] the peer is expected to
    /// close within a few seconds.
    fn refused(&mut self, refused: &Refused, out: &mut Vec<Action>);

    /// The peer has closed the socket in order. Nothing can be sent any more.
    fn closed(&mut self, _out: &mut Vec<Action>) {}

    /// What [`Dialect::news`] wants to be told. Asked when the call is entered.
    fn wants(&self) -> Wants {
        Wants::Nothing
    }

    fn news(&mut self, _now_ms: u64, _news: &News, _out: &mut Vec<Action>) {}

    /// When [`Dialect::wake`] wants to be called even if nothing comes.
    fn deadline_ms(&self) -> Option<u64> {
        None
    }

    fn wake(&mut self, _now_ms: u64, _out: &mut Vec<Action>) {}
}

/// The usual refusal: nothing but a close frame. The reason is cut to what one may hold (123 bytes).
pub fn close_with(refused: &Refused) -> Action {
    let reason = format!("{}: {}", refused.refusal.code(), refused.message);
    Action::Close { code: refused.refusal.close_code(), reason: cut(&reason, 123).to_owned() }
}

/// At most `bytes` of a text, cut between characters.
pub fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
