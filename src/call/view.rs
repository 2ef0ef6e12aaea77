//! What a page shows of a call: a fold over its events, and nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::event::{EndReason, Event, EventKind, Log};
use crate::coach::PromptState;
use crate::terms::{AlertKind, AlertState, Band, Channel};

/// One call as a supervisor's snapshot lists it. What belongs to the agent alone is in [`AgentView`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallView {
    pub call: String,
    pub agent: Option<String>,
    pub queue: Option<String>,
    pub team: Option<String>,
    /// Last event of the call's log that is folded in; the next one is `seq + 1`.
    pub seq: u64,
    /// Media clock of that event.
    pub t_ms: u64,
    /// Wall clock of the start, RFC 3339.
    pub started_at: String,
    /// 0 (calm) to 100.
    pub level: u8,
    pub band: Band,
    /// The open alert, if any.
    pub alert: Option<OpenAlert>,
    /// The last words heard.
    pub last: Option<LastWords>,
    pub on_hold: bool,
    /// Transcription is behind by this much.
    pub lag_ms: u64,
    /// Segments that were not transcribed.
    pub speech_dropped: u32,
    /// Why the call ended; absent while it lives.
    pub ended: Option<EndReason>,
}

/// An alert that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenAlert {
    pub id: String,
    pub state: AlertState,
    pub kind: AlertKind,
    pub reason: String,
    pub quote: Option<String>,
    /// Media clock when it was raised.
    pub since_ms: u64,
    pub by: Option<String>,
    pub until: Option<String>,
}

/// The latest utterance with words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LastWords {
    pub channel: Channel,
    pub text: String,
    pub t_ms: u64,
}

impl CallView {
    /// Folds in one event; those of the agent's log change nothing here.
    pub fn apply(&mut self, event: &Event) {
        if event.log == Log::Agent {
            return;
        }
        self.seq = event.seq;
        self.t_ms = event.t_ms;
        match &event.kind {
            EventKind::CallStarted { agent, queue, team, .. } => {
                self.call.clone_from(&event.call);
                self.agent.clone_from(agent);
                self.queue.clone_from(queue);
                self.team.clone_from(team);
                self.started_at.clone_from(&event.at);
            }
            EventKind::CallFacts { agent, queue, team } => {
                for (new, known) in [(agent, &mut self.agent), (queue, &mut self.queue), (team, &mut self.team)] {
                    if new.is_some() {
                        known.clone_from(new);
                    }
                }
            }
            EventKind::Utterance { channel, text: Some(text), .. } => {
                self.last = Some(LastWords { channel: *channel, text: text.clone(), t_ms: event.t_ms });
            }
            EventKind::Assessment { level, band, .. } => {
                self.level = *level;
                self.band = *band;
            }
            EventKind::Alert { id, state, kind, reason, quote, by, until } => {
                let since_ms = self.alert.as_ref().filter(|open| open.id == *id).map_or(event.t_ms, |a| a.since_ms);
                self.alert = match state {
                    AlertState::Cleared | AlertState::Dismissed => None,
                    _ => Some(OpenAlert {
                        id: id.clone(),
                        state: *state,
                        kind: *kind,
                        reason: reason.clone(),
                        quote: quote.clone(),
                        since_ms,
                        by: by.clone(),
                        until: until.clone(),
                    }),
                };
            }
            EventKind::Hold => self.on_hold = true,
            EventKind::Resumed => self.on_hold = false,
            EventKind::Lagging { lag_ms } => self.lag_ms = *lag_ms,
            EventKind::SpeechDropped { .. } => self.speech_dropped += 1,
            EventKind::CallEnded { reason, summary } => {
                self.ended = Some(*reason);
                self.level = summary.final_level;
                self.band = summary.final_band;
            }
            _ => {}
        }
    }
}

/// One call as its agent's panel shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentView {
    pub call: String,
    /// Last event of the agent's log that is folded in.
    pub seq: u64,
    pub t_ms: u64,
    pub band: Band,
    /// The prompt on the screen.
    pub prompt: Option<OpenPrompt>,
    /// Who has the conversation open.
    pub watching: Vec<String>,
}

/// The prompt an agent sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenPrompt {
    pub id: String,
    pub practice: String,
    pub text: String,
}

impl AgentView {
    /// Folds in one event; those of the call's log change nothing here.
    pub fn apply(&mut self, event: &Event) {
        if event.log == Log::Call {
            return;
        }
        self.call.clone_from(&event.call);
        self.seq = event.seq;
        self.t_ms = event.t_ms;
        match &event.kind {
            EventKind::Band { band } => self.band = *band,
            EventKind::Prompt { id, practice, text, state: PromptState::Shown } => {
                self.prompt = Some(OpenPrompt { id: id.clone(), practice: practice.clone(), text: text.clone() });
            }
            EventKind::Prompt { id, .. } if self.prompt.as_ref().is_some_and(|open| open.id == *id) => {
                self.prompt = None;
            }
            EventKind::Watching { who, on: true } if !self.watching.contains(who) => self.watching.push(who.clone()),
            EventKind::Watching { who, on: false } => self.watching.retain(|name| name != who),
            _ => {}
        }
    }
}
