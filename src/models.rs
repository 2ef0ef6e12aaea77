//! Real speech models for users: which exist, fetching one, checking what is there.
//!
//! The program ships one small model of its own; these are downloads. A file becomes visible under its final
//! name only after its digest was checked, so whatever bears that name is whole.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, RANGE};
use sha2::{Digest as _, Sha256};

use crate::wire::hex::hex;

/// Where the models are published.
pub const DEFAULT_BASE_URL: &str = "https://huggingface.co";

/// Where [`Kind::Whisper`] files live, at the state of the repository whose digests stand below.
const WHISPER_REPOSITORY: (&str, &str) = ("ggerganov/whisper.cpp", "5359861c739e955e79d9a303bcbc70fb988958b1");

/// Where [`Kind::VoiceActivity`] files live, pinned likewise.
const VOICE_ACTIVITY_REPOSITORY: (&str, &str) = ("ggml-org/whisper-vad", "9ffd54a1e1ee413ddf265af9913beaf518d1639b");

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Whisper,
    VoiceActivity,
}

/// A published model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// What users call it.
    pub name: &'static str,
    pub kind: Kind,
    pub file: &'static str,
    pub bytes: u64,
    /// SHA-256 of the file, lower case.
    pub sha256: &'static str,
}

macro_rules! catalogue {
    ($($kind:ident $name:literal $file:literal $bytes:literal $sha256:literal)*) => {
        &[$(CatalogueEntry {
            name: $name, kind: Kind::$kind, file: $file, bytes: $bytes, sha256: $sha256,
        },)*]
    };
}

/// All known models, small to large; all of them multilingual.
///
/// The digests are those of Git LFS, as shown on each file's page at
/// <https://huggingface.co/ggerganov/whisper.cpp/blob/main/ggml-base-q8_0.bin> and its siblings; where the page
/// was not at hand, they are what several independent public projects pin for the file at this revision. File
/// names and SHA-1 digests: <https://huggingface.co/ggerganov/whisper.cpp/blob/main/README.md>.
#[rustfmt::skip]
pub const CATALOGUE: &[CatalogueEntry] = catalogue! {
    Whisper "tiny-q5_1" "ggml-tiny-q5_1.bin" 32_152_673 "818710568da3ca15689e31a743197b520007872ff9576237bda97bd1b469c3d7"
    Whisper "tiny-q8_0" "ggml-tiny-q8_0.bin" 43_537_433 "c2085835d3f50733e2ff6e4b41ae8a2b8d8110461e18821b09a15c40c42d1cca"
    Whisper "tiny" "ggml-tiny.bin" 77_691_713 "be07e048e1e599ad46341c8d2a135645097a538221678b7acdd1b1919c6e1b21"
    Whisper "base-q5_1" "ggml-base-q5_1.bin" 59_707_625 "422f1ae452ade6f30a004d7e5c6a43195e4433bc370bf23fac9cc591f01a8898"
    Whisper "base-q8_0" "ggml-base-q8_0.bin" 81_768_585 "c577b9a86e7e048a0b7eada054f4dd79a56bbfa911fbdacf900ac5b567cbb7d9"
    Whisper "base" "ggml-base.bin" 147_951_465 "60ed5bc3dd14eea856493d334349b405782ddcaf0028d4b5df4088345fba2efe"
    Whisper "small-q5_1" "ggml-small-q5_1.bin" 190_085_487 "ae85e4a935d7a567bd102fe55afc16bb595bdb618e11b2fc7591bc08120411bb"
    Whisper "small-q8_0" "ggml-small-q8_0.bin" 264_464_607 "49c8fb02b65e6049d5fa6c04f81f53b867b5ec9540406812c643f177317f779f"
    Whisper "small" "ggml-small.bin" 487_601_967 "1be3a9b2063867b937e64e2ec7483364a79917e157fa98c5d94b5c1fffea987b"
    Whisper "medium-q5_0" "ggml-medium-q5_0.bin" 539_212_467 "19fea4b380c3a618ec4723c3eef2eb785ffba0d0538cf43f8f235e7b3b34220f"
    Whisper "medium-q8_0" "ggml-medium-q8_0.bin" 823_369_779 "42a1ffcbe4167d224232443396968db4d02d4e8e87e213d3ee2e03095dea6502"
    Whisper "medium" "ggml-medium.bin" 1_533_763_059 "6c14d5adee5f86394037b4e4e8b59f1673b6cee10e3cf0b11bbdbee79c156208"
    Whisper "large-v3-turbo-q5_0" "ggml-large-v3-turbo-q5_0.bin" 574_041_195 "394221709cd5ad1f40c46e6031ca61bce88931e6e088c188294c6d5a55ffa7e2"
    Whisper "large-v3-turbo-q8_0" "ggml-large-v3-turbo-q8_0.bin" 874_188_075 "317eb69c11673c9de1e1f0d459b253999804ec71ac4c23c17ecf5fbe24e259a1"
    Whisper "large-v3-turbo" "ggml-large-v3-turbo.bin" 1_624_555_275 "1fc70f774d38eb169993ac391eea357ef47c88757ef72ee5943879b7e8e2bc69"
    VoiceActivity "silero-vad" "ggml-silero-v6.2.0.bin" 885_098 "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987"
};

