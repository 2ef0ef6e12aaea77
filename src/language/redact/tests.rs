use proptest::prelude::*;

use super::check::luhn;
use super::*;

fn de(text: &str, expected: &str) {
    assert_eq!(redact(Lang::De, text), expected);
    assert_eq!(redact(Lang::De, expected), expected, "redacting twice");
}

fn en(text: &str, expected: &str) {
    assert_eq!(redact(Lang::En, text), expected);
    assert_eq!(redact(Lang::En, expected), expected, "redacting twice");
}

/// A conversation, lines of the agent marked "A: ", and what becomes of it.
fn talk(redactor: &mut Redactor, lines: &[(&str, &str)]) {
    for (said, expected) in lines {
        let (channel, said) =
            said.strip_prefix("A: ").map_or((Channel::Customer, *said), |said| (Channel::Agent, said));
        let expected = expected.strip_prefix("A: ").unwrap_or(expected);
        assert_eq!(redactor.utterance(channel, said).text, expected, "{said}");
    }
}

#[test]
fn cards() {
    de("Meine Karte ist 4111 1111 1111 1111, bitte.", "Meine Karte ist [Karte], bitte.");
    de("5500-0000-0000-0004", "[Karte]");
    de("378282246310005 ist die Nummer", "[Karte] ist die Nummer");
    de("Vier eins eins eins, eins eins eins eins, eins eins eins eins, eins eins eins eins.", "[Karte].");
    de("einundvierzig elf elf elf elf elf elf elf", "[Karte]");
    en("four one one one one one one one one one one one one one one one", "[Card]");
    en("forty one, eleven, eleven, eleven, eleven, eleven, eleven, eleven", "[Card]");
    de("4111 1111 1111 1112", "[Nummer]");
    de("Meine Kreditkarte 4111 1111 1111 1112", "Meine Kreditkarte [Karte?]");
}

#[test]
fn whoever_dictates_is_interrupted() {
    de("Meine Karte ist 4111 ähm 1111 Moment 1111 und dann 1111.", "Meine Karte ist [Karte].");
    de("Die Kundennummer ist vier, sieben, drei mal die sieben.", "Die Kundennummer ist [Nummer].");
    de("Die Kundennummer ist fünf zwei, dreimal die vier, sechs.", "Die Kundennummer ist [Nummer].");
    de("Die Kundennummer ist doppelnull siebenundsiebzig.", "Die Kundennummer ist [Nummer].");
    en("It's R F dash double four nine one.", "It's [Number].");
    de("Ich habe drei bestellt, also vier, ja, fünf Stück.", "Ich habe drei bestellt, also vier, ja, fünf Stück.");
    de("Das macht 100, nein, 150.", "Das macht 100, nein, 150.");
}

#[test]
fn a_number_told_before_and_after_a_breath() {
    let mut redactor = Redactor::new(Lang::De, false);
    talk(
        &mut redactor,
        &[
            ("Meine Kundennummer, vier neun eins sieben...", "Meine Kundennummer, [Nummer]..."),
            ("Zwei drei acht, null eins.", "[Nummer]."),
        ],
    );
    let mut redactor = Redactor::new(Lang::De, false);
    talk(
        &mut redactor,
        &[
            ("Das ist die vier neun eins", "Das ist die vier neun eins"),
            ("Sieben zwei drei", "[Nummer]"),
            ("acht null.", "[Nummer]."),
        ],
    );
    let mut redactor = Redactor::new(Lang::De, false);
    talk(
        &mut redactor,
        &[
            ("Ich warte seit zwei, drei Wochen.", "Ich warte seit zwei, drei Wochen."),
            ("Drei, vier Mal.", "Drei, vier Mal."),
        ],
    );
}

#[test]
fn an_answer_of_hours_is_no_street() {
    let mut redactor = Redactor::new(Lang::De, false);
    talk(
        &mut redactor,
        &[
            ("A: Wohin soll der Techniker kommen?", "A: Wohin soll der Techniker kommen?"),
            (
                "Zwischen acht und zwölf Uhr sollte er kommen, der Techniker ist nicht gekommen.",
                "Zwischen acht und zwölf Uhr sollte er kommen, der Techniker ist nicht gekommen.",
            ),
            ("Vormittags 8 bis 12, hieß es.", "Vormittags 8 bis 12, hieß es."),
            ("Birkenhain 7.", "[Adresse]."),
        ],
    );
}

#[test]
fn ibans() {
    de("Die IBAN ist DE89 3704 0044 0532 0130 00 ist das richtig?", "Die IBAN ist [IBAN] ist das richtig?");
    de("de89370400440532013000", "[IBAN]");
    en("It is GB82 WEST 1234 5698 7654 32.", "It is [IBAN].");
    de(
        "D E acht neun drei sieben null vier null null vier vier null fünf drei zwei null eins drei null null null",
        "[IBAN]",
    );
    de("Dora? Nein, D wie Dora E wie Emil 89 3704 0044 0532 0130 00.", "Dora? Nein, [IBAN].");
    de(
        "DE neunundachtzig siebenunddreißig null vier null null vierundvierzig null fünf zweiunddreißig null eins dreißig null null",
        "[IBAN]",
    );
    de("DE88 3704 0044 0532 0130 00", "[IBAN?]");
    de("Die IBAN lautet 88 3704 0044 0532 0130 00", "Die IBAN lautet [IBAN?]");
    de("Die IBAN lautet 89 3704 0044 0532 0130 00", "Die IBAN lautet [IBAN]");
}

