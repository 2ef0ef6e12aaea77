//! Slots: what a phrase may be filled with. Everything here was said by the customer, configured, or counted.

use std::collections::BTreeMap;

use super::playbook::{Part, Phrase, banned};
use crate::language::facts::{Fact, FactKind};
use crate::terms::Lang;

/// Longest prompt, in characters: two short lines that can be read in two seconds.
pub const MAX_CHARS: usize = 140;

/// All slots. The first group comes from `language::facts`, which describes their grammar.
pub const SLOTS: &[&str] = &[
    "what",
    "what_acc",
    "what_dat",
    "problem",
    "since",
    "since_long",
    "wait",
    "nth",
    "nth_contact",
    "times_contact",
    "amount",
    "name",
    "surname",
    // What eased the call, after *nach* or *after* ("Ihrer Entschuldigung").
    "helped",
    // Name of a programme for regular customers, if configured.
    "circle",
    // A gesture that a rule allows, as the object of *anbieten* or *offer*.
    "gesture",
    // The same, if somebody has to agree first; and a small courtesy after a good ending.
    "gesture_approval",
    "courtesy",
    // A good moment of this shift: "vor vierzig Minuten", and what it was.
    "good_ago",
    "good_what",
    // Counts of this shift, with their noun: "drei schwere Gespräche".
    "hard_calls",
    "heated_minutes",
    "good_moments",
    "thanks",
];

/// What the house allowed when it configured it.
const CONFIGURED: &[&str] = &["circle", "gesture", "gesture_approval", "courtesy"];

/// What the customer told and the agent may say back.
const TOLD: &[&str] = &["since", "nth", "times_contact", "amount", "problem", "wait"];

/// The filled slots of a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slots {
    values: BTreeMap<&'static str, String>,
}

impl Slots {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.values.insert(name, value.into());
    }

    pub fn clear(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Takes over what the customer said. `grievance`: the utterance is about what went wrong; then its thing
    /// replaces one that was named before.
    pub fn hear(&mut self, facts: &[Fact], grievance: bool) {
        let problem = facts.iter().rfind(|fact| fact.kind == FactKind::Problem);
        let about = |fact: &&Fact| {
            fact.kind == FactKind::What
                && problem.is_none_or(|problem| problem.start <= fact.start && fact.end <= problem.end)
        };
        let thing = facts.iter().find(about).or_else(|| facts.iter().find(|fact| fact.kind == FactKind::What));
        let own = |fact: &Fact| fact.slots.iter().any(|(_, form)| form.starts_with("Ihr") || form.starts_with("your"));
        if let Some(thing) = thing
            && (problem.is_some() || self.get("what_dat").is_none() || (grievance && own(thing)))
        {
            for slot in ["what", "what_acc", "what_dat"] {
                self.clear(slot);
            }
            self.take(thing);
        }
        for fact in facts {
            match fact.kind {
                FactKind::What => {}
                FactKind::Since | FactKind::Amount if !grievance && problem.is_none() => {
                    if fact.slots.iter().all(|(slot, _)| self.get(slot).is_none()) {
                        self.take(fact);
                    }
                }
                // What the phone system knows is more certain than what was heard.
                FactKind::Name if self.get("name").is_some() || self.get("surname").is_some() => {}
                FactKind::Since => {
                    self.clear("since_long");
                    self.take(fact);
                }
                _ => self.take(fact),
            }
        }
    }

    fn take(&mut self, fact: &Fact) {
        for (slot, value) in &fact.slots {
            self.values.insert(slot, value.clone());
        }
    }

    /// Whether there is anything that [`Slots::echoed_by`] could find.
    pub fn hold_told(&self) -> bool {
        TOLD.iter().any(|slot| self.get(slot).is_some())
    }

    /// Whether somebody says back what the customer told: how long, how often, how much.
    pub fn echoed_by(&self, facts: &[Fact]) -> bool {
        let same = |(slot, value): &(&'static str, String)| {
            TOLD.contains(slot) && self.get(slot).is_some_and(|told| told.eq_ignore_ascii_case(value))
        };
        facts.iter().any(|fact| fact.slots.iter().any(same))
    }

    /// The customer's name as the phone system wrote it.
    pub fn know_name(&mut self, lang: Lang, written: &str) {
        let (name, surname) = address(lang, written);
        self.clear("name");
        self.clear("surname");
        if let Some(name) = name {
            self.set("name", name);
        }
        if let Some(surname) = surname {
            self.set("surname", surname);
        }
    }

    /// The phrase with its slots filled; `None` if one is empty, the result is too long, or it comes to say what no line
    /// may say ([`banned`]).
    pub fn fill(&self, phrase: &Phrase) -> Option<String> {
        let is_filled = |part: &Part| match part {
            Part::Text(_) => true,
            Part::Slot { name, .. } => self.get(name).is_some(),
        };
        if !phrase.parts.iter().all(is_filled) {
            return None;
        }
        if let [Part::Text(text)] = &phrase.parts[..] {
            return fits(text).then(|| text.clone());
        }
        let mut text = String::new();
        // What the house configured it may say.
        let mut answered_for = String::new();
        for part in &phrase.parts {
            match part {
                Part::Text(words) => {
                    text.push_str(words);
                    answered_for.push_str(words);
                }
                Part::Slot { name, capital } => {
                    let value = self.get(name)?;
                    let mut chars = value.chars();
                    match (capital, chars.next()) {
                        (true, Some(first)) => text.extend(first.to_uppercase().chain(chars)),
                        _ => text.push_str(value),
                    }
                    answered_for.push_str(if CONFIGURED.contains(&name.as_str()) { "…" } else { value });
                }
            }
        }
        // A name of the phone system's may hold anything.
        (fits(&text) && (phrase.is_literal() || banned::in_line(&answered_for).is_none())).then_some(text)
    }
}

