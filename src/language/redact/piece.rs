//! Tokens read as what they say: numbers in their many spellings, dates, amounts and times.

use super::number::{month, ordinal, tens, unit, value};
use super::quantity::mark_quantities;
use super::token::{Form, Token};
use crate::terms::Lang;

/// What a stretch of tokens says; `first..end` are indexes of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub first: usize,
    pub end: usize,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Number {
        digits: String,
        style: Style,
    },
    /// A day, or a month with a year; the year in full if it was said in full.
    Date {
        year: Option<u32>,
    },
    /// An amount, a time, a count with its unit.
    Quantity,
    Other,
}

/// How a number is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Figures,
    /// One digit in words, also doubled.
    Digit,
    /// 10 to 99 in words.
    Pair,
    /// 100 and more in words: how one counts, not how one dictates.
    Cardinal,
}

/// The pieces of a text: every token belongs to exactly one.
pub fn pieces(text: &str, tokens: &[Token], lang: Lang) -> Vec<Piece> {
    let reader = Reader { text, tokens };
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let said =
            pieces.iter().rev().take(3).find(|piece| piece.what != What::Other || !is_pause(&tokens[piece.first]));
        let after_number = said.is_some_and(|last| matches!(last.what, What::Number { .. }));
        let (end, what) = reader.read(at, after_number);
        pieces.push(Piece { first: at, end, what });
        at = end;
    }
    mark_quantities(tokens, &mut pieces, lang);
    pieces
}

