//! Every setting, its default, its unit and why it is so.
//!
//! Defaults are here and nowhere else. A TOML file overrides them, the command line overrides the file; secrets
//! come from the environment or from files of their own. Unknown keys are refused: a typing error must not
//! silently leave a default in force.

mod phones;
mod webhooks;

pub use self::phones::{Asterisk, AudioHook, AudioSocket, FreeSwitch, Jambonz, Phones, Twilio, Vonage};
pub use self::webhooks::{Webhook, WebhookEvent};

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::AgentChannel;
use crate::call::acoustic::AcousticSettings;
use crate::call::escalation::{EscalationSettings, Preset};
use crate::journal;
use crate::language::onnx::{Activation, OnnxSettings, Output};
use crate::terms::Lang;

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

/// Where the server listens and how it stops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port. Default `127.0.0.1:8080`: only programs on this machine. Port 0 takes a free one. An address
    /// other machines can reach needs `[tls]` or `proxies`, and a secret or provider of tokens that was chosen.
    pub listen: SocketAddr,
    /// Addresses of proxies that speak TLS for us. Default none. With some and without `[tls]`, nobody else beside this
    /// machine may connect, and the client is whom they name last in `X-Forwarded-For`.
    pub proxies: Vec<IpAddr>,
    /// Origins of pages, beside our own, that may talk to this server, such as `https://board.example`. Default none.
    pub origins: Vec<String>,
    /// Name of this server in snapshots. Default `ruhepol`; give each of several servers its own.
    pub node: String,
    /// Who may read `/metrics`: `local` (default): programs on this machine without a token, others with one of role
    /// `auditor` or `admin`; `token`: nobody without; `open`: whoever reaches the port.
    pub metrics: MetricsAccess,
    /// Where the program keeps what it makes itself, such as the token secret. Default: the platform's place for
    /// application data.
    pub data_dir: Option<PathBuf>,
    /// Seconds that running calls may go on after the first stop signal. Default 10: a service manager kills after
    /// 90, and balancers notice `/readyz` within a few.
    pub drain_s: u64,
}

/// Who may read the figures of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricsAccess {
    #[default]
    Local,
    Token,
    Open,
}

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

/// TLS of our own. The files are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain in PEM, the server's own certificate first.
    pub cert_file: PathBuf,
    /// Its key in PEM, not readable by everybody.
    pub key_file: PathBuf,
}

/// How much of everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections of all kinds. Default 2000: room for 500 calls of one phone system and all their readers,
    /// and below the usual limit of open files.
    pub connections: usize,
    /// Of these from one address (of IPv6: from one /64). Default 1500: one phone system may bring nearly all of them.
    pub connections_per_address: usize,
    /// Requests a second from one address, and with one token; ten times as many at once. Default 200: twice what a
    /// phone system needs when all calls come back after an interruption.
    pub requests_per_s: u32,
    /// Calls at once. Default 200: more than two cores can transcribe, so that speech is shed by rule before calls
    /// are refused. Beyond it a call is refused with `busy`.
    pub calls: usize,
    /// Seconds after which a refused call may try again. Default 5.
    pub retry_after_s: u64,
    /// Seconds a client may take for the head of an HTTP request. Default 5: against connections that say nothing.
    pub header_s: u64,
    /// Seconds a client may leave lying what it asked for. Default 30: against connections that read nothing.
    pub take_s: u64,
    /// Seconds from the upgrade to `start`. Default 10.
    pub start_s: u64,
}

/// Streams of phone systems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// Seconds a call waits for its connection to come back. Default 30.
    pub grace_s: u64,
    /// Seconds of silence on a socket until it is pinged. Default 20: below the 30 to 60 s after which proxies and
    /// address translators forget a connection.
    pub ping_s: u64,
    /// Seconds without any frame, pongs included, until the peer is given up. Default 60: three pings.
    pub silent_s: u64,
    /// Seconds without audio or a message, on a connection that answers pings. Default 7200: longer than any
    /// hold, shorter than a forgotten connection.
    pub idle_s: u64,
    /// Seconds a peer may take to accept one message of ours. Default 10.
    pub write_s: u64,
    /// Accept a channel `mixed` with both parties on it. Default `false`: what is said cannot be told apart, so
    /// only threats and danger alert.
    pub allow_mixed: bool,
}

