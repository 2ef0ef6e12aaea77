//! What the escalation promises, told in calls.

use proptest::prelude::*;

use super::*;
use crate::language::{Explanation as SeverityExplanation, ModelScores};

const CUSTOMER: Channel = Channel::Customer;
const AGENT: Channel = Channel::Agent;

fn reading(severity: u8, cues: &[(CueKind, f32)]) -> Reading {
    let cues = cues.iter().map(|&(kind, weight)| Cue { kind, start: 0, end: 4, text: "Wort".to_owned(), weight });
    Reading {
        cues: cues.collect(),
        severity: Some(severity),
        severity_score: 0.0,
        model: ModelScores { offence: 0.0, negative: f32::from(severity) / 3.0, positive: 0.0 },
        explanation: SeverityExplanation { by_cues: severity, ..SeverityExplanation::default() },
        entries: Vec::new(),
    }
}

/// Weight of a cue as the language data give it: hostile kinds burden, friendly ones relieve.
fn weight(kind: CueKind) -> f32 {
    match kind {
        CueKind::Gratitude
        | CueKind::Relief
        | CueKind::Praise
        | CueKind::Patience
        | CueKind::ApologyAccepted
        | CueKind::Humour => -8.0,
        kind if kind.is_agents() => 0.0,
        _ => 20.0,
    }
}

/// One call, told line by line: who speaks, after how many seconds, how severely, with which cues.
struct Told {
    escalation: Escalation,
    t_ms: u64,
    changes: Vec<AlertChange>,
    last: Option<Assessment>,
}

impl Told {
    fn new() -> Self {
        Self::with(EscalationSettings::default())
    }

    fn with(settings: EscalationSettings) -> Self {
        assert_eq!(settings.validate(), Ok(()));
        Self { escalation: Escalation::new(&settings, Lang::De), t_ms: 0, changes: Vec::new(), last: None }
    }

    fn says(&mut self, speaker: Channel, after_s: u64, severity: u8, kinds: &[CueKind]) -> &mut Self {
        self.t_ms += after_s * 1000;
        let cues: Vec<_> = kinds.iter().map(|kind| (*kind, weight(*kind))).collect();
        let reading = reading(severity, &cues);
        let text = "das sind nun wirklich ein paar Worte";
        self.last = Some(self.escalation.utterance(self.t_ms, speaker, &reading, text, &mut self.changes));
        self
    }

    fn customer(&mut self, severity: u8, kinds: &[CueKind]) -> &mut Self {
        self.says(CUSTOMER, 8, severity, kinds)
    }

    fn agent(&mut self, kinds: &[CueKind]) -> &mut Self {
        self.says(AGENT, 6, 0, kinds)
    }

    fn waits(&mut self, seconds: u64) -> &mut Self {
        self.t_ms += seconds * 1000;
        self.escalation.tick(self.t_ms, &mut self.changes);
        self
    }

    fn rule(&self) -> Rule {
        self.last.as_ref().unwrap().explanation.rule
    }

    fn level(&self) -> u8 {
        self.escalation.level_at(self.t_ms)
    }

    fn band(&self) -> Band {
        self.escalation.band_at(self.t_ms)
    }

    /// States and kinds of all changes so far.
    fn states(&self) -> Vec<(AlertState, &'static str)> {
        self.changes.iter().map(|change| (change.state, change.kind.as_str())).collect()
    }
}

use AlertState::{Acknowledged, Cleared, Dismissed, Raised, RaisedHigher, Snoozed};
use CueKind::{
    Anger, Apology, ApologyAccepted, ChurnThreat, Dissatisfaction, Gratitude, Insult, LegalThreat, Patience, Profanity,
    Relief, RepeatContact, SelfHarm, SolutionOffer, SupervisorRequest, ViolenceThreat,
};

#[test]
fn one_utterance_reaches_at_least_the_band_of_its_severity() {
    for (severity, band) in [(0, Band::Calm), (1, Band::Calm), (2, Band::Tense), (3, Band::Heated)] {
        for kinds in [&[][..], &[Dissatisfaction], &[Dissatisfaction, RepeatContact]] {
            let mut call = Told::new();
            call.customer(severity, kinds);
            assert!(call.band() >= band && (severity >= 2 || call.band() == band), "{severity} {kinds:?}");
        }
    }
    let mut call = Told::new();
    assert_eq!(call.customer(3, &[ViolenceThreat]).band(), Band::Critical);
}

