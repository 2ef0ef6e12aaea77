//! Compiled patterns and the search for them: words to atoms in one pass, atoms to the few patterns they may begin
//! to complete, those verified by a small backtracking machine with a bounded number of steps.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::fuzzy::Fuzzy;
use super::normalize::{Normalized, Spelling};
use super::pattern::{Atom, Node};

/// Most particles in a row that are skipped between two words of a pattern.
const SKIPPED_MAX: usize = 4;
/// Most words between the first word of a match and its anchor.
const BACK_MAX: usize = 30;
/// Steps of one attempt, against patterns that would backtrack for ever.
const STEPS_MAX: u32 = 4000;
/// An anchor this dear would be tried on nearly every utterance of the language.
const COST_ANY: u32 = 1000;

const ATOM_NUMBER: u32 = 0;
const ATOM_ORDINAL: u32 = 1;

#[derive(Debug, Clone, Copy)]
enum Instr {
    Set(u32),
    /// Try the first, then the second.
    Split(u32, u32),
    Jump(u32),
    Gap(u8),
    Start,
    End,
    EndQuestion,
    /// Go on here if the program behind this instruction does not match.
    NotAhead(u32),
    Match,
}

/// A set of atoms, one of which a word must have.
#[derive(Debug, Clone)]
struct Set {
    any: bool,
    bits: Vec<u64>,
}

/// A stretch of words that matched: `first..end`, and which of its first 64 words the pattern named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub first: usize,
    pub end: usize,
    pub named: u64,
}

/// Patterns being compiled.
#[derive(Debug, Default)]
pub struct Builder {
    atoms: BTreeMap<Atom, u32>,
    sets: BTreeMap<Vec<u32>, u32>,
    code: Vec<Instr>,
    anchors: Vec<(u32, u32)>,
    /// By number, where its program begins.
    programs: Vec<u32>,
}

/// All patterns of one language.
#[derive(Debug)]
pub struct Matcher {
    words: HashMap<String, u32>,
    wild: Option<AhoCorasick>,
    /// Atom of each pattern of `wild`, with the blanks before and after it.
    wild_atoms: Vec<(u32, bool, bool)>,
    fuzzy: Fuzzy,
    sets: Vec<Set>,
    code: Vec<Instr>,
    /// By atom, the patterns it anchors.
    by_anchor: Vec<Vec<u32>>,
    programs: Vec<u32>,
}

/// A text with the atoms of each of its words.
#[derive(Debug)]
pub struct Reading<'a> {
    pub text: &'a Normalized,
    atoms: Vec<(u32, u32)>,
    /// By word, where its atoms begin in `atoms`.
    offsets: Vec<u32>,
    /// By word, the first word of its sentence and the first word behind it.
    sentences: Vec<(u32, u32)>,
}

impl Reading<'_> {
    fn atoms(&self, word: usize) -> &[(u32, u32)] {
        &self.atoms[self.offsets[word] as usize..self.offsets[word + 1] as usize]
    }

    /// The words of the sentence that `word` belongs to.
    pub fn sentence(&self, word: usize) -> std::ops::Range<usize> {
        let (first, end) = self.sentences[word];
        first as usize..end as usize
    }
}

impl Builder {
    /// Compiles a pattern; the number [`Matcher::search`] will report it under. The error says what is wrong with it.
    pub fn add(&mut self, node: &Node, spelling: &Spelling) -> Result<u32, String> {
        let (cost, atoms) = anchor(node, spelling);
        if cost >= COST_ANY {
            return Err("the pattern needs at least one word that must be there".to_owned());
        }
        let number = self.programs.len() as u32;
        for atom in &atoms {
            let atom = self.atom(atom);
            self.anchors.push((atom, number));
        }
        self.programs.push(self.code.len() as u32);
        self.emit(node);
        self.code.push(Instr::Match);
        Ok(number)
    }

