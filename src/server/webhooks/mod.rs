//! Webhooks: alerts and ends of calls sent to other programs, at least once, and never at a call's cost.
//!
//! One task listens to the hub as any reader does, one task per receiver sends (`deliver`). What a receiver has is kept in a
//! small file per receiver (`outbox`); what it has missed is read from the journal. So nothing of an event is stored a
//! second time, and what is erased or forgotten there is not sent any more.

mod deliver;
pub(crate) mod message;
mod outbox;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinSet;
use tracing::{error, warn};

use self::message::Item;
pub(crate) use self::outbox::DeadLetter;
use self::outbox::{Outbox, Saved, without_words};
use crate::call::event::{Event, EventKind, rfc3339};
use crate::config::{Config, Webhook, is_private};
use crate::journal::Journal;
use crate::metrics::{Metrics, Receiver};
use crate::server::hub::{CallItem, FeedItem, Hub};
use crate::server::keys::secret;
use crate::server::small_file;
use crate::terms::Lang;

/// Where the receivers' files are, in the data directory.
const DIR: &str = "webhooks";

/// Connecting takes longer only when nobody is there.
const CONNECT: Duration = Duration::from_secs(5);

/// A larger file is none of ours.
const FILE_MAX_BYTES: u64 = 4 << 20;

/// Where the tasks hear of events, read what they missed, and count.
#[derive(Clone)]
pub(super) struct Sources {
    pub hub: Arc<Hub>,
    pub journal: Arc<Journal>,
    pub metrics: Arc<Metrics>,
    /// Of calls that name no language.
    pub lang: Lang,
}

/// All receivers.
pub(crate) struct Webhooks {
    receivers: Vec<Arc<Target>>,
}

/// One receiver.
struct Target {
    settings: Webhook,
    url: reqwest::Url,
    keys: Vec<Vec<u8>>,
    template: Option<Value>,
    client: reqwest::Client,
    file: Option<PathBuf>,
    node: String,
    state: Mutex<State>,
    wake: Notify,
}

struct State {
    outbox: Outbox,
    /// Failures since the last success.
    failures: u32,
    error: Option<String>,
    /// A failure to keep the file is said once.
    told_unwritable: bool,
}

/// How a receiver does; holds no words, no address and no secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Status {
    name: String,
    /// Events that wait.
    waiting: usize,
    /// The journal may hold more that it has not got.
    behind: bool,
    /// Wall clock of the oldest that waits.
    oldest: Option<String>,
    /// Attempts that failed since the last success.
    failures: u32,
    /// The last failure.
    error: Option<String>,
    /// The last events that were given up, oldest first.
    dead_letters: Vec<DeadLetter>,
}

impl Webhooks {
    /// Reads addresses, secrets, templates, and what the last run has sent. `position` is where a receiver begins that is new.
    ///
    /// # Errors
    /// One of them is missing or wrong; the message says what to do.
    pub fn new(config: &Config, position: u64) -> io::Result<Self> {
        let dir = config.server.data_dir.as_ref().map(|dir| dir.join(DIR));
        let receivers = config.webhooks.iter().map(|settings| {
            let file = dir.as_ref().map(|dir| dir.join(format!("{}.json", settings.name)));
            Target::new(settings.clone(), &config.server.node, file, position).map(Arc::new)
        });
        Ok(Self { receivers: receivers.collect::<io::Result<_>>()? })
    }

    /// Starts the tasks.
    pub(super) fn spawn(&self, sources: &Sources, tasks: &mut JoinSet<()>) {
        if self.receivers.is_empty() {
            return;
        }
        // From here on nothing is missed; what was before is in the journal.
        let items = sources.hub.listen();
        tasks.spawn(listen(sources.clone(), items, self.receivers.clone()));
        for receiver in &self.receivers {
            tasks.spawn(deliver::run(sources.clone(), Arc::clone(receiver)));
        }
    }

    pub fn status(&self) -> Vec<Status> {
        self.receivers.iter().map(|receiver| receiver.status()).collect()
    }

