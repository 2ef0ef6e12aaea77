//! Compiled patterns and the search for them.
//!
//! Words become atoms in one pass. The atoms that a sentence has select the patterns that may match in it: a pattern is
//! tried only where one of the atoms of its rarest part stands, and only if the sentence holds a word for each of its
//! other parts. What is left, a few of some thousands, is verified by a small backtracking `machine` with a bounded
//! number of steps.

mod compile;
mod machine;

pub use self::compile::Builder;
use self::machine::{Attempt, Branch, Instr, Sets};
use super::beginnings::{Beginnings, Pieces};
use super::fuzzy::Fuzzy;
use super::normalize::{Normalized, Token};
use super::word_map::WordMap;

/// Most words between the first word of a match and its anchor, whatever the pattern allows.
const BACK_MAX: usize = 30;

/// Bytes by which beginnings of words are looked up; shorter ones are looked for with `wild`.
const BEGINNING: usize = 3;

const ATOM_NUMBER: u32 = 0;
const ATOM_ORDINAL: u32 = 1;
const ATOM_CAPS: u32 = 2;
/// Atoms of words and their parts are numbered from here on.
const ATOM_WORD: u32 = 3;
/// The part that every sentence has.
const PART_NONE: u32 = 0;
/// No atom.
const NONE: u32 = u32::MAX;

/// A stretch of words that matched: `first..end`, and which of its first 64 words the pattern named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub first: usize,
    pub end: usize,
    pub named: u64,
}

/// All patterns of one language.
#[derive(Debug)]
pub struct Matcher {
    words: WordMap<WordAtoms>,
    /// Atoms by the beginnings of words.
    beginnings: Beginnings<BEGINNING, u32>,
    wild: Pieces<Wild>,
    fuzzy: Fuzzy,
    sets: Sets,
    code: Vec<Instr>,
    branches: Vec<Branch>,
    programs: Vec<Program>,
    /// By atom and group, the programs it anchors, by the rarest of their other parts.
    by_anchor: Lists<Anchored>,
    /// Groups are numbered below this.
    groups: u32,
    /// By atom, the groups of the programs it anchors, as bits: most atoms anchor none of those that are looked for.
    anchors_in: Vec<u8>,
    /// By atom, the parts it is a word of: the place of 64 of them in a set, and their bits.
    parts_of: Lists<(u32, u64)>,
    /// By program, its parts besides the anchor.
    parts_needed: Lists<u32>,
    /// Parts are numbered below this.
    parts: usize,
}

/// An atom of words that hold a piece of text.
#[derive(Debug, Clone, Copy)]
struct Wild {
    atom: u32,
    /// The piece without its blanks.
    bytes: u32,
    /// The piece begins with the blank before a word.
    after_blank: bool,
}

/// The atoms of a spelling: of the word itself, and of the word with the `e` that speech clips ("such", "zeig").
#[derive(Debug, Clone, Copy)]
struct WordAtoms {
    word: u32,
    unclipped: u32,
}

#[derive(Debug, Clone, Copy)]
struct Program {
    /// Where its code begins.
    start: u32,
    /// The set of words it can begin with, [`NONE`] if it can begin with any.
    leading: u32,
    /// The bits of the atoms of that set; all of them if it can begin with any word.
    signature: u64,
    /// Most words of a match before its anchor.
    back: u32,
}

/// A program that an atom anchors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Anchored {
    /// The rarest of its other parts.
    rarest: u32,
    program: u32,
    /// How many behind it share this part.
    same: u32,
}

