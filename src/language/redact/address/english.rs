//! English streets, and British and American postcodes.

use super::super::piece::What;
use super::super::token::Form;
use super::Finder;
use crate::terms::Lang;

const ENGLISH: &[&str] = &["street", "road", "avenue", "lane", "boulevard", "rd", "ave", "blvd", "crescent", "terrace"];
const ENGLISH_CAPITAL: &[&str] = &[
    "st", "drive", "close", "court", "way", "square", "place", "gardens", "grove", "hill", "row", "mews", "walk",
    "park", "green",
];

impl Finder<'_> {
    /// "12 Baker Street", "flat 4, twenty one High Street".
    pub(super) fn english(&self, at: usize, floor: usize) -> Option<(usize, usize)> {
        if self.lang != Lang::En {
            return None;
        }
        let name_at = self.house(at, 5)?;
        let mut end = name_at;
        loop {
            let token = self.line.get(end).filter(|token| token.is_word())?;
            let word = token.word.as_str();
            if end > name_at && (ENGLISH.contains(&word) || token.is_capital() && ENGLISH_CAPITAL.contains(&word)) {
                break;
            }
            // Without capitals only a name of one word: "12 baker street".
            if end - name_at >= 3 || !token.is_capital() && end > name_at || is_small(word) {
                return None;
            }
            end += 1;
        }
        let mut first = at;
        if first >= floor + 2 {
            let comma = usize::from(self.line.is_mark(first - 1, ','));
            let number = first - 1 - comma;
            if number > floor
                && matches!(self.line.word(number - 1), "flat" | "apartment" | "apt" | "unit" | "suite")
                && matches!(self.pieces[self.piece_of[number]].what, What::Number { .. })
            {
                first = number - 1;
            }
        }
        let dotted = self.line.is_mark(end + 1, '.') && self.line.is_glued(end + 1) && self.line.word(end).len() <= 4;
        let mut end = end + 1 + usize::from(dotted && self.line.is_mark(end + 2, ','));
        let town = self.line.get(end + 1).is_some_and(|token| token.is_capital() && token.word.len() >= 3);
        if self.wanted[at] && self.line.is_mark(end, ',') && town && !is_small(self.line.word(end + 1)) {
            end += 2;
        }
        Some((first, self.zip(end).unwrap_or(end)))
    }

    /// What follows an American street up to its ZIP code: ", Springfield, Illinois 62704".
    fn zip(&self, street: usize) -> Option<usize> {
        let mut end = street;
        while end < street + 7 {
            match self.line.get(end)? {
                token if token.is_mark(',') || token.is_capital() && !is_small(&token.word) => end += 1,
                _ => break,
            }
        }
        let piece = &self.pieces[*self.piece_of.get(end)?];
        let five = matches!(&piece.what, What::Number { digits, .. } if digits.len() == 5);
        (end > street && five && piece.first == end).then_some(piece.end)
    }

    /// "SW1A 1AA", "M1 1AE": letters, one or two digits, perhaps a letter; then a digit and two letters.
    pub(super) fn uk_postcode(&self, at: usize) -> Option<(usize, usize)> {
        let area = &self.line.0[at];
        if !area.is_upper() || area.word.len() > 2 || self.line.is_glued(at) && self.line.0[at - 1].is_word() {
            return None;
        }
        let figures = |at: usize, most: usize| {
            let token = self.line.get(at)?;
            (token.form == Form::Figures && token.end - token.start <= most).then_some(())
        };
        figures(at + 1, 2).filter(|()| self.line.is_glued(at + 1))?;
        let mut next = at + 2;
        if self.line.is_glued(next) && self.line.0[next].is_upper() && self.line.0[next].word.len() == 1 {
            next += 1;
        }
        figures(next, 1)?;
        let inward = self.line.get(next + 1)?;
        (inward.is_upper() && inward.word.len() == 2 && self.line.is_glued(next + 1)).then_some((at, next + 2))
    }

    /// "M one four, five T Q" where an address is spoken of: letters and digits in the order of a British postcode.
    pub(super) fn spelled_postcode(&self, at: usize) -> Option<(usize, usize)> {
        if self.lang != Lang::En || !self.wanted[at] {
            return None;
        }
        let (mut code, mut next, mut end) = (String::new(), at, at);
        while code.len() < 7
            && let Some(token) = self.line.get(next)
        {
            if token.is_upper() && token.word.len() <= 2 && token.word.is_ascii() {
                code.push_str(&token.word);
                next += 1;
                end = next;
            } else if let What::Number { digits, .. } = &self.pieces[self.piece_of[next]].what
                && !code.is_empty()
            {
                code.push_str(digits);
                next = self.pieces[self.piece_of[next]].end;
                end = next;
            } else if token.is_mark(',') && !code.is_empty() {
                next += 1;
            } else {
                break;
            }
        }
        let inward = code.get(code.len().checked_sub(3)?..)?.as_bytes();
        let is_code = (5..=7).contains(&code.len())
            && code.starts_with(|c: char| c.is_ascii_alphabetic())
            && inward[0].is_ascii_digit()
            && inward[1..].iter().all(u8::is_ascii_alphabetic);
        is_code.then_some((at, end))
    }
}

/// Words that are no street's name.
fn is_small(word: &str) -> bool {
    const SMALL: &[&str] = &[
        "in",
        "on",
        "at",
        "the",
        "and",
        "of",
        "to",
        "for",
        "from",
        "or",
        "is",
        "was",
        "people",
        "shops",
        "different",
        "more",
        "by",
        "down",
        "up",
        "along",
        "o'clock",
        "a",
        "with",
        "i",
        "it",
        "we",
        "you",
        "my",
        "your",
    ];
    SMALL.contains(&word)
}
