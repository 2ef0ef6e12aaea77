//! **ruhepol**, the calm colleague beside every agent in a call centre.
//!
//! Two ideas carry the house. *A call is a machine without I/O*: audio, transcripts, commands and time go into
//! [`call::Call`], speech to transcribe and events come out. *The event log is the contract*: whatever a page
//! shows, stores or sends is a fold over [`call::event::Event`]s.
//!
//! | room | knows |
//! |---|---|
//! | [`terms`] | the words every room shares |
//! | [`audio`] | bytes to samples |
//! | [`call`] | one live call: voice activity, order, level, alerts |
//! | [`language`] | text to evidence |
//! | [`coach`] | practices of good service to prompts |
//! | [`wire`] | messages of the outside world |
//! | [`stt`] | speech to text: queue, workers, whisper.cpp |
//! | [`journal`] | every event on disk before it is told |
//! | [`server`] | sockets, sessions, feeds |
//! | [`fixture`], [`replay`], [`score`], [`eval`], [`client`], [`cli`] | recordings, virtual time, plain text, the command line |

pub mod audio;
pub mod audit;
pub mod call;
pub mod cli;
pub mod client;
pub mod coach;
pub mod config;
pub mod eval;
pub mod fixture;
pub mod journal;
pub mod language;
pub mod metrics;
pub mod models;
pub mod reload;
pub mod replay;
pub mod score;
pub mod server;
pub mod setup;
pub mod stt;
pub mod terms;
pub mod train;
mod wall_clock;
pub mod wer;
pub mod wire;
