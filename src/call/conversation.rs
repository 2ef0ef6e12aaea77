//! What is said, made sense of: each utterance is read, weighed and coached.
//!
//! Used by a [`Call`](crate::call::Call) for live audio and transcripts, and by `ruhepol score` for plain text.
//! All times are active milliseconds (media clock less holds).

use std::sync::Arc;

use crate::call::escalation::{AlertChange, Assessment, Escalation, EscalationSettings, counts_on_mixed};
use crate::call::{AlertCommand, CallInfo, Facts, view};
use crate::coach::playbook::Playbook;
use crate::coach::{Answer, CallFacts, Coach, CoachOutput, Habits, ShiftSoFar, Utterance};
use crate::language::{Language, Names, Reading};
use crate::terms::{AlertKind, AlertState, Band, Channel, Lang, Span};

/// The cues and the playbook in force: data, loaded and checked, shared by all calls.
#[derive(Debug)]
pub struct Rules {
    pub language: Language,
    pub playbook: Playbook,
    /// Names both in `call_started`: changes with every change to a cue or playbook file.
    pub hash: String,
}

impl Rules {
    pub fn new(language: Language, playbook: Playbook) -> Self {
        let hash = format!("{:016x}-{}", language.hash(), playbook.hash());
        Self { language, playbook, hash }
    }
}

/// The sense made of one utterance.
#[derive(Debug)]
pub struct Heard {
    pub reading: Reading,
    pub assessment: Assessment,
    pub alerts: Vec<AlertChange>,
    pub coached: Vec<CoachOutput>,
}

/// The state of one conversation.
#[derive(Debug)]
pub struct Conversation {
    rules: Arc<Rules>,
    lang: Lang,
    facts: CallFacts,
    escalation: Escalation,
    coach: Coach,
}

impl Conversation {
    /// A conversation that begins at wall clock `unix_ms`, and what the coach says at its start.
    pub fn new(
        rules: Arc<Rules>,
        settings: &EscalationSettings,
        info: &CallInfo,
        unix_ms: u64,
    ) -> (Self, Vec<CoachOutput>) {
        let mut facts = CallFacts {
            queue: info.queue.clone(),
            variation: variation(&info.call),
            shift: info.shift.clone(),
            ..CallFacts::default()
        };
        add_facts(&mut facts, &info.facts, unix_ms);
        let escalation = Escalation::new(settings, info.lang);
        let (coach, coached) = Coach::new(&rules.playbook, info.lang, facts.clone(), info.habits.clone());
        (Self { rules, lang: info.lang, facts, escalation, coach }, coached)
    }

    /// Facts that came late; what they do not name stays as it was. Another queue brings its own practices. `unix_ms` is
    /// when the call began.
    pub fn facts(&mut self, now_ms: u64, facts: &Facts, unix_ms: u64) -> Vec<CoachOutput> {
        add_facts(&mut self.facts, facts, unix_ms);
        self.coach.know(self.facts.clone());
        self.coach.follow(now_ms, self.rules.playbook.for_queue(self.facts.queue.as_deref()))
    }

    /// What is said from now on is in this language.
    pub fn speak(&mut self, lang: Lang) {
        self.lang = lang;
        self.escalation.speak(lang);
        self.coach.speak(lang);
    }

    /// Other thresholds from now on.
    pub fn set_thresholds(&mut self, settings: &EscalationSettings) {
        self.escalation.set_thresholds(settings);
    }

    /// Another agent, or one that has become known.
    pub fn set_agent(&mut self, now_ms: u64, habits: Habits, shift: ShiftSoFar) -> Vec<CoachOutput> {
        self.facts.shift = shift;
        self.coach.forget_agent();
        self.coach.meet(now_ms, habits, self.facts.clone())
    }

    /// An utterance spoken during `span` and understood at `now_ms`.
    pub fn utterance(&mut self, now_ms: u64, span: Span, speaker: Channel, text: &str) -> Heard {
        let names = Names { customer: self.facts.customer_name.as_deref() };
        let reading = self.rules.language.read(self.lang, speaker, text, &names);
        self.utterance_read(now_ms, span, speaker, text, reading)
    }

    /// The same with a reading made elsewhere: labels of people, when the rules alone are measured.
    pub fn utterance_read(
        &mut self,
        now_ms: u64,
        span: Span,
        speaker: Channel,
        text: &str,
        mut reading: Reading,
    ) -> Heard {
        if speaker == Channel::Mixed {
            // Who said it is not known: only danger and threats count.
            reading.cues.retain(|cue| counts_on_mixed(cue.kind));
        }
        let mut alerts = Vec::new();
        let assessment = self.escalation.utterance(span.end_ms, speaker, &reading, text, &mut alerts);
        let utterance = Utterance {
            channel: speaker,
            span,
            text,
            cues: &reading.cues,
            severity: reading.severity,
            level: assessment.level,
            band: assessment.band,
            alerts: alerts.iter().any(is_raised),
        };
        let coached = self.coach.utterance(now_ms, utterance);
        Heard { reading, assessment, alerts, coached }
    }

