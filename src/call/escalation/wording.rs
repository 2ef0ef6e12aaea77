//! What a supervisor reads on an alert: the fact in one sentence, and the customer's own words.

use std::ops::Range;

use crate::terms::{Band, CueKind, Lang};

/// Most characters of a quote: what fits on a card and is read at a glance.
pub(super) const QUOTE_CHARS_MAX: usize = 160;

/// What an alert rests on.
#[derive(Clone, Copy)]
pub(super) enum Fact<'a> {
    /// `words`: the cue's own words, which may name the lawyer, the press, …
    Act { kind: CueKind, words: &'a str },
    /// `count` complaints, of these kinds.
    Tension { count: usize, kinds: &'a [CueKind] },
    /// Several utterances that together sound like complaints, with these kinds among them.
    Simmer { kinds: &'a [CueKind] },
}

pub(super) fn reason(fact: Fact<'_>, lang: Lang) -> String {
    match fact {
        Fact::Act { kind, words } => act(kind, words, lang).to_owned(),
        Fact::Tension { count, kinds } => {
            let names = nouns(kinds, lang);
            match (lang, count) {
                (Lang::De, 0 | 1) => format!("Deutliche Beschwerde{names}"),
                (Lang::De, _) => format!("{count} Beschwerden in kurzer Zeit{names}"),
                (Lang::En, 0 | 1) => format!("Clear complaint{names}"),
                (Lang::En, _) => format!("{count} complaints in a short time{names}"),
            }
        }
        Fact::Simmer { kinds } => {
            let names = nouns(kinds, lang);
            match lang {
                Lang::De => format!("Klingt seit mehreren Äußerungen verärgert{names}"),
                Lang::En => format!("Has sounded annoyed for several utterances{names}"),
            }
        }
    }
}

/// The first three of these kinds behind a colon, or nothing.
fn nouns(kinds: &[CueKind], lang: Lang) -> String {
    let names: Vec<&str> = kinds.iter().take(3).map(|kind| noun(*kind, lang)).collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

pub(super) fn higher_band(band: Band, reason: &str, lang: Lang) -> String {
    match (lang, band) {
        (Lang::De, Band::Critical) => format!("Lage jetzt kritisch: {reason}"),
        (Lang::De, _) => format!("Lage spitzt sich zu: {reason}"),
        (Lang::En, Band::Critical) => format!("Now critical: {reason}"),
        (Lang::En, _) => format!("Getting worse: {reason}"),
    }
}

pub(super) fn not_taken(waited_ms: u64, reason: &str, lang: Lang) -> String {
    let waited_s = waited_ms / 1_000;
    match lang {
        Lang::De => format!("Seit {waited_s} s nicht angenommen: {reason}"),
        Lang::En => format!("Not taken for {waited_s} s: {reason}"),
    }
}

pub(super) fn subsided(lang: Lang) -> String {
    match lang {
        Lang::De => "Seit einer Weile keine Anspannung mehr",
        Lang::En => "No tension for a while",
    }
    .to_owned()
}

pub(super) fn reconciled(kinds: &[CueKind], lang: Lang) -> String {
    let has = |kind: CueKind| kinds.contains(&kind);
    match lang {
        Lang::De if has(CueKind::ApologyAccepted) => "Hat die Entschuldigung angenommen",
        Lang::De if has(CueKind::Relief) => "Ist erleichtert",
        Lang::De => "Hat sich beruhigt und zeigt sich freundlich",
        Lang::En if has(CueKind::ApologyAccepted) => "Accepted the apology",
        Lang::En if has(CueKind::Relief) => "Is relieved",
        Lang::En => "Calmed down and is friendly again",
    }
    .to_owned()
}

/// `text`, or the part of it around the characters `around`, at most [`QUOTE_CHARS_MAX`] characters, cut between
/// words, `…` where something is left out.
pub(super) fn quote(text: &str, around: Range<usize>) -> String {
    let text = text.trim_end();
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= QUOTE_CHARS_MAX {
        return text.trim().to_owned();
    }
    // One character at each end is kept for the ellipsis.
    let room = QUOTE_CHARS_MAX - 2;
    let start = around.start.min(chars.len());
    let end = around.end.clamp(start, chars.len()).min(start + room);
    let before = (room - (end - start)) / 2;
    let from = start.saturating_sub(before).min(chars.len() - room);
    let from = word_start(&chars, from, start);
    let to = word_end(&chars, from + room, end);
    let words: String = chars[from..to].iter().collect();
    let left = if from > 0 { "…" } else { "" };
    let right = if to < chars.len() { "…" } else { "" };
    format!("{left}{}{right}", words.trim())
}

/// The first start of a word at or after `at`, before `limit`; `at` itself if there is none.
fn word_start(chars: &[char], at: usize, limit: usize) -> usize {
    if at == 0 {
        return 0;
    }
    (at..=limit).find(|&i| i < chars.len() && chars[i - 1].is_whitespace()).unwrap_or(at)
}

/// The last end of a word at or before `at`, after `limit`; `at` itself if there is none.
fn word_end(chars: &[char], at: usize, limit: usize) -> usize {
    if at >= chars.len() {
        return chars.len();
    }
    (limit.max(1)..=at).rev().find(|&i| chars[i].is_whitespace()).unwrap_or(at)
}

fn act(kind: CueKind, words: &str, lang: Lang) -> &'static str {
    let words = words.to_lowercase();
    let names = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
    match lang {
        Lang::De => match kind {
            CueKind::LegalThreat if names(&["anwalt", "anwält"]) => "Droht mit dem Anwalt",
            CueKind::LegalThreat if names(&["verbraucher"]) => "Droht mit der Verbraucherzentrale",
            CueKind::LegalThreat if names(&["gericht", "klage", "verklag"]) => "Droht mit dem Gericht",
            CueKind::LegalThreat if names(&["anzeige", "anzeig", "polizei"]) => "Droht mit einer Anzeige",
            CueKind::LegalThreat if names(&["agentur", "behörde", "aufsicht", "bafin", "ombud"]) => {
                "Droht mit der Aufsicht"
            }
            CueKind::LegalThreat => "Droht mit rechtlichen Schritten",
            CueKind::PublicityThreat if names(&["presse", "zeitung", "fernseh", "sender", "bild"]) => {
                "Droht mit der Presse"
            }
            CueKind::PublicityThreat if names(&["bewert", "stern", "rezension", "google"]) => {
                "Droht mit schlechten Bewertungen"
            }
            CueKind::PublicityThreat => "Droht mit der Öffentlichkeit",
            CueKind::SupervisorRequest => "Verlangt eine vorgesetzte Person",
            CueKind::Insult => "Beleidigt Mitarbeitende",
            CueKind::ChurnThreat => "Droht mit Kündigung oder Wechsel",
            CueKind::ViolenceThreat => "Droht mit Gewalt",
            CueKind::SelfHarm => "Deutet an, sich etwas anzutun",
            CueKind::Anger => "Ist sehr aufgebracht",
            CueKind::Shouting => "Wird laut",
            CueKind::Profanity => "Flucht heftig",
            _ => "Beschwert sich scharf",
        },
        Lang::En => match kind {
            CueKind::LegalThreat if names(&["lawyer", "solicitor", "attorney"]) => "Threatens with a lawyer",
            CueKind::LegalThreat if names(&["court", "sue", "suing"]) => "Threatens to go to court",
            CueKind::LegalThreat if names(&["ombuds", "regulator", "trading standards", "watchdog"]) => {
                "Threatens with the regulator"
            }
            CueKind::LegalThreat => "Threatens legal action",
            CueKind::PublicityThreat if names(&["press", "paper", "tv", "media"]) => "Threatens to go to the media",
            CueKind::PublicityThreat if names(&["review", "star", "rating"]) => "Threatens bad reviews",
            CueKind::PublicityThreat => "Threatens to go public",
            CueKind::SupervisorRequest => "Demands a superior",
            CueKind::Insult => "Insults staff",
            CueKind::ChurnThreat => "Threatens to cancel or leave",
            CueKind::ViolenceThreat => "Threatens violence",
            CueKind::SelfHarm => "Hints at self-harm",
            CueKind::Anger => "Is very upset",
            CueKind::Shouting => "Is shouting",
            CueKind::Profanity => "Swears heavily",
            _ => "Complains sharply",
        },
    }
}

/// The same words as on the board (`web/src/lib/text.de.ts`, `text.en.ts`: `cues`).
fn noun(kind: CueKind, lang: Lang) -> &'static str {
    match (lang, kind) {
        (Lang::De, CueKind::Anger) => "Ärger",
        (Lang::De, CueKind::Dissatisfaction) => "Unzufriedenheit",
        (Lang::De, CueKind::Insult) => "Beleidigung",
        (Lang::De, CueKind::Profanity) => "Fluchen",
        (Lang::De, CueKind::Sarcasm) => "Spott",
        (Lang::De, CueKind::Disbelief) => "Fassungslosigkeit",
        (Lang::De, CueKind::RepeatContact) => "wiederholter Kontakt",
        (Lang::De, CueKind::LongWait) => "lange Wartezeit",
        (Lang::De, CueKind::Urgency) => "Zeitdruck",
        (Lang::De, CueKind::Shouting) => "Lautwerden",
        (Lang::De, _) => "Beschwerde",
        (Lang::En, CueKind::Anger) => "anger",
        (Lang::En, CueKind::Dissatisfaction) => "dissatisfaction",
        (Lang::En, CueKind::Insult) => "insult",
        (Lang::En, CueKind::Profanity) => "swearing",
        (Lang::En, CueKind::Sarcasm) => "sarcasm",
        (Lang::En, CueKind::Disbelief) => "disbelief",
        (Lang::En, CueKind::RepeatContact) => "repeated contact",
        (Lang::En, CueKind::LongWait) => "long wait",
        (Lang::En, CueKind::Urgency) => "time pressure",
        (Lang::En, CueKind::Shouting) => "shouting",
        (Lang::En, _) => "complaint",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_fact() {
        let legal = |words| reason(Fact::Act { kind: CueKind::LegalThreat, words }, Lang::De);
        assert_eq!(legal("mein Anwalt"), "Droht mit dem Anwalt");
        assert_eq!(legal("Verbraucherzentrale"), "Droht mit der Verbraucherzentrale");
        assert_eq!(legal("weitere Schritte"), "Droht mit rechtlichen Schritten");
        let kinds = [CueKind::RepeatContact, CueKind::LongWait];
        let tension = reason(Fact::Tension { count: 3, kinds: &kinds }, Lang::De);
        assert_eq!(tension, "3 Beschwerden in kurzer Zeit: wiederholter Kontakt, lange Wartezeit");
        assert_eq!(reason(Fact::Simmer { kinds: &[] }, Lang::De), "Klingt seit mehreren Äußerungen verärgert");
    }

    #[test]
    fn a_short_text_is_quoted_whole() {
        assert_eq!(quote("  Das ist ja wohl das Letzte. ", 0..3), "Das ist ja wohl das Letzte.");
        assert_eq!(quote("", 0..0), "");
    }

    #[test]
    fn a_long_text_is_cut_between_words_around_the_cue() {
        let text = format!("{}dann gehe ich eben zum Anwalt {}", "bla ärger ".repeat(30), "und so weiter ".repeat(30));
        let at = text.chars().collect::<String>().find("Anwalt").map(|byte| text[..byte].chars().count()).unwrap();
        let quoted = quote(&text, at..at + 6);
        assert!(quoted.chars().count() <= QUOTE_CHARS_MAX, "{quoted}");
        assert!(quoted.contains("zum Anwalt und"), "{quoted}");
        assert!(quoted.starts_with('…') && quoted.ends_with('…'));
        let all: Vec<&str> = text.split_whitespace().collect();
        assert!(quoted.trim_matches('…').split_whitespace().all(|word| all.contains(&word)), "{quoted}");
    }

    #[test]
    fn offsets_that_do_not_fit_the_text_do_no_harm() {
        let text = "wort ".repeat(100);
        for around in [0..0, 490..9_999, 9_000..9_001, 0..500] {
            let quoted = quote(&text, around);
            assert!(!quoted.is_empty() && quoted.chars().count() <= QUOTE_CHARS_MAX);
        }
        let unbroken = "x".repeat(1000);
        assert_eq!(quote(&unbroken, 500..503).chars().count(), QUOTE_CHARS_MAX);
    }
}
