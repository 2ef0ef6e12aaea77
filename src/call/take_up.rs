//! A call taken up again from its own log after the program was gone.
//!
//! The log holds what the customer said and what people decided; from that the conversation is lived through once more,
//! without a word to anybody. Where the log knows better than the second life, the log counts: the level is set to each
//! recorded assessment, and the alert that is open is the one readers saw last. What is not in the log is lost: the
//! agent's own words (unless `agent_channel` is `full`), and with them what the coach made of them.

use std::sync::Arc;

use super::alerts::Untaken;
use super::{Call, CallInfo, CallSettings, Facts};
use crate::call::AlertCommand;
use crate::call::acoustic::Ear;
use crate::call::conversation::Rules;
use crate::call::event::{Event, EventKind, Log, parse_rfc3339};
use crate::call::view::CallView;
use crate::terms::{AlertState, Channel, Span};

impl Call {
    /// The call whose log this is, as it stood after the last event; `None` if the log has no beginning or has an end.
    /// `agent_seq` is the last number of the agent's log. Nothing is written.
    pub fn take_up(
        info: CallInfo,
        rules: Arc<Rules>,
        settings: CallSettings,
        log: &[Event],
        agent_seq: u64,
    ) -> Option<Self> {
        let (first, rest) = log.split_first()?;
        let EventKind::CallStarted { .. } = &first.kind else { return None };
        let started_unix_ms = parse_rfc3339(&first.at)?;
        let mut call = Self::start(info, rules, settings, started_unix_ms, &mut Vec::new());
        let mut view = CallView::default();
        view.apply(first);
        for event in rest {
            view.apply(event);
            call.live_again(event);
        }
        if view.ended.is_some() {
            return None;
        }
        let last = log.last()?;
        call.unix_ms = parse_rfc3339(&last.at)?;
        call.seq[Log::Call as usize] = last.seq;
        call.seq[Log::Agent as usize] = agent_seq;
        // Each prompt took at least one number of the agent's log.
        call.told_before.prompts = agent_seq;
        let open = view.alert.and_then(|alert| Some((call.alert_number(&alert.id)?, alert)));
        // The customer's beginning cannot be heard again.
        call.ear.iter_mut().for_each(Ear::lose_beginning);
        call.untaken = open.as_ref().and_then(|(alert, seen)| {
            let waits = matches!(seen.state, AlertState::Raised | AlertState::RaisedHigher);
            let untaken = Untaken { alert: *alert, since_ms: seen.since_ms };
            (waits && seen.unacknowledged_ms.is_none()).then_some(untaken)
        });
        let alerts = call.summary.alerts;
        call.conversation.adopt_alert(call.clock.active_ms(), alerts, open);
        call.band = call.conversation.band(call.clock.active_ms());
        Some(call)
    }

    /// Whether the customer is on hold.
    pub fn is_held(&self) -> bool {
        self.clock.is_held()
    }

    fn live_again(&mut self, event: &Event) {
        self.pass_time(event.t_ms);
        let active_ms = self.clock.active_ms();
        match &event.kind {
            EventKind::Utterance { channel, start_ms, end_ms, text, .. } => {
                self.utterance_again(*channel, Span::new(*start_ms, *end_ms), text.as_deref());
            }
            EventKind::Assessment { level, band, .. } => {
                self.peak(*level, *band);
                self.conversation.set_level(active_ms, *level);
            }
            EventKind::Alert { id, state, by, until, unacknowledged_ms, .. } => {
                self.summary.alerts += u32::from(*state == AlertState::Raised && by.is_none());
                let number = self.alert_number(id);
                if let (Some(number), Some(command)) = (number, command_of(*state, event, until.as_deref())) {
                    drop(self.conversation.alert_command(active_ms, number, &command));
                }
                if let (Some(number), Some(waited_ms)) = (number, *unacknowledged_ms) {
                    drop(self.conversation.alert_not_taken(active_ms, number, waited_ms));
                }
            }
            EventKind::Suggestion { id, .. } => {
                let number = self.number_of(id, 's').unwrap_or(0);
                self.told_before.suggestions = self.told_before.suggestions.max(number);
            }
            EventKind::Observation { sound, on, .. } => {
                self.ear.iter_mut().for_each(|ear| ear.recall(*sound, *on));
            }
            EventKind::Hold => self.clock.hold(),
            EventKind::Resumed => {
                let held_ms = self.clock.resume().unwrap_or(0);
                drop(self.conversation.hold_ended(self.clock.active_ms(), held_ms));
            }
            EventKind::SpeechDropped { .. } => self.summary.speech_dropped += 1,
            EventKind::ConsentWithdrawn => self.consent = false,
            EventKind::CallFacts { agent, queue, team, language } => {
                let info = &mut self.info;
                for (new, known) in [(agent, &mut info.agent), (queue, &mut info.queue), (team, &mut info.team)] {
                    if new.is_some() {
                        known.clone_from(new);
                    }
                }
                let facts = Facts { queue: queue.clone(), ..Facts::default() };
                drop(self.conversation.facts(active_ms, &facts, self.started_unix_ms));
                language.iter().for_each(|language| self.speak_quietly(*language));
            }
            _ => {}
        }
    }

    fn utterance_again(&mut self, channel: Channel, span: Span, text: Option<&str>) {
        match channel {
            Channel::Agent => self.summary.agent_utterances += 1,
            Channel::Customer | Channel::Mixed => self.summary.customer_utterances += 1,
        }
        let Some(text) = text else { return };
        let active = Span::new(self.clock.active_at(span.start_ms), self.clock.active_at(span.end_ms));
        drop(self.conversation.utterance(self.clock.active_ms(), active, channel, text));
        if self.conversation.coach().eased() {
            self.summary.turning_point_ms = Some(span.end_ms);
        }
    }

    fn pass_time(&mut self, t_ms: u64) {
        if self.clock.advance(t_ms) && !self.clock.is_held() {
            drop(self.conversation.advance(self.clock.active_at(t_ms)));
        }
    }
}

/// What a person did, as the log tells it.
fn command_of(state: AlertState, event: &Event, until: Option<&str>) -> Option<AlertCommand> {
    match state {
        AlertState::Acknowledged => Some(AlertCommand::Acknowledge),
        AlertState::Dismissed => Some(AlertCommand::Dismiss { reason: String::new() }),
        AlertState::Snoozed => {
            let left_ms = parse_rfc3339(until?)?.saturating_sub(parse_rfc3339(&event.at)?);
            let minutes = u32::try_from(left_ms.div_ceil(60_000)).ok()?;
            Some(AlertCommand::Snooze { minutes })
        }
        AlertState::Raised | AlertState::RaisedHigher | AlertState::Cleared => None,
    }
}
