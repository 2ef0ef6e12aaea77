//! `ruhepol demo`: a server, the shipped calls played into it, and what it notices as it notices it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::house::House;
use super::show::{Ink, Style, clock};
use super::{Failure, Outcome, runtime};
use crate::call::event::{CallSummary, Event, EventKind};
use crate::client::{self, Playing, play};
use crate::coach::PromptState;
use crate::config::Config;
use crate::fixture::Fixture;
use crate::terms::{AlertState, Channel, Lang};

/// Events of all feeds that may wait to be printed.
const EVENTS_WAITING: usize = 1_024;

/// After the last recording, how long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// Calls start this far apart, so that the screen stays readable.
const STAGGER: Duration = Duration::from_millis(700);

/// Start a server, play the shipped calls into it in real time, and show what it notices
///
/// Example: ruhepol demo --once
#[derive(clap::Args)]
pub struct Args {
    /// Play the calls once and end; without, they are played again and again until Ctrl-C
    #[arg(long)]
    once: bool,
    /// Only calls in this language
    #[arg(long, value_parser = ["de", "en"])]
    lang: Option<String>,
    /// Folder with recorded calls
    #[arg(long, default_value = "fixtures", value_name = "DIR")]
    fixtures: PathBuf,
}

pub fn run(args: Args) -> Outcome {
    let mut fixtures = Fixture::load_all(&args.fixtures)
        .map_err(|error| Failure::usage(format!("{error}; run this in the project's folder or pass --fixtures DIR")))?;
    if let Some(lang) = args.lang.as_deref().and_then(Lang::from_tag) {
        fixtures.retain(|fixture| fixture.info.lang == lang);
    }
    runtime()?.block_on(async {
        let house = House::open(Config::default()).await?;
        let style = Style::of_stdout();
        println!(
            "ruhepol listens on {}. {} recorded calls are played into it at once, in real time.",
            house.address(),
            fixtures.len()
        );
        println!(
            "{}\n",
            style.paint(Ink::Dim, "(+0.9 s) is the delay from the end of the words to the line you read.")
        );
        let mut round = 0;
        loop {
            round += 1;
            play_all(&house, &fixtures, round, style).await?;
            if args.once {
                break;
            }
        }
        house.close().await;
        Ok(())
    })
}

/// What the summary table says of one call.
#[derive(Default)]
struct Row {
    alerts: Vec<String>,
    prompts: usize,
    delays_ms: Vec<u64>,
    summary: Option<CallSummary>,
}

/// When each call's first sample was sent.
type Starts = Arc<Mutex<BTreeMap<String, Instant>>>;

async fn play_all(house: &House, fixtures: &[Fixture], round: u32, style: Style) -> Outcome {
    let starts = Starts::default();
    let (events, mut printed) = mpsc::channel(EVENTS_WAITING);
    let mut readers = JoinSet::new();
    readers.spawn(read_feed(house.supervisor_feed().await?, events.clone()));
    let mut agents: Vec<&String> = fixtures.iter().filter_map(|fixture| fixture.info.agent.as_ref()).collect();
    agents.sort();
    agents.dedup();
    for agent in agents {
        readers.spawn(read_feed(house.agent_feed(agent).await?, events.clone()));
    }
    drop(events);

    let mut players = JoinSet::new();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for (index, fixture) in fixtures.iter().enumerate() {
        let call = if round == 1 { fixture.info.call.clone() } else { format!("{}-{round}", fixture.info.call) };
        rows.insert(call.clone(), Row::default());
        let playing = Playing {
            url: house.media_url(),
            token: Some(house.ingest_token()),
            speed: 1.0,
            call: call.clone(),
            ..Playing::default()
        };
        let (fixture, starts) = (fixture.clone(), starts.clone());
        players.spawn(async move {
            tokio::time::sleep(STAGGER * u32::try_from(index).unwrap_or(0)).await;
            let begin = |ms: u64| {
                if ms == 0 {
                    starts.lock().unwrap_or_else(PoisonError::into_inner).insert(call.clone(), Instant::now());
                }
            };
            play(&fixture, &playing, begin).await
        });
    }

    let mut failed = Vec::new();
    while rows.values().any(|row| row.summary.is_none()) {
        let wait = if players.is_empty() { LAST_WORDS } else { Duration::MAX };
        tokio::select! {
            event = timeout(wait, printed.recv()) => match event {
                Ok(Some(event)) => show(&event, &starts, &mut rows, style),
                Ok(None) => break,
                Err(_) => {
                    failed.push("the server did not end every call".to_owned());
                    break;
                }
            },
            Some(played) = players.join_next() => match played? {
                Ok(_) => {}
                Err(error) => failed.push(error.to_string()),
            },
        }
    }
    table(&rows, style);
    if failed.is_empty() { Ok(()) } else { Err(anyhow::anyhow!("{}", failed.join("; ")).into()) }
}

