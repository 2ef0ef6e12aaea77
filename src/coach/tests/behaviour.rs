//! How prompts come and go, and which.

use super::*;

#[test]
fn empathy_and_apology_use_what_was_said_and_else_ask() {
    let complaint =
        "C 2 30 [dissatisfaction] Mein Router geht seit zwei Wochen nicht.\nA [generic_empathy] Das verstehe ich.";
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    let text = stage.play(complaint).prompts("001-6")[0].1.to_owned();
    assert!(text.contains("Ihrem Router") && text.contains("seit zwei Wochen"), "{text}");

    let mut stage = Stage::new(Lang::De, CallFacts::default());
    let vague = "C 2 30 [dissatisfaction] Das ist doch unmöglich.\nA [generic_empathy] Das verstehe ich.";
    let text = stage.play(vague).prompts("001-6")[0].1.to_owned();
    assert!(text.contains('?'), "{text}");

    let mut stage = Stage::new(Lang::En, CallFacts::default());
    let late = "C 2 30 [dissatisfaction] My delivery still hasn't arrived.\nA [justification] It was the driver.";
    let text = stage.play(late).prompts("002-6")[0].1.to_owned();
    assert!(text.contains("I'm sorry that your delivery still hasn't arrived"), "{text}");
}

#[test]
fn calls_begin_with_other_phrasings() {
    let text = |variation| {
        let mut stage = Stage::new(Lang::De, CallFacts { variation, ..CallFacts::default() });
        stage.play("C 3 60 [insult] a").prompts("001-1")[0].1.to_owned()
    };
    assert_ne!(text(0), text(1));
    assert_eq!(text(1), text(1));
}

#[test]
fn a_followed_prompt_is_done_and_a_wrong_one_withdrawn() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("C 2 30 [dissatisfaction] a\nA [justification] b\nC 1 30 [] c\nA [apology] Das tut mir leid.");
    assert_eq!(stage.states("002-6"), vec![PromptState::Shown, PromptState::Done]);

    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play(
        "C 2 45 [dissatisfaction] a\nA [solution_offer] b\nC 0 30 [humour] c\nA [next_step] d\nC 3 60 [insult] e",
    );
    assert_eq!(stage.states("001-9"), vec![PromptState::Shown, PromptState::Withdrawn]);
}

#[test]
fn nothing_appears_while_the_agent_speaks() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    let coach = &mut stage.coach;
    coach.speech(0, Channel::Customer, true, 0);
    coach.speech(4000, Channel::Customer, false, 4000);
    coach.speech(4200, Channel::Agent, true, 4200);
    // The customer's words are understood only now, when the agent has begun to answer.
    let insult = cues("insult");
    let utterance = Utterance {
        channel: Channel::Customer,
        span: Span::new(0, 4000),
        text: "Sie Idiot!",
        cues: &insult,
        severity: Some(3),
        level: 60,
        band: Band::Heated,
        alerts: false,
    };
    let shown = |outputs: &[CoachOutput]| {
        outputs.iter().any(|output| matches!(output, CoachOutput::Prompt { state: PromptState::Shown, .. }))
    };
    assert!(!shown(&coach.utterance(4600, utterance)));
    assert!(!shown(&coach.advance(6000)));
    assert!(!shown(&coach.speech(6500, Channel::Agent, false, 6500)));
    assert!(shown(&coach.utterance(7200, said(Span::new(4200, 6500), "Und Ihre Nummer?", &[]))));
}

/// Words of the agent.
fn said<'a>(span: Span, text: &'a str, cues: &'a [Cue]) -> Utterance<'a> {
    Utterance { channel: Channel::Agent, span, text, cues, severity: None, level: 30, band: Band::Tense, alerts: false }
}

