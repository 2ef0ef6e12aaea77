//! The hidden command behind `speech.isolation = "process"`: one transcription process of a server.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::stt::Model;
use crate::stt::process::serve_parent;

#[derive(clap::Args)]
pub struct Args {
    /// Model file; without, the model inside the program
    model: Option<PathBuf>,
}

pub fn run(args: Args) -> Outcome {
    ignore_stop_signals()?;
    serve_parent(|| match &args.model {
        Some(path) => Model::load(path),
        None => Model::embedded(),
    })?;
    Ok(())
}

/// A signal to stop often goes to the whole group of processes. The server then drains, and needs us for it; we end
/// when it closes our socket.
fn ignore_stop_signals() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        // Once somebody has listened, the signal does nothing by itself any more.
        drop(signal(kind)?);
    }
    Ok(())
}
