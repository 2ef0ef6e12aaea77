//! What one utterance lets the next one mean.

use super::*;

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
fn what_is_forgotten_starts_anew() {
    let mut redactor = Redactor::new(Lang::De, false);
    redactor.utterance(Channel::Customer, "Telefon 0301234567, Kundennummer?");
    redactor.forget();
    assert_eq!(redactor.utterance(Channel::Customer, "zwei").text, "zwei");
    assert_eq!(redactor.utterance(Channel::Customer, "0409876543").text, "[Telefon]", "no number 2");
}
