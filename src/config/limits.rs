//! How much of everything.

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, in_use};

/// How much of everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections of all kinds. Default 2000: room for 500 calls of one phone system and all their readers,
    /// and below the usual limit of open files.
    pub connections: usize,
    /// Of these from one address (of IPv6: from one /64). Default 1500: one phone system may bring nearly all of them.
    pub connections_per_address: usize,
    /// Requests a second from one address, and with one token; ten times as many at once. Default 200: twice what a
    /// phone system needs when all calls come back after an interruption.
    pub requests_per_s: u32,
    /// Calls at once. Default 200: more than two cores can transcribe, so that speech is shed by rule before calls
    /// are refused. Beyond it a call is refused with `busy`.
    pub calls: usize,
    /// Seconds after which a refused call may try again. Default 5.
    pub retry_after_s: u64,
    /// Seconds a client may take for the head of an HTTP request. Default 5: against connections that say nothing.
    pub header_s: u64,
    /// Seconds a client may leave lying what it asked for. Default 30: against connections that read nothing.
    pub take_s: u64,
    /// Seconds from the upgrade to `start`. Default 10.
    pub start_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2_000,
            connections_per_address: 1_500,
            requests_per_s: 200,
            calls: 200,
            retry_after_s: 5,
            header_s: 5,
            take_s: 30,
            start_s: 10,
        }
    }
}

impl Limits {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        in_use(&[
            ("limits.connections", self.connections as u64),
            ("limits.connections_per_address", self.connections_per_address as u64),
            ("limits.requests_per_s", u64::from(self.requests_per_s)),
            ("limits.calls", self.calls as u64),
            ("limits.header_s", self.header_s),
            ("limits.take_s", self.take_s),
            ("limits.start_s", self.start_s),
        ])
    }
}
