//! `ruhepol send`: plays recordings at a running server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use super::{Failure, Outcome, runtime};
use crate::client::{Answers, Playing, Proof, Protocol, Trust, address_of, play_as};
use crate::fixture::Fixture;

/// Play recordings at a running server: example client and load generator
///
/// Example: ruhepol send call.wav --url ws://127.0.0.1:8080 --token "$(ruhepol token issue --role ingest --sub test)"
/// Another: ruhepol send fixtures/insults --url ws://127.0.0.1:8080 --protocol audiohook --api-key KEY --secret-file FILE
#[derive(clap::Args)]
pub struct Args {
    /// Fixture folders (or folders of them), or WAV files; all are played at the same time
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The server, for example ws://127.0.0.1:8080 or wss://calls.example.com
    #[arg(long, value_name = "WS_URL")]
    url: String,
    /// Protocol to speak: our own, or that of a phone system as its client speaks it
    #[arg(long, default_value = "native", value_parser = Protocol::NAMES)]
    protocol: String,
    /// API key of AudioHook
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// File with what requests are signed with: Twilio's auth token, or AudioHook's client secret in base64
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// PEM file with the authority of the server's certificate, for wss:// addresses of your own
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,
    /// Take any certificate on wss:// addresses: only to try a server of your own
    #[arg(long)]
    insecure: bool,
    /// Where the server's AudioSocket listens, with --protocol audiosocket; default: port 9092 of the same host
    #[arg(long, value_name = "HOST:PORT")]
    audiosocket: Option<String>,
    /// 1 is real time, 4 four times as fast; 0 as fast as the server reads
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    speed: f64,
    /// How many calls to make of each recording
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    calls: u32,
    /// Access token of role ingest; RUHEPOL_TOKEN works too and does not show in the list of processes
    #[arg(long, value_name = "T")]
    token: Option<String>,
    /// Play recordings as if the customer had agreed to be transcribed (a bare WAV does by default)
    #[arg(long)]
    consent: bool,
}

pub fn run(args: Args) -> Outcome {
    if !args.speed.is_finite() || args.speed < 0.0 {
        return Err(Failure::usage("--speed is 0 or more"));
    }
    let mut fixtures = Vec::new();
    for path in &args.paths {
        fixtures.extend(Fixture::load_all(path)?);
    }
    for fixture in &mut fixtures {
        fixture.consent |= args.consent;
    }
    let Some(protocol) = Protocol::from_name(&args.protocol) else {
        return Err(Failure::usage(format!("--protocol {} is not known", args.protocol)));
    };
    let secret = args.secret_file.as_ref().map(|path| {
        let text = std::fs::read_to_string(path);
        text.map(|text| text.trim().to_owned())
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
    });
    let proof = Arc::new(Proof { api_key: args.api_key, secret: secret.transpose()? });
    let trust = match (args.ca, args.insecure) {
        (Some(path), _) => Trust::Authority(path),
        (None, true) => Trust::Anyone,
        (None, false) => Trust::System,
    };
    let url = address_of(&args.url, protocol.path());
    let token = args.token.or_else(|| std::env::var("RUHEPOL_TOKEN").ok());
    let bars = MultiProgress::new();
    let style = ProgressStyle::with_template("{prefix:24} {bar:40} {msg}").map_err(anyhow::Error::from)?;
    runtime()?.block_on(async {
        let mut playing = JoinSet::new();
        for fixture in fixtures.into_iter().map(Arc::new) {
            for number in 1..=args.calls {
                let call = match args.calls {
                    1 => fixture.info.call.clone(),
                    _ => format!("{}-{number}", fixture.info.call),
                };
                let playing_as = Playing {
                    url: url.clone(),
                    token: token.clone(),
                    speed: args.speed,
                    call,
                    trust: trust.clone(),
                    audiosocket: args.audiosocket.clone(),
                };
                let bar = bars.add(ProgressBar::new(fixture.recording.duration_ms()).with_style(style.clone()));
                bar.set_prefix(playing_as.call.clone());
                let (fixture, proof) = (fixture.clone(), Arc::clone(&proof));
                playing.spawn(async move {
                    let played = play_as(protocol, &fixture, &playing_as, &proof, |ms| bar.set_position(ms)).await;
                    match &played {
                        Ok(played) => bar.finish_with_message(format!("{} utterances", played.utterances)),
                        Err(error) => bar.abandon_with_message(error.to_string()),
                    }
                    played.map(|played| (playing_as.call, played))
                });
            }
        }
        let (mut sent, mut failed, mut answers) = (0, Vec::new(), Answers::default());
        while let Some(played) = playing.join_next().await {
            match played? {
                Ok((asked, played)) => {
                    sent += 1;
                    let renamed = if asked == played.call {
                        String::new()
                    } else {
                        format!(" (the server calls it {})", played.call)
                    };
                    println!("{asked}{renamed}: {} utterances", played.utterances);
                    answers.add(played.answers);
                }
                Err(error) => failed.push(error.to_string()),
            }
        }
        for (name, times) in [("opened", answers.opened), ("pong", answers.pongs)] {
            if let Some(line) = spread(name, times) {
                println!("{line}");
            }
        }
        failed.sort();
        failed.dedup();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(anyhow::anyhow!("{sent} calls played to the end; {}", failed.join("; ")).into())
        }
    })
}

/// How answers are spread, for whoever tries what a platform would bear: AudioHook's client gives up after 5 s.
fn spread(name: &str, mut times: Vec<Duration>) -> Option<String> {
    times.sort_unstable();
    let slowest = times.last()?;
    let within = |percent: usize| times[(times.len() * percent).div_ceil(100).max(1) - 1].as_secs_f64() * 1e3;
    let (count, half, most, all) = (times.len(), within(50), within(99), slowest.as_secs_f64() * 1e3);
    Some(format!("{count} x {name}: half within {half:.1} ms, 99 % within {most:.1} ms, slowest {all:.1} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_by_their_share() {
        assert_eq!(spread("pong", Vec::new()), None);
        let one = spread("pong", vec![Duration::from_millis(7)]).unwrap();
        assert_eq!(one, "1 x pong: half within 7.0 ms, 99 % within 7.0 ms, slowest 7.0 ms");
        let many = spread("opened", (1..=200).rev().map(Duration::from_millis).collect()).unwrap();
        assert_eq!(many, "200 x opened: half within 100.0 ms, 99 % within 198.0 ms, slowest 200.0 ms");
    }
}
