//! A recorded call through the whole core in virtual time, as fast as it goes.
//!
//! A transcript arrives the moment its segment was cut; `at` is the recording's start plus `t_ms`. The same
//! input gives the same events, byte for byte.

use std::sync::Arc;

use crate::audio::{AudioError, Decoder};
use crate::call::conversation::Rules;
use crate::call::event::{EndReason, Event, rfc3339};
use crate::call::{Call, CallInfo, CallSettings, Input, Output};
use crate::fixture::{ControlKind, Fixture};
use crate::stt::{Recorded, Transcriber};
use crate::terms::{Channel, SAMPLES_PER_MS, Span, Transcript};

/// Milliseconds of audio per frame, as phone systems send it.
const FRAME_MS: usize = 20;

/// Who answers the segments of a replay.
pub enum Listener {
    /// The fixture's own script: the same on every CPU.
    Recorded(Recorded),
    Whisper(Box<Transcriber>),
}

/// Plays `fixture` and hands every event of both logs to `tell`, in the order they were made.
///
/// # Errors
/// When the recording's sample rate or number of channels is not one the decoder takes.
pub fn replay(
    fixture: &Fixture,
    rules: Arc<Rules>,
    settings: CallSettings,
    listener: &mut Listener,
    mut tell: impl FnMut(Event),
) -> Result<(), AudioError> {
    let recording = &fixture.recording;
    let channels = recording.channels;
    let mut decoder = Decoder::new(recording.encoding, recording.sample_rate, channels)?;
    let mut out = Vec::new();
    let call = Call::start(fixture.info.clone(), rules, settings, fixture.started_at_unix_ms, &mut out);
    let mut player = Player { call, started_at_unix_ms: fixture.started_at_unix_ms, listener, tell: &mut tell };
    player.settle(&mut out);

    let mut controls = fixture.controls.iter().peekable();
    let mut at = 0;
    let mut lanes = vec![Vec::new(); channels];
    let frame_bytes =
        recording.sample_rate as usize * FRAME_MS / 1000 * channels * recording.encoding.bytes_per_sample();
    for frame in recording.data.chunks(frame_bytes) {
        while let Some(control) = controls.next_if(|control| control.at_ms <= at / SAMPLES_PER_MS) {
            player.handle(control_input(&control.kind, control.at_ms));
        }
        decoder.push(frame, &mut lanes);
        at = player.audio(fixture, at, &mut lanes);
    }
    decoder.finish(&mut lanes);
    player.audio(fixture, at, &mut lanes);
    for control in controls {
        player.handle(control_input(&control.kind, control.at_ms));
    }
    player.handle(Input::End { reason: EndReason::Stop });
    Ok(())
}

/// Plays a written conversation: each line is (who, end of the utterance in milliseconds, words), in order of time;
/// an utterance takes the time since the one before it, less a pause.
pub fn replay_lines(
    info: CallInfo,
    lines: &[(Channel, u64, String)],
    rules: Arc<Rules>,
    settings: CallSettings,
    mut tell: impl FnMut(Event),
) {
    /// Between two utterances.
    const PAUSE_MS: u64 = 600;
    let mut out = Vec::new();
    let call = Call::start(info, rules, settings, 0, &mut out);
    let mut listener = Listener::Recorded(Recorded::new(Vec::new()));
    let mut player = Player { call, started_at_unix_ms: 0, listener: &mut listener, tell: &mut tell };
    player.settle(&mut out);
    let mut before_ms = 0;
    for (channel, end_ms, text) in lines {
        let span = Span::new((before_ms + PAUSE_MS).min(*end_ms), *end_ms);
        before_ms = *end_ms;
        player.handle(Input::Utterance { channel: *channel, span, text: text.clone() });
    }
    player.handle(Input::End { reason: EndReason::Stop });
}

/// The input a control of the phone system becomes.
pub fn control_input(kind: &ControlKind, at_ms: u64) -> Input {
    match kind {
        ControlKind::Hold => Input::Hold,
        ControlKind::Resume => Input::Resume { t_ms: at_ms },
        ControlKind::Consent { given } => Input::Consent { given: *given },
        ControlKind::Facts(facts) => Input::Facts(facts.clone()),
    }
}

struct Player<'a, F> {
    call: Call,
    started_at_unix_ms: u64,
    listener: &'a mut Listener,
    tell: &'a mut F,
}

impl<F: FnMut(Event)> Player<'_, F> {
    /// Plays what was decoded, from sample `at` on; the index of the sample after it.
    fn audio(&mut self, fixture: &Fixture, at: u64, decoded: &mut [Vec<f32>]) -> u64 {
        let samples = decoded.iter().map(Vec::len).max().unwrap_or(0) as u64;
        let lanes = fixture.channels.iter().copied().zip(decoded.iter_mut().map(std::mem::take)).collect();
        self.handle(Input::Audio { at, lanes });
        at + samples
    }

    fn handle(&mut self, input: Input) {
        let mut out = Vec::new();
        self.call.handle(self.started_at_unix_ms + self.call.t_ms(), input, &mut out);
        self.settle(&mut out);
    }

    /// Answers every segment at once and tells every event.
    fn settle(&mut self, out: &mut Vec<Output>) {
        while !out.is_empty() {
            let mut more = Vec::new();
            for output in out.drain(..) {
                match output {
                    Output::Prompted { .. } | Output::Speech { .. } => {}
                    Output::Event(mut event) => {
                        event.at = rfc3339(self.started_at_unix_ms + event.t_ms);
                        (self.tell)(event);
                    }
                    Output::Transcribe { segment, channel, speech, .. } => {
                        let lang = self.call.info().lang;
                        let outcome = match &mut self.listener {
                            Listener::Recorded(recorded) => recorded.answer(channel, speech.span),
                            Listener::Whisper(transcriber) => {
                                transcriber.transcribe(&speech.samples, lang, speech.voiced)
                            }
                        };
                        let now = self.started_at_unix_ms + self.call.t_ms();
                        self.call.handle(now, Input::Transcript(Transcript { segment, outcome }), &mut more);
                    }
                }
            }
            *out = more;
        }
    }
}
