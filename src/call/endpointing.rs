//! From samples to stretches of speech worth transcribing.
//!
//! One [`Endpointer`] per channel listens frame by frame, decides when somebody starts and stops
//! speaking, and hands out the sound in between. Its output depends on the samples and on where hold,
//! gaps and the end lie, never on how the samples were cut when they were pushed.

mod edges;
#[cfg(test)]
mod tests;

use super::voice::{
    Detector,
    front::{Front, dbfs, mean_square},
};
use crate::terms::{SAMPLES_PER_MS, Span};

/// Silence the networks hear behind the last samples of a stretch, in milliseconds.
const SETTLE_MS: u64 = 96;

/// Voiced time that counts as a last word when the audio ends in the middle of it.
const LAST_WORD_MS: u64 = 32;

/// Longest pause inside the first moments of a voice.
const CANDIDATE_GAP_MS: u64 = 64;

/// How far back a voice is followed, once it is believed, over frames the network only leaned towards.
const BACKDATE_MS: u64 = 320;

/// Share of the stop threshold from which a frame leans towards a voice.
const LEANING_SHARE: f32 = 0.7;

/// Longest time a voice over fading music waits to be believed.
const CANDIDATE_MS: u64 = 750;

/// After a longer pause inside an utterance …
const PAUSE_MS: u64 = 128;
/// … this much voice in a row goes on with it; a click or the edge of a keypad tone does not.
const RESUME_MS: u64 = 64;

/// Length of the quietest point at which long speech is cut.
const QUIET_MS: u64 = 96;

/// How speech is cut. Times in milliseconds, thresholds are probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointingSettings {
    /// Voiced time after which a voice has begun.
    pub onset_ms: u64,
    /// Silence after which an utterance is over.
    pub hangover_ms: u64,
    /// Sound kept before the first voiced sample: soft first consonants.
    pub pre_roll_ms: u64,
    /// Sound kept after the last voiced sample, at most the hangover.
    pub tail_ms: u64,
    /// Longest segment, pre-roll and tail included; longer speech is cut at its quietest point.
    pub max_segment_ms: u64,
    /// Segments with less voiced time are dropped: clicks, coughs, the first moment of a tone.
    pub min_voiced_ms: u64,
    /// Probability from which a frame may begin an utterance.
    pub start_threshold: f32,
    /// Probability from which a frame continues one.
    pub stop_threshold: f32,
}

impl Default for EndpointingSettings {
    fn default() -> Self {
        Self {
            onset_ms: 96,
            hangover_ms: 500,
            pre_roll_ms: 250,
            tail_ms: 150,
            max_segment_ms: 11_000,
            min_voiced_ms: 128,
            start_threshold: 0.7,
            stop_threshold: 0.5,
        }
    }
}

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
    /// Sound kept: pre-roll and candidate while nobody speaks, the whole utterance while somebody does.
    audio: Vec<f32>,
    /// One entry for each whole frame in `audio`.
    frames: Vec<Frame>,
    /// Number of the first sample of `audio`, counted from the start of the call.
    audio_start: u64,
    speech: Speech,
    /// Where the last segment ended: no other begins before.
    spoken_to: u64,
    held: bool,
}

/// One judged frame.
#[derive(Debug, Clone, Copy)]
struct Frame {
    voiced: bool,
    /// Not voiced enough to begin an utterance, but to belong to one that begins right after.
    leaning: bool,
    steady: bool,
    power: f32,
}

