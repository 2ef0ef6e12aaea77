//! Which words alert at once, how serious they are, and which make peace.

use crate::terms::{AlertKind, Channel, Cue, CueKind};

/// An act that alerts at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Act {
    pub kind: CueKind,
    /// Where its cue stands among the cues of the utterance; `None` if the severity alone says so.
    pub cue: Option<usize>,
}

/// The most serious act that alerts at once among `cues`.
///
/// An insult alerts when the severity says it was aimed at people (3), not at the company as a thing (2); a threat to
/// leave from severity 2 on. A severity of 3 without any of the acts alerts on its heaviest cue.
pub(super) fn act_of(channel: Channel, severity: u8, cues: &[&Cue]) -> Option<Act> {
    let named = cues.iter().enumerate().filter(|(_, cue)| alerts_at_once(cue.kind, severity));
    let act = |(at, cue): (usize, &&Cue)| Act { kind: cue.kind, cue: Some(at) };
    // `max_by_key` keeps the last of equals; reversed, the first act spoken is the one quoted.
    if let Some(found) = named.rev().max_by_key(|(_, cue)| seriousness(AlertKind::Act(cue.kind))) {
        return Some(act(found));
    }
    if severity < 3 || channel != Channel::Customer {
        return None;
    }
    let hostile = cues.iter().enumerate().filter(|(_, cue)| cue.weight > 0.0 && !cue.kind.is_agents());
    let heaviest = hostile.max_by(|(_, a), (_, b)| a.weight.total_cmp(&b.weight));
    Some(heaviest.map_or(Act { kind: CueKind::Anger, cue: None }, act))
}

fn alerts_at_once(kind: CueKind, severity: u8) -> bool {
    match kind {
        CueKind::SupervisorRequest
        | CueKind::LegalThreat
        | CueKind::PublicityThreat
        | CueKind::ViolenceThreat
        | CueKind::SelfHarm => true,
        CueKind::ChurnThreat => severity >= 2,
        CueKind::Insult => severity >= 3,
        _ => false,
    }
}

/// Cues that count on a channel where both parties speak: only threats and danger.
pub(crate) fn counts_on_mixed(kind: CueKind) -> bool {
    matches!(
        kind,
        CueKind::ChurnThreat
            | CueKind::LegalThreat
            | CueKind::PublicityThreat
            | CueKind::ViolenceThreat
            | CueKind::SelfHarm
    )
}

/// Order of alerts: an open one is raised higher only by a more serious one.
pub(super) fn seriousness(kind: AlertKind) -> u8 {
    match kind {
        AlertKind::Trend(_) => 0,
        AlertKind::Act(CueKind::ViolenceThreat | CueKind::SelfHarm) => 5,
        AlertKind::Act(CueKind::LegalThreat | CueKind::PublicityThreat) => 4,
        AlertKind::Act(CueKind::SupervisorRequest | CueKind::Insult) => 3,
        AlertKind::Act(CueKind::ChurnThreat) => 2,
        AlertKind::Act(_) => 1,
    }
}

/// Signs that the customer has made peace: 2 is clear, 1 is mild.
pub(super) fn reconciliation(cues: &[&Cue]) -> u8 {
    let has = |kind: CueKind| cues.iter().any(|cue| cue.kind == kind);
    let strong = has(CueKind::Relief) || has(CueKind::ApologyAccepted);
    let mild = [CueKind::Gratitude, CueKind::Praise, CueKind::Patience, CueKind::Humour];
    let mild = mild.into_iter().filter(|kind| has(*kind)).count().min(2);
    if strong { 2 } else { mild as u8 }
}
