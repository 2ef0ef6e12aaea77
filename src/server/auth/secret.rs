//! The secret that signs our tokens: from the environment, from a file, or made here.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::wire::hex::hex;

/// Environment variable that holds the signing secret; it wins over every file.
pub const SECRET_VARIABLE: &str = "RUHEPOL_TOKEN_SECRET";

/// Name of the secret we make ourselves, in the data directory.
const SECRET_FILE: &str = "token-secret";

/// Bytes of a secret we make: as long as the hash it keys (RFC 2104, section 3).
const SECRET_BYTES: usize = 32;

/// Why there is no secret to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("cannot read the token secret {path}: {source}; check `auth.secret_file` and its permissions")]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "cannot keep a token secret in {path}: {source}; make the data directory writable or set {SECRET_VARIABLE}"
    )]
    Write { path: PathBuf, source: io::Error },
    #[error("the token secret {0} is empty; put at least 32 random characters into it")]
    Empty(String),
    #[error("the token secret {0} can be read by others; run `chmod 600 {0}`")]
    Exposed(PathBuf),
}

/// The secret from the environment, else from `secret_file`, else from the data directory, where one is
/// made (mode 600) if there is none.
pub fn obtain(secret_file: Option<&Path>, data_dir: &Path) -> Result<String, SecretError> {
    if let Some(secret) = std::env::var_os(SECRET_VARIABLE) {
        return usable(&secret.to_string_lossy(), || SECRET_VARIABLE.to_owned());
    }
    if let Some(path) = secret_file {
        return usable(&read(path)?, || path.display().to_string());
    }
    let path = data_dir.join(SECRET_FILE);
    if !path.exists() {
        make_secret(data_dir, &path).map_err(|source| SecretError::Write { path: path.clone(), source })?;
    }
    let mode = fs::metadata(&path).map_err(|source| SecretError::Read { path: path.clone(), source })?.permissions();
    if mode.mode() & 0o077 != 0 {
        return Err(SecretError::Exposed(path));
    }
    usable(&read(&path)?, || path.display().to_string())
}

fn usable(text: &str, name: impl Fn() -> String) -> Result<String, SecretError> {
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.trim().is_empty() {
        return Err(SecretError::Empty(name()));
    }
    if secret.len() < SECRET_BYTES {
        tracing::warn!(source = name(), bytes = secret.len(), "token secret is short; use at least 32 bytes");
    }
    Ok(secret.to_owned())
}

fn read(path: &Path) -> Result<String, SecretError> {
    fs::read_to_string(path).map_err(|source| SecretError::Read { path: path.to_owned(), source })
}

/// Writes beside the place and links into it, so that two programs starting at once agree on one secret and
/// none reads half of it.
fn make_secret(data_dir: &Path, path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let draft = data_dir.join(format!("{SECRET_FILE}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(hex(&bytes).as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("data");
        let path = place.join(SECRET_FILE);
        make_secret(&place, &path).unwrap();
        let first = fs::read_to_string(&path).unwrap();
        assert_eq!(first.len(), SECRET_BYTES * 2);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        make_secret(&place, &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), first, "an existing secret stays");
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn an_exposed_or_empty_secret_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SECRET_FILE);
        fs::write(&path, "0123456789abcdef0123456789abcdef\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        if std::env::var_os(SECRET_VARIABLE).is_none() {
            assert!(matches!(obtain(None, dir.path()), Err(SecretError::Exposed(_))));
            fs::write(&path, "\n").unwrap();
            assert!(matches!(obtain(Some(&path), dir.path()), Err(SecretError::Empty(_))));
        }
    }
}
