//! What a key does to the board, and which command of the feed it becomes.

use ratatui::crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};

use super::board::{Board, Mode, Wish};

/// Longest whisper, in characters: two short lines on the agent's panel.
const WHISPER_CHARS: usize = 140;
const SNOOZE_MINUTES: u32 = 5;

impl Board {
    /// What a key, or pasted text, asks for.
    pub fn on_terminal(&mut self, event: &TerminalEvent) -> Option<Wish> {
        match event {
            TerminalEvent::Key(key) => self.on_key(*key),
            TerminalEvent::Paste(text) => {
                if let Mode::Whisper(draft) = &mut self.mode {
                    push(draft, text);
                }
                None
            }
            _ => None,
        }
    }

    fn on_key(&mut self, key: KeyEvent) -> Option<Wish> {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Some(Wish::Quit);
        }
        match &mut self.mode {
            Mode::Calls => self.on_command(key.code),
            Mode::Help => {
                self.mode = Mode::Calls;
                None
            }
            Mode::Whisper(draft) => match key.code {
                KeyCode::Esc => {
                    self.mode = Mode::Calls;
                    None
                }
                KeyCode::Enter => {
                    let text = draft.trim().to_owned();
                    self.mode = Mode::Calls;
                    self.whisper(&text)
                }
                KeyCode::Backspace => {
                    draft.pop();
                    None
                }
                KeyCode::Char(letter) => {
                    push(draft, letter.encode_utf8(&mut [0; 4]));
                    None
                }
                _ => None,
            },
        }
    }

    fn on_command(&mut self, key: KeyCode) -> Option<Wish> {
        match key {
            KeyCode::Char('q') => Some(Wish::Quit),
            KeyCode::Char('?') => {
                self.mode = Mode::Help;
                None
            }
            KeyCode::Down | KeyCode::Char('j') => self.move_by(1),
            KeyCode::Up | KeyCode::Char('k') => self.move_by(-1),
            KeyCode::Enter => self.open_or_close(),
            KeyCode::Esc => self.opened.clone().and_then(|call| self.close(&call)),
            KeyCode::Char('a') => self.on_alert("ack", json!({}), "acknowledged"),
            KeyCode::Char('s') => {
                self.on_alert("snooze", json!({ "minutes": SNOOZE_MINUTES }), "snoozed for 5 minutes")
            }
            KeyCode::Char('f') => {
                self.on_alert("dismiss", json!({ "reason": "false_alarm" }), "marked as a false alarm")
            }
            KeyCode::Char('w') => {
                match self.current() {
                    Some(call) if call.view.agent.is_some() => self.mode = Mode::Whisper(String::new()),
                    Some(_) => self.say("nobody would hear it: this call names no agent"),
                    None => {}
                }
                None
            }
            KeyCode::Char(digit @ '1'..='3') => {
                let place = digit as usize - '1' as usize;
                let text = self.current()?.latest_suggestions().nth(place)?.to_owned();
                self.whisper(&text)
            }
            _ => None,
        }
    }

    fn move_by(&mut self, step: isize) -> Option<Wish> {
        let order: Vec<String> = self.by_need().iter().map(|call| call.view.call.clone()).collect();
        let at = order.iter().position(|call| Some(call) == self.selected.as_ref())?;
        let next = at.saturating_add_signed(step).min(order.len() - 1);
        self.selected = Some(order[next].clone());
        None
    }

    /// Opening is told to the agent, so it is never done by merely moving over a call.
    fn open_or_close(&mut self) -> Option<Wish> {
        let call = self.selected.clone()?;
        if self.opened.as_ref() == Some(&call) {
            return self.close(&call);
        }
        if self.opened.is_some() {
            self.say("close the open conversation first (Esc)");
            return None;
        }
        self.opened = Some(call.clone());
        self.say(format!("{call} is open; the agent sees that you read along"));
        Some(self.command("open", json!({ "call": call })))
    }

    fn close(&mut self, call: &str) -> Option<Wish> {
        self.opened = None;
        if let Some(call) = self.calls.get_mut(call) {
            call.watching.clear();
        }
        self.say("");
        Some(self.command("close", json!({ "call": call })))
    }

    fn on_alert(&mut self, kind: &str, mut fields: Value, what: &str) -> Option<Wish> {
        let Some(alert) = self.current().and_then(|call| call.view.alert.as_ref()).map(|alert| alert.id.clone()) else {
            self.say("this call has no open alert");
            return None;
        };
        fields["alert"] = json!(alert);
        self.say(format!("{alert} {what}"));
        Some(self.command(kind, fields))
    }

    fn whisper(&mut self, text: &str) -> Option<Wish> {
        let call = self.selected.clone().filter(|_| !text.is_empty())?;
        self.say(format!("whispered to the agent of {call}"));
        Some(self.command("whisper", json!({ "call": call, "text": text })))
    }

    fn command(&mut self, kind: &str, mut fields: Value) -> Wish {
        self.next_ref += 1;
        fields["type"] = json!(kind);
        fields["ref"] = json!(self.next_ref);
        Wish::Send(fields)
    }
}

fn push(draft: &mut String, text: &str) {
    let room = WHISPER_CHARS.saturating_sub(draft.chars().count());
    draft.extend(text.chars().filter(|letter| !letter.is_control()).take(room));
}

#[cfg(test)]
pub mod tests {
    use super::super::board::tests::{alert, board, event};
    use super::*;

    pub fn press(board: &mut Board, keys: &str) -> Vec<Value> {
        let code = |letter| match letter {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            letter => KeyCode::Char(letter),
        };
        let sent = keys.chars().filter_map(|letter| board.on_terminal(&TerminalEvent::Key(code(letter).into())));
        sent.filter_map(|wish| match wish {
            Wish::Send(command) => Some(command),
            Wish::Quit => None,
        })
        .collect()
    }

    #[test]
    fn keys_become_commands_of_the_feed() {
        let mut board = board();
        board.hear(&alert("loud", 2, "raised"));
        let sent = press(&mut board, "asf\n\u{1b}wMut!x\u{8}\n");
        let kinds: Vec<_> = sent.iter().map(|command| command["type"].as_str().unwrap_or_default()).collect();
        assert_eq!(kinds, ["ack", "snooze", "dismiss", "open", "close", "whisper"]);
        assert!(sent[..3].iter().all(|command| command["alert"] == "loud:a1"), "{sent:?}");
        assert_eq!((&sent[5]["call"], &sent[5]["text"]), (&json!("loud"), &json!("Mut!")));
        assert!(press(&mut board, "jw\u{1b}").is_empty());
        assert!(press(&mut board, "a").is_empty(), "no alert on the calm call");
        assert_eq!(board.on_terminal(&TerminalEvent::Key(KeyCode::Char('q').into())), Some(Wish::Quit));
    }

    #[test]
    fn a_suggestion_is_one_key_away() {
        let mut board = board();
        for (seq, text) in [(2, "eins"), (3, "zwei")] {
            let fields = json!({"type": "suggestion", "id": "loud:s1", "practice": "001-6", "text": text});
            board.hear(&event("loud", seq, fields));
        }
        assert_eq!(press(&mut board, "1")[0]["text"], "zwei");
        assert_eq!(press(&mut board, "2")[0]["text"], "eins");
        assert!(press(&mut board, "3").is_empty());
    }
}
