//! The server: `run(listener, parts, shutdown)` is all of it.
//!
//! `accept` and `http` let requests in, `auth` says who may; `ingest` and `feeds` make sockets of them, `media` holds those
//! that bring calls, `session` runs one task per call, `calls` knows which live, `hub` brings events to readers. Imports
//! run from the routes (`http`) over what answers a path to what all share (`app`), never back.

mod accept;
mod agents;
mod announced;
mod app;
mod audiosocket;
pub mod auth;
mod buckets;
mod calls;
pub(crate) mod describe;
mod doors;
mod feeds;
mod fragments;
mod guard;
mod history;
mod http;
mod hub;
mod ingest;
mod keys;
mod load;
mod mailbox;
mod media;
mod otlp;
mod page;
mod patient;
mod peer;
mod platform;
mod problem;
mod records;
mod session;
mod sights;
mod small_file;
mod socket;
mod status;
mod stop;
pub mod tls;
mod upgrade;
pub(crate) mod webhooks;

pub use self::agents::TEAM_MIN_AGENTS;
pub use self::app::Parts;
pub use self::stop::{Shutdown, Stop, shutdown};

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use self::accept::accept;
use self::app::App;
use self::doors::Doors;
use self::keys::Keys;
use self::otlp::Exporter;
use self::stop::{Phase, Wish};
use self::tls::Certificate;
use self::webhooks::Sources;
use crate::audit::{Action, Entry};
use crate::config::{Config, seconds};
use crate::wall_clock::unix_ms;

/// How long calls that are told to stop may take beyond their own patience.
const STOPPING: Duration = Duration::from_secs(5);

/// How long sockets may take to say goodbye.
const CLOSING: Duration = Duration::from_secs(3);

/// Serves until told to stop, then drains and returns. Tests bind port 0 and keep the [`Stop`].
///
/// # Errors
/// The listener has no local address, or one that other machines can reach; a phone system's secret is unreadable; or
/// the journal needs a person's decision.
pub async fn run(listener: TcpListener, parts: Parts, mut shutdown: Shutdown) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() && !parts.config.speaks_tls() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "{address} can be reached from other machines, without TLS; \
                 set `[tls]`, name the proxy that speaks it in `server.proxies`, or listen on 127.0.0.1"
            ),
        ));
    }
    let certificate = parts.config.tls.as_ref().map(Certificate::load).transpose().map_err(io::Error::other)?;
    let keys = Keys::read(&parts.config.phones)?;
    let exporter = Exporter::new(&parts.config.telemetry, &parts.config.server.node)?;
    let (phase, phase_seen) = watch::channel(Phase::Running);
    let drain = seconds(parts.config.server.drain_s);
    let slots = parts.config.limits.connections;
    let (app, live) = App::new(parts, keys, phase_seen)?;
    let app = Arc::new(app);
    let turns = Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));
    for log in live {
        let call = log.events.first().map(|(_, event)| event.call.clone()).unwrap_or_default();
        let mailboxes = app.calls.restore(&call);
        session::restore(Arc::clone(&app), call, log, mailboxes, Arc::clone(&turns));
    }
    let connections = Arc::new(Semaphore::new(slots));
    let doors = Arc::new(Doors::new(app.config.limits.connections_per_address));
    let router = http::router(Arc::clone(&app));
    if let Some(address) = app.config.phones.audiosocket.listen {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {address} (`phones.audiosocket.listen`): {error}"))
        })?;
        let (doors, connections) = (Arc::clone(&doors), Arc::clone(&connections));
        tokio::spawn(audiosocket::accept(listener, Arc::clone(&app), doors, connections));
    }
    let mut keepers = JoinSet::new();
    keepers.spawn(app.tokens.clone().keep_up());
    keepers.spawn(audit_reloads(Arc::clone(&app)));
    let sources = Sources {
        hub: Arc::clone(&app.hub),
        journal: Arc::clone(&app.journal),
        metrics: Arc::clone(&app.metrics),
        lang: app.config.speech.language,
    };
    app.webhooks.spawn(&sources, &mut keepers);
    if let Some(exporter) = exporter {
        keepers.spawn(exporter.run(Arc::clone(&app.metrics), app.hub.listen()));
    }
    if let Some(certificate) = certificate.clone() {
        keepers.spawn(certificate.keep_up());
    }
    app.audit.record(Entry::of_system(unix_ms(), Action::ServerStarted, None)).await;
    let coming = accept(listener, Arc::clone(&app), router, doors, Arc::clone(&connections), certificate);
    let accepting = tokio::spawn(coming);
    info!(%address, "listening");

    shutdown.wished(Wish::Drain).await;
    app.calls.close();
    phase.send_replace(Phase::Draining);
    info!(calls = app.calls.len(), "draining");
    tokio::select! {
        () = calls_gone(&app) => {}
        () = sleep(drain) => warn!(calls = app.calls.len(), "calls are still running; ending them"),
        () = shutdown.wished(Wish::End) => warn!(calls = app.calls.len(), "ending calls at once"),
    }
    phase.send_replace(Phase::Stopping);
    if timeout(STOPPING, calls_gone(&app)).await.is_err() {
        warn!(calls = app.calls.len(), "calls did not end in time");
    }
    accepting.abort();
    phase.send_replace(Phase::Closed);
    let all = u32::try_from(slots).unwrap_or(u32::MAX);
    let _ = timeout(CLOSING, connections.acquire_many(all)).await;
    // What they do not get now they get after the next start.
    let _ = timeout(CLOSING, app.webhooks.settled()).await;
    let journal = Arc::clone(&app.journal);
    // It blocks only as long as it was told; a panic inside leaves nothing to wait for.
    let _ = tokio::task::spawn_blocking(move || journal.close(CLOSING)).await;
    info!("stopped");
    Ok(())
}

/// Records when cues and playbook were read again.
async fn audit_reloads(app: Arc<App>) {
    let mut rules = app.rules.clone();
    while rules.changed().await.is_ok() {
        let hash = rules.borrow_and_update().hash.clone();
        let mut entry = Entry::of_system(unix_ms(), Action::SettingsReloaded, None);
        entry.detail.insert("rules".to_owned(), hash.into());
        app.audit.record(entry).await;
    }
}

async fn calls_gone(app: &App) {
    while !app.calls.is_empty() {
        sleep(Duration::from_millis(20)).await;
    }
}

/// API keys of AudioHook connections with their decoded secrets.
///
/// # Errors
/// The file that is configured cannot be used; the message says why and what to do.
pub fn audiohook_secrets(config: &Config) -> io::Result<Vec<(String, Vec<u8>)>> {
    Ok(Keys::read(&config.phones)?.audiohook.into_secrets())
}