#[test]
fn acts_alert_at_once_and_other_words_do_not() {
    let at_once = [
        (3, SupervisorRequest),
        (3, LegalThreat),
        (3, CueKind::PublicityThreat),
        (2, ChurnThreat),
        (3, Insult),
        (3, ViolenceThreat),
        (0, ViolenceThreat),
        (1, SelfHarm),
    ];
    for (severity, kind) in at_once {
        let mut call = Told::new();
        call.customer(severity, &[kind]);
        assert_eq!(call.states(), [(Raised, kind.as_str())], "{severity} {kind:?}");
        assert!(!call.changes[0].reason.is_empty() && call.changes[0].quote.is_some());
    }
    for (severity, kind) in [(1, ChurnThreat), (2, Insult), (2, Dissatisfaction), (1, Profanity), (0, Gratitude)] {
        let mut call = Told::new();
        call.customer(severity, &[kind]);
        assert_eq!(call.states(), [], "{severity} {kind:?}");
    }
}

#[test]
fn severity_three_without_a_named_act_alerts_on_its_heaviest_cue() {
    let mut call = Told::new();
    call.customer(3, &[Anger]);
    assert_eq!(call.states(), [(Raised, "anger")]);
    let mut call = Told::new();
    call.customer(3, &[]);
    assert_eq!(call.states(), [(Raised, "anger")]);
}

#[test]
fn a_single_complaint_is_no_alert_and_repeated_ones_are() {
    let mut call = Told::new();
    call.customer(2, &[Dissatisfaction]).agent(&[]);
    assert_eq!(call.rule(), Rule::AgentSpoke);
    assert_eq!(call.states(), []);
    call.customer(2, &[RepeatContact]);
    assert_eq!(call.states(), [(Raised, "rising_tension")]);
    assert!(call.changes[0].reason.contains('2'), "{}", call.changes[0].reason);
}

#[test]
fn tension_that_may_subside_waits_one_turn() {
    let mut soothed = Told::new();
    soothed.customer(2, &[Dissatisfaction]).agent(&[Apology]).customer(2, &[RepeatContact]);
    assert_eq!(soothed.rule(), Rule::DeferredOneTurn);
    soothed.agent(&[]).customer(2, &[Dissatisfaction]);
    assert_eq!(soothed.states(), [(Raised, "rising_tension")]);

    let mut unanswered = Told::new();
    unanswered.customer(2, &[Dissatisfaction]).says(CUSTOMER, 3, 2, &[Anger]);
    assert_eq!(unanswered.rule(), Rule::DeferredOneTurn);
}

#[test]
fn tension_that_subsides_in_the_next_turn_raises_nothing() {
    let mut call = Told::new();
    call.customer(2, &[Dissatisfaction]).agent(&[SolutionOffer]).customer(2, &[Anger]);
    assert_eq!(call.rule(), Rule::DeferredOneTurn);
    call.agent(&[Apology, SolutionOffer]).customer(0, &[Gratitude]);
    assert_eq!(call.rule(), Rule::TensionSubsided);
    call.waits(300);
    assert_eq!(call.states(), []);
}

#[test]
fn deferred_tension_alerts_when_it_stays_high_and_nobody_speaks() {
    let mut call = Told::with(EscalationSettings { tension_enter: 36, alert_leave: 20, ..Default::default() });
    call.customer(2, &[Dissatisfaction]).agent(&[Apology]).customer(2, &[Anger]);
    assert_eq!(call.rule(), Rule::DeferredOneTurn);
    call.waits(60);
    assert_eq!(call.changes[0].state, Raised);
    assert_eq!(call.changes[0].t_ms, 22_000 + EscalationSettings::default().defer_ms);
}

#[test]
fn vigilant_does_not_wait() {
    let mut call = Told::with(EscalationSettings::preset(Preset::Vigilant));
    call.customer(2, &[Dissatisfaction]).agent(&[Apology]).customer(2, &[Anger]);
    assert_eq!(call.states(), [(Raised, "rising_tension")]);
}

