//! Says clearly what is missing before whisper.cpp's own build fails with a riddle.

use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CXX");
    if cfg!(not(unix)) {
        return;
    }
    let cxx = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let missing: Vec<&str> =
        [("cmake", "cmake"), (cxx.as_str(), "g++")].iter().filter(|(tool, _)| !runs(tool)).map(|(_, p)| *p).collect();
    if !missing.is_empty() {
        println!(
            "cargo::error=ruhepol builds whisper.cpp and needs {}: install it (Debian, Ubuntu: `sudo apt-get install {}`; or let `make demo` do it) and build again",
            missing.join(" and "),
            missing.join(" ")
        );
    }
}

fn runs(tool: &str) -> bool {
    let quiet = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}
