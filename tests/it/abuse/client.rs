//! The client: frames by hand, and what it hears.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use ruhepol::server::auth::Role;

use crate::support::{PATIENCE, TestServer};

pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xa;
pub const FIN: u8 = 0x80;

fn token(server: &TestServer, path: &str) -> String {
    match path {
        "/v1/feed/supervisor" => server.token(Role::Supervisor, "s"),
        "/v1/feed/agent/a7" => server.token(Role::Agent, "a7"),
        _ => server.token(Role::Ingest, "pbx"),
    }
}

/// One frame, masked as clients must.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut frame = head(first, payload.len() as u64, true);
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

pub fn head(first: u8, len: u64, masked: bool) -> Vec<u8> {
    let mark = if masked { 0x80 } else { 0 };
    let mut head = vec![first];
    match len {
        0..=125 => head.push(mark | len as u8),
        126..=0xffff => {
            head.push(mark | 126);
            head.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            head.push(mark | 127);
            head.extend_from_slice(&len.to_be_bytes());
        }
    }
    head
}

pub fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

/// A client's end of the connection.
pub struct Raw {
    pub stream: TcpStream,
    pub bytes: Vec<u8>,
}

/// What was heard until the connection closed.
#[derive(Debug, Default)]
pub struct Heard {
    pub texts: Vec<String>,
    pub pongs: usize,
    /// Close code of the server; 1005 for a frame without one.
    pub code: Option<u16>,
    /// The connection closed without a close frame before.
    pub cut: bool,
}

impl Raw {
    pub async fn connect(server: &TestServer) -> Self {
        Self { stream: TcpStream::connect(server.address).await.unwrap(), bytes: Vec::new() }
    }

    /// A socket on `path`, upgraded by hand.
    pub async fn open(server: &TestServer, path: &str) -> Self {
        let mut raw = Self::connect(server).await;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Authorization: Bearer {}\r\n\r\n",
            server.address,
            token(server, path)
        );
        raw.send(request.as_bytes()).await;
        let answer = raw.http_head().await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{path}: {answer}");
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{path}: {answer}");
        raw
    }

    /// The server may have closed before all is sent.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("the server reads or closes");
    }

    pub async fn http_head(&mut self) -> String {
        loop {
            if let Some(end) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.bytes.drain(..end + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            assert!(self.more().await, "an answer, not {:?}", String::from_utf8_lossy(&self.bytes));
        }
    }

    /// False when the connection has closed.
    pub async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.bytes)).await.expect("an answer or an end");
        matches!(read, Ok(1..))
    }

    /// The next frame of the server: its opcode and payload.
    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some(frame) = self.parsed() {
                return Some(frame);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    fn parsed(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (*self.bytes.first()?, *self.bytes.get(1)?);
        assert_eq!(first & 0x70, 0, "no reserved bits");
        assert_eq!(first & FIN, FIN, "we send no fragments");
        assert_eq!(second & 0x80, 0, "servers do not mask");
        let (at, len) = match second {
            126 => (4, u16::from_be_bytes(self.bytes.get(2..4)?.try_into().unwrap()) as usize),
            127 => (10, u64::from_be_bytes(self.bytes.get(2..10)?.try_into().unwrap()) as usize),
            short => (2, short as usize),
        };
        let payload = self.bytes.get(at..at + len)?.to_vec();
        self.bytes.drain(..at + len);
        Some((first & 0xf, payload))
    }

    /// Everything until the end; a close frame is answered as a client should.
    pub async fn rest(mut self) -> Heard {
        let mut heard = Heard::default();
        while let Some((opcode, payload)) = self.next().await {
            match opcode {
                TEXT => heard.texts.push(String::from_utf8(payload).expect("text is UTF-8")),
                PONG => heard.pongs += 1,
                PING => self.send(&frame(FIN | PONG, &payload)).await,
                CLOSE => {
                    assert_eq!(heard.code, None, "one close frame");
                    assert!(payload.len() != 1 && payload.len() <= 125);
                    let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                    std::str::from_utf8(payload.get(2..).unwrap_or_default()).expect("a reason is UTF-8");
                    heard.code = Some(code);
                    self.send(&frame(FIN | CLOSE, &payload)).await;
                }
                other => panic!("an opcode of {other}"),
            }
        }
        heard.cut = heard.code.is_none();
        heard
    }
}
