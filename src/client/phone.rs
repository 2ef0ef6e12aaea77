//! Our own recordings played the way phone systems do: pacing, framing, pings and signatures as their clients have
//! them, so that addresses, keys and firewalls can be tried before the real platform is connected.

use std::time::Duration;

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_ulaw};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

use super::{ANSWER_TIMEOUT, ClientError, Played, Playing, Socket, control_message, open, send};
use crate::audio::Encoding;
use crate::fixture::{ControlKind, Fixture};
use crate::terms::Channel;
use crate::wire::httpsig;
use crate::wire::sign::{self, from_base64, to_base64};

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
    Listen,
}

impl Protocol {
    pub const NAMES: [&str; 8] =
        ["native", "twilio", "audiohook", "vonage", "jambonz", "freeswitch", "asterisk", "listen"];

    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "native" => Self::Native,
            "twilio" => Self::Twilio,
            "audiohook" => Self::AudioHook,
            "vonage" => Self::Vonage,
            "jambonz" => Self::Jambonz,
            "freeswitch" => Self::FreeSwitch,
            "asterisk" => Self::Asterisk,
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
            Self::Listen => "/v1/listen",
        }
    }

    /// Platforms that open a socket for each party.
    fn one_party_per_socket(self) -> bool {
        matches!(self, Self::Vonage | Self::Asterisk)
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
    if protocol == Protocol::Native {
        return super::play(fixture, playing, progress).await;
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
    let utterances = legs.iter().map(|leg| leg.utterances).sum();
    Ok(Played { call: playing.call.clone(), utterances })
}

/// One socket of a call.
struct Leg<'a> {
    protocol: Protocol,
    fixture: &'a Fixture,
    playing: &'a Playing,
    channels: Vec<Channel>,
    /// Interleaved 16-bit samples of these channels.
    samples: Vec<i16>,
    sample_rate: u32,
    socket: Option<Socket>,
    audiohook: AudioHook,
    utterances: u64,
    sequence: u64,
    held: bool,
}

/// AudioHook's side of the numbers.
#[derive(Default)]
struct AudioHook {
    session: String,
    seq: u64,
    server_seq: u64,
    /// When the ping that is unanswered was sent.
    pinged: Option<Instant>,
    next_ping_ms: u64,
    pings: u64,
}

