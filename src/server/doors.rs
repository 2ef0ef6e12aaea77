//! How often and how many from one address, before anybody has shown a token.
//!
//! Each address has a bucket that fills with time. The table is bounded: when it is full of addresses that do nothing
//! wrong, those that have been quiet longest are forgotten.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Keys remembered at most.
const KEYS_MAX: usize = 16_384;

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

/// Open connections per address.
#[derive(Debug)]
pub struct Doors {
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One open connection; leaving is dropping it.
#[derive(Debug)]
pub struct Inside {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Doors {
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// Lets one in; `None` if that address has enough.
    pub fn enter(&self, address: IpAddr) -> Option<Inside> {
        let address = network(address);
        let mut open = lock(&self.open);
        let count = open.entry(address).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Inside { open: Arc::clone(&self.open), address })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

fn lock(open: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What counts as one address: of IPv6 the first 64 bits, which one subscriber has to himself (RFC 6177).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
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

    #[test]
    fn an_address_has_so_many_connections() {
        let doors = Doors::new(2);
        let (v4, v6) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([1, 2, 3, 4, 5, 6, 7, 8]));
        let first = doors.enter(v4).unwrap();
        let _second = doors.enter(v4).unwrap();
        assert!(doors.enter(v4).is_none());
        assert!(doors.enter("::ffff:10.0.0.1".parse().unwrap()).is_none(), "the same in another dress");
        drop(first);
        assert!(doors.enter(v4).is_some());
        let _a = doors.enter(v6).unwrap();
        let _b = doors.enter(IpAddr::from([1, 2, 3, 4, 9, 9, 9, 9])).unwrap();
        assert!(doors.enter(v6).is_none(), "one subscriber, many addresses");
        assert_eq!(lock(&doors.open).len(), 2);
    }
}
