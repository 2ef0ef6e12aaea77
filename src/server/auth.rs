//! Who may do what: signed tokens with a role, and the secret that signs them.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::config::Oidc;
use crate::server::oidc::Provider;
use crate::server::revoked::{Revoked, TokenLife};

/// Issuer and audience of tokens that somebody else makes for us with our secret, if they name any.
const PROGRAM: &str = "ruhepol";

/// Environment variable that holds the signing secret; it wins over every file.
pub const SECRET_VARIABLE: &str = "RUHEPOL_TOKEN_SECRET";

/// Name of the secret we make ourselves, in the data directory.
const SECRET_FILE: &str = "token-secret";

/// Bytes of a secret we make: as long as the hash it keys (RFC 2104, section 3).
const SECRET_BYTES: usize = 32;

/// Longest token we look at: ours have some hundred bytes, those of an identity provider a few thousand.
const MAX_TOKEN_BYTES: usize = 8 << 10;

/// What the bearer of a token is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// All media and transcript paths.
    Ingest,
    /// The own agent feed, nothing else.
    Agent,
    /// Supervisor feed, calls and alerts within the scope.
    Supervisor,
    /// The audit log and the configuration, never words.
    Auditor,
    /// All of these except any agent's feed.
    Admin,
}

impl Role {
    pub const NAMES: [&str; 5] = ["ingest", "agent", "supervisor", "auditor", "admin"];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ingest, Self::Agent, Self::Supervisor, Self::Auditor, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who: for agents the id that calls name in `agent`.
    pub sub: String,
    pub role: Role,
    /// Teams a supervisor may see; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// Queues a supervisor may see; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<String>,
    /// Seconds since 1970.
    #[serde(default)]
    pub iat: u64,
    /// Seconds since 1970; a token without it is not accepted.
    pub exp: u64,
    /// By which it can be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

impl Claims {
    /// Whether a call of this team and queue is within the scope. A call that names none is outside of a scope
    /// that does.
    pub fn covers(&self, team: Option<&str>, queue: Option<&str>) -> bool {
        let within = |allowed: &[String], value: Option<&str>| {
            allowed.is_empty() || value.is_some_and(|value| allowed.iter().any(|name| name == value))
        };
        within(&self.teams, team) && within(&self.queues, queue)
    }
}

/// What a path asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need<'a> {
    Ingest,
    /// Sight of calls.
    Supervise,
    /// The feed of this agent.
    Agent(&'a str),
    /// The audit log and the configuration.
    Audit,
}

impl Need<'_> {
    fn allows(self, claims: &Claims) -> bool {
        match self {
            Self::Ingest => matches!(claims.role, Role::Ingest | Role::Admin),
            Self::Supervise => matches!(claims.role, Role::Supervisor | Role::Admin),
            Self::Audit => matches!(claims.role, Role::Auditor | Role::Admin),
            Self::Agent(agent) => claims.role == Role::Agent && claims.sub == agent,
        }
    }
}

/// Why a request does not get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// HTTP 401.
    #[error("a token is needed: send `Authorization: Bearer TOKEN` or the subprotocols `bearer, TOKEN`")]
    Missing,
    /// HTTP 401.
    #[error("the token is not valid here: it was not signed by this server's secret, or is damaged; issue a new one")]
    Invalid,
    /// HTTP 401.
    #[error("the token has run out; issue a new one")]
    Expired,
    /// HTTP 401.
    #[error("the token was revoked; ask for a new one")]
    Revoked,
    /// HTTP 403.
    #[error("the token's role may not do this")]
    Forbidden,
}

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

