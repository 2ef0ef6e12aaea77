//! Evidence over time: the level of a call, its band, and its alerts.
//!
//! Belief and decision are apart. `level` turns what was said into a number that decays; `policy` decides about
//! alerts, which rest on acts that were spoken and can be quoted, never on a forecast. All times are *unfrozen* call
//! time in milliseconds: the caller leaves out the time on hold.

mod acts;
mod alert;
mod assessment;
mod complaints;
mod level;
mod policy;
mod settings;
mod simmer;
#[cfg(test)]
mod tests;
mod wording;

pub(crate) use self::acts::counts_on_mixed;
pub use self::alert::{AlertChange, AlertError, OpenAlert};
pub use self::assessment::{Assessment, Explanation, Part, Rule, Source};
pub use self::settings::{EscalationSettings, Preset, SettingsError};

use self::complaints::{Complaint, Complaints};
use self::level::{Evidence, Meter};
use self::policy::{Context, Observation, Policy};
use self::simmer::Simmer;
use crate::call::view;
use crate::language::Reading;
use crate::terms::{Band, Channel, Cue, CueKind, Lang};

/// How heated one call is, and which alert of it is open.
///
/// The same utterances at the same times give the same assessments and changes, however often time is told in between.
#[derive(Debug, Clone)]
pub struct Escalation {
    settings: EscalationSettings,
    lang: Lang,
    now_ms: u64,
    meter: Meter,
    policy: Policy,
    simmer: Simmer,
    complaints: Complaints,
    /// What the agent offered since the customer last spoke: the same offer soothes once.
    offered: Vec<CueKind>,
    /// Whether the agent's answer before the customer's present turn held such an offer.
    soothed: bool,
    turn: u32,
    agent_spoke_last: bool,
    /// Points for how the customer sounds.
    sound_points: u8,
}

impl Escalation {
    /// `lang`: the language of the reasons.
    pub fn new(settings: &EscalationSettings, lang: Lang) -> Self {
        Self {
            settings: settings.clone(),
            lang,
            now_ms: 0,
            meter: Meter::default(),
            policy: Policy::default(),
            simmer: Simmer::default(),
            complaints: Complaints::default(),
            offered: Vec::new(),
            soothed: false,
            turn: 0,
            agent_spoke_last: true,
            sound_points: 0,
        }
    }

    /// Reasons are in this language from now on.
    pub fn speak(&mut self, lang: Lang) {
        self.lang = lang;
    }

    /// Other thresholds from now on; the level and an open alert stay as they are.
    pub fn set_thresholds(&mut self, settings: &EscalationSettings) {
        self.settings = settings.clone();
    }

    /// Takes in an utterance that ended at `t_ms` of unfrozen call time; one that ended before an earlier one counts
    /// as ended with it. `text` is what was read and may be quoted. Changes of the alert are appended to `out`.
    pub fn utterance(
        &mut self,
        t_ms: u64,
        speaker: Channel,
        reading: &Reading,
        text: &str,
        out: &mut Vec<AlertChange>,
    ) -> Assessment {
        self.tick(t_ms, out);
        let before_milli = self.meter.anchor_milli(&self.settings);
        let (severity, parts, rule) = match speaker {
            Channel::Agent => (None, self.agent(&reading.cues), Rule::AgentSpoke),
            Channel::Customer | Channel::Mixed => {
                let (severity, parts, rule) = self.customer(speaker, reading, text, out);
                (Some(severity), parts, rule)
            }
        };
        Assessment {
            level: self.level_at(self.now_ms),
            band: self.band_at(self.now_ms),
            severity,
            sound_milli: self.meter.sound_milli(&self.settings),
            explanation: Explanation { before_milli, parts, rule },
        }
    }

    /// How many points the way the customer sounds may add from now on, below the next band and with words of friction.
    pub fn sound(&mut self, points: u8) {
        self.sound_points = points;
    }

