//! A call over Asterisk's AudioSocket: announced over HTTP, then one TCP connection for each party.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Protocol;
use super::hook::uuid_of;
use super::leg::Leg;
use crate::client::{ANSWER_TIMEOUT, ClientError, Played, Playing};
use crate::fixture::Fixture;
use crate::wire::audiosocket::encode;

const HANG_UP: u8 = 0x00;
const UUID: u8 = 0x01;

/// Milliseconds of audio in a frame.
const FRAME_MS: u64 = 20;

/// Time for the parties to come into one call, so that they stay abreast.
const JOINING: Duration = Duration::from_millis(500);

/// Port of the server's AudioSocket where none is named.
const PORT: u16 = 9092;

/// Plays every party on a connection of its own, as two external media channels do.
///
/// # Errors
/// When the announcement is refused, the port cannot be reached, or the server hangs up before the end.
pub(super) async fn play(
    fixture: &Fixture,
    playing: &Playing,
    mut progress: impl FnMut(u64),
) -> Result<Played, ClientError> {
    let kind = kind_of(fixture.recording.sample_rate)?;
    let address = playing.audiosocket.clone().unwrap_or_else(|| format!("{}:{PORT}", host_of(&playing.url)));
    let mut lines = Vec::new();
    for number in 0..fixture.channels.len() {
        let leg = Leg::new(Protocol::AudioSocket, fixture, playing, &[number])?;
        let uuid = uuid_of(&format!("{} party {number}", playing.call));
        announce(playing, &leg, &uuid).await?;
        let unreachable = |error| ClientError::Connection { address: address.clone(), error };
        let mut line = TcpStream::connect(&address).await.map_err(unreachable)?;
        write(&mut line, &encode(UUID, &bytes_of(&uuid))).await?;
        lines.push((leg, line));
    }
    let mut begun = Instant::now();
    progress(0);
    let mut at_ms = 0;
    while at_ms < fixture.recording.duration_ms() {
        for (leg, line) in &mut lines {
            let per_ms = leg.sample_rate as usize / 1_000;
            let from = (at_ms as usize * per_ms).min(leg.samples.len());
            let to = (from + FRAME_MS as usize * per_ms).min(leg.samples.len());
            let linear: Vec<u8> = leg.samples[from..to].iter().flat_map(|sample| sample.to_le_bytes()).collect();
            if !linear.is_empty() {
                write(line, &encode(kind, &linear)).await?;
            }
        }
        if at_ms == 0 {
            // The first frame opens the call, or joins it, and nobody says when that is done.
            sleep(JOINING).await;
            begun = Instant::now();
        }
        at_ms += FRAME_MS;
        progress(at_ms);
        if playing.speed > 0.0 {
            sleep_until(begun + Duration::from_secs_f64(at_ms as f64 / 1_000.0 / playing.speed)).await;
        }
    }
    for (_, line) in &mut lines {
        write(line, &encode(HANG_UP, &[])).await?;
    }
    for (_, mut line) in lines {
        let mut rest = Vec::new();
        let end = timeout(ANSWER_TIMEOUT, line.read_to_end(&mut rest)).await.map_err(|_| ClientError::Silent)?;
        if end.is_ok() && !rest.is_empty() {
            let message = "the server sent something, which Asterisk would play to the caller".to_owned();
            return Err(ClientError::Rejected { call: playing.call.clone(), code: "audio".to_owned(), message });
        }
    }
    // This protocol has no word for how much was understood.
    Ok(Played { call: playing.call.clone(), ..Played::default() })
}

async fn announce(playing: &Playing, leg: &Leg<'_>, uuid: &str) -> Result<(), ClientError> {
    let url = playing.url.replacen("ws", "http", 1);
    let mut told = leg.parameters();
    told.insert("uuid".to_owned(), json!(uuid));
    let failed = |error: reqwest::Error| ClientError::Announcement { url: url.clone(), error: Box::new(error) };
    let mut client = reqwest::Client::builder();
    if url.starts_with("https://") {
        client = client.tls_backend_preconfigured(playing.trust.config()?);
    }
    let mut request = client.build().map_err(failed)?.post(&url).timeout(ANSWER_TIMEOUT).body(json!(told).to_string());
    if let Some(token) = &playing.token {
        request = request.bearer_auth(token);
    }
    let status = request.send().await.map_err(failed)?.status().as_u16();
    match status {
        204 => Ok(()),
        404 => Err(ClientError::Refused { url, status, remedy: "set `phones.audiosocket.listen` on that server" }),
        401 | 403 => {
            Err(ClientError::Refused { url, status, remedy: "`ruhepol token issue --role ingest` makes a token" })
        }
        _ => Err(ClientError::Refused { url, status, remedy: "see the server's log" }),
    }
}

/// A server that refuses a connection hangs up: writing then fails.
async fn write(line: &mut TcpStream, frame: &[u8]) -> Result<(), ClientError> {
    line.write_all(frame).await.map_err(|_| {
        ClientError::Closed(": it hangs up on addresses that are not listed, and on UUIDs it does not know".to_owned())
    })
}

/// Kind of a frame of 16-bit samples at this rate.
fn kind_of(sample_rate: u32) -> Result<u8, ClientError> {
    match sample_rate {
        8_000 => Ok(0x10),
        16_000 => Ok(0x12),
        48_000 => Ok(0x16),
        other => Err(ClientError::Recording(format!("AudioSocket has no frames of {other} Hz"))),
    }
}

fn bytes_of(uuid: &str) -> Vec<u8> {
    let digits: Vec<u32> = uuid.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// The host of an address such as `ws://[::1]:8080/path`, brackets included.
fn host_of(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or(authority);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_uuids() {
        for (url, host) in [
            ("ws://127.0.0.1:8080/v1/media/audiosocket", "127.0.0.1"),
            ("wss://calls.example.com/v1", "calls.example.com"),
            ("ws://[::1]:8080", "[::1]"),
            ("ws://[::1]", "[::1]"),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
        let expected: Vec<u8> = (0..16).collect();
        assert_eq!(bytes_of("00010203-0405-0607-0809-0a0b0c0d0e0f"), expected);
    }
}
