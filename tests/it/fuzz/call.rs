//! The call machine itself, driven by bytes: whatever comes in whatever order, its log stays a log.

use std::sync::{Arc, OnceLock};

use ruhepol::call::event::{EndReason, Event, EventKind, Log};
use ruhepol::call::{AgentChannel, AlertCommand, Call, CallInfo, CallSettings, Facts, Input, Output};
use ruhepol::coach::playbook::banned;
use ruhepol::coach::slots::MAX_CHARS;
use ruhepol::coach::{Answer, PromptState};
use ruhepol::config::Config;
use ruhepol::setup;
use ruhepol::terms::{Channel, DropReason, Lang, Outcome, Span, Transcript};
use ruhepol::wire::phone::News;

use super::targets::rules;

const TEXTS: [&str; 16] = [
    "Wo ist mein Paket?",
    "Das ist eine Unverschämtheit, Sie Idiot!",
    "Ich gehe zum Anwalt und zur Zeitung.",
    "Ich bringe Sie um.",
    "Danke, das ist sehr nett von Ihnen.",
    "Meine Karte ist 4111 1111 1111 1111.",
    "Das tut mir wirklich leid, ich kümmere mich darum.",
    "I want to speak to your supervisor.",
    "",
    "…",
    "Ich kann nicht mehr, ich will nicht mehr leben.",
    "Ja. Nein. Doch.",
    "Mein Scheißrouter geht seit zwei Wochen nicht, mein Name ist Garantiert {name}.",
    "Sagen Sie: Das garantiere ich Ihnen, hundert Euro, versprochen.",
    "Das kann ich verstehen. Das liegt am Fahrer.",
    "Ich habe neunundvierzig Euro bezahlt und warte seit zwanzig Minuten in der Leitung.",
];

/// What a phone system may call somebody.
const NAMES: [&str; 4] = ["Frau Keller", "Frau {what}", "Herr von Wir schenken Ihnen alles", "Frau Verdammt"];

pub fn seeds() -> Vec<Vec<u8>> {
    let talk: Vec<u8> = (0..40).flat_map(|n| [6, n % 3, n % 12, 10 + n % 50]).collect();
    let audio: Vec<u8> = (0..30).flat_map(|n| [0, n * 7, 40, 200, 5, n, 0, 1]).collect();
    let hands: Vec<u8> = (0..20).flat_map(|n| [6, 0, 1, 30, 11, n, 0, 0, 7, 0, 8, 0, 15, n, 1, 12]).collect();
    vec![talk, audio, hands, vec![6, 0, 1, 20, 17, 0, 18]]
}

/// News as sockets hear them.
pub fn news() -> &'static [News] {
    static NEWS: OnceLock<Vec<News>> = OnceLock::new();
    NEWS.get_or_init(|| {
        let mut events = Vec::new();
        let mut call = begin(AgentChannel::Full, &mut events);
        for (number, text) in TEXTS.iter().enumerate() {
            let start_ms = number as u64 * 4_000;
            let span = Span { start_ms, end_ms: start_ms + 3_000 };
            let input = Input::Utterance { channel: Channel::Customer, span, text: (*text).to_owned() };
            call.handle(1_700_000_000_000 + start_ms, input, &mut events);
        }
        call.handle(1_700_000_100_000, Input::End { reason: EndReason::Stop }, &mut events);
        let told = events.into_iter().filter_map(event).filter(|event| event.log == Log::Call).collect();
        let speech = News::Speech { channel: Channel::Customer, speaking: true, at_ms: 40 };
        vec![News::Events(told), speech, News::Flushed]
    })
}

fn event(output: Output) -> Option<Event> {
    match output {
        Output::Event(event) => Some(event),
        _ => None,
    }
}

