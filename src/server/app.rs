//! What all tasks of a server share.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use tokio::sync::watch;

use crate::audit::Audit;
use crate::call::CallSettings;
use crate::call::conversation::Rules;
use crate::config::{Config, seconds};
use crate::journal::{self, Journal, Logged};
use crate::metrics::Metrics;
use crate::server::agents::Agents;
use crate::server::announced::Announcements;
use crate::server::auth::{Admitted, Denied, Need, Tokens};
use crate::server::buckets::Allowances;
use crate::server::calls::Calls;
use crate::server::hub::Hub;
use crate::server::keys::Keys;
use crate::server::problem::Problem;
use crate::server::sights::Sights;
use crate::server::stop::Phase;
use crate::server::webhooks::Webhooks;
use crate::stt::SpeechQueue;
use crate::wall_clock::unix_ms;

/// As handlers of paths get it.
pub(super) type Shared = State<Arc<App>>;

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
    pub(super) config: Config,
    pub(super) tokens: Tokens,
    pub(super) rules: watch::Receiver<Arc<Rules>>,
    pub(super) call_settings: CallSettings,
    pub(super) speech: Option<SpeechQueue>,
    pub(super) hub: Arc<Hub>,
    pub(super) journal: Arc<Journal>,
    pub(super) calls: Calls,
    pub(super) agents: Agents,
    pub(super) audit: Audit,
    /// Who has seen what lately.
    pub(super) sights: Sights,
    pub(super) allowances: Allowances,
    /// Secrets of phone systems.
    pub(super) keys: Keys,
    pub(super) webhooks: Webhooks,
    /// Calls that AudioSocket connections may bring.
    pub(super) announced: Announcements,
    pub(super) metrics: Arc<Metrics>,
    pub(super) phase: watch::Receiver<Phase>,
    /// How long a lost connection may take to come back.
    pub(super) grace: Duration,
    /// How long speech is worth reading.
    pub(super) deadline: Duration,
}

impl App {
    /// With the calls that were live when the last run ended without ending them.
    pub(super) fn new(parts: Parts, keys: Keys, phase: watch::Receiver<Phase>) -> io::Result<(Self, Vec<Logged>)> {
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
            allowances: Allowances::new(&config.limits),
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
    pub(super) async fn closed(&self) {
        let mut phase = self.phase.clone();
        // An error means that the server itself is gone.
        let _ = phase.wait_for(|phase| *phase == Phase::Closed).await;
    }
    /// Lets in whoever has a token that may do this.
    pub(super) fn admit(&self, headers: &HeaderMap, need: Need<'_>) -> Result<Admitted, Problem> {
        self.tokens.admit(headers, need).map_err(|denied| {
            let (status, code) = match denied {
                Denied::Missing | Denied::Invalid | Denied::Expired | Denied::Revoked => {
                    (StatusCode::UNAUTHORIZED, "unauthorized")
                }
                Denied::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            };
            self.metrics.refuse(code);
            Problem::new(status, code, &denied.to_string())
        })
    }
}