    /// The finished patterns.
    pub fn finish(self) -> Matcher {
        let mut words = HashMap::new();
        let mut wild = Vec::new();
        let mut wild_atoms = Vec::new();
        let mut fuzzy = Fuzzy::default();
        let total = self.atoms.len() + 2;
        for (atom, &id) in &self.atoms {
            match atom {
                Atom::Word(word) => {
                    fuzzy.add_word(word, id);
                    words.insert(word.clone(), id);
                }
                Atom::Prefix(stem) => {
                    fuzzy.add_stem(stem, id);
                    wild.push(format!(" {stem}"));
                    wild_atoms.push((id, true, false));
                }
                Atom::Suffix(stem) => {
                    wild.push(format!("{stem} "));
                    wild_atoms.push((id, false, true));
                }
                Atom::Infix(stem) => {
                    wild.push(stem.clone());
                    wild_atoms.push((id, false, false));
                }
                Atom::Any | Atom::Number | Atom::Ordinal => {}
            }
        }
        let automaton =
            AhoCorasick::builder().match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::DFA)).build(&wild).ok();
        let mut sets: Vec<(u32, Set)> = self
            .sets
            .iter()
            .map(|(atoms, &id)| {
                let mut bits = vec![0u64; total.div_ceil(64)];
                for &atom in atoms.iter().filter(|&&atom| atom != u32::MAX) {
                    bits[atom as usize / 64] |= 1 << (atom % 64);
                }
                (id, Set { any: atoms.contains(&u32::MAX), bits })
            })
            .collect();
        sets.sort_by_key(|(id, _)| *id);
        let mut by_anchor = vec![Vec::new(); total];
        for (atom, number) in self.anchors {
            by_anchor[atom as usize].push(number);
        }
        by_anchor.iter_mut().for_each(|numbers| {
            numbers.sort_unstable();
            numbers.dedup();
        });
        Matcher {
            words,
            wild: automaton,
            wild_atoms,
            fuzzy,
            sets: sets.into_iter().map(|(_, set)| set).collect(),
            code: self.code,
            by_anchor,
            programs: self.programs,
        }
    }

    fn atom(&mut self, atom: &Atom) -> u32 {
        match atom {
            Atom::Any => u32::MAX,
            Atom::Number => ATOM_NUMBER,
            Atom::Ordinal => ATOM_ORDINAL,
            _ => {
                let next = self.atoms.len() as u32 + 2;
                *self.atoms.entry(atom.clone()).or_insert(next)
            }
        }
    }

    fn emit(&mut self, node: &Node) {
        match node {
            Node::Set(atoms) => {
                let mut ids: Vec<u32> = atoms.iter().map(|atom| self.atom(atom)).collect();
                ids.sort_unstable();
                ids.dedup();
                let next = self.sets.len() as u32;
                let set = *self.sets.entry(ids).or_insert(next);
                self.code.push(Instr::Set(set));
            }
            Node::Seq(items) => items.iter().for_each(|item| self.emit(item)),
            Node::Alt(branches) => {
                let mut jumps = Vec::new();
                for (index, branch) in branches.iter().enumerate() {
                    if index + 1 == branches.len() {
                        self.emit(branch);
                        break;
                    }
                    let split = self.code.len();
                    self.code.push(Instr::Match);
                    self.emit(branch);
                    jumps.push(self.code.len());
                    self.code.push(Instr::Match);
                    self.code[split] = Instr::Split(split as u32 + 1, self.code.len() as u32);
                }
                let end = self.code.len() as u32;
                jumps.into_iter().for_each(|jump| self.code[jump] = Instr::Jump(end));
            }
            Node::Opt(inner) => {
                let split = self.code.len();
                self.code.push(Instr::Match);
                self.emit(inner);
                self.code[split] = Instr::Split(split as u32 + 1, self.code.len() as u32);
            }
            Node::Gap(most) => self.code.push(Instr::Gap(*most)),
            Node::Start => self.code.push(Instr::Start),
            Node::End => self.code.push(Instr::End),
            Node::EndQuestion => self.code.push(Instr::EndQuestion),
            Node::Not(inner) => {
                let not = self.code.len();
                self.code.push(Instr::Match);
                self.emit(inner);
                self.code.push(Instr::Match);
                self.code[not] = Instr::NotAhead(self.code.len() as u32);
            }
        }
    }
}

