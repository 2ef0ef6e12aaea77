//! `ruhepol wer`: word error rate of recordings through the whole path.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::house::House;
use super::place::configured;
use super::{Outcome, runtime};
use crate::call::AgentChannel;
use crate::client::{self, Playing, play};
use crate::config::Config;
use crate::fixture::Fixture;
use crate::language::redact::Redactor;
use crate::terms::Channel;
use crate::wer::WordErrors;

/// Measure the word error rate of recordings with a script, through socket, voice activity and whisper-rs
///
/// Example: ruhepol wer fixtures
#[derive(clap::Args)]
pub struct Args {
    /// Fixture folders, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// 1 is real time
    #[arg(long, default_value_t = 4.0, value_name = "X")]
    speed: f64,
    /// Show every script line beside what was heard
    #[arg(long)]
    lines: bool,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(args: Args) -> Outcome {
    let mut config = configured(args.config.as_deref())?;
    config.agent.channel = AgentChannel::Full;
    let mut fixtures = Vec::new();
    for path in &args.paths {
        fixtures.extend(Fixture::load_all(path)?);
    }
    runtime()?.block_on(measure(config, fixtures, &args))
}

async fn measure(config: Config, fixtures: Vec<Fixture>, args: &Args) -> Outcome {
    let house = House::open(config).await?;
    println!(
        "{:<24} {:>8} {:>7} {:>7}   one call after the other at {}x",
        "call", "words", "errors", "WER", args.speed
    );
    let mut total = WordErrors::default();
    for fixture in &fixtures {
        if fixture.script.is_empty() {
            println!("{:<24} has no script", fixture.info.call);
            continue;
        }
        let mut feed = house.supervisor_feed().await?;
        let call = fixture.info.call.clone();
        let playing = Playing {
            url: house.media_url(),
            token: Some(house.ingest_token()),
            speed: args.speed,
            call: call.clone(),
            ..Playing::default()
        };
        let collect = async {
            let mut heard = BTreeMap::new();
            while let Some(message) = client::next_json(&mut feed).await? {
                if message["call"] != call.as_str() {
                    continue;
                }
                if message["type"] == "call_ended" {
                    break;
                }
                note(&message, &mut heard);
            }
            Ok(heard)
        };
        let (heard, _) = tokio::try_join!(collect, play(fixture, &playing, |_| {}))?;
        let mut errors = WordErrors::default();
        // Events are redacted, so the script is, too: a number that was read right is then the same marker.
        let mut redactor = Redactor::new(fixture.info.lang, false);
        let script: Vec<(Channel, String)> = fixture
            .script
            .iter()
            .map(|line| (line.channel, redactor.utterance(line.channel, &line.text).text))
            .collect();
        for channel in &fixture.channels {
            let said: Vec<&str> =
                script.iter().filter(|(of, _)| of == channel).map(|(_, text)| text.as_str()).collect();
            let heard: Vec<&str> = heard
                .iter()
                .filter(|((_, of), _)| of == channel)
                .map(|(_, text): (_, &String)| text.as_str())
                .collect();
            errors += WordErrors::between(&said.join(" "), &heard.join(" "));
        }
        println!("{call:<24} {:>8} {:>7} {:>6.1}%", errors.words, errors.errors, errors.percent());
        if args.lines {
            show_lines(fixture, &heard);
        }
        total += errors;
    }
    println!("{:<24} {:>8} {:>7} {:>6.1}%", "all", total.words, total.errors, total.percent());
    house.close().await;
    Ok(())
}

type Heard = BTreeMap<(u64, Channel), String>;

fn note(message: &Value, heard: &mut Heard) {
    if message["type"] != "utterance" {
        return;
    }
    let channel = serde_json::from_value::<Channel>(message["channel"].clone());
    if let (Ok(channel), Some(start_ms), Some(text)) = (channel, message["start_ms"].as_u64(), message["text"].as_str())
    {
        heard.insert((start_ms, channel), text.to_owned());
    }
}

fn show_lines(fixture: &Fixture, heard: &Heard) {
    for line in &fixture.script {
        println!("   {:>6} {:<8} {}", line.span.start_ms, line.channel.as_str(), line.text);
        let within = |start_ms: u64| start_ms + 300 >= line.span.start_ms && start_ms < line.span.end_ms;
        for ((start_ms, _), text) in heard.iter().filter(|((at, of), _)| *of == line.channel && within(*at)) {
            println!("   {start_ms:>6} {:<8} {text}", "heard");
        }
    }
}
