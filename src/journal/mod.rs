//! The journal: every event of every call's log on disk before readers are told of it.
//!
//! Calls hand their events to [`Journal::submit`], which never waits. One thread writes whatever has come together
//! since the last commit, and after the commit hands it on to the readers. A second thread sees to it that nobody
//! waits for a slow disk longer than `wait_ms`: from then on events go out marked `"durable":false`, and are written, in
//! their order, when the disk can take them again.
//!
//! The agents' logs take the same way, so that both keep their order, and are not written.

mod pending;
mod store;
#[cfg(test)]
mod tests;
mod words;
mod writer;

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tracing::{error, warn};

use self::pending::Pending;
pub use self::pending::Publication;
use self::store::Store;
pub use self::store::{CallQuery, Logged, Reader, Recovered, StoreError, Sync, end_of};
use crate::call::event::Event;
use crate::metrics::JournalMetrics;
use crate::wall_clock::unix_ms;

/// Name of the journal in the data directory.
const FILE: &str = "journal.db";

/// Name of the lock that keeps a second server away.
const LOCK: &str = "journal.lock";

/// Questions of readers answered at once; more of them wait.
const READERS: usize = 4;

/// Longest sleep of the thread that sees to waiting readers.
const STEP: Duration = Duration::from_millis(100);

/// How the journal is kept.
#[derive(Debug, Clone)]
pub struct Settings {
    pub sync: Sync,
    /// How long readers wait for the disk.
    pub wait: Duration,
    /// Events that may wait for a disk that cannot be written.
    pub backlog_events: usize,
    /// Age at which words are forgotten.
    pub words_ms: u64,
    /// Age at which a call is forgotten altogether.
    pub calls_ms: u64,
    /// A start takes back calls that ended so long ago, at most,
    pub recover_ms: u64,
    /// and about so many events.
    pub recover_events: usize,
}

/// Why a server does not start with this journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("another ruhepol already keeps the journal in {dir}; stop it, or give this one its own `server.data_dir`")]
    InUse { dir: PathBuf },
    #[error("cannot start the journal's threads: {0}; check the limit of processes (`ulimit -u`)")]
    Threads(io::Error),
}

/// Something to be done by the writer between two events.
#[derive(Debug)]
pub enum Job {
    /// Removes an ended call.
    Erase { call: String, done: oneshot::Sender<Result<bool, StoreError>> },
}

/// The journal of a running server.
pub struct Journal {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    path: Option<PathBuf>,
    readers: tokio::sync::Semaphore,
    /// Held as long as the journal is ours.
    lock: Mutex<Option<std::fs::File>>,
}

/// Number of an entry; see [`Journal::told`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

type Publish = Box<dyn Fn(Vec<Publication>) + Send + std::marker::Sync>;

struct Shared {
    settings: Option<Settings>,
    state: Mutex<State>,
    /// There is something to write, or the end has come.
    work: Condvar,
    /// There is something to publish, or the end has come.
    waiting: Condvar,
    published: watch::Sender<u64>,
    publish: Publish,
    metrics: JournalMetrics,
}

struct State {
    pending: Pending,
    closing: bool,
}

/// A journal that is open and not yet running.
pub struct Opened {
    settings: Option<Settings>,
    place: Option<(PathBuf, Option<std::fs::File>)>,
    store: Option<Store>,
    /// Where a position of ours begins.
    pub position: u64,
    pub recovered: Recovered,
}

impl Opened {
    /// No journal: events are told at once and marked.
    pub fn none(unix_ms: u64) -> Self {
        Self {
            settings: None,
            place: None,
            store: None,
            position: first_position(unix_ms),
            recovered: Recovered::default(),
        }
    }

