use std::fs;

use tempfile::TempDir;

use super::store::Record;
use super::*;
use crate::call::event::{CallSummary, EndReason, EventKind, Log, rfc3339};
use crate::metrics::Metrics;
use crate::terms::{AlertKind, AlertState, Channel, Lang};

/// 2026-03-02T09:14:00Z.
const NOON: u64 = 1_772_442_840_000;

fn event(call: &str, seq: u64, unix_ms: u64, kind: EventKind) -> Event {
    Event { call: call.to_owned(), log: Log::Call, seq, at: rfc3339(unix_ms), t_ms: seq * 100, kind, durable: None }
}

fn started(call: &str, team: &str, unix_ms: u64) -> Event {
    let kind = EventKind::CallStarted {
        agent: Some("a7".to_owned()),
        queue: Some("versand".to_owned()),
        team: Some(team.to_owned()),
        language: Lang::De,
        rules: "r".to_owned(),
    };
    event(call, 1, unix_ms, kind)
}

fn said(call: &str, seq: u64, unix_ms: u64, text: &str) -> Event {
    let text = Some(text.to_owned());
    let channel = Channel::Customer;
    event(call, seq, unix_ms, EventKind::Utterance { channel, start_ms: 0, end_ms: 90, text, confidence: None })
}

fn alert(call: &str, seq: u64, unix_ms: u64) -> Event {
    let kind = EventKind::Alert {
        id: format!("{call}:a1"),
        state: AlertState::Raised,
        kind: AlertKind::RISING_TENSION,
        reason: "Zitronengelb".to_owned(),
        quote: Some("Zitronengelb".to_owned()),
        by: None,
        until: None,
        dismissal: None,
        unacknowledged_ms: None,
    };
    event(call, seq, unix_ms, kind)
}

fn ended(call: &str, seq: u64, unix_ms: u64) -> Event {
    let kind = EventKind::CallEnded { reason: EndReason::Stop, summary: CallSummary::default() };
    event(call, seq, unix_ms, kind)
}

fn records(first: u64, events: Vec<Event>) -> Vec<Record> {
    let positions = first..;
    positions.zip(events).map(|(position, event)| Record::Call { position, event: Arc::new(event) }).collect()
}

fn store() -> (TempDir, PathBuf, Store) {
    let dir = tempfile::tempdir().unwrap();
    let path = path_in(dir.path());
    let store = Store::open(&path, Sync::Full).unwrap();
    (dir, path, store)
}

fn settings() -> Settings {
    Settings {
        sync: Sync::Full,
        wait: Duration::from_millis(500),
        backlog_events: 1_000,
        words_ms: 24 * 3_600_000,
        calls_ms: 30 * 86_400_000,
        recover_ms: 3_600_000,
        recover_events: 1_000,
    }
}

/// Whether the journal's files hold these bytes anywhere.
fn on_disk(path: &Path, bytes: &str) -> bool {
    ["", "-wal"].iter().any(|suffix| {
        let mut file = path.to_owned().into_os_string();
        file.push(suffix);
        let content = fs::read(file).unwrap_or_default();
        content.windows(bytes.len()).any(|window| window == bytes.as_bytes())
    })
}

#[test]
fn what_is_written_is_read_back_and_nothing_twice() {
    let (_dir, path, mut store) = store();
    let log = vec![started("c", "nord", NOON), said("c", 2, NOON + 5, "Guten Tag."), ended("c", 3, NOON + 9)];
    assert_eq!(store.write(&records(10, log.clone())).unwrap(), 0);
    assert_eq!(store.write(&records(10, log.clone())).unwrap(), 3, "all were there");
    assert_eq!(store.last_position().unwrap(), 12);
    let reader = Reader::open(&path).unwrap();
    let read: Vec<Event> = reader.events("c", 0, 99).unwrap().into_iter().map(|(_, event)| event).collect();
    assert_eq!(read, log);
    assert_eq!(reader.events("c", 1, 1).unwrap(), [(11, log[1].clone())]);
    let view = reader.call("c").unwrap().unwrap();
    assert_eq!((view.seq, view.ended), (3, Some(EndReason::Stop)));
    assert_eq!(reader.check().unwrap(), Vec::<String>::new());
    assert_eq!(reader.count().unwrap(), (1, 3));
}

