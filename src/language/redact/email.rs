//! E-mail addresses, written and spoken, in one go or in pieces.

use super::Kind;
use super::announce::{Announcement, Strength};
use super::piece::{Piece, What};
use super::token::{Form, Token};

/// Tokens a local part or a domain may have.
const PART_MAX: usize = 24;

/// Tokens after "meine E-Mail-Adresse" in which pieces of one count.
const ANNOUNCED_TOKENS: usize = 10;

const ENDINGS: &[&str] = &[
    "de", "com", "net", "org", "at", "ch", "eu", "info", "co", "uk", "io", "me", "biz", "online", "email", "ie", "us",
    "fr", "nl", "it", "es", "pl", "tv",
];

/// Mail providers that people name without their ending.
const PROVIDERS: &[&str] = &[
    "gmail",
    "googlemail",
    "gmx",
    "hotmail",
    "outlook",
    "yahoo",
    "icloud",
    "freenet",
    "posteo",
    "arcor",
    "aol",
    "protonmail",
    "mailbox",
];

/// Stretches of tokens that are e-mail addresses. `expected`: one was asked for, so that pieces of one count, too.
pub fn emails(tokens: &[Token], pieces: &[Piece], announced: &[Announcement], expected: bool) -> Vec<(usize, usize)> {
    let mut number = vec![false; tokens.len()];
    for piece in pieces {
        if matches!(piece.what, What::Number { .. }) {
            number[piece.first..piece.end].fill(true);
        }
    }
    let mut wanted = vec![expected; tokens.len()];
    for one in announced.iter().filter(|one| one.kind == Kind::Email && one.strength == Strength::Name) {
        wanted[one.end.min(tokens.len())..(one.end + ANNOUNCED_TOKENS).min(tokens.len())].fill(true);
    }
    let finder = Finder { tokens, number, wanted };
    let mut found = finder.all();
    // A recogniser puts commas between parts that are said one by one: "ralf, Bindestrich, thiel, at, gmx, Punkt, de".
    let said: Vec<usize> = (0..tokens.len()).filter(|at| !finder.tokens[*at].is_mark(',')).collect();
    if said.len() < tokens.len() && (finder.wanted.contains(&true) || finder.names_its_signs()) {
        let close: Vec<Token> = said.iter().map(|at| tokens[*at].clone()).collect();
        let number = said.iter().map(|at| finder.number[*at]).collect();
        let wanted = said.iter().map(|at| finder.wanted[*at]).collect();
        let closer = Finder { tokens: &close, number, wanted };
        for (first, end) in closer.all() {
            let (first, end) = (said[first], said[end - 1] + 1);
            // What was found across commas takes the place of its pieces.
            found.retain(|(from, to)| *to <= first || *from >= end || *from < first || *to > end);
            if found.iter().all(|(from, to)| *to <= first || *from >= end) {
                found.push((first, end));
            }
        }
        found.sort_unstable();
    }
    found
}

impl Finder<'_> {
    /// Whether an "at" and a dot are said, or an "at" that is nothing else.
    fn names_its_signs(&self) -> bool {
        let says = |words: &[&str]| self.tokens.iter().any(|token| words.contains(&token.word.as_str()));
        says(&["klammeraffe", "klammeraff", "affenschwanz", "ät"])
            || says(&["at", "et", "add"]) && says(&["punkt", "dot"])
    }

    /// All addresses and pieces of some.
    fn all(&self) -> Vec<(usize, usize)> {
        let (finder, tokens) = (self, self.tokens);
        let mut found: Vec<(usize, usize)> = Vec::new();
        for at in 0..tokens.len() {
            let floor = found.last().map_or(0, |(_, end)| *end);
            if at >= floor {
                found.extend(finder.around(at, floor));
            }
        }
        let whole = found.len();
        let (mut at, mut next) = (0, 0);
        while at < tokens.len() {
            if next < whole && found[next].0 <= at {
                at = found[next].1.max(at);
                next += 1;
                continue;
            }
            let ceiling = if next < whole { found[next].0 } else { tokens.len() };
            match finder.fragment(at).filter(|(_, end)| *end <= ceiling) {
                Some((first, end)) => {
                    found.push((first, end));
                    at = end;
                }
                None => at += 1,
            }
        }
        found
    }
}

