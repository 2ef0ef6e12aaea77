//! kill -9 while calls run, again and again, with a reader that checks every number.
//!
//! `RUHEPOL_KILLS` says how often; `make kill` asks for fifty.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use ruhepol::server::auth::{Claims, Role, Tokens};

const SECRET: &str = "a secret for the kill test, and only for it";
const CALLS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(60);

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the reader was told is on the disk: type by call and number.
type Told = Arc<Mutex<BTreeMap<(String, u64), Value>>>;

struct House {
    dir: PathBuf,
    address: SocketAddr,
}

impl House {
    fn new(dir: &Path) -> Self {
        let config = "[speech]\nengine = \"none\"\n[consent]\nmedia = \"elsewhere\"\ntranscripts = \"elsewhere\"\n\
                      [media]\ngrace_s = 60\n[journal]\nwait_ms = 20000\n";
        std::fs::write(dir.join("ruhepol.toml"), config).unwrap();
        // A port nobody has at the moment; every server of this test takes it again.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { dir: dir.to_owned(), address }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(crate::program::binary());
        command.env("RUHEPOL_TOKEN_SECRET", SECRET).env("RUST_LOG", "warn").stdout(Stdio::null());
        command
    }

    fn serve(&self) -> Server {
        let child = self
            .command()
            .args(["serve", "--listen", &self.address.to_string(), "--config"])
            .arg(self.dir.join("ruhepol.toml"))
            .arg("--data-dir")
            .arg(&self.dir)
            .spawn()
            .unwrap();
        Server(child)
    }

    async fn connect(&self, path: &str, role: Role) -> Option<Stream> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let claims = Claims { sub: "t".to_owned(), role, teams: vec![], queues: vec![], iat: 0, exp: 0, jti: None };
        let token = Tokens::new(SECRET.as_bytes()).issue(now, 3_600, claims);
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
        Some(connect_async(request).await.ok()?.0)
    }

    async fn connect_again(&self, path: &str, role: Role) -> Stream {
        let again = async {
            loop {
                match self.connect(path, role).await {
                    Some(stream) => return stream,
                    None => sleep(Duration::from_millis(30)).await,
                }
            }
        };
        timeout(PATIENCE, again).await.expect("the server comes back")
    }

    async fn get(&self, path: &str) -> Value {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let claims =
            Claims { sub: "t".to_owned(), role: Role::Admin, teams: vec![], queues: vec![], iat: 0, exp: 0, jti: None };
        let token = Tokens::new(SECRET.as_bytes()).issue(now, 3_600, claims);
        let url = format!("http://{}{path}", self.address);
        let response = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }
}

struct Server(Child);

impl Server {
    /// Not even a goodbye.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn next(stream: &mut Stream) -> Option<Value> {
    loop {
        match timeout(PATIENCE, stream.next()).await.expect("a message") {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return None,
        }
    }
}

/// Reads the feed through all kills, always from the last cursor, and checks every number.
fn read_feed(house: Arc<House>, told: Told) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut cursor: Option<u64> = None;
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        let mut ended = 0;
        while ended < CALLS {
            let path = cursor.map_or("/v1/feed/supervisor".to_owned(), |at| format!("/v1/feed/supervisor?after={at}"));
            let mut feed = house.connect_again(&path, Role::Supervisor).await;
            let Some(snapshot) = next(&mut feed).await else { continue };
            assert_eq!(snapshot["type"], "snapshot");
            if cursor.is_some() {
                assert_eq!(snapshot["cursor"].as_u64(), cursor, "the feed goes on where it was");
            }
            for call in snapshot["calls"].as_array().unwrap() {
                let (id, seq) = (call["call"].as_str().unwrap(), call["seq"].as_u64().unwrap());
                let known = *last.entry(id.to_owned()).or_insert(seq);
                assert_eq!(known, seq, "{id} as it was at the cursor");
            }
            cursor = snapshot["cursor"].as_u64();
            while let Some(event) = next(&mut feed).await {
                let Some(seq) = event["seq"].as_u64() else { continue };
                let id = event["call"].as_str().unwrap().to_owned();
                let before = last.insert(id.clone(), seq).unwrap_or(0);
                assert_eq!(seq, before + 1, "{id}: neither lost nor doubled");
                assert_eq!(event.get("durable"), None, "{event}");
                cursor = event["cursor"].as_u64();
                ended += usize::from(event["type"] == "call_ended");
                let mut body = event;
                body.as_object_mut().unwrap().remove("cursor");
                told.lock().unwrap().insert((id, seq), body);
                if ended == CALLS {
                    break;
                }
            }
        }
    })
}

