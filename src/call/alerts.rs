//! Alerts of a call: told, taken by somebody, or raised higher because nobody takes them.

use super::conversation::is_raised;
use super::escalation::{AlertChange, Rule};
use super::event::{EventKind, Log, rfc3339};
use super::{AlertCommand, Call, Output};
use crate::terms::AlertState;

/// An alert that nobody has taken yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Untaken {
    pub alert: u32,
    /// Media clock.
    pub since_ms: u64,
}

impl Call {
    /// Tells what the level made of the alert, and advises on one that was raised.
    pub(super) fn alerts(&mut self, changes: Vec<AlertChange>, out: &mut Vec<Output>) {
        for change in changes {
            let (raised, kind, id) = (is_raised(&change), change.kind, self.alert_id(&change));
            self.summary.alerts += u32::from(change.state == AlertState::Raised);
            self.tell_alert(change, None, None, out);
            if raised {
                let coached = self.conversation.alert_raised(self.clock.active_ms(), kind);
                self.coached(coached, Some(id), out);
            }
        }
    }

    /// What a person decided about alert `alert`; nothing if it is none of this call.
    pub(super) fn alert_command(&mut self, alert: &str, command: &AlertCommand, by: &str, out: &mut Vec<Output>) {
        let Some(number) = self.alert_number(alert) else { return };
        for mut change in self.conversation.alert_command(self.clock.active_ms(), number, command) {
            change.note = change.note.map(|note| self.redactor.aside(&note));
            self.tell_alert(change, Some(by.to_owned()), None, out);
        }
    }

    /// Media clock at which the open alert has waited long enough for somebody.
    pub(super) fn untaken_until(&self) -> Option<u64> {
        let waits = self.consent && self.ending.is_none();
        Some(self.untaken.filter(|_| waits)?.since_ms.saturating_add(self.settings.unacknowledged_ms?))
    }

    /// Raises an alert higher that nobody took, once.
    pub(super) fn rise(&mut self, out: &mut Vec<Output>) {
        let t_ms = self.clock.t_ms();
        if self.untaken_until().is_none_or(|until_ms| t_ms < until_ms) {
            return;
        }
        let Some(Untaken { alert, since_ms }) = self.untaken.take() else { return };
        let waited_ms = t_ms - since_ms;
        for change in self.conversation.alert_not_taken(self.clock.active_ms(), alert, waited_ms) {
            let waited_ms = (change.rule == Rule::NotTaken).then_some(waited_ms);
            self.tell_alert(change, None, waited_ms, out);
        }
    }

    /// Keeps since when an alert waits for somebody.
    fn watch_for_takers(&mut self, change: &AlertChange) {
        let since_ms = self.clock.t_ms();
        self.untaken = match change.state {
            AlertState::Raised | AlertState::RaisedHigher if change.rule == Rule::NotTaken => None,
            AlertState::Raised | AlertState::RaisedHigher => {
                self.untaken.or(Some(Untaken { alert: change.id, since_ms }))
            }
            _ => None,
        };
    }

    /// The number of an alert in its id.
    pub(super) fn alert_number(&self, id: &str) -> Option<u32> {
        u32::try_from(self.number_of(id, 'a')?).ok()
    }

    fn alert_id(&self, change: &AlertChange) -> String {
        format!("{}:a{}", self.info.call, change.id)
    }

    /// Writes a new state of an alert into the call's log. `unacknowledged_ms`: nobody took it for so long.
    fn tell_alert(
        &mut self,
        change: AlertChange,
        by: Option<String>,
        unacknowledged_ms: Option<u64>,
        out: &mut Vec<Output>,
    ) {
        self.watch_for_takers(&change);
        let id = self.alert_id(&change);
        let AlertChange { state, kind, reason, quote, until_ms, note, .. } = change;
        // A snooze ends on active time.
        let left_ms = until_ms.map(|until_ms| until_ms.saturating_sub(self.clock.active_ms()));
        let until = left_ms.map(|left_ms| rfc3339(self.unix_ms + left_ms));
        let dismissal = note.filter(|note| !note.is_empty());
        let kind = EventKind::Alert { id, state, kind, reason, quote, by, until, dismissal, unacknowledged_ms };
        self.emit(Log::Call, kind, out);
    }
}
