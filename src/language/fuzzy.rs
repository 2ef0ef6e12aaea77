//! Long distinctive words that were misheard by a letter: symmetric deletion, as in SymSpell (Garbe 2012), with the
//! distance verified afterwards.

use rustc_hash::FxHashMap;

/// Shorter words have too many neighbours in the language.
const LETTERS_MIN: usize = 8;
/// Longer ones are hardly words.
const LETTERS_MAX: usize = 24;
/// Longest beginning of a word that is compared with the stems.
const STEM_MAX: usize = 14;

/// Words of the patterns by each of their spellings with one letter left out.
#[derive(Debug, Default)]
pub struct Fuzzy {
    words: Neighbours,
    stems: Neighbours,
}

impl Fuzzy {
    /// A whole word to be recognised.
    pub fn add_word(&mut self, word: &str, atom: u32) {
        self.words.add(word, atom);
    }

    /// The beginning of words to be recognised.
    pub fn add_stem(&mut self, stem: &str, atom: u32) {
        self.stems.add(stem, atom);
    }

    /// Gives back the room to grow.
    pub fn shrink_to_fit(&mut self) {
        for Neighbours { words, last, entries } in [&mut self.words, &mut self.stems] {
            words.shrink_to_fit();
            last.shrink_to_fit();
            entries.shrink_to_fit();
        }
    }

    /// The atom of a word one letter away, `None` unless there is one.
    pub fn find(&self, word: &str) -> Option<u32> {
        let hashes = Hashes::of(word)?;
        self.words.nearest(word, &hashes).or_else(|| {
            (LETTERS_MIN..=word.len().min(STEM_MAX)).find_map(|length| self.stems.nearest(&word[..length], &hashes))
        })
    }
}

/// Words found by the hashes of their spellings with one letter left out. Words that share a hash by chance are told
/// apart by their letters.
#[derive(Debug, Default)]
struct Neighbours {
    words: Vec<(String, u32)>,
    /// By the upper half of a hash, the last of the entries with it.
    last: FxHashMap<u32, u32>,
    /// Number of a word, and the entry before with the same hash or [`NO_ENTRY`].
    entries: Vec<(u32, u32)>,
}

const NO_ENTRY: u32 = u32::MAX;

impl Neighbours {
    fn add(&mut self, word: &str, atom: u32) {
        let Some(hashes) = Hashes::of(word) else { return };
        let number = self.words.len() as u32;
        self.words.push((word.to_owned(), atom));
        for hash in hashes.deletions(word.len()) {
            let entry = self.entries.len() as u32;
            let before = self.last.insert(upper(hash), entry);
            self.entries.push((number, before.unwrap_or(NO_ENTRY)));
        }
    }

    /// The atom of the first word added that is one letter away. `hashes` are those of a word that begins with `word`.
    fn nearest(&self, word: &str, hashes: &Hashes) -> Option<u32> {
        hashes.deletions(word.len()).find_map(|hash| {
            let mut next = self.last.get(&upper(hash)).copied().unwrap_or(NO_ENTRY);
            let mut first = None;
            while let Some(&(number, before)) = self.entries.get(next as usize) {
                if is_one_edit(word.as_bytes(), self.words[number as usize].0.as_bytes()) {
                    first = Some(number);
                }
                next = before;
            }
            first.map(|number| self.words[number as usize].1)
        })
    }
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Polynomial hashes of all beginnings of a word, from which the hash of a beginning without one of its letters follows
/// in one step.
struct Hashes {
    beginnings: [u64; LETTERS_MAX + 1],
}

/// Any odd number with many bits.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Powers of [`BASE`] from the 0th on.
const POWERS: [u64; LETTERS_MAX] = {
    let mut powers = [1; LETTERS_MAX];
    let mut index = 1;
    while index < LETTERS_MAX {
        powers[index] = BASE.wrapping_mul(powers[index - 1]);
        index += 1;
    }
    powers
};

impl Hashes {
    /// Of a word of 8 to 24 lower case ASCII letters, so that bytes are letters; `None` of any other.
    fn of(word: &str) -> Option<Self> {
        let eligible =
            (LETTERS_MIN..=LETTERS_MAX).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if !eligible {
            return None;
        }
        let mut beginnings = [0u64; LETTERS_MAX + 1];
        for (index, byte) in word.bytes().enumerate() {
            beginnings[index + 1] = beginnings[index].wrapping_mul(BASE).wrapping_add(u64::from(byte));
        }
        Some(Self { beginnings })
    }

    /// Hash of the first `length` letters, then of these with each letter left out in turn.
    fn deletions(&self, length: usize) -> impl Iterator<Item = u64> {
        let whole = self.beginnings[length];
        let without = (0..length).map(move |index| {
            let change = self.beginnings[index].wrapping_sub(self.beginnings[index + 1]);
            whole.wrapping_add(change.wrapping_mul(POWERS[length - 1 - index]))
        });
        std::iter::once(whole).chain(without)
    }
}

/// One letter inserted, left out, replaced, or two neighbours swapped. The first letter is always heard right, and an
/// ending is grammar rather than error, so neither may differ.
fn is_one_edit(a: &[u8], b: &[u8]) -> bool {
    if a.first() != b.first() || a.last() != b.last() {
        return false;
    }
    let prefix = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[prefix..], &b[prefix..]);
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - suffix], &b[..b.len() - suffix]);
    match (a.len(), b.len()) {
        (0, 1) | (1, 0) | (1, 1) => true,
        (2, 2) => a[0] == b[1] && a[1] == b[0],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_in_a_long_word_is_forgiven() {
        let mut fuzzy = Fuzzy::default();
        fuzzy.add_word("anwaltskanzlei", 7);
        fuzzy.add_stem("unverschaemt", 9);
        assert_eq!(fuzzy.find("anwaltskanslei"), Some(7));
        assert_eq!(fuzzy.find("anwaltkanzlei"), Some(7));
        assert_eq!(fuzzy.find("unverschemtheit"), Some(9));
        assert_eq!(fuzzy.find("unferschaemtheit"), Some(9));
        assert_eq!(fuzzy.find("kanzlei"), None);
        assert_eq!(fuzzy.find("anwendungskanal"), None);
    }
}