#[test]
fn advice_waits_for_words_that_may_make_it_needless() {
    let excuse = cues("justification");
    let sorry = cues("apology");
    // Advised while the agent goes on speaking.
    let begun = || {
        let mut stage = Stage::new(Lang::De, CallFacts::default());
        stage.live = true;
        stage.play("C 2 30 [dissatisfaction] Mein Router geht nicht.");
        let from = stage.now_ms;
        stage.coach.speech(from, Channel::Agent, true, from);
        let out =
            stage.coach.utterance(from + 2000, said(Span::new(from, from + 1500), "Das liegt am Wetter.", &excuse));
        assert!(out.is_empty());
        stage.coach.speech(from + 5000, Channel::Agent, false, from + 5000);
        (stage, from)
    };
    let shown = |outputs: &[CoachOutput]| {
        outputs.iter().any(|output| matches!(output, CoachOutput::Prompt { state: PromptState::Shown, .. }))
    };
    let (mut stage, from) = begun();
    let rest = Span::new(from + 2000, from + 5000);
    assert!(!shown(&stage.coach.utterance(from + 5900, said(rest, "Es tut mir leid.", &sorry))));
    let (mut stage, from) = begun();
    let rest = Span::new(from + 2000, from + 5000);
    assert!(shown(&stage.coach.utterance(from + 5900, said(rest, "Da kann man nichts machen.", &[]))));
    // What is never understood does not hold it up for long.
    let (mut stage, from) = begun();
    assert!(!shown(&stage.coach.advance(from + 6900)));
    assert!(shown(&stage.coach.advance(from + 7000)));
}

#[test]
fn what_had_to_wait_lets_the_customer_finish() {
    // The gap after the first prompt ends in the middle of the customer's sentence, which is an insult.
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.live = true;
    stage.play("C 2 30 [dissatisfaction] Mein Router geht nicht.\nA [generic_empathy] Das verstehe ich.\n~ 11");
    stage.play("A [refusal] Das geht leider nicht.\nC 3 60 [insult] Sie Idiot!");
    assert_eq!(stage.prompts("001-6").len(), 1);
    assert_eq!(stage.prompts("001-8").len(), 0, "{:#?}", stage.out);
    assert_eq!(stage.prompts("001-1").len(), 1, "{:#?}", stage.out);
}

#[test]
fn a_trigger_lapses_when_its_moment_does_not_come() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    let coach = &mut stage.coach;
    coach.speech(0, Channel::Agent, true, 0);
    let belittling = cues("self_belittling");
    let utterance = Utterance {
        channel: Channel::Agent,
        span: Span::new(0, 2000),
        text: "Ich kann ja nur …",
        cues: &belittling,
        severity: None,
        level: 0,
        band: Band::Calm,
        alerts: false,
    };
    assert_eq!(coach.utterance(2500, utterance), vec![]);
    assert_eq!(coach.advance(15_000), vec![]);
    assert_eq!(coach.speech(16_000, Channel::Agent, false, 16_000), vec![]);
}

#[test]
fn an_answer_ends_a_prompt_and_mute_silences_the_practice() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("A [self_belittling] Ich bin ja nur die Aushilfe.");
    let outputs = stage.coach.answer(stage.now_ms, 1, Answer::Mute);
    assert!(matches!(outputs[..], [CoachOutput::Prompt { state: PromptState::NotNow, .. }]), "{outputs:?}");
    stage.play("~ 50\nA [self_belittling] Ich bin ja nur die Aushilfe.");
    assert_eq!(stage.prompts("000-a").len(), 1);
    assert_eq!(stage.coach.answer(stage.now_ms, 99, Answer::Used), vec![]);
    assert_eq!(stage.coach.habits().get("000-a").map(|habit| (habit.shown, habit.not_now)), Some((1, 1)));
}

#[test]
fn every_alert_carries_one_to_three_suggestions() {
    let customers = CueKind::ALL.iter().filter(|kind| !kind.is_agents());
    let positive = [
        CueKind::Gratitude,
        CueKind::Relief,
        CueKind::Praise,
        CueKind::Patience,
        CueKind::ApologyAccepted,
        CueKind::Humour,
    ];
    let kinds = customers.filter(|kind| !positive.contains(kind)).map(|kind| AlertKind::Act(*kind));
    for lang in [Lang::De, Lang::En] {
        for kind in kinds.clone().chain([AlertKind::RISING_TENSION]) {
            let mut stage = Stage::new(lang, CallFacts::default());
            for _ in 0..4 {
                let suggestions = stage.coach.alert_raised(0, kind);
                assert!((1..=3).contains(&suggestions.len()), "{}: {suggestions:?}", kind.as_str());
            }
        }
    }
}

