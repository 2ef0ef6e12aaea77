//! The threads that turn segments into words, each with a state of its own or in front of a process of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::decode::Decoder;
use super::process::Program;
use super::queue::{SpeechJob, SpeechQueue, Taken};
use super::whisper::{Model, Transcriber};
use crate::terms::{DropReason, Outcome};

/// A worker without work looks after its process so often: one that ends by itself is back within a second.
const IDLE: Duration = Duration::from_millis(500);

/// Pauses before another start after failures, from the second in a row on; they double up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The running workers. Dropping it ends them as [`finish`](Self::finish) with no grace would.
#[derive(Debug)]
pub struct SpeechWorkers {
    queue: SpeechQueue,
    threads: Vec<JoinHandle<()>>,
}

impl SpeechWorkers {
    /// Starts `count` workers (at least one) in threads of this process. They share the model, each with a state of
    /// its own and one thread of computation. More workers than cores make every one of them slower.
    ///
    /// # Errors
    /// The system could not start a thread.
    pub fn start(queue: &SpeechQueue, model: &Model, count: usize) -> std::io::Result<Self> {
        let model = model.clone();
        let make = move || {
            let mut transcriber = Transcriber::new(&model).map_err(|error| error.to_string())?;
            let read = move |job: &SpeechJob| transcriber.transcribe(&job.samples, job.lang, job.voiced);
            Ok(Box::new(read) as Decoder)
        };
        Ok(Self::start_with(queue, count, make)?.0)
    }

    /// Starts `count` workers (at least one), each with a process and a model of its own, and waits until the first
    /// can read.
    ///
    /// # Errors
    /// The system could not start a thread, or none of the processes can read: why the first cannot.
    pub fn start_processes(queue: &SpeechQueue, program: Program, count: usize) -> std::io::Result<Self> {
        let own = queue.clone();
        let make = move || Ok(Box::new(program.start(&own)?) as Decoder);
        let (workers, begun) = Self::start_with(queue, count, make)?;
        let mut why = None;
        for first_try in begun {
            match first_try {
                Ok(()) => return Ok(workers),
                Err(error) => why = why.or(Some(error)),
            }
        }
        Err(std::io::Error::other(why.unwrap_or_else(|| "no worker came up".to_owned())))
    }

    /// Also what became of each worker's first try to come up, as it happens.
    pub(super) fn start_with(
        queue: &SpeechQueue,
        count: usize,
        make: impl Fn() -> Result<Decoder, String> + Send + Sync + 'static,
    ) -> std::io::Result<(Self, Receiver<Result<(), String>>)> {
        let make = Arc::new(make);
        // Each worker has one word to say.
        let (tell, begun) = sync_channel(count.max(1));
        let mut workers = Self { queue: queue.clone(), threads: Vec::new() };
        queue.expect_workers(count.max(1));
        for index in 0..count.max(1) {
            let (queue, make, tell) = (queue.clone(), Arc::clone(&make), tell.clone());
            let thread = std::thread::Builder::new()
                .name(format!("speech-{index}"))
                .spawn(move || Worker { queue: &queue, make: make.as_ref(), decoder: None, failures: 0 }.work(tell))?;
            workers.threads.push(thread);
        }
        Ok((workers, begun))
    }

    /// Takes in no more segments, gives those waiting or being read `grace`, answers the rest with
    /// [`DropReason::ShuttingDown`] and returns when every worker has ended. A transcription under way in a thread is
    /// waited for: whisper.cpp cannot be interrupted safely; one in a process is cut off. Blocks.
    pub fn finish(mut self, grace: Duration) {
        self.end(grace);
    }

    fn end(&mut self, grace: Duration) {
        self.queue.close();
        let until = Instant::now() + grace;
        while self.queue.unfinished() > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.queue.clear();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a speech worker ended by a panic outside of a transcription");
            }
        }
    }
}

impl Drop for SpeechWorkers {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

struct Worker<'a> {
    queue: &'a SpeechQueue,
    make: &'a dyn Fn() -> Result<Decoder, String>,
    decoder: Option<Decoder>,
    /// In a row.
    failures: u32,
}

