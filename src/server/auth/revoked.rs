//! Tokens taken back before they run out.
//!
//! A file in the data directory, one line each: `id JTI`, or `sub NAME UNIX_S` for all tokens of a person issued before
//! a time. `ruhepol token revoke` writes it; a running server looks at it every second and closes what is open.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{error, info};

use super::claims::Claims;

/// Name of the file in the data directory.
const FILE: &str = "revoked-tokens";

/// How often a running server looks at the file.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    ids: HashSet<String>,
    /// Seconds since 1970 before which all tokens of this person are void.
    subs: HashMap<String, u64>,
}

impl List {
    pub fn holds(&self, claims: &Claims) -> bool {
        claims.jti.as_ref().is_some_and(|id| self.ids.contains(id))
            || self.subs.get(&claims.sub).is_some_and(|before| claims.iat < *before)
    }

    fn parse(text: &str) -> Self {
        let mut list = Self::default();
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("id", id)) => {
                    list.ids.insert(id.trim().to_owned());
                }
                Some(("sub", rest)) => {
                    if let Some((sub, before)) = rest.rsplit_once(' ')
                        && let Ok(before) = before.trim().parse()
                    {
                        list.subs.insert(sub.to_owned(), before);
                    }
                }
                _ => {}
            }
        }
        list
    }
}

/// Which token is void from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Id(String),
    /// All of a person issued before this second.
    Sub(String, u64),
}

/// Adds to the list in `dir`.
///
/// # Errors
/// When the file cannot be written.
pub fn revoke(dir: &Path, which: &Which) -> io::Result<()> {
    let line = match which {
        Which::Id(id) => format!("id {id}\n"),
        Which::Sub(sub, before) => format!("sub {sub} {before}\n"),
    };
    std::fs::create_dir_all(dir)?;
    let mut file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(dir.join(FILE))?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// The list of a running server.
#[derive(Debug, Clone)]
pub struct Revoked {
    list: Arc<watch::Sender<Arc<List>>>,
    path: Option<PathBuf>,
}

impl Revoked {
    /// Reads the list in `dir`; without a directory nothing can be revoked.
    pub fn open(dir: Option<&Path>) -> Self {
        let path = dir.map(|dir| dir.join(FILE));
        let list = path.as_deref().map(|path| read(path).unwrap_or_default()).unwrap_or_default();
        Self { list: Arc::new(watch::Sender::new(Arc::new(list))), path }
    }

    pub fn holds(&self, claims: &Claims) -> bool {
        self.list.borrow().holds(claims)
    }

    /// How long these claims hold.
    pub fn life(&self, claims: &Claims, expires: Instant) -> TokenLife {
        TokenLife { claims: claims.clone(), expires, list: self.list.subscribe() }
    }

    /// Keeps up with the file for as long as the server runs.
    pub async fn keep_up(self) {
        let Some(path) = self.path.clone() else { return };
        let mut seen = look(&path);
        loop {
            sleep(LOOK_EVERY).await;
            let now = look(&path);
            if now == seen {
                continue;
            }
            match read(&path) {
                Ok(list) => {
                    info!(ids = list.ids.len(), people = list.subs.len(), "revoked tokens read again");
                    self.list.send_replace(Arc::new(list));
                    seen = now;
                }
                Err(error) => error!(%error, path = %path.display(), "the list of revoked tokens cannot be read"),
            }
        }
    }
}

/// How long the token behind an open socket holds.
#[derive(Debug)]
pub struct TokenLife {
    claims: Claims,
    expires: Instant,
    list: watch::Receiver<Arc<List>>,
}

impl TokenLife {
    /// Resolves when the token is over, with what to tell its bearer. Safe to drop and call again.
    pub async fn over(&mut self) -> &'static str {
        loop {
            if self.list.borrow_and_update().holds(&self.claims) {
                return "the token was revoked; connect again with a new one";
            }
            tokio::select! {
                () = sleep_until(self.expires) => return "the token has run out; connect again with a new one",
                changed = self.list.changed() => if changed.is_err() {
                    sleep_until(self.expires).await;
                },
            }
        }
    }
}

fn read(path: &Path) -> io::Result<List> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(List::parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(List::default()),
        Err(error) => Err(error),
    }
}

fn look(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::auth::Role;

    fn claims(sub: &str, jti: Option<&str>, iat: u64) -> Claims {
        Claims { iat, jti: jti.map(str::to_owned), ..Claims::new(Role::Agent, sub) }
    }

    #[test]
    fn by_id_and_by_person() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!Revoked::open(Some(dir.path())).holds(&claims("a", Some("x"), 5)));
        revoke(dir.path(), &Which::Id("x".to_owned())).unwrap();
        revoke(dir.path(), &Which::Sub("Anna Keller".to_owned(), 10)).unwrap();
        let revoked = Revoked::open(Some(dir.path()));
        for (claims, void) in [
            (claims("a", Some("x"), 99), true),
            (claims("a", Some("y"), 99), false),
            (claims("a", None, 0), false),
            (claims("Anna Keller", Some("y"), 9), true),
            (claims("Anna Keller", None, 10), false),
        ] {
            assert_eq!(revoked.holds(&claims), void, "{claims:?}");
        }
        assert!(!Revoked::open(None).holds(&claims("a", Some("x"), 5)));
    }
}