    /// Somebody began or stopped speaking at `at_ms`, known at `now_ms`.
    pub fn speech(&mut self, now_ms: u64, channel: Channel, speaking: bool, at_ms: u64) -> Vec<CoachOutput> {
        self.coach.speech(now_ms, channel, speaking, at_ms)
    }

    /// Lets time pass.
    pub fn advance(&mut self, now_ms: u64) -> (Vec<AlertChange>, Vec<CoachOutput>) {
        let mut alerts = Vec::new();
        self.escalation.tick(now_ms, &mut alerts);
        (alerts, self.coach.advance(now_ms))
    }

    /// When [`Self::advance`] has something to do.
    pub fn next_deadline(&self) -> Option<u64> {
        [self.escalation.next_deadline(), self.coach.next_deadline()].into_iter().flatten().min()
    }

    /// What fits an alert that was raised, or raised higher.
    pub fn alert_raised(&mut self, now_ms: u64, kind: AlertKind) -> Vec<CoachOutput> {
        self.coach.alert_raised(now_ms, kind)
    }

    /// A supervisor's command; nothing changes when the alert is over or never was.
    pub fn alert_command(&mut self, now_ms: u64, alert: u32, command: &AlertCommand) -> Vec<AlertChange> {
        let mut changes = Vec::new();
        let outcome = match command {
            AlertCommand::Acknowledge => self.escalation.acknowledge(now_ms, alert, &mut changes),
            AlertCommand::Dismiss { reason } => self.escalation.dismiss(now_ms, alert, reason, &mut changes),
            AlertCommand::Snooze { minutes } => {
                let until_ms = now_ms + u64::from(*minutes) * 60_000;
                self.escalation.snooze(now_ms, alert, until_ms, &mut changes)
            }
        };
        // The sender is told by the event it waits for, or by its absence.
        drop(outcome);
        changes
    }

    /// Nobody took an open alert for `waited_ms`; nothing changes when it is over or somebody did.
    pub fn alert_not_taken(&mut self, now_ms: u64, alert: u32, waited_ms: u64) -> Vec<AlertChange> {
        let mut changes = Vec::new();
        // An alert that is over needs nobody.
        let _ = self.escalation.not_taken(now_ms, alert, waited_ms, &mut changes);
        changes
    }

    /// The agent's answer to a prompt.
    pub fn answer(&mut self, now_ms: u64, prompt: u64, answer: Answer) -> Vec<CoachOutput> {
        self.coach.answer(now_ms, prompt, answer)
    }

    /// The agent erased what is kept of them.
    pub fn forget_agent(&mut self) {
        self.facts.shift = ShiftSoFar::default();
        self.coach.forget_agent();
    }

    /// A hold of `held_ms` is over.
    pub fn hold_ended(&mut self, now_ms: u64, held_ms: u64) -> Vec<CoachOutput> {
        self.coach.hold_ended(now_ms, held_ms)
    }

    /// The call is over.
    pub fn end(&mut self, now_ms: u64) -> Vec<CoachOutput> {
        self.coach.end(now_ms)
    }

    /// Points that how the customer sounds may add to the level from now on.
    pub fn sound(&mut self, points: u8) {
        self.escalation.sound(points);
    }

    /// Sets the level to one that was recorded at `now_ms`, where living through the log again came to another.
    pub fn set_level(&mut self, now_ms: u64, level: u8) {
        self.escalation.set_level(now_ms, level);
    }

    /// Makes `open` (its number and state) the alert that is open, the last of `alerts` raised so far.
    pub fn adopt_alert(&mut self, now_ms: u64, alerts: u32, open: Option<(u32, view::OpenAlert)>) {
        self.escalation.adopt_alert(now_ms, alerts, open);
    }

    /// What the coach has seen of the course of the call.
    pub fn coach(&self) -> &Coach {
        &self.coach
    }

    /// Escalation, 0 to 100, at a time not before the last utterance.
    pub fn level(&self, now_ms: u64) -> u8 {
        self.escalation.level_at(now_ms)
    }

    pub fn band(&self, now_ms: u64) -> Band {
        self.escalation.band_at(now_ms)
    }
}

/// Whether an alert was raised, or raised higher.
pub fn is_raised(change: &AlertChange) -> bool {
    matches!(change.state, AlertState::Raised | AlertState::RaisedHigher)
}

/// The same number for the same call, spread evenly over calls (32-bit FNV-1a).
fn variation(call: &str) -> u32 {
    call.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn add_facts(known: &mut CallFacts, facts: &Facts, unix_ms: u64) {
    if facts.customer_name.is_some() {
        known.customer_name.clone_from(&facts.customer_name);
    }
    if facts.queue.is_some() {
        known.queue.clone_from(&facts.queue);
    }
    known.wait_s = facts.wait_s.or(known.wait_s);
    if let Some(started) = facts.shift_started_unix_ms {
        known.shift_before_call_ms = Some(unix_ms.saturating_sub(started));
    }
    known.metadata.extend(facts.metadata.iter().cloned());
}
