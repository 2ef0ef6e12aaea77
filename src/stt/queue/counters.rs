//! What the queue and its workers count.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::terms::DropReason;

/// Counters of the queue and its workers. Written by them, read by the metrics page.
#[derive(Debug, Default)]
pub(super) struct SpeechCounters {
    pub(super) submitted: AtomicU64,
    pub(super) transcribed: AtomicU64,
    pub(super) nothing: AtomicU64,
    pub(super) dropped: [AtomicU64; 4],
    pub(super) undelivered: AtomicU64,
    pub(super) restarts: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) hung: AtomicU64,
    pub(super) workers: AtomicU64,
    pub(super) workers_up: AtomicU64,
    pub(super) depth: AtomicU64,
    pub(super) busy_us: AtomicU64,
    pub(super) audio_ms: AtomicU64,
}

/// The counters at one moment; all but `depth` and `workers_up` only grow.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SpeechStats {
    pub submitted: u64,
    /// Segments that came back as text.
    pub transcribed: u64,
    /// Segments in which nothing was said.
    pub nothing: u64,
    pub dropped_deadline: u64,
    pub dropped_overload: u64,
    pub dropped_failed: u64,
    pub dropped_shutting_down: u64,
    /// Transcripts whose call had gone or left no place for them.
    pub undelivered: u64,
    /// Times a worker threw its state or process away after a failure, to make a new one.
    pub restarts: u64,
    /// Segments given to a worker once more, after the first had failed on them.
    pub retried: u64,
    /// Processes killed because they gave no answer in time.
    pub hung: u64,
    /// Workers there should be, and those that can read now.
    pub workers: u64,
    pub workers_up: u64,
    /// Segments waiting now.
    pub depth: u64,
    /// Time the workers spent on transcription, summed over workers.
    pub busy_s: f64,
    /// Speech they transcribed in that time.
    pub audio_s: f64,
}

impl SpeechCounters {
    pub(super) fn stats(&self) -> SpeechStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let dropped = |reason: DropReason| get(&self.dropped[reason as usize]);
        SpeechStats {
            submitted: get(&self.submitted),
            transcribed: get(&self.transcribed),
            nothing: get(&self.nothing),
            dropped_deadline: dropped(DropReason::Deadline),
            dropped_overload: dropped(DropReason::Overload),
            dropped_failed: dropped(DropReason::Failed),
            dropped_shutting_down: dropped(DropReason::ShuttingDown),
            undelivered: get(&self.undelivered),
            restarts: get(&self.restarts),
            retried: get(&self.retried),
            hung: get(&self.hung),
            workers: get(&self.workers),
            workers_up: get(&self.workers_up),
            depth: get(&self.depth),
            busy_s: get(&self.busy_us) as f64 / 1e6,
            audio_s: get(&self.audio_ms) as f64 / 1e3,
        }
    }
}