struct Finder<'a> {
    tokens: &'a [Token],
    number: Vec<bool>,
    /// An address was announced shortly before, or asked for.
    wanted: Vec<bool>,
}

impl Finder<'_> {
    /// The address around an "at".
    fn around(&self, at: usize, floor: usize) -> Option<(usize, usize)> {
        let token = &self.tokens[at];
        let certain = token.is_mark('@')
            || matches!(token.word.as_str(), "ät" | "aet" | "klammeraffe" | "klammeraff" | "affenschwanz");
        if !certain && !matches!(token.word.as_str(), "at" | "et" | "add") {
            return None;
        }
        let after = at + 1 + usize::from(self.tokens.get(at + 1).is_some_and(|token| token.word == "zeichen"));
        let end = match self.domain(after) {
            Some(end) => end,
            None if certain && self.is_part(after) => after + 1,
            None => return None,
        };
        let first = self.local_start(at, floor);
        (first < at || self.wanted[at] || certain).then_some((first, end))
    }

    fn is_part(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_word() || token.form == Form::Figures)
    }

    /// End of a domain that begins here: words joined by hyphens and dots with a known ending, or a provider alone.
    fn domain(&self, at: usize) -> Option<usize> {
        let mut end = at;
        let mut known = None;
        while end < at + PART_MAX && self.is_part(end) {
            if self.tokens[end].is_word() && PROVIDERS.contains(&self.tokens[end].word.as_str()) && known.is_none() {
                known = Some(end + 1);
            }
            let after_dot = end > at && self.is_dot(end - 1);
            if after_dot && (ENDINGS.contains(&self.tokens[end].word.as_str()) || self.is_glued(end)) {
                known = Some(end + 1);
            }
            // "d e" for an ending that is spelled.
            if after_dot
                && self.tokens[end].word == "d"
                && self.tokens.get(end + 1).is_some_and(|token| token.word == "e")
            {
                return Some(end + 2);
            }
            let letter = self.tokens[end].letter().is_some() || self.number[end];
            end += 1;
            if self.is_dot(end) || self.is_joint(end) {
                end += 1;
            } else if !(letter && self.is_part(end) && (self.tokens[end].letter().is_some() || self.number[end])) {
                break;
            }
        }
        known
    }

    fn is_glued(&self, at: usize) -> bool {
        at > 0 && self.tokens[at].start == self.tokens[at - 1].end
    }

    fn is_dot(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        let dot = matches!(token.word.as_str(), "punkt" | "dot" | "point");
        dot || token.is_mark('.') && self.tokens.get(at + 1).is_some_and(|next| next.start == token.end)
    }

    fn is_joint(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        let said = matches!(
            token.word.as_str(),
            "minus" | "bindestrich" | "unterstrich" | "strich" | "underscore" | "dash" | "hyphen" | "plus"
        );
        said || matches!(token.form, Form::Mark('-' | '_' | '+' | '%'))
            && self.tokens.get(at + 1).is_some_and(|next| next.start == token.end)
    }

    /// Where the part before the "at" begins: parts that are joined, spelled letters, numbers, and one word alone.
    fn local_start(&self, at: usize, floor: usize) -> usize {
        let mut first = at;
        let mut free = if self.wanted[at] { 3 } else { 1 };
        while first > floor && at - first < PART_MAX {
            let before = first - 1;
            let token = &self.tokens[before];
            let joined = first < at && (self.is_joint(first) || self.is_dot(first));
            if self.is_dot(before) || self.is_joint(before) {
                first = before;
                continue;
            }
            if !self.is_part(before) {
                break;
            }
            // The mark may stand apart: "max @ web.de".
            // "M wie Martha"
            if first >= 3
                && matches!(self.tokens[before - 1].word.as_str(), "wie" | "for")
                && before >= 2
                && self.tokens[before - 2].letter().is_some()
                && before - 2 >= floor
            {
                first = before - 2;
                continue;
            }
            let small = token.letter().is_some() || self.number[before] || token.form == Form::Figures;
            if !joined && !small {
                if free == 0 || is_common(&token.word) {
                    break;
                }
                free -= 1;
            }
            first = before;
        }
        // A dot or joint at the beginning belongs to the sentence before.
        while first < at && (self.is_dot(first) || self.is_joint(first)) {
            first += 1;
        }
        first
    }

    /// A piece of an address that was asked for: "max punkt mustermann", "gmx punkt de".
    fn fragment(&self, at: usize) -> Option<(usize, usize)> {
        if !self.wanted[at] || !self.is_part(at) || is_common(&self.tokens[at].word) {
            return None;
        }
        if let Some(end) = self.spelled(at) {
            return Some((at, end));
        }
        let mut end = at + 1;
        let mut joints = 0;
        while end < at + PART_MAX && (self.is_dot(end) || self.is_joint(end)) && self.is_part(end + 1) {
            joints += 1;
            end += 2;
        }
        // Letters that are spelled.
        if joints == 0 {
            while end < at + PART_MAX
                && self.tokens[at].letter().is_some()
                && self.tokens.get(end).is_some_and(|token| token.letter().is_some())
            {
                end += 1;
            }
            if end < at + 3 {
                return None;
            }
        }
        Some((at, end))
    }
}

