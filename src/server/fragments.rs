//! Looks at the heads of frames below the WebSocket library, which bounds a message's bytes and not its pieces (millions
//! of empty ones would keep a core busy for nothing), and takes lengths in any of their three forms.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Pieces of one message at most: of the longest message, 256 bytes each.
const FRAGMENTS_MAX: u32 = 4_096;

/// A stream of frames that breaks with [`BadFrame`] when a message has too many pieces or a frame's length is put wrongly.
#[derive(Debug)]
pub struct Counted<S> {
    pub inner: S,
    counter: Counter,
}

/// What is wrong with a frame, or with the message it is a piece of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    #[error("a message in more than {FRAGMENTS_MAX} fragments")]
    TooManyFragments,
    /// RFC 6455, section 5.5: a control frame holds at most 125 bytes; section 5.2: a length takes as few bytes as it can.
    #[error("a control frame longer than 125 bytes, or a length in more bytes than it needs")]
    Length,
}

impl<S> Counted<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, counter: Counter::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = &mut *self;
        let polled = Pin::new(&mut this.inner).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = polled {
            this.counter.pass(&buf.filled()[before..]).map_err(io::Error::other)?;
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Follows the heads of frames (RFC 6455, section 5.2) through a stream that may be cut anywhere.
#[derive(Debug, Default)]
struct Counter {
    /// Of the head of the current frame.
    head: [u8; 14],
    filled: usize,
    /// Bytes of the payload still to come.
    payload: u64,
    fragments: u32,
}

impl Counter {
    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), BadFrame> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let skipped = bytes.len().min(usize::try_from(self.payload).unwrap_or(usize::MAX));
                self.payload -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head[self.filled] = *first;
            self.filled += 1;
            bytes = rest;
            if self.filled >= 2 && self.filled == self.head_len() {
                self.filled = 0;
                self.payload = self.payload_len();
                self.count()?;
            }
        }
        Ok(())
    }

    fn head_len(&self) -> usize {
        let length = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.head[1] & 0x80 != 0 { 4 } else { 0 };
        2 + length + mask
    }

    fn payload_len(&self) -> u64 {
        let head = &self.head;
        match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([head[2], head[3]])),
            127 => u64::from_be_bytes([head[2], head[3], head[4], head[5], head[6], head[7], head[8], head[9]]),
            short => u64::from(short),
        }
    }

    /// Control frames come between the pieces of a message and are none.
    fn count(&mut self) -> Result<(), BadFrame> {
        let (is_final, is_control) = (self.head[0] & 0x80 != 0, self.head[0] & 0x08 != 0);
        let least = match self.head[1] & 0x7f {
            126 | 127 if is_control => return Err(BadFrame::Length),
            126 => 126,
            127 => 1 << 16,
            _ => 0,
        };
        if self.payload < least {
            return Err(BadFrame::Length);
        }
        match (is_control, is_final) {
            (true, _) => {}
            (false, true) => self.fragments = 0,
            (false, false) => self.fragments += 1,
        }
        if self.fragments > FRAGMENTS_MAX { Err(BadFrame::TooManyFragments) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, len: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match len {
            0..=125 => frame.push(0x80 | len as u8),
            126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[1, 2, 3, 4]);
        frame.resize(frame.len() + len, 0x55);
        frame
    }

    #[test]
    fn pieces_are_counted_however_the_stream_is_cut() {
        for cut in [1, 2, 3, 7, 4_096] {
            let mut counter = Counter::default();
            let mut pass = |bytes: &[u8]| bytes.chunks(cut).try_for_each(|piece| counter.pass(piece));
            for len in [0, 5, 125, 126, 70_000] {
                assert_eq!(pass(&frame(0x82, len)), Ok(()), "whole messages");
            }
            for _ in 0..3 {
                assert_eq!(pass(&frame(0x01, 3)), Ok(()));
                for _ in 1..FRAGMENTS_MAX {
                    assert_eq!(pass(&frame(0x00, 0)), Ok(()));
                }
                assert_eq!(pass(&frame(0x89, 4)), Ok(()), "a ping in between");
                assert_eq!(pass(&frame(0x80, 1)), Ok(()), "the last piece");
            }
            let bomb = frame(0x00, 0).repeat(FRAGMENTS_MAX as usize + 1);
            assert_eq!(pass(&bomb), Err(BadFrame::TooManyFragments));
        }
    }

    #[test]
    fn a_length_takes_the_bytes_it_needs() {
        for head in [
            &[0x89, 0xfe, 0, 2, 0, 0, 0, 0][..],
            &[0x88, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x81, 0xfe, 0, 125, 0, 0, 0, 0],
            &[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0],
        ] {
            assert_eq!(Counter::default().pass(head), Err(BadFrame::Length), "{head:x?}");
        }
    }

    #[test]
    fn impossible_lengths_are_the_librarys_business() {
        let mut counter = Counter::default();
        let head = [&[0x82, 0xff][..], &[0xff; 8], &[0; 4], &[0; 100]].concat();
        assert_eq!(counter.pass(&head), Ok(()));
        assert_eq!(counter.payload, u64::MAX - 100);
    }
}
