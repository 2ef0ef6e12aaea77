//! What a worker reads segments with: a state in its own thread, or a process.

use super::queue::SpeechJob;
use crate::terms::Outcome;

/// Reads segments; made once per worker and again after each failure.
pub(super) trait Decode {
    /// [`DropReason::Failed`](crate::terms::DropReason::Failed) means that it is of no more use.
    fn read(&mut self, job: &SpeechJob) -> Outcome;

    /// Whether it could read another.
    fn is_alive(&mut self) -> bool {
        true
    }
}

impl<F: FnMut(&SpeechJob) -> Outcome> Decode for F {
    fn read(&mut self, job: &SpeechJob) -> Outcome {
        self(job)
    }
}

pub(super) type Decoder = Box<dyn Decode>;
