//! Who has seen what lately, so that a page that asks every second does not fill the audit log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The same sight again within this time is not a new one.
const SAME: Duration = Duration::from_secs(300);

/// Sights remembered at most.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Sights(Mutex<HashMap<(String, String), Instant>>);

impl Sights {
    /// Whether this is worth recording: forgotten sights are recorded once more, never too seldom.
    pub fn is_new(&self, who: &str, what: &str) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if seen.len() >= MOST {
            seen.retain(|_, at| now.saturating_duration_since(*at) < SAME);
            if seen.len() >= MOST {
                seen.clear();
            }
        }
        let before = seen.insert((who.to_owned(), what.to_owned()), now);
        let is_new = before.is_none_or(|at| now.saturating_duration_since(at) >= SAME);
        if let Some(at) = before.filter(|_| !is_new) {
            seen.insert((who.to_owned(), what.to_owned()), at);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_sight_counts_once() {
        let sights = Sights::default();
        assert!(sights.is_new("s1", "c1") && !sights.is_new("s1", "c1"));
        assert!(sights.is_new("s2", "c1") && sights.is_new("s1", "c2") && sights.is_new("s1", ""));
    }
}
