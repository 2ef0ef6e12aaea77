//! The one pass over a text that makes comparable words of it.

use super::fold::{end_word, fold_char};
use super::number::is_number;
use super::{Normalized, Spelling, Token, Word, clauses};

/// Comparable words of `text`.
pub(super) fn read(spelling: &Spelling, text: &str) -> Normalized {
    let mut reader = Reader::new(spelling, text.len());
    reader.read(text);
    reader.finish()
}

/// Abbreviations whose full stop ends no sentence.
const ABBREVIATIONS: &[&str] =
    &["dr", "hr", "fr", "nr", "mr", "mrs", "ms", "prof", "bzw", "ca", "st", "tel", "str", "z", "b"];

/// English contractions that are other words without their apostrophe.
const CONTRACTIONS: &[(&str, [&str; 2])] = &[
    ("were", ["we", "are"]),
    ("well", ["we", "will"]),
    ("ill", ["i", "will"]),
    ("id", ["i", "would"]),
    ("hell", ["he", "will"]),
    ("shell", ["she", "will"]),
    ("wed", ["we", "would"]),
];

/// Letters from which a word in capitals is told from an abbreviation.
const SHOUTED_LETTERS_MIN: u32 = 4;

/// Letters of a text by case, and its words in capitals.
#[derive(Debug, Clone, Copy, Default)]
struct Capitals {
    words: u32,
    letters: u32,
    upper: u32,
    /// Words in capitals that are long enough and no known abbreviation.
    shouted: u32,
    exclaimed: bool,
}

impl Capitals {
    /// Whether capitals mean shouting here. Recognisers that write nothing but capitals write no exclamation marks.
    fn shout(self) -> bool {
        if self.upper == self.letters && !self.exclaimed {
            return false;
        }
        let most = self.words >= 3 && self.upper * 10 >= self.letters * 6 && self.shouted >= 1;
        self.shouted >= 2 || most
    }
}

struct Reader<'a> {
    spelling: &'a Spelling,
    out: Normalized,
    word: String,
    start: (u32, u32),
    end: (u32, u32),
    capital: bool,
    /// Letters and capital letters of the word being read.
    letters: u32,
    upper: u32,
    capitals: Capitals,
    apostrophe: bool,
    sentence: u32,
    comma: bool,
    colon: bool,
    /// Exclamation marks since the last word.
    bangs: u32,
    punctuated: bool,
    quote_from: Option<usize>,
}

impl<'a> Reader<'a> {
    fn new(spelling: &'a Spelling, bytes: usize) -> Self {
        let mut padded = String::with_capacity(bytes + 16);
        padded.push(' ');
        Self {
            spelling,
            out: Normalized { padded, tokens: Vec::with_capacity(bytes / 5 + 2), ..Normalized::default() },
            word: String::new(),
            start: (0, 0),
            end: (0, 0),
            capital: false,
            letters: 0,
            upper: 0,
            capitals: Capitals::default(),
            apostrophe: false,
            sentence: 0,
            comma: false,
            colon: false,
            bangs: 0,
            punctuated: false,
            quote_from: None,
        }
    }

    fn read(&mut self, text: &str) {
        let mut chars = text.char_indices().enumerate().peekable();
        while let Some((position, (byte, c))) = chars.next() {
            if c.is_alphanumeric() || c == '\u{308}' {
                if self.word.is_empty() {
                    self.start = (position as u32, byte as u32);
                    self.capital = c.is_uppercase();
                    self.apostrophe = false;
                    (self.letters, self.upper) = (0, 0);
                    self.bangs = 0;
                }
                self.letters += u32::from(!c.is_ascii_digit());
                self.upper += u32::from(c.is_uppercase());
                fold_char(c, &mut self.word);
                self.end = (position as u32 + 1, (byte + c.len_utf8()) as u32);
                continue;
            }
            let next = chars.peek().map(|&(_, (_, next))| next);
            match c {
                // "d'Zeitung" is two words; in "geht's" and "hab'" the apostrophe only hides a letter.
                '\'' | '’' if self.word == "d" && next.is_some_and(char::is_alphabetic) => self.flush(),
                '\'' | '’' => self.apostrophe = true,
                '`' | '´' | 'ʼ' | '\u{300}'..='\u{36f}' | '\u{ad}' => {}
                '.' | '!' | '?' | '…' | '\n' => self.stop(c, next),
                ',' | ';' | ':' | '–' | '—' => {
                    let inside_number = self.word.bytes().all(|b| b.is_ascii_digit())
                        && !self.word.is_empty()
                        && next.is_some_and(|next| next.is_ascii_digit());
                    self.flush();
                    if !inside_number {
                        self.punctuated = true;
                        self.comma = true;
                        self.colon = c == ':';
                    }
                }
                '"' | '„' | '“' | '”' | '«' | '»' => {
                    self.flush();
                    self.quotation_mark();
                }
                _ => self.flush(),
            }
        }
        self.flush();
    }

