//! Names of people: the one the phone system knows, those that are introduced, and those that are spelled.

use super::iban::skip_wie;
use super::token::{Form, Token};

/// Words of one name.
const WORDS_MAX: usize = 3;

/// Letters from which a spelled sequence is one.
const SPELLED_MIN: usize = 3;

/// Stretches of tokens that are names. `known`: names in lower case; `expected`: somebody was asked to spell or to say
/// a name.
pub fn names(tokens: &[Token], known: &[String], expected: bool) -> Vec<(usize, usize)> {
    let any_capital = tokens.iter().any(Token::is_capital);
    let finder = Finder { tokens, known, expected, any_capital };
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match finder.at(at) {
            Some((first, end)) => {
                found.push((first, end));
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    found
}

/// Words of a written name that identify somebody, in lower case: without title and particles.
pub fn parts(written: &str) -> Vec<String> {
    written
        .split(|c: char| !c.is_alphabetic() && c != '\'' && c != '’')
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= 2 && !is_title(word) && !is_particle(word))
        .collect()
}

/// Whether an utterance asks for a name, or for one to be spelled.
pub fn is_asked_for(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| {
        matches!(
            token.word.as_str(),
            "name"
                | "nachname"
                | "vorname"
                | "nachnamen"
                | "vornamen"
                | "surname"
                | "buchstabieren"
                | "spell"
                | "heißen"
        )
    })
}

fn is_title(word: &str) -> bool {
    const TITLES: &[&str] = &[
        "herr",
        "herrn",
        "frau",
        "fräulein",
        "mr",
        "mrs",
        "ms",
        "miss",
        "missus",
        "missis",
        "mister",
        "dr",
        "doktor",
        "doctor",
        "prof",
        "professor",
        "madam",
        "sir",
    ];
    TITLES.contains(&word)
}

fn is_particle(word: &str) -> bool {
    matches!(word, "von" | "van" | "de" | "der" | "zu" | "di" | "al" | "und" | "den" | "la" | "le")
}

struct Finder<'a> {
    tokens: &'a [Token],
    known: &'a [String],
    expected: bool,
    any_capital: bool,
}

impl Finder<'_> {
    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.word.as_str())
    }

    fn at(&self, at: usize) -> Option<(usize, usize)> {
        if let Some(end) = self.known_at(at) {
            return Some((at, end));
        }
        if let Some(end) = self.spelled(at) {
            return Some((at, end));
        }
        let from = self.introduced(at)?;
        let mut first = from;
        while is_title(self.word(first))
            || self.tokens.get(first).is_some_and(|token| token.is_mark('.')) && first > from
        {
            first += 1;
        }
        let end = self.name_end(first);
        (end > first).then_some((first, end))
    }

    fn is_known(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at).filter(|token| token.is_word()) else { return false };
        let word = token.word.as_str();
        let bare = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).or_else(|| word.strip_suffix('s'));
        (token.is_capital() || !self.any_capital)
            && self.known.iter().any(|known| known == word || bare == Some(known.as_str()))
    }

    fn known_at(&self, at: usize) -> Option<usize> {
        let mut end = at;
        while end < at + 4
            && (self.is_known(end)
                || end > at && self.tokens[end - 1].end > 0 && self.is_hyphen(end) && self.is_known(end + 1))
        {
            end += 1;
        }
        (end > at).then_some(end)
    }

    fn is_hyphen(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_mark('-'))
    }

    /// Where a name must begin, if these words introduce one.
    fn introduced(&self, at: usize) -> Option<usize> {
        match (self.word(at), self.word(at + 1)) {
            (
                "name" | "nachname" | "vorname" | "surname" | "familienname",
                "ist" | "is" | "lautet" | "wäre" | "war" | "was",
            ) => Some(at + 2),
            ("name's" | "name’s" | "heiße" | "heisse" | "heißt" | "named", _) => Some(at + 1),
            ("hier" | "es", "spricht") => Some(at + 2),
            ("sprechen", "mit") if self.word(at.wrapping_sub(1)) == "sie" => Some(at + 2),
            (title, next)
                if is_title(title) && !matches!(title, "sir" | "madam" | "doktor" | "doctor") && !next.is_empty() =>
            {
                Some(at + 1)
            }
            (_, ".") => None,
            (title, "") if is_title(title) && self.tokens.get(at + 1).is_some_and(|token| token.is_mark('.')) => {
                Some(at + 2)
            }
            _ => None,
        }
    }

    /// Capitalised words, with particles and hyphens among them.
    fn name_end(&self, first: usize) -> usize {
        let mut end = first;
        let mut words = 0;
        while words < WORDS_MAX {
            let Some(token) = self.tokens.get(end) else { break };
            if token.is_word() && is_particle(&token.word) && self.tokens.get(end + 1).is_some_and(Token::is_capital) {
                end += 1;
                continue;
            }
            let capital = token.is_capital() || !self.any_capital && words == 0;
            if !capital || is_no_name(&token.word) {
                break;
            }
            end += 1;
            words += 1;
            if self.is_hyphen(end) && self.tokens.get(end + 1).is_some_and(Token::is_capital) {
                end += 2;
            }
        }
        end
    }

    /// "K E L L E R", "K wie Kaufmann E wie Emil", "K. E. L. L. E. R."
    fn spelled(&self, at: usize) -> Option<usize> {
        self.tokens[at].letter()?;
        if at > 0 && self.is_hyphen(at - 1) {
            return None;
        }
        let (mut end, mut next, mut letters) = (at, at, 0);
        while next < at + 160 && self.tokens.get(next).is_some_and(|token| token.letter().is_some()) {
            letters += 1;
            end = skip_wie(self.tokens, next + 1);
            next = end;
            while next < end + 2
                && self.tokens.get(next).is_some_and(|token| matches!(token.form, Form::Mark('.' | ',' | '-')))
            {
                next += 1;
            }
            if matches!(self.word(next), "doppel" | "double") {
                next += 1;
            }
        }
        let wie = end > at + 2 * letters;
        (letters >= SPELLED_MIN || letters >= 2 && (wie || self.expected)).then_some(end)
    }
}

/// Capitalised words after an introduction that name nobody.
fn is_no_name(word: &str) -> bool {
    const NONE: &[&str] = &[
        "kollege",
        "kollegin",
        "nachbarin",
        "nachbar",
        "chef",
        "chefin",
        "richter",
        "richterin",
        "anwalt",
        "präsident",
        "i",
        "i'm",
        "programm",
        "hase",
        "der",
        "die",
        "das",
        "guten",
        "hallo",
        "und",
        "and",
        "hello",
        "kundin",
        "kunde",
        "oder",
        "bitte",
    ];
    NONE.contains(&word)
}
