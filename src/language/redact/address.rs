//! Postal addresses: a street with its number, a postcode with its town.

use super::Kind;
use super::announce::Announcement;
use super::piece::{Piece, What};
use super::token::{Form, Token};
use crate::terms::Lang;

/// Tokens after "ich wohne" or "meine Adresse" in which a street alone is one.
const ANNOUNCED_TOKENS: usize = 8;

/// Endings of German streets that are no other words when a number follows.
const STREETS: &[&str] = &["straße", "strasse", "gasse", "allee", "chaussee", "promenade"];
const CAPITAL_STREETS: &[&str] = &[
    "weg", "platz", "ring", "damm", "ufer", "steig", "stieg", "pfad", "graben", "markt", "hof", "twiete", "kamp",
    "winkel",
];
const NO_STREETS: &[&str] = &[
    "weg",
    "platz",
    "ring",
    "hof",
    "markt",
    "parkplatz",
    "arbeitsplatz",
    "sitzplatz",
    "stellplatz",
    "spielplatz",
    "umweg",
    "rückweg",
    "heimweg",
    "ausweg",
    "hinweg",
    "bahnhof",
    "hauptbahnhof",
    "flughafen",
    "supermarkt",
    "baumarkt",
    "friedhof",
    "arbeitsweg",
    "postweg",
    "rechtsweg",
    "speicherplatz",
    "startplatz",
    "campingplatz",
    "hering",
    "autobahnring",
    "flohmarkt",
    "weihnachtsmarkt",
    "drogeriemarkt",
    "getränkemarkt",
    "elektromarkt",
    "mediamarkt",
    "innenhof",
    "steckplatz",
    "ersatz",
    "lieferweg",
    "schulweg",
    "onlineshop",
    "marktplatzangebot",
    "app-store",
];
const ENGLISH: &[&str] = &["street", "road", "avenue", "lane", "boulevard", "rd", "ave", "blvd", "crescent", "terrace"];
const ENGLISH_CAPITAL: &[&str] = &[
    "st", "drive", "close", "court", "way", "square", "place", "gardens", "grove", "hill", "row", "mews", "walk",
    "park", "green",
];

