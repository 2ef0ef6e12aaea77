//! What sockets bring into a call.

use tokio::time::Instant;
use tracing::{info, warn};

use super::{Attached, Session, Since, elapsed_ms};
use crate::call::event::EndReason;
use crate::call::{CallInfo, Facts, Input};
use crate::server::mailbox::{Attach, MediaInput, SocketId};
use crate::server::stop::Phase;
use crate::terms::{Channel, SAMPLES_PER_MS};
use crate::wall_clock::unix_ms;
use crate::wire::phone::{News, Wants};

/// A hold that brought less audio than time passed jumps ahead, if by more than this (milliseconds): below is jitter.
const HOLD_JITTER_MS: u64 = 500;

impl Session<'_> {
    pub(super) fn media(&mut self, input: MediaInput) {
        if self.ending.is_some() {
            return;
        }
        match input {
            MediaInput::Attach(attach) => self.attach(attach),
            MediaInput::Audio { socket, lanes } => self.audio(socket, lanes),
            MediaInput::Skip { socket, channels, duration_ms } => self.skip(socket, &channels, duration_ms),
            MediaInput::Flush { socket } => self.flush(socket),
            MediaInput::Utterance { channel, span, text } => self.handle(Input::Utterance { channel, span, text }),
            MediaInput::Hold => {
                let t_ms = self.media_ms();
                self.held.get_or_insert(Since { wall: Instant::now(), t_ms });
                self.handle(Input::Hold);
            }
            MediaInput::Resume { socket, skipped_ms } => self.resume(socket, skipped_ms),
            MediaInput::Consent { given } => {
                if !given {
                    self.in_flight.clear();
                }
                self.handle(Input::Consent { given });
            }
            MediaInput::Facts(facts) => self.facts(facts),
            MediaInput::Language(lang) => self.handle(Input::Language(lang)),
            MediaInput::Stop { socket } => self.stop(socket),
            MediaInput::Lost { socket } => self.lose(socket),
        }
    }

    /// What became known late counts from then on: the queue's thresholds, and what the agent's coach knows of them.
    pub(super) fn facts(&mut self, facts: Facts) {
        self.app.calls.learn(&self.id, &facts);
        let before = self.call.info().clone();
        let shift_started = facts.shift_started_unix_ms;
        self.handle(Input::Facts(facts));
        let CallInfo { agent, queue, team, .. } = self.call.info().clone();
        if queue != before.queue {
            let alerts = &self.app.config.alerts;
            let escalation = Box::new(alerts.settings(queue.as_deref()));
            let unacknowledged_ms = alerts.unacknowledged_ms(queue.as_deref());
            let observed = self.app.config.acoustic.settings(queue.as_deref()).is_some();
            self.handle(Input::Queue { escalation, unacknowledged_ms, observed });
        }
        if let Some(agent) = agent.filter(|agent| before.agent.as_ref() != Some(agent)) {
            let (habits, shift) = self.app.agents.begin(&agent, team.as_deref(), shift_started, unix_ms());
            self.handle(Input::Agent { habits: Box::new(habits), shift: Box::new(shift) });
        }
    }

    pub(super) fn attach(&mut self, attach: Attach) {
        let Attach { socket, channels, resumed, outbox, wants, ready } = attach;
        if let Some(lost) = self.lost.take() {
            let until_ms = lost.t_ms + elapsed_ms(lost.wall);
            self.handle(Input::Gap { until_ms });
        }
        if resumed {
            self.app.metrics.calls_resumed.inc();
            info!("connection came back");
        }
        let t_ms = self.media_ms();
        let position = t_ms * SAMPLES_PER_MS;
        let lanes = channels.into_iter().map(|channel| (channel, position)).collect();
        self.sockets.push(Attached { id: socket, lanes, outbox, wants, flushing: None, stopping: None });
        for (channel, since_ms) in self.unread.clone() {
            self.tell_sockets(&News::Unread { channel, since_ms: Some(since_ms) }, Wants::News);
        }
        // If the socket has gone meanwhile, `Lost` follows.
        let _ = ready.send(t_ms);
    }

    pub(super) fn audio(&mut self, socket: SocketId, lanes: Vec<(Channel, Vec<f32>)>) {
        let Some(attached) = self.sockets.iter_mut().find(|attached| attached.id == socket) else { return };
        let samples: u64 = lanes.iter().map(|(_, samples)| samples.len() as u64).sum();
        // Channels of one stream come together and are at the same place.
        let mut at = None;
        for (channel, samples) in &lanes {
            if let Some((_, position)) = attached.lanes.iter_mut().find(|(held, _)| held == channel) {
                at.get_or_insert(*position);
                *position += samples.len() as u64;
            }
        }
        let Some(at) = at else { return };
        self.last_audio = Some(Instant::now());
        self.app.metrics.audio_ms.inc_by(samples / SAMPLES_PER_MS);
        self.handle(Input::Audio { at, lanes });
        self.ask_interims(socket);
    }

    /// What comes next on these channels comes so much later; the call says so when it does.
    pub(super) fn skip(&mut self, socket: SocketId, channels: &[Channel], duration_ms: u64) {
        let Some(attached) = self.sockets.iter_mut().find(|attached| attached.id == socket) else { return };
        for (_, position) in attached.lanes.iter_mut().filter(|(channel, _)| channels.contains(channel)) {
            *position = position.saturating_add(duration_ms.saturating_mul(SAMPLES_PER_MS));
        }
    }

    pub(super) fn resume(&mut self, socket: SocketId, skipped_ms: Option<u64>) {
        let Some(held) = self.held.take() else { return };
        let t_ms = match skipped_ms {
            Some(skipped_ms) => {
                let all: Vec<Channel> = self.channels_of(socket);
                self.skip(socket, &all, skipped_ms);
                self.media_ms()
            }
            None => {
                let now_ms = self.media_ms();
                let should_be_ms = held.t_ms + elapsed_ms(held.wall);
                if should_be_ms > now_ms + HOLD_JITTER_MS { should_be_ms } else { now_ms }
            }
        };
        self.handle(Input::Resume { t_ms });
        for (_, position) in self.sockets.iter_mut().flat_map(|attached| &mut attached.lanes) {
            *position = (*position).max(t_ms * SAMPLES_PER_MS);
        }
    }

    pub(super) fn channels_of(&self, socket: SocketId) -> Vec<Channel> {
        let attached = self.sockets.iter().find(|attached| attached.id == socket);
        attached.map_or_else(Vec::new, |attached| attached.lanes.iter().map(|(channel, _)| *channel).collect())
    }

    /// Cuts what is being said on the channels of a socket.
    pub(super) fn end_channels(&mut self, socket: SocketId) {
        for channel in self.channels_of(socket) {
            self.handle(Input::EndChannel { channel });
        }
    }

    pub(super) fn flush(&mut self, socket: SocketId) {
        self.end_channels(socket);
        let waiting = self.in_flight.keys().copied().collect();
        if let Some(attached) = self.sockets.iter_mut().find(|attached| attached.id == socket) {
            attached.flushing = Some(waiting);
        }
    }

    pub(super) fn stop(&mut self, socket: SocketId) {
        if self.app.calls.release(&self.id, socket, true) {
            self.mark_stopping(socket);
            self.end(EndReason::Stop);
            return;
        }
        // The others go on; this stream's last words are cut here.
        self.end_channels(socket);
        self.mark_stopping(socket);
    }

    pub(super) fn mark_stopping(&mut self, socket: SocketId) {
        let waiting = self.in_flight.keys().copied().collect();
        if let Some(attached) = self.sockets.iter_mut().find(|attached| attached.id == socket) {
            attached.stopping = Some(waiting);
        }
    }

    pub(super) fn lose(&mut self, socket: SocketId) {
        let t_ms = self.media_ms();
        self.end_channels(socket);
        self.sockets.retain(|attached| attached.id != socket);
        self.app.calls.release(&self.id, socket, false);
        // Another may have taken its place already, and says so next.
        if self.sockets.is_empty() {
            let wall = Instant::now();
            self.lost = Some(Since { wall, t_ms });
            self.grace_until = wall + self.app.grace;
            warn!("connection lost; waiting for it to come back");
            if *self.app.phase.borrow() != Phase::Running {
                self.end(EndReason::ConnectionLost);
            }
        }
    }
}
