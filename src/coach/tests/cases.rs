//! Every practice: where it speaks, where it is silent, where its limit bites.

use super::*;

/// What a practice does in one script.
pub(super) struct Case {
    pub id: &'static str,
    /// It speaks once, first at this line (counted from 1) of the script.
    pub speaks: (&'static str, usize),
    /// It stays silent.
    pub silent: &'static str,
    /// It would be called for more often than it speaks: script and times.
    pub limit: (&'static str, usize),
    pub facts: fn() -> CallFacts,
    pub live: bool,
}

const CASES: &[Case] = &[
    Case {
        id: "safety",
        speaks: ("A [] Guten Tag.\nC 3 90 [violence_threat] Ich komme vorbei und schlage alles kurz und klein.", 2),
        silent: "A [] Guten Tag.\nC 3 60 [insult] Sie sind doch alle unfähig.",
        limit: (
            "C 3 90 [violence_threat] a\nA [] b\nC 3 90 [violence_threat] c\nA [] d\nC 3 90 [violence_threat] e",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-1",
        speaks: ("A [] Guten Tag.\nC 3 60 [insult] Sie sind ja völlig unfähig!", 2),
        silent: "A [] Guten Tag.\nC 1 15 [dissatisfaction] Das ist schade.",
        limit: ("C 3 60 [insult] a\nA [] b\n~ 40\nC 3 60 [insult] c\n~ 40\nA [] d\nC 3 60 [insult] e", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "002-4",
        speaks: ("A [] Guten Tag, was kann ich für Sie tun?\nC 0 0 [] Guten Tag.", 1),
        silent: "A [thanks] Danke fürs Warten, guten Tag.\nC 0 0 [] Guten Tag.",
        limit: ("A [] Guten Tag.\nC 1 10 [long_wait] Seit drei Wochen!\nA [] b\n~ 21\nC 1 10 [long_wait] c\nA [] d", 1),
        facts: waited_four_minutes,
        live: true,
    },
    Case {
        id: "001-6",
        speaks: (
            "A [] Guten Tag.\nC 2 30 [dissatisfaction] Mein Router geht seit zwei Wochen nicht.\nA [generic_empathy] Das kann ich verstehen.",
            3,
        ),
        silent: "A [] Guten Tag.\nC 2 30 [dissatisfaction] Mein Router geht nicht.\nA [specific_empathy] Zwei Wochen ohne Internet, das ist hart.",
        limit: (
            "C 2 30 [dissatisfaction] a\nA [generic_empathy] b\n~ 61\nA [generic_empathy] c\n~ 61\nA [generic_empathy] d\n~ 61\nA [generic_empathy] e",
            2,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "002-6",
        speaks: (
            "C 2 30 [dissatisfaction] Meine Lieferung ist immer noch nicht da.\nA [justification] Das liegt am Lieferanten.",
            2,
        ),
        silent: "C 2 30 [dissatisfaction] Meine Lieferung ist nicht da.\nA [apology] Das tut mir leid.\nC 1 20 [] Gut.\nA [justification] Das lag am Fahrer.",
        limit: (
            "C 2 30 [dissatisfaction] a\nA [justification] b\n~ 95\nA [justification] c\n~ 95\nA [justification] d",
            2,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "000-a",
        speaks: ("C 0 0 [] Hallo.\nA [self_belittling] Ich kann Ihnen ja nur sagen, was im System steht.", 2),
        silent: "C 0 0 [] Hallo.\nA [solution_offer] Ich schicke Ihnen heute einen neuen.",
        limit: (
            "A [self_belittling] Ich bin ja nur hier.\nC 0 0 [] b\nA [self_belittling] Ich bin nur die Aushilfe.\nC 0 0 [] d\nA [self_belittling] Nur ich.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-3",
        speaks: ("~ 1\nA [] Guten Tag.", 1),
        silent: "A [] Guten Tag.\nC 0 0 [] Hallo.",
        limit: ("A [disparaging] a\n~ 61\nA [disparaging] b", 1),
        facts: after_a_hard_call,
        live: true,
    },
    Case {
        id: "003-a",
        speaks: ("C 0 0 [] Hallo.\nA [disparaging] Immer diese Rentner, die nichts verstehen.", 2),
        silent: "C 0 0 [] Hallo.\nA [] Viele Kunden fragen das.",
        limit: (
            "A [disparaging] Immer diese Leute.\n~ 61\nA [disparaging] Typisch Kunden.\n~ 61\nA [disparaging] Typisch.",
            2,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-8",
        speaks: ("C 0 0 [] Haben Sie den noch?\nA [refusal] Der ist leider ausverkauft.", 2),
        silent: "C 0 0 [] Haben Sie den noch?\nA [refusal question] Der ist ausverkauft, welche Farbe gefällt Ihnen noch?",
        limit: ("A [refusal] Das ist ausverkauft.\nC 0 0 [] b\n~ 5\nA [] Der ist vergriffen.", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "000-b",
        speaks: ("C 0 0 [] Wann kommt es denn?\nA [] Das weiß ich leider nicht.", 2),
        silent: "C 0 0 [] Wann kommt es denn?\nA [callback_offer] Das weiß ich nicht, ich rufe Sie zurück.",
        limit: ("A [] Das weiß ich nicht.\n~ 30\nA [] Das weiß ich leider nicht.", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-5",
        speaks: (
            "C 0 0 [] Ich möchte kündigen.\nA [] Aha.\nC 0 0 [] Ja.\nA [wrong_department] Da sind Sie bei mir falsch.",
            4,
        ),
        silent: "C 0 0 [] Ich möchte kündigen.\nA [refusal solution_offer] Das geht nicht, aber ich pausiere den Vertrag.",
        limit: (
            "A [] a\nC 0 0 [] b\nA [wrong_department] Da sind Sie hier falsch.\nC 0 0 [] d\nA [wrong_department] Dafür bin ich nicht zuständig.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "002-7",
        speaks: ("C 2 30 [dissatisfaction] a\nA [specific_empathy thanks] b\nA [] c\nA [] d", 4),
        silent: "C 2 30 [dissatisfaction] a\nA [] b\nC 2 30 [] c\nA [] d\nC 2 30 [] e\nA [] f",
        limit: (
            "C 2 30 [dissatisfaction] a\nA [specific_empathy] b\nA [] c\nA [] d\nA [] e\nA [] f\nA [] g\nA [] h",
            1,
        ),
        facts: nothing_known,
        live: false,
    },
    Case {
        id: "003-b",
        speaks: ("C 0 0 [] Wo ist mein Paket?\nA [] Die Lieferung verzögert sich leider.", 2),
        silent: "C 0 0 [] Wo ist mein Paket?\nA [next_step] Sie verzögert sich, ich melde mich am Freitag.",
        limit: ("A [] Das verzögert sich.\n~ 40\nA [] Das verzögert sich leider.", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "004-c",
        speaks: ("A [question] Ihre Nummer bitte?\nC 0 0 [] Vier sieben eins eins null acht.", 2),
        silent: "A [question] Ihre Nummer bitte?\nC 0 0 [] Die habe ich gerade nicht da.",
        limit: ("C 0 0 [] Vier sieben eins eins.\n~ 30\nC 0 0 [] Am dritten März.", 1),
        facts: after_seven_hours,
        live: true,
    },
    Case {
        id: "002-1",
        speaks: ("A [] a\nC 0 0 [] b\nA [] c\nC 0 0 [] d\nA [] e", 5),
        silent: "A [] a\nC 0 0 [] b\nA [name_used] Frau Keller, ich sehe nach.\nC 0 0 [] d\nA [] e",
        limit: (
            "A [] a\nC 0 0 [] b\nA [] c\nC 0 0 [] d\nA [] e\n~ 61\nC 0 0 [] f\nA [] g\n~ 61\nC 0 0 [] h\nA [] i\n~ 61\nC 0 0 [] j\nA [] k",
            2,
        ),
        facts: keller,
        live: true,
    },
    Case {
        id: "002-3",
        speaks: (
            "C 1 20 [dissatisfaction] Schon wieder kaputt.\nA [solution_offer apology] Ich schicke Ihnen einen neuen.\nC 0 0 [gratitude] Vielen Dank!\nA [question] Kann ich sonst noch etwas für Sie tun?\nC 0 0 [] Nein, das war's.",
            5,
        ),
        silent: "C 2 30 [dissatisfaction] Schon wieder kaputt.\nA [] Aha.\nC 1 20 [gratitude] Danke auch.\nA [question] Kann ich sonst noch etwas für Sie tun?\nC 0 0 [] Nein, das war's.",
        limit: (
            "C 1 20 [dissatisfaction] a\nA [solution_offer apology] b\nC 0 0 [gratitude] c\nA [question] Sonst noch etwas?\nC 0 0 [] Das war's.\n~ 61\nC 0 0 [] Das war alles.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-7",
        speaks: (
            "A [] Guten Tag.\nC 1 20 [repeat_contact] Ich frage noch einmal nach.\nA [specific_empathy] Das ist lästig.",
            2,
        ),
        silent: "A [] Guten Tag.\nC 0 0 [] Hallo.\nA [thanks] Danke, dass Sie sich wieder melden.\nC 1 20 [repeat_contact] Ja, ich frage noch einmal nach.",
        limit: (
            "C 1 20 [repeat_contact] Ich wollte noch einmal nachfragen.\n~ 61\nC 1 20 [repeat_contact] Ich frage noch einmal nach.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "004-d",
        speaks: ("A [question] Ihre Nummer?\nC 0 0 [] Die Vier, die Sieben und die Eins.\n~ 8", 3),
        silent: "A [] Guten Tag.\nC 0 0 [] Einen Moment, ich hole die Rechnung.\n~ 8",
        limit: ("A [question] a\nC 0 0 [] b\n~ 20\nC 0 0 [] c\n~ 15", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-9",
        speaks: ("C 2 45 [dissatisfaction] a\nA [solution_offer] b\nC 0 30 [humour] Der Hund wartet auch schon.", 3),
        silent: "C 2 45 [dissatisfaction] a\nA [] b\nC 0 30 [humour] Der Hund wartet auch schon.",
        limit: (
            "C 2 45 [dissatisfaction] a\nA [solution_offer] b\nC 0 35 [humour] c\nA [next_step] d\n~ 30\nC 0 28 [humour] e",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-4",
        speaks: ("A [] Guten Tag.\nC 2 30 [sarcasm] Na, das habt ihr ja ganz wunderbar hinbekommen.", 2),
        silent: "A [] Guten Tag.\nC 1 30 [dissatisfaction] Das ist schade.\nA [] b\nC 3 30 [legal_threat] Dann gehe ich zum Anwalt.",
        limit: ("A [] a\nC 2 30 [sarcasm] c\n~ 30\nC 2 30 [sarcasm] e\nA [] f", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-10",
        speaks: ("A [] Guten Tag.\nC 0 0 [] Hallo.\nA [hold_announcement] Einen Moment, das System sucht.\n~ 6", 4),
        silent: "A [] Guten Tag.\nC 2 30 [dissatisfaction] Hallo.\nA [hold_announcement] Einen Moment, das System sucht.\n~ 6",
        limit: ("A [] a\nC 0 0 [] b\nA [hold_announcement] Das System sucht.\n~ 70\nA [hold_announcement] c\n~ 10", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "000-c",
        speaks: (
            "C 3 60 [anger] a\nA [apology] Das tut mir leid.\nC 0 30 [apology_accepted] Na gut, schon in Ordnung.",
            3,
        ),
        silent: "C 3 60 [anger] a\nA [apology] Das tut mir leid.\nC 0 30 [] Und wo ist der Haken?",
        limit: (
            "C 3 60 [anger] a\nA [apology] b\nC 0 30 [apology_accepted] c\nC 3 60 [anger] d\nA [apology] e\nC 0 30 [apology_accepted] f",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "004-a",
        speaks: ("A [] Hier, bitte.\nC 0 0 [gratitude] Vielen Dank, das war nett.", 2),
        silent: "A [] Hier, bitte.\nC 0 0 [gratitude] Danke, tschüss.\nA [] Bitte.\nC 2 30 [gratitude sarcasm] Na vielen Dank auch.",
        limit: ("C 0 0 [praise] a\nC 0 0 [praise] b", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-2",
        speaks: ("C 3 60 [anger] a\nA [apology] b\nend", 3),
        silent: "C 1 30 [] a\nA [apology] b\nend",
        limit: ("C 3 60 [anger] a\nend\nend", 1),
        facts: nothing_known,
        live: true,
    },
];

/// These say what somebody configured.
const CONFIGURED: [&str; 2] = ["002-2", "002-5"];

fn all() -> impl Iterator<Item = (Lang, &'static Case)> {
    CASES.iter().map(|case| (Lang::De, case)).chain(english::CASES.iter().map(|case| (Lang::En, case)))
}

pub(super) fn stage(lang: Lang, case: &Case, facts: CallFacts) -> Stage {
    let stage = if CONFIGURED.contains(&case.id) { gestures::configured(lang, facts) } else { Stage::new(lang, facts) };
    Stage { live: case.live, ..stage }
}

fn played(lang: Lang, case: &Case, script: &str) -> Stage {
    let mut stage = stage(lang, case, (case.facts)());
    stage.play(script);
    stage
}

#[test]
fn every_practice_speaks_at_its_moment() {
    for (lang, case) in all() {
        let (script, line) = case.speaks;
        let stage = played(lang, case, script);
        let prompts = stage.prompts(case.id);
        assert!(!prompts.is_empty(), "{} is silent in\n{script}\n{:#?}", case.id, stage.out);
        // The moment: not before the line, and at the latest within it and the pause after it.
        let before: Vec<&str> = script.lines().take(line - 1).collect();
        let until: Vec<&str> = script.lines().take(line).collect();
        let silent_before = case.id == "001-3" || played(lang, case, &before.join("\n")).prompts(case.id).is_empty();
        assert!(silent_before, "{} speaks before line {line} of\n{script}", case.id);
        let spoken = played(lang, case, &until.join("\n")).prompts(case.id).len();
        assert_eq!(spoken, 1, "{} in line {line} of\n{script}\n{:#?}", case.id, stage.out);
    }
}

#[test]
fn every_practice_stays_silent_where_it_has_nothing_to_say() {
    for (lang, case) in all() {
        let facts = if case.id == "001-3" { nothing_known() } else { (case.facts)() };
        let mut quiet = stage(lang, case, facts);
        quiet.play(case.silent);
        assert_eq!(quiet.prompts(case.id), vec![], "{} speaks in\n{}", case.id, case.silent);
    }
}

#[test]
fn every_practice_keeps_its_limit() {
    for (lang, case) in all() {
        let (script, times) = case.limit;
        let stage = played(lang, case, script);
        assert_eq!(stage.prompts(case.id).len(), times, "{} in\n{script}\n{:#?}", case.id, stage.out);
    }
}

#[test]
fn every_shipped_practice_has_a_case() {
    // The card has tests of its own in `shift`; in German the two that need configuring have theirs in `gestures`.
    let elsewhere = |lang, id: &str| match lang {
        Lang::De => ["004-b", "004-e", "002-2", "002-5"].contains(&id),
        Lang::En => ["004-b", "004-e"].contains(&id),
    };
    for practice in &SHIPPED.for_queue(None).practices {
        for lang in [Lang::De, Lang::En] {
            let known = all().any(|(of, case)| of == lang && case.id == practice.id) || elsewhere(lang, &practice.id);
            assert!(known, "{} has no case in {}", practice.id, lang.as_str());
        }
    }
}
