//! A call as a script with the whispers at their places, for reading by people.
//!
//! Whispers are indented and say who sees them: the agent (`▸ agent`) or the supervisor (`▸ supervisor`).

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::show::{Ink, Style, clock};
use super::{Failure, Outcome};
use crate::call::conversation::Rules;
use crate::call::event::{CallSummary, Event, EventKind, Log};
use crate::call::{CallInfo, CallSettings};
use crate::coach::PromptState;
use crate::replay::replay_lines;
use crate::terms::{AlertState, Channel, CueKind, Lang};

/// A written conversation.
#[derive(Deserialize)]
struct Written {
    id: String,
    lang: String,
    #[serde(default)]
    customer_name: Option<String>,
    #[serde(default)]
    wait_s: Option<u64>,
    turns: Vec<Turn>,
}

#[derive(Deserialize)]
struct Turn {
    speaker: Channel,
    /// End of the utterance.
    t_ms: u64,
    text: String,
}

/// Plays every conversation of a file and writes its script.
pub fn written(
    path: &Path,
    rules: &Arc<Rules>,
    settings: &CallSettings,
    style: Style,
    out: &mut impl Write,
) -> Outcome {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let Written { id, lang, customer_name, wait_s, turns } = serde_json::from_str(line).map_err(|error| {
            Failure::usage(format!("{}, line {}: not a written conversation: {error}", path.display(), at + 1))
        })?;
        let mut info =
            CallInfo { call: id.clone(), lang: Lang::from_tag(&lang).unwrap_or_default(), ..CallInfo::default() };
        info.facts.customer_name = customer_name;
        info.facts.wait_s = wait_s;
        let lines: Vec<_> = turns.into_iter().map(|turn| (turn.speaker, turn.t_ms, turn.text)).collect();
        writeln!(out, "{}", style.paint(Ink::Bold, &id))?;
        let mut result = Ok(());
        replay_lines(info, &lines, rules.clone(), settings.clone(), |event| {
            if let (Ok(()), Some(line)) = (&result, self::line(style, &event)) {
                result = writeln!(out, "{line}");
            }
        });
        result?;
        writeln!(out)?;
    }
    Ok(())
}

/// One event of the script; `None` for those that are not part of it.
pub fn line(style: Style, event: &Event) -> Option<String> {
    let whisper = |reader: &str, ink: Ink, practice: &str, text: &str| {
        format!("{:>30} {practice}  {}", style.paint(ink, &format!("▸ {reader}")), style.paint(ink, text))
    };
    let aside = |text: &str| format!("{:>12}{}", "", style.paint(Ink::Dim, text));
    Some(match &event.kind {
        EventKind::Utterance { channel, start_ms, text: Some(text), .. } => {
            // The agent's words may stand in both logs.
            if *channel == Channel::Agent && event.log == Log::Call {
                return None;
            }
            let (who, ink) = match channel {
                Channel::Customer => ("CUSTOMER", Ink::Bold),
                Channel::Agent => ("AGENT   ", Ink::Plain),
                Channel::Mixed => ("SOMEBODY", Ink::Plain),
            };
            format!("{:>8}  {who}  {}", clock(*start_ms), style.paint(ink, text))
        }
        EventKind::Prompt { practice, text, state: PromptState::Shown, .. } => {
            whisper("agent", Ink::Yellow, practice, text)
        }
        EventKind::Prompt { practice, state, .. } => {
            format!(
                "{:>22}{}",
                "",
                style.paint(Ink::Dim, &format!("{practice} {} at {}", state.as_str(), clock(event.t_ms)))
            )
        }
        EventKind::Moment { practice, text } => whisper("agent ☼", Ink::Green, practice, text),
        EventKind::Suggestion { practice, text, .. } => whisper("supervisor", Ink::Blue, practice, text),
        EventKind::Alert { state: state @ (AlertState::Raised | AlertState::RaisedHigher), kind, reason, .. } => {
            let higher = if *state == AlertState::RaisedHigher { ", higher" } else { "" };
            whisper("supervisor", Ink::Red, kind.as_str(), &format!("alert{higher}: {reason}"))
        }
        EventKind::Assessment { level, band, .. } => aside(&format!("level {level} {}", band.as_str())),
        EventKind::Observation { text, .. } => aside(text),
        EventKind::Hold => aside("— on hold —"),
        EventKind::Resumed => aside("— back —"),
        EventKind::Summary { summary, practices_done, helped } => summary_line(summary, practices_done, helped),
        _ => return None,
    })
}

fn summary_line(summary: &CallSummary, lived: &[String], helped: &[CueKind]) -> String {
    let mut text = format!("{:>12}peak {} {}", "", summary.peak_level, summary.peak_band.as_str());
    if let Some(at_ms) = summary.turning_point_ms {
        text += &format!(", turned at {}", clock(at_ms));
    }
    text += " | to the agent alone: ";
    if !helped.is_empty() {
        text += &format!("helped {}; ", helped.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", "));
    }
    text + &format!("lived {}", if lived.is_empty() { "—".to_owned() } else { lived.join(", ") })
}
