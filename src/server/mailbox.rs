//! The ways into a call's task and back to its sockets, and what goes through them.

use tokio::sync::{mpsc, oneshot};

use crate::call::{Facts, Input};
use crate::terms::{Channel, Lang, Span};
use crate::wire::phone::{News, Wants};

/// Slices of audio (at most 16 KiB of bytes each) that may wait for a call's task: with the largest blow-up of
/// decoding (8 kHz G.711 to 16 kHz float) 4 MiB.
const MEDIA_QUEUE: usize = 32;

/// Commands of supervisors and the agent that may wait; beyond it they are refused.
const COMMAND_QUEUE: usize = 16;

/// Messages of a call that may wait for a socket that wants to be told of it, and room for the last one.
const OUTBOX: usize = 64;

/// The ways into one call's task.
#[derive(Debug, Clone)]
pub struct CallHandle {
    /// The id it goes by.
    pub call: String,
    pub media: mpsc::Sender<MediaInput>,
    pub commands: mpsc::Sender<Command>,
}

/// Where a call's task reads.
#[derive(Debug)]
pub struct Mailboxes {
    pub media: mpsc::Receiver<MediaInput>,
    pub commands: mpsc::Receiver<Command>,
}

/// Both ends for the call that goes by this id.
pub fn mailboxes(call: &str) -> (CallHandle, Mailboxes) {
    let (media, media_inbox) = mpsc::channel(MEDIA_QUEUE);
    let (commands, commands_inbox) = mpsc::channel(COMMAND_QUEUE);
    let handle = CallHandle { call: call.to_owned(), media, commands };
    (handle, Mailboxes { media: media_inbox, commands: commands_inbox })
}

impl CallHandle {
    /// Waits for a place in the call's queue. A call that has gone says so, or has said so, through the outbox.
    pub async fn bring(&self, input: MediaInput) {
        let _ = self.media.send(input).await;
    }

    /// A command whose end nobody waits for; false if there is no room for it.
    pub fn mention(&self, input: Input) -> bool {
        self.commands.try_send(Command { input, done: oneshot::channel().0 }).is_ok()
    }
}

/// Number of one socket of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketId(pub u64);

/// What a socket brings.
#[derive(Debug)]
pub enum MediaInput {
    Attach(Attach),
    /// 16 kHz samples per channel, directly after what came before on these channels.
    Audio {
        socket: SocketId,
        lanes: Vec<(Channel, Vec<f32>)>,
    },
    /// Audio of these channels that never came.
    Skip {
        socket: SocketId,
        channels: Vec<Channel>,
        duration_ms: u64,
    },
    /// What is being said on this socket's channels is cut and transcribed now.
    Flush {
        socket: SocketId,
    },
    Utterance {
        channel: Channel,
        span: Span,
        text: String,
    },
    Hold,
    Resume {
        socket: SocketId,
        /// Audio left out during the hold; `None`: as long as it took.
        skipped_ms: Option<u64>,
    },
    Consent {
        given: bool,
    },
    Facts(Facts),
    Language(Lang),
    /// The stream of this socket is complete.
    Stop {
        socket: SocketId,
    },
    /// The socket broke.
    Lost {
        socket: SocketId,
    },
}

/// A socket that takes its place.
#[derive(Debug)]
pub struct Attach {
    pub socket: SocketId,
    pub channels: Vec<Channel>,
    pub resumed: bool,
    pub outbox: mpsc::Sender<ToSocket>,
    /// Which [`ToSocket::News`] it wants.
    pub wants: Wants,
    /// Told the media clock at which the socket's first sample is placed.
    pub ready: oneshot::Sender<u64>,
}

/// Something a supervisor or the agent does.
#[derive(Debug)]
pub struct Command {
    pub input: Input,
    /// Told when the events it made are out.
    pub done: oneshot::Sender<()>,
}

/// What the call tells a socket; after anything but news the socket closes.
#[derive(Debug, Clone, PartialEq)]
pub enum ToSocket {
    News(News),
    Stopped { utterances: u64 },
    ShuttingDown,
}

/// Where a call's messages for one socket wait. News never take the last place, so that the end is always told.
pub fn outbox() -> (mpsc::Sender<ToSocket>, mpsc::Receiver<ToSocket>) {
    mpsc::channel(OUTBOX)
}