#[test]
fn other_thresholds_count_from_when_they_are_known() {
    let mut call = Told::new();
    call.customer(2, &[Dissatisfaction]).agent(&[Apology]);
    let level = call.escalation.level_at(call.escalation.now_ms);
    call.escalation.set_thresholds(&EscalationSettings::preset(Preset::Vigilant));
    assert_eq!(call.escalation.level_at(call.escalation.now_ms), level, "what was said stays as it was weighed");
    call.customer(2, &[Anger]);
    assert_eq!(call.states(), [(Raised, "rising_tension")]);
}

#[test]
fn repeated_complaints_weigh_more_than_the_first() {
    let gain = |call: &Told| -> i64 {
        let parts = &call.last.as_ref().unwrap().explanation.parts;
        parts.iter().filter(|part| part.source != Source::Decay).map(|part| part.points_milli).sum()
    };
    let mut call = Told::new();
    call.customer(2, &[Dissatisfaction]);
    let first = gain(&call);
    call.waits(240).customer(2, &[Dissatisfaction]);
    assert!(gain(&call) > first, "{} {first}", gain(&call));
}

#[test]
fn an_open_alert_is_raised_higher_only_by_a_new_band_or_a_more_serious_kind() {
    let mut call = Told::new();
    call.customer(2, &[ChurnThreat]).customer(2, &[ChurnThreat]);
    assert_eq!(call.states(), [(Raised, "churn_threat"), (RaisedHigher, "churn_threat")]);
    call.waits(20).customer(3, &[LegalThreat]);
    assert_eq!(call.states()[2], (RaisedHigher, "legal_threat"));
    let before = call.changes.len();
    call.customer(3, &[LegalThreat]).customer(3, &[SupervisorRequest]).customer(3, &[LegalThreat]);
    assert!(call.changes.len() <= before + 1, "at most the critical band is new: {:?}", call.states());
    assert!(call.changes.iter().all(|change| change.id == 1));
}

#[test]
fn a_second_kind_of_danger_is_told_too() {
    let mut call = Told::new();
    call.customer(3, &[ViolenceThreat]).customer(3, &[ViolenceThreat]).customer(3, &[SelfHarm]);
    assert_eq!(call.states(), [(Raised, "violence_threat"), (RaisedHigher, "self_harm")]);
}

#[test]
fn accepted_apologies_and_relief_clear_at_once() {
    for kind in [ApologyAccepted, Relief] {
        let mut call = Told::new();
        call.customer(3, &[SupervisorRequest]).agent(&[Apology, SolutionOffer]).customer(0, &[kind]);
        assert_eq!(call.states(), [(Raised, "supervisor_request"), (Cleared, "supervisor_request")], "{kind:?}");
        assert_eq!(call.rule(), Rule::Reconciled);
    }
}

#[test]
fn one_thank_you_clears_nothing_and_two_do() {
    let mut call = Told::new();
    call.customer(3, &[LegalThreat]).agent(&[Apology]).customer(0, &[Gratitude]);
    assert_eq!(call.states(), [(Raised, "legal_threat")]);
    call.agent(&[SolutionOffer]).customer(0, &[Patience]);
    assert_eq!(call.states()[1..], [(Cleared, "legal_threat")]);
}

#[test]
fn one_thank_you_is_enough_once_the_level_has_fallen() {
    let settings = EscalationSettings { clear_after_ms: 600_000, ..Default::default() };
    let mut call = Told::with(settings);
    call.customer(3, &[LegalThreat]).waits(120).customer(0, &[Gratitude]);
    assert_eq!(call.states()[1..], [(Cleared, "legal_threat")]);
}

#[test]
fn a_quiet_thank_you_ends_an_alert_after_calm_turns() {
    let mut call = Told::new();
    call.customer(3, &[SupervisorRequest]).says(AGENT, 1, 0, &[Apology]);
    call.says(CUSTOMER, 2, 0, &[]).says(AGENT, 1, 0, &[]);
    assert!(call.level() >= EscalationSettings::default().alert_leave);
    call.says(CUSTOMER, 2, 0, &[Gratitude]);
    assert_eq!((call.states().last().copied(), call.rule()), (Some((Cleared, "supervisor_request")), Rule::Reconciled));
}

