//! Named lists of patterns, asked of nearly every utterance.

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Regex, bytes};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

/// Shorter pieces stand in nearly every text.
const PIECE_BYTES_MIN: usize = 2;
/// More pieces are not looked for quicker than the patterns themselves.
const PIECES_MAX: usize = 100;

/// Most that a pattern may keep of what it has learned about texts, bytes: there are some hundreds of patterns.
const DFA_BYTES_MAX: usize = 1024 * 1024;

/// A named list of patterns; matches if one of them is found.
#[derive(Debug, Clone)]
pub struct Words {
    all: Finder,
    /// Pieces of text, one of which is in everything that matches: they are found many times faster. `None`: not known.
    pieces: Option<AhoCorasick>,
}

#[derive(Debug, Clone)]
enum Finder {
    /// For texts as [`plain`] writes them: where every letter is a byte, borders of words are found many times faster.
    Plain(bytes::Regex),
    /// For patterns that cannot be written so.
    Text(Regex),
}

impl Words {
    /// The patterns as one, so that a text is searched once.
    ///
    /// # Errors
    /// When a pattern is no regular expression, or all together are too large.
    pub fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<Self, regex::Error> {
        let all = patterns.map(|pattern| format!("(?:{pattern})")).collect::<Vec<_>>().join("|");
        // Texts come in lower case, which is far quicker than folding; only a capital in a pattern still needs that.
        let folds = all.chars().any(char::is_uppercase);
        let parsed = ParserBuilder::new().case_insensitive(folds).build().parse(&all).ok();
        let pieces = parsed.as_ref().and_then(pieces).filter(|pieces| pieces.len() <= PIECES_MAX);
        let finder = |pieces: Vec<Vec<u8>>| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(pieces);
        let plain_regex =
            |all: String| bytes::RegexBuilder::new(&all).unicode(false).dfa_size_limit(DFA_BYTES_MAX).build().ok();
        let all = match plain_pattern(&all).filter(|_| parsed.is_some()).and_then(plain_regex) {
            Some(regex) => Finder::Plain(regex),
            None => {
                let mut builder = regex::RegexBuilder::new(&all);
                Finder::Text(builder.case_insensitive(folds).dfa_size_limit(DFA_BYTES_MAX).build()?)
            }
        };
        Ok(Self { all, pieces: pieces.and_then(|pieces| finder(pieces).ok()) })
    }

    /// `lower` is a text in lower case.
    pub fn found_in(&self, lower: &str) -> bool {
        if !self.pieces.as_ref().is_none_or(|pieces| pieces.is_match(lower)) {
            return false;
        }
        match &self.all {
            Finder::Plain(regex) if lower.is_ascii() => regex.is_match(lower.as_bytes()),
            Finder::Plain(regex) => regex.is_match(&plain(lower)),
            Finder::Text(regex) => regex.is_match(lower),
        }
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

    fn is_plain(words: &Words) -> bool {
        matches!(words.all, Finder::Plain(_))
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
        let words = Words::new([r"\bwart(e|en)\b", "über morgen", "!.*!"].into_iter()).unwrap();
        for (text, found) in
            [("ich warte", true), ("wartung", false), ("über morgen", true), ("!a!", true), ("", false)]
        {
            assert_eq!(words.found_in(text), found, "{text}");
        }
        let words = Words::new([r"\bwart(e|en)\b", "über morgen"].into_iter()).unwrap();
        assert!(words.pieces.is_some());
        for (text, found) in [("ich warte", true), ("wartung", false), ("über morgen", true), ("morgen", false)] {
            assert_eq!(words.found_in(text), found, "{text}");
        }
        let capitals = Words::new(["WLAN"].into_iter()).unwrap();
        assert!(!is_plain(&capitals) && capitals.found_in("das wlan"));
    }

    #[test]
    fn umlauts_are_letters_of_a_word_in_every_text() {
        let patterns = [r"\bwart\b", r"\b(f[aä]hr|gr[^a-z]+ß)\w*", "a.{0,2}z"];
        let words = Words::new(patterns.into_iter()).unwrap();
        assert!(is_plain(&words));
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
            assert_eq!((words.found_in(text), as_written.is_match(text)), (found, found), "{text}");
        }
        for other in ["(?i)wart", "[ß-ü]", "é", r"\p{L}+"] {
            assert!(!is_plain(&Words::new([other].into_iter()).unwrap()), "{other}");
        }
    }
}