    /// Lets unfrozen call time pass up to `t_ms`.
    pub fn tick(&mut self, t_ms: u64, out: &mut Vec<AlertChange>) {
        self.now_ms = self.now_ms.max(t_ms);
        let cx = Context { meter: &self.meter, settings: &self.settings, lang: self.lang };
        self.policy.advance(self.now_ms, cx, out);
    }

    /// Unfrozen call time at which an alert or the band changes if nobody speaks.
    pub fn next_deadline(&self) -> Option<u64> {
        let of_band = self.meter.band_falls(self.now_ms, &self.settings);
        [self.policy.next_deadline(self.context()), of_band].into_iter().flatten().min()
    }

    /// 0 to 100, at a time not before the last utterance.
    pub fn level_at(&self, t_ms: u64) -> u8 {
        self.meter.level_at(t_ms, &self.settings)
    }

    pub fn band_at(&self, t_ms: u64) -> Band {
        self.meter.band_at(t_ms, &self.settings)
    }

    pub fn open_alert(&self) -> Option<&OpenAlert> {
        self.policy.open()
    }

    /// Somebody looks after the alert: it stays open until it is over.
    pub fn acknowledge(&mut self, t_ms: u64, id: u32, out: &mut Vec<AlertChange>) -> Result<(), AlertError> {
        self.tick(t_ms, out);
        self.policy.acknowledge(id, out)
    }

    /// Silent until `until_ms` unless something more serious happens; then raised again if the call is still tense.
    pub fn snooze(&mut self, t_ms: u64, id: u32, until_ms: u64, out: &mut Vec<AlertChange>) -> Result<(), AlertError> {
        self.tick(t_ms, out);
        self.policy.snooze(id, until_ms, out)
    }

    /// Ends the alert; its kinds and rising tension alert no more in this call, danger always does.
    pub fn dismiss(&mut self, t_ms: u64, id: u32, reason: &str, out: &mut Vec<AlertChange>) -> Result<(), AlertError> {
        self.tick(t_ms, out);
        self.policy.dismiss(id, reason, out)
    }

    /// Raises an open alert higher that nobody took for `waited_ms`.
    pub fn not_taken(
        &mut self,
        t_ms: u64,
        id: u32,
        waited_ms: u64,
        out: &mut Vec<AlertChange>,
    ) -> Result<(), AlertError> {
        self.tick(t_ms, out);
        self.policy.not_taken(id, waited_ms, self.lang, out)
    }

    /// Sets the level to one that was recorded, if it differs by a point or more. For calls taken up from their log.
    pub fn set_level(&mut self, t_ms: u64, level: u8) {
        if self.level_at(t_ms) != level {
            self.meter.set(t_ms, level, &self.settings);
        }
    }

    /// Makes the alert that readers saw last the open one, or none. For calls taken up from their log.
    pub fn adopt_alert(&mut self, t_ms: u64, alerts: u32, open: Option<(u32, view::OpenAlert)>) {
        self.policy.adopt(t_ms, alerts, open, self.meter.band_at(t_ms, &self.settings));
    }

    fn agent(&mut self, cues: &[Cue]) -> Vec<Part> {
        self.agent_spoke_last = true;
        let mut new_kinds = Vec::new();
        for cue in cues {
            if level::soothing_points(cue.kind, &self.settings) > 0 && !self.offered.contains(&cue.kind) {
                self.offered.push(cue.kind);
                new_kinds.push(cue.kind);
            }
        }
        let parts = self.meter.agent(self.now_ms, &self.settings, &new_kinds);
        let cx = Context { meter: &self.meter, settings: &self.settings, lang: self.lang };
        self.policy.note_level(self.now_ms, cx);
        parts
    }