    /// Resolves when nothing fresh waits that has not been tried.
    pub async fn settled(&self) {
        while self.receivers.iter().any(|receiver| receiver.lock().outbox.has_untried()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Brings what readers hear to the receivers.
async fn listen(sources: Sources, mut items: broadcast::Receiver<FeedItem>, receivers: Vec<Arc<Target>>) {
    loop {
        match items.recv().await {
            Ok(FeedItem::Event(item)) => {
                for receiver in &receivers {
                    receiver.offer(&sources, &item);
                }
            }
            Ok(FeedItem::Erased { call, .. }) => {
                for receiver in &receivers {
                    let changed = receiver.lock().outbox.forget(&call);
                    if changed {
                        receiver.save(&sources.metrics).await;
                    }
                }
            }
            Ok(FeedItem::Load { .. } | FeedItem::Colleagues { .. }) => {}
            Err(RecvError::Lagged(_)) => receivers.iter().for_each(|receiver| {
                receiver.lock().outbox.fall_behind();
                receiver.wake.notify_one();
            }),
            Err(RecvError::Closed) => return,
        }
    }
}

impl Target {
    fn new(settings: Webhook, node: &str, file: Option<PathBuf>, position: u64) -> io::Result<Self> {
        let name = &settings.name;
        let wrong =
            |problem: String| io::Error::new(io::ErrorKind::InvalidInput, format!("webhook \"{name}\": {problem}"));
        let url = match (from_environment(&settings, "URL"), &settings.url_file, &settings.url) {
            (Some(url), _, _) => url,
            (None, Some(path), _) => secret("webhooks.url_file", path)?,
            (None, None, Some(url)) => url.clone(),
            (None, None, None) => {
                let variable = settings.variable("URL");
                return Err(wrong(format!("has no address; set `url`, `url_file` or {variable}")));
            }
        };
        // What is wrong with an address is said without it: it may be a secret.
        if !is_private(&url) {
            return Err(wrong("its address is not https; what callers said must not go in the clear".to_owned()));
        }
        let url = reqwest::Url::parse(&url).map_err(|error| wrong(format!("its address is none: {error}")))?;
        let secret = match (from_environment(&settings, "SECRET"), &settings.secret_file) {
            (Some(secret), _) => Some(secret),
            (None, Some(path)) => Some(secret("webhooks.secret_file", path)?),
            (None, None) => None,
        };
        let keys = secret.as_deref().map(message::keys).unwrap_or_default();
        if keys.is_empty() && !settings.unsigned {
            let variable = settings.variable("SECRET");
            let remedy = format!("set `secret_file` or {variable}, or say `unsigned = true`");
            return Err(wrong(format!("has no secret, so that nobody could tell our messages from others'; {remedy}")));
        }
        let template = settings.template.as_deref().map(message::template).transpose();
        let template = template.map_err(|problem| wrong(format!("its `template` {problem}")))?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(Duration::from_secs(settings.timeout_s))
            .user_agent(concat!("ruhepol/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| wrong(format!("cannot be reached from here: {error}")))?;
        let known = file.as_deref().and_then(known);
        let is_new = known.is_none();
        let saved = known.unwrap_or(Saved { mark: position, ..Saved::default() });
        // From when on it is to be told must be known after a restart, too, even if it never took anything.
        if let Some(file) = file.as_deref().filter(|_| is_new)
            && let Err(problem) = small_file::write(file, &saved)
        {
            error!(webhook = name, %problem, "what this receiver has cannot be kept; a restart may miss events");
        }
        let state = State { outbox: Outbox::new(saved), failures: 0, error: None, told_unwritable: false };
        let node = node.to_owned();
        Ok(Self { settings, url, keys, template, client, file, node, state: Mutex::new(state), wake: Notify::new() })
    }

    /// No change is half-made when a lock is poisoned, so it is used on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this receiver wants such an event of such a call.
    fn wants(&self, event: &Event, team: Option<&str>, queue: Option<&str>) -> bool {
        let within = |names: &[String], name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.iter().any(|known| known == name))
        };
        let state = match &event.kind {
            EventKind::Alert { state, .. } => self.settings.states.contains(state),
            _ => true,
        };
        state
            && self.settings.events.iter().any(|wanted| wanted.as_str() == event.kind.name())
            && within(&self.settings.teams, team)
            && within(&self.settings.queues, queue)
    }

    fn offer(&self, sources: &Sources, item: &CallItem) {
        if !self.wants(&item.event, item.team.as_deref(), item.queue.as_deref()) {
            return;
        }
        let view = sources.hub.call(&item.event.call);
        let (agent, lang) = view.map_or((None, None), |view| (view.agent, view.language));
        self.take(Item {
            position: item.cursor,
            event: Event::clone(&item.event),
            agent,
            queue: item.queue.clone(),
            team: item.team.clone(),
            lang: lang.unwrap_or(sources.lang),
        });
        self.count(&sources.metrics);
    }

    fn take(&self, mut item: Item) {
        self.prepare(&mut item);
        if !self.lock().outbox.offer(item) {
            warn!(webhook = self.settings.name, "the receiver is far behind; the journal keeps what it misses");
        }
        self.wake.notify_one();
    }

    fn prepare(&self, item: &mut Item) {
        if !self.settings.words {
            without_words(item);
        }
    }

    fn count(&self, metrics: &Metrics) {
        let waiting = self.lock().outbox.waiting().0;
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        metrics.webhooks.waiting.get_or_create(&self.label()).set(waiting);
    }

    fn label(&self) -> Receiver {
        Receiver { webhook: self.settings.name.clone() }
    }

    fn status(&self) -> Status {
        let state = self.lock();
        let (waiting, behind) = state.outbox.waiting();
        Status {
            name: self.settings.name.clone(),
            waiting,
            behind,
            oldest: state.outbox.oldest_unix_ms().map(rfc3339),
            failures: state.failures,
            error: state.error.clone(),
            dead_letters: state.outbox.saved().dead.iter().cloned().collect(),
        }
    }

    /// Keeps what the receiver has. A disk that fails costs repetitions after a restart, no event.
    async fn save(&self, metrics: &Metrics) {
        let Some(file) = self.file.clone() else { return };
        let saved = self.lock().outbox.saved().clone();
        let written = tokio::task::spawn_blocking(move || small_file::write(&file, &saved)).await;
        let problem = match written {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(problem.to_string()),
            Err(problem) => Some(problem.to_string()),
        };
        let mut state = self.lock();
        if let Some(problem) = &problem {
            metrics.webhooks.unsaved.inc();
            if !state.told_unwritable {
                let webhook = &self.settings.name;
                error!(webhook, problem, "what this receiver has cannot be kept; a restart may tell it again");
            }
        }
        state.told_unwritable = problem.is_some();
    }
}

fn from_environment(settings: &Webhook, what: &str) -> Option<String> {
    let value = std::env::var(settings.variable(what)).ok()?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// `None` if there is no such file, or one that cannot be used: then the receiver begins anew.
fn known(path: &Path) -> Option<Saved> {
    match small_file::read(path, FILE_MAX_BYTES) {
        Ok(saved) => Some(saved),
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => None,
        Err(problem) => {
            error!(%problem, file = %path.display(), "what a receiver has cannot be read; it is told from now on only");
            None
        }
    }
}
