//! Transcription in a process of its own, seen from both sides.
//!
//! An abort, a crash or a hang inside whisper.cpp ends such a process and nothing else. The server starts it, hands it
//! one utterance at a time through a pair of sockets and kills it when an answer takes too long. The process has no
//! descriptor but that socket and the server's stderr, none of the server's secrets in its environment, and ends with
//! the server, however that ends.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};

use super::decode::Decode;
use super::frames::{Answer, Utterance};
use super::queue::{SpeechJob, SpeechQueue};
use super::whisper::{Model, ModelError, Transcriber};
use crate::terms::{DropReason, Outcome};

/// The hidden subcommand of this program that [`serve_parent`] stands behind.
pub const SUBCOMMAND: &str = "transcribe-for-parent";

/// How long loading a model may take: gigabytes from a slow disk.
const LOADING: Duration = Duration::from_secs(120);

/// How long one that has closed its socket may take to be gone, on a busy machine.
const ENDING: Duration = Duration::from_secs(1);

/// How often a wait looks whether the server wants to stop.
const SLICE: Duration = Duration::from_millis(100);

/// A process that is ready to go on but gets no processor is given up only after so many times its patience.
const STARVED: u32 = 6;

/// In an eighth of its patience a process that is not hung uses some processor, however busy the machine is.
const STILL: u32 = 8;

/// Ticks of `/proc/PID/stat`, on every Linux but some that are long gone.
const TICK: Duration = Duration::from_millis(10);

/// How much a transcription process steps back behind the server: sockets, voice activity and feeds of all calls take
/// little time and must have it at once, also when the engine has more to do than there are processors.
const NICENESS: i32 = 10;

/// What of the environment a transcription process gets: where libraries are and how to log, no secrets.
const ENVIRONMENT: [&str; 5] = ["LD_LIBRARY_PATH", "RUST_LOG", "RUST_BACKTRACE", "LANG", "TZ"];

/// How a transcription process is started, and how long it may take for an utterance.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    /// Longer than this for one utterance is a hang, unless the machine is too busy to let it run.
    patience: Duration,
}

impl Program {
    /// This very program, even if its file was replaced meanwhile, with the model of that file or the one inside.
    ///
    /// # Errors
    /// The system does not say which program this is.
    pub fn own(model: Option<&Path>, patience: Duration) -> io::Result<Self> {
        let running = PathBuf::from("/proc/self/exe");
        let path = if running.exists() { running } else { std::env::current_exe()? };
        let mut arguments = vec![SUBCOMMAND.into()];
        arguments.extend(model.map(Into::into));
        Ok(Self { path, arguments, patience })
    }

    /// Another program that speaks [the same frames](super::frames) on its standard input.
    pub fn other(path: PathBuf, arguments: Vec<OsString>, patience: Duration) -> Self {
        Self { path, arguments, patience }
    }

    /// Starts it and waits until its model is loaded.
    pub(super) fn start(&self, queue: &SpeechQueue) -> Result<Process, String> {
        let failed = |error: io::Error| format!("cannot start {}: {error}", self.path.display());
        let (line, far) = UnixStream::pair().map_err(failed)?;
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).arg0("ruhepol-speech").env_clear();
        command.envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        // ggml would start a debugger on its own process when it aborts.
        command.env("GGML_NO_BACKTRACE", "1");
        command.stdin(OwnedFd::from(far)).stdout(Stdio::null());
        let child = command.spawn().map_err(failed)?;
        // Its copy of the far end would keep the line open when the child has gone.
        drop(command);
        let mut process = Process { child, line, queue: queue.clone(), patience: self.patience };
        match process.ask(&[], LOADING) {
            Ok(Answer::Ready) => Ok(process),
            Ok(Answer::Unusable(why)) => Err(why),
            Ok(_) => Err("a transcription process spoke out of turn".to_owned()),
            Err(error) => Err(format!("a transcription process did not start: {}", process.fate(&error))),
        }
    }
}

/// A running transcription process. Dropping it kills it: it holds nothing that could be lost.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    line: UnixStream,
    queue: SpeechQueue,
    patience: Duration,
}

impl Process {
    /// Sends a frame, if any, and reads the answer.
    fn ask(&mut self, frame: &[u8], patience: Duration) -> io::Result<Answer> {
        let watch = Watch::new(self.child.id(), patience);
        let mut line = Patient { line: &self.line, watch, queue: &self.queue };
        line.write_all(frame)?;
        Answer::read(&mut line)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// What became of a process that did not answer, for the log.
    fn fate(&mut self, error: &io::Error) -> String {
        if error.kind() == io::ErrorKind::TimedOut {
            return format!("no answer for {} s or more, killed", self.patience.as_secs_f32());
        }
        // One that closed its socket is ending; one that sent nonsense is not.
        let is_ending = error.kind() != io::ErrorKind::InvalidData;
        let until = Instant::now() + if is_ending { ENDING } else { Duration::ZERO };
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return format!("it ended ({status})"),
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
                _ => return format!("{error}, killed"),
            }
        }
    }
}