/// A file to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Below the base URL.
    path: String,
    file: String,
    bytes: Option<u64>,
    sha256: Option<String>,
}

impl Wanted {
    /// A name of the [`CATALOGUE`], or the name of any other `ggml-….bin` file that is published beside the Whisper
    /// models; such a file's digest is not known here.
    ///
    /// # Errors
    /// [`ModelsError::UnknownName`]
    pub fn named(name: &str) -> Result<Self, ModelsError> {
        if let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == name || entry.file == name) {
            return Ok(Self::from(entry));
        }
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !(name.starts_with("ggml-") && name.ends_with(".bin") && name.chars().all(safe)) {
            return Err(ModelsError::UnknownName { name: name.into() });
        }
        let path = format!("{}/resolve/main/{name}", WHISPER_REPOSITORY.0);
        Ok(Self { path, file: name.into(), bytes: None, sha256: None })
    }
}

impl From<&CatalogueEntry> for Wanted {
    fn from(entry: &CatalogueEntry) -> Self {
        let (repository, revision) = match entry.kind {
            Kind::Whisper => WHISPER_REPOSITORY,
            Kind::VoiceActivity => VOICE_ACTIVITY_REPOSITORY,
        };
        Self {
            path: format!("{repository}/resolve/{revision}/{}", entry.file),
            file: entry.file.into(),
            bytes: Some(entry.bytes),
            sha256: Some(entry.sha256.into()),
        }
    }
}

/// A folder with models in it.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    base_url: String,
}

/// How far a download is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    /// Unknown if the server does not say.
    pub total: Option<u64>,
}

/// What a finished [`Store::pull`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    pub path: PathBuf,
    pub sha256: String,
    pub how: PulledHow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PulledHow {
    /// It lay there already, whole.
    Present,
    /// Fetched; its digest is the published one.
    Checked,
    /// Fetched; nobody told us its digest, so this one is kept in [`PINS`] and every later one must equal it.
    Pinned,
}

/// What lies in the folder for one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Absent,
    /// A download that was interrupted; the next pull goes on from there.
    Partial {
        bytes: u64,
    },
    /// There, not looked into.
    Present {
        bytes: u64,
    },
}

/// What [`Store::verify`] found for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// Not the file it was.
    Changed {
        expected: String,
        found: String,
    },
    /// No digest is known for it.
    Unknown {
        found: String,
    },
}

