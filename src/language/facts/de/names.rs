//! The speaker's own name.

use std::sync::LazyLock;

use regex::Regex;

use super::super::gate::Seen;
use super::super::{FactKind, Raw, pattern};
use super::{AT_PHONE, CALLED, GREETED, GREETS, HERE, MY_NAME};

const FIRST_NAME: &str = "[A-ZÄÖÜ][a-zäöüßéèç]+";
const SURNAME: &str = "[A-ZÄÖÜ][a-zäöüßéèç]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?";

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"\b(?:[Mm]ein(?:e)? [Nn]ame(?:n)?(?: ist)?|[Ii]ch hei(?:ß|ss)e|[Hh]ier (?:spricht|ist)(?: die| der)? (?:Frau|Herr)|[Hh]ier spricht)(?: (?:Frau|Herr))? ((?:(?:Dr\.|Doktor|von|van|de|zu|Professor) )*{SURNAME}(?: {SURNAME})?)"
    ))
});

/// The name with which somebody begins: "Moin, Petersen hier", "Guten Tag, Anna Keller hier".
static NAME_HERE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^(?:(?:[Jj]a|[Gg]uten|[Gg]rüß|Tag|Morgen|Abend|Gott|[Hh]allo|[Hh]i|[Mm]oin|[Ss]ervus|Tach|also|äh)[ ,.!]+)*(?:(Frau|Herr) )?(?:{FIRST_NAME} )?({SURNAME}) hier(?:[,.!]|$| aus\b)"
    ))
});

/// The name said first: "Petersen mein Name", "Keller am Apparat".
static NAME_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?:(Frau|Herr) )?\b({SURNAME}),? (?:ist mein Name|mein Name|am Apparat|hier am Apparat)\b"))
});

/// First name and surname right after a greeting that is over ("Guten Tag, Wiebke Harms, ich wollte …"): whom a
/// greeting names is the agent.
static NAME_GREETING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^(?:(?:[Jj]a|[Gg]uten|[Ss]chönen|[Gg]rüß|also|äh)[ ,]+)*(?:Tag|Morgen|Abend|Gott|[Hh]allo|[Hh]i|[Mm]oin|[Ss]ervus|Tach)[,.!] (Frau |Herr )?{FIRST_NAME} ({SURNAME})(?:, | aus )"
    ))
});

/// First name and surname behind a greeting, maybe of the agent by name ("Guten Tag, Herr Timm. Lieselotte Hagedorn,
/// Kastanienweg", "Morgen, Dennis. Franziska Lehnhardt, …"). A single word there may be anything.
static NAME_BEHIND: LazyLock<Regex> = LazyLock::new(|| {
    const NAME: &str = r"[A-ZÄÖÜ][a-zäöüßéèçğışı]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?";
    pattern(&format!(
        r"^(?:(?:[Jj]a|[Gg]uten|[Ss]chönen|[Gg]rüß|also|äh)[ ,]+)*(?:Tag|Morgen|Abend|Gott|[Hh]allo|[Hh]i|[Mm]oin|[Ss]ervus|Tach)[,.!] (?:(?:Frau |Herr )?{NAME}[.,] )?{NAME} ({NAME})(?:[.!] |, |$)"
    ))
});

/// The name before the greeting: "Petersen, guten Tag".
static NAME_BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^(?:[Jj]a,? )?(?:{FIRST_NAME} )?({SURNAME}), (?:guten (?:Tag|Morgen|Abend)|grüß|hallo|moin|servus|tach)\b"
    ))
});

/// One word where whoever calls says their name: "Guten Tag, Hechenberger. …", "Zauner, Auftrag vier eins", "Noack guten Tag".
static NAME_ALONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^(?:(?:[Jj]a|[Nn]a|[Aa]lso|äh|[Ss]ie|[Ss]chönen|[Gg]uten|[Gg]rüß|[Hh]allo|[Hh]i|[Mm]oin|[Ss]ervus|Tach|Tag|Morgen|Abend|Gott)\b[ ,.!]*)*(?:{FIRST_NAME} )?({SURNAME})(?:[.,!](?: |$)|,? (?:guten|grüß|hallo|moin|servus|tach)\b|$)"
    ))
});

static TITLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(Frau|Herr) [^ ]+(?: [A-ZÄÖÜ][^ ]+)?$"));

