//! Cues and playbook are read again when their files change. A broken file is refused, and the old rules stay in force.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info};

use crate::call::conversation::Rules;
use crate::config::Config;
use crate::setup;

/// How often the files' times are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What a directory looked like: name, time of change and length of each file, in order.
type Look = Vec<(String, Option<SystemTime>, u64)>;

/// Keeps `rules` up with the files of the configured directories, and reads them anew on SIGHUP. Runs until nobody
/// holds a receiver; calls in progress keep the rules they began with.
///
/// # Errors
/// When the process cannot listen to SIGHUP.
pub async fn keep_up(config: Config, rules: watch::Sender<Arc<Rules>>) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut seen = look(&config);
    loop {
        let asked = tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => false,
            _ = hangup.recv() => true,
            () = rules.closed() => return Ok(()),
        };
        let now = look(&config);
        if now == seen && !asked {
            continue;
        }
        seen = now;
        let wanted = config.clone();
        match tokio::task::spawn_blocking(move || setup::rules(&wanted)).await {
            Ok(Ok(new)) => {
                info!(rules = %new.hash, "cues and playbook read again");
                rules.send_replace(new);
            }
            Ok(Err(error)) => error!(%error, "cues or playbook are broken; the old ones stay in force"),
            Err(error) => error!(%error, "reading cues and playbook failed; the old ones stay in force"),
        }
    }
}

fn look(config: &Config) -> Look {
    let dirs = [&config.data.language_dir, &config.data.playbook_dir];
    let mut look: Look = dirs.into_iter().flatten().flat_map(|dir| look_at(dir)).collect();
    look.sort();
    look
}

/// A directory that cannot be read looks empty; reading it for real will say why.
fn look_at(dir: &Path) -> Look {
    let Ok(entries) = std::fs::read_dir(dir) else { return Look::new() };
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        let metadata = entry.metadata().ok()?;
        Some((entry.path().display().to_string(), metadata.modified().ok(), metadata.len()))
    };
    entries.filter_map(file).collect()
}
