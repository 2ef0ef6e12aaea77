//! All integration tests in one binary: `tests/it`, one file per promise.

#[path = "it/golden.rs"]
mod golden;
#[path = "it/house.rs"]
mod house;
#[path = "it/properties.rs"]
mod properties;