#[test]
fn thanks_between_complaints_are_no_peace() {
    let mut call = Told::new();
    call.customer(3, &[LegalThreat]).agent(&[]).customer(0, &[Gratitude]);
    call.agent(&[]).customer(2, &[Anger]).agent(&[]).customer(0, &[Gratitude]);
    assert!(call.states().iter().all(|(state, _)| *state != Cleared), "{:?}", call.states());
}

#[test]
fn a_call_that_goes_on_quietly_is_cleared_after_a_while() {
    let mut call = Told::new();
    call.customer(3, &[LegalThreat]).waits(600);
    assert_eq!(call.states(), [(Raised, "legal_threat"), (Cleared, "legal_threat")]);
    let settings = EscalationSettings::default();
    let cleared_ms = call.changes[1].t_ms;
    assert!(call.escalation.level_at(cleared_ms - settings.clear_after_ms) < settings.alert_leave);
    assert!(call.escalation.level_at(cleared_ms - settings.clear_after_ms - 1) >= settings.alert_leave);
}

#[test]
fn thanks_never_clear_danger() {
    let mut call = Told::new();
    call.customer(3, &[SelfHarm]).agent(&[]).customer(0, &[Relief]).agent(&[]).customer(0, &[Relief, Gratitude]);
    assert_eq!(call.states(), [(Raised, "self_harm")]);
    call.waits(900);
    assert_eq!(call.states()[1..], [(Cleared, "self_harm")]);
}

#[test]
fn after_clearing_the_same_kind_waits_for_the_cool_down() {
    let mut call = Told::new();
    call.customer(3, &[SupervisorRequest]).agent(&[Apology]).customer(0, &[ApologyAccepted]);
    call.customer(3, &[SupervisorRequest]);
    assert_eq!(call.rule(), Rule::CoolDown);
    assert_eq!(call.states().len(), 2);
    call.customer(3, &[LegalThreat]);
    assert_eq!(call.states()[2], (Raised, "legal_threat"));
    assert_eq!(call.changes[2].id, 2);
}

#[test]
fn what_the_cool_down_withheld_is_raised_at_its_end_if_still_tense() {
    let settings = EscalationSettings { half_life_ms: 600_000, ..Default::default() };
    let mut call = Told::with(settings.clone());
    call.customer(3, &[SupervisorRequest]).agent(&[Apology]).customer(0, &[ApologyAccepted]);
    let cleared_ms = call.changes[1].t_ms;
    call.customer(3, &[SupervisorRequest]).customer(3, &[SupervisorRequest]).waits(120);
    assert_eq!(call.states()[2], (Raised, "supervisor_request"));
    assert_eq!(call.changes[2].t_ms, cleared_ms + settings.cool_down_ms);
}

#[test]
fn an_agent_soothes_but_erases_no_threat() {
    let mut call = Told::new();
    call.customer(3, &[LegalThreat]);
    for _ in 0..10 {
        call.says(AGENT, 0, 0, &[Apology, SolutionOffer, CueKind::SpecificEmpathy]);
    }
    let settings = EscalationSettings::default();
    assert!(call.level() >= settings.heated_enter, "{}", call.level());
    assert_eq!(call.states(), [(Raised, "legal_threat")]);

    let mut complaint = Told::new();
    complaint.customer(2, &[Dissatisfaction]);
    let before = complaint.level();
    complaint.says(AGENT, 0, 0, &[Apology, SolutionOffer]);
    let after = complaint.level();
    assert!(after < before);
    complaint.says(AGENT, 0, 0, &[Apology, SolutionOffer]);
    assert_eq!(complaint.level(), after, "the same offer soothes once");
}