fn fits(text: &str) -> bool {
    text.chars().count() <= MAX_CHARS && !text.contains(['{', '}'])
}

/// Whether a thing only says where something is ("neben unserem Bett", "an der Tür"): it is not what is wrong.
/// `start` counts characters, as facts do.
pub fn is_place(lang: Lang, text: &str, start: usize) -> bool {
    const DE: &[&str] = &["vor", "neben", "hinter", "unter", "zwischen", "an", "am", "beim"];
    const EN: &[&str] = &["at", "beside", "behind", "outside", "under", "between", "near"];
    let places = match lang {
        Lang::De => DE,
        Lang::En => EN,
    };
    let before: String = text.chars().take(start).collect();
    let word = before.split_whitespace().next_back().unwrap_or_default().to_lowercase();
    let word = before.ends_with(char::is_whitespace).then_some(word.as_str());
    let beside = lang == Lang::En && before.to_lowercase().trim_end().ends_with("next to");
    beside || word.is_some_and(|word| places.contains(&word))
}

/// How to address somebody, and the surname alone. Without a form of address only the surname is known for certain:
/// nobody's gender is guessed from a first name.
fn address(lang: Lang, written: &str) -> (Option<String>, Option<String>) {
    let words: Vec<&str> = written.split_whitespace().collect();
    let Some((first, rest)) = words.split_first() else { return (None, None) };
    let title = match (lang, first.trim_end_matches('.').to_lowercase().as_str()) {
        (Lang::De, "herr" | "herrn" | "mr" | "mister") => Some("Herr"),
        (Lang::De, "frau" | "mrs" | "ms" | "miss") => Some("Frau"),
        (Lang::En, "herr" | "herrn" | "mr" | "mister") => Some("Mr"),
        (Lang::En, "frau" | "ms") => Some("Ms"),
        (Lang::En, "mrs") => Some("Mrs"),
        (Lang::En, "miss") => Some("Miss"),
        _ => None,
    };
    let names = if title.is_some() { rest } else { &words[..] };
    let academic = names.first().filter(|word| ["Dr.", "Dr", "Doktor", "Prof.", "Professor"].contains(word));
    // "Frau Anna von Berg" is addressed as "Frau von Berg".
    let particle = names.iter().position(|word| ["von", "van", "de", "der", "zu", "di", "al"].contains(word));
    let surname = match particle {
        Some(at) => names[at..].join(" "),
        None => names.last().map(|word| (*word).to_owned()).unwrap_or_default(),
    };
    if surname.is_empty() {
        return (None, None);
    }
    let title = match (lang, title, academic) {
        (Lang::En, Some(_), Some(_)) => Some("Dr".to_owned()),
        (_, Some(title), Some(academic)) => Some(format!("{title} {academic}")),
        (_, Some(title), None) => Some(title.to_owned()),
        (_, None, _) => None,
    };
    (title.map(|title| format!("{title} {surname}")), Some(surname))
}

/// A waiting time in words, rounded to minutes: "vier Minuten", "four minutes". `None` under half a minute.
pub fn waited(lang: Lang, wait_s: u64) -> Option<String> {
    let minutes = (wait_s + 30) / 60;
    (minutes > 0).then(|| minutes_in_words(lang, minutes))
}

