//! `ruhepol train`: trains the embedded text model.

use std::path::PathBuf;

use super::Outcome;
use crate::train::train;

/// Train the embedded text model from the public sets and our own lines; the same input gives the same bytes
///
/// Example: ruhepol train --data ../shared/data
#[derive(clap::Args)]
pub struct Args {
    /// Folder with the public sets (models/text/MODEL_CARD.md names them)
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder with our own labelled lines
    #[arg(long, value_name = "DIR", default_value = "models/lines")]
    lines: PathBuf,
    /// Where the weights go
    #[arg(long, value_name = "FILE", default_value = "models/text/heads.bin")]
    out: PathBuf,
}

pub fn run(args: Args) -> Outcome {
    let report = train(&args.data, &args.lines, &args.out)?;
    println!("{report}");
    println!("{} written; build again to embed it", args.out.display());
    Ok(())
}
