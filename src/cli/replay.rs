//! `ruhepol replay`: recordings through the whole core in virtual time.

use std::io::Write as _;
use std::path::PathBuf;

use super::place::configured;
use super::script;
use super::show::{Style, clock};
use super::{Failure, Outcome};
use crate::call::CallSettings;
use crate::fixture::Fixture;
use crate::replay::{Listener, replay};
use crate::setup;
use crate::stt::{Recorded, Transcriber};

/// Play recordings through the whole core in virtual time, as fast as it goes
///
/// Example: ruhepol replay fixtures/late-delivery --recorded
#[derive(clap::Args)]
pub struct Args {
    /// Fixture folders (or folders of them), or WAV files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Answer each segment with the words of the fixture's script instead of transcribing it
    #[arg(long)]
    recorded: bool,
    /// Both logs as JSON lines
    #[arg(long, conflicts_with = "coach")]
    json: bool,
    /// As a script for reading: the words, and each whisper at its place, with who sees it. Also takes written
    /// conversations (JSON lines with "id", "lang" and "turns" of "speaker", "t_ms" and "text")
    #[arg(long)]
    coach: bool,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(args: Args) -> Outcome {
    let config = configured(args.config.as_deref())?;
    let rules = setup::rules(&config).map_err(Failure::usage)?;
    let settings = setup::call_settings(&config).map_err(Failure::usage)?;
    let mut model = None;
    let style = Style::of_stdout();
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    for path in &args.paths {
        if args.coach && path.extension().is_some_and(|extension| extension == "jsonl") {
            script::written(path, &rules, &settings, style, &mut stdout)?;
            continue;
        }
        for fixture in Fixture::load_all(path)? {
            let mut listener = if args.recorded {
                Listener::Recorded(Recorded::new(fixture.script.clone()))
            } else {
                let loaded = match &model {
                    Some(loaded) => loaded,
                    None => model.insert(setup::model(&config)?),
                };
                Listener::Whisper(Box::new(Transcriber::new(loaded)?))
            };
            if !args.json {
                writeln!(stdout, "{}  ({})", fixture.title, fixture.path.display())?;
            }
            let mut written = Ok(());
            let queue = fixture.info.queue.as_deref();
            let (escalation, acoustic) = (config.alerts.settings(queue), config.acoustic.settings(queue));
            let settings = CallSettings { escalation, acoustic, ..settings.clone() };
            replay(&fixture, rules.clone(), settings, &mut listener, |event| {
                if written.is_err() {
                    return;
                }
                written = if args.json {
                    serde_json::to_string(&event)
                        .map_err(std::io::Error::from)
                        .and_then(|line| writeln!(stdout, "{line}"))
                } else if args.coach {
                    script::line(style, &event).map_or(Ok(()), |line| writeln!(stdout, "{line}"))
                } else if let Some(line) = style.event(&event) {
                    writeln!(stdout, "{:>7}  {line}", clock(event.t_ms))
                } else {
                    Ok(())
                };
            })?;
            written?;
            if !args.json {
                writeln!(stdout)?;
            }
        }
    }
    stdout.flush()?;
    Ok(())
}
