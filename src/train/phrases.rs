//! What the cue files teach the text model: their examples, and word sequences drawn from their patterns.
//!
//! A pattern is a small grammar. Sequences drawn from it show the heads every wording a linguist thought of, and a head,
//! unlike a pattern, also hears what is only half like it.

use crate::language::lexicon::Teaching;
use crate::language::pattern::{Atom, Node};
use crate::terms::CueKind;

/// Sequences drawn from a pattern: this many, and one more for so many alternatives in it, up to a limit.
const DRAWN_MIN: usize = 3;
const ALTERNATIVES_EACH: usize = 6;
const DRAWN_MAX: usize = 12;
/// Draws for one wanted sequence at most, since some patterns have but one.
const TRIES: usize = 2;
/// Words that fill a gap.
const FILLERS_DE: [&str; 16] =
    ["das", "mir", "jetzt", "hier", "mit", "ich", "sie", "ihnen", "so", "den", "dem", "der", "die", "auch", "da", "es"];
const FILLERS_EN: [&str; 16] =
    ["the", "to", "me", "it", "now", "this", "with", "i", "you", "that", "so", "my", "your", "is", "here", "a"];
const NUMBERS: [&str; 4] = ["3", "5", "10", "30"];

/// A text of which one thing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    pub text: String,
    pub kind: CueKind,
    /// If it does what the kind says, how severe that is.
    pub severity: u8,
    /// Whether it does what the kind says.
    pub yes: bool,
    /// Drawn from a pattern, not written by a person.
    pub drawn: bool,
}

/// All phrases of the entries of one language; the same entries give the same phrases.
pub fn phrases(teachings: &[Teaching], german: bool) -> Vec<Phrase> {
    let mut draw = Draw { state: 0x9e37_79b9_7f4a_7c15, fillers: if german { FILLERS_DE } else { FILLERS_EN } };
    let mut out = Vec::new();
    for teaching in teachings {
        let Teaching { kind, severity, .. } = *teaching;
        for pattern in &teaching.patterns {
            let wanted = (DRAWN_MIN + alternatives(pattern) / ALTERNATIVES_EACH).min(DRAWN_MAX);
            let mut texts: Vec<String> = Vec::new();
            for _ in 0..wanted * TRIES {
                let mut words = Vec::new();
                draw.sequence(pattern, &mut words);
                let text = words.join(" ");
                if texts.len() < wanted && !text.is_empty() && !texts.contains(&text) {
                    texts.push(text);
                }
            }
            out.extend(texts.into_iter().map(|text| Phrase { text, kind, severity, yes: true, drawn: true }));
        }
        let written = |text: &String, yes| Phrase { text: text.clone(), kind, severity, yes, drawn: false };
        out.extend(teaching.matches.iter().map(|text| written(text, true)));
        out.extend(teaching.no_match.iter().map(|text| written(text, false)));
    }
    out
}

/// Roughly how many wordings a pattern has, endings of one word counted once.
fn alternatives(node: &Node) -> usize {
    match node {
        Node::Set(atoms) => {
            let mut starts: Vec<String> = atoms.iter().map(|atom| word(atom, "").chars().take(4).collect()).collect();
            starts.sort_unstable();
            starts.dedup();
            starts.len() - 1
        }
        Node::Seq(items) => items.iter().map(alternatives).sum(),
        Node::Alt(branches) => branches.len() + branches.iter().map(alternatives).sum::<usize>(),
        Node::Opt(inner) => alternatives(inner),
        Node::Gap(_) | Node::Start | Node::End | Node::EndQuestion | Node::EndBangs | Node::Not(_) => 0,
    }
}

fn word<'a>(atom: &'a Atom, other: &'a str) -> &'a str {
    match atom {
        Atom::Word(word) | Atom::Prefix(word) | Atom::Suffix(word) | Atom::Infix(word) => word,
        Atom::Any | Atom::Caps | Atom::Number | Atom::Ordinal => other,
    }
}

struct Draw {
    state: u64,
    fillers: [&'static str; 16],
}

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % end.max(1) as u64) as usize
    }

    fn sequence(&mut self, node: &Node, out: &mut Vec<String>) {
        match node {
            Node::Set(atoms) => {
                let Some(atom) = atoms.get(self.below(atoms.len())) else { return };
                let other = match atom {
                    Atom::Any | Atom::Caps => self.fillers[self.below(self.fillers.len())],
                    _ => NUMBERS[self.below(NUMBERS.len())],
                };
                out.push(word(atom, other).to_owned());
            }
            Node::Seq(items) => items.iter().for_each(|item| self.sequence(item, out)),
            Node::Alt(branches) => {
                if let Some(branch) = branches.get(self.below(branches.len())) {
                    self.sequence(branch, out);
                }
            }
            Node::Opt(inner) => {
                if self.below(2) == 0 {
                    self.sequence(inner, out);
                }
            }
            Node::Gap(most) => {
                // Half of the gaps stay empty.
                let words = [0, 0, 1, usize::from(*most).min(2)][self.below(4)];
                for _ in 0..words {
                    out.push(self.fillers[self.below(self.fillers.len())].to_owned());
                }
            }
            Node::Start | Node::End | Node::EndQuestion | Node::EndBangs | Node::Not(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::FILES;
    use crate::language::lexicon::{compile, teachings};
    use crate::terms::Lang;

    #[test]
    fn what_is_drawn_from_patterns_is_mostly_found_by_them() {
        let made = phrases(&teachings(Lang::De, FILES).unwrap(), true);
        assert_eq!(made, phrases(&teachings(Lang::De, FILES).unwrap(), true));
        let engine = compile(Lang::De, FILES).unwrap();
        let drawn: Vec<&Phrase> = made.iter().filter(|phrase| phrase.drawn).step_by(7).collect();
        let found = |phrase: &&&Phrase| engine.entries_in(&phrase.text).iter().any(|entry| entry.kind == phrase.kind);
        let share = drawn.iter().filter(found).count() as f32 / drawn.len() as f32;
        assert!(share > 0.7, "{share} of {}", drawn.len());
        assert!(made.iter().any(|phrase| !phrase.yes) && made.iter().any(|phrase| phrase.yes && !phrase.drawn));
    }
}
