//! Since when, how long and how often.

use std::sync::LazyLock;

use regex::Regex;

use super::super::gate::Seen;
use super::super::{FactKind, Raw, pattern, squeeze};
use super::{COUNT, MONTH, NUMBER, ORDINAL, SINCE_WORD, TIME, TOLD, WAITED_WORD, WEEKDAY};

static SINCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\bsei[td]\s+(?:(?:schon|nun|jetzt|bereits|sage und schreibe|mittlerweile)\s+)*((?:(?:über|mehr als|fast|gut|knapp|ungefähr|etwa|rund)\s+)?(?:{NUMBER}|einigen|mehreren|ein paar|vielen|einer halben|anderthalb|eineinhalb|einer|einem)\s*(?:ganzen\s+)?(?:Minuten?|Stunden?|Tag(?:en|e)?|Wochen?|Monat(?:en|e)?|Jahr(?:en|e)?|Viertelstunde|Ewigkeit)|Minuten|Stunden|Tagen|Wochen|Monaten|Jahren|Ewigkeiten|vorgestern|gestern(?:\s+(?:Abend|Morgen|Nachmittag|Vormittag|früh))?|heute\s+(?:früh|Morgen|Vormittag|Mittag)|(?:letzte[rmn]|vorige[rmn]|vergangene[rmn])\s+(?:Woche|Monat|Jahr|{WEEKDAY})|(?:(?:Anfang|Mitte|Ende)\s+)?(?:{MONTH})|{WEEKDAY}|Ostern|Pfingsten|Weihnachten|Neujahr|dem\s+[a-zäöüß]+ten(?:\s+(?:{MONTH}))?)\b"
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

/// Since when the trouble lasts, or how long somebody waited on the line.
pub(super) fn durations(offset: usize, sentence: &str, seen: Seen, found: &mut Vec<Raw>) {
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

/// The how-manieth time it is, or how many times.
pub(super) fn how_often(text: &str, seen: Seen, found: &mut Vec<Raw>) {
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
