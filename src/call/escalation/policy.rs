//! Decision: when a level and an act become an alert, and when an alert ends.
//!
//! At most one alert of a call is open. Its states follow
//! `raised → (raised_higher | acknowledged | snoozed → raised)* → cleared | dismissed`.

use super::level::Meter;
use super::settings::EscalationSettings;
use super::wording::{self, Fact};
use super::{AlertChange, AlertError, Rule};
use crate::call::view;
use crate::terms::{AlertKind, AlertState, Band, Channel, Cue, CueKind, Lang};

/// With so many turns without a complaint a kind word ends an alert if the level is low after it.
const CALM_TURNS: u32 = 2;
/// Two mild signs of reconciliation within this time are a clear one.
const SOFTENING_MS: u64 = 90_000;

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

/// An act that alerts at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Act {
    pub kind: CueKind,
    /// Where its cue stands among the cues of the utterance; `None` if the severity alone says so.
    pub cue: Option<usize>,
}

/// The alert that is open now.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAlert {
    /// From 1, in the order alerts were raised in this call.
    pub id: u32,
    /// `Raised`, `RaisedHigher`, `Acknowledged` or `Snoozed`.
    pub state: AlertState,
    pub kind: AlertKind,
    /// One sentence for a supervisor.
    pub reason: String,
    /// The customer's words that prove it, at most 160 characters.
    pub quote: String,
    /// Unfrozen call time when it was raised.
    pub raised_ms: u64,
    /// Unfrozen call time until which it is snoozed.
    pub until_ms: Option<u64>,
    told: Vec<AlertKind>,
    band_told: Band,
    below_since_ms: Option<u64>,
}

