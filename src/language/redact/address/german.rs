//! German streets, and whatever an answer to "Wohin?" calls one.

use super::super::piece::What;
use super::super::token::{Form, Token};
use super::Finder;
use crate::terms::Lang;

/// Endings of German streets that are no other words when a number follows.
const STREETS: &[&str] = &["straße", "strasse", "gasse", "allee", "chaussee", "promenade"];
const CAPITAL_STREETS: &[&str] = &[
    "weg", "platz", "ring", "damm", "ufer", "steig", "stieg", "pfad", "graben", "markt", "hof", "twiete", "kamp",
    "winkel",
];
const NO_STREETS: &[&str] = &[
    "weg",
    "platz",
    "ring",
    "hof",
    "markt",
    "parkplatz",
    "arbeitsplatz",
    "sitzplatz",
    "stellplatz",
    "spielplatz",
    "umweg",
    "rückweg",
    "heimweg",
    "ausweg",
    "hinweg",
    "bahnhof",
    "hauptbahnhof",
    "flughafen",
    "supermarkt",
    "baumarkt",
    "friedhof",
    "arbeitsweg",
    "postweg",
    "rechtsweg",
    "speicherplatz",
    "startplatz",
    "campingplatz",
    "hering",
    "autobahnring",
    "flohmarkt",
    "weihnachtsmarkt",
    "drogeriemarkt",
    "getränkemarkt",
    "elektromarkt",
    "mediamarkt",
    "innenhof",
    "steckplatz",
    "ersatz",
    "lieferweg",
    "schulweg",
    "onlineshop",
    "marktplatzangebot",
    "app-store",
];

