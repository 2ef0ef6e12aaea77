//! Which of the practices that a moment could call for it does call for.

use super::*;

fn played(lang: Lang, script: &str) -> Stage {
    let mut stage = Stage::new(lang, CallFacts::default());
    stage.play(script);
    stage
}

fn count(script: &str, id: &str) -> usize {
    played(Lang::De, script).prompts(id).len()
}

#[test]
fn what_the_house_refuses_is_said_positively_and_what_is_not_there_replaced() {
    let no = |said: &str| {
        let script = format!("A [] a\nC 2 30 [dissatisfaction] Das Sofa ist falsch.\nA [refusal] {said}");
        ["001-5", "001-8", "000-b"].map(|id| count(&script, id))
    };
    assert_eq!(no("Das nehmen wir nach vierzehn Tagen nicht zurück."), [1, 0, 0]);
    assert_eq!(no("Das Modell ist leider ausverkauft."), [0, 1, 0]);
    assert_eq!(no("Das weiß ich leider nicht."), [0, 0, 1]);
}

#[test]
fn in_a_calm_call_what_is_not_to_be_had_asks_for_another_thing() {
    let calm = "A [] a\nC 0 0 [] b\nA [refusal] Die Karten sind weg, da ist nichts mehr zu machen.";
    assert_eq!((count(calm, "001-8"), count(calm, "000-b")), (1, 0));
    let away = "A [] a\nC 0 0 [] b\nA [refusal] Der Kollege ist heute in Urlaub.";
    assert_eq!((count(away, "001-8"), count(away, "000-b")), (0, 1));
}

#[test]
fn who_is_sent_elsewhere_is_told_who_helps() {
    let sent = "A [] a\nC 2 30 [dissatisfaction] b\nA [refusal wrong_department] Ich kann da nichts machen, Sie müssten sich an den Absender wenden.";
    assert_eq!((count(sent, "001-5"), count(sent, "000-b")), (1, 0));
}

#[test]
fn who_asks_again_or_begins_with_the_complaint_is_thanked() {
    let thanked = |line: &str| count(&format!("A [] Guten Tag.\n{line}"), "001-7");
    assert_eq!(thanked("C 2 30 [repeat_contact dissatisfaction] Ich rufe zum fünften Mal an."), 1);
    assert_eq!(thanked("C 1 10 [repeat_contact] Ich habe gestern schon angerufen."), 1);
    let told = "Die Lampe ist gestern gekommen, und der Schirm hat einen langen Riss, quer über die ganze Seite.";
    assert_eq!(thanked(&format!("C 2 30 [dissatisfaction long_wait] {told}")), 1);
    assert_eq!(
        thanked("C 2 30 [repeat_contact insult] Zum fünften Mal, Sie Schnarchnase!"),
        0,
        "it would sound like mockery"
    );
    assert_eq!(thanked("C 2 60 [repeat_contact dissatisfaction] Ich rufe zum fünften Mal an."), 0, "nor in the heat");
    assert_eq!(thanked("C 1 10 [dissatisfaction] Na ja."), 0, "nothing was told");
}

#[test]
fn what_it_does_to_somebody_calls_for_empathy() {
    let told = |agent: &str, customer: &str| {
        let script = format!(
            "A [] a\nC 2 30 [dissatisfaction] Die Heizung ist kalt.\nA [{agent}] b\n~ 20\nC 2 30 [dissatisfaction] {customer}"
        );
        count(&script, "001-6")
    };
    let hardship = "Meine Mutter ist krank und sitzt im Mantel da.";
    assert_eq!(told("justification", hardship), 1);
    assert_eq!(told("justification", "Das kann doch nicht sein."), 0);
    assert_eq!(told("question", hardship), 0, "who asked has not passed over it");
    assert_eq!(told("justification apology", hardship), 0);
}

#[test]
fn reasons_late_in_a_call_without_tension_are_only_talk() {
    let late = |level: u8| {
        let small_talk = "A [] a\nC 0 10 [] b\n".repeat(5);
        let trouble = format!("A [] a\nC 1 {level} [dissatisfaction] Die Rechnung war falsch.\n");
        count(&format!("{trouble}A [solution_offer] Ich ändere das.\n{small_talk}A [justification] c"), "002-6")
    };
    assert_eq!((late(10), late(30)), (0, 1));
}

#[test]
fn a_no_leaves_the_name_for_later() {
    let named = |cues: &str| {
        let mut stage = Stage::new(Lang::De, keller());
        stage.play(&format!("A [] a\nC 0 0 [] b\nA [] c\nC 0 0 [] d\nA [{cues}] e")).prompts("002-1").len()
    };
    assert_eq!((named(""), named("refusal")), (1, 0));
}

#[test]
fn with_the_thing_alone_empathy_does_not_begin_with_a_question() {
    for (lang, complaint) in [
        (Lang::De, "C 2 30 [dissatisfaction] Meine Waschmaschine schon wieder, mir fehlen die Worte."),
        (Lang::En, "C 2 30 [dissatisfaction] My washing machine again, I'm lost for words."),
    ] {
        let stage = played(lang, &format!("A [] a\n{complaint}\nA [generic_empathy] c"));
        let text = stage.prompts("001-6")[0].1;
        let named = text.contains("Waschmaschine") || text.contains("washing machine");
        assert!(named && !text.contains('?'), "{text}");
    }
}
