//! Results of transcription back into media order.
//!
//! Workers answer in any order; a call tells its story by the end of each segment. A segment still being
//! transcribed holds back later ones, but never longer than the patience given.

use std::collections::VecDeque;

use crate::terms::{Channel, Outcome, Span};

/// How long (milliseconds of media clock) an unanswered segment may hold back the ones after it.
pub const PATIENCE_MS: u64 = 2_000;

/// A segment and, once it is there, its transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    pub segment: u64,
    pub channel: Channel,
    pub span: Span,
    /// Media clock when the segment was cut.
    pub cut_ms: u64,
    outcome: Option<Outcome>,
}

/// Segments sent for transcription, oldest first.
#[derive(Debug, Default)]
pub struct Transcripts {
    slots: VecDeque<Slot>,
}

impl Transcripts {
    /// Registers a segment cut at `cut_ms`.
    pub fn expect(&mut self, segment: u64, channel: Channel, span: Span, cut_ms: u64) {
        self.slots.push_back(Slot { segment, channel, span, cut_ms, outcome: None });
    }

    /// Files an answer; one for an unknown or already answered segment is ignored.
    pub fn answer(&mut self, segment: u64, outcome: Outcome) {
        if let Some(slot) = self.slots.iter_mut().find(|s| s.segment == segment && s.outcome.is_none()) {
            slot.outcome = Some(outcome);
        }
    }

    /// Takes out what may be told at `t_ms`, in media order.
    pub fn release(&mut self, t_ms: u64) -> Vec<(Slot, Outcome)> {
        let mut told = Vec::new();
        let mut kept = VecDeque::with_capacity(self.slots.len());
        let mut held_back = false;
        for mut slot in std::mem::take(&mut self.slots) {
            match slot.outcome.take() {
                Some(outcome) if !held_back => told.push((slot, outcome)),
                outcome => {
                    held_back |= outcome.is_none() && t_ms.saturating_sub(slot.cut_ms) <= PATIENCE_MS;
                    slot.outcome = outcome;
                    kept.push_back(slot);
                }
            }
        }
        self.slots = kept;
        told
    }

    /// Media clock at which [`Self::release`] may have more to tell without a further answer.
    pub fn next_deadline(&self) -> Option<u64> {
        let waiting = self.slots.iter().any(|s| s.outcome.is_some());
        let blocker = self.slots.iter().find(|s| s.outcome.is_none())?;
        waiting.then_some(blocker.cut_ms + PATIENCE_MS + 1)
    }

    /// Segments without an answer.
    pub fn unanswered(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|s| s.outcome.is_none())
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Forgets everything; late answers will be ignored.
    pub fn clear(&mut self) {
        self.slots.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn three() -> Transcripts {
        let mut transcripts = Transcripts::default();
        for segment in 0..3 {
            transcripts.expect(segment, Channel::Customer, Span::new(segment * 100, segment * 100 + 50), 1_000);
        }
        transcripts
    }

    fn told(transcripts: &mut Transcripts, t_ms: u64) -> Vec<u64> {
        transcripts.release(t_ms).into_iter().map(|(slot, _)| slot.segment).collect()
    }

    #[test]
    fn an_unanswered_segment_holds_back_later_ones_for_two_seconds_only() {
        let mut transcripts = three();
        transcripts.answer(1, Outcome::Nothing);
        assert!(told(&mut transcripts, 3_000).is_empty());
        assert_eq!(transcripts.next_deadline(), Some(3_001));
        assert_eq!(told(&mut transcripts, 3_001), [1]);
        transcripts.answer(0, Outcome::Nothing);
        transcripts.answer(2, Outcome::Nothing);
        assert_eq!(told(&mut transcripts, 3_001), [0, 2]);
        assert!(transcripts.is_empty());
    }

    #[test]
    fn a_second_answer_for_a_segment_is_ignored() {
        let mut transcripts = three();
        transcripts.answer(0, Outcome::Nothing);
        assert_eq!(told(&mut transcripts, 1_000), [0]);
        transcripts.answer(0, Outcome::Nothing);
        assert!(told(&mut transcripts, 1_000).is_empty());
    }

    proptest! {
        #[test]
        fn any_order_of_answers_tells_the_same_story(order in Just((0..8u64).collect::<Vec<_>>()).prop_shuffle()) {
            let mut transcripts = Transcripts::default();
            for segment in 0..8 {
                transcripts.expect(segment, Channel::Agent, Span::new(segment, segment), 0);
            }
            let mut story = Vec::new();
            for segment in order {
                transcripts.answer(segment, Outcome::Nothing);
                story.extend(told(&mut transcripts, PATIENCE_MS));
            }
            prop_assert_eq!(story, (0..8).collect::<Vec<_>>());
        }
    }
}
