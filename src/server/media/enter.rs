//! How a socket comes into a call: what it must bring, and the place it gets.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant, timeout_at};
use tracing::info;

use super::facts::{call_facts, late_facts};
use super::stream::Stream;
use crate::audio::Decoder;
use crate::call::CallInfo;
use crate::config::Consent;
use crate::server::app::App;
use crate::server::calls::Reserved;
use crate::server::mailbox::{Attach, MediaInput, ToSocket};
use crate::server::platform::Platform;
use crate::server::session;
use crate::terms::Channel;
use crate::wire::Refusal;
use crate::wire::native::Opening;
use crate::wire::phone::{Start, Started, Wants};

/// Why a socket is given up: what to tell it.
pub(super) type Reason = (Refusal, String);

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
                call: reserved.handle.call.clone(),
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
        let sent = reserved.handle.media.send(MediaInput::Attach(attach)).await;
        if sent.is_ok()
            && let Ok(t_ms) = readied.await
        {
            let call = reserved.handle.call.clone();
            if !is_new {
                reserved.handle.bring(MediaInput::Facts(late_facts(&facts))).await;
            }
            info!(call = %call, path = platform.name(), resumed, "stream started");
            let stream = Stream::new(reserved.handle, socket, decoders);
            return Ok((stream, Started { call, t_ms, resumed }));
        }
        app.calls.release(&reserved.handle.call, socket, false);
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

pub(super) fn shutting_down() -> Reason {
    (Refusal::ShuttingDown, "the server is shutting down".to_owned())
}
