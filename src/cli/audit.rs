//! `ruhepol audit`: whether the audit log is as it was written.

use super::Outcome;
use super::place::Place;
use crate::audit;

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
    Verify(Place),
}

pub fn run(args: Args) -> Outcome {
    let Command::Verify(place) = args.command;
    let head = audit::verify(&place.dir()?)?;
    println!("{} entries, unbroken; the last is {}", head.seq, head.hash);
    Ok(())
}
