//! How many at once: connections as they come in, before anybody has shown a token.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;
use tracing::warn;

use crate::metrics::Metrics;

/// Pause after a failed accept: out of descriptors, trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The next connection. That one cannot be accepted is said, and passed over.
pub async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                let port = listener.local_addr().map(|address| address.port()).unwrap_or_default();
                warn!(%error, port, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Open connections per address.
#[derive(Debug)]
pub struct Doors {
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One open connection; leaving is dropping it.
#[derive(Debug)]
pub struct Inside {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Doors {
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// Lets one in; `None` if that address has enough.
    pub fn enter(&self, address: IpAddr) -> Option<Inside> {
        let address = network(address);
        let mut open = lock(&self.open);
        let count = open.entry(address).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Inside { open: Arc::clone(&self.open), address })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

fn lock(open: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What counts as one address: of IPv6 the first 64 bits, which one subscriber has to himself (RFC 6177).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

/// One accepted connection, alive as long as anything of it is: the HTTP part or the socket it became.
pub(super) struct Connection {
    /// The peer, which may be a proxy.
    pub(super) address: IpAddr,
    _inside: Inside,
    metrics: Arc<Metrics>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn new(metrics: &Arc<Metrics>, address: IpAddr, inside: Inside, permit: OwnedSemaphorePermit) -> Self {
        metrics.connections.inc();
        Self { address, _inside: inside, metrics: Arc::clone(metrics), _permit: permit }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.metrics.connections.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_connections() {
        let doors = Doors::new(2);
        let (v4, v6) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([1, 2, 3, 4, 5, 6, 7, 8]));
        let first = doors.enter(v4).unwrap();
        let _second = doors.enter(v4).unwrap();
        assert!(doors.enter(v4).is_none());
        assert!(doors.enter("::ffff:10.0.0.1".parse().unwrap()).is_none(), "the same in another dress");
        drop(first);
        assert!(doors.enter(v4).is_some());
        let _a = doors.enter(v6).unwrap();
        let _b = doors.enter(IpAddr::from([1, 2, 3, 4, 9, 9, 9, 9])).unwrap();
        assert!(doors.enter(v6).is_none(), "one subscriber, many addresses");
        assert_eq!(lock(&doors.open).len(), 2);
    }
}
