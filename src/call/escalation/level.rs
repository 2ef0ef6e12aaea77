//! Belief: evidence over time becomes a level and a band.

use super::settings::EscalationSettings;
use super::{Part, Source};
use crate::terms::{Band, Cue, CueKind};

/// One point in the meter's own unit.
const POINT: i64 = 1000;

/// Earlier complaints that make a new one weigh more; beyond these it adds nothing to repeat oneself.
const REPEATS_MAX: usize = 4;
const TOPICS_MAX: usize = 2;

/// Words from which a calm utterance shows calm: a bare "ja" or "nein, doch" shows nothing.
const CALM_WORDS_MIN: usize = 3;

/// What one utterance of the customer brings.
pub(super) struct Evidence<'a> {
    /// 0 to 3.
    pub severity: u8,
    /// As much of it as the cues account for: what the model hears beyond that brings no points here.
    pub by_cues: u8,
    /// Only the cues that count on this channel.
    pub cues: &'a [&'a Cue],
    /// How likely a complaint the words are by all that is known of them, 0 to 1.
    pub model: f32,
    /// Whether it is an act that alerts at once.
    pub act: bool,
    /// Whether several utterances together, this one among them, are taken for complaints.
    pub simmers: bool,
    /// Whether danger to somebody was heard, by the text model alone too.
    pub danger: bool,
    /// Earlier utterances of severity 2 or more within the window.
    pub repeats: usize,
    /// Kinds of complaint among the cues that came up before within the window.
    pub topics: usize,
    /// Words spoken.
    pub words: usize,
    /// Points for how the voice sounds.
    pub sound: u8,
}

/// The running level in thousandths of a point.
///
/// It is anchored at the last utterance and read from there at any later time, so that looking at it, however often,
/// never changes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Meter {
    /// What rests on words that can be quoted: bands and alerts look at this.
    milli: i64,
    /// The text model's part, shown on top, decaying like the level.
    model_milli: i64,
    /// How the voice sounds, shown on top like the model's part and decaying like it.
    sound_milli: i64,
    /// Part of the level that agents cannot take away: what explicit acts left, decaying like the level.
    threat_milli: i64,
    at_ms: u64,
    band: Band,
}

impl Meter {
    /// The level after the last utterance.
    pub fn anchor_milli(&self, settings: &EscalationSettings) -> i64 {
        self.milli + on_top(self.milli, self.model_milli, self.sound_milli, settings)
    }

    /// The part of the level that rests on how the voice sounds: what the model's part leaves of the room below the next band.
    pub fn sound_milli(&self, settings: &EscalationSettings) -> i64 {
        self.anchor_milli(settings) - self.milli - on_top(self.milli, self.model_milli, 0, settings)
    }

    /// What rests on quotable words at a time.
    pub fn milli_at(&self, t_ms: u64, settings: &EscalationSettings) -> i64 {
        decay(self.milli, t_ms.saturating_sub(self.at_ms), settings.half_life_ms)
    }

    /// Sets the level, and the band that goes with it.
    pub fn set(&mut self, t_ms: u64, level: u8, settings: &EscalationSettings) {
        self.milli = i64::from(level) * POINT;
        (self.model_milli, self.sound_milli) = (0, 0);
        self.threat_milli = self.threat_milli.min(self.milli);
        self.at_ms = self.at_ms.max(t_ms);
        self.band = settle(self.band, self.milli, settings);
    }

    /// Whole points that rest on quotable words; bands and alerts look at these.
    pub fn proven_at(&self, t_ms: u64, settings: &EscalationSettings) -> u8 {
        u8::try_from(self.milli_at(t_ms, settings) / POINT).unwrap_or(100).min(100)
    }

