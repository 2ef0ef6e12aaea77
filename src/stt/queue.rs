//! The one queue all calls share: bounded, ordered by who needs to be heard, shedding by rule.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

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

/// Counters of the queue and its workers. Written by them, read by the metrics page.
#[derive(Debug, Default)]
pub struct SpeechCounters {
    submitted: AtomicU64,
    transcribed: AtomicU64,
    nothing: AtomicU64,
    dropped: [AtomicU64; 4],
    undelivered: AtomicU64,
    restarts: AtomicU64,
    retried: AtomicU64,
    hung: AtomicU64,
    workers: AtomicU64,
    workers_up: AtomicU64,
    depth: AtomicU64,
    busy_us: AtomicU64,
    audio_ms: AtomicU64,
}

/// The counters at one moment; all but `depth` and `workers_up` only grow.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SpeechStats {
    pub submitted: u64,
    /// Segments that came back as text.
    pub transcribed: u64,
    /// Segments in which nothing was said.
    pub nothing: u64,
    pub dropped_deadline: u64,
    pub dropped_overload: u64,
    pub dropped_failed: u64,
    pub dropped_shutting_down: u64,
    /// Transcripts whose call had gone or left no place for them.
    pub undelivered: u64,
    /// Times a worker threw its state or process away after a failure, to make a new one.
    pub restarts: u64,
    /// Segments given to a worker once more, after the first had failed on them.
    pub retried: u64,
    /// Processes killed because they gave no answer in time.
    pub hung: u64,
    /// Workers there should be, and those that can read now.
    pub workers: u64,
    pub workers_up: u64,
    /// Segments waiting now.
    pub depth: u64,
    /// Time the workers spent on transcription, summed over workers.
    pub busy_s: f64,
    /// Speech they transcribed in that time.
    pub audio_s: f64,
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// A panic while the lock was held cannot leave the list half-changed, so a poisoned lock is used on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

