//! What is erased, and what has got old.

use rusqlite::{Transaction, params};

use super::Store;
use super::error::StoreError;
use super::rows::signed;
use crate::call::event::Event;
use crate::call::view::CallView;
use crate::journal::words;

/// Rows changed in one transaction of retention or erasure, so that live events never wait long.
const SWEEP_ROWS: usize = 500;

/// Calls removed in one, with all their events.
const SWEEP_CALLS: usize = 20;

impl Store {
    /// Removes everything of an ended call, also from the write-ahead log. False if there is no such call.
    pub fn erase(&mut self, call: &str) -> Result<bool, StoreError> {
        let transaction = self.connection.transaction()?;
        let rows = delete_call(&transaction, call)?;
        transaction.commit()?;
        self.live.views.remove(call);
        self.checkpoint(true)?;
        Ok(rows > 0)
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
            transaction.prepare("SELECT call FROM calls WHERE ended = 1 AND changed_unix_ms < ?1 LIMIT ?2")?;
        let rows = old
            .query_map(params![signed(calls_before_ms), SWEEP_CALLS as i64], |row| row.get(0))?
            .collect::<Result<Vec<String>, _>>()?;
        drop(old);
        let whole_calls = rows.len();
        for call in &rows {
            delete_call(&transaction, call)?;
        }
        transaction.commit()?;
        let more = done >= SWEEP_ROWS || whole_calls >= SWEEP_CALLS;
        if !more && done + whole_calls > 0 {
            self.connection.execute_batch("PRAGMA incremental_vacuum(2000)")?;
            self.checkpoint(true)?;
        }
        Ok(more)
    }
}

/// Rows that were there.
fn delete_call(transaction: &Transaction<'_>, call: &str) -> rusqlite::Result<usize> {
    let events = transaction.execute("DELETE FROM events WHERE call = ?1", [call])?;
    Ok(events + transaction.execute("DELETE FROM calls WHERE call = ?1", [call])?)
}
