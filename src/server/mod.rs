//! The server: `run(listener, parts, shutdown)` is all of it.
//!
//! `http` lets requests in, `auth` says who may, `media` and `feeds` hold the sockets, `session` runs one task per
//! call, `calls` knows which live, `hub` brings events to readers.

mod agents;
mod audiosocket;
pub mod auth;
mod calls;
pub(crate) mod describe;
mod doors;
mod feeds;
mod fragments;
mod guard;
mod history;
mod http;
mod hub;
mod keys;
mod load;
mod media;
mod oidc;
mod otlp;
mod page;
mod patient;
mod platform;
pub mod revoked;
mod session;
mod sights;
mod socket;
pub mod tls;
pub(crate) mod webhooks;

pub use self::agents::TEAM_MIN_AGENTS;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::audit::{Action, Audit, Entry};
use crate::call::CallSettings;
use crate::call::conversation::Rules;
use crate::config::{Config, seconds};
use crate::journal::{self, Journal, Logged};
use crate::metrics::Metrics;
use crate::server::agents::Agents;
use crate::server::audiosocket::Announcements;
use crate::server::auth::{Claims, Tokens};
use crate::server::calls::Calls;
use crate::server::doors::{Doors, Inside};
use crate::server::guard::Guard;
use crate::server::hub::Hub;
use crate::server::keys::Keys;
use crate::server::otlp::Exporter;
use crate::server::sights::Sights;
use crate::server::tls::Certificate;
use crate::server::webhooks::Webhooks;
use crate::stt::SpeechQueue;

/// How long calls that are told to stop may take beyond their own patience.
const STOPPING: Duration = Duration::from_secs(5);

/// How long sockets may take to say goodbye.
const CLOSING: Duration = Duration::from_secs(3);

/// Pause after a failed accept: out of descriptors, trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a server is made of.
pub struct Parts {
    pub config: Config,
    pub tokens: Tokens,
    /// Those in force now; a call keeps the ones it began with.
    pub rules: watch::Receiver<Arc<Rules>>,
    pub call_settings: CallSettings,
    /// `None`: nobody transcribes; audio gives times only.
    pub speech: Option<SpeechQueue>,
}

/// What all tasks of a server share.
pub(crate) struct App {
    config: Config,
    tokens: Tokens,
    rules: watch::Receiver<Arc<Rules>>,
    call_settings: CallSettings,
    speech: Option<SpeechQueue>,
    hub: Arc<Hub>,
    journal: Arc<Journal>,
    calls: Calls,
    agents: Agents,
    audit: Audit,
    /// Who has seen what lately.
    sights: Sights,
    guard: Guard,
    /// Secrets of phone systems.
    keys: Keys,
    webhooks: Webhooks,
    /// Calls that AudioSocket connections may bring.
    announced: Announcements,
    metrics: Arc<Metrics>,
    phase: watch::Receiver<Phase>,
    /// How long a lost connection may take to come back.
    grace: Duration,
    /// How long speech is worth reading.
    deadline: Duration,
}

/// Where the server is on its way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
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
enum Wish {
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
    async fn wished(&mut self, wish: Wish) {
        if self.0.wait_for(|now| *now >= wish).await.is_err() && wish == Wish::End {
            std::future::pending().await
        }
    }
}

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
    app.webhooks.spawn(&app, &mut keepers);
    if let Some(exporter) = exporter {
        keepers.spawn(exporter.run(Arc::clone(&app), app.hub.listen()));
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

impl App {
    /// With the calls that were live when the last run ended without ending them.
    fn new(parts: Parts, keys: Keys, phase: watch::Receiver<Phase>) -> io::Result<(Self, Vec<Logged>)> {
        let Parts { config, tokens, rules, call_settings, speech } = parts;
        let metrics = Arc::new(Metrics::new(speech.clone()));
        let mut opened = match config.journal_settings() {
            Some((dir, settings)) => journal::Opened::open(dir, settings, unix_ms()).map_err(io::Error::other)?,
            None => journal::Opened::none(unix_ms()),
        };
        let recovered = std::mem::take(&mut opened.recovered);
        let webhooks = Webhooks::new(&config, opened.position)?;
        let hub = Arc::new(Hub::new(config.feeds.clone(), Arc::clone(&metrics), opened.position));
        hub.restore(&recovered.calls, recovered.complete_from);
        let readers = Arc::clone(&hub);
        let journal = opened.start(metrics.journal.clone(), move |publications| readers.publish(publications));
        let journal = journal.map_err(io::Error::other)?;
        let calls = Calls::new(config.limits.calls);
        calls.remember(&recovered.ids);
        let live = recovered.calls.into_iter().filter(|log| !log.ended).collect();
        let app = Self {
            hub,
            journal: Arc::new(journal),
            calls,
            agents: Agents::new(config.server.data_dir.as_ref().map(|dir| dir.join("agents"))),
            audit: config.server.data_dir.as_deref().map_or_else(Audit::none, Audit::open),
            sights: Sights::default(),
            guard: Guard::new(&config.limits),
            grace: seconds(config.media.grace_s),
            deadline: seconds(config.speech.deadline_s),
            keys,
            webhooks,
            announced: Announcements::default(),
            metrics,
            config,
            tokens,
            rules,
            call_settings,
            speech,
            phase,
        };
        Ok((app, live))
    }

    /// Resolves when all sockets are to close.
    async fn closed(&self) {
        let mut phase = self.phase.clone();
        // An error means that the server itself is gone.
        let _ = phase.wait_for(|phase| *phase == Phase::Closed).await;
    }
}

/// One accepted connection, alive as long as anything of it is: the HTTP part or the socket it became.
pub(crate) struct Connection {
    /// The peer, which may be a proxy.
    pub(crate) address: IpAddr,
    _inside: Inside,
    metrics: Arc<Metrics>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn new(app: &App, address: IpAddr, inside: Inside, permit: OwnedSemaphorePermit) -> Self {
        app.metrics.connections.inc();
        Self { address, _inside: inside, metrics: Arc::clone(&app.metrics), _permit: permit }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.metrics.connections.dec();
    }
}

async fn accept(
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
        let (stream, address) = match listener.accept().await {
            Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
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
        let connection = Arc::new(Connection::new(&app, address, inside, permit));
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

/// An audit entry of somebody with a token.
pub(crate) fn entry(claims: &Claims, action: Action, object: Option<&str>) -> Entry {
    Entry {
        unix_ms: unix_ms(),
        who: claims.sub.clone(),
        role: claims.role.as_str().to_owned(),
        action,
        object: object.map(str::to_owned),
        detail: serde_json::Map::new(),
    }
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

/// Wall clock, milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