#[test]
fn pages_follow_one_another_within_the_scope() {
    let (_dir, path, mut store) = store();
    for number in 0..10_u64 {
        let call = format!("c{number}");
        let team = if number % 2 == 0 { "nord" } else { "süd" };
        let mut log = vec![started(&call, team, NOON), alert(&call, 2, NOON)];
        if number < 5 {
            log.push(ended(&call, 3, NOON));
        }
        store.write(&records(number * 10, log)).unwrap();
    }
    let reader = Reader::open(&path).unwrap();
    let ids = |query: &CallQuery| -> Vec<String> {
        reader.calls(query).unwrap().into_iter().map(|(_, view)| view.call).collect()
    };
    let nord = CallQuery { teams: vec!["nord".to_owned()], limit: 3, ..CallQuery::default() };
    assert_eq!(ids(&nord), ["c8", "c6", "c4"]);
    assert_eq!(ids(&CallQuery { before: Some(40), ..nord.clone() }), ["c2", "c0"]);
    assert_eq!(ids(&CallQuery { live: Some(true), ..nord.clone() }), ["c8", "c6"]);
    assert!(ids(&CallQuery { queues: vec!["retouren".to_owned()], ..nord.clone() }).is_empty());
    let alerts = reader.alerts(&nord).unwrap();
    assert_eq!(alerts.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [81, 61, 41]);
}

#[test]
fn a_start_takes_back_live_calls_and_recent_ones() {
    let (_dir, path, mut store) = store();
    let old = NOON - 7_200_000;
    store.write(&records(1, vec![started("old", "nord", old), ended("old", 2, old)])).unwrap();
    store.write(&records(11, vec![started("live", "nord", old)])).unwrap();
    let agents = Event { log: Log::Agent, ..event("live", 5, NOON, EventKind::Hold) };
    store.write(&[Record::Agent { event: Arc::new(agents) }]).unwrap();
    store.write(&records(21, vec![started("new", "nord", NOON), ended("new", 2, NOON)])).unwrap();
    drop(store);
    let store = Store::open(&path, Sync::Normal).unwrap();
    let recovered = store.recover(NOON - 60_000, 100).unwrap();
    let calls: Vec<_> = recovered
        .calls
        .iter()
        .map(|log| (log.events[0].1.call.as_str(), log.ended, log.agent_seq, log.events.len()))
        .collect();
    assert_eq!(calls, [("live", false, 5, 1), ("new", true, 0, 2)]);
    assert_eq!(recovered.complete_from, 2, "the old call's events are not there");
    assert_eq!(recovered.ids, ["old", "live", "new"]);
}

#[test]
fn words_are_forgotten_first_and_calls_later() {
    let (_dir, path, mut store) = store();
    let log =
        vec![started("c", "nord", NOON), said("c", 2, NOON, "Himmelblau"), alert("c", 3, NOON), ended("c", 4, NOON)];
    store.write(&records(1, log)).unwrap();
    store.write(&records(9, vec![started("d", "nord", NOON), said("d", 2, NOON + 60_000, "Moosgrün")])).unwrap();
    assert!(on_disk(&path, "Himmelblau") && on_disk(&path, "Zitronengelb"));
    assert!(!store.sweep(NOON + 1, NOON).unwrap());
    assert!(!on_disk(&path, "Himmelblau") && !on_disk(&path, "Zitronengelb"), "not even in the write-ahead log");
    assert!(on_disk(&path, "Moosgrün"), "younger words stay");
    let reader = Reader::open(&path).unwrap();
    let kinds: Vec<_> = reader.events("c", 0, 9).unwrap().iter().map(|(_, event)| event.kind.name()).collect();
    assert_eq!(kinds, ["call_started", "utterance", "alert", "call_ended"], "the figures stay");
    drop(reader);
    store.sweep(NOON + 1, NOON + 1).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.call("c").unwrap(), None);
    assert!(reader.events("c", 0, 9).unwrap().is_empty());
    assert!(reader.call("d").unwrap().is_some(), "a live call is not forgotten");
}

#[test]
fn an_erased_call_leaves_nothing() {
    let (_dir, path, mut store) = store();
    let log = vec![started("Kennung", "nord", NOON), said("Kennung", 2, NOON, "Himmelblau"), ended("Kennung", 3, NOON)];
    store.write(&records(1, log)).unwrap();
    store.write(&records(9, vec![started("other", "nord", NOON)])).unwrap();
    assert!(store.erase("Kennung").unwrap());
    assert!(!on_disk(&path, "Himmelblau") && !on_disk(&path, "Kennung"));
    assert!(!store.erase("Kennung").unwrap());
    assert_eq!(Reader::open(&path).unwrap().count().unwrap(), (1, 1));
}

#[test]
fn a_backup_is_a_journal_of_its_own() {
    let (dir, path, mut store) = store();
    store.write(&records(1, vec![started("c", "nord", NOON)])).unwrap();
    let copy = dir.path().join("copy.db");
    Reader::open(&path).unwrap().backup(&copy).unwrap();
    store.write(&records(2, vec![ended("c", 2, NOON)])).unwrap();
    assert_eq!(Reader::open(&copy).unwrap().count().unwrap(), (1, 1));
    assert!(Reader::open(&path).unwrap().backup(&copy).is_err(), "an existing file is not overwritten");
}