async fn read_feed(mut feed: client::Socket, events: mpsc::Sender<Event>) {
    while let Ok(Some(message)) = client::next_json(&mut feed).await {
        if let Ok(event) = serde_json::from_value::<Event>(message)
            && events.send(event).await.is_err()
        {
            return;
        }
    }
}

fn show(event: &Event, starts: &Starts, rows: &mut BTreeMap<String, Row>, style: Style) {
    let Some(row) = rows.get_mut(&event.call) else { return };
    let spoken_ms = match &event.kind {
        EventKind::Utterance { end_ms, channel: Channel::Customer, .. } => Some(*end_ms),
        _ => None,
    };
    let started = starts.lock().unwrap_or_else(PoisonError::into_inner).get(&event.call).copied();
    let delay_ms = spoken_ms.zip(started).map(|(end_ms, started)| {
        let heard = started + Duration::from_millis(end_ms);
        u64::try_from(Instant::now().saturating_duration_since(heard).as_millis()).unwrap_or(u64::MAX)
    });
    row.delays_ms.extend(delay_ms);
    match &event.kind {
        EventKind::Alert { state: AlertState::Raised | AlertState::RaisedHigher, kind, .. } => {
            row.alerts.push(kind.as_str().to_owned());
        }
        EventKind::Prompt { state: PromptState::Shown, .. } => row.prompts += 1,
        EventKind::CallEnded { summary, .. } => row.summary = Some(summary.clone()),
        _ => {}
    }
    if let Some(line) = style.event(event) {
        let delay = delay_ms.map(|ms| format!("  (+{:.1} s)", ms as f64 / 1000.0)).unwrap_or_default();
        println!(
            "{} {:>6}  {line}{}",
            style.paint(Ink::Blue, &format!("{:<18.18}", event.call)),
            clock(event.t_ms),
            style.paint(Ink::Dim, &delay)
        );
    }
}

fn table(rows: &BTreeMap<String, Row>, style: Style) {
    println!();
    let head = format!(
        "{:<20} {:>7} {:>10} {:>9} {:>8} {:>13}  {}",
        "call", "length", "utterances", "whispers", "peak", "delay (worst)", "alerts"
    );
    println!("{}", style.paint(Ink::Bold, &head));
    let mut all_ms = Vec::new();
    for (call, row) in rows {
        let Some(summary) = &row.summary else {
            println!("{call:<20} did not end");
            continue;
        };
        let mut delays_ms = row.delays_ms.clone();
        delays_ms.sort_unstable();
        let delay = match (delays_ms.get(delays_ms.len() / 2), delays_ms.last()) {
            (Some(median), Some(worst)) => {
                format!("{:.1} ({:.1}) s", *median as f64 / 1000.0, *worst as f64 / 1000.0)
            }
            _ => "-".to_owned(),
        };
        let peak = format!("{:>8}", summary.peak_band.as_str());
        let peak = peak.replace(summary.peak_band.as_str(), &style.band(summary.peak_band));
        println!(
            "{call:<20} {:>7} {:>10} {:>9} {peak} {delay:>13}  {}",
            clock(summary.duration_ms),
            summary.customer_utterances + summary.agent_utterances,
            row.prompts,
            row.alerts.join(", ")
        );
        all_ms.extend(delays_ms);
    }
    all_ms.sort_unstable();
    if let Some(median) = all_ms.get(all_ms.len() / 2) {
        println!("\nmedian delay from the end of a customer's words to the line: {:.2} s", *median as f64 / 1000.0);
    }
}