/// The rarest set of atoms one of which is in every match, and how often it will have to be tried, roughly.
fn anchor(node: &Node, spelling: &Spelling) -> (u32, Vec<Atom>) {
    let nothing = (COST_ANY, Vec::new());
    match node {
        Node::Set(atoms) => (atoms.iter().map(|atom| cost(atom, spelling)).sum(), atoms.clone()),
        Node::Seq(items) => {
            items.iter().map(|item| anchor(item, spelling)).min_by_key(|(cost, _)| *cost).unwrap_or(nothing)
        }
        Node::Alt(branches) => {
            let mut sum = (0, Vec::new());
            for branch in branches {
                let (cost, atoms) = anchor(branch, spelling);
                sum.0 += cost;
                sum.1.extend(atoms);
            }
            sum
        }
        Node::Opt(_) | Node::Gap(_) | Node::Start | Node::End | Node::EndQuestion | Node::Not(_) => nothing,
    }
}

fn cost(atom: &Atom, spelling: &Spelling) -> u32 {
    match atom {
        Atom::Any => COST_ANY,
        Atom::Number => 20,
        Atom::Ordinal => 5,
        Atom::Word(word) if COMMON.contains(&word.as_str()) => 60,
        Atom::Word(word) if spelling.is_particle(word) => 30,
        Atom::Word(word) | Atom::Prefix(word) | Atom::Suffix(word) | Atom::Infix(word) => match word.len() {
            0..=3 => 12,
            4 => 6,
            5 => 3,
            _ => 1,
        },
    }
}

/// Words in most utterances, bad anchors.
const COMMON: &[&str] = &[
    "ich", "sie", "das", "ist", "die", "der", "es", "und", "nicht", "mir", "mich", "ihnen", "den", "dem", "ein",
    "eine", "zu", "in", "auf", "mit", "wir", "habe", "haben", "hat", "was", "dass", "bei", "wie", "von", "im", "an",
    "ihr", "ihre", "war", "i", "you", "the", "a", "to", "it", "is", "that", "and", "of", "my", "me", "not", "do",
    "have", "this", "for", "your", "we", "on", "in", "be", "are",
];

