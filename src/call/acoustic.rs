//! How the customer sounds against their own beginning: louder, faster. An observation of sound, never of feeling.
//!
//! Off unless configured, and of the customer alone: neither an agent nor a channel with both parties is ever listened
//! to in this way. What counts is the same caller's own first half minute of speech, so that neither a deep voice nor a
//! bad line nor a lively temper says anything. What the line does is told apart from what the voice does: a step of
//! gain lifts the noise with the voice, a clipped voice cannot be measured upwards, and after a hold or a gap the line
//! is measured anew.

mod measure;
mod track;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::measure::{Measured, measure};
use self::track::{Track, median};
use crate::call::endpointing::SpeechSegment;
use crate::terms::{Channel, Lang};

/// Voiced speech that is the beginning, in milliseconds: the caller's own first half minute.
const BEGINNING_MS: u64 = 30_000;

/// Utterances with less voiced time are passed over: a "ja" or "mhm" has a loudness and a pace of its own.
const VOICED_MIN_MS: u64 = 600;

/// Least change that is told, in decibels: twice the amplitude. Speakers vary by about 3 dB from sentence to sentence.
const LOUDER_DB: f32 = 6.0;

/// Least change of pace that is told: a quarter more syllables per second, as a logarithm. From phrase to phrase pace varies
/// by some 15 %, of which the median over several seconds leaves less than half.
const FASTER_LN: f32 = 0.223;

/// Voiced speech from which a line is judged anew, in milliseconds.
const LINE_MS: u64 = 4_000;

/// Below this the ground of a line is no noise but silence made by a machine, which gain does not lift.
const NOISE_MIN_DBFS: f32 = -75.0;

/// Least change of the noise that is taken for a step of gain, in decibels.
const STEP_MIN_DB: f32 = 3.0;

/// Whether and how the customer's sound is observed; absent from a call's settings: not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcousticSettings {
    /// Most points it adds to the level, together with words of friction and below the next band; 0: none.
    pub level_points: u8,
}

/// What can be observed of a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    Louder,
    Faster,
}

impl Sound {
    /// The observation for people, in the language of the call. Says what is heard, and against what.
    pub fn text(self, on: bool, lang: Lang) -> &'static str {
        match (self, on, lang) {
            (Self::Louder, true, Lang::De) => "spricht lauter als zu Beginn",
            (Self::Louder, false, Lang::De) => "spricht wieder so laut wie zu Beginn",
            (Self::Faster, true, Lang::De) => "spricht schneller als zu Beginn",
            (Self::Faster, false, Lang::De) => "spricht wieder so schnell wie zu Beginn",
            (Self::Louder, true, Lang::En) => "speaks louder than at the beginning",
            (Self::Louder, false, Lang::En) => "speaks as loudly as at the beginning again",
            (Self::Faster, true, Lang::En) => "speaks faster than at the beginning",
            (Self::Faster, false, Lang::En) => "speaks at the pace of the beginning again",
        }
    }
}

/// A new observation, or the end of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundChange {
    pub sound: Sound,
    /// Whether it holds from now on, or is over.
    pub on: bool,
    /// Against the beginning: decibels if louder, per cent of the pace if faster. `None` when it can no longer be told.
    pub change: Option<i32>,
}

/// Listens to how the customer of one call sounds.
#[derive(Debug)]
pub struct Ear {
    loudness: Track,
    pace: Track,
    line: Line,
    /// Nothing more can be told: the beginning is not known.
    deaf: bool,
}

/// What is known of the line between the customer's mouth and us.
#[derive(Debug, Default)]
struct Line {
    /// Level of its noise, where the beginning (or what followed the last change) was measured.
    noise_dbfs: Option<f32>,
    noises: Vec<(u64, f32)>,
    /// Added to every level since the last change of the line.
    offset_db: f32,
    /// Levels of the first seconds after a change, and what they are to be measured against.
    anew: Option<Anew>,
}

#[derive(Debug)]
struct Anew {
    before_dbfs: f32,
    levels: Vec<(u64, f32)>,
    noises: Vec<(u64, f32)>,
}

impl Default for Ear {
    fn default() -> Self {
        Self {
            loudness: Track::new(BEGINNING_MS, LOUDER_DB),
            pace: Track::new(BEGINNING_MS, FASTER_LN),
            line: Line::default(),
            deaf: false,
        }
    }
}

