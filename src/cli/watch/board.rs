//! What the terminal board knows: calls, alerts and words, read from the feed. Knows no terminal and no socket.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::call::event::{Event, EventKind, Log};
use crate::call::view::CallView;
use crate::terms::{AlertState, Channel, CueKind};

/// Lines of a conversation that are kept.
const LINES: usize = 500;
/// Suggestions that can be whispered with one key.
pub const SUGGESTIONS: usize = 3;

/// What the board asks of its surroundings.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    Quit,
    /// A command for the feed.
    Send(Value),
}

/// One line of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    Words {
        channel: Channel,
        t_ms: u64,
        text: String,
        cues: Vec<CueKind>,
        severity: u8,
    },
    Note {
        t_ms: u64,
        text: String,
    },
    /// Words of a supervisor to the agent.
    Whisper {
        t_ms: u64,
        from: String,
        text: String,
    },
}

impl Line {
    fn t_ms(&self) -> u64 {
        match self {
            Self::Words { t_ms, .. } | Self::Note { t_ms, .. } | Self::Whisper { t_ms, .. } => *t_ms,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Call {
    pub view: CallView,
    pub lines: VecDeque<Line>,
    /// Newest last.
    pub suggestions: VecDeque<String>,
    /// Who has it open, we included; known of the opened call only.
    pub watching: Vec<String>,
    /// Number of the utterance in the call's log that each of the last words came with.
    words_seq: VecDeque<u64>,
}

/// What keys mean at the moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Mode {
    #[default]
    Calls,
    /// Typing a whisper.
    Whisper(String),
    Help,
}

#[derive(Debug, Default)]
pub struct Board {
    pub calls: BTreeMap<String, Call>,
    /// Agents for whom a break would help.
    pub breaks: BTreeMap<String, u64>,
    pub selected: Option<String>,
    pub opened: Option<String>,
    pub mode: Mode,
    pub connected: bool,
    /// What happened last, for the bottom line.
    pub status: String,
    /// Of the last command; the feed answers with it.
    pub(super) next_ref: u64,
}

impl Board {
    /// Live calls, who needs somebody first: open alerts, nobody on them before others, then by level.
    pub fn by_need(&self) -> Vec<&Call> {
        let mut calls: Vec<&Call> = self.calls.values().collect();
        calls.sort_by_key(|call| {
            let view = &call.view;
            let alert = match view.alert.as_ref().map(|alert| alert.state) {
                Some(AlertState::Raised | AlertState::RaisedHigher) => 0,
                Some(_) => 1,
                None => 2,
            };
            (alert, std::cmp::Reverse(view.level), view.call.clone())
        });
        calls
    }

    pub fn current(&self) -> Option<&Call> {
        self.calls.get(self.selected.as_ref()?)
    }

    pub fn say(&mut self, status: impl Into<String>) {
        self.status = status.into();
    }

    pub fn disconnected(&mut self) {
        self.connected = false;
        self.say("connection lost; trying again");
    }

    /// Takes in one message of the feed.
    pub fn hear(&mut self, message: &Value) {
        match message["type"].as_str() {
            Some("snapshot") => self.snapshot(message),
            Some("load") => {
                let agent = message["agent"].as_str().unwrap_or_default().to_owned();
                if message["break_suggested"] == true {
                    self.breaks.insert(agent, message["heated_ms"].as_u64().unwrap_or(0) / 60_000);
                } else {
                    self.breaks.remove(&agent);
                }
            }
            Some("colleagues") => self.colleagues(message),
            Some("erased") => self.erased(message["call"].as_str().unwrap_or_default()),
            Some("done") => {}
            Some("error") => self.say(message["message"].as_str().unwrap_or("refused")),
            _ => {
                if let Ok(event) = serde_json::from_value::<Event>(message.clone()) {
                    self.event(&event);
                }
            }
        }
        self.keep_selection();
    }

    fn snapshot(&mut self, message: &Value) {
        if !self.connected && self.opened.take().is_some() {
            self.say("connected again; open the call anew to read on");
        }
        self.connected = true;
        let views: Vec<CallView> = serde_json::from_value(message["calls"].clone()).unwrap_or_default();
        let mut before = std::mem::take(&mut self.calls);
        for view in views {
            let call = before.remove(&view.call).unwrap_or_default();
            let watching = if self.opened.as_ref() == Some(&view.call) { call.watching } else { Vec::new() };
            self.calls.insert(view.call.clone(), Call { view, watching, ..call });
        }
    }

    /// Comes whole each time: whispers known already are not told twice.
    fn colleagues(&mut self, message: &Value) {
        let Some(call) = message["call"].as_str().and_then(|call| self.calls.get_mut(call)) else { return };
        let texts = |value: &Value| value.as_str().map(str::to_owned);
        call.watching = message["watching"].as_array().into_iter().flatten().filter_map(texts).collect();
        for whisper in message["whispers"].as_array().into_iter().flatten() {
            let text = |field: &str| whisper[field].as_str().unwrap_or_default().to_owned();
            let t_ms = whisper["t_ms"].as_u64().unwrap_or(0);
            call.whispered(Line::Whisper { t_ms, from: text("from"), text: text("text") });
        }
    }

    /// Of a call that is erased nothing stays on the screen.
    fn erased(&mut self, call: &str) {
        self.calls.remove(call);
        if self.opened.as_deref() == Some(call) {
            self.opened = None;
            self.say(format!("{call} was erased"));
        }
    }

    fn event(&mut self, event: &Event) {
        if event.log != Log::Call {
            return;
        }
        if let EventKind::CallEnded { .. } = event.kind {
            self.calls.remove(&event.call);
            if self.opened.as_ref() == Some(&event.call) {
                self.opened = None;
                self.say(format!("{} has ended", event.call));
            }
            return;
        }
        let call = self.calls.entry(event.call.clone()).or_default();
        // What a snapshot already holds comes again after it.
        if event.seq <= call.view.seq {
            return;
        }
        call.view.apply(event);
        call.read(event);
    }

    /// The selection stays on its call, or goes to the one that needs somebody most.
    fn keep_selection(&mut self) {
        if self.current().is_none() {
            self.selected = self.by_need().first().map(|call| call.view.call.clone());
        }
    }
}

impl Call {
    /// Suggestions, newest first.
    pub fn latest_suggestions(&self) -> impl Iterator<Item = &str> {
        self.suggestions.iter().rev().map(String::as_str).take(SUGGESTIONS)
    }

    fn read(&mut self, event: &Event) {
        let t_ms = event.t_ms;
        match &event.kind {
            EventKind::Utterance { channel, text: Some(text), .. } => {
                let text = text.clone();
                self.words_seq.push_back(event.seq);
                self.push(Line::Words { channel: *channel, t_ms, text, cues: Vec::new(), severity: 0 });
            }
            EventKind::Assessment { cues: found, severity: how_bad, utterance_seq, .. } => {
                let is_last = self.words_seq.back() == Some(utterance_seq);
                let words = self.lines.iter_mut().rev().find(|line| matches!(line, Line::Words { .. }));
                if let Some(Line::Words { cues, severity, .. }) = words.filter(|_| is_last) {
                    *cues = found.iter().map(|cue| cue.kind).collect();
                    cues.dedup();
                    *severity = *how_bad;
                }
            }
            EventKind::Suggestion { text, .. } => {
                if self.suggestions.len() == SUGGESTIONS {
                    self.suggestions.pop_front();
                }
                self.suggestions.push_back(text.clone());
            }
            EventKind::Alert { state, reason, .. } => {
                let text = match state {
                    AlertState::Raised => format!("▲ alert: {reason}"),
                    AlertState::RaisedHigher => format!("▲ alert, higher: {reason}"),
                    AlertState::Cleared => "alert cleared".to_owned(),
                    AlertState::Acknowledged => "alert acknowledged".to_owned(),
                    AlertState::Snoozed => "alert snoozed".to_owned(),
                    AlertState::Dismissed => "alert dismissed".to_owned(),
                };
                self.push(Line::Note { t_ms, text });
            }
            EventKind::Note { by, text } => self.push(Line::Note { t_ms, text: format!("{by}: {text}") }),
            EventKind::Observation { text, .. } => self.push(Line::Note { t_ms, text: format!("sound: {text}") }),
            EventKind::Hold => self.push(Line::Note { t_ms, text: "on hold".to_owned() }),
            EventKind::Resumed => self.push(Line::Note { t_ms, text: "back from hold".to_owned() }),
            EventKind::SpeechDropped { reason, .. } => {
                self.push(Line::Note { t_ms, text: format!("speech was not read: {reason}") });
            }
            EventKind::ConsentWithdrawn => {
                self.push(Line::Note { t_ms, text: "consent withdrawn, listening stopped".to_owned() });
            }
            _ => {}
        }
    }

    /// Where it belongs among the lines, once.
    fn whispered(&mut self, whisper: Line) {
        if self.lines.contains(&whisper) {
            return;
        }
        let place = self.lines.iter().rposition(|line| line.t_ms() <= whisper.t_ms()).map_or(0, |at| at + 1);
        self.lines.insert(place, whisper);
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    fn push(&mut self, line: Line) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

#[cfg(test)]
pub mod tests {
    use serde_json::json;

    use super::super::keys::tests::press;
    use super::*;

    pub fn board() -> Board {
        let mut board = Board::default();
        board
            .hear(&json!({"type": "snapshot", "node": "n", "cursor": 1, "calls": [view("calm", 5), view("loud", 80)]}));
        board
    }

    fn view(call: &str, level: u8) -> CallView {
        CallView { call: call.to_owned(), agent: Some("a7".to_owned()), level, seq: 1, ..CallView::default() }
    }

    pub fn event(call: &str, seq: u64, fields: Value) -> Value {
        let mut event =
            json!({"call": call, "log": "call", "seq": seq, "at": "2026-01-01T00:00:00.000Z", "t_ms": 1000 * seq});
        if let (Some(event), Some(fields)) = (event.as_object_mut(), fields.as_object()) {
            event.extend(fields.clone());
        }
        event
    }

    pub fn alert(call: &str, seq: u64, state: &str) -> Value {
        let fields = json!({"type": "alert", "id": format!("{call}:a1"), "state": state, "kind": "legal_threat",
            "reason": "Anwalt", "quote": "Ich gehe zum Anwalt."});
        event(call, seq, fields)
    }

    #[test]
    fn who_needs_somebody_comes_first_and_is_selected_at_first() {
        let mut board = board();
        assert_eq!(board.selected.as_deref(), Some("loud"));
        board.hear(&alert("calm", 2, "raised"));
        assert_eq!(board.by_need()[0].view.call, "calm");
        assert_eq!(board.selected.as_deref(), Some("loud"), "a selection is never taken away");
        board.hear(&alert("calm", 3, "acknowledged"));
        assert_eq!(board.by_need()[0].view.call, "calm", "taken, yet open");
        board.hear(&alert("calm", 4, "cleared"));
        assert_eq!(board.by_need()[0].view.call, "loud");
    }

    #[test]
    fn colleagues_at_the_opened_call_are_seen_and_their_whispers_told_once() {
        let mut board = board();
        press(&mut board, "\n");
        let note = |seq, text| event("loud", seq, json!({"type": "note", "by": "anna", "text": text}));
        board.hear(&note(2, "early"));
        board.hear(&note(9, "late"));
        let colleagues = json!({"type": "colleagues", "call": "loud", "watching": ["anna", "me"],
            "whispers": [{"from": "anna", "text": "Mut!", "t_ms": 5_000}]});
        board.hear(&colleagues);
        board.hear(&colleagues);
        let call = &board.calls["loud"];
        let whisper = Line::Whisper { t_ms: 5_000, from: "anna".to_owned(), text: "Mut!".to_owned() };
        assert_eq!(call.lines.iter().position(|line| *line == whisper), Some(1), "{:?}", call.lines);
        assert_eq!((call.lines.len(), call.watching.len()), (3, 2));
        press(&mut board, "\u{1b}");
        assert!(board.calls["loud"].watching.is_empty(), "what is closed is no longer told of");
    }

    #[test]
    fn of_an_erased_call_nothing_stays() {
        let mut board = board();
        press(&mut board, "\n");
        board.hear(&json!({"type": "erased", "call": "loud"}));
        assert!(!board.calls.contains_key("loud") && board.opened.is_none());
        assert_eq!(board.selected.as_deref(), Some("calm"));
    }

    #[test]
    fn an_event_is_read_once_and_an_ended_call_goes() {
        let mut board = board();
        let words = event(
            "loud",
            2,
            json!({"type": "utterance", "channel": "customer", "start_ms": 0, "end_ms": 1, "text": "Hallo"}),
        );
        board.hear(&words);
        board.hear(&words);
        assert_eq!(board.calls["loud"].lines.len(), 1);
        let summary = crate::call::event::CallSummary::default();
        board.hear(&event("loud", 3, json!({"type": "call_ended", "reason": "stop", "summary": summary})));
        assert_eq!(board.selected.as_deref(), Some("calm"));
        board.disconnected();
        board.hear(&json!({"type": "snapshot", "calls": []}));
        assert!(board.connected && board.calls.is_empty() && board.selected.is_none());
    }
}
