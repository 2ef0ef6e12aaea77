//! German.

mod names;
mod things;
mod times;
mod troubles;

pub(super) use names::opening_name;

use std::sync::LazyLock;

use regex::Regex;

use super::gate::{Gate, Seen, may_spell};
use super::{FactKind, Possible, Raw, Shared, pattern, sentences, shared, squeeze};

const SINCE_WORD: u32 = 1;
const WAITED_WORD: u32 = 1 << 1;
const ORDINAL: u32 = 1 << 2;
const TIME: u32 = 1 << 3;
const TOLD: u32 = 1 << 4;
const MONEY: u32 = 1 << 5;
const NAMED: u32 = 1 << 6;
const DAY: u32 = 1 << 7;
const DIGIT_WORD: u32 = 1 << 8;
const SPELLING: u32 = 1 << 9;
const AT: u32 = 1 << 10;
const THING: u32 = 1 << 11;
const STATE_WORD: u32 = 1 << 12;
const NONE: u32 = 1 << 13;
const TAKEN: u32 = 1 << 14;
const NO_ONE: u32 = 1 << 15;
const COUNT: u32 = 1 << 16;
const MY_NAME: u32 = 1 << 17;
const CALLED: u32 = 1 << 18;
const HERE: u32 = 1 << 19;
const AT_PHONE: u32 = 1 << 20;
const GREETED: u32 = 1 << 21;
const GREETS: u32 = 1 << 22;

pub(super) static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let stems = [
        (SINCE_WORD, "seit seid"),
        (WAITED_WORD, "warte schleife leitung"),
        (ORDINAL, "zweite dritte vierte fünfte sechste siebte siebente achte neunte zehnte wiederholte"),
        (TIME, "mal fach anruf versuch"),
        (
            TOLD,
            "gerufen gemeldet geschrieben gefragt reklamiert erklärt geschildert kontaktiert gemahnt verbunden gestellt \
             telefoniert gesagt",
        ),
        (MONEY, "euro franken €"),
        (NAMED, "name apparat heiß heiss hier guten hallo grüß moin servus tach tag, tag. hi, morgen, schönen"),
        (
            DAY,
            "januar februar märz april mai juni juli august september oktober november dezember montag dienstag \
             mittwoch donnerstag freitag samstag sonntag",
        ),
        (DIGIT_WORD, "null eins zwei zwo drei vier fünf sechs sieben acht neun"),
        (
            SPELLING,
            "anton berta cäsar dora emil friedrich gustav heinrich ida julius kaufmann ludwig martha nordpol otto paula \
             quelle richard samuel siegfried theodor ulrich viktor wilhelm xanthippe ypsilon zeppelin",
        ),
        (AT, "@ punkt"),
        (
            STATE_WORD,
            "nicht kaputt defekt falsch beschädigt hoch spät teuer leer verschwunden weg ausgefallen unvollständig \
             zerkratzt zerbrochen gesperrt gestört tot verloren langsam undicht fehlt",
        ),
        (NONE, "kein"),
        (TAKEN, "abgebucht berechnet eingezogen"),
        (NO_ONE, "niemand keiner kein_mensch"),
        (COUNT, "zwei drei vier fünf sechs sieben acht neun zehn mehr"),
        (MY_NAME, "mein_name meine_name"),
        (CALLED, "ich_heiß ich_heiss hier_spricht hier_ist"),
        (HERE, "_hier, _hier. _hier! _hier_aus"),
        (AT_PHONE, "am_apparat"),
        (
            GREETED,
            "tag, tag. tag! morgen, morgen. morgen! abend, abend. abend! gott, gott. gott! hallo, hallo. hallo! hi, hi. hi! \
             moin, moin. moin! servus, servus. servus! tach, tach. tach!",
        ),
        (GREETS, ",_guten ,_grüß ,_hallo ,_moin ,_servus ,_tach"),
    ];
    let things = things::nouns().map(|nouns| (THING, nouns));
    Gate::new(&stems.into_iter().chain(things).collect::<Vec<_>>(), DIGIT_WORD)
});