/// "eine Minute", "vier Minuten", "25 Minuten": as object and as subject alike.
pub fn minutes_in_words(lang: Lang, minutes: u64) -> String {
    match (lang, minutes) {
        (Lang::De, 1) => "eine Minute".to_owned(),
        (Lang::De, _) => format!("{} Minuten", number(lang, minutes)),
        (Lang::En, 1) => "a minute".to_owned(),
        (Lang::En, _) => format!("{} minutes", number(lang, minutes)),
    }
}

/// Numbers up to twelve as words, as one writes them.
pub fn number(lang: Lang, value: u64) -> String {
    const DE: [&str; 13] =
        ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"];
    const EN: [&str; 13] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let words = match lang {
        Lang::De => DE,
        Lang::En => EN,
    };
    usize::try_from(value)
        .ok()
        .and_then(|at| words.get(at))
        .map_or_else(|| value.to_string(), |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::facts::facts;

    #[test]
    fn addresses_are_what_one_says() {
        let both = |lang, written| {
            let (name, surname) = address(lang, written);
            (name.unwrap_or_default(), surname.unwrap_or_default())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(both(Lang::De, "Frau Keller"), pair("Frau Keller", "Keller"));
        assert_eq!(both(Lang::De, "Herrn Dr. Jan Weber"), pair("Herr Dr. Weber", "Weber"));
        assert_eq!(both(Lang::De, "Frau Anna von Berg"), pair("Frau von Berg", "von Berg"));
        assert_eq!(both(Lang::De, "Anna Keller"), pair("", "Keller"));
        assert_eq!(both(Lang::De, "Ms Miller"), pair("Frau Miller", "Miller"));
        assert_eq!(both(Lang::En, "Frau Keller"), pair("Ms Keller", "Keller"));
        assert_eq!(both(Lang::En, "  "), pair("", ""));
    }

    #[test]
    fn the_thing_of_the_complaint_replaces_the_one_before() {
        let mut slots = Slots::default();
        slots.hear(&facts(Lang::De, "Ich habe meine Rechnung vor mir."), false);
        assert_eq!(slots.get("what"), Some("Ihre Rechnung"));
        slots.hear(&facts(Lang::De, "Mein Router geht seit gestern nicht."), true);
        assert_eq!(slots.get("what_dat"), Some("Ihrem Router"));
        slots.hear(&facts(Lang::De, "Die Adresse auf der Karte stimmt."), false);
        assert_eq!(slots.get("what_dat"), Some("Ihrem Router"));
    }

    #[test]
    fn where_something_is_is_not_what_is_wrong() {
        for (lang, text, thing, place) in [
            (Lang::De, "Neben unserem Bett läuft ein Presslufthammer.", "unserem", true),
            (Lang::De, "Es hing ein Zettel an der Tür.", "der Tür", true),
            (Lang::De, "Ärger mit dem Bett.", "dem", false),
            (Lang::De, "Mein Router geht nicht.", "Mein", false),
            (Lang::De, "Da kann der Router nichts für.", "der", false),
            (Lang::En, "There is a drill next to my bed.", "my", true),
            (Lang::En, "Trouble with my bed.", "my", false),
        ] {
            let start = text.find(thing).map(|at| text[..at].chars().count()).unwrap();
            assert_eq!(is_place(lang, text, start), place, "{text}");
        }
    }

    #[test]
    fn an_echo_says_back_what_was_told() {
        let mut slots = Slots::default();
        slots.hear(&facts(Lang::De, "Ich rufe zum vierten Mal an, es geht um dreihundert Euro."), true);
        assert!(slots.echoed_by(&facts(Lang::De, "Zum vierten Mal, das ist zu viel.")));
        assert!(slots.echoed_by(&facts(Lang::De, "Dreihundert Euro sind viel Geld.")));
        assert!(!slots.echoed_by(&facts(Lang::De, "Das kostet zwanzig Euro.")));
    }

    #[test]
    fn waiting_times_are_rounded_to_minutes() {
        assert_eq!(waited(Lang::De, 20), None);
        assert_eq!(waited(Lang::De, 50).as_deref(), Some("eine Minute"));
        assert_eq!(waited(Lang::De, 240).as_deref(), Some("vier Minuten"));
        assert_eq!(waited(Lang::En, 1500).as_deref(), Some("25 minutes"));
    }
}
