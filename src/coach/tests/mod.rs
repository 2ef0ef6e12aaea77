//! Scripts played to the coach line by line.

mod behaviour;
mod cases;
mod english;
mod gestures;
mod moments;
mod phrasings;
mod properties;
mod transfer;

use std::sync::LazyLock;

use super::*;
use crate::call::escalation::{Assessment, Escalation, EscalationSettings};
use crate::language::{Language, Names, Reading};
use crate::terms::{Cue, Span};

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
    /// Cues, severity and level come from the words, whatever the script says of them.
    ears: Option<Ears>,
    out: Vec<(u64, CoachOutput)>,
}

/// Reads and weighs what is said, as a call does.
struct Ears {
    lang: Lang,
    escalation: Escalation,
}

impl Ears {
    fn new(lang: Lang) -> Self {
        Self { lang, escalation: Escalation::new(&EscalationSettings::default(), lang) }
    }

    fn hear(&mut self, channel: Channel, span: Span, text: &str) -> (Reading, Assessment) {
        let reading = LANGUAGE.read(self.lang, channel, text, &Names::default());
        let assessment = self.escalation.utterance(span.end_ms, channel, &reading, text, &mut Vec::new());
        (reading, assessment)
    }
}

static LANGUAGE: LazyLock<Language> = LazyLock::new(|| Language::embedded().unwrap());

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
    let weight = |kind| crate::language::severity::defaults(kind).weight;
    let cue = |name| Cue { kind: kind(name), start: 0, end: 0, text: String::new(), weight: weight(kind(name)) };
    list.split_whitespace().map(cue).collect()
}

impl Stage {
    fn new(lang: Lang, facts: CallFacts) -> Self {
        let (coach, out) = Coach::new(&SHIPPED, lang, facts, Habits::default());
        let out = out.into_iter().map(|output| (0, output)).collect();
        Self { coach, now_ms: 0, level: 0, live: false, ears: None, out }
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
        let span = Span::new(start_ms, start_ms + 4000);
        let alerts = alert.is_some();
        let heard = self.ears.as_mut().map(|ears| ears.hear(channel, span, text));
        let (cues, severity, level, band) = match &heard {
            Some((reading, assessment)) => (&reading.cues[..], reading.severity, assessment.level, assessment.band),
            None => (cues, severity, self.level, band(self.level)),
        };
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
