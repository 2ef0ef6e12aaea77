//! From where to where a finding runs: the town that goes with a postcode, the letters that go with a number.

use super::Kind;
use super::run::Run;
use super::small_words::is_filler;
use super::sort::{DIGITS_MIN, Sorter};
use super::token::{Form, Token};
use crate::terms::Lang;

/// Letters and figures of the shortest code, and tokens to each side of its number.
const CODE_MIN: usize = 4;
const CODE_MAX: usize = 24;

impl Sorter<'_> {
    /// A postcode with its town: "50667 Köln", "79098 Freiburg im Breisgau".
    pub(super) fn with_town(&self, run: &Run) -> (usize, usize) {
        let mut end = run.end;
        if self.has_town(run) && (run.digits.len() == 5 || run.digits.len() == 4) {
            end += 1;
            while self.tokens.get(end).is_some_and(|token| token.is_mark('-'))
                && self.tokens.get(end + 1).is_some_and(Token::is_capital)
            {
                end += 2;
            }
            let more = usize::from(matches!(self.word(end), "am" | "im" | "bei"));
            let an_der = if self.word(end) == "an" && self.word(end + 1) == "der" { 2 } else { more };
            if an_der > 0 && self.tokens.get(end + an_der).is_some_and(Token::is_capital) {
                end += an_der + 1;
            }
        }
        let country = run.first >= 2
            && self.tokens[run.first - 1].is_mark('-')
            && self.word(run.first - 2).len() <= 2
            && !self.word(run.first - 2).is_empty();
        (if country { run.first - 2 } else { run.first }, end)
    }

    /// A number with the letters that belong to it: "K-4711", "DE 123456789", "K wie Konrad 4711", "4711-AB".
    pub(super) fn with_letters(&self, run: &Run, kind: Kind) -> (usize, usize) {
        let (mut first, mut end) = (run.first, run.end);
        let glued = |at: usize| at > 0 && self.tokens[at].start == self.tokens[at - 1].end;
        let free = |at: usize| !self.taken[at];
        if kind == Kind::Address {
            // "104 b"
            let letter = self.tokens.get(end).filter(|_| end < self.tokens.len() && free(end)).and_then(Token::letter);
            let house = letter.is_some_and(|letter| ('a'..='h').contains(&letter));
            return (first, end + usize::from(house && (glued(end) || self.lang == Lang::De)));
        }
        if run.plus && first > 0 && free(first - 1) {
            first -= 1;
        }
        if first > 0 && self.tokens[first - 1].is_mark('(') && free(first - 1) {
            first -= 1;
        }
        if matches!(self.before(run.first), "oh" | "o" | "null" | "zero") && free(run.first - 1) && first == run.first {
            first -= 1;
        }
        if !matches!(kind, Kind::Number | Kind::Iban | Kind::Card) {
            return (first, end);
        }
        let code = |at: usize| {
            let token = &self.tokens[at];
            token.is_upper() && token.word.chars().count() <= 3 && token.word != "i" && free(at)
        };
        // "B wie Berta, 7 7 3", "O R D, five five one": a recogniser's comma between letters and figures.
        let spelled_before = |at: usize| {
            let letter = at >= 1 && self.tokens[at - 1].letter().is_some();
            letter || at >= 3 && matches!(self.word(at - 2), "wie" | "for") && self.tokens[at - 3].letter().is_some()
        };
        let joint = first >= 2
            && (self.tokens[first - 1].is_mark(',')
                || matches!(
                    self.before(first),
                    "dash" | "hyphen" | "slash" | "stroke" | "strich" | "bindestrich" | "schrägstrich" | "minus"
                ));
        if joint && spelled_before(first - 1) {
            first -= 1;
        }
        for _ in 0..6 {
            let spelled = first >= 3
                && matches!(self.word(first - 2), "wie" | "for")
                && self.tokens[first - 3].letter().is_some()
                && free(first - 3);
            let next = first >= 2 && self.tokens[first - 1].is_mark(',') && spelled_before(first - 1);
            if spelled {
                first -= 3;
            } else if next && first < run.first {
                // "K wie Kaufmann, M wie Martha"
                first -= 1;
            } else if first >= 2 && self.tokens[first - 1].is_mark('-') && code(first - 2) && glued(first) {
                first -= 2;
            } else if first >= 1
                && code(first - 1)
                && (glued(first)
                    || kind == Kind::Iban
                    || self.tokens[first - 1].letter().is_some()
                    || run.digits.len() >= DIGITS_MIN && !self.is_announced(first - 1))
            {
                first -= 1;
            } else {
                break;
            }
        }
        while first < run.first && (self.tokens[first].is_mark(',') || is_filler(&self.tokens[first].word)) {
            first += 1;
        }
        if end + 1 < self.tokens.len() && self.tokens[end].is_mark('-') && glued(end) && glued(end + 1) && code(end + 1)
        {
            end += 2;
        } else if end < self.tokens.len() && glued(end) && code(end) {
            end += 1;
        }
        (first, self.spelled_after(end))
    }

    /// Where letters end that are told by words after a number: ", B wie Berta", "B as in bravo".
    fn spelled_after(&self, mut end: usize) -> usize {
        loop {
            let at = end + usize::from(self.tokens.get(end).is_some_and(|token| token.is_mark(',')));
            let after = match (self.word(at + 1), self.word(at + 2)) {
                ("as", "in") => at + 4,
                ("wie" | "for", _) => at + 3,
                _ => return end,
            };
            let letter = self.tokens.get(at).is_some_and(|token| token.is_upper() && token.letter().is_some());
            if !letter || after > self.tokens.len() || self.taken[at..after].contains(&true) {
                return end;
            }
            end = after;
        }
    }

    /// Letters and figures that make one code with a number: "XK 20 4518", "S95 C 01234", "C02XK1JGH".
    pub(super) fn code(&self, run: &Run) -> (usize, usize) {
        let part = |at: usize| {
            let token = &self.tokens[at];
            let glued = at > 0 && self.tokens[at - 1].end == token.start;
            let joint = matches!(token.form, Form::Mark('-' | '/')) && glued;
            let letters = token.is_upper() && (token.word.len() <= 4 && token.word != "i" || glued);
            !self.taken[at]
                && (joint || letters || token.form == Form::Figures || super::number::value(&token.word).is_some())
        };
        let (mut first, mut end) = (run.first, run.end);
        while first > 0 && run.first - first < CODE_MAX && part(first - 1) {
            first -= 1;
        }
        while end < self.tokens.len() && end - run.end < CODE_MAX && part(end) {
            end += 1;
        }
        while self.tokens[first].form == Form::Mark('-') || self.tokens[first].form == Form::Mark('/') {
            first += 1;
        }
        (first, end)
    }

    /// Whether a word names what follows: "PIN 4711".
    fn is_announced(&self, at: usize) -> bool {
        self.announced.iter().any(|one| (one.first..one.end).contains(&at))
    }

    /// Whether the number is a part of a code of letters and figures.
    pub(super) fn is_code(&self, run: &Run) -> bool {
        let (first, end) = self.code(run);
        let letters = self.tokens[first..end].iter().filter(|token| token.is_upper()).count();
        let length: usize = self.tokens[first..end].iter().map(|token| token.end - token.start).sum();
        letters > 0 && length >= CODE_MIN
    }
}