    fn customer(
        &mut self,
        channel: Channel,
        reading: &Reading,
        text: &str,
        out: &mut Vec<AlertChange>,
    ) -> (u8, Vec<Part>, Rule) {
        let t_ms = self.now_ms;
        if self.agent_spoke_last || channel == Channel::Mixed {
            self.turn = self.turn.saturating_add(1);
            self.soothed = !self.offered.is_empty();
        }
        self.offered.clear();
        self.agent_spoke_last = false;

        let mixed = channel == Channel::Mixed;
        let counts = |cue: &Cue| !cue.kind.is_agents() && (!mixed || counts_on_mixed(cue.kind));
        let heard: Vec<&Cue> = reading.cues.iter().filter(|cue| counts(cue)).collect();
        // What the text model found without a pattern is shown, but brings no points and no alert of its own.
        let proven = reading.cues.iter().enumerate().filter(|(index, _)| mixed || !reading.is_models(*index));
        let cues: Vec<&Cue> = proven.map(|(_, cue)| cue).filter(|cue| counts(cue)).collect();
        let severity = severity(mixed, reading.severity, &cues);
        // A complaint that only the model hears is shown as one and lifts no band: nobody could say why. It is remembered,
        // so that it counts toward sustained tension.
        let proven = if mixed { severity } else { severity.min(reading.explanation.by_cues.max(1)) };
        self.complaints.forget(t_ms, self.settings.repeat_window_ms);
        // What a pattern takes for an act and the text model does not quite believe needs a second sign: that the call is not calm.
        let in_calm = self.complaints.is_empty() && self.simmer.is_calm(t_ms) && self.policy.open().is_none();
        let believed = mixed || !(reading.explanation.doubtful && in_calm);
        let proven = if believed { proven } else { proven.min(2) };
        let act = if believed { acts::act_of(channel, proven, &cues) } else { None };
        let kinds = complaints::kinds(&heard);
        self.simmer.forget(self.policy.over_ms());
        let simmers = !mixed
            && self.simmer.hears(t_ms, reading.severity_score, self.settings.simmer_enter_percent)
            && self.policy.open().is_none();
        if proven == 0 && cues.iter().any(|cue| cue.weight < 0.0) {
            self.simmer.soothe();
        }
        let evidence = Evidence {
            severity: proven,
            by_cues: if mixed { proven } else { proven.min(reading.explanation.by_cues) },
            cues: &cues,
            model: if mixed { 0.0 } else { reading.severity_score },
            act: act.is_some(),
            simmers,
            danger: heard.iter().any(|cue| cue.kind.is_danger()),
            repeats: self.complaints.len(),
            topics: self.complaints.topics(&kinds),
            words: text.split_whitespace().count(),
            sound: if mixed { 0 } else { self.sound_points },
        };
        let parts = self.meter.customer(t_ms, &self.settings, &evidence);
        if severity >= 2 {
            let quotable = proven >= 2;
            self.complaints.push(Complaint { t_ms, turn: self.turn, kinds, quotable });
        }

        let sum = self.complaints.since(self.policy.over_ms(), self.turn);
        let seen = Observation {
            t_ms,
            channel,
            severity: proven,
            act,
            simmers,
            friendly: heard.iter().any(|cue| cue.weight < 0.0),
            turns_since_complaint: self.complaints.turns_since_last(self.turn),
            cues: &cues,
            text,
            turn: self.turn,
            may_subside: sum.one_turn || self.soothed,
            hits: sum.hits,
            complaints: &sum.kinds,
        };
        let cx = Context { meter: &self.meter, settings: &self.settings, lang: self.lang };
        let rule = match self.policy.observe(&seen, cx, out) {
            Rule::NotSustained if !believed => Rule::DoubtedAct,
            rule => rule,
        };
        (severity, parts, rule)
    }

    fn context(&self) -> Context<'_> {
        Context { meter: &self.meter, settings: &self.settings, lang: self.lang }
    }
}

/// Severity that counts: the reading's, 3 where somebody is in danger, and on a mixed channel what its threats say.
fn severity(mixed: bool, read: Option<u8>, cues: &[&Cue]) -> u8 {
    if cues.iter().any(|cue| cue.kind.is_danger()) {
        return 3;
    }
    let read = read.unwrap_or(0).min(3);
    match cues.iter().map(|cue| cue.kind) {
        kinds if mixed => {
            kinds.map(|kind| if kind == CueKind::ChurnThreat { read.max(2) } else { 3 }).max().unwrap_or(0)
        }
        _ => read,
    }
}
