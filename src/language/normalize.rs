//! Recognised text to comparable words, with offsets into the original kept.
//!
//! Lower case; `ä` and `ae` alike; apostrophes gone; fillers and stutters dropped; clipped, dialectal and misheard
//! forms replaced by their common spelling; numbers, questions, sentence and clause borders and quotation marks noted.
//! Linear in the length of the text, for any text.

use rustc_hash::FxHashMap;

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

/// What a word does at the border of two clauses.
#[derive(Debug, Clone, Copy, Default)]
struct ClauseRole {
    /// Begins a clause if a finite verb follows.
    subject: bool,
    verb: bool,
    /// No clause begins right behind it.
    binds: bool,
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
        let mut reader = Reader::new(self, text.len());
        reader.read(text);
        reader.finish()
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
        let token = &self.tokens[index];
        &self.padded[token.from as usize..token.to as usize]
    }
}

/// Lower case, without apostrophes, `ä` as `ae`, `ß` as `ss`, other accents dropped, drawn-out letters shortened.
pub fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len() + 4);
    for c in word.chars() {
        fold_char(c, &mut folded);
    }
    folded.retain(|c| c != DRAWN_OUT);
    folded
}

fn fold_char(c: char, into: &mut String) {
    match c {
        'a'..='z' | '0'..='9' => push_short(c, into),
        'A'..='Z' => push_short(c.to_ascii_lowercase(), into),
        'ä' | 'Ä' => into.push_str("ae"),
        'ö' | 'Ö' => into.push_str("oe"),
        'ü' | 'Ü' => into.push_str("ue"),
        'ß' | 'ẞ' => into.push_str("ss"),
        // A decomposed umlaut: the letter has been pushed already.
        '\u{308}' => into.push('e'),
        'á' | 'à' | 'â' | 'å' | 'ã' | 'Á' | 'À' | 'Â' | 'Å' | 'Ã' => push_short('a', into),
        'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' | 'Ê' | 'Ë' => push_short('e', into),
        'í' | 'ì' | 'î' | 'ï' | 'Í' | 'Ì' | 'Î' | 'Ï' => push_short('i', into),
        'ó' | 'ò' | 'ô' | 'õ' | 'Ó' | 'Ò' | 'Ô' | 'Õ' => push_short('o', into),
        'ú' | 'ù' | 'û' | 'Ú' | 'Ù' | 'Û' => push_short('u', into),
        'ç' | 'Ç' => push_short('c', into),
        'ñ' | 'Ñ' => push_short('n', into),
        _ if c.is_alphanumeric() => into.extend(c.to_lowercase()),
        _ => {}
    }
}

/// Pushes a letter unless it is the third of its kind in a row, which is drawl ("neiiin"); the run then becomes one letter.
fn push_short(c: char, into: &mut String) {
    let bytes = into.as_bytes();
    let doubled = bytes.len() >= 2 && bytes[bytes.len() - 1] == c as u8 && bytes[bytes.len() - 2] == c as u8;
    if doubled && c.is_ascii_alphabetic() {
        into.pop();
        into.push(DRAWN_OUT);
    } else if bytes.last() == Some(&(DRAWN_OUT as u8)) {
        if bytes.len() >= 2 && bytes[bytes.len() - 2] == c as u8 {
            return;
        }
        into.pop();
        into.push(c);
    } else {
        into.push(c);
    }
}

/// Stands for "and more of the same letter" while a word is being folded.
const DRAWN_OUT: char = '\u{1}';

/// The value class "number": digits, or a German or English number word.
fn is_number(word: &str) -> bool {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let mut rest = word;
    let mut parts = 0;
    while let Some(&first) = rest.as_bytes().first() {
        match number_parts(first).iter().find_map(|part| rest.strip_prefix(part)) {
            Some(after) => rest = after,
            None => return false,
        }
        parts += 1;
    }
    parts > 0 && !NOT_A_NUMBER_ALONE.contains(&word)
}

/// What number words are made of, by their first letter; longest first where one begins another, so that the greedy
/// split is right.
fn number_parts(first: u8) -> &'static [&'static str] {
    match first {
        b'a' => &["achtzig", "acht"],
        b'd' => &["dreissig", "drei"],
        b'e' => &["eins", "elf", "ein", "eighty", "eighteen", "eleven", "eight"],
        b'f' => &["fuenfzig", "fuenf", "forty", "fifty", "fourteen", "fifteen", "four", "five"],
        b'h' => &["hundert", "hundred"],
        b'n' => &["neunzig", "neun", "ninety", "nineteen", "nine"],
        b'o' => &["one"],
        b's' => &[
            "sechzig",
            "siebzig",
            "sieben",
            "sechs",
            "sech",
            "sieb",
            "sixty",
            "seventy",
            "sixteen",
            "seventeen",
            "seven",
            "six",
        ],
        b't' => &["tausend", "twenty", "thirty", "thousand", "thirteen", "twelve", "three", "two", "ten"],
        b'u' => &["und"],
        b'v' => &["vierzig", "vier"],
        b'z' => &["zwanzig", "zwoelf", "zehn", "zwei", "zwo"],
        _ => &[],
    }
}

const NOT_A_NUMBER_ALONE: &[&str] = &["ein", "und", "sech", "sieb", "einund", "one"];

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

/// Words from which a text without punctuation may hold more than one clause.
const UNPUNCTUATED_WORDS_MIN: usize = 6;
/// Fewest words of a clause, and fewest words behind its border.
const CLAUSE_WORDS_MIN: usize = 3;

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
        if word.as_bytes().contains(&(DRAWN_OUT as u8)) {
            word.retain(|c| c != DRAWN_OUT);
        }
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
        self.out.tokens.last().is_some_and(|last| {
            last.sentence == self.sentence
                && &self.out.padded[last.from as usize..last.to as usize] == word
                && !last.number
        })
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
        if !self.punctuated && self.out.tokens.len() >= UNPUNCTUATED_WORDS_MIN {
            self.out.unpunctuated = true;
            self.open_clauses();
        }
        self.out
    }

    /// Marks where clauses probably begin; the border reads like a comma.
    fn open_clauses(&mut self) {
        let count = self.out.tokens.len();
        let mut from = 0;
        for index in 1..count {
            if index - from >= CLAUSE_WORDS_MIN && count - index >= CLAUSE_WORDS_MIN && self.opens_clause(index) {
                let token = &mut self.out.tokens[index];
                token.opens_clause = true;
                token.after_comma = true;
                from = index;
            }
        }
    }

    fn opens_clause(&self, index: usize) -> bool {
        let role =
            |index: usize| self.spelling.words.get(self.out.word(index)).map_or_else(ClauseRole::default, |w| w.clause);
        if role(index - 1).binds {
            return false;
        }
        let opener = |rest: &Vec<String>| {
            rest.len() < self.out.tokens.len() - index
                && rest.iter().enumerate().all(|(at, word)| self.out.word(index + 1 + at) == word)
        };
        role(index).subject && role(index + 1).verb
            || self.spelling.openers.get(self.out.word(index)).is_some_and(|rests| rests.iter().any(opener))
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
