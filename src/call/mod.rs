//! One live call as a machine without I/O.
//!
//! Audio, transcripts, commands and time go in through [`Call::handle`]; speech to transcribe and [`Event`]s come
//! out. The call owns the media clock: it runs with the audio (or, for sessions that only bring transcripts,
//! with [`Input::Tick`]), also during hold; decay and timers run on *active* time, which stands still on hold.

pub mod acoustic;
mod clock;
pub mod conversation;
pub mod endpointing;
pub mod escalation;
pub mod event;
pub mod lanes;
mod ports;
mod take_up;
pub mod transcript;
pub mod view;
pub mod voice;

pub use self::ports::{AgentChannel, AlertCommand, CallInfo, CallSettings, DetectorKind, Facts, Input, Output};

use std::sync::Arc;

use self::acoustic::{Ear, SoundChange};
use self::clock::Clock;
use crate::call::conversation::{Conversation, Heard, Rules, is_raised};
use crate::call::endpointing::{Endpoint, SpeechSegment};
use crate::call::escalation::{AlertChange, Assessment, Rule};
use crate::call::event::{CallSummary, EndReason, Event, EventKind, Log, SoundPart, rfc3339};
use crate::call::lanes::{Flush, Lanes, Missing};
use crate::call::transcript::Transcripts;
use crate::coach::{CoachOutput, PromptState};
use crate::language::redact::Redactor;
use crate::terms::{AlertState, Band, Channel, DropReason, Lang, Outcome, SAMPLES_PER_MS, Span};

/// A hole in the audio shorter than this (milliseconds) is jitter, not an event.
const GAP_MIN_MS: u64 = 60;

/// After so long without audio (milliseconds) the line may be another one, with a loudness of its own.
const LINE_LOST_MS: u64 = 2_000;

/// Transcription later than this (milliseconds of media clock) is said in the log, and again at most this often.
const LAG_MS: u64 = 5_000;

/// Numbers of prompts and suggestions used up before the call was taken up again.
#[derive(Debug, Clone, Copy, Default)]
struct ToldBefore {
    prompts: u64,
    suggestions: u64,
}

/// An alert that nobody has taken yet.
#[derive(Debug, Clone, Copy)]
struct Untaken {
    alert: u32,
    /// Media clock.
    since_ms: u64,
}

/// One live call.
pub struct Call {
    info: CallInfo,
    settings: CallSettings,
    conversation: Conversation,
    redactor: Redactor,
    lanes: Lanes,
    transcripts: Transcripts,
    /// How the customer sounds, if that is observed.
    ear: Option<Ear>,
    next_segment: u64,
    clock: Clock,
    /// Wall clock of the input being handled.
    unix_ms: u64,
    started_unix_ms: u64,
    consent: bool,
    lag_said_ms: Option<u64>,
    seq: [u64; 2],
    told_before: ToldBefore,
    band: Band,
    /// Until it has been raised higher for that.
    untaken: Option<Untaken>,
    summary: CallSummary,
    ending: Option<EndReason>,
    ended: bool,
}

impl Call {
    /// A call that begins now; writes `call_started`.
    pub fn start(
        info: CallInfo,
        rules: Arc<Rules>,
        settings: CallSettings,
        unix_ms: u64,
        out: &mut Vec<Output>,
    ) -> Self {
        let started = EventKind::CallStarted {
            agent: info.agent.clone(),
            queue: info.queue.clone(),
            team: info.team.clone(),
            language: info.lang,
            rules: rules.hash.clone(),
        };
        let (conversation, coached) = Conversation::new(rules, &settings.escalation, &info, unix_ms);
        let mut redactor = Redactor::new(info.lang, settings.redact_names);
        info.facts.customer_name.iter().for_each(|name| redactor.know_name(name));
        let lanes = Lanes::new(settings.endpointing.clone(), settings.detector.clone());
        let ear = settings.acoustic.map(|_| Ear::default());
        let mut call = Self {
            info,
            settings,
            conversation,
            redactor,
            lanes,
            transcripts: Transcripts::default(),
            ear,
            next_segment: 1,
            clock: Clock::default(),
            unix_ms,
            started_unix_ms: unix_ms,
            consent: true,
            lag_said_ms: None,
            seq: [0; 2],
            told_before: ToldBefore::default(),
            band: Band::Calm,
            untaken: None,
            summary: CallSummary::default(),
            ending: None,
            ended: false,
        };
        call.emit(Log::Call, started, out);
        call.coached(coached, None, out);
        call
    }

