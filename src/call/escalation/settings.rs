//! Every threshold of the escalation, with unit and reason, and the three presets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How evidence becomes a level and when a level becomes an alert.
///
/// Levels and points run from 0 to 100. Times are milliseconds of *unfrozen* call time: while a call is on hold
/// neither decay nor any deadline advances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EscalationSettings {
    /// Time in which the level halves when nothing is said. Two minutes: a reproach still counts after a look-up,
    /// no longer after a whole new topic.
    pub half_life_ms: u64,

    /// Level at which a call is tense. One clear complaint reaches it.
    pub tense_enter: u8,
    /// Level at which a call is heated. One act of severity 3, or complaints that add up, reach it.
    pub heated_enter: u8,
    /// Level at which a call is critical.
    pub critical_enter: u8,
    /// Points below its entry at which a band is left, so that a level near the edge does not flicker.
    pub band_gap: u8,

    /// Least points of one utterance of severity 0, 1, 2 and 3, whatever its cues weigh.
    pub severity_points_min: [u8; 4],
    /// Most points of one utterance of severity 0, 1, 2 and 3, whatever its cues weigh. Mild friction brings few: below a
    /// complaint the model orders better than weights do.
    pub severity_points_max: [u8; 4],
    /// The nearer the level is to this, above 100, the less a further utterance adds: complaints add up, and none
    /// takes a call from calm to critical at one stroke.
    pub headroom_points: u8,
    /// Points the text model adds at most, over all that was said, and never enough for another band. Cues carry the
    /// decision, the model orders what lies between: nearly the whole calm band.
    pub model_points: u8,
    /// Lowest level after an explicit act, so that its alert does not end while the agent still answers.
    pub act_level_min: u8,

    /// How long an utterance of severity 2 or more counts as "said before".
    pub repeat_window_ms: u64,
    /// Per cent more for each earlier utterance of severity 2 or more within the window (four count at most):
    /// repeated complaints add up.
    pub repeat_percent: u8,
    /// Points for each kind of complaint that comes up again within the window (two count at most).
    pub topic_points: u8,

    /// Per cent of the level taken off by relief or an accepted apology.
    pub strong_relief_percent: u8,
    /// Per cent taken off by thanks, praise or patience.
    pub mild_relief_percent: u8,
    /// Per cent taken off by a joke in good spirit.
    pub humour_percent: u8,
    /// Per cent taken off by a calm customer utterance of three words or more.
    pub calm_turn_percent: u8,

    /// Points taken off by the agent's apology.
    pub agent_apology_points: u8,
    /// Points taken off when the agent names the customer's own situation.
    pub agent_empathy_points: u8,
    /// Points taken off when the agent offers what settles it.
    pub agent_solution_points: u8,
    /// Points taken off when the agent says what happens next, or offers to call back.
    pub agent_next_step_points: u8,

    /// Utterances of severity 2 or more within the window that make sustained tension.
    pub tension_hits: u8,
    /// Least level for an alert on tension.
    pub tension_enter: u8,
    /// How much several utterances together must sound like complaints for an alert on tension when no pattern proves it: per
    /// cent of the sum of squared probabilities beyond those of calm talk. One utterance brings 85 at most; 0 never alerts.
    pub simmer_enter_percent: u8,
    /// How long such an alert waits for the customer's next turn when the tension may subside: the agent has not
    /// answered yet, or the answer was an apology, an offer or a next step. 0 alerts at once.
    pub defer_ms: u64,
    /// Level below which an alert may end.
    pub alert_leave: u8,
    /// Level below which clear signs of peace (relief, an accepted apology, thanks twice) end an alert at once. Above
    /// it one friendly sentence is not trusted.
    pub reconcile_level_max: u8,
    /// How long the level must stay below `alert_leave` until the alert is cleared.
    pub clear_after_ms: u64,
    /// The same for danger to somebody, which words of thanks never clear.
    pub danger_clear_after_ms: u64,
    /// After an alert was cleared, no new one of the same kind for this long.
    pub cool_down_ms: u64,
}

impl Default for EscalationSettings {
    fn default() -> Self {
        Self {
            half_life_ms: 120_000,
            tense_enter: 25,
            heated_enter: 50,
            critical_enter: 75,
            band_gap: 7,
            severity_points_min: [0, 2, 26, 45],
            severity_points_max: [3, 4, 32, 65],
            headroom_points: 130,
            model_points: 24,
            act_level_min: 45,
            repeat_window_ms: 300_000,
            repeat_percent: 12,
            topic_points: 3,
            strong_relief_percent: 60,
            mild_relief_percent: 40,
            humour_percent: 12,
            calm_turn_percent: 14,
            agent_apology_points: 4,
            agent_empathy_points: 4,
            agent_solution_points: 6,
            agent_next_step_points: 2,
            tension_hits: 2,
            tension_enter: 42,
            simmer_enter_percent: 110,
            defer_ms: 20_000,
            alert_leave: 35,
            reconcile_level_max: 70,
            clear_after_ms: 20_000,
            danger_clear_after_ms: 180_000,
            cool_down_ms: 60_000,
        }
    }
}

