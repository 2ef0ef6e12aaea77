//! What the coach says beside the screen: suggestions to the supervisor, and good moments.

use std::sync::Arc;

use super::screen::{self, Scene};
use super::state::{Moment, Said};
use super::{Coach, CoachOutput, playbook, scene};
use crate::terms::{Band, Channel, CueKind, Lang};

/// A suggestion is not made again within this time, unless an alert calls for it.
const SUGGESTION_REST_MS: u64 = 60_000;
/// Most suggestions for one utterance that raised no alert.
const SUGGESTIONS_PER_UTTERANCE: usize = 2;

impl Coach {
    /// Suggestions that the customer's words call for.
    pub(super) fn suggest(&mut self, said: &Said<'_>, now_ms: u64, out: &mut Vec<CoachOutput>) {
        let rules = Arc::clone(&self.rules);
        let cues: Vec<CueKind> = said.cues.iter().map(|cue| cue.kind).collect();
        let moment = Moment::Said(said);
        let before = out.len();
        for &at in &rules.suggesting {
            let practice = &rules.practices[at];
            if out.len() - before >= SUGGESTIONS_PER_UTTERANCE {
                break;
            }
            // Alerts may repeat a practice; by themselves the limits for the agent's prompts hold here too.
            let spent =
                self.phrases_suggested.get(&at).is_some_and(|said| said.values().sum::<u32>() >= practice.per_call);
            let called_for = practice.suggest.iter().any(|c| self.state.holds(c, moment, now_ms, &rules, self.lang));
            let rested = self.suggested.get(&at).is_none_or(|last| now_ms.saturating_sub(*last) >= SUGGESTION_REST_MS);
            if called_for && rested && !spent {
                self.suggestion(at, &cues, now_ms, out);
            }
        }
    }

    pub(super) fn suggestion(&mut self, at: usize, cues: &[CueKind], now_ms: u64, out: &mut Vec<CoachOutput>) {
        let practice = &self.rules.practices[at];
        let phrases = practice.say_supervisor.get(&self.lang).or_else(|| practice.say.get(&self.lang));
        let said = self.phrases_suggested.entry(at).or_default();
        let Some((place, text)) =
            phrases.and_then(|phrases| screen::choose(phrases, &self.state.slots, cues, said, self.state.facts.turn()))
        else {
            return;
        };
        *said.entry(place).or_default() += 1;
        self.suggested.insert(at, now_ms);
        self.next_suggestion += 1;
        out.push(CoachOutput::Suggestion { id: self.next_suggestion, practice: practice.id.clone(), text });
    }

    /// A good moment by a trigger of its own.
    pub(super) fn moment(&mut self, at: usize, cues: &[CueKind], now_ms: u64, out: &mut Vec<CoachOutput>) {
        let gap_ms = self.rules.settings.moment_gap_ms;
        if self.last_moment_ms.is_some_and(|last| now_ms.saturating_sub(last) < gap_ms)
            || self.screen.is_spent(&self.rules, at)
        {
            return;
        }
        if let Some(text) = self.screen.phrase(scene!(self), at, cues) {
            self.last_moment_ms = Some(now_ms);
            out.push(CoachOutput::Moment { practice: self.rules.practices[at].id.clone(), text });
        }
    }

    /// Notes what helped when the tension has fallen: the latest of the agent's acts that can have done it.
    pub(super) fn relief(&mut self, said: &Said<'_>) {
        const HELPS: &[CueKind] = &[
            CueKind::Apology,
            CueKind::SpecificEmpathy,
            CueKind::SolutionOffer,
            CueKind::CallbackOffer,
            CueKind::NextStep,
        ];
        self.peak_level = self.peak_level.max(self.state.level);
        self.peak_band = self.peak_band.max(self.state.band);
        self.state.slots.clear("helped");
        let fell = self.peak_level.saturating_sub(self.state.level) >= self.rules.settings.relief_level;
        if self.peak_band >= Band::Heated && self.state.band < Band::Heated && fell && said.channel != Channel::Agent {
            self.state.eased = true;
            // Thanks alone helps too, but does not outdo what was said before it.
            let helped = self.state.latest(HELPS).or_else(|| self.state.latest(&[CueKind::Thanks]));
            if let Some((kind, _)) = helped {
                if !self.helped.contains(&kind) {
                    self.helped.push(kind);
                }
                if let Some(label) = self.rules.labels.get(&(self.lang, kind.as_str().to_owned())) {
                    self.state.slots.set("helped", label.clone());
                }
            }
            self.peak_level = self.state.level;
            self.peak_band = self.state.band;
        } else {
            self.state.eased = false;
        }
    }

    /// Makes the gesture that the rules allow for what was just said the one that may be named.
    pub(super) fn choose_gesture(&mut self, said: &Said<'_>) {
        if said.channel == Channel::Agent {
            return;
        }
        let call = self.state.facts.shift.calls;
        let fits = |gesture: &&playbook::Gesture| {
            if gesture.cues.is_empty() {
                (call + 1).is_multiple_of(gesture.every.max(1))
            } else {
                said.has(&gesture.cues)
            }
        };
        let Some(gesture) = self.rules.gestures.iter().find(fits) else { return };
        let words = match self.lang {
            Lang::De => &gesture.de,
            Lang::En => &gesture.en,
        };
        if let Some(words) = words {
            let slot = match (gesture.cues.is_empty(), gesture.needs_approval) {
                (true, _) => "courtesy",
                (false, false) => "gesture",
                (false, true) => "gesture_approval",
            };
            for other in ["courtesy", "gesture", "gesture_approval"] {
                self.state.slots.clear(other);
            }
            self.state.slots.set(slot, words.clone());
        }
    }
}
