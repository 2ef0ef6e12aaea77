//! Finds numbers as people say them: in one piece, in groups, digit by digit, in pairs.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern;

/// A number and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub start: usize,
    pub end: usize,
    /// At least one digit.
    pub digits: String,
    /// An amount or count by its form ("2.000", "49,90") or by the unit after it ("25000 Euro").
    pub is_quantity: bool,
}

/// All runs of digits in a text, in order. Dates and times are none.
pub fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut open: Option<Open> = None;
    for atom in atoms(text) {
        match atom.kind {
            Kind::Filler => {}
            Kind::Written | Kind::Spoken => match &mut open {
                Some(open) if open.continues_with(text, &atom) => open.push(atom),
                _ => {
                    runs.extend(open.take().map(|open| open.end(text)));
                    open = Some(Open { atoms: vec![atom] });
                }
            },
            Kind::Quantity => {
                runs.extend(open.take().map(|open| open.end(text)));
                runs.push(Run { start: atom.start, end: atom.end, digits: atom.digits, is_quantity: true });
            }
            Kind::Other => runs.extend(open.take().map(|open| open.end(text))),
        }
    }
    runs.extend(open.map(|open| open.end(text)));
    runs
}

/// A run that may still grow; never empty.
struct Open {
    atoms: Vec<Atom>,
}

impl Open {
    fn push(&mut self, atom: Atom) {
        self.atoms.push(atom);
    }

    fn last(&self) -> &Atom {
        &self.atoms[self.atoms.len() - 1]
    }

    /// What stands between two pieces of one number: blanks and marks. "3, 4, 5" in figures is a list, though.
    fn continues_with(&self, text: &str, next: &Atom) -> bool {
        let last = self.last();
        let gap = FILLERS.replace_all(&text[last.end..next.start], " ");
        let only_marks = gap.chars().all(|c| matches!(c, ' ' | '-' | '–' | '/' | '(' | ')' | '.' | ','));
        let listed = gap.contains([',', '.']) && gap.contains(' ');
        let counted = |atom: &Atom| atom.kind == Kind::Written && is_count_or_year(&atom.digits);
        only_marks && gap.chars().count() <= 4 && !(listed && counted(last) && counted(next))
    }

    fn end(self, text: &str) -> Run {
        let (start, end) = (self.atoms[0].start, self.last().end);
        let single = self.atoms.len() == 1 && self.atoms[0].kind == Kind::Written;
        let is_quantity = single && UNIT.is_match(&text[end..]);
        let digits = self.atoms.into_iter().map(|atom| atom.digits).collect();
        Run { start, end, digits, is_quantity }
    }
}

fn is_count_or_year(figures: &str) -> bool {
    let year = figures.len() == 4 && (figures.starts_with("19") || figures.starts_with("20"));
    year || figures.len() < 3 && !figures.starts_with('0')
}

#[derive(Debug)]
struct Atom {
    start: usize,
    end: usize,
    digits: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Figures.
    Written,
    /// Number words.
    Spoken,
    /// Figures with the marks of an amount.
    Quantity,
    /// A word that does not end a dictated number.
    Filler,
    /// Any other word; dates and times.
    Other,
}

static ATOMS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?P<date>\d{4}-\d{2}-\d{2}\b|\d{1,2}\.\s?\d{1,2}\.(?:\s?\d{4}\b|\s?\d{2}\b)?|\d{1,2}/\d{1,2}/\d{2,4}\b|\d{1,2}:\d{2}\b)",
        r"|(?P<quantity>\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+[.,]\d{1,2})\b",
        r"|(?P<written>\d+)",
        r"|(?P<word>\p{L}+)",
    ))
});

/// Words people put between the digits they dictate.
static FILLERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)[\s,]*\b(?:äh|ähm|öh|hm|uh|um|er|strich|bindestrich|minus|schrägstrich|dash|hyphen|slash|dann|then)\b[\s,]*",
    )
});

/// A word after a number in figures that makes it an amount.
static UNIT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\s?(?:€|%|\$|£|(?:euro|eur|cent|prozent|franken|dollars?|pounds?|percent|km|kilometern?|miles|kwh|kilowattstunden|meter|kilo|gramm|liter|stück|mal|jahren?|monaten?|wochen?|tagen?|stunden|minuten|sekunden|years|months|weeks|days|hours|minutes|punkten?|points|mb|gb)\b)",
    )
});

fn atoms(text: &str) -> Vec<Atom> {
    let mut atoms: Vec<Atom> = Vec::new();
    let mut at = 0;
    while let Some(found) = ATOMS.captures_at(text, at) {
        let Some(whole) = found.get(0) else { break };
        let part = |name| found.name(name).map(|part| part.as_str());
        let (mut end, mut kind, mut digits) = (whole.end(), Kind::Other, String::new());
        if let Some(word) = part("word") {
            (kind, digits) = spoken(word);
        } else if let Some(figures) = part("written") {
            (kind, digits) = (Kind::Written, figures.to_owned());
        } else if part("quantity").is_some_and(|quantity| is_amount(quantity, &text[end..])) {
            (kind, digits) = (Kind::Quantity, figures_of(whole.as_str()));
        } else if !part("date").is_some_and(|date| is_date_or_time(date, &text[end..])) {
            // It only looked like one: its first figures stand for themselves.
            let figures: String = whole.as_str().chars().take_while(char::is_ascii_digit).collect();
            end = whole.start() + figures.len();
            (kind, digits) = (Kind::Written, figures);
        }
        atoms.push(Atom { start: whole.start(), end, digits, kind });
        at = end;
    }
    merge_tens(text, merge_doubles(text, atoms))
}

