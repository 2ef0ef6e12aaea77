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