    /// Opens the journal in `dir`, making it if there is none. One that cannot be written now is not an error: the
    /// server works without it and tries again. A damaged file is set aside and a new one begun.
    ///
    /// # Errors
    /// When a person has to decide: a newer or foreign file, or another server has it.
    pub fn open(dir: &Path, settings: Settings, unix_ms: u64) -> Result<Self, JournalError> {
        let path = dir.join(FILE);
        let mut opened = Self { settings: Some(settings.clone()), ..Self::none(unix_ms) };
        let lock = match lock(dir) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(JournalError::InUse { dir: dir.to_owned() });
            }
            Err(error) => {
                error!(%error, dir = %dir.display(), "no journal can be kept here; events are not durable");
                // Without the directory there is no lock either; the writer tries on.
                opened.place = Some((path, None));
                return Ok(opened);
            }
        };
        match open_store(&path, settings.sync) {
            Ok(store) => {
                opened.recovered = store
                    .recover(unix_ms.saturating_sub(settings.recover_ms), settings.recover_events)
                    .unwrap_or_else(|error| {
                        error!(%error, "the journal cannot be read back; live calls of the last run are not continued");
                        Recovered::default()
                    });
                opened.position = opened.position.max(store.last_position()?);
                opened.store = Some(store);
            }
            Err(error) if error.is_fatal() => return Err(error.into()),
            Err(error) => error!(%error, "events are not durable until the journal can be written"),
        }
        opened.place = Some((path, Some(lock)));
        Ok(opened)
    }

    /// Starts the threads. `publish` tells readers, and must be quick.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        self,
        metrics: JournalMetrics,
        publish: impl Fn(Vec<Publication>) + Send + std::marker::Sync + 'static,
    ) -> Result<Journal, JournalError> {
        let healthy = self.store.is_some();
        metrics.up.set(i64::from(healthy));
        let limit = self.settings.as_ref().map(|settings| settings.backlog_events);
        let shared = Arc::new(Shared {
            settings: self.settings,
            state: Mutex::new(State { pending: Pending::new(limit, self.position, healthy), closing: false }),
            work: Condvar::new(),
            waiting: Condvar::new(),
            published: watch::Sender::new(0),
            publish: Box::new(publish),
            metrics,
        });
        let mut threads = Vec::new();
        let (path, lock) = self.place.unzip();
        if let Some(path) = &path {
            let writer = writer::Writer::new(Arc::clone(&shared), self.store, path.clone());
            let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
            let write = named("journal").spawn(move || writer.run()).map_err(JournalError::Threads)?;
            let waiting = Arc::clone(&shared);
            let wait = named("journal-wait").spawn(move || waiting.see_to_waiting()).map_err(JournalError::Threads)?;
            threads = vec![write, wait];
        }
        let readers = tokio::sync::Semaphore::new(READERS);
        Ok(Journal { shared, threads: Mutex::new(threads), path, readers, lock: Mutex::new(lock.flatten()) })
    }
}

impl Journal {
    /// Takes in events of one call, in order. Never waits. [`Journal::told`] says when readers know them.
    pub fn submit(&self, events: Vec<Event>) -> Ticket {
        let mut state = self.shared.lock();
        state.pending.submit(Instant::now(), events);
        self.shared.submitted(state)
    }

    /// Resolves when readers know everything up to `ticket`: on the disk, or marked that it is not.
    pub async fn told(&self, ticket: Ticket) {
        let mut published = self.shared.published.subscribe();
        // An error means that the journal itself is gone, and with it all waiting.
        let _ = published.wait_for(|published| *published >= ticket.0).await;
    }

    /// Removes an ended call from the disk, after everything of it that is still to be written. True if there was one.
    ///
    /// # Errors
    /// When the disk cannot be written. Ask again when it can.
    pub async fn erase(&self, call: &str) -> Result<bool, StoreError> {
        if self.path.is_none() {
            return Ok(false);
        }
        let (done, erased) = oneshot::channel();
        self.do_between(Job::Erase { call: call.to_owned(), done });
        erased.await.unwrap_or_else(|_| Err(io::Error::other("the server is stopping").into()))
    }

    fn do_between(&self, job: Job) {
        let mut state = self.shared.lock();
        state.pending.submit_job(Instant::now(), job);
        self.shared.submitted(state);
    }

    /// Whether events are on the disk before they are told.
    pub fn is_up(&self) -> bool {
        self.shared.lock().pending.is_healthy()
    }

