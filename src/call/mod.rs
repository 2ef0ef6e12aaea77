//! One live call as a machine without I/O.
//!
//! Audio, transcripts, commands and time go in through [`Call::handle`]; speech to transcribe and [`Event`]s come
//! out. The call owns the media clock: it runs with the audio (or, for sessions that only bring transcripts,
//! with [`Input::Tick`]), also during hold; decay and timers run on *active* time, which stands still on hold.

pub mod conversation;
pub mod endpointing;
pub mod escalation;
pub mod event;
pub mod lanes;
pub mod transcript;
pub mod view;
pub mod voice;

use std::sync::Arc;

use crate::call::conversation::{Conversation, Heard, Rules, is_raised};
use crate::call::endpointing::{Endpoint, EndpointingSettings, SpeechSegment};
use crate::call::escalation::{AlertChange, EscalationSettings};
use crate::call::event::{CallSummary, EndReason, Event, EventKind, Log, rfc3339};
use crate::call::lanes::{Flush, Lanes, Missing};
use crate::call::transcript::Transcripts;
use crate::call::voice::Detector;
use crate::call::voice::silero::SileroWeights;
use crate::coach::{Answer, CoachOutput, Habits, PromptState, ShiftSoFar};
use crate::language::redact::redact;
use crate::terms::{AlertState, Band, Channel, DropReason, Lang, Outcome, SAMPLES_PER_MS, Span, Transcript};

/// A hole in the audio shorter than this (milliseconds) is jitter, not an event.
const GAP_MIN_MS: u64 = 60;

/// Transcription later than this (milliseconds of media clock) is said in the log, and again at most this often.
const LAG_MS: u64 = 5_000;

/// What happens to the agent's voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentChannel {
    /// Never transcribed; voice activity gives times only.
    Off,
    /// Transcribed in memory for the agent's own prompts, never stored, never shown to others.
    #[default]
    Coach,
    /// The agent's words are in the call's log.
    Full,
}

/// What is known about a call when it starts; facts may also come late.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallInfo {
    pub call: String,
    pub agent: Option<String>,
    pub queue: Option<String>,
    pub team: Option<String>,
    pub lang: Lang,
    pub facts: Facts,
    /// The agent's experience with each practice; known to their coach alone.
    pub habits: Habits,
    /// The agent's shift up to this call.
    pub shift: ShiftSoFar,
}

/// Facts from the phone system that practices may use. `None` leaves what was known before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    pub customer_name: Option<String>,
    /// Seconds the customer waited in the queue.
    pub wait_s: Option<u64>,
    /// Start of the agent's shift, milliseconds since 1970.
    pub shift_started_unix_ms: Option<u64>,
    /// Anything else, by name; values as text.
    pub metadata: Vec<(String, String)>,
}

/// Which voice activity network listens.
#[derive(Debug, Clone)]
pub enum DetectorKind {
    Earshot,
    Silero(Arc<SileroWeights>),
}

impl DetectorKind {
    fn detector(&self, channel: Channel) -> Detector {
        match self {
            Self::Earshot => Detector::earshot(channel as u32),
            Self::Silero(weights) => Detector::silero(weights.clone()),
        }
    }
}

/// Settings of one call; fixed while it lives.
#[derive(Debug, Clone)]
pub struct CallSettings {
    pub agent_channel: AgentChannel,
    pub detector: DetectorKind,
    pub endpointing: EndpointingSettings,
    pub escalation: EscalationSettings,
}

/// What a call reacts to.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// 16 kHz samples, -1 to 1, of one or more channels; `at` is the index of the first sample since the start of
    /// the call. Later than expected is a gap; what overlaps is dropped.
    Audio {
        at: u64,
        lanes: Vec<(Channel, Vec<f32>)>,
    },
    /// Nothing is heard until the next audio at `until_ms`.
    Gap {
        until_ms: u64,
    },
    Transcript(Transcript),
    /// An utterance somebody else transcribed.
    Utterance {
        channel: Channel,
        span: Span,
        text: String,
    },
    Hold,
    /// `t_ms` is the media clock after the hold, for platforms that send nothing meanwhile.
    Resume {
        t_ms: u64,
    },
    Consent {
        given: bool,
    },
    Facts(Facts),
    /// Time passed without audio.
    Tick {
        t_ms: u64,
    },
    Alert {
        alert: String,
        command: AlertCommand,
        by: String,
    },
    Note {
        by: String,
        text: String,
    },
    Whisper {
        from: String,
        text: String,
    },
    Watching {
        who: String,
        on: bool,
    },
    /// The agent's answer to a prompt.
    Prompt {
        prompt: String,
        answer: Answer,
    },
    /// The conversation is over; what is in flight is still awaited.
    End {
        reason: EndReason,
    },
    /// Nothing more is coming: what is unanswered is given up.
    Abandon,
}

