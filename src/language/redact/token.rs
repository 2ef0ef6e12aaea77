//! A text cut into words, figures, marks and the markers that already stand in it.

use super::Kind;

/// One piece of a text; `start..end` in bytes. Blanks are no pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub start: usize,
    pub end: usize,
    pub form: Form,
    /// Lower case, of words alone.
    pub word: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Letters, with apostrophes among them.
    Word {
        /// Begins with a capital letter.
        capital: bool,
        /// Has no small letter.
        upper: bool,
    },
    /// ASCII digits.
    Figures,
    Mark(char),
    /// Something that was replaced before.
    Marker(Kind),
}

impl Token {
    pub fn is_word(&self) -> bool {
        matches!(self.form, Form::Word { .. })
    }

    pub fn is_capital(&self) -> bool {
        matches!(self.form, Form::Word { capital: true, .. })
    }

    pub fn is_upper(&self) -> bool {
        matches!(self.form, Form::Word { upper: true, .. })
    }

    pub fn is_mark(&self, wanted: char) -> bool {
        self.form == Form::Mark(wanted)
    }

    /// A letter said alone.
    pub fn letter(&self) -> Option<char> {
        let mut chars = self.word.chars();
        chars.next().filter(|c| c.is_alphabetic() && chars.next().is_none())
    }
}

/// The tokens of a text by their places; beyond its ends there is nothing.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a>(pub &'a [Token]);

impl<'a> Line<'a> {
    pub fn get(self, at: usize) -> Option<&'a Token> {
        self.0.get(at)
    }

    /// Empty for what is no word.
    pub fn word(self, at: usize) -> &'a str {
        self.get(at).map_or("", |token| token.word.as_str())
    }

    pub fn is_mark(self, at: usize, mark: char) -> bool {
        self.get(at).is_some_and(|token| token.is_mark(mark))
    }

    /// Nothing between this token and the one before.
    pub fn is_glued(self, at: usize) -> bool {
        at > 0 && self.get(at).is_some_and(|token| token.start == self.0[at - 1].end)
    }
}

/// The pieces of a text, in order.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if c == '['
            && let Some((kind, length)) = Kind::of_marker(rest)
        {
            tokens.push(Token { start: at, end: at + length, form: Form::Marker(kind), word: String::new() });
            length
        } else if c.is_ascii_digit() {
            let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            tokens.push(Token { start: at, end: at + length, form: Form::Figures, word: String::new() });
            length
        } else if c.is_alphabetic() {
            let length = word_length(rest);
            let form = Form::Word { capital: c.is_uppercase(), upper: !rest[..length].contains(char::is_lowercase) };
            tokens.push(Token { start: at, end: at + length, form, word: rest[..length].to_lowercase() });
            length
        } else {
            if !c.is_whitespace() {
                let form = Form::Mark(c);
                tokens.push(Token { start: at, end: at + c.len_utf8(), form, word: String::new() });
            }
            c.len_utf8()
        };
        at += length;
    }
    tokens
}

fn word_length(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let apostrophe = matches!(c, '\'' | '’') && chars.peek().is_some_and(|(_, next)| next.is_alphabetic());
        // Combining marks belong to the letter before them.
        if !c.is_alphabetic() && !apostrophe && !('\u{300}'..='\u{36f}').contains(&c) {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_everything_but_blanks() {
        let text = "It's 12th, [Telefon 2]! Große-Straße 3a [sic]";
        let pieces: Vec<&str> = tokens(text).iter().map(|token| &text[token.start..token.end]).collect();
        assert_eq!(
            pieces,
            ["It's", "12", "th", ",", "[Telefon 2]", "!", "Große", "-", "Straße", "3", "a", "[", "sic", "]"]
        );
    }
}
