//! Recognised text to comparable words, with offsets into the original kept.
//!
//! Lower case; `ä` and `ae` alike; apostrophes gone; fillers and stutters dropped; clipped, dialectal and misheard
//! forms replaced by their common spelling; numbers, questions, sentence and clause borders and quotation marks noted.
//! Linear in the length of the text, for any text.

mod clauses;
mod fold;
mod number;
mod reader;

pub use self::fold::fold;

use rustc_hash::FxHashMap;

use self::clauses::ClauseRole;
use super::word_map::WordMap;

/// How one spelling is to be read.
#[derive(Debug, Clone, Default)]
struct Word {
    /// The common form, one or more words; empty if the spelling is the common form.
    replacement: Vec<String>,
    filler: bool,
    particle: bool,
    negator: bool,
    /// Written in capitals by everybody.
    abbreviation: bool,
    clause: ClauseRole,
}

/// The spellings of one language: clipped and regional forms, fillers, particles and negators.
#[derive(Debug, Clone, Default)]
pub struct Spelling {
    words: WordMap<Word>,
    /// Words that begin a clause, by the first of them.
    openers: FxHashMap<String, Vec<Vec<String>>>,
}

impl Spelling {
    /// Reads `spelling` as `common`, one or more words.
    pub fn add_variant(&mut self, spelling: &str, common: &str) {
        self.word(spelling).replacement = common.split_whitespace().map(fold).collect();
    }

    /// A sound that means nothing and is dropped ("ähm").
    pub fn add_filler(&mut self, word: &str) {
        self.word(word).filler = true;
    }

    /// A word that patterns skip unless they name it ("halt", "eben", "doch").
    pub fn add_particle(&mut self, word: &str) {
        self.word(word).particle = true;
    }

    /// A word that denies what stands near it ("nicht", "kein").
    pub fn add_negator(&mut self, word: &str) {
        self.word(word).negator = true;
    }

    /// A word that is written in capitals by everybody ("IBAN").
    pub fn add_abbreviation(&mut self, word: &str) {
        self.word(word).abbreviation = true;
    }

    /// A word that begins a clause if a verb of [`Self::add_clause_verb`] follows ("ich", "das").
    pub fn add_clause_subject(&mut self, word: &str) {
        self.word(word).clause.subject = true;
    }

    pub fn add_clause_verb(&mut self, word: &str) {
        self.word(word).clause.verb = true;
    }

    /// A word behind which no clause begins ("dass", "und").
    pub fn add_clause_binder(&mut self, word: &str) {
        self.word(word).clause.binds = true;
    }

    /// Words that begin a clause ("vielen dank").
    pub fn add_clause_opener(&mut self, words: &str) {
        let words: Vec<String> = words.split_whitespace().flat_map(|word| self.common(word)).collect();
        if let Some((first, rest)) = words.split_first() {
            self.openers.entry(first.clone()).or_default().push(rest.to_vec());
        }
    }

    fn word(&mut self, word: &str) -> &mut Word {
        self.words.get_or_insert_with(&fold(word), Word::default)
    }

    /// The common form of a word as patterns write it.
    pub fn common(&self, word: &str) -> Vec<String> {
        let folded = fold(word);
        match self.words.get(&folded) {
            Some(known) if !known.replacement.is_empty() => known.replacement.clone(),
            _ => vec![folded],
        }
    }

    /// Whether patterns skip this word unless they name it.
    pub fn is_particle(&self, word: &str) -> bool {
        self.words.get(word).is_some_and(|word| word.particle)
    }

    /// Comparable words of a text.
    pub fn normalize(&self, text: &str) -> Normalized {
        reader::read(self, text)
    }
}