    /// The level with the model's part. Whole points, rounded down so that a band is never shown with a level below its entry.
    pub fn level_at(&self, t_ms: u64, settings: &EscalationSettings) -> u8 {
        let milli = self.milli_at(t_ms, settings);
        let now = |milli: i64| decay(milli, t_ms.saturating_sub(self.at_ms), settings.half_life_ms);
        let shown = milli + on_top(milli, now(self.model_milli), now(self.sound_milli), settings);
        u8::try_from(shown / POINT).unwrap_or(100).min(100)
    }

    pub fn band_at(&self, t_ms: u64, settings: &EscalationSettings) -> Band {
        settle(self.band, self.milli_at(t_ms, settings), settings)
    }

    /// First time at which the level is below `points` if nothing is said; `None` if that never happens.
    pub fn falls_below(&self, points: u8, settings: &EscalationSettings) -> Option<u64> {
        let threshold = i64::from(points) * POINT;
        if threshold == 0 {
            return None;
        }
        // 2^17 thousandths are above the highest level: after 17 half-lives nothing is left.
        let (mut above, mut below) = (0, settings.half_life_ms.saturating_mul(17));
        if self.milli < threshold {
            return Some(self.at_ms);
        }
        while below - above > 1 {
            let middle = above + (below - above) / 2;
            if decay(self.milli, middle, settings.half_life_ms) < threshold { below = middle } else { above = middle }
        }
        Some(self.at_ms.saturating_add(below))
    }

    /// First time after `t_ms` at which the band falls if nothing is said.
    pub fn band_falls(&self, t_ms: u64, settings: &EscalationSettings) -> Option<u64> {
        let enter = enter_of(self.band_at(t_ms, settings), settings)?;
        self.falls_below(enter.saturating_sub(settings.band_gap), settings)
    }

    pub fn customer(&mut self, t_ms: u64, settings: &EscalationSettings, evidence: &Evidence<'_>) -> Vec<Part> {
        let mut parts = self.forward(t_ms, settings);
        let shown = self.anchor_milli(settings) - self.milli;
        let sounded = self.sound_milli(settings);
        if evidence.severity <= 1 {
            self.relieve(settings, evidence, &mut parts);
        }
        self.burden(settings, evidence, &mut parts);
        self.floor(settings, evidence, &mut parts);
        self.band = settle(self.band, self.milli, settings);
        let model = f64::from(if evidence.model.is_finite() { evidence.model.clamp(0.0, 1.0) } else { 0.0 });
        let points = (model * f64::from(settings.model_points) * POINT as f64) as i64;
        self.model_milli = self.model_milli.max(points);
        // A calm utterance lowers what the model heard before, too.
        if evidence.severity == 0 && points < self.model_milli {
            self.model_milli = (self.model_milli + points) / 2;
        }
        // A loud voice alone says nothing.
        self.sound_milli = if evidence.severity > 0 { i64::from(evidence.sound) * POINT } else { 0 };
        let sound = self.sound_milli(settings) - sounded;
        let model = self.anchor_milli(settings) - self.milli - shown - sound;
        for (source, points_milli) in [(Source::Model, model), (Source::Sound, sound)] {
            if points_milli != 0 {
                parts.push(Part { source, points_milli });
            }
        }
        parts
    }

    /// `kinds`: what the agent offered and had not offered since the customer last spoke.
    pub fn agent(&mut self, t_ms: u64, settings: &EscalationSettings, kinds: &[CueKind]) -> Vec<Part> {
        let mut parts = self.forward(t_ms, settings);
        let shown = self.anchor_milli(settings) - self.milli;
        for &kind in kinds {
            let room = (self.milli - self.threat_milli).max(0);
            let cut = (i64::from(soothing_points(kind, settings)) * POINT).min(room);
            self.add(Source::Agent(kind), -cut, &mut parts);
        }
        self.band = settle(self.band, self.milli, settings);
        let change = self.anchor_milli(settings) - self.milli - shown;
        if change != 0 {
            parts.push(Part { source: Source::Model, points_milli: change });
        }
        parts
    }

