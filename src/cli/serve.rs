//! `ruhepol serve`: the server.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Failure, Outcome, runtime};
use crate::config::{Config, Overrides};
use crate::reload::keep_up;
use crate::server::auth::{Claims, Role, SECRET_VARIABLE, Tokens};
use crate::server::{Parts, run as run_server, shutdown};
use crate::setup::{self, Speech};
use crate::wall_clock::unix_s;

/// The printed links are for the person who started the server, for a working day.
const LINK_TTL_S: u64 = 8 * 3600;

/// How long speech that is being read at the end may take.
const LAST_SPEECH: Duration = Duration::from_secs(5);

/// Run the server
///
/// Example: ruhepol serve --config ruhepol.toml
#[derive(clap::Args)]
pub struct Args {
    /// Configuration file; without, the defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port, for example 127.0.0.1:8080; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the server keeps its secret
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The customers' consent is taken care of before calls reach this server, on all paths
    #[arg(long)]
    consent_elsewhere: bool,
}

pub fn run(args: Args) -> Outcome {
    let overrides =
        Overrides { listen: args.listen, data_dir: args.data_dir, consent_elsewhere: args.consent_elsewhere };
    let mut config = Config::load(args.config.as_deref(), &overrides).map_err(Failure::usage)?;
    let data_dir = config.data_dir().map_err(Failure::usage)?;
    config.server.data_dir = Some(data_dir.clone());
    let secret_file = config.auth.secret_file.as_deref();
    let chosen = Tokens::is_chosen(secret_file);
    if !config.server.listen.ip().is_loopback() && config.auth.oidc.is_none() && !chosen {
        return Err(Failure::usage(format!(
            "{} can be reached from other machines, and nobody has chosen the secret that signs tokens; \
             set {SECRET_VARIABLE}, `auth.secret_file` or `[auth.oidc]`",
            config.server.listen
        )));
    }
    let tokens = Tokens::obtain(secret_file, &data_dir).map_err(Failure::usage)?;
    let tokens = tokens.with(config.auth.oidc.as_ref(), &data_dir);
    raise_descriptor_limit();
    let rules = setup::rules(&config).map_err(Failure::usage)?;
    let call_settings = setup::call_settings(&config).map_err(Failure::usage)?;
    runtime()?.block_on(async {
        let address = config.server.listen;
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; is another server there? choose another port with --listen")
        })?;
        let address = listener.local_addr()?;
        let speech = Speech::start(&config)?;
        let welcome =
            Welcome { address, tls: config.tls.is_some(), chosen, data_dir: &data_dir, config: args.config.as_deref() };
        welcome.print(&tokens);
        let (new_rules, rules) = watch::channel(rules);
        let reload = tokio::spawn(keep_up(config.clone(), new_rules));
        let parts = Parts { tokens, rules, call_settings, speech: speech.queue(), config };
        let (stop, shutdown) = shutdown();
        let signals = tokio::spawn(stop.on_signals());
        run_server(listener, parts, shutdown).await?;
        signals.abort();
        reload.abort();
        tokio::task::block_in_place(|| speech.finish(LAST_SPEECH));
        Ok(())
    })
}

/// Each connection is a descriptor, and many systems begin with 1024 where `limits.connections` may need more. What the
/// system does not give shows as refused connections.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// What is printed at the start.
struct Welcome<'a> {
    address: SocketAddr,
    tls: bool,
    /// The secret was chosen: this is no trial, and what is printed may go into a log.
    chosen: bool,
    data_dir: &'a Path,
    config: Option<&'a Path>,
}

impl Welcome<'_> {
    fn print(&self, tokens: &Tokens) {
        // Somebody who reads the first line only and closes the pipe must not end the server.
        let _ = std::io::stdout().write_all(self.text(tokens).as_bytes());
    }

    fn text(&self, tokens: &Tokens) -> String {
        let Self { address, .. } = self;
        let (http, ws) = if self.tls { ("https", "wss") } else { ("http", "ws") };
        let fragment = if self.chosen { String::new() } else { format!("#token={}", board_token(tokens)) };
        let mut options = String::new();
        if let Some(config) = self.config {
            options.push_str(&format!(" --config {}", config.display()));
        }
        options.push_str(&format!(" --data-dir {}", self.data_dir.display()));
        format!(
            "ruhepol listens on {http}://{address}\n\
             \x20 board         {http}://{address}/{fragment}\n\
             \x20 watch         ruhepol watch --url {ws}://{address} --token \"$(ruhepol token issue --role supervisor --sub me{options})\"\n\
             \x20 play a call   ruhepol send fixtures/late-delivery --url {ws}://{address} --token \"$(ruhepol token issue --role ingest --sub test{options})\"\n"
        )
    }
}

fn board_token(tokens: &Tokens) -> String {
    tokens.issue(unix_s(), LINK_TTL_S, Claims::new(Role::Supervisor, "supervisor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(tls: bool, chosen: bool) -> String {
        let (address, data_dir) = (SocketAddr::from(([127, 0, 0, 1], 8080)), Path::new("/data"));
        let config = Some(Path::new("r.toml"));
        Welcome { address, tls, chosen, data_dir, config }.text(&Tokens::new(b"a secret for tests, and only for tests"))
    }

    #[test]
    fn addresses_are_those_that_answer_and_commands_find_the_secret() {
        let text = welcome(true, false);
        assert!(text.contains("https://127.0.0.1:8080/#token=e") && text.contains("wss://"), "{text}");
        assert!(!text.contains("http://") && text.contains("--config r.toml --data-dir /data"), "{text}");
    }

    #[test]
    fn a_server_with_a_chosen_secret_prints_no_token() {
        let text = welcome(false, true);
        assert!(text.contains("http://127.0.0.1:8080/\n") && !text.contains("token=e"), "{text}");
    }
}
