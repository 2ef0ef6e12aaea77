use super::*;

/// The value of a slot in a text, the last one said.
fn slot(lang: Lang, text: &str, name: &str) -> Option<String> {
    let all = facts(lang, text);
    all.iter().rev().flat_map(|fact| &fact.slots).find(|(slot, _)| *slot == name).map(|(_, value)| value.clone())
}

fn check(lang: Lang, cases: &[(&str, &str, Option<&str>)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(text, name, expected)| {
            let got = slot(lang, text, name);
            (got.as_deref() != *expected).then(|| format!("{text}: {name} is {got:?}, expected {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn german_facts_stand_in_a_sentence_as_they_are() {
    check(
        Lang::De,
        &[
            ("Mein Router geht seit zwei Wochen nicht.", "what", Some("Ihr Router")),
            ("Mein Router geht seit zwei Wochen nicht.", "problem", Some("Ihr Router nicht geht")),
            ("Mein Router geht seit zwei Wochen nicht.", "since", Some("seit zwei Wochen")),
            ("Mein Router geht seit zwei Wochen nicht.", "since_long", Some("seit zwei Wochen")),
            (
                "Seit gestern ist meine Waschmaschine schon wieder kaputt.",
                "problem",
                Some("Ihre Waschmaschine schon wieder kaputt ist"),
            ),
            ("Seit gestern ist meine Waschmaschine schon wieder kaputt.", "since", Some("seit gestern")),
            ("Seit gestern ist meine Waschmaschine schon wieder kaputt.", "since_long", None),
            ("Meine Lieferung ist immer noch nicht da!", "problem", Some("Ihre Lieferung immer noch nicht da ist")),
            (
                "Ich rufe an, weil meine Bestellung immer noch nicht angekommen ist.",
                "problem",
                Some("Ihre Bestellung immer noch nicht angekommen ist"),
            ),
            (
                "Ich warte seit drei Wochen auf meinen Kühlschrank.",
                "problem",
                Some("Sie noch auf Ihren Kühlschrank warten"),
            ),
            ("Ich warte seit drei Wochen auf meinen Kühlschrank.", "what_dat", Some("Ihrem Kühlschrank")),
            ("Der Techniker ist wieder nicht gekommen.", "problem", Some("der Techniker wieder nicht gekommen ist")),
            ("Wir haben seit Tagen kein Internet.", "problem", Some("Sie kein Internet haben")),
            ("Wir haben seit Tagen kein Internet.", "since", Some("seit Tagen")),
            ("Sie haben mir neunundvierzig Euro zu viel abgebucht.", "problem", Some("Ihnen zu viel abgebucht wurde")),
            ("Sie haben mir neunundvierzig Euro zu viel abgebucht.", "amount", Some("neunundvierzig Euro")),
            ("Das kostet neunundvierzig Euro neunzig im Monat.", "amount", Some("neunundvierzig Euro neunzig")),
            ("Es geht um 49,90 €.", "amount", Some("49,90 €")),
            ("Bei mir hat sich niemand gemeldet.", "problem", Some("sich niemand gemeldet hat")),
            ("Niemand hat mich zurückgerufen.", "problem", Some("niemand zurückgerufen hat")),
            ("Ich rufe jetzt zum dritten Mal an.", "nth_contact", Some("zum dritten Mal")),
            ("Das ist jetzt schon mein vierter Anruf.", "nth_contact", Some("zum vierten Mal")),
            ("Der Akku ist zum zweiten Mal kaputt.", "nth", Some("zum zweiten Mal")),
            ("Der Akku ist zum zweiten Mal kaputt.", "nth_contact", None),
            ("Ich habe schon dreimal angerufen.", "times_contact", Some("dreimal")),
            ("Ich habe bereits mehrmals bei Ihnen nachgefragt.", "times_contact", Some("mehrmals")),
            ("Ich hänge seit zwanzig Minuten in der Warteschleife.", "wait", Some("zwanzig Minuten")),
            ("Seit sechs Stunden kein Strom und keiner geht ans Telefon!", "wait", None),
            ("Seit sechs Stunden kein Strom und keiner geht ans Telefon!", "since", Some("seit sechs Stunden")),
            ("Ich warte hier schon eine halbe Stunde.", "wait", Some("eine halbe Stunde")),
            ("Ich warte jetzt einen Monat.", "since", Some("seit einem Monat")),
            ("Mein Name ist Sabine Keller.", "surname", Some("Keller")),
            ("Guten Morgen, Petersen mein Name.", "surname", Some("Petersen")),
            ("Keller am Apparat.", "surname", Some("Keller")),
            ("Moin, Petersen hier, ich wollte nachfragen.", "surname", Some("Petersen")),
            ("Guten Tag, Sabine Keller hier.", "surname", Some("Keller")),
            ("Der Router hier, der geht nicht.", "surname", None),
            ("Guten Tag, Wiebke Harms, ich wollte etwas fragen.", "surname", Some("Harms")),
            ("Ja guten Tag, Sieglinde Pohl, es geht um die Truhe.", "surname", Some("Pohl")),
            ("Hallo, Meine Rechnung, die stimmt nicht.", "surname", None),
            ("Guten Tag Frau Seidel, ich habe eine Frage.", "surname", None),
            ("Guten Tag, Frau Seidel, ich habe eine Frage.", "surname", None),
            ("Guten Tag Pia Lammert, ich habe eine Frage.", "surname", None),
            ("Guten Tag, Zählerstand durchgeben.", "surname", None),
            ("Ich hänge seit einer Stunde in der Leitung!", "what_dat", None),
            ("Verbinden Sie mich mit der Leitung.", "what_dat", None),
            ("Die Leitung ist schon wieder gestört.", "what_dat", Some("der Leitung")),
            ("Meine Leitung ist viel zu langsam.", "what_dat", Some("Ihrer Leitung")),
            ("Guten Tag, hier spricht Frau Keller.", "name", Some("Frau Keller")),
            ("Wo bleiben meine Schuhe?", "what_dat", Some("Ihren Schuhen")),
        ],
    );
}

#[test]
fn what_only_looks_like_a_german_fact_is_none() {
    check(
        Lang::De,
        &[
            ("Ich bin seit zehn Jahren Kunde bei Ihnen.", "since", None),
            ("Wir wohnen seit drei Jahren hier.", "since", None),
            ("Mein Router ist nicht kaputt, ich habe nur eine Frage.", "problem", None),
            ("Ist meine Lieferung schon weg?", "problem", None),
            ("Das geht den Router nichts an.", "problem", None),
            ("Mein Mann hat gestern angerufen.", "what", None),
            ("Das ist mein voller Ernst.", "what", None),
            ("Wo bleiben meine Schuhe?", "what", None),
            ("Ich rufe zum hundertsten Mal an.", "nth", None),
            ("Das kostet keinen Euro.", "amount", None),
            ("Meine Freundin heißt Anna Keller.", "surname", None),
        ],
    );
}

#[test]
fn english_facts_stand_in_a_sentence_as_they_are() {
    check(
        Lang::En,
        &[
            ("My router hasn't been working for two weeks.", "what", Some("your router")),
            ("My router hasn't been working for two weeks.", "since_long", Some("for two weeks")),
            ("My delivery still hasn't arrived.", "problem", Some("your delivery still hasn't arrived")),
            ("My delivery still hasn’t arrived.", "problem", Some("your delivery still hasn't arrived")),
            ("I've been on the line for an hour.", "what", None),
            ("The line is dead again.", "what", Some("the line")),
            ("The washing machine is broken again.", "problem", Some("the washing machine is broken again")),
            ("I was charged twice.", "problem", Some("you were charged twice")),
            ("I've been waiting three weeks for my refund.", "problem", Some("you're still waiting for your refund")),
            ("I've been waiting three weeks for my refund.", "since", Some("for three weeks")),
            ("I've been on hold for twenty minutes.", "wait", Some("twenty minutes")),
            ("Nobody called me back.", "problem", Some("nobody got back to you")),
            ("I'm calling for the third time.", "nth_contact", Some("for the third time")),
            ("This is my third call about this.", "nth_contact", Some("for the third time")),
            ("I've called you three times already.", "times_contact", Some("three times")),
            ("You took forty-nine pounds.", "amount", Some("forty-nine pounds")),
            ("It has been down since yesterday.", "since", Some("since yesterday")),
            ("My name is Sarah Miller.", "surname", Some("Miller")),
            ("This is Mrs Miller.", "name", Some("Mrs Miller")),
            ("I've been a customer for ten years.", "since", None),
            ("Is my delivery late?", "problem", None),
            ("My router is not broken.", "problem", None),
        ],
    );
}

#[test]
fn numbers_dates_letters_and_addresses_are_seen() {
    let kinds = |lang, text: &str| facts(lang, text).iter().map(|fact| fact.kind).collect::<Vec<_>>();
    assert!(kinds(Lang::De, "Meine Nummer ist vier sieben eins eins null acht.").contains(&FactKind::Number));
    assert!(kinds(Lang::De, "Die IBAN ist DE12 5001 0517 0648 4898 90.").contains(&FactKind::Number));
    assert!(kinds(Lang::De, "K wie Kaufmann, E wie Emil").contains(&FactKind::Spelled));
    assert!(kinds(Lang::De, "Am dritten März bitte.").contains(&FactKind::Date));
    assert!(kinds(Lang::De, "keller@example.org").contains(&FactKind::Email));
    assert!(kinds(Lang::En, "It's four seven one one double eight.").contains(&FactKind::Number));
    assert!(kinds(Lang::En, "M for Mike, K for kilo").contains(&FactKind::Spelled));
    assert!(kinds(Lang::En, "the third of March").contains(&FactKind::Date));
    assert!(!kinds(Lang::De, "Ich habe zwei oder drei Fragen.").contains(&FactKind::Number));
}

#[test]
fn offsets_count_characters() {
    for (lang, text) in
        [(Lang::De, "Für Äpfel? Ähm, mein Kühlschrank ist kaputt."), (Lang::En, "It’s – well – my router is broken.")]
    {
        let all = facts(lang, text);
        assert!(!all.is_empty());
        for fact in all {
            let said: String = text.chars().skip(fact.start).take(fact.end - fact.start).collect();
            assert_eq!(said, fact.text);
        }
    }
}

#[test]
fn gates_stop_no_fact() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/models/");
    let (mut facts_found, mut wrong) = (0, Vec::new());
    for (lang, file) in [
        (Lang::De, "lines/de_customer.jsonl"),
        (Lang::De, "lines/de_agent.jsonl"),
        (Lang::De, "dialogues/de_dev.jsonl"),
        (Lang::En, "lines/en_customer.jsonl"),
        (Lang::En, "lines/en_agent.jsonl"),
        (Lang::En, "dialogues/en_dev.jsonl"),
    ] {
        let lines = std::fs::read_to_string(format!("{folder}{file}")).unwrap();
        for text in lines.split("\"text\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            for text in [text.to_owned(), text.to_uppercase()] {
                let mut found = Vec::new();
                match lang {
                    Lang::De => de::find(&text, gate::Seen::everything(), &mut found),
                    Lang::En => en::find(&text, gate::Seen::everything(), &mut found),
                }
                let ungated = placed(&text, found);
                facts_found += ungated.len();
                if facts(lang, &text) != ungated {
                    wrong.push(text);
                }
            }
        }
    }
    assert!(facts_found > 1_000, "the lines hold only {facts_found} facts: this proves nothing");
    assert!(wrong.is_empty(), "{} texts lose facts: {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
}

#[test]
fn names_are_told_in_the_first_words() {
    check(
        Lang::De,
        &[
            ("Moin, Wiebke Harms. Ich hab letzten Freitag mein Rad abgegeben.", "surname", Some("Harms")),
            ("Moin, Feierabend. Ich hab es eilig.", "surname", None),
            ("Guten Tag, Herr Timm. Lieselotte Hagedorn, Kastanienweg sieben.", "surname", Some("Hagedorn")),
            ("Guten Morgen, Dennis. Franziska Lehnhardt, Leitung Einkauf.", "surname", Some("Lehnhardt")),
            ("Schulte-Beckhoff, guten Tag. Ich fahre jetzt weniger.", "surname", Some("Schulte-Beckhoff")),
            ("Guten Tag, Rechnung. Die stimmt nicht.", "surname", None),
            ("Hallo, Zählerstand durchgeben.", "surname", None),
            ("Moin, Moin.", "surname", None),
            ("Guten Tag, für das Orgelkonzert bitte.", "surname", None),
        ],
    );
    check(
        Lang::En,
        &[
            ("Hi, name's Duggan, I've got four seats.", "surname", Some("Duggan")),
            ("Good afternoon, Oliver. Margaret Ellison. I am calling about a payment.", "surname", Some("Ellison")),
            ("Hello, it's Moira Kelly.", "surname", Some("Kelly")),
            ("Hello, it's Friday and nobody came.", "surname", None),
            ("Morning. It's about the boiler.", "surname", None),
        ],
    );
}

#[test]
fn one_word_alone_is_a_name_at_the_beginning_of_a_call() {
    let cases = [
        ("Guten Tag Noack. Ich ruf jetzt schon zum dritten Mal an.", Some("Noack")),
        ("Grüß Gott, Hechenberger. Ich bin die mit dem Rollstuhl.", Some("Hechenberger")),
        ("Zehetner, Auftrag vier vier eins.", Some("Zehetner")),
        ("Buchholz guten Tag. Ich hab Ratten am Kompost.", Some("Buchholz")),
        ("Ja, Radtke, Tach. Sagen Sie mal.", Some("Radtke")),
        ("Wolters.", Some("Wolters")),
        ("Hallo, ich hab eine Frage.", None),
        ("Ja, endlich. Ich warte seit einer Stunde.", None),
        ("Endlich. Ich warte seit einer Stunde.", None),
        ("Entschuldigung, bin ich da richtig?", None),
        ("Guten Tag, Kündigung. Ich möchte raus.", None),
        ("Guten Tag, Frau Seidel, ich habe eine Frage.", None),
        ("Moin, Feierabend. Ich hab es eilig.", None),
    ];
    for (text, surname) in cases {
        let found = opening_name(Lang::De, text);
        let told = found.as_ref().and_then(|fact| fact.slots.first().map(|(_, name)| name.as_str()));
        assert_eq!(told, surname, "{text}");
    }
}