    /// Lets time pass up to `t_ms` and moves the anchor there.
    fn forward(&mut self, t_ms: u64, settings: &EscalationSettings) -> Vec<Part> {
        let mut parts = Vec::new();
        let passed_ms = t_ms.saturating_sub(self.at_ms);
        self.band = self.band_at(t_ms, settings);
        self.threat_milli = decay(self.threat_milli, passed_ms, settings.half_life_ms);
        let before = self.anchor_milli(settings);
        self.milli = decay(self.milli, passed_ms, settings.half_life_ms);
        self.model_milli = decay(self.model_milli, passed_ms, settings.half_life_ms);
        self.sound_milli = decay(self.sound_milli, passed_ms, settings.half_life_ms);
        let change = self.anchor_milli(settings) - before;
        if change != 0 {
            parts.push(Part { source: Source::Decay, points_milli: change });
        }
        self.at_ms = self.at_ms.max(t_ms);
        parts
    }

    fn relieve(&mut self, settings: &EscalationSettings, evidence: &Evidence<'_>, parts: &mut Vec<Part>) {
        let mut seen: Vec<CueKind> = Vec::new();
        for cue in evidence.cues {
            let percent = relief_percent(cue.kind, settings);
            if percent == 0 || seen.contains(&cue.kind) {
                continue;
            }
            seen.push(cue.kind);
            // Thanks beside friction ("danke, aber …") count half and never by their weight.
            let percent = if evidence.severity == 0 { percent } else { percent / 2 };
            let by_weight = if evidence.severity == 0 { (-milli_of(cue.weight)).max(0) } else { 0 };
            let cut = (self.milli * i64::from(percent) / 100).max(by_weight).min(self.milli);
            self.threat_milli -= self.threat_milli * i64::from(percent) / 100;
            self.add(Source::Relief(cue.kind), -cut, parts);
        }
        if seen.is_empty() && evidence.severity == 0 && evidence.words >= CALM_WORDS_MIN {
            let cut = self.milli * i64::from(settings.calm_turn_percent) / 100;
            self.add(Source::CalmTurn, -cut, parts);
        }
    }

    fn burden(&mut self, settings: &EscalationSettings, evidence: &Evidence<'_>, parts: &mut Vec<Part>) {
        let severity = usize::from(evidence.by_cues.min(evidence.severity).min(3));
        let before = self.milli;
        let mut by_cues = 0;
        for cue in evidence.cues.iter().filter(|cue| cue.weight > 0.0 && !cue.kind.is_agents()) {
            let points = milli_of(cue.weight);
            by_cues += points;
            self.add(Source::Cue(cue.kind), points, parts);
        }
        let least = i64::from(settings.severity_points_min[severity]) * POINT;
        let most = i64::from(settings.severity_points_max[severity]) * POINT;
        let gain = by_cues.clamp(least, most.max(least));
        self.add(Source::Severity, gain - by_cues, parts);
        if severity >= 2 {
            let percent = i64::from(settings.repeat_percent) * evidence.repeats.min(REPEATS_MAX) as i64;
            self.add(Source::Repetition, gain * percent / 100, parts);
            let topics = evidence.topics.min(TOPICS_MAX) as i64;
            self.add(Source::Topic, i64::from(settings.topic_points) * topics * POINT, parts);
        }
        let gained = (self.milli - before).max(0);
        self.add(Source::Headroom, -(gained * before / (i64::from(settings.headroom_points) * POINT)), parts);
    }

    /// One utterance alone reaches at least the band its severity means, danger at least tense, and the level never leaves 0 to 100.
    fn floor(&mut self, settings: &EscalationSettings, evidence: &Evidence<'_>, parts: &mut Vec<Part>) {
        let danger = evidence.cues.iter().any(|cue| cue.kind.is_danger());
        let by_severity = match evidence.severity {
            _ if danger && evidence.act => settings.critical_enter,
            3 => settings.heated_enter,
            2 => settings.tense_enter,
            _ if evidence.danger => settings.tense_enter,
            _ => 0,
        };
        let by_act = if evidence.act || evidence.simmers { settings.act_level_min } else { 0 };
        let least = i64::from(by_severity.max(by_act)) * POINT;
        self.add(Source::Floor, (least - self.milli).max(0), parts);
        self.add(Source::Bound, self.milli.clamp(0, 100 * POINT) - self.milli, parts);
        if evidence.act {
            self.threat_milli = self.threat_milli.max(least);
        }
    }

