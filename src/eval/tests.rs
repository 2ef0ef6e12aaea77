//! The shipped dialogues, and the alert policy on them with labels in place of readings.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::call::escalation::Preset;

fn shipped() -> Loaded {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/dialogues");
    load(&Sources { labelled: vec![folder], ..Sources::default() }).unwrap()
}

fn with_perfect_cues(preset: Preset, split: Split) -> DialogueReport {
    let loaded = shipped();
    let calls: Vec<&Dialogue> = loaded.dialogues.iter().filter(|call| call.split == Some(split)).collect();
    let settings = EscalationSettings::preset(preset);
    let traces: Vec<CallTrace> = calls.iter().map(|call| trace_labels(&settings, call)).collect();
    dialogues::report(&calls, &traces)
}

#[test]
fn shipped_dialogues_are_well_formed() {
    let loaded = shipped();
    assert_eq!(loaded.bad_lines, []);
    assert_eq!(loaded.lines, []);
    let ids: BTreeSet<&str> = loaded.dialogues.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids.len(), loaded.dialogues.len(), "ids are unique");
    for call in &loaded.dialogues {
        assert!((8..=24).contains(&call.turns.len()), "{}: {} turns", call.id, call.turns.len());
        assert!(matches!(call.split, Some(Split::Dev | Split::Held)), "{}", call.id);
        let severities: Vec<u8> = call.turns.iter().filter_map(|turn| turn.severity).collect();
        let worst = severities.iter().max().copied().unwrap_or(0);
        let fits = match call.outcome {
            Outcome::Calm => worst <= 1,
            Outcome::Escalated => worst >= 2,
            Outcome::Recovered => worst >= 2 && severities.last() == Some(&0),
        };
        assert!(fits, "{}: {:?} with {severities:?}", call.id, call.outcome);
    }
}

#[test]
fn with_perfect_cues_the_policy_alerts_and_clears_as_it_should() {
    for split in [Split::Dev, Split::Held] {
        let report = with_perfect_cues(Preset::Balanced, split);
        assert_eq!(report.false_alarms_per_100_calm, Some(0.0));
        assert!(report.escalated_alerted >= Some(0.9), "{:?}", report.escalated_alerted);
        assert!(report.in_time >= Some(0.8), "{:?}", report.in_time);
        assert!(report.recovered_cleared >= Some(0.7), "{:?}", report.recovered_cleared);
        assert!(report.repeated_per_alerted_call <= Some(0.2), "{:?}", report.repeated_per_alerted_call);
    }
}

#[test]
fn a_more_vigilant_preset_alerts_no_later_and_no_less() {
    let [calm, balanced, vigilant] =
        [Preset::Calm, Preset::Balanced, Preset::Vigilant].map(|preset| with_perfect_cues(preset, Split::Dev));
    for (less, more) in [(&calm, &balanced), (&balanced, &vigilant)] {
        assert!(less.escalated_alerted <= more.escalated_alerted);
        assert!(less.recovered_alerted <= more.recovered_alerted);
        for (less, more) in less.traces.iter().zip(&more.traces) {
            let first = |trace: &CallTrace| trace.raised.first().map(|alert| alert.t_ms);
            if let Some(first_less) = first(less) {
                assert!(first(more).is_some_and(|first_more| first_more <= first_less), "{}", less.id);
            }
        }
    }
}

#[test]
fn mistakes_of_reading_cost_the_calm_preset_most_and_the_vigilant_one_false_alarms() {
    let loaded = shipped();
    let calls: Vec<&Dialogue> = loaded.dialogues.iter().filter(|call| call.split == Some(Split::Dev)).collect();
    let presets = noise::presets(&calls);
    assert_eq!(presets, noise::presets(&calls), "seeded: the same every time");
    for pair in presets.windows(2) {
        assert!(pair[0].escalated_alerted <= pair[1].escalated_alerted, "{pair:?}");
        assert!(pair[0].false_alarms_per_100_calm <= pair[1].false_alarms_per_100_calm, "{pair:?}");
        assert!(pair[1].escalated_alerted < Some(1.0), "mistakes cost something");
    }
}

#[test]
fn a_report_is_readable_and_serialises() {
    let loaded = shipped();
    let language = Language::embedded().unwrap();
    let report = evaluate(&language, &EscalationSettings::default(), &loaded, Some(Split::Dev));
    assert_eq!(report.languages.iter().map(|of| of.lang).collect::<Vec<_>>(), [Lang::De, Lang::En]);
    let shown = table(&report, true).to_string();
    let wanted = |call: &&Dialogue| call.lang == Lang::De && call.split == Some(Split::Dev);
    let calls = loaded.dialogues.iter().filter(wanted).count();
    for expected in [&format!("de: {calls} calls"), "with perfect cues", "lead, seconds", "vigilant"] {
        assert!(shown.contains(expected), "{shown}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["languages"][0]["dialogues"]["calls"], calls);
    assert_eq!(json["split"], "dev");
}

#[test]
fn recognised_words_are_compared_over_the_records_that_have_them() {
    let mut loaded = shipped();
    for call in &mut loaded.dialogues {
        for turn in call.turns.iter_mut().filter(|_| call.id == "de-dev-esc-02") {
            turn.recognised = Some("guten tag".to_owned());
        }
    }
    let language = Language::embedded().unwrap();
    let report = evaluate(&language, &EscalationSettings::default(), &loaded, None);
    let loss = report.languages[0].recognition.as_ref().unwrap();
    let alerted = |side: &Paired| side.dialogues.as_ref().unwrap().escalated_alerted;
    assert_eq!(loss.text.dialogues.as_ref().unwrap().calls, 1);
    assert_eq!(alerted(&loss.recognised), Some(0.0), "what was said was lost on the way");
    assert!(report.languages[1].recognition.is_none());
}
