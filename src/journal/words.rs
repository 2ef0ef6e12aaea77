//! Which parts of an event are words of a conversation, and how they are forgotten when their time is over.
//!
//! What stays is figures: who, when, how long, kinds of cues with their weights, levels, kinds and states of alerts,
//! which practices fitted.

use crate::call::event::{Event, EventKind};
use crate::call::view::CallView;

/// Whether the event holds words.
pub fn holds(event: &Event) -> bool {
    match &event.kind {
        EventKind::Utterance { text, .. } => text.is_some(),
        EventKind::Assessment { cues, .. } => cues.iter().any(|cue| !cue.text.is_empty()),
        EventKind::Alert { quote, reason, dismissal, .. } => {
            quote.is_some() || dismissal.is_some() || !reason.is_empty()
        }
        EventKind::Suggestion { text, .. } | EventKind::Note { text, .. } => !text.is_empty(),
        _ => false,
    }
}

/// Takes the words out. Offsets of cues stay: they are numbers.
pub fn forget(event: &mut Event) {
    match &mut event.kind {
        EventKind::Utterance { text, .. } => *text = None,
        EventKind::Assessment { cues, .. } => cues.iter_mut().for_each(|cue| cue.text.clear()),
        EventKind::Alert { quote, reason, dismissal, .. } => {
            (*quote, *dismissal) = (None, None);
            reason.clear();
        }
        EventKind::Suggestion { text, .. } | EventKind::Note { text, .. } => text.clear(),
        _ => {}
    }
}

/// Whether the view holds words.
pub fn view_holds(view: &CallView) -> bool {
    view.last.is_some() || view.alert.is_some()
}

/// Takes the words out of a view.
pub fn forget_in_view(view: &mut CallView) {
    view.last = None;
    if let Some(alert) = &mut view.alert {
        alert.quote = None;
        alert.reason.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::event::Log;
    use crate::terms::{AlertKind, AlertState, Channel, Cue, CueKind};

    fn event(kind: EventKind) -> Event {
        Event { call: "c".to_owned(), log: Log::Call, seq: 1, at: String::new(), t_ms: 0, kind, durable: None }
    }

    #[test]
    fn no_word_is_left_and_the_figures_are() {
        let secret = || "Geheimnis".to_owned();
        let cue = Cue { kind: CueKind::Anger, start: 0, end: 9, text: secret(), weight: 7.0 };
        for kind in [
            EventKind::Utterance {
                channel: Channel::Customer,
                start_ms: 1,
                end_ms: 2,
                text: Some(secret()),
                confidence: None,
            },
            EventKind::Assessment {
                level: 61,
                band: crate::terms::Band::Heated,
                severity: 2,
                cues: vec![cue],
                utterance_seq: 1,
                sound: None,
            },
            EventKind::Alert {
                id: "c:a1".to_owned(),
                state: AlertState::Raised,
                kind: AlertKind::RISING_TENSION,
                reason: secret(),
                quote: Some(secret()),
                by: None,
                until: None,
                dismissal: Some(secret()),
                unacknowledged_ms: None,
            },
            EventKind::Suggestion { id: "c:s1".to_owned(), practice: "p".to_owned(), text: secret(), alert: None },
            EventKind::Note { by: "s1".to_owned(), text: secret() },
        ] {
            let mut event = event(kind);
            assert!(holds(&event), "{event:?}");
            forget(&mut event);
            let json = serde_json::to_string(&event).unwrap();
            assert!(!holds(&event) && !json.contains("Geheimnis"), "{json}");
        }
        let mut assessed = event(EventKind::Hold);
        assert!(!holds(&assessed));
        forget(&mut assessed);
        assert_eq!(assessed.kind, EventKind::Hold);
    }
}