const NUMBER: &str = r"(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:,\d+)?|(?:(?:ein|eins|eine[nm]?|einer|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|dreizehn|vierzehn|fünfzehn|sechzehn|siebzehn|achtzehn|neunzehn|zwanzig|dreißig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend)(?: ?und ?| )?)+?)";

const MONTH: &str = "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember";
const WEEKDAY: &str = "Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag";

static AMOUNT: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)(?:\b{NUMBER}\s*(?:euro|franken)(?:\s+{NUMBER}\b)?|\d+(?:,\d\d)?\s*€)")));

static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b(?:(?:am|zum|vom|bis zum|den|dem|der)\s+(?:\d{{1,2}}\.\s*(?:\d{{1,2}}\.(?:\d{{2,4}})?|(?:{MONTH}))|[a-zäöüß]+(?:ten|sten|te|ste)\s+(?:{MONTH}))|\d{{1,2}}\.\s?\d{{1,2}}\.(?:\d{{2,4}})?|(?:am|bis|nächsten|kommenden|diesen)\s+(?:{WEEKDAY}))"
    ))
});

static DIGITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:DE\s?\d{2}(?:\s?\d{2,4}){2,6}|\d(?:[ /-]?\d){3,}|(?:(?:null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|\d)[\s,]+){3,}(?:null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|\d))\b",
    )
});

/// The telephone alphabet.
const LETTER_NAME: &str = "Anton|Berta|Cäsar|Dora|Emil|Friedrich|Gustav|Heinrich|Ida|Julius|Kaufmann|Ludwig|Martha|Nordpol|Otto|Paula|Quelle|Richard|Samuel|Siegfried|Theodor|Ulrich|Viktor|Wilhelm|Xanthippe|Ypsilon|Zeppelin";

static SPELLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"\b(?:(?:[A-ZÄÖÜ]\s+wie\s+[A-ZÄÖÜ][a-zäöü]+)|(?:(?:[A-ZÄÖÜ][\s,.-]+){{3,}}[A-ZÄÖÜ])|(?:(?:{LETTER_NAME})[\s,]+){{2,}}(?:{LETTER_NAME}))\b"
    ))
});

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b[\w.+-]+@[\w-]+\.[a-z]{2,}\b|\b[\w.+-]+\s+(?:at|ät|klammeraffe)\s+[\w-]+\s+punkt\s+(?:de|com|net|org|at|ch)\b",
    )
});

const SHARED: Shared = Shared { spoken_digits: &DIGITS, spelled: &SPELLED, email: &EMAIL };

pub(super) fn find(text: &str, seen: Seen, found: &mut Vec<Raw>) {
    if seen.any(SINCE_WORD | WAITED_WORD | THING | NONE | TAKEN | NO_ONE) {
        for (offset, sentence) in sentences(text) {
            times::durations(offset, sentence, seen, found);
            let things = if seen.any(THING) { things::things_in(sentence) } else { Vec::new() };
            let before = found.len();
            troubles::troubles(offset, sentence, seen, &things, found);
            let wrong = found.len() > before;
            things::name_things(offset, things, wrong, found);
        }
    }
    times::how_often(text, seen, found);
    if seen.any(MONEY) {
        amounts(text, found);
    }
    if seen.any(NAMED) {
        names::own_names(text, seen, found);
    }
    // A date in figures has a full stop right behind one of them.
    let numbered = || text.as_bytes().windows(2).any(|pair| !pair[0].is_ascii_alphabetic() && pair[1] == b'.');
    if seen.any(DAY) || (seen.digits > 0 && numbered()) {
        for hit in DATE.find_iter(text) {
            found.push(Raw::new(FactKind::Date, hit.range(), Vec::new()));
        }
    }
    let possible = Possible {
        digits: seen.numbers >= 4,
        spelled: seen.any(SPELLING) || may_spell(text, &["wie"]),
        email: seen.any(AT),
    };
    shared(text, possible, &SHARED, found);
}

fn amounts(text: &str, found: &mut Vec<Raw>) {
    for hit in AMOUNT.find_iter(text) {
        let said = squeeze(hit.as_str());
        if !said.to_lowercase().starts_with("ein euro") && !said.to_lowercase().starts_with("einen euro") {
            found.push(Raw::new(FactKind::Amount, hit.range(), vec![("amount", said)]));
        }
    }
}
