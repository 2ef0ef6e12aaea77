//! The journal's file: SQLite, and the only place that knows it.
//!
//! Every call's log is a run of rows in `events`; `calls` holds one row per call with its view, so that lists need no
//! folding. Schema changes run forward only ([`MIGRATIONS`]); a file made by a newer program is refused.

use std::collections::HashMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::words;
use crate::call::event::{CallSummary, EndReason, Event, EventKind, Log, parse_rfc3339, rfc3339};
use crate::call::view::CallView;

/// Says in the file's header whose it is: "Ruhe".
const APPLICATION_ID: i32 = 0x5275_6865;

/// One entry per version of the schema; entry 0 makes version 1 of an empty file. Never change an entry, add one.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE calls (
        call TEXT PRIMARY KEY NOT NULL,
        position INTEGER NOT NULL,      -- of its first event
        agent TEXT, queue TEXT, team TEXT,
        changed_unix_ms INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        agent_seq INTEGER NOT NULL,     -- last number of the agent's log, which itself is never stored
        words INTEGER NOT NULL,         -- 1 while the view holds words
        view TEXT NOT NULL
    ) STRICT;
    CREATE INDEX calls_by_position ON calls (position);
    CREATE INDEX calls_by_age ON calls (changed_unix_ms);
    CREATE INDEX calls_live ON calls (position) WHERE ended = 0;
    CREATE TABLE events (
        position INTEGER PRIMARY KEY NOT NULL,
        call TEXT NOT NULL,
        seq INTEGER NOT NULL,
        unix_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,
        words INTEGER NOT NULL,         -- 1 while the body holds words
        body TEXT NOT NULL,
        UNIQUE (call, seq)
    ) STRICT;
    CREATE INDEX events_with_words ON events (unix_ms) WHERE words = 1;
    CREATE INDEX events_of_alerts ON events (position) WHERE kind = 'alert';
    "];

/// How long one program waits for another that has the file locked (a backup, a check).
const BUSY: Duration = Duration::from_secs(5);

/// The write-ahead log is copied back into the file beyond this size, in bytes.
const WAL_LARGE_BYTES: u64 = 4 << 20;

/// Beyond this size it is copied back and cut, even if readers have to wait.
const WAL_HUGE_BYTES: u64 = 64 << 20;

/// Files up to this size (bytes) are looked through at every start.
const QUICK_CHECK_BYTES: u64 = 64 << 20;

/// Rows changed in one transaction of retention or erasure, so that live events never wait long.
const SWEEP_ROWS: usize = 500;

/// Pages copied at a time by a backup.
const BACKUP_PAGES: i32 = 256;

