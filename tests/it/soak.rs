//! Hours of a floor in small: calls that come and go and lose their lines, readers that are slow or do not read at all,
//! strangers that break every rule, and a reader that counts. Nothing may be lost or doubled, and the server may not grow.
//!
//! `make test` runs a short form, `make soak` ten minutes (`RUHEPOL_SOAK_S`, `RUHEPOL_SOAK_CALLS`). With
//! `RUHEPOL_SOAK_ENGINE=recorded` the calls' words come from the script and sound is heard but not read, so that the
//! speech engine, which needs most of a small machine, sets no bounds to the number of calls, and half of them bring sound; with `RUHEPOL_SOAK_PACE`
//! pauses between what is said are so many times longer (10: about as people speak).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use ruhepol::client::{self, Playing, Socket, play};
use ruhepol::fixture::Fixture;
use ruhepol::server::auth::Role;

use crate::program::{Program, descriptors_of};

/// Bounds so small that they are reached soon: what grows after that, grows for ever.
const SETTINGS: &str = "[media]\ngrace_s = 60\nping_s = 5\nsilent_s = 30\n\
    [feeds]\nhistory_events = 2000\ncall_events = 200\nended_calls = 20\nwrite_s = 2\n\
    [limits]\nheader_s = 5\nstart_s = 30\nrequests_per_s = 2000\n[journal]\nwait_ms = 30000\n";

const PATIENCE: Duration = Duration::from_secs(60);

const LINES: [&str; 8] = [
    "Wo ist mein Paket?",
    "Das ist eine Unverschämtheit, ich warte seit drei Wochen!",
    "Ich rufe jetzt zum vierten Mal an.",
    "Gut, danke.",
    "Ich gehe zum Anwalt.",
    "Meine Nummer ist null eins sieben zwei, drei drei vier vier fünf.",
    "Das glaube ich Ihnen nicht.",
    "Ich möchte Ihren Vorgesetzten sprechen.",
];

struct Floor {
    program: Program,
    quit: AtomicBool,
    /// How many times longer than at their quickest the pauses are between what is said.
    pace: u64,
    /// Calls that were begun, with how many of their lines were lost and taken up again.
    begun: Mutex<BTreeMap<String, u32>>,
    abused: AtomicU64,
    dropped_readers: AtomicU64,
}

impl Floor {
    fn over(&self) -> bool {
        self.quit.load(Ordering::Relaxed)
    }

