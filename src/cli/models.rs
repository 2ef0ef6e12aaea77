//! `ruhepol models`: real Whisper models for users.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use super::place::configured;
use super::{Failure, Outcome, runtime};
use crate::models::{DEFAULT_BASE_URL, Presence, PulledHow, Store, Verdict, Wanted};

/// Whisper models: list, pull, verify
///
/// Example: ruhepol models pull base-q8_0
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// Folder of the models; without, `models` in the data directory
    #[arg(long, value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Which models exist, and which are here
    List,
    /// Download a model, or go on with a download that was cut
    Pull {
        /// As `list` shows it
        name: String,
        /// Another server with the same files
        #[arg(long, value_name = "URL", default_value = DEFAULT_BASE_URL)]
        from: String,
    },
    /// Compare the files here with their digests
    Verify,
}

pub fn run(args: Args) -> Outcome {
    let dir = match args.dir {
        Some(dir) => dir,
        None => configured(None)?.data_dir().map_err(Failure::usage)?.join("models"),
    };
    match args.command {
        Command::List => list(&Store::new(dir, DEFAULT_BASE_URL)),
        Command::Pull { name, from } => pull(&Store::new(dir, from.trim_end_matches('/')), &name),
        Command::Verify => verify(&Store::new(dir, DEFAULT_BASE_URL)),
    }
}

fn list(store: &Store) -> Outcome {
    println!("{:<24} {:>9}  here", "name", "size");
    for (entry, presence) in store.list() {
        let here = match presence {
            Presence::Absent => "no".to_owned(),
            Presence::Partial { bytes } => format!("{} of it; pull again to go on", megabytes(bytes)),
            Presence::Present { .. } => "yes".to_owned(),
        };
        println!("{:<24} {:>9}  {here}", entry.name, megabytes(entry.bytes));
    }
    println!(
        "\nThe small model shipped with ruhepol is always there; a pulled one is used with `speech.model` in the configuration."
    );
    Ok(())
}

fn pull(store: &Store, name: &str) -> Outcome {
    let wanted = Wanted::named(name).map_err(Failure::usage)?;
    let bar = ProgressBar::no_length().with_style(
        ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left")
            .map_err(anyhow::Error::from)?,
    );
    let pulled = runtime()?.block_on(store.pull(&wanted, |progress| {
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.done);
    }))?;
    bar.finish_and_clear();
    let how = match pulled.how {
        PulledHow::Present => "was here already, SHA-256 is right",
        PulledHow::Checked => "downloaded, SHA-256 is the published one",
        PulledHow::Pinned => {
            "downloaded; no digest is published for it, so this one is kept and every later file must equal it"
        }
    };
    println!(
        "{}: {how}\nSHA-256 {}\nUse it with, in the configuration:\n[speech]\nmodel = {:?}",
        name, pulled.sha256, pulled.path
    );
    Ok(())
}

fn verify(store: &Store) -> Outcome {
    let verdicts = store.verify()?;
    if verdicts.is_empty() {
        println!("no models here; `ruhepol models list` shows which there are");
    }
    let mut changed = 0;
    for (file, verdict) in verdicts {
        match verdict {
            Verdict::Good => println!("{file}: good"),
            Verdict::Unknown { found } => println!("{file}: no digest is known for it; it has SHA-256 {found}"),
            Verdict::Changed { expected, found } => {
                changed += 1;
                println!("{file}: changed: SHA-256 is {found}, should be {expected}");
            }
        }
    }
    if changed > 0 {
        return Err(anyhow::anyhow!("{changed} files are not what they were; delete them and pull again").into());
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}
