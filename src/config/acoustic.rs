//! How the customer sounds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, wrong};
use crate::call::acoustic::AcousticSettings;

/// How the customer sounds against the customer's own first half minute: louder, faster. An observation of sound, never an
/// emotion, and never of an agent (docs/privacy.md). Words alone are scored unless `level_points` says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Acoustic {
    /// Show supervisors that the customer speaks louder or faster than at the beginning. Default `false`: whoever turns it on
    /// has to tell the callers.
    pub observe: bool,
    /// Points, 0 to 5, that this adds to the level at most, together with words of friction, never as far as the next band;
    /// each time named in the assessment. Default 0: the words alone count.
    pub level_points: u8,
    /// Another `observe` for some queues, by name of the queue.
    pub queues: BTreeMap<String, bool>,
}

impl Acoustic {
    /// How calls in `queue` are observed, if they are.
    pub fn settings(&self, queue: Option<&str>) -> Option<AcousticSettings> {
        let observe = *queue.and_then(|queue| self.queues.get(queue)).unwrap_or(&self.observe);
        observe.then_some(AcousticSettings { level_points: self.level_points })
    }

    /// Whether any call is observed.
    pub fn anywhere(&self) -> bool {
        self.observe || self.queues.values().any(|observe| *observe)
    }
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.level_points > 5 {
            let problem = format!("{} points", self.level_points);
            return wrong("acoustic.level_points", problem, "use 0 to 5: the words decide, not the voice");
        }
        Ok(())
    }
}
