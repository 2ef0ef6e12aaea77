//! What a crash, a hang or a poisoned utterance in a transcription process costs, and what it does not.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio::time::sleep;

use ruhepol::client::{self, Playing, play};
use ruhepol::fixture::Fixture;
use ruhepol::server::auth::Role;
use ruhepol::stt::frames::{Answer, Utterance};
use ruhepol::stt::process::Program as Engine;
use ruhepol::stt::{QueueSettings, SpeechJob, SpeechQueue, SpeechWorkers};
use ruhepol::terms::{Channel, DropReason, Lang, Outcome, Transcript};

use crate::program::{self, Program, stat_of, until};

/// First samples that the engine below obeys.
const ABORT: f32 = 0.5;
const HANG: f32 = 0.25;
const NONSENSE: f32 = 0.125;

/// Not a test: what the tests below start instead of the real engine. It answers with its process id.
#[test]
#[ignore = "an engine for the tests beside it"]
fn an_engine_that_fails_on_demand() {
    let Ok(line) = std::io::stdin().as_fd().try_clone_to_owned() else { return };
    let mut line = UnixStream::from(line);
    if Answer::Ready.write(&mut line).is_err() {
        return;
    }
    while let Ok(Some(utterance)) = Utterance::read(&mut line) {
        let answer = match utterance.samples[0] {
            ABORT => std::process::abort(),
            HANG => loop {
                std::thread::park();
            },
            NONSENSE => Answer::Ready,
            _ => Answer::Text { text: std::process::id().to_string(), confidence: 1.0 },
        };
        if answer.write(&mut line).is_err() {
            return;
        }
    }
}

struct Bench {
    queue: SpeechQueue,
    workers: SpeechWorkers,
    reply: mpsc::Sender<Transcript>,
    answers: mpsc::Receiver<Transcript>,
}

impl Bench {
    fn new(workers: usize, patience: Duration) -> Self {
        let arguments = ["--exact", "isolation::an_engine_that_fails_on_demand", "--ignored", "--nocapture"];
        let engine = Engine::other(std::env::current_exe().unwrap(), arguments.map(Into::into).to_vec(), patience);
        let queue = SpeechQueue::new(QueueSettings { capacity: 64, deadline: Duration::from_secs(600) });
        let workers = SpeechWorkers::start_processes(&queue, engine, workers).unwrap();
        let (reply, answers) = mpsc::channel(64);
        Self { queue, workers, reply, answers }
    }

    fn submit(&self, segment: u64, first: f32) {
        self.queue.submit(SpeechJob {
            call: "c1".into(),
            segment,
            channel: Channel::Customer,
            lang: Lang::De,
            samples: [vec![first], vec![0.0; 32_000]].concat(),
            voiced: 0.8,
            heated: false,
            ended_at: Instant::now(),
            failures: 0,
            reply: self.reply.clone(),
        });
    }

    fn outcome(&mut self) -> Outcome {
        self.answers.blocking_recv().unwrap().outcome
    }

    /// The process that read a harmless utterance.
    fn process(&mut self) -> u32 {
        self.submit(0, 0.0);
        match self.outcome() {
            Outcome::Text { text, .. } => text.parse().unwrap(),
            other => panic!("not read: {other:?}"),
        }
    }
}

const FAILED: Outcome = Outcome::Dropped { reason: DropReason::Failed };

#[test]
fn a_poisoned_utterance_ends_two_processes_and_is_given_up() {
    let mut bench = Bench::new(1, Duration::from_secs(20));
    let first = bench.process();
    for poison in [ABORT, NONSENSE] {
        bench.submit(1, poison);
        assert_eq!(bench.outcome(), FAILED);
    }
    let later = bench.process();
    assert_ne!(first, later);
    let stats = bench.queue.stats();
    assert_eq!((stats.dropped_failed, stats.retried, stats.restarts, stats.hung), (2, 2, 4, 0));
    assert_eq!((stats.workers, stats.workers_up), (1, 1));
    bench.workers.finish(Duration::from_secs(5));
    assert_eq!(stat_of(later), None, "ended and waited for");
    assert_eq!(stat_of(first), None);
}

