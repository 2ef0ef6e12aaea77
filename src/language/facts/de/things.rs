//! The things people call about, with the grammar to name them.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::super::{FactKind, Raw, capital};

/// A thing with its grammar, and where it stands in a sentence, determiner included.
pub(super) struct Thing {
    pub start: usize,
    pub end: usize,
    gender: Gender,
    pub nominative: String,
    pub accusative: String,
    dative: String,
}

impl Thing {
    pub fn is_plural(&self) -> bool {
        self.gender == Gender::Plural
    }
}

/// Grammatical gender, or the plural.
#[derive(Clone, Copy, PartialEq)]
enum Gender {
    M,
    F,
    N,
    Plural,
}

/// Things people call about. Compounds are found by their last part ("Internetanschluss").
const NOUNS: &[(Gender, &str)] = &[
    (
        Gender::F,
        "lieferung bestellung rechnung mahnung gutschrift erstattung überweisung abbuchung reparatur sendung \
         leitung karte versicherung maschine bestätigung zahlung buchung reise police ware heizung küche \
         lampe jacke tasche abrechnung freischaltung zustellung fernbedienung matratze verbindung \
         entschädigung rückmeldung erhöhung stornierung app webseite gebühr therme kamera batterie pumpe \
         anlage couch brille hotline software wohnung anmeldung rücksendung tür box dose",
    ),
    (
        Gender::M,
        "router vertrag auftrag betrag anschluss techniker termin tarif rückruf kühlschrank fernseher drucker laptop \
         schaden rabatt gutschein strom zähler abschlag beitrag antrag umtausch ersatz trockner herd schrank tisch \
         stuhl zugang flug koffer akku monitor ofen computer rechner sauger stecker schlüssel receiver boiler fahrer \
         monteur handwerker empfang bescheid umzug roller",
    ),
    (
        Gender::N,
        "paket gerät konto passwort internet telefon handy ticket angebot schreiben kabel modem sofa bett regal \
         fahrrad auto ersatzteil guthaben abo abonnement kleid netz display päckchen zimmer hotel netzteil werkzeug \
         tablet smartphone bad fahrzeug festnetz wlan",
    ),
    (
        Gender::Plural,
        "schuhe möbel unterlagen zugangsdaten gebühren kosten tickets rechnungen kopfhörer ersatzteile pakete stühle",
    ),
];

/// Words that look like a thing above and are none.
const NOT_THINGS: &[&str] = &["vertreter", "visitenkarte", "ratschlag", "beitrag", "vorschlag", "geldbeutel"];

/// The things by name.
static GENDERS: LazyLock<FxHashMap<&str, Gender>> = LazyLock::new(|| {
    NOUNS.iter().flat_map(|(gender, nouns)| nouns.split_whitespace().map(|noun| (noun, *gender))).collect()
});

/// What the things are called, lists of words.
pub(super) fn nouns() -> impl Iterator<Item = &'static str> {
    NOUNS.iter().map(|(_, nouns)| *nouns)
}

const DETERMINERS: &[&str] = &[
    "mein", "meine", "meinen", "meinem", "meiner", "meines", "unser", "unsere", "unseren", "unserem", "unserer",
    "unseres", "unsern", "der", "die", "das", "den", "dem", "ein", "eine", "einen", "einem", "einer",
];

/// The things of a sentence that stand behind an article or "mein".
pub(super) fn things_in(sentence: &str) -> Vec<Thing> {
    let mut out = Vec::new();
    let words = words_of(sentence);
    for (at, determiner) in words.iter().enumerate() {
        let start = determiner.start;
        // The first letter tells most other words apart.
        let begins = matches!(determiner.text.as_bytes()[0].to_ascii_lowercase(), b'm' | b'u' | b'd' | b'e');
        if !begins || !DETERMINERS.iter().any(|listed| determiner.text.eq_ignore_ascii_case(listed)) {
            continue;
        }
        let joined =
            sentence[..start].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_');
        if joined {
            continue;
        }
        let Some((word, last)) = next_word(sentence, &words, at) else { continue };
        let second = next_word(sentence, &words, last).map(|(second, _)| second);
        let determiner = determiner.text.to_lowercase();
        let found = [Some(word), second].into_iter().flatten().find_map(|noun| {
            let gender = gender(&noun.text.to_lowercase(), &determiner)?;
            // Only an adjective stands between the two.
            let adjective = ["e", "en", "er", "es", "em"].iter().any(|ending| word.text.ends_with(ending));
            (noun.start == word.start || adjective).then_some((noun, gender))
        });
        let Some((noun, gender)) = found else { continue };
        let end = noun.end();
        let noun = capital(noun.text);
        let own = determiner.starts_with("mein") || determiner.starts_with("unser");
        let [nominative, accusative, mut dative] = match (own, gender) {
            (true, Gender::M) => ["Ihr", "Ihren", "Ihrem"],
            (true, Gender::F) => ["Ihre", "Ihre", "Ihrer"],
            (true, Gender::N) => ["Ihr", "Ihr", "Ihrem"],
            (true, Gender::Plural) => ["Ihre", "Ihre", "Ihren"],
            (false, Gender::M) => ["der", "den", "dem"],
            (false, Gender::F) => ["die", "die", "der"],
            (false, Gender::N) => ["das", "das", "dem"],
            (false, Gender::Plural) => ["die", "die", "den"],
        }
        .map(|word| format!("{word} {noun}"));
        if gender == Gender::Plural && !dative.ends_with('n') && !dative.ends_with('s') {
            dative.push('n');
        }
        out.push(Thing { start, end, gender, nominative, accusative, dative });
    }
    out
}