/// A comma or a hesitation.
fn is_pause(token: &Token) -> bool {
    token.is_mark(',') || token.is_mark('…') || super::small_words::is_filler(&token.word)
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl Reader<'_> {
    fn read(&self, at: usize, after_number: bool) -> (usize, What) {
        if let Some((end, year)) = self.date(at) {
            return (end, What::Date { year });
        }
        if self.figures(at).is_some() {
            return self.written(at);
        }
        match self.number(at, after_number) {
            Some((end, digits, style)) => (end, What::Number { digits, style }),
            None => (at + 1, What::Other),
        }
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.word.as_str())
    }

    fn is_mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_mark(mark))
    }

    /// Nothing between this token and the one before.
    fn is_glued(&self, at: usize) -> bool {
        at > 0 && self.tokens.get(at).is_some_and(|token| token.start == self.tokens[at - 1].end)
    }

    fn figures(&self, at: usize) -> Option<&str> {
        let token = self.tokens.get(at).filter(|token| token.form == Form::Figures)?;
        Some(&self.text[token.start..token.end])
    }

    fn small(&self, at: usize, most: u32) -> Option<u32> {
        let figures = self.figures(at).filter(|figures| figures.len() <= 2)?;
        figures.parse().ok().filter(|value| (1..=most).contains(value))
    }

    /// Figures with what is glued to them: an amount, a time, or just themselves.
    fn written(&self, at: usize) -> (usize, What) {
        let figures = self.figures(at).unwrap_or_default();
        let plain = (at + 1, What::Number { digits: figures.to_owned(), style: Style::Figures });
        let mut end = at + 1;
        let mut marks = String::new();
        let mut groups = vec![figures];
        while end + 1 < self.tokens.len() && groups.len() < 8 && self.is_glued(end) && self.is_glued(end + 1) {
            let (Form::Mark(mark), Some(group)) = (self.tokens[end].form, self.figures(end + 1)) else { break };
            marks.push(mark);
            groups.push(group);
            end += 2;
        }
        if groups.len() == 1 {
            // "12th" counts; "12b" is as good as 12.
            let counted = self.is_glued(end) && matches!(self.word(end), "st" | "nd" | "rd" | "th");
            return if counted { (end + 1, What::Quantity) } else { plain };
        }
        let inside = at >= 2 && self.is_glued(at) && self.is_glued(at - 1) && self.figures(at - 2).is_some();
        let leading_zero = inside || figures.len() > 1 && figures.starts_with('0');
        let digits: usize = groups.iter().map(|group| group.len()).sum();
        let thousands = |mark: char, decimal: char| {
            let whole = marks.chars().take_while(|c| *c == mark).count();
            let fraction = marks.len() - whole;
            whole > 0
                && (1..=3).contains(&figures.len())
                && groups[1..=whole].iter().all(|group| group.len() == 3)
                && (fraction == 0 || fraction == 1 && marks.ends_with(decimal))
        };
        let decimal = marks.len() == 1 && marks.contains(['.', ',']) && groups[1].len() <= 2;
        let time = marks.chars().all(|mark| mark == ':')
            && groups.len() <= 3
            && figures.len() <= 2
            && groups[1..].iter().all(|group| group.len() == 2)
            && figures.parse::<u32>().is_ok_and(|hour| hour < 25);
        let amount = !leading_zero && digits < 10 && (thousands('.', ',') || thousands(',', '.') || decimal);
        if amount || time { (end, What::Quantity) } else { plain }
    }

    /// A number in words, its digits as one would dial them.
    fn number(&self, at: usize, after_number: bool) -> Option<(usize, String, Style)> {
        let word = self.word(at);
        // "drei mal die sieben", and in one word "doppelnull"
        if let Some(times @ 2..=5) = unit(word)
            && self.word(at + 1) == "mal"
            && self.word(at + 2) == "die"
            && let Some(digit) = self.single_digit(at + 3)
        {
            return Some((at + 4, digit.repeat(times as usize), Style::Digit));
        }
        if let Some(digit) = word.strip_prefix("doppel").and_then(unit) {
            return Some((at + 1, digit.to_string().repeat(2), Style::Digit));
        }
        let again = after_number || self.word(at + 1) == "die";
        let times = match word {
            "double" | "doppel" | "doppelt" | "doppelte" => 2,
            "triple" | "treble" | "dreifach" => 3,
            "zweimal" if again => 2,
            "dreimal" if again => 3,
            "viermal" if again => 4,
            "fünfmal" if again => 5,
            _ => 0,
        };
        if times > 0 {
            let at = at + 1 + usize::from(matches!(self.word(at + 1), "die" | "the"));
            let digit = self.single_digit(at)?;
            return Some((at + 1, digit.repeat(times), Style::Digit));
        }
        if matches!(word, "oh" | "o") {
            let dictated = unit(self.word(at + 1)).is_some() && self.number_word(at + 2);
            return (after_number || dictated).then(|| (at + 1, "0".to_owned(), Style::Digit));
        }
        let (mut end, mut sum) = self.below_hundred(at).or_else(|| value(word).map(|value| (at + 1, value)))?;
        let mut scaled = false;
        for (names, scale) in [(["hundred", "hundert"], 100), (["thousand", "tausend"], 1000)] {
            if names.contains(&self.word(end)) && sum < 1000 && end > at {
                sum *= scale;
                end += 1;
                scaled = true;
                let rest_at = end + usize::from(matches!(self.word(end), "and" | "und"));
                if let Some((rest_end, rest)) = self.below_hundred(rest_at)
                    && !(scale == 1000 && matches!(self.word(rest_end), "hundred" | "hundert"))
                {
                    sum += rest;
                    end = rest_end;
                }
            }
        }
        let style = match sum {
            _ if scaled => Style::Cardinal,
            0..=9 => Style::Digit,
            10..=99 => Style::Pair,
            _ => Style::Cardinal,
        };
        Some((end, sum.to_string(), style))
    }

    fn number_word(&self, at: usize) -> bool {
        let word = self.word(at);
        value(word).is_some() || matches!(word, "oh" | "o" | "double" | "triple")
    }

    fn single_digit(&self, at: usize) -> Option<String> {
        match self.figures(at) {
            Some(figures) => (figures.len() == 1).then(|| figures.to_owned()),
            None if matches!(self.word(at), "oh" | "o") => Some("0".to_owned()),
            None => unit(self.word(at)).map(|digit| digit.to_string()),
        }
    }

    /// "drei und vierzig", "forty three", "forty-three", or one word below a hundred.
    fn below_hundred(&self, at: usize) -> Option<(usize, u32)> {
        let word = self.word(at);
        if self.word(at + 1) == "und" {
            let ones = if word == "ein" { Some(1) } else { unit(word) };
            let german = |word: &str| word.ends_with("zig") || word.ends_with("ßig") || word.ends_with("ssig");
            if let (Some(ones @ 1..=9), Some(tens)) = (ones, tens(self.word(at + 2)))
                && german(self.word(at + 2))
            {
                return Some((at + 3, tens + ones));
            }
        }
        let first = value(word).filter(|value| *value < 100)?;
        if word.ends_with("ty") && first >= 20 {
            let next = if self.is_mark(at + 1, '-') { at + 2 } else { at + 1 };
            if let Some(ones @ 1..=9) = unit(self.word(next)) {
                return Some((next + 1, first + ones));
            }
        }
        Some((at + 1, first))
    }

    /// A date that begins at a token: its end, and its year if said in full.
    fn date(&self, at: usize) -> Option<(usize, Option<u32>)> {
        self.numeric_date(at).or_else(|| self.day_month(at)).or_else(|| self.month_day(at))
    }

    /// "12.03.1980", "12. 3. 80", "12.3.", "1980-03-12", "3/12/1980".
    fn numeric_date(&self, at: usize) -> Option<(usize, Option<u32>)> {
        let figures = self.figures(at)?;
        let goes_on = |end: usize| {
            self.is_glued(end)
                && (self.figures(end).is_some()
                    || self.tokens.get(end).is_some_and(|token| matches!(token.form, Form::Mark('.' | '-' | '/')))
                        && self.is_glued(end + 1)
                        && self.figures(end + 1).is_some())
        };
        if figures.len() == 4 && self.is_mark(at + 1, '-') && self.is_mark(at + 3, '-') {
            let year = full_year(figures)?;
            self.small(at + 2, 12)?;
            self.small(at + 4, 31)?;
            return (!goes_on(at + 5)).then_some((at + 5, Some(year)));
        }
        let day = self.small(at, 31)?;
        if self.is_mark(at + 1, '.') && self.is_mark(at + 3, '.') && self.is_glued(at + 1) && self.is_glued(at + 3) {
            self.small(at + 2, 12)?;
            let year = self.figures(at + 4).filter(|year| self.is_glued(at + 4) || full_year(year).is_some());
            let (end, year) = match year {
                Some(year) if year.len() == 4 => (at + 5, Some(full_year(year)?)),
                Some(year) if year.len() == 2 => (at + 5, short_year(year)),
                Some(_) => return None,
                None => (at + 4, None),
            };
            return (!goes_on(end)).then_some((end, year));
        }
        let slashed = self.is_mark(at + 1, '/') && self.is_mark(at + 3, '/');
        if slashed && self.is_glued(at + 1) && self.is_glued(at + 2) && self.is_glued(at + 3) && self.is_glued(at + 4) {
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
            let ordinal = self.is_glued(at + 1) && matches!(self.word(at + 1), "st" | "nd" | "rd" | "th");
            let dotted = self.is_mark(at + 1, '.') && self.is_glued(at + 1);
            return Some(at + 1 + usize::from(ordinal || dotted));
        }
        if tens(self.word(at)).is_some() {
            let next = if self.is_mark(at + 1, '-') { at + 2 } else { at + 1 };
            return ordinal(self.word(next)).filter(|day| *day < 10).map(|_| next + 1);
        }
        ordinal(self.word(at)).map(|_| at + 1)
    }

    /// "3. April 1961", "dritten vierten einundsechzig", "third of March nineteen eighty".
    fn day_month(&self, at: usize) -> Option<(usize, Option<u32>)> {
        let mut end = self.day(at)?;
        let in_words = self.tokens[at].is_word();
        if self.word(end) == "of" {
            end += 1 + usize::from(self.word(end + 1) == "the");
        }
        let named = month(self.word(end)).is_some();
        let counted = in_words && ordinal(self.word(end)).is_some_and(|month| month <= 12);
        if !named && !counted {
            return None;
        }
        end += 1;
        // "Jan." and the like.
        if named && self.is_mark(end, '.') && self.is_glued(end) && self.word(end - 1).len() < 5 {
            end += 1;
        }
        Some(self.with_year(end))
    }

    /// "March 3rd, 1980", "March the third", "März 1980".
    fn month_day(&self, at: usize) -> Option<(usize, Option<u32>)> {
        month(self.word(at))?;
        let day_at = at + 1 + usize::from(self.word(at + 1) == "the");
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
        let year_at = end + usize::from(self.is_mark(end, ','));
        self.year(year_at).unwrap_or((end, None))
    }

    /// A year: "1980", "'80", "neunzehnhundertachtzig", "nineteen eighty", "achtzig". Not a clock time.
    fn year(&self, at: usize) -> Option<(usize, Option<u32>)> {
        let counts = |end: usize| {
            matches!(
                self.word(end),
                "uhr" | "o'clock" | "pm" | "euro" | "mal" | "minuten" | "stunden" | "tage" | "dollars" | "pounds"
            ) || self.is_mark(end, ':')
                || self.is_mark(end, '€')
        };
        let at = at + usize::from(self.is_mark(at, '\'') || self.is_mark(at, '’'));
        if let Some(figures) = self.figures(at) {
            let year = match figures.len() {
                4 => Some(full_year(figures)?),
                2 => short_year(figures),
                _ => return None,
            };
            let glued = self.is_glued(at + 1) && self.figures(at + 2).is_some() && self.is_glued(at + 2);
            return (!counts(at + 1) && !glued).then_some((at + 1, year));
        }
        let (end, digits, style) = self.number(at, false)?;
        if counts(end) {
            return None;
        }
        match (style, digits.as_str()) {
            (Style::Cardinal, _) => Some((end, Some(full_year(&digits)?))),
            (Style::Pair, "19" | "20") => {
                let after = if matches!(self.word(end), "oh" | "o") { end + 1 } else { end };
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

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    fn read(text: &str) -> Vec<(String, What)> {
        let tokens = tokens(text);
        pieces(text, &tokens, Lang::De)
            .into_iter()
            .filter(|piece| piece.what != What::Other)
            .map(|piece| (text[tokens[piece.first].start..tokens[piece.end - 1].end].to_owned(), piece.what))
            .collect()
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let short = |what: &What| match what {
            What::Number { digits, .. } => digits.clone(),
            What::Date { year: Some(year) } => format!("date {year}"),
            What::Date { year: None } => "date".to_owned(),
            What::Quantity => "quantity".to_owned(),
            What::Other => String::new(),
        };
        let found = read(text);
        let found: Vec<(&str, String)> = found.iter().map(|(said, what)| (said.as_str(), short(what))).collect();
        let expected: Vec<(&str, String)> = expected.iter().map(|(said, what)| (*said, (*what).to_owned())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn numbers() {
        check("dreiundvierzig", &[("dreiundvierzig", "43")]);
        check("drei und vierzig", &[("drei und vierzig", "43")]);
        check("forty-three forty three", &[("forty-three", "43"), ("forty three", "43")]);
        check("doppel drei", &[("doppel drei", "33")]);
        check("null zweimal die sieben", &[("null", "0"), ("zweimal die sieben", "77")]);
        check("oh seven double oh", &[("oh", "0"), ("seven", "7"), ("double oh", "00")]);
        check("two hundred and twelve", &[("two hundred and twelve", "212")]);
        check("ein und zwanzig", &[("ein und zwanzig", "21")]);
        check("ein Hund", &[]);
    }

    #[test]
    fn dates() {
        check("am 12.03.1980 um", &[("12.03.1980", "date 1980")]);
        check("am 12.3. um", &[("12.3.", "date")]);
        check("3. April 61", &[("3. April 61", "date 1961")]);
        check("der dritte März neunzehnhundertachtzig", &[("dritte März neunzehnhundertachtzig", "date 1980")]);
        check("dritten dritten achtzig", &[("dritten dritten achtzig", "date 1980")]);
        check("March 3rd, 1980", &[("March 3rd, 1980", "date 1980")]);
        check("the third of March nineteen eighty four", &[("third of March nineteen eighty four", "date 1984")]);
        check(
            "twenty first of May two thousand and four",
            &[("twenty first of May two thousand and four", "date 2004")],
        );
        check("am dritten März zwanzig Uhr", &[("dritten März", "date"), ("zwanzig", "quantity")]);
        check("1980-03-12", &[("1980-03-12", "date 1980")]);
        check("3/12/1980", &[("3/12/1980", "date 1980")]);
    }

    #[test]
    fn quantities() {
        check("1.234,56 Euro", &[("1.234,56", "quantity")]);
        check("um 14:30", &[("14:30", "quantity")]);
        check("fünf Tage", &[("fünf", "quantity")]);
        check("30.123.4567", &[("30", "30"), ("123", "123"), ("4567", "4567")]);
        check("030.123.456", &[("030", "030"), ("123", "123"), ("456", "456")]);
    }
}
