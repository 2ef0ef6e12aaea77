//! Text to hashed features, the same way in training and in use.
//!
//! Words, pairs of neighbouring words, characters inside words and across their borders (3 to 6) and counts of word-list
//! hits; presence only. Lower case, letters and digits only; umlauts read as `ae`, `oe`, `ue`, `ß` as `ss`, so that
//! normalised text gives much the same features as the original.

use super::super::beginnings::Beginnings;
use super::super::word_map::WordMap;
use super::tags::{REACH, TagLists, each, pair_hash, tag_features, tag_hash};

/// Shortest and longest run of characters taken from inside a word or across words, borders counted.
const CHARS: std::ops::RangeInclusive<usize> = 3..=6;
/// A list's hits are counted up to this many per text, words hit by any list up to [`MAX_WORDS_HIT`].
const MAX_HITS: u32 = 3;
const MAX_WORDS_HIT: u32 = 5;
/// A hit counts as this many features: it says more than a run of characters does.
const COPIES: u32 = 3;
/// Stems shorter than this many characters match at the start of a word only.
const INNER_STEM_CHARS: usize = 5;
/// Bytes by which the others are looked up.
const INNER_KEY: usize = 4;

const WORD: u32 = 1;
const PAIR: u32 = 2;
const INNER: u32 = 3;
const LISTED: u32 = 4;
const ACROSS: u32 = 5;
pub(super) const TAG: u32 = 6;
pub(super) const TAG_PAIR: u32 = 7;
pub(super) const TAG_FIRST: u32 = 8;
pub(super) const TAG_LAST: u32 = 9;

/// What is wrong with a word list, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordListError {
    #[error("word list, line {line}: `{stem}` stands before the first `[list]` header; give it one")]
    NoList { line: usize, stem: String },
    #[error("word list, line {line}: `{stem}` is no stem as docs/lines.md describes them")]
    BadStem { line: usize, stem: String },
    #[error("word list, line {line}: more than {most} lists; put some together")]
    TooManyLists { line: usize, most: usize },
}

/// Named lists of word stems; how many words of a text hit each list is a feature.
///
/// A list starts with a line `[name]`; stems follow, separated by blanks. `=word` matches the whole word, a stem of at
/// least five characters anywhere in a word, a shorter one at its start. `#` starts a comment.
#[derive(Debug, Clone, Default)]
pub struct WordLists {
    /// Whole words, each with its lists.
    whole: WordMap<Vec<u32>>,
    /// Lists by stems that stand at the start of a word.
    starts: Beginnings<1, u32>,
    /// Lists by stems that stand anywhere.
    inner: Beginnings<INNER_KEY, u32>,
    lists: usize,
}

impl WordLists {
    pub fn parse(text: &str) -> Result<Self, WordListError> {
        let mut all = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.starts_with('[') {
                all.lists += 1;
                continue;
            }
            for raw in line.split_whitespace() {
                let whole = raw.strip_prefix('=');
                let stem = fold(whole.unwrap_or(raw));
                if stem.is_empty() || !stem.chars().all(char::is_alphanumeric) {
                    return Err(WordListError::BadStem { line: number + 1, stem: raw.to_owned() });
                }
                if all.lists == 0 {
                    return Err(WordListError::NoList { line: number + 1, stem: raw.to_owned() });
                }
                let list = all.lists as u32 - 1;
                if whole.is_some() {
                    all.whole.get_or_insert_with(&stem, Vec::new).push(list);
                } else if raw.chars().count() < INNER_STEM_CHARS || !all.inner.add(&stem, list) {
                    all.starts.add(&stem, list);
                }
            }
        }
        Ok(all)
    }

    /// Hits per list, and last the number of words hit by any list.
    fn hits(&self, words: &Words) -> Vec<u32> {
        let mut hits = vec![0; self.lists + 1];
        for word in words.each() {
            let mut is_hit = false;
            let mut hit = |list: u32| {
                hits[list as usize] += 1;
                is_hit = true;
            };
            self.whole.get(word).into_iter().flatten().for_each(|list| hit(*list));
            let word = word.as_bytes();
            self.starts.of(word).for_each(&mut hit);
            (0..word.len()).for_each(|at| self.inner.of(&word[at..]).for_each(&mut hit));
            hits[self.lists] += u32::from(is_hit);
        }
        hits
    }
}

