//! The rules of the house, read off its own source.

use std::collections::{BTreeMap, BTreeSet};
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
    let next_lines = text.lines().skip(1).chain([""]);
    text.lines()
        .zip(next_lines)
        // Tests in a file of their own may be declared anywhere.
        .take_while(|(line, next)| !line.starts_with("#[cfg(test)]") || *next == "mod tests;")
        .map(|(line, _)| line)
        .enumerate()
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

/// Names that follow `prefix`, also in braces.
fn named_after(code: &str, prefix: &str) -> Vec<String> {
    let ident =
        |text: &str| -> String { text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.push(ident(rest));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, c) in list.char_indices() {
            if begins && !c.is_whitespace() {
                names.push(ident(&list[at..]));
                begins = false;
            }
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' => begins = depth == 0,
                _ => {}
            }
        }
    }
    names
}

/// The parts of a room, each a file or a folder with the file of its name, and which others each imports. What `mod.rs`
/// itself defines is the part `mod`, above all others.
fn imports(room: &str) -> BTreeMap<String, BTreeSet<String>> {
    let root = src().join(room);
    let mut files: BTreeMap<String, Vec<(bool, String)>> = BTreeMap::new();
    for (path, text) in sources(&root) {
        let inside = path.strip_prefix(&root).unwrap();
        let part = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        let code: Vec<&str> = code(&text).map(|(_, line)| line).collect();
        files.entry(part.to_owned()).or_default().push((inside.components().count() == 1, code.join("\n")));
    }
    let parts: BTreeSet<String> = files.keys().cloned().collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (part, files) in &files {
        let mut names: Vec<String> = Vec::new();
        for (is_top, code) in files {
            names.extend(named_after(code, &format!("crate::{room}::")));
            if *is_top && part != "mod" {
                names.extend(named_after(code, "super::"));
            }
        }
        let to = |name: String| if parts.contains(&name) { name } else { "mod".to_owned() };
        let mut targets: BTreeSet<String> = names.into_iter().map(to).filter(|target| target != part).collect();
        if part == "mod" {
            targets.extend(parts.iter().filter(|part| *part != "mod").cloned());
        }
        edges.insert(part.clone(), targets);
    }
    edges
}

#[test]
fn within_a_room_imports_run_one_way() {
    for room in ["server", "config", "stt"] {
        let mut left = imports(room);
        assert!(left.len() > 8 && left.values().map(BTreeSet::len).sum::<usize>() > left.len(), "{room}: {left:?}");
        // Whoever imports nothing that is left is below all others; what remains goes round in circles.
        while let Some(lowest) = left.iter().find(|(_, targets)| targets.iter().all(|name| !left.contains_key(name))) {
            let lowest = lowest.0.clone();
            left.remove(&lowest);
        }
        assert!(left.is_empty(), "src/{room} has circles among these imports: {left:#?}");
    }
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