impl Ear {
    /// Takes in a stretch of speech; what has changed with it. Anybody's but the customer's is passed over unheard.
    pub fn hear(&mut self, channel: Channel, speech: &SpeechSegment) -> Vec<SoundChange> {
        if channel != Channel::Customer {
            return Vec::new();
        }
        if self.deaf {
            return self.silenced();
        }
        let voiced_ms = (speech.span.duration_ms() as f32 * speech.voiced.clamp(0.0, 1.0)) as u64;
        if voiced_ms < VOICED_MIN_MS || !speech.level_dbfs.is_finite() {
            return Vec::new();
        }
        let measured = measure(&speech.samples);
        let mut changes = Vec::new();
        let told = |sound, changed: Option<bool>, change: f32| {
            changed.map(|on| SoundChange { sound, on, change: Some(change.round() as i32) })
        };
        if let Some(level_db) = self.line.level(voiced_ms, speech.level_dbfs, &measured, &self.loudness) {
            let changed = if measured.clipped {
                self.loudness.at_least(voiced_ms, level_db)
            } else {
                self.loudness.push(voiced_ms, level_db)
            };
            changes.extend(told(Sound::Louder, changed, self.loudness.change()));
        }
        if measured.syllables > 0 {
            let pace = measured.syllables as f32 * 1000.0 / voiced_ms as f32;
            let changed = self.pace.push(voiced_ms, pace.ln());
            changes.extend(told(Sound::Faster, changed, (self.pace.change().exp() - 1.0) * 100.0));
        }
        changes
    }

    /// The line may have changed: a hold, a gap, a pause of consent. Its loudness is measured anew, so that a new gain
    /// is not taken for a new voice. What was observed stays until then.
    pub fn line_changed(&mut self) {
        match self.loudness.latest() {
            Some(before_dbfs) => {
                self.line.anew = Some(Anew { before_dbfs, levels: Vec::new(), noises: Vec::new() });
            }
            // Next to nothing was heard: this is the beginning.
            None => (self.loudness, self.line) = (Track::new(BEGINNING_MS, LOUDER_DB), Line::default()),
        }
    }

    /// The beginning is lost, as when a call is taken up after a restart: what is open ends with the next utterance, and
    /// nothing more is told.
    pub fn lose_beginning(&mut self) {
        self.deaf = true;
    }

    /// What was observed before a restart.
    pub fn recall(&mut self, sound: Sound, on: bool) {
        self.track(sound).set_on(on);
    }

    /// What holds now.
    pub fn sounds(&self) -> Vec<Sound> {
        let on = [(Sound::Louder, &self.loudness), (Sound::Faster, &self.pace)];
        on.into_iter().filter(|(_, track)| track.is_on() && !self.deaf).map(|(sound, _)| sound).collect()
    }

    fn track(&mut self, sound: Sound) -> &mut Track {
        match sound {
            Sound::Louder => &mut self.loudness,
            Sound::Faster => &mut self.pace,
        }
    }

    fn silenced(&mut self) -> Vec<SoundChange> {
        let mut changes = Vec::new();
        for sound in [Sound::Louder, Sound::Faster] {
            if self.track(sound).is_on() {
                self.track(sound).set_on(false);
                changes.push(SoundChange { sound, on: false, change: None });
            }
        }
        changes
    }
}

impl Line {
    /// The level as it would have been on the line of the beginning; `None` while the line is being measured anew.
    fn level(&mut self, voiced_ms: u64, level_dbfs: f32, measured: &Measured, loudness: &Track) -> Option<f32> {
        if let Some(anew) = &mut self.anew {
            if !measured.clipped {
                anew.levels.push((voiced_ms, level_dbfs));
            }
            anew.noises.push((voiced_ms, measured.noise_dbfs));
            if anew.levels.iter().map(|(ms, _)| ms).sum::<u64>() >= LINE_MS {
                self.offset_db = anew.before_dbfs - median(&anew.levels).unwrap_or(anew.before_dbfs);
                self.noise_dbfs = median(&anew.noises);
                self.noises = std::mem::take(&mut anew.noises);
                self.anew = None;
            }
            return None;
        }
        let level = level_dbfs + self.offset_db;
        let Some(beginning) = loudness.beginning() else {
            self.noises.push((voiced_ms, measured.noise_dbfs));
            self.noise_dbfs = median(&self.noises);
            return Some(level);
        };
        // Gain lifts voice and noise alike: as much of a change as the noise shares is the line's.
        let shift = match self.noise_dbfs {
            Some(noise) if noise > NOISE_MIN_DBFS && measured.noise_dbfs > NOISE_MIN_DBFS => {
                measured.noise_dbfs - noise
            }
            _ => 0.0,
        };
        let change = level - beginning;
        let lines = if shift.abs() >= STEP_MIN_DB && shift.signum() == change.signum() {
            shift.abs().min(change.abs()) * change.signum()
        } else {
            0.0
        };
        Some(level - lines)
    }
}
