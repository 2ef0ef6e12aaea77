//! Reads beside the writer.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::StoreError;
use super::rows::{events_of, positioned, read, signed, unsigned};
use super::schema::{check, connect, refuse_foreign, unseen};
use crate::call::event::Event;
use crate::call::view::CallView;

/// Pages copied at a time by a backup.
const BACKUP_PAGES: i32 = 256;

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
        refuse_foreign(&connection, path)?;
        unseen(&connection, path)?;
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
        read(rows)
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
        read(rows)
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
