//! What is heard of agents, and what is taken out of the words.

use serde::{Deserialize, Serialize};

use crate::call::AgentChannel;

/// The agent's voice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agent {
    /// `off`: never transcribed. `coach` (default): transcribed in memory for the agent's own prompts, shown to nobody
    /// else. `full`: the agent's words are in the call's log; a choice to be made with the works council.
    pub channel: AgentChannel,
}

/// What is taken out of the words before anybody but the agent sees them. Card, account, telephone and other long
/// numbers, e-mail and postal addresses and dates of birth always are (docs/privacy.md).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// Replace names of people, too: the customer's as the phone system told it, names that are introduced ("mein Name
    /// ist …") or spelled. Default `false`: whoever helps with a call has to know whom they speak of.
    pub redact_names: bool,
}
