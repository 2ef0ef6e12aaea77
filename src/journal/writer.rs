//! The thread that writes: group commits, and in between whatever a journal needs to stay well.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use super::pending::Work;
use super::store::{Live, Store, StoreError, Sync};
use super::{Job, Shared, open_store, set_aside};

/// Records of one commit: enough for a thousand calls that all speak at once.
const BATCH: usize = 1_024;

/// How often the writer looks after the file when there is nothing to write.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often old words and calls are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Pause after a failed write.
const RETRY: Duration = Duration::from_millis(500);

/// How long the end waits for a disk that fails.
const LAST_TRIES: Duration = Duration::from_secs(2);

pub(super) struct Writer {
    shared: Arc<Shared>,
    store: Option<Store>,
    /// Live calls, kept while no file is open.
    live: Live,
    path: PathBuf,
    next_sweep: Instant,
    /// Calls of a file opened late that nobody continues are still to be ended.
    orphans: bool,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, store: Option<Store>, path: PathBuf) -> Self {
        let orphans = store.is_none();
        Self { shared, store, live: Live::default(), path, next_sweep: Instant::now(), orphans }
    }

    pub fn run(mut self) {
        let mut closing_since: Option<Instant> = None;
        loop {
            let (work, first, closing) = self.next();
            if closing {
                let since = *closing_since.get_or_insert_with(Instant::now);
                if matches!(work, Work::Nothing) || since.elapsed() > LAST_TRIES {
                    break;
                }
            }
            let result = match work {
                Work::Nothing => self.look_after(),
                Work::Write(records) => {
                    let started = Instant::now();
                    let count = records.len();
                    let written = self.store().and_then(|store| store.write(&records));
                    drop(records);
                    written.map(|doubled| self.written(first, count, doubled, started))
                }
                Work::Do(Job::Erase { call, done }) => {
                    let erased = self.store().and_then(|store| store.erase(&call));
                    // Whoever asked may have gone.
                    let _ = done.send(erased);
                    Ok(())
                }
            };
            if let Err(error) = result {
                self.failed(&error);
            }
        }
        if let Some(mut store) = self.store.take()
            && let Err(error) = store.checkpoint(true)
        {
            warn!(%error, "the journal's last checkpoint failed; the next start does it");
        }
    }

    /// Waits for work, but not longer than it takes until the file wants to be looked after.
    fn next(&self) -> (Work, u64, bool) {
        let mut state = self.shared.lock();
        if state.pending.is_empty() && !state.closing {
            state = self.shared.work.wait_timeout(state, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
        let first = state.pending.first();
        let work = state.pending.work(BATCH);
        if matches!(work, Work::Do(_)) {
            let publications = Vec::new();
            self.shared.tell(&mut state, publications);
        }
        (work, first, state.closing)
    }

    /// The open file; opened again if it had to be closed.
    fn store(&mut self) -> Result<&mut Store, StoreError> {
        let sync = self.shared.settings.as_ref().map_or(Sync::Full, |settings| settings.sync);
        let store = match self.store.take() {
            Some(store) => store,
            None => {
                let mut store = open_store(&self.path, sync)?;
                if std::mem::take(&mut self.orphans) {
                    let mut position = *self.shared.lock().pending.take_position();
                    let ended = store.end_orphans(&self.live, super::unix_ms(), &mut position)?;
                    *self.shared.lock().pending.take_position() += ended as u64;
                }
                store.live = std::mem::take(&mut self.live);
                info!(path = %self.path.display(), "the journal is open");
                store
            }
        };
        Ok(self.store.insert(store))
    }

    fn written(&mut self, first: u64, count: usize, doubled: usize, started: Instant) {
        let metrics = &self.shared.metrics;
        metrics.commit_s.observe(started.elapsed().as_secs_f64());
        metrics.written.inc_by(count as u64);
        if doubled > 0 {
            metrics.lost.inc_by(doubled as u64);
            error!(doubled, "events were refused: the journal holds others with their numbers");
        }
        self.settle(first, count);
    }

    /// The first `count` entries are written; readers are told.
    fn settle(&self, first: u64, count: usize) {
        let metrics = &self.shared.metrics;
        let patience = self.shared.settings.as_ref().map_or(Duration::ZERO, |settings| settings.wait);
        let mut state = self.shared.lock();
        let now = Instant::now();
        let (publications, healed) = state.pending.written(first, count, patience, now);
        metrics.waiting.set(i64::try_from(state.pending.len()).unwrap_or(i64::MAX));
        metrics.lag_ms.set(i64::try_from(state.pending.lag(now).as_millis()).unwrap_or(i64::MAX));
        self.shared.tell(&mut state, publications);
        if healed {
            metrics.up.set(1);
            info!("the journal has caught up; events are durable again");
        }
    }

    fn failed(&mut self, error: &StoreError) {
        if let Some(store) = self.store.take() {
            self.live = store.live;
        }
        if error.is_corrupt()
            && let Err(error) = set_aside(&self.path, error)
        {
            error!(%error, "the damaged journal cannot be set aside");
        }
        self.shared.failed(error);
        let state = self.shared.lock();
        let lag_ms = state.pending.lag(Instant::now()).as_millis();
        self.shared.metrics.lag_ms.set(i64::try_from(lag_ms).unwrap_or(i64::MAX));
        drop(state);
        std::thread::sleep(RETRY);
    }

    /// Nothing to write: checkpoint, retention, and whether the file is still there. A disk that failed is tried.
    fn look_after(&mut self) -> Result<(), StoreError> {
        let was_open = self.store.is_some();
        let settings = self.shared.settings.clone();
        let sweep = self.next_sweep <= Instant::now();
        if let Some(settings) = settings.as_ref().filter(|_| sweep)
            && let Err(error) = super::sweep_set_aside(&self.path, Duration::from_millis(settings.words_ms))
        {
            warn!(%error, "a damaged journal that was set aside cannot be removed");
        }
        let store = self.store()?;
        if !store.is_in_place() {
            return Err(std::io::Error::other("the file was taken away").into());
        }
        store.checkpoint(false)?;
        if let Some(settings) = settings.filter(|_| sweep) {
            let now = super::unix_ms();
            let more = store.sweep(now.saturating_sub(settings.words_ms), now.saturating_sub(settings.calls_ms))?;
            if !more {
                self.next_sweep = Instant::now() + SWEEP_EVERY;
            }
        }
        if !was_open {
            self.settle(0, 0);
        }
        Ok(())
    }
}
