//! A conversation with a dialect, as its socket would have it.

use bytes::Bytes;

use ruhepol::wire::Refusal;
use ruhepol::wire::phone::{Action, Dialect, News, Refused, Started};

use super::call;

/// A socket with a dialect, and what the shell around it would check.
pub struct Line<'a> {
    dialect: &'a mut dyn Dialect,
    now_ms: u64,
    streams: usize,
    started: bool,
    over: bool,
}

impl<'a> Line<'a> {
    pub fn new(dialect: &'a mut dyn Dialect) -> Self {
        let mut line = Self { dialect, now_ms: 0, streams: 0, started: false, over: false };
        line.say(|dialect, _, out| dialect.opened(out));
        line
    }

    pub fn say(&mut self, what: impl FnOnce(&mut dyn Dialect, u64, &mut Vec<Action>)) {
        if self.over {
            return;
        }
        self.now_ms += 20;
        let mut out = Vec::new();
        what(self.dialect, self.now_ms, &mut out);
        let mut rounds = 0;
        while let Some(action) = (!out.is_empty()).then(|| out.remove(0)) {
            rounds += 1;
            assert!(rounds < 10_000, "one frame asks for ever more");
            match action {
                Action::Start(start) => {
                    assert!(!self.started, "one start per socket");
                    assert!(!start.opening.call.is_empty() && start.opening.call.len() <= 200);
                    self.started = true;
                    self.streams = start.streams.len();
                    let started = Started { call: start.opening.call, t_ms: 0, resumed: false };
                    self.dialect.started(self.now_ms, &started, &mut out);
                }
                Action::Audio { stream, .. } | Action::Skip { stream, .. } => {
                    assert!(self.started && stream < self.streams, "audio of a stream that was named");
                }
                Action::Refuse(refusal, message) => {
                    out.clear();
                    let refused = Refused { refusal, message, retry_after_s: Some(5) };
                    self.dialect.refused(&refused, &mut out);
                    self.over = true;
                }
                Action::Close { code, reason } => {
                    assert!(reason.len() <= 123, "a close frame holds no more");
                    assert!((1000..5000).contains(&code));
                    self.over = true;
                    return;
                }
                Action::Send(text) => assert!(text.len() < 1 << 20),
                Action::Utterance { span, .. } => assert!(self.started && span.start_ms <= span.end_ms),
                _ => {}
            }
        }
    }
}

/// Plays lines as frames. 1: binary, 3: the call has stopped, 4: it is refused, 5: time passes, 6: news, 7: a flush is done.
pub fn talk(dialect: &mut dyn Dialect, input: &[u8]) {
    let mut line = Line::new(dialect);
    for frame in input.split(|byte| *byte == b'\n').take(200) {
        match frame.split_first() {
            Some((1, bytes)) => {
                let bytes = Bytes::copy_from_slice(bytes);
                line.say(|dialect, now_ms, out| dialect.binary(now_ms, bytes, out));
            }
            Some((3, _)) => line.say(|dialect, _, out| dialect.stopped(3, out)),
            Some((4, _)) => {
                let refused = Refused { refusal: Refusal::CallExists, message: "x".repeat(300), retry_after_s: None };
                line.say(|dialect, _, out| dialect.refused(&refused, out));
            }
            Some((5, _)) => {
                line.now_ms = line.now_ms.saturating_add(60_000);
                line.say(|dialect, now_ms, out| {
                    if dialect.deadline_ms().is_some_and(|deadline| deadline <= now_ms) {
                        dialect.wake(now_ms, out);
                        assert!(dialect.deadline_ms().is_none_or(|deadline| deadline > now_ms), "woken for ever");
                    }
                });
            }
            Some((6, _)) => {
                for news in call::news() {
                    line.say(|dialect, now_ms, out| dialect.news(now_ms, news, out));
                }
            }
            Some((7, _)) => line.say(|dialect, now_ms, out| dialect.news(now_ms, &News::Flushed, out)),
            _ => {
                let text = String::from_utf8_lossy(frame);
                line.say(|dialect, now_ms, out| dialect.text(now_ms, &text, out));
            }
        }
    }
    line.say(|dialect, _, out| dialect.closed(out));
}
