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
const DFA_BYTES_MAX: usize = 128 * 1024;

/// A named list of patterns; matches if one of them is found.
#[derive(Debug, Clone)]
pub struct Words {
    all: Regex,
    /// Pieces of text, one of which is in everything that matches: they are found many times faster. `None`: not known.
    pieces: Option<AhoCorasick>,
    /// The same for texts that [`plain`] can write: without letters beyond ASCII, borders of words are found many times
    /// faster. `None` if the patterns cannot be written so.
    plain: Option<bytes::Regex>,
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
        let regex = regex::RegexBuilder::new(&all).case_insensitive(folds).dfa_size_limit(DFA_BYTES_MAX).build()?;
        let parsed = ParserBuilder::new().case_insensitive(folds).build().parse(&all).ok();
        let pieces = parsed.as_ref().and_then(pieces).filter(|pieces| pieces.len() <= PIECES_MAX);
        let finder = |pieces: Vec<Vec<u8>>| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(pieces);
        let plain_regex =
            |all: String| bytes::RegexBuilder::new(&all).unicode(false).dfa_size_limit(DFA_BYTES_MAX).build().ok();
        let plain = plain_pattern(&all).and_then(plain_regex);
        Ok(Self { all: regex, pieces: pieces.and_then(|pieces| finder(pieces).ok()), plain })
    }

    /// `lower` is a text in lower case.
    pub fn found_in(&self, lower: &str) -> bool {
        if !self.pieces.as_ref().is_none_or(|pieces| pieces.is_match(lower)) {
            return false;
        }
        match &self.plain {
            Some(regex) if lower.is_ascii() => regex.is_match(lower.as_bytes()),
            Some(regex) => plain(lower).map_or_else(|| self.all.is_match(lower), |text| regex.is_match(&text)),
            None => self.all.is_match(lower),
        }
    }
}

/// A text in lower case as ASCII, character by character: umlauts as the capitals it has not, typographic marks as one that
/// no pattern names. `None` if it holds anything else.
fn plain(lower: &str) -> Option<Vec<u8>> {
    lower
        .chars()
        .map(|c| match c {
            'A'..='Z' => None,
            _ if c.is_ascii() => Some(c as u8),
            '–' | '—' | '…' | '„' | '“' | '”' | '‚' | '‘' | '’' | '«' | '»' | '€' => Some(1),
            _ => umlaut(c),
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
        assert!(capitals.plain.is_none() && capitals.found_in("das wlan"));
    }

    #[test]
    fn umlauts_are_letters_of_a_word_in_every_text() {
        let words = Words::new([r"\bwart\b", r"\b(f[aä]hr|gr[^a-z]+ß)\w*", "a.{0,2}z"].into_iter()).unwrap();
        assert!(words.plain.is_some());
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
            assert_eq!((words.found_in(text), words.all.is_match(text)), (found, found), "{text}");
        }
        for other in ["(?i)wart", "[ß-ü]", "é", r"\p{L}+"] {
            assert!(Words::new([other].into_iter()).unwrap().plain.is_none(), "{other}");
        }
    }
}