impl SpeechCounters {
    fn stats(&self) -> SpeechStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let dropped = |reason: DropReason| get(&self.dropped[reason as usize]);
        SpeechStats {
            submitted: get(&self.submitted),
            transcribed: get(&self.transcribed),
            nothing: get(&self.nothing),
            dropped_deadline: dropped(DropReason::Deadline),
            dropped_overload: dropped(DropReason::Overload),
            dropped_failed: dropped(DropReason::Failed),
            dropped_shutting_down: dropped(DropReason::ShuttingDown),
            undelivered: get(&self.undelivered),
            restarts: get(&self.restarts),
            retried: get(&self.retried),
            hung: get(&self.hung),
            workers: get(&self.workers),
            workers_up: get(&self.workers_up),
            depth: get(&self.depth),
            busy_s: get(&self.busy_us) as f64 / 1e6,
            audio_s: get(&self.audio_ms) as f64 / 1e3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Channel::{Agent, Customer};

    const DEADLINE: Duration = Duration::from_secs(8);

    /// A queue, the moment its jobs count from, and where their transcripts arrive.
    struct Bench {
        queue: SpeechQueue,
        start: Instant,
        reply: mpsc::Sender<Transcript>,
        answers: mpsc::Receiver<Transcript>,
    }

    impl Bench {
        fn new(capacity: usize) -> Self {
            let (reply, answers) = mpsc::channel(1000);
            let queue = SpeechQueue::new(QueueSettings { capacity, deadline: DEADLINE });
            Self { queue, start: Instant::now(), reply, answers }
        }

        fn job(&self, segment: u64, channel: Channel, heated: bool, ended_ms: u64) -> SpeechJob {
            SpeechJob {
                call: "c1".into(),
                segment,
                channel,
                lang: Lang::De,
                samples: vec![0.0; 1600],
                voiced: 0.8,
                heated,
                ended_at: self.start + Duration::from_millis(ended_ms),
                failures: 0,
                reply: self.reply.clone(),
            }
        }

        fn submit(&self, segment: u64, channel: Channel, heated: bool, ended_ms: u64) {
            self.queue.submit_at(self.start, self.job(segment, channel, heated, ended_ms));
        }

        fn taken(&self) -> Vec<u64> {
            self.queue.close();
            std::iter::from_fn(|| self.take()).map(|job| job.segment).collect()
        }

        fn take(&self) -> Option<Box<SpeechJob>> {
            match self.queue.take(Duration::ZERO) {
                Taken::Job(job) => Some(job),
                Taken::Nothing | Taken::Closed => None,
            }
        }

        fn dropped(&mut self) -> Vec<(u64, DropReason)> {
            std::iter::from_fn(|| self.answers.try_recv().ok())
                .map(|transcript| match transcript.outcome {
                    Outcome::Dropped { reason } => (transcript.segment, reason),
                    other => panic!("not dropped: {other:?}"),
                })
                .collect()
        }
    }

    #[test]
    fn customers_then_heated_then_oldest_are_heard_first() {
        let bench = Bench::new(10);
        bench.submit(1, Agent, true, 0);
        bench.submit(2, Customer, false, 10);
        bench.submit(3, Customer, false, 5);
        bench.submit(4, Customer, true, 20);
        bench.submit(5, Channel::Mixed, true, 15);
        bench.submit(6, Agent, false, 1);
        assert_eq!(bench.taken(), [5, 4, 3, 2, 1, 6]);
    }

    #[test]
    fn a_full_queue_sheds_agents_then_calm_then_oldest() {
        let mut bench = Bench::new(2);
        bench.submit(1, Agent, true, 0);
        bench.submit(2, Customer, false, 10);
        bench.submit(3, Customer, false, 20);
        assert_eq!(bench.dropped(), [(1, DropReason::Overload)]);
        bench.submit(4, Customer, true, 30);
        assert_eq!(bench.dropped(), [(2, DropReason::Overload)]);
        bench.submit(5, Agent, true, 40);
        assert_eq!(bench.dropped(), [(5, DropReason::Overload)], "the newcomer may be the one to go");
        assert_eq!(bench.taken(), [4, 3]);
        let stats = bench.queue.stats();
        assert_eq!((stats.submitted, stats.dropped_overload, stats.depth), (5, 3, 0));
    }

    #[test]
    fn who_is_late_goes_before_who_matters_less() {
        let mut bench = Bench::new(2);
        bench.submit(1, Customer, true, 0);
        bench.submit(2, Agent, false, 9000);
        let now = bench.start + DEADLINE + Duration::from_millis(1);
        bench.queue.submit_at(now, bench.job(3, Agent, false, 9500));
        assert_eq!(bench.dropped(), [(1, DropReason::Deadline)]);
        assert_eq!(bench.queue.stats().dropped_deadline, 1);
        assert_eq!(bench.taken(), [2, 3]);
    }

    #[test]
    fn a_worker_never_gets_what_is_late() {
        let (reply, mut answers) = mpsc::channel(1);
        let queue = SpeechQueue::new(QueueSettings { capacity: 4, deadline: Duration::ZERO });
        let bench = Bench::new(1);
        queue.submit_at(bench.start, SpeechJob { reply, ..bench.job(1, Customer, true, 0) });
        std::thread::sleep(Duration::from_millis(2));
        assert!(matches!(queue.take(Duration::ZERO), Taken::Nothing));
        let late = Outcome::Dropped { reason: DropReason::Deadline };
        assert_eq!(answers.try_recv().unwrap(), Transcript { segment: 1, outcome: late });
    }

    #[test]
    fn a_closed_queue_says_so() {
        let mut bench = Bench::new(4);
        bench.submit(1, Customer, false, 0);
        bench.queue.close();
        bench.submit(2, Customer, false, 0);
        bench.queue.clear();
        let stopping = DropReason::ShuttingDown;
        assert_eq!(bench.dropped(), [(2, stopping), (1, stopping)]);
    }

    #[test]
    fn what_ends_its_worker_is_tried_once_more_and_then_given_up() {
        let mut bench = Bench::new(2);
        bench.submit(1, Customer, false, 0);
        bench.submit(2, Customer, false, 10);
        for failures in 0..2 {
            let job = bench.take().unwrap();
            assert_eq!((job.segment, job.failures), (1, failures), "the oldest first, also the second time");
            bench.queue.again(*job);
        }
        assert_eq!(bench.dropped(), [(1, DropReason::Failed)]);
        assert_eq!(bench.queue.unfinished(), 1);
        let second = bench.take().unwrap();
        assert_eq!(bench.queue.unfinished(), 1, "being read");
        bench.queue.clear();
        bench.queue.again(*second);
        assert_eq!(bench.dropped(), [(2, DropReason::ShuttingDown)]);
        let stats = bench.queue.stats();
        assert_eq!((stats.retried, stats.dropped_failed, bench.queue.unfinished()), (1, 1, 0));
    }

    #[test]
    fn when_nobody_can_read_the_reason_is_said() {
        let (reply, mut answers) = mpsc::channel(4);
        let queue = SpeechQueue::new(QueueSettings { capacity: 4, deadline: Duration::ZERO });
        let bench = Bench::new(1);
        assert_eq!(queue.down_for(), None, "nobody was promised");
        queue.expect_workers(2);
        assert!(queue.down_for().is_some());
        let job = |segment| SpeechJob { reply: reply.clone(), ..bench.job(segment, Customer, true, 0) };
        queue.submit_at(bench.start, job(1));
        std::thread::sleep(Duration::from_millis(2));
        queue.shed();
        queue.worker_is(true);
        assert_eq!(queue.down_for(), None);
        queue.submit_at(bench.start, job(2));
        std::thread::sleep(Duration::from_millis(2));
        queue.shed();
        let reasons: Vec<Outcome> = std::iter::from_fn(|| answers.try_recv().ok()).map(|a| a.outcome).collect();
        let dropped = |reason| Outcome::Dropped { reason };
        assert_eq!(reasons, [dropped(DropReason::Failed), dropped(DropReason::Deadline)]);
        queue.worker_is(false);
        assert!(queue.down_for().is_some());
    }

    #[test]
    fn readers_that_left_or_are_full_are_counted() {
        let bench = Bench::new(1);
        let (gone, receiver) = mpsc::channel(1);
        drop(receiver);
        let (full, _kept) = mpsc::channel(1);
        bench.queue.answer(&gone, 1, Outcome::Nothing);
        bench.queue.answer(&full, 2, Outcome::Nothing);
        bench.queue.answer(&full, 3, Outcome::Nothing);
        let stats = bench.queue.stats();
        assert_eq!((stats.undelivered, stats.nothing), (2, 3));
    }
}