#[test]
fn emails() {
    de("Schreiben Sie an max.muster@web.de bitte.", "Schreiben Sie an [E-Mail] bitte.");
    de("Also max punkt muster at web punkt de, danke.", "Also [E-Mail], danke.");
    de("m u s t e r zwei ät gmx punkt d e", "[E-Mail]");
    de("Meine E-Mail ist anna minus lena klammeraffe posteo Punkt de.", "Meine E-Mail ist [E-Mail].");
    de("Gut. anna at gmx.de", "Gut. [E-Mail]");
    en("It's jane underscore doe at example dot com.", "It's [Email].");
    en("john dot smith nineteen eighty at gmail", "[Email]");
    en("I was at home when the parcel arrived.", "I was at home when the parcel arrived.");
    de("Das ist der Punkt.", "Das ist der Punkt.");
    de("Auf www Punkt telekom Punkt de steht es anders.", "Auf www Punkt telekom Punkt de steht es anders.");
}

#[test]
fn phone_numbers() {
    de("Rufen Sie mich unter 0171 2345678 an.", "Rufen Sie mich unter [Telefon] an.");
    de("+49 (30) 123 456-78", "[Telefon]");
    let mut redactor = Redactor::new(Lang::De, false);
    talk(
        &mut redactor,
        &[
            ("A: Wie ist Ihre IBAN?", "A: Wie ist Ihre IBAN?"),
            ("Rufen Sie mich an unter null eins sieben zwo, acht drei drei.", "Rufen Sie mich an unter [Telefon]."),
        ],
    );
    de("null eins sieben zwei, dreiundvierzig, einundzwanzig, fünf sechs", "[Telefon]");
    de("plus neunundvierzig eins sieben eins doppel drei zweimal die vier fünf", "[Telefon]");
    de("Sie erreichen mich auf dem Handy 1715554433.", "Sie erreichen mich auf dem Handy [Telefon].");
    en("My phone is five five five twenty one forty two.", "My phone is [Phone].");
    en("My number is oh seven seven double zero nine oh one", "My number is [Number]");
    en("Call me on 555-123-4567.", "Call me on [Phone].");
}

#[test]
fn long_numbers() {
    de("Meine Kundennummer ist 4 7 1 1 0 8 1 5.", "Meine Kundennummer ist [Nummer].");
    de("Kundennummer eins zwei drei vier", "Kundennummer [Nummer]");
    de("Vertragsnummer 0815 4711", "Vertragsnummer [Nummer]");
    de("Die PIN lautet 4321", "Die PIN lautet [Nummer]");
    de("Es ist die sieben, drei, äh, neun, null, zwei, eins.", "Es ist die [Nummer].");
    de("Auftrag K-1234567 fehlt", "Auftrag [Nummer] fehlt");
    de("4711 ist meine Kundennummer.", "[Nummer] ist meine Kundennummer.");
    de("Vertragsnummer K wie Konrad 4711", "Vertragsnummer [Nummer]");
    de("Aktenzeichen 12.345.6789", "Aktenzeichen [Nummer]");
    en("my customer number is one two three four five six", "my customer number is [Number]");
    en("policy number AB-123456-C", "policy number [Number]");
}

#[test]
fn birth_dates() {
    de("Ich bin am 3. April 1961 in Ulm geboren.", "Ich bin am [Geburtsdatum] in Ulm geboren.");
    de("Geboren am 12.03.1980 in Köln.", "Geboren am [Geburtsdatum] in Köln.");
    de("Mein Geburtsdatum ist der dritte März neunzehnhundertachtzig.", "Mein Geburtsdatum ist der [Geburtsdatum].");
    de("geboren am dritten dritten achtzig", "geboren am [Geburtsdatum]");
    de("Zwölfter dritter einundsechzig.", "[Geburtsdatum].");
    en("I was born on March 3rd, 1980.", "I was born on [Date of birth].");
    en("date of birth 1980-03-12", "date of birth [Date of birth]");
    en("third of March nineteen eighty", "[Date of birth]");
    for date in ["Am 3. April war niemand da, und am 12.03.2024 auch nicht.", "Am 12.03.2005 habe ich unterschrieben."]
    {
        de(date, date);
    }
}

#[test]
fn addresses() {
    de("Ich wohne in der Bahnhofstraße 12 a, 50667 Köln.", "Ich wohne in der [Adresse].");
    de("Konrad-Adenauer-Ring sieben, fünf null sechs sechs sieben Köln", "[Adresse]");
    de("Bonner Str. 5", "[Adresse]");
    de("Die Adresse ist An der Alten Mühle 7.", "Die Adresse ist [Adresse].");
    de("Postleitzahl acht null drei drei eins", "Postleitzahl [Adresse]");
    en("It's flat 4, 12 Baker Street, London SW1A 1AA.", "It's [Address].");
    en("twenty one High Street", "[Address]");
    for text in
        ["Der Parkplatz 12 war besetzt.", "Auf dem Weg 3 Leute getroffen.", "Die Straße war zwei Tage gesperrt."]
    {
        de(text, text);
    }
}

