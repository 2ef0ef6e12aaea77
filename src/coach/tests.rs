use std::sync::LazyLock;

use super::*;

/// A call played line by line:
///
/// - `C 2 45 [long_wait] Text`: the customer says it; severity, level of the call after it, cues;
/// - `A [refusal] Text`: the agent says it;
/// - `~ 20`: so many seconds pass in silence; `hold 30`: a hold of so many seconds ends; `end`: the call ends.
///
/// Every utterance takes 4 s and a pause of 1 s follows. Live calls report voice activity too.
struct Stage {
    coach: Coach,
    now_ms: u64,
    level: u8,
    live: bool,
    out: Vec<(u64, CoachOutput)>,
}

static SHIPPED: LazyLock<Playbook> = LazyLock::new(|| Playbook::embedded().unwrap());

fn band(level: u8) -> Band {
    match level {
        0..25 => Band::Calm,
        25..50 => Band::Tense,
        50..75 => Band::Heated,
        _ => Band::Critical,
    }
}

fn cues(list: &str) -> Vec<Cue> {
    let kind = |name: &str| CueKind::from_name(name).unwrap_or_else(|| panic!("no cue {name}"));
    let cue = |name| Cue { kind: kind(name), start: 0, end: 0, text: String::new(), weight: 0.0 };
    list.split_whitespace().map(cue).collect()
}

impl Stage {
    fn new(lang: Lang, facts: CallFacts) -> Self {
        let (coach, out) = Coach::new(&SHIPPED, lang, facts, Habits::default());
        let out = out.into_iter().map(|output| (0, output)).collect();
        Self { coach, now_ms: 0, level: 0, live: false, out }
    }

    fn told(&mut self, outputs: Vec<CoachOutput>) {
        self.out.extend(outputs.into_iter().map(|output| (self.now_ms, output)));
    }

    fn pass(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        while let Some(due) = self.coach.next_deadline().filter(|due| *due <= until) {
            assert!(due >= self.now_ms, "a deadline in the past");
            self.now_ms = due;
            let outputs = self.coach.advance(self.now_ms);
            self.told(outputs);
            assert!(self.coach.next_deadline().is_none_or(|next| next > due), "the same deadline again");
        }
        self.now_ms = self.now_ms.max(until);
    }

    fn say(&mut self, channel: Channel, severity: Option<u8>, cues: &[Cue], text: &str, alert: Option<AlertKind>) {
        let start_ms = self.now_ms;
        if self.live {
            let outputs = self.coach.speech(self.now_ms, channel, true, self.now_ms);
            self.told(outputs);
            self.pass(4000);
            let outputs = self.coach.speech(self.now_ms, channel, false, self.now_ms);
            self.told(outputs);
        } else {
            self.now_ms += 4000;
        }
        let (level, band) = (self.level, band(self.level));
        let span = Span::new(start_ms, start_ms + 4000);
        let alerts = alert.is_some();
        let outputs =
            self.coach.utterance(self.now_ms, Utterance { channel, span, text, cues, severity, level, band, alerts });
        self.told(outputs);
        if let Some(kind) = alert {
            let outputs = self.coach.alert_raised(self.now_ms, kind);
            self.told(outputs);
        }
        self.pass(1000);
    }

    fn play(&mut self, script: &str) -> &mut Self {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
            match what {
                "~" => self.pass(rest.parse::<u64>().unwrap() * 1000),
                "hold" => {
                    let held_ms = rest.parse::<u64>().unwrap() * 1000;
                    let outputs = self.coach.hold_ended(self.now_ms, held_ms);
                    self.told(outputs);
                }
                "end" => {
                    let outputs = self.coach.end(self.now_ms);
                    self.told(outputs);
                }
                "C" | "A" => {
                    let (head, rest) = rest.split_once('[').unwrap();
                    let (list, text) = rest.split_once(']').unwrap();
                    let numbers: Vec<u8> = head.split_whitespace().map(|n| n.parse().unwrap()).collect();
                    if let [_, level] = numbers[..] {
                        self.level = level;
                    }
                    let channel = if what == "C" { Channel::Customer } else { Channel::Agent };
                    self.say(channel, numbers.first().copied(), &cues(list), text.trim(), None);
                }
                other => panic!("{other}?"),
            }
        }
        self
    }

    /// Times and words of a practice's prompts (or moments).
    fn prompts(&self, id: &str) -> Vec<(u64, &str)> {
        let of = |(at, output): &'_ (u64, CoachOutput)| match output {
            CoachOutput::Prompt { practice, state: PromptState::Shown, .. } | CoachOutput::Moment { practice, .. }
                if practice == id =>
            {
                Some(*at)
            }
            _ => None,
        };
        self.out
            .iter()
            .filter_map(|entry| of(entry).map(|at| (at, entry)))
            .map(|(at, (_, output))| match output {
                CoachOutput::Prompt { text, .. } | CoachOutput::Moment { text, .. } => (at, text.as_str()),
                CoachOutput::Suggestion { .. } => unreachable!(),
            })
            .collect()
    }

    fn states(&self, id: &str) -> Vec<PromptState> {
        let state = |(_, output): &(u64, CoachOutput)| match output {
            CoachOutput::Prompt { practice, state, .. } if practice == id => Some(*state),
            _ => None,
        };
        self.out.iter().filter_map(state).collect()
    }

    fn suggested(&self, id: &str) -> usize {
        self.out.iter().filter(|(_, o)| matches!(o, CoachOutput::Suggestion { practice, .. } if practice == id)).count()
    }
}

