//! Each kind of personal data in one utterance, and what only looks like it.

use super::*;

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
