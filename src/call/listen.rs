//! From the audio of a call to utterances for the recogniser.

use super::acoustic::SoundChange;
use super::endpointing::{Endpoint, SpeechSegment};
use super::event::{EventKind, Log};
use super::lanes::{Flush, Missing};
use super::{AgentChannel, Call, Output};
use crate::terms::{Band, Channel, SAMPLES_PER_MS};

/// A hole in the audio shorter than this (milliseconds) is jitter, not an event.
const GAP_MIN_MS: u64 = 60;

/// After so long without audio (milliseconds) the line may be another one, with a loudness of its own.
const LINE_LOST_MS: u64 = 2_000;

impl Call {
    /// Samples of one or more channels, or none of them where nobody is to be heard.
    pub(super) fn audio(&mut self, at: u64, lanes: Vec<(Channel, Vec<f32>)>, out: &mut Vec<Output>) {
        if !self.listening() {
            let mut last = 0;
            for (channel, samples) in &lanes {
                self.lanes.ignore(*channel, at, samples.len(), self.clock.t_ms());
                last = last.max(at + samples.len() as u64);
            }
            self.advance_clock(last / SAMPLES_PER_MS, out);
            return;
        }
        let mut endpoints = Vec::new();
        for (channel, samples) in &lanes {
            let missing = self.lanes.append(*channel, at, samples, self.clock.t_ms(), &mut endpoints);
            self.endpoints(*channel, &mut endpoints, out);
            if let Some(missing) = missing.filter(|missing| missing.duration_ms >= GAP_MIN_MS) {
                self.line_changed(missing.duration_ms);
                let Missing { start_ms, duration_ms } = missing;
                self.emit(Log::Call, EventKind::Gap { channel: Some(*channel), start_ms, duration_ms }, out);
            }
        }
        while let Some((channel, t_ms)) = self.lanes.step(&mut endpoints) {
            self.advance_clock(t_ms, out);
            self.endpoints(channel, &mut endpoints, out);
        }
    }

    /// Nothing is heard on any channel until `until_ms`.
    pub(super) fn gap(&mut self, until_ms: u64, out: &mut Vec<Output>) {
        let start_ms = self.clock.t_ms();
        let mut endpoints = Vec::new();
        for channel in self.lanes.channels() {
            self.lanes.skip_to(channel, until_ms * SAMPLES_PER_MS, &mut endpoints);
            self.endpoints(channel, &mut endpoints, out);
        }
        self.advance_clock(until_ms, out);
        let duration_ms = until_ms.saturating_sub(start_ms);
        if duration_ms >= GAP_MIN_MS {
            self.line_changed(duration_ms);
            self.emit(Log::Call, EventKind::Gap { channel: None, start_ms, duration_ms }, out);
        }
    }

    pub(super) fn end_channel(&mut self, channel: Channel, out: &mut Vec<Output>) {
        if self.listening() {
            self.flush_lane(channel, Flush::End, out);
        }
    }

    pub(super) fn flush_lanes(&mut self, why: Flush, out: &mut Vec<Output>) {
        for channel in self.lanes.channels() {
            self.flush_lane(channel, why, out);
        }
    }

    /// Cuts what is being said on a channel.
    fn flush_lane(&mut self, channel: Channel, why: Flush, out: &mut Vec<Output>) {
        let mut endpoints = Vec::new();
        if let Some(t_ms) = self.lanes.flush(channel, why, &mut endpoints) {
            self.advance_clock(t_ms, out);
        }
        self.endpoints(channel, &mut endpoints, out);
    }

    /// After `missing_ms` without sound the line between the customer and us may be another one.
    pub(super) fn line_changed(&mut self, missing_ms: u64) {
        if let Some(ear) = self.ear.as_mut().filter(|_| missing_ms >= LINE_LOST_MS) {
            ear.line_changed();
        }
    }

    fn endpoints(&mut self, channel: Channel, endpoints: &mut Vec<Endpoint>, out: &mut Vec<Output>) {
        for endpoint in endpoints.drain(..) {
            match endpoint {
                Endpoint::SpeechStarted { at_ms } => self.speech(channel, true, at_ms, out),
                Endpoint::SpeechStopped { at_ms } => self.speech(channel, false, at_ms, out),
                Endpoint::Segment(speech) => self.segment(channel, speech, out),
            }
        }
    }

    fn speech(&mut self, channel: Channel, speaking: bool, at_ms: u64, out: &mut Vec<Output>) {
        out.push(Output::Speech { channel, speaking, at_ms });
        let coached = self.conversation.speech(self.clock.active_ms(), channel, speaking, self.clock.active_at(at_ms));
        self.coached(coached, None, out);
    }

    fn segment(&mut self, channel: Channel, speech: SpeechSegment, out: &mut Vec<Output>) {
        if channel == Channel::Agent && self.settings.agent_channel == AgentChannel::Off {
            self.say_when(speech.span, None, out);
            return;
        }
        self.sound(channel, &speech, out);
        let segment = self.next_segment;
        self.next_segment += 1;
        self.transcripts.expect(segment, channel, speech.span, self.clock.t_ms());
        out.push(Output::Transcribe { segment, channel, heated: self.band >= Band::Heated, speech });
    }

    /// Tells what has changed in how the customer sounds.
    fn sound(&mut self, channel: Channel, speech: &SpeechSegment, out: &mut Vec<Output>) {
        let (Some(ear), Some(settings)) = (&mut self.ear, &self.settings.acoustic) else { return };
        let changes = ear.hear(channel, speech);
        if changes.is_empty() {
            return;
        }
        let points = if ear.sounds().is_empty() { 0 } else { settings.level_points };
        self.conversation.sound(points);
        for SoundChange { sound, on, change } in changes {
            let text = sound.text(on, self.info.lang).to_owned();
            self.emit(Log::Call, EventKind::Observation { sound, on, text, change }, out);
        }
    }
}
