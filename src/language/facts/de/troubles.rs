//! What is wrong with a thing, or did not happen, as a clause after *dass*.

use std::sync::LazyLock;

use regex::Regex;

use super::super::gate::Seen;
use super::super::{FactKind, Raw, capital, pattern, squeeze};
use super::things::Thing;
use super::{NO_ONE, NONE, STATE_WORD, TAKEN, WAITED_WORD};

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

/// What a sentence says is wrong. `things`: those it holds.
pub(super) fn troubles(offset: usize, sentence: &str, seen: Seen, things: &[Thing], found: &mut Vec<Raw>) {
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
    let be = if thing.is_plural() { "sind" } else { "ist" };
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
    if thing.is_plural() {
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