/// A named set of thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Few alerts: explicit acts, and tension only when it is long and high.
    Calm,
    #[default]
    Balanced,
    /// Early alerts, without waiting a turn; more of them are for nothing.
    Vigilant,
}

impl Preset {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Balanced => "balanced",
            Self::Vigilant => "vigilant",
        }
    }
}

impl EscalationSettings {
    pub fn preset(preset: Preset) -> Self {
        let balanced = Self::default();
        match preset {
            Preset::Balanced => balanced,
            Preset::Calm => Self {
                tension_hits: 3,
                tension_enter: 60,
                simmer_enter_percent: 150,
                defer_ms: 40_000,
                cool_down_ms: 120_000,
                ..balanced
            },
            Preset::Vigilant => Self {
                half_life_ms: 180_000,
                tension_hits: 2,
                tension_enter: 40,
                simmer_enter_percent: 95,
                defer_ms: 0,
                clear_after_ms: 30_000,
                cool_down_ms: 30_000,
                ..balanced
            },
        }
    }

    /// Whether the thresholds make sense together; the first that does not is named with the remedy.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |field, remedy| Err(SettingsError { field, remedy });
        if self.half_life_ms < 1_000 {
            return wrong("half_life_ms", "give at least 1000");
        }
        if !(self.tense_enter < self.heated_enter
            && self.heated_enter < self.critical_enter
            && self.critical_enter <= 100)
        {
            return wrong("critical_enter", "let tense_enter < heated_enter < critical_enter <= 100");
        }
        if self.band_gap >= self.tense_enter {
            return wrong("band_gap", "give less than tense_enter");
        }
        let corridor = self.severity_points_min.iter().zip(&self.severity_points_max);
        if corridor.clone().any(|(min, max)| min > max || *max > 100) {
            return wrong("severity_points_max", "give at least severity_points_min and at most 100 for each severity");
        }
        if self.alert_leave == 0 || self.alert_leave >= self.tension_enter {
            return wrong("alert_leave", "give at least 1 and less than tension_enter");
        }
        if self.reconcile_level_max > 100 {
            return wrong("reconcile_level_max", "give at most 100");
        }
        if self.tension_enter > 100 {
            return wrong("tension_enter", "give at most 100");
        }
        if self.act_level_min <= self.alert_leave || self.act_level_min > 100 {
            return wrong("act_level_min", "give more than alert_leave and at most 100");
        }
        if self.tension_hits == 0 {
            return wrong("tension_hits", "give at least 1");
        }
        if self.headroom_points <= 100 {
            return wrong("headroom_points", "give more than 100");
        }
        let percents = [
            ("strong_relief_percent", self.strong_relief_percent),
            ("mild_relief_percent", self.mild_relief_percent),
            ("humour_percent", self.humour_percent),
            ("calm_turn_percent", self.calm_turn_percent),
        ];
        match percents.into_iter().find(|(_, percent)| *percent > 100) {
            Some((field, _)) => wrong(field, "give at most 100"),
            None => Ok(()),
        }
    }
}

/// A threshold that does not fit the others. The caller corrects the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("escalation setting {field} does not fit the others: {remedy}")]
pub struct SettingsError {
    pub field: &'static str,
    pub remedy: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_ordered_by_eagerness() {
        let [calm, balanced, vigilant] =
            [Preset::Calm, Preset::Balanced, Preset::Vigilant].map(EscalationSettings::preset);
        for settings in [&calm, &balanced, &vigilant] {
            assert_eq!(settings.validate(), Ok(()));
        }
        assert!(calm.tension_enter > balanced.tension_enter && balanced.tension_enter > vigilant.tension_enter);
        assert!(calm.defer_ms > balanced.defer_ms && balanced.defer_ms > vigilant.defer_ms);
    }

    #[test]
    fn thresholds_that_contradict_each_other_are_refused_by_name() {
        let balanced = EscalationSettings::default();
        let cases = [
            (EscalationSettings { half_life_ms: 0, ..balanced.clone() }, "half_life_ms"),
            (EscalationSettings { heated_enter: 20, ..balanced.clone() }, "critical_enter"),
            (EscalationSettings { band_gap: 25, ..balanced.clone() }, "band_gap"),
            (EscalationSettings { severity_points_min: [9, 9, 9, 9], ..balanced.clone() }, "severity_points_max"),
            (EscalationSettings { alert_leave: 60, ..balanced.clone() }, "alert_leave"),
            (EscalationSettings { act_level_min: 10, ..balanced.clone() }, "act_level_min"),
            (EscalationSettings { reconcile_level_max: 101, ..balanced.clone() }, "reconcile_level_max"),
            (EscalationSettings { tension_hits: 0, ..balanced.clone() }, "tension_hits"),
            (EscalationSettings { calm_turn_percent: 101, ..balanced }, "calm_turn_percent"),
        ];
        for (settings, field) in cases {
            assert_eq!(settings.validate().unwrap_err().field, field);
        }
    }
}
