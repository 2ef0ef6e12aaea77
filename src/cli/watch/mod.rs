//! `ruhepol watch`: the supervisor feed in a terminal. A board to work with; plain lines where output is no terminal.

mod board;
mod draw;
mod keys;
mod plain;

use std::io::IsTerminal as _;
use std::time::Duration;

use futures_util::SinkExt as _;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as TerminalEvent, KeyEventKind};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use self::board::{Board, Wish};
use super::show::Style;
use super::{Outcome, runtime};
use crate::client::{ClientError, Socket, address_of, connect, next_json};

/// Pause before a lost connection is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Keys typed ahead of the board.
const KEYS: usize = 64;

/// How often times on the screen move on when nothing happens.
const TICK: Duration = Duration::from_millis(500);

/// Follow live calls in the terminal: by need, with their alerts and words; acknowledge and whisper by key
///
/// Example: ruhepol watch --url ws://127.0.0.1:8080 --token "$(ruhepol token issue --role supervisor --sub berta)"
#[derive(clap::Args)]
pub struct Args {
    /// The server, for example ws://127.0.0.1:8080
    #[arg(long, value_name = "WS_URL")]
    url: String,
    /// Access token of role supervisor; RUHEPOL_TOKEN works too and does not show in the list of processes
    #[arg(long, value_name = "T")]
    token: Option<String>,
    /// One line for each event, as when output goes to a file; shows the words of all calls
    #[arg(long)]
    plain: bool,
}

pub fn run(args: Args) -> Outcome {
    let token = args.token.or_else(|| std::env::var("RUHEPOL_TOKEN").ok());
    let url = address_of(&args.url, "/v1/feed/supervisor");
    if args.plain || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        let style = Style::of_stdout();
        return runtime()?.block_on(plain::follow(&url, token.as_deref(), style));
    }
    // Words of calls that are not opened stay with the server, as on the board in the browser.
    let url = if url.contains('?') { url } else { format!("{url}?text=opened") };
    let runtime = runtime()?;
    // Refusals are told before the screen is taken over.
    let socket = runtime.block_on(connect(&url, "/v1/feed/supervisor", token.as_deref()))?;
    let mut terminal = ratatui::init();
    let result = runtime.block_on(watch(&mut terminal, socket, &url, token.as_deref()));
    ratatui::restore();
    runtime.shutdown_background();
    result.map_err(Into::into)
}

/// Until the user quits, or the server refuses us.
async fn watch(
    terminal: &mut DefaultTerminal,
    socket: Socket,
    url: &str,
    token: Option<&str>,
) -> Result<(), ClientError> {
    let mut keys = keys();
    let mut board = Board::default();
    let mut socket = Some(socket);
    loop {
        // A frame that cannot be drawn is drawn again at the next event.
        let _ = terminal.draw(|frame| draw::board(frame, &board));
        let wish = match &mut socket {
            Some(open) => tokio::select! {
                Some(event) = keys.recv() => board.on_terminal(&event),
                message = next_json(open) => match message {
                    Ok(Some(message)) => { board.hear(&message); None }
                    Ok(None) | Err(ClientError::Broken(_)) => { board.disconnected(); socket = None; None }
                    Err(error) => return Err(error),
                },
                () = tokio::time::sleep(TICK) => None,
            },
            None => tokio::select! {
                Some(event) = keys.recv() => board.on_terminal(&event),
                () = tokio::time::sleep(RETRY) => {
                    match connect(url, "/v1/feed/supervisor", token).await {
                        Ok(again) => socket = Some(again),
                        Err(ClientError::Unreachable { .. } | ClientError::Broken(_)) => {}
                        Err(error) => return Err(error),
                    }
                    None
                }
            },
        };
        match wish {
            None => {}
            Some(Wish::Quit) => return Ok(()),
            Some(Wish::Send(command)) => send(&mut socket, &mut board, command).await,
        }
    }
}

async fn send(socket: &mut Option<Socket>, board: &mut Board, command: Value) {
    let sent = match socket {
        Some(open) => open.send(Message::text(command.to_string())).await.is_ok(),
        None => false,
    };
    if !sent {
        board.say("not sent: there is no connection");
    }
}

/// The terminal's events, read in a thread of their own, since reading them blocks.
fn keys() -> mpsc::Receiver<TerminalEvent> {
    let (sender, keys) = mpsc::channel(KEYS);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            let released = matches!(&event, TerminalEvent::Key(key) if key.kind == KeyEventKind::Release);
            if !released && sender.blocking_send(event).is_err() {
                break;
            }
        }
    });
    keys
}
