use super::*;

/// The mistakes in a file laid over the shipped ones, as they are told.
fn mistakes(own: &str) -> Vec<String> {
    let mut files = EMBEDDED.to_vec();
    files.push(("own.toml", own));
    Playbook::load(&files).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn the_shipped_playbook_is_sound() {
    if let Err(errors) = Playbook::embedded() {
        panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn mistakes_are_told_with_file_line_and_remedy() {
    let cases = [
        ("version = 1\n[[practise]]\nid = \"x\"", "own.toml:2: ", "docs/playbook.md"),
        ("version = 2", "own.toml:1: version 2", "write `version = 1`"),
        (
            "version = 1\n\n[[practice]]\nid = \"own-1\"\nwhen = [{ cues = [\"anger\"] }]",
            "own.toml:3: a trigger of practice own-1 does not say",
            "on = \"customer\"",
        ),
        (
            "version = 1\n[[practice]]\nid = \"own-1\"\nwhen = [{ on = \"agent\" }]",
            "own.toml:2: practice own-1 has 0 phrasings in de",
            "at least 3",
        ),
        (
            "version = 1\n[[practice]]\nid = \"001-1\"\nsuggest = [{ on = \"customer\", cues = [\"anger\"] }]",
            "own.toml:2: practice 001-1 may not speak to supervisors",
            "002-6",
        ),
        (
            "version = 1\n[[practice]]\nid = \"002-6\"\nsuggest = [{ on = \"customer\", not_heard = [\"apology\"] }]",
            "own.toml:2: a suggestion of practice 002-6 depends on the agent",
            "customer's cues",
        ),
        (
            "version = 1\nlang = \"de\"\n[say]\n\"001-1\" = [\n  \"Ruhig.\",\n  \"{nmae}, ruhig.\",\n  \"Gut.\",\n]",
            "own.toml:6: the slot {nmae} does not exist",
            "use one of",
        ),
        (
            "version = 1\nlang = \"de\"\n[words]\nclosing = [\n  'ok',\n  '(offen',\n]",
            "own.toml:6: the pattern `(offen` cannot be read",
            "regular expression",
        ),
        (
            "version = 1\n[say]\n\"001-1\" = [\"a\", \"b\", \"c\"]",
            "own.toml:1: there are words, but it is not said in which language",
            "lang = \"de\"",
        ),
        (
            "version = 1\nlang = \"de\"\n[say]\n\"001-11\" = [\"a\", \"b\", \"c\"]",
            "own.toml:4: there are phrases for the practice 001-11",
            "correct the id",
        ),
        (
            "version = 1\n[[practice]]\nid = \"001-1\"\nwhen = [{ on = \"agent\", words = [\"greetings\"] }]",
            "own.toml:2: practice 001-1 looks for the words `greetings`",
            "[words]",
        ),
        (
            "version = 1\nlang = \"de\"\n[say]\n\"001-1\" = [\n  \"Ruhig.\",\n  \"Sie klingen gestresst. Ruhig.\",\n  \"Gut.\",\n]",
            "own.toml:6: `Sie klingen gestresst. Ruhig.` says how the agent feels",
            "nobody's feelings",
        ),
        (
            "version = 1\nlang = \"en\"\n[supervisor]\n\"002-6\" = [\n  \"“We'll refund you, I promise.”\",\n]",
            "own.toml:5: `“We'll refund you, I promise.”` promises what nobody may give",
            "say what you will do yourself",
        ),
        (
            "version = 1\nlang = \"de\"\n[labels]\nthanks = \"Ihrem Dank, 8 von 10 Punkten\"",
            "own.toml:4: `Ihrem Dank, 8 von 10 Punkten` marks the agent",
            "nobody is scored",
        ),
        (
            "version = 1\n[settings]\nopens_complaint = [\"failure\", \"mishaps\"]",
            "own.toml:3: a complaint is opened by the words `mishaps`, which are not listed in de",
            "add `mishaps",
        ),
        (
            "version = 1\n[[alert]]\nkinds = [\"anger\"]\npractices = [\"001-1\"]",
            "own.toml:2: practice 001-1 may not speak to supervisors",
            "choose from",
        ),
    ];
    for (own, told, remedy) in cases {
        let mistakes = mistakes(own);
        let hit = mistakes.iter().any(|mistake| mistake.starts_with(told) && mistake.contains(remedy));
        assert!(hit, "{own}\n\ngave {mistakes:#?}");
    }
}

#[test]
fn a_list_that_opens_a_complaint_in_one_queue_is_asked_for_there_alone() {
    let own = |lang| {
        format!(
            "version = 1\nlang = \"{lang}\"\nqueues = [\"versand\"]\n[settings]\nopens_complaint = [\"mishaps\"]\n[words]\nmishaps = ['oje']"
        )
    };
    let (de, en) = (own("de"), own("en"));
    let mut files = EMBEDDED.to_vec();
    files.extend([("own_de.toml", de.as_str()), ("own_en.toml", en.as_str())]);
    let playbook = Playbook::load(&files).unwrap();
    assert_eq!(playbook.for_queue(Some("versand")).settings.opens_complaint, ["mishaps"]);
    assert_eq!(playbook.for_queue(None).settings.opens_complaint, ["failure"]);
}

#[test]
fn a_phrasing_too_long_for_the_screen_is_refused() {
    let own = format!("version = 1\nlang = \"de\"\n[say]\n\"001-1\" = [\"a\", \"b\", \"{}\"]", "x".repeat(141));
    assert!(mistakes(&own)[0].starts_with("own.toml:4: a phrasing of 141 characters"));
}

#[test]
fn a_queue_can_add_change_and_switch_off_practices() {
    let own = r#"
        version = 1
        queues = ["versand"]
        lang = "de"
        practice = [
            { id = "001-10", off = true },
            { id = "002-1", per_call = 1 },
            { id = "own-1", title = "Greet", when = [{ on = "start" }] },
        ]
        say = { own-1 = ["a", "b", "c"] }
    "#;
    let english = r#"
        version = 1
        queues = ["versand"]
        lang = "en"
        say = { own-1 = ["a", "b", "c"] }
    "#;
    let mut files = EMBEDDED.to_vec();
    files.extend([("own_de.toml", own), ("own_en.toml", english)]);
    let playbook = Playbook::load(&files).unwrap();
    let find = |queue, id: &str| playbook.for_queue(queue).practices.iter().find(|p| p.id == id).cloned();
    assert!(find(Some("versand"), "001-10").is_none() && find(None, "001-10").is_some());
    assert_eq!(find(Some("versand"), "002-1").map(|p| p.per_call), Some(1));
    assert_eq!(find(Some("technik"), "002-1").map(|p| p.per_call), Some(2));
    // What a file does not mention stays as it was.
    assert_eq!(find(Some("versand"), "002-1").map(|p| p.when), find(None, "002-1").map(|p| p.when));
    assert!(find(Some("versand"), "own-1").is_some() && find(None, "own-1").is_none());
    assert_ne!(playbook.hash(), Playbook::embedded().unwrap().hash());
}

#[test]
fn shipped_phrasings_are_short_and_their_quotes_pair() {
    let playbook = Playbook::embedded().unwrap();
    for practice in &playbook.for_queue(None).practices {
        for (lang, phrases) in practice.say.iter().chain(&practice.say_supervisor) {
            let (open, close) = match lang {
                Lang::De => ('„', '“'),
                Lang::En => ('“', '”'),
            };
            let foreign = match lang {
                Lang::De => '”',
                Lang::En => '„',
            };
            for phrase in phrases {
                let text: String = phrase
                    .parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text.as_str(),
                        Part::Slot { .. } => "xxxxxxxxxxxx",
                    })
                    .collect();
                let chars = text.chars().count();
                assert!(chars <= 110, "{}: {chars} characters: {text}", practice.id);
                assert_eq!(text.matches(open).count(), text.matches(close).count(), "{}: {text}", practice.id);
                assert!(!text.contains(foreign) && !text.contains('"'), "{}: {text}", practice.id);
            }
        }
    }
}

#[test]
fn practices_speak_without_facts_unless_they_are_about_one() {
    // These say a name, a gesture, a programme or a moment; without it they are silent.
    let about_a_fact = ["002-1", "002-5", "002-2", "001-3", "004-b"];
    let playbook = Playbook::embedded().unwrap();
    for practice in &playbook.for_queue(None).practices {
        if about_a_fact.contains(&practice.id.as_str()) {
            continue;
        }
        for (lang, phrases) in practice.say.iter().chain(&practice.say_supervisor) {
            let plain = |phrase: &Phrase| !phrase.parts.iter().any(|part| matches!(part, Part::Slot { .. }));
            assert!(phrases.iter().any(plain), "{} in {}", practice.id, lang.as_str());
        }
    }
}