/// Stretches of tokens that are addresses. `expected`: one was asked for.
pub fn addresses(
    tokens: &[Token],
    pieces: &[Piece],
    piece_of: &[usize],
    announced: &[Announcement],
    expected: bool,
    lang: Lang,
) -> Vec<(usize, usize)> {
    let mut wanted = vec![expected; tokens.len()];
    for one in announced.iter().filter(|one| one.kind == Kind::Address) {
        wanted[one.end.min(tokens.len())..(one.end + ANNOUNCED_TOKENS).min(tokens.len())].fill(true);
    }
    let postcode = pieces.iter().any(|piece| {
        let five = matches!(&piece.what, What::Number { digits, .. } if digits.len() == 5);
        five && tokens.get(piece.end).is_some_and(Token::is_capital)
    });
    let finder = Finder { tokens, pieces, piece_of, wanted, expected, postcode, lang };
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let floor = found.last().map_or(0, |(_, end)| *end);
        let street = finder.german(at, floor).or_else(|| finder.english(at, floor));
        let street = street.or_else(|| finder.answered(at)).or_else(|| finder.uk_postcode(at));
        let street = street.or_else(|| finder.spelled_postcode(at));
        match street {
            Some((first, end)) => {
                found.push((first, end));
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    found
}

struct Finder<'a> {
    tokens: &'a [Token],
    pieces: &'a [Piece],
    piece_of: &'a [usize],
    wanted: Vec<bool>,
    /// The utterance before asked for an address.
    expected: bool,
    /// A postcode and its town are in the same utterance.
    postcode: bool,
    lang: Lang,
}

impl Finder<'_> {
    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.word.as_str())
    }

    fn is_mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_mark(mark))
    }

    fn is_glued(&self, at: usize) -> bool {
        at > 0 && self.tokens.get(at).is_some_and(|token| token.start == self.tokens[at - 1].end)
    }

    /// The number of a house that begins here, of at most `digits` digits, with its letter.
    fn house(&self, at: usize, most: usize) -> Option<usize> {
        let piece = &self.pieces[*self.piece_of.get(at)?];
        let What::Number { digits, .. } = &piece.what else { return None };
        if piece.first != at || digits.len() > most || digits.starts_with('0') {
            return None;
        }
        let letter = self.tokens.get(piece.end).and_then(Token::letter);
        let lettered = letter.is_some_and(|letter| ('a'..='h').contains(&letter))
            && (self.is_glued(piece.end) || self.lang == Lang::De);
        Some(piece.end + usize::from(lettered))
    }

    /// "Bahnhofstraße 12 a", "Bonner Straße zwölf", "Konrad-Adenauer-Ring 7".
    fn german(&self, at: usize, floor: usize) -> Option<(usize, usize)> {
        let token = &self.tokens[at];
        let word = token.word.as_str();
        if word.is_empty() {
            return None;
        }
        let mut end = at + 1;
        let hyphened = at >= 2 && self.is_mark(at - 1, '-') && self.is_glued(at);
        let short = word.ends_with("str") && self.is_mark(end, '.') && self.is_glued(end);
        let mut prepositional = false;
        let of_the = matches!(word, "straße" | "strasse" | "platz") && matches!(self.word(end), "des" | "der");
        let street = STREETS.iter().any(|street| word.ends_with(street))
            || (self.lang == Lang::De
                && token.is_capital()
                && CAPITAL_STREETS.iter().any(|street| word.ends_with(street))
                && (hyphened || !NO_STREETS.contains(&word)));
        if short {
            end += 1;
        } else if !street {
            // "Am Markt 3", where an address is spoken of.
            prepositional = (self.wanted[at] || self.postcode)
                && token.is_capital()
                && self.after_preposition(at)
                && self.house(end, 3).is_some();
            if !prepositional {
                return None;
            }
        }
        if of_the {
            // "Straße des 17. Juni", "Platz der Einheit"
            while end < at + 5
                && self.tokens.get(end).is_some_and(|token| !matches!(token.form, Form::Mark(',' | '?' | '!')))
            {
                end += 1;
                if self.tokens[end - 1].is_capital() {
                    break;
                }
            }
        }
        while end < at + 4 && matches!(self.word(end), "hausnummer" | "nummer" | "nr")
            || self.is_mark(end, '.') && self.word(end.saturating_sub(1)) == "nr"
        {
            end += 1;
        }
        let comma = usize::from(self.is_mark(end, ',') && self.house(end + 1, 3).is_some() && self.wanted[at]);
        let first = if prepositional { self.preposition_start(at, floor) } else { self.street_start(at, floor, word) };
        match self.house(end + comma, 3) {
            Some(end) => Some((first, end)),
            None if self.wanted[at] && !(matches!(word, "straße" | "strasse" | "gasse" | "allee") && first == at) => {
                Some((first, if short { at + 2 } else { at + 1 }))
            }
            None => None,
        }
    }

    /// An answer to "Wohin?", whatever the street is called: "Zum Wiesengrund, Nummer 6", "Unter den Eichen 112".
    fn answered(&self, at: usize) -> Option<(usize, usize)> {
        let begins = self.tokens[at].is_capital() && !is_no_street(self.word(at));
        if !self.expected || !begins {
            return None;
        }
        let mut end = at + 1;
        while end < at + 4
            && !matches!(self.word(end), "nummer" | "hausnummer" | "number")
            && (self.tokens.get(end).is_some_and(Token::is_capital)
                || matches!(self.word(end), "der" | "dem" | "den" | "the"))
        {
            end += 1;
        }
        end += usize::from(self.is_mark(end, ','));
        while matches!(self.word(end), "nummer" | "hausnummer" | "nr" | "number")
            || self.is_mark(end, '.') && self.word(end - 1) == "nr"
        {
            end += 1;
        }
        let house = self.house(end, 3)?;
        (!self.counts_on(house)).then_some((at, house))
    }

    /// Whether what looked like a house number is the first of two numbers, as in "acht und zwölf", "8 bis 12", "8-12".
    fn counts_on(&self, end: usize) -> bool {
        let joined = matches!(self.word(end), "und" | "bis" | "oder" | "and" | "to" | "or" | "till");
        joined
            && self.piece_of.get(end + 1).is_some_and(|piece| {
                matches!(self.pieces[*piece].what, What::Number { .. } | What::Quantity | What::Date { .. })
            })
    }

    /// Where a street's name begins: with its first part before a hyphen, or the word before "Straße".
    fn street_start(&self, at: usize, floor: usize, word: &str) -> usize {
        let mut first = at;
        while first >= floor + 2
            && at - first < 12
            && self.is_mark(first - 1, '-')
            && self.is_glued(first)
            && self.is_glued(first - 1)
        {
            first -= 2;
        }
        let bare = matches!(word, "straße" | "strasse" | "gasse" | "allee" | "chaussee" | "promenade" | "str");
        if bare && first == at && first > floor && self.tokens[first - 1].is_capital() {
            first -= 1;
        }
        first
    }

    /// "Am Markt", "An der Alten Mühle": the preposition is part of the name.
    fn preposition_start(&self, at: usize, floor: usize) -> usize {
        let first = if self.is_preposition(at) { at } else { at.saturating_sub(1) };
        let words = if matches!(self.word(first.saturating_sub(1)), "der" | "dem" | "den") { 2 } else { 1 };
        first.saturating_sub(words).max(floor)
    }

    /// Also with an adjective between: "An der Alten Mühle".
    fn after_preposition(&self, at: usize) -> bool {
        self.is_preposition(at) || at > 1 && self.tokens[at - 1].is_capital() && self.is_preposition(at - 1)
    }

    fn is_preposition(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map_or("", |before| self.word(before));
        let earlier = at.checked_sub(2).map_or("", |before| self.word(before));
        matches!(before, "am" | "im" | "zum" | "zur")
            || matches!(before, "der" | "dem" | "den") && matches!(earlier, "an" | "auf" | "unter" | "hinter" | "in")
    }

    /// "12 Baker Street", "flat 4, twenty one High Street".
    fn english(&self, at: usize, floor: usize) -> Option<(usize, usize)> {
        if self.lang != Lang::En {
            return None;
        }
        let name_at = self.house(at, 5)?;
        let mut end = name_at;
        loop {
            let token = self.tokens.get(end).filter(|token| token.is_word())?;
            let word = token.word.as_str();
            if end > name_at && (ENGLISH.contains(&word) || token.is_capital() && ENGLISH_CAPITAL.contains(&word)) {
                break;
            }
            // Without capitals only a name of one word: "12 baker street".
            if end - name_at >= 3 || !token.is_capital() && end > name_at || is_small(word) {
                return None;
            }
            end += 1;
        }
        let mut first = at;
        if first >= floor + 2 {
            let comma = usize::from(self.is_mark(first - 1, ','));
            let number = first - 1 - comma;
            if number > floor
                && matches!(self.word(number - 1), "flat" | "apartment" | "apt" | "unit" | "suite")
                && matches!(self.pieces[self.piece_of[number]].what, What::Number { .. })
            {
                first = number - 1;
            }
        }
        let dotted = self.is_mark(end + 1, '.') && self.is_glued(end + 1) && self.word(end).len() <= 4;
        let mut end = end + 1 + usize::from(dotted && self.is_mark(end + 2, ','));
        let town = self.tokens.get(end + 1).is_some_and(|token| token.is_capital() && token.word.len() >= 3);
        if self.wanted[at] && self.is_mark(end, ',') && town && !is_small(self.word(end + 1)) {
            end += 2;
        }
        Some((first, self.zip(end).unwrap_or(end)))
    }

    /// What follows an American street up to its ZIP code: ", Springfield, Illinois 62704".
    fn zip(&self, street: usize) -> Option<usize> {
        let mut end = street;
        while end < street + 7 {
            match self.tokens.get(end)? {
                token if token.is_mark(',') || token.is_capital() && !is_small(&token.word) => end += 1,
                _ => break,
            }
        }
        let piece = &self.pieces[*self.piece_of.get(end)?];
        let five = matches!(&piece.what, What::Number { digits, .. } if digits.len() == 5);
        (end > street && five && piece.first == end).then_some(piece.end)
    }

    /// "SW1A 1AA", "M1 1AE": letters, one or two digits, perhaps a letter; then a digit and two letters.
    fn uk_postcode(&self, at: usize) -> Option<(usize, usize)> {
        let area = &self.tokens[at];
        if !area.is_upper() || area.word.len() > 2 || self.is_glued(at) && self.tokens[at - 1].is_word() {
            return None;
        }
        let figures = |at: usize, most: usize| {
            let token = self.tokens.get(at)?;
            (token.form == Form::Figures && token.end - token.start <= most).then_some(())
        };
        figures(at + 1, 2).filter(|()| self.is_glued(at + 1))?;
        let mut next = at + 2;
        if self.is_glued(next) && self.tokens[next].is_upper() && self.tokens[next].word.len() == 1 {
            next += 1;
        }
        figures(next, 1)?;
        let inward = self.tokens.get(next + 1)?;
        (inward.is_upper() && inward.word.len() == 2 && self.is_glued(next + 1)).then_some((at, next + 2))
    }
}

