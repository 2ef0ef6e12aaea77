//! Says clearly what is missing before whisper.cpp's own build fails with a riddle, and builds the pages in `web/dist`
//! into the program, if they are there.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CXX");
    if let Err(error) = embed_pages() {
        println!(
            "cargo::error=cannot build in the pages of web/dist: {error}; remove web/dist or run `make web` again"
        );
    }
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

/// Writes `web.rs` with the constant `ASSETS` that `src/server/page.rs` includes.
fn embed_pages() -> io::Result<()> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let dist = root.join("web").join("dist");
    // A path that is not there would run this script, and compile the program, each time.
    let watched = [&dist, &root.join("web")].into_iter().find(|dir| dir.is_dir()).cloned();
    if let Some(watched) = watched {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let mut files = Vec::new();
    list(&dist, &mut files)?;
    files.sort();
    let mut code = String::from("/// The files of `web/dist`.\nstatic ASSETS: &[Asset] = &[\n");
    for path in &files {
        let Some(mime) = mime(path) else { continue };
        let name = path.strip_prefix(&dist).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let mut hasher = DefaultHasher::new();
        fs::read(path)?.hash(&mut hasher);
        let plain = copied(path, &out)?;
        let packed = |ending: &str| -> io::Result<String> {
            let packed = PathBuf::from(format!("{}.{ending}", path.display()));
            if !packed.is_file() {
                return Ok("None".to_owned());
            }
            copied(&packed, &out).map(|copy| format!("Some(include_bytes!({copy:?}))"))
        };
        let (gzip, brotli) = (packed("gz")?, packed("br")?);
        // Writing to a string does not fail.
        let _ = writeln!(
            code,
            "    Asset {{ name: {name:?}, mime: {mime:?}, tag: \"\\\"{:016x}\\\"\", plain: include_bytes!({plain:?}), gzip: {gzip}, brotli: {brotli} }},",
            hasher.finish(),
        );
    }
    code.push_str("];\n");
    fs::write(out.join("web.rs"), code)
}

/// A copy that stays while the program is compiled, whatever becomes of `web/dist` meanwhile.
fn copied(path: &Path, out: &Path) -> io::Result<PathBuf> {
    let copy = out.join(path.file_name().unwrap_or_default());
    fs::copy(path, &copy)?;
    Ok(copy)
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// `None` for what is not sent under its own name.
fn mime(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "webmanifest" => Some("application/manifest+json"),
        _ => None,
    }
}