/// One comparable word and where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Bytes of the comparable word in [`Normalized::padded`].
    pub from: u32,
    pub to: u32,
    /// Unicode scalar values of the original text.
    pub start: u32,
    pub end: u32,
    /// Bytes of the original text.
    pub start_byte: u32,
    pub end_byte: u32,
    /// Number of the sentence, from 0.
    pub sentence: u32,
    /// A comma, colon or dash stood before it.
    pub after_comma: bool,
    /// A colon stood before it.
    pub after_colon: bool,
    /// Inside quotation marks.
    pub quoted: bool,
    pub particle: bool,
    pub negator: bool,
    pub number: bool,
    /// Digits with a full stop ("3. Mal").
    pub ordinal: bool,
    /// Written with a capital letter.
    pub capital: bool,
    /// Written in capitals throughout, to shout it.
    pub caps: bool,
    /// In a text without punctuation: probably the first word of a clause.
    pub opens_clause: bool,
}

/// A text as comparable words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Normalized {
    /// The words with a blank before, between and after them.
    pub padded: String,
    pub tokens: Vec<Token>,
    /// Whether each sentence ended with a question mark.
    pub questions: Vec<bool>,
    /// Whether each sentence ended with two or more exclamation marks.
    pub bangs: Vec<bool>,
    /// Long and without any mark between its words: where its sentences end is not known.
    pub unpunctuated: bool,
}

impl Normalized {
    /// The comparable words, separated by single blanks.
    pub fn text(&self) -> &str {
        self.padded.trim()
    }

    /// The comparable word at `index`.
    pub fn word(&self, index: usize) -> &str {
        self.word_of(&self.tokens[index])
    }

    fn word_of(&self, token: &Token) -> &str {
        &self.padded[token.from as usize..token.to as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling() -> Spelling {
        let mut spelling = Spelling::default();
        spelling.add_variant("nich", "nicht");
        spelling.add_variant("gehts", "geht es");
        spelling.add_filler("ähm");
        spelling
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(spelling().normalize(text).text(), expected, "{text}");
    }

    #[test]
    fn spellings_of_one_word_become_one() {
        check("Ähm, das GEHT'S nich, gell?", "das geht es nicht gell");
        check("Müßte – muesste; Mu\u{308}sste", "muesste");
        check("Neiiin! Sooo nicht", "nein so nicht");
        check("das das ist, ich hab ich hab Zeit", "das ist ich hab zeit");
    }

    #[test]
    fn offsets_point_into_the_original() {
        let text = "„Größe“ 🙂 – zählt";
        let normalized = spelling().normalize(text);
        let chars: Vec<char> = text.chars().collect();
        let seen: Vec<String> = normalized
            .tokens
            .iter()
            .map(|token| chars[token.start as usize..token.end as usize].iter().collect())
            .collect();
        assert_eq!(seen, ["Größe", "zählt"]);
        assert_eq!(&text[normalized.tokens[1].start_byte as usize..normalized.tokens[1].end_byte as usize], "zählt");
        assert!(normalized.tokens[0].quoted && !normalized.tokens[1].quoted);
    }

    #[test]
    fn sentences_and_numbers() {
        let normalized = spelling().normalize("Zum 3. Mal um 14.30 Uhr? Dr. Maier wartet zweiunddreißig Tage.");
        assert_eq!(normalized.questions, [true, false]);
        let numbers: Vec<&str> =
            (0..normalized.tokens.len()).filter(|&i| normalized.tokens[i].number).map(|i| normalized.word(i)).collect();
        assert_eq!(numbers, ["3", "14", "30", "zweiunddreissig"]);
        assert!(normalized.tokens[1].ordinal);
    }

    #[test]
    fn any_text_has_an_answer() {
        for text in ["", "…", "\u{308}", "\"", "مرحبا بالعالم", "🙂🙂", "\u{1}\u{1}a", &"ah ".repeat(40_000)]
        {
            let normalized = spelling().normalize(text);
            for token in &normalized.tokens {
                assert!(text.get(token.start_byte as usize..token.end_byte as usize).is_some());
            }
        }
    }
}
