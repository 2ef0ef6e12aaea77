//! Named lists of patterns, asked of nearly every utterance.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::ops::Range;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use regex::Regex;
use regex_automata::Input;
use regex_automata::hybrid::dfa;
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

use crate::language::beginnings::Pieces;
use crate::language::word_map::WordMap;

/// Shorter pieces stand in nearly every text, unless they are marks.
const PIECE_BYTES_MIN: usize = 2;

/// Named lists of patterns; a list is found where one of its patterns is.
///
/// One pass over a text looks for pieces that the patterns of all lists need. Only the patterns of which a piece is there are
/// looked for, and these only if somebody asks for their list.
#[derive(Debug, Clone, Default)]
pub struct WordLists {
    numbers: WordMap<usize>,
    /// By the number of a list, its patterns.
    lists: Vec<Range<usize>>,
    patterns: Vec<Pattern>,
    /// The patterns by the pieces they need.
    pieces: Pieces<u32>,
    /// Patterns without a known piece, as bits.
    anyhow: Vec<u64>,
}

/// What was seen of some lists in one text.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Patterns that may match, as bits.
    possible: Vec<u64>,
    /// By the number of a list, whether it is found, as far as that was asked.
    found: Vec<Cell<Option<bool>>>,
    /// The text as [`plain`] writes it, as soon as it is needed.
    written: OnceCell<Vec<u8>>,
}

/// One regular expression for texts in lower case, and what is known of its matches beforehand.
#[derive(Debug, Clone)]
pub struct Pattern {
    finder: Finder,
    /// Pieces of text, one of which is in everything that matches; empty if they are not known.
    pieces: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
enum Finder {
    /// Every piece is a match.
    Piece,
    /// For texts as [`plain`] writes them: where every letter is a byte, borders of words are found many times faster.
    Plain(Arc<Automaton>),
    /// For patterns that cannot be written so.
    Text(Regex),
}

impl WordLists {
    /// Lists by their names, which are all different.
    pub fn new(named: impl IntoIterator<Item = (String, Vec<Pattern>)>) -> Self {
        let mut all = Self::default();
        for (name, patterns) in named {
            let first = all.patterns.len();
            all.patterns.extend(patterns);
            let number = all.lists.len();
            all.numbers.get_or_insert_with(&name, || number);
            all.lists.push(first..all.patterns.len());
        }
        all.anyhow = vec![0; all.patterns.len().div_ceil(64)];
        for (number, pattern) in all.patterns.iter().enumerate() {
            pattern.pieces.iter().for_each(|piece| all.pieces.add(piece, number as u32));
            all.anyhow[number / 64] |= u64::from(pattern.pieces.is_empty()) << (number % 64);
        }
        // From here on they are known by their numbers.
        all.patterns.iter_mut().for_each(|pattern| pattern.pieces = Vec::new());
        all
    }

    /// The number of a list.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// Looks for the pieces. `lower` is a text in lower case.
    pub fn look(&self, lower: &str) -> Seen {
        let mut possible = self.anyhow.clone();
        self.pieces.find(lower.as_bytes(), |_, number| possible[number as usize / 64] |= 1 << (number % 64));
        Seen { possible, found: vec![Cell::new(None); self.lists.len()], written: OnceCell::new() }
    }

