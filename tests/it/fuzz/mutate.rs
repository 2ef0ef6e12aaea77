//! Changes inputs a little, the same way for the same seed.

/// Values at which readers go wrong.
const NUMBERS: [&str; 22] = [
    "0",
    "-1",
    "1",
    "7",
    "127",
    "128",
    "255",
    "256",
    "32767",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "1e999",
    "-0.0",
    "0.1",
];

/// Pieces of text at which readers go wrong.
const PIECES: [&str; 26] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "ß",
    "İ",
    "ﬁ",
    "👩‍👩‍👧",
    "e\u{301}",
    "\\ud800",
    "\\u0000",
    "=",
    "\r\n",
    "\t",
    "'",
    "…",
    "\u{10ffff}",
];

pub struct Mutator {
    state: u64,
    words: &'static [&'static str],
}

impl Mutator {
    pub fn new(seed: u64, words: &'static [&'static str]) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, words }
    }

    /// One of the inputs, changed in one to eight places, at most `longest` bytes long.
    pub fn mutate(&mut self, inputs: &[Vec<u8>], longest: usize) -> Vec<u8> {
        let mut bytes = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut bytes, inputs);
        }
        bytes.truncate(longest);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let until = (at + self.below(17)).min(bytes.len());
        match self.below(14) {
            0 => bytes.insert(at, self.byte()),
            1 => drop(bytes.drain(at..until)),
            2 => {
                let byte = self.byte();
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
            3 => {
                let bit = 1 << self.below(8);
                if let Some(old) = bytes.get_mut(at) {
                    *old ^= bit;
                }
            }
            4 => {
                let copy = bytes[at..until].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            5 => {
                let times = 1 << self.below(10);
                let copy = bytes[at..until].repeat(times);
                bytes.splice(at..at, copy);
            }
            6 | 7 if !self.words.is_empty() => {
                let word = self.words[self.below(self.words.len())];
                bytes.splice(at..at, word.bytes());
            }
            8 => {
                let number = NUMBERS[self.below(NUMBERS.len())];
                // Where a number stands already, if there is one close by.
                let at = (at..(at + 64).min(bytes.len())).find(|at| bytes[*at].is_ascii_digit()).unwrap_or(at);
                let end = (at..bytes.len()).find(|at| !bytes[*at].is_ascii_digit()).unwrap_or(bytes.len());
                bytes.splice(at..end, number.bytes());
            }
            9 => {
                let piece = PIECES[self.below(PIECES.len())];
                bytes.splice(at..at, piece.bytes());
            }
            10 => bytes.truncate(at),
            11 => {
                let other = &inputs[self.below(inputs.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            12 => {
                // Four bytes of a length, at their limits.
                let values = [0_u32, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
                let value = values[self.below(values.len())].to_le_bytes();
                for (old, new) in bytes[at..].iter_mut().zip(value) {
                    *old = new;
                }
            }
            _ => {
                // Two lines, or two fields, change places.
                let mark = if self.below(2) == 0 { b'\n' } else { b',' };
                let mut parts: Vec<Vec<u8>> = bytes.split(|byte| *byte == mark).map(<[u8]>::to_vec).collect();
                let (a, b) = (self.below(parts.len()), self.below(parts.len()));
                parts.swap(a, b);
                *bytes = parts.join(&mark);
            }
        }
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }

    /// xorshift64* (Vigna 2016): enough for this, and the same everywhere.
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}
