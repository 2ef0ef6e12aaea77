//! `ruhepol audit`: whether the audit log is as it was written.

use std::path::PathBuf;

use super::{Failure, Outcome};
use crate::audit;
use crate::config::{Config, Overrides};

/// Verify the audit log
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Check that no line was changed, left out or put in; prints number and hash of the last, worth noting elsewhere
    ///
    /// Example: ruhepol audit verify
    Verify {
        /// The server's data directory
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// The server's configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

pub fn run(args: Args) -> Outcome {
    let Command::Verify { data_dir, config } = args.command;
    let overrides = Overrides { data_dir, ..Overrides::default() };
    let config = Config::load(config.as_deref(), &overrides).map_err(Failure::usage)?;
    let head = audit::verify(&config.data_dir().map_err(Failure::usage)?)?;
    println!("{} entries, unbroken; the last is {}", head.seq, head.hash);
    Ok(())
}
