//! Decision: when a level and an act become an alert, and when an alert ends.
//!
//! At most one alert of a call is open. Its states follow
//! `raised → (raised_higher | acknowledged | snoozed → raised)* → cleared | dismissed`.

mod utterance;

use super::acts::Act;
use super::alert::{AlertChange, AlertError, Candidate, OpenAlert};
use super::level::Meter;
use super::settings::EscalationSettings;
use super::{Rule, wording};
use crate::call::view;
use crate::terms::{AlertKind, AlertState, Band, Channel, Cue, CueKind, Lang};

/// What an utterance of the customer (or of a mixed channel) means for the policy.
pub(super) struct Observation<'a> {
    pub t_ms: u64,
    pub channel: Channel,
    pub severity: u8,
    /// The most serious act among the cues.
    pub act: Option<Act>,
    /// Several utterances together, this one among them, are taken for complaints.
    pub simmers: bool,
    /// A kind word is among what was heard, by the text model alone too.
    pub friendly: bool,
    /// The customer's turns since the last complaint within the window.
    pub turns_since_complaint: u32,
    pub cues: &'a [&'a Cue],
    pub text: &'a str,
    /// Number of the customer's turn.
    pub turn: u32,
    /// The agent has not answered the complaints yet, or with something that soothes.
    pub may_subside: bool,
    /// Complaints (severity 2 or more) within the window since the last alert ended, this one included; two that no
    /// pattern names count as one.
    pub hits: usize,
    /// The kinds of complaint among them, in the order they came up.
    pub complaints: &'a [CueKind],
}

/// Sustained tension that waits for the customer's next turn.
#[derive(Debug, Clone, PartialEq)]
struct Deferred {
    candidate: Candidate,
    turn: u32,
    /// `None` once it passed without the level being high enough.
    deadline_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deadline {
    SnoozeEnds,
    AlertClears,
    DeferralEnds,
    CoolDownEnds,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Policy {
    open: Option<OpenAlert>,
    /// Raised so far.
    alerts: u32,
    now_ms: u64,
    deferred: Option<Deferred>,
    /// What the cool-down keeps back.
    withheld: Option<Candidate>,
    /// Kinds a person dismissed.
    dismissed: Vec<AlertKind>,
    /// Until then nothing is raised that `cleared` names, and no tension.
    cool_until_ms: u64,
    /// Kinds of the alert that was cleared last.
    cleared: Vec<AlertKind>,
    /// When the customer last showed a mild sign of peace.
    softened_ms: Option<u64>,
    /// When the last alert was cleared or dismissed: what came before counts for no further alert on tension.
    over_ms: Option<u64>,
}

/// What the policy looks at besides the observation.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub meter: &'a Meter,
    pub settings: &'a EscalationSettings,
    pub lang: Lang,
}

impl Policy {
    pub fn open(&self) -> Option<&OpenAlert> {
        self.open.as_ref()
    }

    /// Makes `open`, known from the call's log, the open alert; `alerts` were raised so far.
    pub fn adopt(&mut self, t_ms: u64, alerts: u32, open: Option<(u32, view::OpenAlert)>, band: Band) {
        self.alerts = self.alerts.max(alerts);
        let Some((id, seen)) = open else {
            if self.open.take().is_some() {
                self.over_ms = Some(t_ms);
            }
            return;
        };
        self.alerts = self.alerts.max(id);
        match &mut self.open {
            Some(own) if own.id == id && own.state == seen.state && own.kind == seen.kind => {}
            own => *own = Some(OpenAlert::adopted(id, seen, t_ms, band)),
        }
    }

    pub fn over_ms(&self) -> Option<u64> {
        self.over_ms
    }

    /// Time of the next change that comes without anybody speaking.
    pub fn next_deadline(&self, cx: Context<'_>) -> Option<u64> {
        self.next(cx).map(|(at_ms, _)| at_ms)
    }

    /// Lets time pass: meets the deadlines up to `t_ms` in their order and at their own times, so that how often it is
    /// called changes nothing.
    pub fn advance(&mut self, t_ms: u64, cx: Context<'_>, out: &mut Vec<AlertChange>) {
        while let Some((at_ms, deadline)) = self.next(cx).filter(|(at_ms, _)| *at_ms <= t_ms) {
            self.now_ms = at_ms;
            self.note_level(at_ms, cx);
            match deadline {
                Deadline::SnoozeEnds => self.end_snooze(cx, out),
                Deadline::AlertClears => {
                    let reason = wording::subsided(cx.lang);
                    self.clear(reason, Rule::Subsided, cx, out);
                }
                Deadline::DeferralEnds => self.end_deferral(cx, out),
                Deadline::CoolDownEnds => self.end_cool_down(cx, out),
            }
        }
        self.now_ms = self.now_ms.max(t_ms);
        self.note_level(t_ms, cx);
    }

    pub fn acknowledge(&mut self, id: u32, out: &mut Vec<AlertChange>) -> Result<(), AlertError> {
        let t_ms = self.now_ms;
        let open = self.find(id)?;
        if open.state != AlertState::Acknowledged {
            open.state = AlertState::Acknowledged;
            open.until_ms = None;
            out.push(open.change(t_ms, Rule::Command));
        }
        Ok(())
    }

    pub fn snooze(&mut self, id: u32, until_ms: u64, out: &mut Vec<AlertChange>) -> Result<(), AlertError> {
        let t_ms = self.now_ms;
        let open = self.find(id)?;
        if until_ms <= t_ms {
            return Err(AlertError::UntilPassed { until_ms, now_ms: t_ms });
        }
        open.state = AlertState::Snoozed;
        open.until_ms = Some(until_ms);
        out.push(open.change(t_ms, Rule::Command));
        Ok(())
    }

