//! How often: each address, and each token, has a bucket that fills with time.
//!
//! Tables are bounded: when one is full of those who do nothing wrong, those that have been quiet longest are forgotten.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::config;
use crate::server::doors::network;

/// Keys remembered at most.
const KEYS_MAX: usize = 16_384;

/// Wrong tokens an address may send at once, and five more a second: guessing is hopeless anyway, but it costs us.
const WRONG_TOKENS: Rate = Rate { per_s: 5.0, burst: 200.0 };

/// What each address and each token may still do.
pub(super) struct Allowances {
    /// Requests, sockets' handshakes among them, per address.
    requests: Buckets<IpAddr>,
    /// The same per token, by its hash.
    tokens: Buckets<u64>,
    wrong_tokens: Buckets<IpAddr>,
    hasher: RandomState,
}

impl Allowances {
    pub fn new(limits: &config::Limits) -> Self {
        let rate = |per_s: u32| Rate { per_s: f64::from(per_s), burst: f64::from(per_s) * 10.0 };
        Self {
            requests: Buckets::new(rate(limits.requests_per_s)),
            tokens: Buckets::new(rate(limits.requests_per_s)),
            wrong_tokens: Buckets::new(WRONG_TOKENS),
            hasher: RandomState::new(),
        }
    }

    /// Whether this address may ask once more now.
    pub fn knock(&self, address: IpAddr, now: Instant) -> bool {
        self.requests.take(network(address), now)
    }

    /// The same for a token, as it was sent.
    pub fn use_token(&self, token: &[u8], now: Instant) -> bool {
        self.tokens.take(self.hasher.hash_one(token), now)
    }

    /// Whether this address has not sent too many wrong tokens.
    pub fn may_try_tokens(&self, address: IpAddr, now: Instant) -> bool {
        self.wrong_tokens.has(network(address), now)
    }

    /// This address sent a wrong token.
    pub fn wrong_token(&self, address: IpAddr, now: Instant) {
        self.wrong_tokens.take(network(address), now);
    }
}

/// A rate with a reserve.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub per_s: f64,
    pub burst: f64,
}

/// A bucket per key.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    state: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: Hash + Eq> Buckets<K> {
    pub fn new(rate: Rate) -> Self {
        Self { rate, state: Mutex::default() }
    }

    /// Takes one; false if there is none left.
    pub fn take(&self, key: K, now: Instant) -> bool {
        self.with(key, now, |bucket| {
            let enough = bucket.left >= 1.0;
            bucket.left -= f64::from(u8::from(enough));
            enough
        })
    }

    /// Whether there is one to take.
    pub fn has(&self, key: K, now: Instant) -> bool {
        self.with(key, now, |bucket| bucket.left >= 1.0)
    }

    fn with<T>(&self, key: K, now: Instant, use_it: impl FnOnce(&mut Bucket) -> T) -> T {
        let Rate { per_s, burst } = self.rate;
        let mut buckets = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = |bucket: &Bucket| bucket.left + now.saturating_duration_since(bucket.at).as_secs_f64() * per_s;
        if buckets.len() >= KEYS_MAX && !buckets.contains_key(&key) {
            // A full bucket says no more than none.
            buckets.retain(|_, bucket| filled(bucket) < burst);
            if buckets.len() >= KEYS_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: burst, at: now });
        bucket.left = filled(bucket).min(burst);
        bucket.at = bucket.at.max(now);
        use_it(bucket)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let start = Instant::now();
        let buckets = Buckets::new(Rate { per_s: 2.0, burst: 3.0 });
        let taken = |at: Instant| (0..9).filter(|_| buckets.take("a", at)).count();
        assert_eq!(taken(start), 3);
        assert!(!buckets.has("a", start) && buckets.has("b", start));
        assert_eq!(taken(start + Duration::from_secs(1)), 2);
        assert_eq!(taken(start + Duration::from_secs(99)), 3, "never more than the reserve");
    }

    #[test]
    fn memory_is_bounded() {
        let now = Instant::now();
        let buckets = Buckets::new(Rate { per_s: 1.0, burst: 5.0 });
        for key in 0..KEYS_MAX * 2 + 7 {
            buckets.take(key, now);
        }
        assert!(buckets.state.lock().unwrap().len() <= KEYS_MAX);
    }
}