    /// Takes one input at wall clock `unix_ms` (milliseconds since 1970). Every input has a defined outcome;
    /// after the end all are ignored.
    pub fn handle(&mut self, unix_ms: u64, input: Input, out: &mut Vec<Output>) {
        if self.ended {
            return;
        }
        self.unix_ms = unix_ms;
        match input {
            Input::Audio { at, lanes } => self.audio(at, lanes, out),
            Input::Gap { until_ms } => self.gap(until_ms, out),
            Input::EndChannel { channel } => self.end_channel(channel, out),
            Input::Transcript(transcript) => self.transcripts.answer(transcript.segment, transcript.outcome),
            Input::Utterance { channel, span, text } => {
                self.advance_clock(span.end_ms, out);
                if self.listening() {
                    self.utterance(channel, span, text, None, out);
                }
            }
            Input::Hold => self.hold(out),
            Input::Resume { t_ms } => self.resume(t_ms, out),
            Input::Consent { given } => self.consent(given, out),
            Input::Facts(facts) => self.facts(facts, out),
            Input::Language(lang) => self.speak(lang, out),
            Input::Queue { escalation, unacknowledged_ms, observed } => {
                self.conversation.set_thresholds(&escalation);
                self.settings.unacknowledged_ms = unacknowledged_ms;
                if !observed {
                    self.ear.iter_mut().for_each(Ear::lose_beginning);
                }
            }
            Input::Agent { habits, shift } => {
                let coached = self.conversation.set_agent(self.clock.active_ms(), *habits, *shift);
                self.coached(coached, None, out);
            }
            Input::Tick { t_ms } => self.advance_clock(t_ms, out),
            Input::Alert { alert, command, by } => self.alert_command(alert, &command, by, out),
            Input::Note { by, text } => {
                let text = self.redactor.aside(&text);
                self.emit(Log::Call, EventKind::Note { by, text }, out);
            }
            Input::Whisper { from, text } => self.emit(Log::Agent, EventKind::Whisper { from, text }, out),
            Input::Watching { who, on } => self.emit(Log::Agent, EventKind::Watching { who, on }, out),
            Input::Prompt { prompt, answer } => {
                let number = self.number_of(&prompt, 'p');
                if let Some(number) = number.and_then(|number| number.checked_sub(self.told_before.prompts)) {
                    let coached = self.conversation.answer(self.clock.active_ms(), number, answer);
                    self.coached(coached, None, out);
                }
            }
            Input::ForgetAgent => self.conversation.forget_agent(),
            Input::End { reason } => self.end(reason, out),
            Input::Abandon => self.abandon(out),
        }
        self.tell(out);
        if self.ending.is_some() && self.transcripts.is_empty() {
            self.finish(out);
        }
    }

    /// Media clock, milliseconds since the start of the call.
    pub fn t_ms(&self) -> u64 {
        self.clock.t_ms()
    }

    /// Index of the sample a channel expects next; a channel not heard so far starts at the media clock.
    pub fn position(&self, channel: Channel) -> u64 {
        self.lanes.position(channel, self.clock.t_ms())
    }

    /// Media clock at which an [`Input::Tick`] would have something to do.
    pub fn next_deadline(&self) -> Option<u64> {
        let talk = self.conversation.next_deadline().filter(|_| !self.clock.is_held());
        let talk = talk.map(|active_ms| active_ms + self.clock.held_ms());
        [talk, self.transcripts.next_deadline(), self.untaken_until()].into_iter().flatten().min()
    }

    /// Whether `call_ended` was written.
    pub fn ended(&self) -> bool {
        self.ended
    }

    pub fn info(&self) -> &CallInfo {
        &self.info
    }

    /// What has been said so far of an utterance that is going on; `None` where nobody speaks or may be heard, or where
    /// words are not for others.
    pub fn so_far(&self, channel: Channel) -> Option<SpeechSegment> {
        let shown = channel != Channel::Agent || self.settings.agent_channel == AgentChannel::Full;
        (shown && self.listening()).then(|| self.lanes.so_far(channel)).flatten()
    }

