//! The command line: one file per command, one place for exit codes.

mod audiohook;
mod audit;
mod check;
mod demo;
mod eval;
mod house;
mod journal;
mod models;
mod place;
mod privacy;
mod replay;
mod schema;
mod score;
mod script;
mod send;
mod serve;
mod show;
mod token;
mod train;
mod transcribe;
mod watch;
mod wer;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Wrong usage or configuration (EX_USAGE of sysexits.h).
const EXIT_USAGE: u8 = 64;

#[derive(Parser)]
#[command(name = "ruhepol", version, about = "The calm colleague beside every agent in a call centre.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Args),
    /// Start a server, play the shipped calls into it, and show what it notices
    Demo(demo::Args),
    /// Play recordings through the whole core in virtual time
    Replay(replay::Args),
    /// Play recordings at a running server: example client and load generator
    Send(send::Args),
    /// Score utterances: JSON lines in, JSON lines out
    Score(score::Args),
    /// Show the supervisor feed in the terminal
    Watch(watch::Args),
    /// Check configuration and environment, and say what to do about each problem
    Check(check::Args),
    /// Access tokens
    Token(token::Args),
    /// Verify the audit log
    Audit(audit::Args),
    /// Look after the journal: check it, copy it, erase a call
    Journal(journal::Args),
    /// Whisper models: list, pull, verify
    Models(models::Args),
    /// Evaluate the scoring on labelled utterances and dialogues
    Eval(eval::Args),
    /// Data protection: the annex for works council and data protection officer
    Privacy(privacy::Args),
    /// Measure the word error rate of recordings through the whole path
    Wer(wer::Args),
    /// Train the embedded text model
    Train(train::Args),
    /// Print the JSON Schema of the feeds; the pages' types are made from it
    #[command(hide = true)]
    Schema,
    /// Transcribe for the server that started this process; nobody else can use it
    #[command(hide = true, name = crate::stt::process::SUBCOMMAND)]
    Transcribe(transcribe::Args),
}

/// Why a command did not succeed.
enum Failure {
    /// Wrong usage or configuration: exit code 64.
    Usage(String),
    /// Anything else: exit code 1.
    Failed(anyhow::Error),
}

impl Failure {
    fn usage(error: impl std::fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

type Outcome = Result<(), Failure>;

/// Runs the command line; the process's exit code: 0 good, 1 failed, 64 wrong usage or configuration.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            // Nothing is left to do when even the terminal is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let serves = matches!(cli.command, Command::Serve(_));
    start_logging(serves);
    if !serves {
        leave_quietly_when_nobody_reads();
    }
    let outcome = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Send(args) => send::run(args),
        Command::Score(args) => score::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Check(args) => check::run(args),
        Command::Token(args) => token::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Journal(args) => journal::run(args),
        Command::Models(args) => models::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Privacy(args) => privacy::run(args),
        Command::Wer(args) => wer::run(args),
        Command::Train(args) => train::run(args),
        Command::Schema => schema::run(),
        Command::Transcribe(args) => transcribe::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(error)) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(Failure::Failed(error)) => {
            eprintln!("ruhepol: {error:#}");
            ExitCode::FAILURE
        }
        Err(Failure::Usage(message)) => {
            eprintln!("ruhepol: {message}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// `ruhepol … | head` closes the pipe early, and `println!` panics on that: then there is nothing left to do. A server
/// goes on without its output.
fn leave_quietly_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

/// Log lines go to stderr, `RUST_LOG` chooses them; only the server tells of its work by default.
fn start_logging(server: bool) {
    use tracing_subscriber::EnvFilter;
    let default = if server { "info" } else { "error" };
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // At `debug` and `trace` the socket library logs whole messages, and with them the words of callers.
    for quiet in ["tungstenite=info", "tungstenite::protocol=info", "tungstenite::protocol::frame=info"] {
        filter = quiet.parse().into_iter().fold(filter, EnvFilter::add_directive);
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Whether the reader of our output (`| head`) has had enough: no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// The runtime of commands that talk to sockets.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
