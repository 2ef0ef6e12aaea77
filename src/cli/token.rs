//! `ruhepol token`: access tokens.

use std::path::PathBuf;
use std::time::SystemTime;

use super::{Failure, Outcome};
use crate::config::{Config, Overrides};
use crate::server::auth::{Claims, Role, Tokens};

/// Make access tokens
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print an access token and nothing else on stdout
    ///
    /// Example: ruhepol token issue --role supervisor --sub berta --team nord --ttl 8h
    Issue(Issue),
}

#[derive(clap::Args)]
struct Issue {
    /// ingest, agent, supervisor, auditor or admin
    #[arg(long)]
    role: String,
    /// Who it is for; for an agent, the agent's id
    #[arg(long, value_name = "NAME")]
    sub: String,
    /// Teams the token may see; none means all
    #[arg(long, value_name = "T")]
    team: Vec<String>,
    /// Queues the token may see; none means all
    #[arg(long, value_name = "Q")]
    queue: Vec<String>,
    /// How long it is valid, for example 30m, 8h, 7d
    #[arg(long, default_value = "8h")]
    ttl: String,
    /// Where the server keeps its secret
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(args: Args) -> Outcome {
    let Command::Issue(issue) = args.command;
    let overrides = Overrides { data_dir: issue.data_dir, ..Overrides::default() };
    let config = Config::load(issue.config.as_deref(), &overrides).map_err(Failure::usage)?;
    let role = Role::from_name(&issue.role)
        .ok_or_else(|| Failure::usage(format!("no role \"{}\": there are {}", issue.role, Role::NAMES.join(", "))))?;
    let ttl = humantime::parse_duration(&issue.ttl)
        .map_err(|error| Failure::usage(format!("--ttl {}: {error}; write for example 30m, 8h or 7d", issue.ttl)))?;
    let data_dir = config.data_dir().map_err(Failure::usage)?;
    let tokens = Tokens::obtain(config.auth.secret_file.as_deref(), &data_dir).map_err(Failure::usage)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = Claims { sub: issue.sub, role, teams: issue.team, queues: issue.queue, iat: 0, exp: 0 };
    println!("{}", tokens.issue(now, ttl.as_secs(), claims));
    Ok(())
}
