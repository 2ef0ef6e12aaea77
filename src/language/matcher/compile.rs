//! Patterns to programs, with what tells beforehand where a program cannot match.

use std::collections::BTreeMap;

use super::machine::{Branch, Instr, SKIPPED_MAX, Sets, signature};
use super::{
    ATOM_CAPS, ATOM_NUMBER, ATOM_ORDINAL, ATOM_WORD, Anchored, BACK_MAX, BEGINNING, Lists, Matcher, NONE, PART_NONE,
    Program, Wild, WordAtoms,
};
use crate::language::beginnings::{Beginnings, Pieces};
use crate::language::fuzzy::Fuzzy;
use crate::language::normalize::Spelling;
use crate::language::pattern::{Atom, Node};
use crate::language::word_map::WordMap;

/// An anchor this dear would be tried on nearly every utterance of the language.
const COST_ANY: u32 = 1000;
/// Parts besides the anchor that are looked for; more of them exclude hardly more.
const PARTS_MAX: usize = 5;
/// Shorter words have no clipped `e`.
const UNCLIPPED_MIN: usize = 4;

/// Patterns being compiled.
#[derive(Debug, Default)]
pub struct Builder {
    atoms: BTreeMap<Atom, u32>,
    sets: BTreeMap<Vec<u32>, u32>,
    parts: BTreeMap<Vec<u32>, u32>,
    code: Vec<Instr>,
    branches: Vec<Branch>,
    programs: Vec<Program>,
    /// Triples of an atom, a group and a program of it that the atom anchors.
    anchors: Vec<(u32, u32, Anchored)>,
    /// Pairs of a program and one more of its parts.
    needed: Vec<(u32, u32)>,
}

impl Builder {
    /// Compiles a pattern of a group, 0 to 7; the number [`super::Candidates::search`] will report it
    /// under. The error says what is wrong with it.
    pub fn add(&mut self, node: &Node, spelling: &Spelling, group: u32) -> Result<u32, String> {
        let mut parts = Vec::new();
        needed_parts(node, spelling, &mut 0, &mut parts);
        parts.sort_by_key(|part| part.cost);
        let mut parts = parts.into_iter();
        let Some(anchor) = parts.next() else {
            return Err("the pattern needs at least one word that must be there".to_owned());
        };
        let number = self.programs.len() as u32;
        let mut rarest = PART_NONE;
        for part in parts.take(PARTS_MAX) {
            let ids = self.ids(&part.atoms);
            let next = self.parts.len() as u32 + PART_NONE + 1;
            let part = *self.parts.entry(ids).or_insert(next);
            match rarest {
                PART_NONE => rarest = part,
                _ => self.needed.push((number, part)),
            }
        }
        for atom in &anchor.atoms {
            let atom = self.atom(atom);
            self.anchors.push((atom, group, Anchored { rarest, program: number, same: 0 }));
        }
        let leading = match leading(node) {
            Some((atoms, false)) => self.set(&atoms),
            _ => NONE,
        };
        let back = anchor.words_before.min(BACK_MAX) as u32;
        let signature = self.signature(node);
        self.programs.push(Program { start: self.code.len() as u32, leading, signature, back });
        self.emit(node);
        self.code.push(Instr::Match);
        Ok(number)
    }

