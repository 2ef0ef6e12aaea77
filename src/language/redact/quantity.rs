//! Numbers that count something: amounts, times, measures, and the numbers of products and paragraphs.

use super::piece::{Piece, What, is_year};
use super::token::{Form, Token};
use crate::terms::Lang;

/// Numbers that count something.
pub fn mark_quantities(tokens: &[Token], pieces: &mut [Piece], lang: Lang) {
    // Digits said right before, with nothing between: what is dictated counts nothing, whatever follows.
    let mut dictated = 0;
    for index in 0..pieces.len() {
        let What::Number { digits, .. } = &pieces[index].what else {
            dictated = 0;
            continue;
        };
        let so_far = dictated;
        dictated = if is_year(digits) { 0 } else { dictated + digits.len() };
        if digits.len() >= 10 || so_far >= DICTATED_MIN {
            continue;
        }
        let (first, end) = (pieces[index].first, pieces[index].end);
        let word_before = first.checked_sub(1).map(|before| &tokens[before]);
        let after_clock = index > 0
            && pieces[index - 1].what == What::Other
            && word_before.is_some_and(|token| matches!(token.word.as_str(), "uhr" | "euro" | "komma" | "point"))
            && pieces.get(index.wrapping_sub(2)).is_some_and(|piece| piece.what == What::Quantity);
        let currency = word_before.is_some_and(|token| matches!(token.form, Form::Mark('€' | '$' | '£')));
        let counted =
            tokens[first.saturating_sub(3)..first].iter().any(|token| COUNTED_BEFORE.contains(&token.word.as_str()));
        if after_clock || currency || counted || tokens.get(end).is_some_and(|token| is_unit(token, lang)) {
            pieces[index].what = What::Quantity;
        }
    }
}

/// Digits from which a row of numbers is taken for dictated.
const DICTATED_MIN: usize = 4;

/// Words shortly before a number that make it a reading, a paragraph or a product.
const COUNTED_BEFORE: &[&str] = &[
    "paragraf",
    "paragraph",
    "iso",
    "din",
    "windows",
    "zählerstand",
    "kilometerstand",
    "reading",
    "mileage",
    "modell",
    "model",
    "typ",
    "baureihe",
    "artikel",
    "artikelnummer",
    "modellnummer",
    "version",
    "section",
    "kanal",
    "channel",
    "fehlermeldung",
    "fehlercode",
    "error",
];

/// What after a number makes it an amount, a time or a count.
fn is_unit(token: &Token, lang: Lang) -> bool {
    if matches!(token.form, Form::Mark('€' | '%' | '$' | '£' | '°')) {
        return true;
    }
    const UNITS: &[&str] = &[
        "euro",
        "eur",
        "cent",
        "cents",
        "prozent",
        "franken",
        "dollar",
        "dollars",
        "pound",
        "pounds",
        "pence",
        "quid",
        "percent",
        "bucks",
        "grand",
        "km",
        "kilometer",
        "kilometern",
        "mile",
        "miles",
        "kwh",
        "kilowattstunden",
        "kilowatt",
        "kw",
        "watt",
        "volt",
        "ampere",
        "meter",
        "metern",
        "metres",
        "meters",
        "cm",
        "zentimeter",
        "millimeter",
        "mm",
        "zoll",
        "inch",
        "inches",
        "feet",
        "foot",
        "quadratmeter",
        "kubikmeter",
        "kilo",
        "kg",
        "kilogramm",
        "gramm",
        "grams",
        "tonnen",
        "tons",
        "liter",
        "litern",
        "litres",
        "liters",
        "stück",
        "mal",
        "times",
        "jahr",
        "jahre",
        "jahren",
        "jahres",
        "monat",
        "monate",
        "monaten",
        "woche",
        "wochen",
        "tag",
        "tage",
        "tagen",
        "werktage",
        "werktagen",
        "arbeitstage",
        "arbeitstagen",
        "stunde",
        "stunden",
        "minute",
        "minuten",
        "sekunde",
        "sekunden",
        "year",
        "years",
        "month",
        "months",
        "week",
        "weeks",
        "day",
        "days",
        "hour",
        "hours",
        "minute",
        "minutes",
        "second",
        "seconds",
        "uhr",
        "o'clock",
        "o’clock",
        "pm",
        "punkte",
        "punkten",
        "points",
        "mb",
        "gb",
        "tb",
        "mbit",
        "gbit",
        "megabit",
        "gigabit",
        "megabyte",
        "gigabyte",
        "gigabytes",
        "megabytes",
        "mbps",
        "grad",
        "degrees",
        "komma",
        "point",
        "million",
        "millionen",
        "millions",
        "milliarden",
        "billion",
        "stellen",
        "ziffern",
        "digits",
        "seiten",
        "pages",
        "sterne",
        "stars",
        "personen",
        "leute",
        "people",
        "kunden",
        "customers",
        "mitarbeiter",
        "anrufe",
        "calls",
        "emails",
        "mails",
        "briefe",
        "letters",
        "pakete",
        "paketen",
        "parcels",
        "packages",
        "artikel",
        "items",
        "teile",
        "parts",
        "geräte",
        "devices",
        "versuche",
        "versuchen",
        "attempts",
        "einheiten",
        "units",
        "minutenlang",
        "fach",
        "einwohner",
        "umdrehungen",
        "schritte",
        "steps",
        "flaschen",
        "bottles",
        "boxes",
        "kartons",
        "raten",
        "instalments",
        "installments",
        "nights",
        "nächte",
        "zimmer",
        "rooms",
        "plätze",
        "seats",
        "tickets",
        "karten",
        "cards",
        "er",
    ];
    UNITS.contains(&token.word.as_str()) || lang == Lang::En && token.word == "am"
}
