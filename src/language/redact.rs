//! Personal data out, before anything is stored or shown.
//!
//! Card and account numbers, telephone numbers, e-mail addresses, dates of birth, postal addresses, customer and other
//! long numbers, and names where configured: written, or spoken as recognisers write it, in German and English. Each is
//! replaced by its kind, the same thing by the same words throughout a call. What the call is about stays: amounts,
//! durations, dates, times, counts, products.
//!
//! A [`Redactor`] follows one call: a number may be asked for by one party and dictated by the other in pieces. Text in
//! which nothing was dictated before goes through [`redact`].

mod address;
mod announce;
mod check;
mod email;
mod extent;
mod iban;
mod memory;
mod name;
mod number;
mod piece;
mod quantity;
mod run;
mod small_words;
mod sort;
mod token;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use self::memory::Memory;
use self::sort::Finding;
use crate::terms::{Channel, Lang};

/// What is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A payment card's number.
    Card,
    /// An international bank account number.
    Iban,
    Phone,
    Email,
    BirthDate,
    /// A street with its number, a postcode with its town.
    Address,
    /// A customer, contract, order, meter, insurance or tax number, a PIN, or any other long number.
    Number,
    /// Somebody's name; only where configured.
    Name,
}

impl Kind {
    pub const ALL: [Self; 8] =
        [Self::Card, Self::Iban, Self::Phone, Self::Email, Self::BirthDate, Self::Address, Self::Number, Self::Name];

    /// The word that stands in its place.
    pub fn label(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Card, Lang::De) => "Karte",
            (Self::Card, Lang::En) => "Card",
            (Self::Iban, _) => "IBAN",
            (Self::Phone, Lang::De) => "Telefon",
            (Self::Phone, Lang::En) => "Phone",
            (Self::Email, Lang::De) => "E-Mail",
            (Self::Email, Lang::En) => "Email",
            (Self::BirthDate, Lang::De) => "Geburtsdatum",
            (Self::BirthDate, Lang::En) => "Date of birth",
            (Self::Address, Lang::De) => "Adresse",
            (Self::Address, Lang::En) => "Address",
            (Self::Number, Lang::De) => "Nummer",
            (Self::Number, Lang::En) => "Number",
            (Self::Name, _) => "Name",
        }
    }

    /// The kind and the length in bytes of a marker at the beginning of a text: "[Telefon 2]", "[IBAN?]".
    fn of_marker(text: &str) -> Option<(Self, usize)> {
        let inner = text.strip_prefix('[')?;
        // The longest marker: a label, a question mark and a number of up to three digits.
        let end = inner.bytes().take(24).position(|byte| byte == b']')?;
        let label = inner.get(..end)?.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(' ');
        let label = label.strip_suffix('?').unwrap_or(label);
        let named = |kind: &Self| [Lang::De, Lang::En].iter().any(|lang| kind.label(*lang) == label);
        Self::ALL.into_iter().find(named).map(|kind| (kind, end + 2))
    }
}

/// A text without personal data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    pub text: String,
    /// The same with names in it, for the agent who speaks with this customer anyway.
    pub with_names: String,
    /// What was replaced, in order and apart.
    pub parts: Vec<Part>,
}

/// Something that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub kind: Kind,
    /// Its place in the original, in bytes.
    pub from: Range<usize>,
    /// The place of the marker in [`Redacted::text`], in characters, as offsets of cues are counted.
    pub to: Range<usize>,
}

/// `text` without personal data, as if nothing had been said before. Redacting twice changes nothing more.
pub fn redact(lang: Lang, text: &str) -> String {
    let mut text = Redactor::new(lang, false).utterance(Channel::Customer, text).text;
    // A marker is shorter than what it stands for, so that words may come into reach of each other.
    for _ in 0..PASSES_MAX {
        let again = Redactor::new(lang, false).utterance(Channel::Customer, &text);
        if again.parts.is_empty() {
            break;
        }
        text = again.text;
    }
    text
}

/// Each pass takes something more, and hardly any text needs two.
const PASSES_MAX: usize = 8;

/// Takes personal data out of the utterances of one call, in the order in which they are told.
///
/// Keeps in mind, for as long as the call lives, what was replaced (to name the same thing the same way) and what was
/// asked for. [`Redactor::forget`] drops both.
#[derive(Debug, Clone)]
pub struct Redactor {
    lang: Lang,
    names: bool,
    /// Names the phone system told or that were introduced, in lower case.
    known: Vec<String>,
    memory: Memory,
}

/// Names kept in mind in one call.
const NAMES_MAX: usize = 32;

impl Redactor {
    /// `names`: names are personal data to be replaced, too.
    pub fn new(lang: Lang, names: bool) -> Self {
        Self { lang, names, known: Vec::new(), memory: Memory::default() }
    }

    /// What is said from now on is in this language.
    pub fn speak(&mut self, lang: Lang) {
        self.lang = lang;
    }

    /// The customer's name as the phone system wrote it.
    pub fn know_name(&mut self, written: &str) {
        for part in name::parts(written) {
            if self.known.len() < NAMES_MAX && !self.known.contains(&part) {
                self.known.push(part);
            }
        }
    }

    /// What somebody said. Pieces of a number are known by what was said before, by whoever.
    pub fn utterance(&mut self, channel: Channel, text: &str) -> Redacted {
        let found = sort::findings(text, self.lang, self.names.then_some(&self.known[..]), &mut self.memory, channel);
        for finding in found.iter().filter(|finding| finding.kind == Kind::Name) {
            self.know_name(&text[finding.from.clone()]);
        }
        self.render(text, &found)
    }

    /// A text that nobody said, such as a note or a suggestion: it answers nothing and asks nothing.
    pub fn aside(&mut self, text: &str) -> String {
        let mut memory = self.memory.without_dialogue();
        let found = sort::findings(text, self.lang, self.names.then_some(&self.known[..]), &mut memory, Channel::Agent);
        self.render(text, &found).text
    }

    /// Consent is gone, or the call is over.
    pub fn forget(&mut self) {
        self.known.clear();
        self.memory = Memory::default();
    }

    fn render(&mut self, text: &str, found: &[Finding]) -> Redacted {
        let mut redacted = Redacted {
            text: String::with_capacity(text.len()),
            with_names: String::with_capacity(text.len()),
            parts: Vec::with_capacity(found.len()),
        };
        let (mut at, mut chars) = (0, 0);
        for finding in found {
            let kept = &text[at..finding.from.start];
            let marker = self.memory.marker(self.lang, finding);
            redacted.text.push_str(kept);
            redacted.text.push_str(&marker);
            redacted.with_names.push_str(kept);
            redacted.with_names.push_str(if finding.kind == Kind::Name {
                &text[finding.from.clone()]
            } else {
                &marker
            });
            let start = chars + kept.chars().count();
            chars = start + marker.chars().count();
            redacted.parts.push(Part { kind: finding.kind, from: finding.from.clone(), to: start..chars });
            at = finding.from.end;
        }
        redacted.text.push_str(&text[at..]);
        redacted.with_names.push_str(&text[at..]);
        redacted
    }
}

#[cfg(test)]
mod tests;