/// Issues tokens (JWT, HS256) and checks them and those of an identity provider.
#[derive(Clone)]
pub struct Tokens {
    revoked: Revoked,
    provider: Option<Arc<Provider>>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Tokens {
    pub fn new(secret: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        // Ours name neither; one that was signed with the same secret for somebody else does (RFC 7519, section 4.1.3).
        validation.set_issuer(&[PROGRAM]);
        validation.set_audience(&[PROGRAM]);
        Self {
            revoked: Revoked::open(None),
            provider: None,
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
        }
    }

    /// The same, with tokens of a provider, and without those that are revoked in `data_dir`.
    pub fn with(self, oidc: Option<&Oidc>, data_dir: &Path) -> Self {
        let provider = oidc.map(|settings| Arc::new(Provider::new(settings.clone())));
        Self { revoked: Revoked::open(Some(data_dir)), provider, ..self }
    }

    /// Whether a secret was chosen, rather than made by us for this machine.
    pub fn is_chosen(secret_file: Option<&Path>) -> bool {
        secret_file.is_some() || std::env::var_os(SECRET_VARIABLE).is_some()
    }

    /// Keeps up with revocations and the provider's keys for as long as the server runs.
    pub async fn keep_up(self) {
        let keys = async {
            match &self.provider {
                Some(provider) => provider.keep_up().await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(keys, self.revoked.clone().keep_up());
    }

    /// Fetches the key of a provider's token if it is not known yet; the checks themselves never wait.
    pub async fn prepare(&self, headers: &HeaderMap) {
        if let Some(provider) = &self.provider
            && let Some(Bearer { token, .. }) = bearer(headers)
            && let Ok(header) = jsonwebtoken::decode_header(&token)
            && Provider::takes(&header)
        {
            provider.prepare(&header).await;
        }
    }

    /// How long a token behind an open socket holds.
    pub fn life(&self, claims: &Claims, expires: tokio::time::Instant) -> TokenLife {
        self.revoked.life(claims, expires)
    }

    /// The secret from the environment, else from `secret_file`, else from the data directory, where one is
    /// made (mode 600) if there is none.
    pub fn obtain(secret_file: Option<&Path>, data_dir: &Path) -> Result<Self, SecretError> {
        if let Some(secret) = std::env::var_os(SECRET_VARIABLE) {
            return Self::from_text(&secret.to_string_lossy(), || SECRET_VARIABLE.to_owned());
        }
        if let Some(path) = secret_file {
            let text = read(path)?;
            return Self::from_text(&text, || path.display().to_string());
        }
        let path = data_dir.join(SECRET_FILE);
        if !path.exists() {
            make_secret(data_dir, &path).map_err(|source| SecretError::Write { path: path.clone(), source })?;
        }
        let mode =
            fs::metadata(&path).map_err(|source| SecretError::Read { path: path.clone(), source })?.permissions();
        if mode.mode() & 0o077 != 0 {
            return Err(SecretError::Exposed(path));
        }
        let text = read(&path)?;
        Self::from_text(&text, || path.display().to_string())
    }

    fn from_text(text: &str, name: impl Fn() -> String) -> Result<Self, SecretError> {
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.trim().is_empty() {
            return Err(SecretError::Empty(name()));
        }
        if secret.len() < SECRET_BYTES {
            tracing::warn!(source = name(), bytes = secret.len(), "token secret is short; use at least 32 bytes");
        }
        Ok(Self::new(secret.as_bytes()))
    }

    /// A token for `ttl_s` seconds from `unix_s` on.
    pub fn issue(&self, unix_s: u64, ttl_s: u64, claims: Claims) -> String {
        let jti = claims.jti.or_else(token_id);
        let claims = Claims { iat: unix_s, exp: unix_s.saturating_add(ttl_s), jti, ..claims };
        // Fails for keys and claims that HMAC and JSON cannot take; text and numbers are not among them.
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).unwrap_or_default()
    }

    /// The claims of a token that is ours and has not run out.
    pub fn check(&self, token: &str) -> Result<Claims, Denied> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Denied::Invalid);
        }
        let claims = match jsonwebtoken::decode_header(token) {
            // What must be understood and is not (RFC 7515, section 4.1.11).
            Ok(header) if header.crit.is_some() => return Err(Denied::Invalid),
            Ok(header) if Provider::takes(&header) => {
                self.provider.as_ref().ok_or(Denied::Invalid)?.check(token, &header)?
            }
            _ => self.check_own(token)?,
        };
        if self.revoked.holds(&claims) { Err(Denied::Revoked) } else { Ok(claims) }
    }

    fn check_own(&self, token: &str) -> Result<Claims, Denied> {
        match jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation) {
            Ok(data) => Ok(data.claims),
            Err(error) if *error.kind() == jsonwebtoken::errors::ErrorKind::ExpiredSignature => Err(Denied::Expired),
            Err(_) => Err(Denied::Invalid),
        }
    }

    /// Checks the token of a request against what the path needs.
    pub fn admit(&self, headers: &HeaderMap, need: Need<'_>) -> Result<Admitted, Denied> {
        let Bearer { token, subprotocol } = bearer(headers).ok_or(Denied::Missing)?;
        let claims = self.check(&token)?;
        if need.allows(&claims) { Ok(Admitted { claims, subprotocol }) } else { Err(Denied::Forbidden) }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens { secret hidden }")
    }
}