    /// Whether the list of this number is found in `lower`, the text in which `seen` was seen.
    pub fn found(&self, list: usize, seen: &Seen, lower: &str) -> bool {
        if let Some(found) = seen.found[list].get() {
            return found;
        }
        let mut possible = self.lists[list].clone().filter(|at| seen.possible[at / 64] >> (at % 64) & 1 == 1);
        let found = possible.any(|at| match &self.patterns[at].finder {
            Finder::Piece => true,
            Finder::Plain(automaton) if lower.is_ascii() => automaton.is_match(lower.as_bytes()),
            Finder::Plain(automaton) => automaton.is_match(seen.written.get_or_init(|| plain(lower))),
            Finder::Text(regex) => regex.is_match(lower),
        });
        seen.found[list].set(Some(found));
        found
    }
}

impl Pattern {
    /// # Errors
    /// When it is no regular expression, or too large.
    pub fn new(pattern: &str) -> Result<Self, regex::Error> {
        // Texts come in lower case, which is far quicker than folding; only a capital in a pattern still needs that.
        let folds = pattern.chars().any(char::is_uppercase);
        let parsed = ParserBuilder::new().case_insensitive(folds).build().parse(pattern).ok();
        let pieces = parsed.as_ref().and_then(pieces).unwrap_or_default();
        if !pieces.is_empty() && parsed.as_ref().is_some_and(is_words) {
            return Ok(Self { finder: Finder::Piece, pieces });
        }
        let plain = parsed.as_ref().and_then(|_| plain_pattern(pattern));
        let finder = match plain.and_then(|plain| Automaton::new(&plain)) {
            Some(automaton) => Finder::Plain(Arc::new(automaton)),
            None => Finder::Text(regex::RegexBuilder::new(pattern).case_insensitive(folds).build()?),
        };
        Ok(Self { finder, pieces })
    }
}

/// A pattern of [`plain_pattern`] that is only asked whether it matches, and only where a piece of it stands: whatever else makes
/// searches quick, or tells where a match is, would only take memory.
struct Automaton {
    dfa: dfa::DFA,
    /// States made so far, one set for each thread that searches at the same time.
    states: Pool<dfa::Cache, MakeCache>,
}

type MakeCache = Box<dyn Fn() -> dfa::Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// Most memory for the states of a pattern; those of most take a tenth of it.
const STATES_BYTES_MAX: usize = 512 << 10;
/// Largest pattern that is compiled, as the crate `regex` has it.
const PATTERN_BYTES_MAX: usize = 10 << 20;

impl Automaton {
    fn new(pattern: &str) -> Option<Self> {
        let states = dfa::Config::new().cache_capacity(STATES_BYTES_MAX).skip_cache_capacity_check(true);
        let nfa = thompson::Config::new().which_captures(WhichCaptures::None).utf8(false);
        let dfa = dfa::Builder::new()
            .configure(states)
            .thompson(nfa.nfa_size_limit(Some(PATTERN_BYTES_MAX)))
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .build(pattern)
            .ok()?;
        let of = dfa.clone();
        Some(Self { dfa, states: Pool::new(Box::new(move || of.create_cache())) })
    }

    fn is_match(&self, text: &[u8]) -> bool {
        let found = self.dfa.try_search_fwd(&mut self.states.get(), &Input::new(text).earliest(true));
        // It cannot fail: no byte makes it stop, and no number of states makes it give up.
        found.is_ok_and(|end| end.is_some())
    }
}

impl fmt::Debug for Automaton {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Automaton").finish_non_exhaustive()
    }
}

/// Whether a pattern is nothing but words, one of which is to be found.
fn is_words(pattern: &Hir) -> bool {
    match pattern.kind() {
        HirKind::Literal(_) => true,
        HirKind::Capture(capture) => is_words(&capture.sub),
        HirKind::Alternation(branches) => branches.iter().all(is_words),
        _ => false,
    }
}

/// A text in lower case with a byte for each character: umlauts as the capitals it has not, other letters and figures as one
/// that no pattern names, and all else as a byte that is part of no word.
fn plain(lower: &str) -> Vec<u8> {
    lower
        .chars()
        .map(|c| match umlaut(c) {
            _ if c.is_ascii() => c as u8,
            Some(capital) => capital,
            None if c.is_alphanumeric() => b'X',
            None => 1,
        })
        .collect()
}

fn umlaut(c: char) -> Option<u8> {
    match c {
        'ä' => Some(b'A'),
        'ö' => Some(b'O'),
        'ü' => Some(b'U'),
        'ß' => Some(b'S'),
        _ => None,
    }
}

/// A pattern for texts of [`plain`]; `None` where that would change what it finds: capitals, other letters, flags, and
/// ranges that an umlaut may end.
fn plain_pattern(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        match c {
            '\\' => {
                out.push(c);
                out.extend(chars.next().filter(char::is_ascii));
            }
            '(' if next == '?' => {
                out.push_str("(?:");
                chars.next();
                chars.next().filter(|&flag| flag == ':')?;
            }
            _ if umlaut(c).is_some() && before != '-' && next != '-' => out.extend(umlaut(c).map(char::from)),
            _ if c.is_ascii() && !c.is_ascii_uppercase() => out.push(c),
            _ => return None,
        }
        before = c;
    }
    Some(out)
}