impl<'a> Leg<'a> {
    fn new(
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
            held: false,
        })
    }

    async fn open(&mut self, proof: &Proof, number: usize) -> Result<(), ClientError> {
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
            Protocol::Native | Protocol::Vonage | Protocol::Listen => {}
        }
        for (name, value) in headers {
            let value = HeaderValue::from_str(&value).map_err(|_| address())?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        self.socket = Some(open(request, &url, path).await?);
        for message in self.first_messages() {
            self.say(message).await?;
        }
        if self.protocol == Protocol::AudioHook {
            let opened = self.answer("opened").await?;
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

    /// The address, with what the platform carries in it.
    fn url(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match self.protocol {
            Protocol::Listen => {
                query.append_pair("model", "general").append_pair("encoding", "linear16");
                query.append_pair("sample_rate", &self.sample_rate.to_string());
                query.append_pair("channels", &self.channels.len().to_string());
                query.append_pair("multichannel", if self.channels.len() > 1 { "true" } else { "false" });
                query.append_pair("language", self.fixture.info.lang.as_str());
                query.append_pair("interim_results", "true").append_pair("punctuate", "true");
                for (name, value) in self.parameters() {
                    query.append_pair("extra", &format!("{name}:{}", plain(&value)));
                }
            }
            Protocol::Asterisk => {
                for (name, value) in self.parameters() {
                    query.append_pair(&name, &plain(&value));
                }
            }
            _ => return self.playing.url.clone(),
        }
        format!("{}?{}", self.playing.url, query.finish())
    }

    /// The facts of the call under our own names.
    fn parameters(&self) -> serde_json::Map<String, Value> {
        let info = &self.fixture.info;
        let mut all = serde_json::Map::new();
        all.insert("call".to_owned(), json!(self.playing.call));
        all.insert("language".to_owned(), json!(info.lang));
        if self.fixture.consent {
            all.insert("consent".to_owned(), json!("true"));
        }
        if let [only] = self.channels.as_slice() {
            all.insert("channel".to_owned(), json!(only));
        }
        let facts = [
            ("agent", &info.agent),
            ("queue", &info.queue),
            ("team", &info.team),
            ("customer_name", &info.facts.customer_name),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                all.insert(name.to_owned(), json!(value));
            }
        }
        if let Some(wait_s) = info.facts.wait_s {
            all.insert("wait_s".to_owned(), json!(wait_s.to_string()));
        }
        all
    }

    fn first_messages(&mut self) -> Vec<Message> {
        let text = |value: Value| Message::text(value.to_string());
        let mut all = self.parameters();
        match self.protocol {
            Protocol::Twilio => {
                let tracks: Vec<&str> = self.channels.iter().map(|channel| track(*channel)).collect();
                let texts = all.iter().map(|(name, value)| (name.clone(), json!(plain(value))));
                let parameters: serde_json::Map<_, _> = texts.collect();
                self.sequence = 1;
                vec![
                    text(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})),
                    text(json!({"event": "start", "sequenceNumber": "1", "streamSid": "MZ00", "start": {
                        "accountSid": "AC00", "streamSid": "MZ00", "callSid": self.playing.call, "tracks": tracks,
                        "customParameters": parameters,
                        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}})),
                ]
            }
            Protocol::Vonage => {
                all.insert("event".to_owned(), json!("websocket:connected"));
                all.insert("content-type".to_owned(), json!(format!("audio/l16;rate={}", self.sample_rate)));
                vec![text(Value::Object(all))]
            }
            Protocol::Jambonz => vec![text(json!({"callSid": self.playing.call, "direction": "inbound",
                "sampleRate": self.sample_rate, "mixType": self.mix(), "metadata": all}))],
            Protocol::FreeSwitch => {
                all.insert("mix".to_owned(), json!(self.mix()));
                all.insert("rate".to_owned(), json!(self.sample_rate));
                vec![text(Value::Object(all))]
            }
            Protocol::Asterisk => {
                let format = match self.sample_rate {
                    8_000 => "ulaw",
                    16_000 => "slin16",
                    _ => "slin48",
                };
                vec![text(json!({"event": "MEDIA_START", "connection_id": self.playing.call, "format": format,
                    "channel": "WebSocket/ruhepol", "channel_id": self.playing.call, "optimal_frame_size": 160,
                    "ptime": 20, "channel_variables": {}}))]
            }
            Protocol::AudioHook => {
                let media =
                    |channels: Value| json!({"type": "audio", "format": "PCMU", "channels": channels, "rate": 8000});
                let mut offers = vec![media(json!(["external"])), media(json!(["internal"]))];
                if self.channels == [Channel::Customer, Channel::Agent] {
                    offers.insert(0, media(json!(["external", "internal"])));
                }
                let parameters = json!({"organizationId": ORGANIZATION, "conversationId": uuid_of(&self.playing.call),
                    "participant": {"id": uuid_of("participant"), "ani": "", "aniName": "", "dnis": ""},
                    "media": offers, "language": format!("{}-{}", self.fixture.info.lang.as_str(), "DE"),
                    "customConfig": all});
                vec![self.audiohook_message("open", 0, parameters)]
            }
            Protocol::Native | Protocol::Listen => Vec::new(),
        }
    }

    fn mix(&self) -> &'static str {
        if self.channels.len() == 2 { "stereo" } else { "mono" }
    }

    /// The frame of audio that begins at `at_ms`.
    async fn frame(&mut self, at_ms: u64) -> Result<(), ClientError> {
        let per_ms = self.sample_rate as usize / 1_000 * self.channels.len();
        let from = (at_ms as usize * per_ms).min(self.samples.len());
        let to = (from + self.protocol.frame_ms() * per_ms).min(self.samples.len());
        if from == to || self.held {
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

    async fn ping(&mut self, at_ms: u64) -> Result<(), ClientError> {
        if let Some(pinged) = self.audiohook.pinged {
            if pinged.elapsed() < PONG_PATIENCE {
                // Only a recording sent faster than real time is here so soon.
                return Ok(());
            }
            return Err(self.rejected("no_pong", "no pong came before the next ping"));
        }
        self.audiohook.pinged = Some(Instant::now());
        self.audiohook.pings += 1;
        self.audiohook.next_ping_ms = at_ms + 5_000;
        let parameters = if self.audiohook.pings > 1 { json!({"rtt": "PT0.05S"}) } else { json!({}) };
        let message = self.audiohook_message("ping", at_ms, parameters);
        self.say(message).await
    }

    /// What the phone system says at a time of the call, where the platform has a word for it.
    async fn control(&mut self, at_ms: u64, kind: &ControlKind) -> Result<(), ClientError> {
        match (self.protocol, kind) {
            (Protocol::AudioHook, ControlKind::Hold) => {
                self.held = true;
                let message = self.audiohook_message("paused", at_ms, json!({}));
                self.say(message).await
            }
            (Protocol::AudioHook, ControlKind::Resume) => {
                self.held = false;
                // What was left out is the difference of the two positions; here the frames were never sent.
                let parameters = json!({"start": format!("PT{}S", at_ms as f64 / 1e3), "discarded": "PT0S"});
                let message = self.audiohook_message("resumed", at_ms, parameters);
                self.say(message).await
            }
            (Protocol::FreeSwitch, kind) => {
                let mut message = control_message(kind);
                if let Some(event) = message.as_object_mut().and_then(|message| message.remove("type")) {
                    message["event"] = event;
                }
                self.say(Message::text(message.to_string())).await
            }
            _ => Ok(()),
        }
    }

    async fn close(&mut self, at_ms: u64) -> Result<(), ClientError> {
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

    async fn say(&mut self, message: Message) -> Result<(), ClientError> {
        match &mut self.socket {
            Some(socket) => send(socket, message).await,
            None => Err(ClientError::Closed(String::new())),
        }
    }

    /// Reads what comes in until `due`; at least what is there already.
    async fn listen_until(&mut self, due: Instant) -> Result<(), ClientError> {
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
            Protocol::Listen if message["type"] == "Results" => {
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

    async fn hear_audiohook(&mut self, message: &Value) -> Result<(), ClientError> {
        self.audiohook.server_seq += 1;
        if message["seq"] != self.audiohook.server_seq || message["version"] != "2" {
            return Err(self.rejected("seq", &format!("the server's message breaks the numbers: {message}")));
        }
        match message["type"].as_str() {
            Some("pong") => {
                if self.audiohook.pinged.take().is_none() {
                    return Err(self.rejected("pong", "an unsolicited pong"));
                }
                if self.audiohook.pings == 1 {
                    // The platform measures the round trip once more at once.
                    self.audiohook.next_ping_ms = 0;
                }
                Ok(())
            }
            Some("disconnect") => {
                let parameters = &message["parameters"];
                let told = format!("{}: {}", parameters["reason"], parameters["info"]);
                Err(self.rejected("disconnect", &told))
            }
            _ => Ok(()),
        }
    }

    fn audiohook_message(&mut self, kind: &str, at_ms: u64, parameters: Value) -> Message {
        self.audiohook.seq += 1;
        let message = json!({"version": "2", "id": self.audiohook.session, "type": kind, "seq": self.audiohook.seq,
            "serverseq": self.audiohook.server_seq, "position": format!("PT{}S", at_ms as f64 / 1e3),
            "parameters": parameters});
        Message::text(message.to_string())
    }

    fn audiohook_headers(
        &mut self,
        url: &str,
        proof: &Proof,
        number: usize,
    ) -> Result<Vec<(&'static str, String)>, ClientError> {
        self.audiohook.session = uuid_of(&format!("{} session {number}", self.playing.call));
        let mut headers = vec![
            ("audiohook-organization-id", ORGANIZATION.to_owned()),
            ("audiohook-session-id", self.audiohook.session.clone()),
            ("audiohook-correlation-id", uuid_of("correlation")),
        ];
        let Some(key) = &proof.api_key else { return Ok(headers) };
        headers.push(("x-api-key", key.clone()));
        if let Some(secret) = &proof.secret {
            let wrong = || ClientError::Recording("the client secret is not base64; copy it anew".to_owned());
            let secret = from_base64(secret.trim()).ok_or_else(wrong)?;
            let (_, rest) = url.split_once("://").unwrap_or(("", url));
            let (authority, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let value = |name: &str| match name {
                "@request-target" => Some(target.to_owned()),
                "@authority" => Some(authority.to_ascii_lowercase()),
                name => headers.iter().find(|(held, _)| *held == name).map(|(_, value)| value.clone()),
            };
            let mut nonce = [0; 16];
            // A nonce that is not random is refused the second time, which says what is wrong.
            let _ = getrandom::fill(&mut nonce);
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let now_s = since.as_secs();
            if let Some((input, signature)) = httpsig::sign(&secret, key, &to_base64(&nonce), now_s, now_s + 10, value)
            {
                headers.push(("signature-input", input));
                headers.push(("signature", signature));
            }
        }
        Ok(headers)
    }

    fn rejected(&self, code: &str, message: &str) -> ClientError {
        ClientError::Rejected { call: self.playing.call.clone(), code: code.to_owned(), message: message.to_owned() }
    }
}

/// AudioHook's client pings every five seconds and gives up if the pong before is missing.
const PONG_PATIENCE: Duration = Duration::from_secs(5);

/// The organization our AudioHook client says it is.
const ORGANIZATION: &str = "d7934305-0972-4844-938e-9060eef73d05";

fn track(channel: Channel) -> &'static str {
    if channel == Channel::Agent { "outbound" } else { "inbound" }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A UUID that belongs to a name: the same call gets the same conversation.
fn uuid_of(name: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let hex: String = Sha256::digest(name.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-5{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
