//! Each channel's audio on its way to its endpointer, in blocks on one grid.
//!
//! Phone systems cut their frames as they like, and bring two channels together or apart. Working through the
//! audio in blocks of 20 ms, always of the channel that is furthest behind, makes the log independent of that.

use crate::call::DetectorKind;
use crate::call::endpointing::{Endpoint, Endpointer, EndpointingSettings, SpeechSegment};
use crate::terms::{Channel, SAMPLES_PER_MS};

/// Samples per block: 20 ms.
const BLOCK: usize = 320;

/// All channels of a call.
#[derive(Debug)]
pub struct Lanes {
    settings: EndpointingSettings,
    detector: DetectorKind,
    lanes: Vec<Lane>,
}

#[derive(Debug)]
struct Lane {
    channel: Channel,
    endpointer: Endpointer,
    /// Samples short of a block.
    pending: Vec<f32>,
    /// Index of the sample expected next.
    position: u64,
}

/// Audio that never arrived on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    pub start_ms: u64,
    pub duration_ms: u64,
}

impl Lanes {
    pub fn new(settings: EndpointingSettings, detector: DetectorKind) -> Self {
        Self { settings, detector, lanes: Vec::new() }
    }

    /// Index of the sample a channel expects next; a channel not heard so far starts at `t_ms`.
    pub fn position(&self, channel: Channel, t_ms: u64) -> u64 {
        self.lanes.iter().find(|lane| lane.channel == channel).map_or(t_ms * SAMPLES_PER_MS, |lane| lane.position)
    }

    /// Takes in samples of a channel, the first of which has index `at`. Samples heard before are dropped. A hole
    /// before them counts as silence (what it ends goes into `endpoints`) and is given back.
    pub fn append(
        &mut self,
        channel: Channel,
        at: u64,
        samples: &[f32],
        t_ms: u64,
        endpoints: &mut Vec<Endpoint>,
    ) -> Option<Missing> {
        let lane = self.lane(channel, t_ms);
        let overlap = usize::try_from(lane.position.saturating_sub(at)).unwrap_or(usize::MAX).min(samples.len());
        let missing = (at > lane.position).then(|| {
            let start_ms = lane.position / SAMPLES_PER_MS;
            lane.skip_to(at, endpoints);
            Missing { start_ms, duration_ms: at / SAMPLES_PER_MS - start_ms }
        });
        lane.position += (samples.len() - overlap) as u64;
        lane.pending.extend_from_slice(&samples[overlap..]);
        missing
    }

    /// Works through the next whole block; the channel and the media clock after it.
    pub fn step(&mut self, endpoints: &mut Vec<Endpoint>) -> Option<(Channel, u64)> {
        let ready = self.lanes.iter_mut().filter(|lane| lane.pending.len() >= BLOCK);
        let lane = ready.min_by_key(|lane| (lane.done(), lane.channel))?;
        lane.endpointer.push(&lane.pending[..BLOCK], endpoints);
        lane.pending.drain(..BLOCK);
        Some((lane.channel, lane.done() / SAMPLES_PER_MS))
    }

    /// What has been said so far of the utterance that is going on on this channel.
    pub fn so_far(&self, channel: Channel) -> Option<SpeechSegment> {
        self.lanes.iter().find(|lane| lane.channel == channel)?.endpointer.so_far()
    }

    pub fn channels(&self) -> Vec<Channel> {
        self.lanes.iter().map(|lane| lane.channel).collect()
    }

    /// Works through what is short of a block and cuts what is being said; the media clock after it.
    pub fn flush(&mut self, channel: Channel, why: Flush, endpoints: &mut Vec<Endpoint>) -> Option<u64> {
        let lane = self.lanes.iter_mut().find(|lane| lane.channel == channel)?;
        let rest = std::mem::take(&mut lane.pending);
        lane.endpointer.push(&rest, endpoints);
        match why {
            Flush::Hold => lane.endpointer.hold(endpoints),
            Flush::End => lane.endpointer.end(endpoints),
        }
        Some(lane.done() / SAMPLES_PER_MS)
    }

    /// Passes over everything up to sample `at` of one channel, as if it were silence.
    pub fn skip_to(&mut self, channel: Channel, at: u64, endpoints: &mut Vec<Endpoint>) {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.channel == channel) {
            lane.skip_to(at.max(lane.position), endpoints);
        }
    }

    /// Lets samples pass unheard, as on hold.
    pub fn ignore(&mut self, channel: Channel, at: u64, count: usize, t_ms: u64) {
        let lane = self.lane(channel, t_ms);
        lane.position = lane.position.max(at + count as u64);
    }

    /// Forgets what is being said, and listens no more until [`Lanes::resume`].
    pub fn forget(&mut self) {
        for lane in &mut self.lanes {
            lane.pending.clear();
            lane.endpointer.hold(&mut Vec::new());
        }
    }

    /// Listens again, from `t_ms` or what came in after it.
    pub fn resume(&mut self, t_ms: u64) {
        for lane in &mut self.lanes {
            lane.position = lane.position.max(t_ms * SAMPLES_PER_MS);
            let at_ms = lane.position / SAMPLES_PER_MS;
            lane.endpointer.resume(at_ms);
            // A channel first heard on hold was never told to wait.
            lane.endpointer.skip_to(at_ms, &mut Vec::new());
        }
    }

    fn lane(&mut self, channel: Channel, t_ms: u64) -> &mut Lane {
        let index = match self.lanes.iter().position(|lane| lane.channel == channel) {
            Some(index) => index,
            None => {
                let mut endpointer = Endpointer::new(&self.settings, self.detector.detector(channel));
                endpointer.skip_to(t_ms, &mut Vec::new());
                let position = t_ms * SAMPLES_PER_MS;
                self.lanes.push(Lane { channel, endpointer, pending: Vec::new(), position });
                self.lanes.len() - 1
            }
        };
        &mut self.lanes[index]
    }
}

/// Why what is being said is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    Hold,
    End,
}

impl Lane {
    /// Samples handed to the endpointer so far.
    fn done(&self) -> u64 {
        self.position - self.pending.len() as u64
    }

    fn skip_to(&mut self, at: u64, endpoints: &mut Vec<Endpoint>) {
        let rest = std::mem::take(&mut self.pending);
        self.endpointer.push(&rest, endpoints);
        self.endpointer.skip_to(at / SAMPLES_PER_MS, endpoints);
        self.position = at;
    }
}
