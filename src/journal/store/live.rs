//! Calls that have not ended, in memory as the rows say.

use std::collections::HashMap;

use rusqlite::{Connection, Transaction, params};

use super::error::StoreError;
use super::rows::{signed, unsigned};
use crate::call::view::CallView;
use crate::journal::words;

/// Calls that have not ended, as the rows say.
#[derive(Debug, Clone, Default)]
pub struct Live {
    pub(super) views: HashMap<String, LiveCall>,
}

/// One of them, as its row says.
#[derive(Debug, Clone)]
pub(super) struct LiveCall {
    pub(super) position: u64,
    pub(super) agent_seq: u64,
    pub(super) view: CallView,
}

impl Live {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let mut statement = connection.prepare("SELECT position, agent_seq, view FROM calls WHERE ended = 0")?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)))?;
        let mut views = HashMap::new();
        for row in rows {
            let (position, agent_seq, view) = row?;
            let view: CallView = serde_json::from_str(&view)?;
            let call = LiveCall { position: unsigned(position), agent_seq: unsigned(agent_seq), view };
            views.insert(call.view.call.clone(), call);
        }
        Ok(Self { views })
    }
}

impl LiveCall {
    pub(super) fn new(call: &str, position: u64) -> Self {
        Self { position, agent_seq: 0, view: CallView { call: call.to_owned(), ..CallView::default() } }
    }

    /// Writes its row.
    pub(super) fn upsert(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let mut upsert = transaction.prepare_cached(
            "INSERT INTO calls (call, position, agent, queue, team, changed_unix_ms, ended, agent_seq, words, view)
             VALUES (?1, ?2, ?3, ?4, ?5,
                     (SELECT coalesce(max(unix_ms), 0) FROM events WHERE call = ?1 AND seq = ?10), ?6, ?7, ?8, ?9)
             ON CONFLICT (call) DO UPDATE SET agent = excluded.agent, queue = excluded.queue, team = excluded.team,
                 changed_unix_ms = excluded.changed_unix_ms, ended = excluded.ended, agent_seq = excluded.agent_seq,
                 words = excluded.words, view = excluded.view",
        )?;
        let view = &self.view;
        upsert.execute(params![
            view.call,
            signed(self.position),
            view.agent,
            view.queue,
            view.team,
            view.ended.is_some(),
            signed(self.agent_seq),
            words::view_holds(view),
            serde_json::to_string(view)?,
            signed(view.seq),
        ])?;
        Ok(())
    }
}