/// What a supervisor does with an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertCommand {
    Acknowledge,
    Dismiss { reason: String },
    Snooze { minutes: u32 },
}

/// What a call asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Transcribe this and answer with [`Input::Transcript`].
    Transcribe {
        segment: u64,
        channel: Channel,
        heated: bool,
        speech: SpeechSegment,
    },
    Event(Event),
    /// A prompt was shown this long (active milliseconds) after its trigger.
    Prompted {
        practice: String,
        waited_ms: u64,
    },
}

/// One live call.
pub struct Call {
    info: CallInfo,
    settings: CallSettings,
    conversation: Conversation,
    lanes: Lanes,
    transcripts: Transcripts,
    next_segment: u64,
    /// Media clock.
    t_ms: u64,
    /// Wall clock of the input being handled.
    unix_ms: u64,
    started_unix_ms: u64,
    /// Media clock when the current hold began.
    held_since: Option<u64>,
    /// Holds that are over.
    holds: Vec<Span>,
    consent: bool,
    lag_said_ms: Option<u64>,
    seq: [u64; 2],
    band: Band,
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
        let lanes = Lanes::new(settings.endpointing.clone(), settings.detector.clone());
        let mut call = Self {
            info,
            settings,
            conversation,
            lanes,
            transcripts: Transcripts::default(),
            next_segment: 1,
            t_ms: 0,
            unix_ms,
            started_unix_ms: unix_ms,
            held_since: None,
            holds: Vec::new(),
            consent: true,
            lag_said_ms: None,
            seq: [0; 2],
            band: Band::Calm,
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
            Input::Facts(facts) => self.conversation.facts(&facts, self.started_unix_ms),
            Input::Tick { t_ms } => self.advance_clock(t_ms, out),
            Input::Alert { alert, command, by } => self.alert_command(alert, &command, by, out),
            Input::Note { by, text } => self.emit(Log::Call, EventKind::Note { by, text }, out),
            Input::Whisper { from, text } => self.emit(Log::Agent, EventKind::Whisper { from, text }, out),
            Input::Watching { who, on } => self.emit(Log::Agent, EventKind::Watching { who, on }, out),
            Input::Prompt { prompt, answer } => {
                if let Some(number) = self.number_of(&prompt, 'p') {
                    let coached = self.conversation.answer(self.active(self.t_ms), number, answer);
                    self.coached(coached, None, out);
                }
            }
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
        self.t_ms
    }

    /// Index of the sample a channel expects next; a channel not heard so far starts at the media clock.
    pub fn position(&self, channel: Channel) -> u64 {
        self.lanes.position(channel, self.t_ms)
    }

    /// Media clock at which an [`Input::Tick`] would have something to do.
    pub fn next_deadline(&self) -> Option<u64> {
        let talk = match self.held_since {
            Some(_) => None,
            None => self.conversation.next_deadline().map(|active_ms| active_ms + self.held_ms()),
        };
        [talk, self.transcripts.next_deadline()].into_iter().flatten().min()
    }

    /// Whether `call_ended` was written.
    pub fn ended(&self) -> bool {
        self.ended
    }

    pub fn info(&self) -> &CallInfo {
        &self.info
    }

    /// Utterances so far, of all parties.
    pub fn utterances(&self) -> u32 {
        self.summary.customer_utterances + self.summary.agent_utterances
    }

    fn listening(&self) -> bool {
        self.consent && self.held_since.is_none() && self.ending.is_none()
    }