fn begin(agent_channel: AgentChannel, out: &mut Vec<Output>) -> Call {
    static SETTINGS: OnceLock<CallSettings> = OnceLock::new();
    let settings = SETTINGS.get_or_init(|| setup::call_settings(&Config::default()).unwrap());
    let settings = CallSettings { agent_channel, ..settings.clone() };
    let info = CallInfo {
        call: "c1".to_owned(),
        agent: Some("a7".to_owned()),
        queue: Some("versand".to_owned()),
        lang: Lang::De,
        ..CallInfo::default()
    };
    Call::start(info, Arc::clone(rules()), settings, 1_700_000_000_000, out)
}

/// Reads numbers from bytes; zeros at the end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Mostly small, sometimes at the very end of what a number can be.
    fn time(&mut self) -> u64 {
        match self.next() {
            255 => u64::MAX,
            254 => u64::MAX / 16_000,
            253 => 86_400_000,
            small => u64::from(small) * u64::from(self.next()) * 20,
        }
    }

    fn channel(&mut self) -> Channel {
        [Channel::Customer, Channel::Agent, Channel::Mixed][usize::from(self.next() % 3)]
    }

    fn text(&mut self) -> String {
        TEXTS[usize::from(self.next()) % TEXTS.len()].to_owned()
    }
}

pub fn run(input: &[u8]) {
    let mut bytes = Bytes(input);
    let mut out = Vec::new();
    let channel = [AgentChannel::Coach, AgentChannel::Full, AgentChannel::Off][usize::from(bytes.next() % 3)];
    let mut call = begin(channel, &mut out);
    let (mut segments, mut clock_ms, mut at) = (Vec::new(), 1_700_000_000_000_u64, 0_u64);
    let mut alerts = Vec::new();
    let mut judge = Judge::default();
    out.drain(..).filter_map(event).for_each(|event| judge.hear(&event));
    while !bytes.0.is_empty() {
        clock_ms += u64::from(bytes.next());
        let input = match bytes.next() % 20 {
            0..=3 => {
                let (length, level, jump) = (usize::from(bytes.next()) * 16, bytes.next(), bytes.next());
                at = at.saturating_add(match jump {
                    0..=240 => 0,
                    241..=250 => u64::from(jump) * 1_600,
                    _ => bytes.time(),
                });
                let tone = |n: usize| (n as f32 * 0.05).sin() * f32::from(level) / 255.0;
                let samples: Vec<f32> = (0..length).map(tone).collect();
                let lanes = vec![(bytes.channel(), samples)];
                let begun = at;
                at = at.saturating_add(length as u64);
                Input::Audio { at: begun, lanes }
            }
            4 => Input::Gap { until_ms: bytes.time() },
            5 => Input::EndChannel { channel: bytes.channel() },
            6 | 7 => {
                let channel = bytes.channel();
                let start_ms = bytes.time();
                let span = Span { start_ms, end_ms: start_ms.saturating_add(u64::from(bytes.next()) * 20) };
                Input::Utterance { channel, span, text: bytes.text() }
            }
            8 => {
                let known = segments.get(usize::from(bytes.next()) % segments.len().max(1)).copied();
                let outcome = match bytes.next() % 4 {
                    0 => Outcome::Nothing,
                    1 => Outcome::Dropped { reason: DropReason::Failed },
                    _ => Outcome::Text { text: bytes.text(), confidence: 0.5 },
                };
                Input::Transcript(Transcript { segment: known.unwrap_or(99), outcome })
            }
            9 => Input::Hold,
            10 => Input::Resume { t_ms: bytes.time() },
            11 => Input::Tick { t_ms: bytes.time() },
            12 => Input::Consent { given: bytes.next() % 4 != 0 },
            13 => Input::Facts(Facts {
                agent: (bytes.next() % 2 == 0).then(|| "a8".to_owned()),
                customer_name: Some(NAMES[usize::from(bytes.next()) % NAMES.len()].to_owned()),
                wait_s: Some(bytes.time()),
                shift_started_unix_ms: Some(bytes.time()),
                ..Facts::default()
            }),
            14 => {
                let known = alerts.get(usize::from(bytes.next()) % alerts.len().max(1)).cloned();
                let command = match bytes.next() % 3 {
                    0 => AlertCommand::Acknowledge,
                    1 => AlertCommand::Dismiss { reason: bytes.text() },
                    _ => AlertCommand::Snooze { minutes: u32::from(bytes.next()) << (bytes.next() % 25) },
                };
                Input::Alert { alert: known.unwrap_or_default(), command, by: "s1".to_owned() }
            }
            15 => Input::Whisper { from: "s1".to_owned(), text: bytes.text() },
            16 => Input::Note { by: "s1".to_owned(), text: bytes.text() },
            17 => {
                let answer = [Answer::Used, Answer::NotNow, Answer::Mute][usize::from(bytes.next() % 3)];
                Input::Prompt { prompt: format!("c1:p{}", bytes.next() % 8), answer }
            }
            18 => match bytes.next() % 3 {
                0 => Input::Watching { who: "s1".to_owned(), on: bytes.next() % 2 == 0 },
                1 => Input::ForgetAgent,
                _ => Input::End { reason: EndReason::Stop },
            },
            _ => {
                if bytes.next() % 8 != 0 {
                    continue;
                }
                Input::Abandon
            }
        };
        call.handle(clock_ms, input, &mut out);
        assert!(out.len() < 100_000, "one input never yields so much");
        for output in out.drain(..) {
            match output {
                Output::Transcribe { segment, speech, .. } => {
                    assert!(speech.span.start_ms <= speech.span.end_ms);
                    assert!(speech.samples.len() <= 16_000 * 30, "Whisper hears 30 s");
                    assert!(!segments.contains(&segment), "numbers are used once");
                    segments.push(segment);
                }
                Output::Event(event) => {
                    if let EventKind::Alert { id, .. } = &event.kind {
                        alerts.push(id.clone());
                    }
                    judge.hear(&event);
                }
                Output::Speech { .. } | Output::Prompted { .. } => {}
            }
        }
    }
    call.handle(clock_ms, Input::End { reason: EndReason::Stop }, &mut out);
    call.handle(clock_ms, Input::Abandon, &mut out);
    out.drain(..).filter_map(event).for_each(|event| judge.hear(&event));
    assert!(call.ended() && judge.ended, "every call ends");
}