    /// Words of an utterance that is still going on as they may be shown. Nothing of them is kept.
    pub fn interim(&self, channel: Channel, text: &str) -> String {
        self.redactor.clone().utterance(channel, text).text
    }

    /// Utterances so far, of all parties.
    pub fn utterances(&self) -> u32 {
        self.summary.customer_utterances + self.summary.agent_utterances
    }

    fn listening(&self) -> bool {
        self.consent && !self.clock.is_held() && self.ending.is_none()
    }

    fn audio(&mut self, at: u64, lanes: Vec<(Channel, Vec<f32>)>, out: &mut Vec<Output>) {
        if !self.listening() {
            let mut last = 0;
            for (channel, samples) in &lanes {
                self.lanes.ignore(*channel, at, samples.len(), self.clock.t_ms());
                last = last.max(at + samples.len() as u64);
            }
            self.advance_clock(last / SAMPLES_PER_MS, out);
            return;
        }
        let mut endpoints = Vec::new();
        for (channel, samples) in &lanes {
            let missing = self.lanes.append(*channel, at, samples, self.clock.t_ms(), &mut endpoints);
            self.endpoints(*channel, &mut endpoints, out);
            if let Some(missing) = missing.filter(|missing| missing.duration_ms >= GAP_MIN_MS) {
                self.line_changed(missing.duration_ms);
                let Missing { start_ms, duration_ms } = missing;
                self.emit(Log::Call, EventKind::Gap { channel: Some(*channel), start_ms, duration_ms }, out);
            }
        }
        while let Some((channel, t_ms)) = self.lanes.step(&mut endpoints) {
            self.advance_clock(t_ms, out);
            self.endpoints(channel, &mut endpoints, out);
        }
    }

    fn gap(&mut self, until_ms: u64, out: &mut Vec<Output>) {
        let start_ms = self.clock.t_ms();
        let mut endpoints = Vec::new();
        for channel in self.lanes.channels() {
            self.lanes.skip_to(channel, until_ms * SAMPLES_PER_MS, &mut endpoints);
            self.endpoints(channel, &mut endpoints, out);
        }
        self.advance_clock(until_ms, out);
        let duration_ms = until_ms.saturating_sub(start_ms);
        if duration_ms >= GAP_MIN_MS {
            self.line_changed(duration_ms);
            self.emit(Log::Call, EventKind::Gap { channel: None, start_ms, duration_ms }, out);
        }
    }

    fn end_channel(&mut self, channel: Channel, out: &mut Vec<Output>) {
        if !self.listening() {
            return;
        }
        let mut endpoints = Vec::new();
        if let Some(t_ms) = self.lanes.flush(channel, Flush::End, &mut endpoints) {
            self.advance_clock(t_ms, out);
        }
        self.endpoints(channel, &mut endpoints, out);
    }

    fn facts(&mut self, facts: Facts, out: &mut Vec<Output>) {
        let changed = |new: &Option<String>, old: &mut Option<String>| {
            let new = new.clone().filter(|new| Some(new) != old.as_ref())?;
            old.replace(new.clone());
            Some(new)
        };
        let agent = changed(&facts.agent, &mut self.info.agent);
        let queue = changed(&facts.queue, &mut self.info.queue);
        let team = changed(&facts.team, &mut self.info.team);
        facts.customer_name.iter().for_each(|name| self.redactor.know_name(name));
        let coached = self.conversation.facts(self.clock.active_ms(), &facts, self.started_unix_ms);
        if agent.is_some() || queue.is_some() || team.is_some() {
            self.emit(Log::Call, EventKind::CallFacts { agent, queue, team, language: None }, out);
        }
        self.coached(coached, None, out);
    }

    /// What is said from now on is read in another language; what is being transcribed keeps the one it began with.
    fn speak(&mut self, lang: Lang, out: &mut Vec<Output>) {
        if lang == self.info.lang {
            return;
        }
        self.speak_quietly(lang);
        let (agent, queue, team) = (None, None, None);
        self.emit(Log::Call, EventKind::CallFacts { agent, queue, team, language: Some(lang) }, out);
    }

