//! From the words that set a prompt off to the prompt: redaction, reading, level, practices, screen, phrasing.
//!
//! `cargo bench --bench coach`. Each time is one utterance handed to a call until the call has told the prompt; whoever
//! hears it on a socket waits for the journal besides (`cargo bench --bench journal`).

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ruhepol::call::conversation::Rules;
use ruhepol::call::event::EventKind;
use ruhepol::call::{Call, CallInfo, CallSettings, Input, Output};
use ruhepol::coach::PromptState;
use ruhepol::config::Config;
use ruhepol::setup;
use ruhepol::terms::{Channel, Lang, Span};

/// A short call whose last line sets a prompt off.
struct Talk {
    name: &'static str,
    lang: Lang,
    practice: &'static str,
    /// Utterances about nothing before it.
    before: usize,
    customer: &'static str,
    agent: &'static str,
    /// The last line is said so many times over in one breath.
    times: usize,
}

const TALKS: [Talk; 6] = [
    Talk {
        name: "empathy, German",
        lang: Lang::De,
        practice: "001-6",
        before: 0,
        customer: "Mein Router geht seit zwei Wochen nicht, ich bin wirklich sauer.",
        agent: "Das kann ich verstehen.",
        times: 1,
    },
    Talk {
        name: "empathy, German, after 600 utterances",
        lang: Lang::De,
        practice: "001-6",
        before: 600,
        customer: "Mein Router geht seit zwei Wochen nicht, ich bin wirklich sauer.",
        agent: "Das kann ich verstehen.",
        times: 1,
    },
    Talk {
        name: "amends, German, an answer of 3,000 characters",
        lang: Lang::De,
        practice: "002-6",
        before: 0,
        customer: "Mein Router geht seit zwei Wochen nicht, ich bin wirklich sauer.",
        agent: "Das kann ich verstehen.",
        times: 125,
    },
    Talk {
        name: "apology, German",
        lang: Lang::De,
        practice: "002-6",
        before: 10,
        customer: "Meine Lieferung ist immer noch nicht da, das ist eine Zumutung.",
        agent: "Das liegt am Lieferanten, da können wir nichts dafür.",
        times: 1,
    },
    Talk {
        name: "empathy, English",
        lang: Lang::En,
        practice: "001-6",
        before: 0,
        customer: "I'm really annoyed, my bill is wrong.",
        agent: "I completely understand.",
        times: 1,
    },
    Talk { name: "danger, German", lang: Lang::De, practice: "safety", before: 0, customer: "", agent: "", times: 1 },
];

const THREAT: &str = "Ich komme jetzt vorbei und schlage Ihnen die Zähne ein.";

struct Playing {
    call: Call,
    at_ms: u64,
    out: Vec<Output>,
}

impl Playing {
    fn say(&mut self, channel: Channel, text: String) {
        let span = Span::new(self.at_ms, self.at_ms + 2_000);
        self.at_ms += 3_000;
        self.call.handle(0, Input::Utterance { channel, span, text }, &mut self.out);
    }
}

impl Talk {
    /// The call up to its last line.
    fn begin(&self, rules: &Arc<Rules>, settings: &CallSettings) -> Playing {
        let info = CallInfo { call: "c1".to_owned(), lang: self.lang, ..CallInfo::default() };
        let mut out = Vec::new();
        let call = Call::start(info, Arc::clone(rules), settings.clone(), 0, &mut out);
        let mut playing = Playing { call, at_ms: 0, out };
        for n in 0..self.before {
            let channel = if n % 2 == 0 { Channel::Customer } else { Channel::Agent };
            playing.say(channel, "Ja, genau, die Nummer steht oben rechts.".to_owned());
        }
        if !self.customer.is_empty() {
            playing.say(Channel::Customer, self.customer.to_owned());
        }
        playing.out.clear();
        playing
    }

    fn last_line(&self) -> (Channel, String) {
        match self.agent {
            "" => (Channel::Customer, THREAT.to_owned()),
            words => (Channel::Agent, vec![words; self.times].join(" ")),
        }
    }
}

fn prompted(out: &[Output], practice: &str) -> bool {
    out.iter().any(|output| {
        matches!(output, Output::Event(event) if matches!(&event.kind,
            EventKind::Prompt { practice: of, state: PromptState::Shown, .. } if of == practice))
    })
}

fn trigger_to_prompt(criterion: &mut Criterion) {
    let config = Config::default();
    let rules = setup::rules(&config).expect("shipped rules");
    let settings = setup::call_settings(&config).expect("default settings");
    let mut group = criterion.benchmark_group("trigger to prompt");
    for talk in &TALKS {
        let (channel, text) = talk.last_line();
        let mut once = talk.begin(&rules, &settings);
        once.say(channel, text.clone());
        assert!(prompted(&once.out, talk.practice), "{}: no prompt of {}: {:?}", talk.name, talk.practice, once.out);
        group.bench_function(talk.name, |bencher| {
            bencher.iter_batched(
                || (talk.begin(&rules, &settings), text.clone()),
                |(mut playing, text)| {
                    playing.say(channel, text);
                    black_box(playing)
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, trigger_to_prompt);
criterion_main!(benches);