    fn add(&mut self, source: Source, milli: i64, parts: &mut Vec<Part>) {
        if milli != 0 {
            self.milli += milli;
            parts.push(Part { source, points_milli: milli });
        }
    }
}

/// What model and sound add to `milli`, always below the next band. The model's part takes its share of the room that is
/// left there, so that it orders calls near the edge of a band, too.
fn on_top(milli: i64, model_milli: i64, sound_milli: i64, settings: &EscalationSettings) -> i64 {
    let next = [settings.tense_enter, settings.heated_enter, settings.critical_enter, 101]
        .into_iter()
        .map(|enter| i64::from(enter) * POINT)
        .find(|enter| milli < *enter)
        .unwrap_or(milli);
    let room = (next - POINT - milli).max(0);
    let most = i64::from(settings.model_points.max(1)) * POINT;
    (model_milli * room.min(most) / most + sound_milli).min(room)
}

/// Halves `milli` every `half_life_ms`, straight lines in between: integers only, so that every machine agrees; never
/// rises with time.
pub(super) fn decay(milli: i64, passed_ms: u64, half_life_ms: u64) -> i64 {
    let half_life_ms = half_life_ms.max(1);
    let halvings = passed_ms / half_life_ms;
    if halvings >= 17 {
        return 0;
    }
    let start = milli >> halvings;
    let rest_ms = i64::try_from(passed_ms % half_life_ms).unwrap_or(0);
    let period_ms = i64::try_from(half_life_ms.saturating_mul(2)).unwrap_or(i64::MAX);
    start - (i128::from(start) * i128::from(rest_ms) / i128::from(period_ms)) as i64
}

/// Band of a level that was in `band` before: up at once, down only below the gap.
fn settle(band: Band, milli: i64, settings: &EscalationSettings) -> Band {
    let reaches = |points: u8| milli >= i64::from(points) * POINT;
    let bands = [Band::Critical, Band::Heated, Band::Tense];
    let holds = |candidate: Band| {
        let enter = enter_of(candidate, settings).unwrap_or(0);
        let needed = if candidate <= band { enter.saturating_sub(settings.band_gap) } else { enter };
        reaches(needed)
    };
    bands.into_iter().find(|candidate| holds(*candidate)).unwrap_or(Band::Calm)
}

fn enter_of(band: Band, settings: &EscalationSettings) -> Option<u8> {
    match band {
        Band::Calm => None,
        Band::Tense => Some(settings.tense_enter),
        Band::Heated => Some(settings.heated_enter),
        Band::Critical => Some(settings.critical_enter),
    }
}

fn relief_percent(kind: CueKind, settings: &EscalationSettings) -> u8 {
    match kind {
        CueKind::Relief | CueKind::ApologyAccepted => settings.strong_relief_percent,
        CueKind::Gratitude | CueKind::Praise | CueKind::Patience => settings.mild_relief_percent,
        CueKind::Humour => settings.humour_percent,
        _ => 0,
    }
}

/// Points an agent's cue takes off; 0 for kinds that soothe nobody.
pub(super) fn soothing_points(kind: CueKind, settings: &EscalationSettings) -> u8 {
    match kind {
        CueKind::Apology => settings.agent_apology_points,
        CueKind::SpecificEmpathy => settings.agent_empathy_points,
        CueKind::SolutionOffer => settings.agent_solution_points,
        CueKind::NextStep | CueKind::CallbackOffer => settings.agent_next_step_points,
        _ => 0,
    }
}