/// Pieces of which one is in every match; `None` if there are none of use.
fn pieces(pattern: &Hir) -> Option<Vec<Vec<u8>>> {
    match pattern.kind() {
        HirKind::Literal(literal) => {
            let tells = literal.0.len() >= PIECE_BYTES_MIN || literal.0.iter().all(u8::is_ascii_punctuation);
            tells.then(|| vec![literal.0.to_vec()])
        }
        HirKind::Capture(capture) => pieces(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => pieces(&repetition.sub),
        // The part whose shortest piece is longest says most.
        HirKind::Concat(parts) => {
            let shortest = |pieces: &Vec<Vec<u8>>| pieces.iter().map(Vec::len).min();
            parts.iter().filter_map(pieces).max_by_key(shortest)
        }
        HirKind::Alternation(branches) => {
            let all = branches.iter().map(pieces).collect::<Option<Vec<_>>>()?;
            Some(all.concat())
        }
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces_of(pattern: &str) -> Option<Vec<String>> {
        let found = pieces(&regex_syntax::parse(pattern).unwrap())?;
        Some(found.into_iter().map(|piece| String::from_utf8(piece).unwrap()).collect())
    }

    fn lists(named: &[(&str, &[&str])]) -> WordLists {
        let read = |patterns: &[&str]| patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
        WordLists::new(named.iter().map(|(name, patterns)| (name.to_string(), read(patterns))))
    }

    fn words(patterns: &[&str]) -> WordLists {
        lists(&[("all", patterns)])
    }

    fn found(lists: &WordLists, name: &str, text: &str) -> bool {
        lists.found(lists.number(name).unwrap(), &lists.look(text), text)
    }

    fn is_plain(words: &WordLists) -> bool {
        words.patterns.iter().all(|pattern| matches!(pattern.finder, Finder::Plain(_)))
    }

    #[test]
    fn every_match_holds_one_of_the_pieces() {
        let of = |pattern| pieces_of(pattern).unwrap_or_default();
        assert_eq!(of(r"\bwart\w*"), ["wart"]);
        assert_eq!(of("(ich )?rufe .{0,9}zurück"), ["zurück"]);
        assert_eq!(of("morgen|abend"), ["morgen", "abend"]);
        assert_eq!(of("(gleich |so)+fort"), ["fort"]);
        assert_eq!(of("morgen|!.*!"), ["morgen", "!"]);
        assert_eq!(pieces_of("morgen|x.*"), None);
        assert_eq!(pieces_of("^.{0,24}$"), None);
        assert_eq!(pieces_of("(vielleicht)?"), None);
    }

    #[test]
    fn lists_find_what_their_patterns_find() {
        let all = lists(&[("wait", &[r"\bwart(e|en)\b", "über morgen", "!.*!"]), ("later", &["morgen|abend", "wart"])]);
        for (text, wait, later) in [
            ("ich warte", true, true),
            ("wartung", false, true),
            ("über morgen", true, true),
            ("abends", false, true),
            ("!a!", true, false),
            ("", false, false),
        ] {
            assert_eq!((found(&all, "wait", text), found(&all, "later", text)), (wait, later), "{text}");
        }
        assert_eq!(all.number("never"), None);
        let capitals = words(&["WLAN"]);
        assert!(!is_plain(&capitals) && found(&capitals, "all", "das wlan"));
    }

    #[test]
    fn a_list_is_looked_for_once_in_a_text() {
        let all = words(&[r"\bwarten?\b", "x"]);
        let text = "sie warten";
        let seen = all.look(text);
        assert_eq!((all.found(0, &seen, text), seen.found[0].get()), (true, Some(true)));
        assert!(all.found(0, &seen, text));
    }

    #[test]
    fn umlauts_are_letters_of_a_word_in_every_text() {
        let patterns = [r"\bwart\b", r"\b(f[aä]hr|gr[^a-z]+ß)\w*", "a.{0,2}z"];
        let list = words(&patterns);
        assert!(is_plain(&list));
        let as_written = Regex::new(&patterns.join("|")).unwrap();
        for (text, found) in [
            ("wart", true),
            ("wartß", false),
            ("äwart", false),
            ("„wart“", true),
            ("fähre", true),
            ("größe", true),
            ("grüüß", true),
            ("gruß", false),
            ("a–ßz", true),
            ("a–ß–z", false),
            ("wart œuvre", true),
            ("wartœ", false),
        ] {
            assert_eq!((self::found(&list, "all", text), as_written.is_match(text)), (found, found), "{text}");
        }
        for other in ["(?i)wart", "[ß-ü]", "é", r"\p{L}+"] {
            assert!(!is_plain(&words(&[other])), "{other}");
        }
    }
}
