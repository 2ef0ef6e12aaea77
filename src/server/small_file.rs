//! Small files of JSON for the server's user alone: what is kept of agents, what receivers of webhooks have.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the file holds. One larger than `max_bytes` is none of ours.
pub fn read<T: DeserializeOwned>(path: &Path, max_bytes: u64) -> io::Result<T> {
    if fs::metadata(path)?.len() > max_bytes {
        return Err(io::Error::other(format!("larger than {} MiB", max_bytes >> 20)));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Beside its place and then into it, so that nobody ever reads half of it.
pub fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let draft = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    fs::rename(&draft, path)
}
