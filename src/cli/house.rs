//! A server inside this process, on a free loopback port: for `demo` and `wer`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::{ClientError, Socket, connect};
use crate::config::Config;
use crate::server::auth::{Claims, Role, Tokens, token_id};
use crate::server::{Parts, Stop, run, shutdown};
use crate::setup::{self, Speech};
use crate::wall_clock::unix_s;

/// Long enough for any demonstration.
const TOKEN_TTL_S: u64 = 24 * 3600;

/// How long speech that is being read at the end may take.
const LAST_SPEECH: Duration = Duration::from_secs(5);

pub struct House {
    address: SocketAddr,
    tokens: Tokens,
    stop: Stop,
    server: JoinHandle<std::io::Result<()>>,
    speech: Speech,
    /// The journal of this house alone; it goes with it.
    dir: Option<PathBuf>,
}

impl House {
    /// Starts a server with `config`, but on a free port and with a secret nobody else knows.
    pub async fn open(mut config: Config) -> anyhow::Result<Self> {
        let mut dir = None;
        if config.server.data_dir.is_none() {
            let name = token_id().context("no random numbers")?;
            dir = Some(std::env::temp_dir().join(format!("ruhepol-{name}")));
            config.server.data_dir.clone_from(&dir);
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let mut secret = [0u8; 32];
        getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
        let tokens = Tokens::new(&secret);
        let speech = Speech::start(&config)?;
        let parts = Parts {
            rules: watch::channel(setup::rules(&config)?).1,
            call_settings: setup::call_settings(&config)?,
            speech: speech.queue(),
            tokens: tokens.clone(),
            config,
        };
        let (stop, shutdown) = shutdown();
        let server = tokio::spawn(run(listener, parts, shutdown));
        Ok(Self { address, tokens, stop, server, speech, dir })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn media_url(&self) -> String {
        format!("ws://{}/v1/media", self.address)
    }

    pub fn ingest_token(&self) -> String {
        self.token(Role::Ingest, "telephony")
    }

    /// The supervisor feed, its snapshot unread.
    pub async fn supervisor_feed(&self) -> Result<Socket, ClientError> {
        let url = format!("ws://{}/v1/feed/supervisor", self.address);
        connect(&url, "/v1/feed/supervisor", Some(&self.token(Role::Supervisor, "supervisor"))).await
    }

    /// The feed of one agent, its snapshot unread.
    pub async fn agent_feed(&self, agent: &str) -> Result<Socket, ClientError> {
        let url = format!("ws://{}/v1/feed/agent/{agent}", self.address);
        connect(&url, "/v1/feed/agent/{agent}", Some(&self.token(Role::Agent, agent))).await
    }

    /// Stops the server and waits for it.
    pub async fn close(self) {
        self.stop.end();
        // A server that fails while it is being stopped has nothing left to tell.
        let _ = self.server.await;
        // Joining threads blocks; nothing else runs here any more.
        tokio::task::block_in_place(|| self.speech.finish(LAST_SPEECH));
        if let Some(dir) = self.dir {
            // What is left of it is in the system's temporary directory.
            let _ = std::fs::remove_dir_all(dir);
        }
    }

    fn token(&self, role: Role, sub: &str) -> String {
        self.tokens.issue(unix_s(), TOKEN_TTL_S, Claims::new(role, sub))
    }
}
