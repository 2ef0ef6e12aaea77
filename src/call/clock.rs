//! The media clock of a call, and the active time that stands still on hold.

use crate::terms::Span;

/// Runs with the audio and never back.
#[derive(Debug, Default)]
pub(super) struct Clock {
    t_ms: u64,
    /// When the current hold began.
    held_since: Option<u64>,
    /// Holds that are over, in order.
    holds: Vec<Span>,
}

impl Clock {
    /// Milliseconds since the start of the call.
    pub fn t_ms(&self) -> u64 {
        self.t_ms
    }

    /// Moves on to `t_ms`; whether that was later.
    pub fn advance(&mut self, t_ms: u64) -> bool {
        let later = t_ms > self.t_ms;
        self.t_ms = self.t_ms.max(t_ms);
        later
    }

    pub fn is_held(&self) -> bool {
        self.held_since.is_some()
    }

    /// Begins a hold, unless there is one.
    pub fn hold(&mut self) {
        self.held_since.get_or_insert(self.t_ms);
    }

    /// Ends the hold; how long it was.
    pub fn resume(&mut self) -> Option<u64> {
        let hold = Span::new(self.held_since.take()?, self.t_ms);
        self.holds.push(hold);
        Some(hold.duration_ms())
    }

    /// Milliseconds on hold, in holds that are over.
    pub fn held_ms(&self) -> u64 {
        self.holds.iter().map(|hold| hold.duration_ms()).sum()
    }

    /// Active time now: what counts for decay and timers.
    pub fn active_ms(&self) -> u64 {
        self.active_at(self.t_ms)
    }

    /// Active time at media clock `t_ms`: what of it was not on hold.
    pub fn active_at(&self, t_ms: u64) -> u64 {
        let over: u64 = self.holds.iter().map(|hold| hold.end_ms.min(t_ms) - hold.start_ms.min(t_ms)).sum();
        let now = self.held_since.map_or(0, |since_ms| t_ms.saturating_sub(since_ms));
        t_ms - over - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_time_stands_still_on_hold() {
        let mut clock = Clock::default();
        clock.advance(1_000);
        clock.hold();
        clock.advance(5_000);
        assert_eq!((clock.t_ms(), clock.active_ms()), (5_000, 1_000));
        assert_eq!(clock.resume(), Some(4_000));
        clock.advance(6_000);
        assert_eq!((clock.active_ms(), clock.active_at(3_000), clock.active_at(500)), (2_000, 1_000, 500));
        assert_eq!(clock.resume(), None);
        assert!(!clock.advance(10));
        assert_eq!(clock.held_ms(), 4_000);
    }
}