/// Whether somebody speaks. Indices count entries of `Endpointer::frames`, both ends included.
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
            detector,
            front: Front::default(),
            partial: Vec::new(),
            audio: Vec::new(),
            frames: Vec::new(),
            audio_start: 0,
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
        let now = self.audio_start + self.audio.len() as u64;
        self.segment(start, self.sample_of(last + 1), now, SegmentEnd::MaxLength)
    }

    /// Takes in the next 16 kHz samples. During hold they only move the clock.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<Endpoint>) {
        if self.held {
            self.audio_start += samples.len() as u64;
            return;
        }
        let frame_samples = self.detector.frame_samples();
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
        if self.held || lost == 0 {
            self.audio_start += lost;
        } else if lost <= enough {
            self.push(&vec![0.0; lost as usize], out);
        } else {
            self.push(&vec![0.0; enough as usize], out);
            self.flush(SegmentEnd::Silence, out);
            self.audio_start = target;
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
            self.audio_start = self.audio_start.max(at_ms.saturating_mul(SAMPLES_PER_MS));
        }
    }

    /// Ends the audio: what was said last comes out now, however short the silence after it.
    pub fn end(&mut self, out: &mut Vec<Endpoint>) {
        if !self.held {
            self.flush(SegmentEnd::End, out);
        }
    }

    fn position(&self) -> u64 {
        self.audio_start + (self.audio.len() + self.partial.len()) as u64
    }

    /// Judges what is left, closes what is open and forgets the sound; the clock stays.
    fn flush(&mut self, end: SegmentEnd, out: &mut Vec<Endpoint>) {
        let limit = self.position();
        let mut frame = std::mem::take(&mut self.partial);
        let frame_samples = self.detector.frame_samples();
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
        self.audio.truncate(limit.saturating_sub(self.audio_start) as usize);
        match self.speech {
            Speech::Candidate { first, last, voiced } if voiced as u64 * self.frame_ms() >= LAST_WORD_MS => {
                self.tell(self.refined_start(first), last, voiced, out);
            }
            Speech::Active { start, last, voiced, told: false, .. } => self.tell(start, last, voiced, out),
            _ => {}
        }
        self.close(end, out);
        self.speech = Speech::None;
        self.audio.clear();
        self.frames.clear();
        self.audio_start = limit;
        self.detector.reset();
        self.front.restart();
    }

    fn take_frame(&mut self, frame: &[f32], sound: Sound, out: &mut Vec<Endpoint>) {
        let probability = self.detector.push(frame);
        let line = self.front.push(frame);
        let starts = probability >= self.settings.start_threshold && line.near && !line.steady;
        let continues =
            probability >= self.settings.stop_threshold && !line.steady && (line.ongoing || sound == Sound::Padding);
        let index = self.frames.len();
        let frame_ms = self.frame_ms();
        self.audio.extend_from_slice(frame);
        let leaning = line.near && !line.steady && probability >= LEANING_SHARE * self.settings.stop_threshold;
        self.frames.push(Frame { voiced: false, leaning, steady: line.steady, power: mean_square(frame) });

        match &mut self.speech {
            Speech::None if starts && sound == Sound::Heard => {
                self.frames[index].voiced = true;
                self.speech = Speech::Candidate { first: index, last: index, voiced: 1 };
            }
            Speech::None => {}
            // What led up to a tone was its beginning.
            Speech::Candidate { .. } if line.tone => self.speech = Speech::None,
            Speech::Candidate { last, voiced, .. } if continues => {
                self.frames[index].voiced = true;
                (*last, *voiced) = (index, *voiced + 1);
            }
            Speech::Candidate { .. } => {}
            Speech::Active { last, voiced, resumed, .. } if continues && !line.music => {
                self.frames[index].voiced = true;
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
        let frame_ms = self.frame_ms();
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
                if self.audio.len() - self.first_sample(start) + self.detector.frame_samples() > longest {
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
            let stop = self.refined_end(start, last);
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
        let first = self.first_sample(start) / self.detector.frame_samples();
        let powers: Vec<f32> = self.frames[first..].iter().map(|frame| frame.power).collect();
        let at = (first + edges::quietest(&powers, (QUIET_MS / self.frame_ms()) as usize)).max(1);
        let last = self.frames[..at].iter().rposition(|frame| frame.voiced).unwrap_or_default();
        let stop = self.refined_end(start, last).min(self.sample_of(at));
        out.extend(self.segment(start, stop, self.sample_of(at), SegmentEnd::MaxLength).map(Endpoint::Segment));

        self.drop_frames(at);
        let voiced: Vec<usize> = (0..self.frames.len()).filter(|&index| self.frames[index].voiced).collect();
        self.speech = match (voiced.first(), voiced.last()) {
            (Some(&first), Some(&last)) => {
                Speech::Active { start: self.sample_of(first), last, voiced: voiced.len(), resumed: 0, told }
            }
            _ => {
                out.push(Endpoint::SpeechStopped { at_ms: stop / SAMPLES_PER_MS });
                Speech::None
            }
        };
    }

    /// The segment of the sound from the pre-roll of `start` to `tail`; none if it is a tone or music.
    fn segment(&self, start: u64, stop: u64, tail: u64, end: SegmentEnd) -> Option<SpeechSegment> {
        let frame_samples = self.detector.frame_samples();
        let first = self.index_of(start) / frame_samples;
        let past = self.index_of(stop).div_ceil(frame_samples).clamp(first, self.frames.len());
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
            samples: self.audio[self.first_sample(start).min(last)..last].to_vec(),
            end,
            voiced: voiced as f32 / frames.len().max(1) as f32,
            level_dbfs: dbfs(power / voiced.max(1) as f32),
        })
    }

    /// While nobody speaks, keeps no more sound than the next utterance can want.
    fn forget(&mut self) {
        let keep_ms = self.settings.pre_roll_ms + BACKDATE_MS + self.settings.onset_ms + CANDIDATE_MS;
        let keep = (keep_ms / self.frame_ms()) as usize + edges::REACH / self.detector.frame_samples();
        let speaking = matches!(self.speech, Speech::Active { .. });
        // Dropped in strides, so that the rest is not moved for every frame.
        if !speaking && self.frames.len() > 2 * keep {
            self.drop_frames(self.frames.len() - keep);
        }
    }

    fn drop_frames(&mut self, count: usize) {
        let samples = (count * self.detector.frame_samples()).min(self.audio.len());
        self.frames.drain(..count.min(self.frames.len()));
        self.audio.drain(..samples);
        self.audio_start += samples as u64;
        if let Speech::Candidate { first, last, .. } = &mut self.speech {
            (*first, *last) = (first.saturating_sub(count), last.saturating_sub(count));
        }
    }

    /// The sample of the call at which the voice of frame `first` sets in.
    fn refined_start(&self, first: usize) -> u64 {
        let frame_samples = self.detector.frame_samples();
        let furthest = first.saturating_sub((BACKDATE_MS / self.frame_ms()) as usize);
        let leaning = self.frames[furthest..first].iter().rev().take_while(|frame| frame.leaning).count();
        let first = first - leaning;
        let start = self.audio_start + edges::start(&self.audio, first * frame_samples, frame_samples) as u64;
        start.max(self.spoken_to)
    }

    /// The sample of the call after which the voice is over that began at `start` and whose last frame is `last`.
    fn refined_end(&self, start: u64, last: usize) -> u64 {
        let end = (last + 1) * self.detector.frame_samples();
        self.audio_start + edges::end(&self.audio, self.index_of(start), end) as u64
    }

    /// Index in `audio` at which a segment begins whose first voiced sample is `start`.
    fn first_sample(&self, start: u64) -> usize {
        self.index_of(start.saturating_sub(self.settings.pre_roll_ms * SAMPLES_PER_MS))
    }

    /// Index in `audio` of a sample of the call; 0 for one that is not kept any more.
    fn index_of(&self, sample: u64) -> usize {
        sample.saturating_sub(self.audio_start) as usize
    }

    fn sample_of(&self, frame: usize) -> u64 {
        self.audio_start + (frame * self.detector.frame_samples()) as u64
    }

    fn frame_ms(&self) -> u64 {
        self.detector.frame_samples() as u64 / SAMPLES_PER_MS
    }
}

/// What a frame given to the networks holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Heard,
    /// Silence behind the last samples.
    Padding,
}