    /// The finished patterns.
    pub fn finish(mut self) -> Matcher {
        let mut words: WordMap<WordAtoms> = WordMap::default();
        let mut beginnings: Beginnings<BEGINNING, u32> = Beginnings::default();
        let mut wild: Pieces<Wild> = Pieces::default();
        let mut fuzzy = Fuzzy::default();
        let wild_atom = |atom: u32, stem: &str, after_blank| Wild { atom, bytes: stem.len() as u32, after_blank };
        let nothing = WordAtoms { word: NONE, unclipped: NONE };
        for (atom, &id) in &self.atoms {
            match atom {
                Atom::Word(word) => {
                    fuzzy.add_word(word, id);
                    words.get_or_insert_with(word, || nothing).word = id;
                    if let Some(clipped) = word.strip_suffix('e').filter(|_| word.len() >= UNCLIPPED_MIN)
                        && !clipped.ends_with('e')
                    {
                        words.get_or_insert_with(clipped, || nothing).unclipped = id;
                    }
                }
                Atom::Prefix(stem) => {
                    fuzzy.add_stem(stem, id);
                    if !beginnings.add(stem, id) {
                        wild.add(format!(" {stem}").as_bytes(), wild_atom(id, stem, true));
                    }
                }
                Atom::Suffix(stem) => {
                    wild.add(format!("{stem} ").as_bytes(), wild_atom(id, stem, false));
                }
                Atom::Infix(stem) => {
                    wild.add(stem.as_bytes(), wild_atom(id, stem, false));
                }
                Atom::Any | Atom::Number | Atom::Ordinal | Atom::Caps => {}
            }
        }
        let mut by_number: Vec<(u32, Vec<u32>)> = self.sets.into_iter().map(|(atoms, id)| (id, atoms)).collect();
        by_number.sort_unstable();
        let mut sets = Sets::default();
        by_number.iter().for_each(|(_, atoms)| sets.push(atoms));
        let atoms = self.atoms.len() + ATOM_WORD as usize;
        let parts = self.parts.len() + PART_NONE as usize + 1;
        // Parts that share their first atom, mostly a common word, are numbered in a row: a word then has few sets of 64.
        let mut in_order = vec![PART_NONE; parts];
        for (&part, next) in self.parts.values().zip(PART_NONE + 1..) {
            in_order[part as usize] = next;
        }
        self.anchors.iter_mut().for_each(|(.., anchored)| anchored.rarest = in_order[anchored.rarest as usize]);
        self.needed.iter_mut().for_each(|(_, part)| *part = in_order[*part as usize]);
        let mut parts_of: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (atoms, part) in self.parts.keys().zip(PART_NONE + 1..) {
            atoms.iter().for_each(|&atom| *parts_of.entry((atom, part / 64)).or_default() |= 1 << (part % 64));
        }
        let parts_of = parts_of.into_iter().map(|((atom, place), bits)| (atom, (place, bits)));
        let groups = self.anchors.iter().map(|(_, group, _)| group + 1).max().unwrap_or(0);
        let keys = atoms * groups as usize;
        let mut anchors_in = vec![0u8; atoms];
        self.anchors.iter().for_each(|(atom, group, _)| anchors_in[*atom as usize] |= 1 << group);
        let anchors = self.anchors.into_iter().map(|(atom, group, anchored)| (atom * groups + group, anchored));
        let mut by_anchor = Lists::new(keys, anchors.collect());
        for key in 0..keys as u32 {
            for alike in by_anchor.of_mut(key).chunk_by_mut(|a, b| a.rarest == b.rarest) {
                let last = alike.len() as u32 - 1;
                (0..).zip(alike).for_each(|(at, anchored)| anchored.same = last - at);
            }
        }
        // What is never added to needs no room to grow.
        self.code.shrink_to_fit();
        self.branches.shrink_to_fit();
        self.programs.shrink_to_fit();
        words.shrink_to_fit();
        fuzzy.shrink_to_fit();
        sets.shrink_to_fit();
        Matcher {
            words,
            beginnings,
            wild,
            fuzzy,
            sets,
            code: self.code,
            branches: self.branches,
            by_anchor,
            groups,
            anchors_in,
            parts_of: Lists::new(atoms, parts_of.collect()),
            parts_needed: Lists::new(self.programs.len(), self.needed),
            parts,
            programs: self.programs,
        }
    }

    fn atom(&mut self, atom: &Atom) -> u32 {
        match atom {
            Atom::Any => NONE,
            Atom::Number => ATOM_NUMBER,
            Atom::Ordinal => ATOM_ORDINAL,
            Atom::Caps => ATOM_CAPS,
            Atom::Word(_) | Atom::Prefix(_) | Atom::Suffix(_) | Atom::Infix(_) => {
                let next = self.atoms.len() as u32 + ATOM_WORD;
                *self.atoms.entry(atom.clone()).or_insert(next)
            }
        }
    }