/// A phone system that does not give up. How often its call was resumed.
fn talk(house: Arc<House>, number: usize, quit: Arc<std::sync::atomic::AtomicBool>) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let id = format!("call-{number}");
        let (mut t_ms, mut resumed, mut ready_once) = (0_u64, 0, false);
        loop {
            let mut socket = house.connect_again("/v1/transcripts", Role::Ingest).await;
            let start = json!({"type": "start", "call": id, "agent": format!("a{number}"), "language": "de",
                "queue": "versand", "team": "nord", "channels": ["customer", "agent"]});
            if socket.send(Message::text(start.to_string())).await.is_err() {
                continue;
            }
            let Some(ready) = next(&mut socket).await else { continue };
            assert_eq!((ready["type"].as_str(), ready["call"].as_str()), (Some("ready"), Some(&*id)), "{ready}");
            if ready["resumed"] == true {
                resumed += 1;
                t_ms = t_ms.max(ready["t_ms"].as_u64().unwrap());
            } else {
                // A call that was told but not yet on the disk begins anew; nobody has seen an event of it.
                assert!(!ready_once || t_ms < 2_000, "{id} was forgotten");
            }
            ready_once = true;
            let lost = loop {
                if quit.load(std::sync::atomic::Ordering::Relaxed) {
                    let stop = json!({"type": "stop"}).to_string();
                    if socket.send(Message::text(stop)).await.is_err() {
                        break true;
                    }
                    match next(&mut socket).await {
                        Some(stopped) => {
                            assert_eq!(stopped["type"], "stopped", "{stopped}");
                            return resumed;
                        }
                        None => break true,
                    }
                }
                let texts = ["Wo ist mein Paket?", "Das ist eine Unverschämtheit!", "Ich warte seit drei Wochen."];
                let text = texts[(t_ms / 20) as usize % texts.len()];
                let say = json!({"type": "utterance", "channel": "customer", "start_ms": t_ms, "end_ms": t_ms + 15, "text": text});
                t_ms += 20;
                if socket.send(Message::text(say.to_string())).await.is_err() {
                    break true;
                }
                sleep(Duration::from_millis(20)).await;
            };
            assert!(lost);
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_told_is_lost_and_nothing_is_doubled() {
    let kills: u64 = std::env::var("RUHEPOL_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let house = Arc::new(House::new(dir.path()));
    let told = Told::default();
    let quit = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut server = house.serve();
    let reader = read_feed(Arc::clone(&house), Arc::clone(&told));
    let callers: Vec<_> = (0..CALLS).map(|number| talk(Arc::clone(&house), number, Arc::clone(&quit))).collect();
    let mut noise = 88_172_645_463_325_252_u64;
    for round in 0..kills {
        if round % 4 != 3 {
            // Mostly in the middle of work; every fourth time perhaps while it is still starting.
            house.connect_again("/v1/feed/supervisor", Role::Supervisor).await;
        }
        // Whatever the server is doing: starting, taking calls back, in the middle of a commit.
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        sleep(Duration::from_millis(200 + noise % 900)).await;
        server.kill();
        server = house.serve();
    }
    house.connect_again("/v1/feed/supervisor", Role::Supervisor).await;
    sleep(Duration::from_millis(500)).await;
    quit.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut resumed = 0;
    for caller in callers {
        resumed += timeout(PATIENCE, caller).await.expect("stopped").unwrap();
    }
    timeout(PATIENCE, reader).await.expect("all ends are told").unwrap();

    let told = told.lock().unwrap().clone();
    let mut stored = 0;
    for number in 0..CALLS {
        let id = format!("call-{number}");
        let mut after = 0;
        loop {
            let page = house.get(&format!("/v1/calls/{id}/events?after={after}")).await;
            for event in page["events"].as_array().unwrap() {
                after += 1;
                assert_eq!(event["seq"].as_u64(), Some(after), "{id}");
                if let Some(seen) = told.get(&(id.clone(), after)) {
                    assert_eq!(event, seen, "{id} {after}: kept as it was told");
                }
                stored += 1;
            }
            if page["next"].is_null() {
                break;
            }
        }
        let highest = told.keys().filter(|(call, _)| *call == id).map(|(_, seq)| *seq).max();
        assert_eq!(highest, Some(after), "{id}: all that was told is kept");
    }
    assert!(resumed > 0 && stored > 0);
    let check = house.command().args(["journal", "check", "--data-dir"]).arg(dir.path()).status().unwrap();
    assert!(check.success());
    eprintln!("{kills} kills: {stored} events kept, {} told, calls resumed {resumed} times", told.len());
}