/// What goes wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the journal {path} was written by a newer ruhepol (its schema is {found}, this program knows {known}); \
         start the newer program, or move the file away to begin a new journal"
    )]
    Newer { path: PathBuf, found: i64, known: usize },
    #[error("{path} is no journal of ruhepol; move it away, or set another `server.data_dir`")]
    Foreign { path: PathBuf },
    #[error("the journal {path} is damaged: {detail}")]
    Corrupt { path: PathBuf, detail: String },
    #[error("the journal cannot be written: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the journal cannot be written: {0}")]
    Io(#[from] std::io::Error),
    #[error("an event of the journal cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

impl StoreError {
    /// Trying again with the same file is of no use.
    pub fn is_corrupt(&self) -> bool {
        match self {
            Self::Corrupt { .. } => true,
            Self::Sqlite(error) => {
                matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            _ => false,
        }
    }

    /// A person has to decide; the server does not start.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Newer { .. } | Self::Foreign { .. })
    }
}

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

/// Calls that have not ended, as the rows say.
#[derive(Debug, Clone, Default)]
pub struct Live {
    views: HashMap<String, LiveCall>,
}

#[derive(Debug, Clone)]
struct LiveCall {
    position: u64,
    agent_seq: u64,
    view: CallView,
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

/// Which calls a reader asks for.
#[derive(Debug, Clone, Default)]
pub struct CallQuery {
    /// Only of these teams and queues; empty is all.
    pub teams: Vec<String>,
    pub queues: Vec<String>,
    /// Only live or only ended ones.
    pub live: Option<bool>,
    /// Only calls that began before this position.
    pub before: Option<u64>,
    pub limit: usize,
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
            connection.execute_batch(&format!(
                "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = {APPLICATION_ID};"
            ))?;
        } else if pragma(&connection, "application_id")? != i64::from(APPLICATION_ID) {
            return Err(StoreError::Foreign { path: path.to_owned() });
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
        let live = live_calls(&connection)?;
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
            upsert_call(&transaction, call)?;
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

    /// Removes everything of an ended call, also from the write-ahead log. False if there is no such call.
    pub fn erase(&mut self, call: &str) -> Result<bool, StoreError> {
        let transaction = self.connection.transaction()?;
        let events = transaction.execute("DELETE FROM events WHERE call = ?1", [call])?;
        let calls = transaction.execute("DELETE FROM calls WHERE call = ?1", [call])?;
        transaction.commit()?;
        self.live.views.remove(call);
        self.checkpoint(true)?;
        Ok(events + calls > 0)
    }

    /// Takes the words out of events and views older than one time, and removes calls not changed since another.
    /// Works in small steps: true if there is more to do.
    pub fn sweep(&mut self, words_before_ms: u64, calls_before_ms: u64) -> Result<bool, StoreError> {
        let transaction = self.connection.transaction()?;
        let mut old = transaction
            .prepare("SELECT position, body FROM events WHERE words = 1 AND unix_ms < ?1 ORDER BY unix_ms LIMIT ?2")?;
        let rows = old
            .query_map(params![signed(words_before_ms), SWEEP_ROWS as i64], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        drop(old);
        let mut done = rows.len();
        for (position, body) in rows {
            let mut event: Event = serde_json::from_str(&body)?;
            words::forget(&mut event);
            transaction.execute(
                "UPDATE events SET words = 0, body = ?2 WHERE position = ?1",
                params![position, serde_json::to_string(&event)?],
            )?;
        }
        let mut old = transaction
            .prepare("SELECT call, view FROM calls WHERE words = 1 AND ended = 1 AND changed_unix_ms < ?1 LIMIT ?2")?;
        let rows = old
            .query_map(params![signed(words_before_ms), SWEEP_ROWS as i64], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        drop(old);
        done = done.max(rows.len());
        for (call, view) in rows {
            let mut view: CallView = serde_json::from_str(&view)?;
            words::forget_in_view(&mut view);
            transaction.execute(
                "UPDATE calls SET words = 0, view = ?2 WHERE call = ?1",
                params![call, serde_json::to_string(&view)?],
            )?;
        }
        let mut old =
            transaction.prepare("SELECT call FROM calls WHERE ended = 1 AND changed_unix_ms < ?1 LIMIT 20")?;
        let rows = old.query_map([signed(calls_before_ms)], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        drop(old);
        let whole_calls = rows.len();
        for call in &rows {
            transaction.execute("DELETE FROM events WHERE call = ?1", [call])?;
            transaction.execute("DELETE FROM calls WHERE call = ?1", [call])?;
        }
        transaction.commit()?;
        let more = done >= SWEEP_ROWS || whole_calls >= 20;
        if !more && done + whole_calls > 0 {
            self.connection.execute_batch("PRAGMA incremental_vacuum(2000)")?;
            self.checkpoint(true)?;
        }
        Ok(more)
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

impl LiveCall {
    fn new(call: &str, position: u64) -> Self {
        Self { position, agent_seq: 0, view: CallView { call: call.to_owned(), ..CallView::default() } }
    }
}

/// Reads beside the writer. Opened for each question, so that no reader ever holds the journal up.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    connection: Connection,
}

impl Reader {
    /// # Errors
    /// When there is no journal, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        std::fs::metadata(path)?;
        let connection = connect(path)?;
        if pragma(&connection, "application_id")? != i64::from(APPLICATION_ID) {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        let found = pragma(&connection, "user_version")?;
        if found > MIGRATIONS.len() as i64 {
            return Err(StoreError::Newer { path: path.to_owned(), found, known: MIGRATIONS.len() });
        }
        connection.execute_batch("PRAGMA query_only = ON")?;
        Ok(Self { path: path.to_owned(), connection })
    }

    pub fn call(&self, call: &str) -> Result<Option<CallView>, StoreError> {
        let view: Option<String> =
            self.connection.query_row("SELECT view FROM calls WHERE call = ?1", [call], |row| row.get(0)).optional()?;
        Ok(view.map(|view| serde_json::from_str(&view)).transpose()?)
    }

    /// Newest first, each with the position of its first event.
    pub fn calls(&self, query: &CallQuery) -> Result<Vec<(u64, CallView)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT position, view FROM calls
             WHERE (?1 = '[]' OR team IN (SELECT value FROM json_each(?1)))
               AND (?2 = '[]' OR queue IN (SELECT value FROM json_each(?2)))
               AND (?3 IS NULL OR ended = ?3) AND (?4 IS NULL OR position < ?4)
             ORDER BY position DESC LIMIT ?5",
        )?;
        let rows = statement.query_map(
            params![
                serde_json::to_string(&query.teams)?,
                serde_json::to_string(&query.queues)?,
                query.live.map(|live| i64::from(!live)),
                query.before.map(signed),
                signed(query.limit as u64),
            ],
            positioned,
        )?;
        rows.map(|row| {
            let (position, view) = row?;
            Ok((position, serde_json::from_str(&view)?))
        })
        .collect()
    }

    /// At most `limit` events of a call after `seq`.
    pub fn events(&self, call: &str, after: u64, limit: usize) -> Result<Vec<(u64, Event)>, StoreError> {
        events_of(&self.connection, call, after, limit)
    }

    /// At most `limit` events of these types after `position`, each with its position and the view of its call as it is now.
    pub fn of_kinds(
        &self,
        kinds: &[&str],
        position: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Event, CallView)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT events.position, body, view FROM events JOIN calls USING (call)
             WHERE kind IN (SELECT value FROM json_each(?1)) AND events.position > ?2
             ORDER BY events.position LIMIT ?3",
        )?;
        let rows = statement
            .query_map(params![serde_json::to_string(kinds)?, signed(position), signed(limit as u64)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            })?;
        rows.map(|row| {
            let (position, body, view) = row?;
            Ok((unsigned(position), serde_json::from_str(&body)?, serde_json::from_str(&view)?))
        })
        .collect()
    }

    /// States of alerts, newest first, with their positions.
    pub fn alerts(&self, query: &CallQuery) -> Result<Vec<(u64, Event)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT events.position, body FROM events JOIN calls USING (call)
             WHERE kind = 'alert'
               AND (?1 = '[]' OR team IN (SELECT value FROM json_each(?1)))
               AND (?2 = '[]' OR queue IN (SELECT value FROM json_each(?2)))
               AND (?3 IS NULL OR events.position < ?3)
             ORDER BY events.position DESC LIMIT ?4",
        )?;
        let rows = statement.query_map(
            params![
                serde_json::to_string(&query.teams)?,
                serde_json::to_string(&query.queues)?,
                query.before.map(signed),
                signed(query.limit as u64),
            ],
            positioned,
        )?;
        rows.map(|row| {
            let (position, body) = row?;
            Ok((position, serde_json::from_str(&body)?))
        })
        .collect()
    }

    /// Looks through the whole file: SQLite's own check, then that every call's numbers run without a gap. What was
    /// found wrong; nothing if all is well.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut wrong = match check(&self.connection, &self.path, "integrity_check(20)") {
            Ok(()) => Vec::new(),
            Err(StoreError::Corrupt { detail, .. }) => vec![detail],
            Err(error) => return Err(error),
        };
        let mut gaps = self.connection.prepare(
            "SELECT call, count(*), min(seq), max(seq) FROM events GROUP BY call
             HAVING min(seq) <> 1 OR max(seq) <> count(*) LIMIT 20",
        )?;
        let rows = gaps.query_map([], |row| {
            let (call, count, first, last): (String, i64, i64, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(format!("call \"{call}\": {count} events, numbered {first} to {last}"))
        })?;
        for row in rows {
            wrong.push(row?);
        }
        Ok(wrong)
    }

    /// Calls and events.
    pub fn count(&self) -> Result<(u64, u64), StoreError> {
        let count = |table: &str| {
            self.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
        };
        Ok((unsigned(count("calls")?), unsigned(count("events")?)))
    }

    /// Copies the journal as it is now into a new file, while it may be written on.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        // Refuses a file that is there, and keeps others from reading ours.
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(to)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        let mut copy = Connection::open(to)?;
        Backup::new(&self.connection, &mut copy)?.run_to_completion(BACKUP_PAGES, Duration::from_millis(5), None)?;
        Ok(())
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

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    Ok(connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = pragma(connection, "user_version")?;
    let known = MIGRATIONS.len();
    let Some(todo) = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..)) else {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    };
    if todo.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in todo {
        transaction.execute_batch(step)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {known}"))?;
    transaction.commit()?;
    Ok(())
}

