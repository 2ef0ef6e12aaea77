//! Small words that say what the numbers beside them are.

use super::token::Token;

/// Words people put between the digits they dictate.
pub fn is_filler(word: &str) -> bool {
    const FILLERS: &[&str] = &[
        "äh",
        "ähm",
        "öh",
        "hm",
        "mhm",
        "uh",
        "um",
        "er",
        "erm",
        "strich",
        "bindestrich",
        "minus",
        "schrägstrich",
        "dash",
        "hyphen",
        "slash",
        "dann",
        "then",
        "und",
        "and",
        "nochmal",
        "space",
        "leerzeichen",
        "wieder",
        "again",
        "stroke",
        "nein",
        "quatsch",
        "sorry",
        "pardon",
    ];
    FILLERS.contains(&word)
}

/// Whether an utterance asks how many, how much, how long or when.
pub fn asks_for_a_count(tokens: &[Token]) -> bool {
    tokens.windows(2).any(|pair| {
        matches!(
            (pair[0].word.as_str(), pair[1].word.as_str()),
            ("wie", "viel" | "viele" | "oft" | "lange" | "hoch" | "groß" | "spät")
                | ("wieviel" | "wieviele" | "wann", _)
                | ("seit" | "since", "wann" | "when")
                | ("how", "many" | "much" | "often" | "long" | "old" | "big")
                | ("what", "time")
        )
    })
}

/// Words that go with an answer and say nothing of their own.
pub fn is_courtesy(word: &str) -> bool {
    const COURTESY: &[&str] = &[
        "ja", "also", "das", "ist", "die", "der", "den", "dem", "am", "moment", "bitte", "mal", "okay", "ok", "genau",
        "richtig", "korrekt", "und", "dann", "nein", "so", "gut", "einen", "gerne", "gern", "lautet", "meine", "wäre",
        "wär", "nummer", "noch", "weiter", "geht", "es", "sie", "yes", "it's", "it’s", "is", "the", "it", "sure",
        "right", "correct", "and", "then", "no", "my", "that's", "that’s", "of", "course", "please", "on", "moment",
        "jawohl", "danke", "thanks", "mhm", "er", "well", "okey", "stimmt", "hier", "kommt", "jetzt", "now", "be",
        "would", "im", "geboren", "born", "in",
    ];
    COURTESY.contains(&word)
}

/// Words between "Kundennummer" and a year that make it a year, or between "Rechnung" and an amount.
pub fn leads_to_a_count(word: &str) -> bool {
    const PREPOSITIONS: &[&str] = &[
        "über",
        "von",
        "vom",
        "aus",
        "seit",
        "für",
        "in",
        "im",
        "bis",
        "vor",
        "nach",
        "of",
        "from",
        "over",
        "about",
        "at",
        "since",
        "until",
        "by",
        "before",
        "after",
        "jahr",
        "year",
        "um",
        "ab",
        "zum",
        "ende",
        "anfang",
        "mitte",
        "for",
        "circa",
        "etwa",
        "ungefähr",
        "rund",
        "nearly",
        "almost",
        "mit",
        "with",
    ];
    PREPOSITIONS.contains(&word)
}