/// Why a model could not be listed, fetched or checked.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    #[error("there is no model named {name}: `ruhepol models list` shows the names")]
    UnknownName { name: String },
    #[error("{path}: {source}: check that the folder is writable and the disk has room for the model")]
    Disk { path: PathBuf, source: io::Error },
    #[error("{url} cannot be reached: {source}: check the network, a proxy is taken from HTTPS_PROXY")]
    Unreachable { url: String, source: reqwest::Error },
    #[error("{url} answered {status}: the file may have moved; models can also be copied into the folder by hand")]
    Refused { url: String, status: StatusCode },
    #[error("the download of {url} was cut off after {done} bytes: run the same command again, it goes on from there")]
    Interrupted { url: String, done: u64 },
    #[error("{url} offers {offered} bytes where the published model has {expected}: nothing was kept")]
    WrongSize { url: String, offered: u64, expected: u64 },
    #[error("{url} has the SHA-256 {found} instead of {expected}: the file was damaged or exchanged, nothing was kept")]
    WrongDigest { url: String, expected: String, found: String },
}

/// File of digests seen at a first download, in the format of `sha256sum`.
pub const PINS: &str = "SHA256SUMS";

/// A server that says nothing for so long has gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);

impl Store {
    /// `base_url` without a slash at its end, usually [`DEFAULT_BASE_URL`].
    pub fn new(dir: impl Into<PathBuf>, base_url: impl Into<String>) -> Self {
        Self { dir: dir.into(), base_url: base_url.into() }
    }

    /// Where the model of that name is or would be.
    ///
    /// # Errors
    /// [`ModelsError::UnknownName`]
    pub fn path_of(&self, name: &str) -> Result<PathBuf, ModelsError> {
        Ok(self.dir.join(Wanted::named(name)?.file))
    }

    /// The catalogue, and what of it lies in the folder.
    pub fn list(&self) -> Vec<(&'static CatalogueEntry, Presence)> {
        CATALOGUE.iter().map(|entry| (entry, self.presence(entry.file))).collect()
    }

    /// Fetches a model unless it is there. What was fetched before an interruption is kept and continued.
    /// `progress` is told after every piece.
    ///
    /// # Errors
    /// Every [`ModelsError`]. After [`ModelsError::Interrupted`] calling again goes on.
    pub async fn pull(&self, wanted: &Wanted, mut progress: impl FnMut(Progress)) -> Result<Pulled, ModelsError> {
        let path = self.dir.join(&wanted.file);
        let url = format!("{}/{}", self.base_url, wanted.path);
        let pinned = self.pins()?.remove(&wanted.file);
        let expected = wanted.sha256.clone().or(pinned);
        if path.exists() {
            let found = digest_of(&path)?;
            if expected.as_ref().is_none_or(|expected| *expected == found) {
                return Ok(Pulled { path, sha256: found, how: PulledHow::Present });
            }
            remove(&path)?;
        }
        fs::create_dir_all(&self.dir).map_err(|source| disk(&self.dir, source))?;
        let part = self.part_of(&wanted.file);
        self.fetch(&url, &part, wanted.bytes, &mut progress).await?;
        let found = digest_of(&part)?;
        let how = match expected {
            Some(expected) if expected == found => PulledHow::Checked,
            Some(expected) => {
                remove(&part)?;
                return Err(ModelsError::WrongDigest { url, expected, found });
            }
            None => PulledHow::Pinned,
        };
        if how == PulledHow::Pinned {
            self.pin(&wanted.file, &found)?;
        }
        fs::rename(&part, &path).map_err(|source| disk(&path, source))?;
        Ok(Pulled { path, sha256: found, how })
    }

    /// Reads every model file of the folder and compares its digest.
    ///
    /// # Errors
    /// [`ModelsError::Disk`]
    pub fn verify(&self) -> Result<Vec<(String, Verdict)>, ModelsError> {
        let pins = self.pins()?;
        let mut verdicts = Vec::new();
        for file in self.files()? {
            let found = digest_of(&self.dir.join(&file))?;
            let published = CATALOGUE.iter().find(|entry| entry.file == file).map(|entry| entry.sha256);
            let verdict = match published.or(pins.get(&file).map(String::as_str)) {
                Some(expected) if expected == found => Verdict::Good,
                Some(expected) => Verdict::Changed { expected: expected.into(), found },
                None => Verdict::Unknown { found },
            };
            verdicts.push((file, verdict));
        }
        Ok(verdicts)
    }

