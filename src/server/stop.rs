//! How a server is told to stop, and where it is on its way down.

use std::io;

use tokio::sync::watch;
use tracing::info;

/// Where the server is on its way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Running,
    /// No new calls; running ones go on.
    Draining,
    /// Running calls end.
    Stopping,
    /// All sockets close.
    Closed,
}

/// What the outside asks of a running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    Run,
    Drain,
    End,
}

/// The switch that stops a server. Dropping it drains.
#[derive(Debug)]
pub struct Stop(watch::Sender<Wish>);

/// The server's end of the switch.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<Wish>);

/// A switch and its other end.
pub fn shutdown() -> (Stop, Shutdown) {
    let (sender, receiver) = watch::channel(Wish::Run);
    (Stop(sender), Shutdown(receiver))
}

impl Stop {
    /// No new calls; running ones may end by themselves, for as long as `server.drain_s` says.
    pub fn drain(&self) {
        self.0.send_if_modified(|wish| std::mem::replace(wish, (*wish).max(Wish::Drain)) < Wish::Drain);
    }

    /// Running calls end now.
    pub fn end(&self) {
        self.0.send_replace(Wish::End);
    }

    /// Drains at the first SIGTERM or SIGINT, ends at the second. Returns when there is nothing left to wait for.
    pub async fn on_signals(self) -> io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        for count in 1.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = self.0.closed() => return Ok(()),
            }
            if count == 1 {
                info!("stopping: no new calls; a second signal ends the running ones");
                self.drain();
            } else {
                self.end();
            }
        }
        Ok(())
    }
}

impl Shutdown {
    /// Resolves when the wish is at least this; a dropped switch wishes to drain.
    pub(super) async fn wished(&mut self, wish: Wish) {
        if self.0.wait_for(|now| *now >= wish).await.is_err() && wish == Wish::End {
            std::future::pending().await
        }
    }
}