#[test]
fn acknowledged_alerts_stay_open_and_may_rise_higher() {
    let mut call = Told::new();
    call.customer(2, &[ChurnThreat]);
    call.escalation.acknowledge(call.t_ms, 1, &mut call.changes).unwrap();
    call.escalation.acknowledge(call.t_ms, 1, &mut call.changes).unwrap();
    call.customer(3, &[LegalThreat]);
    let expected = [(Raised, "churn_threat"), (Acknowledged, "churn_threat"), (RaisedHigher, "legal_threat")];
    assert_eq!(call.states(), expected);
}

#[test]
fn a_snoozed_alert_is_silent_until_its_time_unless_something_more_serious_happens() {
    let mut call = Told::with(EscalationSettings { half_life_ms: 3_600_000, ..Default::default() });
    call.customer(3, &[SupervisorRequest]);
    call.escalation.snooze(call.t_ms, 1, call.t_ms + 120_000, &mut call.changes).unwrap();
    call.customer(3, &[SupervisorRequest]).customer(3, &[Insult]);
    assert_eq!(call.rule(), Rule::Snoozed);
    assert_eq!(call.states(), [(Raised, "supervisor_request"), (Snoozed, "supervisor_request")]);
    call.waits(300);
    assert_eq!(call.states()[2..], [(Raised, "supervisor_request")]);
    assert_eq!(call.changes[2].t_ms, 8_000 + 120_000);
    call.escalation.snooze(call.t_ms, 1, call.t_ms + 120_000, &mut call.changes).unwrap();
    call.customer(3, &[LegalThreat]);
    assert_eq!(call.states()[4], (RaisedHigher, "legal_threat"));
}

#[test]
fn a_call_that_calmed_down_while_snoozed_is_cleared_without_being_raised_again() {
    let mut call = Told::new();
    call.customer(3, &[SupervisorRequest]);
    call.escalation.snooze(call.t_ms, 1, call.t_ms + 400_000, &mut call.changes).unwrap();
    call.waits(500);
    let states: Vec<_> = call.changes.iter().map(|change| change.state).collect();
    assert_eq!(states, [Raised, Snoozed, Cleared]);
}

#[test]
fn a_dismissed_kind_does_not_rise_again_but_another_act_does() {
    let mut call = Told::new();
    call.customer(3, &[Insult]);
    call.escalation.dismiss(call.t_ms, 1, "false_alarm", &mut call.changes).unwrap();
    assert_eq!(call.changes[1].note.as_deref(), Some("false_alarm"));
    call.waits(300).customer(3, &[Insult]);
    assert_eq!(call.rule(), Rule::DismissedBefore);
    call.customer(2, &[Anger]).customer(2, &[Anger]).customer(2, &[Anger]);
    assert_eq!(call.states().len(), 2);
    call.customer(3, &[LegalThreat]);
    assert_eq!(call.states()[2], (Raised, "legal_threat"));
}

#[test]
fn danger_alerts_again_even_after_a_dismissal() {
    let mut call = Told::new();
    call.customer(3, &[ViolenceThreat]);
    call.escalation.dismiss(call.t_ms, 1, "false_alarm", &mut call.changes).unwrap();
    call.customer(3, &[ViolenceThreat]);
    assert_eq!(call.states()[1..], [(Dismissed, "violence_threat"), (Raised, "violence_threat")]);
}

#[test]
fn commands_on_alerts_that_are_not_open_say_why() {
    let mut call = Told::new();
    let mut none = Vec::new();
    assert_eq!(call.escalation.acknowledge(0, 1, &mut none), Err(AlertError::Unknown { id: 1 }));
    call.customer(3, &[Insult]);
    let now_ms = call.t_ms;
    let passed = call.escalation.snooze(now_ms, 1, now_ms, &mut none);
    assert_eq!(passed, Err(AlertError::UntilPassed { until_ms: now_ms, now_ms }));
    call.escalation.dismiss(now_ms, 1, "", &mut call.changes).unwrap();
    assert_eq!(call.escalation.dismiss(now_ms, 1, "", &mut none), Err(AlertError::Over { id: 1 }));
    assert_eq!(call.escalation.acknowledge(now_ms, 2, &mut none), Err(AlertError::Unknown { id: 2 }));
    assert_eq!(none, []);
}

