//! Who saw, changed or removed what: an append-only file in which every line proves the one before.
//!
//! One JSON object per line; `hash` is the SHA-256 of the hash before and of the line without its own hash. A line that is
//! changed, left out or put in breaks the chain from there on ([`verify`]); lines cut off the end are seen by whoever
//! has noted a later number and hash, which every start of the server logs.

mod chain;

pub use self::chain::Head;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::{error, info, warn};

use self::chain::{check_line, digest, line_of};

/// Name of the file in the data directory.
const FILE: &str = "audit.jsonl";

/// A place is remembered every so many lines, so that pages are found without reading all before them.
const MARK_EVERY: u64 = 256;

/// Entries kept while the disk cannot be written; beyond it they are refused, and said in the log.
const WAITING_MAX: usize = 10_000;

/// Longest line, in bytes: ours have some hundred.
const LINE_MAX: u64 = 64 << 10;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The server came up.
    ServerStarted,
    /// A supervisor's feed: with `text` `all`, sight of all words in scope.
    FeedOpened,
    /// A conversation was opened on a feed.
    CallOpened,
    /// A call's events or its view were read over HTTP.
    CallRead,
    /// Lists of calls or alerts were read over HTTP.
    ListRead,
    /// An alert was dismissed.
    AlertDismissed,
    /// A call was erased.
    CallErased,
    /// An agent erased what was kept of them.
    RecordErased,
    /// The journal was copied from the command line.
    JournalCopied,
    /// Cues, playbook or secrets were read again.
    SettingsReloaded,
    /// A token was revoked.
    TokenRevoked,
}

/// An entry before it has a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub unix_ms: u64,
    /// `sub` of the token, or `system`.
    pub who: String,
    /// Role of the token, or `system`.
    pub role: String,
    pub action: Action,
    /// What it was done to: a call, an alert, a token.
    pub object: Option<String>,
    /// Anything else. Never words of a conversation.
    pub detail: Map<String, Value>,
}

impl Entry {
    /// What the program itself, or whoever runs it on this machine, did.
    pub fn of_system(unix_ms: u64, action: Action, object: Option<&str>) -> Self {
        let system = || "system".to_owned();
        let object = object.map(str::to_owned);
        Self { unix_ms, who: system(), role: system(), action, object, detail: Map::new() }
    }
}

/// A line as it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AuditLine {
    /// From 1, without gaps.
    pub seq: u64,
    /// RFC 3339.
    pub at: String,
    /// `sub` of the token, or `system`.
    pub who: String,
    pub role: String,
    pub action: Action,
    /// What it was done to: a call, an alert, a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Anything else. Never words of a conversation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub detail: Map<String, Value>,
    /// Over this line and the hash of the one before.
    pub hash: String,
}

/// Why an audit log is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("the audit log {path}: {source}; check the directory's owner, mode and space")]
    Io { path: PathBuf, source: io::Error },
    #[error("the audit log {path} was changed: line {line} {problem}; compare it with a copy")]
    Broken { path: PathBuf, line: u64, problem: String },
}

/// The audit log of a running program. Clones write to the same file.
#[derive(Debug, Clone)]
pub struct Audit {
    /// `None`: there is no data directory; entries go to the log only.
    state: Option<Arc<Mutex<State>>>,
}

#[derive(Debug)]
struct State {
    path: PathBuf,
    file: Option<File>,
    head: Head,
    /// Bytes of the file that `head` covers.
    length: u64,
    /// Offsets of lines 1, 1 + MARK_EVERY, …
    marks: Vec<u64>,
    waiting: Vec<Entry>,
}

impl Audit {
    /// None is kept.
    pub fn none() -> Self {
        Self { state: None }
    }

    /// Opens the log in `dir`, or begins one, and verifies it. One that was changed is written on, after an error in
    /// the log: what happens now must be recorded all the more.
    pub fn open(dir: &Path) -> Self {
        let path = dir.join(FILE);
        let head = Head::beginning();
        let mut state = State { path, file: None, head, length: 0, marks: Vec::new(), waiting: Vec::new() };
        match state.open() {
            Ok(()) => info!(entries = state.head.seq, head = state.head.hash, "the audit log is open"),
            Err(error) => error!(%error, "audit entries wait until it can be written"),
        }
        Self { state: Some(Arc::new(Mutex::new(state))) }
    }

    /// Appends an entry and waits until it is on the disk; one that cannot be written is kept and written later.
    pub async fn record(&self, entry: Entry) {
        info!(who = entry.who, role = entry.role, action = ?entry.action, object = entry.object, "audit");
        let Some(state) = self.state.clone() else { return };
        let written = tokio::task::spawn_blocking(move || {
            state.lock().unwrap_or_else(PoisonError::into_inner).append(entry);
        });
        if let Err(error) = written.await {
            error!(%error, "an audit entry was not written");
        }
    }

