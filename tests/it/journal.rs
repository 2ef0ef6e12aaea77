//! What was told is kept: across restarts, through a disk that fails, and no longer than it may be.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use ruhepol::server::auth::{Claims, Role};

use crate::support::{PATIENCE, TestServer, serve, start};

async fn serve_in(dir: &Path) -> TestServer {
    serve(|config| config.server.data_dir = Some(dir.to_owned())).await
}

async fn page(server: &TestServer, path: &str) -> Value {
    let (status, body) = server.get(path, Some(&server.token(Role::Supervisor, "s1"))).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The next event of a log; what the feed tells beside them has no number.
async fn next_event(feed: &mut crate::support::Client) -> Value {
    loop {
        let event = feed.json().await;
        if event["seq"].is_u64() {
            return event;
        }
    }
}

/// Numbers and types of a call's log.
fn log(page: &Value) -> Vec<(u64, String)> {
    let events = page["events"].as_array().unwrap().iter();
    events.map(|event| (event["seq"].as_u64().unwrap(), event["type"].as_str().unwrap().to_owned())).collect()
}

/// Whether any file of the journal holds these bytes.
fn on_disk(dir: &Path, words: &str) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let is_journal = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("journal.db"));
        let content = std::fs::read(&path).unwrap_or_default();
        is_journal && content.windows(words.len()).any(|window| window == words.as_bytes())
    })
}

async fn one_call(server: &TestServer, id: &str, words: &str) {
    let mut call = server.words_call(id).await;
    call.say("customer", 0, 2_000, words).await;
    call.stop().await;
}

#[tokio::test]
async fn what_was_told_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve_in(dir.path()).await;
    let mut feed = server.feed().await;
    one_call(&server, "c1", "Ich bringe Sie um!").await;
    let mut told = Vec::new();
    let cursor = loop {
        let event = next_event(&mut feed).await;
        assert_eq!(event.get("durable"), None, "{event}");
        told.push((event["seq"].as_u64().unwrap(), event["type"].as_str().unwrap().to_owned()));
        if event["type"] == "assessment" {
            break event["cursor"].as_u64().unwrap();
        }
    };
    // `stopped` was said: the end is on the disk.
    server.end().await;

    let server = serve_in(dir.path()).await;
    let all = log(&page(&server, "/v1/calls/c1/events").await);
    assert_eq!(all[..told.len()], told[..]);
    assert!(all.iter().map(|(seq, _)| *seq).eq(1..=all.len() as u64));
    assert_eq!(all.last().unwrap().1, "call_ended");
    assert_eq!(log(&page(&server, "/v1/calls/c1/events?after=2&limit=1").await), all[2..3]);
    assert_eq!(page(&server, "/v1/calls/c1").await["ended"], "stop");

    // A reader goes on where it was, in another run.
    let path = format!("/v1/feed/supervisor?after={cursor}");
    let mut feed = server.connect(&path, Role::Supervisor, "s1").await;
    assert_eq!(feed.json().await["cursor"], cursor);
    for expected in &all[told.len()..] {
        let event = next_event(&mut feed).await;
        assert_eq!((event["seq"].as_u64().unwrap(), event["type"].as_str().unwrap()), (expected.0, &*expected.1));
    }
    let mut call = server.transcripts().await;
    assert_eq!(call.start(start("c1")).await["call"], "c1~2", "the id was used in the last run");
}

