//! Figures and traces for a collector.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, in_use};

/// Figures and traces for an OpenTelemetry collector, by OTLP over HTTP. They hold no words, agents or customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Base address, such as `http://127.0.0.1:4318`; `/v1/metrics` and `/v1/traces` are added. `https`, except on this
    /// machine. Default none: nothing is sent.
    pub endpoint: Option<String>,
    /// File (mode 600) with headers for the collector, a line `Name: value` each. Default none.
    pub headers_file: Option<PathBuf>,
    /// Seconds between two messages. Default 15.
    pub interval_s: u64,
    /// Send what `/metrics` shows. Default `true`.
    pub metrics: bool,
    /// Send a trace per call. Default `true`.
    pub traces: bool,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { endpoint: None, headers_file: None, interval_s: 15, metrics: true, traces: true }
    }
}

impl Telemetry {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        in_use(&[("telemetry.interval_s", self.interval_s)])
    }
}
