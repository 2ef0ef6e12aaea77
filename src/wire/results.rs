//! Results of other recognisers, in the shapes in which their services send them.
//!
//! | service | known by | times |
//! |---|---|---|
//! | Amazon Transcribe, streaming | `Transcript.Results[]` | seconds |
//! | Amazon Transcribe, call analytics | `UtteranceEvent` | milliseconds |
//! | Deepgram | `type` `Results` | seconds |
//! | Azure AI Speech | `RecognitionStatus` | units of 100 ns |
//!
//! Channels are numbers or names of theirs; number `n` is channel `n` of our `start`.

use serde_json::Value;

use crate::terms::{Channel, Span};
use crate::wire::BadMessage;

/// A week: times beyond are in another unit.
const MAX_MS: f64 = 7.0 * 24.0 * 3_600_000.0;

/// Longest text of one result, in bytes.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// One result that will not change any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Final {
    pub channel: Channel,
    pub span: Span,
    pub text: String,
    /// The service's own name for it.
    pub id: Option<String>,
}

/// The final results of a message in one of the shapes above; interim ones are left out. `None`: none of the shapes.
pub fn read(message: &Value, channels: &[Channel]) -> Result<Option<Vec<Final>>, BadMessage> {
    let mut found = Vec::new();
    if let Some(results) = message.pointer("/Transcript/Results").and_then(Value::as_array) {
        for result in results {
            if result["IsPartial"] != Value::Bool(true) {
                let number = result["ChannelId"].as_str().and_then(|name| name.rsplit('_').next()?.parse().ok());
                let channel = channel_at(channels, number.unwrap_or(0))?;
                let text = &result["Alternatives"][0]["Transcript"];
                let span = span(&result["StartTime"], &result["EndTime"], 1_000.0)?;
                push(&mut found, channel, span, text, &result["ResultId"])?;
            }
        }
    } else if let Some(event) = message.get("UtteranceEvent") {
        if event["IsPartial"] != Value::Bool(true) {
            let channel = match event["ParticipantRole"].as_str() {
                Some("AGENT") => Channel::Agent,
                Some("CUSTOMER") => Channel::Customer,
                _ => return Err(wrong("UtteranceEvent.ParticipantRole is neither AGENT nor CUSTOMER")),
            };
            if !channels.contains(&channel) {
                return Err(wrong("UtteranceEvent.ParticipantRole is a channel that was not named in start"));
            }
            let span = span(&event["BeginOffsetMillis"], &event["EndOffsetMillis"], 1.0)?;
            push(&mut found, channel, span, &event["Transcript"], &event["UtteranceId"])?;
        }
    } else if message["type"] == "Results" {
        if message["is_final"] == Value::Bool(true) {
            let channel = channel_at(channels, message["channel_index"][0].as_u64().unwrap_or(0))?;
            let (start, duration) = (number(&message["start"], 1_000.0)?, number(&message["duration"], 1_000.0)?);
            let text = &message["channel"]["alternatives"][0]["transcript"];
            push(&mut found, channel, Span::new(start as u64, (start + duration) as u64), text, &Value::Null)?;
        }
    } else if let Some(status) = message.get("RecognitionStatus") {
        if status == "Success" || status == 0 {
            let channel = channel_at(channels, message["Channel"].as_u64().unwrap_or(0))?;
            let (start, duration) = (number(&message["Offset"], 1e-4)?, number(&message["Duration"], 1e-4)?);
            let best = &message["NBest"][0]["Display"];
            let text = if best.is_string() { best } else { &message["DisplayText"] };
            push(&mut found, channel, Span::new(start as u64, (start + duration) as u64), text, &message["Id"])?;
        }
    } else if !is_notice(message) {
        return Ok(None);
    }
    Ok(Some(found))
}

/// What these services say besides: of no meaning here.
fn is_notice(message: &Value) -> bool {
    let hypothesis = message.get("Text").is_some() && message.get("Offset").is_some();
    let deepgram = matches!(message["type"].as_str(), Some("Metadata" | "SpeechStarted" | "UtteranceEnd"));
    let analytics = message.get("CategoryEvent").is_some() || message.get("ConfigurationEvent").is_some();
    hypothesis || deepgram || analytics
}

fn push(found: &mut Vec<Final>, channel: Channel, span: Span, text: &Value, id: &Value) -> Result<(), BadMessage> {
    let Some(text) = text.as_str() else { return Err(wrong("a final result without its text")) };
    if text.len() > MAX_TEXT_BYTES {
        return Err(wrong("the text of a result is longer than 16 KiB"));
    }
    if !text.trim().is_empty() {
        let id = id.as_str().map(str::to_owned);
        found.push(Final { channel, span, text: text.to_owned(), id });
    }
    Ok(())
}

fn channel_at(channels: &[Channel], number: u64) -> Result<Channel, BadMessage> {
    let place = usize::try_from(number).ok().and_then(|place| channels.get(place));
    place.copied().ok_or_else(|| BadMessage(format!("a result of channel {number}, which was not named in start")))
}

