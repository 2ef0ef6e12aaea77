//! Where exactly a voice sets in and ends, and where it pauses most.
//!
//! The networks judge frames of 16 or 32 ms and take a moment to be sure. The level of the sound around
//! the frames they found says it to a few milliseconds.

use crate::{call::voice::front::mean_square, terms::SAMPLES_PER_MS};

/// How far the edge may lie outside the frames the network found, in samples: 128 ms.
pub(super) const REACH: usize = 128 * SAMPLES_PER_MS as usize;

/// Samples of one step of the search: 4 ms.
const HOP: usize = 64;

/// Level of an edge against the mean power of the voice next to it: -26 dB.
const EDGE_SHARE: f32 = 0.0025;

/// The sample at which the voice sets in whose first judged frame is `audio[first..first + frame]`.
pub(super) fn start(audio: &[f32], first: usize, frame: usize) -> usize {
    let edge = mean_square(clipped(audio, first, first + 2 * frame)) * EDGE_SHARE;
    let loud = |hop: usize| hop_power(audio, hop) > edge;
    let (earliest, latest) = (first.saturating_sub(REACH) / HOP, (first + 2 * frame) / HOP);
    let mut hop = first / HOP;
    if loud(hop) {
        while hop > earliest && loud(hop - 1) {
            hop -= 1;
        }
    } else {
        while hop < latest && !loud(hop) {
            hop += 1;
        }
    }
    (hop * HOP).min(audio.len())
}

/// The sample after which a voice is over that sounds in `audio[start..end]`; not before `start`.
pub(super) fn end(audio: &[f32], start: usize, end: usize) -> usize {
    let end = end.min(audio.len());
    let edge = mean_square(clipped(audio, start, end)) * EDGE_SHARE;
    let loud = |hop: usize| hop_power(audio, hop) > edge;
    let (earliest, latest) = (end.saturating_sub(REACH) / HOP, (end + REACH).min(audio.len()).div_ceil(HOP));
    let mut hop = end.div_ceil(HOP);
    if hop > 0 && loud(hop - 1) {
        while hop < latest && loud(hop) {
            hop += 1;
        }
    } else {
        while hop > earliest && !loud(hop - 1) {
            hop -= 1;
        }
    }
    (hop * HOP).min(audio.len()).max(start)
}

/// The middle of the quietest `width` neighbours in the later half of `powers`; the latest of equals.
pub(super) fn quietest(powers: &[f32], width: usize) -> usize {
    let width = width.clamp(1, powers.len().max(1));
    let windows = powers.windows(width).enumerate().skip(powers.len() / 2);
    let sums = windows.map(|(at, window)| (at, window.iter().sum::<f32>()));
    let least = sums.min_by(|(a_at, a), (b_at, b)| a.total_cmp(b).then(b_at.cmp(a_at)));
    least.map_or(powers.len().saturating_sub(1), |(at, _)| at + width / 2)
}

fn hop_power(audio: &[f32], hop: usize) -> f32 {
    mean_square(clipped(audio, hop * HOP, (hop + 1) * HOP))
}

fn clipped(audio: &[f32], from: usize, to: usize) -> &[f32] {
    let to = to.min(audio.len());
    &audio[from.min(to)..to]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Silence, a sound over `from..to`, silence.
    fn burst(from: usize, to: usize) -> Vec<f32> {
        (0..16_000).map(|n| if (from..to).contains(&n) { 0.1 } else { 0.00001 }).collect()
    }

    #[test]
    fn edges_are_found_around_a_late_or_early_judgement() {
        let audio = burst(4000, 9000);
        for judged in [3840, 4096, 4608, 5120] {
            assert!(start(&audio, judged, 256).abs_diff(4000) <= HOP, "judged at {judged}");
        }
        for judged in [7424, 8704, 9216, 10_240] {
            assert!(end(&audio, 4000, judged).abs_diff(9000) <= HOP, "judged until {judged}");
        }
    }

    #[test]
    fn edges_stay_inside_the_sound() {
        let audio = burst(0, 16_000);
        assert_eq!(start(&audio, 512, 256), 0);
        assert_eq!(end(&audio, 0, 15_872), 16_000);
        assert_eq!(end(&audio[..15_990], 0, 15_872), 15_990);
        assert_eq!((start(&[], 0, 256), end(&[], 0, 512)), (0, 0));
    }

    #[test]
    fn the_quietest_place_lies_in_the_later_half() {
        let mut powers = vec![1.0; 100];
        powers[20..26].fill(0.0);
        powers[70..76].fill(0.1);
        assert_eq!(quietest(&powers, 6), 73);
        assert_eq!(quietest(&[1.0], 6), 0);
        assert_eq!(quietest(&[], 6), 0);
    }
}