/// What a practice does in one script.
struct Case {
    id: &'static str,
    /// It speaks once, first at this line (counted from 1) of the script.
    speaks: (&'static str, usize),
    /// It stays silent.
    silent: &'static str,
    /// It would be called for more often than it speaks: script and times.
    limit: (&'static str, usize),
    facts: fn() -> CallFacts,
    live: bool,
}

fn nothing_known() -> CallFacts {
    CallFacts::default()
}

fn keller() -> CallFacts {
    CallFacts { customer_name: Some("Frau Keller".into()), ..CallFacts::default() }
}

fn after_seven_hours() -> CallFacts {
    CallFacts { shift_before_call_ms: Some(7 * 3_600_000 + 60_000), ..CallFacts::default() }
}

fn after_a_hard_call() -> CallFacts {
    let shift = ShiftSoFar {
        calls: 4,
        hard_calls: 1,
        last_was_hard: true,
        good: Some((shift::Good::Thanks, 40 * 60_000)),
        thanks: 1,
        good_moments: 1,
        heated_ms: 90_000,
    };
    CallFacts { shift, ..CallFacts::default() }
}

fn waited_four_minutes() -> CallFacts {
    CallFacts { wait_s: Some(240), ..CallFacts::default() }
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
        limit: ("A [self_belittling] a\nC 0 0 [] b\nA [self_belittling] c\nC 0 0 [] d\nA [self_belittling] e", 1),
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
        limit: ("A [disparaging] a\n~ 61\nA [disparaging] b\n~ 61\nA [disparaging] c", 2),
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
        speaks: ("C 0 0 [] Ich möchte kündigen.\nA [wrong_department] Da sind Sie bei mir falsch.", 2),
        silent: "C 0 0 [] Ich möchte kündigen.\nA [refusal solution_offer] Das geht nicht, aber ich pausiere den Vertrag.",
        limit: ("A [refusal] a\nC 0 0 [] b\nA [refusal] c\nC 0 0 [] d\nA [refusal] e", 1),
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
        limit: ("A [] a\nA [] b\nA [] c\n~ 61\nA [] d\n~ 61\nA [] e\n~ 61\nA [] f", 2),
        facts: keller,
        live: true,
    },
    Case {
        id: "002-3",
        speaks: (
            "C 1 20 [dissatisfaction] Schon wieder kaputt.\nA [solution_offer apology] Ich schicke Ihnen einen neuen.\nC 0 0 [gratitude] Vielen Dank!\nA [question] Kann ich sonst noch etwas für Sie tun?",
            4,
        ),
        silent: "C 0 0 [] Hallo.\nA [solution_offer] Ich schicke es Ihnen.\nC 0 0 [gratitude] Danke!\nA [question] Kann ich sonst noch etwas für Sie tun?",
        limit: (
            "C 1 20 [dissatisfaction] a\nA [solution_offer apology] b\nC 0 0 [gratitude] c\nA [question] Sonst noch etwas?\n~ 61\nA [question] Sonst noch etwas?",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-7",
        speaks: ("C 1 20 [repeat_contact] Ich frage noch einmal nach.\nA [specific_empathy] Das ist lästig.", 2),
        silent: "C 1 20 [repeat_contact] Ich frage noch einmal nach.\nA [thanks] Danke, dass Sie nachfragen.",
        limit: (
            "C 1 20 [repeat_contact] a\nA [specific_empathy] b\n~ 61\nC 1 20 [repeat_contact] c\nA [specific_empathy] d",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "004-d",
        speaks: ("A [] Ich sehe nach.\n~ 8", 2),
        silent: "A [hold_announcement] Einen Moment, ich suche Ihren Vertrag heraus.\n~ 8",
        limit: ("A [] a\n~ 20\nA [] b\n~ 15", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-9",
        speaks: ("C 2 45 [dissatisfaction] a\nA [solution_offer] b\nC 0 30 [humour] Der Hund wartet auch schon.", 3),
        silent: "C 2 20 [dissatisfaction] a\nA [solution_offer] b\nC 2 45 [humour anger] Sehr witzig.",
        limit: ("C 2 45 [] a\nA [solution_offer] b\nC 0 35 [humour] c\n~ 30\nC 0 28 [humour] d", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-4",
        speaks: (
            "A [] Guten Tag.\nC 0 0 [] Hallo.\nA [] Das kostet mehr.\nC 1 30 [disbelief] Das kann doch nicht sein.",
            4,
        ),
        silent: "A [] Guten Tag.\nC 1 30 [disbelief] Das kann doch nicht sein.\nA [] b\nC 3 30 [legal_threat] Dann gehe ich zum Anwalt.",
        limit: ("A [] a\nA [] b\nC 1 30 [disbelief] c\nA [] d\n~ 30\nC 1 30 [disbelief] e\nA [] f", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-10",
        speaks: ("A [] Guten Tag.\nC 0 0 [] Hallo.\nA [hold_announcement] Einen kleinen Moment bitte.\n~ 6", 4),
        silent: "A [] Guten Tag.\nC 2 30 [dissatisfaction] Hallo.\nA [hold_announcement] Einen Moment bitte.\n~ 6",
        limit: ("A [] a\nA [hold_announcement] b\n~ 70\nA [hold_announcement] c\n~ 10", 1),
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
        silent: "A [] Hier, bitte.\nC 0 0 [gratitude] Danke. Und die Nummer?\nA [] Bitte.\nC 2 30 [gratitude sarcasm] Na vielen Dank auch.",
        limit: ("C 0 0 [patience] a\nA [] b\nC 0 0 [praise] c", 1),
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

fn played(case: &Case, script: &str, lang: Lang) -> Stage {
    let mut stage = Stage::new(lang, (case.facts)());
    stage.live = case.live;
    stage.play(script);
    stage
}

#[test]
fn every_practice_speaks_at_its_moment() {
    for case in CASES {
        let (script, line) = case.speaks;
        let stage = played(case, script, Lang::De);
        let prompts = stage.prompts(case.id);
        assert!(!prompts.is_empty(), "{} is silent in\n{script}\n{:#?}", case.id, stage.out);
        // The moment: not before the line, and at the latest within it and the pause after it.
        let before: Vec<&str> = script.lines().take(line - 1).collect();
        let until: Vec<&str> = script.lines().take(line).collect();
        let silent_before =
            case.id == "001-3" || played(case, &before.join("\n"), Lang::De).prompts(case.id).is_empty();
        assert!(silent_before, "{} speaks before line {line}", case.id);
        let spoken = played(case, &until.join("\n"), Lang::De).prompts(case.id).len();
        assert_eq!(spoken, 1, "{} in line {line} of\n{script}", case.id);
    }
}

#[test]
fn every_practice_stays_silent_where_it_has_nothing_to_say() {
    for case in CASES {
        let mut quiet = Stage::new(Lang::De, if case.id == "001-3" { nothing_known() } else { (case.facts)() });
        quiet.live = case.live;
        quiet.play(case.silent);
        assert_eq!(quiet.prompts(case.id), vec![], "{} speaks in\n{}", case.id, case.silent);
    }
}

#[test]
fn every_practice_keeps_its_limit() {
    for case in CASES {
        let (script, times) = case.limit;
        let stage = played(case, script, Lang::De);
        assert_eq!(stage.prompts(case.id).len(), times, "{} in\n{script}\n{:#?}", case.id, stage.out);
    }
}

#[test]
fn every_shipped_practice_has_a_case() {
    // The card has tests of its own in `shift`, the two that need configuring below.
    let elsewhere = ["004-b", "004-e", "002-2", "002-5"];
    for practice in &SHIPPED.for_queue(None).practices {
        let known = CASES.iter().any(|case| case.id == practice.id) || elsewhere.contains(&practice.id.as_str());
        assert!(known, "{} has no case", practice.id);
    }
}

const CONFIGURED: &str = r#"
version = 1
lang = "de"
[configured]
circle = "unserem Stammkundenkreis"
[[gesture]]
cues = ["long_wait"]
de = "einen Gutschein über zehn Euro"
[[gesture]]
cues = ["repeat_contact"]
de = "einen Monat ohne Grundgebühr"
needs_approval = true
"#;

fn configured(facts: CallFacts) -> Stage {
    let mut files = playbook::EMBEDDED.to_vec();
    files.push(("own.toml", CONFIGURED));
    let playbook = Playbook::load(&files).unwrap();
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.coach = Coach::new(&playbook, Lang::De, facts, Habits::default()).0;
    stage
}

#[test]
fn gestures_are_named_only_as_configured() {
    let script = "C 2 30 [long_wait] Ich warte seit drei Wochen.\nA [specific_empathy apology] Das ist lang.\n~ 21\nC 0 25 [] Ja.\nA [] Hm.";
    let mut stage = configured(CallFacts::default());
    stage.play(script);
    let prompts = stage.prompts("002-5");
    assert_eq!(prompts.len(), 1, "{:#?}", stage.out);
    assert!(prompts[0].1.contains("einen Gutschein über zehn Euro"), "{prompts:?}");
    assert_eq!(stage.suggested("002-5"), 0, "no approval is needed");

    let mut stage = configured(CallFacts::default());
    stage.play("C 2 30 [repeat_contact] Ich rufe schon wieder an.");
    assert_eq!(stage.suggested("002-5"), 1);

    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play(script);
    assert_eq!(stage.prompts("002-5"), vec![], "nothing is configured");
}

#[test]
fn a_gesture_and_the_circle_are_offered_once_a_call() {
    let wait = "C 2 30 [long_wait] Ich warte seit drei Wochen.\nA [specific_empathy apology] Das ist lang.\n~ 21\nC 0 25 [] Ja.\nA [] Hm.\n";
    let mut stage = configured(CallFacts::default());
    stage.play(&wait.repeat(4));
    assert_eq!(stage.prompts("002-5").len(), 1, "{:#?}", stage.out);

    let not_yet = BTreeMap::from([("member".to_owned(), "no".to_owned())]);
    let mut stage = configured(CallFacts { metadata: not_yet, ..CallFacts::default() });
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
    let mut stage = configured(member("no"));
    stage.play(script);
    assert_eq!(stage.prompts("002-2").len(), 1, "{:#?}", stage.out);
    for other in [configured(member("yes")), Stage::new(Lang::De, member("no"))] {
        let mut stage = other;
        stage.play(script);
        assert_eq!(stage.prompts("002-2"), vec![]);
    }
}

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
    stage.play("C 2 45 [] a\nA [solution_offer] b\nC 0 30 [humour] c\nC 3 60 [insult] d");
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
    assert!(shown(&coach.speech(6500, Channel::Agent, false, 6500)));
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
    assert_eq!(coach.advance(11_000), vec![]);
    assert_eq!(coach.speech(12_000, Channel::Agent, false, 12_000), vec![]);
}

#[test]
fn an_answer_ends_a_prompt_and_mute_silences_the_practice() {
    let mut stage = Stage::new(Lang::De, CallFacts::default());
    stage.play("A [self_belittling] a");
    let outputs = stage.coach.answer(stage.now_ms, 1, Answer::Mute);
    assert!(matches!(outputs[..], [CoachOutput::Prompt { state: PromptState::NotNow, .. }]), "{outputs:?}");
    stage.play("~ 50\nA [self_belittling] b");
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
    assert_eq!(breaths("A [] a\nC 2 45 [anger disbelief] Jetzt bin ich auch noch schuld?"), 1);
    assert_eq!(breaths("A [] a\nC 3 60 [legal_threat] Dann eben mein Anwalt."), 1);
    assert_eq!(breaths("A [] a\nC 0 0 [profanity] Verdammt, wo ist denn meine Brille?"), 0, "a curse in a calm call");
}

#[test]
fn amends_are_due_for_an_excuse_and_not_for_a_question() {
    let play = |script: &str| {
        let mut stage = Stage::new(Lang::De, CallFacts::default());
        stage.play(script);
        (stage.prompts("002-6").len(), stage.prompts("001-6").len())
    };
    let complaint = "C 2 30 [dissatisfaction] Meine Lieferung ist nicht da.\n";
    assert_eq!(
        play(&format!("{complaint}A [question] Wie ist die Nummer?\nC 0 30 [] Vier.\nA [question] Und der Name?")),
        (0, 0)
    );
    assert_eq!(play(&format!("{complaint}A [blame_customer] Sie hätten die Mail lesen müssen.")), (1, 0));
    assert_eq!(play(&format!("{complaint}A [generic_empathy question] Oje, was ist denn passiert?")), (0, 0));
    assert_eq!(play(&format!("{complaint}A [question] Nummer?\nC 0 30 [] Vier.\nA [] Hier steht zugestellt.")), (1, 0));
    let calm = "C 1 10 [dissatisfaction] Das Internet ist weg.\nA [question] Wo denn?\nC 0 10 [] In Husum.\nA [] Da ist ein Bagger ins Kabel geraten.";
    assert_eq!(play(calm), (0, 0), "not in a calm stretch");
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