    /// As [`record`](Self::record), for programs that may block.
    pub fn record_blocking(&self, entry: Entry) {
        if let Some(state) = &self.state {
            state.lock().unwrap_or_else(PoisonError::into_inner).append(entry);
        }
    }

    /// At most `limit` entries after number `after`, as they are in the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn page(&self, after: u64, limit: usize) -> Result<Vec<Value>, AuditError> {
        let Some(state) = self.state.clone() else { return Ok(Vec::new()) };
        let page = tokio::task::spawn_blocking(move || {
            let (path, mark) = {
                let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                let mark = usize::try_from(after / MARK_EVERY).ok().and_then(|index| state.marks.get(index).copied());
                (state.path.clone(), mark)
            };
            let Some(mark) = mark else { return Ok(Vec::new()) };
            page_of(&path, mark, after, limit).map_err(|source| AuditError::Io { path, source })
        });
        let failed = |error| AuditError::Io { path: PathBuf::from(FILE), source: io::Error::other(error) };
        page.await.unwrap_or_else(|error| Err(failed(error)))
    }
}

impl State {
    fn open(&mut self) -> Result<(), AuditError> {
        let path = self.path.clone();
        let io = |source| AuditError::Io { path: path.clone(), source };
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path).map_err(io)?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive).map_err(|error| io(error.into()))?;
        self.head = Head::beginning();
        self.length = 0;
        self.marks.clear();
        let caught_up = self.catch_up(&mut file);
        let unlocked = rustix::fs::flock(&file, FlockOperation::Unlock).map_err(|error| io(error.into()));
        self.file = Some(file);
        caught_up.and(unlocked)
    }

    /// Reads what was appended since, by us or by another program. A torn last line, left by a crash before anybody
    /// was told that it is there, is cut off.
    fn catch_up(&mut self, file: &mut File) -> Result<(), AuditError> {
        let path = self.path.clone();
        let io = |source| AuditError::Io { path: path.clone(), source };
        file.seek(SeekFrom::Start(self.length)).map_err(io)?;
        let mut reader = BufReader::new(&*file);
        let mut broken = None;
        loop {
            let mut line = String::new();
            let read = (&mut reader).take(LINE_MAX).read_line(&mut line).map_err(io)?;
            if read == 0 {
                break;
            }
            if !line.ends_with('\n') {
                drop(reader);
                warn!(path = %path.display(), bytes = read, "a torn last line of the audit log is cut off");
                file.set_len(self.length).map_err(io)?;
                break;
            }
            if self.head.seq.is_multiple_of(MARK_EVERY) {
                self.marks.push(self.length);
            }
            let seq = self.head.seq + 1;
            match check_line(line.trim_end(), seq, &self.head.hash) {
                Ok(hash) => self.head.hash = hash,
                Err((problem, hash)) => {
                    let path = path.clone();
                    broken.get_or_insert(AuditError::Broken { path, line: seq, problem: problem.to_owned() });
                    self.head.hash = hash.unwrap_or_else(|| digest(&self.head.hash, line.trim_end()));
                }
            }
            self.head.seq = seq;
            self.length += read as u64;
        }
        broken.map_or(Ok(()), Err)
    }

    fn append(&mut self, entry: Entry) {
        if self.waiting.len() >= WAITING_MAX {
            error!(action = ?entry.action, who = entry.who, "the audit log is full of waiting entries; this one is lost");
            return;
        }
        self.waiting.push(entry);
        if let Err(problem) = self.write_waiting() {
            error!(error = %problem, waiting = self.waiting.len(), "audit entries wait for the disk");
            // Opened anew next time.
            self.file = None;
        }
    }

    fn write_waiting(&mut self) -> Result<(), AuditError> {
        if self.file.is_none() {
            match self.open() {
                Err(error @ AuditError::Io { .. }) => return Err(error),
                Err(error) => error!(%error, "the audit log was changed"),
                Ok(()) => {}
            }
        }
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let path = self.path.clone();
        let io = |source| AuditError::Io { path: path.clone(), source };
        rustix::fs::flock(&file, FlockOperation::LockExclusive).map_err(|error| io(error.into()))?;
        if let Err(error) = self.catch_up(&mut file) {
            error!(%error, "the audit log was changed");
        }
        let mut text = String::new();
        let mut head = self.head.clone();
        for entry in &self.waiting {
            let line = line_of(entry, &head);
            head = Head { seq: head.seq + 1, hash: line.1 };
            text.push_str(&line.0);
        }
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Whatever part of it got there is not acknowledged.
            let _ = file.set_len(self.length);
            return Err(io(error));
        }
        self.waiting.clear();
        self.catch_up(&mut file)?;
        rustix::fs::flock(&file, FlockOperation::Unlock).map_err(|error| io(error.into()))?;
        self.file = Some(file);
        Ok(())
    }
}