    fn speak_quietly(&mut self, lang: Lang) {
        self.info.lang = lang;
        self.redactor.speak(lang);
        self.conversation.speak(lang);
    }

    fn endpoints(&mut self, channel: Channel, endpoints: &mut Vec<Endpoint>, out: &mut Vec<Output>) {
        for endpoint in endpoints.drain(..) {
            match endpoint {
                Endpoint::SpeechStarted { at_ms } => self.speech(channel, true, at_ms, out),
                Endpoint::SpeechStopped { at_ms } => self.speech(channel, false, at_ms, out),
                Endpoint::Segment(speech) => self.segment(channel, speech, out),
            }
        }
    }

    fn speech(&mut self, channel: Channel, speaking: bool, at_ms: u64, out: &mut Vec<Output>) {
        out.push(Output::Speech { channel, speaking, at_ms });
        let coached = self.conversation.speech(self.clock.active_ms(), channel, speaking, self.clock.active_at(at_ms));
        self.coached(coached, None, out);
    }

    fn segment(&mut self, channel: Channel, speech: SpeechSegment, out: &mut Vec<Output>) {
        if channel == Channel::Agent && self.settings.agent_channel == AgentChannel::Off {
            self.summary.agent_utterances += 1;
            self.emit(Log::Call, said(channel, speech.span, None, None), out);
            return;
        }
        self.sound(channel, &speech, out);
        let segment = self.next_segment;
        self.next_segment += 1;
        self.transcripts.expect(segment, channel, speech.span, self.clock.t_ms());
        out.push(Output::Transcribe { segment, channel, heated: self.band >= Band::Heated, speech });
    }

    /// Tells what has changed in how the customer sounds.
    fn sound(&mut self, channel: Channel, speech: &SpeechSegment, out: &mut Vec<Output>) {
        let (Some(ear), Some(settings)) = (&mut self.ear, &self.settings.acoustic) else { return };
        let changes = ear.hear(channel, speech);
        if changes.is_empty() {
            return;
        }
        let points = if ear.sounds().is_empty() { 0 } else { settings.level_points };
        self.conversation.sound(points);
        for SoundChange { sound, on, change } in changes {
            let text = sound.text(on, self.info.lang).to_owned();
            self.emit(Log::Call, EventKind::Observation { sound, on, text, change }, out);
        }
    }

    /// The line between the customer and us may be another one now.
    fn line_changed(&mut self, missing_ms: u64) {
        if let Some(ear) = self.ear.as_mut().filter(|_| missing_ms >= LINE_LOST_MS) {
            ear.line_changed();
        }
    }

    /// Moves the media clock on and does what has come due.
    fn advance_clock(&mut self, t_ms: u64, out: &mut Vec<Output>) {
        if !self.clock.advance(t_ms) {
            return;
        }
        if self.transcripts.next_deadline().is_some_and(|due| due <= t_ms) {
            self.tell(out);
        }
        self.lag(out);
        if !self.clock.is_held() {
            let active_ms = self.clock.active_at(t_ms);
            if self.conversation.next_deadline().is_some_and(|due| due <= active_ms) {
                let (alerts, coached) = self.conversation.advance(active_ms);
                self.alerts(alerts, out);
                self.coached(coached, None, out);
            }
            self.band(out);
        }
        self.rise(out);
    }

    /// Media clock at which the open alert has waited long enough for somebody.
    fn untaken_until(&self) -> Option<u64> {
        let waits = self.consent && self.ending.is_none();
        Some(self.untaken.filter(|_| waits)?.since_ms.saturating_add(self.settings.unacknowledged_ms?))
    }

    /// Raises an alert higher that nobody took, once.
    fn rise(&mut self, out: &mut Vec<Output>) {
        let t_ms = self.clock.t_ms();
        if self.untaken_until().is_none_or(|until_ms| t_ms < until_ms) {
            return;
        }
        let Some(Untaken { alert, since_ms }) = self.untaken.take() else { return };
        let (active_ms, waited_ms) = (self.clock.active_ms(), t_ms - since_ms);
        for change in self.conversation.alert_not_taken(active_ms, alert, waited_ms) {
            let waited_ms = (change.rule == Rule::NotTaken).then_some(waited_ms);
            self.watch_for_takers(&change);
            let id = format!("{}:a{}", self.info.call, change.id);
            self.emit(Log::Call, alert_event(change, id, None, waited_ms, self.unix_ms, active_ms), out);
        }
    }

