//! The backtracking machine that verifies a pattern at a word.

use super::{Matcher, NONE, Reading};

/// Most particles in a row that are skipped between two words of a pattern.
pub(super) const SKIPPED_MAX: usize = 4;
/// Steps of one attempt, against patterns that would backtrack for ever.
const STEPS_MAX: u32 = 4000;

#[derive(Debug, Clone, Copy)]
pub(super) enum Instr {
    Set(u32),
    /// Try these of [`Matcher::branches`] in turn: the first of them, and how many.
    Branches(u32, u32),
    Jump(u32),
    Gap(u8),
    Start,
    End,
    EndQuestion,
    EndBangs,
    /// Go on here if the program behind this instruction does not match.
    NotAhead(u32),
    Match,
}

/// One way for a program to go on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch {
    /// The bits of the atoms that its first word can have; all of them if it need not begin with a word.
    pub signature: u64,
    pub target: u32,
}

/// Sets of atoms, one of which a word must have.
#[derive(Debug, Default)]
pub(super) struct Sets {
    sets: Vec<Set>,
    /// The atoms of all sets, each set's ascending.
    atoms: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Set {
    any: bool,
    /// The bits of all its atoms: most words outside the set share none.
    signature: u64,
    from: u32,
    to: u32,
}

/// The bit of a signature that is no atom's.
pub(super) const SIGNATURE_ALWAYS: u64 = 1;

/// One bit of 63 for an atom, not the lowest.
pub(super) fn signature(atom: u32) -> u64 {
    2 << ((u64::from(atom.wrapping_mul(0x9e37_79b1)) * 63) >> 32)
}

impl Sets {
    /// Adds a set; [`NONE`] stands for any word.
    pub fn push(&mut self, atoms: &[u32]) {
        let from = self.atoms.len() as u32;
        self.atoms.extend(atoms.iter().filter(|&&atom| atom != NONE));
        self.atoms[from as usize..].sort_unstable();
        let set = Set {
            any: atoms.contains(&NONE),
            signature: atoms.iter().fold(0, |bits, &atom| bits | signature(atom)),
            from,
            to: self.atoms.len() as u32,
        };
        self.sets.push(set);
    }

    /// Gives back the room to grow.
    pub fn shrink_to_fit(&mut self) {
        self.sets.shrink_to_fit();
        self.atoms.shrink_to_fit();
    }

    /// Whether a word of the text is in a set.
    #[inline]
    pub fn hold(&self, set: u32, reading: &Reading, word: usize) -> bool {
        let set = self.sets[set as usize];
        set.any
            || (set.signature & reading.words[word].signature != 0 && {
                let members = &self.atoms[set.from as usize..set.to as usize];
                reading.atoms(word).iter().any(|(_, atom)| members.binary_search(atom).is_ok())
            })
    }
}

pub(super) struct Attempt<'a> {
    matcher: &'a Matcher,
    reading: &'a Reading<'a>,
    first: usize,
    sentence: std::ops::Range<usize>,
    steps: u32,
}

impl<'a> Attempt<'a> {
    /// An attempt at the word `first`.
    pub fn new(matcher: &'a Matcher, reading: &'a Reading<'a>, first: usize) -> Self {
        Self { matcher, reading, first, sentence: reading.sentence(first), steps: 0 }
    }

    /// Runs the program that starts at `start`; the end of the match and the words named.
    pub fn run(&mut self, start: u32) -> Option<(usize, u64)> {
        self.go(start as usize, self.first, 0)
    }

    /// Runs from `at` on the word `word`; the end of the match and the words named.
    fn go(&mut self, mut at: usize, mut word: usize, mut named: u64) -> Option<(usize, u64)> {
        loop {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return None;
            }
            match self.matcher.code[at] {
                Instr::Match => return Some((word, named)),
                Instr::Set(set) => {
                    word = self.next_in(set, word, named == 0)?;
                    let bit = word - self.first;
                    if bit < 64 {
                        named |= 1 << bit;
                    }
                    word += 1;
                    at += 1;
                }
                Instr::Branches(from, count) => {
                    let branches = &self.matcher.branches[from as usize..(from + count) as usize];
                    let ahead = self.signature_ahead(word, named == 0);
                    let mut possible = branches.iter().filter(|branch| branch.signature & ahead != 0);
                    let mut branch = possible.next()?;
                    for next in possible {
                        if let Some(found) = self.go(branch.target as usize, word, named) {
                            return Some(found);
                        }
                        branch = next;
                    }
                    at = branch.target as usize;
                }
                Instr::Jump(target) => at = target as usize,
                Instr::Gap(most) => {
                    let last = (word + usize::from(most)).min(self.sentence.end);
                    let set = match self.matcher.code[at + 1] {
                        Instr::Set(set) => Some(set),
                        _ => None,
                    };
                    for next in word..last {
                        if set.is_some_and(|set| self.next_in(set, next, named == 0).is_none()) {
                            continue;
                        }
                        if let Some(found) = self.go(at + 1, next, named) {
                            return Some(found);
                        }
                    }
                    word = last.max(word);
                    at += 1;
                }
                Instr::Start => {
                    if !self.is_start(word) {
                        return None;
                    }
                    at += 1;
                }
                Instr::End => {
                    if !self.is_end(word) {
                        return None;
                    }
                    at += 1;
                }
                Instr::EndQuestion | Instr::EndBangs => {
                    let text = self.reading.text;
                    let ends = match self.matcher.code[at] {
                        Instr::EndBangs => &text.bangs,
                        _ => &text.questions,
                    };
                    let marked = text.tokens.get(self.first).is_some_and(|token| ends[token.sentence as usize]);
                    if !marked || !self.is_end(word) {
                        return None;
                    }
                    at += 1;
                }
                Instr::NotAhead(behind) => {
                    if self.go(at + 1, word, named | 1 << 63).is_some() {
                        return None;
                    }
                    at = behind as usize;
                }
            }
        }
    }

    /// Whether a sentence or clause begins at `word`, but for particles.
    fn is_start(&self, word: usize) -> bool {
        let tokens = &self.reading.text.tokens;
        let mut at = word;
        while at > self.sentence.start && !tokens.get(at).is_some_and(|token| token.opens_clause) {
            at -= 1;
            if !tokens[at].particle {
                return false;
            }
        }
        true
    }

    /// Whether a sentence or clause ends before `word`, but for particles.
    fn is_end(&self, word: usize) -> bool {
        let rest = &self.reading.text.tokens[word..self.sentence.end];
        rest.iter().take_while(|token| !token.opens_clause).all(|token| token.particle)
    }

    /// The bits of the atoms of the words that may be the next one, with a bit that is always set: what can go on
    /// without a word has them all.
    fn signature_ahead(&self, word: usize, is_first: bool) -> u64 {
        let mut bits = SIGNATURE_ALWAYS;
        for word in word..self.sentence.end.min(word + 1 + SKIPPED_MAX) {
            bits |= self.reading.words[word].signature;
            if is_first || !self.reading.text.tokens[word].particle {
                break;
            }
        }
        bits
    }

    /// The next word if it is in the set, particles skipped.
    fn next_in(&self, set: u32, mut word: usize, is_first: bool) -> Option<usize> {
        for _ in 0..=SKIPPED_MAX {
            if word >= self.sentence.end {
                return None;
            }
            if self.matcher.sets.hold(set, self.reading, word) {
                return Some(word);
            }
            if is_first || !self.reading.text.tokens[word].particle {
                return None;
            }
            word += 1;
        }
        None
    }
}
