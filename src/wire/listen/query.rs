//! What a client of `/v1/listen` asks for in its address.

use serde_json::{Map, Value};

use crate::audio::{Encoding, SAMPLE_RATES};
use crate::terms::Lang;
use crate::wire::BadMessage;

/// Shortest and longest silence that may end an utterance, in milliseconds: below, sentences are cut at a breath and
/// their halves are misread; above, every alert is late.
const HANGOVER_MS: (u64, u64) = (300, 2_000);

/// What a client asks for, read from the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub(super) encoding: Encoding,
    pub(super) sample_rate: u32,
    pub(super) channels: usize,
    pub(super) model: String,
    pub(super) utterance_end_ms: Option<u64>,
    pub(super) vad_events: bool,
    pub(super) interim_results: bool,
    /// Milliseconds of silence that end an utterance.
    pub(super) hangover_ms: Option<u64>,
    /// Whether the end of an utterance is told as such.
    pub(super) speech_final: bool,
    pub(super) language: Option<Lang>,
    pub(super) extra: Map<String, Value>,
}

impl Query {
    /// Reads the parameters, in the order in which they stand. Those we do not know pass.
    pub fn read<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, BadMessage> {
        let (mut encoding, mut sample_rate, mut channels) = (None, None, 1);
        let mut query = Self {
            encoding: Encoding::PcmS16le,
            sample_rate: 0,
            channels: 1,
            model: String::new(),
            utterance_end_ms: None,
            vad_events: false,
            interim_results: false,
            hangover_ms: None,
            speech_final: true,
            language: None,
            extra: Map::new(),
        };
        let number = |name: &str, value: &str| {
            value.parse::<u32>().map_err(|_| BadMessage(format!("parameter `{name}`: \"{value}\" is not a number")))
        };
        for (name, value) in pairs {
            match name {
                "encoding" => {
                    encoding = Some(match value {
                        "linear16" => Encoding::PcmS16le,
                        "mulaw" => Encoding::Mulaw,
                        "alaw" => Encoding::Alaw,
                        _ => {
                            return Err(BadMessage(format!(
                                "parameter `encoding`: \"{value}\" is not understood here; use linear16, mulaw or alaw"
                            )));
                        }
                    });
                }
                "sample_rate" => sample_rate = Some(number(name, value)?),
                "channels" => channels = number(name, value)? as usize,
                "model" => value.clone_into(&mut query.model),
                "language" => query.language = Lang::from_tag(value),
                "utterance_end_ms" => query.utterance_end_ms = Some(u64::from(number(name, value)?)),
                "vad_events" => query.vad_events = value == "true",
                "interim_results" => query.interim_results = value == "true",
                "endpointing" => match value {
                    "true" => {}
                    "false" => query.speech_final = false,
                    _ => query.hangover_ms = Some(u64::from(number(name, value)?).clamp(HANGOVER_MS.0, HANGOVER_MS.1)),
                },
                "extra" => {
                    let (key, value) = value.split_once(':').unwrap_or((value, "true"));
                    query.extra.insert(key.to_owned(), Value::from(value));
                }
                "tag" => {
                    query.extra.insert("tag".to_owned(), Value::from(value));
                }
                _ => {}
            }
        }
        query.encoding = encoding.ok_or_else(|| {
            BadMessage("parameter `encoding` is missing: give encoding=linear16|mulaw|alaw and sample_rate".to_owned())
        })?;
        query.sample_rate = match (sample_rate, query.encoding) {
            (Some(rate), _) if SAMPLE_RATES.contains(&rate) => rate,
            (None, Encoding::Mulaw | Encoding::Alaw) => 8_000,
            (None, Encoding::PcmS16le) => {
                return Err(BadMessage("parameter `sample_rate` is missing: it belongs to linear16".to_owned()));
            }
            (Some(rate), _) => {
                return Err(BadMessage(format!("parameter `sample_rate`: {rate} is not one of {SAMPLE_RATES:?}")));
            }
        };
        if !(1..=2).contains(&channels) {
            return Err(BadMessage(format!(
                "parameter `channels`: {channels} is not 1 (the customer) or 2 (customer and agent)"
            )));
        }
        query.channels = channels;
        Ok(query)
    }
}
