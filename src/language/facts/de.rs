//! German.

use std::sync::LazyLock;

use regex::Regex;
use rustc_hash::FxHashMap;

use super::gate::{Gate, Seen, may_spell};
use super::{FactKind, Possible, Raw, Shared, capital, pattern, sentences, shared, squeeze};

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
    let things = NOUNS.iter().map(|(_, nouns)| (THING, *nouns));
    Gate::new(&stems.into_iter().chain(things).collect::<Vec<_>>(), DIGIT_WORD)
});

const NUMBER: &str = r"(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:,\d+)?|(?:(?:ein|eins|eine[nm]?|einer|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|dreizehn|vierzehn|fünfzehn|sechzehn|siebzehn|achtzehn|neunzehn|zwanzig|dreißig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend)(?: ?und ?| )?)+?)";

static SINCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\bsei[td]\s+(?:(?:schon|nun|jetzt|bereits|sage und schreibe|mittlerweile)\s+)*((?:(?:über|mehr als|fast|gut|knapp|ungefähr|etwa|rund)\s+)?(?:{NUMBER}|einigen|mehreren|ein paar|vielen|einer halben|anderthalb|eineinhalb|einer|einem)\s*(?:ganzen\s+)?(?:Minuten?|Stunden?|Tag(?:en|e)?|Wochen?|Monat(?:en|e)?|Jahr(?:en|e)?|Viertelstunde|Ewigkeit)|Minuten|Stunden|Tagen|Wochen|Monaten|Jahren|Ewigkeiten|vorgestern|gestern(?:\s+(?:Abend|Morgen|Nachmittag|Vormittag|früh))?|heute\s+(?:früh|Morgen|Vormittag|Mittag)|(?:letzte[rmn]|vorige[rmn]|vergangene[rmn])\s+(?:Woche|Monat|Jahr|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag)|(?:(?:Anfang|Mitte|Ende)\s+)?(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag|Ostern|Pfingsten|Weihnachten|Neujahr|dem\s+[a-zäöüß]+ten(?:\s+(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember))?)\b"
    ))
});

/// Waiting with a duration and without "seit".
static WAITED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b(?:warte\w*\s+(?:(?:ich|wir|hier|jetzt|nun|schon|bereits|auch|mal|wieder|locker|mindestens)\s+)*((?:{NUMBER}|eine halbe)\s*(?:Minuten?|Stunden?|Tage?|Wochen?|Monate?))|((?:{NUMBER}|eine halbe)\s*(?:Minuten?|Stunden?|Tage?|Wochen?|Monate?))\s+(?:lang\s+)?(?:gewartet|warten|warte|(?:hier\s+)?in\s+(?:der|Ihrer)\s+(?:warteschleife|leitung|schleife)))"
    ))
});

/// A duration that is no complaint: how long somebody has been a customer, or away.
static HARMLESS_DURATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(kundin|kunde|kunden|mitglied|treu\w*|versichert|verheiratet|wohne\w*|lebe|arbeite|rente|urlaub|krank|rentner\w*|anwalt|zufrieden|sammle|kenne)\b|\bbin\s+(?:ich\s+)?(?:\w+\s+){0,4}(?:bei|mit)\s+(?:ihnen|euch)\b",
    )
});

/// The time was spent waiting on the line, not with the trouble itself.
static ON_THE_LINE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(warte\w*|gewartet|schleife|in (?:der|ihrer|eurer|dieser) leitung|hänge|hing|dran|am telefon|in der hotline|durchgekommen)\b",
    )
});

static NTH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:(?:zum|das|beim)\s+(?:nun\s+|jetzt\s+|inzwischen\s+)?(zweiten?|dritten?|vierten?|fünften?|sechsten?|siebten?|siebenten?|achten?|neunten?|zehnten?|wiederholten|\d{1,2}\.)\s*mal|(?:der|mein)\s+(?:nun\s+|jetzt\s+)?(zweite|dritte|vierte|fünfte|sechste|siebte|achte|neunte|zehnte)r?\s+(?:anruf|versuch))\b",
    )
});