/// Looks through the whole log.
///
/// # Errors
/// When it cannot be read, or the first line that does not fit.
pub fn verify(dir: &Path) -> Result<Head, AuditError> {
    let path = dir.join(FILE);
    let io = |source| AuditError::Io { path: path.clone(), source };
    let mut head = Head::beginning();
    for line in BufReader::new(File::open(&path).map_err(io)?).lines() {
        let line = line.map_err(io)?;
        let seq = head.seq + 1;
        let hash = check_line(&line, seq, &head.hash).map_err(|(problem, _)| AuditError::Broken {
            path: path.clone(),
            line: seq,
            problem: problem.to_owned(),
        })?;
        head = Head { seq, hash };
    }
    Ok(head)
}

fn page_of(path: &Path, mark: u64, after: u64, limit: usize) -> io::Result<Vec<Value>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(mark))?;
    let mut page = Vec::new();
    for line in BufReader::new(file).lines() {
        let Ok(entry) = serde_json::from_str::<Value>(&line?) else { continue };
        if entry["seq"].as_u64().is_some_and(|seq| seq > after) {
            page.push(entry);
        }
        if page.len() >= limit {
            break;
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn entry(number: u64) -> Entry {
        Entry {
            unix_ms: 1_772_442_840_000 + number,
            who: "berta".to_owned(),
            role: "supervisor".to_owned(),
            action: Action::CallOpened,
            object: Some(format!("c{number},\"hash\":\"")),
            detail: Map::new(),
        }
    }

    fn filled(entries: u64) -> (tempfile::TempDir, Audit) {
        let dir = tempfile::tempdir().unwrap();
        let audit = Audit::open(dir.path());
        for number in 1..=entries {
            audit.record_blocking(entry(number));
        }
        (dir, audit)
    }

    #[test]
    fn a_chain_goes_on_over_restarts_and_beside_other_programs() {
        let (dir, first) = filled(3);
        let second = Audit::open(dir.path());
        second.record_blocking(entry(4));
        first.record_blocking(entry(5));
        assert_eq!(verify(dir.path()).unwrap().seq, 5);
    }

    #[test]
    fn every_kind_of_change_is_found() {
        let (dir, _audit) = filled(5);
        let path = dir.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let broken_at = |lines: &[&str]| {
            fs::write(&path, lines.join("\n") + "\n").unwrap();
            match verify(dir.path()) {
                Err(AuditError::Broken { line, .. }) => line,
                other => panic!("{other:?}"),
            }
        };
        let changed = lines[1].replace("berta", "anton");
        assert_eq!(broken_at(&[lines[0], &changed, lines[2]]), 2);
        assert_eq!(broken_at(&[lines[0], lines[2], lines[3]]), 2, "left out");
        assert_eq!(broken_at(&[lines[0], lines[0], lines[1]]), 2, "put in");
        assert_eq!(broken_at(&[lines[1], lines[0]]), 1, "swapped");
        let own = digest(&Head::beginning().hash, "{\"seq\":1}");
        assert_eq!(broken_at(&[lines[0], &format!("{{\"seq\":1,\"hash\":\"{own}\"}}")]), 2, "hashed by itself");
    }

    #[test]
    fn a_torn_line_is_cut_and_a_changed_log_written_on() {
        let (dir, audit) = filled(2);
        drop(audit);
        let path = dir.path().join(FILE);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, whole.clone() + "{\"seq\":3,\"at").unwrap();
        Audit::open(dir.path()).record_blocking(entry(3));
        assert_eq!(verify(dir.path()).unwrap().seq, 3);
        fs::write(&path, whole.replacen("berta", "anton", 1)).unwrap();
        Audit::open(dir.path()).record_blocking(entry(3));
        assert!(matches!(verify(dir.path()), Err(AuditError::Broken { line: 1, .. })));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    #[tokio::test]
    async fn pages_and_a_disk_that_is_not_there() {
        let (_dir, audit) = filled(600);
        let seqs = async |after, limit| -> Vec<u64> {
            let page = audit.page(after, limit).await.unwrap();
            page.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect()
        };
        assert_eq!(seqs(0, 2).await, [1, 2]);
        assert_eq!(seqs(255, 3).await, [256, 257, 258]);
        assert_eq!(seqs(256, 1).await, [257]);
        assert_eq!(seqs(599, 9).await, [600]);
        assert!(seqs(600, 9).await.is_empty() && seqs(9_999, 9).await.is_empty());

        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("later");
        let audit = Audit::open(&place);
        audit.record(entry(1)).await;
        fs::create_dir(&place).unwrap();
        audit.record(entry(2)).await;
        assert_eq!(verify(&place).unwrap().seq, 2, "what waited was written");
    }
}