#[tokio::test]
async fn lists_come_in_pages_and_in_scope() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve_in(dir.path()).await;
    for number in 0..5 {
        one_call(&server, &format!("c{number}"), "Ich bringe Sie um!").await;
    }
    let ids = |page: &Value| -> Vec<String> {
        page["calls"].as_array().unwrap().iter().map(|call| call["call"].as_str().unwrap().to_owned()).collect()
    };
    let first = page(&server, "/v1/calls?limit=2").await;
    assert_eq!(ids(&first), ["c4", "c3"]);
    let second = page(&server, &format!("/v1/calls?limit=2&before={}", first["next"])).await;
    assert_eq!(ids(&second), ["c2", "c1"]);
    let third = page(&server, &format!("/v1/calls?limit=2&before={}", second["next"])).await;
    assert_eq!((ids(&third), &third["next"]), (vec!["c0".to_owned()], &Value::Null));
    assert!(ids(&page(&server, "/v1/calls?state=live").await).is_empty());

    let alerts = page(&server, "/v1/alerts?state=all&limit=3").await;
    assert_eq!(alerts["alerts"][0]["call"], "c4");
    assert_eq!(alerts["alerts"][0]["kind"], "violence_threat");
    let rest = page(&server, &format!("/v1/alerts?state=all&before={}", alerts["next"])).await;
    assert_eq!(rest["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(page(&server, "/v1/alerts").await["alerts"], json!([]), "none is open");

    let token = |teams: &[&str]| {
        let teams = teams.iter().map(|team| (*team).to_owned()).collect();
        let claims =
            Claims { sub: "s2".to_owned(), role: Role::Supervisor, teams, queues: vec![], iat: 0, exp: 0, jti: None };
        server.token_of(claims, 60)
    };
    for (team, seen) in [("nord", true), ("süd", false)] {
        let token = token(&[team]);
        let (_, calls) = server.get("/v1/calls", Some(&token)).await;
        let (_, alerts) = server.get("/v1/alerts?state=all", Some(&token)).await;
        assert_eq!((calls.contains("c4"), alerts.contains("c4")), (seen, seen), "{team}");
        let status = if seen { 200 } else { 404 };
        assert_eq!(server.get("/v1/calls/c4/events", Some(&token)).await.0, status);
        assert_eq!(server.get("/v1/calls/c4", Some(&token)).await.0, status);
    }
    for path in ["/v1/calls?after=1", "/v1/calls?limit=x", "/v1/alerts?state=some", "/v1/calls/c1/events?after=-1"] {
        assert_eq!(server.get(path, Some(&server.token(Role::Admin, "x"))).await.0, 400, "{path}");
    }
}

#[tokio::test]
async fn an_erased_call_is_gone_everywhere_and_readers_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve_in(dir.path()).await;
    let admin = server.token(Role::Admin, "boss");
    let mut call = server.words_call("c1").await;
    call.say("customer", 0, 2_000, "Zitronenfalter im Paket.").await;
    until("the call is on record", async || server.get("/v1/calls/c1", Some(&admin)).await.0 == 200).await;
    let live = server.request(reqwest::Method::DELETE, "/v1/calls/c1", Some(&admin)).await;
    assert_eq!(live.0, 409, "{}", live.1);
    call.stop().await;
    assert!(on_disk(dir.path(), "Zitronenfalter"));
    let mut feed = server.feed().await;
    assert_eq!(server.request(reqwest::Method::DELETE, "/v1/calls/c1", Some(&admin)).await.0, 204);
    assert_eq!(feed.json().await, json!({"type": "erased", "call": "c1"}));
    assert!(!on_disk(dir.path(), "Zitronenfalter"));
    assert_eq!(server.get("/v1/calls/c1", Some(&admin)).await.0, 404);
    assert_eq!(server.get("/v1/calls/c1/events", Some(&admin)).await.0, 404);
    assert_eq!(server.request(reqwest::Method::DELETE, "/v1/calls/c1", Some(&admin)).await.0, 404);
    let mut late = server.connect("/v1/feed/supervisor?after=0", Role::Supervisor, "s1").await;
    assert!(!late.json().await.to_string().contains("Zitronenfalter"));
}

#[tokio::test]
async fn words_go_when_their_time_is_over_and_figures_stay() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve_in(dir.path()).await;
    one_call(&server, "c1", "Zitronenfalter, das ist eine Unverschämtheit!").await;
    server.end().await;
    assert!(on_disk(dir.path(), "Zitronenfalter"));
    let server = serve(|config| {
        config.server.data_dir = Some(dir.path().to_owned());
        config.journal.text_hours = 0;
    })
    .await;
    until("words are forgotten", async || !on_disk(dir.path(), "Zitronenfalter")).await;
    let events = page(&server, "/v1/calls/c1/events").await;
    assert!(events["events"].as_array().unwrap().iter().any(|event| event["type"] == "assessment"), "{events}");
}

#[tokio::test]
async fn the_agents_words_never_touch_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve_in(dir.path()).await;
    let mut feed = server.feed().await;
    let mut panel = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    panel.json().await;
    let mut call = server.words_call("c1").await;
    feed.json_of("call_started").await;
    call.say("agent", 0, 2_000, "Schmetterlingsnetz, guten Tag.").await;
    feed.send(json!({"type": "whisper", "call": "c1", "text": "Libellenflug"})).await;
    assert_eq!(panel.json_of("whisper").await["text"], "Libellenflug");
    call.stop().await;
    server.end().await;
    assert!(!on_disk(dir.path(), "Schmetterlingsnetz") && !on_disk(dir.path(), "Libellenflug"));
    assert!(on_disk(dir.path(), "call_ended"));
}

