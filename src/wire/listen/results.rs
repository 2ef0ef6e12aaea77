//! `Results` as Deepgram's clients know them.

use serde_json::{Value, json};

use super::Listen;

/// A stretch of speech and what was read in it.
pub(super) struct Read<'a> {
    /// Channel it was said on.
    pub index: usize,
    /// Seconds of this socket's audio.
    pub start: f64,
    pub end: f64,
    pub text: &'a str,
    /// 0 to 1.
    pub confidence: f32,
    /// The words will not change any more.
    pub is_final: bool,
    /// The speaker has paused here.
    pub speech_final: bool,
    pub from_finalize: bool,
}

impl Listen {
    /// The message; `extra` is what only we know.
    pub(super) fn results(&self, read: &Read<'_>, extra: Value) -> Value {
        let Read { index, start, end, text, confidence, is_final, speech_final, from_finalize } = *read;
        json!({
            "type": "Results",
            "channel_index": [index, self.channels.len()],
            "start": start,
            "duration": ((end - start) * 1e3).round() / 1e3,
            "is_final": is_final,
            "speech_final": speech_final,
            "from_finalize": from_finalize,
            "channel": {"alternatives": [{
                "transcript": text,
                "confidence": confidence,
                "words": words(text, start, end, confidence),
            }]},
            "metadata": {
                "request_id": self.settings.request_id,
                "model_info": {"name": self.query.model, "version": env!("CARGO_PKG_VERSION"), "arch": "whisper"},
                "model_uuid": self.settings.request_id,
            },
            "ruhepol": extra,
        })
    }
}

/// Words with times by their share of the characters: honest to about a word's length, exact at both ends.
pub(super) fn words(text: &str, start: f64, end: f64, confidence: f32) -> Vec<Value> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let length = |word: &str| word.chars().count() + 1;
    let total = words.iter().map(|word| length(word)).sum::<usize>().max(1) as f64;
    let mut passed = 0;
    let place = |passed: usize| {
        let at = start + (end - start) * passed as f64 / total;
        (at * 1e3).round() / 1e3
    };
    let mut timed = Vec::with_capacity(words.len());
    for word in words {
        let from = place(passed);
        passed += length(word);
        let bare: String = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let bare = if bare.is_empty() { word.to_owned() } else { bare };
        timed.push(json!({"word": bare, "start": from, "end": place(passed), "confidence": confidence,
            "punctuated_word": word}));
    }
    timed
}
