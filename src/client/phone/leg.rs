//! One socket of a call, from its first message to its last.

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_ulaw};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

use super::hook::AudioHook;
use super::words::track;
use super::{Proof, Protocol};
use crate::audio::Encoding;
use crate::client::{ANSWER_TIMEOUT, ClientError, Playing, Socket, open, send};
use crate::fixture::Fixture;
use crate::terms::Channel;
use crate::wire::sign::{self, to_base64};

/// One socket of a call.
pub(super) struct Leg<'a> {
    pub protocol: Protocol,
    pub fixture: &'a Fixture,
    pub playing: &'a Playing,
    pub channels: Vec<Channel>,
    /// Interleaved 16-bit samples of these channels.
    pub samples: Vec<i16>,
    pub sample_rate: u32,
    pub socket: Option<Socket>,
    pub audiohook: AudioHook,
    pub utterances: u64,
    pub sequence: u64,
    /// Since when the platform is on hold and sends nothing.
    pub held_from_ms: Option<u64>,
}

impl<'a> Leg<'a> {
    pub fn new(
        protocol: Protocol,
        fixture: &'a Fixture,
        playing: &'a Playing,
        party: &[usize],
    ) -> Result<Self, ClientError> {
        let recording = &fixture.recording;
        let rates: &[u32] = match protocol {
            Protocol::Twilio | Protocol::AudioHook => &[8_000],
            _ => &[8_000, 16_000, 48_000],
        };
        if !rates.contains(&recording.sample_rate) {
            let rate = recording.sample_rate;
            return Err(ClientError::Recording(format!("this platform has 8000 Hz, the recording {rate}")));
        }
        let width = recording.encoding.bytes_per_sample();
        let sample = |bytes: &[u8]| match recording.encoding {
            Encoding::PcmS16le => i16::from_le_bytes([bytes[0], bytes[1]]),
            Encoding::Mulaw => decode_ulaw(bytes[0]),
            Encoding::Alaw => decode_alaw(bytes[0]),
        };
        let mut samples = Vec::new();
        for frame in recording.data.chunks_exact(width * recording.channels) {
            samples.extend(party.iter().map(|index| sample(&frame[index * width..])));
        }
        Ok(Self {
            protocol,
            fixture,
            playing,
            channels: party.iter().map(|index| fixture.channels[*index]).collect(),
            samples,
            sample_rate: recording.sample_rate,
            socket: None,
            audiohook: AudioHook::default(),
            utterances: 0,
            sequence: 0,
            held_from_ms: None,
        })
    }

