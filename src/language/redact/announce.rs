//! Words that tell what a number is: "meine Kundennummer ist", "my date of birth", "Sie erreichen mich unter".

use super::Kind;
use super::token::{Form, Token};

/// A word, or some, after or before which something of this kind is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// Index of the first token, and one past the last.
    pub first: usize,
    pub end: usize,
    pub kind: Kind,
    pub strength: Strength,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// A thing that has a number, which is meant only if it follows at once: "Vertrag 4711".
    Thing,
    /// Makes a long number one of this kind: "auf dem Handy".
    Hint,
    /// Names the number itself, and asks for it where none follows: "Kundennummer".
    Name,
}

/// All announcements of a text, in order.
pub fn announcements(tokens: &[Token]) -> Vec<Announcement> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match announcement(tokens, at) {
            Some(one) => {
                at = one.end;
                found.push(one);
            }
            None => at += 1,
        }
    }
    found
}

fn announcement(tokens: &[Token], at: usize) -> Option<Announcement> {
    let word = tokens[at].word.as_str();
    if word.is_empty() {
        return None;
    }
    let one = |kind, strength| Some(Announcement { first: at, end: at + 1, kind, strength });
    let next = |ahead: usize| tokens.get(at + ahead).map_or("", |token| token.word.as_str());
    let before = |back: usize| at.checked_sub(back).map_or("", |at| tokens[at].word.as_str());
    match word {
        "hausnummer" | "hausnummern" | "zimmernummer" | "artikelnummer" | "modellnummer" | "seitennummer"
        | "startnummer" => {
            return None;
        }
        "e" if tokens.get(at + 1).is_some_and(|token| token.is_mark('-')) && next(2) == "mail" => {
            let address = tokens.get(at + 3).is_some_and(|token| token.is_mark('-')) && next(4).starts_with("adress");
            let end = if address { at + 5 } else { at + 3 };
            return Some(Announcement { first: at, end, kind: Kind::Email, strength: Strength::Name });
        }
        "mailadresse" | "emailadresse" | "email" | "mail" => {
            let glued = tokens.get(at + 1).is_some_and(|token| token.is_mark('-'));
            let address = if glued { 2 } else { 1 };
            let end =
                at + if next(address).starts_with("adress") || next(address) == "address" { address + 1 } else { 1 };
            return Some(Announcement { first: at, end, kind: Kind::Email, strength: Strength::Name });
        }
        "date" if next(1) == "of" && next(2) == "birth" => {
            return Some(Announcement { first: at, end: at + 3, kind: Kind::BirthDate, strength: Strength::Name });
        }
        "birth" if next(1) == "date" => {
            return Some(Announcement { first: at, end: at + 2, kind: Kind::BirthDate, strength: Strength::Name });
        }
        "straße" | "strasse" if next(1) == "und" && matches!(next(2), "hausnummer" | "nummer" | "hausnr") => {
            return Some(Announcement { first: at, end: at + 3, kind: Kind::Address, strength: Strength::Name });
        }
        // "the three digits on the back", "die drei Ziffern hinten drauf"
        "digits" | "ziffern" | "zahlen" | "stellen"
            if (1..=4).any(|ahead| matches!(next(ahead), "back" | "hinten" | "rückseite" | "hinterseite")) =>
        {
            return one(Kind::Number, Strength::Name);
        }
        // "ending in 4711", "endet auf 4711", "the last four are 4711"
        "ending" | "ends" if matches!(next(1), "in" | "with" | "on") => {
            return Some(Announcement { first: at, end: at + 2, kind: ended_kind(tokens), strength: Strength::Name });
        }
        "endet" | "endend" if matches!(next(1), "auf" | "mit") => {
            return Some(Announcement { first: at, end: at + 2, kind: ended_kind(tokens), strength: Strength::Name });
        }
        "last" | "letzten" if matches!(next(1), "four" | "4" | "vier" | "three" | "drei") => {
            return Some(Announcement { first: at, end: at + 2, kind: ended_kind(tokens), strength: Strength::Name });
        }
        // "Rufen Sie mich an unter"
        "ruf" | "rufen" | "ruft" | "rufst" if (1..=2).any(|ahead| matches!(next(ahead), "mich" | "uns" | "meine")) => {
            return one(Kind::Phone, Strength::Hint);
        }
        "number" | "id" | "numbers" | "no" => return english_number(tokens, at),
        _ => {}
    }
    if word.contains("nummer") || word.ends_with("nr") && word.len() > 4 || word == "nr" {
        let kind = if ["telefon", "handy", "mobil", "rückruf", "ruf", "fax", "festnetz", "durchwahl"]
            .iter()
            .any(|stem| word.starts_with(stem) && word != "rufnummernmitnahme")
        {
            Kind::Phone
        } else if word.contains("karten") && !word.contains("kundenkarten") {
            Kind::Card
        } else {
            Kind::Number
        };
        return one(kind, Strength::Name);
    }
    const NAMES: &[(Kind, &[&str])] = &[
        (Kind::Iban, &["iban", "ibans", "bankverbindung"]),
        (
            Kind::BirthDate,
            &[
                "geburtsdatum",
                "geburtstag",
                "geburtsdaten",
                "geboren",
                "geb",
                "dob",
                "birthday",
                "birthdate",
                "born",
                "geburtsjahr",
                "jahrgang",
            ],
        ),
        (
            Kind::Address,
            &[
                "postleitzahl",
                "plz",
                "postcode",
                "zip",
                "zipcode",
                "anschrift",
                "wohnadresse",
                "lieferadresse",
                "rechnungsadresse",
            ],
        ),
        (Kind::Phone, &["vorwahl", "durchwahl", "rückrufnummer"]),
        (
            Kind::Number,
            &[
                "pin",
                "tan",
                "puk",
                "geheimzahl",
                "prüfziffer",
                "prüfziffern",
                "prüfzahl",
                "sicherheitscode",
                "kundencode",
                "zugangscode",
                "kundenkennwort",
                "kennwort",
                "passwort",
                "kennung",
                "kundenkennung",
                "aktenzeichen",
                "kundenkonto",
                "cvv",
                "cvc",
                "passcode",
                "password",
                "ssn",
                "steuer-id",
                "kontoverbindung",
                "identnummer",
                "kassenzeichen",
                "kennzeichen",
                "nummernschild",
                "plate",
                "sendungscode",
                "kundenkürzel",
            ],
        ),
    ];
    const HINTS: &[(Kind, &[&str])] = &[
        (
            Kind::Phone,
            &[
                "telefon",
                "telefonisch",
                "handy",
                "mobil",
                "mobilfunk",
                "festnetz",
                "rückruf",
                "zurückrufen",
                "zurückruft",
                "erreichen",
                "erreichbar",
                "erreichst",
                "anrufen",
                "whatsapp",
                "phone",
                "mobile",
                "cell",
                "landline",
                "telephone",
                "reach",
                "call",
                "ring",
                "text",
                "callback",
            ],
        ),
        (Kind::Card, &["kreditkarte", "karte", "visa", "mastercard", "amex", "debitkarte", "girokarte", "card"]),
        (
            Kind::Address,
            &["wohin", "adresse", "address", "wohne", "wohnhaft", "wohnen", "wohnt", "live", "gezogen", "moved"],
        ),
    ];
    const THINGS: &[&str] = &[
        "vorgang",
        "auftrag",
        "bestellung",
        "vertrag",
        "rechnung",
        "konto",
        "police",
        "ticket",
        "mitglied",
        "kunde",
        "zähler",
        "order",
        "invoice",
        "case",
        "booking",
        "policy",
        "contract",
        "account",
        "reference",
        "claim",
        "referenz",
        "id",
        "sendung",
        "meter",
    ];
    for (kind, words) in NAMES {
        if words.contains(&word) {
            return one(*kind, Strength::Name);
        }
    }
    if word == "code" && matches!(before(1), "security" | "access" | "post" | "zip" | "pin") {
        let kind = if matches!(before(1), "post" | "zip") { Kind::Address } else { Kind::Number };
        return one(kind, Strength::Name);
    }
    if word == "id" || word == "steuer" && next(2) == "id" {
        let end = if word == "id" { at + 1 } else { at + 3 };
        return Some(Announcement { first: at, end, kind: Kind::Number, strength: Strength::Name });
    }
    for (kind, words) in HINTS {
        if words.contains(&word) {
            return one(*kind, Strength::Hint);
        }
    }
    THINGS.contains(&word).then_some(()).and_then(|()| one(Kind::Number, Strength::Thing))
}

