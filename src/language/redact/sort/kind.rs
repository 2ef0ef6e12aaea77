//! Of which kind a number is: by its own look, by the words around it, by what was asked and said before.

use super::{DIGITS_MIN, REACH_WORDS, Sorter};
use crate::language::redact::Kind;
use crate::language::redact::announce::{Announcement, Strength, ends_sentence};
use crate::language::redact::check::{is_card, is_iban};
use crate::language::redact::run::Run;
use crate::language::redact::small_words::leads_to_a_count;
use crate::language::redact::token::Form;
use crate::terms::Lang;

/// Digits of the shortest telephone number told by its leading zero or plus alone.
const PHONE_DIGITS_MIN: usize = 6;

/// Words between a number and what announces it afterwards: "4711 ist meine Kundennummer".
const REACH_BACK_WORDS: u32 = 6;

/// Words between two parts of one number, or two readings of it.
const REACH_AGAIN_WORDS: u32 = 3;

/// Words between what names a code and the code, its letters among them.
const CODE_WORDS: u32 = 6;

/// Digits from which a number is taken for what the words around it name.
const NAMED_DIGITS_MIN: usize = 3;

impl Sorter<'_> {
    /// Of which kind a number is; `None` for one that stays.
    pub(super) fn kind(
        &self,
        run: &Run,
        last: Option<(usize, Kind)>,
        answer: bool,
        is_first: bool,
    ) -> Option<(Kind, bool)> {
        let count = run.digits.len();
        let sure = |kind| Some((kind, false));
        if is_card(&run.digits) {
            return sure(Kind::Card);
        }
        let named = self.named_before(run.first);
        if let Some((kind, end, strength)) = named {
            let near = self.between(end, run.first) <= 3 && !leads_to_a_count(self.before(run.first));
            let min = match (strength, kind) {
                (Strength::Name, Kind::Phone) => 2,
                (Strength::Name, Kind::BirthDate) if near => 2,
                (Strength::Name, _) => NAMED_DIGITS_MIN,
                (Strength::Hint, Kind::Phone) => DIGITS_MIN,
                (Strength::Hint, _) => 4,
                (Strength::Thing, _) => 4,
            };
            let year = run.years && kind != Kind::BirthDate && !(strength == Strength::Name && near && run.parts == 1);
            let counted = run.counted && !(strength == Strength::Name && near);
            if (strength, kind) == (Strength::Name, Kind::Number)
                && self.between(end, run.first) <= CODE_WORDS
                && self.is_code(run)
            {
                return sure(kind);
            }
            let follows = count >= min || strength == Strength::Name && near && count >= 2 && run.dictated;
            if follows && !year && !counted && kind != Kind::Email {
                return match kind {
                    Kind::Iban => Some((kind, !is_iban(&format!("DE{}", run.digits)) && count >= 18)),
                    Kind::Card => Some((kind, (13..=19).contains(&count))),
                    Kind::Address if count < 4 => None,
                    kind => sure(kind),
                };
            }
        }
        if count >= NAMED_DIGITS_MIN
            && !run.years
            && let Some(kind) = self.named_after(run.end, false)
            && !matches!(kind, Kind::Email | Kind::Address)
        {
            return sure(kind);
        }
        if run.years && self.named_after(run.end, true) == Some(Kind::BirthDate) {
            return sure(Kind::BirthDate);
        }
        let begins = is_first && self.words_are_courtesy(run.first);
        if let Some(kind) = self.open.filter(|_| begins && (count >= 2 || answer) && !run.counted) {
            return sure(kind);
        }
        // "vier neun eins", and after a breath "sieben zwei drei": what is to come of it goes.
        if begins && self.left > 0 && run.dictated && self.left + count >= DIGITS_MIN {
            return sure(Kind::Number);
        }
        if let Some(kind) = self.expected.filter(|kind| !matches!(kind, Kind::Email | Kind::Name)) {
            let digits = count >= NAMED_DIGITS_MIN && !run.years && !run.counted;
            // "8 bis 12" tells hours, whatever was asked.
            let span = matches!(self.word(run.end), "bis" | "und" | "oder" | "to" | "till")
                || matches!(self.before(run.first), "bis" | "und" | "zwischen" | "to" | "till" | "between");
            let span = span && kind == Kind::Address && count < 3;
            if answer && !span || digits && (kind != Kind::Address || count >= 4) {
                return sure(kind);
            }
        }
        if let Some((end, kind)) = last
            && !matches!(kind, Kind::Email | Kind::Name | Kind::BirthDate | Kind::Address)
            && end <= run.first
            && self.between(end, run.first) <= REACH_AGAIN_WORDS
            && (count >= NAMED_DIGITS_MIN && !run.years && !run.counted || count >= 2 && run.dictated)
        {
            return sure(kind);
        }
        if (run.plus || run.digits.starts_with('0')) && (PHONE_DIGITS_MIN..=15).contains(&count) {
            return sure(Kind::Phone);
        }
        let american =
            self.lang == Lang::En && (count == 10 && run.parts == 3 || count == 11 && run.digits.starts_with('1'));
        if american {
            return sure(Kind::Phone);
        }
        if count == 5 && !run.counted && self.has_town(run) {
            return sure(Kind::Address);
        }
        if count == 4 && run.parts == 1 && !run.counted && self.has_town(run) && self.follows_address(run) {
            return sure(Kind::Address);
        }
        if count >= DIGITS_MIN && !run.years && !(run.counted && count < 10) {
            return sure(Kind::Number);
        }
        let dictated = run.dictated && (count >= 4 || count >= 3 && run.digits.starts_with('0')) && run.parts >= 2;
        if answer && dictated {
            return sure(if run.digits.starts_with('0') && count > 4 { Kind::Phone } else { Kind::Number });
        }
        None
    }

    /// What the words before a place announce: the kind, where the announcement ends, and how sure it is.
    pub(super) fn named_before(&self, at: usize) -> Option<(Kind, usize, Strength)> {
        let upto = self.announced.partition_point(|one| one.end <= at);
        let mut best: Option<&Announcement> = None;
        for one in self.announced[..upto].iter().rev().take(4) {
            let words = self.between(one.end, at);
            let reaches = match one.strength {
                // "the reference is REF 00 34": the code's own letters are no word between.
                Strength::Thing => {
                    let code = at > one.end && self.tokens[at - 1].is_upper();
                    words <= 1 + u32::from(code) && !leads_to_a_count(self.before(at))
                }
                _ => words <= REACH_WORDS,
            };
            let mail = one.kind == Kind::Email;
            if reaches && !mail && !self.taken[one.first] && best.is_none_or(|best| one.strength > best.strength) {
                best = Some(one);
            }
        }
        best.map(|one| (one.kind, one.end, one.strength))
    }

    /// What the words after a place say it was: "4711 ist meine Kundennummer", "1980 geboren".
    pub(super) fn named_after(&self, at: usize, birth: bool) -> Option<Kind> {
        let from = self.announced.partition_point(|one| one.first < at);
        self.announced[from..]
            .iter()
            .take(2)
            .filter(|one| one.strength == Strength::Name && self.between(at, one.first) <= REACH_BACK_WORDS)
            .find(|one| {
                let mut between = self.tokens[at..one.first].iter();
                if birth {
                    one.kind == Kind::BirthDate
                        && !between.any(|token| matches!(token.form, Form::Figures | Form::Marker(_)))
                } else {
                    // The verb comes at once, or this is another sentence.
                    between
                        .by_ref()
                        .take(3)
                        .any(|token| matches!(token.word.as_str(), "ist" | "is" | "war" | "was" | "lautet" | "wäre"))
                        && !between.any(ends_sentence)
                }
            })
            .map(|one| one.kind)
    }

    fn follows_address(&self, run: &Run) -> bool {
        let floor = run.first.saturating_sub(3);
        self.found.iter().any(|(_, end, finding)| finding.kind == Kind::Address && (floor..=run.first).contains(end))
    }
}
