//! Our own recordings played the way phone systems do: pacing, framing, pings and signatures as their clients have
//! them, so that addresses, keys and firewalls can be tried before the real platform is connected.

mod audiosocket;
mod hook;
mod leg;
mod words;

use std::time::Duration;

use tokio::time::Instant;

use self::leg::Leg;
use super::{ClientError, Played, Playing};
use crate::fixture::Fixture;

/// How a recording is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Native,
    Twilio,
    AudioHook,
    Vonage,
    Jambonz,
    FreeSwitch,
    Asterisk,
    AudioSocket,
    Listen,
}

impl Protocol {
    pub const NAMES: [&str; 9] =
        ["native", "twilio", "audiohook", "vonage", "jambonz", "freeswitch", "asterisk", "audiosocket", "listen"];

    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "native" => Self::Native,
            "twilio" => Self::Twilio,
            "audiohook" => Self::AudioHook,
            "vonage" => Self::Vonage,
            "jambonz" => Self::Jambonz,
            "freeswitch" => Self::FreeSwitch,
            "asterisk" => Self::Asterisk,
            "audiosocket" => Self::AudioSocket,
            "listen" => Self::Listen,
            _ => return None,
        })
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Native => "/v1/media",
            Self::Twilio => "/v1/media/twilio",
            Self::AudioHook => "/v1/media/audiohook",
            Self::Vonage => "/v1/media/vonage",
            Self::Jambonz => "/v1/media/jambonz",
            Self::FreeSwitch => "/v1/media/freeswitch",
            Self::Asterisk => "/v1/media/asterisk",
            Self::AudioSocket => "/v1/media/audiosocket",
            Self::Listen => "/v1/listen",
        }
    }

    /// Platforms that open a socket for each party.
    fn one_party_per_socket(self) -> bool {
        matches!(self, Self::Vonage | Self::Asterisk | Self::AudioSocket)
    }

    /// Milliseconds of audio in a frame.
    fn frame_ms(self) -> usize {
        if self == Self::AudioHook { 200 } else { 20 }
    }
}

/// What a platform proves itself with.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    /// AudioHook's API key.
    pub api_key: Option<String>,
    /// Twilio's auth token, or AudioHook's client secret in base64.
    pub secret: Option<String>,
}

/// Plays `fixture` as that platform would, and waits until the server has dealt with all of it.
///
/// # Errors
/// When the server cannot be reached, refuses the call, answers what the platform would not accept, or breaks the
/// connection; when the recording has a rate the platform does not know.
pub async fn play_as(
    protocol: Protocol,
    fixture: &Fixture,
    playing: &Playing,
    proof: &Proof,
    progress: impl FnMut(u64),
) -> Result<Played, ClientError> {
    match protocol {
        Protocol::Native => return super::play(fixture, playing, progress).await,
        Protocol::AudioSocket => return audiosocket::play(fixture, playing, progress).await,
        _ => {}
    }
    let parties: Vec<Vec<usize>> = match protocol.one_party_per_socket() {
        true => (0..fixture.channels.len()).map(|index| vec![index]).collect(),
        false => vec![(0..fixture.channels.len()).collect()],
    };
    let mut legs = Vec::new();
    for (number, party) in parties.iter().enumerate() {
        let mut leg = Leg::new(protocol, fixture, playing, party)?;
        leg.open(proof, number).await?;
        legs.push(leg);
    }
    let begun = Instant::now();
    let mut progress = progress;
    progress(0);
    let mut controls = fixture.controls.iter().peekable();
    let frame_ms = protocol.frame_ms() as u64;
    let mut at_ms = 0;
    while at_ms < fixture.recording.duration_ms() {
        while let Some(control) = controls.next_if(|control| control.at_ms <= at_ms) {
            for leg in &mut legs {
                leg.control(at_ms, &control.kind).await?;
            }
        }
        for leg in &mut legs {
            leg.frame(at_ms).await?;
        }
        at_ms += frame_ms;
        progress(at_ms);
        let due = match playing.speed > 0.0 {
            true => begun + Duration::from_secs_f64(at_ms as f64 / 1000.0 / playing.speed),
            false => Instant::now(),
        };
        for leg in &mut legs {
            leg.listen_until(due).await?;
        }
    }
    for leg in &mut legs {
        leg.close(at_ms).await?;
    }
    let mut played = Played { call: playing.call.clone(), ..Played::default() };
    for leg in legs {
        played.utterances += leg.utterances;
        played.answers.add(leg.audiohook.answers);
    }
    Ok(played)
}
