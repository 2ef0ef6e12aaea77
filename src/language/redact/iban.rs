//! International bank account numbers, written in groups or spelled.

use super::check::{iban_length, is_iban};
use super::piece::{Piece, What};
use super::small_words::is_filler;
use super::token::{Form, Token};

/// A stretch of tokens that begins like an account number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub first: usize,
    pub end: usize,
    /// Upper-case letters and digits.
    pub number: String,
    /// Its length and its check digits are right.
    pub valid: bool,
    /// As long as accounts of its country are.
    pub complete: bool,
}

/// Everything that begins with a country and two digits, in order. `piece_of` gives the piece of each token.
pub fn accounts(text: &str, tokens: &[Token], pieces: &[Piece], piece_of: &[usize]) -> Vec<Account> {
    let mut found: Vec<Account> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let account =
            country(tokens, at).and_then(|(country, end)| collect(text, tokens, pieces, piece_of, at, &country, end));
        match account {
            Some(account) => {
                at = account.end;
                found.push(account);
            }
            None => at += 1,
        }
    }
    found
}

/// "DE", "D E", "D wie Dora E wie Emil": the letters and where they end.
fn country(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let word = tokens[at].word.as_str();
    if word.len() == 2 && word.is_ascii() {
        let country = word.to_uppercase();
        return iban_length(&country).map(|_| (country, at + 1));
    }
    let first = tokens[at].letter()?;
    let mut next = skip_wie(tokens, at + 1);
    while next < at + 6 && tokens.get(next).is_some_and(|token| matches!(token.form, Form::Mark('.' | ',' | '-'))) {
        next += 1;
    }
    let second = tokens.get(next)?.letter()?;
    let country = format!("{first}{second}").to_uppercase();
    iban_length(&country).map(|_| (country, skip_wie(tokens, next + 1)))
}

/// After a letter: past "wie Dora", "for delta", "as in David".
pub fn skip_wie(tokens: &[Token], at: usize) -> usize {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.word.as_str());
    match (word(at), word(at + 1)) {
        ("as", "in") => (at + 3).min(tokens.len()),
        ("wie" | "for" | "like", next) if !next.is_empty() => at + 2,
        _ => at,
    }
}

fn collect(
    text: &str,
    tokens: &[Token],
    pieces: &[Piece],
    piece_of: &[usize],
    first: usize,
    country: &str,
    mut at: usize,
) -> Option<Account> {
    let wanted = iban_length(country)?;
    let mut number = country.to_owned();
    let mut end = at;
    let limit = first + 120;
    while at < tokens.len().min(limit) && number.len() < wanted {
        let piece = &pieces[piece_of[at]];
        let token = &tokens[at];
        match (&piece.what, token.form) {
            (What::Number { digits, .. }, _) if piece.first == at => {
                number.push_str(digits);
                at = piece.end;
                end = at;
                continue;
            }
            (What::Quantity | What::Date { .. }, Form::Figures) => {
                number.push_str(&text[token.start..token.end]);
                at += 1;
                end = at;
                continue;
            }
            (_, Form::Word { .. }) if token.letter().is_some_and(|letter| letter.is_ascii()) && number.len() >= 4 => {
                number.push_str(&token.word.to_uppercase());
                at = skip_wie(tokens, at + 1);
                end = at;
                continue;
            }
            (_, Form::Word { upper: true, .. })
                if token.word.len() <= 4 && token.word.is_ascii() && number.len() >= 4 =>
            {
                number.push_str(&token.word.to_uppercase());
                end = at + 1;
            }
            (_, Form::Mark('-' | ',' | '.' | '/' | '–')) => {}
            (_, Form::Word { .. }) if is_filler(&token.word) => {}
            _ => break,
        }
        at += 1;
    }
    let two_digits = number.len() >= 4 && number.as_bytes()[2..4].iter().all(u8::is_ascii_digit);
    two_digits.then(|| Account { first, end, valid: is_iban(&number), complete: number.len() == wanted, number })
}