impl Finder<'_> {
    /// "M one four, five T Q" where an address is spoken of: letters and digits in the order of a British postcode.
    fn spelled_postcode(&self, at: usize) -> Option<(usize, usize)> {
        if self.lang != Lang::En || !self.wanted[at] {
            return None;
        }
        let (mut code, mut next, mut end) = (String::new(), at, at);
        while code.len() < 7
            && let Some(token) = self.tokens.get(next)
        {
            if token.is_upper() && token.word.len() <= 2 && token.word.is_ascii() {
                code.push_str(&token.word);
                next += 1;
                end = next;
            } else if let What::Number { digits, .. } = &self.pieces[self.piece_of[next]].what
                && !code.is_empty()
            {
                code.push_str(digits);
                next = self.pieces[self.piece_of[next]].end;
                end = next;
            } else if token.is_mark(',') && !code.is_empty() {
                next += 1;
            } else {
                break;
            }
        }
        let inward = code.get(code.len().checked_sub(3)?..)?.as_bytes();
        let is_code = (5..=7).contains(&code.len())
            && code.starts_with(|c: char| c.is_ascii_alphabetic())
            && inward[0].is_ascii_digit()
            && inward[1..].iter().all(u8::is_ascii_alphabetic);
        is_code.then_some((at, end))
    }
}