/// Whether a path needs the customer's consent in the stream itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// The stream must say so, or the call is refused.
    #[default]
    Required,
    /// Somebody before us took care of it.
    Elsewhere,
}

/// Consent per ingest path. Default `required` everywhere: transcribing without it is a crime in some countries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentPaths {
    /// `/v1/media`.
    pub media: Consent,
    /// `/v1/transcripts`.
    pub transcripts: Consent,
    /// `/v1/listen`.
    pub listen: Consent,
    /// `/v1/media/twilio`.
    pub twilio: Consent,
    /// `/v1/media/audiohook`.
    pub audiohook: Consent,
    /// `/v1/media/vonage`.
    pub vonage: Consent,
    /// `/v1/media/jambonz`.
    pub jambonz: Consent,
    /// `/v1/media/freeswitch`.
    pub freeswitch: Consent,
    /// `/v1/media/asterisk`.
    pub asterisk: Consent,
    /// AudioSocket.
    pub audiosocket: Consent,
}

impl ConsentPaths {
    /// All paths alike.
    pub fn all(consent: Consent) -> Self {
        Self {
            media: consent,
            transcripts: consent,
            listen: consent,
            twilio: consent,
            audiohook: consent,
            vonage: consent,
            jambonz: consent,
            freeswitch: consent,
            asterisk: consent,
            audiosocket: consent,
        }
    }
}

/// What supervisors and agents read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feeds {
    /// Events a reader may be behind before it gets a snapshot instead. Default 1024: some seconds of a busy floor.
    pub behind_events: usize,
    /// Events kept for readers that come back with `after`. Default 10000: about ten minutes of a busy floor.
    pub history_events: usize,
    /// Events kept per call for `GET /v1/calls/{call}/events`. Default 5000: an hour of talk.
    pub call_events: usize,
    /// Ended calls kept in memory. Default 200.
    pub ended_calls: usize,
    /// Minutes an ended call is kept in memory. Default 60.
    pub ended_minutes: u64,
    /// Seconds a reader may take to accept one message before it is dropped. Default 10.
    pub write_s: u64,
    /// Heated calls after which a break is suggested for an agent. Default 3.
    pub break_calls: u32,
    /// Minutes of heated talk after which a break is suggested. Default 15.
    pub break_minutes: u64,
}

/// The agent's voice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agent {
    /// `off`: never transcribed. `coach` (default): transcribed in memory for the agent's own prompts, shown to nobody
    /// else. `full`: the agent's words are in the call's log; a choice to be made with the works council.
    pub channel: AgentChannel,
}

/// What is taken out of the words before anybody but the agent sees them. Card, account, telephone and other long
/// numbers, e-mail and postal addresses and dates of birth always are (docs/privacy.md).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// Replace names of people, too: the customer's as the phone system told it, names that are introduced ("mein Name
    /// ist …") or spelled. Default `false`: whoever helps with a call has to know whom they speak of.
    pub redact_names: bool,
}

