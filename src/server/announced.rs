//! Calls that AudioSocket connections may bring: announced under a UUID before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use crate::wire::fields::Told;

/// UUIDs that may wait for their call.
const ANNOUNCED_MAX: usize = 10_000;

/// Calls announced under a UUID.
#[derive(Default)]
pub(crate) struct Announcements(Mutex<HashMap<String, (Instant, Told)>>);

impl Announcements {
    /// Remembers a call for `patience`; false if too many wait already.
    pub fn announce(&self, uuid: &str, told: Told, patience: Duration) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        waiting.retain(|_, (until, _)| *until > now);
        let room = waiting.len() < ANNOUNCED_MAX;
        if room {
            waiting.insert(uuid.to_ascii_lowercase(), (now + patience, told));
        }
        room
    }

    /// What was said of it, once.
    pub fn take(&self, uuid: &str) -> Option<Told> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(uuid).filter(|(until, _)| *until > Instant::now()).map(|(_, told)| told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_good_for_one_call_and_not_for_ever() {
        let waiting = Announcements::default();
        assert!(waiting.announce("AB", Told::default(), Duration::from_secs(60)));
        assert!(waiting.take("ab").is_some());
        assert!(waiting.take("ab").is_none());
        assert!(waiting.announce("cd", Told::default(), Duration::ZERO));
        assert!(waiting.take("cd").is_none());
    }
}