#[test]
fn on_a_mixed_channel_only_threats_and_danger_count() {
    let mixed = Channel::Mixed;
    for kind in [SupervisorRequest, Insult, Anger] {
        let mut call = Told::new();
        call.says(mixed, 5, 3, &[kind]).says(mixed, 5, 3, &[kind]).says(mixed, 5, 3, &[kind]);
        assert_eq!((call.level(), call.states().len()), (0, 0), "{kind:?}");
        assert_eq!(call.rule(), Rule::ThreatsOnly);
    }
    for kind in [LegalThreat, CueKind::PublicityThreat, ChurnThreat, ViolenceThreat, SelfHarm] {
        let mut call = Told::new();
        call.says(mixed, 5, 0, &[kind]);
        assert_eq!(call.states(), [(Raised, kind.as_str())]);
    }
}

#[test]
fn what_the_text_model_found_alone_neither_alerts_nor_lifts_the_band() {
    let mut escalation = Escalation::new(&EscalationSettings::default(), Lang::De);
    let mut out = Vec::new();
    for (turn, kind) in [LegalThreat, SupervisorRequest, Insult, ChurnThreat, Anger].into_iter().enumerate() {
        let mut alone = reading(2, &[(kind, weight(kind))]);
        alone.entries = vec![crate::language::MODEL_ENTRY.to_owned()];
        alone.explanation.by_cues = 0;
        alone.severity_score = 1.0;
        // Far apart: one after the other they are tension.
        let t_ms = turn as u64 * 600_000;
        let assessment = escalation.utterance(t_ms, CUSTOMER, &alone, "Das sind Worte.", &mut out);
        assert_eq!((assessment.band, assessment.severity), (Band::Calm, Some(2)));
    }
    assert_eq!(out, []);
}

#[test]
fn several_utterances_that_sound_like_complaints_alert_though_no_pattern_says_so() {
    let mut call = Told::new();
    let mut sounds = reading(1, &[]);
    sounds.explanation.by_cues = 0;
    sounds.severity_score = 0.8;
    let mut says = |call: &mut Told, score: f32| {
        sounds.severity_score = score;
        call.t_ms += 15_000;
        call.escalation.utterance(call.t_ms, CUSTOMER, &sounds, "Das sind nun Worte.", &mut call.changes)
    };
    says(&mut call, 0.8);
    says(&mut call, 0.3);
    says(&mut call, 0.8);
    assert_eq!(call.states(), []);
    let last = says(&mut call, 0.8);
    assert_eq!((call.states(), last.explanation.rule), (vec![(Raised, "rising_tension")], Rule::SustainedTension));
    assert!(last.band >= Band::Tense);
    assert_eq!(call.changes[0].quote.as_deref(), Some("Das sind nun Worte."));
    says(&mut call, 0.9);
    assert_eq!(call.states().len(), 1, "it is open already");
}

#[test]
fn an_act_that_is_not_quite_believed_needs_a_call_that_is_not_calm() {
    let says = |call: &mut Told, kind: CueKind| {
        let mut doubted = reading(3, &[(kind, weight(kind))]);
        doubted.explanation.doubtful = true;
        call.t_ms += 10_000;
        call.escalation.utterance(call.t_ms, CUSTOMER, &doubted, "Mein Anwalt sagt das.", &mut call.changes)
    };
    let mut calm = Told::new();
    let first = says(&mut calm, LegalThreat);
    assert_eq!((first.explanation.rule, first.band, calm.states()), (Rule::DoubtedAct, Band::Tense, vec![]));
    says(&mut calm, LegalThreat);
    assert_eq!(calm.states(), [(Raised, "legal_threat")], "said again");
    let mut tense = Told::new();
    tense.customer(2, &[Dissatisfaction]);
    says(&mut tense, SupervisorRequest);
    assert_eq!(tense.states(), [(Raised, "supervisor_request")]);
}

