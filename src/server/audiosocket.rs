//! AudioSocket connections of Asterisk: plain TCP without proof, so only from addresses that are listed, and only for
//! UUIDs that were announced before. The limits of connections and of their rate are those of the main port, and shared
//! with it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant, sleep, timeout};
use tracing::warn;

use crate::config::seconds;
use crate::metrics::Kind;
use crate::server::doors::Doors;
use crate::server::media;
use crate::server::platform::Platform;
use crate::server::socket::{Incoming, Patience, Peer};
use crate::server::{App, Connection};
use crate::wire::Refusal;
use crate::wire::audiosocket::{AudioSocket, frame};
use crate::wire::fields::Told;

/// UUIDs that may wait for their call.
const ANNOUNCED_MAX: usize = 10_000;

/// Bytes read at once: two frames of 20 ms at 48 kHz.
const READ_BYTES: usize = 4 << 10;

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Calls announced under a UUID.
#[derive(Default)]
pub(crate) struct Announcements(Mutex<HashMap<String, (Instant, Told)>>);

impl Announcements {
    /// Remembers a call for `patience`; false if too many wait already.
    pub fn announce(&self, uuid: &str, told: Told, patience: Duration) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        waiting.retain(|_, (until, _)| *until > now);
        let room = waiting.len() < ANNOUNCED_MAX;
        if room {
            waiting.insert(uuid.to_ascii_lowercase(), (now + patience, told));
        }
        room
    }

    fn take(&self, uuid: &str) -> Option<Told> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(uuid).filter(|(until, _)| *until > Instant::now()).map(|(_, told)| told)
    }
}

/// Takes connections until the server closes.
pub(super) async fn accept(listener: TcpListener, app: Arc<App>, doors: Arc<Doors>, connections: Arc<Semaphore>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = app.closed() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "cannot accept an AudioSocket connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if !is_allowed(address, &app.config.phones.audiosocket.allow) {
            app.metrics.refuse("address");
            warn!(%address, "an AudioSocket connection from an address that is not listed");
            continue;
        }
        let ip = address.ip().to_canonical();
        if !app.guard.knock(ip, Instant::now().into_std()) {
            app.metrics.refuse("too_many_requests");
            continue;
        }
        let (Ok(permit), Some(inside)) = (Arc::clone(&connections).try_acquire_owned(), doors.enter(ip)) else {
            app.metrics.refuse("too_many_connections");
            continue;
        };
        let connection = Connection::new(&app, ip, inside, permit);
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let media = &app.config.media;
            let patience = Patience {
                ping: seconds(media.ping_s),
                silent: seconds(media.silent_s),
                write: seconds(media.write_s),
            };
            let announced = Arc::clone(&app);
            let dialect = AudioSocket::new(Box::new(move |uuid| announced.announced.take(uuid)));
            let open = app.metrics.sockets.get_or_create(&Kind { kind: Platform::AudioSocket.name() }).clone();
            open.inc();
            let peer = Peer::Tcp(TcpPeer::new(stream, patience));
            media::serve(&app, peer, None, Platform::AudioSocket, Box::new(dialect)).await;
            open.dec();
            drop(connection);
        });
    }
}

/// This machine, and whoever is listed.
fn is_allowed(address: SocketAddr, allow: &[IpAddr]) -> bool {
    let ip = address.ip().to_canonical();
    ip.is_loopback() || allow.contains(&ip)
}

/// One connection: frames in, nothing out.
pub struct TcpPeer {
    stream: TcpStream,
    buffer: bytes::BytesMut,
    patience: Patience,
}

impl TcpPeer {
    fn new(stream: TcpStream, patience: Patience) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_addresses_may_connect() {
        let allow = ["10.0.0.7".parse().unwrap()];
        let allowed = |address: &str| is_allowed(address.parse().unwrap(), &allow);
        assert!(allowed("127.0.0.1:5000") && allowed("[::1]:5000") && allowed("10.0.0.7:5000"));
        assert!(allowed("[::ffff:10.0.0.7]:5000"));
        assert!(!allowed("10.0.0.8:5000") && !allowed("[2001:db8::1]:5000"));
    }

    #[tokio::test]
    async fn an_announcement_is_good_for_one_call_and_not_for_ever() {
        let waiting = Announcements::default();
        assert!(waiting.announce("AB", Told::default(), Duration::from_secs(60)));
        assert!(waiting.take("ab").is_some());
        assert!(waiting.take("ab").is_none());
        assert!(waiting.announce("cd", Told::default(), Duration::ZERO));
        assert!(waiting.take("cd").is_none());
    }
}
