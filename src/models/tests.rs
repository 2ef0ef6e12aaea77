use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use super::*;

/// SHA-256 of [`body`], from `sha256sum`'s point of view: computed here, checked against a known vector below.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn body() -> Vec<u8> {
    (0..100_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// How the server behaves on one connection.
#[derive(Clone, Copy)]
enum Serve {
    Whole,
    /// Promises everything, sends so many bytes and hangs up.
    Cut(usize),
    IgnoringRanges,
    Status(&'static str),
}

/// A server on loopback that serves `body` once per entry of `script`; the receiver gets each request's path and
/// range.
fn server(body: Vec<u8>, script: &[Serve]) -> (String, mpsc::Receiver<(String, Option<u64>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, requests) = mpsc::sync_channel(10);
    let script = script.to_vec();
    std::thread::spawn(move || {
        for serve in script {
            let Ok((stream, _)) = listener.accept() else { return };
            seen.send(answer(stream, &body, serve)).unwrap();
        }
    });
    (url, requests)
}

fn answer(mut stream: TcpStream, body: &[u8], serve: Serve) -> (String, Option<u64>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut start = None;
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse::<u64>().ok();
        }
    }
    let from = match serve {
        Serve::IgnoringRanges => 0,
        _ => start.unwrap_or(0) as usize,
    };
    let rest = body.get(from..).unwrap_or_default();
    let status = match serve {
        Serve::Status(status) => status,
        _ if from > 0 => "206 Partial Content",
        _ => "200 OK",
    };
    let range = match from {
        0 => String::new(),
        from => format!("Content-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len()),
    };
    let length = rest.len();
    let sent = match serve {
        Serve::Cut(sent) => &rest[..sent],
        _ => rest,
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{range}Connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent)).unwrap();
    (path, start)
}

fn wanted(body: &[u8]) -> Wanted {
    Wanted {
        path: "some/model.bin".into(),
        file: "model.bin".into(),
        bytes: Some(body.len() as u64),
        sha256: Some(digest(body)),
    }
}

#[test]
fn the_catalogue_is_well_formed() {
    assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (index, entry) in CATALOGUE.iter().enumerate() {
        assert!(entry.sha256.len() == 64 && entry.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        assert!(CATALOGUE[..index].iter().all(|other| other.name != entry.name && other.sha256 != entry.sha256));
        assert_eq!(Wanted::named(entry.name).unwrap(), Wanted::named(entry.file).unwrap());
    }
    for name in ["", "huge", "../ggml-x.bin", "ggml-../../etc.bin", "ggml-x.bin?download", "ggml-tiny"] {
        assert!(matches!(Wanted::named(name), Err(ModelsError::UnknownName { .. })), "{name}");
    }
    assert_eq!(Wanted::named("ggml-large-v3.bin").unwrap().sha256, None);
}

#[tokio::test]
async fn a_model_is_fetched_checked_and_not_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let (url, requests) = server(body(), &[Serve::Whole]);
    let store = Store::new(dir.path().join("new"), url);
    let mut last = Progress { done: 0, total: None };
    let pulled = store.pull(&wanted(&body()), |progress| last = progress).await.unwrap();
    assert_eq!(pulled.how, PulledHow::Checked);
    assert_eq!(fs::read(&pulled.path).unwrap(), body());
    assert_eq!(last, Progress { done: 400_000, total: Some(400_000) });
    assert_eq!(requests.recv().unwrap(), ("/some/model.bin".into(), None));
    let again = store.pull(&wanted(&body()), |_| panic!("fetched again")).await.unwrap();
    assert_eq!(again.how, PulledHow::Present);
    fs::write(&pulled.path, "changed").unwrap();
    assert!(matches!(store.verify().unwrap()[..], [(_, Verdict::Unknown { .. })]));
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let (url, requests) = server(body(), &[Serve::Cut(150_000), Serve::Cut(100_000), Serve::Whole]);
    let store = Store::new(dir.path(), url);
    for _ in 0..2 {
        let error = store.pull(&wanted(&body()), |_| ()).await.unwrap_err();
        assert!(matches!(error, ModelsError::Interrupted { .. }), "{error}");
        assert!(!dir.path().join("model.bin").exists());
    }
    let pulled = store.pull(&wanted(&body()), |_| ()).await.unwrap();
    assert_eq!(fs::read(pulled.path).unwrap(), body());
    let starts: Vec<_> = requests.iter().take(3).map(|(_, start)| start).collect();
    assert_eq!(starts, [None, Some(150_000), Some(250_000)]);
}