/// A server whose disk fails: live work goes on and says so; when the disk is back, nothing is missing.
async fn fails_and_heals(server: &TestServer, break_disk: impl FnOnce(), mend_disk: impl FnOnce()) {
    let mut feed = server.feed().await;
    let mut call = server.words_call("c1").await;
    feed.json_of("call_started").await;
    break_disk();
    let mut said = 0;
    let mut say = async |call: &mut crate::support::Client| {
        said += 1;
        // Long enough to need new pages.
        let words = format!("{said} {}", "Wo ist mein Paket? ".repeat(400));
        call.say("customer", said * 1_000, said * 1_000 + 500, &words).await;
    };
    let mut marked = 0;
    while marked == 0 {
        say(&mut call).await;
        let event = feed.json_of("utterance").await;
        marked += u64::from(event["durable"] == false);
    }
    assert_eq!(server.metric("ruhepol_journal_up").await, 0.0);
    assert!(server.metric("ruhepol_journal_not_durable_total").await > 0.0);
    for _ in 0..5 {
        say(&mut call).await;
        assert_eq!(feed.json_of("utterance").await["durable"], false);
    }
    let (status, body) = server.get("/v1/calls/c1/events", Some(&server.token(Role::Supervisor, "s1"))).await;
    assert_eq!(status, 200, "{body}");
    mend_disk();
    until("the journal heals", async || server.metric("ruhepol_journal_up").await == 1.0).await;
    say(&mut call).await;
    assert_eq!(feed.json_of("utterance").await.get("durable"), None);
    call.stop().await;
    let all = page(server, "/v1/calls/c1/events").await;
    let seqs: Vec<u64> = log(&all).iter().map(|(seq, _)| *seq).collect();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "{seqs:?}");
    assert!(!all.to_string().contains("durable"), "what was marked has been written");
    assert_eq!(server.metric("ruhepol_journal_lost_events_total").await, 0.0);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_marks_and_heals() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("data");
    // A file where the directory should be: works whoever runs the tests.
    std::fs::write(&place, "").unwrap();
    let server = serve_in(&place).await;
    let mend = || {
        std::fs::remove_file(&place).unwrap();
        std::fs::create_dir(&place).unwrap();
    };
    fails_and_heals(&server, || {}, mend).await;
}

/// A small file system of our own; `None` where we may not mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(megabytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).output();
        if !mount.is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: only root may mount a small file system");
            return None;
        }
        Some(Self(dir))
    }

    fn remount(&self, how: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.0.path()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server under test may still have files open.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_marks_and_heals() {
    let Some(disk) = SmallDisk::new(4) else { return };
    let server = serve_in(disk.0.path()).await;
    let filler = disk.0.path().join("filler");
    let fill = || {
        use std::io::Write as _;
        let mut file = std::fs::File::create(&filler).unwrap();
        while file.write_all(&[0; 4_096]).is_ok() {}
    };
    fails_and_heals(&server, fill, || std::fs::remove_file(&filler).unwrap()).await;
    server.end().await;
}

#[tokio::test]
async fn a_read_only_disk_marks_and_heals() {
    let Some(disk) = SmallDisk::new(4) else { return };
    let server = serve_in(disk.0.path()).await;
    // The kernel makes nothing read-only that is open for writing, so the journal is gone for a moment first.
    let break_disk = || {
        for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            std::fs::rename(disk.0.path().join(name), disk.0.path().join(format!("{name}.away"))).unwrap();
        }
        let blocked = disk.0.path().join("journal.db");
        std::fs::create_dir(&blocked).unwrap();
    };
    let mend = || std::fs::remove_dir(disk.0.path().join("journal.db")).unwrap();
    fails_and_heals_without_history(&server, break_disk, mend).await;
    disk.remount("size=5m");
    server.end().await;
}

/// As [`fails_and_heals`], where the first events stay in a file that is gone.
async fn fails_and_heals_without_history(server: &TestServer, break_disk: impl FnOnce(), mend_disk: impl FnOnce()) {
    let mut feed = server.feed().await;
    let mut call = server.words_call("c1").await;
    feed.json_of("call_started").await;
    break_disk();
    until("the loss is noticed", async || server.metric("ruhepol_journal_up").await == 0.0).await;
    call.say("customer", 0, 500, "Hallo?").await;
    assert_eq!(feed.json_of("utterance").await["durable"], false);
    mend_disk();
    until("the journal heals", async || server.metric("ruhepol_journal_up").await == 1.0).await;
    call.say("customer", 1_000, 1_500, "Wo ist mein Paket?").await;
    assert_eq!(feed.json_of("utterance").await.get("durable"), None);
    call.stop().await;
    assert_eq!(page(server, "/v1/calls/c1").await["team"], "nord");
}

#[tokio::test]
async fn a_damaged_journal_is_set_aside_and_work_begins() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("journal.db"), "no database at all. ".repeat(999)).unwrap();
    let server = serve_in(dir.path()).await;
    let mut feed = server.feed().await;
    one_call(&server, "c1", "Guten Tag.").await;
    assert_eq!(feed.json_of("call_ended").await.get("durable"), None);
    let kept = std::fs::read_dir(dir.path()).unwrap();
    assert!(kept.into_iter().any(|entry| entry.unwrap().file_name().to_string_lossy().contains("damaged")));
}
