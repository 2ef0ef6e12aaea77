//! What is kept of calls.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, in_use, wrong};
use super::feeds::Feeds;
use crate::journal::{Settings, Sync};

/// What is kept of calls, and for how long. Audio and the agents' logs never are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalFile {
    /// Keep a journal (`journal.db` in the data directory). Default `true`. Without, a restart forgets every call, and
    /// every event says `"durable":false`.
    pub enabled: bool,
    /// `full` (default): a commit waits for the disk, so that a told event survives a power cut. `normal`: it survives
    /// the end of the program, however sudden, but a power cut may cost the last seconds.
    pub sync: Sync,
    /// Milliseconds an event waits for the disk before readers get it marked `"durable":false`. Default 500: many
    /// times a usual commit, and an alert must not wait longer.
    pub wait_ms: u64,
    /// Events kept in memory while the disk cannot be written, to be written later. Default 50000: an hour of a busy
    /// floor in about 50 MB. Beyond it the oldest are given up and counted.
    pub backlog_events: usize,
    /// Hours until the words of a call are forgotten: what was said, quotes, reasons, suggestions, notes. Default 24.
    pub text_hours: u64,
    /// Days until the rest of a call is forgotten: times, levels, kinds of cues and alerts. Default 30.
    pub figures_days: u64,
}

impl Default for JournalFile {
    fn default() -> Self {
        Self { enabled: true, sync: Sync::Full, wait_ms: 500, backlog_events: 50_000, text_hours: 24, figures_days: 30 }
    }
}

impl JournalFile {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        in_use(&[
            ("journal.wait_ms", self.wait_ms),
            ("journal.backlog_events", self.backlog_events as u64),
            ("journal.figures_days", self.figures_days),
        ])?;
        if self.text_hours > self.figures_days.saturating_mul(24) {
            return wrong(
                "journal.text_hours",
                format!("words would outlive the figures ({} days)", self.figures_days),
                "keep words no longer than `journal.figures_days`",
            );
        }
        Ok(())
    }

    /// How the journal is kept, and what a start takes from it for these feeds.
    pub(super) fn settings(&self, feeds: &Feeds) -> Settings {
        Settings {
            sync: self.sync,
            wait: Duration::from_millis(self.wait_ms),
            backlog_events: self.backlog_events,
            words_ms: self.text_hours.saturating_mul(3_600_000),
            calls_ms: self.figures_days.saturating_mul(86_400_000),
            recover_ms: feeds.ended_minutes.saturating_mul(60_000),
            recover_events: feeds.history_events,
        }
    }
}
