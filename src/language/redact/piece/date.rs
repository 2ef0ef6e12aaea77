//! Days, months and years, in figures and in words.

use super::super::number::{month, ordinal, tens};
use super::super::token::Form;
use super::{Reader, Style};

impl Reader<'_> {
    /// A date that begins at a token: its end, and its year if said in full.
    pub(super) fn date(&self, at: usize) -> Option<(usize, Option<u32>)> {
        self.numeric_date(at).or_else(|| self.day_month(at)).or_else(|| self.month_day(at))
    }

    /// "12.03.1980", "12. 3. 80", "12.3.", "1980-03-12", "3/12/1980".
    fn numeric_date(&self, at: usize) -> Option<(usize, Option<u32>)> {
        let figures = self.figures(at)?;
        let goes_on = |end: usize| {
            self.line.is_glued(end)
                && (self.figures(end).is_some()
                    || self.line.get(end).is_some_and(|token| matches!(token.form, Form::Mark('.' | '-' | '/')))
                        && self.line.is_glued(end + 1)
                        && self.figures(end + 1).is_some())
        };
        if figures.len() == 4 && self.line.is_mark(at + 1, '-') && self.line.is_mark(at + 3, '-') {
            let year = full_year(figures)?;
            self.small(at + 2, 12)?;
            self.small(at + 4, 31)?;
            return (!goes_on(at + 5)).then_some((at + 5, Some(year)));
        }
        let day = self.small(at, 31)?;
        if self.line.is_mark(at + 1, '.')
            && self.line.is_mark(at + 3, '.')
            && self.line.is_glued(at + 1)
            && self.line.is_glued(at + 3)
        {
            self.small(at + 2, 12)?;
            let year = self.figures(at + 4).filter(|year| self.line.is_glued(at + 4) || full_year(year).is_some());
            let (end, year) = match year {
                Some(year) if year.len() == 4 => (at + 5, Some(full_year(year)?)),
                Some(year) if year.len() == 2 => (at + 5, short_year(year)),
                Some(_) => return None,
                None => (at + 4, None),
            };
            return (!goes_on(end)).then_some((end, year));
        }
        let slashed = self.line.is_mark(at + 1, '/') && self.line.is_mark(at + 3, '/');
        if slashed && (at + 1..=at + 4).all(|part| self.line.is_glued(part)) {
            let second = self.small(at + 2, 31)?;
            let year = self.figures(at + 4)?;
            let year = if year.len() == 2 { short_year(year)? } else { full_year(year)? };
            return (day.min(second) <= 12 && !goes_on(at + 5)).then_some((at + 5, Some(year)));
        }
        None
    }

    /// The day of a month: "3.", "3rd", "dritten", "twenty first".
    fn day(&self, at: usize) -> Option<usize> {
        if self.small(at, 31).is_some() {
            let ordinal = self.line.is_glued(at + 1) && matches!(self.line.word(at + 1), "st" | "nd" | "rd" | "th");
            let dotted = self.line.is_mark(at + 1, '.') && self.line.is_glued(at + 1);
            return Some(at + 1 + usize::from(ordinal || dotted));
        }
        if tens(self.line.word(at)).is_some() {
            let next = if self.line.is_mark(at + 1, '-') { at + 2 } else { at + 1 };
            return ordinal(self.line.word(next)).filter(|day| *day < 10).map(|_| next + 1);
        }
        ordinal(self.line.word(at)).map(|_| at + 1)
    }

    /// "3. April 1961", "dritten vierten einundsechzig", "third of March nineteen eighty".
    fn day_month(&self, at: usize) -> Option<(usize, Option<u32>)> {
        let mut end = self.day(at)?;
        let in_words = self.line.0[at].is_word();
        if self.line.word(end) == "of" {
            end += 1 + usize::from(self.line.word(end + 1) == "the");
        }
        let named = month(self.line.word(end)).is_some();
        let counted = in_words && ordinal(self.line.word(end)).is_some_and(|month| month <= 12);
        if !named && !counted {
            return None;
        }
        end += 1;
        // "Jan." and the like.
        if named && self.line.is_mark(end, '.') && self.line.is_glued(end) && self.line.word(end - 1).len() < 5 {
            end += 1;
        }
        Some(self.with_year(end))
    }

    /// "March 3rd, 1980", "March the third", "März 1980".
    fn month_day(&self, at: usize) -> Option<(usize, Option<u32>)> {
        month(self.line.word(at))?;
        let day_at = at + 1 + usize::from(self.line.word(at + 1) == "the");
        let in_full = match self.figures(at + 1) {
            Some(figures) => figures.len() == 4,
            None => self.number(at + 1, false).is_some_and(|(end, digits, style)| {
                style == Style::Cardinal || matches!(digits.as_str(), "19" | "20") && self.below_hundred(end).is_some()
            }),
        };
        let full = self.year(at + 1).filter(|(_, year)| in_full && year.is_some());
        match self.day(day_at).filter(|_| full.is_none()) {
            Some(end) => Some(self.with_year(end)),
            None => full,
        }
    }

    fn with_year(&self, end: usize) -> (usize, Option<u32>) {
        let year_at = end + usize::from(self.line.is_mark(end, ','));
        self.year(year_at).unwrap_or((end, None))
    }

    /// A year: "1980", "'80", "neunzehnhundertachtzig", "nineteen eighty", "achtzig". Not a clock time.
    fn year(&self, at: usize) -> Option<(usize, Option<u32>)> {
        let counts = |end: usize| {
            matches!(
                self.line.word(end),
                "uhr" | "o'clock" | "pm" | "euro" | "mal" | "minuten" | "stunden" | "tage" | "dollars" | "pounds"
            ) || self.line.is_mark(end, ':')
                || self.line.is_mark(end, '€')
        };
        let at = at + usize::from(self.line.is_mark(at, '\'') || self.line.is_mark(at, '’'));
        if let Some(figures) = self.figures(at) {
            let year = match figures.len() {
                4 => Some(full_year(figures)?),
                2 => short_year(figures),
                _ => return None,
            };
            let glued = self.line.is_glued(at + 1) && self.figures(at + 2).is_some() && self.line.is_glued(at + 2);
            return (!counts(at + 1) && !glued).then_some((at + 1, year));
        }
        let (end, digits, style) = self.number(at, false)?;
        if counts(end) {
            return None;
        }
        match (style, digits.as_str()) {
            (Style::Cardinal, _) => Some((end, Some(full_year(&digits)?))),
            (Style::Pair, "19" | "20") => {
                let after = if matches!(self.line.word(end), "oh" | "o") { end + 1 } else { end };
                match self.below_hundred(after) {
                    Some((year_end, rest)) if !counts(year_end) => {
                        Some((year_end, digits.parse::<u32>().ok().map(|century| century * 100 + rest)))
                    }
                    _ => Some((end, None)),
                }
            }
            (Style::Pair, _) => Some((end, short_year(&digits))),
            _ => None,
        }
    }
}

/// A year of this century or the last.
fn full_year(figures: &str) -> Option<u32> {
    figures.parse().ok().filter(|year| figures.len() == 4 && (1900..2100).contains(year))
}

/// A year of two digits; those to come in this century are of the last.
fn short_year(figures: &str) -> Option<u32> {
    let year: u32 = figures.parse().ok()?;
    Some(if year > 30 { 1900 + year } else { 2000 + year })
}

/// Whether the digits of a number alone may be a year.
pub fn is_year(digits: &str) -> bool {
    full_year(digits).is_some()
}