    /// Asks the journal something, beside the writer. `None` without a journal.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let Some(path) = self.path.clone() else { return Ok(None) };
        // Never closed.
        let _permit = self.readers.acquire().await;
        let answer = tokio::task::spawn_blocking(move || Reader::open(&path).and_then(|reader| question(&reader)));
        answer.await.unwrap_or_else(|error| Err(io::Error::other(error).into())).map(Some)
    }

    /// Writes what is waiting, for at most `patience`, and ends the threads. Blocks.
    pub fn close(&self, patience: Duration) {
        self.shared.lock().closing = true;
        self.shared.work.notify_all();
        self.shared.waiting.notify_all();
        let until = Instant::now() + patience;
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            if !thread.is_finished() {
                warn!(events = self.shared.lock().pending.len(), "the journal did not finish in time");
                return;
            }
        }
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Shared {
    /// No method leaves the state half-changed, so a poisoned lock is used on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submitted(&self, mut state: MutexGuard<'_, State>) -> Ticket {
        let publications = state.pending.take_unwritten();
        self.tell(&mut state, publications);
        let lost = state.pending.bound();
        if lost > 0 {
            self.metrics.lost.inc_by(lost);
        }
        let ticket = Ticket(state.pending.end());
        self.metrics.waiting.set(i64::try_from(state.pending.len()).unwrap_or(i64::MAX));
        drop(state);
        self.work.notify_one();
        self.waiting.notify_one();
        ticket
    }

    /// Tells readers. Under the lock, so that their order is that of the row.
    fn tell(&self, state: &mut MutexGuard<'_, State>, publications: Vec<Publication>) {
        let marked = publications.iter().filter(|publication| publication.event.durable == Some(false)).count();
        self.metrics.not_durable.inc_by(marked as u64);
        if !publications.is_empty() {
            (self.publish)(publications);
        }
        self.published.send_replace(state.pending.published());
    }

    /// The disk cannot be written.
    fn failed(&self, error: &StoreError) {
        self.metrics.failures.inc();
        self.give_up_waiting(self.lock(), &error.to_string());
    }

    fn give_up_waiting(&self, mut state: MutexGuard<'_, State>, why: &str) {
        let (publications, news) = state.pending.give_up_waiting();
        if news {
            self.metrics.up.set(0);
            error!(why, "events are not durable: the journal waits for its disk");
        }
        self.tell(&mut state, publications);
    }

    /// Lets nobody wait for the disk longer than agreed.
    fn see_to_waiting(&self) {
        let wait = self.settings.as_ref().map_or(Duration::ZERO, |settings| settings.wait);
        let mut state = self.lock();
        loop {
            let Some(oldest) = state.pending.oldest_unpublished() else {
                if state.closing {
                    return;
                }
                state = self.waiting.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let age = oldest.elapsed();
            if age < wait {
                drop(state);
                // In short steps, so that a long patience does not hold up the end.
                std::thread::sleep((wait - age).min(STEP));
            } else {
                self.give_up_waiting(state, "the disk is slow");
            }
            state = self.lock();
        }
    }
}

/// Opens the file; a damaged one is set aside first.
fn open_store(path: &Path, sync: Sync) -> Result<Store, StoreError> {
    match Store::open(path, sync) {
        Err(error) if error.is_corrupt() => {
            set_aside(path, &error)?;
            Store::open(path, sync)
        }
        opened => opened,
    }
}

/// Keeps a damaged journal for whoever wants to save something of it.
fn set_aside(path: &Path, error: &StoreError) -> io::Result<()> {
    let now = unix_ms() / 1_000;
    for suffix in ["", "-wal", "-shm"] {
        let mut from = path.to_owned().into_os_string();
        from.push(suffix);
        let mut to = path.to_owned().into_os_string();
        to.push(format!(".damaged-{now}{suffix}"));
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    error!(%error, kept_as = format!("{}.damaged-{now}", path.display()), "a damaged journal is set aside; a new one begins");
    Ok(())
}

/// Removes journals that were set aside so long ago: they hold words that are to be forgotten.
fn sweep_set_aside(path: &Path, age: Duration) -> io::Result<()> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    let prefix = format!("{name}.damaged-");
    for file in std::fs::read_dir(dir)?.flatten() {
        let ours = file.file_name().to_str().is_some_and(|name| name.starts_with(&prefix));
        let since = file.metadata().and_then(|metadata| metadata.modified()).map(|at| at.elapsed().unwrap_or_default());
        if ours && since.is_ok_and(|since| since >= age) {
            std::fs::remove_file(file.path())?;
            warn!(file = %file.path().display(), "a damaged journal is removed: its words had to be forgotten");
        }
    }
    Ok(())
}

/// Positions begin with the time, so that one a reader has seen never gets another meaning after a restart, even if
/// what it saw never reached the disk. Below 2^53 until the year 2255, as JSON readers want it.
fn first_position(unix_ms: u64) -> u64 {
    unix_ms.saturating_mul(1_000)
}

/// The lock of a data directory; it goes with its file, and so with the process.
pub fn lock(dir: &Path) -> io::Result<std::fs::File> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(dir.join(LOCK))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(error) => Err(error.into()),
    }
}

/// Removes a call from a journal no server has open (see [`lock`]). False if there is none.
///
/// # Errors
/// When the file cannot be opened or written.
pub fn erase_offline(path: &Path, call: &str) -> Result<bool, StoreError> {
    Store::open(path, Sync::Full)?.erase(call)
}

/// Where the journal of a data directory is.
pub fn path_in(dir: &Path) -> PathBuf {
    dir.join(FILE)
}
