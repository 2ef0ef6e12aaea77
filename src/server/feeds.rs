//! Sockets that read: supervisors' feeds and agents' feeds. A snapshot, then events; commands back.

mod agent;
mod supervisor;

pub(super) use self::agent::agent;
pub(super) use self::supervisor::supervisor;

use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::call::Input;
use crate::server::app::App;
use crate::server::mailbox::Command;
use crate::server::socket::{Gone, Incoming, Socket};
use crate::wire::feed::Done;
use crate::wire::{BadMessage, ErrorMessage, Refusal, to_json};

/// How long a call may take to carry out a command; it does so between two slices of audio.
const COMMAND: Duration = Duration::from_secs(2);

/// Why a feed ends.
enum End {
    /// Nobody to tell.
    Gone,
    /// The reader does not read.
    Stuck,
    Refused(Refusal, String),
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Stuck
    }
}

/// A command that was not carried out.
struct Failed(&'static str, String);

/// Hands a command to a call and waits until it is carried out.
async fn send(app: &App, call: &str, input: Input) -> Result<(), Failed> {
    let ended = || Failed("call_ended", "the call has just ended".to_owned());
    let busy = || Failed("busy", "the call is busy; try again".to_owned());
    let handle = app.calls.find(call).ok_or_else(ended)?;
    let (done, carried_out) = oneshot::channel();
    handle.commands.try_send(Command { input, done }).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => busy(),
        mpsc::error::TrySendError::Closed(_) => ended(),
    })?;
    match timeout(COMMAND, carried_out).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(ended()),
        Err(_) => Err(busy()),
    }
}

async fn answer(socket: &mut Socket, reference: Option<Value>, result: Result<(), Failed>) -> Result<(), Gone> {
    let json = match result {
        Ok(()) => to_json(&Done::new(reference)),
        Err(Failed(code, message)) => {
            let mut error = ErrorMessage::new(code, message);
            error.reference = reference;
            to_json(&error)
        }
    };
    socket.send(json).await
}

fn command_text(incoming: Incoming) -> Result<String, End> {
    match incoming {
        Incoming::Text(text) => Ok(text.as_str().to_owned()),
        Incoming::Binary(_) => Err(End::Refused(Refusal::UnexpectedBinary, "commands are JSON text frames".to_owned())),
        Incoming::Refused(refusal, message) => Err(End::Refused(refusal, message.to_owned())),
        Incoming::Gone | Incoming::Closed => Err(End::Gone),
    }
}

fn lagged(app: &App, missed: u64) {
    app.metrics.feed_lagged.inc();
    app.metrics.feed_missed.inc_by(missed);
    tracing::warn!(missed, "a reader fell behind and gets a snapshot");
}

async fn say_goodbye(app: &App, socket: Socket, end: End) {
    match end {
        End::Gone => {}
        End::Stuck => {
            app.metrics.feed_dropped.inc();
            tracing::warn!("a reader does not read; dropped");
        }
        End::Refused(refusal, message) => {
            app.metrics.refuse(refusal.code());
            socket.refuse(refusal, &message).await;
        }
    }
}

fn bad_message(error: BadMessage) -> End {
    End::Refused(Refusal::BadMessage, error.0)
}

fn token_ran_out() -> End {
    End::Refused(Refusal::Unauthorized, "the token has run out; connect again with a new one".to_owned())
}

fn shutting_down() -> End {
    End::Refused(Refusal::ShuttingDown, "the server is shutting down".to_owned())
}
