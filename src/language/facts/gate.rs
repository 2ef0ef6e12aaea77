//! One pass over an utterance that says which facts it can hold at all, so that the patterns of the others are not
//! tried. A gate may let a text through that holds nothing; it never stops one that holds a fact.

use crate::language::beginnings::Pieces;

/// Stems by the bits they set; a bit is one kind of evidence.
pub struct Gate {
    stems: Pieces<u32>,
    /// The bit whose hits are counted in [`Seen::numbers`].
    counted: u32,
}

/// What a text holds.
#[derive(Clone, Copy)]
pub struct Seen {
    bits: u32,
    /// Digits and words for digits.
    pub numbers: u32,
    pub digits: u32,
}

impl Gate {
    /// `stems` are lists of words and parts of words, each with its bit, in lower case; `_` stands for a space.
    pub fn new(stems: &[(u32, &str)], counted: u32) -> Self {
        let mut listed: Vec<(String, u32)> = Vec::new();
        for (bit, stems) in stems {
            for stem in stems.split_whitespace() {
                let stem = stem.replace('_', " ");
                // Only ASCII letters are matched in either case.
                let upper: String = stem.chars().map(|c| if c.is_ascii() { c } else { upper(c) }).collect();
                for form in [Some(stem.clone()), (upper != stem).then_some(upper)].into_iter().flatten() {
                    match listed.iter_mut().find(|(known, _)| *known == form) {
                        Some((_, bits)) => *bits |= bit,
                        None => listed.push((form, *bit)),
                    }
                }
            }
        }
        let mut stems = Pieces::default();
        listed.iter().for_each(|(stem, bits)| stems.add(stem.to_ascii_lowercase().as_bytes(), *bits));
        Self { stems, counted }
    }

    pub fn look(&self, text: &str) -> Seen {
        let digits = text.bytes().filter(u8::is_ascii_digit).count() as u32;
        let mut seen = Seen { bits: 0, numbers: digits, digits };
        self.stems.find(text.to_ascii_lowercase().as_bytes(), |_, bits| {
            seen.bits |= bits;
            seen.numbers += u32::from(bits & self.counted != 0);
        });
        seen
    }
}

impl Seen {
    /// Whether the text holds evidence of each of these kinds.
    pub fn all(self, bits: u32) -> bool {
        self.bits & bits == bits
    }

    /// Whether the text holds evidence of one of these kinds.
    pub fn any(self, bits: u32) -> bool {
        self.bits & bits != 0
    }

    /// Lets everything through.
    #[cfg(test)]
    pub fn everything() -> Self {
        Self { bits: u32::MAX, numbers: u32::MAX, digits: u32::MAX }
    }
}

/// The capital of a letter, if it is one letter.
fn upper(c: char) -> char {
    let mut capitals = c.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None) => capital,
        _ => c,
    }
}

/// Whether letters may be spelled: four single capitals, or one with a word of `like` behind it ("B wie Berta").
pub fn may_spell(text: &str, like: &[&str]) -> bool {
    let mut before = ' ';
    let mut singles = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let alone = c.is_uppercase()
            && !before.is_alphanumeric()
            && chars.peek().is_none_or(|(_, next)| !next.is_alphanumeric());
        if alone {
            singles += 1;
            let rest = text[at + c.len_utf8()..].trim_start();
            if singles == 4 || like.iter().any(|word| rest.starts_with(word)) {
                return true;
            }
        }
        before = c;
    }
    false
}
