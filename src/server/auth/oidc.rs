//! Tokens of an identity provider (OpenID Connect): its public keys, fetched, kept and renewed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::StreamExt as _;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};
use tracing::{error, info};

use super::claims::{Claims, Denied, Role};
use crate::config::Oidc;

/// Keys are fetched anew so often, so that one the provider has withdrawn is soon refused.
const RENEW_EVERY: Duration = Duration::from_secs(300);

/// An unknown key may be a new one; asked for at most so often, whatever strangers send.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Patience with the provider.
const FETCH: Duration = Duration::from_secs(5);

/// Largest key set, in bytes: real ones have a few thousand.
const KEYS_MAX_BYTES: usize = 256 << 10;

/// Clocks of two machines differ; seconds.
const LEEWAY_S: u64 = 30;

/// Which signatures count: those of public keys. What a provider offers beside them is passed over.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::EdDSA];

/// A provider and its keys.
pub struct Provider {
    settings: Oidc,
    client: reqwest::Client,
    keys: RwLock<Arc<Keys>>,
    asked: tokio::sync::Mutex<Option<Instant>>,
}

type Keys = HashMap<String, (Algorithm, DecodingKey)>;

impl Provider {
    pub fn new(settings: Oidc) -> Self {
        Self { settings, client: reqwest::Client::new(), keys: RwLock::default(), asked: tokio::sync::Mutex::default() }
    }

    pub fn takes(header: &Header) -> bool {
        ALGORITHMS.contains(&header.alg)
    }

    /// Sees to it that the key of this token is known, if the provider has it.
    pub async fn prepare(&self, header: &Header) {
        if self.key(header).is_some() {
            return;
        }
        // One asks for all that come meanwhile.
        let mut asked = self.asked.lock().await;
        if self.key(header).is_some() || asked.is_some_and(|at| at.elapsed() < ASK_AGAIN) {
            return;
        }
        self.renew().await;
        // Only asking in vain makes us wait: a provider may change its keys twice in a row.
        *asked = self.key(header).is_none().then(Instant::now);
    }

    /// Renews the keys for as long as the server runs.
    pub async fn keep_up(&self) {
        loop {
            self.renew().await;
            sleep(RENEW_EVERY).await;
        }
    }

    /// The claims of a token the provider signed for us. [`prepare`](Self::prepare) came before.
    pub fn check(&self, token: &str, header: &Header) -> Result<Claims, Denied> {
        let (algorithm, key) = self.key(header).ok_or(Denied::Invalid)?;
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        match jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation) {
            Ok(data) => self.claims(&data.claims).ok_or(Denied::Forbidden),
            Err(error) if *error.kind() == jsonwebtoken::errors::ErrorKind::ExpiredSignature => Err(Denied::Expired),
            Err(_) => Err(Denied::Invalid),
        }
    }

    /// Whoever has no role of ours may do nothing.
    fn claims(&self, claims: &Map<String, Value>) -> Option<Claims> {
        let texts = |path: &str| -> Vec<String> {
            let mut parts = path.split('.');
            let value = parts.next().and_then(|first| claims.get(first));
            match parts.fold(value, |value, part| value?.get(part)) {
                Some(Value::String(text)) => vec![text.clone()],
                Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
                _ => Vec::new(),
            }
        };
        let number = |name: &str| claims.get(name).and_then(Value::as_u64);
        Some(Claims {
            sub: texts(&self.settings.sub_claim).into_iter().find(|sub| !sub.is_empty())?,
            role: texts(&self.settings.role_claim).iter().find_map(|name| Role::from_name(name))?,
            teams: texts(&self.settings.teams_claim),
            queues: texts(&self.settings.queues_claim),
            iat: number("iat").unwrap_or(0),
            exp: number("exp")?,
            jti: claims.get("jti").and_then(Value::as_str).map(str::to_owned),
        })
    }

    fn key(&self, header: &Header) -> Option<(Algorithm, DecodingKey)> {
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let found = match &header.kid {
            Some(kid) => keys.get(kid),
            None if keys.len() == 1 => keys.values().next(),
            None => None,
        };
        found.filter(|(algorithm, _)| *algorithm == header.alg).cloned()
    }

    async fn renew(&self) {
        match self.fetch().await {
            Ok(keys) => {
                info!(keys = keys.len(), "keys of the identity provider are known");
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
            }
            Err(error) => {
                error!(error, url = self.settings.jwks_url, "keys of the identity provider cannot be fetched")
            }
        }
    }

    async fn fetch(&self) -> Result<Keys, String> {
        let text = |error: reqwest::Error| error.without_url().to_string();
        let request = self.client.get(&self.settings.jwks_url).timeout(FETCH);
        let response = request.send().await.and_then(reqwest::Response::error_for_status).map_err(text)?;
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk.map_err(text)?);
            if body.len() > KEYS_MAX_BYTES {
                return Err("the key set is larger than 256 KiB".to_owned());
            }
        }
        let set: JwkSet = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let mut keys = Keys::new();
        for jwk in &set.keys {
            let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
                (_, Some(named)) => named.to_string().parse().ok(),
                (jsonwebtoken::jwk::AlgorithmParameters::RSA(_), None) => Some(Algorithm::RS256),
                (jsonwebtoken::jwk::AlgorithmParameters::OctetKeyPair(_), None) => Some(Algorithm::EdDSA),
                _ => None,
            };
            let Some(algorithm) = algorithm.filter(|algorithm| ALGORITHMS.contains(algorithm)) else { continue };
            if let Ok(key) = DecodingKey::from_jwk(jwk) {
                keys.insert(jwk.common.key_id.clone().unwrap_or_default(), (algorithm, key));
            }
        }
        if keys.is_empty() { Err("the key set holds no RS256 or EdDSA key".to_owned()) } else { Ok(keys) }
    }
}
