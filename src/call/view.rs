//! What a page shows of a call: a fold over its events, and nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::acoustic::Sound;
use crate::call::event::{CallSummary, EndReason, Event, EventKind, Log};
use crate::coach::PromptState;
use crate::terms::{AlertKind, AlertState, Band, Channel, CueKind, Lang};

/// Levels kept in a view: what a trend can be read from at a glance.
const RECENT_LEVELS: usize = 12;

/// Kinds kept of what raised the level lately.
const WHY: usize = 3;

/// Good moments kept of a call.
const MOMENTS: usize = 50;

/// One call as a supervisor's snapshot lists it. What belongs to the agent alone is in [`AgentView`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallView {
    pub call: String,
    pub agent: Option<String>,
    pub queue: Option<String>,
    pub team: Option<String>,
    /// Language of the call; absent only before its first event.
    #[serde(default)]
    pub language: Option<Lang>,
    /// Last event of the call's log that is folded in; the next one is `seq + 1`.
    pub seq: u64,
    /// Media clock of that event.
    pub t_ms: u64,
    /// Wall clock of the start, RFC 3339.
    pub started_at: String,
    /// 0 (calm) to 100.
    pub level: u8,
    pub band: Band,
    /// The last levels, oldest first.
    #[serde(default)]
    pub recent: Vec<LevelPoint>,
    /// Of what the customer said lately, what raised the level; the newest first, each once.
    #[serde(default)]
    pub why: Vec<CueKind>,
    /// The open alert, if any.
    pub alert: Option<OpenAlert>,
    /// The last words heard.
    pub last: Option<LastWords>,
    /// How the customer sounds against the beginning, where that is observed.
    #[serde(default)]
    pub sounds: Vec<Sounding>,
    pub on_hold: bool,
    /// Transcription is behind by this much.
    pub lag_ms: u64,
    /// Segments that were not transcribed.
    pub speech_dropped: u32,
    /// Why the call ended; absent while it lives.
    pub ended: Option<EndReason>,
    /// The figures of the whole call, once it has ended.
    #[serde(default)]
    pub summary: Option<CallSummary>,
}

/// The level after one customer utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LevelPoint {
    /// Media clock.
    pub t_ms: u64,
    /// 0 (calm) to 100.
    pub level: u8,
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
    /// Nobody took it for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unacknowledged_ms: Option<u64>,
}

/// An observation that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sounding {
    pub sound: Sound,
    /// For people, in the call's language.
    pub text: String,
    /// Media clock when it began.
    pub since_ms: u64,
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
            EventKind::CallStarted { agent, queue, team, language, .. } => {
                self.call.clone_from(&event.call);
                self.agent.clone_from(agent);
                self.queue.clone_from(queue);
                self.team.clone_from(team);
                self.language = Some(*language);
                self.started_at.clone_from(&event.at);
            }
            EventKind::CallFacts { agent, queue, team, language } => {
                self.language = language.or(self.language);
                for (new, known) in [(agent, &mut self.agent), (queue, &mut self.queue), (team, &mut self.team)] {
                    if new.is_some() {
                        known.clone_from(new);
                    }
                }
            }
            EventKind::Utterance { channel, text: Some(text), .. } => {
                self.last = Some(LastWords { channel: *channel, text: text.clone(), t_ms: event.t_ms });
            }
            EventKind::Assessment { level, band, cues, .. } => {
                self.level = *level;
                self.band = *band;
                if self.recent.len() >= RECENT_LEVELS {
                    self.recent.remove(0);
                }
                self.recent.push(LevelPoint { t_ms: event.t_ms, level: *level });
                let heard = cues.iter().filter(|cue| cue.weight > 0.0).map(|cue| cue.kind);
                let mut why: Vec<CueKind> = Vec::new();
                for kind in heard.chain(self.why.iter().copied()) {
                    if !why.contains(&kind) && why.len() < WHY {
                        why.push(kind);
                    }
                }
                self.why = why;
            }
            EventKind::Alert { id, state, kind, reason, quote, by, until, unacknowledged_ms, .. } => {
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
                        unacknowledged_ms: *unacknowledged_ms,
                    }),
                };
            }
            EventKind::Observation { sound, on, text, .. } => {
                self.sounds.retain(|known| known.sound != *sound);
                if *on {
                    self.sounds.push(Sounding { sound: *sound, text: text.clone(), since_ms: event.t_ms });
                }
            }
            EventKind::Hold => self.on_hold = true,
            EventKind::Resumed => self.on_hold = false,
            EventKind::Lagging { lag_ms } => self.lag_ms = *lag_ms,
            EventKind::SpeechDropped { .. } => self.speech_dropped += 1,
            EventKind::CallEnded { reason, summary } => {
                self.ended = Some(*reason);
                self.level = summary.final_level;
                self.band = summary.final_band;
                self.summary = Some(summary.clone());
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
    /// The supervisor's latest words.
    #[serde(default)]
    pub whisper: Option<LastWhisper>,
    /// Good moments so far, oldest first.
    #[serde(default)]
    pub moments: Vec<GoodMoment>,
}

/// Something that went well in a call, for its agent, who may share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoodMoment {
    /// Number of its event in the agent's log.
    pub seq: u64,
    pub text: String,
    /// The agent has shown it to the supervisors.
    #[serde(default)]
    pub shared: bool,
}

/// The latest whisper of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LastWhisper {
    /// Number of its event in the agent's log.
    pub seq: u64,
    pub from: String,
    pub text: String,
    /// Wall clock, RFC 3339.
    pub at: String,
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
            EventKind::Whisper { from, text } => {
                let (from, text) = (from.clone(), text.clone());
                self.whisper = Some(LastWhisper { seq: event.seq, from, text, at: event.at.clone() });
            }
            EventKind::Moment { text, .. } => {
                if self.moments.len() >= MOMENTS {
                    self.moments.remove(0);
                }
                self.moments.push(GoodMoment { seq: event.seq, text: text.clone(), shared: false });
            }
            EventKind::Watching { who, on: true } if !self.watching.contains(who) => self.watching.push(who.clone()),
            EventKind::Watching { who, on: false } => self.watching.retain(|name| name != who),
            _ => {}
        }
    }
}
