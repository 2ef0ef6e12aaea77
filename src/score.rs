//! Scoring of plain text, line by line: what `ruhepol score` does, without its files.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::CallInfo;
use crate::call::conversation::{Conversation, Heard, Rules, is_raised};
use crate::call::escalation::{AlertChange, Assessment, EscalationSettings};
use crate::coach::{CoachOutput, PromptState};
use crate::language::Reading;
use crate::terms::{AlertKind, Band, Channel, Cue, Lang, Span};

/// Milliseconds an utterance is taken to last when a line does not say when it ended.
const DEFAULT_UTTERANCE_MS: u64 = 5_000;

/// Calls kept in mind, of 6 kB or so each; when there are more, the half not heard of for longest is forgotten.
const CALLS_MAX: usize = 2_048;

/// One utterance to score.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ScoreLine {
    /// Lines without are each a call of their own.
    #[serde(default)]
    pub call: Option<String>,
    pub speaker: Channel,
    pub text: String,
    /// End of the utterance, milliseconds since the start of the call.
    #[serde(default)]
    pub t_ms: Option<u64>,
    #[serde(default)]
    pub lang: Option<String>,
}

/// What an utterance means, alone and for its call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scored {
    pub call: Option<String>,
    pub speaker: Channel,
    pub text: String,
    pub cues: Vec<Cue>,
    /// 0 to 3 for the customer; agents are never scored.
    pub severity: Option<u8>,
    /// 0 to 100 after this utterance.
    pub level: u8,
    pub band: Band,
    pub alert: Option<ScoredAlert>,
    pub suggestions: Vec<Advice>,
    /// What the agent is shown: advice and good moments.
    pub prompts: Vec<Advice>,
}

/// An alert raised, or raised higher, by an utterance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoredAlert {
    pub kind: AlertKind,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    pub practice: String,
    pub text: String,
}

/// How a score came about, for `--explain`.
#[derive(Debug, Clone)]
pub struct Explanation {
    pub reading: Reading,
    pub assessment: Assessment,
    pub alerts: Vec<AlertChange>,
}

/// Scores the lines of any number of calls, in the order they come.
pub struct Scorer {
    rules: Arc<Rules>,
    settings: EscalationSettings,
    lang: Lang,
    calls: HashMap<String, Spoken>,
    /// Lines so far; tells which call was heard of last.
    lines: u64,
}

struct Spoken {
    conversation: Conversation,
    /// What the coach said before the first line.
    coached: Vec<CoachOutput>,
    end_ms: u64,
    line: u64,
}

impl Scorer {
    /// `lang` is that of lines that do not name theirs.
    pub fn new(rules: Arc<Rules>, settings: EscalationSettings, lang: Lang) -> Self {
        Self { rules, settings, lang, calls: HashMap::new(), lines: 0 }
    }

    pub fn score(&mut self, line: ScoreLine) -> (Scored, Explanation) {
        self.lines += 1;
        let lang = line.lang.as_deref().and_then(Lang::from_tag).unwrap_or(self.lang);
        let Some(call) = line.call.clone() else {
            let mut spoken = self.begin(lang, "");
            return spoken.score(line);
        };
        if !self.calls.contains_key(&call) {
            self.forget_old();
            let spoken = self.begin(lang, &call);
            self.calls.insert(call.clone(), spoken);
        }
        match self.calls.get_mut(&call) {
            Some(spoken) => {
                spoken.line = self.lines;
                spoken.score(line)
            }
            None => self.begin(lang, &call).score(line),
        }
    }

    fn begin(&self, lang: Lang, call: &str) -> Spoken {
        let info = CallInfo { call: call.to_owned(), lang, ..CallInfo::default() };
        let (conversation, coached) = Conversation::new(self.rules.clone(), &self.settings, &info, 0);
        Spoken { conversation, coached, end_ms: 0, line: self.lines }
    }

    fn forget_old(&mut self) {
        if self.calls.len() < CALLS_MAX {
            return;
        }
        let mut lines: Vec<u64> = self.calls.values().map(|spoken| spoken.line).collect();
        lines.sort_unstable();
        let median = lines[lines.len() / 2];
        self.calls.retain(|_, spoken| spoken.line >= median);
    }
}

impl Spoken {
    fn score(&mut self, line: ScoreLine) -> (Scored, Explanation) {
        let end_ms = line.t_ms.unwrap_or(self.end_ms + DEFAULT_UTTERANCE_MS).max(self.end_ms);
        let span = Span::new(self.end_ms, end_ms);
        self.end_ms = end_ms;
        let mut coached = std::mem::take(&mut self.coached);
        let (mut alerts, waited) = self.conversation.advance(span.start_ms);
        coached.extend(waited);
        let heard: Heard = self.conversation.utterance(end_ms, span, line.speaker, &line.text);
        coached.extend(heard.coached);
        alerts.extend(heard.alerts);
        for change in alerts.iter().filter(|change| is_raised(change)) {
            coached.extend(self.conversation.alert_raised(end_ms, change.kind));
        }
        let alert = alerts
            .iter()
            .rev()
            .find(|change| is_raised(change))
            .map(|change| ScoredAlert { kind: change.kind, reason: change.reason.clone() });
        let mut suggestions = Vec::new();
        let mut prompts = Vec::new();
        for output in coached {
            match output {
                CoachOutput::Suggestion { practice, text, .. } => suggestions.push(Advice { practice, text }),
                CoachOutput::Prompt { practice, text, state: PromptState::Shown, .. } => {
                    prompts.push(Advice { practice, text });
                }
                CoachOutput::Moment { practice, text } => prompts.push(Advice { practice, text }),
                CoachOutput::Prompt { .. } => {}
            }
        }
        let scored = Scored {
            call: line.call,
            speaker: line.speaker,
            text: line.text,
            cues: heard.reading.cues.clone(),
            severity: heard.reading.severity,
            level: self.conversation.level(end_ms),
            band: self.conversation.band(end_ms),
            alert,
            suggestions,
            prompts,
        };
        (scored, Explanation { reading: heard.reading, assessment: heard.assessment, alerts })
    }
}
