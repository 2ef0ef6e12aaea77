//! The journal's file: SQLite, and the only place that knows it.
//!
//! Every call's log is a run of rows in `events`; `calls` holds one row per call with its view, so that lists need no
//! folding. The tables are in `schema`, what stands in a row in `rows`, what is forgotten in `forget`; a [`Reader`] reads
//! beside the one [`Store`] that writes.

mod error;
mod forget;
mod live;
mod reader;
mod rows;
mod schema;

pub use self::error::StoreError;
pub use self::live::Live;
pub use self::reader::{CallQuery, Reader};

use std::collections::HashMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use self::live::LiveCall;
use self::rows::{events_of, insert_event, signed, unsigned};
use self::schema::{BUSY, check, claim, connect, migrate, refuse_foreign};
use crate::call::event::{CallSummary, EndReason, Event, EventKind, Log, rfc3339};
use crate::call::view::CallView;

/// The write-ahead log is copied back into the file beyond this size, in bytes.
const WAL_LARGE_BYTES: u64 = 4 << 20;

/// Beyond this size it is copied back and cut, even if readers have to wait.
const WAL_HUGE_BYTES: u64 = 64 << 20;

/// Files up to this size (bytes) are looked through at every start.
const QUICK_CHECK_BYTES: u64 = 64 << 20;

/// What SQLite promises of a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sync {
    /// Each commit waits for the disk.
    #[default]
    Full,
    /// The disk is waited for at checkpoints only.
    Normal,
}

/// What is to be written.
#[derive(Debug, Clone)]
pub enum Record {
    /// An event of a call's log with its place in the journal.
    Call { position: u64, event: Arc<Event> },
    /// An event of an agent's log: only its number is kept.
    Agent { event: Arc<Event> },
}

/// A call with its whole log.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Last number of the agent's log.
    pub agent_seq: u64,
    pub ended: bool,
    /// Positions and events, in order.
    pub events: Vec<(u64, Event)>,
}

/// What a start takes from the journal.
#[derive(Debug, Default)]
pub struct Recovered {
    /// All live calls, and ended ones as far back as asked for.
    pub calls: Vec<Logged>,
    /// Events after this position belong to `calls` without exception.
    pub complete_from: u64,
    /// Ids of all calls known.
    pub ids: Vec<String>,
}

/// Open for writing. One per file; a lock beside the file sees to that.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
    inode: u64,
    /// Something erased may still stand in the write-ahead log, which a reader kept from being cut.
    uncut: bool,
    pub live: Live,
}

