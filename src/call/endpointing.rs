//! From samples to stretches of speech worth transcribing.
//!
//! One [`Endpointer`] per channel listens frame by frame, decides when somebody starts and stops
//! speaking, and hands out the sound in between. Its output depends on the samples and on where hold,
//! gaps and the end lie, never on how the samples were cut when they were pushed.

mod edges;
mod kept;
mod settings;
#[cfg(test)]
mod tests;

pub use self::settings::EndpointingSettings;

use self::kept::{BACKDATE_MS, Frame, Kept, Voiced};
use super::voice::{
    Detector,
    front::{Front, mean_square},
};
use crate::terms::{SAMPLES_PER_MS, Span};

/// Silence the networks hear behind the last samples of a stretch, in milliseconds.
const SETTLE_MS: u64 = 96;

/// Voiced time that counts as a last word when the audio ends in the middle of it.
const LAST_WORD_MS: u64 = 32;

/// Longest pause inside the first moments of a voice.
const CANDIDATE_GAP_MS: u64 = 64;

/// Share of the stop threshold from which a frame leans towards a voice.
const LEANING_SHARE: f32 = 0.7;

/// Longest time a voice over fading music waits to be believed.
const CANDIDATE_MS: u64 = 750;

/// After a longer pause inside an utterance …
const PAUSE_MS: u64 = 128;
/// … this much voice in a row goes on with it; a click or the edge of a keypad tone does not.
const RESUME_MS: u64 = 64;

/// What an [`Endpointer`] tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Endpoint {
    /// Somebody speaks since `at_ms` (known `min_voiced_ms` later).
    SpeechStarted { at_ms: u64 },
    /// Nobody speaks since `at_ms` (known the hangover later). Always follows its start.
    SpeechStopped { at_ms: u64 },
    /// An utterance, or the next part of a long one.
    Segment(SpeechSegment),
}

/// Sound of one party speaking, ready to be transcribed.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechSegment {
    /// First to last voiced sample, in milliseconds of the call.
    pub span: Span,
    /// 16 kHz, with pre-roll and a short tail.
    pub samples: Vec<f32>,
    pub end: SegmentEnd,
    /// Share of voiced frames within the span, 0.0 to 1.0.
    pub voiced: f32,
    /// RMS level of the voiced frames, in dBFS.
    pub level_dbfs: f32,
}

/// Why a segment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentEnd {
    /// The speaker paused.
    Silence,
    /// It reached the maximum length and was cut; the next segment goes on where this one ends.
    MaxLength,
    /// The call was put on hold.
    Hold,
    /// The audio ended.
    End,
}

/// Finds the utterances of one channel.
#[derive(Debug)]
pub struct Endpointer {
    settings: EndpointingSettings,
    detector: Detector,
    front: Front,
    /// Samples of a frame that is not complete yet.
    partial: Vec<f32>,
    /// Pre-roll and candidate while nobody speaks, the whole utterance while somebody does.
    kept: Kept,
    speech: Speech,
    /// Where the last segment ended: no other begins before.
    spoken_to: u64,
    held: bool,
}

/// Whether somebody speaks. Indices count frames of `Endpointer::kept`, both ends included.
#[derive(Debug, Clone, Copy)]
enum Speech {
    None,
    /// Perhaps: voiced frames, but not enough of them yet.
    Candidate {
        first: usize,
        last: usize,
        voiced: usize,
    },
    /// `start` is the first voiced sample of the call's clock; `resumed` counts voiced frames after a pause
    /// that are not believed yet; `told`: [`Endpoint::SpeechStarted`] went out.
    Active {
        start: u64,
        last: usize,
        voiced: usize,
        resumed: usize,
        told: bool,
    },
}

impl Endpointer {
    /// Listens from the start of the call.
    pub fn new(settings: &EndpointingSettings, detector: Detector) -> Self {
        Self {
            settings: settings.clone(),
            kept: Kept::new(detector.frame_samples()),
            detector,
            front: Front::default(),
            partial: Vec::new(),
            speech: Speech::None,
            spoken_to: 0,
            held: false,
        }
    }

