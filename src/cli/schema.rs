//! `ruhepol schema`: the JSON Schema of both feeds, from which `web/src/wire.ts` is made.

use std::io::Write as _;

use super::Outcome;
use crate::wire::feed;

pub fn run() -> Outcome {
    let json = serde_json::to_string_pretty(&feed::schema())?;
    writeln!(std::io::stdout(), "{json}")?;
    Ok(())
}