#[test]
fn a_hang_is_ended_and_others_go_on() {
    let mut bench = Bench::new(2, Duration::from_secs(1));
    bench.submit(1, HANG);
    for _ in 0..5 {
        bench.process();
    }
    assert_eq!(bench.outcome(), FAILED);
    let stats = bench.queue.stats();
    assert_eq!((stats.hung, stats.retried, stats.dropped_failed, stats.transcribed), (2, 1, 1, 5));
}

#[test]
fn a_stopped_process_is_as_good_as_hung_and_its_utterance_is_read_by_the_next() {
    let mut bench = Bench::new(1, Duration::from_secs(1));
    let process = bench.process();
    program::send(process, Signal::STOP);
    // The signal takes a moment on a busy machine.
    while stat_of(process).is_some_and(|(state, _)| state != 'T') {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_ne!(bench.process(), process);
    let stats = bench.queue.stats();
    assert_eq!((stats.hung, stats.retried, stats.dropped_failed, stats.transcribed), (1, 1, 0, 2));
    assert_eq!(stat_of(process), None, "a stopped process can be killed, too");
}

#[test]
fn a_process_killed_while_idle_is_replaced_before_it_is_needed() {
    let mut bench = Bench::new(1, Duration::from_secs(20));
    let process = bench.process();
    program::send(process, Signal::KILL);
    while bench.queue.stats().restarts == 0 || bench.queue.down_for().is_some() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_ne!(bench.process(), process);
    assert_eq!(bench.queue.stats().retried, 0, "nobody was kept waiting");
}

#[test]
fn going_down_does_not_wait_for_a_hang() {
    let mut bench = Bench::new(1, Duration::from_secs(600));
    let process = bench.process();
    bench.submit(1, HANG);
    bench.submit(2, 0.0);
    while bench.queue.stats().depth > 1 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let Bench { workers, mut answers, .. } = bench;
    workers.finish(Duration::from_millis(300));
    for _ in 0..2 {
        assert_eq!(answers.try_recv().unwrap().outcome, Outcome::Dropped { reason: DropReason::ShuttingDown });
    }
    assert_eq!(stat_of(process), None);
}

#[test]
fn an_engine_that_cannot_start_says_why() {
    let start = |path: &str, arguments: &[&str]| {
        let queue = SpeechQueue::new(QueueSettings { capacity: 1, deadline: Duration::from_secs(1) });
        let arguments = arguments.iter().map(Into::into).collect();
        let engine = Engine::other(path.into(), arguments, Duration::from_secs(1));
        SpeechWorkers::start_processes(&queue, engine, 2).unwrap_err().to_string()
    };
    assert!(start("/nowhere/ruhepol", &[]).contains("/nowhere/ruhepol"));
    let why = start("/bin/true", &[]);
    assert!(why.contains("exit status: 0"), "{why}");
    let worker = [ruhepol::stt::process::SUBCOMMAND, "/nowhere/model.bin"];
    let why = start(env!("CARGO_BIN_EXE_ruhepol"), &worker);
    assert!(why.contains("no speech model at /nowhere/model.bin"), "{why}");
}

/// The first fifteen seconds of a call.
fn angry() -> Fixture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/english-angry");
    let mut fixture = Fixture::load(&path).unwrap();
    let second = fixture.recording.frame_bytes() * fixture.recording.sample_rate as usize;
    fixture.recording.data.truncate(15 * second);
    fixture
}

/// Processes that are killed or stopped before the test lets the engine read on.
const KILLS: usize = 8;