fn gender(noun: &str, determiner: &str) -> Option<Gender> {
    if NOT_THINGS.contains(&noun) {
        return None;
    }
    let last = noun.rsplit('-').next().unwrap_or(noun);
    // The longest thing the word ends with; what stands before it is a word too.
    let tails = last.char_indices().map(|(at, _)| at).filter(|at| *at == 0 || *at >= 3);
    let gender = tails.into_iter().find_map(|at| GENDERS.get(&last[at..]).copied())?;
    // "der Lieferung", "den Gebühren": no subject; its forms are known all the same.
    let fits = match gender {
        Gender::M => !["meine", "unsere", "die", "das", "eine", "meiner", "einer"].contains(&determiner),
        Gender::F => !["mein", "das", "den", "dem", "ein", "einen", "meinen", "meinem"].contains(&determiner),
        Gender::N => !["meine", "meinen", "die", "der", "den", "eine", "einen"].contains(&determiner),
        Gender::Plural => ["meine", "meinen", "unsere", "unseren", "die", "den", "der"].contains(&determiner),
    };
    fits.then_some(gender)
}

/// Tells which things a sentence is about. `wrong`: the sentence says what does not work.
pub(super) fn name_things(offset: usize, things: Vec<Thing>, wrong: bool, found: &mut Vec<Raw>) {
    for thing in things {
        // "In der Leitung" one waits, and "die Leitung" decides: a line it is only if something is wrong with it.
        if !wrong && thing.nominative == "die Leitung" {
            continue;
        }
        // A plural subject would need another verb than the phrases have.
        let is_subject = !thing.is_plural();
        let mut slots = vec![("what_acc", thing.accusative), ("what_dat", thing.dative)];
        if is_subject {
            slots.push(("what", thing.nominative));
        }
        found.push(Raw::new(FactKind::What, offset + thing.start..offset + thing.end, slots));
    }
}

/// A run of letters, with its place.
#[derive(Clone, Copy)]
struct Word<'a> {
    start: usize,
    text: &'a str,
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, 'ä' | 'ö' | 'ü' | 'ß' | 'Ä' | 'Ö' | 'Ü' | 'ẞ')
}

fn words_of(sentence: &str) -> Vec<Word<'_>> {
    let mut out: Vec<Word<'_>> = Vec::new();
    let mut start = None;
    for (at, c) in sentence.char_indices().chain([(sentence.len(), ' ')]) {
        match (is_letter(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                out.push(Word { start: from, text: &sentence[from..at] });
                start = None;
            }
            _ => {}
        }
    }
    out
}

/// The word behind `words[at]`, after nothing but space, with the words that hyphens join to it, and the place of
/// its last part. Nothing if it is too short for a thing.
fn next_word<'a>(sentence: &'a str, words: &[Word<'a>], at: usize) -> Option<(Word<'a>, usize)> {
    let (before, first) = (words.get(at)?, words.get(at + 1)?);
    let gap = &sentence[before.end()..first.start];
    if gap.is_empty() || !gap.chars().all(char::is_whitespace) || first.text.chars().count() < 3 {
        return None;
    }
    let mut last = at + 1;
    while let Some(next) = words.get(last + 1)
        && &sentence[words[last].end()..next.start] == "-"
    {
        last += 1;
    }
    Some((Word { start: first.start, text: &sentence[first.start..words[last].end()] }, last))
}