fn figures_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn second_is_digit(text: &str) -> bool {
    text.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
}

/// "030.123.456" and "1.234.5678" are numbers in groups, not amounts.
fn is_amount(quantity: &str, after: &str) -> bool {
    let leading_zero = quantity.starts_with('0') && second_is_digit(quantity);
    let goes_on = after.starts_with(['.', ',', '-', '/']) && second_is_digit(after);
    !leading_zero && !goes_on
}

fn is_date_or_time(text: &str, after: &str) -> bool {
    let parts: Vec<u32> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).flat_map(str::parse).collect();
    let goes_on =
        after.starts_with(|c: char| c.is_ascii_digit()) || after.starts_with(['.', '-', '/']) && second_is_digit(after);
    let fits = if text.contains(':') {
        parts[..].first().is_some_and(|hour| *hour < 25)
    } else if text.contains('-') {
        matches!(parts[..], [_, month, day] if (1..=12).contains(&month) && (1..=31).contains(&day))
    } else {
        matches!(parts[..], [day, month, ..] if (1..=31).contains(&day) && (1..=12).contains(&month))
    };
    fits && !goes_on
}

pub(super) const UNITS: [[&str; 10]; 2] = [
    ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
];

const TEENS: [[&str; 10]; 2] = [
    ["zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"],
    ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"],
];

const TENS: [[&str; 8]; 2] = [
    ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"],
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
];

/// The digits a word stands for.
fn spoken(word: &str) -> (Kind, String) {
    let word = word.to_lowercase().replace("dreissig", "dreißig");
    let digits = |digits: String| (Kind::Spoken, digits);
    let find = |table: &[&str], word: &str| table.iter().position(|entry| *entry == word);
    for language in 0..2 {
        if let Some(unit) = find(&UNITS[language], &word) {
            return digits(unit.to_string());
        }
        if let Some(teen) = find(&TEENS[language], &word) {
            return digits(format!("1{teen}"));
        }
        if let Some(tens) = find(&TENS[language], &word) {
            return digits(format!("{}0", tens + 2));
        }
    }
    if word == "zwo" {
        return digits("2".into());
    }
    for (tens, name) in TENS[0].iter().enumerate() {
        let unit = word.strip_suffix(name).and_then(|rest| rest.strip_suffix("und"));
        let unit = unit.and_then(|unit| find(&UNITS[0], if unit == "ein" { "eins" } else { unit }));
        if let Some(unit) = unit {
            return digits(format!("{}{unit}", tens + 2));
        }
    }
    match FILLERS.is_match(&word) {
        true => (Kind::Filler, String::new()),
        false => (Kind::Other, String::new()),
    }
}

/// "double seven", "doppel sieben": the next digit twice, "triple" three times; "oh" within a number is a zero.
fn merge_doubles(text: &str, atoms: Vec<Atom>) -> Vec<Atom> {
    let mut merged: Vec<Atom> = Vec::with_capacity(atoms.len());
    let mut times = 1;
    for mut atom in atoms {
        if times > 1
            && let Some(multiplier) = merged.pop()
        {
            if atom.digits.len() == 1 {
                atom.start = multiplier.start;
                atom.digits = atom.digits.repeat(times);
            } else {
                merged.push(multiplier);
            }
        }
        let word = text[atom.start..atom.end].to_lowercase();
        times = match word.as_str() {
            "double" | "doppel" | "doppelt" => 2,
            "triple" | "dreifach" => 3,
            _ => 1,
        };
        if matches!(word.as_str(), "oh" | "o") && merged.last().is_some_and(|last| last.kind == Kind::Spoken) {
            (atom.kind, atom.digits) = (Kind::Spoken, "0".into());
        }
        merged.push(atom);
    }
    merged
}

/// "twenty one": one pair of digits, not three digits.
fn merge_tens(text: &str, atoms: Vec<Atom>) -> Vec<Atom> {
    let mut merged: Vec<Atom> = Vec::with_capacity(atoms.len());
    for atom in atoms {
        if let Some(last) = merged.last_mut() {
            let english = TENS[1].contains(&text[last.start..last.end].to_lowercase().as_str());
            let unit = UNITS[1][1..].contains(&text[atom.start..atom.end].to_lowercase().as_str());
            if english && unit && matches!(&text[last.end..atom.start], " " | "-") {
                last.digits.replace_range(1.., &atom.digits);
                last.end = atom.end;
                continue;
            }
        }
        merged.push(atom);
    }
    merged
}
