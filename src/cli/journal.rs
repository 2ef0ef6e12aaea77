//! `ruhepol journal`: the events on disk, looked after from the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::place::Place;
use super::{Failure, Outcome};
use crate::audit::{Action, Audit, Entry};
use crate::journal;
use crate::wall_clock::unix_ms;

/// Look after the journal: check it, copy it, erase a call
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Look through the whole file: SQLite's own check, and that every call's numbers run without a gap
    ///
    /// Example: ruhepol journal check
    Check {
        #[command(flatten)]
        place: Place,
    },
    /// Copy the journal into a new file, while the server may be writing
    ///
    /// Example: ruhepol journal backup /var/backups/ruhepol-monday.db
    Backup {
        /// File to make; it must not exist
        #[arg(value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Remove everything of a call for good, while no server runs (a running one is asked: DELETE /v1/calls/CALL)
    ///
    /// Example: ruhepol journal erase c1
    Erase {
        /// Id of the call
        #[arg(value_name = "CALL")]
        call: String,
        #[command(flatten)]
        place: Place,
    },
}

pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Check { place } => check(&place.dir()?),
        Command::Backup { to, place } => backup(&place.dir()?, &to),
        Command::Erase { call, place } => erase(&place.dir()?, &call),
    }
}

fn check(dir: &Path) -> Outcome {
    let path = journal::path_in(dir);
    let reader = open(&path)?;
    let wrong = reader.check()?;
    for problem in &wrong {
        println!("{problem}");
    }
    if !wrong.is_empty() {
        return Err(anyhow::anyhow!(
            "{} problems in {}; copy it with `ruhepol journal backup`, then move it away: the next start begins anew",
            wrong.len(),
            path.display()
        )
        .into());
    }
    let (calls, events) = reader.count()?;
    println!("{} is whole: {calls} calls, {events} events", path.display());
    Ok(())
}

fn backup(dir: &Path, to: &Path) -> Outcome {
    open(&journal::path_in(dir))?.backup(to).with_context(|| format!("cannot copy the journal to {}", to.display()))?;
    let entry = Entry::of_system(unix_ms(), Action::JournalCopied, Some(&to.display().to_string()));
    Audit::open(dir).record_blocking(entry);
    println!("copied to {}", to.display());
    Ok(())
}

fn erase(dir: &Path, call: &str) -> Outcome {
    let path = journal::path_in(dir);
    open(&path)?;
    let _lock = journal::lock(dir).with_context(|| {
        format!("a server keeps the journal in {}; ask it: DELETE /v1/calls/{call} with an admin token", dir.display())
    })?;
    if !journal::erase_offline(&path, call)? {
        return Err(not_there(call).into());
    }
    Audit::open(dir).record_blocking(Entry::of_system(unix_ms(), Action::CallErased, Some(call)));
    println!("erased {call}");
    Ok(())
}

fn not_there(call: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no call \"{call}\" in this journal; list them with GET /v1/calls")
}

fn open(path: &Path) -> Result<journal::Reader, Failure> {
    let opened = || {
        if !path.exists() {
            bail!("there is no journal at {}; pass the server's --data-dir or --config", path.display());
        }
        Ok(journal::Reader::open(path)?)
    };
    Ok(opened()?)
}
