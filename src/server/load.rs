//! What an agent had to bear: heated calls and the time in them, for the supervisor who can send them on a break.
//!
//! A figure of the calls, not of the agent: what the agent said plays no part in it.

use std::collections::BTreeMap;

use crate::call::event::{Event, EventKind};
use crate::terms::Band;
use crate::wire::feed::Load;

/// From when on a break is suggested.
#[derive(Debug, Clone, Copy)]
pub struct BreakRule {
    pub heated_calls: u32,
    pub heated_ms: u64,
}

/// The load of one agent, folded from the call logs.
#[derive(Debug, Default)]
pub struct AgentLoad {
    heated_calls: u32,
    /// Of calls that have cooled down or ended.
    heated_ms: u64,
    /// Calls of this agent; the media clock since when they are heated, if they are.
    calls: BTreeMap<String, Heat>,
}

#[derive(Debug, Default)]
struct Heat {
    since_ms: Option<u64>,
    counted: bool,
}

impl AgentLoad {
    /// Folds in an event of a call's log; the message to send if the load changed.
    pub fn apply(&mut self, agent: &str, event: &Event, rule: BreakRule) -> Option<Load> {
        let heated = match &event.kind {
            EventKind::Assessment { band, .. } => *band >= Band::Heated,
            EventKind::CallEnded { .. } => false,
            _ => return None,
        };
        let heat = self.calls.entry(event.call.clone()).or_default();
        let changed = heated != heat.since_ms.is_some();
        if heated && changed {
            heat.since_ms = Some(event.t_ms);
            self.heated_calls += u32::from(!heat.counted);
            heat.counted = true;
        } else if let Some(since_ms) = heat.since_ms.filter(|_| !heated) {
            self.heated_ms += event.t_ms.saturating_sub(since_ms);
            heat.since_ms = None;
        }
        if matches!(event.kind, EventKind::CallEnded { .. }) {
            self.calls.remove(&event.call);
        }
        let suggested = self.heated_calls >= rule.heated_calls || self.heated_ms >= rule.heated_ms;
        changed.then(|| Load::new(agent, self.heated_calls, self.heated_ms, suggested))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::event::{CallSummary, EndReason, Log};

    const RULE: BreakRule = BreakRule { heated_calls: 2, heated_ms: 600_000 };

    fn event(call: &str, t_ms: u64, kind: EventKind) -> Event {
        Event { call: call.to_owned(), log: Log::Call, seq: 1, at: String::new(), t_ms, kind, durable: None }
    }

    fn assessed(call: &str, t_ms: u64, band: Band) -> Event {
        let kind =
            EventKind::Assessment { level: 0, band, severity: 0, cues: Vec::new(), utterance_seq: 1, sound: None };
        event(call, t_ms, kind)
    }

    fn ended(call: &str, t_ms: u64) -> Event {
        event(call, t_ms, EventKind::CallEnded { reason: EndReason::Stop, summary: CallSummary::default() })
    }

    #[test]
    fn heated_time_adds_up_and_a_call_counts_once() {
        let mut load = AgentLoad::default();
        assert_eq!(load.apply("a", &assessed("c", 1_000, Band::Tense), RULE), None);
        assert_eq!(load.apply("a", &assessed("c", 2_000, Band::Heated), RULE), Some(Load::new("a", 1, 0, false)));
        assert_eq!(load.apply("a", &assessed("c", 3_000, Band::Critical), RULE), None);
        assert_eq!(load.apply("a", &assessed("c", 5_000, Band::Calm), RULE), Some(Load::new("a", 1, 3_000, false)));
        assert_eq!(load.apply("a", &assessed("c", 6_000, Band::Heated), RULE), Some(Load::new("a", 1, 3_000, false)));
        assert_eq!(load.apply("a", &ended("c", 7_000), RULE), Some(Load::new("a", 1, 4_000, false)));
        assert_eq!(load.apply("a", &assessed("d", 10, Band::Heated), RULE), Some(Load::new("a", 2, 4_000, true)));
        assert_eq!(load.calls.len(), 1, "ended calls are forgotten");
    }
}