/// Lists by number, in one piece.
#[derive(Debug)]
struct Lists<T> {
    offsets: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy + Ord> Lists<T> {
    /// From pairs of key and item; keys are below `keys`.
    fn new(keys: usize, mut pairs: Vec<(u32, T)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let mut offsets = vec![0; keys + 1];
        pairs.iter().for_each(|&(key, _)| offsets[key as usize + 1] += 1);
        (0..keys).for_each(|key| offsets[key + 1] += offsets[key]);
        Self { offsets, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    fn of_mut(&mut self, key: u32) -> &mut [T] {
        &mut self.items[self.offsets[key as usize] as usize..self.offsets[key as usize + 1] as usize]
    }

    fn of(&self, key: u32) -> &[T] {
        &self.items[self.offsets[key as usize] as usize..self.offsets[key as usize + 1] as usize]
    }
}

/// A text with the atoms of each of its words.
#[derive(Debug)]
pub struct Reading<'a> {
    pub text: &'a Normalized,
    /// Pairs of word and atom, ascending.
    atoms: Vec<(u32, u32)>,
    words: Vec<WordPlace>,
    /// The parts of each sentence: as many sets of 64 as [`Matcher`] has.
    parts: Vec<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct WordPlace {
    /// Where its atoms stand in [`Reading::atoms`].
    atoms: (u32, u32),
    /// The bits of its atoms, see [`machine::signature`].
    signature: u64,
    /// The first word of its sentence and the first word behind it.
    sentence: (u32, u32),
}

impl<'a> Reading<'a> {
    fn new(text: &'a Normalized, atoms: Vec<(u32, u32)>) -> Self {
        let tokens = &text.tokens;
        let mut words = vec![WordPlace::default(); tokens.len()];
        let mut next = 0;
        let mut first = 0;
        for index in 0..tokens.len() {
            let place = &mut words[index];
            place.atoms.0 = next as u32;
            while next < atoms.len() && atoms[next].0 as usize == index {
                place.signature |= machine::signature(atoms[next].1);
                next += 1;
            }
            place.atoms.1 = next as u32;
            if index + 1 == tokens.len() || tokens[index + 1].sentence != tokens[index].sentence {
                let sentence = (first as u32, index as u32 + 1);
                words[first..=index].iter_mut().for_each(|place| place.sentence = sentence);
                first = index + 1;
            }
        }
        Self { text, atoms, words, parts: Vec::new() }
    }

    /// The first word of each sentence.
    fn sentences(&self) -> impl Iterator<Item = usize> {
        let next = |first: &usize| Some(self.sentence(*first).end).filter(|next| *next < self.words.len());
        std::iter::successors((!self.words.is_empty()).then_some(0), next)
    }

    fn atoms(&self, word: usize) -> &[(u32, u32)] {
        let (from, to) = self.words[word].atoms;
        &self.atoms[from as usize..to as usize]
    }

    /// The atoms of a run of words.
    fn atoms_of(&self, words: std::ops::Range<usize>) -> &[(u32, u32)] {
        match words.is_empty() {
            true => &[],
            false => &self.atoms[self.words[words.start].atoms.0 as usize..self.words[words.end - 1].atoms.1 as usize],
        }
    }

    /// The words of the sentence that `word` belongs to.
    pub fn sentence(&self, word: usize) -> std::ops::Range<usize> {
        let (first, end) = self.words[word].sentence;
        first as usize..end as usize
    }
}

/// The programs that may match in a text and the words that anchor them, by sentence and program.
#[derive(Debug)]
pub struct Candidates<'a> {
    matcher: &'a Matcher,
    reading: &'a Reading<'a>,
    /// Sentence, program, word.
    anchored: Vec<(u32, u32, u32)>,
}

impl Candidates<'_> {
    /// Calls `each` with the number of every pattern that matches, and where: by sentence, then by number, then in the
    /// order of the text. No two matches of a pattern overlap.
    pub fn search(&self, mut each: impl FnMut(u32, Found)) {
        for group in self.anchored.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let number = group[0].1;
            let program = self.matcher.programs[number as usize];
            let sentence = self.reading.sentence(group[0].2 as usize);
            let mut tried = sentence.start;
            for &(.., word) in group {
                let word = word as usize;
                let mut first = tried.max(word.saturating_sub(program.back as usize));
                while first <= word {
                    let found = self.matcher.match_at(program, self.reading, first);
                    first += 1;
                    if let Some(found) = found {
                        first = first.max(found.end);
                        each(number, found);
                    }
                }
                tried = tried.max(first);
            }
        }
    }
}

