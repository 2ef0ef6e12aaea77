//! What supervisors and agents read.

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, in_use};

/// What supervisors and agents read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feeds {
    /// Events a reader may be behind before it gets a snapshot instead. Default 1024: some seconds of a busy floor.
    pub behind_events: usize,
    /// Events kept for readers that come back with `after`. Default 10000: about ten minutes of a busy floor.
    pub history_events: usize,
    /// Events kept per call for `GET /v1/calls/{call}/events`. Default 5000: an hour of talk.
    pub call_events: usize,
    /// Ended calls kept in memory. Default 200.
    pub ended_calls: usize,
    /// Minutes an ended call is kept in memory. Default 60.
    pub ended_minutes: u64,
    /// Seconds a reader may take to accept one message before it is dropped. Default 10.
    pub write_s: u64,
    /// Heated calls after which a break is suggested for an agent. Default 3.
    pub break_calls: u32,
    /// Minutes of heated talk after which a break is suggested. Default 15.
    pub break_minutes: u64,
}

impl Default for Feeds {
    fn default() -> Self {
        Self {
            behind_events: 1_024,
            history_events: 10_000,
            call_events: 5_000,
            ended_calls: 200,
            ended_minutes: 60,
            write_s: 10,
            break_calls: 3,
            break_minutes: 15,
        }
    }
}

impl Feeds {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        in_use(&[
            ("feeds.behind_events", self.behind_events as u64),
            ("feeds.history_events", self.history_events as u64),
            ("feeds.call_events", self.call_events as u64),
            ("feeds.write_s", self.write_s),
        ])
    }
}
