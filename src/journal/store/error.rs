//! What goes wrong with the file.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// What goes wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the journal {path} was written by a newer ruhepol (its schema is {found}, this program knows {known}); \
         start the newer program, or move the file away to begin a new journal"
    )]
    Newer { path: PathBuf, found: i64, known: usize },
    #[error("{path} is no journal of ruhepol; move it away, or set another `server.data_dir`")]
    Foreign { path: PathBuf },
    #[error("the journal {path} is damaged: {detail}")]
    Corrupt { path: PathBuf, detail: String },
    #[error("the journal cannot be written: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the journal cannot be written: {0}")]
    Io(#[from] std::io::Error),
    #[error("an event of the journal cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

impl StoreError {
    /// Trying again with the same file is of no use.
    pub fn is_corrupt(&self) -> bool {
        match self {
            Self::Corrupt { .. } => true,
            Self::Sqlite(error) => {
                matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            _ => false,
        }
    }

    /// A person has to decide; the server does not start.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Newer { .. } | Self::Foreign { .. })
    }
}
