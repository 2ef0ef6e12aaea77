//! Personal data out, before anything is stored or shown.
//!
//! What is replaced: card numbers, IBANs, e-mail addresses, telephone numbers, birth dates and long numbers, written
//! or spoken digit by digit, in German and English. What stays: amounts, durations, dates, times and counts, which
//! the conversation is about.

mod digits;
mod email;
mod iban;

use std::sync::LazyLock;

use regex::Regex;

use digits::{Run, runs};

/// What stands in place of a payment card's number.
pub const CARD: &str = "[Karte]";
/// What stands in place of an international bank account number.
pub const IBAN: &str = "[IBAN]";
/// What stands in place of an e-mail address.
pub const EMAIL: &str = "[E-Mail]";
/// What stands in place of a telephone number.
pub const PHONE: &str = "[Telefon]";
/// What stands in place of any other long number.
pub const NUMBER: &str = "[Nummer]";
/// What stands in place of a date of birth.
pub const BIRTH_DATE: &str = "[Geburtsdatum]";

/// Digits from which a number is taken for somebody's, whatever it is.
const DIGITS_MIN: usize = 5;

/// Digits from which a number is taken for somebody's when the words before name it as such.
const NAMED_DIGITS_MIN: usize = 3;

/// Digits of the shortest telephone number told by its leading zero or plus alone.
const PHONE_DIGITS_MIN: usize = 6;

/// `text` with personal data replaced by markers; the rest is unchanged, and redacting twice changes nothing more.
pub fn redact(text: &str) -> String {
    let text = email::without_emails(text);
    let text = iban::without_ibans(&text);
    let text = without_birth_dates(&text);
    without_numbers(&text)
}

fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest_from = 0;
    for run in runs(text) {
        let Some((start, marker)) = marker_for(text, &run) else { continue };
        let start = start.max(rest_from);
        out.push_str(&text[rest_from..start]);
        out.push_str(marker);
        rest_from = run.end;
    }
    out.push_str(&text[rest_from..]);
    out
}

/// Where the replacement starts and what it is; `None` to leave the run alone.
fn marker_for(text: &str, run: &Run) -> Option<(usize, &'static str)> {
    let count = run.digits.len();
    if is_card(&run.digits) {
        return Some((run.start, CARD));
    }
    if run.is_quantity && count < 10 {
        return None;
    }
    if let Some(start) = iban::spoken_start(text, run.start, &run.digits) {
        return Some((start, IBAN));
    }
    let before = words_before(text, run.start);
    let has_plus = text[..run.start].ends_with('+');
    let start = if has_plus { run.start - 1 } else { run.start };
    if NUMBER_NAMES.is_match(before) && count >= NAMED_DIGITS_MIN {
        return Some((start, NUMBER));
    }
    let dialled = (has_plus || run.digits.starts_with('0')) && (PHONE_DIGITS_MIN..=15).contains(&count);
    if dialled || PHONE_NAMES.is_match(before) && count >= DIGITS_MIN {
        return Some((start, PHONE));
    }
    (count >= DIGITS_MIN).then_some((start, NUMBER))
}

/// The last few words before a place.
fn words_before(text: &str, at: usize) -> &str {
    let start = text[..at].char_indices().rev().nth(45).map_or(0, |(start, _)| start);
    let before = &text[start..at];
    before.rfind(['.', '?', '!']).map_or(before, |mark| &before[mark + 1..])
}

#[allow(clippy::expect_used, reason = "patterns are constants, and every test compiles them")]
fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

static NUMBER_NAMES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(kunden|vertrags?|rechnungs|auftrags|bestell|vorgangs|ticket|konto|ausweis|versicherungs|mitglieds)-?\s?nummer|\bpin\b|\btan\b|geheimzahl|prüf(nummer|ziffer)|sicherheitscode|kennwort|passwort|\bcvv\b|\bcvc\b|(customer|contract|account|order|invoice|ticket|reference|policy|member(ship)?)\s(number|id)|password|security code",
    )
});

static PHONE_NAMES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)telefon|handy|mobil|rückruf|zurückrufen|vorwahl|durchwahl|\bphone\b|\bmobile\b|\bcell\b|call me")
});

/// The check digit rule of ISO/IEC 7812-1, on the 13 to 19 digits a card number has.
fn is_card(digits: &str) -> bool {
    (13..=19).contains(&digits.len()) && luhn(digits)
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let value = u32::from(digit - b'0') << (index % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A date around words that speak of birth.
fn without_birth_dates(text: &str) -> String {
    let [after_word, before_word] = &*BIRTH_DATES;
    let text = after_word.replace_all(text, |found: &regex::Captures<'_>| format!("{}{BIRTH_DATE}", &found["word"]));
    before_word.replace_all(&text, |found: &regex::Captures<'_>| format!("{BIRTH_DATE}{}", &found["word"])).into_owned()
}

static BIRTH_DATES: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    let ordinal = r"(?:(?:erst|zweit|dritt|viert|fünft|sechst|siebt|siebent|acht|neunt|\p{L}*zehnt|elft|zwölft|\p{L}*(?:zwanzig|dreißig|dreissig)st)(?:e[nr]?)\b)";
    let month = r"(?:januar|jänner|februar|feber|märz|april|mai|juni|juno|juli|august|september|oktober|november|dezember|january|february|march|may|june|july|october|december)";
    let year = r"(?:\d{4}|\d{2}\b|neunzehn\s?hundert\p{L}*|zweitausend\p{L}*|nineteen\s\p{L}+(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?|two\sthousand(?:\s(?:and\s)?\p{L}+)?|\p{L}*(?:zehn|zwanzig|dreißig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig)\b)";
    let day = format!(r"(?:\d{{1,2}}(?:st|nd|rd|th)?\.?|{ordinal})");
    let date = [
        r"\d{4}-\d{1,2}-\d{1,2}".to_owned(),
        r"\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2,4}".to_owned(),
        format!(r"{day}\s(?:of\s)?{month}(?:,?\s{year})?"),
        format!(r"{month}\s(?:the\s)?\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s{year})?"),
        format!(r"{ordinal}\s{ordinal}(?:,?\s{year})?"),
    ]
    .join("|");
    let near = r"[^.?!\d\[\]]";
    [
        pattern(&format!(
            r"(?i)(?P<word>(?:geboren|geburts\p{{L}}*|\bborn|birth\s?(?:date|day)|date of birth){near}{{0,40}}?\b)(?:{date})"
        )),
        pattern(&format!(r"(?i)\b(?:{date})(?P<word>{near}{{0,30}}?\b(?:geboren|born)\b)")),
    ]
});

#[cfg(test)]
mod tests;
