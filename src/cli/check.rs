//! `ruhepol check`: what stands in the way of a good start, and what to do about it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::Outcome;
use super::place::configured;
use super::show::{Ink, Style};
use crate::config::{Config, Engine};
use crate::setup;
use crate::stt::Transcriber;
use crate::terms::SAMPLE_RATE;
use crate::wall_clock::unix_ms;

/// Free space (bytes) below which the data directory is called full.
const DISK_MIN_BYTES: u64 = 256 << 20;

/// 2026-01-01T00:00:00Z: a clock before it is wrong, and tokens would be refused.
const CLOCK_MIN_UNIX_S: u64 = 1_767_225_600;

/// Check configuration and environment, and say what to do about each problem
///
/// Example: ruhepol check --config ruhepol.toml
/// Another: ruhepol check --config ruhepol.toml --platform audiohook
#[derive(clap::Args)]
pub struct Args {
    /// Configuration file; without, the defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Look at what a platform needs, too
    #[arg(long, value_parser = ["audiohook"])]
    platform: Option<String>,
    /// With --platform: where the platform reaches the running server; without, https:// and the public authority
    #[arg(long, value_name = "URL", requires = "platform")]
    url: Option<String>,
}

pub fn run(args: Args) -> Outcome {
    let style = Style::of_stdout();
    let mut problems = 0;
    let mut tell = |what: &str, found: Result<String, String>| match found {
        Ok(good) => println!("{} {what}: {good}", style.paint(Ink::Green, "good   ")),
        Err(problem) => {
            problems += 1;
            println!("{} {what}: {problem}", style.paint(Ink::Red, "problem"));
        }
    };
    let config = configured(args.config.as_deref())?;
    tell(
        "configuration",
        Ok(args.config.as_ref().map_or("the defaults".to_owned(), |path| path.display().to_string())),
    );
    tell("cues and playbook", rules(&config));
    tell("voice activity", setup::call_settings(&config).map(|_| "ready".to_owned()).map_err(|e| e.to_string()));
    tell("speech model", model(&config));
    tell("address", address(&config));
    tell("data directory", config.data_dir().map_err(|e| e.to_string()).and_then(|dir| disk(&dir)));
    tell("clock", clock());
    if args.platform.is_some() {
        for (what, found) in super::audiohook::look(&config, args.url.as_deref()) {
            tell(what, found);
        }
    }
    if problems > 0 {
        return Err(anyhow::anyhow!("{problems} problems; see above").into());
    }
    Ok(())
}

fn rules(config: &Config) -> Result<String, String> {
    let own: Vec<&str> = config.language.onnx.keys().map(|lang| lang.as_str()).collect();
    let beside = match own.is_empty() {
        true => String::new(),
        false => format!(", with an ONNX classifier of your own for {}", own.join(" and ")),
    };
    setup::rules(config).map(|rules| format!("in force as {}{beside}", rules.hash)).map_err(|error| error.to_string())
}

fn model(config: &Config) -> Result<String, String> {
    if config.speech.engine == Engine::None {
        return Ok("none wanted: words come on /v1/transcripts".to_owned());
    }
    let model = setup::model(config).map_err(|error| error.to_string())?;
    let mut transcriber = Transcriber::new(&model).map_err(|error| error.to_string())?;
    transcriber.transcribe(&vec![0.0; SAMPLE_RATE as usize], config.speech.language, 1.0);
    let language = config.speech.language;
    if !model.knows(language) {
        return Err(format!(
            "{} does not know \"{}\"; use a multilingual model (its name does not end in .en)",
            model.name(),
            language.as_str()
        ));
    }
    Ok(format!("{} loads and runs", model.name()))
}

fn address(config: &Config) -> Result<String, String> {
    let address = config.server.listen;
    TcpListener::bind(address).map(|_| format!("{address} is free")).map_err(|error| {
        format!("cannot listen on {address}: {error}; stop what listens there, or change server.listen")
    })
}

fn disk(dir: &Path) -> Result<String, String> {
    std::fs::create_dir_all(dir)
        .map_err(|error| format!("cannot make {}: {error}; create it, or set server.data_dir", dir.display()))?;
    tempfile_in(dir)
        .map_err(|error| format!("cannot write to {}: {error}; change its owner or mode", dir.display()))?;
    let stat =
        rustix::fs::statvfs(dir).map_err(|error| format!("cannot ask the disk of {}: {error}", dir.display()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < DISK_MIN_BYTES {
        return Err(format!("{} has {} MB left; make room", dir.display(), free >> 20));
    }
    Ok(format!("{} can be written, {} GB free", dir.display(), free >> 30))
}

fn tempfile_in(dir: &Path) -> std::io::Result<()> {
    let path = dir.join(format!(".check-{}", std::process::id()));
    std::fs::write(&path, b"ruhepol")?;
    std::fs::remove_file(&path)
}

fn clock() -> Result<String, String> {
    let now_ms = unix_ms();
    if now_ms / 1_000 < CLOCK_MIN_UNIX_S {
        return Err("this machine's clock is years behind; set it (timedatectl set-ntp true)".to_owned());
    }
    Ok(crate::call::event::rfc3339(now_ms))
}