static TIMES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|mehr)\s?(?:mals?|fach)\b(?:[^.!?]{0,45})\b(?:an)?(?:gerufen|gemeldet|geschrieben|nachgefragt|reklamiert|erklärt|geschildert|kontaktiert|angemahnt|verbunden|durchgestellt|telefoniert|gefragt|gesagt)",
    )
});

static CONTACT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)ruf|meld|schreib|geschrieben|telefon|nachfrag|nachgefragt|erreich|hotline|reklamier|\b(?:frage|erkläre|erzähle|schildere)\b",
    )
});

static AMOUNT: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)(?:\b{NUMBER}\s*(?:euro|franken)(?:\s+{NUMBER}\b)?|\d+(?:,\d\d)?\s*€)")));

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:[Mm]ein(?:e)? [Nn]ame(?:n)?(?: ist)?|[Ii]ch hei(?:ß|ss)e|[Hh]ier (?:spricht|ist)(?: die| der)? (?:Frau|Herr)|[Hh]ier spricht)(?: (?:Frau|Herr))? ((?:(?:Dr\.|Doktor|von|van|de|zu|Professor) )*[A-ZÄÖÜ][a-zäöüßéèç]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?(?: [A-ZÄÖÜ][a-zäöüßéèç]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?)?)",
    )
});

/// The name with which somebody begins: "Moin, Petersen hier", "Guten Tag, Anna Keller hier".
static NAME_HERE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:(?:[Jj]a|[Gg]uten|[Gg]rüß|Tag|Morgen|Abend|Gott|[Hh]allo|[Hh]i|[Mm]oin|[Ss]ervus|Tach|also|äh)[ ,.!]+)*(?:(Frau|Herr) )?(?:[A-ZÄÖÜ][a-zäöüßéèç]+ )?([A-ZÄÖÜ][a-zäöüßéèç]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?) hier(?:[,.!]|$| aus\b)",
    )
});

/// The name said first: "Petersen mein Name", "Keller am Apparat".
static NAME_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:(Frau|Herr) )?\b([A-ZÄÖÜ][a-zäöüßéèç]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?),? (?:ist mein Name|mein Name|am Apparat|hier am Apparat)\b",
    )
});

/// First name and surname right after a greeting that is over ("Guten Tag, Wiebke Harms, ich wollte …"): whom a
/// greeting names is the agent.
static NAME_GREETING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:(?:[Jj]a|[Gg]uten|[Ss]chönen|[Gg]rüß|also|äh)[ ,]+)*(?:Tag|Morgen|Abend|Gott|[Hh]allo|[Hh]i|[Mm]oin|[Ss]ervus|Tach)[,.!] (Frau |Herr )?[A-ZÄÖÜ][a-zäöüßéèç]+ ([A-ZÄÖÜ][a-zäöüßéèç]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?)(?:, | aus )",
    )
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
    pattern(
        r"^(?:[Jj]a,? )?(?:[A-ZÄÖÜ][a-zäöüßéèç]+ )?([A-ZÄÖÜ][a-zäöüßéèç]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?), (?:guten (?:Tag|Morgen|Abend)|grüß|hallo|moin|servus|tach)\b",
    )
});

static TITLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(Frau|Herr) [^ ]+(?: [A-ZÄÖÜ][^ ]+)?$"));

static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:(?:am|zum|vom|bis zum|den|dem|der)\s+(?:\d{1,2}\.\s*(?:\d{1,2}\.(?:\d{2,4})?|(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember))|[a-zäöüß]+(?:ten|sten|te|ste)\s+(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember))|\d{1,2}\.\s?\d{1,2}\.(?:\d{2,4})?|(?:am|bis|nächsten|kommenden|diesen)\s+(?:Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag))",
    )
});

static DIGITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:DE\s?\d{2}(?:\s?\d{2,4}){2,6}|\d(?:[ /-]?\d){3,}|(?:(?:null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|\d)[\s,]+){3,}(?:null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|\d))\b",
    )
});

static SPELLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:(?:[A-ZÄÖÜ]\s+wie\s+[A-ZÄÖÜ][a-zäöü]+)|(?:(?:[A-ZÄÖÜ][\s,.-]+){3,}[A-ZÄÖÜ])|(?:(?:Anton|Berta|Cäsar|Dora|Emil|Friedrich|Gustav|Heinrich|Ida|Julius|Kaufmann|Ludwig|Martha|Nordpol|Otto|Paula|Quelle|Richard|Samuel|Siegfried|Theodor|Ulrich|Viktor|Wilhelm|Xanthippe|Ypsilon|Zeppelin)[\s,]+){2,}(?:Anton|Berta|Cäsar|Dora|Emil|Friedrich|Gustav|Heinrich|Ida|Julius|Kaufmann|Ludwig|Martha|Nordpol|Otto|Paula|Quelle|Richard|Samuel|Siegfried|Theodor|Ulrich|Viktor|Wilhelm|Xanthippe|Ypsilon|Zeppelin))\b",
    )
});

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b[\w.+-]+@[\w-]+\.[a-z]{2,}\b|\b[\w.+-]+\s+(?:at|ät|klammeraffe)\s+[\w-]+\s+punkt\s+(?:de|com|net|org|at|ch)\b",
    )
});

/// Words between a verb and what it says that change nothing.
const FILL: &str = r"(?:(?:ja|doch|jetzt|nun|leider|halt|eben|einfach|mir|uns|bei mir|bei uns|sei[td] [^,.!?]{3,22}?|heute|gestern|auch|total|völlig|komplett|aber|angeblich|wohl|offenbar|denn)\s+)*";
const AGAIN: &str = r"(?:(immer noch|noch immer|noch|schon wieder|wieder)\s+|schon\s+)?";
const STATE: &str = r"((?:gar |überhaupt )?nicht (?:da|angekommen|gekommen|geliefert worden|geliefert|bezahlt worden|repariert|repariert worden|vollständig|erreichbar|zugestellt worden|zugestellt|eingegangen|freigeschaltet|gutgeschrieben|erschienen|aufgetaucht)|kaputt(?: gegangen)?|defekt|falsch|beschädigt|viel zu hoch|zu hoch|viel zu spät|zu spät gekommen|zu spät|zu teuer|leer|verschwunden|weg|ausgefallen|unvollständig|zerkratzt|zerbrochen|gesperrt|gestört|tot|verloren gegangen|viel zu langsam|zu langsam|undicht)";
const WORKS: &str = r"(funktioniert|geht|läuft|klappt|startet|druckt|heizt|kühlt|schleudert|lädt)";

static IS_REST: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)^\s+(ist|sind|war|waren|wurde|wurden)\s+{FILL}{AGAIN}{FILL}{STATE}\b")));
static IS_HEAD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(ist|sind|war|waren|wurde|wurden)\s+(?:(?:mir|uns|bei mir|jetzt|nun|ja)\s+)*$"));
static STATE_REST: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)^\s+{FILL}{AGAIN}{FILL}{STATE}\b")));
static CLAUSE_HEAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:dass|weil|obwohl)\s+$"));
static STATE_CLAUSE_REST: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)^\s+{FILL}{AGAIN}{FILL}{STATE}\s+(ist|sind|war|waren|wurde|wurden)\b")));
static WORKS_REST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?i)^\s+{WORKS}\s+{FILL}{AGAIN}{FILL}(?:gar |überhaupt )?nicht(?: richtig)?( mehr)?\b"))
});
static WORKS_HEAD: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)\b{WORKS}\s+(?:(?:mir|uns|bei mir|bei uns|jetzt|nun|ja)\s+)*$")));
static NOT_REST: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)^\s+{FILL}{AGAIN}{FILL}(?:gar |überhaupt )?nicht(?: richtig)?( mehr)?\b")));
static WORKS_CLAUSE_REST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?i)^\s+{FILL}{AGAIN}{FILL}(?:gar |überhaupt )?nicht(?: richtig)?( mehr)?\s+{WORKS}\b"))
});
static CAME_REST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?i)^\s+(kam|kommt)\s+{FILL}{AGAIN}{FILL}(nicht|viel zu spät|zu spät)\b(\s+an\b)?"))
});
static MISSING_REST: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)^\s+fehlt\s*{FILL}{AGAIN}(?:[,.!?]|$)")));
/// "Nicht" with these behind it denies something else.
static NOT_OTHERWISE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^\s*(?:weiter|um|darum|nur|so|schlecht|immer)\b"));