    pub fn not_taken(
        &mut self,
        id: u32,
        waited_ms: u64,
        lang: Lang,
        out: &mut Vec<AlertChange>,
    ) -> Result<(), AlertError> {
        let t_ms = self.now_ms;
        let open = self.find(id)?;
        if matches!(open.state, AlertState::Raised | AlertState::RaisedHigher) {
            open.state = AlertState::RaisedHigher;
            let change = open.change(t_ms, Rule::NotTaken);
            let reason = wording::not_taken(waited_ms, &change.reason, lang);
            out.push(AlertChange { reason, ..change });
        }
        Ok(())
    }

    pub fn dismiss(&mut self, id: u32, note: &str, out: &mut Vec<AlertChange>) -> Result<(), AlertError> {
        let t_ms = self.now_ms;
        self.find(id)?;
        if let Some(mut open) = self.open.take() {
            open.state = AlertState::Dismissed;
            open.until_ms = None;
            out.push(AlertChange { note: Some(note.to_owned()), ..open.change(t_ms, Rule::Command) });
            for kind in open.told {
                if !self.dismissed.contains(&kind) {
                    self.dismissed.push(kind);
                }
            }
            self.over_ms = Some(t_ms);
        }
        Ok(())
    }

    fn raise(&mut self, candidate: Candidate, rule: Rule, cx: Context<'_>, out: &mut Vec<AlertChange>) -> Rule {
        self.alerts = self.alerts.saturating_add(1);
        self.deferred = None;
        self.withheld = None;
        self.softened_ms = None;
        let band = cx.meter.band_at(self.now_ms, cx.settings);
        let open = OpenAlert::raised(self.alerts, candidate, self.now_ms, band);
        out.push(open.change(self.now_ms, rule));
        self.open = Some(open);
        self.note_level(self.now_ms, cx);
        rule
    }

    fn clear(&mut self, reason: String, rule: Rule, cx: Context<'_>, out: &mut Vec<AlertChange>) {
        if let Some(open) = self.open.take() {
            let change = open.change(self.now_ms, rule);
            out.push(AlertChange { state: AlertState::Cleared, reason, quote: None, until_ms: None, ..change });
            self.cool_until_ms = self.now_ms.saturating_add(cx.settings.cool_down_ms);
            self.cleared = open.told;
            self.over_ms = Some(self.now_ms);
        }
    }

    fn end_snooze(&mut self, cx: Context<'_>, out: &mut Vec<AlertChange>) {
        let high = cx.meter.proven_at(self.now_ms, cx.settings) >= cx.settings.alert_leave;
        if let Some(open) = &mut self.open {
            open.state = AlertState::Raised;
            open.until_ms = None;
            if high || open.is_danger() {
                out.push(open.change(self.now_ms, Rule::SnoozeEnded));
            }
        }
    }

    fn end_deferral(&mut self, cx: Context<'_>, out: &mut Vec<AlertChange>) {
        let high = cx.meter.proven_at(self.now_ms, cx.settings) >= cx.settings.tension_enter;
        match self.deferred.take() {
            Some(deferred) if high => {
                self.raise(deferred.candidate, Rule::SustainedTension, cx, out);
            }
            deferred => self.deferred = deferred.map(|deferred| Deferred { deadline_ms: None, ..deferred }),
        }
    }

    fn end_cool_down(&mut self, cx: Context<'_>, out: &mut Vec<AlertChange>) {
        let high = cx.meter.proven_at(self.now_ms, cx.settings) >= cx.settings.tension_enter;
        if let Some(candidate) = self.withheld.take()
            && high
            && self.open.is_none()
        {
            self.raise(candidate, Rule::CoolDownEnded, cx, out);
        }
    }

    /// Keeps since when the level has been too low for the open alert.
    pub fn note_level(&mut self, t_ms: u64, cx: Context<'_>) {
        let below = cx.meter.proven_at(t_ms, cx.settings) < cx.settings.alert_leave;
        if let Some(open) = &mut self.open {
            let since_ms = cx.meter.falls_below(cx.settings.alert_leave, cx.settings).unwrap_or(t_ms).min(t_ms);
            open.below_since_ms = if below { open.below_since_ms.or(Some(since_ms)) } else { None };
        }
    }

    fn next(&self, cx: Context<'_>) -> Option<(u64, Deadline)> {
        let of_open = self.open.as_ref().and_then(|open| match open.until_ms {
            Some(until_ms) => Some((until_ms, Deadline::SnoozeEnds)),
            None => {
                let below = cx.meter.falls_below(cx.settings.alert_leave, cx.settings);
                let wait_ms =
                    if open.is_danger() { cx.settings.danger_clear_after_ms } else { cx.settings.clear_after_ms };
                let at_ms = open.below_since_ms.or(below)?.saturating_add(wait_ms);
                Some((at_ms, Deadline::AlertClears))
            }
        });
        let of_deferral =
            self.deferred.as_ref().and_then(|deferred| Some((deferred.deadline_ms?, Deadline::DeferralEnds)));
        let of_cool_down = self.withheld.as_ref().map(|_| (self.cool_until_ms, Deadline::CoolDownEnds));
        let first = [of_open, of_deferral, of_cool_down].into_iter().flatten().min_by_key(|(at_ms, _)| *at_ms);
        first.map(|(at_ms, deadline)| (at_ms.max(self.now_ms), deadline))
    }

    fn find(&mut self, id: u32) -> Result<&mut OpenAlert, AlertError> {
        let known = id >= 1 && id <= self.alerts;
        match &mut self.open {
            Some(open) if open.id == id => Ok(open),
            _ if known => Err(AlertError::Over { id }),
            _ => Err(AlertError::Unknown { id }),
        }
    }
}
