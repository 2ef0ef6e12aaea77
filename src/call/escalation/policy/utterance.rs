//! What one utterance does: it raises the alert, raises it higher, keeps it, or ends it.

use super::{Context, Deferred, Observation, Policy};
use crate::call::escalation::Rule;
use crate::call::escalation::acts::{Act, reconciliation, seriousness};
use crate::call::escalation::alert::{AlertChange, Candidate};
use crate::call::escalation::wording::{self, Fact};
use crate::terms::{AlertKind, AlertState, Channel, Cue, CueKind, Lang};

/// With so many turns without a complaint a kind word ends an alert if the level is low after it.
const CALM_TURNS: u32 = 2;
/// Two mild signs of reconciliation within this time are a clear one.
const SOFTENING_MS: u64 = 90_000;

impl Policy {
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
            return self.on_band(candidate, seen, cx, out);
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
        let candidate = tension(fact, seen, cx.lang);
        if self.open.is_some() {
            return self.on_band(candidate, seen, cx, out);
        }
        let level = cx.meter.proven_at(seen.t_ms, cx.settings);
        if seen.hits < usize::from(cx.settings.tension_hits) || level < cx.settings.tension_enter {
            return Rule::NotSustained;
        }
        let candidate = match self.silenced(candidate, seen.t_ms) {
            Ok(candidate) => candidate,
            Err(rule) => return rule,
        };
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
        let candidate = tension(fact, seen, cx.lang);
        let candidate = match self.silenced(candidate, seen.t_ms) {
            Ok(candidate) => candidate,
            Err(rule) => return rule,
        };
        self.raise(candidate, Rule::SustainedTension, cx, out)
    }

    /// Tension that may be told, or the rule that silences it: after a dismissal, and while an alert was cleared just now.
    fn silenced(&mut self, candidate: Candidate, t_ms: u64) -> Result<Candidate, Rule> {
        if !self.dismissed.is_empty() {
            return Err(Rule::DismissedBefore);
        }
        if t_ms < self.cool_until_ms {
            self.withheld = Some(candidate);
            return Err(Rule::CoolDown);
        }
        Ok(candidate)
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
        candidate: Candidate,
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
        let reason = wording::higher_band(band, &candidate.reason, cx.lang);
        open.raise_higher(Candidate { kind: open.kind, reason, quote: candidate.quote }, band);
        out.push(open.change(seen.t_ms, Rule::NewBand));
        Rule::NewBand
    }
}

/// An alert on tension, quoting the loudest words.
fn tension(fact: Fact<'_>, seen: &Observation<'_>, lang: Lang) -> Candidate {
    let loudest = seen.cues.iter().filter(|cue| cue.weight > 0.0).max_by(|a, b| a.weight.total_cmp(&b.weight));
    candidate(AlertKind::RISING_TENSION, fact, loudest.copied(), seen.text, lang)
}

fn candidate(kind: AlertKind, fact: Fact<'_>, cue: Option<&Cue>, text: &str, lang: Lang) -> Candidate {
    let around = cue.map_or(0..0, |cue| cue.start..cue.end);
    Candidate { kind, reason: wording::reason(fact, lang), quote: wording::quote(text, around) }
}