impl Matcher {
    /// Finds the atoms of each word.
    pub fn read<'a>(&self, text: &'a Normalized) -> Reading<'a> {
        let tokens = &text.tokens;
        let mut atoms: Vec<(u32, u32)> = Vec::with_capacity(tokens.len() * 3);
        let mut unclipped = String::new();
        for (index, token) in tokens.iter().enumerate() {
            let word = text.word(index);
            if let Some(&atom) = self.words.get(word) {
                atoms.push((index as u32, atom));
            }
            if let Some(atom) = self.unclipped_atom(word, &mut unclipped) {
                atoms.push((index as u32, atom));
            }
            if token.number {
                atoms.push((index as u32, ATOM_NUMBER));
            }
            if token.ordinal {
                atoms.push((index as u32, ATOM_ORDINAL));
            }
        }
        self.read_wild(text, &mut atoms);
        atoms.sort_unstable();
        self.read_misheard(text, &mut atoms);
        let mut offsets = vec![0u32; tokens.len() + 1];
        for &(word, _) in &atoms {
            offsets[word as usize + 1] += 1;
        }
        for index in 0..tokens.len() {
            offsets[index + 1] += offsets[index];
        }
        let mut sentences = vec![(0, 0); tokens.len()];
        let mut first = 0;
        for index in 0..tokens.len() {
            if index + 1 == tokens.len() || tokens[index + 1].sentence != tokens[index].sentence {
                sentences[first..=index].fill((first as u32, index as u32 + 1));
                first = index + 1;
            }
        }
        Reading { text, atoms, offsets, sentences }
    }

    /// The atom of a word with the `e` that speech clips ("such", "zeig").
    fn unclipped_atom(&self, word: &str, unclipped: &mut String) -> Option<u32> {
        if word.len() < 3 || word.ends_with('e') {
            return None;
        }
        unclipped.clear();
        unclipped.push_str(word);
        unclipped.push('e');
        self.words.get(unclipped.as_str()).copied()
    }

    fn read_wild(&self, text: &Normalized, atoms: &mut Vec<(u32, u32)>) {
        let Some(automaton) = &self.wild else { return };
        let mut word = 0;
        for found in automaton.find_overlapping_iter(text.padded.as_str()) {
            let (atom, blank_before, blank_after) = self.wild_atoms[found.pattern().as_usize()];
            let (from, to) = (found.start() + usize::from(blank_before), found.end() - usize::from(blank_after));
            while word < text.tokens.len() && (text.tokens[word].to as usize) < to {
                word += 1;
            }
            if word < text.tokens.len() && text.tokens[word].from as usize <= from {
                atoms.push((word as u32, atom));
            }
        }
    }

    /// Long words that no pattern knows are compared with those that differ by a letter.
    fn read_misheard(&self, text: &Normalized, atoms: &mut Vec<(u32, u32)>) {
        let known = atoms.len();
        let mut next = 0;
        for index in 0..text.tokens.len() {
            while next < known && (atoms[next].0 as usize) < index {
                next += 1;
            }
            if next < known && atoms[next].0 as usize == index {
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

    /// Calls `each` with the number of every `wanted` pattern that matches, and where, in the order of the text.
    pub fn search(&self, reading: &Reading, wanted: impl Fn(u32) -> bool, mut each: impl FnMut(u32, Found)) {
        let mut tried = vec![0u32; self.programs.len()];
        for word in 0..reading.text.tokens.len() {
            let sentence = reading.sentence(word);
            for &(_, atom) in reading.atoms(word) {
                for &number in &self.by_anchor[atom as usize] {
                    if !wanted(number) {
                        continue;
                    }
                    let tried = &mut tried[number as usize];
                    let mut first = (*tried as usize).max(sentence.start).max(word.saturating_sub(BACK_MAX));
                    while first <= word {
                        let found = self.match_at(self.programs[number as usize], reading, first);
                        first += 1;
                        if let Some(found) = found {
                            first = first.max(found.end);
                            each(number, found);
                        }
                    }
                    *tried = (*tried).max(first as u32);
                }
            }
        }
    }

    fn match_at(&self, program: u32, reading: &Reading, first: usize) -> Option<Found> {
        let sentence = reading.sentence(first);
        let mut attempt = Attempt { matcher: self, reading, first, sentence, steps: 0 };
        let (end, named) = attempt.run(program as usize, first, 0)?;
        // A match that begins or ends with skipped words is narrowed to the words named.
        (named != 0 && end > first).then_some(Found { first, end, named })
    }
}

struct Attempt<'a> {
    matcher: &'a Matcher,
    reading: &'a Reading<'a>,
    first: usize,
    sentence: std::ops::Range<usize>,
    steps: u32,
}

impl Attempt<'_> {
    /// Runs from `at` on the word `word`; the end of the match and the words named.
    fn run(&mut self, mut at: usize, mut word: usize, mut named: u64) -> Option<(usize, u64)> {
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
                Instr::Split(first, second) => {
                    if let Some(found) = self.run(first as usize, word, named) {
                        return Some(found);
                    }
                    at = second as usize;
                }
                Instr::Jump(target) => at = target as usize,
                Instr::Gap(most) => {
                    let last = (word + usize::from(most)).min(self.sentence.end);
                    for next in word..last {
                        if let Some(found) = self.run(at + 1, next, named) {
                            return Some(found);
                        }
                    }
                    word = last.max(word);
                    at += 1;
                }
                Instr::Start => {
                    let tokens = &self.reading.text.tokens;
                    if !tokens[self.sentence.start..word].iter().all(|token| token.particle) {
                        return None;
                    }
                    at += 1;
                }
                Instr::End | Instr::EndQuestion => {
                    let text = self.reading.text;
                    if !text.tokens[word..self.sentence.end].iter().all(|token| token.particle) {
                        return None;
                    }
                    let question =
                        text.tokens.get(self.first).is_some_and(|token| text.questions[token.sentence as usize]);
                    if matches!(self.matcher.code[at], Instr::EndQuestion) && !question {
                        return None;
                    }
                    at += 1;
                }
                Instr::NotAhead(behind) => {
                    if self.run(at + 1, word, named | 1 << 63).is_some() {
                        return None;
                    }
                    at = behind as usize;
                }
            }
        }
    }

    /// The next word if it is in the set, particles skipped.
    fn next_in(&self, set: u32, mut word: usize, is_first: bool) -> Option<usize> {
        let set = &self.matcher.sets[set as usize];
        for _ in 0..=SKIPPED_MAX {
            if word >= self.sentence.end {
                return None;
            }
            if set.any || self.reading.atoms(word).iter().any(|&(_, a)| set.bits[a as usize / 64] >> (a % 64) & 1 == 1)
            {
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
