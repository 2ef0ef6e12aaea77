use proptest::prelude::*;

use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(redact(text), expected);
    assert_eq!(redact(expected), expected, "redacting twice");
}

fn unchanged(text: &str) {
    check(text, text);
}

#[test]
fn cards() {
    check("Meine Karte ist 4111 1111 1111 1111, bitte.", "Meine Karte ist [Karte], bitte.");
    check("5500-0000-0000-0004", "[Karte]");
    check("378282246310005 ist die Nummer", "[Karte] ist die Nummer");
    check("Vier eins eins eins, eins eins eins eins, eins eins eins eins, eins eins eins eins.", "[Karte].");
    check("four one one one one one one one one one one one one one one one", "[Karte]");
    check("4111 1111 1111 1112", "[Nummer]");
}

#[test]
fn ibans() {
    check("Die IBAN ist DE89 3704 0044 0532 0130 00 ist das richtig?", "Die IBAN ist [IBAN] ist das richtig?");
    check("de89370400440532013000", "[IBAN]");
    check("It is GB82 WEST 1234 5698 7654 32.", "It is [IBAN].");
    check(
        "D E acht neun drei sieben null vier null null vier vier null fünf drei zwei null eins drei null null null",
        "[IBAN]",
    );
    check("DE88 3704 0044 0532 0130 00", "DE[Nummer]");
}

#[test]
fn emails() {
    check("Schreiben Sie an max.muster@web.de bitte.", "Schreiben Sie an [E-Mail] bitte.");
    check("Also max punkt muster at web punkt de, danke.", "Also [E-Mail], danke.");
    check("It's jane underscore doe at example dot com.", "It's [E-Mail].");
    check("Gut. anna at gmx.de", "Gut. [E-Mail]");
    unchanged("I was at home when the parcel arrived.");
    unchanged("Das ist der Punkt.");
}

#[test]
fn phone_numbers() {
    check("Rufen Sie mich unter 0171 2345678 an.", "Rufen Sie mich unter [Telefon] an.");
    check("+49 (30) 123 456-78", "[Telefon]");
    check("null eins sieben zwei, dreiundvierzig, einundzwanzig, fünf sechs", "[Telefon]");
    check("My phone is five five five twenty one forty two.", "My phone is [Telefon].");
    check("My number is oh seven seven double zero nine oh one", "My number is oh [Nummer]");
    check("Sie erreichen mich auf dem Handy 1715554433.", "Sie erreichen mich auf dem Handy [Telefon].");
}

#[test]
fn long_numbers() {
    check("Meine Kundennummer ist 4 7 1 1 0 8 1 5.", "Meine Kundennummer ist [Nummer].");
    check("Kundennummer eins zwei drei vier", "Kundennummer [Nummer]");
    check("Vertragsnummer 0815 4711", "Vertragsnummer [Nummer]");
    check("Die PIN lautet 4321", "Die PIN lautet [Nummer]");
    check("Es ist die sieben, drei, äh, neun, null, zwei, eins.", "Es ist die [Nummer].");
    check("Auftrag K-1234567 fehlt", "Auftrag K-[Nummer] fehlt");
    check("my customer number is one two three four five six", "my customer number is [Nummer]");
    check("Aktenzeichen 12.345.6789", "Aktenzeichen [Nummer]");
}

#[test]
fn birth_dates() {
    check("Ich bin am 3. April 1961 in Ulm geboren.", "Ich bin am [Geburtsdatum] in Ulm geboren.");
    unchanged("Am 3. April war niemand da, und am 12.03.2024 auch nicht.");
    check("Geboren am 12.03.1980 in Köln.", "Geboren am [Geburtsdatum] in Köln.");
    check("Mein Geburtsdatum ist der dritte März neunzehnhundertachtzig.", "Mein Geburtsdatum ist der [Geburtsdatum].");
    check("geboren am dritten dritten achtzig", "geboren am [Geburtsdatum]");
    check("I was born on March 3rd, 1980.", "I was born on [Geburtsdatum].");
    check("date of birth 1980-03-12", "date of birth [Geburtsdatum]");
}

#[test]
fn what_the_call_is_about_stays() {
    for text in [
        "Ich warte seit zwei Wochen.",
        "Das kostet 49 Euro und 90 Cent.",
        "Gekündigt zum ersten März.",
        "Der Filter 2.000 ist leer.",
        "Sie haben mir 1.234,56 Euro abgebucht.",
        "Das Auto hat 125000 Kilometer.",
        "Am 12.03.2024 um 14:30 Uhr war niemand da.",
        "Seit dem 2024-03-12 nichts.",
        "Das war 2019, 2020 und 2021.",
        "Drei, vier Tage, höchstens fünf.",
        "Es fehlen 3, 4 oder 5 Teile.",
        "10, 20, 30 Mal habe ich angerufen.",
        "Zwischen zwanzig und dreißig Minuten.",
        "Zum dritten Mal in zwei Monaten.",
        "I have been waiting for twenty five minutes.",
        "It costs 1,234.50 dollars.",
        "Hausnummer 12, dritter Stock.",
        "",
        "Äh. Hm.",
    ] {
        unchanged(text);
    }
}

#[test]
fn several_in_one_line() {
    check(
        "Karte 4111111111111111, Mail a@b.de, Telefon 0301234567, seit drei Wochen.",
        "Karte [Karte], Mail [E-Mail], Telefon [Telefon], seit drei Wochen.",
    );
}

/// Digit groups joined by single blanks or hyphens, as card numbers are written.
fn card_like_remains(text: &str) -> bool {
    let groups = pattern(r"\d(?:[ -]?\d){12,}");
    groups.find_iter(text).any(|found| {
        let digits: Vec<u8> = found.as_str().bytes().filter(u8::is_ascii_digit).collect();
        (13..=19).any(|length| digits.windows(length).any(|w| luhn(&String::from_utf8_lossy(w))))
    })
}

proptest! {
    #[test]
    fn no_card_survives(
        before in "[a-zA-Zäöü ,.]{0,20}",
        digits in prop::collection::vec(0_u8..10, 12..=18),
        breaks in prop::collection::vec(0_usize..4, 19),
        joint in "[ -]",
        after in "[a-zA-Zäöü ,.]{0,20}",
    ) {
        let mut card: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let check_digit = (0..10).find(|digit| luhn(&format!("{card}{digit}"))).unwrap();
        card.push_str(&check_digit.to_string());
        let mut written = String::new();
        for (index, digit) in card.chars().enumerate() {
            if index > 0 && breaks[index] == 0 {
                written.push_str(&joint);
            }
            written.push(digit);
        }
        let out = redact(&format!("{before} {written} {after}"));
        prop_assert!(!out.contains(&written) && !card_like_remains(&out), "{}", out);
    }

    #[test]
    fn spoken_digits_go_too(digits in prop::collection::vec(0_usize..10, 5..25), german in any::<bool>()) {
        let words = if german { digits::UNITS[0] } else { digits::UNITS[1] };
        let spoken: Vec<_> = digits.iter().map(|digit| words[*digit]).collect();
        let out = redact(&format!("also {} genau", spoken.join(" ")));
        prop_assert!(out.starts_with("also [") && out.ends_with("] genau"), "{}", out);
    }

    #[test]
    fn any_text_is_redacted_once_and_for_all(text in "([0-9]{1,6}|[ ,./@+-]|null|eins|DE[0-9]{2}|at|punkt|de|geboren|März|ä){0,30}") {
        let once = redact(&text);
        prop_assert_eq!(redact(&once), once);
    }

    #[test]
    fn nothing_panics(text in "\\PC{0,60}") {
        redact(&text);
    }
}
