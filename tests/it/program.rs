//! The real program as a process of its own, watched from outside.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};

use ruhepol::client::{self, Socket};
use ruhepol::server::auth::{Claims, Role, Tokens};

use crate::support::{PATIENCE, now_s};

const SECRET: &str = "a secret for tests, and only for tests";

/// A running `ruhepol serve`. Killed when dropped.
pub struct Program {
    pub address: SocketAddr,
    child: Child,
    dir: tempfile::TempDir,
}

impl Program {
    /// With settings of the test's own beside `consent` elsewhere on all paths; ready when this returns.
    pub async fn serve(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("ruhepol.toml");
        std::fs::write(&config, settings).unwrap();
        // A port nobody has at the moment.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new(binary())
            .env("RUHEPOL_TOKEN_SECRET", SECRET)
            .env("RUST_LOG", "warn")
            .args(["serve", "--consent-elsewhere", "--listen", &address.to_string(), "--config"])
            .arg(&config)
            .arg("--data-dir")
            .arg(dir.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let program = Self { address, child, dir };
        until("it is ready", async || program.get("/readyz").await.is_some_and(|(status, _)| status == 200)).await;
        program
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Processes it has started and that still run.
    pub fn children(&self) -> Vec<u32> {
        children_of(self.pid())
    }

    pub fn token(&self, role: Role, sub: &str) -> String {
        let claims = Claims { sub: sub.to_owned(), role, teams: vec![], queues: vec![], iat: 0, exp: 0, jti: None };
        Tokens::new(SECRET.as_bytes()).issue(now_s(), 36_000, claims)
    }

    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    pub async fn connect(&self, path: &str, role: Role, sub: &str) -> Option<Socket> {
        client::connect(&self.url(path), "/", Some(&self.token(role, sub))).await.ok()
    }

    /// Status and body; `None` if there is no server.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        let request = reqwest::Client::new().get(format!("http://{}{path}", self.address));
        let response = request.bearer_auth(self.token(Role::Admin, "t")).send().await.ok()?;
        Some((response.status().as_u16(), response.text().await.ok()?))
    }

    pub async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.expect("a server").1).unwrap()
    }

    /// The value of a line of the metrics page, 0 if it is not there.
    pub async fn metric(&self, name: &str) -> f64 {
        let (_, page) = self.get("/metrics").await.expect("a server");
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        send(self.pid(), signal);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under test: the one built beside the tests, or another that `RUHEPOL_PROGRAM` names, for runs of hours
/// against a build that stays as it is.
pub fn binary() -> PathBuf {
    std::env::var_os("RUHEPOL_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_ruhepol").into(), PathBuf::from)
}

/// Waits until it is so, on any machine: a start of the real program with its engine takes long on a busy one.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(4 * PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub fn send(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    // It may have gone meanwhile.
    let _ = rustix::process::kill_process(pid, signal);
}

/// Running processes whose parent is `pid`; those that have ended and wait to be noticed do not count.
pub fn children_of(pid: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|child| stat_of(*child).is_some_and(|(state, parent)| parent == pid && state != 'Z')).collect()
}

/// State and parent.
pub fn stat_of(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Where the open descriptors of a process lead.
pub fn descriptors_of(pid: u32) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    entries.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect()
}
