//! How loud is the background, where nobody speaks?

/// The noise floor is the loudest block of the quietest pause, two stretches of 80 ms in a row, of the last
/// 10 s: nobody speaks so long without a breath. The loudest block of it, because background voices
/// rise far above their own minimum.
const FLOOR_STRETCHES: usize = 125;
const STRETCH_BLOCKS: usize = 5;
/// So many stretches of quiet line are assumed before the call: 2 s, until the real floor is known.
const FLOOR_ASSUMED_STRETCHES: usize = 25;
/// So many stretches at the start of the call, 4 s, the floor goes where it must. Later it rises only so
/// much per stretch (1 dB per second) while somebody speaks and up to 0.4 s after: who speaks for longer
/// than the 10 s without a pause is not the background. It falls at once.
const FLOOR_FREE_STRETCHES: usize = 50;
const FLOOR_RISE_DB_PER_STRETCH: f32 = 0.08;
const FLOOR_VOICED_STRETCHES: usize = 5;
/// Bounds of the floor.
const FLOOR_MIN_DBFS: f32 = -70.0;
const FLOOR_MAX_DBFS: f32 = -22.0;

/// Level of the background in the pauses of the last seconds.
#[derive(Debug, Clone)]
pub struct Floor {
    dbfs: f32,
    /// Loudest block of each pair of stretches; the oldest is at `next`.
    pairs: [f32; FLOOR_STRETCHES],
    next: usize,
    /// Loudest block of the stretch before and of the current one, which has `blocks` so far.
    before: f32,
    loudest: f32,
    blocks: usize,
    /// Stretches still to come in which the floor rises freely, and in which a voice counts as going on.
    free_stretches: usize,
    voiced_stretches: usize,
}

impl Default for Floor {
    fn default() -> Self {
        let mut pairs = [f32::INFINITY; FLOOR_STRETCHES];
        pairs[..FLOOR_ASSUMED_STRETCHES].fill(FLOOR_MIN_DBFS);
        Self {
            dbfs: FLOOR_MIN_DBFS,
            pairs,
            next: 0,
            before: FLOOR_MIN_DBFS,
            loudest: f32::NEG_INFINITY,
            blocks: 0,
            free_stretches: FLOOR_FREE_STRETCHES,
            voiced_stretches: 0,
        }
    }
}

impl Floor {
    /// In dBFS.
    pub fn dbfs(&self) -> f32 {
        self.dbfs
    }

    /// Somebody speaks: for a while the floor rises only slowly.
    pub fn voiced(&mut self) {
        self.voiced_stretches = FLOOR_VOICED_STRETCHES;
    }

    /// Takes in the level of the next block.
    pub fn push(&mut self, level_dbfs: f32) {
        self.loudest = self.loudest.max(level_dbfs);
        self.blocks += 1;
        if self.blocks == STRETCH_BLOCKS {
            self.pairs[self.next] = self.loudest.max(self.before);
            self.next = (self.next + 1) % FLOOR_STRETCHES;
            self.before = self.loudest;
            (self.loudest, self.blocks) = (f32::NEG_INFINITY, 0);
            let quietest = self.pairs.iter().copied().fold(f32::INFINITY, f32::min);
            let slow = self.voiced_stretches > 0 && self.free_stretches == 0;
            let highest = if slow { self.dbfs + FLOOR_RISE_DB_PER_STRETCH } else { FLOOR_MAX_DBFS };
            self.dbfs = quietest.clamp(FLOOR_MIN_DBFS, FLOOR_MAX_DBFS).min(highest);
            self.free_stretches = self.free_stretches.saturating_sub(1);
            self.voiced_stretches = self.voiced_stretches.saturating_sub(1);
        }
    }
}