    /// Keeps since when an alert waits for somebody.
    fn watch_for_takers(&mut self, change: &AlertChange) {
        let since_ms = self.clock.t_ms();
        self.untaken = match change.state {
            AlertState::Raised | AlertState::RaisedHigher if change.rule == Rule::NotTaken => None,
            AlertState::Raised | AlertState::RaisedHigher => {
                self.untaken.or(Some(Untaken { alert: change.id, since_ms }))
            }
            _ => None,
        };
    }

    /// Says when transcription falls behind the call, and once when it has caught up.
    fn lag(&mut self, out: &mut Vec<Output>) {
        let oldest = self.transcripts.unanswered().map(|slot| slot.cut_ms).min();
        let lag_ms = oldest.map_or(0, |cut_ms| self.clock.t_ms().saturating_sub(cut_ms));
        let due = match self.lag_said_ms {
            None => lag_ms >= LAG_MS,
            Some(_) if lag_ms < LAG_MS => true,
            Some(said_ms) => self.clock.t_ms() - said_ms >= LAG_MS,
        };
        if due {
            self.lag_said_ms = (lag_ms >= LAG_MS).then_some(self.clock.t_ms());
            let lag_ms = if lag_ms >= LAG_MS { lag_ms } else { 0 };
            self.emit(Log::Call, EventKind::Lagging { lag_ms }, out);
        }
    }

    /// Tells the transcripts whose turn has come.
    fn tell(&mut self, out: &mut Vec<Output>) {
        for (slot, outcome) in self.transcripts.release(self.clock.t_ms()) {
            match outcome {
                Outcome::Text { text, confidence } => {
                    self.utterance(slot.channel, slot.span, text, Some(confidence), out);
                }
                Outcome::Nothing => {}
                Outcome::Dropped { reason } => {
                    self.summary.speech_dropped += 1;
                    let Span { start_ms, end_ms } = slot.span;
                    let reason = reason.as_str().to_owned();
                    let dropped = EventKind::SpeechDropped { channel: slot.channel, start_ms, end_ms, reason };
                    self.emit(Log::Call, dropped, out);
                }
            }
        }
    }

    fn utterance(
        &mut self,
        channel: Channel,
        span: Span,
        text: String,
        confidence: Option<f32>,
        out: &mut Vec<Output>,
    ) {
        if channel == Channel::Agent && self.settings.agent_channel == AgentChannel::Off {
            self.summary.agent_utterances += 1;
            self.emit(Log::Call, said(channel, span, None, confidence), out);
            return;
        }
        let redacted = self.redactor.utterance(channel, &text);
        let text = if channel == Channel::Agent {
            self.summary.agent_utterances += 1;
            let shown = (self.settings.agent_channel == AgentChannel::Full).then_some(redacted.text);
            self.emit(Log::Call, said(channel, span, shown, confidence), out);
            // The agent knows this customer's name, and is praised for using it.
            self.emit(Log::Agent, said(channel, span, Some(redacted.with_names.clone()), confidence), out);
            redacted.with_names
        } else {
            self.summary.customer_utterances += 1;
            self.emit(Log::Call, said(channel, span, Some(redacted.text.clone()), confidence), out);
            redacted.text
        };
        let utterance_seq = self.seq[Log::Call as usize];
        let active = Span::new(self.clock.active_at(span.start_ms), self.clock.active_at(span.end_ms));
        let Heard { reading, assessment, alerts, coached } =
            self.conversation.utterance(self.clock.active_ms(), active, channel, &text);
        if self.conversation.coach().eased() {
            self.summary.turning_point_ms = Some(span.end_ms);
        }
        if let (Channel::Customer, Some(severity)) = (channel, assessment.severity) {
            self.peak(assessment.level, assessment.band);
            let kind = EventKind::Assessment {
                level: assessment.level,
                band: assessment.band,
                severity,
                cues: reading.cues,
                utterance_seq,
                sound: self.sound_part(&assessment),
            };
            self.emit(Log::Call, kind, out);
        }
        self.alerts(alerts, out);
        self.coached(coached, None, out);
        self.band(out);
    }

