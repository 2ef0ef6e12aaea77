//! The one queue all calls share: bounded, ordered by who needs to be heard, shedding by rule.

mod counters;

pub use self::counters::SpeechStats;

use std::cmp::Reverse;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use self::counters::SpeechCounters;
use crate::terms::{Channel, DropReason, Lang, Outcome, SAMPLES_PER_MS, Transcript};

/// One segment of speech that wants to be words.
#[derive(Debug)]
pub struct SpeechJob {
    /// The call it belongs to; for log lines only.
    pub call: Arc<str>,
    /// The call's number of the segment, given back in the [`Transcript`].
    pub segment: u64,
    pub channel: Channel,
    pub lang: Lang,
    /// Mono, [`SAMPLE_RATE`](crate::terms::SAMPLE_RATE), −1 to 1.
    pub samples: Vec<f32>,
    /// Share of voiced frames in the segment, 0 to 1.
    pub voiced: f32,
    /// Whether the call is heated or worse: such calls go first and are shed last.
    pub heated: bool,
    /// When the speech ended; the deadline counts from here.
    pub ended_at: Instant,
    /// Times it was given to a worker that failed on it; 0 when it is submitted.
    pub failures: u32,
    /// Where the transcript goes. The call keeps one free place per segment it has waiting, so the answer
    /// is never waited for: one that finds no place or no reader is counted as undelivered.
    pub reply: mpsc::Sender<Transcript>,
}

/// Bounds of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// Segments that may wait, at least 1.
    pub capacity: usize,
    /// How long after its end a segment is still worth reading.
    pub deadline: Duration,
}

/// Handle to the queue; clones share it.
#[derive(Debug, Clone)]
pub struct SpeechQueue {
    shared: Arc<Shared>,
}

