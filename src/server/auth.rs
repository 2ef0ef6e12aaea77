//! Who may do what: tokens with a role, ours and those of an identity provider.

mod claims;
mod oidc;
pub mod revoked;
mod secret;

pub use self::claims::{Claims, Denied, Need, Role};
pub use self::secret::{SECRET_VARIABLE, SecretError};

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};

use self::oidc::Provider;
use self::revoked::{Revoked, TokenLife};
use crate::config::Oidc;
use crate::wire::hex::hex;

/// Issuer and audience of tokens that somebody else makes for us with our secret, if they name any.
const PROGRAM: &str = "ruhepol";

/// Longest token we look at: ours have some hundred bytes, those of an identity provider a few thousand.
const MAX_TOKEN_BYTES: usize = 8 << 10;

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

    /// With the secret from the environment, else from `secret_file`, else from the data directory, where one is
    /// made (mode 600) if there is none.
    pub fn obtain(secret_file: Option<&Path>, data_dir: &Path) -> Result<Self, SecretError> {
        Ok(Self::new(secret::obtain(secret_file, data_dir)?.as_bytes()))
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
    Some(hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: u64 = 4_000_000_000;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_token_comes_back_as_it_was_issued() {
        let tokens = Tokens::new(b"secret");
        let issued = Claims { teams: vec!["nord".to_owned()], ..Claims::new(Role::Supervisor, "s1") };
        let token = tokens.issue(NOW_S, 60, issued.clone());
        let claims = tokens.check(&token).unwrap();
        assert!(claims.jti.as_ref().is_some_and(|id| id.len() == 16), "{claims:?}");
        assert_eq!(claims, Claims { iat: NOW_S, exp: NOW_S + 60, jti: claims.jti.clone(), ..issued });
    }

    #[test]
    fn forged_expired_and_foreign_tokens_are_refused() {
        let tokens = Tokens::new(b"secret");
        let good = tokens.issue(NOW_S, 60, Claims::new(Role::Admin, "x"));
        let other = Tokens::new(b"other").issue(NOW_S, 60, Claims::new(Role::Admin, "x"));
        assert_eq!(tokens.check(&other), Err(Denied::Invalid));
        assert_eq!(tokens.check(&tokens.issue(1_000, 60, Claims::new(Role::Admin, "x"))), Err(Denied::Expired));
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
        let made = jsonwebtoken::encode(&critical, &Claims::new(Role::Admin, "x"), &tokens.encoding).unwrap();
        assert_eq!(tokens.check(&made), Err(Denied::Invalid));
    }

    #[test]
    fn tokens_travel_in_the_header_or_as_subprotocol() {
        let tokens = Tokens::new(b"secret");
        let token = tokens.issue(NOW_S, 60, Claims::new(Role::Ingest, "pbx"));
        let admit = |headers: &HeaderMap| tokens.admit(headers, Need::Ingest).map(|admitted| admitted.subprotocol);
        assert_eq!(admit(&headers(header::AUTHORIZATION, &format!("bearer {token}"))), Ok(false));
        assert_eq!(admit(&headers(header::SEC_WEBSOCKET_PROTOCOL, &format!("bearer, {token}"))), Ok(true));
        assert_eq!(admit(&headers(header::SEC_WEBSOCKET_PROTOCOL, "bearer")), Err(Denied::Missing));
        assert_eq!(admit(&headers(header::AUTHORIZATION, &format!("Basic {token}"))), Err(Denied::Missing));
        assert_eq!(admit(&HeaderMap::new()), Err(Denied::Missing));
        let wrong = tokens.issue(NOW_S, 60, Claims::new(Role::Agent, "a7"));
        assert_eq!(admit(&headers(header::AUTHORIZATION, &format!("Bearer {wrong}"))), Err(Denied::Forbidden));
    }
}