    async fn pause(&self, ms: u64) {
        let until = Instant::now() + Duration::from_millis(ms);
        while !self.over() && Instant::now() < until {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Small numbers, different for everybody and the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

async fn say(socket: &mut Socket, message: Value) -> bool {
    socket.send(Message::text(message.to_string())).await.is_ok()
}

/// A phone system that brings words, call after call, and loses its line now and then.
async fn talker(floor: Arc<Floor>, number: u64) {
    let mut dice = Dice(0x9e37_79b9 + number * 7_919);
    for round in 0.. {
        if floor.over() {
            return;
        }
        let id = format!("t{number}-{round}");
        let mut lines = 5 + dice.below(25);
        let mut t_ms = 0;
        loop {
            let Some(mut socket) = floor.program.connect("/v1/transcripts", Role::Ingest, "pbx").await else {
                assert!(floor.over(), "no server\n{}", floor.program.log());
                return;
            };
            let start = json!({"type": "start", "call": id, "agent": format!("a{}", number % 5), "queue": "versand",
                "team": "nord", "language": "de", "channels": ["customer", "agent"], "customer": {"name": "Frau Keller"}});
            assert!(say(&mut socket, start).await);
            let ready = timeout(PATIENCE, client::next_json(&mut socket)).await.expect("ready").unwrap().unwrap();
            assert_eq!((&ready["type"], &ready["call"]), (&json!("ready"), &json!(id)), "{ready}");
            *floor.begun.lock().unwrap().entry(id.clone()).or_default() += u32::from(ready["resumed"] == true);
            t_ms = t_ms.max(ready["t_ms"].as_u64().unwrap_or(0));
            while lines > 0 && !floor.over() {
                lines -= 1;
                let channel = if dice.below(3) == 0 { "agent" } else { "customer" };
                let text = LINES[dice.below(LINES.len() as u64) as usize];
                let (start_ms, end_ms) = (t_ms + 100, t_ms + 1_500);
                t_ms = end_ms;
                let message = match dice.below(12) {
                    0 => json!({"type": "hold"}),
                    1 => json!({"type": "resume"}),
                    2 => json!({"type": "metadata", "wait_s": dice.below(900), "metadata": {"n": round}}),
                    _ => {
                        json!({"type": "utterance", "channel": channel, "start_ms": start_ms, "end_ms": end_ms, "text": text})
                    }
                };
                assert!(say(&mut socket, message).await, "{id}: the line holds");
                floor.pause(floor.pace * (50 + dice.below(250))).await;
                if dice.below(15) == 0 {
                    break;
                }
            }
            if lines == 0 || floor.over() {
                assert!(say(&mut socket, json!({"type": "stop"})).await);
                let stopped = timeout(PATIENCE, client::next_json(&mut socket)).await.expect("stopped");
                assert_eq!(stopped.unwrap().unwrap()["type"], "stopped");
                break;
            }
            // The line breaks; it comes back within the grace time.
            drop(socket);
            floor.pause(dice.below(1_000)).await;
        }
    }
}

/// A phone system that brings real speech in real time.
async fn speaker(floor: Arc<Floor>, number: u64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/english-angry");
    let fixture = Fixture::load(&path).unwrap();
    for round in 0.. {
        if floor.over() {
            return;
        }
        let call = format!("s{number}-{round}");
        floor.begun.lock().unwrap().insert(call.clone(), 0);
        let playing = Playing {
            url: floor.program.url("/v1/media"),
            token: Some(floor.program.token(Role::Ingest, "pbx")),
            speed: 1.5,
            call,
            ..Playing::default()
        };
        play(&fixture, &playing, |_| {}).await.unwrap();
    }
}

/// Reads the feed, in turns of some seconds, always from the last cursor, and checks every number.
async fn counter(floor: Arc<Floor>, read: Arc<AtomicU64>) -> BTreeMap<String, u64> {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut cursor: Option<u64> = None;
    let mut open = BTreeMap::new();
    loop {
        let path = cursor.map_or("/v1/feed/supervisor".to_owned(), |at| format!("/v1/feed/supervisor?after={at}"));
        let mut feed = floor.program.connect(&path, Role::Supervisor, "s").await.expect("a server");
        let until = Instant::now() + Duration::from_secs(7);
        let mut first = true;
        while first || Instant::now() < until || floor.over() {
            let Ok(message) = timeout(Duration::from_secs(3), client::next_json(&mut feed)).await else {
                if floor.over() && open.is_empty() {
                    return last;
                }
                continue;
            };
            let message = message.unwrap().expect("the feed stays open");
            if message["type"] == "snapshot" {
                assert!(first || cursor.is_none(), "the counter never falls behind");
                if first && cursor.is_none() {
                    // Calls that began before this reader came.
                    let calls = message["calls"].as_array().unwrap();
                    let seq_of = |call: &Value| Some((call["call"].as_str()?.to_owned(), call["seq"].as_u64()?));
                    last.extend(calls.iter().filter_map(seq_of));
                    read.fetch_add(last.values().sum(), Ordering::Relaxed);
                }
                first = false;
                if let Some(cursor) = cursor {
                    assert_eq!(message["cursor"], cursor, "the feed goes on where it was");
                }
                cursor = message["cursor"].as_u64();
                continue;
            }
            let (Some(call), Some(seq)) = (message["call"].as_str(), message["seq"].as_u64()) else { continue };
            let before = last.insert(call.to_owned(), seq).unwrap_or(0);
            assert_eq!(seq, before + 1, "{call}: neither lost nor doubled");
            assert_eq!(message.get("durable"), None, "{message}");
            cursor = message["cursor"].as_u64();
            read.fetch_add(1, Ordering::Relaxed);
            if message["type"] == "call_started" {
                open.insert(call.to_owned(), ());
            } else if message["type"] == "call_ended" {
                open.remove(call);
            }
            if floor.over() && open.is_empty() && floor.program.metric("ruhepol_calls").await == 0.0 {
                return last;
            }
        }
    }
}

/// A reader that takes its time, or none at all; it is dropped and comes back.
async fn slow_reader(floor: Arc<Floor>, pause_ms: u64) {
    while !floor.over() {
        let Some(mut feed) = floor.program.connect("/v1/feed/supervisor", Role::Supervisor, "slow").await else {
            return;
        };
        if pause_ms == 0 {
            floor.pause(10_000).await;
            continue;
        }
        while !floor.over() {
            match timeout(PATIENCE, feed.next()).await {
                Ok(Some(Ok(_))) => floor.pause(pause_ms).await,
                _ => break,
            }
        }
        floor.dropped_readers.fetch_add(1, Ordering::Relaxed);
    }
}

/// Somebody who breaks the rules, on every path in turn.
async fn abuser(floor: Arc<Floor>, number: u64) {
    let mut dice = Dice(0x1234_5678 + number * 104_729);
    let token = floor.program.token(Role::Admin, "x");
    let paths = ["/v1/media", "/v1/transcripts", "/v1/listen", "/v1/feed/supervisor", "/v1/media/twilio"];
    let rubbish: [&[u8]; 9] = [
        b"\x81\x02{}",
        b"\xf1\x80\0\0\0\0",
        b"\x83\x80\0\0\0\0",
        b"\x09\x80\0\0\0\0",
        b"\x81\x83\0\0\0\0\xff\xfe\xfd",
        b"\x82\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0",
        b"\x88\x82\0\0\0\0\x03\xe8",
        b"\x01\x80\0\0\0\0",
        b"\x81\x88\0\0\0\0{\"type\":",
    ];
    while !floor.over() {
        let Ok(mut stream) = TcpStream::connect(floor.program.address).await else { return };
        let path = paths[dice.below(paths.len() as u64) as usize];
        let bearer = if dice.below(4) == 0 { "forged" } else { &token };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {bearer}\r\n\r\n"
        );
        let cut = if dice.below(5) == 0 { dice.below(request.len() as u64) as usize } else { request.len() };
        let _ = stream.write_all(&request.as_bytes()[..cut]).await;
        let _ = stream.write_all(rubbish[dice.below(rubbish.len() as u64) as usize]).await;
        floor.abused.fetch_add(1, Ordering::Relaxed);
        // Some stay and say nothing more, some go at once.
        floor.pause(dice.below(3) * 300).await;
    }
}

/// The server at one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    memory_kib: u64,
    descriptors: u64,
    threads: u64,
}

fn sample(pid: u32) -> Sample {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    Sample { memory_kib: field("VmRSS:"), descriptors: descriptors_of(pid).len() as u64, threads: field("Threads:") }
}

fn median(samples: &[Sample], of: impl Fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_floor_goes_on_and_on() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let (soak_s, calls) = (number("RUHEPOL_SOAK_S", 20), number("RUHEPOL_SOAK_CALLS", 6));
    let recorded = std::env::var("RUHEPOL_SOAK_ENGINE").is_ok_and(|engine| engine == "recorded");
    let engine = if recorded { "[speech]\nengine = \"none\"\n" } else { "[speech]\nworkers = 1\n" };
    let program = Program::serve(&format!("{engine}{SETTINGS}")).await;
    let at_rest = sample(program.pid());
    let floor = Arc::new(Floor {
        program,
        quit: AtomicBool::new(false),
        pace: number("RUHEPOL_SOAK_PACE", 1),
        begun: Mutex::default(),
        abused: AtomicU64::new(0),
        dropped_readers: AtomicU64::new(0),
    });
    let read = Arc::new(AtomicU64::new(0));
    let counting = tokio::spawn(counter(Arc::clone(&floor), Arc::clone(&read)));
    let mut others = JoinSet::new();
    let talkers = if recorded { calls - calls / 2 } else { calls };
    for number in 0..talkers {
        others.spawn(talker(Arc::clone(&floor), number));
    }
    let speakers = if recorded { calls / 2 } else { 1 };
    for number in 0..speakers {
        others.spawn(speaker(Arc::clone(&floor), number));
    }
    let callers = talkers + speakers;
    for pause_ms in [0, 20, 400] {
        others.spawn(slow_reader(Arc::clone(&floor), pause_ms));
    }
    for number in 0..2 {
        others.spawn(abuser(Arc::clone(&floor), number));
    }
    let mut samples = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(soak_s) && !counting.is_finished() && others.len() as u64 == callers + 5
    {
        sleep(Duration::from_millis(500)).await;
        samples.push(sample(floor.program.pid()));
        if samples.len().is_multiple_of(240) {
            println!("{:>6} s {:?}", begun.elapsed().as_secs(), samples[samples.len() - 1]);
        }
        while let Some(ended) = others.try_join_next() {
            ended.expect("nobody gives up before the end");
        }
    }
    floor.quit.store(true, Ordering::Relaxed);
    while let Some(ended) = others.join_next().await {
        ended.unwrap();
    }
    let last = timeout(Duration::from_secs(120), counting).await.expect("every end is told").unwrap();

    let begun = floor.begun.lock().unwrap().clone();
    let mut stored = 0;
    for call in begun.keys() {
        let mut after = 0;
        let mut ended = false;
        loop {
            let page = floor.program.json(&format!("/v1/calls/{call}/events?after={after}")).await;
            for event in page["events"].as_array().unwrap() {
                after += 1;
                assert_eq!(event["seq"], after, "{call}");
                ended = event["type"] == "call_ended";
            }
            if page["next"].is_null() {
                break;
            }
        }
        stored += after;
        assert!(ended, "{call} has ended");
        assert_eq!(last.get(call), Some(&after), "{call}: what was told is what is kept");
    }
    assert_eq!(floor.program.metric("ruhepol_faults_total").await, 0.0);
    assert_eq!(floor.program.metric("ruhepol_journal_lost_events_total").await, 0.0);
    crate::program::until("all sockets are given back", async || {
        floor.program.metric("ruhepol_connections").await <= 1.0
    })
    .await;
    let after = sample(floor.program.pid());

    let resumed: u32 = begun.values().sum();
    println!(
        "{soak_s} s, {calls} lines: {} calls, taken up again {resumed} times; {stored} events kept, {} told to the counter; \
         {} abusive connections, {} slow readers dropped",
        begun.len(),
        read.load(Ordering::Relaxed),
        floor.abused.load(Ordering::Relaxed),
        floor.dropped_readers.load(Ordering::Relaxed),
    );
    let third = (samples.len() / 3).max(1);
    println!("{:<12} {:>12} {:>12} {:>8}", "", "memory KiB", "descriptors", "threads");
    let tell = |name: &str, at: Sample| {
        println!("{name:<12} {:>12} {:>12} {:>8}", at.memory_kib, at.descriptors, at.threads);
    };
    let of = |part: &[Sample]| Sample {
        memory_kib: median(part, |at| at.memory_kib),
        descriptors: median(part, |at| at.descriptors),
        threads: median(part, |at| at.threads),
    };
    let parts: Vec<Sample> = samples.chunks(third).take(3).map(of).collect();
    tell("at rest", at_rest);
    for (name, at) in ["first third", "second", "last"].iter().zip(&parts) {
        tell(name, *at);
    }
    tell("afterwards", after);

    assert!(stored > 0 && read.load(Ordering::Relaxed) == stored);
    assert!(after.descriptors <= at_rest.descriptors + 8, "descriptors are given back");
    if soak_s >= 300
        && let [_, warm, late] = parts[..]
    {
        // Blocking tasks come and go with the load; memory the allocator keeps is worth a few per cent.
        assert!(late.threads <= warm.threads + 4, "threads grow");
        assert!(late.descriptors <= warm.descriptors + warm.descriptors / 5 + 8, "descriptors grow");
        assert!(late.memory_kib <= warm.memory_kib + warm.memory_kib / 10, "memory grows");
    }
}