impl SpeechQueue {
    /// An open queue nobody works on yet.
    pub fn new(settings: QueueSettings) -> Self {
        let settings = QueueSettings { capacity: settings.capacity.max(1), ..settings };
        let shared = Shared {
            settings,
            state: Mutex::new(State { waiting: Vec::new(), reading: 0, phase: Phase::Open }),
            down_since: Mutex::new(None),
            wake: Condvar::new(),
            counters: SpeechCounters::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Hands in a segment. Never waits and never lets the queue grow over its capacity: whoever has to go is
    /// answered with [`Outcome::Dropped`] before this returns.
    pub fn submit(&self, job: SpeechJob) {
        self.submit_at(Instant::now(), job);
    }

    pub fn stats(&self) -> SpeechStats {
        self.shared.counters.stats()
    }

    /// Whether nothing waits: there is time for what is only wished for.
    pub fn is_idle(&self) -> bool {
        self.shared.counters.depth.load(Ordering::Relaxed) == 0
    }

    /// As [`submit`](Self::submit), at a moment the caller names.
    pub(super) fn submit_at(&self, now: Instant, job: SpeechJob) {
        let counters = &self.shared.counters;
        counters.submitted.fetch_add(1, Ordering::Relaxed);
        let mut shed = Vec::new();
        {
            let mut state = self.shared.lock();
            if state.phase == Phase::Open {
                state.waiting.push(job);
                self.shared.shed_late(&mut state, now, &mut shed);
                if state.waiting.len() > self.shared.settings.capacity {
                    shed.extend(state.take_least_needed().map(|job| (job, DropReason::Overload)));
                }
                self.shared.wake.notify_one();
            } else {
                shed.push((job, DropReason::ShuttingDown));
            }
            counters.depth.store(state.waiting.len() as u64, Ordering::Relaxed);
        }
        self.drop_jobs(shed);
    }

    /// The next segment to transcribe, waiting for one at most so long. Whoever gets one owes
    /// [`done`](Self::done) or [`again`](Self::again).
    pub(super) fn take(&self, patience: Duration) -> Taken {
        let until = Instant::now() + patience;
        let mut state = self.shared.lock();
        loop {
            let mut shed = Vec::new();
            let now = Instant::now();
            self.shared.shed_late(&mut state, now, &mut shed);
            let next = state.take_most_needed();
            state.reading += usize::from(next.is_some());
            self.shared.counters.depth.store(state.waiting.len() as u64, Ordering::Relaxed);
            let closed = state.phase != Phase::Open;
            if next.is_some() || !shed.is_empty() || closed || now >= until {
                drop(state);
                self.drop_jobs(shed);
                return match next {
                    Some(job) => Taken::Job(Box::new(job)),
                    None if closed => Taken::Closed,
                    None => Taken::Nothing,
                };
            }
            let waited = self.shared.wake.wait_timeout(state, until.saturating_duration_since(now));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A taken segment is dealt with: its answer.
    pub(super) fn done(&self, job: &SpeechJob, outcome: Outcome) {
        self.shared.lock().reading -= 1;
        self.answer(&job.reply, job.segment, outcome);
    }

    /// A taken segment that ended its worker waits once more, however late it is, unless it has been tried often enough.
    pub(super) fn again(&self, job: SpeechJob) {
        let job = SpeechJob { failures: job.failures + 1, ..job };
        let mut shed = Vec::new();
        {
            let mut state = self.shared.lock();
            state.reading -= 1;
            if job.failures >= TRIES {
                shed.push((job, DropReason::Failed));
            } else if state.phase == Phase::Cleared {
                shed.push((job, DropReason::ShuttingDown));
            } else {
                self.shared.counters.retried.fetch_add(1, Ordering::Relaxed);
                state.waiting.push(job);
                if state.waiting.len() > self.shared.settings.capacity {
                    shed.extend(state.take_least_needed().map(|job| (job, DropReason::Overload)));
                }
                self.shared.wake.notify_one();
            }
            self.shared.counters.depth.store(state.waiting.len() as u64, Ordering::Relaxed);
        }
        self.drop_jobs(shed);
    }

    /// Answers who has waited too long; for workers that cannot read at the moment.
    pub(super) fn shed(&self) {
        let mut shed = Vec::new();
        {
            let mut state = self.shared.lock();
            self.shared.shed_late(&mut state, Instant::now(), &mut shed);
            self.shared.counters.depth.store(state.waiting.len() as u64, Ordering::Relaxed);
        }
        self.drop_jobs(shed);
    }

    /// Answers a segment and counts the answer.
    pub(super) fn answer(&self, reply: &mpsc::Sender<Transcript>, segment: u64, outcome: Outcome) {
        let counters = &self.shared.counters;
        let counter = match &outcome {
            Outcome::Text { .. } => &counters.transcribed,
            Outcome::Nothing => &counters.nothing,
            Outcome::Dropped { reason } => &counters.dropped[*reason as usize],
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if reply.try_send(Transcript { segment, outcome }).is_err() {
            counters.undelivered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Adds finished work to the counters.
    pub(super) fn count_work(&self, busy: Duration, samples: usize) {
        let busy_us = u64::try_from(busy.as_micros()).unwrap_or(u64::MAX);
        self.shared.counters.busy_us.fetch_add(busy_us, Ordering::Relaxed);
        self.shared.counters.audio_ms.fetch_add(samples as u64 / SAMPLES_PER_MS, Ordering::Relaxed);
    }

    pub(super) fn count_restart(&self) {
        self.shared.counters.restarts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_hang(&self) {
        self.shared.counters.hung.fetch_add(1, Ordering::Relaxed);
    }

    /// So many workers there will be.
    pub(super) fn expect_workers(&self, count: usize) {
        self.shared.counters.workers.store(count as u64, Ordering::Relaxed);
        *lock(&self.shared.down_since) = Some(Instant::now());
    }

    /// One worker more can read, or one less.
    pub(super) fn worker_is(&self, up: bool) {
        let mut down_since = lock(&self.shared.down_since);
        let workers_up = &self.shared.counters.workers_up;
        let now = match up {
            true => workers_up.fetch_add(1, Ordering::Relaxed) + 1,
            false => workers_up.fetch_sub(1, Ordering::Relaxed) - 1,
        };
        *down_since = (now == 0).then(Instant::now);
    }

    /// For how long nobody has been able to read; `None` while somebody can, or nobody is expected to.
    pub fn down_for(&self) -> Option<Duration> {
        lock(&self.shared.down_since).map(|since| since.elapsed())
    }

    /// No more segments are taken in; those waiting are still read.
    pub(super) fn close(&self) {
        let mut state = self.shared.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closed;
        }
        drop(state);
        self.shared.wake.notify_all();
    }

    /// Drops whoever still waits; readings under way are of no use any more.
    pub(super) fn clear(&self) {
        let waiting = {
            let mut state = self.shared.lock();
            state.phase = Phase::Cleared;
            self.shared.counters.depth.store(0, Ordering::Relaxed);
            std::mem::take(&mut state.waiting)
        };
        self.shared.wake.notify_all();
        self.drop_jobs(waiting.into_iter().map(|job| (job, DropReason::ShuttingDown)).collect());
    }

    /// Whether [`clear`](Self::clear) was called.
    pub(super) fn is_cleared(&self) -> bool {
        self.shared.lock().phase == Phase::Cleared
    }

    /// Segments waiting or being read now.
    pub(super) fn unfinished(&self) -> usize {
        let state = self.shared.lock();
        state.waiting.len() + state.reading
    }

    fn drop_jobs(&self, shed: Vec<(SpeechJob, DropReason)>) {
        for (job, reason) in shed {
            tracing::warn!(
                call = %job.call,
                segment = job.segment,
                channel = job.channel.as_str(),
                reason = reason.as_str(),
                "speech dropped"
            );
            self.answer(&job.reply, job.segment, Outcome::Dropped { reason });
        }
    }
}

/// Times a segment is given to a worker: an innocent one gets through at the second, a poisoned one ends two.
const TRIES: u32 = 2;

/// What a worker finds.
#[derive(Debug)]
pub(super) enum Taken {
    Job(Box<SpeechJob>),
    /// Nothing yet; look after yourself and come back.
    Nothing,
    /// Nothing more will come.
    Closed,
}

#[derive(Debug)]
struct Shared {
    settings: QueueSettings,
    state: Mutex<State>,
    wake: Condvar,
    /// Since when no worker can read.
    down_since: Mutex<Option<Instant>>,
    counters: SpeechCounters,
}

#[derive(Debug)]
struct State {
    /// In order of arrival.
    waiting: Vec<SpeechJob>,
    /// Taken and neither done nor back.
    reading: usize,
    phase: Phase,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more comes in.
    Closed,
    /// Nothing more is read.
    Cleared,
}

/// A panic while a lock was held cannot leave anything half-changed, so a poisoned one is used on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn shed_late(&self, state: &mut State, now: Instant, shed: &mut Vec<(SpeechJob, DropReason)>) {
        let deadline = self.settings.deadline;
        let counters = &self.counters;
        let nobody_reads =
            counters.workers.load(Ordering::Relaxed) > 0 && counters.workers_up.load(Ordering::Relaxed) == 0;
        let reason = if nobody_reads { DropReason::Failed } else { DropReason::Deadline };
        let is_late = |job: &SpeechJob| now.saturating_duration_since(job.ended_at) > deadline;
        // What has cost a worker was promised another.
        let late = state.waiting.extract_if(.., |job| is_late(job) && (job.failures == 0 || nobody_reads));
        shed.extend(late.map(|job| (job, reason)));
    }
}

impl State {
    /// Customer before agent, heated before calm, then oldest.
    fn take_most_needed(&mut self) -> Option<SpeechJob> {
        let needed = |job: &SpeechJob| (job.channel == Channel::Agent, !job.heated, job.ended_at);
        let (index, _) = self.waiting.iter().enumerate().min_by_key(|(_, job)| needed(job))?;
        Some(self.waiting.remove(index))
    }

    /// Agent before customer, calm before heated, then oldest: what is oldest is least news.
    fn take_least_needed(&mut self) -> Option<SpeechJob> {
        let spare = |job: &SpeechJob| (job.channel == Channel::Agent, !job.heated, Reverse(job.ended_at));
        let (index, _) = self.waiting.iter().enumerate().rev().max_by_key(|(_, job)| spare(job))?;
        Some(self.waiting.remove(index))
    }
}

#[cfg(test)]
mod tests;
