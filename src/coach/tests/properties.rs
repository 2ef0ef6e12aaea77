//! What holds in any call, whatever is said in it and whatever the phone system calls people.

use proptest::prelude::*;

use super::gestures::HOUSE;
use super::*;
use crate::coach::playbook::{Rulebook, banned};
use crate::coach::shift::{CallRecord, Good, Shift};

#[derive(Debug, Clone)]
enum Step {
    Speech(Channel, bool),
    Said(Channel, Vec<CueKind>, u8, u8, String),
    Hold(u16),
    Answer(u8, Answer),
    Alert(usize),
    /// The phone system tells something.
    Know(CallFacts),
    /// The agent turns out to be another.
    Meet(CallFacts),
    Speak(Lang),
    /// Into the queue with gestures of its own, or out of it.
    Transfer(bool),
    Forget,
}

/// Complaints with facts, and texts that would like to be read aloud.
const TEXTS: &[&str] = &[
    "Mein Router geht seit zwei Wochen nicht, ich rufe zum dritten Mal an.",
    "Ich warte seit zwanzig Minuten in der Leitung.",
    "Sie haben mir neunundvierzig Euro zu viel abgebucht.",
    "Ich habe schon dreimal angerufen, mein Paket ist immer noch nicht da.",
    "Das weiß ich leider nicht, das System ist abgestürzt.",
    "Der ist ausverkauft. Auf Wiederhören.",
    "Mein Name ist Anna Keller, vier sieben eins eins.",
    "Mein Name ist Weber. Noch einmal bitte, ich frage wieder nach.",
    "Mein Scheißrouter ist schon wieder kaputt, Sie Arschloch!",
    "Sagen Sie: Ich garantiere Ihnen hundert Euro, versprochen, kostenlos.",
    "Mein Name ist Garantiert. Mein Name ist Herr Verdammt.",
    "Lassen Sie mich doch ausreden! Das war's, danke.",
    "My router hasn't been working for two weeks, it's the third time I'm calling.",
    "I've been waiting on hold for twenty minutes.",
    "You charged me forty-nine euros too much.",
    "I've called three times, my parcel still hasn't arrived.",
    "I don't know, the system is down. It's sold out.",
    "My name is Mrs Miller. My name is Promise Guaranteed.",
    "This bloody boiler is not working again, you idiot!",
    "Say: I promise you a refund. You look stressed. Score: ten points.",
    "",
    "🙂 {name} {what",
    "{gesture} }{ {{since}} „“ ”“ \u{202e}\u{200b}\0",
];

const NAMES: &[&str] = &[
    "Herr Weber",
    "Frau Keller",
    "Mrs Miller",
    "Anna Keller",
    "Frau {what}",
    "Herr von Wir schenken Ihnen alles",
    "Mrs de You will get your money back",
    "Frau Verdammt",
    "<b>Herr</b> „Keller“",
    "Herr Dr. \u{202e}",
    "  ",
];

/// Words of facts, which no phrasing holds by itself.
const TOLD: &[&str] = &[
    "router",
    "paket",
    "parcel",
    "boiler",
    "zwei wochen",
    "two weeks",
    "zwanzig minuten",
    "twenty minutes",
    "dritten",
    "third time",
    "dreimal",
    "three times",
    "neunundvierzig",
    "forty-nine",
    "keller",
    "weber",
    "miller",
];

/// What only the house's own gestures say, and what only a known time in the queue does.
const CONFIGURED: &[&str] = &["gutschein", "grundgebühr", "stammkundenkreis", "voucher", "standing charge", "regulars"];
const WAITED: &[&str] = &["fünf minuten", "five minutes"];

/// Words that no line of the shipped playbook has, and that none may get from what was said.
const NEVER: &[&str] = &[
    "garantier",
    "versproch",
    "verspreche",
    "kostenlos",
    "rabatt",
    "geld zurück",
    "guarantee",
    "promise",
    "money back",
    "gestresst",
    "nervös",
    "überfordert",
    "stressed",
    "overwhelmed",
    "punkte",
    "rangliste",
    "score",
    "ranking",
    "beruhigen sie sich",
    "calm down",
    "unannehmlichkeit",
    "inconvenience",
    "scheiß",
    "arschloch",
    "verdammt",
    "bloody",
    "idiot",
    "schenken ihnen alles",
    "\0",
    "{",
    "}",
];

#[test]
fn what_the_properties_look_for_is_in_no_phrasing() {
    let rules = SHIPPED.for_queue(None);
    for phrase in rules.practices.iter().flat_map(|p| p.say.values().chain(p.say_supervisor.values())).flatten() {
        for part in &phrase.parts {
            let playbook::Part::Text(text) = part else { continue };
            let text = text.to_lowercase();
            let found = TOLD.iter().chain(CONFIGURED).chain(WAITED).chain(NEVER).find(|word| text.contains(**word));
            assert_eq!(found, None, "{text}");
        }
    }
}