impl Store {
    /// Opens or makes the file, and brings an older one up to date.
    ///
    /// # Errors
    /// See [`StoreError`]; `is_corrupt` and `is_fatal` say what can be done.
    pub fn open(path: &Path, sync: Sync) -> Result<Self, StoreError> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let mut connection = connect(path)?;
        // What callers said is for the server's user alone.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let sync = match sync {
            Sync::Full => "FULL",
            Sync::Normal => "NORMAL",
        };
        let is_new = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))? == 0;
        if is_new {
            claim(&connection)?;
        } else {
            refuse_foreign(&connection, path)?;
        }
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {sync}; PRAGMA secure_delete = ON;
             PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;"
        ))?;
        migrate(&mut connection, path)?;
        if std::fs::metadata(path)?.len() <= QUICK_CHECK_BYTES {
            check(&connection, path, "quick_check(1)")?;
        }
        let inode = std::fs::metadata(path)?.ino();
        let live = Live::read(&connection)?;
        Ok(Self { path: path.to_owned(), connection, inode, uncut: true, live })
    }

    /// Highest position written; 0 if there is none.
    pub fn last_position(&self) -> Result<u64, StoreError> {
        let last: Option<i64> = self.connection.query_row("SELECT max(position) FROM events", [], |row| row.get(0))?;
        Ok(last.map_or(0, unsigned))
    }

    /// Writes all or nothing. An event that is there already is not written twice; how many were.
    pub fn write(&mut self, records: &[Record]) -> Result<usize, StoreError> {
        let transaction = self.connection.transaction()?;
        let mut changed: HashMap<String, LiveCall> = HashMap::new();
        let mut doubled = 0;
        for record in records {
            match record {
                Record::Call { position, event } => {
                    if !insert_event(&transaction, *position, event)? {
                        doubled += 1;
                        continue;
                    }
                    let call = changed.entry(event.call.clone()).or_insert_with(|| {
                        let known = self.live.views.get(&event.call).cloned();
                        known.unwrap_or_else(|| LiveCall::new(&event.call, *position))
                    });
                    call.view.apply(event);
                }
                Record::Agent { event } => {
                    let known = changed.get(&event.call).or_else(|| self.live.views.get(&event.call)).cloned();
                    // An agent's log without a call's is none of ours.
                    if let Some(mut call) = known {
                        call.agent_seq = event.seq;
                        changed.insert(event.call.clone(), call);
                    }
                }
            }
        }
        for call in changed.values() {
            call.upsert(&transaction)?;
        }
        transaction.commit()?;
        for (id, call) in changed {
            if call.view.ended.is_some() {
                self.live.views.remove(&id);
            } else {
                self.live.views.insert(id, call);
            }
        }
        Ok(doubled)
    }

    /// Writes the end of calls that were live in this file and of which this process knows nothing.
    pub fn end_orphans(&mut self, known: &Live, unix_ms: u64, next_position: &mut u64) -> Result<usize, StoreError> {
        let orphans: Vec<CallView> = self
            .live
            .views
            .iter()
            .filter(|(id, _)| !known.views.contains_key(*id))
            .map(|(_, call)| call.view.clone())
            .collect();
        let mut records = Vec::new();
        for view in &orphans {
            *next_position += 1;
            let event = Arc::new(end_of(view, EndReason::ConnectionLost, unix_ms));
            records.push(Record::Call { position: *next_position, event });
        }
        self.write(&records)?;
        Ok(orphans.len())
    }

    /// Live calls and those that ended after `since_unix_ms`, at most `events_max` events of the latter.
    pub fn recover(&self, since_unix_ms: u64, events_max: usize) -> Result<Recovered, StoreError> {
        let floor: Option<i64> = self
            .connection
            .query_row(
                "SELECT position FROM events ORDER BY position DESC LIMIT 1 OFFSET ?1",
                [signed(events_max as u64)],
                |row| row.get(0),
            )
            .optional()?;
        let floor = floor.unwrap_or(0);
        let mut statement = self.connection.prepare(
            "SELECT call, agent_seq, ended FROM calls
             WHERE ended = 0 OR (changed_unix_ms >= ?1 AND position > ?2) ORDER BY position",
        )?;
        let mut calls = Vec::new();
        let mut kept = Vec::new();
        let rows = statement.query_map(params![signed(since_unix_ms), floor], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?))
        })?;
        for row in rows {
            let (call, agent_seq, ended) = row?;
            let events = events_of(&self.connection, &call, 0, usize::MAX)?;
            kept.push(call);
            calls.push(Logged { agent_seq: unsigned(agent_seq), ended, events });
        }
        let complete_from: Option<i64> = self.connection.query_row(
            "SELECT max(position) FROM events WHERE call NOT IN (SELECT value FROM json_each(?1))",
            [serde_json::to_string(&kept)?],
            |row| row.get(0),
        )?;
        let mut ids = self.connection.prepare("SELECT call FROM calls ORDER BY position")?;
        let ids = ids.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        Ok(Recovered { calls, complete_from: complete_from.map_or(0, unsigned), ids })
    }

    /// Copies the write-ahead log back into the file if it has grown large, or, with `truncate`, in any case, and then
    /// leaves nothing of it.
    pub fn checkpoint(&mut self, truncate: bool) -> Result<(), StoreError> {
        let size = self.wal_bytes();
        let truncate = truncate || self.uncut && size > 0;
        let mode = match truncate || size > WAL_HUGE_BYTES {
            true => "TRUNCATE",
            false if size > WAL_LARGE_BYTES => "PASSIVE",
            false => return Ok(()),
        };
        // Events must not wait for a reader in the way; it is tried again when there is nothing to write.
        self.connection.busy_timeout(Duration::ZERO)?;
        let busy =
            self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, bool>(0));
        self.connection.busy_timeout(BUSY)?;
        let busy = busy?;
        self.uncut = if truncate { busy } else { self.uncut };
        Ok(())
    }

    pub fn wal_bytes(&self) -> u64 {
        let mut wal = self.path.clone().into_os_string();
        wal.push("-wal");
        std::fs::metadata(wal).map_or(0, |metadata| metadata.len())
    }

    /// Whether the file at the path is still the one that is open: SQLite would go on writing to a deleted one.
    pub fn is_in_place(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode)
    }
}

/// The `call_ended` of a call of which only the view is left.
pub fn end_of(view: &CallView, reason: EndReason, unix_ms: u64) -> Event {
    let summary = CallSummary {
        duration_ms: view.t_ms,
        final_level: view.level,
        final_band: view.band,
        speech_dropped: view.speech_dropped,
        ..CallSummary::default()
    };
    Event {
        call: view.call.clone(),
        log: Log::Call,
        seq: view.seq + 1,
        at: rfc3339(unix_ms),
        t_ms: view.t_ms,
        kind: EventKind::CallEnded { reason, summary },
        durable: None,
    }
}

/// Changes the file the way another program would.
#[cfg(test)]
pub(super) fn execute_for_tests(path: &Path, sql: &str) -> Result<(), StoreError> {
    Ok(Connection::open(path)?.execute_batch(sql)?)
}

/// Keeps every other writer waiting, like a disk that does not answer.
#[cfg(test)]
pub(super) struct BlockForTests(Connection);

#[cfg(test)]
impl BlockForTests {
    pub fn new(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(connection)
    }
}

#[cfg(test)]
impl Drop for BlockForTests {
    fn drop(&mut self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}
