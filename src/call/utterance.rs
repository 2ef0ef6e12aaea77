//! What was said: transcripts in their turn, told as events, read, and answered with alerts and prompts.

use super::acoustic::Ear;
use super::conversation::Heard;
use super::escalation::Assessment;
use super::event::{EventKind, Log, SoundPart};
use super::{AgentChannel, Call, Output};
use crate::terms::{Band, Channel, Outcome, Span};

/// Transcription later than this (milliseconds of media clock) is said in the log, and again at most this often.
const LAG_MS: u64 = 5_000;

impl Call {
    /// Tells the transcripts whose turn has come.
    pub(super) fn tell(&mut self, out: &mut Vec<Output>) {
        for (slot, outcome) in self.transcripts.release(self.clock.t_ms()) {
            match outcome {
                Outcome::Text { text, confidence } => {
                    self.utterance(slot.channel, slot.span, text, Some(confidence), out);
                }
                Outcome::Nothing => {}
                Outcome::Dropped { reason } => {
                    self.summary.speech_dropped += 1;
                    let Span { start_ms, end_ms } = slot.span;
                    let reason = reason.as_str().to_owned();
                    let dropped = EventKind::SpeechDropped { channel: slot.channel, start_ms, end_ms, reason };
                    self.emit(Log::Call, dropped, out);
                }
            }
        }
    }

    /// One utterance with its words, at its place in the call.
    pub(super) fn utterance(
        &mut self,
        channel: Channel,
        span: Span,
        text: String,
        confidence: Option<f32>,
        out: &mut Vec<Output>,
    ) {
        if channel == Channel::Agent && self.settings.agent_channel == AgentChannel::Off {
            self.say_when(span, confidence, out);
            return;
        }
        let redacted = self.redactor.utterance(channel, &text);
        let text = if channel == Channel::Agent {
            self.summary.agent_utterances += 1;
            let shown = (self.settings.agent_channel == AgentChannel::Full).then_some(redacted.text);
            self.emit(Log::Call, said(channel, span, shown, confidence), out);
            // The agent knows this customer's name, and is praised for using it.
            self.emit(Log::Agent, said(channel, span, Some(redacted.with_names.clone()), confidence), out);
            redacted.with_names
        } else {
            self.summary.customer_utterances += 1;
            self.emit(Log::Call, said(channel, span, Some(redacted.text.clone()), confidence), out);
            redacted.text
        };
        let utterance_seq = self.seq[Log::Call as usize];
        let active = Span::new(self.clock.active_at(span.start_ms), self.clock.active_at(span.end_ms));
        let Heard { reading, assessment, alerts, coached } =
            self.conversation.utterance(self.clock.active_ms(), active, channel, &text);
        if self.conversation.coach().eased() {
            self.summary.turning_point_ms = Some(span.end_ms);
        }
        if let (Channel::Customer, Some(severity)) = (channel, assessment.severity) {
            self.peak(assessment.level, assessment.band);
            let kind = EventKind::Assessment {
                level: assessment.level,
                band: assessment.band,
                severity,
                cues: reading.cues,
                utterance_seq,
                sound: self.sound_part(&assessment),
            };
            self.emit(Log::Call, kind, out);
        }
        self.alerts(alerts, out);
        self.coached(coached, None, out);
        self.band(out);
    }

    /// Tells when the agent spoke, where nobody is to know what.
    pub(super) fn say_when(&mut self, span: Span, confidence: Option<f32>, out: &mut Vec<Output>) {
        self.summary.agent_utterances += 1;
        self.emit(Log::Call, said(Channel::Agent, span, None, confidence), out);
    }

    /// Says when transcription falls behind the call, and once when it has caught up.
    pub(super) fn lag(&mut self, out: &mut Vec<Output>) {
        let oldest = self.transcripts.unanswered().map(|slot| slot.cut_ms).min();
        let lag_ms = oldest.map_or(0, |cut_ms| self.clock.t_ms().saturating_sub(cut_ms));
        let due = match self.lag_said_ms {
            None => lag_ms >= LAG_MS,
            Some(_) if lag_ms < LAG_MS => true,
            Some(said_ms) => self.clock.t_ms() - said_ms >= LAG_MS,
        };
        if due {
            self.lag_said_ms = (lag_ms >= LAG_MS).then_some(self.clock.t_ms());
            let lag_ms = if lag_ms >= LAG_MS { lag_ms } else { 0 };
            self.emit(Log::Call, EventKind::Lagging { lag_ms }, out);
        }
    }

    /// What the sound of the voice has to do with the level after this utterance, if it has.
    fn sound_part(&self, assessment: &Assessment) -> Option<SoundPart> {
        let milli = assessment.sound_milli;
        let because = self.ear.as_ref().map(Ear::sounds).filter(|_| milli != 0)?;
        Some(SoundPart { points: milli as f32 / 1000.0, because })
    }

    /// Keeps the highest level and band for the summary.
    pub(super) fn peak(&mut self, level: u8, band: Band) {
        if level > self.summary.peak_level {
            self.summary.peak_level = level;
            self.summary.peak_t_ms = self.clock.t_ms();
        }
        self.summary.peak_band = self.summary.peak_band.max(band);
    }
}

fn said(channel: Channel, span: Span, text: Option<String>, confidence: Option<f32>) -> EventKind {
    EventKind::Utterance { channel, start_ms: span.start_ms, end_ms: span.end_ms, text, confidence }
}
