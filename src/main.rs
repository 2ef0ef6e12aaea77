//! The command line of ruhepol.

use std::process::ExitCode;

fn main() -> ExitCode {
    ruhepol::cli::main()
}
