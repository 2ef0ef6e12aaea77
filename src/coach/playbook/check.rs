//! What makes a playbook wrong, and what to do about it.

use std::collections::BTreeMap;

use toml::Spanned;

use super::source::{File, RawPhrase, RawPractice, parse};
use super::{Condition, On, Part, Phrase, PlaybookError, Practice, Rulebook, Show, banned};
use crate::coach::slots::{MAX_CHARS, SLOTS};
use crate::terms::Lang;

/// Practices that may speak to supervisors: what they say is called for by the customer's words, whatever the agent
/// did. No other practice may, or it would become a mark for the agent.
pub const SUGGESTING: &[&str] = &["000-b", "001-6", "001-7", "002-3", "002-4", "002-5", "002-6"];

/// Least number of phrasings of a practice in a language.
const PHRASINGS: usize = 3;

/// Checks one practice as written in one file.
pub fn practice(file: &File, at: usize, raw: &RawPractice, errors: &mut Vec<PlaybookError>) {
    if raw.id.trim().is_empty() {
        errors.push(file.error(at, "a practice has no id", "give it an `id` of its own"));
    }
    for condition in raw.when.iter().flatten() {
        if condition.on.is_none() {
            let message = format!("a trigger of practice {} does not say what it is asked on", raw.id);
            errors.push(file.error(at, message, "write `on = \"customer\"`, `\"agent\"`, `\"silence\"`, `\"overlap\"`, `\"resumed\"`, `\"start\"` or `\"ended\"`"));
        }
        if condition.on == Some(On::Silence) && condition.silence_s.is_none() {
            let message = format!("a trigger of practice {} waits for silence of no length", raw.id);
            errors.push(file.error(at, message, "write `silence_s = 6`"));
        }
    }
    if raw.suggest.as_ref().is_some_and(|suggest| !suggest.is_empty()) && !SUGGESTING.contains(&raw.id.as_str()) {
        let message = format!("practice {} may not speak to supervisors", raw.id);
        errors.push(file.error(at, message, format!("remove `suggest`; only {} may", SUGGESTING.join(", "))));
    }
    for condition in raw.suggest.iter().flatten().filter(|condition| !customers_alone(condition)) {
        let on = condition.on;
        let message = format!("a suggestion of practice {} depends on the agent (on = {on:?})", raw.id);
        errors.push(file.error(
            at,
            message,
            "write `on = \"customer\"` and use the customer's cues, facts, words and band only",
        ));
    }
}

/// Whether a condition looks at nothing the agent did.
fn customers_alone(condition: &Condition) -> bool {
    let cues = [&condition.cues, &condition.without, &condition.heard, &condition.not_heard, &condition.earlier];
    condition.on == Some(On::Customer)
        && cues.iter().all(|cues| cues.iter().all(|cue| !cue.is_agents()))
        && condition.answers.is_empty()
        && condition.answers_without.is_empty()
        && condition.heard_words.is_empty()
        && condition.complaint.is_empty()
        && condition.agent_turns_min.is_none()
        && condition.agent_utterances_min.is_none()
        && condition.agent_utterances_max.is_none()
        && condition.overlaps_min.is_none()
        && condition.agent_turns_max.is_none()
        && condition.last_speaker.is_none()
        && condition.agent_run_s_min.is_none()
        && condition.pause_s_min.is_none()
        && condition.spoken_s_min.is_none()
        && condition.agent_share_min.is_none()
        && condition.shift_h_min.is_none()
        && condition.hard_calls_min.is_none()
        && condition.after_hard_call.is_none()
}

/// Checks the practices of a queue as a whole.
pub fn rulebook(
    rules: &Rulebook,
    files: &[File],
    places: &BTreeMap<String, (&File, usize)>,
    errors: &mut Vec<PlaybookError>,
) {
    for practice in &rules.practices {
        let Some((file, at)) = places.get(&practice.id) else { continue };
        for lang in [Lang::De, Lang::En] {
            let count = practice.say.get(&lang).map_or(0, Vec::len);
            if count < PHRASINGS {
                let message = format!("practice {} has {count} phrasings in {}", practice.id, lang.as_str());
                let remedy =
                    format!("write at least {PHRASINGS} under `[say]` in a file with `lang = \"{}\"`", lang.as_str());
                errors.push(file.error(*at, message, remedy));
            }
        }
        if practice.when.is_empty() && !matches!(practice.show, Show::Moment | Show::Card) {
            errors.push(file.error(
                *at,
                format!("practice {} is never triggered", practice.id),
                "add `[[practice.when]]`",
            ));
        }
        for name in word_lists(practice) {
            for lang in [Lang::De, Lang::En] {
                if rules.words(lang, name).is_none() {
                    let message = format!(
                        "practice {} looks for the words `{name}`, which are not listed in {}",
                        practice.id,
                        lang.as_str()
                    );
                    errors.push(file.error(*at, message, format!("add `{name} = [\"…\"]` under `[words]`")));
                }
            }
        }
        for name in practice.when.iter().chain(&practice.unless).flat_map(|condition| &condition.slots) {
            if !known_slot(name) {
                errors.push(file.error(
                    *at,
                    format!("practice {} asks for the slot `{name}`, which does not exist", practice.id),
                    slots_remedy(),
                ));
            }
        }
    }
    openings(rules, files, errors);
    for file in files {
        for alert in &file.raw.alert {
            let named = &alert.get_ref().practices;
            if named.is_empty() || named.len() > 3 {
                errors.push(file.error(
                    alert.span().start,
                    format!("an alert has {} practices", named.len()),
                    "name one to three",
                ));
            }
            for id in named.iter().filter(|id| !SUGGESTING.contains(&id.as_str())) {
                let message = format!("practice {id} may not speak to supervisors");
                errors.push(file.error(alert.span().start, message, format!("choose from {}", SUGGESTING.join(", "))));
            }
        }
    }
}