fn check(connection: &Connection, path: &Path, pragma: &str) -> Result<(), StoreError> {
    let mut statement = connection.prepare(&format!("PRAGMA {pragma}"))?;
    let lines = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    match lines.iter().any(|line| line != "ok") {
        true => Err(StoreError::Corrupt { path: path.to_owned(), detail: lines.join("; ") }),
        false => Ok(()),
    }
}

fn live_calls(connection: &Connection) -> Result<Live, StoreError> {
    let mut statement = connection.prepare("SELECT position, agent_seq, view FROM calls WHERE ended = 0")?;
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)))?;
    let mut views = HashMap::new();
    for row in rows {
        let (position, agent_seq, view) = row?;
        let view: CallView = serde_json::from_str(&view)?;
        let call = LiveCall { position: unsigned(position), agent_seq: unsigned(agent_seq), view };
        views.insert(call.view.call.clone(), call);
    }
    Ok(Live { views })
}

/// False if the event is there already.
fn insert_event(transaction: &Transaction<'_>, position: u64, event: &Event) -> Result<bool, StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO events (position, call, seq, unix_ms, kind, words, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO NOTHING",
    )?;
    let rows = insert.execute(params![
        signed(position),
        event.call,
        signed(event.seq),
        signed(parse_rfc3339(&event.at).unwrap_or(0)),
        event.kind.name(),
        words::holds(event),
        serde_json::to_string(event)?,
    ])?;
    Ok(rows == 1)
}

