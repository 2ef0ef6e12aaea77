//! AudioSocket connections of Asterisk: plain TCP without proof, so only from addresses that are listed, and only for
//! UUIDs that were announced before. The limits of connections and of their rate are those of the main port, and shared
//! with it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::warn;

use crate::metrics::Kind;
use crate::server::app::App;
use crate::server::doors::{self, Connection, Doors};
use crate::server::media;
use crate::server::peer::{Peer, TcpPeer};
use crate::server::platform::Platform;
use crate::server::socket::Patience;
use crate::wire::audiosocket::AudioSocket;

/// Takes connections until the server closes.
pub(super) async fn accept(listener: TcpListener, app: Arc<App>, doors: Arc<Doors>, connections: Arc<Semaphore>) {
    loop {
        let (stream, address) = tokio::select! {
            accepted = doors::next(&listener) => accepted,
            () = app.closed() => return,
        };
        if !is_allowed(address, &app.config.phones.audiosocket.allow) {
            app.metrics.refuse("address");
            warn!(%address, "an AudioSocket connection from an address that is not listed");
            continue;
        }
        let ip = address.ip().to_canonical();
        if !app.allowances.knock(ip, Instant::now().into_std()) {
            app.metrics.refuse("too_many_requests");
            continue;
        }
        let (Ok(permit), Some(inside)) = (Arc::clone(&connections).try_acquire_owned(), doors.enter(ip)) else {
            app.metrics.refuse("too_many_connections");
            continue;
        };
        let connection = Connection::new(&app.metrics, ip, inside, permit);
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let patience = Patience::with_phones(&app.config.media);
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
}
