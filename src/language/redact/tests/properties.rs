//! What holds for any text, however its digits are said.

use proptest::prelude::*;

use super::super::check::luhn;
use super::*;

/// The ways in which a digit string is written or said.
fn rendered(digits: &str, way: usize, german: bool) -> String {
    let word = |digit: u8| number::digit_word(german, digit - b'0');
    let bytes = digits.as_bytes();
    let spoken = |joint: &str| bytes.iter().map(|digit| word(*digit)).collect::<Vec<_>>().join(joint);
    let groups = |size: usize, joint: &str| {
        let groups: Vec<&str> = bytes.chunks(size).filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
        groups.join(joint)
    };
    match way % 10 {
        0 => digits.to_owned(),
        1 => groups(4, " "),
        2 => groups(4, "-"),
        3 => groups(2, " "),
        4 => groups(1, " "),
        5 => spoken(" "),
        6 => spoken(", "),
        7 => bytes
            .chunks(4)
            .map(|group| group.iter().map(|digit| word(*digit)).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join(", "),
        8 => bytes
            .chunks(3)
            .map(|group| group.iter().map(|digit| word(*digit)).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join(" äh "),
        _ => {
            // Doubles and figures in between, as people and recognisers mix them.
            let mut words: Vec<String> = Vec::new();
            let mut at = 0;
            while at < bytes.len() {
                if bytes.get(at + 1) == Some(&bytes[at]) {
                    words.push(format!("{} {}", if german { "doppel" } else { "double" }, word(bytes[at])));
                    at += 2;
                } else {
                    words.push(if at % 3 == 0 {
                        char::from(bytes[at]).to_string()
                    } else {
                        word(bytes[at]).to_owned()
                    });
                    at += 1;
                }
            }
            words.join(" ")
        }
    }
}

/// Whether digits, written or said, are left.
fn digits_left(lang: Lang, text: &str) -> usize {
    let tokens = token::tokens(text);
    let digits = piece::pieces(text, &tokens, lang).into_iter().map(|piece| match piece.what {
        piece::What::Number { digits, .. } => digits.len(),
        piece::What::Quantity | piece::What::Date { .. } => 4,
        piece::What::Other => 0,
    });
    digits.sum()
}

fn card(digits: &[u8]) -> String {
    let mut card: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
    let check = (0..10).find(|digit| luhn(&format!("{card}{digit}"))).unwrap();
    card.push_str(&check.to_string());
    card
}

/// The German account number with these eighteen digits.
fn iban(digits: &[u8]) -> String {
    let tail: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
    (0..97).map(|check| format!("DE{check:02}{tail}")).find(|iban| check::is_iban(iban)).unwrap()
}

fn around() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("", ""),
        ("also ", " genau"),
        ("Ja, ", "."),
        ("Die Nummer ist ", ", haben Sie das?"),
        ("it's ", " thank you"),
        ("Seit drei Wochen warte ich, ", " und niemand ruft an!"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_card_is_left(digits in prop::collection::vec(0_u8..10, 12..=18), way in 0_usize..10, german: bool, (before, after) in around()) {
        let lang = if german { Lang::De } else { Lang::En };
        let out = redact(lang, &format!("{before}{}{after}", rendered(&card(&digits), way, german)));
        prop_assert!(digits_left(lang, &out.replace("drei Wochen", "")) < 3, "{out}");
    }

    #[test]
    fn no_iban_is_left(digits in prop::collection::vec(0_u8..10, 18), way in 0_usize..10, spell in 0_usize..4, german: bool, (before, after) in around()) {
        let lang = if german { Lang::De } else { Lang::En };
        let iban = iban(&digits);
        let country = ["DE ", "D E ", "D wie Dora E wie Emil ", "de "][spell];
        let out = redact(lang, &format!("{before}{country}{}{after}", rendered(&iban[2..], way, german)));
        prop_assert!(out.contains("[IBAN"), "{out}");
        prop_assert!(digits_left(lang, &out.replace("drei Wochen", "")) < 3, "{out}");
    }

    #[test]
    fn no_phone_number_is_left(digits in prop::collection::vec(0_u8..10, 6..=11), way in 0_usize..10, german: bool, (before, after) in around()) {
        let lang = if german { Lang::De } else { Lang::En };
        let number: String = std::iter::once('0').chain(digits.iter().map(|digit| char::from(b'0' + digit))).collect();
        let out = redact(lang, &format!("{before}{}{after}", rendered(&number, way, german)));
        prop_assert!(digits_left(lang, &out.replace("drei Wochen", "")) < 3, "{out}");
    }

    #[test]
    fn an_answer_in_pieces_is_not_left(digits in prop::collection::vec(0_u8..10, 6..=14), cuts in prop::collection::vec(1_usize..5, 1..8), way in prop::sample::select(vec![0_usize, 4, 5, 6]), german: bool) {
        let lang = if german { Lang::De } else { Lang::En };
        let mut redactor = Redactor::new(lang, false);
        redactor.utterance(Channel::Agent, if german { "Wie ist Ihre Telefonnummer?" } else { "What is your phone number?" });
        let digits: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let mut rest = digits.as_str();
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            let out = redactor.utterance(Channel::Customer, &rendered(piece, way, german)).text;
            prop_assert!(digits_left(lang, &out) == 0, "{out}");
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }

    #[test]
    fn any_text_is_redacted_once_and_for_all(text in "([0-9]{1,6}|[ ,./@+-]| null | eins | zwölf | hundert | und | wie |DE[0-9]{2}| D | at | punkt | de | geboren | März | dritten | Kundennummer | ist | Straße | Telefon |ä| Köln | K | E |\\[Telefon\\]|\\[IBAN\\? 2\\]){0,30}", german: bool) {
        let lang = if german { Lang::De } else { Lang::En };
        let once = redact(lang, &text);
        prop_assert_eq!(redact(lang, &once), once);
    }

    #[test]
    fn parts_fit_both_texts(text in "([0-9]{1,6}|[ ,.@+-]| null | eins |DE[0-9]{2}| at | punkt | de | geboren | März |🙂|ä| Keller | Frau | Gasse | mein Name ist ){0,25}", names: bool) {
        let mut redactor = Redactor::new(Lang::De, names);
        redactor.know_name("Frau Keller");
        let redacted = redactor.utterance(Channel::Customer, &text);
        let chars: Vec<char> = redacted.text.chars().collect();
        let (mut rebuilt, mut from, mut to) = (String::new(), 0, 0);
        for part in &redacted.parts {
            prop_assert!(part.from.start >= from && part.to.start >= to && part.from.end <= text.len());
            let marker: String = chars[part.to.clone()].iter().collect();
            prop_assert!(marker.starts_with('[') && marker.ends_with(']'), "{}", marker);
            let kept: String = chars[to..part.to.start].iter().collect();
            prop_assert_eq!(&kept, &text[from..part.from.start], "what is between is as it was");
            rebuilt.push_str(&kept);
            rebuilt.push_str(&text[part.from.clone()]);
            (from, to) = (part.from.end, part.to.end);
        }
        rebuilt.extend(&chars[to..]);
        prop_assert_eq!(rebuilt, text);
    }

    #[test]
    fn nothing_panics(texts in prop::collection::vec("\\PC{0,60}", 1..5), german: bool, names: bool) {
        let mut redactor = Redactor::new(if german { Lang::De } else { Lang::En }, names);
        for text in texts {
            redactor.utterance(Channel::Customer, &text);
            redactor.aside(&text);
        }
    }
}

/// Twice the text takes about twice the steps: bounded windows, no search from the start. Seconds would be a timing;
/// this only has to end before the test runner gives up, which quadratic work on these would not.
#[test]
fn long_texts_are_read_in_one_go() {
    for unit in [
        "null eins sieben ",
        "Kundennummer ",
        "e-mail a punkt ",
        "D E 8 9 ",
        "K wie ",
        "Am Markt ",
        "at ",
        "12.",
        "[",
        "0",
    ] {
        let text = unit.repeat(100_000 / unit.len());
        for lang in [Lang::De, Lang::En] {
            let mut redactor = Redactor::new(lang, true);
            redactor.utterance(Channel::Customer, &text);
        }
    }
}