    /// Brings `part` to its full length, continuing what is there if the server lets us.
    async fn fetch(
        &self,
        url: &str,
        part: &Path,
        expected: Option<u64>,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), ModelsError> {
        let unreachable = |source| ModelsError::Unreachable { url: url.into(), source };
        let mut have = part.metadata().map_or(0, |metadata| metadata.len());
        if expected.is_some_and(|expected| have > expected) {
            remove(part)?;
            have = 0;
        }
        if have > 0 && expected == Some(have) {
            return Ok(());
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("ruhepol/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(SILENCE_MAX)
            .read_timeout(SILENCE_MAX)
            .build()
            .map_err(unreachable)?;
        let mut request = client.get(url);
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            response = client.get(url).send().await.map_err(unreachable)?;
        }
        if !response.status().is_success() {
            return Err(ModelsError::Refused { url: url.into(), status: response.status() });
        }
        let continues = response.status() == StatusCode::PARTIAL_CONTENT
            && range_start(response.headers().get(CONTENT_RANGE)) == Some(have);
        if !continues {
            have = 0;
        }
        let total = response.content_length().map(|rest| have + rest).or(expected);
        if let (Some(offered), Some(expected)) = (total, expected)
            && offered != expected
        {
            return Err(ModelsError::WrongSize { url: url.into(), offered, expected });
        }
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .append(continues)
            .truncate(!continues)
            .open(part)
            .map_err(|source| disk(part, source))?;
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let Ok(piece) = piece else {
                return Err(ModelsError::Interrupted { url: url.into(), done: have });
            };
            file.write_all(&piece).map_err(|source| disk(part, source))?;
            have += piece.len() as u64;
            progress(Progress { done: have, total });
        }
        if total.is_some_and(|total| have < total) {
            return Err(ModelsError::Interrupted { url: url.into(), done: have });
        }
        file.sync_all().map_err(|source| disk(part, source))
    }

    fn presence(&self, file: &str) -> Presence {
        let bytes = |path: PathBuf| path.metadata().ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len());
        if let Some(bytes) = bytes(self.dir.join(file)) {
            Presence::Present { bytes }
        } else if let Some(bytes) = bytes(self.part_of(file)) {
            Presence::Partial { bytes }
        } else {
            Presence::Absent
        }
    }

    fn part_of(&self, file: &str) -> PathBuf {
        self.dir.join(format!("{file}.part"))
    }

    /// Names of the model files in the folder, sorted; none if there is no folder.
    fn files(&self) -> Result<Vec<String>, ModelsError> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|source| disk(&self.dir, source))?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| disk(&self.dir, source))?;
            files.extend(entry.file_name().into_string().ok().filter(|name| name.ends_with(".bin")));
        }
        files.sort();
        Ok(files)
    }

    /// File to digest, from [`PINS`]; lines of another shape are skipped.
    fn pins(&self) -> Result<BTreeMap<String, String>, ModelsError> {
        let path = self.dir.join(PINS);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            text => Ok(text
                .map_err(|source| disk(&path, source))?
                .lines()
                .filter_map(|line| line.split_once("  "))
                .map(|(digest, file)| (file.to_owned(), digest.to_owned()))
                .collect()),
        }
    }

    fn pin(&self, file: &str, digest: &str) -> Result<(), ModelsError> {
        let path = self.dir.join(PINS);
        let mut pins =
            OpenOptions::new().create(true).append(true).open(&path).map_err(|source| disk(&path, source))?;
        writeln!(pins, "{digest}  {file}").map_err(|source| disk(&path, source))
    }
}

fn disk(path: &Path, source: io::Error) -> ModelsError {
    ModelsError::Disk { path: path.into(), source }
}

fn remove(path: &Path) -> Result<(), ModelsError> {
    fs::remove_file(path).map_err(|source| disk(path, source))
}

/// The first byte of a `Content-Range: bytes 100-199/200`.
fn range_start(header: Option<&reqwest::header::HeaderValue>) -> Option<u64> {
    header?.to_str().ok()?.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

fn digest_of(path: &Path) -> Result<String, ModelsError> {
    let failed = |source| disk(path, source);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    Ok(hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests;