#[test]
fn suggestions_do_not_depend_on_the_agent() {
    let customer = [
        "C 2 30 [dissatisfaction repeat_contact] Ich rufe zum dritten Mal an.",
        "C 2 40 [long_wait] Ich warte seit zwei Wochen.",
        "C 0 10 [relief] Dann ist ja gut.",
    ];
    let agents =
        [["", ""], ["A [apology specific_empathy] x", "A [solution_offer] x"], ["A [refusal disparaging] x", "A [] x"]];
    let suggestions = |agent: [&str; 2]| {
        let mut stage = Stage::new(Lang::De, CallFacts::default());
        for (at, line) in customer.iter().enumerate() {
            stage.play(line);
            // The same time passes whether the agent says something or not.
            match agent.get(at) {
                Some(line) if !line.is_empty() => drop(stage.play(line)),
                _ => stage.pass(5000),
            }
        }
        let of = |(_, output): (u64, CoachOutput)| match output {
            CoachOutput::Suggestion { practice, text, .. } => Some((practice, text)),
            _ => None,
        };
        stage.out.into_iter().filter_map(of).collect::<Vec<_>>()
    };
    let without = suggestions(agents[0]);
    assert!(!without.is_empty());
    assert_eq!(without, suggestions(agents[1]));
    assert_eq!(without, suggestions(agents[2]));
}

#[test]
fn the_name_told_by_the_customer_counts_when_the_agent_uses_it() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("C 0 0 [] Mein Name ist Sabine Keller.\nA [] Danke, Frau Keller.\nA [] a\nA [] b\nA [] c");
    assert_eq!(stage.prompts("002-1"), vec![]);
}

#[test]
fn an_ultimatum_is_no_kindness() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("A [] Gern.\nC 0 20 [patience] Ich warte noch fünf Minuten.");
    assert!(stage.prompts("004-a").is_empty());
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("A [] Gern.\nC 0 60 [patience] Kein Problem.");
    assert!(stage.prompts("004-a").is_empty(), "not while the call is heated");
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("A [] Gern.\nC 0 20 [patience] Kein Problem, ich warte gern.");
    assert_eq!(stage.prompts("004-a").len(), 1);
}

#[test]
fn nobody_is_asked_for_what_they_said() {
    for (said, forbidden) in
        [("Das geht seit acht Wochen so.", "Seit wann"), ("Mein Router ist kaputt.", "was passiert ist")]
    {
        for variation in 0..6 {
            let mut stage = Stage::new(Lang::De, CallFacts { variation, ..CallFacts::default() });
            stage.play(&format!("C 2 30 [dissatisfaction] {said}"));
            for _ in 0..8 {
                stage.play("~ 61\nC 2 30 [dissatisfaction] Und jetzt?\nA [generic_empathy] Ich verstehe.");
            }
            let texts: Vec<_> = stage.out.iter().map(|(_, output)| format!("{output:?}")).collect();
            assert!(texts.iter().all(|text| !text.contains(forbidden)), "{said}: {texts:?}");
        }
    }
}

#[test]
fn what_helped_and_what_was_lived_is_told() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("C 3 60 [anger] a\nA [apology] Das tut mir leid.\nA [thanks] Danke.\nC 0 30 [] Na gut.");
    assert!(stage.coach.eased());
    assert_eq!(stage.coach.helped(), [CueKind::Apology]);
    assert_eq!(stage.coach.lived(), ["002-6"]);
    stage.play("A [] Gut.");
    assert!(!stage.coach.eased(), "only the moment itself");
}

#[test]
fn after_danger_nobody_is_sent_up_and_down_the_stairs() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("C 3 90 [self_harm] Ich will nicht mehr.\nA [] Ich bin da.\nC 0 20 [gratitude] Danke.\nend");
    assert!(stage.prompts("000-c").is_empty());
    assert!(stage.prompts("001-2")[0].1.contains("mit jemandem"), "{:?}", stage.prompts("001-2"));
}

