//! Classes of words, and which stand near which: what lets a small model read constructions instead of single words.
//!
//! A word has any number of tags. Features are the tags of the first and last word, how often each tag occurs (to 3), and
//! every ordered pair of tags of words at most four apart.

use super::super::beginnings::Beginnings;
use super::super::word_map::WordMap;
use super::features::{TAG, TAG_FIRST, TAG_LAST, TAG_PAIR, WordListError, finish, fold, start};

/// Tags are 0 to 127, so that those of a word fit a set of bits.
const TAGS_MAX: usize = 128;
/// How often a tag occurs is counted up to this.
const COUNT_MAX: u8 = 3;
/// Words between two that make a pair, the later one counted.
pub const REACH: usize = 4;
/// Bytes of a beginning by which it is looked up.
const KEY: usize = 4;

/// Lists of who speaks and who is spoken to.
const PERSONS: [&str; 3] = ["[me]", "[us]", "[you]"];

/// Named lists of words. A line `[name]` starts a list; `=word` is a whole word, `^stem` the beginning of one, of at least
/// four characters. `#` starts a comment.
#[derive(Debug, Clone, Default)]
pub struct TagLists {
    words: WordMap<u128>,
    beginnings: Beginnings<KEY, u128>,
    tags: usize,
    /// The lists of [`PERSONS`], as bits.
    persons: u128,
}

impl TagLists {
    pub fn parse(text: &str) -> Result<Self, WordListError> {
        let mut lists = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.starts_with('[') {
                lists.tags += 1;
                if lists.tags > TAGS_MAX {
                    return Err(WordListError::TooManyLists { line: number + 1, most: TAGS_MAX });
                }
                lists.persons |= u128::from(PERSONS.contains(&line)) << (lists.tags - 1);
                continue;
            }
            for raw in line.split_whitespace() {
                let bad = || WordListError::BadStem { line: number + 1, stem: raw.to_owned() };
                if lists.tags == 0 {
                    return Err(WordListError::NoList { line: number + 1, stem: raw.to_owned() });
                }
                let tag = 1u128 << (lists.tags - 1);
                let (whole, stem) = match (raw.strip_prefix('='), raw.strip_prefix('^')) {
                    (Some(word), _) => (true, fold(word)),
                    (_, Some(stem)) => (false, fold(stem)),
                    _ => return Err(bad()),
                };
                if stem.is_empty() || !stem.chars().all(char::is_alphanumeric) {
                    return Err(bad());
                }
                if whole {
                    *lists.words.get_or_insert_with(&stem, || 0) |= tag;
                } else if !lists.beginnings.add(&stem, tag) {
                    return Err(bad());
                }
            }
        }
        Ok(lists)
    }

    /// Whether a word in lower case with umlauts spelt out names who speaks or who is spoken to.
    pub fn is_person(&self, word: &str) -> bool {
        self.of(word) & self.persons != 0
    }

    /// Tags of a word in lower case with umlauts spelt out, as bits.
    pub fn of(&self, word: &str) -> u128 {
        let whole = self.words.get(word).copied().unwrap_or(0);
        self.beginnings.of(word.as_bytes()).fold(whole, |tags, tag| tags | tag)
    }
}

/// Appends the distinct tag features of words given by their tags.
pub fn tag_features(words: &[u128], out: &mut Vec<u32>) {
    let (Some(&first), Some(&last)) = (words.first(), words.last()) else { return };
    each(first, |tag| out.push(finish(start(TAG_FIRST + 1024 * tag))));
    each(last, |tag| out.push(finish(start(TAG_LAST + 1024 * tag))));
    let mut counts = [0u8; TAGS_MAX];
    let mut pairs = [0u128; TAGS_MAX];
    for (index, &tags) in words.iter().enumerate() {
        let near = words[index + 1..].iter().take(REACH).fold(0, |all, tags| all | tags);
        each(tags, |tag| {
            let (count, seen) = (&mut counts[tag as usize], &mut pairs[tag as usize]);
            if *count < COUNT_MAX {
                *count += 1;
                out.push(tag_hash(tag, *count));
            }
            let new = near & !*seen;
            *seen |= new;
            each(new, |other| out.push(pair_hash(tag, other)));
        });
    }
}

/// The feature of the `nth` occurrence of a tag, from 1.
pub fn tag_hash(tag: u32, nth: u8) -> u32 {
    finish(start(TAG + 16 * u32::from(nth) + 1024 * tag))
}

/// The feature of one tag before another.
pub fn pair_hash(tag: u32, other: u32) -> u32 {
    finish(start(TAG_PAIR + 16 * other + 16_384 * tag))
}

/// Calls `what` with every tag of a set.
pub fn each(mut tags: u128, mut what: impl FnMut(u32)) {
    while tags != 0 {
        what(tags.trailing_zeros());
        tags &= tags - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_beginnings_have_the_tags_of_their_lists() {
        let lists = TagLists::parse("[one]\n=kuh ^kündig\n[two] # other\n=kuh =müde").unwrap();
        assert_eq!(lists.of("kuh"), 0b11);
        assert_eq!(lists.of("kuendigung"), 0b01);
        assert_eq!(lists.of("muede"), 0b10);
        assert_eq!(lists.of("kuhstall"), 0);
        assert_eq!(lists.of(""), 0);
    }

    #[test]
    fn features_are_distinct_and_tell_the_order() {
        let features = |words: &[u128]| {
            let mut out = Vec::new();
            tag_features(words, &mut out);
            let all = out.len();
            out.sort_unstable();
            out.dedup();
            assert_eq!(out.len(), all);
            out
        };
        assert_ne!(features(&[1, 0, 2]), features(&[2, 0, 1]));
        assert_eq!(features(&[0, 0]), Vec::<u32>::new());
        assert_eq!(features(&[]), Vec::<u32>::new());
        let far = features(&[1, 0, 0, 0, 0, 2]);
        assert!(!far.contains(&pair_hash(0, 1)) && features(&[1, 0, 0, 0, 2]).contains(&pair_hash(0, 1)));
        features(&[u128::MAX; 30]);
    }

    #[test]
    fn a_bad_list_names_the_line() {
        assert!(matches!(TagLists::parse("=abc"), Err(WordListError::NoList { line: 1, .. })));
        assert!(matches!(TagLists::parse("[a]\n=x y"), Err(WordListError::BadStem { line: 2, .. })));
        assert!(matches!(TagLists::parse("[a]\n\n^abc"), Err(WordListError::BadStem { line: 3, .. })));
        let many = "[a]\n".repeat(129);
        assert!(matches!(TagLists::parse(&many), Err(WordListError::TooManyLists { line: 129, .. })));
    }
}
