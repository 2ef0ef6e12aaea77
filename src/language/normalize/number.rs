//! Number words.

/// Whether a comparable word is of the value class "number": digits, or a German or English number word.
pub(super) fn is_number(word: &str) -> bool {
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
