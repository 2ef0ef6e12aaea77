//! E-mail addresses, written and spoken.

use std::sync::LazyLock;

use regex::Regex;

use super::{EMAIL, pattern};

pub fn without_emails(text: &str) -> String {
    let text = WRITTEN.replace_all(text, EMAIL);
    SPOKEN.replace_all(&text, EMAIL).into_owned()
}

static WRITTEN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[\p{L}\d._%+-]+\s?@\s?[\p{L}\d-]+(?:\.[\p{L}\d-]+)*\.\p{L}{2,}"));

/// "max punkt muster at web punkt de": "at" is also an English word, so a known ending has to follow.
static SPOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let joint = r"(?:[._-]|\s(?:punkt|dot|minus|bindestrich|unterstrich|strich|underscore|dash|hyphen)\s)";
    let dot = r"(?:\.|\s(?:punkt|dot)\s)";
    let ending = r"(?:de|com|net|org|at|ch|eu|info|co|uk|io|d\se)";
    pattern(&format!(
        r"(?i)\b[\p{{L}}\d]+(?:{joint}[\p{{L}}\d]+)*\s(?:at|ät|@|klammeraffe)\s[\p{{L}}\d]+(?:{joint}[\p{{L}}\d]+)*{dot}{ending}\b(?:{dot}uk\b)?"
    ))
});
