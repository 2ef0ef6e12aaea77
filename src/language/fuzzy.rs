//! Long distinctive words that were misheard by a letter: symmetric deletion, as in SymSpell (Garbe 2012), with the
//! distance verified afterwards.

use std::collections::HashMap;

/// Shorter words have too many neighbours in the language.
const LETTERS_MIN: usize = 8;

/// Words of the patterns by each of their spellings with one letter left out.
#[derive(Debug, Default)]
pub struct Fuzzy {
    words: Vec<(String, u32)>,
    stems: Vec<(String, u32)>,
    by_deletion: HashMap<String, Vec<u32>>,
    stems_by_deletion: HashMap<String, Vec<u32>>,
}

impl Fuzzy {
    /// A whole word to be recognised.
    pub fn add_word(&mut self, word: &str, atom: u32) {
        if is_eligible(word) {
            let number = self.words.len() as u32;
            self.words.push((word.to_owned(), atom));
            deletions(word, |key| self.by_deletion.entry(key.to_owned()).or_default().push(number));
        }
    }

    /// The beginning of words to be recognised.
    pub fn add_stem(&mut self, stem: &str, atom: u32) {
        if is_eligible(stem) {
            let number = self.stems.len() as u32;
            self.stems.push((stem.to_owned(), atom));
            deletions(stem, |key| self.stems_by_deletion.entry(key.to_owned()).or_default().push(number));
        }
    }

    /// The atom of a word one letter away, `None` unless there is one.
    pub fn find(&self, word: &str) -> Option<u32> {
        if !is_eligible(word) {
            return None;
        }
        self.nearest(word, &self.words, &self.by_deletion).or_else(|| {
            (LETTERS_MIN..=word.len().min(14))
                .find_map(|length| self.nearest(&word[..length], &self.stems, &self.stems_by_deletion))
        })
    }

    fn nearest(&self, word: &str, words: &[(String, u32)], index: &HashMap<String, Vec<u32>>) -> Option<u32> {
        let mut best = None;
        deletions(word, |key| {
            for &number in index.get(key).into_iter().flatten() {
                let (candidate, atom) = &words[number as usize];
                if best.is_none() && is_one_edit(word.as_bytes(), candidate.as_bytes()) {
                    best = Some(*atom);
                }
            }
        });
        best
    }
}

/// Lower case ASCII letters only, so that bytes are letters.
fn is_eligible(word: &str) -> bool {
    word.len() >= LETTERS_MIN && word.len() <= 24 && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// The word itself and the word with each letter left out in turn.
fn deletions(word: &str, mut each: impl FnMut(&str)) {
    each(word);
    let mut shorter = String::with_capacity(word.len());
    for index in 0..word.len() {
        shorter.clear();
        shorter.push_str(&word[..index]);
        shorter.push_str(&word[index + 1..]);
        each(&shorter);
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