/// The names by which speakers say who they are.
pub(super) fn own_names(text: &str, seen: Seen, found: &mut Vec<Raw>) {
    // Each pattern is only tried on a text that holds the words it needs.
    let hits = |holds: bool, pattern: &'static Regex| holds.then(|| pattern.captures_iter(text)).into_iter().flatten();
    for hit in hits(seen.any(MY_NAME | CALLED), &NAME) {
        if let (Some(whole), Some(name)) = (hit.get(0), hit.get(1)) {
            tell(whole.as_str(), name.as_str(), name.range(), found);
        }
    }
    const NO_PERSON: &[&str] =
        &["der", "die", "das", "dieser", "diese", "mein", "meine", "unser", "unsere", "ihr", "ihre", "ein", "eine"];
    let person = |hit: &regex::Captures<'_>| {
        !hit[0].split([' ', ',']).any(|word| NO_PERSON.contains(&word.to_lowercase().as_str()))
    };
    let greeted = |hit: &regex::Captures<'_>| ["Frau", "Herr"].iter().any(|title| hit[0].contains(title));
    let here = hits(seen.any(HERE) || text.ends_with(" hier"), &NAME_HERE);
    let opening = here.chain(hits(seen.any(GREETED), &NAME_GREETING).filter(|hit| !greeted(hit)));
    for hit in hits(seen.any(MY_NAME | AT_PHONE), &NAME_FIRST).chain(opening.filter(person)) {
        if let Some(name) = hit.get(2) {
            let address = hit.get(1).map_or(String::new(), |title| format!("{} {}", title.as_str(), name.as_str()));
            tell(&address, name.as_str(), name.range(), found);
        }
    }
    let alone = hits(seen.any(GREETED), &NAME_BEHIND).chain(hits(seen.any(GREETS), &NAME_BEFORE));
    let titled = |start: usize| ["Frau ", "Herr "].iter().any(|title| text[..start].ends_with(title));
    let told = |name: &regex::Match<'_>| is_surname(name.as_str()) && !titled(name.start());
    for name in alone.filter_map(|hit| hit.get(1)).filter(told) {
        if found.iter().all(|raw| raw.kind != FactKind::Name || raw.start != name.start()) {
            tell("", name.as_str(), name.range(), found);
        }
    }
}

/// The name in the first words of a call, where one word alone is most likely a name.
pub(in crate::language::facts) fn opening_name(text: &str) -> Option<Raw> {
    const OPENERS: &[&str] = &[
        "ach",
        "aha",
        "bitte",
        "danke",
        "doch",
        "eigentlich",
        "endlich",
        "entschuldigung",
        "erstens",
        "genau",
        "gestern",
        "grüezi",
        "gut",
        "handy",
        "heute",
        "hilfe",
        "himmel",
        "hören",
        "hörn",
        "internet",
        "jawohl",
        "jetzt",
        "junge",
        "leider",
        "mahlzeit",
        "mensch",
        "nee",
        "nein",
        "nun",
        "okay",
        "paket",
        "prima",
        "richtig",
        "schön",
        "sehr",
        "so",
        "stimmt",
        "strom",
        "super",
        "ticket",
        "verzeihung",
        "wissen",
    ];
    let name = NAME_ALONE.captures(text)?.get(1)?;
    let mut found = Vec::new();
    let greeted = ["Frau ", "Herr "].iter().any(|title| text[..name.start()].ends_with(title));
    if !greeted && is_surname(name.as_str()) && !OPENERS.contains(&name.as_str().to_lowercase().as_str()) {
        tell("", name.as_str(), name.range(), &mut found);
    }
    found.pop()
}

/// Whether a word that stands alone may be somebody's name: what people call about mostly ends otherwise.
fn is_surname(word: &str) -> bool {
    const THINGS: &[&str] = &[
        "ung", "heit", "keit", "schaft", "tion", "tät", "nummer", "frage", "problem", "stand", "termin", "vertrag",
        "karte", "konto", "zimmer", "moment", "kurz", "bitte", "firma", "kanzlei", "praxis", "verein", "schule",
        "büro", "notfall", "tag", "morgen", "abend", "gott", "hallo", "moin", "servus", "frau", "herr", "leute", "mal",
        "danke", "sagen", "stopp", "achtung",
    ];
    let lower = word.to_lowercase();
    !THINGS.iter().any(|end| lower.ends_with(end))
}

/// Tells a name; the title is told with it where `whole` ends with both.
fn tell(whole: &str, name: &str, range: std::ops::Range<usize>, found: &mut Vec<Raw>) {
    const NO_NAMES: &[&str] = &["Ja", "Guten", "Hallo", "Frau", "Herr", "Noch", "Wieder"];
    let words: Vec<&str> = name.split(' ').filter(|word| !NO_NAMES.contains(word)).collect();
    let Some(surname) = words.last() else { return };
    let mut slots = vec![("surname", (*surname).to_owned())];
    if let Some(title) = TITLE.captures(whole).and_then(|hit| hit.get(1)) {
        slots.push(("name", format!("{} {surname}", title.as_str())));
    }
    found.push(Raw::new(FactKind::Name, range, slots));
}