    /// A full stop or its like: the end of a sentence unless it belongs to a number or an abbreviation.
    fn stop(&mut self, c: char, next: Option<char>) {
        let digits = !self.word.is_empty() && self.word.bytes().all(|byte| byte.is_ascii_digit());
        let abbreviation = ABBREVIATIONS.contains(&self.word.as_str());
        let at_end = next.is_none();
        self.flush();
        if c == '.' && (abbreviation || (digits && !at_end)) {
            if let (true, Some(last)) = (digits, self.out.tokens.last_mut()) {
                last.ordinal = true;
            }
            return;
        }
        self.punctuated = true;
        if c == '!' {
            self.exclaim();
        }
        let said_something = self.out.tokens.last().is_some_and(|last| last.sentence == self.sentence);
        if said_something {
            self.out.questions.resize(self.sentence as usize + 1, false);
            self.out.questions[self.sentence as usize] = c == '?';
            self.sentence += 1;
        } else if c == '?'
            && let Some(last) = self.out.questions.last_mut()
        {
            *last = true;
        }
        self.comma = false;
        self.colon = false;
    }

    fn exclaim(&mut self) {
        self.capitals.exclaimed = true;
        self.bangs += 1;
        if self.bangs >= 2
            && let Some(last) = self.out.tokens.last()
        {
            self.out.bangs.resize(last.sentence as usize + 1, false);
            self.out.bangs[last.sentence as usize] = true;
        }
    }

    fn quotation_mark(&mut self) {
        match self.quote_from.take() {
            None => self.quote_from = Some(self.out.tokens.len()),
            Some(from) => self.out.tokens[from..].iter_mut().for_each(|token| token.quoted = true),
        }
    }

    /// Ends the word being read.
    fn flush(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let mut word = std::mem::take(&mut self.word);
        end_word(&mut word);
        let spelling = self.spelling;
        let contraction = CONTRACTIONS.iter().find(|(short, _)| self.apostrophe && *short == word);
        if let Some((_, long)) = contraction {
            long.iter().for_each(|part| self.push(part, spelling.words.get(part)));
            return;
        }
        if word == "s" && self.capital {
            // "Ham S' des": the polite address of the south; a small "'s" is "es".
            word.push_str("ie");
        }
        let known = spelling.words.get(word.as_str());
        self.count_capitals(known.is_some_and(|known| known.abbreviation));
        match known {
            Some(known) if known.filler => {}
            Some(known) if !known.replacement.is_empty() => {
                for part in &known.replacement {
                    let part_known = spelling.words.get(part.as_str());
                    self.push(part, part_known);
                }
            }
            known => self.push(&word, known),
        }
        word.clear();
        self.word = word;
    }

    fn count_capitals(&mut self, abbreviation: bool) {
        let shouted = self.is_upper() && self.letters >= SHOUTED_LETTERS_MIN && !abbreviation;
        self.capitals.words += 1;
        self.capitals.letters += self.letters;
        self.capitals.upper += self.upper;
        self.capitals.shouted += u32::from(shouted);
    }

    /// Whether the word being read is written in capitals throughout.
    fn is_upper(&self) -> bool {
        self.letters >= 2 && self.upper == self.letters
    }

    fn push(&mut self, word: &str, known: Option<&Word>) {
        if self.repeats(word) {
            return;
        }
        let from = self.out.padded.len() as u32;
        self.out.padded.push_str(word);
        let to = self.out.padded.len() as u32;
        self.out.padded.push(' ');
        self.out.tokens.push(Token {
            from,
            to,
            start: self.start.0,
            end: self.end.0,
            start_byte: self.start.1,
            end_byte: self.end.1,
            sentence: self.sentence,
            after_comma: self.comma,
            after_colon: self.colon,
            quoted: false,
            particle: known.is_some_and(|known| known.particle),
            negator: known.is_some_and(|known| known.negator),
            number: is_number(word),
            ordinal: false,
            capital: self.capital,
            caps: self.is_upper() && !known.is_some_and(|known| known.abbreviation),
            opens_clause: false,
        });
        self.comma = false;
        self.colon = false;
        self.drop_stutter();
    }

    /// Whether the word only repeats the one before ("das das").
    fn repeats(&self, word: &str) -> bool {
        let last = self.out.tokens.last();
        last.is_some_and(|last| last.sentence == self.sentence && self.out.word_of(last) == word && !last.number)
    }

    /// Drops the last two words if they only repeat the two before ("ich hab ich hab").
    fn drop_stutter(&mut self) {
        let count = self.out.tokens.len();
        if count < 4 || self.out.tokens[count - 4].sentence != self.sentence {
            return;
        }
        let same = |a: usize, b: usize| self.out.word(a) == self.out.word(b) && !self.out.tokens[a].number;
        if same(count - 4, count - 2) && same(count - 3, count - 1) {
            self.out.padded.truncate(self.out.tokens[count - 2].from as usize);
            self.out.tokens.truncate(count - 2);
        }
    }

    fn finish(mut self) -> Normalized {
        let sentences = self.out.tokens.last().map_or(0, |last| last.sentence as usize + 1);
        self.out.questions.resize(sentences, false);
        self.out.bangs.resize(sentences, false);
        if !self.capitals.shout() {
            self.out.tokens.iter_mut().for_each(|token| token.caps = false);
        }
        if !self.punctuated {
            clauses::open(self.spelling, &mut self.out);
        }
        self.out
    }
}