/// The real program and the real engine: its processes are killed and stopped while a call speaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_does_not_notice_that_its_engine_is_killed() {
    let program = Program::serve("[speech]\nworkers = 2\ndecode_s = 5\n").await;
    let mut feed = program.connect("/v1/feed/supervisor", Role::Supervisor, "s").await.unwrap();
    // A call that began before it would be in it, and its first event not on the feed.
    assert_eq!(client::next_json(&mut feed).await.unwrap().unwrap()["type"], "snapshot");
    let playing = Playing {
        url: program.url("/v1/media"),
        token: Some(program.token(Role::Ingest, "pbx")),
        speed: 1.0,
        call: "c1".to_owned(),
        ..Playing::default()
    };
    // Whether it waits for the last word on a busy machine or not: what became of the call is in its log.
    let player = tokio::spawn(async move { play(&angry(), &playing, |_| {}).await });
    let kill = async {
        for kills in 0..KILLS {
            sleep(Duration::from_millis(1_500)).await;
            let children = program.children();
            assert!(children.len() <= 2, "{children:?}");
            let Some(child) = children.get(kills % 2) else { continue };
            let of_a_file = |path: &&std::path::PathBuf| path.starts_with(program.dir()) && !path.ends_with("log");
            let descriptors = program::descriptors_of(*child);
            assert_eq!(descriptors.iter().find(of_a_file), None, "no file of the server is inherited");
            program::send(*child, if kills % 5 == 4 { Signal::STOP } else { Signal::KILL });
        }
    };
    let collect = async {
        let (mut last, mut dropped, mut heard) = (0, 0, 0);
        loop {
            let event = client::next_json(&mut feed).await.unwrap().expect("the feed stays open");
            let Some(seq) = event["seq"].as_u64() else { continue };
            last += 1;
            assert_eq!(seq, last, "{event}");
            dropped += u64::from(event["type"] == "speech_dropped");
            heard += u64::from(event["type"] == "utterance");
            if event["type"] == "call_ended" {
                assert_eq!(event["reason"], "stop", "{event}");
                return (dropped, heard);
            }
        }
    };
    let ((), (dropped, heard)) = tokio::join!(kill, collect);
    let _ = player.await.unwrap();
    let metric = async |name: &str| program.metric(&format!("ruhepol_speech_{name}")).await as u64;
    let mut given_up = 0;
    for reason in ["failed", "deadline", "overload"] {
        given_up += metric(&format!("dropped_{reason}_total")).await;
    }
    let read = metric("transcribed_total").await + metric("nothing_total").await;
    assert_eq!(metric("submitted_total").await, read + given_up, "every utterance is accounted for");
    assert_eq!(dropped, given_up, "and what was given up is said");
    assert!(heard > 0, "{}", program.log());
    assert!(metric("restarts_total").await >= KILLS as u64 / 2, "{}", program.log());
    assert_eq!(program.metric("ruhepol_faults_total").await, 0.0);
    until("both processes are back", async || {
        program.get("/healthz").await.is_some_and(|(_, body)| body == "ok\n") && program.children().len() == 2
    })
    .await;
    println!("{KILLS} processes killed or stopped: {read} utterances read, {given_up} given up, {heard} heard");
}

#[tokio::test]
async fn processes_go_with_the_server_and_know_none_of_its_secrets() {
    let mut program = Program::serve("[speech]\nworkers = 2\n").await;
    until("both are up", async || program.metric("ruhepol_speech_workers_up").await == 2.0).await;
    let children = program.children();
    assert_eq!(children.len(), 2);
    for child in &children {
        let environment = std::fs::read(format!("/proc/{child}/environ")).unwrap();
        assert!(!String::from_utf8_lossy(&environment).contains("RUHEPOL"), "no secret");
        let descriptors = program::descriptors_of(*child);
        let sockets = descriptors.iter().filter(|path| path.to_string_lossy().starts_with("socket:")).count();
        // Its end of the line, once as standard input and once as its own; the rest is the signal handling of its own.
        assert!(sockets <= 4, "{descriptors:?}");
        assert!(!descriptors.iter().any(|path| path.to_string_lossy().contains("journal")), "{descriptors:?}");
        // A signal to the whole group asks the server to drain; its helpers are needed for that.
        program::send(*child, Signal::TERM);
        program::send(*child, Signal::INT);
    }
    sleep(Duration::from_millis(700)).await;
    assert_eq!(program.children(), children, "signals to stop are for the server");
    program.signal(Signal::KILL);
    until("killed with it", async || program.has_ended() && children.iter().all(|child| !is_ours(*child))).await;

    let mut program = Program::serve("[speech]\nworkers = 1\n").await;
    let children = program.children();
    program.signal(Signal::TERM);
    until("gone in order", async || program.has_ended() && children.iter().all(|child| !is_ours(*child))).await;
}

/// Whether that process still runs the engine; another may have got its number.
fn is_ours(pid: u32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).contains(ruhepol::stt::process::SUBCOMMAND)
}
