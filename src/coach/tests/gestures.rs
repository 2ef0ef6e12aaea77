//! What is offered only where it is configured.

use super::*;

const CONFIGURED: &str = r#"
version = 1
lang = "de"
[configured]
circle = "unserem Stammkundenkreis"
[[gesture]]
cues = ["long_wait"]
de = "einen Gutschein über zehn Euro"
en = "a ten-euro voucher"
[[gesture]]
cues = ["repeat_contact"]
de = "einen Monat ohne Grundgebühr"
en = "a month without the standing charge"
needs_approval = true
"#;

const CONFIGURED_EN: &str = r#"
version = 1
lang = "en"
[configured]
circle = "our circle of regulars"
"#;

/// The shipped playbook with a programme for regular customers and two gestures.
pub(super) static HOUSE: LazyLock<Playbook> = LazyLock::new(|| {
    let mut files = playbook::EMBEDDED.to_vec();
    files.extend([("own.toml", CONFIGURED), ("own_en.toml", CONFIGURED_EN)]);
    Playbook::load(&files).unwrap()
});

pub(super) fn configured(lang: Lang, facts: CallFacts) -> Stage {
    let mut stage = Stage::new(lang, CallFacts::default());
    stage.coach = Coach::new(&HOUSE, lang, facts, Habits::default()).0;
    stage
}

#[test]
fn gestures_are_named_only_as_configured() {
    let script = "C 2 30 [long_wait] Ich warte seit drei Wochen.\nA [specific_empathy apology] Das ist lang.\n~ 21\nC 0 25 [] Ja.\nA [] Hm.";
    let mut stage = configured(Lang::De, CallFacts::default());
    stage.play(script);
    let prompts = stage.prompts("002-5");
    assert_eq!(prompts.len(), 1, "{:#?}", stage.out);
    assert!(prompts[0].1.contains("einen Gutschein über zehn Euro"), "{prompts:?}");
    assert_eq!(stage.suggested("002-5"), 0, "no approval is needed");

    let mut stage = configured(Lang::De, CallFacts::default());
    stage.play("C 2 30 [repeat_contact] Ich rufe schon wieder an.");
    assert_eq!(stage.suggested("002-5"), 1);

    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play(script);
    assert_eq!(stage.prompts("002-5"), vec![], "nothing is configured");
}

#[test]
fn a_gesture_and_the_circle_are_offered_once_a_call() {
    let wait = "C 2 30 [long_wait] Ich warte seit drei Wochen.\nA [specific_empathy apology] Das ist lang.\n~ 21\nC 0 25 [] Ja.\nA [] Hm.\n";
    let mut stage = configured(Lang::De, CallFacts::default());
    stage.play(&wait.repeat(4));
    assert_eq!(stage.prompts("002-5").len(), 1, "{:#?}", stage.out);

    let not_yet = BTreeMap::from([("member".to_owned(), "no".to_owned())]);
    let mut stage = configured(Lang::De, CallFacts { metadata: not_yet, ..CallFacts::default() });
    stage.play(&"A [solution_offer] Das habe ich erledigt.\nC 0 0 [relief] Wunderbar.\n~ 40\n".repeat(4));
    assert_eq!(stage.prompts("002-2").len(), 1, "{:#?}", stage.out);
}

#[test]
fn the_circle_is_offered_to_content_callers_who_are_not_in_it() {
    let script = "A [solution_offer] Das habe ich erledigt.\nC 0 0 [relief] Wunderbar.";
    let member = |value: &str| CallFacts {
        metadata: BTreeMap::from([("member".to_owned(), value.to_owned())]),
        ..CallFacts::default()
    };
    let mut stage = configured(Lang::De, member("no"));
    stage.play(script);
    assert_eq!(stage.prompts("002-2").len(), 1, "{:#?}", stage.out);
    for other in [configured(Lang::De, member("yes")), Stage::new(Lang::De, member("no"))] {
        let mut stage = other;
        stage.play(script);
        assert_eq!(stage.prompts("002-2"), vec![]);
    }
}
