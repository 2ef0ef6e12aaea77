//! The supervisor feed as lines, for pipes and files.

use serde_json::Value;

use super::RETRY;
use crate::call::event::Event;
use crate::cli::Outcome;
use crate::cli::show::{Ink, Style, clock};
use crate::client::{ClientError, connect, next_json};
use crate::terms::Band;

/// Until the server refuses us.
pub async fn follow(url: &str, token: Option<&str>, style: Style) -> Outcome {
    let mut connected = false;
    loop {
        match one_connection(url, token, style, &mut connected).await {
            // A server that was there is waited for; one that never was, or refuses us, is an error.
            Ok(()) => {}
            Err(ClientError::Broken(_) | ClientError::Unreachable { .. }) if connected => {}
            Err(error) => return Err(error.into()),
        }
        eprintln!("{}", style.paint(Ink::Magenta, "connection lost; trying again"));
        tokio::time::sleep(RETRY).await;
    }
}

async fn one_connection(url: &str, token: Option<&str>, style: Style, connected: &mut bool) -> Result<(), ClientError> {
    let mut socket = connect(url, "/v1/feed/supervisor", token).await?;
    *connected = true;
    while let Some(message) = next_json(&mut socket).await? {
        for line in lines(style, &message) {
            println!("{line}");
        }
    }
    Ok(())
}

fn lines(style: Style, message: &Value) -> Vec<String> {
    match message["type"].as_str() {
        Some("snapshot") => snapshot(style, message),
        Some("load") => {
            let agent = message["agent"].as_str().unwrap_or("?");
            let suggested = message["break_suggested"].as_bool().unwrap_or(false);
            let hint = if suggested { ": a break would help" } else { "" };
            let calls = &message["heated_calls"];
            let minutes = message["heated_ms"].as_u64().unwrap_or(0) / 60_000;
            vec![style.paint(Ink::Dim, &format!("load of {agent}: {calls} heated calls, {minutes} min{hint}"))]
        }
        _ => match serde_json::from_value::<Event>(message.clone()) {
            Ok(event) => style
                .event(&event)
                .map(|line| format!("{} {:>7}  {line}", style.paint(Ink::Bold, &event.call), clock(event.t_ms)))
                .into_iter()
                .collect(),
            Err(_) => Vec::new(),
        },
    }
}

fn snapshot(style: Style, message: &Value) -> Vec<String> {
    let calls = message["calls"].as_array().map_or(&[][..], Vec::as_slice);
    let mut lines = vec![style.paint(Ink::Dim, &format!("── {} calls ──", calls.len()))];
    for call in calls {
        let name = call["call"].as_str().unwrap_or("?");
        let band: Band = serde_json::from_value(call["band"].clone()).unwrap_or_default();
        let alert = call["alert"]["reason"].as_str().map(|reason| format!("  ▲ {reason}")).unwrap_or_default();
        let t_ms = call["t_ms"].as_u64().unwrap_or(0);
        lines.push(format!(
            "{} {:>7}  level {} {}{}",
            style.paint(Ink::Bold, name),
            clock(t_ms),
            call["level"],
            style.band(band),
            style.paint(Ink::Red, &alert)
        ));
    }
    lines
}