/// The lists that open a complaint must be there in both languages.
fn openings(rules: &Rulebook, files: &[File], errors: &mut Vec<PlaybookError>) {
    for name in &rules.settings.opens_complaint {
        let named = |file: &'_ File| {
            let mut names = file.raw.settings.opens_complaint.iter().flatten();
            names.find(|named| named.get_ref() == name).map(|named| named.span().start)
        };
        let Some((file, at)) = files.iter().rev().find_map(|file| named(file).map(|at| (file, at))) else { continue };
        for lang in [Lang::De, Lang::En].into_iter().filter(|lang| rules.words(*lang, name).is_none()) {
            let message =
                format!("a complaint is opened by the words `{name}`, which are not listed in {}", lang.as_str());
            errors.push(file.error(at, message, format!("add `{name} = [\"…\"]` under `[words]`")));
        }
    }
}

fn word_lists(practice: &Practice) -> impl Iterator<Item = &String> {
    let all = practice.when.iter().chain(&practice.unless).chain(&practice.suggest);
    all.flat_map(|c| c.words.iter().chain(&c.without_words).chain(&c.heard_words))
}

/// Words for a practice nobody defined.
pub fn unknown_practice(file: &File, at: usize, id: &str, errors: &mut Vec<PlaybookError>) {
    errors.push(file.error(
        at,
        format!("there are phrases for the practice {id}, which does not exist"),
        "add it with `[[practice]]`, or correct the id",
    ));
}

/// Checks one phrasing.
pub fn phrase(file: &File, lang: Lang, raw: &Spanned<RawPhrase>, errors: &mut Vec<PlaybookError>) -> Option<Phrase> {
    let (say, after, missing) = match raw.get_ref() {
        RawPhrase::Plain(say) => (say, &[][..], &[][..]),
        RawPhrase::When { say, after, missing } => (say, &after[..], &missing[..]),
    };
    let at = raw.span().start;
    for name in missing.iter().filter(|name| !known_slot(name)) {
        errors.push(file.error(at, format!("the slot `{name}` does not exist"), slots_remedy()));
    }
    let phrase = match parse(say, after, missing) {
        Ok(phrase) => phrase,
        Err(message) => {
            errors.push(file.error(at, message, "write slots as {name}"));
            return None;
        }
    };
    let mut chars = 0;
    for part in &phrase.parts {
        match part {
            Part::Text(text) => chars += text.chars().count(),
            Part::Slot { name, .. } if known_slot(name) => {}
            Part::Slot { name, .. } => {
                errors.push(file.error(at, format!("the slot {{{name}}} does not exist"), slots_remedy()));
            }
        }
    }
    if chars > MAX_CHARS {
        errors.push(file.error(
            at,
            format!("a phrasing of {chars} characters"),
            format!("shorten it to {MAX_CHARS}, better to 90"),
        ));
    }
    if say.trim().is_empty() {
        errors.push(file.error(at, "an empty phrasing", "write words, or remove it"));
    }
    said(file, lang, at, say, errors);
    Some(phrase)
}

/// Checks that words to be shown make no claim that nobody may make.
pub fn said(file: &File, lang: Lang, at: usize, say: &str, errors: &mut Vec<PlaybookError>) {
    if let Some(claim) = banned::in_phrasing(lang, say) {
        errors.push(file.error(at, format!("`{say}` {}", claim.says), claim.remedy.clone()));
    }
}

fn known_slot(name: &str) -> bool {
    SLOTS.contains(&name)
}

fn slots_remedy() -> String {
    format!("use one of {}", SLOTS.join(", "))
}
