//! Named lists of patterns, asked of nearly every utterance.

use std::cell::OnceCell;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;
use regex::{Regex, bytes};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

/// Shorter pieces stand in nearly every text.
const PIECE_BYTES_MIN: usize = 2;
/// More pieces of one pattern are not looked for quicker than the pattern itself.
const PIECES_MAX: usize = 50;

/// A named list of patterns; matches if one of them is found.
#[derive(Debug, Clone)]
pub struct Words {
    patterns: Vec<Pattern>,
    /// The pieces of all patterns: a text with none of them is let go many times faster. `None` if a pattern has none.
    pieces: Option<AhoCorasick>,
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
    /// For texts as [`plain`] writes them: where every letter is a byte, borders of words are found many times faster.
    Plain(bytes::Regex),
    /// For patterns that cannot be written so.
    Text(Regex),
}

impl Words {
    /// A list that is found where one of its patterns is.
    pub fn new(patterns: Vec<Pattern>) -> Self {
        let known = patterns.iter().all(|pattern| !pattern.pieces.is_empty());
        let all = || patterns.iter().flat_map(|pattern| &pattern.pieces);
        let finder = || AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(all()).ok();
        let pieces = known.then(finder).flatten();
        Self { patterns, pieces }
    }

    /// `lower` is a text in lower case.
    pub fn found_in(&self, lower: &str) -> bool {
        if !self.pieces.as_ref().is_none_or(|pieces| pieces.is_match(lower)) {
            return false;
        }
        let written = OnceCell::new();
        self.patterns.iter().filter(|pattern| pattern.may_match(lower.as_bytes())).any(|pattern| {
            match &pattern.finder {
                Finder::Plain(regex) if lower.is_ascii() => regex.is_match(lower.as_bytes()),
                Finder::Plain(regex) => regex.is_match(written.get_or_init(|| plain(lower))),
                Finder::Text(regex) => regex.is_match(lower),
            }
        })
    }
}

impl Pattern {
    /// # Errors
    /// When it is no regular expression, or too large.
    pub fn new(pattern: &str) -> Result<Self, regex::Error> {
        // Texts come in lower case, which is far quicker than folding; only a capital in a pattern still needs that.
        let folds = pattern.chars().any(char::is_uppercase);
        let parsed = ParserBuilder::new().case_insensitive(folds).build().parse(pattern).ok();
        let pieces = parsed.as_ref().and_then(pieces).filter(|pieces| pieces.len() <= PIECES_MAX).unwrap_or_default();
        let plain = parsed.as_ref().and_then(|_| plain_pattern(pattern));
        let finder = match plain.and_then(|plain| bytes::RegexBuilder::new(&plain).unicode(false).build().ok()) {
            Some(regex) => Finder::Plain(regex),
            None => Finder::Text(regex::RegexBuilder::new(pattern).case_insensitive(folds).build()?),
        };
        Ok(Self { finder, pieces })
    }

    fn may_match(&self, lower: &[u8]) -> bool {
        self.pieces.is_empty() || self.pieces.iter().any(|piece| memmem::find(lower, piece).is_some())
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
        HirKind::Literal(literal) => (literal.0.len() >= PIECE_BYTES_MIN).then(|| vec![literal.0.to_vec()]),
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

    fn words(patterns: &[&str]) -> Words {
        Words::new(patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect())
    }

    fn is_plain(words: &Words) -> bool {
        words.patterns.iter().all(|pattern| matches!(pattern.finder, Finder::Plain(_)))
    }

    #[test]
    fn every_match_holds_one_of_the_pieces() {
        let of = |pattern| pieces_of(pattern).unwrap_or_default();
        assert_eq!(of(r"\bwart\w*"), ["wart"]);
        assert_eq!(of("(ich )?rufe .{0,9}zurück"), ["zurück"]);
        assert_eq!(of("morgen|abend"), ["morgen", "abend"]);
        assert_eq!(of("(gleich |so)+fort"), ["fort"]);
        assert_eq!(pieces_of("morgen|!.*!"), None);
        assert_eq!(pieces_of("^.{0,24}$"), None);
        assert_eq!(pieces_of("(vielleicht)?"), None);
    }

    #[test]
    fn lists_find_what_their_patterns_find() {
        let list = words(&[r"\bwart(e|en)\b", "über morgen", "!.*!"]);
        for (text, found) in
            [("ich warte", true), ("wartung", false), ("über morgen", true), ("!a!", true), ("", false)]
        {
            assert_eq!(list.found_in(text), found, "{text}");
        }
        let list = words(&[r"\bwart(e|en)\b", "über morgen"]);
        assert!(list.pieces.is_some());
        for (text, found) in [("ich warte", true), ("wartung", false), ("über morgen", true), ("morgen", false)] {
            assert_eq!(list.found_in(text), found, "{text}");
        }
        let capitals = words(&["WLAN"]);
        assert!(!is_plain(&capitals) && capitals.found_in("das wlan"));
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
            assert_eq!((list.found_in(text), as_written.is_match(text)), (found, found), "{text}");
        }
        for other in ["(?i)wart", "[ß-ü]", "é", r"\p{L}+"] {
            assert!(!is_plain(&words(&[other])), "{other}");
        }
    }
}
