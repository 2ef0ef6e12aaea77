//! What comes out of a call: speech to be read, events for the journal and the hub, news for its sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::warn;

use super::{IN_FLIGHT, Session, elapsed_ms};
use crate::call::endpointing::SpeechSegment;
use crate::call::event::{EndReason, Event, EventKind, Log};
use crate::call::{Input, Output};
use crate::server::mailbox::ToSocket;
use crate::stt::SpeechJob;
use crate::terms::{Channel, DropReason, Outcome, Transcript};
use crate::wall_clock::unix_ms;
use crate::wire::phone::{News, Wants};

impl Session<'_> {
    pub(super) fn carry_out(&mut self) {
        let mut events = Vec::new();
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Event(event) => events.push(event),
                Output::Speech { channel, speaking, at_ms } => {
                    // In the order in which the call told them.
                    self.publish(std::mem::take(&mut events));
                    self.tell_sockets(&News::Speech { channel, speaking, at_ms }, Wants::News);
                }
                Output::Prompted { waited_ms } => self.app.metrics.prompt_wait_s.observe(waited_ms as f64 / 1e3),
                Output::Transcribe { segment, channel, heated, speech } => {
                    let outcome = match &self.app.speech {
                        Some(_) if self.in_flight.len() >= IN_FLIGHT => {
                            Outcome::Dropped { reason: DropReason::Overload }
                        }
                        None => Outcome::Nothing,
                        Some(queue) => {
                            self.in_flight.insert(segment, (channel, speech.span.start_ms));
                            queue.submit(self.speech_job(segment, channel, heated, speech));
                            continue;
                        }
                    };
                    let answer = Input::Transcript(Transcript { segment, outcome });
                    self.call.handle(unix_ms(), answer, &mut self.out);
                }
            }
        }
        self.publish(events);
        if !self.out.is_empty() {
            self.carry_out();
        }
    }

    /// Speech of this call for the queue, as just heard.
    pub(super) fn speech_job(&self, segment: u64, channel: Channel, heated: bool, speech: SpeechSegment) -> SpeechJob {
        SpeechJob {
            call: Arc::clone(&self.name),
            segment,
            channel,
            lang: self.call.info().lang,
            samples: speech.samples,
            voiced: speech.voiced,
            heated,
            ended_at: std::time::Instant::now(),
            failures: 0,
            reply: self.reply.clone(),
        }
    }

    pub(super) fn publish(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.observe_delay(&events);
        self.remember(&events);
        if self.sockets.iter().any(|attached| attached.wants >= Wants::News) {
            let told = events.iter().filter(|event| event.log == Log::Call).cloned().collect();
            self.tell_sockets(&News::Events(told), Wants::News);
        }
        self.ticket = self.app.journal.submit(events);
    }

    /// Tells how far each channel has been read, where that has changed.
    pub(super) fn tell_unread(&mut self) {
        let mut unread = BTreeMap::new();
        // Segments are numbered in the order in which they were said, so that the first of a channel is its oldest.
        for (channel, start_ms) in self.in_flight.values() {
            unread.entry(*channel).or_insert(*start_ms);
        }
        if unread == self.unread {
            return;
        }
        let before = std::mem::replace(&mut self.unread, unread);
        let channels: BTreeSet<Channel> = before.keys().chain(self.unread.keys()).copied().collect();
        for channel in channels {
            let since_ms = self.unread.get(&channel).copied();
            if since_ms != before.get(&channel).copied() {
                self.tell_sockets(&News::Unread { channel, since_ms }, Wants::News);
            }
        }
    }

    /// A socket that does not take its news in time misses them; the call never waits for it.
    pub(super) fn tell_sockets(&mut self, news: &News, wanted: Wants) {
        for attached in self.sockets.iter().filter(|attached| attached.wants >= wanted) {
            let room = attached.outbox.capacity() > 1;
            if !room || attached.outbox.try_send(ToSocket::News(news.clone())).is_err() {
                self.app.metrics.feed_missed.inc();
                warn!("a media socket does not take what the call tells it");
            }
        }
    }

    /// Keeps for the agent alone what became of the prompts, and what the call was for the shift.
    pub(super) fn remember(&mut self, events: &[Event]) {
        let Some(agent) = &self.call.info().agent else { return };
        for event in events {
            self.app.agents.prompted(agent, event);
            if let Some(call) = self.tally.hear(event, unix_ms()) {
                self.app.agents.ended(agent, call);
            }
        }
    }

    /// Time from the last voiced sample of an utterance to its assessment, for live audio.
    pub(super) fn observe_delay(&self, events: &[Event]) {
        let Some(last_audio) = self.last_audio else { return };
        if self.ahead() {
            return;
        }
        for pair in events.windows(2) {
            if let (EventKind::Utterance { end_ms, .. }, EventKind::Assessment { .. }) = (&pair[0].kind, &pair[1].kind)
            {
                let media_ms = self.call.t_ms().saturating_sub(*end_ms);
                let delay_ms = media_ms + elapsed_ms(last_audio);
                self.app.metrics.speech_to_assessment_s.observe(delay_ms as f64 / 1e3);
            }
        }
    }

    /// Tells sockets that have stopped, and whose words are all dealt with. Those of an ended call are told at its end.
    pub(super) fn answer_stopped(&mut self) {
        if self.ending.is_some() {
            return;
        }
        let utterances = u64::from(self.call.utterances());
        for attached in &mut self.sockets {
            if attached.flushing.take_if(|waiting| waiting.is_empty()).is_some() && attached.outbox.capacity() > 1 {
                let _ = attached.outbox.try_send(ToSocket::News(News::Flushed));
            }
        }
        self.sockets.retain(|attached| match &attached.stopping {
            Some(waiting) if waiting.is_empty() => {
                // The outbox keeps a place for the last message a socket gets.
                let _ = attached.outbox.try_send(ToSocket::Stopped { utterances });
                false
            }
            _ => true,
        });
    }

    pub(super) fn farewell(self) -> EndReason {
        let reason = self.ending.map_or(EndReason::Fault, |(reason, _)| reason);
        let utterances = u64::from(self.call.utterances());
        self.app.calls.remove(&self.id);
        for attached in self.sockets {
            let stopped = attached.stopping.is_some();
            let message = if stopped { ToSocket::Stopped { utterances } } else { ToSocket::ShuttingDown };
            let _ = attached.outbox.try_send(message);
        }
        reason
    }
}
