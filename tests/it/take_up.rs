//! A call taken up from its own log stands where it stood.

use std::sync::Arc;

use ruhepol::call::conversation::Rules;
use ruhepol::call::event::{Event, EventKind, Log};
use ruhepol::call::view::CallView;
use ruhepol::call::{AlertCommand, Call, CallInfo, Input, Output};
use ruhepol::config::Config;
use ruhepol::setup;
use ruhepol::terms::{AlertState, Channel, Lang, Span};

const STARTED: u64 = 1_772_442_840_000;

fn info() -> CallInfo {
    let name = |text: &str| Some(text.to_owned());
    CallInfo { call: "c".to_owned(), agent: name("a7"), team: name("nord"), lang: Lang::De, ..CallInfo::default() }
}

struct Line {
    call: Call,
    log: Vec<Event>,
    agent_seq: u64,
    t_ms: u64,
}

impl Line {
    fn new(rules: &Arc<Rules>) -> Self {
        let settings = setup::call_settings(&Config::default()).unwrap();
        let mut out = Vec::new();
        let call = Call::start(info(), Arc::clone(rules), settings, STARTED, &mut out);
        let mut line = Self { call, log: Vec::new(), agent_seq: 0, t_ms: 0 };
        line.take(out);
        line
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Event(event) if event.log == Log::Call => self.log.push(event),
                Output::Event(event) => self.agent_seq = event.seq,
                _ => {}
            }
        }
    }

    fn handle(&mut self, input: Input) {
        let mut out = Vec::new();
        self.call.handle(STARTED + self.t_ms, input, &mut out);
        self.take(out);
    }

    fn say(&mut self, channel: Channel, text: &str) {
        let span = Span::new(self.t_ms, self.t_ms + 2_000);
        self.t_ms += 3_000;
        self.handle(Input::Utterance { channel, span, text: text.to_owned() });
    }

    fn view(&self) -> CallView {
        let mut view = CallView::default();
        self.log.iter().for_each(|event| view.apply(event));
        view
    }

    /// The program is gone; another takes the call up.
    fn crash(self, rules: &Arc<Rules>) -> Self {
        let settings = setup::call_settings(&Config::default()).unwrap();
        let call = Call::take_up(info(), Arc::clone(rules), settings, &self.log, self.agent_seq).unwrap();
        assert_eq!(call.t_ms(), self.log.last().unwrap().t_ms);
        Self { call, ..self }
    }
}

fn alerts(log: &[Event]) -> Vec<(String, AlertState)> {
    let alert = |event: &Event| match &event.kind {
        EventKind::Alert { id, state, .. } => Some((id.clone(), *state)),
        _ => None,
    };
    log.iter().filter_map(alert).collect()
}

#[test]
fn level_alert_and_numbers_go_on() {
    let rules = setup::rules(&Config::default()).unwrap();
    let mut line = Line::new(&rules);
    line.say(Channel::Customer, "Ich warte seit drei Wochen auf mein Paket!");
    line.say(Channel::Agent, "Oh je, das tut mir wirklich leid.");
    line.say(Channel::Customer, "Das ist eine Unverschämtheit, ich gehe zum Anwalt!");
    assert_eq!(alerts(&line.log), [("c:a1".to_owned(), AlertState::Raised)]);
    line.handle(Input::Alert { alert: "c:a1".to_owned(), command: AlertCommand::Acknowledge, by: "berta".to_owned() });
    let before = line.view();
    let suggestions = |log: &[Event]| -> Vec<String> {
        let id = |event: &Event| match &event.kind {
            EventKind::Suggestion { id, .. } => Some(id.clone()),
            _ => None,
        };
        log.iter().filter_map(id).collect()
    };
    let (length, agent_seq) = (line.log.len(), line.agent_seq);

    let mut line = line.crash(&rules);
    assert_eq!(line.log.len(), length, "nothing is written twice");
    // A threat of violence raises the same alert higher, and does not open a second one.
    line.say(Channel::Customer, "Ich bringe Sie um!");
    line.handle(Input::Whisper { from: "berta".to_owned(), text: "Ruhig bleiben.".to_owned() });
    assert_eq!(line.log[length].seq, length as u64 + 1);
    assert!(line.log.iter().map(|event| event.seq).eq(1..=line.log.len() as u64));
    assert!(line.agent_seq > agent_seq, "the agent's numbers go on");
    let after = alerts(&line.log[length..]);
    assert_eq!(after, [("c:a1".to_owned(), AlertState::RaisedHigher)], "was {:?}", before.alert);
    let mut ids = suggestions(&line.log);
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "no suggestion's id is used twice");
    assert!(line.view().level >= before.level);

    line.handle(Input::End { reason: ruhepol::call::event::EndReason::Stop });
    let Some(EventKind::CallEnded { summary, .. }) = line.log.last().map(|event| event.kind.clone()) else {
        panic!("no end")
    };
    assert_eq!((summary.customer_utterances, summary.agent_utterances, summary.alerts), (3, 1, 1));
    assert_eq!(summary.peak_level, line.view().level.max(summary.peak_level));
    assert!(Call::take_up(info(), rules, setup::call_settings(&Config::default()).unwrap(), &line.log, 9).is_none());
}

#[test]
fn a_crash_changes_no_later_assessment_when_the_agent_said_nothing() {
    let rules = setup::rules(&Config::default()).unwrap();
    let words = [
        "Guten Tag, ich habe eine Frage zu meiner Rechnung.",
        "Das ist jetzt schon das dritte Mal, dass ich anrufe!",
        "Das kann doch nicht wahr sein, so ein Saftladen.",
        "Ich will sofort Ihren Vorgesetzten sprechen!",
        "Na gut, dann warte ich eben noch.",
        "Danke, das ist nett von Ihnen, jetzt bin ich erleichtert.",
    ];
    let assessed = |crash_after: Option<usize>| {
        let mut line = Line::new(&rules);
        for (index, text) in words.into_iter().enumerate() {
            line.say(Channel::Customer, text);
            if crash_after == Some(index) {
                line = line.crash(&rules);
            }
        }
        let level = |event: &Event| match &event.kind {
            EventKind::Assessment { level, band, .. } => Some((*level, *band)),
            _ => None,
        };
        let levels: Vec<_> = line.log.iter().filter_map(level).collect();
        (levels, alerts(&line.log))
    };
    let whole = assessed(None);
    for crash_after in 0..words.len() {
        assert_eq!(assessed(Some(crash_after)), whole, "after {crash_after}");
    }
}

#[test]
fn holds_and_withdrawn_consent_are_remembered() {
    let rules = setup::rules(&Config::default()).unwrap();
    let mut line = Line::new(&rules);
    line.say(Channel::Customer, "Ich warte seit drei Wochen auf mein Paket!");
    line.handle(Input::Hold);
    let mut line = line.crash(&rules);
    assert!(line.call.is_held());
    line.t_ms += 60_000;
    line.handle(Input::Resume { t_ms: line.t_ms });
    assert_eq!(line.log.last().unwrap().kind, EventKind::Resumed);
    line.handle(Input::Consent { given: false });
    let mut line = line.crash(&rules);
    let length = line.log.len();
    line.say(Channel::Customer, "Hallo?");
    assert_eq!(line.log.len(), length, "nobody listens without consent");
}
