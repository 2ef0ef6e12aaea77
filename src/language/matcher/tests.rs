use proptest::prelude::*;

use super::machine::SKIPPED_MAX;
use super::*;
use crate::language::normalize::Spelling;
use crate::language::pattern::{Atom, Classes, Node, parse};

fn spelling() -> Spelling {
    let mut spelling = Spelling::default();
    spelling.add_particle("doch");
    spelling
}

/// Patterns taken literally: one word after the other, one alternative after the other.
struct Literal<'a> {
    text: &'a Normalized,
    first: usize,
    sentence: std::ops::Range<usize>,
}

impl Literal<'_> {
    fn run(&self, rest: &[Node], word: usize, named: u64) -> Option<(usize, u64)> {
        let Some((node, behind)) = rest.split_first() else { return Some((word, named)) };
        let with = |nodes: &[Node]| [nodes, behind].concat();
        let tokens = &self.text.tokens;
        match node {
            Node::Set(atoms) => {
                let mut at = word;
                while at < self.sentence.end && !self.is_one_of(atoms, at) {
                    if named == 0 || !tokens[at].particle || at == word + SKIPPED_MAX {
                        return None;
                    }
                    at += 1;
                }
                if at >= self.sentence.end {
                    return None;
                }
                self.run(behind, at + 1, named | 1 << (at - self.first))
            }
            Node::Seq(items) => self.run(&with(items), word, named),
            Node::Alt(branches) => {
                branches.iter().find_map(|branch| self.run(&with(std::slice::from_ref(branch)), word, named))
            }
            Node::Opt(inner) => {
                self.run(&with(&[(**inner).clone()]), word, named).or_else(|| self.run(behind, word, named))
            }
            Node::Gap(most) => {
                let last = (word + usize::from(*most)).min(self.sentence.end);
                (word..=last).find_map(|next| self.run(behind, next, named))
            }
            Node::Start => {
                let fits = tokens[self.sentence.start..word].iter().all(|token| token.particle);
                if fits { self.run(behind, word, named) } else { None }
            }
            Node::End | Node::EndQuestion | Node::EndBangs => {
                let sentence = tokens[self.first].sentence as usize;
                let marked = match node {
                    Node::EndQuestion => self.text.questions[sentence],
                    Node::EndBangs => self.text.bangs[sentence],
                    _ => true,
                };
                let fits = marked && tokens[word..self.sentence.end].iter().all(|token| token.particle);
                if fits { self.run(behind, word, named) } else { None }
            }
            Node::Not(inner) => match self.run(&[(**inner).clone()], word, named | 1 << 63) {
                Some(_) => None,
                None => self.run(behind, word, named),
            },
        }
    }

    fn is_one_of(&self, atoms: &[Atom], at: usize) -> bool {
        let (word, token) = (self.text.word(at), self.text.tokens[at]);
        atoms.iter().any(|atom| match atom {
            Atom::Any => true,
            Atom::Number => token.number,
            Atom::Ordinal => token.ordinal,
            Atom::Caps => token.caps,
            Atom::Word(wanted) => word == wanted || (word.len() >= 3 && format!("{word}e") == *wanted),
            Atom::Prefix(stem) => word.starts_with(stem),
            Atom::Suffix(stem) => word.ends_with(stem),
            Atom::Infix(stem) => word.contains(stem),
        })
    }
}

fn literally(node: &Node, text: &Normalized) -> Vec<(usize, usize, u64)> {
    let mut found = Vec::new();
    let mut first = 0;
    while first < text.tokens.len() {
        let sentence = text.tokens[first].sentence;
        let start = text.tokens.partition_point(|token| token.sentence < sentence);
        let end = text.tokens.partition_point(|token| token.sentence <= sentence);
        let literal = Literal { text, first, sentence: start..end };
        match literal.run(std::slice::from_ref(node), first, 0) {
            Some((end, named)) if named != 0 && end > first => {
                found.push((first, end, named));
                first = end;
            }
            _ => first += 1,
        }
    }
    found
}

const PARTS: &[&str] = &[
    "anna",
    "otto/anna",
    "habe",
    "ott*",
    "*nna",
    "*tto*",
    "#",
    "##",
    "_",
    "(anna otto|habe)",
    "(anna|(otto|_) habe)",
    "[anna]",
    "[(otto|anna) habe]",
    "..",
    "..2",
    "^",
    "$",
    "$?",
    "$!!",
    "!otto",
    "!(anna otto)",
    "doch",
    "<caps>",
];
const WORDS: &[&str] =
    &["anna", "otto", "hab", "habe", "doch", "doch", "3", "3.", ".", "?", "!!", ",", "ANNA", "OTTO", "x"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_is_found_is_what_the_pattern_says(
        parts in prop::collection::vec(prop::sample::select(PARTS), 1..6),
        words in prop::collection::vec(prop::sample::select(WORDS), 0..14),
    ) {
        let spelling = spelling();
        let node = parse(&parts.join(" "), &spelling, &Classes::new()).unwrap();
        let mut builder = Builder::default();
        // A pattern more, so that numbers and lists are not all 0.
        builder.add(&parse("x habe", &spelling, &Classes::new()).unwrap(), &spelling, 0).unwrap();
        prop_assume!(builder.add(&node, &spelling, 1).is_ok());
        let matcher = builder.finish();
        // The comma keeps the text from being taken for one without punctuation.
        let text = spelling.normalize(&format!("{} ,", words.join(" ")));
        let reading = matcher.read(&text);
        let mut found = Vec::new();
        matcher.candidates(&reading, &[1], |_| true).search(|_, f| found.push((f.first, f.end, f.named)));
        prop_assert_eq!(found, literally(&node, &text), "{} in {}", parts.join(" "), text.text());
    }
}

#[test]
fn matches_of_one_pattern_in_long_sentences_do_not_overlap() {
    let spelling = spelling();
    let mut builder = Builder::default();
    builder.add(&parse("anna ..12 otto", &spelling, &Classes::new()).unwrap(), &spelling, 0).unwrap();
    let matcher = builder.finish();
    let text = spelling.normalize(&"anna x y otto ".repeat(100));
    let mut found = Vec::new();
    matcher.candidates(&matcher.read(&text), &[0], |_| true).search(|_, f| found.push(f.first..f.end));
    assert_eq!(found.len(), 100);
    assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start));
}
