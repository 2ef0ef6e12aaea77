//! Complaints of the last while: what several of them together say.

use crate::terms::{Cue, CueKind};

/// Complaints remembered at most; more of them make no difference.
const COMPLAINTS_MAX: usize = 64;

/// An utterance of severity 2 or more.
#[derive(Debug, Clone)]
pub(super) struct Complaint {
    pub t_ms: u64,
    /// Number of the customer's turn.
    pub turn: u32,
    pub kinds: Vec<CueKind>,
    /// Its words match a pattern of that severity; else only cues and model together say so.
    pub quotable: bool,
}

/// Oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Complaints(Vec<Complaint>);

/// Complaints since an alert ended.
pub(super) struct Sum {
    /// Two that no pattern names count as one.
    pub hits: usize,
    /// Their kinds, each once, in the order they came up.
    pub kinds: Vec<CueKind>,
    /// All in the customer's present turn: nobody has answered them.
    pub one_turn: bool,
}

impl Complaints {
    pub fn push(&mut self, complaint: Complaint) {
        self.0.push(complaint);
    }

    /// Forgets what was said more than `window_ms` before `t_ms`, and makes room for one more.
    pub fn forget(&mut self, t_ms: u64, window_ms: u64) {
        self.0.retain(|complaint| t_ms.saturating_sub(complaint.t_ms) <= window_ms);
        if self.0.len() >= COMPLAINTS_MAX {
            self.0.remove(0);
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of these kinds came up before.
    pub fn topics(&self, kinds: &[CueKind]) -> usize {
        kinds.iter().filter(|kind| self.0.iter().any(|complaint| complaint.kinds.contains(kind))).count()
    }

    /// Turns of the customer from the last complaint to turn `turn`; the most there can be if there was none.
    pub fn turns_since_last(&self, turn: u32) -> u32 {
        let last = self.0.iter().map(|complaint| complaint.turn).max();
        last.map_or(u32::MAX, |last| turn.saturating_sub(last))
    }

    /// Complaints after `over_ms`, or all; `turn` is the customer's present one.
    pub fn since(&self, over_ms: Option<u64>, turn: u32) -> Sum {
        let mut sum = Sum { hits: 0, kinds: Vec::new(), one_turn: true };
        let mut halves = 0;
        for complaint in self.0.iter().filter(|complaint| over_ms.is_none_or(|over_ms| complaint.t_ms > over_ms)) {
            halves += 1 + usize::from(complaint.quotable);
            sum.one_turn &= complaint.turn == turn;
            for kind in &complaint.kinds {
                if !sum.kinds.contains(kind) {
                    sum.kinds.push(*kind);
                }
            }
        }
        sum.hits = halves / 2;
        sum
    }
}

/// Kinds of complaint among the cues, each once.
pub(super) fn kinds(cues: &[&Cue]) -> Vec<CueKind> {
    let mut kinds = Vec::new();
    for cue in cues.iter().filter(|cue| cue.weight > 0.0) {
        if !kinds.contains(&cue.kind) {
            kinds.push(cue.kind);
        }
    }
    kinds
}