#[test]
fn the_worst_of_a_heated_call_and_not_every_complaint_calls_for_a_breath() {
    let breaths = |script: &str| Stage::new(Lang::De, CallFacts::default()).play(script).prompts("001-1").len();
    assert_eq!(breaths("A [] a\nC 2 60 [dissatisfaction] Das dauert schon drei Wochen."), 0);
    assert_eq!(breaths("A [] a\nC 3 60 [supervisor_request] Ich bitte Sie höflich um Ihren Vorgesetzten."), 0);
    assert_eq!(breaths("A [] a\nC 2 30 [anger] Das ist doch ärgerlich."), 0);
    let outcry = "A [] a\nC 2 30 [anger] Sie haben mir das falsche Kleid geschickt, am Samstag ist Hochzeit!";
    assert_eq!(breaths(outcry), 0, "who begins with an outcry has to be heard, and worse may come");
    assert_eq!(breaths("A [] a\nC 3 60 [legal_threat] Dann eben mein Anwalt."), 0, "a threat in a cool voice is none");
    let twice = "A [] a\nC 2 30 [dissatisfaction] Es ist kaputt.\nA [] b\nC 1 30 [] c\nA [] d\n~ 20\n";
    let outburst = "C 3 60 [legal_threat anger] Ich gehe zum Anwalt! Noch heute!";
    assert_eq!(breaths(&format!("{twice}{outburst}")), 1, "and after two answers that did not help");
    assert_eq!(
        breaths(&format!("{twice}C 2 30 [anger] Das ist doch ärgerlich! Wirklich!")),
        0,
        "not every word of anger"
    );
    assert_eq!(breaths("A [] a\nC 0 0 [profanity] Verdammt, wo ist denn meine Brille?"), 0, "a curse in a calm call");
}

#[test]
fn amends_are_due_for_an_excuse_and_after_two_answers_without_a_word_of_regret() {
    let play = |script: &str| {
        let mut stage = Stage::new(Lang::De, CallFacts::default());
        stage.play(script);
        (stage.prompts("002-6").len(), stage.prompts("001-6").len())
    };
    let complaint = "C 2 30 [dissatisfaction] Meine Lieferung ist nicht da.\n";
    assert_eq!(
        play(&format!("{complaint}A [question] Wie ist die Nummer?\nC 0 30 [] Vier.\nA [question] Und der Name?")),
        (1, 0),
        "two questions, and no word of regret"
    );
    assert_eq!(play(&format!("{complaint}A [blame_customer] Sie hätten die Mail lesen müssen.")), (1, 0));
    assert_eq!(play(&format!("{complaint}A [question] Oje, was ist denn passiert?")), (0, 0));
    assert_eq!(play(&format!("{complaint}A [generic_empathy question] Das verstehe ich. Ihre Nummer?")), (0, 1));
    assert_eq!(play(&format!("{complaint}A [question] Nummer?\nC 0 30 [] Vier.\nA [] Hier steht zugestellt.")), (1, 0));
    let calm = |told: &str| {
        play(&format!(
            "C 1 10 [dissatisfaction] {told}\nA [question] Wo denn?\nC 0 10 [] In Husum.\nA [] Da ist ein Bagger im Weg."
        ))
    };
    assert_eq!(calm("Der Techniker ist nicht gekommen."), (1, 0), "a failure is a failure, however calmly it is told");
}

#[test]
fn a_failure_told_in_plain_words_is_a_complaint() {
    let amends = |lang, told: &str| {
        let mut stage = Stage::new(lang, CallFacts::default());
        stage.play(&format!("A [] a\nC 0 10 [] {told}\nA [question] Nummer?\nC 0 10 [] Vier.\nA [] b"));
        stage.prompts("002-6").len()
    };
    for told in [
        "Ich habe das falsche Garn bekommen.",
        "Der Brief kündigt eine Sperrung an, aber ich habe längst bezahlt.",
        "Es ist bis heute niemand gekommen.",
        "Meine Karte wurde heute beim Tanken eingezogen.",
        "Mein Zug ist ausgefallen.",
    ] {
        assert_eq!(amends(Lang::De, told), 1, "{told}");
    }
    for told in ["You sent me the wrong colour.", "It arrived broken.", "I've been charged twice.", "Nobody turned up."]
    {
        assert_eq!(amends(Lang::En, told), 1, "{told}");
    }
    for calm in
        ["Ich möchte eine Karte bestellen.", "Mein Locher geht nicht mehr, ich brauche einen neuen.", "Ich ziehe um."]
    {
        assert_eq!(amends(Lang::De, calm), 0, "{calm}");
    }
}