#[test]
fn files_of_others_and_of_the_future_are_refused() {
    let (dir, path, store) = store();
    drop(store);
    let connection = |sql: &str| {
        let status = rusqlite_execute(&path, sql);
        assert!(status.is_ok(), "{status:?}");
    };
    connection("PRAGMA user_version = 999");
    let error = Store::open(&path, Sync::Full).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 999, .. }) && error.is_fatal(), "{error}");
    let opened = Opened::open(dir.path(), settings(), NOON);
    assert!(opened.is_err_and(|error| error.to_string().contains("newer ruhepol")));
    connection("PRAGMA user_version = 1; PRAGMA application_id = 7");
    assert!(Store::open(&path, Sync::Full).is_err_and(|error| error.is_fatal()));
}

/// Changes the file the way another program would.
fn rusqlite_execute(path: &Path, sql: &str) -> Result<(), StoreError> {
    super::store::execute_for_tests(path, sql)
}

#[test]
fn a_damaged_file_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = path_in(dir.path());
    fs::write(&path, "this is no database, and never was one. ".repeat(200)).unwrap();
    let opened = Opened::open(dir.path(), settings(), NOON).unwrap();
    assert!(opened.store.is_some());
    let names: Vec<String> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("journal.db.damaged-")), "{names:?}");
}

#[test]
fn a_second_server_is_kept_away() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Opened::open(dir.path(), settings(), NOON).unwrap();
    assert!(matches!(Opened::open(dir.path(), settings(), NOON), Err(JournalError::InUse { .. })));
}

type Told = Arc<Mutex<Vec<Publication>>>;

fn journal(dir: &Path) -> (Journal, Told) {
    let told = Told::default();
    let readers = Arc::clone(&told);
    let opened = Opened::open(dir, settings(), NOON).unwrap();
    let metrics = Metrics::new(None).journal;
    let journal = opened.start(metrics, move |publications| readers.lock().unwrap().extend(publications)).unwrap();
    (journal, told)
}

#[tokio::test]
async fn told_means_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, told) = journal(dir.path());
    for seq in 1..=100 {
        let events = if seq == 1 { vec![started("c", "nord", NOON)] } else { vec![said("c", seq, NOON, "Ja.")] };
        let ticket = journal.submit(events);
        if seq % 10 == 0 {
            journal.told(ticket).await;
            let told = told.lock().unwrap();
            assert!(told.iter().all(|publication| publication.event.durable.is_none()));
            let stored = Reader::open(&path_in(dir.path())).unwrap().events("c", 0, 999).unwrap();
            assert_eq!(stored.len(), told.len());
        }
    }
    let positions: Vec<u64> = told.lock().unwrap().iter().filter_map(|publication| publication.position).collect();
    assert!(positions.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{positions:?}");
    journal.close(Duration::from_secs(5));
    assert!(lock(dir.path()).is_ok(), "another server may come");
}

#[tokio::test]
async fn a_locked_file_keeps_nobody_waiting_and_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, told) = journal(dir.path());
    journal.told(journal.submit(vec![started("c", "nord", NOON)])).await;
    let blocker = super::store::BlockForTests::new(&path_in(dir.path()));
    journal.told(journal.submit(vec![said("c", 2, NOON, "Hallo?")])).await;
    assert_eq!(told.lock().unwrap().last().unwrap().event.durable, Some(false));
    assert!(!journal.is_up());
    journal.told(journal.submit(vec![said("c", 3, NOON, "Hallo?")])).await;
    drop(blocker);
    let mut waited = 0;
    while !journal.is_up() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        waited += 1;
        assert!(waited < 1_500, "the journal does not heal");
    }
    let ticket = journal.submit(vec![ended("c", 4, NOON)]);
    journal.told(ticket).await;
    assert_eq!(told.lock().unwrap().last().unwrap().event.durable, None);
    let stored = Reader::open(&path_in(dir.path())).unwrap().events("c", 0, 9).unwrap();
    assert_eq!(stored.iter().map(|(_, event)| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let told: Vec<u64> = told.lock().unwrap().iter().map(|publication| publication.event.seq).collect();
    assert_eq!(told, [1, 2, 3, 4], "each told once");
}

#[tokio::test]
async fn a_file_taken_away_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _told) = journal(dir.path());
    journal.told(journal.submit(vec![started("c", "nord", NOON)])).await;
    fs::remove_file(path_in(dir.path())).unwrap();
    let mut waited = 0;
    while !(path_in(dir.path()).exists() && journal.is_up()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        waited += 1;
        assert!(waited < 1_500, "no new journal");
    }
    journal.told(journal.submit(vec![said("c", 2, NOON, "Noch da?")])).await;
    let view = Reader::open(&path_in(dir.path())).unwrap().call("c").unwrap().unwrap();
    assert_eq!((view.team.as_deref(), view.seq), (Some("nord"), 2), "what is known of live calls is not lost");
}
