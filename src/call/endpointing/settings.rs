//! Where speech begins, ends and is cut, in numbers.

/// How speech is cut. Times in milliseconds, thresholds are probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointingSettings {
    /// Voiced time after which a voice has begun.
    pub onset_ms: u64,
    /// Silence after which an utterance is over.
    pub hangover_ms: u64,
    /// Sound kept before the first voiced sample: soft first consonants.
    pub pre_roll_ms: u64,
    /// Sound kept after the last voiced sample, at most the hangover.
    pub tail_ms: u64,
    /// Longest segment, pre-roll and tail included; longer speech is cut at its quietest point.
    pub max_segment_ms: u64,
    /// Segments with less voiced time are dropped: clicks, coughs, the first moment of a tone.
    pub min_voiced_ms: u64,
    /// Probability from which a frame may begin an utterance.
    pub start_threshold: f32,
    /// Probability from which a frame continues one.
    pub stop_threshold: f32,
}

impl Default for EndpointingSettings {
    fn default() -> Self {
        Self {
            onset_ms: 96,
            hangover_ms: 500,
            pre_roll_ms: 250,
            tail_ms: 150,
            max_segment_ms: 11_000,
            min_voiced_ms: 128,
            start_threshold: 0.7,
            stop_threshold: 0.5,
        }
    }
}
