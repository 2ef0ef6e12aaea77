//! Letters to comparable ones.

/// Stands for "and more of the same letter" while a word is being folded.
const DRAWN_OUT: char = '\u{1}';

/// Lower case, without apostrophes, `ä` as `ae`, `ß` as `ss`, other accents dropped, drawn-out letters shortened.
pub fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len() + 4);
    for c in word.chars() {
        fold_char(c, &mut folded);
    }
    end_word(&mut folded);
    folded
}

/// Appends a letter to the comparable word that is being read; [`end_word`] ends it.
pub(super) fn fold_char(c: char, into: &mut String) {
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

/// Takes the marks of drawn-out letters out of a word that is complete.
pub(super) fn end_word(word: &mut String) {
    if word.as_bytes().contains(&(DRAWN_OUT as u8)) {
        word.retain(|c| c != DRAWN_OUT);
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