fn upsert_call(transaction: &Transaction<'_>, call: &LiveCall) -> Result<(), StoreError> {
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO calls (call, position, agent, queue, team, changed_unix_ms, ended, agent_seq, words, view)
         VALUES (?1, ?2, ?3, ?4, ?5,
                 (SELECT coalesce(max(unix_ms), 0) FROM events WHERE call = ?1 AND seq = ?10), ?6, ?7, ?8, ?9)
         ON CONFLICT (call) DO UPDATE SET agent = excluded.agent, queue = excluded.queue, team = excluded.team,
             changed_unix_ms = excluded.changed_unix_ms, ended = excluded.ended, agent_seq = excluded.agent_seq,
             words = excluded.words, view = excluded.view",
    )?;
    let view = &call.view;
    upsert.execute(params![
        view.call,
        signed(call.position),
        view.agent,
        view.queue,
        view.team,
        view.ended.is_some(),
        signed(call.agent_seq),
        words::view_holds(view),
        serde_json::to_string(view)?,
        signed(view.seq),
    ])?;
    Ok(())
}

fn events_of(connection: &Connection, call: &str, after: u64, limit: usize) -> Result<Vec<(u64, Event)>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT position, body FROM events WHERE call = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")?;
    let limit = i64::try_from(limit).unwrap_or(-1);
    let rows = statement.query_map(params![call, signed(after), limit], positioned)?;
    rows.map(|row| {
        let (position, body) = row?;
        Ok((position, serde_json::from_str(&body)?))
    })
    .collect()
}

fn positioned(row: &Row<'_>) -> rusqlite::Result<(u64, String)> {
    Ok((unsigned(row.get(0)?), row.get(1)?))
}

/// SQLite's integers are signed; ours are far below their end.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
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