/// Words an answer begins with that are no street's name.
fn is_no_street(word: &str) -> bool {
    matches!(
        word,
        "ja" | "nein"
            | "das"
            | "die"
            | "der"
            | "ich"
            | "wir"
            | "es"
            | "so"
            | "also"
            | "genau"
            | "moment"
            | "vor"
            | "nach"
            | "gegen"
            | "zwischen"
            | "von"
            | "seit"
            | "um"
            | "ab"
            | "bis"
            | "mindestens"
            | "höchstens"
            | "etwa"
            | "circa"
            | "rund"
            | "over"
            | "between"
            | "from"
            | "after"
            | "before"
            | "until"
            | "around"
            | "maybe"
            | "yes"
            | "no"
            | "i"
            | "we"
            | "it"
            | "the"
            | "well"
            | "about"
            | "for"
            | "since"
            | "nur"
            | "noch"
            | "samstag"
            | "montag"
            | "dienstag"
            | "mittwoch"
            | "donnerstag"
            | "freitag"
            | "sonntag"
    )
}

/// Words that are no street's name.
fn is_small(word: &str) -> bool {
    const SMALL: &[&str] = &[
        "in",
        "on",
        "at",
        "the",
        "and",
        "of",
        "to",
        "for",
        "from",
        "or",
        "is",
        "was",
        "people",
        "shops",
        "different",
        "more",
        "by",
        "down",
        "up",
        "along",
        "o'clock",
        "a",
        "with",
        "i",
        "it",
        "we",
        "you",
        "my",
        "your",
    ];
    SMALL.contains(&word)
}
