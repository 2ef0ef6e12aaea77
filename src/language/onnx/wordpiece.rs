//! Text to the numbers a BERT-like model reads: words and marks apart, then the longest known pieces (WordPiece, as in
//! Devlin et al., "BERT", 2019). Read from a `vocab.txt`, one piece a line, its number being the line's.

use std::collections::HashMap;

/// Longer words are unknown, as in the original.
const WORD_CHARS_MAX: usize = 100;

/// What is wrong with a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    #[error(
        "it has no piece {0}; this reads WordPiece vocabularies (`vocab.txt`), not SentencePiece or byte-pair files"
    )]
    Missing(&'static str),
}

/// Pieces and how words are cut into them.
#[derive(Debug, Clone)]
pub struct WordPiece {
    pieces: HashMap<String, i64>,
    lowercase: bool,
    unknown: i64,
    begin: i64,
    end: i64,
    pub padding: i64,
    /// Number of the last piece.
    pub last: i64,
}

impl WordPiece {
    /// `lowercase`: the model was trained on lower case without accents ("uncased").
    pub fn new(vocabulary: &str, lowercase: bool) -> Result<Self, VocabularyError> {
        let pieces: HashMap<String, i64> = vocabulary
            .lines()
            .enumerate()
            .map(|(number, piece)| (piece.trim_end().to_owned(), number as i64))
            .collect();
        let of = |piece: &'static str| pieces.get(piece).copied().ok_or(VocabularyError::Missing(piece));
        let (unknown, begin, end, padding) = (of("[UNK]")?, of("[CLS]")?, of("[SEP]")?, of("[PAD]")?);
        let last = vocabulary.lines().count() as i64 - 1;
        Ok(Self { pieces, lowercase, unknown, begin, end, padding, last })
    }

    /// The pieces of a text with those that begin and end it, at most `most` (2 or more); what is beyond is left out.
    pub fn encode(&self, text: &str, most: usize) -> Vec<i64> {
        let room = most.max(2) - 1;
        let mut out = vec![self.begin];
        for word in words(text, self.lowercase) {
            if out.len() >= room {
                break;
            }
            self.cut(&word, &mut out);
        }
        out.truncate(room);
        out.push(self.end);
        out
    }

    fn cut(&self, word: &str, out: &mut Vec<i64>) {
        let before = out.len();
        let mut rest = word;
        let mut tried = String::new();
        if word.chars().count() > WORD_CHARS_MAX {
            out.push(self.unknown);
            return;
        }
        while !rest.is_empty() {
            let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
            let found = ends.into_iter().find_map(|end| {
                tried.clear();
                if rest.len() < word.len() {
                    tried.push_str("##");
                }
                tried.push_str(&rest[..end]);
                self.pieces.get(&tried).map(|piece| (end, *piece))
            });
            let Some((end, piece)) = found else {
                out.truncate(before);
                out.push(self.unknown);
                return;
            };
            out.push(piece);
            rest = &rest[end..];
        }
    }
}

/// Words and single marks.
fn words(text: &str, lowercase: bool) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut flush = |word: &mut String| {
        if !word.is_empty() {
            out.push(std::mem::take(word));
        }
    };
    for c in text.chars().filter(|c| !c.is_control() || c.is_whitespace()) {
        if c.is_whitespace() {
            flush(&mut word);
        } else if is_mark(c) {
            flush(&mut word);
            word.push(c);
            flush(&mut word);
        } else if lowercase {
            c.to_lowercase().filter_map(bare).for_each(|c| word.push(c));
        } else {
            word.push(c);
        }
    }
    flush(&mut word);
    out
}

/// ASCII signs are marks, letters and digits of any script are not, and neither are accents that stand apart.
fn is_mark(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_punctuation() } else { !c.is_alphanumeric() && !is_accent(c) }
}

fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// A small letter without its accent, as uncased models were trained; `None` for an accent that stands apart.
fn bare(c: char) -> Option<char> {
    Some(match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        _ if is_accent(c) => return None,
        _ => c,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOCABULARY: &str =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##moeg\n##lich\n##lich\nruckruf\n,\n!\nich\n##er\nRück\n##ruf\n";

    fn pieces(lowercase: bool, text: &str) -> Vec<i64> {
        WordPiece::new(VOCABULARY, lowercase).unwrap().encode(text, 12)
    }

    #[test]
    fn the_longest_pieces_are_taken_and_marks_stand_alone() {
        assert_eq!(pieces(true, "Ich, unmoeglich!"), [2, 11, 9, 4, 5, 7, 10, 3]);
        assert_eq!(pieces(true, "Rückruf"), [2, 8, 3]);
        assert_eq!(pieces(true, "Ru\u{308}ckruf"), [2, 8, 3]);
        assert_eq!(pieces(false, "Rückruf"), [2, 13, 14, 3]);
    }

    #[test]
    fn what_cannot_be_cut_is_unknown_as_a_whole() {
        assert_eq!(pieces(true, "ich unx ich"), [2, 11, 1, 11, 3]);
        assert_eq!(pieces(true, &"ich".repeat(60)), [2, 1, 3]);
        assert_eq!(pieces(true, ""), [2, 3]);
        assert_eq!(pieces(true, "👍"), [2, 1, 3]);
    }

    #[test]
    fn long_texts_are_cut_and_still_end() {
        let ids = pieces(true, &"ich ".repeat(100));
        assert_eq!((ids.len(), ids[0], ids[11]), (12, 2, 3));
        assert_eq!(WordPiece::new(VOCABULARY, true).unwrap().encode("ich ich", 2), [2, 3]);
    }

    #[test]
    fn other_vocabularies_are_refused() {
        assert_eq!(WordPiece::new("<s>\n</s>\n", true).unwrap_err(), VocabularyError::Missing("[UNK]"));
    }
}
