//! Numbers as people say them: in one piece, in groups, digit by digit, in pairs.

use super::piece::{Piece, Style, What, is_year};
use super::small_words::is_filler;
use super::token::{Form, Token};

/// Digits dictated in one go; `first..end` are indexes of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub first: usize,
    pub end: usize,
    pub digits: String,
    pub parts: usize,
    /// All parts are single digits or figures with a leading zero: nobody counts like that.
    pub dictated: bool,
    /// One number in words above 99, or round figures: how one counts.
    pub counted: bool,
    /// Nothing but years.
    pub years: bool,
    /// A plus stands or is said before it.
    pub plus: bool,
}

/// Tokens that may stand between two parts of one number.
const GAP_MAX: usize = 4;

/// Digits from which a row of figures with commas is no list any more.
const LISTED_DIGITS: usize = 4;

/// All runs of a text, in order, apart from tokens that are `taken`.
pub fn runs(tokens: &[Token], pieces: &[Piece], taken: &[bool]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut open: Vec<&Piece> = Vec::new();
    for piece in pieces {
        match piece.what {
            _ if taken[piece.first..piece.end].contains(&true) => close(tokens, &mut open, &mut runs),
            What::Number { .. } => {
                if !open.is_empty() && !continues(tokens, &open, piece) {
                    close(tokens, &mut open, &mut runs);
                }
                open.push(piece);
            }
            What::Other if is_gap(&tokens[piece.first]) || interrupts(&tokens[piece.first].word) => {}
            _ => close(tokens, &mut open, &mut runs),
        }
    }
    close(tokens, &mut open, &mut runs);
    runs
}

fn is_gap(token: &Token) -> bool {
    match token.form {
        Form::Mark(mark) => matches!(mark, '-' | '–' | '/' | '(' | ')' | '.' | ',' | '…'),
        Form::Word { .. } => is_filler(&token.word),
        _ => false,
    }
}

fn digits_of(piece: &Piece) -> (&str, Style) {
    match &piece.what {
        What::Number { digits, style } => (digits, *style),
        _ => ("", Style::Figures),
    }
}

/// Words that interrupt who dictates; between counts they say something.
fn interrupts(word: &str) -> bool {
    const PAUSES: &[&str] = &[
        "moment", "also", "ja", "genau", "so", "weiter", "okay", "ok", "warten", "warte", "sekunde", "halt", "eh",
        "ehm", "wait", "yes", "yeah", "hang", "on", "sec", "no", "right",
    ];
    PAUSES.contains(&word)
}

/// Whether two numbers are parts of one. "3, 4, 5" in figures is a list, "2019 und 2021" are two years.
fn continues(tokens: &[Token], open: &[&Piece], next: &Piece) -> bool {
    let Some(last) = open.last() else { return false };
    let gap = &tokens[last.end..next.first];
    if gap.len() > GAP_MAX {
        return false;
    }
    let ((before, before_style), (after, after_style)) = (digits_of(last), digits_of(next));
    let spaced = next.first > last.end && tokens[next.first].start > tokens[next.first - 1].end;
    let comma = gap.iter().any(|token| matches!(token.form, Form::Mark(',' | '.')));
    let counted = |digits: &str, style| {
        style == Style::Figures && (is_year(digits) || digits.len() < 3 && !digits.starts_with('0'))
    };
    // Nobody counts "0 15 1": what began like a dictation goes on as one.
    let so_far: usize = open.iter().take(LISTED_DIGITS).map(|piece| digits_of(piece).0.len()).sum();
    let dictated = open.first().is_some_and(|first| digits_of(first).0.starts_with('0')) || so_far >= LISTED_DIGITS;
    let interrupted = gap.iter().any(|token| interrupts(&token.word));
    if interrupted && (!dictated || is_year(before) || is_year(after) || after_style == Style::Cardinal) {
        return false;
    }
    // "100, nein, 150" puts right what was counted; what is dictated goes on.
    let corrected =
        gap.iter().any(|token| matches!(token.word.as_str(), "nein" | "quatsch" | "sorry" | "pardon" | "no"));
    let figures = before_style == Style::Figures && after_style == Style::Figures;
    if corrected && figures && open.len() == 1 && before.len() <= 4 && !before.starts_with('0') {
        return false;
    }
    let years = is_year(before) && is_year(after);
    if comma && spaced && (years || !dictated) && counted(before, before_style) && counted(after, after_style) {
        return false;
    }
    let and = gap.iter().any(|token| matches!(token.word.as_str(), "und" | "and"));
    let plain_and = and && gap.iter().all(|token| matches!(token.word.as_str(), "und" | "and") || token.is_mark(','));
    if plain_and && !(before_style == Style::Digit && after_style == Style::Digit) {
        return false;
    }
    // Two cardinals side by side may be groups; a cardinal after a comma is a new number.
    !(comma && (before_style == Style::Cardinal) != (after_style == Style::Cardinal) && after_style == Style::Cardinal)
}

fn close(tokens: &[Token], open: &mut Vec<&Piece>, runs: &mut Vec<Run>) {
    let (Some(first), Some(last)) = (open.first(), open.last()) else { return };
    let parts: Vec<(&str, Style)> = open.iter().map(|piece| digits_of(piece)).collect();
    let digits: String = parts.iter().map(|(digits, _)| *digits).collect();
    let single = parts.len() == 1;
    let dictated = parts.iter().all(|(digits, style)| *style == Style::Digit || digits.starts_with('0'));
    let round = single && digits.len() < 8 && digits.len() > 3 && digits.ends_with("00") && !digits.starts_with('0');
    let before = first.first.checked_sub(1).map(|at| &tokens[at]);
    runs.push(Run {
        first: first.first,
        end: last.end,
        counted: single && parts[0].1 == Style::Cardinal || round,
        years: parts.iter().all(|(digits, _)| is_year(digits))
            || matches!(&parts[..], [("19" | "20", Style::Pair), (rest, Style::Pair)] if rest.len() == 2),
        plus: before.is_some_and(|token| token.is_mark('+') || token.word == "plus"),
        parts: parts.len(),
        dictated,
        digits,
    });
    open.clear();
}
