//! What the tables look like, and whether a file is ours.
//!
//! Changes run forward only ([`MIGRATIONS`]); a file made by a newer program is refused.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::error::StoreError;

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
pub(super) const BUSY: Duration = Duration::from_secs(5);

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    Ok(connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?)
}

/// Says in the header of a new file that it is ours.
pub(super) fn claim(connection: &Connection) -> Result<(), StoreError> {
    let claim = format!("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = {APPLICATION_ID};");
    Ok(connection.execute_batch(&claim)?)
}

pub(super) fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match pragma(connection, "application_id")? == i64::from(APPLICATION_ID) {
        true => Ok(()),
        false => Err(StoreError::Foreign { path: path.to_owned() }),
    }
}

/// The changes this file has not seen yet; a file that has seen more than we know is refused.
pub(super) fn unseen(connection: &Connection, path: &Path) -> Result<&'static [&'static str], StoreError> {
    let found = pragma(connection, "user_version")?;
    let unseen = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..));
    unseen.ok_or_else(|| StoreError::Newer { path: path.to_owned(), found, known: MIGRATIONS.len() })
}

pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let unseen = unseen(connection, path)?;
    if unseen.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in unseen {
        transaction.execute_batch(step)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {}", MIGRATIONS.len()))?;
    transaction.commit()?;
    Ok(())
}

/// One of SQLite's own checks, `quick_check(N)` or `integrity_check(N)`.
pub(super) fn check(connection: &Connection, path: &Path, pragma: &str) -> Result<(), StoreError> {
    let mut statement = connection.prepare(&format!("PRAGMA {pragma}"))?;
    let lines = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    match lines.iter().any(|line| line != "ok") {
        true => Err(StoreError::Corrupt { path: path.to_owned(), detail: lines.join("; ") }),
        false => Ok(()),
    }
}
