//! `ruhepol eval`: how good the scoring is on labelled text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::place::configured;
use super::{Failure, Outcome};
use crate::eval::{Sources, Split, evaluate, load, practices, redaction, table};
use crate::setup;

/// Evaluate the scoring on labelled utterances and dialogues
///
/// Example: ruhepol eval models/lines models/dialogues --split held
#[derive(clap::Args)]
pub struct Args {
    /// JSON-lines files of labelled utterances and dialogues, or folders of them (docs/evaluation.md)
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only this part of the data
    #[arg(long, value_parser = ["train", "dev", "held"])]
    split: Option<String>,
    /// JSON-lines files of calm requests: every one that is flagged is a false alarm
    #[arg(long, value_name = "FILE")]
    calm: Vec<PathBuf>,
    /// Files in the format of GermEval 2018
    #[arg(long, value_name = "FILE")]
    germeval: Vec<PathBuf>,
    /// Conversations in which personal data is marked: how much of it is replaced, and how much else (docs/privacy.md)
    #[arg(long, value_name = "FILE")]
    redaction: Option<PathBuf>,
    /// The whole report as JSON
    #[arg(long)]
    json: bool,
    /// List what was judged wrongly
    #[arg(long)]
    details: bool,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(args: Args) -> Outcome {
    if let Some(file) = &args.redaction {
        return measure_redaction(file, &args);
    }
    if args.paths.is_empty() && args.calm.is_empty() && args.germeval.is_empty() {
        return Err(Failure::usage("nothing to evaluate: give a folder of labelled lines, --calm or --germeval"));
    }
    let config = configured(args.config.as_deref())?;
    let rules = setup::rules(&config).map_err(Failure::usage)?;
    let settings = setup::call_settings(&config).map_err(Failure::usage)?;
    let sources = Sources { labelled: args.paths, calm: args.calm, offence: args.germeval };
    let loaded = load(&sources).map_err(Failure::usage)?;
    let split = args.split.as_deref().map(|name| match name {
        "train" => Split::Train,
        "dev" => Split::Dev,
        _ => Split::Held,
    });
    let mut report = evaluate(&rules.language, &settings.escalation, &loaded, split);
    report.practices = practices(&rules, &settings.escalation, &loaded, split);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table(&report, args.details));
    }
    for bad in &report.bad_lines {
        eprintln!("ruhepol eval: {}, line {}: {}; left out", bad.file, bad.line, bad.message);
    }
    Ok(())
}

/// The part the rules were written by, the part they were not, and both.
fn measure_redaction(file: &Path, args: &Args) -> Outcome {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    let talks = redaction::parse(&text).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let splits: Vec<Option<&str>> = match args.split.as_deref() {
        Some(split) => vec![Some(split)],
        None => vec![Some("dev"), Some("held"), None],
    };
    let reports: BTreeMap<&str, redaction::Report> =
        splits.into_iter().map(|split| (split.unwrap_or("all"), redaction::measure(&talks, split))).collect();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&reports)?);
        return Ok(());
    }
    for (name, report) in &reports {
        println!("{}", redaction::table(name, report, args.details));
    }
    Ok(())
}
