//! Events as lines for people, in colour where the terminal has any.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use crate::call::acoustic::Sound;
use crate::call::event::{CallSummary, Event, EventKind};
use crate::coach::PromptState;
use crate::terms::{AlertState, Band, Channel};

/// How lines are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    colour: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum Ink {
    Plain,
    Dim,
    Bold,
    Blue,
    Green,
    Yellow,
    Magenta,
    Red,
}

impl Style {
    /// Colour when standard output is a terminal and `NO_COLOR` (no-color.org) is not set.
    pub fn of_stdout() -> Self {
        let asked_not_to = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: std::io::stdout().is_terminal() && !asked_not_to }
    }

    pub fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Plain => return text.to_owned(),
            Ink::Dim => "2",
            Ink::Bold => "1",
            Ink::Blue => "34",
            Ink::Green => "32",
            Ink::Yellow => "33",
            Ink::Magenta => "35",
            Ink::Red => "1;31",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn band(self, band: Band) -> String {
        let ink = match band {
            Band::Calm => Ink::Green,
            Band::Tense => Ink::Yellow,
            Band::Heated => Ink::Magenta,
            Band::Critical => Ink::Red,
        };
        self.paint(ink, band.as_str())
    }

    /// One event as a line, without the call's name; `None` for those that say nothing to people.
    pub fn event(self, event: &Event) -> Option<String> {
        let line = match &event.kind {
            EventKind::CallStarted { agent, queue, language, .. } => {
                let agent = agent.as_deref().unwrap_or("no agent named");
                let queue = queue.as_deref().map(|queue| format!(", queue {queue}")).unwrap_or_default();
                self.paint(Ink::Dim, &format!("call started ({agent}{queue}, {})", language.as_str()))
            }
            EventKind::Utterance { channel, text: Some(text), .. } => {
                let (who, ink) = match channel {
                    Channel::Customer => ("customer", Ink::Plain),
                    Channel::Agent => ("agent   ", Ink::Dim),
                    Channel::Mixed => ("mixed   ", Ink::Plain),
                };
                format!("{} {}", self.paint(Ink::Dim, who), self.paint(ink, text))
            }
            EventKind::Assessment { level, band, severity, cues, sound, .. } => {
                if cues.is_empty() && *severity == 0 {
                    return None;
                }
                let cues: Vec<String> =
                    cues.iter().map(|cue| format!("{} “{}”", cue.kind.as_str(), cue.text)).collect();
                let cues = self.paint(Ink::Dim, &cues.join(", "));
                let sound = sound.as_ref().map(|part| format!(" ({:+.1} by sound)", part.points)).unwrap_or_default();
                format!("         └ level {level}{sound} {} severity {severity}  {cues}", self.band(*band))
            }
            EventKind::Alert { state, kind, reason, quote, by, .. } => {
                let state_name = match state {
                    AlertState::Raised => "ALERT",
                    AlertState::RaisedHigher => "ALERT, higher",
                    AlertState::Cleared => "alert cleared",
                    AlertState::Acknowledged => "alert acknowledged",
                    AlertState::Snoozed => "alert snoozed",
                    AlertState::Dismissed => "alert dismissed",
                };
                let ink = match state {
                    AlertState::Raised | AlertState::RaisedHigher => Ink::Red,
                    _ => Ink::Green,
                };
                let mut line = format!("{} {}: {reason}", self.paint(ink, &format!("▲ {state_name}")), kind.as_str());
                if let Some(quote) = quote {
                    let _ = write!(line, "  „{quote}“");
                }
                if let Some(by) = by {
                    let _ = write!(line, "  ({by})");
                }
                line
            }
            EventKind::Suggestion { practice, text, .. } => {
                format!("{} {text}", self.paint(Ink::Blue, &format!("◇ suggestion {practice}")))
            }
            EventKind::Prompt { practice, text, state: PromptState::Shown, .. } => {
                format!("{} {text}", self.paint(Ink::Yellow, &format!("→ whisper {practice}")))
            }
            EventKind::Prompt { practice, state, .. } => {
                self.paint(Ink::Dim, &format!("→ whisper {practice} {}", state.as_str()))
            }
            EventKind::Whisper { from, text } => {
                format!("{} {text}", self.paint(Ink::Yellow, &format!("→ {from} whispers")))
            }
            EventKind::Moment { text, .. } => format!("{} {text}", self.paint(Ink::Green, "☼ good moment")),
            EventKind::CallFacts { agent, queue, team, language } => {
                let language = language.map(|language| language.as_str().to_owned());
                let known = [("agent", agent), ("queue", queue), ("team", team), ("language", &language)];
                let known = known.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
                self.paint(Ink::Dim, &format!("known now: {}", known.collect::<Vec<_>>().join(", ")))
            }
            EventKind::Observation { text, change, sound, .. } => {
                let unit = match sound {
                    Sound::Louder => "dB",
                    Sound::Faster => "%",
                };
                let change = change.map(|change| format!(" ({change:+} {unit})")).unwrap_or_default();
                self.paint(Ink::Dim, &format!("sound: {text}{change}"))
            }
            EventKind::Hold => self.paint(Ink::Dim, "on hold"),
            EventKind::Resumed => self.paint(Ink::Dim, "back from hold"),
            EventKind::Gap { duration_ms, .. } => {
                self.paint(Ink::Dim, &format!("{duration_ms} ms of audio never arrived"))
            }
            EventKind::Lagging { lag_ms: 0 } => self.paint(Ink::Dim, "transcription has caught up"),
            EventKind::Lagging { lag_ms } => {
                self.paint(Ink::Magenta, &format!("transcription is {:.1} s behind", *lag_ms as f64 / 1000.0))
            }
            EventKind::SpeechDropped { channel, reason, .. } => {
                self.paint(Ink::Magenta, &format!("speech of the {} was not read: {reason}", channel.as_str()))
            }
            EventKind::ConsentWithdrawn => self.paint(Ink::Magenta, "consent withdrawn, listening stopped"),
            EventKind::Note { by, text } => self.paint(Ink::Dim, &format!("note by {by}: {text}")),
            EventKind::CallEnded { summary, .. } => self.summary(summary),
            EventKind::Utterance { text: None, .. }
            | EventKind::Band { .. }
            | EventKind::Watching { .. }
            | EventKind::Summary { .. } => return None,
        };
        Some(line)
    }

    fn summary(self, summary: &CallSummary) -> String {
        let text = format!(
            "call ended after {}: {} + {} utterances, peak {} ",
            clock(summary.duration_ms),
            summary.customer_utterances,
            summary.agent_utterances,
            summary.peak_level,
        );
        format!(
            "{}{}{}",
            self.paint(Ink::Dim, &text),
            self.band(summary.peak_band),
            self.paint(Ink::Dim, &format!(", {} alerts", summary.alerts))
        )
    }
}

/// Milliseconds as `m:ss.s`.
pub fn clock(ms: u64) -> String {
    format!("{}:{:04.1}", ms / 60_000, (ms % 60_000) as f64 / 1000.0)
}