fn span(start: &Value, end: &Value, ms: f64) -> Result<Span, BadMessage> {
    let (start, end) = (number(start, ms)?, number(end, ms)?);
    if end < start {
        Err(wrong("a result that ends before it starts"))
    } else {
        Ok(Span::new(start as u64, end as u64))
    }
}

/// A time in milliseconds.
fn number(value: &Value, ms: f64) -> Result<f64, BadMessage> {
    let time = value.as_f64().map(|time| (time * ms).round());
    time.filter(|time| (0.0..=MAX_MS).contains(time))
        .ok_or_else(|| wrong("a result whose times are missing or not times"))
}

fn wrong(message: &str) -> BadMessage {
    BadMessage(message.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const BOTH: [Channel; 2] = [Channel::Customer, Channel::Agent];

    fn one(message: Value) -> Final {
        let mut found = read(&message, &BOTH).unwrap().unwrap();
        assert_eq!(found.len(), 1, "{message}");
        found.remove(0)
    }

    fn expected(channel: Channel, id: Option<&str>) -> Final {
        let text = "Wo ist mein Paket?".to_owned();
        Final { channel, span: Span::new(1_500, 3_250), text, id: id.map(str::to_owned) }
    }

    #[test]
    fn amazon_transcribe() {
        let result = |partial: bool| {
            json!({"ResultId": "r1", "StartTime": 1.5, "EndTime": 3.25, "IsPartial": partial, "ChannelId": "ch_1",
                "Alternatives": [{"Transcript": "Wo ist mein Paket?", "Items": []}]})
        };
        let message = json!({"Transcript": {"Results": [result(true), result(false)]}});
        assert_eq!(one(message), expected(Channel::Agent, Some("r1")));
        let analytics = json!({"UtteranceEvent": {"UtteranceId": "u1", "IsPartial": false, "ParticipantRole": "CUSTOMER",
            "BeginOffsetMillis": 1500, "EndOffsetMillis": 3250, "Transcript": "Wo ist mein Paket?"}});
        assert_eq!(one(analytics), expected(Channel::Customer, Some("u1")));
    }

    #[test]
    fn deepgram_and_azure() {
        let deepgram = json!({"type": "Results", "channel_index": [1, 2], "start": 1.5, "duration": 1.75, "is_final": true,
            "channel": {"alternatives": [{"transcript": "Wo ist mein Paket?", "confidence": 0.9}]}});
        assert_eq!(one(deepgram.clone()), expected(Channel::Agent, None));
        let mut interim = deepgram;
        interim["is_final"] = json!(false);
        assert_eq!(read(&interim, &BOTH), Ok(Some(vec![])));
        let azure = json!({"Id": "z1", "RecognitionStatus": "Success", "Offset": 15_000_000, "Duration": 17_500_000,
            "Channel": 0, "DisplayText": "wo ist mein paket", "NBest": [{"Display": "Wo ist mein Paket?"}]});
        assert_eq!(one(azure), expected(Channel::Customer, Some("z1")));
        for other in [
            json!({"RecognitionStatus": "NoMatch", "Offset": 0, "Duration": 0}),
            json!({"Text": "wo ist", "Offset": 15_000_000, "Duration": 100}),
            json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 2.0}),
        ] {
            assert_eq!(read(&other, &BOTH), Ok(Some(vec![])), "{other}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_what_is_foreign_is_not_ours() {
        for wrong in [
            json!({"Transcript": {"Results": [{"StartTime": 2.0, "EndTime": 1.0, "Alternatives": [{"Transcript": "x"}]}]}}),
            json!({"Transcript": {"Results": [{"StartTime": "1", "EndTime": 2, "Alternatives": [{"Transcript": "x"}]}]}}),
            json!({"Transcript": {"Results": [{"StartTime": 1, "EndTime": 2, "Alternatives": []}]}}),
            json!({"Transcript": {"Results": [{"StartTime": 1, "EndTime": 2, "ChannelId": "ch_7",
                "Alternatives": [{"Transcript": "x"}]}]}}),
            json!({"UtteranceEvent": {"ParticipantRole": "BOT"}}),
            json!({"type": "Results", "is_final": true, "start": 1e300, "duration": 1.0}),
            json!({"RecognitionStatus": "Success", "Offset": -10_000_000, "Duration": 1, "DisplayText": "x"}),
        ] {
            assert!(read(&wrong, &BOTH).is_err(), "{wrong}");
        }
        assert_eq!(read(&json!({"type": "utterance"}), &BOTH), Ok(None));
        assert_eq!(read(&json!([1]), &BOTH), Ok(None));
    }

    proptest! {
        #[test]
        fn no_numbers_panic(start in any::<f64>(), length in any::<f64>(), channel in any::<u64>()) {
            let text = json!([{"Transcript": "x"}]);
            let _ = read(&json!({"Transcript": {"Results": [{"StartTime": start, "EndTime": length,
                "ChannelId": format!("ch_{channel}"), "Alternatives": text}]}}), &BOTH);
            let _ = read(&json!({"type": "Results", "is_final": true, "start": start, "duration": length,
                "channel_index": [channel]}), &BOTH);
            let _ = read(&json!({"RecognitionStatus": "Success", "Offset": start, "Duration": length,
                "Channel": channel, "DisplayText": "x"}), &BOTH);
        }
    }
}
