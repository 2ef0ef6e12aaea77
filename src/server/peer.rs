//! The other end of a stream of calls: a WebSocket, or AudioSocket's plain TCP.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::socket::{Gone, Incoming, Patience, Socket};
use crate::wire::Refusal;
use crate::wire::audiosocket::frame;

/// Bytes read at once: two frames of 20 ms at 48 kHz.
const READ_BYTES: usize = 4 << 10;

/// The other end of a stream of calls.
pub enum Peer {
    Web(Box<Socket>),
    Tcp(TcpPeer),
}

impl Peer {
    /// The next message; a goodbye still wants its answer. Safe to drop and call again.
    pub async fn receive(&mut self) -> Incoming {
        match self {
            Self::Web(socket) => socket.next().await,
            Self::Tcp(peer) => peer.receive().await,
        }
    }

    /// Sends a text; a peer that knows none is sent nothing.
    pub async fn send(&mut self, text: String) -> Result<(), Gone> {
        match self {
            Self::Web(socket) => socket.send(text).await,
            Self::Tcp(_) => Ok(()),
        }
    }

    pub async fn close(self, code: u16, reason: &str) {
        match self {
            Self::Web(socket) => socket.close(code, reason).await,
            Self::Tcp(peer) => peer.close().await,
        }
    }

    /// Replies to the peer's goodbye.
    pub async fn answer_close(&mut self) {
        match self {
            Self::Web(socket) => socket.answer_close().await,
            // What follows is the end of the connection.
            Self::Tcp(_) => {}
        }
    }
}

/// One connection: frames in, nothing out.
pub struct TcpPeer {
    stream: TcpStream,
    buffer: bytes::BytesMut,
    patience: Patience,
}

impl TcpPeer {
    pub fn new(stream: TcpStream, patience: Patience) -> Self {
        Self { stream, buffer: bytes::BytesMut::with_capacity(READ_BYTES), patience }
    }

    /// The next frame, its kind first. Safe to drop and call again. A channel that is up sends audio all the time.
    pub async fn receive(&mut self) -> Incoming {
        loop {
            if let Some(frame) = frame(&mut self.buffer) {
                return Incoming::Binary(frame);
            }
            self.buffer.reserve(READ_BYTES);
            match timeout(self.patience.silent, self.stream.read_buf(&mut self.buffer)).await {
                Ok(Ok(0)) => return Incoming::Closed,
                Ok(Ok(_)) => {}
                Ok(Err(_)) => return Incoming::Gone,
                Err(_) => return Incoming::Refused(Refusal::Silent, "no sign of life for too long"),
            }
        }
    }

    pub async fn close(mut self) {
        let _ = timeout(self.patience.write, self.stream.shutdown()).await;
    }
}
