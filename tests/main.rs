//! All integration tests in one binary: `tests/it`, a file or a folder per promise.

#![allow(clippy::unwrap_used)]

#[path = "it/abuse/mod.rs"]
mod abuse;
#[path = "it/acoustic.rs"]
mod acoustic;
#[path = "it/cli.rs"]
mod cli;
#[path = "it/coach.rs"]
mod coach;
#[path = "it/describe.rs"]
mod describe;
#[path = "it/fuzz/mod.rs"]
mod fuzz;
#[path = "it/golden.rs"]
mod golden;
#[path = "it/house.rs"]
mod house;
#[path = "it/isolation.rs"]
mod isolation;
#[path = "it/journal.rs"]
mod journal;
#[path = "it/kill.rs"]
mod kill;
#[path = "it/onnx.rs"]
mod onnx;
#[path = "it/phones.rs"]
mod phones;
#[path = "it/phones_audiohook.rs"]
mod phones_audiohook;
#[path = "it/phones_plain.rs"]
mod phones_plain;
#[path = "it/phones_send.rs"]
mod phones_send;
#[path = "it/privacy.rs"]
mod privacy;
#[path = "it/program.rs"]
mod program;
#[path = "it/properties.rs"]
mod properties;
#[path = "it/reload.rs"]
mod reload;
#[path = "it/security.rs"]
mod security;
#[path = "it/server/mod.rs"]
mod server;
#[path = "it/soak.rs"]
mod soak;
#[path = "it/speech.rs"]
mod speech;
#[path = "it/support.rs"]
mod support;
#[path = "it/take_up.rs"]
mod take_up;
#[path = "it/telemetry.rs"]
mod telemetry;
#[path = "it/webhooks.rs"]
mod webhooks;