#[test]
fn names_go_where_configured() {
    let mut redactor = Redactor::new(Lang::De, true);
    redactor.know_name("Frau Dr. Anna Keller");
    talk(
        &mut redactor,
        &[
            (
                "A: Guten Tag Frau Keller, mein Name ist Petra Lange.",
                "A: Guten Tag Frau [Name], mein Name ist [Name 2].",
            ),
            ("Keller mit Doppel-L, K E L L E R.", "[Name] mit Doppel-L, [Name]."),
            ("Mein Mann heißt Jonas Keller.", "Mein Mann heißt [Name]."),
            ("A: Danke, Frau Lange.", "A: Danke, Frau [Name 2]."),
        ],
    );
    let both = redactor.utterance(Channel::Agent, "Frau Keller, Ihre Kundennummer 4711 passt.");
    assert_eq!(both.text, "Frau [Name], Ihre Kundennummer [Nummer] passt.");
    assert_eq!(both.with_names, "Frau Keller, Ihre Kundennummer [Nummer] passt.");
    de("Mein Name ist Anna Keller.", "Mein Name ist Anna Keller.");
}

#[test]
fn a_number_dictated_in_pieces_is_one() {
    talk(
        &mut Redactor::new(Lang::De, false),
        &[
            ("A: Wie lautet bitte Ihre Kundennummer?", "A: Wie lautet bitte Ihre Kundennummer?"),
            ("Moment, das ist die vier sieben", "Moment, das ist die [Nummer]"),
            ("A: Ja.", "A: Ja."),
            ("eins eins null", "[Nummer]"),
            ("acht fünfzehn", "[Nummer]"),
            ("A: Vier sieben eins eins null, stimmt das?", "A: [Nummer], stimmt das?"),
            ("Und ich warte seit drei Wochen auf zwei Pakete.", "Und ich warte seit drei Wochen auf zwei Pakete."),
        ],
    );
}

#[test]
fn different_things_are_told_apart_and_the_same_is_the_same() {
    talk(
        &mut Redactor::new(Lang::De, false),
        &[
            ("Mein Handy ist 0171 2345678, Festnetz 030 9876543.", "Mein Handy ist [Telefon], Festnetz [Telefon 2]."),
            ("A: Also 030 9876543?", "A: Also [Telefon 2]?"),
            ("Oder null eins sieben eins zwei drei vier fünf sechs sieben acht.", "Oder [Telefon]."),
        ],
    );
}

#[test]
fn a_bare_answer_is_what_was_asked_for() {
    talk(
        &mut Redactor::new(Lang::En, false),
        &[
            ("A: Could I take your date of birth?", "A: Could I take your date of birth?"),
            ("Twelve three eighty.", "[Date of birth]."),
            ("A: And your phone number?", "A: And your phone number?"),
            ("Sure, it's five five", "Sure, it's [Phone]"),
            ("I have waited three weeks, you know.", "I have waited three weeks, you know."),
        ],
    );
}

#[test]
fn a_note_is_redacted_and_answers_nothing() {
    let mut redactor = Redactor::new(Lang::De, false);
    redactor.utterance(Channel::Agent, "Ihre Kundennummer?");
    assert_eq!(redactor.aside("Kunde rief 12 an"), "Kunde rief 12 an");
    assert_eq!(redactor.aside("Rückruf 0171 2345678"), "Rückruf [Telefon]");
    assert_eq!(redactor.utterance(Channel::Customer, "vier sieben").text, "[Nummer]");
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
        "Hausnummer 12, dritter Stock.",
        "Die Rechnung über 1200 Euro vom 3. Mai.",
        "Mein Vertrag läuft seit 2019.",
        "Die Fritzbox 7590 und das iPhone 15.",
        "",
        "Äh. Hm.",
    ] {
        de(text, text);
    }
    for text in
        ["I have been waiting for twenty five minutes.", "It costs 1,234.50 dollars.", "One of the two is broken."]
    {
        en(text, text);
    }
}

#[test]
fn several_in_one_line() {
    de(
        "Karte 4111111111111111, Mail a@b.de, Telefon 0301234567, seit drei Wochen.",
        "Karte [Karte], Mail [E-Mail], Telefon [Telefon], seit drei Wochen.",
    );
}

#[test]
fn what_is_forgotten_starts_anew() {
    let mut redactor = Redactor::new(Lang::De, false);
    redactor.utterance(Channel::Customer, "Telefon 0301234567, Kundennummer?");
    redactor.forget();
    assert_eq!(redactor.utterance(Channel::Customer, "zwei").text, "zwei");
    assert_eq!(redactor.utterance(Channel::Customer, "0409876543").text, "[Telefon]", "no number 2");
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
