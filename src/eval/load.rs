//! Files to records: the only part of the evaluation that reads files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::records::{self, BadLine, Dialogue, Line, OffenceLine};
use crate::terms::Lang;

/// Folders deep that are searched: enough for any sensible collection, and an end for links in a circle.
const DEPTH_MAX: usize = 8;

/// Where the data are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Files of labelled utterances and dialogues (JSON lines), or folders with `*.jsonl` in them.
    pub labelled: Vec<PathBuf>,
    /// Files of calm requests (JSON lines with `text` and `lang`).
    pub calm: Vec<PathBuf>,
    /// Files in the format of GermEval 2018.
    pub offence: Vec<PathBuf>,
}

/// All records of the sources; sets of calm requests and of offences by file name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    pub lines: Vec<Line>,
    pub dialogues: Vec<Dialogue>,
    pub calm: Vec<(String, Vec<(Lang, String)>)>,
    pub offence: Vec<(String, Vec<OffenceLine>)>,
    pub bad_lines: Vec<BadLine>,
}

/// Sources that cannot be evaluated at all.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The caller names another path.
    #[error("cannot read {path}: {error}; give a JSON-lines file or a folder of them", path = path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    /// The caller gives a folder that has data.
    #[error("no labelled record in {paths}: give a folder with *.jsonl files as docs/evaluation.md describes them")]
    Empty { paths: String },
}

/// Reads all sources, folders in the order of their names. Lines that cannot be used are kept as
/// [`Loaded::bad_lines`].
pub fn load(sources: &Sources) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    let mut files = Vec::new();
    for path in &sources.labelled {
        collect(path, 0, &mut files)?;
    }
    for path in &files {
        let records = records::labelled(&path.display().to_string(), &read(path)?);
        loaded.lines.extend(records.lines);
        loaded.dialogues.extend(records.dialogues);
        loaded.bad_lines.extend(records.bad_lines);
    }
    for path in &sources.calm {
        let file = path.display().to_string();
        let requests = records::calm(&file, &read(path)?, &mut loaded.bad_lines);
        loaded.calm.push((name(path), requests));
    }
    for path in &sources.offence {
        let file = path.display().to_string();
        let lines = records::offence(&file, &read(path)?, &mut loaded.bad_lines);
        loaded.offence.push((name(path), lines));
    }
    let nothing = loaded.lines.is_empty() && loaded.dialogues.is_empty();
    if nothing && loaded.calm.is_empty() && loaded.offence.is_empty() && loaded.bad_lines.is_empty() {
        let paths: Vec<String> = sources.labelled.iter().map(|path| path.display().to_string()).collect();
        return Err(LoadError::Empty { paths: paths.join(", ") });
    }
    Ok(loaded)
}

fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let unreadable = |error| LoadError::Unreadable { path: path.to_owned(), error };
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    if depth >= DEPTH_MAX {
        return Ok(());
    }
    let entries: Result<Vec<_>, io::Error> = fs::read_dir(path).map_err(unreadable)?.collect();
    let mut paths: Vec<PathBuf> = entries.map_err(unreadable)?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "jsonl") {
            collect(&path, depth + 1, files)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|error| LoadError::Unreadable { path: path.to_owned(), error })
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "{\"text\":\"Guten Tag\",\"speaker\":\"customer\",\"severity\":0,\"cues\":[]}\n";

    #[test]
    fn folders_are_searched_in_order_and_bad_lines_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b/one.jsonl"), LINE.replace("Guten", "Zweiten")).unwrap();
        fs::write(folder.path().join("a.jsonl"), format!("{LINE}nichts\n")).unwrap();
        fs::write(folder.path().join("notes.txt"), "not data").unwrap();
        let loaded = load(&Sources { labelled: vec![folder.path().to_owned()], ..Sources::default() }).unwrap();
        let texts: Vec<_> = loaded.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["Guten Tag", "Zweiten Tag"]);
        assert_eq!(loaded.bad_lines.len(), 1);
        assert!(loaded.bad_lines[0].file.ends_with("a.jsonl") && loaded.bad_lines[0].line == 2);
    }

    #[test]
    fn absent_and_empty_sources_are_errors_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let sources = |path: PathBuf| Sources { labelled: vec![path], ..Sources::default() };
        let absent = load(&sources(folder.path().join("absent"))).unwrap_err();
        assert!(matches!(absent, LoadError::Unreadable { .. }) && absent.to_string().contains("absent"));
        let empty = load(&sources(folder.path().to_owned())).unwrap_err();
        assert!(matches!(empty, LoadError::Empty { .. }), "{empty}");
    }
}