    /// What the sound of the voice has to do with the level after this utterance, if it has.
    fn sound_part(&self, assessment: &Assessment) -> Option<SoundPart> {
        let milli = assessment.sound_milli;
        let because = self.ear.as_ref().map(Ear::sounds).filter(|_| milli != 0)?;
        Some(SoundPart { points: milli as f32 / 1000.0, because })
    }

    fn peak(&mut self, level: u8, band: Band) {
        if level > self.summary.peak_level {
            self.summary.peak_level = level;
            self.summary.peak_t_ms = self.clock.t_ms();
        }
        self.summary.peak_band = self.summary.peak_band.max(band);
    }

    fn alerts(&mut self, changes: Vec<AlertChange>, out: &mut Vec<Output>) {
        for change in changes {
            self.watch_for_takers(&change);
            let raised = is_raised(&change);
            self.summary.alerts += u32::from(change.state == AlertState::Raised);
            let kind = change.kind;
            let id = format!("{}:a{}", self.info.call, change.id);
            self.emit(
                Log::Call,
                alert_event(change, id.clone(), None, None, self.unix_ms, self.clock.active_ms()),
                out,
            );
            if raised {
                let coached = self.conversation.alert_raised(self.clock.active_ms(), kind);
                self.coached(coached, Some(id), out);
            }
        }
    }

    fn coached(&mut self, outputs: Vec<CoachOutput>, alert: Option<String>, out: &mut Vec<Output>) {
        for output in outputs {
            let call = &self.info.call;
            let (log, kind) = match output {
                CoachOutput::Prompt { id, practice, text, state, waited_ms } => {
                    if state == PromptState::Shown {
                        out.push(Output::Prompted { waited_ms });
                    }
                    let id = format!("{call}:p{}", id + self.told_before.prompts);
                    (Log::Agent, EventKind::Prompt { id, practice, text, state })
                }
                CoachOutput::Suggestion { id, practice, text } => {
                    let id = format!("{call}:s{}", id + self.told_before.suggestions);
                    let text = if self.settings.redact_names { self.redactor.aside(&text) } else { text };
                    (Log::Call, EventKind::Suggestion { id, practice, text, alert: alert.clone() })
                }
                CoachOutput::Moment { practice, text } => (Log::Agent, EventKind::Moment { practice, text }),
            };
            self.emit(log, kind, out);
        }
    }

    /// Tells the agent, in a word, when the call has changed band.
    fn band(&mut self, out: &mut Vec<Output>) {
        let band = self.conversation.band(self.clock.active_ms());
        if band != self.band {
            self.band = band;
            self.emit(Log::Agent, EventKind::Band { band }, out);
        }
    }

    fn hold(&mut self, out: &mut Vec<Output>) {
        if self.clock.is_held() || self.ending.is_some() {
            return;
        }
        if self.consent {
            self.flush_lanes(Flush::Hold, out);
        }
        self.clock.hold();
        self.emit(Log::Call, EventKind::Hold, out);
    }

    fn resume(&mut self, t_ms: u64, out: &mut Vec<Output>) {
        if !self.clock.is_held() {
            return;
        }
        self.clock.advance(t_ms);
        let held_ms = self.clock.resume().unwrap_or(0);
        self.line_changed(u64::MAX);
        if self.consent {
            self.lanes.resume(self.clock.t_ms());
        }
        self.emit(Log::Call, EventKind::Resumed, out);
        let coached = self.conversation.hold_ended(self.clock.active_ms(), held_ms);
        self.coached(coached, None, out);
    }

    fn consent(&mut self, given: bool, out: &mut Vec<Output>) {
        if self.consent == given {
            return;
        }
        self.consent = given;
        if given {
            self.line_changed(u64::MAX);
            self.info.facts.customer_name.iter().for_each(|name| self.redactor.know_name(name));
            if !self.clock.is_held() {
                self.lanes.resume(self.clock.t_ms());
            }
            return;
        }
        self.transcripts.clear();
        self.lanes.forget();
        self.redactor.forget();
        self.emit(Log::Call, EventKind::ConsentWithdrawn, out);
    }

