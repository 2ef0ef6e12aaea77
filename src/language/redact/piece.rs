//! Tokens read as what they say: numbers in their many spellings, dates, amounts and times.

mod date;

pub use self::date::is_year;

use super::number::{tens, unit, value};
use super::quantity::mark_quantities;
use super::token::{Form, Line, Token};
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
    let reader = Reader { text, line: Line(tokens) };
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
    line: Line<'a>,
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

    fn figures(&self, at: usize) -> Option<&str> {
        let token = self.line.get(at).filter(|token| token.form == Form::Figures)?;
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
        while end + 1 < self.line.0.len() && groups.len() < 8 && self.line.is_glued(end) && self.line.is_glued(end + 1)
        {
            let (Form::Mark(mark), Some(group)) = (self.line.0[end].form, self.figures(end + 1)) else { break };
            marks.push(mark);
            groups.push(group);
            end += 2;
        }
        if groups.len() == 1 {
            // "12th" counts; "12b" is as good as 12.
            let counted = self.line.is_glued(end) && matches!(self.line.word(end), "st" | "nd" | "rd" | "th");
            return if counted { (end + 1, What::Quantity) } else { plain };
        }
        let inside = at >= 2 && self.line.is_glued(at) && self.line.is_glued(at - 1) && self.figures(at - 2).is_some();
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
        let word = self.line.word(at);
        // "drei mal die sieben", and in one word "doppelnull"
        if let Some(times @ 2..=5) = unit(word)
            && self.line.word(at + 1) == "mal"
            && self.line.word(at + 2) == "die"
            && let Some(digit) = self.single_digit(at + 3)
        {
            return Some((at + 4, digit.repeat(times as usize), Style::Digit));
        }
        if let Some(digit) = word.strip_prefix("doppel").and_then(unit) {
            return Some((at + 1, digit.to_string().repeat(2), Style::Digit));
        }
        let again = after_number || self.line.word(at + 1) == "die";
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
            let at = at + 1 + usize::from(matches!(self.line.word(at + 1), "die" | "the"));
            let digit = self.single_digit(at)?;
            return Some((at + 1, digit.repeat(times), Style::Digit));
        }
        if matches!(word, "oh" | "o") {
            let dictated = unit(self.line.word(at + 1)).is_some() && self.number_word(at + 2);
            return (after_number || dictated).then(|| (at + 1, "0".to_owned(), Style::Digit));
        }
        let (mut end, mut sum) = self.below_hundred(at).or_else(|| value(word).map(|value| (at + 1, value)))?;
        let mut scaled = false;
        for (names, scale) in [(["hundred", "hundert"], 100), (["thousand", "tausend"], 1000)] {
            if names.contains(&self.line.word(end)) && sum < 1000 && end > at {
                sum *= scale;
                end += 1;
                scaled = true;
                let rest_at = end + usize::from(matches!(self.line.word(end), "and" | "und"));
                if let Some((rest_end, rest)) = self.below_hundred(rest_at)
                    && !(scale == 1000 && matches!(self.line.word(rest_end), "hundred" | "hundert"))
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
        let word = self.line.word(at);
        value(word).is_some() || matches!(word, "oh" | "o" | "double" | "triple")
    }

    fn single_digit(&self, at: usize) -> Option<String> {
        match self.figures(at) {
            Some(figures) => (figures.len() == 1).then(|| figures.to_owned()),
            None if matches!(self.line.word(at), "oh" | "o") => Some("0".to_owned()),
            None => unit(self.line.word(at)).map(|digit| digit.to_string()),
        }
    }

    /// "drei und vierzig", "forty three", "forty-three", or one word below a hundred.
    fn below_hundred(&self, at: usize) -> Option<(usize, u32)> {
        let word = self.line.word(at);
        if self.line.word(at + 1) == "und" {
            let ones = if word == "ein" { Some(1) } else { unit(word) };
            let german = |word: &str| word.ends_with("zig") || word.ends_with("ßig") || word.ends_with("ssig");
            if let (Some(ones @ 1..=9), Some(tens)) = (ones, tens(self.line.word(at + 2)))
                && german(self.line.word(at + 2))
            {
                return Some((at + 3, tens + ones));
            }
        }
        let first = value(word).filter(|value| *value < 100)?;
        if word.ends_with("ty") && first >= 20 {
            let next = if self.line.is_mark(at + 1, '-') { at + 2 } else { at + 1 };
            if let Some(ones @ 1..=9) = unit(self.line.word(next)) {
                return Some((next + 1, first + ones));
            }
        }
        Some((at + 1, first))
    }
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
