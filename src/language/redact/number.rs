//! Number words of German and English, as recognisers write them.

/// Units, teens and tens; index 0 German, 1 English. German accepts the spellings without umlauts as well.
const UNITS: [[&str; 10]; 2] = [
    ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
];
const TEENS: [[&str; 10]; 2] = [
    ["zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"],
    ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"],
];
const TENS: [[&str; 8]; 2] = [
    ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"],
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
];

/// The digit a word says: "null", "zwo", "oh".
pub fn unit(word: &str) -> Option<u32> {
    let found = |table: &[&str; 10]| table.iter().position(|entry| *entry == word);
    match word {
        "zwo" => Some(2),
        "fuenf" => Some(5),
        "nought" | "nil" => Some(0),
        _ => found(&UNITS[0]).or_else(|| found(&UNITS[1])).and_then(|at| u32::try_from(at).ok()),
    }
}

/// "zwanzig", "twenty".
pub fn tens(word: &str) -> Option<u32> {
    let word = if word == "dreissig" {
        "dreißig"
    } else if word == "fuenfzig" {
        "fünfzig"
    } else {
        word
    };
    let at = TENS.iter().find_map(|table| table.iter().position(|entry| *entry == word))?;
    u32::try_from(at + 2).ok().map(|tens| tens * 10)
}

fn teen(word: &str) -> Option<u32> {
    let word = if word == "zwoelf" {
        "zwölf"
    } else if word == "fuenfzehn" {
        "fünfzehn"
    } else {
        word
    };
    let at = TEENS.iter().find_map(|table| table.iter().position(|entry| *entry == word))?;
    u32::try_from(at + 10).ok()
}

/// The value of one word, 0 to 999 999: "drei", "dreiundvierzig", "neunzehnhundertachtzig", "twelve".
pub fn value(word: &str) -> Option<u32> {
    // The longest number word of these languages below a million has some sixty letters.
    if word.len() > 80 {
        return None;
    }
    if let Some((head, tail)) = word.split_once("tausend") {
        let thousands = if head.is_empty() { 1 } else { below_thousand(head)? };
        let rest = if tail.is_empty() { 0 } else { below_thousand(tail.strip_prefix("und").unwrap_or(tail))? };
        return Some(thousands * 1000 + rest);
    }
    if let Some((head, tail)) = word.split_once("hundert") {
        let hundreds = match head {
            "" | "ein" => 1,
            head => below_hundred(head).filter(|hundreds| *hundreds < 20)?,
        };
        let rest = if tail.is_empty() { 0 } else { below_hundred(tail.strip_prefix("und").unwrap_or(tail))? };
        return Some(hundreds * 100 + rest);
    }
    below_hundred(word)
}

fn below_thousand(word: &str) -> Option<u32> {
    if word == "ein" {
        return Some(1);
    }
    value(word).filter(|value| *value < 1000)
}

fn below_hundred(word: &str) -> Option<u32> {
    if let Some(value) = unit(word).or_else(|| teen(word)).or_else(|| tens(word)) {
        return Some(value);
    }
    // "und" may stand in "hundert" and "tausend" alone, which are split off before.
    let (ones, rest) = word.split_once("und")?;
    let ones = if ones == "ein" { 1 } else { unit(ones).filter(|ones| *ones > 0)? };
    Some(tens(rest)? + ones)
}

/// The value of an ordinal: "dritten", "einundzwanzigste", "third", "twenty-first" (its last word).
pub fn ordinal(word: &str) -> Option<u32> {
    let english = match word {
        "first" => Some(1),
        "second" => Some(2),
        "third" => Some(3),
        "fifth" => Some(5),
        "eighth" => Some(8),
        "ninth" => Some(9),
        "twelfth" => Some(12),
        "twentieth" => Some(20),
        "thirtieth" => Some(30),
        _ => word.strip_suffix("th").and_then(|stem| unit(stem).or_else(|| teen(stem))),
    };
    if english.is_some() {
        return english;
    }
    let stem = ["er", "en", "es", "em", "e"].iter().find_map(|ending| word.strip_suffix(ending))?;
    match stem {
        "erst" => Some(1),
        "dritt" => Some(3),
        "siebt" | "siebent" => Some(7),
        "acht" => Some(8),
        _ => {
            let cardinal = stem.strip_suffix("st").and_then(below_hundred).filter(|value| *value >= 20);
            cardinal.or_else(|| stem.strip_suffix('t').and_then(below_hundred).filter(|value| *value < 20))
        }
    }
    .filter(|value| (1..=31).contains(value))
}

/// The month of a name, 1 to 12.
pub fn month(word: &str) -> Option<u32> {
    const NAMES: [&[&str]; 12] = [
        &["januar", "jänner", "january", "jan"],
        &["februar", "feber", "february", "feb"],
        &["märz", "maerz", "march"],
        &["april", "apr"],
        &["mai", "may"],
        &["juni", "juno", "june"],
        &["juli", "july"],
        &["august", "aug"],
        &["september", "sept"],
        &["oktober", "october"],
        &["november", "nov"],
        &["dezember", "december", "dez", "dec"],
    ];
    NAMES.iter().position(|names| names.contains(&word)).and_then(|at| u32::try_from(at + 1).ok())
}

/// Digits said one by one, as the tests speak them.
#[cfg(test)]
pub fn digit_word(german: bool, digit: u8) -> &'static str {
    UNITS[usize::from(!german)][usize::from(digit)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_their_values() {
        for (word, expected) in [
            ("null", 0),
            ("dreiundvierzig", 43),
            ("einundzwanzig", 21),
            ("hundertdreiundzwanzig", 123),
            ("neunzehnhundertachtzig", 1980),
            ("zweitausendvierundzwanzig", 2024),
            ("zwölftausenddreihundertfünfundvierzig", 12_345),
            ("tausend", 1000),
            ("twelve", 12),
        ] {
            assert_eq!(value(word), Some(expected), "{word}");
        }
        for word in ["und", "hund", "hundertmal", "einen", "dreimal", "undzwanzig", "", "drittausend"] {
            assert_eq!(value(word), None, "{word}");
        }
    }

    #[test]
    fn ordinals_have_their_values() {
        for (word, expected) in [
            ("ersten", 1),
            ("dritter", 3),
            ("achten", 8),
            ("zwölfte", 12),
            ("einundzwanzigsten", 21),
            ("third", 3),
            ("fourteenth", 14),
        ] {
            assert_eq!(ordinal(word), Some(expected), "{word}");
        }
        for word in ["hunderte", "weiter", "rest", "zweiundvierzigste", "with", "müsste"] {
            assert_eq!(ordinal(word), None, "{word}");
        }
    }
}
