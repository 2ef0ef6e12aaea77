//! Whose tokens count.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address::is_private;
use super::error::{ConfigError, wrong};

/// Secrets are files or environment variables, never values in this file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// File with the secret that signs tokens. Default none: the environment variable `RUHEPOL_TOKEN_SECRET`, else a
    /// secret made at the first start and kept in the data directory.
    pub secret_file: Option<PathBuf>,
    /// An identity provider whose tokens count beside our own. Default none.
    pub oidc: Option<Oidc>,
}

impl Auth {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.oidc.as_ref().map_or(Ok(()), Oidc::validate)
    }
}

/// An OpenID Connect provider. Its tokens are signed with RS256 or EdDSA and name their bearer's role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// `iss` of its tokens.
    pub issuer: String,
    /// `aud` of tokens meant for us.
    pub audience: String,
    /// Where its public keys are. `https`, except on this machine.
    pub jwks_url: String,
    /// Claim with the role, or a list of roles of which the first of ours counts; dots lead into objects. Default
    /// `ruhepol_role`.
    #[serde(default = "role_claim")]
    pub role_claim: String,
    /// Claim with the teams, absent for all. Default `ruhepol_teams`.
    #[serde(default = "teams_claim")]
    pub teams_claim: String,
    /// Claim with the queues, absent for all. Default `ruhepol_queues`.
    #[serde(default = "queues_claim")]
    pub queues_claim: String,
    /// Claim with who it is: for agents, by which calls name them. Default `sub`.
    #[serde(default = "sub_claim")]
    pub sub_claim: String,
    /// Under which the provider knows our pages, as a public client. Default none: nobody signs in on the pages.
    #[serde(default)]
    pub client_id: Option<String>,
    /// What the pages ask for. Default `openid`.
    #[serde(default = "scope")]
    pub scope: String,
}

impl Oidc {
    /// The issuer's origin, if the pages sign in there.
    pub fn sign_in_origin(&self) -> Option<String> {
        self.client_id.as_ref()?;
        let origin = reqwest::Url::parse(&self.issuer).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }
    fn validate(&self) -> Result<(), ConfigError> {
        let url = &self.jwks_url;
        if !is_private(url) {
            return wrong(
                "auth.oidc.jwks_url",
                format!("{url}: keys that anybody on the way can change prove nothing"),
                "use the https address from the provider's discovery document",
            );
        }
        if self.client_id.is_none() {
            return Ok(());
        }
        let issuer = &self.issuer;
        if !is_private(issuer) || self.sign_in_origin().is_none() {
            return wrong(
                "auth.oidc.issuer",
                format!("{issuer}: no address at which people could sign in safely"),
                "use the provider's https address, as its discovery document names it",
            );
        }
        if !self.scope.split(' ').any(|scope| scope == "openid") {
            return wrong(
                "auth.oidc.scope",
                format!("{:?} does not ask who it is", self.scope),
                "name `openid` among the scopes",
            );
        }
        Ok(())
    }
}

fn role_claim() -> String {
    "ruhepol_role".to_owned()
}

fn teams_claim() -> String {
    "ruhepol_teams".to_owned()
}

fn queues_claim() -> String {
    "ruhepol_queues".to_owned()
}

fn sub_claim() -> String {
    "sub".to_owned()
}

fn scope() -> String {
    "openid".to_owned()
}

#[cfg(test)]
mod tests {
    use crate::config::tests::check;

    #[test]
    fn a_provider_is_asked_where_nobody_can_answer_for_it() {
        let told = |rest: &str| {
            let provider = "[auth.oidc]\nissuer = \"https://id.example\"\naudience = \"pages\"\n";
            check(&format!("{provider}{rest}")).map(|_| ())
        };
        let keys = "jwks_url = \"https://id.example/keys\"\n";
        assert_eq!(told(keys), Ok(()));
        assert_eq!(told(&format!("{keys}client_id = \"pages\"\n")), Ok(()));
        assert_eq!(told("jwks_url = \"http://127.0.0.1:9/keys\"\n"), Ok(()));
        for (rest, named) in [
            ("jwks_url = \"http://id.example/keys\"\n".to_owned(), "auth.oidc.jwks_url"),
            ("jwks_url = \"http://localhost.evil.example/keys\"\n".to_owned(), "auth.oidc.jwks_url"),
            (format!("{keys}client_id = \"pages\"\nscope = \"email\"\n"), "auth.oidc.scope"),
        ] {
            let message = told(&rest).unwrap_err();
            assert!(message.contains(named), "{rest}: {message}");
        }
    }
}