/// Distinct feature hashes of a text: runs of characters across words; then words, pairs, runs inside words and word
/// lists; then tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    all: Vec<u32>,
    /// Where the runs across words end.
    across: usize,
    /// Where the tags begin.
    tags: usize,
}

impl Features {
    /// Those of the general heads: all but the tags. Empty if the text has no letter or digit.
    pub fn general(&self) -> &[u32] {
        &self.all[..self.tags]
    }

    /// Those of the heads of the kinds: all but the runs across words.
    pub fn of_kinds(&self) -> &[u32] {
        &self.all[self.across..]
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// The features of a text, in no particular order but always the same.
pub fn features(text: &str, lists: &WordLists, tags: &TagLists) -> Features {
    let words = Words::of(text);
    let mut all = Vec::with_capacity(words.marked.len() * 10);
    let mut seen = Vec::new();
    across_runs(&words.marked, &mut all);
    let across = distinct(&mut all, 0, &mut seen);
    let plain = push_of_kinds(&words, lists, tags, &mut all, &mut seen);
    Features { all, across, tags: plain }
}

/// [`Features::of_kinds`] of a text, where nobody asks for the others.
pub fn features_of_kinds(text: &str, lists: &WordLists, tags: &TagLists) -> Vec<u32> {
    let words = Words::of(text);
    let mut all = Vec::with_capacity(words.marked.len() * 6);
    push_of_kinds(&words, lists, tags, &mut all, &mut Vec::new());
    all
}

/// Appends the features of the heads of the kinds; the place where the tags begin. `seen` is room to work in.
fn push_of_kinds(words: &Words, lists: &WordLists, tags: &TagLists, all: &mut Vec<u32>, seen: &mut Vec<u32>) -> usize {
    let from = all.len();
    within(words, lists, all);
    let plain = distinct(all, from, seen);
    let tagged: Vec<u128> = words.each().map(|word| tags.of(word)).collect();
    tag_features(&tagged, all);
    plain
}

/// Features that stand at certain words, each with the first and last of them: not the runs of characters across words,
/// the word lists and the marks of the first and last word. `words` are in lower case with umlauts spelt out.
pub fn placed(words: &[&str], tags: &TagLists) -> Vec<(u32, usize, usize)> {
    let tagged: Vec<u128> = words.iter().map(|word| tags.of(word)).collect();
    let mut counts: Vec<u8> = Vec::new();
    let mut out = Vec::new();
    let mut hashes = Vec::new();
    let mut marked = String::new();
    for (index, word) in words.iter().enumerate() {
        let hash = extend(start(WORD), word);
        out.push((finish(hash), index, index));
        if index > 0 {
            let previous = extend(start(WORD), words[index - 1]);
            out.push((finish(extend(extend(start(PAIR) ^ previous, " "), word)), index - 1, index));
        }
        hashes.clear();
        marked.clear();
        marked.extend([word, ">"]);
        inner_runs(&marked, &mut hashes);
        out.extend(hashes.iter().map(|&hash| (hash, index, index)));
        each(tagged[index], |tag| {
            counts.resize(counts.len().max(tag as usize + 1), 0);
            counts[tag as usize] = counts[tag as usize].saturating_add(1);
            out.push((tag_hash(tag, counts[tag as usize].min(15)), index, index));
            for (other, &near) in tagged.iter().enumerate().skip(index + 1).take(REACH) {
                each(near, |near| out.push((pair_hash(tag, near), index, other)));
            }
        });
    }
    out
}

/// Drops what is there twice from `from` on, keeping the order; the new length. `seen` is room to work in.
fn distinct(hashes: &mut Vec<u32>, from: usize, seen: &mut Vec<u32>) -> usize {
    // A table of what was seen, at most a quarter full; 0 marks a free place and is looked after apart.
    let mask = ((hashes.len() - from) * 4).next_power_of_two() - 1;
    seen.clear();
    seen.resize(mask + 1, 0);
    let mut seen_zero = false;
    let mut kept = from;
    for index in from..hashes.len() {
        let hash = hashes[index];
        let new = if hash == 0 {
            !std::mem::replace(&mut seen_zero, true)
        } else {
            let mut place = hash as usize & mask;
            while seen[place] != 0 && seen[place] != hash {
                place = (place + 1) & mask;
            }
            std::mem::replace(&mut seen[place], hash) == 0
        };
        if new {
            hashes[kept] = hash;
            kept += 1;
        }
    }
    hashes.truncate(kept);
    kept
}

/// Words, pairs, runs of characters inside words and word lists, some of them several times.
fn within(words: &Words, lists: &WordLists, out: &mut Vec<u32>) {
    let mut previous: Option<u32> = None;
    for (word, marked) in words.each().zip(words.each_marked()) {
        let hash = extend(start(WORD), word);
        out.push(finish(hash));
        if let Some(previous) = previous {
            out.push(finish(extend(extend(start(PAIR) ^ previous, " "), word)));
        }
        previous = Some(hash);
        inner_runs(marked, out);
    }
    if words.ends.is_empty() {
        return;
    }
    for (list, &count) in lists.hits(words).iter().enumerate() {
        let most = if list == lists.lists { MAX_WORDS_HIT } else { MAX_HITS };
        for nth in 0..count.min(most) * COPIES {
            out.push(finish(start(LISTED + 16 * nth + 1024 * list as u32)));
        }
    }
}

/// Runs of characters inside one word, given with a mark behind it; another mark stands before it.
fn inner_runs(word: &str, out: &mut Vec<u32>) {
    let marked = extend_byte(start(INNER), b'<');
    let (least, most) = (*CHARS.start(), *CHARS.end());
    if word.is_ascii() {
        let word = word.as_bytes();
        let mut run = |mut hash: u32, before: usize, bytes: &[u8]| {
            for (length, &byte) in bytes.iter().take(most - before).enumerate() {
                hash = extend_byte(hash, byte);
                if before + length + 1 >= least {
                    out.push(finish(hash));
                }
            }
        };
        run(marked, 1, word);
        // The last two begin no run.
        (0..(word.len() + 1).saturating_sub(least)).for_each(|from| run(start(INNER), 0, &word[from..]));
        return;
    }
    let mut run = |mut hash: u32, before: usize, characters: &str| {
        let mut buffer = [0; 4];
        for (length, character) in characters.chars().take(most - before).enumerate() {
            hash = extend(hash, character.encode_utf8(&mut buffer));
            if before + length + 1 >= least {
                out.push(finish(hash));
            }
        }
    };
    run(marked, 1, word);
    word.char_indices().for_each(|(from, _)| run(start(INNER), 0, &word[from..]));
}

/// Runs of characters with a word border inside them, from `word>word>…`: both marks of a border are one character.
fn across_runs(words: &str, out: &mut Vec<u32>) {
    if words.is_ascii() {
        let words = words.as_bytes();
        let mut border = 0;
        for from in 0..words.len() {
            while border < words.len() && (border <= from || words[border] != b'>') {
                border += 1;
            }
            let run = &words[from..words.len().min(from + *CHARS.end())];
            if border + 1 >= from + run.len() {
                continue;
            }
            let mut hash = start(ACROSS);
            for (index, &byte) in run.iter().enumerate() {
                hash = extend_byte(hash, byte);
                if from + index > border {
                    out.push(finish(hash));
                }
            }
        }
        return;
    }
    for (from, _) in words.char_indices() {
        let (mut hash, mut crossed) = (start(ACROSS), false);
        let mut buffer = [0; 4];
        for (index, character) in words[from..].chars().take(*CHARS.end()).enumerate() {
            hash = extend(hash, character.encode_utf8(&mut buffer));
            if crossed {
                out.push(finish(hash));
            }
            crossed |= character == '>' && index > 0;
        }
    }
}

/// The words of a text in lower case.
struct Words {
    /// `word>word>…`
    marked: String,
    /// By word, the place of its mark.
    ends: Vec<u32>,
}

impl Words {
    fn of(text: &str) -> Self {
        let mut marked = String::with_capacity(text.len() + text.len() / 8 + 2);
        let mut ends = Vec::with_capacity(text.len() / 4 + 1);
        let mut inside = false;
        // The blank ends the last word.
        for character in text.chars().chain([' ']) {
            if character.is_alphanumeric() {
                push_folded(character, &mut marked);
                inside = true;
            } else if inside {
                ends.push(marked.len() as u32);
                marked.push('>');
                inside = false;
            }
        }
        Self { marked, ends }
    }

    fn each(&self) -> impl Iterator<Item = &str> {
        self.each_marked().map(|word| &word[..word.len() - 1])
    }

    /// Each with the mark behind it.
    fn each_marked(&self) -> impl Iterator<Item = &str> {
        let mut from = 0;
        self.ends.iter().map(move |&end| {
            let word = &self.marked[from..=end as usize];
            from = end as usize + 1;
            word
        })
    }
}

pub(super) fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    word.chars().for_each(|character| push_folded(character, &mut out));
    out
}

fn push_folded(character: char, out: &mut String) {
    match character {
        'a'..='z' | '0'..='9' => out.push(character),
        'A'..='Z' => out.push(character.to_ascii_lowercase()),
        'ä' | 'Ä' => out.push_str("ae"),
        'ö' | 'Ö' => out.push_str("oe"),
        'ü' | 'Ü' => out.push_str("ue"),
        'ß' | 'ẞ' => out.push_str("ss"),
        _ => out.extend(character.to_lowercase()),
    }
}

/// FNV-1a, <http://www.isthe.com/chongo/tech/comp/fnv/>, one start per kind of feature.
pub(super) fn start(kind: u32) -> u32 {
    0x811c_9dc5 ^ kind.wrapping_mul(0x9e37_79b1)
}

fn extend(hash: u32, text: &str) -> u32 {
    text.bytes().fold(hash, extend_byte)
}

fn extend_byte(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// Spreads the hash over all bits, so that any number of low bits can be taken.
pub(super) fn finish(mut hash: u32) -> u32 {
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(0x2c1b_3c6d);
    hash ^= hash >> 12;
    hash = hash.wrapping_mul(0x297a_2d39);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(text: &str) -> WordLists {
        WordLists::parse(text).unwrap()
    }

    #[test]
    fn case_punctuation_and_spelt_out_umlauts_make_no_difference() {
        let none = lists("");
        let tags = TagLists::default();
        let found = |text| features(text, &none, &tags);
        assert_eq!(found("Große STRASSE, schön!"), found("grosse straße schoen"));
        assert_ne!(found("ja nein"), found("nein ja"));
    }

    #[test]
    fn features_of_the_kinds_are_the_same_alone() {
        let (lists, tags) = (lists("[a]\nkuh tasse"), TagLists::parse("[one]\n=kuh ^tass").unwrap());
        for text in ["Die Kuh, die Kuh und Tassen", "ja", "é œuvre"] {
            assert_eq!(features_of_kinds(text, &lists, &tags), features(text, &lists, &tags).of_kinds(), "{text}");
        }
    }

    #[test]
    fn a_text_without_letters_has_no_features() {
        let all = lists("[a]\nabc");
        for text in ["", "  ", "!?…", "👍🏽🎉"] {
            assert_eq!(features(text, &all, &TagLists::default()), Features::default(), "{text:?}");
        }
    }

    #[test]
    fn stems_match_whole_words_starts_and_insides_as_written() {
        let words = lists("[one]\n=kuh ratte # comment\n[two]\nmist");
        assert_eq!(words.hits(&Words::of("kuh kuhstall")), [1, 0, 1]);
        assert_eq!(words.hits(&Words::of("wanderratten ratten")), [2, 0, 2]);
        assert_eq!(words.hits(&Words::of("mistding optimist")), [0, 1, 1]);
    }

    #[test]
    fn a_bad_word_list_names_the_line() {
        assert!(matches!(WordLists::parse("abc"), Err(WordListError::NoList { line: 1, .. })));
        assert!(matches!(WordLists::parse("[a]\nx y-z"), Err(WordListError::BadStem { line: 2, .. })));
    }
}