    pub async fn open(&mut self, proof: &Proof, number: usize) -> Result<(), ClientError> {
        let url = self.url();
        let path = self.protocol.path();
        let address = || ClientError::Address { url: url.clone(), path };
        let mut request = url.as_str().into_client_request().map_err(|_| address())?;
        let mut headers: Vec<(&'static str, String)> = Vec::new();
        let scheme = if self.protocol == Protocol::Listen { "Token" } else { "Bearer" };
        if let Some(token) = &self.playing.token {
            headers.push(("authorization", format!("{scheme} {token}")));
        }
        match self.protocol {
            Protocol::Jambonz => headers.push(("sec-websocket-protocol", "audio.jambonz.org".to_owned())),
            Protocol::FreeSwitch => headers.push(("sec-websocket-protocol", "audio.drachtio.org".to_owned())),
            Protocol::Asterisk => headers.push(("sec-websocket-protocol", "media".to_owned())),
            Protocol::Twilio => {
                if let Some(secret) = &proof.secret {
                    headers.push(("x-twilio-signature", sign::twilio(secret, &url.replacen("ws://", "wss://", 1))));
                }
            }
            Protocol::AudioHook => headers.extend(self.audiohook_headers(&url, proof, number)?),
            Protocol::Native | Protocol::Vonage | Protocol::AudioSocket | Protocol::Listen => {}
        }
        for (name, value) in headers {
            let value = HeaderValue::from_str(&value).map_err(|_| address())?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        self.socket = Some(open(request, &url, path, &self.playing.trust).await?);
        for message in self.first_messages() {
            self.say(message).await?;
        }
        if self.protocol == Protocol::AudioHook {
            let asked = Instant::now();
            let opened = self.answer("opened").await?;
            self.audiohook.answers.opened.push(asked.elapsed());
            let media = opened["parameters"]["media"].as_array().map_or(0, Vec::len);
            if media != 1 {
                return Err(self.rejected("media", &format!("the server selected {media} media instead of one")));
            }
            // The client of the platform sends what was selected; our own server takes both parties if it may.
            let selected = &opened["parameters"]["media"][0]["channels"];
            if selected.as_array().map_or(0, Vec::len) == 1 {
                self.keep_first_channel();
            }
            self.audiohook.next_ping_ms = 1_000;
        }
        Ok(())
    }

    fn keep_first_channel(&mut self) {
        let width = self.channels.len();
        self.samples = self.samples.iter().step_by(width).copied().collect();
        self.channels.truncate(1);
    }

    /// The frame of audio that begins at `at_ms`.
    pub async fn frame(&mut self, at_ms: u64) -> Result<(), ClientError> {
        let per_ms = self.sample_rate as usize / 1_000 * self.channels.len();
        let from = (at_ms as usize * per_ms).min(self.samples.len());
        let to = (from + self.protocol.frame_ms() * per_ms).min(self.samples.len());
        if from == to || self.held_from_ms.is_some() {
            return Ok(());
        }
        let linear: Vec<u8> = self.samples[from..to].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mulaw: Vec<u8> = self.samples[from..to].iter().map(|sample| encode_ulaw(*sample)).collect();
        match self.protocol {
            Protocol::Twilio => {
                for (index, channel) in self.channels.clone().into_iter().enumerate() {
                    let bytes: Vec<u8> = mulaw.iter().skip(index).step_by(self.channels.len()).copied().collect();
                    self.sequence += 1;
                    let message = json!({"event": "media", "sequenceNumber": self.sequence.to_string(),
                        "streamSid": "MZ00", "media": {"track": track(channel), "chunk": (at_ms / 20 + 1).to_string(),
                        "timestamp": at_ms.to_string(), "payload": to_base64(&bytes)}});
                    self.say(Message::text(message.to_string())).await?;
                }
                Ok(())
            }
            Protocol::AudioHook => {
                self.say(Message::binary(mulaw)).await?;
                if at_ms >= self.audiohook.next_ping_ms {
                    self.ping(at_ms).await?;
                }
                Ok(())
            }
            Protocol::Asterisk if self.sample_rate == 8_000 => self.say(Message::binary(mulaw)).await,
            _ => self.say(Message::binary(linear)).await,
        }
    }

    pub async fn close(&mut self, at_ms: u64) -> Result<(), ClientError> {
        match self.protocol {
            Protocol::Twilio => {
                let stop = json!({"event": "stop", "sequenceNumber": (self.sequence + 1).to_string(),
                    "streamSid": "MZ00", "stop": {"accountSid": "AC00", "callSid": self.playing.call}});
                self.say(Message::text(stop.to_string())).await?;
                self.closed(Some(1000)).await
            }
            Protocol::Listen => {
                self.say(Message::text(r#"{"type":"CloseStream"}"#)).await?;
                self.answer("Metadata").await?;
                self.closed(Some(1000)).await
            }
            Protocol::AudioHook => {
                let message = self.audiohook_message("close", at_ms, json!({"reason": "end"}));
                self.say(message).await?;
                self.answer("closed").await?;
                self.closed(None).await
            }
            _ => {
                if let Some(socket) = &mut self.socket {
                    // These platforms say nothing but goodbye.
                    let _ = socket.close(None).await;
                }
                self.closed(None).await
            }
        }
    }

    /// Waits for the end of the socket.
    async fn closed(&mut self, wanted: Option<u16>) -> Result<(), ClientError> {
        let Some(mut socket) = self.socket.take() else { return Ok(()) };
        let end = async {
            while let Some(message) = socket.next().await {
                match message {
                    Ok(Message::Close(frame)) => return Some(frame.map_or(CloseCode::Status, |frame| frame.code)),
                    Ok(_) => {}
                    Err(_) => return None,
                }
            }
            None
        };
        let code = timeout(ANSWER_TIMEOUT, end).await.map_err(|_| ClientError::Silent)?;
        match (wanted, code) {
            (Some(wanted), Some(code)) if u16::from(code) != wanted => {
                Err(self.rejected("closed", &format!("the server closed with {code} instead of {wanted}")))
            }
            _ => Ok(()),
        }
    }

    pub async fn say(&mut self, message: Message) -> Result<(), ClientError> {
        match &mut self.socket {
            Some(socket) => send(socket, message).await,
            None => Err(ClientError::Closed(String::new())),
        }
    }

    /// Reads what comes in until `due`; at least what is there already.
    pub async fn listen_until(&mut self, due: Instant) -> Result<(), ClientError> {
        loop {
            let Some(socket) = &mut self.socket else { return Ok(()) };
            let message = tokio::select! {
                biased;
                message = socket.next() => message,
                () = sleep_until(due) => return Ok(()),
            };
            self.hear(message).await?;
        }
    }

    /// Waits for a message of this type.
    async fn answer(&mut self, wanted: &str) -> Result<Value, ClientError> {
        let until = Instant::now() + ANSWER_TIMEOUT;
        loop {
            let Some(socket) = &mut self.socket else { return Err(ClientError::Closed(String::new())) };
            let message = timeout(until - Instant::now(), socket.next()).await.map_err(|_| ClientError::Silent)?;
            if let Some(message) = self.hear(message).await?
                && message["type"] == wanted
            {
                return Ok(message);
            }
        }
    }

    async fn hear(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<Option<Value>, ClientError> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => {
                let told = frame.map(|frame| format!("{} {}", frame.code, frame.reason)).unwrap_or_default();
                return Err(self.rejected("closed", &format!("the server closed the socket: {told}")));
            }
            Some(Ok(Message::Binary(_))) => {
                return Err(self.rejected("binary", "the server sent a binary frame, which this platform would play"));
            }
            Some(Ok(_)) => return Ok(None),
            Some(Err(error)) => return Err(ClientError::Broken(Box::new(error))),
            None => return Err(ClientError::Closed(String::new())),
        };
        let message: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        match self.protocol {
            Protocol::Twilio | Protocol::Vonage | Protocol::Jambonz => {
                return Err(
                    self.rejected("text", "the server sent a text frame, which this platform takes for an error")
                );
            }
            Protocol::AudioHook => self.hear_audiohook(&message).await?,
            Protocol::Listen if message["type"] == "Results" && message["is_final"] == true => {
                let said = message["channel"]["alternatives"][0]["transcript"].as_str().unwrap_or_default();
                self.utterances += u64::from(!said.is_empty());
            }
            Protocol::Listen if message["type"] == "Error" => {
                let told = message["message"].as_str().unwrap_or_default().to_owned();
                return Err(self.rejected("error", &told));
            }
            _ => {}
        }
        Ok(Some(message))
    }

    pub fn rejected(&self, code: &str, message: &str) -> ClientError {
        ClientError::Rejected { call: self.playing.call.clone(), code: code.to_owned(), message: message.to_owned() }
    }
}
