//! The server's own port: who may connect, over TLS or not.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::seconds;
use crate::server::app::App;
use crate::server::doors::{self, Connection, Doors};
use crate::server::http;
use crate::server::tls::Certificate;

pub(super) async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    router: axum::Router,
    doors: Arc<Doors>,
    connections: Arc<Semaphore>,
    certificate: Option<Certificate>,
) {
    // Many may come through one proxy.
    let proxies = Doors::new(app.config.limits.connections);
    let only_proxies = certificate.is_none() && !app.config.server.proxies.is_empty();
    loop {
        let (stream, peer) = doors::next(&listener).await;
        let address = peer.ip().to_canonical();
        let is_proxy = app.config.server.proxies.contains(&address);
        if only_proxies && !is_proxy && !address.is_loopback() {
            app.metrics.refuse("not_through_proxy");
            continue;
        }
        let inside = if is_proxy { proxies.enter(address) } else { doors.enter(address) };
        let (Ok(permit), Some(inside)) = (Arc::clone(&connections).try_acquire_owned(), inside) else {
            app.metrics.refuse("too_many_connections");
            turn_away(&stream, app.config.limits.retry_after_s);
            continue;
        };
        let connection = Arc::new(Connection::new(&app.metrics, address, inside, permit));
        // Small messages must not wait for each other; a connection that is already broken shows soon enough.
        let _ = stream.set_nodelay(true);
        let (app, router) = (Arc::clone(&app), router.clone());
        match certificate.as_ref().map(Certificate::acceptor) {
            None => drop(tokio::spawn(http::serve(app, stream, router, connection))),
            Some(acceptor) => drop(tokio::spawn(async move {
                match timeout(seconds(app.config.limits.header_s), acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => http::serve(app, stream, router, connection).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no TLS handshake"),
                    Err(_) => tracing::debug!("no TLS handshake in time"),
                }
            })),
        }
    }
}

/// Says as much as fits into an empty send buffer, without waiting.
fn turn_away(stream: &TcpStream, retry_after_s: u64) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {retry_after_s}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    // Whether it is heard or not, the connection closes.
    let _ = stream.try_write(answer.as_bytes());
}
