//! A call that turns out to belong to another queue: its practices count from then on.

use std::sync::Arc;

use super::playbook::Rulebook;
use super::{Coach, CoachOutput, Moment};

impl Coach {
    /// Goes on with other practices. What was said, shown and counted stays, practice by practice; a prompt whose
    /// practice is not among the new ones is withdrawn. A call in which nothing has been said yet begins anew with them.
    pub fn follow(&mut self, now_ms: u64, rules: &Arc<Rulebook>) -> Vec<CoachOutput> {
        let mut out = Vec::new();
        if Arc::ptr_eq(&self.rules, rules) {
            return out;
        }
        let before = Arc::clone(&self.rules);
        let place = |at: usize| {
            let known = &before.practices[at].id;
            rules.practices.iter().position(|practice| practice.id == *known)
        };
        let mut changes = Vec::new();
        self.screen.renumber(place, &mut changes);
        self.tell(changes, &mut out);
        let gone = self.lived.iter().filter(|at| place(**at).is_none()).map(|at| before.practices[*at].id.clone());
        self.lived_elsewhere.extend(gone);
        self.lived = self.lived.iter().filter_map(|at| place(*at)).collect();
        self.suggested = self.suggested.iter().filter_map(|(at, last)| Some((place(*at)?, *last))).collect();
        let phrases = std::mem::take(&mut self.phrases_suggested);
        self.phrases_suggested = phrases.into_iter().filter_map(|(at, said)| Some((place(at)?, said))).collect();
        self.rules = Arc::clone(rules);
        self.speak(self.lang);
        self.begin(now_ms, &mut out);
        out
    }

    /// What is to be said at the start of a call, if nobody has spoken yet; what was told of it is not told again.
    pub(super) fn begin(&mut self, now_ms: u64, out: &mut Vec<CoachOutput>) {
        if !self.state.is_silent() || self.ended {
            return;
        }
        self.trigger(Moment::Start, now_ms, out);
        self.settle(now_ms, out);
    }
}
