//! Every recorded call gives the event log that was read and found right.
//!
//! A new case is a new folder. `make golden` writes the logs anew; the difference is read before it is committed.

use std::fs;
use std::path::{Path, PathBuf};

use ruhepol::config::Config;
use ruhepol::fixture::Fixture;
use ruhepol::replay::{Listener, replay};
use ruhepol::setup;
use ruhepol::stt::Recorded;

pub fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("call.toml").exists())
        .collect();
    found.sort();
    found
}

/// The events of a fixture as JSON lines, with its script instead of a speech model.
pub fn recorded_log(fixture: &Fixture) -> Vec<String> {
    let config = Config::default();
    let mut listener = Listener::Recorded(Recorded::new(fixture.script.clone()));
    let mut lines = Vec::new();
    replay(fixture, setup::rules(&config).unwrap(), setup::call_settings(&config).unwrap(), &mut listener, |event| {
        lines.push(serde_json::to_string(&event).unwrap());
    })
    .unwrap();
    lines
}

#[test]
fn golden_logs_of_all_recorded_calls() {
    let folders = fixtures();
    assert!(folders.len() >= 10, "only {} recorded calls found", folders.len());
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    for folder in folders {
        let fixture = Fixture::load(&folder).unwrap();
        let log = recorded_log(&fixture).join("\n") + "\n";
        let path = folder.join("events.jsonl");
        if update {
            fs::write(&path, &log).unwrap();
            continue;
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        if let Some((index, (now, before))) =
            log.lines().zip(golden.lines().chain(std::iter::repeat(""))).enumerate().find(|(_, (now, was))| now != was)
        {
            different.push(format!("{}:{}\n  was {before}\n  is  {now}", path.display(), index + 1));
        } else if log.lines().count() != golden.lines().count() {
            different.push(format!("{}: the golden log goes on", path.display()));
        }
    }
    assert!(different.is_empty(), "{}\n(`make golden` writes them anew)", different.join("\n"));
}