/// How speech becomes text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speech {
    /// `whisper` (default) or `none`: audio gives times only, words come on `/v1/transcripts`.
    pub engine: Engine,
    /// Model file in whisper.cpp's format. Default none: the small model shipped with the program.
    pub model: Option<PathBuf>,
    /// Transcriptions at once. Default 0: one per core. One thread each.
    pub workers: usize,
    /// Where they run. `process` (default): each in a process of its own with a model of its own, so that a crash in
    /// the speech engine costs no call, only the utterances that were being read a second try. `thread`: in the server,
    /// all with one model.
    pub isolation: Isolation,
    /// Seconds a process may take for one utterance before it is taken for hung and killed; one that works on but that
    /// the machine lets run too little has six times as long. Default 20: many times what the models up to `base` take.
    /// Use 60 for larger ones.
    pub decode_s: u64,
    /// Segments of all calls that may wait. Default 64: at 3 s each more than three minutes of speech for one core.
    pub queue: usize,
    /// Seconds after its end that speech is still worth reading. Default 15: later, an alert helps nobody.
    pub deadline_s: u64,
    /// Language of calls that name none. Default `de`.
    pub language: Lang,
    /// Milliseconds of silence that end an utterance. Default 500: shorter cuts sentences at a breath, longer delays
    /// every alert.
    pub hangover_ms: u64,
    /// Longest utterance in milliseconds; a longer one is cut at its quietest point. Default 11000: the shipped model
    /// reads up to 12 s, and a rant must not delay its own alert.
    pub max_segment_ms: u64,
    /// Silero voice activity model in ggml format. Default none: the detector built in.
    pub silero: Option<PathBuf>,
}

/// The engine that reads speech.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    #[default]
    Whisper,
    None,
}

/// Where speech becomes text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    #[default]
    Process,
    Thread,
}

/// Cues, phrases and practices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Directory with cue files. Default none: those built into the program.
    pub language_dir: Option<PathBuf>,
    /// Directory with playbook files. Default none: those built into the program.
    pub playbook_dir: Option<PathBuf>,
}

/// Text classifiers of the user's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageModels {
    /// ONNX files by language, `[language.onnx.de]` and `[language.onnx.en]`. Default none. Only for a program that was
    /// built with the feature `onnx` (docs/scoring.md).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub onnx: BTreeMap<Lang, OnnxModel>,
}

/// A text classifier that goes beside the embedded one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxModel {
    /// The network, with the inputs `input_ids`, `attention_mask` and perhaps `token_type_ids` (64-bit integers).
    pub model: PathBuf,
    /// Its WordPiece vocabulary, `vocab.txt`.
    pub vocabulary: PathBuf,
    /// What its outputs mean, in their order: `offence`, `negative` (severity 2 or 3), `positive`, `ignored`.
    pub outputs: Vec<Output>,
    /// `softmax` (default), `sigmoid` or `none`: from outputs to probabilities.
    #[serde(default)]
    pub activation: Activation,
    /// Whether it was trained on lower case without accents ("uncased"). Default `false`.
    #[serde(default)]
    pub lowercase: bool,
    /// Tokens read of an utterance, 8 to 512. Default 64: what somebody says in ten seconds. All utterances take the
    /// time of the longest.
    #[serde(default = "tokens")]
    pub tokens: usize,
    /// Its share beside the embedded model, above 0 to 1. Default 0.5: both say the same.
    #[serde(default = "share")]
    pub share: f32,
    /// Milliseconds an utterance may take when the model is tried at start; a slower one is refused. Default 50: with ten
    /// utterances a second on the whole floor, half a core.
    #[serde(default = "most_ms")]
    pub most_ms: u64,
}

impl OnnxModel {
    pub fn settings(&self) -> OnnxSettings {
        OnnxSettings {
            outputs: self.outputs.clone(),
            activation: self.activation,
            lowercase: self.lowercase,
            tokens: self.tokens,
            share: self.share,
        }
    }
}

fn tokens() -> usize {
    64
}

fn share() -> f32 {
    0.5
}

fn most_ms() -> u64 {
    50
}

/// When supervisors are alerted. Presets differ in how many false alarms they cost (docs/scoring.md).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// `calm`, `balanced` (default) or `vigilant`. A threat of violence or of self-harm alerts with each of them.
    pub preset: Preset,
    /// Seconds after which an alert nobody has acknowledged, snoozed or dismissed is raised higher, once. Default 30:
    /// long enough to look up and read, short enough to help in the call. 0: never.
    pub unacknowledged_s: u64,
    /// Other presets for some queues, by name of the queue.
    pub queues: BTreeMap<String, Preset>,
    /// Other times for some queues, by name of the queue.
    pub unacknowledged_queues: BTreeMap<String, u64>,
}

