//! Words of utterances that are still going on, for sockets that ask for them.
//!
//! They are read anew from the beginning of the utterance, which costs a transcription each. They are therefore read
//! only while no finished speech of any call waits, one at a time in a call, and are part of no log.

use std::collections::HashMap;

use super::Session;
use crate::call::endpointing::SpeechSegment;
use crate::server::mailbox::SocketId;
use crate::terms::{Channel, Outcome, Span, Transcript};
use crate::wire::phone::{News, Wants};

/// Numbers of interim readings begin here; a call has fewer segments.
const FIRST: u64 = 1 << 63;

/// An utterance is read again when so much more has been said, in milliseconds.
const STEP_MS: u64 = 1_000;

/// Interim readings of one call.
#[derive(Debug, Default)]
pub(super) struct Interims {
    /// The one that is being read.
    asked: Option<Asked>,
    made: u64,
    /// Up to where each channel was read last, in milliseconds of the call.
    read_to: HashMap<Channel, u64>,
}

#[derive(Debug)]
struct Asked {
    number: u64,
    channel: Channel,
    span: Span,
}

impl Interims {
    /// Whether a transcript is one of these, and no segment of the call.
    pub fn is_one(segment: u64) -> bool {
        segment >= FIRST
    }

    /// Whether enough has been said since the channel was read last.
    fn is_due(&self, channel: Channel, speech: &SpeechSegment) -> bool {
        let from_ms = self.read_to.get(&channel).copied().unwrap_or(0).max(speech.span.start_ms);
        speech.span.end_ms >= from_ms + STEP_MS
    }

    fn ask(&mut self, channel: Channel, span: Span) -> u64 {
        let number = FIRST + self.made;
        self.made += 1;
        self.read_to.insert(channel, span.end_ms);
        self.asked = Some(Asked { number, channel, span });
        number
    }

    /// What was asked, if this answers it.
    fn answered(&mut self, number: u64) -> Option<(Channel, Span)> {
        let asked = self.asked.take_if(|asked| asked.number == number)?;
        Some((asked.channel, asked.span))
    }
}

impl Session<'_> {
    /// After audio of this socket: has an utterance come further that somebody wants to read?
    pub(super) fn ask_interims(&mut self, socket: SocketId) {
        let Some(attached) = self.sockets.iter().find(|attached| attached.id == socket) else { return };
        let Some(queue) = self.app.speech.as_ref().filter(|queue| queue.is_idle()) else { return };
        if attached.wants < Wants::Interim || self.interims.asked.is_some() || self.ending.is_some() {
            return;
        }
        for (channel, _) in &attached.lanes {
            let Some(speech) = self.call.so_far(*channel) else { continue };
            if self.interims.is_due(*channel, &speech) {
                let segment = self.interims.ask(*channel, speech.span);
                queue.submit(self.speech_job(segment, *channel, false, speech));
                return;
            }
        }
    }

    /// Tells what was read, unless the utterance has meanwhile come to its end: then its final words follow. Nor while
    /// older words of that channel are still being read: what is final comes first.
    pub(super) fn tell_interim(&mut self, transcript: Transcript) {
        let Some((channel, span)) = self.interims.answered(transcript.segment) else { return };
        let goes_on = self.call.so_far(channel).is_some_and(|speech| speech.span.start_ms == span.start_ms);
        let read_before = !self.unread.contains_key(&channel);
        if let (Outcome::Text { text, confidence }, true) = (transcript.outcome, goes_on && read_before) {
            let text = self.call.interim(channel, &text);
            self.tell_sockets(&News::Interim { channel, span, text, confidence }, Wants::Interim);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::endpointing::SegmentEnd;
    use crate::terms::SAMPLES_PER_MS;

    fn speech(start_ms: u64, end_ms: u64) -> SpeechSegment {
        let samples = vec![0.0; ((end_ms - start_ms) * SAMPLES_PER_MS) as usize];
        let span = Span::new(start_ms, end_ms);
        SpeechSegment { span, samples, end: SegmentEnd::MaxLength, voiced: 1.0, level_dbfs: -30.0 }
    }

    #[test]
    fn an_utterance_is_read_anew_once_a_second_and_one_at_a_time() {
        let mut interims = Interims::default();
        assert!(!interims.is_due(Channel::Customer, &speech(5_000, 5_999)));
        assert!(interims.is_due(Channel::Customer, &speech(5_000, 6_000)));
        let first = interims.ask(Channel::Customer, Span::new(5_000, 6_000));
        assert!(Interims::is_one(first) && !Interims::is_one(1));
        assert!(!interims.is_due(Channel::Customer, &speech(5_000, 6_900)));
        assert!(interims.is_due(Channel::Agent, &speech(5_000, 6_900)), "channels are read apart");
        assert_eq!(interims.answered(first + 1), None);
        assert_eq!(interims.answered(first), Some((Channel::Customer, Span::new(5_000, 6_000))));
        assert_eq!(interims.answered(first), None);
        assert!(!interims.is_due(Channel::Customer, &speech(6_800, 7_700)), "the next utterance waits its second, too");
    }
}