    fn alert_command(&mut self, alert: String, command: &AlertCommand, by: String, out: &mut Vec<Output>) {
        let Some(number) = self.number_of(&alert, 'a').and_then(|number| u32::try_from(number).ok()) else { return };
        let active_ms = self.clock.active_ms();
        for mut change in self.conversation.alert_command(active_ms, number, command) {
            self.watch_for_takers(&change);
            change.note = change.note.map(|note| self.redactor.aside(&note));
            let event = alert_event(change, alert.clone(), Some(by.clone()), None, self.unix_ms, active_ms);
            self.emit(Log::Call, event, out);
        }
    }

    fn end(&mut self, reason: EndReason, out: &mut Vec<Output>) {
        if self.ending.is_some() {
            return;
        }
        if self.listening() {
            self.flush_lanes(Flush::End, out);
        }
        self.ending = Some(reason);
    }

    fn flush_lanes(&mut self, why: Flush, out: &mut Vec<Output>) {
        let mut endpoints = Vec::new();
        for channel in self.lanes.channels() {
            if let Some(t_ms) = self.lanes.flush(channel, why, &mut endpoints) {
                self.advance_clock(t_ms, out);
            }
            self.endpoints(channel, &mut endpoints, out);
        }
    }

    fn abandon(&mut self, out: &mut Vec<Output>) {
        self.end(EndReason::Shutdown, out);
        let open: Vec<u64> = self.transcripts.unanswered().map(|slot| slot.segment).collect();
        for segment in open {
            self.transcripts.answer(segment, Outcome::Dropped { reason: DropReason::ShuttingDown });
        }
    }

    fn finish(&mut self, out: &mut Vec<Output>) {
        self.clock.resume();
        let active_ms = self.clock.active_ms();
        let coached = self.conversation.end(active_ms);
        self.coached(coached, None, out);
        self.summary.duration_ms = self.clock.t_ms();
        self.summary.held_ms = self.clock.held_ms();
        self.summary.final_level = self.conversation.level(active_ms);
        self.summary.final_band = self.conversation.band(active_ms);
        let summary = self.summary.clone();
        let coach = self.conversation.coach();
        let (practices_done, helped) = (coach.lived(), coach.helped().to_vec());
        self.emit(Log::Agent, EventKind::Summary { summary: summary.clone(), practices_done, helped }, out);
        let reason = self.ending.unwrap_or(EndReason::Stop);
        self.emit(Log::Call, EventKind::CallEnded { reason, summary }, out);
        self.ended = true;
    }

    /// The number in an id `CALL:xN` of ours.
    fn number_of(&self, id: &str, letter: char) -> Option<u64> {
        id.strip_prefix(self.info.call.as_str())?.strip_prefix(':')?.strip_prefix(letter)?.parse().ok()
    }

    fn emit(&mut self, log: Log, kind: EventKind, out: &mut Vec<Output>) {
        let seq = &mut self.seq[log as usize];
        *seq += 1;
        out.push(Output::Event(Event {
            call: self.info.call.clone(),
            log,
            seq: *seq,
            at: rfc3339(self.unix_ms),
            t_ms: self.clock.t_ms(),
            kind,
            durable: None,
        }));
    }
}

fn said(channel: Channel, span: Span, text: Option<String>, confidence: Option<f32>) -> EventKind {
    EventKind::Utterance { channel, start_ms: span.start_ms, end_ms: span.end_ms, text, confidence }
}

/// `now_ms` is active time, as is that until which the alert is snoozed.
fn alert_event(
    change: AlertChange,
    id: String,
    by: Option<String>,
    unacknowledged_ms: Option<u64>,
    unix_ms: u64,
    now_ms: u64,
) -> EventKind {
    let AlertChange { state, kind, reason, quote, until_ms, note, .. } = change;
    let until = until_ms.map(|until_ms| rfc3339(unix_ms + until_ms.saturating_sub(now_ms)));
    let dismissal = note.filter(|note| !note.is_empty());
    EventKind::Alert { id, state, kind, reason, quote, by, until, dismissal, unacknowledged_ms }
}
