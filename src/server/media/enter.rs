//! How a socket comes into a call: what it must bring, and the place it gets.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant, timeout_at};
use tracing::info;

use super::stream::{Stream, send};
use super::{Reason, shutting_down};
use crate::audio::Decoder;
use crate::call::event::parse_rfc3339;
use crate::call::{self, CallInfo};
use crate::config::Consent;
use crate::server::App;
use crate::server::calls::Reserved;
use crate::server::platform::Platform;
use crate::server::session::{self, Attach, MediaInput, ToSocket};
use crate::terms::Channel;
use crate::wire::Refusal;
use crate::wire::native::{Facts, Opening};
use crate::wire::phone::{Start, Started, Wants};

/// How long a newcomer waits for a place that is taken: the socket that held it may just be going, and its end not be
/// seen yet. Shorter than any platform waits.
const PLACE_PATIENCE: Duration = Duration::from_millis(500);

/// Finds or makes the call and takes a place in it.
pub(super) async fn enter(
    app: &Arc<App>,
    start: Start,
    platform: Platform,
    outbox: mpsc::Sender<ToSocket>,
    wants: Wants,
) -> Result<(Stream, Started), Reason> {
    let Start { opening, streams, hangover_ms } = start;
    check(app, &opening, platform)?;
    let mut decoders = Vec::new();
    for stream in streams {
        let decoder = Decoder::new(stream.encoding, stream.sample_rate, stream.channels.len());
        decoders.push((decoder.map_err(|error| (Refusal::BadMessage, error.to_string()))?, stream.channels));
    }
    let Opening { call, channels, language, facts, .. } = opening;
    let lang = language.unwrap_or(app.config.speech.language);
    // A call may end between the reservation and the arrival; then the id is free for a new one.
    for _ in 0..3 {
        let reserved = reserve(app, &call, &channels).await.map_err(|refusal| (refusal, refused(refusal, &call)))?;
        let is_new = reserved.new.is_some();
        if let Some(mailboxes) = reserved.new {
            let info = CallInfo {
                call: reserved.entry.call.clone(),
                agent: facts.agent.clone(),
                queue: facts.queue.clone(),
                team: facts.team.clone(),
                lang,
                facts: call_facts(&facts),
                hangover_ms,
                ..CallInfo::default()
            };
            session::spawn(Arc::clone(app), info, mailboxes);
        }
        let (ready, readied) = oneshot::channel();
        let socket = reserved.socket;
        let resumed = reserved.resumed;
        let attach = Attach { socket, channels: channels.clone(), resumed, outbox: outbox.clone(), wants, ready };
        let sent = reserved.entry.media.send(MediaInput::Attach(attach)).await;
        if sent.is_ok()
            && let Ok(t_ms) = readied.await
        {
            let call = reserved.entry.call.clone();
            if !is_new {
                send(&reserved.entry, MediaInput::Facts(late_facts(&facts))).await;
            }
            info!(call = %call, path = platform.name(), resumed, "stream started");
            let stream = Stream::new(reserved.entry, socket, decoders);
            return Ok((stream, Started { call, t_ms, resumed }));
        }
        app.calls.release(&reserved.entry.call, socket, false);
    }
    Err((Refusal::Busy, "the call is just ending; try again".to_owned()))
}

async fn reserve(app: &App, call: &str, channels: &[Channel]) -> Result<Reserved, Refusal> {
    let until = Instant::now() + PLACE_PATIENCE;
    loop {
        let freed = app.calls.freed();
        match app.calls.reserve(call, channels) {
            Err(Refusal::CallExists) if timeout_at(until, freed).await.is_ok() => {}
            reserved => return reserved,
        }
    }
}

fn check(app: &App, opening: &Opening, platform: Platform) -> Result<(), Reason> {
    let required = platform.consent(&app.config.consent);
    if opening.consent == Some(false) || (required == Consent::Required && opening.consent.is_none()) {
        let message = format!(
            "the customer's consent is needed: send {}, or configure this path as \"elsewhere\" if it is obtained before",
            platform.consent_sign()
        );
        return Err((Refusal::ConsentRequired, message));
    }
    if opening.channels.contains(&Channel::Mixed) && !app.config.media.allow_mixed {
        let message = "a channel with both parties on it is not accepted here; \
                       send customer and agent apart, or set `media.allow_mixed`";
        return Err((Refusal::BadMessage, message.to_owned()));
    }
    Ok(())
}

/// Facts that come after the call's start may name its agent, queue and team.
pub(super) fn late_facts(facts: &Facts) -> call::Facts {
    call::Facts {
        agent: facts.agent.clone(),
        queue: facts.queue.clone(),
        team: facts.team.clone(),
        ..call_facts(facts)
    }
}

fn call_facts(facts: &Facts) -> call::Facts {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    call::Facts {
        customer_name: facts.customer_name.clone(),
        wait_s: facts.wait_s,
        shift_started_unix_ms: facts.shift_started.as_deref().and_then(parse_rfc3339),
        metadata: facts.metadata.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        ..call::Facts::default()
    }
}

fn refused(refusal: Refusal, call: &str) -> String {
    match refusal {
        Refusal::CallExists => {
            format!(
                "an open socket already carries this channel of the call \"{call}\"; use another id, or end that one"
            )
        }
        Refusal::Busy => "all call slots are taken; try again later or elsewhere".to_owned(),
        Refusal::ShuttingDown => shutting_down().1,
        other => other.code().to_owned(),
    }
}