impl Matcher {
    /// Finds the atoms of each word.
    pub fn read<'a>(&self, text: &'a Normalized) -> Reading<'a> {
        let mut atoms: Vec<(u32, u32)> = Vec::with_capacity(text.tokens.len() * 3);
        for (index, token) in text.tokens.iter().enumerate() {
            let index = index as u32;
            let word = text.word(index as usize);
            if let Some(known) = self.words.get(word) {
                atoms.extend([known.word, known.unclipped].iter().filter(|&&a| a != NONE).map(|&a| (index, a)));
            }
            atoms.extend(self.beginnings.of(word.as_bytes()).map(|atom| (index, atom)));
            let marks = [(token.number, ATOM_NUMBER), (token.ordinal, ATOM_ORDINAL), (token.caps, ATOM_CAPS)];
            atoms.extend(marks.into_iter().filter(|(has, _)| *has).map(|(_, atom)| (index, atom)));
        }
        self.read_wild(text, &mut atoms);
        atoms.sort_unstable();
        self.read_misheard(text, &mut atoms);
        let mut reading = Reading::new(text, atoms);
        reading.parts = self.parts_of_sentences(&reading);
        reading
    }

    fn parts_of_sentences(&self, reading: &Reading) -> Vec<u64> {
        let width = self.parts.div_ceil(64);
        let mut parts = vec![0; reading.sentences().count() * width];
        for (first, parts) in reading.sentences().zip(parts.chunks_mut(width)) {
            parts[0] |= 1 << PART_NONE;
            for &(_, atom) in reading.atoms_of(reading.sentence(first)) {
                for &(place, bits) in self.parts_of.of(atom) {
                    parts[place as usize] |= bits;
                }
            }
        }
        parts
    }

    fn read_wild(&self, text: &Normalized, atoms: &mut Vec<(u32, u32)>) {
        let mut word = 0;
        self.wild.find(text.padded.as_bytes(), |at, Wild { atom, bytes, after_blank }| {
            let from = at as u32 + u32::from(after_blank);
            while word < text.tokens.len() && text.tokens[word].to <= from {
                word += 1;
            }
            let inside = |token: &Token| token.from <= from && from + bytes <= token.to;
            if text.tokens.get(word).is_some_and(inside) {
                atoms.push((word as u32, atom));
            }
        });
    }

    /// Long words that no pattern knows are compared with those that differ by a letter.
    fn read_misheard(&self, text: &Normalized, atoms: &mut Vec<(u32, u32)>) {
        let known = atoms.len();
        let mut next = 0;
        for index in 0..text.tokens.len() {
            let mut is_known = false;
            while next < known && atoms[next].0 as usize <= index {
                is_known |= atoms[next].1 != ATOM_CAPS;
                next += 1;
            }
            if is_known {
                continue;
            }
            if let Some(atom) = self.fuzzy.find(text.word(index)) {
                atoms.push((index as u32, atom));
            }
        }
        if atoms.len() > known {
            atoms.sort_unstable();
        }
    }

    /// The `wanted` patterns of some groups of which every part has a word in the sentence, in whatever order.
    pub fn candidates<'a>(
        &'a self,
        reading: &'a Reading<'a>,
        groups: &[u32],
        wanted: impl Fn(u32) -> bool,
    ) -> Candidates<'a> {
        let mut anchored = Vec::with_capacity(reading.atoms.len());
        for (first, parts) in reading.sentences().zip(reading.parts.chunks(self.parts.div_ceil(64))) {
            let seen = |part: u32| parts[part as usize / 64] >> (part % 64) & 1 == 1;
            let from = anchored.len();
            for &(word, atom) in reading.atoms_of(reading.sentence(first)) {
                let anchors_in = self.anchors_in[atom as usize];
                for group in groups.iter().filter(|group| anchors_in >> **group & 1 == 1) {
                    let mut rest = self.by_anchor.of(atom * self.groups + group);
                    while let Some((&Anchored { rarest, program, same }, behind)) = rest.split_first() {
                        // The rarest part excludes most, and all that share it at once.
                        if !seen(rarest) {
                            rest = &behind[same as usize..];
                            continue;
                        }
                        rest = behind;
                        if wanted(program) && self.parts_needed.of(program).iter().all(|&part| seen(part)) {
                            anchored.push((first as u32, program, word));
                        }
                    }
                }
            }
            anchored[from..].sort_unstable();
        }
        anchored.dedup();
        Candidates { matcher: self, reading, anchored }
    }

    #[inline]
    fn match_at(&self, program: Program, reading: &Reading, first: usize) -> Option<Found> {
        if program.leading != NONE {
            let possible = program.signature & reading.words[first].signature != 0;
            if !possible || !self.sets.hold(program.leading, reading, first) {
                return None;
            }
        }
        let (end, named) = Attempt::new(self, reading, first).run(program.start)?;
        // A match that begins or ends with skipped words is narrowed to the words named.
        (named != 0 && end > first).then_some(Found { first, end, named })
    }
}

#[cfg(test)]
mod tests;