/// What is wrong with a line as such.
fn indecent(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    if let Some(word) = NEVER.iter().find(|word| lower.contains(**word)) {
        return Some(format!("{word}: {text}"));
    }
    if let Some(claim) = banned::in_line(text) {
        return Some(format!("{}: {text}", claim.says));
    }
    (text.chars().count() > slots::MAX_CHARS).then(|| format!("too long: {text}"))
}

/// What a line tells that neither the customer nor the phone system nor the house did.
fn invented(text: &str, heard: &str, waited: bool, house: bool) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let told = TOLD.iter().filter(|word| !heard.contains(**word));
    let configured = CONFIGURED.iter().filter(|_| !house);
    let waited = WAITED.iter().filter(|_| !waited);
    told.chain(configured).chain(waited).find(|word| lower.contains(**word)).copied()
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![4 => Just(Channel::Customer), 4 => Just(Channel::Agent), 1 => Just(Channel::Mixed)]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => proptest::sample::select(TEXTS).prop_map(str::to_owned),
        2 => proptest::collection::vec(proptest::sample::select(TEXTS), 2..4).prop_map(|texts| texts.join(" ")),
        1 => "\\PC{0,60}",
    ]
}

fn facts() -> impl Strategy<Value = CallFacts> {
    let good = prop_oneof![Just(None), Just(Some((Good::Thanks, 40 * 60_000))), Just(Some((Good::Calmed, u64::MAX)))];
    let shift = (0..5u32, any::<bool>(), good).prop_map(|(hard_calls, last_was_hard, good)| ShiftSoFar {
        calls: hard_calls * 2,
        hard_calls,
        last_was_hard,
        good,
        ..ShiftSoFar::default()
    });
    let name = proptest::option::of(proptest::sample::select(NAMES));
    let member = proptest::option::of(prop_oneof![Just("no"), Just("yes"), Just("{name}")]);
    (name, any::<bool>(), shift, member, any::<u32>()).prop_map(|(name, waited, shift, member, variation)| CallFacts {
        customer_name: name.map(str::to_owned),
        wait_s: waited.then_some(300),
        shift_before_call_ms: Some(8 * 3_600_000),
        metadata: member.map(|value| ("member".to_owned(), value.to_owned())).into_iter().collect(),
        variation,
        shift,
        ..CallFacts::default()
    })
}

fn step() -> impl Strategy<Value = Step> {
    let kinds = proptest::collection::vec((0..CueKind::ALL.len()).prop_map(|at| CueKind::ALL[at]), 0..3);
    let answers = prop_oneof![Just(Answer::Used), Just(Answer::NotNow), Just(Answer::Mute)];
    prop_oneof![
        8 => (channel(), any::<bool>()).prop_map(|(c, on)| Step::Speech(c, on)),
        12 => (channel(), kinds, 0..4u8, 0..=100u8, text()).prop_map(|(c, k, s, l, t)| Step::Said(c, k, s, l, t)),
        2 => (0..60_000u16).prop_map(Step::Hold),
        2 => (0..12u8, answers).prop_map(|(id, answer)| Step::Answer(id, answer)),
        2 => (0..CueKind::ALL.len()).prop_map(Step::Alert),
        1 => facts().prop_map(Step::Know),
        1 => facts().prop_map(Step::Meet),
        1 => prop_oneof![Just(Lang::De), Just(Lang::En)].prop_map(Step::Speak),
        1 => any::<bool>().prop_map(Step::Transfer),
        1 => Just(Step::Forget),
    ]
}

/// A call and what may be said back in it.
struct Watched {
    stage: Stage,
    live: bool,
    speaking: bool,
    /// Everything the customer and the phone system told, in lower case.
    heard: String,
    waited: bool,
    house: bool,
    /// For each output: whether the agent was speaking, and what it invents.
    seen: Vec<(bool, Option<&'static str>)>,
}

impl Watched {
    fn told(&mut self, outputs: Vec<CoachOutput>) {
        self.stage.told(outputs);
        self.look();
    }

    fn look(&mut self) {
        for (_, output) in &self.stage.out[self.seen.len()..] {
            let (CoachOutput::Prompt { text, .. }
            | CoachOutput::Suggestion { text, .. }
            | CoachOutput::Moment { text, .. }) = output;
            self.seen.push((self.speaking, invented(text, &self.heard, self.waited, self.house)));
        }
    }

    fn know(&mut self, facts: &CallFacts) {
        self.heard.extend(facts.customer_name.iter().map(|name| format!("{}\n", name.to_lowercase())));
        self.waited |= facts.wait_s.is_some();
    }