impl Alerts {
    /// The thresholds of calls in `queue`.
    pub fn settings(&self, queue: Option<&str>) -> EscalationSettings {
        let preset = queue.and_then(|queue| self.queues.get(queue)).unwrap_or(&self.preset);
        EscalationSettings::preset(*preset)
    }

    /// How long an alert of a call in `queue` waits for somebody, in milliseconds; `None`: for ever.
    pub fn unacknowledged_ms(&self, queue: Option<&str>) -> Option<u64> {
        let own = queue.and_then(|queue| self.unacknowledged_queues.get(queue));
        let seconds = *own.unwrap_or(&self.unacknowledged_s);
        (seconds > 0).then(|| seconds.saturating_mul(1_000))
    }
}

/// How the customer sounds against the customer's own first half minute: louder, faster. An observation of sound, never an
/// emotion, and never of an agent (docs/privacy.md). Words alone are scored unless `level_points` says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Acoustic {
    /// Show supervisors that the customer speaks louder or faster than at the beginning. Default `false`: whoever turns it on
    /// has to tell the callers.
    pub observe: bool,
    /// Points, 0 to 5, that this adds to the level at most, together with words of friction, never as far as the next band;
    /// each time named in the assessment. Default 0: the words alone count.
    pub level_points: u8,
    /// Another `observe` for some queues, by name of the queue.
    pub queues: BTreeMap<String, bool>,
}

impl Acoustic {
    /// How calls in `queue` are observed, if they are.
    pub fn settings(&self, queue: Option<&str>) -> Option<AcousticSettings> {
        let observe = *queue.and_then(|queue| self.queues.get(queue)).unwrap_or(&self.observe);
        observe.then_some(AcousticSettings { level_points: self.level_points })
    }

    /// Whether any call is observed.
    pub fn anywhere(&self) -> bool {
        self.observe || self.queues.values().any(|observe| *observe)
    }
}

/// What is kept of calls, and for how long. Audio and the agents' logs never are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalFile {
    /// Keep a journal (`journal.db` in the data directory). Default `true`. Without, a restart forgets every call, and
    /// every event says `"durable":false`.
    pub enabled: bool,
    /// `full` (default): a commit waits for the disk, so that a told event survives a power cut. `normal`: it survives
    /// the end of the program, however sudden, but a power cut may cost the last seconds.
    pub sync: journal::Sync,
    /// Milliseconds an event waits for the disk before readers get it marked `"durable":false`. Default 500: many
    /// times a usual commit, and an alert must not wait longer.
    pub wait_ms: u64,
    /// Events kept in memory while the disk cannot be written, to be written later. Default 50000: an hour of a busy
    /// floor in about 50 MB. Beyond it the oldest are given up and counted.
    pub backlog_events: usize,
    /// Hours until the words of a call are forgotten: what was said, quotes, reasons, suggestions, notes. Default 24.
    pub text_hours: u64,
    /// Days until the rest of a call is forgotten: times, levels, kinds of cues and alerts. Default 30.
    pub figures_days: u64,
}

/// Figures and traces for an OpenTelemetry collector, by OTLP over HTTP. They hold no words, agents or customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Base address, such as `http://127.0.0.1:4318`; `/v1/metrics` and `/v1/traces` are added. `https`, except on this
    /// machine. Default none: nothing is sent.
    pub endpoint: Option<String>,
    /// File (mode 600) with headers for the collector, a line `Name: value` each. Default none.
    pub headers_file: Option<PathBuf>,
    /// Seconds between two messages. Default 15.
    pub interval_s: u64,
    /// Send what `/metrics` shows. Default `true`.
    pub metrics: bool,
    /// Send a trace per call. Default `true`.
    pub traces: bool,
}