/// What holds for every log.
#[derive(Default)]
struct Judge {
    seqs: [u64; 2],
    t_ms: u64,
    ended: bool,
    on_screen: Option<String>,
}

impl Judge {
    fn hear(&mut self, event: &Event) {
        let seq = &mut self.seqs[usize::from(event.log == Log::Agent)];
        *seq += 1;
        assert_eq!(event.seq, *seq, "neither lost nor doubled");
        assert!(event.t_ms >= self.t_ms, "time never runs back: {event:?}");
        self.t_ms = event.t_ms;
        if event.log == Log::Call {
            assert!(!self.ended, "nothing after the end: {event:?}");
            self.ended = matches!(event.kind, EventKind::CallEnded { .. });
        }
        if let EventKind::Assessment { level, .. } = &event.kind {
            assert!(*level <= 100);
        }
        match &event.kind {
            EventKind::Prompt { id, text, state, .. } => {
                decent(text);
                if *state == PromptState::Shown {
                    assert_eq!(self.on_screen.replace(id.clone()), None, "two prompts on the screen: {event:?}");
                } else {
                    self.on_screen.take_if(|shown| shown == id);
                }
            }
            EventKind::Suggestion { text, .. } | EventKind::Moment { text, .. } => decent(text),
            _ => {}
        }
    }
}

/// Whether a line may be shown to anybody.
fn decent(text: &str) {
    assert!(text.chars().count() <= MAX_CHARS && !text.contains(['{', '}']), "{text}");
    assert!(banned::in_line(text).is_none(), "{text} {}", banned::in_line(text).map_or("", |claim| &claim.says));
}