impl Finder<'_> {
    /// Letters told by words, "D for Delta, K", and the one word that may follow: "Harris".
    fn spelled(&self, at: usize) -> Option<usize> {
        let told = |at: usize| {
            self.tokens.get(at).is_some_and(|token| token.letter().is_some())
                && self.tokens.get(at + 1).is_some_and(|token| matches!(token.word.as_str(), "wie" | "for"))
                && self.is_part(at + 2)
        };
        let mut end = at;
        let mut by_words = false;
        loop {
            if told(end) {
                end += 3;
                by_words = true;
            } else if end > at && self.tokens.get(end).is_some_and(|token| token.letter().is_some()) {
                end += 1;
            } else if end > at && (self.is_dot(end) || self.is_joint(end)) && self.is_part(end + 1) {
                // "T wie Theodor, Punkt, Seiler"
                end += 2;
            } else {
                break;
            }
        }
        let name = self.tokens.get(end).is_some_and(|token| token.is_capital() && !is_common(&token.word));
        by_words.then_some(end + usize::from(name && end > at))
    }
}

/// Words before an address that are none of it.
fn is_common(word: &str) -> bool {
    const COMMON: &[&str] = &[
        "ist",
        "lautet",
        "an",
        "unter",
        "also",
        "ja",
        "bitte",
        "und",
        "die",
        "der",
        "das",
        "mir",
        "mich",
        "meine",
        "mail",
        "adresse",
        "email",
        "ist's",
        "wäre",
        "dann",
        "so",
        "genau",
        "is",
        "it's",
        "it’s",
        "its",
        "to",
        "my",
        "the",
        "at",
        "yes",
        "sure",
        "address",
        "me",
        "on",
        "please",
        "and",
        "that's",
        "that’s",
        "was",
        "be",
        "would",
        "äh",
        "ähm",
        "um",
        "uh",
        "gut",
        "okay",
        "nein",
        "no",
        "für",
        "for",
        "nicht",
        "auf",
        "von",
        "from",
        "mit",
        "with",
        "hab",
        "habe",
        "schreiben",
        "sie",
        "i'm",
        "zwar",
        "moment",
        "klein",
        "geschrieben",
        "alles",
        "zusammen",
        "wie",
    ];
    COMMON.contains(&word)
}