/// A caller who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    pub claims: Claims,
    /// The token came as a subprotocol, so `bearer` must be echoed.
    pub subprotocol: bool,
}

struct Bearer {
    token: String,
    subprotocol: bool,
}

fn bearer(headers: &HeaderMap) -> Option<Bearer> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
        return scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| Bearer { token: token.trim().to_owned(), subprotocol: false });
    }
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let mut offered = offered.flat_map(|value| value.split(',')).map(str::trim);
    offered.find(|name| *name == "bearer")?;
    offered.next().map(|token| Bearer { token: token.to_owned(), subprotocol: true })
}

/// A name for a token by which it can be revoked; `None` if the system has no random numbers.
pub fn token_id() -> Option<String> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
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
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let draft = data_dir.join(format!("{SECRET_FILE}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
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

    const NOW_S: u64 = 4_000_000_000;

    fn claims(role: Role, sub: &str) -> Claims {
        Claims { sub: sub.to_owned(), role, teams: Vec::new(), queues: Vec::new(), iat: 0, exp: 0, jti: None }
    }

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_token_comes_back_as_it_was_issued() {
        let tokens = Tokens::new(b"secret");
        let issued = Claims { teams: vec!["nord".to_owned()], ..claims(Role::Supervisor, "s1") };
        let token = tokens.issue(NOW_S, 60, issued.clone());
        let claims = tokens.check(&token).unwrap();
        assert!(claims.jti.as_ref().is_some_and(|id| id.len() == 16), "{claims:?}");
        assert_eq!(claims, Claims { iat: NOW_S, exp: NOW_S + 60, jti: claims.jti.clone(), ..issued });
    }

    #[test]
    fn forged_expired_and_foreign_tokens_are_refused() {
        let tokens = Tokens::new(b"secret");
        let good = tokens.issue(NOW_S, 60, claims(Role::Admin, "x"));
        let other = Tokens::new(b"other").issue(NOW_S, 60, claims(Role::Admin, "x"));
        assert_eq!(tokens.check(&other), Err(Denied::Invalid));
        assert_eq!(tokens.check(&tokens.issue(1_000, 60, claims(Role::Admin, "x"))), Err(Denied::Expired));
        assert_eq!(tokens.check(""), Err(Denied::Invalid));
        assert_eq!(tokens.check(&"x".repeat(MAX_TOKEN_BYTES + 1)), Err(Denied::Invalid));

        let parts: Vec<&str> = good.split('.').collect();
        // {"alg":"none","typ":"JWT"}
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
        assert_eq!(tokens.check(&unsigned), Err(Denied::Invalid));
        let stripped = format!("{}.{}.", parts[0], parts[1]);
        assert_eq!(tokens.check(&stripped), Err(Denied::Invalid));

        for (name, value, holds) in [
            ("aud", "ruhepol", true),
            ("iss", "ruhepol", true),
            ("aud", "payroll", false),
            ("iss", "https://login.example", false),
        ] {
            let claims = serde_json::json!({"sub": "x", "role": "admin", "exp": NOW_S, name: value});
            let made = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &tokens.encoding).unwrap();
            assert_eq!(tokens.check(&made).is_ok(), holds, "{name} {value}");
        }
        let critical = Header { crit: Some(vec!["exp".to_owned()]), ..Header::new(Algorithm::HS256) };
        let made = jsonwebtoken::encode(&critical, &claims(Role::Admin, "x"), &tokens.encoding).unwrap();
        assert_eq!(tokens.check(&made), Err(Denied::Invalid));
    }

    #[test]
    fn roles_open_their_own_doors_only() {
        let allowed = |role, need: Need<'_>| need.allows(&claims(role, "a7"));
        for (role, ingest, supervise, own, foreign, audit) in [
            (Role::Ingest, true, false, false, false, false),
            (Role::Agent, false, false, true, false, false),
            (Role::Supervisor, false, true, false, false, false),
            (Role::Auditor, false, false, false, false, true),
            (Role::Admin, true, true, false, false, true),
        ] {
            assert_eq!(allowed(role, Need::Audit), audit, "{role:?}");
            assert_eq!(allowed(role, Need::Ingest), ingest, "{role:?}");
            assert_eq!(allowed(role, Need::Supervise), supervise, "{role:?}");
            assert_eq!(allowed(role, Need::Agent("a7")), own, "{role:?}");
            assert_eq!(allowed(role, Need::Agent("a8")), foreign, "{role:?}");
        }
    }

    #[test]
    fn scope_is_by_team_and_queue() {
        let all = claims(Role::Supervisor, "s");
        assert!(all.covers(None, None));
        let nord = Claims { teams: vec!["nord".to_owned()], ..all.clone() };
        assert!(nord.covers(Some("nord"), None));
        assert!(!nord.covers(Some("süd"), None));
        assert!(!nord.covers(None, Some("nord")));
        let both = Claims { queues: vec!["q".to_owned()], ..nord };
        assert!(both.covers(Some("nord"), Some("q")));
        assert!(!both.covers(Some("nord"), Some("r")));
    }

    #[test]
    fn tokens_travel_in_the_header_or_as_subprotocol() {
        let tokens = Tokens::new(b"secret");
        let token = tokens.issue(NOW_S, 60, claims(Role::Ingest, "pbx"));
        let admit = |headers: &HeaderMap| tokens.admit(headers, Need::Ingest).map(|admitted| admitted.subprotocol);
        assert_eq!(admit(&headers(header::AUTHORIZATION, &format!("bearer {token}"))), Ok(false));
        assert_eq!(admit(&headers(header::SEC_WEBSOCKET_PROTOCOL, &format!("bearer, {token}"))), Ok(true));
        assert_eq!(admit(&headers(header::SEC_WEBSOCKET_PROTOCOL, "bearer")), Err(Denied::Missing));
        assert_eq!(admit(&headers(header::AUTHORIZATION, &format!("Basic {token}"))), Err(Denied::Missing));
        assert_eq!(admit(&HeaderMap::new()), Err(Denied::Missing));
        let wrong = tokens.issue(NOW_S, 60, claims(Role::Agent, "a7"));
        assert_eq!(admit(&headers(header::AUTHORIZATION, &format!("Bearer {wrong}"))), Err(Denied::Forbidden));
    }

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
            assert!(matches!(Tokens::obtain(None, dir.path()), Err(SecretError::Exposed(_))));
            fs::write(&path, "\n").unwrap();
            assert!(matches!(Tokens::obtain(Some(&path), dir.path()), Err(SecretError::Empty(_))));
        }
    }
}