impl Decode for Process {
    fn read(&mut self, job: &SpeechJob) -> Outcome {
        let frame = Utterance::frame(job.lang, job.voiced, &job.samples);
        match self.ask(&frame, self.patience) {
            Ok(Answer::Text { text, confidence }) => Outcome::Text { text, confidence },
            Ok(Answer::Nothing) => Outcome::Nothing,
            Ok(Answer::Failed) => Outcome::Dropped { reason: DropReason::Failed },
            Ok(Answer::Ready | Answer::Unusable(_)) => {
                tracing::error!("a transcription process spoke out of turn");
                Outcome::Dropped { reason: DropReason::Failed }
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {
                Outcome::Dropped { reason: DropReason::ShuttingDown }
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::TimedOut {
                    self.queue.count_hang();
                }
                let fate = self.fate(&error);
                tracing::error!(pid = self.child.id(), call = %job.call, segment = job.segment, fate, "a transcription process is lost");
                Outcome::Dropped { reason: DropReason::Failed }
            }
        }
    }

    fn is_alive(&mut self) -> bool {
        match self.child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                tracing::error!(pid = self.child.id(), %status, "a transcription process ended by itself");
                false
            }
            Err(_) => false,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.line.shutdown(Shutdown::Both);
        // It may have ended already; either way it must be waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells a process that hangs from one that the machine does not let run: a hang stands still or uses the processor all
/// the time, hunger does neither.
struct Watch {
    pid: u32,
    begun: Instant,
    patience: Duration,
    /// Processor time at the beginning; `None`: the system does not tell, so that the clock alone counts.
    used: Option<Duration>,
    /// The latest that was seen, and when.
    seen: (Option<Duration>, Instant),
}

impl Watch {
    fn new(pid: u32, patience: Duration) -> Self {
        let (used, now) = (processor_time(pid), Instant::now());
        Self { pid, begun: now, patience, used, seen: (used, now) }
    }

    fn is_hung(&mut self) -> bool {
        let now = Instant::now();
        let waited = now.duration_since(self.begun);
        if waited < self.patience / 2 {
            return false;
        }
        let used = processor_time(self.pid);
        if used > self.seen.0 {
            self.seen = (used, now);
        }
        let Some((before, used)) = self.used.zip(used) else { return waited >= self.patience };
        is_hang(self.patience, waited, now.duration_since(self.seen.1), used.saturating_sub(before))
    }
}

/// Whether one that was waited for so long, has used no processor for the time `still` and so much since it was asked, hangs.
fn is_hang(patience: Duration, waited: Duration, still: Duration, used: Duration) -> bool {
    waited >= patience && (still >= patience / STILL || used >= patience) || waited >= patience * STARVED
}

/// Processor time of a process, all its threads together.
fn processor_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything; `utime` and `stime` are the 12th and 13th after it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u32 = fields.next()?.parse::<u32>().ok()?.checked_add(fields.next()?.parse().ok()?)?;
    TICK.checked_mul(ticks)
}

/// The server's end of the line: gives up on a hang, and soon after the queue was cleared (`ConnectionAborted`).
struct Patient<'a> {
    line: &'a UnixStream,
    watch: Watch,
    queue: &'a SpeechQueue,
}

impl Patient<'_> {
    fn again_and_again(
        &mut self,
        mut once: impl FnMut(&UnixStream, Duration) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            if self.queue.is_cleared() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if self.watch.is_hung() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match once(self.line, SLICE) {
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                result => return result,
            }
        }
    }
}

impl Read for Patient<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.again_and_again(|mut line, slice| {
            line.set_read_timeout(Some(slice))?;
            line.read(bytes)
        })
    }
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.again_and_again(|mut line, slice| {
            line.set_write_timeout(Some(slice))?;
            line.write(bytes)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The life of a transcription process: reads utterances from standard input, a socket, until the server closes it.
///
/// # Errors
/// Standard input is no socket, or breaks.
pub fn serve_parent(load: impl FnOnce() -> Result<Model, ModelError>) -> io::Result<()> {
    keep_out_of_the_way();
    let mut line = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let transcriber = load().and_then(|model| Transcriber::new(&model));
    let mut transcriber = match transcriber {
        Ok(transcriber) => transcriber,
        Err(error) => return Answer::Unusable(error.to_string()).write(&mut line),
    };
    Answer::Ready.write(&mut line)?;
    while let Some(Utterance { lang, voiced, samples }) = Utterance::read(&mut line)? {
        let answer = match transcriber.transcribe(&samples, lang, voiced) {
            Outcome::Text { text, confidence } => Answer::Text { text, confidence },
            Outcome::Nothing => Answer::Nothing,
            Outcome::Dropped { .. } => Answer::Failed,
        };
        answer.write(&mut line)?;
    }
    Ok(())
}

/// Ends with the server (which has gone already if reading its socket ends at once), steps back behind it, leaves no
/// core file with a caller's voice in it, and is the first to go when memory is short.
/// Each is a precaution a hardened system may refuse.
fn keep_out_of_the_way() {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let _ = nice(NICENESS);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunger_is_no_hang() {
        let s = Duration::from_secs;
        for (waited, still, used, hang) in [
            (19, 19, 0, false),
            (20, 15, 1, true),
            (20, 0, 20, true),
            (21, 1, 2, false),
            (60, 0, 10, false),
            (60, 0, 25, true),
            (120, 0, 10, true),
        ] {
            assert_eq!(is_hang(s(20), s(waited), s(still), s(used)), hang, "{waited} {still} {used}");
        }
    }

    #[test]
    fn processor_time_is_told() {
        let before = processor_time(std::process::id()).unwrap();
        while processor_time(std::process::id()).unwrap() == before {
            std::hint::black_box((0..100_000_u64).sum::<u64>());
        }
    }
}