#[test]
fn danger_reaches_tense_at_once_whoever_heard_it_and_on_which_channel() {
    for kind in [ViolenceThreat, SelfHarm] {
        for (channel, severity) in [(CUSTOMER, 0), (CUSTOMER, 3), (Channel::Mixed, 0)] {
            let mut call = Told::new();
            call.says(channel, 5, severity, &[kind]);
            assert_eq!((call.band(), call.states()), (Band::Critical, vec![(Raised, kind.as_str())]));
        }
        let mut alone = reading(0, &[(kind, weight(kind) / 3.0)]);
        alone.entries = vec![crate::language::MODEL_ENTRY.to_owned()];
        let mut call = Told::new();
        let heard = call.escalation.utterance(0, CUSTOMER, &alone, "Das sind Worte.", &mut call.changes);
        assert_eq!((heard.band, call.states()), (Band::Tense, vec![]), "shown, and no alert of its own");
    }
}

#[test]
fn what_the_text_model_found_alone_raises_no_open_alert_higher() {
    let mut call = Told::new();
    call.customer(3, &[SupervisorRequest]);
    let band = call.escalation.band_at(call.t_ms);
    let mut alone = reading(2, &[(Anger, weight(Anger))]);
    alone.entries = vec![crate::language::MODEL_ENTRY.to_owned()];
    alone.explanation.by_cues = 0;
    for _ in 0..4 {
        call.escalation.utterance(call.t_ms, CUSTOMER, &alone, "Das sind Worte.", &mut call.changes);
    }
    assert_eq!(call.states(), [(Raised, "supervisor_request")]);
    assert!(call.escalation.band_at(call.t_ms) <= band.max(Band::Heated));
}

#[test]
fn weights_that_are_no_numbers_and_long_texts_do_no_harm() {
    let mut escalation = Escalation::new(&EscalationSettings::default(), Lang::En);
    let mut out = Vec::new();
    for weight in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30] {
        let mut broken = reading(2, &[(Anger, weight), (Gratitude, weight)]);
        broken.severity_score = f32::NAN;
        let assessment = escalation.utterance(u64::MAX, CUSTOMER, &broken, &"ä ".repeat(50_000), &mut out);
        assert!(assessment.level <= 100);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Says { speaker: Channel, after_ms: u64, severity: u8, kinds: Vec<CueKind> },
    Acknowledge(u32),
    Snooze(u32, u64),
    Dismiss(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let channel = prop_oneof![6 => Just(CUSTOMER), 3 => Just(AGENT), 1 => Just(Channel::Mixed)];
    let kinds = prop::collection::vec(prop::sample::select(CueKind::ALL), 0..4);
    let says = (channel, 0..90_000_u64, 0..4_u8, kinds).prop_map(|(speaker, after_ms, severity, kinds)| Step::Says {
        speaker,
        after_ms,
        severity,
        kinds,
    });
    prop_oneof![
        16 => says,
        1 => (1..4_u32).prop_map(Step::Acknowledge),
        1 => ((1..4_u32), 0..200_000_u64).prop_map(|(id, for_ms)| Step::Snooze(id, for_ms)),
        1 => (1..4_u32).prop_map(Step::Dismiss),
    ]
}

/// Plays the steps; `ticks` tells time in between, at these fractions (of 1000) of each pause.
fn play(steps: &[Step], ticks: &[u64]) -> (Vec<Assessment>, Vec<AlertChange>) {
    let mut escalation = Escalation::new(&EscalationSettings::default(), Lang::De);
    let (mut t_ms, mut assessments, mut changes) = (0, Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Says { speaker, after_ms, severity, kinds } => {
                for tick in ticks {
                    escalation.tick(t_ms + after_ms * tick / 1000, &mut changes);
                    assert!(escalation.next_deadline().is_none_or(|at_ms| at_ms > t_ms + after_ms * tick / 1000));
                }
                t_ms += after_ms;
                let cues: Vec<_> = kinds.iter().map(|kind| (*kind, weight(*kind))).collect();
                let read = reading(*severity, &cues);
                assessments.push(escalation.utterance(t_ms, *speaker, &read, "ein Satz mit Wörtern", &mut changes));
            }
            Step::Acknowledge(id) => drop(escalation.acknowledge(t_ms, *id, &mut changes)),
            Step::Snooze(id, for_ms) => drop(escalation.snooze(t_ms, *id, t_ms + for_ms, &mut changes)),
            Step::Dismiss(id) => drop(escalation.dismiss(t_ms, *id, "no", &mut changes)),
        }
    }
    (assessments, changes)
}