#[test]
fn who_is_upset_hears_other_words_before_their_name() {
    let named = |line: &str| {
        let mut stage = Stage::new(Lang::De, keller());
        stage.play(&format!("A [] a\n{line}\nA [] b\nC 0 10 [] c\nA [] d")).prompts("002-1").len()
    };
    assert_eq!(named("C 0 0 [] Guten Tag."), 1);
    assert_eq!(named("C 2 20 [repeat_contact] Ich rufe zum dritten Mal an."), 0);
    assert_eq!(named("C 1 10 [urgency] Es eilt, ich habe ein Baby hier."), 0);
}

#[test]
fn a_no_that_goes_on_is_none() {
    let advised = |said: &str| {
        let mut stage = Stage::new(Lang::De, CallFacts::default());
        stage.play(&format!("A [] a\nC 0 0 [] b\nA [refusal] {said}"));
        stage.prompts("001-5").len() + stage.prompts("001-8").len() + stage.prompts("000-b").len()
    };
    assert_eq!(advised("Das geht leider nicht."), 1);
    for said in [
        "Nein, da machen Sie sich keine Sorgen.",
        "Nein, nein, das ist nur der Automat.",
        "Das geht nicht, aber am Montag ist etwas frei.",
        "Früher geht es leider nicht, reicht das?",
        "Länger geht leider nicht.",
    ] {
        assert_eq!(advised(said), 0, "{said}");
    }
}

#[test]
fn the_caller_who_did_not_get_through_is_told_sorry_for_the_wait() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("A [] Guten Tag.\nC 2 20 [dissatisfaction] Na endlich, vierzig Minuten war bei Ihnen besetzt!");
    assert_eq!(stage.prompts("002-4").len(), 1, "{:#?}", stage.out);
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("A [] Guten Tag.\nC 0 0 [] Ist der Termin noch frei oder schon besetzt?");
    assert_eq!(stage.prompts("002-4"), vec![]);
}

#[test]
fn after_hard_calls_each_time_other_words() {
    let after = |hard_calls, lang| {
        let facts =
            CallFacts { shift: ShiftSoFar { calls: 5, hard_calls, ..after_a_hard_call().shift }, ..nothing_known() };
        let mut stage = Stage::new(lang, facts);
        stage.play("C 3 60 [anger] a\nend").prompts("001-2")[0].1.to_owned()
    };
    for lang in [Lang::De, Lang::En] {
        let said: Vec<String> = (1..=4).map(|hard_calls| after(hard_calls, lang)).collect();
        assert!(said.windows(2).all(|pair| pair[0] != pair[1]), "{said:?}");
        assert!(said.iter().collect::<BTreeSet<_>>().len() >= 3, "{said:?}");
    }
}

#[test]
fn danger_is_told_at_once_whoever_of_both_said_it_and_each_kind_of_it() {
    let told = |stage: &Stage| stage.prompts("safety").len();
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("A [refusal] a\nA [refusal] Das geht nicht.\nC 3 90 [violence_threat] b");
    assert_eq!(told(&stage), 1, "no pace for danger: {:#?}", stage.out);
    stage.play("C 3 90 [violence_threat] c");
    assert_eq!(told(&stage), 1, "once is enough");
    stage.play("C 3 90 [self_harm] d");
    assert_eq!(told(&stage), 2, "another danger needs other words: {:#?}", stage.out);

    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.live = true;
    stage.level = 90;
    stage.say(Channel::Mixed, None, &cues("self_harm"), "Ich will nicht mehr leben.", None);
    assert_eq!(stage.prompts("safety").first().map(|(at, _)| *at), Some(4000));

    // Beside a band that has not moved, too: the words decide.
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("C 0 0 [violence_threat] Ich komme vorbei und schlage alles kurz und klein.");
    assert_eq!(told(&stage), 1);
}

