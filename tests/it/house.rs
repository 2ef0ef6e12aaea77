//! The rules of the house, read off its own source.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms that know no runtime, file, socket, clock, thread, log, random number or hash order.
const PURE: [&str; 7] = ["audio", "call", "coach", "language", "wire", "score.rs", "terms.rs"];

/// What a pure room must not name, and why.
const FORBIDDEN: [(&str, &str); 17] = [
    ("tokio", "a runtime"),
    ("hyper", "a socket"),
    ("std::fs", "a file"),
    ("std::net", "a socket"),
    ("std::io", "a file"),
    ("std::env", "the environment"),
    ("std::thread", "a thread"),
    ("std::process", "a process"),
    ("std::time", "a clock"),
    ("SystemTime", "a clock"),
    ("Instant::now", "a clock"),
    ("Timestamp::now", "a clock"),
    ("tracing", "a log"),
    ("println!", "the terminal"),
    ("getrandom", "a random number"),
    ("std::sync::Mutex", "a lock"),
    ("parking_lot", "a lock"),
];

/// Names that live in one file each, or in one room: a file and the folder of its name.
const ONE_PLACE: [(&str, &str); 2] = [("whisper_rs", "src/stt/whisper.rs"), ("rusqlite", "src/journal/store")];

fn sources(root: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() && path.ends_with("tests") {
            continue;
        }
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    assert!(!found.is_empty(), "no source in {}", root.display());
    found.sort();
    found
}

/// The product's code: without tests and comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn pure_rooms_know_nothing_of_the_world() {
    let mut broken = Vec::new();
    for room in PURE {
        for (path, text) in sources(&src().join(room)) {
            for (line, code) in code(&text) {
                for (name, what) in FORBIDDEN {
                    if code.contains(name) {
                        broken.push(format!("{}:{line} names {what} ({name})", path.display()));
                    }
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn imports_run_downwards_only() {
    let upper = ["server", "cli", "client", "replay", "fixture", "config", "metrics", "models", "wall_clock"];
    let mut broken = Vec::new();
    for room in PURE.into_iter().chain(["stt"]) {
        for (path, text) in sources(&src().join(room)) {
            for (line, code) in code(&text) {
                let pure_names_stt = room != "stt" && code.contains("crate::stt");
                if pure_names_stt || upper.iter().any(|name| code.contains(&format!("crate::{name}"))) {
                    broken.push(format!("{}:{line} looks upwards: {}", path.display(), code.trim()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn great_dependencies_are_named_in_one_place() {
    for (name, place) in ONE_PLACE {
        let users: Vec<String> = sources(&src())
            .into_iter()
            .filter(|(_, text)| code(text).any(|(_, line)| line.contains(name)))
            .map(|(path, _)| path.strip_prefix(src().parent().unwrap()).unwrap().display().to_string())
            .collect();
        let inside =
            |user: &String| user == place || [".rs", "/"].iter().any(|end| user.starts_with(&format!("{place}{end}")));
        assert!(!users.is_empty() && users.iter().all(inside), "{name}: {users:?}");
    }
}

#[test]
fn no_queue_is_unbounded_and_nothing_unwraps() {
    let mut broken = Vec::new();
    for (path, text) in sources(&src()) {
        for (line, code) in code(&text) {
            for name in ["unbounded", ".unwrap()", "todo!(", "unimplemented!(", "dbg!("] {
                if code.contains(name) {
                    broken.push(format!("{}:{line} {name}", path.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
