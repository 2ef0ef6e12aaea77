//! International bank account numbers (ISO 13616).

use std::sync::LazyLock;

use regex::Regex;

use super::{IBAN, pattern};

/// Country and length, from SWIFT's registry, as far as callers in Europe have one.
#[rustfmt::skip]
const LENGTHS: &[(&str, usize)] = &[
    ("AT", 20), ("BE", 16), ("BG", 22), ("CH", 21), ("CY", 28), ("CZ", 24), ("DE", 22), ("DK", 18), ("EE", 20),
    ("ES", 24), ("FI", 18), ("FR", 27), ("GB", 22), ("GR", 27), ("HR", 21), ("HU", 28), ("IE", 22), ("IS", 26),
    ("IT", 27), ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21), ("MC", 27), ("MT", 31), ("NL", 18), ("NO", 15),
    ("PL", 28), ("PT", 25), ("RO", 24), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("TR", 26),
];

/// Replaces written IBANs, in one piece or in groups, whose check digits are right.
pub fn without_ibans(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = START.find(rest) {
        match written_end(&rest[found.start()..]) {
            Some(length) => {
                out.push_str(&rest[..found.start()]);
                out.push_str(IBAN);
                rest = &rest[found.start() + length..];
            }
            None => {
                out.push_str(&rest[..found.end()]);
                rest = &rest[found.end()..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// If the digits before which two letters stand ("D E acht neun …") make an IBAN with them: where the letters start.
pub fn spoken_start(text: &str, digits_start: usize, digits: &str) -> Option<usize> {
    let found = LETTERS.captures(&text[..digits_start])?;
    let country = format!("{}{}", &found["first"], &found["second"]).to_uppercase();
    is_valid(&format!("{country}{digits}")).then(|| found.get(0).map_or(digits_start, |letters| letters.start()))
}

static START: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b[a-z]{2}\s?\d{2}"));

static LETTERS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(?P<first>[a-z])[\s.,-]{0,2}(?P<second>[a-z])[\s.,-]{0,2}$"));

/// Bytes of the valid IBAN at the beginning of `text`; groups may be set apart by a blank or a hyphen.
fn written_end(text: &str) -> Option<usize> {
    let country = text.get(..2)?.to_uppercase();
    let (_, wanted) = LENGTHS.iter().find(|(code, _)| *code == country)?;
    let mut iban = String::new();
    let mut gap = false;
    for (at, c) in text.char_indices() {
        if c.is_ascii_alphanumeric() {
            iban.push(c.to_ascii_uppercase());
            gap = false;
        } else if matches!(c, ' ' | '-') && !gap {
            gap = true;
        } else {
            return None;
        }
        if iban.len() == *wanted {
            let end = at + c.len_utf8();
            let ends = !text[end..].starts_with(|c: char| c.is_alphanumeric());
            return (ends && is_valid(&iban)).then_some(end);
        }
    }
    None
}

/// Length and check digits (ISO 7064, modulo 97) of upper-case letters and digits without blanks.
fn is_valid(iban: &str) -> bool {
    let right_length = LENGTHS.iter().any(|(code, length)| iban.starts_with(code) && iban.len() == *length);
    if !right_length {
        return false;
    }
    let (head, tail) = iban.split_at(4);
    let remainder = tail.chars().chain(head.chars()).try_fold(0, |remainder, c| {
        let value = c.to_digit(36)?;
        Some((remainder * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    remainder == Some(1)
}