#[tokio::test]
async fn a_server_without_ranges_starts_over() {
    let dir = tempfile::tempdir().unwrap();
    let (url, _requests) = server(body(), &[Serve::IgnoringRanges]);
    fs::write(dir.path().join("model.bin.part"), vec![9; 1000]).unwrap();
    let pulled = Store::new(dir.path(), url).pull(&wanted(&body()), |_| ()).await.unwrap();
    assert_eq!(fs::read(pulled.path).unwrap(), body());
}

#[tokio::test]
async fn a_wrong_digest_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = body();
    other[7] ^= 1;
    let (url, _requests) = server(other, &[Serve::Whole]);
    let error = Store::new(dir.path(), url).pull(&wanted(&body()), |_| ()).await.unwrap_err();
    assert!(matches!(error, ModelsError::WrongDigest { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn refusals_say_what_the_server_said() {
    let dir = tempfile::tempdir().unwrap();
    let (url, _requests) = server(body(), &[Serve::Status("404 Not Found"), Serve::Whole]);
    let store = Store::new(dir.path(), url);
    let error = store.pull(&wanted(&body()), |_| ()).await.unwrap_err().to_string();
    assert!(error.contains("404") && error.contains("by hand"), "{error}");
    let short = wanted(&body()[..1000]);
    let error = store.pull(&short, |_| ()).await.unwrap_err();
    assert!(matches!(error, ModelsError::WrongSize { offered: 400_000, expected: 1000, .. }), "{error}");
    let nobody = Store::new(dir.path(), "http://127.0.0.1:1");
    let error = nobody.pull(&wanted(&body()), |_| ()).await.unwrap_err();
    assert!(matches!(error, ModelsError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_a_disk_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let store = Store::new(dir.path().join("file"), "http://127.0.0.1:1");
    let error = store.pull(&wanted(&body()), |_| ()).await.unwrap_err();
    assert!(matches!(error, ModelsError::Disk { .. }), "{error}");
}

#[tokio::test]
async fn an_unknown_digest_is_pinned_at_first_sight() {
    let dir = tempfile::tempdir().unwrap();
    let unknown = Wanted { bytes: None, sha256: None, ..wanted(&body()) };
    let (url, _requests) = server(body(), &[Serve::Whole]);
    let pulled = Store::new(dir.path(), url).pull(&unknown, |_| ()).await.unwrap();
    assert_eq!(pulled.how, PulledHow::Pinned);
    assert_eq!(fs::read_to_string(dir.path().join(PINS)).unwrap(), format!("{}  model.bin\n", digest(&body())));

    fs::write(&pulled.path, "changed").unwrap();
    let (url, _requests) = server(vec![1; 50], &[Serve::Whole]);
    let store = Store::new(dir.path(), url);
    assert!(matches!(&store.verify().unwrap()[..], [(file, Verdict::Changed { .. })] if file == "model.bin"));
    let error = store.pull(&unknown, |_| ()).await.unwrap_err();
    assert!(matches!(error, ModelsError::WrongDigest { .. }), "{error}");
}

#[test]
fn the_list_shows_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ggml-tiny.bin"), "12345").unwrap();
    fs::write(dir.path().join("ggml-base.bin.part"), "123").unwrap();
    let store = Store::new(dir.path(), DEFAULT_BASE_URL);
    let presence = |name: &str| store.list().into_iter().find(|(entry, _)| entry.name == name).unwrap().1;
    assert_eq!(presence("tiny"), Presence::Present { bytes: 5 });
    assert_eq!(presence("base"), Presence::Partial { bytes: 3 });
    assert_eq!(presence("small"), Presence::Absent);
    assert!(matches!(&store.verify().unwrap()[..], [(file, Verdict::Changed { .. })] if file == "ggml-tiny.bin"));
    assert_eq!(Store::new(dir.path().join("none"), DEFAULT_BASE_URL).verify().unwrap(), []);
}
