//! Facts from recognised speech: what the matter is about, since when, how often, how much, names, dates, numbers.
//!
//! A fact carries its own grammar: each of its [`Fact::slots`] is a form that stands in a sentence as it is ("Ihrem
//! Router" after *mit*), so a phrase is grammatical or it is not said. Where a form cannot be known for certain
//! there is none. Nothing is guessed: a form holds words that were said, turned to the listener ("mein" to "Ihr").
//!
//! | slot | German | English | stands |
//! |---|---|---|---|
//! | `what` | Ihr Router | your router | as the subject |
//! | `what_acc` | Ihren Router | your router | as the object |
//! | `what_dat` | Ihrem Router | your router | after *mit*, *bei*, *zu*; after *with* |
//! | `problem` | Ihr Router nicht funktioniert | your router isn't working | after *dass*; after *that* |
//! | `since` | seit gestern | since yesterday | anywhere an adverb may stand |
//! | `since_long` | seit zwei Wochen | for two weeks | the same, only if it is long |
//! | `wait` | zwanzig Minuten | twenty minutes | as object of *warten* (time spent on the line) |
//! | `nth` | zum dritten Mal | for the third time | as an adverb |
//! | `nth_contact` | zum dritten Mal | for the third time | the same, where it was about getting in touch |
//! | `times_contact` | dreimal | three times | after *schon*; after *already* |
//! | `amount` | neunundvierzig Euro | forty-nine euros | after *die* in the plural; anywhere |
//! | `surname`, `name` | Keller, Frau Keller | Keller, Ms Keller | as the address |

mod de;
mod en;
mod gate;

use std::sync::LazyLock;

use regex::Regex;

use crate::terms::Lang;

/// What a fact is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// The thing: a delivery, a router, a bill.
    What,
    /// What is wrong with it, or what did not happen.
    Problem,
    /// How long it has been so.
    Since,
    /// Time spent waiting on the line.
    Wait,
    /// The how-manieth time, or how many times.
    HowOften,
    /// A sum of money.
    Amount,
    /// The speaker's own name.
    Name,
    Date,
    /// Digits: a customer number, a telephone number, an IBAN.
    Number,
    /// Letters said one by one.
    Spelled,
    Email,
}

impl FactKind {
    pub const ALL: &[FactKind] = &[
        Self::What,
        Self::Problem,
        Self::Since,
        Self::Wait,
        Self::HowOften,
        Self::Amount,
        Self::Name,
        Self::Date,
        Self::Number,
        Self::Spelled,
        Self::Email,
    ];
}

/// One fact, where it was said and how it may be said back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub kind: FactKind,
    /// First character, counted in Unicode scalar values of the text.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The words between `start` and `end`.
    pub text: String,
    /// Forms for sentences, by slot name.
    pub slots: Vec<(&'static str, String)>,
}

/// The facts in one utterance, in the order they were said.
pub fn facts(lang: Lang, text: &str) -> Vec<Fact> {
    let mut found = Vec::new();
    match lang {
        Lang::De => de::find(text, de::GATE.look(text), &mut found),
        Lang::En => en::find(text, en::GATE.look(text), &mut found),
    }
    placed(text, found)
}

/// The caller's name where it stands alone in the first words of a call ("Noack. Ich rufe an, weil …"): anywhere else
/// such a word may be anything. Known for German.
pub fn opening_name(lang: Lang, text: &str) -> Option<Fact> {
    match lang {
        Lang::De => de::opening_name(text).map(|raw| raw.place(text)),
        Lang::En => None,
    }
}

fn placed(text: &str, found: Vec<Raw>) -> Vec<Fact> {
    let mut facts: Vec<Fact> = found.into_iter().map(|raw| raw.place(text)).collect();
    facts.sort_by_key(|fact| (fact.start, fact.end, fact.kind));
    facts.dedup_by(|a, b| a.kind == b.kind && a.start == b.start);
    facts
}

/// A fact with byte offsets, before they are counted in characters.
struct Raw {
    kind: FactKind,
    start: usize,
    end: usize,
    slots: Vec<(&'static str, String)>,
}

impl Raw {
    fn new(kind: FactKind, range: std::ops::Range<usize>, slots: Vec<(&'static str, String)>) -> Self {
        Self { kind, start: range.start, end: range.end, slots }
    }

    fn place(self, text: &str) -> Fact {
        let start = text[..self.start].chars().count();
        let said = &text[self.start..self.end];
        Fact { kind: self.kind, start, end: start + said.chars().count(), text: said.to_owned(), slots: self.slots }
    }
}

/// The sentences of a text as byte ranges; a comma does not end one.
fn sentences(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = match c {
            '!' | '?' | ';' => true,
            // A full stop inside a number or an address does not end a sentence.
            '.' => chars.peek().is_none_or(|(_, next)| next.is_whitespace()),
            _ => false,
        };
        if ends {
            let end = at + c.len_utf8();
            out.push((start, &text[start..end]));
            start = end;
        }
    }
    if start < text.len() {
        out.push((start, &text[start..]));
    }
    out
}

/// The words of a match with single spaces.
fn squeeze(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The word with its first letter as a capital, as German nouns are written.
fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// What stands in place of personal data; that it was said is known, what it was is not.
static REDACTED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[(Karte|IBAN|E-Mail|Telefon|Nummer|Geburtsdatum)\]"));

/// Patterns for what is said alike in both languages.
struct Shared {
    spoken_digits: &'static LazyLock<Regex>,
    spelled: &'static LazyLock<Regex>,
    email: &'static LazyLock<Regex>,
}

/// Which of them can match.
struct Possible {
    digits: bool,
    spelled: bool,
    email: bool,
}

/// E-mail addresses, written or spoken, and digits in runs, for either language.
fn shared(text: &str, possible: Possible, patterns: &Shared, found: &mut Vec<Raw>) {
    let mut taken: Vec<std::ops::Range<usize>> = Vec::new();
    if possible.email {
        for hit in patterns.email.find_iter(text) {
            taken.push(hit.range());
            found.push(Raw::new(FactKind::Email, hit.range(), Vec::new()));
        }
    }
    if possible.digits {
        for hit in patterns.spoken_digits.find_iter(text) {
            if taken.iter().all(|range| hit.end() <= range.start || hit.start() >= range.end) {
                found.push(Raw::new(FactKind::Number, hit.range(), Vec::new()));
            }
        }
    }
    if text.contains('[') {
        for hit in REDACTED.captures_iter(text) {
            let (Some(whole), Some(what)) = (hit.get(0), hit.get(1)) else { continue };
            let kind = match what.as_str() {
                "E-Mail" => FactKind::Email,
                "Geburtsdatum" => FactKind::Date,
                _ => FactKind::Number,
            };
            found.push(Raw::new(kind, whole.range(), Vec::new()));
        }
    }
    if possible.spelled {
        for hit in patterns.spelled.find_iter(text) {
            found.push(Raw::new(FactKind::Spelled, hit.range(), Vec::new()));
        }
    }
}

/// A pattern of this file's own making; all are compiled in the tests.
fn pattern(source: &str) -> Regex {
    match Regex::new(source) {
        Ok(regex) => regex,
        Err(error) => unreachable!("a pattern of facts.rs does not compile: {error}"),
    }
}

#[cfg(test)]
mod tests;