    fn ids(&mut self, atoms: &[Atom]) -> Vec<u32> {
        let mut ids: Vec<u32> = atoms.iter().map(|atom| self.atom(atom)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn set(&mut self, atoms: &[Atom]) -> u32 {
        let ids = self.ids(atoms);
        let next = self.sets.len() as u32;
        *self.sets.entry(ids).or_insert(next)
    }

    fn signature(&mut self, node: &Node) -> u64 {
        match leading(node) {
            Some((atoms, false)) => self.ids(&atoms).into_iter().fold(0, |bits, atom| bits | signature(atom)),
            _ => u64::MAX,
        }
    }

    fn emit(&mut self, node: &Node) {
        match node {
            Node::Set(atoms) => {
                let set = self.set(atoms);
                self.code.push(Instr::Set(set));
            }
            Node::Seq(items) => items.iter().for_each(|item| self.emit(item)),
            Node::Alt(nodes) => {
                let first = self.branches.len();
                for node in nodes {
                    let signature = self.signature(node);
                    self.branches.push(Branch { signature, target: 0 });
                }
                self.code.push(Instr::Branches(first as u32, nodes.len() as u32));
                let mut jumps = Vec::new();
                for (index, node) in nodes.iter().enumerate() {
                    self.branches[first + index].target = self.code.len() as u32;
                    self.emit(node);
                    if index + 1 < nodes.len() {
                        jumps.push(self.code.len());
                        self.code.push(Instr::Match);
                    }
                }
                let end = self.code.len() as u32;
                jumps.into_iter().for_each(|jump| self.code[jump] = Instr::Jump(end));
            }
            Node::Opt(inner) => {
                let first = self.branches.len();
                let signature = self.signature(inner);
                self.branches.push(Branch { signature, target: self.code.len() as u32 + 1 });
                self.branches.push(Branch { signature: u64::MAX, target: 0 });
                self.code.push(Instr::Branches(first as u32, 2));
                self.emit(inner);
                self.branches[first + 1].target = self.code.len() as u32;
            }
            Node::Gap(most) => self.code.push(Instr::Gap(*most)),
            Node::Start => self.code.push(Instr::Start),
            Node::End => self.code.push(Instr::End),
            Node::EndQuestion => self.code.push(Instr::EndQuestion),
            Node::EndBangs => self.code.push(Instr::EndBangs),
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

/// A part of a pattern that must be there.
struct Part {
    cost: u32,
    /// Every match has a word with one of them.
    atoms: Vec<Atom>,
    /// Most words of a match before that word.
    words_before: usize,
}

/// The parts of a pattern that must be there; `words` counts the words of a match up to here.
fn needed_parts(node: &Node, spelling: &Spelling, words: &mut usize, out: &mut Vec<Part>) {
    if let Node::Seq(items) = node {
        items.iter().for_each(|item| needed_parts(item, spelling, words, out));
        return;
    }
    let (cost, atoms) = anchor(node, spelling);
    let most = words_max(node);
    if cost < COST_ANY {
        // Nothing is skipped before the first word of a match.
        let words_before = if *words == 0 && matches!(node, Node::Set(_)) { 0 } else { *words + most - 1 };
        out.push(Part { cost, atoms, words_before });
    }
    *words += most;
}

/// Most words that a node can span, skipped ones included.
fn words_max(node: &Node) -> usize {
    match node {
        Node::Set(_) => 1 + SKIPPED_MAX,
        Node::Seq(items) => items.iter().map(words_max).sum(),
        Node::Alt(branches) => branches.iter().map(words_max).max().unwrap_or(0),
        Node::Opt(inner) => words_max(inner),
        Node::Gap(most) => usize::from(*most),
        Node::Start | Node::End | Node::EndQuestion | Node::EndBangs | Node::Not(_) => 0,
    }
}

/// The atoms a match can begin with, and whether it may also begin without them; `None` if it can begin with any word.
fn leading(node: &Node) -> Option<(Vec<Atom>, bool)> {
    match node {
        Node::Set(atoms) if atoms.contains(&Atom::Any) => None,
        Node::Set(atoms) => Some((atoms.clone(), false)),
        Node::Seq(items) => {
            let mut all = Vec::new();
            for item in items {
                let (atoms, may_be_missing) = leading(item)?;
                all.extend(atoms);
                if !may_be_missing {
                    return Some((all, false));
                }
            }
            Some((all, true))
        }
        Node::Alt(branches) => {
            let mut all = (Vec::new(), false);
            for branch in branches {
                let (atoms, may_be_missing) = leading(branch)?;
                all.0.extend(atoms);
                all.1 |= may_be_missing;
            }
            Some(all)
        }
        Node::Opt(inner) => Some((leading(inner)?.0, true)),
        Node::Gap(_) => None,
        Node::Start | Node::End | Node::EndQuestion | Node::EndBangs | Node::Not(_) => Some((Vec::new(), true)),
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
        Node::Opt(_) | Node::Gap(_) | Node::Start | Node::End | Node::EndQuestion | Node::EndBangs | Node::Not(_) => {
            nothing
        }
    }
}

fn cost(atom: &Atom, spelling: &Spelling) -> u32 {
    match atom {
        Atom::Any => COST_ANY,
        Atom::Number => 20,
        Atom::Ordinal | Atom::Caps => 5,
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