/// What the command line says over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    pub listen: Option<SocketAddr>,
    pub data_dir: Option<PathBuf>,
    pub consent_elsewhere: bool,
}

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
        let wrong = |setting, problem: String, remedy| Err(ConfigError::Value { setting, problem, remedy });
        if !self.server.listen.ip().is_loopback() && !self.speaks_tls() {
            return wrong(
                "server.listen",
                format!("{} can be reached from other machines, without TLS", self.server.listen),
                "set `[tls]`, name the proxy that speaks it in `server.proxies`, or listen on 127.0.0.1",
            );
        }
        if let Some(oidc) = &self.auth.oidc {
            let url = &oidc.jwks_url;
            if !is_safe_on_the_way(url) {
                return wrong(
                    "auth.oidc.jwks_url",
                    format!("{url}: keys that anybody on the way can change prove nothing"),
                    "use the https address from the provider's discovery document",
                );
            }
            let issuer = &oidc.issuer;
            if oidc.client_id.is_some() && (!is_safe_on_the_way(issuer) || oidc.sign_in_origin().is_none()) {
                return wrong(
                    "auth.oidc.issuer",
                    format!("{issuer}: no address at which people could sign in safely"),
                    "use the provider's https address, as its discovery document names it",
                );
            }
            if oidc.client_id.is_some() && !oidc.scope.split(' ').any(|scope| scope == "openid") {
                return wrong(
                    "auth.oidc.scope",
                    format!("{:?} does not ask who it is", oidc.scope),
                    "name `openid` among the scopes",
                );
            }
        }
        let positive = [
            ("limits.connections", self.limits.connections as u64),
            ("limits.connections_per_address", self.limits.connections_per_address as u64),
            ("limits.requests_per_s", u64::from(self.limits.requests_per_s)),
            ("limits.calls", self.limits.calls as u64),
            ("limits.header_s", self.limits.header_s),
            ("limits.take_s", self.limits.take_s),
            ("limits.start_s", self.limits.start_s),
            ("media.ping_s", self.media.ping_s),
            ("media.idle_s", self.media.idle_s),
            ("media.write_s", self.media.write_s),
            ("feeds.behind_events", self.feeds.behind_events as u64),
            ("feeds.history_events", self.feeds.history_events as u64),
            ("feeds.call_events", self.feeds.call_events as u64),
            ("feeds.write_s", self.feeds.write_s),
            ("journal.wait_ms", self.journal.wait_ms),
            ("journal.backlog_events", self.journal.backlog_events as u64),
            ("journal.figures_days", self.journal.figures_days),
            ("telemetry.interval_s", self.telemetry.interval_s),
            ("speech.queue", self.speech.queue as u64),
            ("speech.decode_s", self.speech.decode_s),
            ("speech.deadline_s", self.speech.deadline_s),
        ];
        for (setting, value) in positive {
            if value == 0 {
                return wrong(setting, "0 would stop everything".to_owned(), "use 1 or more, or leave it out");
            }
            if value > 1_000_000 {
                return wrong(setting, format!("{value} is beyond all use"), "use at most 1000000");
            }
        }
        if self.media.silent_s <= self.media.ping_s {
            return wrong(
                "media.silent_s",
                format!("{} s is not longer than `media.ping_s` ({} s)", self.media.silent_s, self.media.ping_s),
                "leave time for an answer to the ping",
            );
        }
        if self.journal.text_hours > self.journal.figures_days.saturating_mul(24) {
            return wrong(
                "journal.text_hours",
                format!("words would outlive the figures ({} days)", self.journal.figures_days),
                "keep words no longer than `journal.figures_days`",
            );
        }
        if !(100..=5_000).contains(&self.speech.hangover_ms) {
            let problem = format!("{} ms", self.speech.hangover_ms);
            return wrong("speech.hangover_ms", problem, "use 100 to 5000; 500 suits telephone talk");
        }
        if !(2_000..=28_000).contains(&self.speech.max_segment_ms) {
            let problem = format!("{} ms", self.speech.max_segment_ms);
            return wrong("speech.max_segment_ms", problem, "use 2000 to 28000; Whisper hears 30 s at most");
        }
        if let Some(listen) = self.phones.audiosocket.listen
            && !listen.ip().is_loopback()
            && self.phones.audiosocket.allow.is_empty()
        {
            return wrong(
                "phones.audiosocket.listen",
                format!("{listen} can be reached from other machines, and AudioSocket knows no proof"),
                "listen on 127.0.0.1, or list who may connect in `phones.audiosocket.allow`",
            );
        }
        if self.acoustic.level_points > 5 {
            let problem = format!("{} points", self.acoustic.level_points);
            return wrong("acoustic.level_points", problem, "use 0 to 5: the words decide, not the voice");
        }
        webhooks::validate(&self.webhooks)?;
        if self.server.node.is_empty() {
            return wrong("server.node", "the name is empty".to_owned(), "give a name or leave it out");
        }
        Ok(())
    }

    /// Whether what leaves this machine is encrypted, by us or by a declared proxy.
    pub fn speaks_tls(&self) -> bool {
        self.tls.is_some() || !self.server.proxies.is_empty()
    }

    /// Where the journal is kept, and how; `None` if there is to be none.
    pub fn journal_settings(&self) -> Option<(&Path, journal::Settings)> {
        let dir = self.server.data_dir.as_deref().filter(|_| self.journal.enabled)?;
        let settings = journal::Settings {
            sync: self.journal.sync,
            wait: Duration::from_millis(self.journal.wait_ms),
            backlog_events: self.journal.backlog_events,
            words_ms: self.journal.text_hours.saturating_mul(3_600_000),
            calls_ms: self.journal.figures_days.saturating_mul(86_400_000),
            recover_ms: self.feeds.ended_minutes.saturating_mul(60_000),
            recover_events: self.feeds.history_events,
        };
        Some((dir, settings))
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

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            proxies: Vec::new(),
            origins: Vec::new(),
            node: "ruhepol".to_owned(),
            metrics: MetricsAccess::Local,
            data_dir: None,
            drain_s: 10,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2_000,
            connections_per_address: 1_500,
            requests_per_s: 200,
            calls: 200,
            retry_after_s: 5,
            header_s: 5,
            take_s: 30,
            start_s: 10,
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self { grace_s: 30, ping_s: 20, silent_s: 60, idle_s: 7_200, write_s: 10, allow_mixed: false }
    }
}

