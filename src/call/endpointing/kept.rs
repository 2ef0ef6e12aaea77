//! The sound kept of one channel, frame by frame, and where in it a voice sets in, pauses and ends.
//!
//! Samples are numbered from the start of the call, frames from the first one kept.

use super::{SegmentEnd, SpeechSegment, edges};
use crate::call::voice::front::dbfs;
use crate::terms::{SAMPLES_PER_MS, Span};

/// How far back a voice is followed, once it is believed, over frames the network only leaned towards.
pub(super) const BACKDATE_MS: u64 = 320;

/// Length of the quietest point at which long speech is cut.
const QUIET_MS: u64 = 96;

#[derive(Debug)]
pub(super) struct Kept {
    frame_samples: usize,
    audio: Vec<f32>,
    /// One entry for each whole frame in `audio`.
    frames: Vec<Frame>,
    /// Number of the first sample of `audio`.
    start: u64,
}

/// One judged frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub voiced: bool,
    /// Not voiced enough to begin an utterance, but to belong to one that begins right after.
    pub leaning: bool,
    pub steady: bool,
    pub power: f32,
}

/// The voiced frames among those that are kept.
pub(super) struct Voiced {
    pub first: usize,
    pub last: usize,
    pub count: usize,
}

impl Kept {
    /// Nothing yet, at the start of the call.
    pub fn new(frame_samples: usize) -> Self {
        Self { frame_samples, audio: Vec::new(), frames: Vec::new(), start: 0 }
    }

    pub fn frame_samples(&self) -> usize {
        self.frame_samples
    }

    pub fn frame_ms(&self) -> u64 {
        self.frame_samples as u64 / SAMPLES_PER_MS
    }

    /// Frames that are kept.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// The sample behind the last one.
    pub fn end(&self) -> u64 {
        self.start + self.audio.len() as u64
    }

    /// Samples from this one on.
    pub fn samples_from(&self, sample: u64) -> usize {
        self.audio.len() - self.index_of(sample)
    }

    /// Keeps one more frame; its number.
    pub fn push(&mut self, samples: &[f32], frame: Frame) -> usize {
        self.audio.extend_from_slice(samples);
        self.frames.push(frame);
        self.frames.len() - 1
    }

    pub fn set_voiced(&mut self, frame: usize) {
        self.frames[frame].voiced = true;
    }

    /// Forgets the sound from `sample` on, not its frames.
    pub fn truncate(&mut self, sample: u64) {
        self.audio.truncate(sample.saturating_sub(self.start) as usize);
    }

    /// Forgets all and goes on at `sample`.
    pub fn restart(&mut self, sample: u64) {
        self.audio.clear();
        self.frames.clear();
        self.start = sample;
    }

    /// Goes on at `sample`, where nothing is kept; earlier ones change nothing.
    pub fn skip_to(&mut self, sample: u64) {
        self.start = self.start.max(sample);
    }

    /// Forgets the first frames.
    pub fn drop(&mut self, count: usize) {
        let samples = (count * self.frame_samples).min(self.audio.len());
        self.frames.drain(..count.min(self.frames.len()));
        self.audio.drain(..samples);
        self.start += samples as u64;
    }

    /// The first sample of a frame.
    pub fn sample_of(&self, frame: usize) -> u64 {
        self.start + (frame * self.frame_samples) as u64
    }

    /// The frame in the middle of the quietest point of the later half of what is kept from `sample` on; never the first.
    pub fn quietest(&self, sample: u64) -> usize {
        let first = self.index_of(sample) / self.frame_samples;
        let powers: Vec<f32> = self.frames[first..].iter().map(|frame| frame.power).collect();
        (first + edges::quietest(&powers, (QUIET_MS / self.frame_ms()) as usize)).max(1)
    }

    /// The last voiced frame before `frame`, or the first of all.
    pub fn last_voiced(&self, frame: usize) -> usize {
        self.frames[..frame].iter().rposition(|frame| frame.voiced).unwrap_or_default()
    }

    pub fn voiced(&self) -> Option<Voiced> {
        let voiced = || self.frames.iter().enumerate().filter(|(_, frame)| frame.voiced).map(|(at, _)| at);
        Some(Voiced { first: voiced().next()?, last: voiced().next_back()?, count: voiced().count() })
    }

    /// The sample at which the voice of frame `first` sets in.
    pub fn voice_start(&self, first: usize) -> u64 {
        let furthest = first.saturating_sub((BACKDATE_MS / self.frame_ms()) as usize);
        let leaning = self.frames[furthest..first].iter().rev().take_while(|frame| frame.leaning).count();
        let first = (first - leaning) * self.frame_samples;
        self.start + edges::start(&self.audio, first, self.frame_samples) as u64
    }

    /// The sample after which the voice is over that began at `start` and whose last frame is `last`.
    pub fn voice_end(&self, start: u64, last: usize) -> u64 {
        let end = (last + 1) * self.frame_samples;
        self.start + edges::end(&self.audio, self.index_of(start), end) as u64
    }

    /// The voice from `start` to `stop` with the sound from `pre_roll` to `tail`; none if it is a tone or music.
    pub fn segment(&self, pre_roll: u64, start: u64, stop: u64, tail: u64, end: SegmentEnd) -> Option<SpeechSegment> {
        let first = self.index_of(start) / self.frame_samples;
        let past = self.index_of(stop).div_ceil(self.frame_samples).clamp(first, self.frames.len());
        let frames = &self.frames[first.min(past)..past];
        let steady = |frames: &[Frame]| frames.iter().filter(|frame| frame.steady).count();
        let voiced = frames.iter().filter(|frame| frame.voiced).count();
        // A first note or keypad tone is told by the steadiness of what follows it, too.
        if 2 * steady(frames) + steady(&self.frames[past..]) > 2 * voiced {
            return None;
        }
        let power: f32 = frames.iter().filter(|frame| frame.voiced).map(|frame| frame.power).sum();
        let last = self.index_of(tail).min(self.audio.len());
        Some(SpeechSegment {
            span: Span::new(start / SAMPLES_PER_MS, stop / SAMPLES_PER_MS),
            samples: self.audio[self.index_of(pre_roll).min(last)..last].to_vec(),
            end,
            voiced: voiced as f32 / frames.len().max(1) as f32,
            level_dbfs: dbfs(power / voiced.max(1) as f32),
        })
    }

    /// Samples there is room for.
    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.audio.capacity()
    }

    /// Index in `audio`; 0 for a sample that is not kept any more.
    fn index_of(&self, sample: u64) -> usize {
        sample.saturating_sub(self.start) as usize
    }
}
