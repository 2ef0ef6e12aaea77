//! When supervisors are alerted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::escalation::{EscalationSettings, Preset};

/// When supervisors are alerted. Presets differ in how many false alarms they cost (docs/scoring.md).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// `calm`, `balanced` (default) or `vigilant`. A threat of violence or of self-harm alerts with each of them.
    pub preset: Preset,
    /// Seconds after which an alert nobody has acknowledged, snoozed or dismissed is raised higher, once. Default 30:
    /// long enough to look up and read, short enough to help in the call. 0: never.
    pub unacknowledged_s: u64,
    /// Other presets for some queues, by name of the queue.
    pub queues: BTreeMap<String, Preset>,
    /// Other times for some queues, by name of the queue.
    pub unacknowledged_queues: BTreeMap<String, u64>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            queues: BTreeMap::new(),
            unacknowledged_s: 30,
            unacknowledged_queues: BTreeMap::new(),
        }
    }
}

impl Alerts {
    /// The thresholds of calls in `queue`.
    pub fn settings(&self, queue: Option<&str>) -> EscalationSettings {
        let preset = queue.and_then(|queue| self.queues.get(queue)).unwrap_or(&self.preset);
        EscalationSettings::preset(*preset)
    }

    /// How long an alert of a call in `queue` waits for somebody, in milliseconds; `None`: for ever.
    pub fn unacknowledged_ms(&self, queue: Option<&str>) -> Option<u64> {
        let own = queue.and_then(|queue| self.unacknowledged_queues.get(queue));
        let seconds = *own.unwrap_or(&self.unacknowledged_s);
        (seconds > 0).then(|| seconds.saturating_mul(1_000))
    }
}
