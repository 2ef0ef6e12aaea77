//! Every setting, its default, its unit and why it is so.
//!
//! Defaults are here and nowhere else. A TOML file overrides them, the command line overrides the file; secrets
//! come from the environment or from files of their own. Unknown keys are refused: a typing error must not
//! silently leave a default in force.

mod acoustic;
mod address;
mod alerts;
mod auth;
mod error;
mod feeds;
mod journal;
mod language;
mod limits;
mod media;
mod phones;
mod privacy;
mod server;
mod speech;
mod telemetry;
mod webhooks;

pub use self::acoustic::Acoustic;
pub use self::address::is_private;
pub use self::alerts::Alerts;
pub use self::auth::{Auth, Oidc};
pub use self::error::ConfigError;
pub use self::feeds::Feeds;
pub use self::journal::JournalFile;
pub use self::language::{Data, LanguageModels, OnnxModel};
pub use self::limits::Limits;
pub use self::media::{Consent, ConsentPaths, Media};
pub use self::phones::{Asterisk, AudioHook, AudioSocket, FreeSwitch, Jambonz, Phones, Twilio, Vonage};
pub use self::privacy::{Agent, Privacy};
pub use self::server::{MetricsAccess, Server, Tls};
pub use self::speech::{Engine, Isolation, Speech};
pub use self::telemetry::Telemetry;
pub use self::webhooks::{Webhook, WebhookEvent};

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::journal::Settings as JournalSettings;

/// All settings of the program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub auth: Auth,
    pub limits: Limits,
    pub media: Media,
    pub consent: ConsentPaths,
    pub phones: Phones,
    pub feeds: Feeds,
    pub agent: Agent,
    pub privacy: Privacy,
    pub speech: Speech,
    pub data: Data,
    pub language: LanguageModels,
    pub alerts: Alerts,
    pub acoustic: Acoustic,
    pub journal: JournalFile,
    /// Certificate and key; without, the server speaks plain HTTP.
    pub tls: Option<Tls>,
    pub telemetry: Telemetry,
    /// Who else is told of alerts and ends of calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<Webhook>,
}

/// What the command line says over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    pub listen: Option<SocketAddr>,
    pub data_dir: Option<PathBuf>,
    pub consent_elsewhere: bool,
}

impl Config {
    /// Defaults, then the file, then the command line; checked.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut config = match file {
            Some(path) => {
                let text =
                    fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
                Self::parse(&text).map_err(|message| ConfigError::Syntax { path: path.to_owned(), message })?
            }
            None => Self::default(),
        };
        if let Some(listen) = overrides.listen {
            config.server.listen = listen;
        }
        if let Some(dir) = &overrides.data_dir {
            config.server.data_dir = Some(dir.clone());
        }
        if overrides.consent_elsewhere {
            config.consent = ConsentPaths::all(Consent::Elsewhere);
        }
        config.validate()?;
        Ok(config)
    }

    /// Settings from TOML text, not yet validated; the error names the setting.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document = toml::Deserializer::parse(text).map_err(|error| error.to_string())?;
        serde_path_to_error::deserialize(document).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            if path == "." { inner.to_string() } else { format!("setting `{path}`: {inner}") }
        })
    }

    /// Checks what the types cannot say.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.server.validate(self.speaks_tls())?;
        self.auth.validate()?;
        self.limits.validate()?;
        self.media.validate()?;
        self.feeds.validate()?;
        self.journal.validate()?;
        self.telemetry.validate()?;
        self.speech.validate()?;
        self.phones.validate()?;
        self.acoustic.validate()?;
        webhooks::validate(&self.webhooks)
    }

    /// Whether what leaves this machine is encrypted, by us or by a declared proxy.
    pub fn speaks_tls(&self) -> bool {
        self.tls.is_some() || !self.server.proxies.is_empty()
    }

    /// Where the journal is kept, and how; `None` if there is to be none.
    pub fn journal_settings(&self) -> Option<(&Path, JournalSettings)> {
        let dir = self.server.data_dir.as_deref().filter(|_| self.journal.enabled)?;
        Some((dir, self.journal.settings(&self.feeds)))
    }

    /// Where the program keeps its own files.
    pub fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        match &self.server.data_dir {
            Some(dir) => Ok(dir.clone()),
            None => directories::ProjectDirs::from("", "", "ruhepol")
                .map(|dirs| dirs.data_dir().to_owned())
                .ok_or(ConfigError::NoDataDir),
        }
    }
}

/// A setting in seconds as a duration.
pub fn seconds(value: u64) -> Duration {
    Duration::from_secs(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::AgentChannel;

    pub(super) fn check(toml: &str) -> Result<Config, String> {
        let config = Config::parse(toml)?;
        config.validate().map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn defaults_are_valid_and_an_empty_file_is_them() {
        assert_eq!(check(""), Ok(Config::default()));
    }

    #[test]
    fn defaults_survive_being_written_and_read() {
        let text = toml::to_string(&Config::default()).unwrap();
        assert_eq!(check(&text), Ok(Config::default()));
    }

    #[test]
    fn a_file_changes_what_it_names() {
        let config =
            check("[media]\ngrace_s = 5\n[consent]\nmedia = \"elsewhere\"\n[agent]\nchannel = \"full\"").unwrap();
        assert_eq!(config.media.grace_s, 5);
        assert_eq!(config.media.ping_s, Media::default().ping_s);
        assert_eq!(config.consent.media, Consent::Elsewhere);
        assert_eq!(config.consent.transcripts, Consent::Required);
        assert_eq!(config.agent.channel, AgentChannel::Full);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (toml, named) in [
            ("[medai]\n", "medai"),
            ("[media]\ngrace = 5\n", "grace"),
            ("[media]\ngrace_s = \"5\"\n", "media.grace_s"),
            ("[media]\ngrace_s = -1\n", "media.grace_s"),
            ("[limits]\ncalls = 0\n", "limits.calls"),
            ("[media]\nping_s = 60\n", "media.silent_s"),
            ("[server]\nlisten = \"0.0.0.0:8080\"\n", "TLS"),
            ("[server]\nlisten = \"here\"\n", "server.listen"),
            ("[agent]\nchannel = \"loud\"\n", "loud"),
            ("[acoustic]\nlevel_points = 6\n", "acoustic.level_points"),
            ("[server\n", "expected"),
        ] {
            let message = check(toml).unwrap_err();
            assert!(message.contains(named), "{toml}: {message}");
        }
    }

    #[test]
    fn the_command_line_wins() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ruhepol.toml");
        fs::write(&file, "[server]\nlisten = \"127.0.0.1:9000\"\n").unwrap();
        let overrides = Overrides {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            data_dir: Some(dir.path().to_owned()),
            consent_elsewhere: true,
        };
        let config = Config::load(Some(&file), &overrides).unwrap();
        assert_eq!(config.server.listen.port(), 0);
        assert_eq!(config.data_dir().unwrap(), dir.path());
        assert_eq!(config.consent.transcripts, Consent::Elsewhere);
        assert_eq!(Config::load(Some(&file), &Overrides::default()).unwrap().server.listen.port(), 9000);
        assert!(matches!(
            Config::load(Some(&dir.path().join("no.toml")), &Overrides::default()),
            Err(ConfigError::Read { .. })
        ));
    }
}