#[test]
fn a_moment_is_over_after_two_turns() {
    // The prompt at 6 s takes the room; the second waits for its 20 s, in which so much is said.
    let shown = |between: &[(u64, Channel)]| {
        let mut stage = Stage::new(Lang::De, CallFacts::default());
        let mut say = |at_ms: u64, channel, list: &str, text| {
            let severity = (channel == Channel::Customer).then_some(2);
            let cues = cues(list);
            let span = Span::new(at_ms - 1000, at_ms);
            let (level, band) = (30, Band::Tense);
            let utterance = Utterance { channel, span, text, cues: &cues, severity, level, band, alerts: false };
            let outputs = stage.coach.utterance(at_ms, utterance);
            stage.now_ms = at_ms;
            stage.told(outputs);
        };
        say(5_000, Channel::Customer, "dissatisfaction", "a");
        say(6_000, Channel::Agent, "justification", "b");
        say(16_000, Channel::Agent, "refusal", "Der ist ausverkauft.");
        for (at_ms, channel) in between {
            say(*at_ms, *channel, "", "c");
        }
        say(27_000, Channel::Customer, "", "d");
        stage.prompts("001-8").len()
    };
    let (agent, customer) = (Channel::Agent, Channel::Customer);
    assert_eq!(shown(&[(17_000, customer)]), 1, "still right one turn later");
    assert_eq!(shown(&[(17_000, customer), (18_000, agent), (19_000, customer)]), 0, "not three turns later");
}

#[test]
fn what_is_done_or_passed_on_wants_a_word_on_what_comes_next() {
    let told = |lang, agent: &str| {
        let mut stage = Stage::new(lang, CallFacts::default());
        stage
            .play(&format!("A [] a\nC 0 0 [] b\nA [] c\nC 0 0 [] d\nA [] e\nC 0 0 [] f\nA {agent}"))
            .prompts("003-b")
            .len()
    };
    assert_eq!(told(Lang::De, "[] Gut, dann ist der Wechsel so vorgemerkt."), 1);
    assert_eq!(told(Lang::De, "[next_step] Gut, ist raus. Ich gebe das dann an einen Gutachter weiter."), 1);
    assert_eq!(told(Lang::En, "[] Okay, that's all booked."), 1);
    assert_eq!(told(Lang::De, "[] Gut, ist vorgemerkt, am Montag kommt die Bestätigung."), 0, "and when is told");
    assert_eq!(told(Lang::De, "[callback_offer] Ist notiert, ich rufe Sie an, sobald es raus."), 0);
    assert_eq!(told(Lang::De, "[question] Ist das bei Ihnen so notiert?"), 0);
}

#[test]
fn who_is_cut_off_twice_wants_to_be_let_finish() {
    let heard_out = |first: &str, second: &str| {
        let mut stage = Stage::new(Lang::De, CallFacts::default());
        let script = format!(
            "A [] a\nC 2 30 [dissatisfaction] {first}\nA [question] b\n~ 20\nC 1 30 [] {second}\nA [] Das steht so im Vertrag."
        );
        stage.play(&script);
        (stage.prompts("002-7").len(), stage.prompts("002-6").len())
    };
    assert_eq!(heard_out("Sie ist kaputt, weil –", "Ich habe doch schon ..."), (1, 0), "before any apology");
    assert_eq!(heard_out("Sie ist kaputt.", "Ich habe doch schon …").0, 0, "once may happen");
    assert_eq!(heard_out("Sie ist kaputt.", "Ich habe angerufen.").0, 0);
}

#[test]
fn who_goes_silent_without_a_word_on_how_long_is_told_to_say_it() {
    let told = |agent: &str| {
        let mut stage = Stage { live: true, ..Stage::new(Lang::De, CallFacts::default()) };
        stage.play(&format!("A [] Guten Tag.\nC 0 0 [] Wo ist mein Paket?\nA {agent}\n~ 8")).prompts("004-d").len()
    };
    assert_eq!(told("[] Mhm, ich mach mal auf."), 1);
    assert_eq!(told("[] Ich sehe nach, das dauert zwei Minuten."), 0);
    assert_eq!(told("[question] Wie ist denn die Sendungsnummer?"), 0, "the customer is asked");
    assert_eq!(told("[] Dann bräuchte ich noch die Sendungsnummer."), 0);
}
