//! What a token says of its bearer, and what a path asks of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audit::{Action, Entry};
use crate::wall_clock::unix_ms;

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
    /// Of somebody to whom nothing is out of scope; a token gets its times and its name when it is issued.
    pub fn new(role: Role, sub: &str) -> Self {
        Self { sub: sub.to_owned(), role, teams: Vec::new(), queues: Vec::new(), iat: 0, exp: 0, jti: None }
    }

    /// Whether a call of this team and queue is within the scope. A call that names none is outside of a scope
    /// that does.
    pub fn covers(&self, team: Option<&str>, queue: Option<&str>) -> bool {
        let within = |allowed: &[String], value: Option<&str>| {
            allowed.is_empty() || value.is_some_and(|value| allowed.iter().any(|name| name == value))
        };
        within(&self.teams, team) && within(&self.queues, queue)
    }

    /// How long they still hold.
    pub(in crate::server) fn time_left(&self) -> Duration {
        Duration::from_millis(self.exp.saturating_mul(1_000).saturating_sub(unix_ms()))
    }

    /// For the audit log: they did this now.
    pub(in crate::server) fn entry(&self, action: Action, object: Option<&str>) -> Entry {
        Entry {
            unix_ms: unix_ms(),
            who: self.sub.clone(),
            role: self.role.as_str().to_owned(),
            action,
            object: object.map(str::to_owned),
            detail: serde_json::Map::new(),
        }
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
    pub(in crate::server) fn allows(self, claims: &Claims) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_open_their_own_doors_only() {
        let allowed = |role, need: Need<'_>| need.allows(&Claims::new(role, "a7"));
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
        let all = Claims::new(Role::Supervisor, "s");
        assert!(all.covers(None, None));
        let nord = Claims { teams: vec!["nord".to_owned()], ..all.clone() };
        assert!(nord.covers(Some("nord"), None));
        assert!(!nord.covers(Some("süd"), None));
        assert!(!nord.covers(None, Some("nord")));
        let both = Claims { queues: vec!["q".to_owned()], ..nord };
        assert!(both.covers(Some("nord"), Some("q")));
        assert!(!both.covers(Some("nord"), Some("r")));
    }
}
