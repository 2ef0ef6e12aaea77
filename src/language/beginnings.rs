//! Values by the beginnings of words and by pieces of text, told apart without comparing text where that can be helped.

use rustc_hash::FxHashMap;

/// Bytes behind the key that are compared at once.
const TAIL: usize = 8;
/// Bits of the filter of keys.
const FILTER_BITS: u32 = 13;

/// Values by beginnings of at least `KEY` bytes, 1 to 4, by which they are looked up.
#[derive(Debug, Clone)]
pub struct Beginnings<const KEY: usize, T> {
    by_key: FxHashMap<u32, Vec<Beginning<T>>>,
    /// A bit for each key, which others may share: most words have no key that is known.
    filter: Vec<u64>,
}

impl<const KEY: usize, T> Default for Beginnings<KEY, T> {
    fn default() -> Self {
        Self { by_key: FxHashMap::default(), filter: Vec::new() }
    }
}

#[derive(Debug, Clone)]
struct Beginning<T> {
    /// The bytes behind the key, the first of them lowest, and which of the eight there are.
    tail: u64,
    mask: u64,
    /// What is behind these.
    rest: Box<[u8]>,
    value: T,
}

impl<const KEY: usize, T: Copy> Beginnings<KEY, T> {
    /// Adds a beginning; `false` if it is too short.
    pub fn add(&mut self, beginning: &str, value: T) -> bool {
        self.add_bytes(beginning.as_bytes(), value)
    }

    fn add_bytes(&mut self, beginning: &[u8], value: T) -> bool {
        let Some((key, behind)) = split::<KEY>(beginning) else { return false };
        let length = behind.len().min(TAIL);
        let mask = if length == TAIL { u64::MAX } else { (1 << (8 * length)) - 1 };
        let rest = behind[length..].into();
        self.by_key.entry(key).or_default().push(Beginning { tail: tail(behind), mask, rest, value });
        self.filter.resize(1 << (FILTER_BITS - 6), 0);
        let (place, bit) = filter_bit(key);
        self.filter[place] |= bit;
        true
    }

    /// The values of all beginnings of a word, in the order they were added.
    #[inline]
    pub fn of<'a>(&'a self, word: &'a [u8]) -> impl Iterator<Item = T> + 'a {
        let known = split::<KEY>(word).filter(|(key, _)| {
            let (place, bit) = filter_bit(*key);
            self.filter.get(place).is_some_and(|bits| bits & bit != 0)
        });
        let listed = known.and_then(|(key, behind)| Some((self.by_key.get(&key)?, behind)));
        listed.into_iter().flat_map(|(listed, behind)| {
            let tail = tail(behind);
            let begins = move |beginning: &&Beginning<T>| {
                tail & beginning.mask == beginning.tail
                    && (beginning.rest.is_empty()
                        || behind.get(TAIL..).is_some_and(|behind| behind.starts_with(&beginning.rest)))
            };
            listed.iter().filter(begins).map(|beginning| beginning.value)
        })
    }
}

/// Values by pieces of text, found wherever they stand. Quicker than an automaton, whose table does not stay in the cache.
#[derive(Debug, Clone)]
pub struct Pieces<T> {
    long: Beginnings<3, T>,
    short: Beginnings<1, T>,
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self { long: Beginnings::default(), short: Beginnings::default() }
    }
}

impl<T: Copy> Pieces<T> {
    /// Adds a piece, which is not empty.
    pub fn add(&mut self, piece: &[u8], value: T) {
        if !self.long.add_bytes(piece, value) {
            self.short.add_bytes(piece, value);
        }
    }

    /// Calls `each` with the first byte and the value of every piece in a text, by where they begin.
    pub fn find(&self, text: &[u8], mut each: impl FnMut(usize, T)) {
        for at in 0..text.len() {
            let rest = &text[at..];
            self.long.of(rest).for_each(|value| each(at, value));
            if !self.short.by_key.is_empty() {
                self.short.of(rest).for_each(|value| each(at, value));
            }
        }
    }
}

/// The key of a word and the bytes behind it; nothing if it is too short.
fn split<const KEY: usize>(word: &[u8]) -> Option<(u32, &[u8])> {
    let (key, behind) = word.split_first_chunk::<KEY>()?;
    Some((key.iter().fold(0, |key, &byte| key << 8 | u32::from(byte)), behind))
}

/// The first eight bytes, 0 for those that are not there: no word has that one.
fn tail(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<TAIL>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes.iter().rev().fold(0, |tail, &byte| tail << 8 | u64::from(byte)),
    }
}

fn filter_bit(key: u32) -> (usize, u64) {
    let hash = key.wrapping_mul(0x9e37_79b1) >> (32 - FILTER_BITS);
    (hash as usize / 64, 1 << (hash % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_the_values_of_what_it_begins_with() {
        let mut beginnings: Beginnings<3, u32> = Beginnings::default();
        let stems = ["ver", "versi", "versicher", "versicherungs", "versicherungsver", "verz"];
        for (stem, value) in stems.into_iter().zip(0..) {
            assert!(beginnings.add(stem, value));
        }
        assert!(!beginnings.add("ve", 9));
        let of = |word: &'static str| beginnings.of(word.as_bytes()).collect::<Vec<_>>();
        assert_eq!(of("ver"), [0]);
        assert_eq!(of("versi"), [0, 1]);
        assert_eq!(of("versichern"), [0, 1, 2]);
        assert_eq!(of("versicherungsvertrag"), [0, 1, 2, 3, 4]);
        assert_eq!(of("versicherungs-ver"), [0, 1, 2, 3]);
        assert_eq!(of("ve"), Vec::<u32>::new());
        assert_eq!(of("xyz"), Vec::<u32>::new());
        let mut pieces = Pieces::default();
        for (piece, value) in ["an", "anna", "nna ", "€", "a"].into_iter().zip(0..) {
            pieces.add(piece.as_bytes(), value);
        }
        let mut found = Vec::new();
        pieces.find("anna €".as_bytes(), |at, value| found.push((at, value)));
        assert_eq!(found, [(0, 1), (0, 0), (0, 4), (1, 2), (3, 4), (5, 3)]);
        let none: Beginnings<4, u32> = Beginnings::default();
        assert_eq!(none.of(b"versi").count(), 0);
    }
}
