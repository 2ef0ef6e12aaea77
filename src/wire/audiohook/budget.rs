//! How much may be sent: the platform takes only so many messages of a server.

/// Messages a second the platform takes from a server, and how many at once.
pub(super) const RATE_PER_S: f64 = 5.0;
pub(super) const BURST: f64 = 25.0;

/// Of the burst kept free for answers.
const RESERVE: f64 = 8.0;

#[derive(Debug)]
pub(super) struct Budget {
    left: f64,
    /// Up to when messages have been earned; in the future while the platform wants quiet.
    at_ms: u64,
}

impl Budget {
    pub fn new() -> Self {
        Self { left: BURST, at_ms: 0 }
    }

    /// A message goes out. Answers always may.
    pub fn spend(&mut self) {
        self.left -= 1.0;
    }

    /// Whether an event may be sent, which leaves room for answers.
    pub fn has_room(&self) -> bool {
        self.left > RESERVE
    }

    /// The platform has had too many messages, and earns us no more for so long.
    pub fn rest(&mut self, now_ms: u64, pause_ms: u64) {
        self.left = self.left.min(RESERVE);
        self.at_ms = self.at_ms.max(now_ms.saturating_add(pause_ms));
    }

    pub fn refill(&mut self, now_ms: u64) {
        let passed_s = now_ms.saturating_sub(self.at_ms) as f64 / 1e3;
        self.left = (self.left + passed_s * RATE_PER_S).min(BURST);
        self.at_ms = self.at_ms.max(now_ms);
    }

    /// When an event may be sent.
    pub fn room_at_ms(&self) -> u64 {
        let missing = (RESERVE - self.left).max(0.0) / RATE_PER_S;
        self.at_ms + (missing * 1e3) as u64 + 1
    }
}
