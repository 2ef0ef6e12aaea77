//! One live call as a machine without I/O.
//!
//! Audio, transcripts, commands and time go in through [`Call::handle`]; speech to transcribe and [`Event`]s come
//! out. The call owns the media clock: it runs with the audio (or, for sessions that only bring transcripts,
//! with [`Input::Tick`]), also during hold; decay and timers run on *active* time, which stands still on hold.

pub mod acoustic;
mod alerts;
mod clock;
pub mod conversation;
pub mod endpointing;
pub mod escalation;
pub mod event;
pub mod lanes;
mod listen;
mod ports;
mod take_up;
pub mod transcript;
mod utterance;
pub mod view;
pub mod voice;

pub use self::ports::{AgentChannel, AlertCommand, CallInfo, CallSettings, DetectorKind, Facts, Input, Output};

use std::sync::Arc;

use self::acoustic::Ear;
use self::alerts::Untaken;
use self::clock::Clock;
use self::conversation::{Conversation, Rules};
use self::endpointing::SpeechSegment;
use self::event::{CallSummary, EndReason, Event, EventKind, Log, rfc3339};
use self::lanes::{Flush, Lanes};
use self::transcript::Transcripts;
use crate::coach::{CoachOutput, PromptState};
use crate::language::redact::Redactor;
use crate::terms::{Band, Channel, DropReason, Lang, Outcome};

/// Numbers of prompts and suggestions used up before the call was taken up again.
#[derive(Debug, Clone, Copy, Default)]
struct ToldBefore {
    prompts: u64,
    suggestions: u64,
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
            Input::Alert { alert, command, by } => self.alert_command(&alert, &command, &by, out),
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

    fn end(&mut self, reason: EndReason, out: &mut Vec<Output>) {
        if self.ending.is_some() {
            return;
        }
        if self.listening() {
            self.flush_lanes(Flush::End, out);
        }
        self.ending = Some(reason);
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