/// What it is the end of: a card's number, unless another is named.
fn ended_kind(tokens: &[Token]) -> Kind {
    let names = |words: &[&str]| tokens.iter().any(|token| words.iter().any(|word| token.word.contains(word)));
    if names(&["iban", "konto", "account"]) {
        Kind::Iban
    } else if names(&["telefon", "handy", "phone", "mobil"]) {
        Kind::Phone
    } else if names(&["nummer", "number"]) && !names(&["karte", "card"]) {
        Kind::Number
    } else {
        Kind::Card
    }
}

/// "my mobile number", "order number", "account ID", but not "a number of" or "number 3".
fn english_number(tokens: &[Token], at: usize) -> Option<Announcement> {
    let word = tokens[at].word.as_str();
    let before = at.checked_sub(1).map_or("", |before| tokens[before].word.as_str());
    let after = tokens.get(at + 1).map_or("", |token| token.word.as_str());
    if after == "of"
        || word == "numbers"
        || word == "no" && !matches!(before, "account" | "order" | "customer" | "policy")
    {
        return None;
    }
    let kind = match before {
        "phone" | "mobile" | "cell" | "telephone" | "contact" | "callback" | "landline" | "cellphone" | "whatsapp"
        | "fax" | "daytime" | "home" | "work" => Kind::Phone,
        "card" => Kind::Card,
        "iban" => Kind::Iban,
        "house" | "flat" | "model" | "item" | "part" | "room" | "gate" => return None,
        _ if word == "id"
            && !matches!(
                before,
                "customer" | "account" | "order" | "member" | "tax" | "user" | "booking" | "meter"
            ) =>
        {
            return None;
        }
        _ => Kind::Number,
    };
    Some(Announcement { first: at, end: at + 1, kind, strength: Strength::Name })
}

/// Whether a token is a mark that ends a sentence.
pub fn ends_sentence(token: &Token) -> bool {
    matches!(token.form, Form::Mark('.' | '?' | '!'))
}
