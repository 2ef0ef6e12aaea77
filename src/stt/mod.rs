//! Speech to text: segments of speech go into one bounded queue, transcripts come back to the calls.
//!
//! [`SpeechQueue`] decides who is heard first and who is not heard at all; `whisper` is the only file
//! that names whisper-rs; [`Recorded`] answers from a script instead, for replays that must be the same on
//! every machine. Transcription runs in processes of its own ([`process`]), or on threads of its own if the
//! configuration says so, never on the ones that read sockets.

mod decode;
pub mod frames;
mod ggml;
pub mod phantom;
pub mod process;
mod queue;
mod recorded;
mod repeats;
mod whisper;
mod workers;

pub use ggml::{ModelFault, ModelHeader, inspect};
pub use queue::{QueueSettings, SpeechJob, SpeechQueue, SpeechStats};
pub use recorded::{Recorded, ScriptLine};
pub use whisper::{EMBEDDED_MODEL_NAME, Model, ModelError, Transcriber, inspect_file};
pub use workers::SpeechWorkers;