impl Worker<'_> {
    fn work(mut self, tell: SyncSender<Result<(), String>>) {
        let mut tell = Some(tell);
        loop {
            if self.decoder.as_mut().is_some_and(|decoder| !decoder.is_alive()) {
                self.fail();
            }
            if self.decoder.is_none() {
                if !self.pause() {
                    return;
                }
                let made = self.make();
                if let Err(error) = &made {
                    self.failures = self.failures.saturating_add(1);
                    tracing::error!(error, "a speech worker cannot start");
                }
                // Whether anybody still waits for the news or not.
                let _ = tell.take().map(|tell| tell.send(made));
                continue;
            }
            match self.queue.take(IDLE) {
                Taken::Job(job) => self.read(job),
                Taken::Nothing => {}
                Taken::Closed => break,
            }
        }
        self.queue.worker_is(false);
    }

    fn make(&mut self) -> Result<(), String> {
        let made = catch_unwind(AssertUnwindSafe(self.make)).unwrap_or_else(|_| Err("a panic".to_owned()))?;
        self.decoder = Some(made);
        self.queue.worker_is(true);
        Ok(())
    }

    /// A panic costs this worker's state, nothing else.
    fn read(&mut self, job: Box<SpeechJob>) {
        let Some(decoder) = &mut self.decoder else { return };
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| decoder.read(&job)));
        self.queue.count_work(started.elapsed(), job.samples.len());
        match outcome {
            Ok(Outcome::Dropped { reason: DropReason::Failed }) | Err(_) => {
                tracing::error!(call = %job.call, segment = job.segment, tries = job.failures + 1, "transcription failed");
                self.fail();
                self.queue.again(*job);
            }
            Ok(outcome) => {
                self.failures = 0;
                self.queue.done(&job, outcome);
            }
        }
    }

    fn fail(&mut self) {
        self.decoder = None;
        self.failures = self.failures.saturating_add(1);
        self.queue.worker_is(false);
        self.queue.count_restart();
    }

    /// Waits as long as the failures in a row ask for; false if the queue is cleared meanwhile.
    fn pause(&self) -> bool {
        let pause = match self.failures {
            0 | 1 => Duration::ZERO,
            more => PAUSE_MIN.saturating_mul(1 << (more - 2).min(10)).min(PAUSE_MAX),
        };
        let until = Instant::now() + pause;
        loop {
            if self.queue.is_cleared() {
                return false;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            self.queue.shed();
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::mpsc;

    use super::*;
    use crate::stt::QueueSettings;
    use crate::terms::{Channel, Lang, Transcript};

    const LONG: Duration = Duration::from_secs(600);

    fn queue() -> SpeechQueue {
        SpeechQueue::new(QueueSettings { capacity: 100, deadline: LONG })
    }

    fn job(segment: u64, reply: &mpsc::Sender<Transcript>) -> SpeechJob {
        SpeechJob {
            call: "c1".into(),
            segment,
            channel: Channel::Customer,
            lang: Lang::De,
            samples: vec![0.0; 16_000],
            voiced: 0.8,
            heated: false,
            ended_at: Instant::now(),
            failures: 0,
            reply: reply.clone(),
        }
    }

    /// Answers with the number of the decoder that read the segment; panics on 13, fails on 7.
    fn numbered(made: &Arc<AtomicUsize>) -> impl Fn() -> Result<Decoder, String> + Send + Sync + 'static {
        let made = Arc::clone(made);
        move || {
            let number = made.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(move |job: &SpeechJob| match (job.segment, job.failures) {
                (13, _) => panic!("thirteen"),
                (7, _) | (5, 0) => Outcome::Dropped { reason: DropReason::Failed },
                _ => Outcome::Text { text: number.to_string(), confidence: 1.0 },
            }) as Decoder)
        }
    }

    #[test]
    fn a_failure_costs_the_state_and_at_the_second_time_the_segment() {
        let (queue, made) = (queue(), Arc::new(AtomicUsize::new(0)));
        let (reply, mut answers) = mpsc::channel(10);
        let (workers, _) = SpeechWorkers::start_with(&queue, 1, numbered(&made)).unwrap();
        let mut read = |segment| {
            queue.submit(job(segment, &reply));
            answers.blocking_recv().unwrap().outcome
        };
        let failed = Outcome::Dropped { reason: DropReason::Failed };
        let by = |number: &str| Outcome::Text { text: number.into(), confidence: 1.0 };
        let outcomes = [1, 13, 2, 7, 3, 5, 4].map(&mut read);
        assert_eq!(outcomes, [by("0"), failed.clone(), by("2"), failed, by("4"), by("5"), by("5")]);
        workers.finish(LONG);
        let stats = queue.stats();
        assert_eq!((stats.submitted, stats.transcribed, stats.dropped_failed), (7, 5, 2));
        assert_eq!((stats.restarts, stats.retried, stats.workers, stats.workers_up), (5, 3, 1, 0));
    }

    #[test]
    fn workers_that_cannot_start_leave_nobody_without_an_answer() {
        let queue = SpeechQueue::new(QueueSettings { capacity: 100, deadline: Duration::from_millis(300) });
        let (reply, mut answers) = mpsc::channel(10);
        let (workers, begun) = SpeechWorkers::start_with(&queue, 2, || Err("no memory".into())).unwrap();
        assert_eq!(begun.iter().collect::<Vec<_>>(), vec![Err("no memory".to_owned()); 2]);
        for segment in 0..4 {
            queue.submit(job(segment, &reply));
        }
        let failed = Outcome::Dropped { reason: DropReason::Failed };
        for _ in 0..4 {
            assert_eq!(answers.blocking_recv().unwrap().outcome, failed);
        }
        assert!(queue.down_for().is_some());
        queue.submit(job(5, &reply));
        workers.finish(Duration::ZERO);
        assert_eq!(answers.blocking_recv().unwrap().outcome, Outcome::Dropped { reason: DropReason::ShuttingDown });
    }

    #[test]
    fn every_segment_of_many_callers_is_answered_once() {
        let (queue, made) = (queue(), Arc::new(AtomicUsize::new(0)));
        let (workers, _) = SpeechWorkers::start_with(&queue, 4, numbered(&made)).unwrap();
        let (reply, mut answers) = mpsc::channel(1000);
        std::thread::scope(|scope| {
            for caller in 0..4 {
                let (queue, reply) = (queue.clone(), reply.clone());
                scope.spawn(move || (0..100).for_each(|n| queue.submit(job(1000 * (caller + 1) + n, &reply))));
            }
        });
        workers.finish(LONG);
        let mut segments: Vec<_> =
            std::iter::from_fn(|| answers.try_recv().ok()).map(|answer| answer.segment).collect();
        segments.sort_unstable();
        segments.dedup();
        assert_eq!(segments.len(), 400);
        let stats = queue.stats();
        assert_eq!(stats.transcribed + stats.dropped_overload, 400);
        assert_eq!((stats.depth, stats.undelivered), (0, 0));
    }

    #[test]
    fn ending_without_grace_answers_those_who_wait() {
        let queue = queue();
        let (reply, mut answers) = mpsc::channel(10);
        let (started, has_started) = std::sync::mpsc::sync_channel(10);
        let (let_go, held) = std::sync::mpsc::sync_channel::<()>(10);
        let (started, held) = (started, std::sync::Mutex::new(Some(held)));
        let make = move || {
            let (started, held) = (started.clone(), held.lock().unwrap().take());
            Ok(Box::new(move |_: &SpeechJob| {
                started.send(()).unwrap();
                if let Some(held) = &held {
                    held.recv().unwrap();
                }
                Outcome::Nothing
            }) as Decoder)
        };
        let (workers, _) = SpeechWorkers::start_with(&queue, 1, make).unwrap();
        (0..3).for_each(|segment| queue.submit(job(segment, &reply)));
        has_started.recv().unwrap();
        let ending = std::thread::spawn(move || drop(workers));
        let shutting_down = Outcome::Dropped { reason: DropReason::ShuttingDown };
        for segment in [1, 2] {
            assert_eq!(answers.blocking_recv().unwrap(), Transcript { segment, outcome: shutting_down.clone() });
        }
        let_go.send(()).unwrap();
        ending.join().unwrap();
        assert_eq!(answers.try_recv().unwrap(), Transcript { segment: 0, outcome: Outcome::Nothing });
        queue.submit(job(3, &reply));
        assert_eq!(answers.try_recv().unwrap(), Transcript { segment: 3, outcome: shutting_down });
    }

    #[test]
    fn the_embedded_model_reads_through_the_queue() {
        let queue = queue();
        let (reply, mut answers) = mpsc::channel(2);
        let workers = SpeechWorkers::start(&queue, &Model::embedded().unwrap(), 2).unwrap();
        queue.submit(SpeechJob { samples: vec![0.0; 32_000], ..job(1, &reply) });
        assert_eq!(answers.blocking_recv().unwrap(), Transcript { segment: 1, outcome: Outcome::Nothing });
        workers.finish(LONG);
        assert!(queue.stats().busy_s > 0.0);
    }
}
