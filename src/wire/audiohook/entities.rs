//! What goes back to the platform about a call.

use serde_json::{Value, json};

use super::AudioHook;
use super::values::duration;
use crate::call::event::{Event, EventKind};
use crate::wire::phone::cut;

impl AudioHook {
    /// The entity of an event, if the platform is to be told of it.
    pub(super) fn entity(&self, event: &Event) -> Option<Value> {
        match &event.kind {
            EventKind::Utterance { channel, start_ms, end_ms, text: Some(text), confidence }
                if self.settings.transcripts =>
            {
                let track = self.channels.iter().position(|held| held == channel)?;
                let offset = duration(start_ms.saturating_sub(self.base_ms));
                let length = duration(end_ms.saturating_sub(*start_ms));
                let confidence = confidence.unwrap_or(1.0);
                let text = cut(text, 2_000);
                Some(json!({"type": "transcript", "data": {
                    "id": format!("{}:{}", event.call, event.seq),
                    "channelId": track,
                    "isFinal": true,
                    "offset": offset,
                    "duration": length,
                    "alternatives": [{"confidence": confidence,
                        "interpretations": [{"type": "display", "transcript": text}]}],
                }}))
            }
            EventKind::Suggestion { id, practice, text, .. } if self.settings.suggestions => {
                Some(json!({"type": "agentassist", "data": {
                    "id": id,
                    "utterances": [],
                    "suggestions": [{"id": id, "type": "faq", "confidence": 1.0,
                        "faq": {"question": practice, "answer": cut(text, 2_000)}}],
                }}))
            }
            _ => None,
        }
    }
}
