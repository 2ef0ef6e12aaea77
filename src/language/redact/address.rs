//! Postal addresses: a street with its number, a postcode with its town.

mod english;
mod german;

use super::Kind;
use super::announce::Announcement;
use super::piece::{Piece, What};
use super::token::{Line, Token};
use crate::terms::Lang;

/// Tokens after "ich wohne" or "meine Adresse" in which a street alone is one.
const ANNOUNCED_TOKENS: usize = 8;

/// Stretches of tokens that are addresses. `expected`: one was asked for.
pub fn addresses(
    tokens: &[Token],
    pieces: &[Piece],
    piece_of: &[usize],
    announced: &[Announcement],
    expected: bool,
    lang: Lang,
) -> Vec<(usize, usize)> {
    let mut wanted = vec![expected; tokens.len()];
    for one in announced.iter().filter(|one| one.kind == Kind::Address) {
        wanted[one.end.min(tokens.len())..(one.end + ANNOUNCED_TOKENS).min(tokens.len())].fill(true);
    }
    let postcode = pieces.iter().any(|piece| {
        let five = matches!(&piece.what, What::Number { digits, .. } if digits.len() == 5);
        five && tokens.get(piece.end).is_some_and(Token::is_capital)
    });
    let finder = Finder { line: Line(tokens), pieces, piece_of, wanted, expected, postcode, lang };
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let floor = found.last().map_or(0, |(_, end)| *end);
        let street = finder.german(at, floor).or_else(|| finder.english(at, floor));
        let street = street.or_else(|| finder.answered(at)).or_else(|| finder.uk_postcode(at));
        let street = street.or_else(|| finder.spelled_postcode(at));
        match street {
            Some((first, end)) => {
                found.push((first, end));
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    found
}

struct Finder<'a> {
    line: Line<'a>,
    pieces: &'a [Piece],
    piece_of: &'a [usize],
    wanted: Vec<bool>,
    /// The utterance before asked for an address.
    expected: bool,
    /// A postcode and its town are in the same utterance.
    postcode: bool,
    lang: Lang,
}

impl Finder<'_> {
    /// The number of a house that begins here, of at most `digits` digits, with its letter.
    fn house(&self, at: usize, most: usize) -> Option<usize> {
        let piece = &self.pieces[*self.piece_of.get(at)?];
        let What::Number { digits, .. } = &piece.what else { return None };
        if piece.first != at || digits.len() > most || digits.starts_with('0') {
            return None;
        }
        let letter = self.line.get(piece.end).and_then(Token::letter);
        let lettered = letter.is_some_and(|letter| ('a'..='h').contains(&letter))
            && (self.line.is_glued(piece.end) || self.lang == Lang::De);
        Some(piece.end + usize::from(lettered))
    }
}
