//! `ruhepol token`: access tokens.

use super::place::Place;
use super::{Failure, Outcome};
use crate::audit::{Action, Audit, Entry};
use crate::server::auth::revoked::{self, Which};
use crate::server::auth::{Claims, Role, Tokens, token_id};
use crate::wall_clock::{unix_ms, unix_s};

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
    /// Take back a token, or all tokens of a person, before they run out; a running server closes what they opened
    ///
    /// Example: ruhepol token revoke 3f9a1c0d5e7b2a46
    Revoke(Revoke),
}

#[derive(clap::Args)]
struct Revoke {
    /// The token's id (`jti`), which `issue` prints to stderr
    #[arg(value_name = "ID", required_unless_present = "sub", conflicts_with = "sub")]
    id: Option<String>,
    /// All tokens issued to this person until now
    #[arg(long, value_name = "NAME")]
    sub: Option<String>,
    #[command(flatten)]
    place: Place,
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
    #[command(flatten)]
    place: Place,
}

pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Issue(issue) => run_issue(issue),
        Command::Revoke(revoke) => run_revoke(revoke),
    }
}

fn run_revoke(args: Revoke) -> Outcome {
    let dir = args.place.dir()?;
    let (which, object) = match (args.id, args.sub) {
        (Some(id), _) => {
            if id.contains('.') || id.chars().any(char::is_whitespace) {
                return Err(Failure::usage("this is no token id: give the `jti`, not the token itself"));
            }
            (Which::Id(id.clone()), id)
        }
        (None, Some(sub)) if !sub.contains('\n') => (Which::Sub(sub.clone(), unix_s() + 1), sub),
        _ => return Err(Failure::usage("name the token's id, or --sub NAME")),
    };
    revoked::revoke(&dir, &which)
        .map_err(|error| anyhow::anyhow!("cannot write to {}: {error}; change its owner or mode", dir.display()))?;
    Audit::open(&dir).record_blocking(Entry::of_system(unix_ms(), Action::TokenRevoked, Some(&object)));
    println!("revoked {object}");
    Ok(())
}

fn run_issue(issue: Issue) -> Outcome {
    let config = issue.place.config()?;
    let role = Role::from_name(&issue.role)
        .ok_or_else(|| Failure::usage(format!("no role \"{}\": there are {}", issue.role, Role::NAMES.join(", "))))?;
    let ttl = humantime::parse_duration(&issue.ttl)
        .map_err(|error| Failure::usage(format!("--ttl {}: {error}; write for example 30m, 8h or 7d", issue.ttl)))?;
    let data_dir = config.data_dir().map_err(Failure::usage)?;
    let tokens = Tokens::obtain(config.auth.secret_file.as_deref(), &data_dir).map_err(Failure::usage)?;
    let claims = Claims { teams: issue.team, queues: issue.queue, jti: token_id(), ..Claims::new(role, &issue.sub) };
    if let Some(id) = &claims.jti {
        eprintln!("id {id}: `ruhepol token revoke {id}` takes it back");
    }
    println!("{}", tokens.issue(unix_s(), ttl.as_secs(), claims));
    Ok(())
}