/// Thousandths of a weight in points; a weight that is no number counts nothing, none counts more than the scale.
fn milli_of(weight: f32) -> i64 {
    if weight.is_finite() { (f64::from(weight.clamp(-100.0, 100.0)) * POINT as f64).round() as i64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decay_halves_and_never_rises() {
        for start in [100_000, 77_777, 1_001, 3, 1] {
            let mut last = start;
            for passed_ms in (0..2_400_000).step_by(777) {
                let now = decay(start, passed_ms, 120_000);
                assert!(now <= last && now >= 0, "{start} after {passed_ms} ms: {now} > {last}");
                last = now;
            }
        }
        assert_eq!(decay(80_000, 120_000, 120_000), 40_000);
        assert_eq!(decay(80_000, 360_000, 120_000), 10_000);
        assert_eq!(decay(80_000, u64::MAX, 120_000), 0);
        assert_eq!(decay(80_000, 5, u64::MAX), 80_000);
    }

    #[test]
    fn falling_below_is_met_to_the_millisecond() {
        let settings = EscalationSettings::default();
        let meter = Meter {
            milli: 80_000,
            at_ms: 5_000,
            band: Band::Critical,
            threat_milli: 0,
            model_milli: 0,
            sound_milli: 0,
        };
        for points in [79, 50, 30, 1] {
            let at_ms = meter.falls_below(points, &settings).unwrap();
            assert!(meter.milli_at(at_ms, &settings) < i64::from(points) * POINT);
            assert!(meter.milli_at(at_ms - 1, &settings) >= i64::from(points) * POINT);
        }
        assert_eq!(meter.falls_below(81, &settings), Some(5_000));
        assert_eq!(meter.falls_below(0, &settings), None);
    }

    #[test]
    fn the_models_part_is_bounded_explained_and_never_another_band() {
        let settings = EscalationSettings::default();
        let says = |meter: &mut Meter, t_ms, severity, model| {
            let evidence = Evidence {
                severity,
                by_cues: severity,
                cues: &[],
                model,
                act: false,
                simmers: false,
                danger: false,
                repeats: 0,
                topics: 0,
                words: 5,
                sound: 0,
            };
            meter.customer(t_ms, &settings, &evidence)
        };
        let mut meter = Meter::default();
        for turn in 0..50 {
            says(&mut meter, turn * 1000, 1, 1.0);
            let (level, proven) = (meter.level_at(turn * 1000, &settings), meter.proven_at(turn * 1000, &settings));
            assert!(level <= proven + settings.model_points);
            assert_eq!(
                settle(Band::Calm, i64::from(level) * POINT, &settings),
                settle(Band::Calm, i64::from(proven) * POINT, &settings)
            );
        }
        let (mut calm, mut tense) = (Meter::default(), Meter::default());
        let parts = says(&mut calm, 0, 0, 0.9);
        assert_eq!(parts, [Part { source: Source::Model, points_milli: 21_599 }]);
        says(&mut tense, 0, 0, 0.1);
        assert!(calm.level_at(0, &settings) > tense.level_at(0, &settings));
        assert_eq!(calm.band_at(0, &settings), Band::Calm);
        assert!(calm.level_at(120_000, &settings) <= 12, "decays like the rest");
        says(&mut calm, 1000, 0, 0.0);
        assert!(calm.level_at(1000, &settings) <= 12, "a calm utterance takes half");
    }

    #[test]
    fn a_band_is_left_lower_than_it_is_entered() {
        let settings = EscalationSettings::default();
        let band = |before, points: i64| settle(before, points * POINT, &settings);
        assert_eq!(band(Band::Calm, 49), Band::Tense);
        assert_eq!(band(Band::Calm, 50), Band::Heated);
        assert_eq!(band(Band::Heated, 44), Band::Heated);
        assert_eq!(band(Band::Heated, 42), Band::Tense);
        assert_eq!(band(Band::Critical, 10), Band::Calm);
        assert_eq!(band(Band::Critical, 70), Band::Critical);
        assert_eq!(band(Band::Heated, 70), Band::Heated);
    }
}
