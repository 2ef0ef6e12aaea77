//! What the phone system says of a call, as the call takes it.

use crate::call;
use crate::call::event::parse_rfc3339;
use crate::wire::native::Facts;

/// Facts that come after the call's start may name its agent, queue and team.
pub(super) fn late_facts(facts: &Facts) -> call::Facts {
    call::Facts {
        agent: facts.agent.clone(),
        queue: facts.queue.clone(),
        team: facts.team.clone(),
        ..call_facts(facts)
    }
}

pub(super) fn call_facts(facts: &Facts) -> call::Facts {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    call::Facts {
        customer_name: facts.customer_name.clone(),
        wait_s: facts.wait_s,
        shift_started_unix_ms: facts.shift_started.as_deref().and_then(parse_rfc3339),
        metadata: facts.metadata.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        ..call::Facts::default()
    }
}
