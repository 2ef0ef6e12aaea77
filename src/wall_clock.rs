//! The wall clock, for shells: rooms that are pure are told the time.

use std::time::SystemTime;

/// Milliseconds since 1970; 0 on a machine whose clock stands before.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since 1970.
pub fn unix_s() -> u64 {
    unix_ms() / 1_000
}
