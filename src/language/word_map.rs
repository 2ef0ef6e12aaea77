//! Values by words. Nearly all words fit into sixteen bytes, which are hashed and compared as one number.

use rustc_hash::FxHashMap;

/// Values by words without a NUL byte.
#[derive(Debug, Clone)]
pub struct WordMap<T> {
    short: FxHashMap<u128, T>,
    long: FxHashMap<Box<str>, T>,
}

impl<T> Default for WordMap<T> {
    fn default() -> Self {
        Self { short: FxHashMap::default(), long: FxHashMap::default() }
    }
}

impl<T> WordMap<T> {
    pub fn get(&self, word: &str) -> Option<&T> {
        match packed(word) {
            Some(packed) => self.short.get(&packed),
            None => self.long.get(word),
        }
    }

    /// The value of a word, made by `new` if there is none.
    pub fn get_or_insert_with(&mut self, word: &str, new: impl FnOnce() -> T) -> &mut T {
        match packed(word) {
            Some(packed) => self.short.entry(packed).or_insert_with(new),
            None => self.long.entry(word.into()).or_insert_with(new),
        }
    }

    /// Gives back what was taken for words that never came.
    pub fn shrink_to_fit(&mut self) {
        self.short.shrink_to_fit();
        self.long.shrink_to_fit();
    }
}

/// The bytes of a word of at most 16 bytes as a number; words of different length differ, since no word has NUL bytes.
fn packed(word: &str) -> Option<u128> {
    let bytes = word.as_bytes();
    // Two overlapping halves, as no byte then needs a step of its own.
    let number = |chunk: [u8; 8]| u128::from(u64::from_le_bytes(chunk));
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) if bytes.len() <= 16 => {
            let behind = number(*last) >> (8 * (16 - bytes.len()));
            Some(number(*first) | behind << 64)
        }
        (None, _) => Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u128::from(byte))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_length_are_told_apart() {
        let mut map = WordMap::default();
        let long = "donaudampfschifffahrt";
        for length in 0..=long.len() {
            assert_eq!(map.get(&long[..length]), None);
            *map.get_or_insert_with(&long[..length], || length) += 100;
        }
        for length in 0..=long.len() {
            assert_eq!(map.get(&long[..length]), Some(&(length + 100)));
        }
        for other in ["donaudampfschifg", "eonaudam", "donaudamp.", "o"] {
            assert_eq!(map.get(other), None, "{other}");
        }
        assert_eq!(packed("abc"), Some(u128::from(u32::from_le_bytes(*b"abc\0"))));
        assert_eq!(packed("abcdefghij"), Some(u128::from_le_bytes(*b"abcdefghij\0\0\0\0\0\0")));
        assert_eq!(packed("abcdefghijklmnop"), Some(u128::from_le_bytes(*b"abcdefghijklmnop")));
        assert_eq!(packed("abcdefghijklmnopq"), None);
    }
}
