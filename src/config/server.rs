//! Where the server listens, and with which certificate.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, wrong};

/// Where the server listens and how it stops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port. Default `127.0.0.1:8080`: only programs on this machine. Port 0 takes a free one. An address
    /// other machines can reach needs `[tls]` or `proxies`, and a secret or provider of tokens that was chosen.
    pub listen: SocketAddr,
    /// Addresses of proxies that speak TLS for us. Default none. With some and without `[tls]`, nobody else beside this
    /// machine may connect, and the client is whom they name last in `X-Forwarded-For`.
    pub proxies: Vec<IpAddr>,
    /// Origins of pages, beside our own, that may talk to this server, such as `https://board.example`. Default none.
    pub origins: Vec<String>,
    /// Name of this server in snapshots. Default `ruhepol`; give each of several servers its own.
    pub node: String,
    /// Who may read `/metrics`: `local` (default): programs on this machine without a token, others with one of role
    /// `auditor` or `admin`; `token`: nobody without; `open`: whoever reaches the port.
    pub metrics: MetricsAccess,
    /// Where the program keeps what it makes itself, such as the token secret. Default: the platform's place for
    /// application data.
    pub data_dir: Option<PathBuf>,
    /// Seconds that running calls may go on after the first stop signal. Default 10: a service manager kills after
    /// 90, and balancers notice `/readyz` within a few.
    pub drain_s: u64,
}

/// Who may read the figures of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricsAccess {
    #[default]
    Local,
    Token,
    Open,
}

/// TLS of our own. The files are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain in PEM, the server's own certificate first.
    pub cert_file: PathBuf,
    /// Its key in PEM, not readable by everybody.
    pub key_file: PathBuf,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            proxies: Vec::new(),
            origins: Vec::new(),
            node: "ruhepol".to_owned(),
            metrics: MetricsAccess::Local,
            data_dir: None,
            drain_s: 10,
        }
    }
}

impl Server {
    /// Checks what the types cannot say. `speaks_tls`: what leaves this machine is encrypted.
    pub(super) fn validate(&self, speaks_tls: bool) -> Result<(), ConfigError> {
        if !self.listen.ip().is_loopback() && !speaks_tls {
            return wrong(
                "server.listen",
                format!("{} can be reached from other machines, without TLS", self.listen),
                "set `[tls]`, name the proxy that speaks it in `server.proxies`, or listen on 127.0.0.1",
            );
        }
        if self.node.is_empty() {
            return wrong("server.node", "the name is empty".to_owned(), "give a name or leave it out");
        }
        Ok(())
    }
}
