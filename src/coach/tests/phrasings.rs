//! Every phrasing with every value, and what holds in any call.

use super::*;

/// Every phrasing with every kind of value its slots may hold: long and short, feminine, neuter, plural, titles.
#[test]
fn every_phrasing_can_be_read_with_every_value() {
    let things = [
        ("der Router", "Ihren Router", "Ihrem Router"),
        ("Ihre Rechnung", "Ihre Rechnung", "Ihrer Rechnung"),
        ("Ihr Paket", "Ihr Paket", "Ihrem Paket"),
        ("Ihre Möbel", "Ihre Möbel", "Ihren Möbeln"),
    ];
    let names = ["Frau Keller", "Herrn Dr. Jan Weber", "Frau Prof. Anna von Berg", "Müller-Lüdenscheidt"];
    for lang in [Lang::De, Lang::En] {
        for (what, what_acc, what_dat) in things {
            for name in names {
                let mut slots = slots::Slots::default();
                for slot in slots::SLOTS {
                    slots.set(slot, "zwölf lange Wochen");
                }
                slots.set("what", what);
                slots.set("what_acc", what_acc);
                slots.set("what_dat", what_dat);
                slots.know_name(lang, name);
                let rules = SHIPPED.for_queue(None);
                let phrases = rules
                    .practices
                    .iter()
                    .flat_map(|p| p.say.get(&lang).into_iter().chain(p.say_supervisor.get(&lang)));
                for phrase in phrases.flatten() {
                    let asks_name =
                        phrase.parts.iter().any(|p| matches!(p, playbook::Part::Slot { name, .. } if name == "name"));
                    let Some(text) = slots.fill(phrase) else {
                        assert!(asks_name && slots.get("name").is_none(), "too long or unfilled: {phrase:?}");
                        continue;
                    };
                    assert!(text.chars().count() <= slots::MAX_CHARS, "{text}");
                    let (open, close) = if lang == Lang::De { ('„', '“') } else { ('“', '”') };
                    assert_eq!(text.matches(open).count(), text.matches(close).count(), "{text}");
                    let first = text.trim_start_matches(open).chars().next();
                    assert!(first.is_some_and(|c| !c.is_lowercase()), "begins with a capital: {text}");
                    assert!(!text.contains("  ") && !text.contains("..") && !text.contains(" ,"), "{text}");
                }
            }
        }
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Speech(Channel, bool),
        Said(Channel, Vec<CueKind>, u8, u8, usize),
        Hold(u16),
        Answer(u8, Answer),
        Alert(usize),
    }

    const TEXTS: &[&str] = &[
        "Mein Router geht seit zwei Wochen nicht, ich rufe zum dritten Mal an.",
        "Ich warte seit zwanzig Minuten in der Leitung.",
        "Sie haben mir neunundvierzig Euro zu viel abgebucht.",
        "Das weiß ich leider nicht, das System ist abgestürzt.",
        "Der ist ausverkauft. Auf Wiederhören.",
        "Mein Name ist Anna Keller, vier sieben eins eins.",
        "",
        "🙂 {name} {what",
    ];

    fn channel() -> impl Strategy<Value = Channel> {
        prop_oneof![Just(Channel::Customer), Just(Channel::Agent)]
    }

    fn step() -> impl Strategy<Value = Step> {
        let kinds = proptest::collection::vec((0..CueKind::ALL.len()).prop_map(|at| CueKind::ALL[at]), 0..3);
        let answers = prop_oneof![Just(Answer::Used), Just(Answer::NotNow), Just(Answer::Mute)];
        prop_oneof![
            4 => (channel(), any::<bool>()).prop_map(|(c, on)| Step::Speech(c, on)),
            6 => (channel(), kinds, 0..4u8, 0..=100u8, 0..TEXTS.len()).prop_map(|(c, k, s, l, t)| Step::Said(c, k, s, l, t)),
            1 => (0..60_000u16).prop_map(Step::Hold),
            1 => (0..12u8, answers).prop_map(|(id, answer)| Step::Answer(id, answer)),
            1 => (0..CueKind::ALL.len()).prop_map(Step::Alert),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn the_screen_keeps_its_promises(
            steps in proptest::collection::vec((step(), 0..9_000u64), 1..80),
            lang in prop_oneof![Just(Lang::De), Just(Lang::En)],
            live in any::<bool>(),
        ) {
            let facts = CallFacts {
                customer_name: Some("Herr Weber".into()),
                wait_s: Some(300),
                shift_before_call_ms: Some(8 * 3_600_000),
                ..CallFacts::default()
            };
            let mut stage = Stage::new(lang, facts);
            let settings = &SHIPPED.for_queue(None).settings;
            let mut agent_speaks = Vec::new();
            let mut speaking = false;
            for (step, pause_ms) in steps {
                stage.pass(pause_ms);
                let now = stage.now_ms;
                agent_speaks.resize(stage.out.len(), speaking);
                let outputs = match step {
                    Step::Speech(channel, on) if live => {
                        if channel == Channel::Agent {
                            speaking = on;
                        }
                        stage.coach.speech(now, channel, on, now)
                    }
                    Step::Speech(..) => Vec::new(),
                    Step::Said(channel, kinds, severity, level, text) => {
                        let cues: Vec<Cue> = kinds
                            .into_iter()
                            .filter(|kind| kind.is_agents() == (channel == Channel::Agent))
                            .map(|kind| Cue { kind, start: 0, end: 0, text: String::new(), weight: 0.0 })
                            .collect();
                        let severity = (channel == Channel::Customer).then_some(severity);
                        stage.coach.utterance(now, Utterance {
                            channel,
                            span: Span::new(now.saturating_sub(2000), now),
                            text: TEXTS[text],
                            cues: &cues,
                            severity,
                            level,
                            band: band(level),
                            alerts: false,
                        })
                    }
                    Step::Hold(ms) => {
                        speaking = false;
                        stage.coach.hold_ended(now, ms.into())
                    }
                    Step::Answer(id, answer) => stage.coach.answer(now, id.into(), answer),
                    Step::Alert(at) => stage.coach.alert_raised(now, AlertKind::Act(CueKind::ALL[at])),
                };
                stage.told(outputs);
                agent_speaks.resize(stage.out.len(), speaking);
            }
            stage.play("end");

            let mut on_screen: Option<u64> = None;
            let mut last_shown: Option<u64> = None;
            let mut spent = 0;
            for (at, (now, output)) in stage.out.iter().enumerate() {
                match output {
                    CoachOutput::Prompt { id, practice, text, state, .. } => {
                        prop_assert!(text.chars().count() <= slots::MAX_CHARS, "{text}");
                        prop_assert!(!text.contains(['{', '}']), "{text}");
                        if *state != PromptState::Shown {
                            if on_screen == Some(*id) {
                                on_screen = None;
                            }
                            continue;
                        }
                        prop_assert_eq!(on_screen, None, "two prompts on the screen");
                        on_screen = Some(*id);
                        if practice == "001-2" {
                            continue;
                        }
                        prop_assert!(!agent_speaks.get(at).copied().unwrap_or(false), "{practice} while the agent speaks");
                        if practice != "safety" {
                            spent += 1;
                            let rested = last_shown.is_none_or(|last| now - last >= settings.gap_ms);
                            prop_assert!(rested, "{practice} too soon");
                        }
                        last_shown = Some(*now);
                    }
                    CoachOutput::Suggestion { practice, text, .. } => {
                        prop_assert!(playbook::SUGGESTING.contains(&practice.as_str()), "{practice}");
                        prop_assert!(text.chars().count() <= slots::MAX_CHARS && !text.contains(['{', '}']), "{text}");
                    }
                    CoachOutput::Moment { text, .. } => {
                        prop_assert!(text.chars().count() <= slots::MAX_CHARS && !text.contains(['{', '}']), "{text}");
                    }
                }
            }
            prop_assert!(spent <= settings.budget);
        }
    }
}
