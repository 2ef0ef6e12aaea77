//! What changes when a call turns out to belong to another queue.

use super::*;

/// When the two practices of these tests speak.
const WHEN: &str = r#"when = [{ on = "customer", words = ["parcel"] }]"#;

/// A file of one language that says `says` for the practice `id`.
fn file(lang: Lang, before: &str, id: &str, says: [&str; 3]) -> String {
    format!("version = 1\nlang = \"{}\"\n{before}\n[say]\n\"{id}\" = {says:?}\n", lang.as_str())
}

fn playbook() -> Playbook {
    let everywhere =
        format!("[[practice]]\nid = \"own-0\"\ntitle = \"For everybody\"\n{WHEN}\n[words]\nparcel = [\"paket\"]");
    let versand = r#"queues = ["versand"]"#;
    let other = format!(
        "{versand}\n[[practice]]\nid = \"own-0\"\noff = true\n[[practice]]\nid = \"own-1\"\ntitle = \"Number\"\n{WHEN}"
    );
    let own = [
        file(Lang::De, &everywhere, "own-0", ["„Ich sehe gleich nach.“", "Gleich nachsehen.", "„Ich schaue nach.“"]),
        file(Lang::En, "[words]\nparcel = [\"parcel\"]", "own-0", ["“I will look.”", "Look at once.", "“One moment.”"]),
        file(Lang::De, &other, "own-1", ["„Haben Sie die Nummer?“", "Nach der Nummer fragen.", "„Wie lautet sie?“"]),
        file(Lang::En, versand, "own-1", ["“Have you got the number?”", "Ask for the number.", "“What is it?”"]),
    ];
    let mut files = playbook::EMBEDDED.to_vec();
    files.extend(
        ["own_de.toml", "own_en.toml", "versand_de.toml", "versand_en.toml"]
            .into_iter()
            .zip(own.iter().map(String::as_str)),
    );
    Playbook::load(&files).unwrap()
}

fn stage(playbook: &Playbook, facts: CallFacts) -> Stage {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    let (coach, out) = Coach::new(playbook, Lang::De, facts, Habits::default());
    stage.coach = coach;
    stage.out = out.into_iter().map(|output| (0, output)).collect();
    stage
}

fn transferred(stage: &mut Stage, playbook: &Playbook, queue: &str) {
    let outputs = stage.coach.follow(stage.now_ms, playbook.for_queue(Some(queue)));
    stage.told(outputs);
}

#[test]
fn the_practices_of_the_new_queue_count_from_then_on() {
    let playbook = playbook();
    let mut stage = stage(&playbook, nothing_known());
    stage.play("C 1 10 [] Mein Paket fehlt.");
    assert_eq!((stage.prompts("own-0").len(), stage.prompts("own-1").len()), (1, 0), "{:#?}", stage.out);
    transferred(&mut stage, &playbook, "versand");
    assert_eq!(stage.states("own-0"), [PromptState::Shown, PromptState::Withdrawn], "it is not of this queue");
    stage.play("~ 40\nC 1 10 [] Mein Paket fehlt immer noch.");
    assert_eq!((stage.prompts("own-0").len(), stage.prompts("own-1").len()), (1, 1), "{:#?}", stage.out);
    let told = stage.out.len();
    transferred(&mut stage, &playbook, "versand");
    assert_eq!(stage.out.len(), told, "the same queue again changes nothing");
}

#[test]
fn what_was_said_once_too_often_stays_said() {
    let playbook = playbook();
    let mut there_from_the_start = stage(&playbook, CallFacts { queue: Some("versand".into()), ..nothing_known() });
    let mut transferred_late = stage(&playbook, nothing_known());
    for stage in [&mut there_from_the_start, &mut transferred_late] {
        stage.play("C 2 30 [long_wait] Ich warte seit drei Wochen.\nA [refusal] Das geht nicht.\n~ 21");
    }
    transferred(&mut transferred_late, &playbook, "versand");
    for stage in [&mut there_from_the_start, &mut transferred_late] {
        stage.play("C 2 40 [long_wait] Drei Wochen!\nA [refusal] Das geht nicht.\n~ 21\nC 1 20 [] Mein Paket fehlt.\n~ 40\nend");
    }
    let practices = |stage: &Stage| -> Vec<(u64, CoachOutput)> { stage.out.clone() };
    assert_eq!(practices(&transferred_late), practices(&there_from_the_start), "all that both queues have in common");
}

#[test]
fn a_call_in_which_nothing_was_said_begins_with_what_is_known_late() {
    let mut stage = Stage::new(Lang::De, nothing_known());
    assert!(stage.out.is_empty());
    let outputs = stage.coach.meet(500, Habits::default(), after_a_hard_call());
    stage.told(outputs);
    let at_the_start = Stage::new(Lang::De, after_a_hard_call());
    let ids = |stage: &Stage| -> Vec<CoachOutput> { stage.out.iter().map(|(_, output)| output.clone()).collect() };
    assert!(!at_the_start.out.is_empty());
    assert_eq!(ids(&stage), ids(&at_the_start));
    let again = stage.coach.meet(900, Habits::default(), after_a_hard_call());
    assert_eq!(again, [], "once");
    let mut later = Stage::new(Lang::De, nothing_known());
    later.play("C 0 5 [] Guten Tag.");
    assert_eq!(later.coach.meet(6_000, Habits::default(), after_a_hard_call()), [], "too late for a beginning");
}