/// An alert that would be raised but for a rule.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    kind: AlertKind,
    reason: String,
    quote: String,
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
    alerts: u32,
    now_ms: u64,
    deferred: Option<Deferred>,
    withheld: Option<Candidate>,
    dismissed: Vec<AlertKind>,
    cool_until_ms: u64,
    cleared: Vec<AlertKind>,
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
            own => {
                // A snooze of which the end is not known is over: better told twice than never.
                let snoozed = seen.state == AlertState::Snoozed;
                *own = Some(OpenAlert {
                    id,
                    state: seen.state,
                    kind: seen.kind,
                    reason: seen.reason,
                    quote: seen.quote.unwrap_or_default(),
                    raised_ms: seen.since_ms.min(t_ms),
                    until_ms: snoozed.then_some(t_ms),
                    told: vec![seen.kind],
                    band_told: band,
                    below_since_ms: None,
                });
            }
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

    /// Decides about one utterance; `advance` was called with its time, then the meter was told.
    pub fn observe(&mut self, seen: &Observation<'_>, cx: Context<'_>, out: &mut Vec<AlertChange>) -> Rule {
        self.note_level(seen.t_ms, cx);
        if seen.severity >= 1 {
            self.softened_ms = None;
        }
        match seen.act {
            Some(act) => self.on_act(act, seen, cx, out),
            None if seen.channel == Channel::Mixed => Rule::ThreatsOnly,
            None if seen.simmers && self.open.is_none() => self.on_simmer(seen, cx, out),
            None if seen.severity >= 2 => self.on_tension(seen, cx, out),
            None if seen.severity == 1 => self.on_friction(seen, cx, out),
            None => self.on_calm(seen, cx, out),
        }
    }

    /// After a change of the level that nobody but the agent caused.
    pub fn level_changed(&mut self, t_ms: u64, cx: Context<'_>) {
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

    fn on_act(&mut self, act: Act, seen: &Observation<'_>, cx: Context<'_>, out: &mut Vec<AlertChange>) -> Rule {
        let kind = AlertKind::Act(act.kind);
        let cue = act.cue.and_then(|at| seen.cues.get(at)).copied();
        let fact = Fact::Act { kind: act.kind, words: cue.map_or("", |cue| &cue.text) };
        let candidate = candidate(kind, fact, cue, seen.text, cx.lang);
        self.deferred = None;
        if let Some(open) = &mut self.open {
            let new_danger = act.kind.is_danger() && !open.told.contains(&kind);
            if new_danger || seriousness(kind) > seriousness(open.kind) {
                let rule = if act.kind.is_danger() { Rule::Danger } else { Rule::MoreSeriousAct };
                open.raise_higher(candidate, cx.meter.band_at(seen.t_ms, cx.settings));
                out.push(open.change(seen.t_ms, rule));
                return rule;
            }
            return self.on_band(candidate.reason, candidate.quote, seen, cx, out);
        }
        if act.kind.is_danger() {
            return self.raise(candidate, Rule::Danger, cx, out);
        }
        if self.dismissed.contains(&kind) {
            return Rule::DismissedBefore;
        }
        if seen.t_ms < self.cool_until_ms && self.cleared.contains(&kind) {
            self.withheld = Some(candidate);
            return Rule::CoolDown;
        }
        self.raise(candidate, Rule::ExplicitAct, cx, out)
    }

    fn on_tension(&mut self, seen: &Observation<'_>, cx: Context<'_>, out: &mut Vec<AlertChange>) -> Rule {
        let fact = Fact::Tension { count: seen.hits, kinds: seen.complaints };
        let loudest = seen.cues.iter().filter(|cue| cue.weight > 0.0).max_by(|a, b| a.weight.total_cmp(&b.weight));
        let candidate = candidate(AlertKind::RISING_TENSION, fact, loudest.copied(), seen.text, cx.lang);
        if self.open.is_some() {
            return self.on_band(candidate.reason, candidate.quote, seen, cx, out);
        }
        let level = cx.meter.proven_at(seen.t_ms, cx.settings);
        if seen.hits < usize::from(cx.settings.tension_hits) || level < cx.settings.tension_enter {
            return Rule::NotSustained;
        }
        if !self.dismissed.is_empty() {
            return Rule::DismissedBefore;
        }
        if seen.t_ms < self.cool_until_ms {
            self.withheld = Some(candidate);
            return Rule::CoolDown;
        }
        let waited = self.deferred.as_ref().is_some_and(|deferred| deferred.turn < seen.turn);
        let plain = seen.hits > usize::from(cx.settings.tension_hits) || level >= cx.settings.critical_enter;
        if waited || plain || !seen.may_subside || cx.settings.defer_ms == 0 {
            return self.raise(candidate, Rule::SustainedTension, cx, out);
        }
        let deadline_ms = Some(seen.t_ms.saturating_add(cx.settings.defer_ms));
        self.deferred.get_or_insert(Deferred { candidate, turn: seen.turn, deadline_ms });
        Rule::DeferredOneTurn
    }

    /// Tension that adds up over several utterances has been waited for already.
    fn on_simmer(&mut self, seen: &Observation<'_>, cx: Context<'_>, out: &mut Vec<AlertChange>) -> Rule {
        let fact = Fact::Simmer { kinds: seen.complaints };
        let loudest = seen.cues.iter().filter(|cue| cue.weight > 0.0).max_by(|a, b| a.weight.total_cmp(&b.weight));
        let candidate = candidate(AlertKind::RISING_TENSION, fact, loudest.copied(), seen.text, cx.lang);
        if !self.dismissed.is_empty() {
            return Rule::DismissedBefore;
        }
        if seen.t_ms < self.cool_until_ms {
            self.withheld = Some(candidate);
            return Rule::CoolDown;
        }
        self.raise(candidate, Rule::SustainedTension, cx, out)
    }

    fn on_friction(&mut self, seen: &Observation<'_>, cx: Context<'_>, out: &mut Vec<AlertChange>) -> Rule {
        let high = cx.meter.proven_at(seen.t_ms, cx.settings) >= cx.settings.tension_enter;
        match self.deferred.take() {
            Some(deferred) if deferred.turn < seen.turn && high => {
                self.raise(deferred.candidate, Rule::SustainedTension, cx, out)
            }
            deferred => {
                self.deferred = deferred;
                Rule::NotSustained
            }
        }
    }

    fn on_calm(&mut self, seen: &Observation<'_>, cx: Context<'_>, out: &mut Vec<AlertChange>) -> Rule {
        let subsided = self.deferred.as_ref().is_some_and(|deferred| deferred.turn < seen.turn);
        if subsided {
            self.deferred = None;
        }
        let signs = reconciliation(seen.cues);
        let softened = self.softened_ms.is_some_and(|at_ms| seen.t_ms.saturating_sub(at_ms) <= SOFTENING_MS);
        if signs == 1 {
            self.softened_ms = Some(seen.t_ms);
        }
        let clear = signs >= 2 || (signs == 1 && softened);
        let level = cx.meter.proven_at(seen.t_ms, cx.settings);
        // One friendly sentence ends an alert only when the level had fallen before it was said, or after calm turns.
        let was_low = self.open.as_ref().and_then(|open| open.below_since_ms).is_some_and(|since| since < seen.t_ms);
        let calmed = seen.friendly && seen.turns_since_complaint >= CALM_TURNS && level < cx.settings.alert_leave;
        let peace = (clear && level < cx.settings.reconcile_level_max) || (signs == 1 && was_low) || calmed;
        if peace && self.open.as_ref().is_some_and(|open| !open.is_danger()) {
            let kinds: Vec<CueKind> = seen.cues.iter().map(|cue| cue.kind).collect();
            let reason = wording::reconciled(&kinds, cx.lang);
            self.clear(reason, Rule::Reconciled, cx, out);
            return Rule::Reconciled;
        }
        if subsided { Rule::TensionSubsided } else { Rule::Calm }
    }

    /// An open alert is raised higher when the call entered a band it was not alerted in.
    fn on_band(
        &mut self,
        reason: String,
        quote: String,
        seen: &Observation<'_>,
        cx: Context<'_>,
        out: &mut Vec<AlertChange>,
    ) -> Rule {
        let band = cx.meter.band_at(seen.t_ms, cx.settings);
        let Some(open) = &mut self.open else { return Rule::Calm };
        if let Some(act) = seen.act.map(|act| AlertKind::Act(act.kind))
            && !open.told.contains(&act)
        {
            open.told.push(act);
        }
        if open.state == AlertState::Snoozed {
            return Rule::Snoozed;
        }
        if band <= open.band_told {
            return Rule::AlreadyOpen;
        }
        let reason = wording::higher_band(band, &reason, cx.lang);
        open.raise_higher(Candidate { kind: open.kind, reason, quote }, band);
        out.push(open.change(seen.t_ms, Rule::NewBand));
        Rule::NewBand
    }

    fn raise(&mut self, candidate: Candidate, rule: Rule, cx: Context<'_>, out: &mut Vec<AlertChange>) -> Rule {
        self.alerts = self.alerts.saturating_add(1);
        self.deferred = None;
        self.withheld = None;
        self.softened_ms = None;
        let open = OpenAlert {
            id: self.alerts,
            state: AlertState::Raised,
            kind: candidate.kind,
            reason: candidate.reason,
            quote: candidate.quote,
            raised_ms: self.now_ms,
            until_ms: None,
            told: vec![candidate.kind],
            band_told: cx.meter.band_at(self.now_ms, cx.settings),
            below_since_ms: None,
        };
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
    fn note_level(&mut self, t_ms: u64, cx: Context<'_>) {
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

impl OpenAlert {
    fn is_danger(&self) -> bool {
        self.told.iter().any(|kind| matches!(kind, AlertKind::Act(kind) if kind.is_danger()))
    }

    fn raise_higher(&mut self, candidate: Candidate, band: Band) {
        self.state = AlertState::RaisedHigher;
        self.until_ms = None;
        self.kind = candidate.kind;
        self.reason = candidate.reason;
        self.quote = candidate.quote;
        self.band_told = self.band_told.max(band);
        if !self.told.contains(&candidate.kind) {
            self.told.push(candidate.kind);
        }
    }

    fn change(&self, t_ms: u64, rule: Rule) -> AlertChange {
        AlertChange {
            id: self.id,
            t_ms,
            state: self.state,
            kind: self.kind,
            reason: self.reason.clone(),
            quote: Some(self.quote.clone()).filter(|quote| !quote.is_empty()),
            until_ms: self.until_ms,
            note: None,
            rule,
        }
    }
}

/// The most serious act that alerts at once among `cues`.
///
/// An insult alerts when the severity says it was aimed at people (3), not at the company as a thing (2); a threat to
/// leave from severity 2 on. A severity of 3 without any of the acts alerts on its heaviest cue.
pub(super) fn act_of(channel: Channel, severity: u8, cues: &[&Cue]) -> Option<Act> {
    let named = cues.iter().enumerate().filter(|(_, cue)| alerts_at_once(cue.kind, severity));
    let act = |(at, cue): (usize, &&Cue)| Act { kind: cue.kind, cue: Some(at) };
    // `max_by_key` keeps the last of equals; reversed, the first act spoken is the one quoted.
    if let Some(found) = named.rev().max_by_key(|(_, cue)| seriousness(AlertKind::Act(cue.kind))) {
        return Some(act(found));
    }
    if severity < 3 || channel != Channel::Customer {
        return None;
    }
    let hostile = cues.iter().enumerate().filter(|(_, cue)| cue.weight > 0.0 && !cue.kind.is_agents());
    let heaviest = hostile.max_by(|(_, a), (_, b)| a.weight.total_cmp(&b.weight));
    Some(heaviest.map_or(Act { kind: CueKind::Anger, cue: None }, act))
}

fn alerts_at_once(kind: CueKind, severity: u8) -> bool {
    match kind {
        CueKind::SupervisorRequest
        | CueKind::LegalThreat
        | CueKind::PublicityThreat
        | CueKind::ViolenceThreat
        | CueKind::SelfHarm => true,
        CueKind::ChurnThreat => severity >= 2,
        CueKind::Insult => severity >= 3,
        _ => false,
    }
}

/// Cues that count on a channel where both parties speak: only threats and danger.
pub(crate) fn counts_on_mixed(kind: CueKind) -> bool {
    matches!(
        kind,
        CueKind::ChurnThreat
            | CueKind::LegalThreat
            | CueKind::PublicityThreat
            | CueKind::ViolenceThreat
            | CueKind::SelfHarm
    )
}

/// Order of alerts: an open one is raised higher only by a more serious one.
fn seriousness(kind: AlertKind) -> u8 {
    match kind {
        AlertKind::Trend(_) => 0,
        AlertKind::Act(CueKind::ViolenceThreat | CueKind::SelfHarm) => 5,
        AlertKind::Act(CueKind::LegalThreat | CueKind::PublicityThreat) => 4,
        AlertKind::Act(CueKind::SupervisorRequest | CueKind::Insult) => 3,
        AlertKind::Act(CueKind::ChurnThreat) => 2,
        AlertKind::Act(_) => 1,
    }
}

/// Signs that the customer has made peace: 2 is clear, 1 is mild.
fn reconciliation(cues: &[&Cue]) -> u8 {
    let has = |kind: CueKind| cues.iter().any(|cue| cue.kind == kind);
    let strong = has(CueKind::Relief) || has(CueKind::ApologyAccepted);
    let mild = [CueKind::Gratitude, CueKind::Praise, CueKind::Patience, CueKind::Humour];
    let mild = mild.into_iter().filter(|kind| has(*kind)).count().min(2);
    if strong { 2 } else { mild as u8 }
}

fn candidate(kind: AlertKind, fact: Fact<'_>, cue: Option<&Cue>, text: &str, lang: Lang) -> Candidate {
    let around = cue.map_or(0..0, |cue| cue.start..cue.end);
    Candidate { kind, reason: wording::reason(fact, lang), quote: wording::quote(text, around) }
}
