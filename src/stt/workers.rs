//! The threads that turn segments into words.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::queue::{SpeechJob, SpeechQueue};
use super::whisper::{Model, Transcriber};
use crate::terms::{DropReason, Outcome};

/// The running workers. Dropping it ends them as [`finish`](Self::finish) with no grace would.
#[derive(Debug)]
pub struct SpeechWorkers {
    queue: SpeechQueue,
    threads: Vec<JoinHandle<()>>,
}

/// Reads one segment; made once per worker and again after each failure.
pub(super) type Decoder = Box<dyn FnMut(&SpeechJob) -> Outcome>;

impl SpeechWorkers {
    /// Starts `count` workers (at least one) that share the model, each with a state of its own and one thread
    /// of computation. More workers than cores make every one of them slower.
    ///
    /// # Errors
    /// The system could not start a thread.
    pub fn start(queue: &SpeechQueue, model: &Model, count: usize) -> std::io::Result<Self> {
        let model = model.clone();
        Self::start_with(queue, count, move || {
            let mut transcriber = Transcriber::new(&model).map_err(|error| error.to_string())?;
            Ok(Box::new(move |job: &SpeechJob| transcriber.transcribe(&job.samples, job.lang, job.voiced)))
        })
    }

    pub(super) fn start_with(
        queue: &SpeechQueue,
        count: usize,
        make: impl Fn() -> Result<Decoder, String> + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let make = Arc::new(make);
        let mut workers = Self { queue: queue.clone(), threads: Vec::new() };
        for index in 0..count.max(1) {
            let (queue, make) = (queue.clone(), Arc::clone(&make));
            let thread = std::thread::Builder::new()
                .name(format!("speech-{index}"))
                .spawn(move || work(&queue, make.as_ref()))?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// Takes in no more segments, gives those waiting `grace` to be read, answers the rest with
    /// [`DropReason::ShuttingDown`] and returns when every worker has ended. A transcription under way is
    /// waited for: whisper.cpp cannot be interrupted safely. Blocks.
    pub fn finish(mut self, grace: Duration) {
        self.end(grace);
    }

    fn end(&mut self, grace: Duration) {
        self.queue.close();
        let until = Instant::now() + grace;
        while self.queue.depth() > 0 && Instant::now() < until {
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

fn work(queue: &SpeechQueue, make: &dyn Fn() -> Result<Decoder, String>) {
    let mut decoder = None;
    while let Some(job) = queue.take() {
        let started = Instant::now();
        let outcome = decode(&mut decoder, make, &job);
        queue.count_work(started.elapsed(), job.samples.len());
        if outcome == (Outcome::Dropped { reason: DropReason::Failed }) {
            decoder = None;
            queue.count_restart();
            tracing::error!(call = %job.call, segment = job.segment, "speech dropped: transcription failed");
        }
        queue.answer(&job.reply, job.segment, outcome);
    }
}

/// A panic costs this segment and the worker's state, nothing else.
fn decode(decoder: &mut Option<Decoder>, make: &dyn Fn() -> Result<Decoder, String>, job: &SpeechJob) -> Outcome {
    let attempt = AssertUnwindSafe(|| {
        if decoder.is_none() {
            match make() {
                Ok(made) => *decoder = Some(made),
                Err(error) => tracing::error!(%error, "no speech worker state"),
            }
        }
        decoder.as_mut().map(|decoder| decoder(job))
    });
    match catch_unwind(attempt) {
        Ok(Some(outcome)) => outcome,
        Ok(None) | Err(_) => Outcome::Dropped { reason: DropReason::Failed },
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
            reply: reply.clone(),
        }
    }

    /// Answers with the number of the decoder that read the segment; panics on 13, fails on 7.
    fn numbered(made: &Arc<AtomicUsize>) -> impl Fn() -> Result<Decoder, String> + Send + Sync + 'static {
        let made = Arc::clone(made);
        move || {
            let number = made.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(move |job: &SpeechJob| match job.segment {
                13 => panic!("thirteen"),
                7 => Outcome::Dropped { reason: DropReason::Failed },
                _ => Outcome::Text { text: number.to_string(), confidence: 1.0 },
            }))
        }
    }

    #[test]
    fn a_failure_costs_one_segment_and_the_state() {
        let (queue, made) = (queue(), Arc::new(AtomicUsize::new(0)));
        let (reply, mut answers) = mpsc::channel(10);
        let workers = SpeechWorkers::start_with(&queue, 1, numbered(&made)).unwrap();
        let mut read = |segment| {
            queue.submit(job(segment, &reply));
            answers.blocking_recv().unwrap().outcome
        };
        let failed = Outcome::Dropped { reason: DropReason::Failed };
        let by = |number: &str| Outcome::Text { text: number.into(), confidence: 1.0 };
        let outcomes = [1, 13, 2, 7, 3, 4].map(&mut read);
        assert_eq!(outcomes, [by("0"), failed.clone(), by("1"), failed, by("2"), by("2")]);
        workers.finish(LONG);
        let stats = queue.stats();
        assert_eq!((stats.submitted, stats.transcribed, stats.dropped_failed, stats.restarts), (6, 4, 2, 2));
        assert_eq!(stats.audio_s, 6.0);
    }

    #[test]
    fn workers_without_a_state_answer_all_the_same() {
        let queue = queue();
        let (reply, mut answers) = mpsc::channel(10);
        let workers = SpeechWorkers::start_with(&queue, 2, || Err("no memory".into())).unwrap();
        for segment in 0..4 {
            queue.submit(job(segment, &reply));
        }
        workers.finish(LONG);
        drop(reply);
        let failed = Outcome::Dropped { reason: DropReason::Failed };
        let outcomes: Vec<_> = std::iter::from_fn(|| answers.try_recv().ok()).map(|answer| answer.outcome).collect();
        assert_eq!(outcomes, vec![failed; 4]);
    }

    #[test]
    fn every_segment_of_many_callers_is_answered_once() {
        let (queue, made) = (queue(), Arc::new(AtomicUsize::new(0)));
        let workers = SpeechWorkers::start_with(&queue, 4, numbered(&made)).unwrap();
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
        let workers = SpeechWorkers::start_with(&queue, 1, make).unwrap();
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