impl Default for Feeds {
    fn default() -> Self {
        Self {
            behind_events: 1_024,
            history_events: 10_000,
            call_events: 5_000,
            ended_calls: 200,
            ended_minutes: 60,
            write_s: 10,
            break_calls: 3,
            break_minutes: 15,
        }
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            queues: BTreeMap::new(),
            unacknowledged_s: 30,
            unacknowledged_queues: BTreeMap::new(),
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { endpoint: None, headers_file: None, interval_s: 15, metrics: true, traces: true }
    }
}

impl Default for JournalFile {
    fn default() -> Self {
        Self {
            enabled: true,
            sync: journal::Sync::Full,
            wait_ms: 500,
            backlog_events: 50_000,
            text_hours: 24,
            figures_days: 30,
        }
    }
}

impl Default for Speech {
    fn default() -> Self {
        Self {
            engine: Engine::Whisper,
            model: None,
            workers: 0,
            isolation: Isolation::Process,
            decode_s: 20,
            queue: 64,
            deadline_s: 15,
            language: Lang::De,
            hangover_ms: 500,
            max_segment_ms: 11_000,
            silero: None,
        }
    }
}

/// Whether what comes from this address is what its owner sent.
fn is_safe_on_the_way(url: &str) -> bool {
    let local = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
    url.starts_with("https://") || local.iter().any(|start| url.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

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