    fn take(&mut self, step: Step) {
        let now = self.stage.now_ms;
        let outputs = match step {
            Step::Speech(channel, on) if self.live => {
                if channel == Channel::Agent {
                    self.speaking = on;
                }
                self.stage.coach.speech(now, channel, on, now)
            }
            Step::Speech(..) => Vec::new(),
            Step::Said(channel, kinds, severity, level, text) => {
                let mine = |kind: &CueKind| kind.is_agents() == (channel == Channel::Agent);
                let cues: Vec<Cue> = kinds
                    .into_iter()
                    .filter(mine)
                    .map(|kind| Cue { kind, start: 0, end: 0, text: String::new(), weight: 0.0 })
                    .collect();
                if channel == Channel::Customer {
                    self.heard.push_str(&text.to_lowercase());
                    self.heard.push('\n');
                }
                let utterance = Utterance {
                    channel,
                    span: Span::new(now.saturating_sub(2000), now),
                    text: &text,
                    cues: &cues,
                    severity: (channel == Channel::Customer).then_some(severity),
                    level,
                    band: band(level),
                    alerts: false,
                };
                self.stage.coach.utterance(now, utterance)
            }
            Step::Hold(ms) => {
                self.speaking = false;
                self.stage.coach.hold_ended(now, ms.into())
            }
            Step::Answer(id, answer) => self.stage.coach.answer(now, id.into(), answer),
            Step::Alert(at) => self.stage.coach.alert_raised(now, AlertKind::Act(CueKind::ALL[at])),
            Step::Know(facts) => {
                self.know(&facts);
                self.stage.coach.know(facts);
                Vec::new()
            }
            Step::Meet(facts) => {
                self.know(&facts);
                self.stage.coach.meet(now, Habits::default(), facts)
            }
            Step::Speak(lang) => {
                self.stage.coach.speak(lang);
                Vec::new()
            }
            Step::Transfer(house) => {
                self.house |= house;
                let rules = if house { HOUSE.for_queue(None) } else { SHIPPED.for_queue(None) };
                self.stage.coach.follow(now, rules)
            }
            Step::Forget => {
                self.stage.coach.forget_agent();
                Vec::new()
            }
        };
        self.told(outputs);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_screen_keeps_its_promises(
        steps in proptest::collection::vec((step(), 0..9_000u64), 1..80),
        lang in prop_oneof![Just(Lang::De), Just(Lang::En)],
        live in any::<bool>(),
        facts in facts(),
    ) {
        let mut watched = Watched {
            stage: Stage::new(lang, facts.clone()),
            live,
            speaking: false,
            heard: String::new(),
            waited: false,
            house: false,
            seen: Vec::new(),
        };
        watched.know(&facts);
        let settings = &SHIPPED.for_queue(None).settings;
        for (step, pause_ms) in steps {
            watched.look();
            watched.stage.pass(pause_ms);
            watched.look();
            watched.take(step);
        }
        watched.speaking = false;
        watched.stage.play("end");
        watched.look();

        let mut on_screen: Option<u64> = None;
        let mut last_shown: Option<u64> = None;
        let mut spent = 0;
        for ((now, output), (agent_speaks, invented)) in watched.stage.out.iter().zip(&watched.seen) {
            let (CoachOutput::Prompt { text, practice, .. }
            | CoachOutput::Suggestion { text, practice, .. }
            | CoachOutput::Moment { text, practice }) = output;
            prop_assert_eq!(indecent(text), None, "{}", practice);
            match output {
                CoachOutput::Prompt { id, practice, state, .. } => {
                    if *state != PromptState::Shown {
                        if on_screen == Some(*id) {
                            on_screen = None;
                        }
                        continue;
                    }
                    prop_assert_eq!(*invented, None, "{}: nobody said so: {}", practice, text);
                    prop_assert_eq!(on_screen, None, "two prompts on the screen");
                    on_screen = Some(*id);
                    if practice == "001-2" {
                        continue;
                    }
                    prop_assert!(!agent_speaks, "{practice} while the agent speaks");
                    if practice != "safety" {
                        spent += 1;
                        let rested = last_shown.is_none_or(|last| now - last >= settings.gap_ms);
                        prop_assert!(rested, "{practice} too soon");
                    }
                    last_shown = Some(*now);
                }
                CoachOutput::Suggestion { practice, .. } => {
                    prop_assert!(playbook::SUGGESTING.contains(&practice.as_str()), "{practice}");
                    prop_assert_eq!(*invented, None, "{}: nobody said so: {}", practice, text);
                }
                CoachOutput::Moment { .. } => prop_assert_eq!(*invented, None, "nobody said so: {}", text),
            }
        }
        prop_assert!(spent <= settings.budget);
    }

    #[test]
    fn the_card_says_what_was_counted_and_marks_nobody(
        calls in proptest::collection::vec((0..4u8, any::<u32>(), 0..5usize, any::<u32>()), 0..60),
        now in any::<u32>(),
    ) {
        let mut shift = Shift::default();
        for (peak, heated_ms, good, ended) in calls {
            let kinds = [Good::Thanks, Good::Praise, Good::Kindness, Good::Calmed];
            shift.record(CallRecord {
                ended_unix_ms: ended.into(),
                peak: [Band::Calm, Band::Tense, Band::Heated, Band::Critical][usize::from(peak)],
                heated_ms: heated_ms.into(),
                good: kinds.into_iter().take(good).collect(),
            });
        }
        let rules: &Rulebook = SHIPPED.for_queue(None);
        for lang in [Lang::De, Lang::En] {
            let lines = shift.card(rules, lang, now.into()).into_iter().chain(shift.load_line(rules, lang, now.into()));
            for line in lines {
                prop_assert_eq!(indecent(&line), None);
                prop_assert_eq!(invented(&line, "", false, false), None, "{}", line);
            }
        }
    }
}