proptest! {
    #[test]
    fn telling_time_in_between_changes_nothing(
        steps in prop::collection::vec(step(), 1..40),
        mut ticks in prop::collection::vec(0..=1000_u64, 0..5),
    ) {
        ticks.sort_unstable();
        prop_assert_eq!(play(&steps, &[]), play(&steps, &ticks));
    }

    #[test]
    fn levels_stay_in_range_and_every_point_is_explained(steps in prop::collection::vec(step(), 1..40)) {
        let (assessments, _) = play(&steps, &[]);
        let mut before_milli = 0;
        for assessment in assessments {
            prop_assert!(assessment.level <= 100);
            let explanation = &assessment.explanation;
            prop_assert_eq!(explanation.before_milli, before_milli);
            let parts: i64 = explanation.parts.iter().map(|part| part.points_milli).sum();
            before_milli = explanation.before_milli + parts;
            prop_assert_eq!(i64::from(assessment.level), before_milli / 1000);
            prop_assert!(explanation.parts.iter().all(|part| part.points_milli != 0));
        }
    }

    #[test]
    fn one_alert_is_open_and_its_states_follow_the_rule(steps in prop::collection::vec(step(), 1..60)) {
        let (_, changes) = play(&steps, &[]);
        let mut open: Option<(u32, AlertState)> = None;
        let (mut raised, mut last_ms) = (0, 0);
        for change in &changes {
            prop_assert!(change.t_ms >= last_ms, "times never go back");
            last_ms = change.t_ms;
            prop_assert!(!change.reason.is_empty());
            match (change.state, open) {
                (Raised, None) => {
                    raised += 1;
                    prop_assert_eq!(change.id, raised);
                }
                (Raised, Some((id, state))) => {
                    prop_assert_eq!(change.id, id);
                    prop_assert_eq!(state, Snoozed, "only the end of a snooze raises an open alert again");
                }
                (_, None) => prop_assert!(false, "{:?} without an open alert", change.state),
                (_, Some((id, _))) => prop_assert_eq!(change.id, id),
            }
            let over = matches!(change.state, Cleared | Dismissed);
            open = if over { None } else { Some((change.id, change.state)) };
        }
    }

    #[test]
    fn danger_always_has_an_open_alert_that_was_told(
        steps in prop::collection::vec(step(), 0..30),
        kind in prop::sample::select(vec![ViolenceThreat, SelfHarm]),
        speaker in prop::sample::select(vec![CUSTOMER, Channel::Mixed]),
        severity in 0..4_u8,
    ) {
        let mut steps = steps;
        steps.push(Step::Says { speaker, after_ms: 1_000, severity, kinds: vec![kind] });
        let (assessments, changes) = play(&steps, &[]);
        prop_assert_eq!(assessments.last().unwrap().band, Band::Critical);
        let open = changes.last().unwrap();
        prop_assert!(!matches!(open.state, Cleared | Dismissed));
        let told = changes.iter().any(|change| {
            change.id == open.id && matches!(change.state, Raised | RaisedHigher) && change.kind == AlertKind::Act(kind)
        });
        prop_assert!(told, "{:?}", changes);
    }

    #[test]
    fn the_level_only_falls_while_nobody_speaks(steps in prop::collection::vec(step(), 1..20)) {
        let mut escalation = Escalation::new(&EscalationSettings::default(), Lang::De);
        let (mut t_ms, mut out) = (0, Vec::new());
        for step in &steps {
            if let Step::Says { speaker, after_ms, severity, kinds } = step {
                let mut last = (escalation.level_at(t_ms), escalation.band_at(t_ms));
                for part in 0..=10 {
                    let now = (escalation.level_at(t_ms + after_ms * part / 10), escalation.band_at(t_ms + after_ms * part / 10));
                    prop_assert!(now.0 <= last.0 && now.1 <= last.1);
                    last = now;
                }
                t_ms += after_ms;
                let cues: Vec<_> = kinds.iter().map(|kind| (*kind, weight(*kind))).collect();
                escalation.utterance(t_ms, *speaker, &reading(*severity, &cues), "ein Satz mit Wörtern", &mut out);
            }
        }
    }
}
