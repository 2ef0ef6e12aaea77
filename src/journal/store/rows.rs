//! From events and calls to rows, and back.

use rusqlite::{Connection, Row, Transaction, params};
use serde::de::DeserializeOwned;

use super::error::StoreError;
use crate::call::event::{Event, parse_rfc3339};
use crate::journal::words;

/// False if the event is there already.
pub(super) fn insert_event(transaction: &Transaction<'_>, position: u64, event: &Event) -> Result<bool, StoreError> {
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

pub(super) fn events_of(
    connection: &Connection,
    call: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, Event)>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT position, body FROM events WHERE call = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")?;
    let limit = i64::try_from(limit).unwrap_or(-1);
    let rows = statement.query_map(params![call, signed(after), limit], positioned)?;
    read(rows)
}

/// What stands in rows of a position and JSON.
pub(super) fn read<T: DeserializeOwned>(
    rows: impl Iterator<Item = rusqlite::Result<(u64, String)>>,
) -> Result<Vec<(u64, T)>, StoreError> {
    rows.map(|row| {
        let (position, json) = row?;
        Ok((position, serde_json::from_str(&json)?))
    })
    .collect()
}

pub(super) fn positioned(row: &Row<'_>) -> rusqlite::Result<(u64, String)> {
    Ok((unsigned(row.get(0)?), row.get(1)?))
}

/// SQLite's integers are signed; ours are far below their end.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