impl Finder<'_> {
    /// "Bahnhofstraße 12 a", "Bonner Straße zwölf", "Konrad-Adenauer-Ring 7".
    pub(super) fn german(&self, at: usize, floor: usize) -> Option<(usize, usize)> {
        let token = &self.line.0[at];
        let word = token.word.as_str();
        if word.is_empty() {
            return None;
        }
        let mut end = at + 1;
        let hyphened = at >= 2 && self.line.is_mark(at - 1, '-') && self.line.is_glued(at);
        let short = word.ends_with("str") && self.line.is_mark(end, '.') && self.line.is_glued(end);
        let mut prepositional = false;
        let of_the = matches!(word, "straße" | "strasse" | "platz") && matches!(self.line.word(end), "des" | "der");
        let street = STREETS.iter().any(|street| word.ends_with(street))
            || (self.lang == Lang::De
                && token.is_capital()
                && CAPITAL_STREETS.iter().any(|street| word.ends_with(street))
                && (hyphened || !NO_STREETS.contains(&word)));
        if short {
            end += 1;
        } else if !street {
            // "Am Markt 3", where an address is spoken of.
            prepositional = (self.wanted[at] || self.postcode)
                && token.is_capital()
                && self.after_preposition(at)
                && self.house(end, 3).is_some();
            if !prepositional {
                return None;
            }
        }
        if of_the {
            // "Straße des 17. Juni", "Platz der Einheit"
            while end < at + 5
                && self.line.get(end).is_some_and(|token| !matches!(token.form, Form::Mark(',' | '?' | '!')))
            {
                end += 1;
                if self.line.0[end - 1].is_capital() {
                    break;
                }
            }
        }
        while end < at + 4 && matches!(self.line.word(end), "hausnummer" | "nummer" | "nr")
            || self.line.is_mark(end, '.') && self.line.word(end.saturating_sub(1)) == "nr"
        {
            end += 1;
        }
        let comma = usize::from(self.line.is_mark(end, ',') && self.house(end + 1, 3).is_some() && self.wanted[at]);
        let first = if prepositional { self.preposition_start(at, floor) } else { self.street_start(at, floor, word) };
        match self.house(end + comma, 3) {
            Some(end) => Some((first, end)),
            None if self.wanted[at] && !(matches!(word, "straße" | "strasse" | "gasse" | "allee") && first == at) => {
                Some((first, if short { at + 2 } else { at + 1 }))
            }
            None => None,
        }
    }

    /// An answer to "Wohin?", whatever the street is called: "Zum Wiesengrund, Nummer 6", "Unter den Eichen 112".
    pub(super) fn answered(&self, at: usize) -> Option<(usize, usize)> {
        let begins = self.line.0[at].is_capital() && !is_no_street(self.line.word(at));
        if !self.expected || !begins {
            return None;
        }
        let mut end = at + 1;
        while end < at + 4
            && !matches!(self.line.word(end), "nummer" | "hausnummer" | "number")
            && (self.line.get(end).is_some_and(Token::is_capital)
                || matches!(self.line.word(end), "der" | "dem" | "den" | "the"))
        {
            end += 1;
        }
        end += usize::from(self.line.is_mark(end, ','));
        while matches!(self.line.word(end), "nummer" | "hausnummer" | "nr" | "number")
            || self.line.is_mark(end, '.') && self.line.word(end - 1) == "nr"
        {
            end += 1;
        }
        let house = self.house(end, 3)?;
        (!self.counts_on(house)).then_some((at, house))
    }

    /// Whether what looked like a house number is the first of two numbers, as in "acht und zwölf", "8 bis 12", "8-12".
    fn counts_on(&self, end: usize) -> bool {
        let joined = matches!(self.line.word(end), "und" | "bis" | "oder" | "and" | "to" | "or" | "till");
        joined
            && self.piece_of.get(end + 1).is_some_and(|piece| {
                matches!(self.pieces[*piece].what, What::Number { .. } | What::Quantity | What::Date { .. })
            })
    }

    /// Where a street's name begins: with its first part before a hyphen, or the word before "Straße".
    fn street_start(&self, at: usize, floor: usize, word: &str) -> usize {
        let mut first = at;
        while first >= floor + 2
            && at - first < 12
            && self.line.is_mark(first - 1, '-')
            && self.line.is_glued(first)
            && self.line.is_glued(first - 1)
        {
            first -= 2;
        }
        let bare = matches!(word, "straße" | "strasse" | "gasse" | "allee" | "chaussee" | "promenade" | "str");
        if bare && first == at && first > floor && self.line.0[first - 1].is_capital() {
            first -= 1;
        }
        first
    }

    /// "Am Markt", "An der Alten Mühle": the preposition is part of the name.
    fn preposition_start(&self, at: usize, floor: usize) -> usize {
        let first = if self.is_preposition(at) { at } else { at.saturating_sub(1) };
        let words = if matches!(self.line.word(first.saturating_sub(1)), "der" | "dem" | "den") { 2 } else { 1 };
        first.saturating_sub(words).max(floor)
    }

    /// Also with an adjective between: "An der Alten Mühle".
    fn after_preposition(&self, at: usize) -> bool {
        self.is_preposition(at) || at > 1 && self.line.0[at - 1].is_capital() && self.is_preposition(at - 1)
    }

    fn is_preposition(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map_or("", |before| self.line.word(before));
        let earlier = at.checked_sub(2).map_or("", |before| self.line.word(before));
        matches!(before, "am" | "im" | "zum" | "zur")
            || matches!(before, "der" | "dem" | "den") && matches!(earlier, "an" | "auf" | "unter" | "hinter" | "in")
    }
}

/// Words an answer begins with that are no street's name.
fn is_no_street(word: &str) -> bool {
    matches!(
        word,
        "ja" | "nein"
            | "das"
            | "die"
            | "der"
            | "ich"
            | "wir"
            | "es"
            | "so"
            | "also"
            | "genau"
            | "moment"
            | "vor"
            | "nach"
            | "gegen"
            | "zwischen"
            | "von"
            | "seit"
            | "um"
            | "ab"
            | "bis"
            | "mindestens"
            | "höchstens"
            | "etwa"
            | "circa"
            | "rund"
            | "over"
            | "between"
            | "from"
            | "after"
            | "before"
            | "until"
            | "around"
            | "maybe"
            | "yes"
            | "no"
            | "i"
            | "we"
            | "it"
            | "the"
            | "well"
            | "about"
            | "for"
            | "since"
            | "nur"
            | "noch"
            | "samstag"
            | "montag"
            | "dienstag"
            | "mittwoch"
            | "donnerstag"
            | "freitag"
            | "sonntag"
    )
}
