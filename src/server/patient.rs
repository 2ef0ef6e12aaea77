//! A connection whose other end must take what we write.
//!
//! Reading has its time-outs elsewhere (heads of requests, silent sockets). Without one for writing, whoever asks for pages
//! and never reads them holds a connection for ever, and shows no token for it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream that breaks when what was written is not taken in time.
pub struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Runs from the first write that had to wait until everything was taken: a trickle does not stop it.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, stuck: None }
    }

    fn waited<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            return poll;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        match stuck.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.waited(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.waited(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        if poll.is_ready() {
            // Writers flush when they have nothing more to write.
            self.stuck = None;
        }
        self.waited(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.waited(cx, poll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test]
    async fn who_takes_nothing_or_a_trickle_is_given_up() {
        for trickle in [false, true] {
            let (ours, mut theirs) = duplex(64);
            let mut stream = Patient::new(ours, Duration::from_millis(300));
            let reader = tokio::spawn(async move {
                let mut byte = [0];
                while trickle && theirs.read_exact(&mut byte).await.is_ok() {
                    sleep(Duration::from_millis(20)).await;
                }
                std::future::pending::<()>().await;
            });
            // A byte in 20 ms would take more than a minute.
            let error = stream.write_all(&[0; 4096]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            reader.abort();
        }
    }

    #[tokio::test]
    async fn who_takes_everything_may_be_silent_for_longer() {
        let (ours, mut theirs) = duplex(64);
        let mut stream = Patient::new(ours, Duration::from_secs(1));
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).await.map(|_| all.len())
        });
        for _ in 0..2 {
            stream.write_all(&[0; 512]).await.unwrap();
            stream.flush().await.unwrap();
            sleep(Duration::from_millis(1_100)).await;
        }
        stream.shutdown().await.unwrap();
        drop(stream);
        assert_eq!(reader.await.unwrap().unwrap(), 1_024);
    }
}