static WAITING_FOR: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bwarte\w*\b[^.!?]{0,40}?\bauf\s+$"));
static WITHOUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:habe|haben|hab)\b[^.!?]{0,40}?\b(kein(?:en|e|er)?)\s+(internet|strom|telefon|warmwasser|warmes wasser|netz|empfang|wlan|heizung|rückruf|antwort|bestätigung|rückmeldung|lieferung|geld|erstattung|gutschrift)\b",
    )
});
static CHARGED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(doppelt|zweimal|zu viel|zu unrecht|trotzdem)\s+(?:\w+\s+){0,3}?(abgebucht|berechnet|eingezogen)\b")
});
static NOBODY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:niemand|keiner|kein mensch)\b(?:\s+(?:hat|ist|sich|mich|mir|uns|bei|zu|bisher|je|dazu|da|auch|jemals|von|ihnen))*\s+(zurückgerufen|ruft (?:mich |uns )?zurück|gemeldet|meldet sich|geantwortet|gekommen|zurückruft|erschienen)\b",
    )
});

const SHARED: Shared = Shared { spoken_digits: &DIGITS, spelled: &SPELLED, email: &EMAIL };

pub(super) fn find(text: &str, seen: Seen, found: &mut Vec<Raw>) {
    if seen.any(SINCE_WORD | WAITED_WORD | THING | NONE | TAKEN | NO_ONE) {
        for (offset, sentence) in sentences(text) {
            durations(offset, sentence, seen, found);
            let things = if seen.any(THING) { things_in(sentence) } else { Vec::new() };
            let before = found.len();
            troubles(offset, sentence, seen, &things, found);
            let wrong = found.len() > before;
            name_things(offset, things, wrong, found);
        }
    }
    how_often(text, seen, found);
    if seen.any(MONEY) {
        amounts(text, found);
    }
    if seen.any(NAMED) {
        own_names(text, seen, found);
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

fn own_names(text: &str, seen: Seen, found: &mut Vec<Raw>) {
    // Each pattern is only tried on a text that holds the words it needs.
    let hits = |holds: bool, pattern: &'static Regex| holds.then(|| pattern.captures_iter(text)).into_iter().flatten();
    for hit in hits(seen.any(MY_NAME | CALLED), &NAME) {
        if let (Some(whole), Some(name)) = (hit.get(0), hit.get(1)) {
            names(whole.as_str(), name.as_str(), name.range(), found);
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
            names(&address, name.as_str(), name.range(), found);
        }
    }
    let alone = hits(seen.any(GREETED), &NAME_BEHIND).chain(hits(seen.any(GREETS), &NAME_BEFORE));
    let titled = |start: usize| ["Frau ", "Herr "].iter().any(|title| text[..start].ends_with(title));
    let told = |name: &regex::Match<'_>| is_surname(name.as_str()) && !titled(name.start());
    for name in alone.filter_map(|hit| hit.get(1)).filter(told) {
        if found.iter().all(|raw| raw.kind != FactKind::Name || raw.start != name.start()) {
            names("", name.as_str(), name.range(), found);
        }
    }
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

fn durations(offset: usize, sentence: &str, seen: Seen, found: &mut Vec<Raw>) {
    let since = seen.any(SINCE_WORD) && SINCE.is_match(sentence);
    let waited = seen.any(WAITED_WORD) && WAITED.is_match(sentence);
    if !since && !waited {
        return;
    }
    if HARMLESS_DURATION.is_match(sentence) {
        return;
    }
    let on_the_line = ON_THE_LINE.is_match(sentence);
    for hit in SINCE.captures_iter(sentence) {
        let (Some(whole), Some(core)) = (hit.get(0), hit.get(1)) else { continue };
        duration(offset + whole.start()..offset + whole.end(), &squeeze(core.as_str()), on_the_line, found);
    }
    for hit in WAITED.captures_iter(sentence) {
        let Some(core) = hit.get(1).or_else(|| hit.get(2)) else { continue };
        duration(offset + core.start()..offset + core.end(), &dative(&squeeze(core.as_str())), true, found);
    }
}

fn duration(range: std::ops::Range<usize>, core: &str, on_the_line: bool, found: &mut Vec<Raw>) {
    let lower = core.to_lowercase();
    let short = ["minute", "stunde"].iter().any(|unit| lower.contains(unit));
    if short && on_the_line {
        // "seit Minuten" has no amount that could be repeated.
        if lower.contains(' ') {
            found.push(Raw::new(FactKind::Wait, range, vec![("wait", accusative(core))]));
        }
        return;
    }
    let since = format!("seit {core}");
    let long = ["woche", "monat", "jahr"].iter().any(|unit| lower.contains(unit)) && !lower.starts_with("letzte");
    let mut slots = vec![("since", since.clone())];
    if long {
        slots.push(("since_long", since));
    }
    found.push(Raw::new(FactKind::Since, range, slots));
}

/// "eine Woche" as it stands after *seit*.
fn dative(duration: &str) -> String {
    let swaps = [("eine halbe ", "einer halben "), ("eine ", "einer "), ("einen ", "einem "), ("ein ", "einem ")];
    let mut out = duration.to_owned();
    for (from, to) in swaps {
        if let Some(rest) = out.to_lowercase().strip_prefix(from).map(str::len) {
            out = format!("{to}{}", &out[out.len() - rest..]);
            break;
        }
    }
    for plural in ["Tage", "Monate", "Jahre", "tage", "monate", "jahre"] {
        if out.ends_with(&format!(" {plural}")) {
            out.push('n');
        }
    }
    out
}

/// "einer halben Stunde" as the object of *warten*.
fn accusative(duration: &str) -> String {
    let swaps = [("einer halben ", "eine halbe "), ("einer ", "eine "), ("einem ", "einen ")];
    for (from, to) in swaps {
        if let Some(rest) = duration.strip_prefix(from) {
            return format!("{to}{rest}");
        }
    }
    duration.to_owned()
}

fn how_often(text: &str, seen: Seen, found: &mut Vec<Raw>) {
    if !seen.any(TIME) {
        return;
    }
    if seen.any(ORDINAL) || seen.digits > 0 {
        nths(text, found);
    }
    if seen.all(TOLD | COUNT) {
        times(text, found);
    }
}

fn nths(text: &str, found: &mut Vec<Raw>) {
    for hit in NTH.captures_iter(text) {
        let Some(whole) = hit.get(0) else { continue };
        let Some(ordinal) = hit.get(1).or_else(|| hit.get(2)) else { continue };
        let mut ordinal = ordinal.as_str().to_lowercase();
        if !ordinal.ends_with('n') && !ordinal.ends_with('.') {
            ordinal.push('n');
        }
        let nth = format!("zum {ordinal} Mal");
        let mut slots = vec![("nth", nth.clone())];
        let lower = whole.as_str().to_lowercase();
        if lower.contains("anruf") || lower.contains("versuch") || CONTACT.is_match(text) {
            slots.push(("nth_contact", nth));
        }
        found.push(Raw::new(FactKind::HowOften, whole.range(), slots));
    }
}

fn times(text: &str, found: &mut Vec<Raw>) {
    for hit in TIMES.captures_iter(text) {
        let (Some(whole), Some(count)) = (hit.get(0), hit.get(1)) else { continue };
        let count = count.as_str().to_lowercase();
        let times = if count == "mehr" { "mehrmals".to_owned() } else { format!("{count}mal") };
        found.push(Raw::new(FactKind::HowOften, whole.range(), vec![("times_contact", times)]));
    }
}

fn names(whole: &str, name: &str, range: std::ops::Range<usize>, found: &mut Vec<Raw>) {
    const NO_NAMES: &[&str] = &["Ja", "Guten", "Hallo", "Frau", "Herr", "Noch", "Wieder"];
    let words: Vec<&str> = name.split(' ').filter(|word| !NO_NAMES.contains(word)).collect();
    let Some(surname) = words.last() else { return };
    let mut slots = vec![("surname", (*surname).to_owned())];
    if let Some(title) = TITLE.captures(whole).and_then(|hit| hit.get(1)) {
        slots.push(("name", format!("{} {surname}", title.as_str())));
    }
    found.push(Raw::new(FactKind::Name, range, slots));
}

/// A thing with its grammar, found in a sentence.
struct Thing {
    start: usize,
    end: usize,
    gender: Gender,
    nominative: String,
    accusative: String,
    dative: String,
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

const DETERMINERS: &[&str] = &[
    "mein", "meine", "meinen", "meinem", "meiner", "meines", "unser", "unsere", "unseren", "unserem", "unserer",
    "unseres", "unsern", "der", "die", "das", "den", "dem", "ein", "eine", "einen", "einem", "einer",
];

fn things_in(sentence: &str) -> Vec<Thing> {
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

/// `wrong`: the sentence says what does not work.
fn name_things(offset: usize, things: Vec<Thing>, wrong: bool, found: &mut Vec<Raw>) {
    for thing in things {
        // "In der Leitung" one waits, and "die Leitung" decides: a line it is only if something is wrong with it.
        if !wrong && thing.nominative == "die Leitung" {
            continue;
        }
        let mut slots = vec![("what_acc", thing.accusative), ("what_dat", thing.dative)];
        // A plural subject would need another verb than the phrases have.
        if thing.gender != Gender::Plural {
            slots.push(("what", thing.nominative));
        }
        found.push(Raw::new(FactKind::What, offset + thing.start..offset + thing.end, slots));
    }
}

fn troubles(offset: usize, sentence: &str, seen: Seen, things: &[Thing], found: &mut Vec<Raw>) {
    let asked = sentence.ends_with('?') && !sentence.trim_start().starts_with(['w', 'W']);
    let mut push = |start: usize, end: usize, problem: String| {
        found.push(Raw::new(FactKind::Problem, offset + start..offset + end, vec![("problem", squeeze(&problem))]));
    };
    if !asked && seen.any(STATE_WORD | WAITED_WORD) {
        for thing in things {
            let (head, rest) = (&sentence[..thing.start], &sentence[thing.end..]);
            if let Some((problem, length)) = trouble_with(thing, head, rest) {
                push(thing.start, thing.end + length, problem);
            } else if WAITING_FOR.is_match(head) {
                push(thing.start, thing.end, format!("Sie noch auf {} warten", thing.accusative));
            }
        }
    }
    if seen.any(NONE)
        && let Some(hit) = WITHOUT.captures(sentence)
        && let (Some(whole), Some(no), Some(thing)) = (hit.get(0), hit.get(1), hit.get(2))
    {
        let thing = thing.as_str().split(' ').map(|word| if word == "warmes" { word.into() } else { capital(word) });
        let thing = thing.collect::<Vec<_>>().join(" ").replace("Wlan", "WLAN");
        push(whole.start(), whole.end(), format!("Sie {} {thing} haben", no.as_str().to_lowercase()));
    }
    if seen.any(TAKEN)
        && let Some(hit) = CHARGED.captures(sentence)
        && let (Some(whole), Some(how), Some(verb)) = (hit.get(0), hit.get(1), hit.get(2))
    {
        let how = how.as_str().to_lowercase().replace("unrecht", "Unrecht");
        push(whole.start(), whole.end(), format!("Ihnen {how} {} wurde", verb.as_str().to_lowercase()));
    }
    if seen.any(NO_ONE)
        && let Some(hit) = NOBODY.captures(sentence)
        && let (Some(whole), Some(verb)) = (hit.get(0), hit.get(1))
    {
        let verb = verb.as_str().to_lowercase();
        let problem = if verb.contains("zurück") {
            "niemand zurückgerufen hat"
        } else if verb.contains("meld") {
            "sich niemand gemeldet hat"
        } else if verb.contains("antwort") {
            "niemand geantwortet hat"
        } else {
            "niemand gekommen ist"
        };
        push(whole.start(), whole.end(), problem.to_owned());
    }
}

/// What is wrong with a thing, as a clause after *dass*, and how many bytes behind the thing it took.
fn trouble_with(thing: &Thing, head: &str, rest: &str) -> Option<(String, usize)> {
    let subject = &thing.nominative;
    let be = if thing.gender == Gender::Plural { "sind" } else { "ist" };
    let group = |hit: &regex::Captures<'_>, at: usize| hit.get(at).map_or("", |part| part.as_str()).to_lowercase();
    if let Some(hit) = IS_REST.captures(rest) {
        let (again, state) = (group(&hit, 2), group(&hit, 3));
        return Some((format!("{subject} {again} {state} {be}"), hit[0].len()));
    }
    if IS_HEAD.is_match(head)
        && let Some(hit) = STATE_REST.captures(rest)
    {
        return Some((format!("{subject} {} {} {be}", group(&hit, 1), group(&hit, 2)), hit[0].len()));
    }
    if CLAUSE_HEAD.is_match(head) {
        if let Some(hit) = STATE_CLAUSE_REST.captures(rest) {
            return Some((format!("{subject} {} {} {be}", group(&hit, 1), group(&hit, 2)), hit[0].len()));
        }
        if let Some(hit) = WORKS_CLAUSE_REST.captures(rest) {
            let (again, more, verb) = (group(&hit, 1), group(&hit, 2), group(&hit, 3));
            return Some((format!("{subject} {again} nicht {more} {verb}"), hit[0].len()));
        }
    }
    if thing.gender == Gender::Plural {
        return None;
    }
    if let Some(hit) = WORKS_REST.captures(rest)
        && !NOT_OTHERWISE.is_match(&rest[hit[0].len()..])
    {
        let (verb, again, more) = (group(&hit, 1), group(&hit, 2), group(&hit, 3));
        return Some((format!("{subject} {again} nicht {more} {verb}"), hit[0].len()));
    }
    if let Some(verb) = WORKS_HEAD.captures(head)
        && let Some(hit) = NOT_REST.captures(rest)
        && !NOT_OTHERWISE.is_match(&rest[hit[0].len()..])
    {
        let (again, more) = (group(&hit, 1), group(&hit, 2));
        return Some((format!("{subject} {again} nicht {more} {}", group(&verb, 1)), hit[0].len()));
    }
    if let Some(hit) = CAME_REST.captures(rest)
        && !NOT_OTHERWISE.is_match(&rest[hit[0].len()..])
    {
        let (again, how) = (group(&hit, 2), group(&hit, 3));
        return Some((format!("{subject} {again} {how} gekommen ist"), hit[0].len()));
    }
    let hit = MISSING_REST.captures(rest)?;
    Some((format!("{subject} {} fehlt", group(&hit, 1)), hit[0].len()))
}