    /// Milliseconds of the call that were taken in, gaps and holds included.
    pub fn position_ms(&self) -> u64 {
        self.position() / SAMPLES_PER_MS
    }

    /// Whether an utterance is going on.
    pub fn is_speaking(&self) -> bool {
        matches!(self.speech, Speech::Active { told: true, .. })
    }

    /// The utterance that is going on, as far as it has come; it goes on.
    pub fn so_far(&self) -> Option<SpeechSegment> {
        let Speech::Active { start, last, told: true, .. } = self.speech else { return None };
        self.segment(start, self.kept.sample_of(last + 1), self.kept.end(), SegmentEnd::MaxLength)
    }

    /// Takes in the next 16 kHz samples. During hold they only move the clock.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<Endpoint>) {
        if self.held {
            self.kept.skip_to(self.kept.end() + samples.len() as u64);
            return;
        }
        let frame_samples = self.kept.frame_samples();
        let mut samples = samples;
        while self.partial.len() + samples.len() >= frame_samples {
            let (now, later) = samples.split_at(frame_samples - self.partial.len());
            let mut frame = std::mem::take(&mut self.partial);
            frame.extend_from_slice(now);
            self.take_frame(&frame, Sound::Heard, out);
            frame.clear();
            self.partial = frame;
            samples = later;
        }
        self.partial.extend_from_slice(samples);
    }

    /// Goes on at `ms` of the call; what lies between was lost and counts as silence. Earlier times change nothing.
    pub fn skip_to(&mut self, ms: u64, out: &mut Vec<Endpoint>) {
        let target = ms.saturating_mul(SAMPLES_PER_MS);
        let lost = target.saturating_sub(self.position());
        // This much silence ends every utterance; more of it would change nothing.
        let enough = (self.settings.hangover_ms + SETTLE_MS) * SAMPLES_PER_MS;
        if lost == 0 {
            return;
        }
        if self.held {
            self.kept.skip_to(target);
        } else if lost <= enough {
            self.push(&vec![0.0; lost as usize], out);
        } else {
            self.push(&vec![0.0; enough as usize], out);
            self.flush(SegmentEnd::Silence, out);
            self.kept.skip_to(target);
        }
    }

    /// Puts the channel on hold: closes an open segment, ignores sound until [`Endpointer::resume`].
    pub fn hold(&mut self, out: &mut Vec<Endpoint>) {
        if !self.held {
            self.flush(SegmentEnd::Hold, out);
            self.held = true;
        }
    }

    /// Ends the hold at `at_ms` of the call (or where the sound pushed meanwhile reaches to, if later).
    pub fn resume(&mut self, at_ms: u64) {
        if self.held {
            self.held = false;
            self.kept.skip_to(at_ms.saturating_mul(SAMPLES_PER_MS));
        }
    }

    /// Ends the audio: what was said last comes out now, however short the silence after it.
    pub fn end(&mut self, out: &mut Vec<Endpoint>) {
        if !self.held {
            self.flush(SegmentEnd::End, out);
        }
    }

    fn position(&self) -> u64 {
        self.kept.end() + self.partial.len() as u64
    }

    /// Judges what is left, closes what is open and forgets the sound; the clock stays.
    fn flush(&mut self, end: SegmentEnd, out: &mut Vec<Endpoint>) {
        let limit = self.position();
        let mut frame = std::mem::take(&mut self.partial);
        let frame_samples = self.kept.frame_samples();
        // The networks are sure of a sound only after it: let them hear silence behind the last samples.
        let mut to_settle = SETTLE_MS * SAMPLES_PER_MS;
        if !frame.is_empty() {
            frame.resize(frame_samples, 0.0);
            self.take_frame(&frame, Sound::Heard, out);
        }
        frame.clear();
        frame.resize(frame_samples, 0.0);
        while to_settle > 0 {
            self.take_frame(&frame, Sound::Padding, out);
            to_settle = to_settle.saturating_sub(frame_samples as u64);
        }
        self.kept.truncate(limit);
        match self.speech {
            Speech::Candidate { first, last, voiced } if voiced as u64 * self.kept.frame_ms() >= LAST_WORD_MS => {
                self.tell(self.refined_start(first), last, voiced, out);
            }
            Speech::Active { start, last, voiced, told: false, .. } => self.tell(start, last, voiced, out),
            _ => {}
        }
        self.close(end, out);
        self.speech = Speech::None;
        self.kept.restart(limit);
        self.detector.reset();
        self.front.restart();
    }

    fn take_frame(&mut self, frame: &[f32], sound: Sound, out: &mut Vec<Endpoint>) {
        let probability = self.detector.push(frame);
        let line = self.front.push(frame);
        let starts = probability >= self.settings.start_threshold && line.near && !line.steady;
        let continues =
            probability >= self.settings.stop_threshold && !line.steady && (line.ongoing || sound == Sound::Padding);
        let frame_ms = self.kept.frame_ms();
        let leaning = line.near && !line.steady && probability >= LEANING_SHARE * self.settings.stop_threshold;
        let judged = Frame { voiced: false, leaning, steady: line.steady, power: mean_square(frame) };
        let index = self.kept.push(frame, judged);

        match &mut self.speech {
            Speech::None if starts && sound == Sound::Heard => {
                self.kept.set_voiced(index);
                self.speech = Speech::Candidate { first: index, last: index, voiced: 1 };
            }
            Speech::None => {}
            // What led up to a tone was its beginning.
            Speech::Candidate { .. } if line.tone => self.speech = Speech::None,
            Speech::Candidate { last, voiced, .. } if continues => {
                self.kept.set_voiced(index);
                (*last, *voiced) = (index, *voiced + 1);
            }
            Speech::Candidate { .. } => {}
            Speech::Active { last, voiced, resumed, .. } if continues && !line.music => {
                self.kept.set_voiced(index);
                *resumed += 1;
                let after_pause = (index - *last) as u64 * frame_ms > PAUSE_MS;
                if !after_pause || *resumed as u64 * frame_ms >= RESUME_MS {
                    *voiced += *resumed;
                    (*last, *resumed) = (index, 0);
                }
                self.front.voiced(line.level_dbfs);
            }
            Speech::Active { resumed, .. } => *resumed = 0,
        }
        if sound == Sound::Heard {
            self.judge(index, line.music, out);
            self.forget();
        }
    }

    /// Moves on from what the newest frame, number `index`, has made of `speech`.
    fn judge(&mut self, index: usize, music: bool, out: &mut Vec<Endpoint>) {
        let frame_ms = self.kept.frame_ms();
        let silence_ms = |last: usize| (index - last) as u64 * frame_ms;
        match self.speech {
            Speech::None => {}
            Speech::Candidate { first, last, voiced } => {
                if silence_ms(last) > CANDIDATE_GAP_MS {
                    self.speech = Speech::None;
                } else if voiced as u64 * frame_ms >= self.settings.onset_ms && !music {
                    let start = self.refined_start(first);
                    self.speech = Speech::Active { start, last, voiced, resumed: 0, told: false };
                }
            }
            Speech::Active { last, .. } if silence_ms(last) >= self.settings.hangover_ms => {
                self.close(SegmentEnd::Silence, out);
            }
            Speech::Active { start, last, voiced, told: false, .. }
                if voiced as u64 * frame_ms >= self.settings.min_voiced_ms =>
            {
                self.tell(start, last, voiced, out);
            }
            Speech::Active { start, .. } => {
                let longest = (self.settings.max_segment_ms * SAMPLES_PER_MS) as usize;
                if self.kept.samples_from(self.pre_roll(start)) + self.kept.frame_samples() > longest {
                    self.cut(out);
                }
            }
        }
    }

    /// Tells that somebody speaks since `start`.
    fn tell(&mut self, start: u64, last: usize, voiced: usize, out: &mut Vec<Endpoint>) {
        self.speech = Speech::Active { start, last, voiced, resumed: 0, told: true };
        out.push(Endpoint::SpeechStarted { at_ms: start / SAMPLES_PER_MS });
    }

    /// Tells that the utterance is over and hands its sound out.
    fn close(&mut self, end: SegmentEnd, out: &mut Vec<Endpoint>) {
        let Speech::Active { start, last, told, .. } = self.speech else { return };
        self.speech = Speech::None;
        if told {
            let stop = self.kept.voice_end(start, last);
            self.spoken_to = stop;
            let tail = stop + self.settings.tail_ms * SAMPLES_PER_MS;
            out.push(Endpoint::SpeechStopped { at_ms: stop / SAMPLES_PER_MS });
            out.extend(self.segment(start, stop, tail, end).map(Endpoint::Segment));
        }
        // Sound up to here is spoken for; the rest may be the pre-roll of what comes next.
        self.drop_frames(last + 1);
    }

    /// Hands out the first part of an utterance that became too long, up to its quietest point.
    fn cut(&mut self, out: &mut Vec<Endpoint>) {
        let Speech::Active { start, told, .. } = self.speech else { return };
        let at = self.kept.quietest(self.pre_roll(start));
        let stop = self.kept.voice_end(start, self.kept.last_voiced(at)).min(self.kept.sample_of(at));
        out.extend(self.segment(start, stop, self.kept.sample_of(at), SegmentEnd::MaxLength).map(Endpoint::Segment));

        self.drop_frames(at);
        self.speech = match self.kept.voiced() {
            Some(Voiced { first, last, count }) => {
                Speech::Active { start: self.kept.sample_of(first), last, voiced: count, resumed: 0, told }
            }
            None => {
                out.push(Endpoint::SpeechStopped { at_ms: stop / SAMPLES_PER_MS });
                Speech::None
            }
        };
    }

    /// The segment of the voice from `start` to `stop` with its pre-roll, up to `tail`; none if it is a tone or music.
    fn segment(&self, start: u64, stop: u64, tail: u64, end: SegmentEnd) -> Option<SpeechSegment> {
        self.kept.segment(self.pre_roll(start), start, stop, tail, end)
    }

    /// While nobody speaks, keeps no more sound than the next utterance can want.
    fn forget(&mut self) {
        let keep_ms = self.settings.pre_roll_ms + BACKDATE_MS + self.settings.onset_ms + CANDIDATE_MS;
        let keep = (keep_ms / self.kept.frame_ms()) as usize + edges::REACH / self.kept.frame_samples();
        let speaking = matches!(self.speech, Speech::Active { .. });
        // Dropped in strides, so that the rest is not moved for every frame.
        if !speaking && self.kept.len() > 2 * keep {
            self.drop_frames(self.kept.len() - keep);
        }
    }

    fn drop_frames(&mut self, count: usize) {
        self.kept.drop(count);
        if let Speech::Candidate { first, last, .. } = &mut self.speech {
            (*first, *last) = (first.saturating_sub(count), last.saturating_sub(count));
        }
    }

    /// The sample of the call at which the voice of frame `first` sets in.
    fn refined_start(&self, first: usize) -> u64 {
        self.kept.voice_start(first).max(self.spoken_to)
    }

    /// The sample of the call from which sound is handed out with a voice that begins at `start`.
    fn pre_roll(&self, start: u64) -> u64 {
        start.saturating_sub(self.settings.pre_roll_ms * SAMPLES_PER_MS)
    }
}

/// What a frame given to the networks holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Heard,
    /// Silence behind the last samples.
    Padding,
}
