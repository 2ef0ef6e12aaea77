//! What is wrong with a configuration, and what to do about it.

use std::io;
use std::path::PathBuf;

/// Why there is no usable configuration; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration {path}: {source}; check the path and its permissions")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}: {message}")]
    Syntax { path: PathBuf, message: String },
    #[error("setting `{setting}`: {problem}; {remedy}")]
    Value { setting: &'static str, problem: String, remedy: &'static str },
    #[error("no place for the program's data is known for this user; pass --data-dir or set `server.data_dir`")]
    NoDataDir,
}

/// A value that cannot be.
pub(super) fn wrong(setting: &'static str, problem: String, remedy: &'static str) -> Result<(), ConfigError> {
    Err(ConfigError::Value { setting, problem, remedy })
}

/// Checks amounts: none stops everything, none is beyond all use.
pub(super) fn in_use(amounts: &[(&'static str, u64)]) -> Result<(), ConfigError> {
    for &(setting, value) in amounts {
        if value == 0 {
            return wrong(setting, "0 would stop everything".to_owned(), "use 1 or more, or leave it out");
        }
        if value > 1_000_000 {
            return wrong(setting, format!("{value} is beyond all use"), "use at most 1000000");
        }
    }
    Ok(())
}