    fn audio(&mut self, at: u64, lanes: Vec<(Channel, Vec<f32>)>, out: &mut Vec<Output>) {
        if !self.listening() {
            let mut last = 0;
            for (channel, samples) in &lanes {
                self.lanes.ignore(*channel, at, samples.len(), self.t_ms);
                last = last.max(at + samples.len() as u64);
            }
            self.advance_clock(last / SAMPLES_PER_MS, out);
            return;
        }
        let mut endpoints = Vec::new();
        for (channel, samples) in &lanes {
            let missing = self.lanes.append(*channel, at, samples, self.t_ms, &mut endpoints);
            self.endpoints(*channel, &mut endpoints, out);
            if let Some(missing) = missing.filter(|missing| missing.duration_ms >= GAP_MIN_MS) {
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
        let start_ms = self.t_ms;
        let mut endpoints = Vec::new();
        for channel in self.lanes.channels() {
            self.lanes.skip_to(channel, until_ms * SAMPLES_PER_MS, &mut endpoints);
            self.endpoints(channel, &mut endpoints, out);
        }
        self.advance_clock(until_ms, out);
        let duration_ms = until_ms.saturating_sub(start_ms);
        if duration_ms >= GAP_MIN_MS {
            self.emit(Log::Call, EventKind::Gap { channel: None, start_ms, duration_ms }, out);
        }
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
        let coached = self.conversation.speech(self.active(self.t_ms), channel, speaking, self.active(at_ms));
        self.coached(coached, None, out);
    }

    fn segment(&mut self, channel: Channel, speech: SpeechSegment, out: &mut Vec<Output>) {
        if channel == Channel::Agent && self.settings.agent_channel == AgentChannel::Off {
            self.summary.agent_utterances += 1;
            self.emit(Log::Call, said(channel, speech.span, None, None), out);
            return;
        }
        let segment = self.next_segment;
        self.next_segment += 1;
        self.transcripts.expect(segment, channel, speech.span, self.t_ms);
        out.push(Output::Transcribe { segment, channel, heated: self.band >= Band::Heated, speech });
    }

    /// Moves the media clock on and does what has come due.
    fn advance_clock(&mut self, t_ms: u64, out: &mut Vec<Output>) {
        if t_ms <= self.t_ms {
            return;
        }
        self.t_ms = t_ms;
        if self.transcripts.next_deadline().is_some_and(|due| due <= t_ms) {
            self.tell(out);
        }
        self.lag(out);
        if self.held_since.is_none() {
            let active_ms = self.active(t_ms);
            if self.conversation.next_deadline().is_some_and(|due| due <= active_ms) {
                let (alerts, coached) = self.conversation.advance(active_ms);
                self.alerts(alerts, out);
                self.coached(coached, None, out);
            }
            self.band(out);
        }
    }

    /// Says when transcription falls behind the call, and once when it has caught up.
    fn lag(&mut self, out: &mut Vec<Output>) {
        let oldest = self.transcripts.unanswered().map(|slot| slot.cut_ms).min();
        let lag_ms = oldest.map_or(0, |cut_ms| self.t_ms.saturating_sub(cut_ms));
        let due = match self.lag_said_ms {
            None => lag_ms >= LAG_MS,
            Some(_) if lag_ms < LAG_MS => true,
            Some(said_ms) => self.t_ms - said_ms >= LAG_MS,
        };
        if due {
            self.lag_said_ms = (lag_ms >= LAG_MS).then_some(self.t_ms);
            let lag_ms = if lag_ms >= LAG_MS { lag_ms } else { 0 };
            self.emit(Log::Call, EventKind::Lagging { lag_ms }, out);
        }
    }

    /// Tells the transcripts whose turn has come.
    fn tell(&mut self, out: &mut Vec<Output>) {
        for (slot, outcome) in self.transcripts.release(self.t_ms) {
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
        let text = redact(&text);
        if channel == Channel::Agent {
            self.summary.agent_utterances += 1;
            let shown = (self.settings.agent_channel == AgentChannel::Full).then(|| text.clone());
            self.emit(Log::Call, said(channel, span, shown, confidence), out);
            if self.settings.agent_channel == AgentChannel::Off {
                return;
            }
            self.emit(Log::Agent, said(channel, span, Some(text.clone()), confidence), out);
        } else {
            self.summary.customer_utterances += 1;
            self.emit(Log::Call, said(channel, span, Some(text.clone()), confidence), out);
        }
        let utterance_seq = self.seq[Log::Call as usize];
        let active = Span::new(self.active(span.start_ms), self.active(span.end_ms));
        let Heard { reading, assessment, alerts, coached } =
            self.conversation.utterance(self.active(self.t_ms), active, channel, &text);
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
            };
            self.emit(Log::Call, kind, out);
        }
        self.alerts(alerts, out);
        self.coached(coached, None, out);
        self.band(out);
    }

    fn peak(&mut self, level: u8, band: Band) {
        if level > self.summary.peak_level {
            self.summary.peak_level = level;
            self.summary.peak_t_ms = self.t_ms;
        }
        self.summary.peak_band = self.summary.peak_band.max(band);
    }

    fn alerts(&mut self, changes: Vec<AlertChange>, out: &mut Vec<Output>) {
        for change in changes {
            let raised = is_raised(&change);
            self.summary.alerts += u32::from(change.state == AlertState::Raised);
            let kind = change.kind;
            let id = format!("{}:a{}", self.info.call, change.id);
            self.emit(Log::Call, alert_event(change, id.clone(), None, self.unix_ms, self.active(self.t_ms)), out);
            if raised {
                let coached = self.conversation.alert_raised(self.active(self.t_ms), kind);
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
                        out.push(Output::Prompted { practice: practice.clone(), waited_ms });
                    }
                    (Log::Agent, EventKind::Prompt { id: format!("{call}:p{id}"), practice, text, state })
                }
                CoachOutput::Suggestion { id, practice, text } => {
                    let id = format!("{call}:s{id}");
                    (Log::Call, EventKind::Suggestion { id, practice, text, alert: alert.clone() })
                }
                CoachOutput::Moment { practice, text } => (Log::Agent, EventKind::Moment { practice, text }),
            };
            self.emit(log, kind, out);
        }
    }

    /// Tells the agent, in a word, when the call has changed band.
    fn band(&mut self, out: &mut Vec<Output>) {
        let band = self.conversation.band(self.active(self.t_ms));
        if band != self.band {
            self.band = band;
            self.emit(Log::Agent, EventKind::Band { band }, out);
        }
    }

    fn hold(&mut self, out: &mut Vec<Output>) {
        if self.held_since.is_some() || self.ending.is_some() {
            return;
        }
        if self.consent {
            self.flush_lanes(Flush::Hold, out);
        }
        self.held_since = Some(self.t_ms);
        self.emit(Log::Call, EventKind::Hold, out);
    }

    fn resume(&mut self, t_ms: u64, out: &mut Vec<Output>) {
        let Some(since_ms) = self.held_since else { return };
        self.t_ms = self.t_ms.max(t_ms);
        self.held_since = None;
        self.holds.push(Span::new(since_ms, self.t_ms));
        if self.consent {
            self.lanes.resume(self.t_ms);
        }
        self.emit(Log::Call, EventKind::Resumed, out);
        let coached = self.conversation.hold_ended(self.active(self.t_ms), self.t_ms - since_ms);
        self.coached(coached, None, out);
    }

    fn consent(&mut self, given: bool, out: &mut Vec<Output>) {
        if self.consent == given {
            return;
        }
        self.consent = given;
        if given {
            if self.held_since.is_none() {
                self.lanes.resume(self.t_ms);
            }
            return;
        }
        self.transcripts.clear();
        self.lanes.forget();
        self.emit(Log::Call, EventKind::ConsentWithdrawn, out);
    }

    fn alert_command(&mut self, alert: String, command: &AlertCommand, by: String, out: &mut Vec<Output>) {
        let Some(number) = self.number_of(&alert, 'a').and_then(|number| u32::try_from(number).ok()) else { return };
        let active_ms = self.active(self.t_ms);
        for change in self.conversation.alert_command(active_ms, number, command) {
            let event = alert_event(change, alert.clone(), Some(by.clone()), self.unix_ms, active_ms);
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
        if let Some(since_ms) = self.held_since.take() {
            self.holds.push(Span::new(since_ms, self.t_ms));
        }
        let active_ms = self.active(self.t_ms);
        let coached = self.conversation.end(active_ms);
        self.coached(coached, None, out);
        self.summary.duration_ms = self.t_ms;
        self.summary.held_ms = self.held_ms();
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

    /// Time that counts for decay and timers: `t_ms` less the holds before it.
    fn active(&self, t_ms: u64) -> u64 {
        let mut active_ms = t_ms;
        for hold in &self.holds {
            active_ms -= hold.end_ms.min(t_ms) - hold.start_ms.min(t_ms);
        }
        if let Some(since_ms) = self.held_since {
            active_ms -= t_ms.saturating_sub(since_ms);
        }
        active_ms
    }

    fn held_ms(&self) -> u64 {
        self.holds.iter().map(|hold| hold.duration_ms()).sum()
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
            t_ms: self.t_ms,
            kind,
            durable: None,
        }));
    }
}

fn said(channel: Channel, span: Span, text: Option<String>, confidence: Option<f32>) -> EventKind {
    EventKind::Utterance { channel, start_ms: span.start_ms, end_ms: span.end_ms, text, confidence }
}

/// `now_ms` is active time, as is that until which the alert is snoozed.
fn alert_event(change: AlertChange, id: String, by: Option<String>, unix_ms: u64, now_ms: u64) -> EventKind {
    let AlertChange { state, kind, reason, quote, until_ms, .. } = change;
    let until = until_ms.map(|until_ms| rfc3339(unix_ms + until_ms.saturating_sub(now_ms)));
    EventKind::Alert { id, state, kind, reason, quote, by, until }
}
