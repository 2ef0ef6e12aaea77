//! Numbered frames back into their order, for a platform that does not promise one (Telnyx, "Ordering").

use std::collections::{BTreeMap, VecDeque};

/// Frames that wait for an earlier one, at most: 160 ms of the usual 20 ms frames. Only a hole makes any wait.
const WINDOW: usize = 8;

/// Numbers passed over that are remembered, to tell a latecomer from a frame that is numbered in another way.
const PASSED: usize = 64;

/// After so many holes that nothing ever filled, numbers are taken to mean something else, and frames as they come.
const HOLES: u32 = 3;

/// One track's frames.
#[derive(Debug)]
pub(super) struct Order<T> {
    /// The number that comes next; `None` before the first.
    next: Option<u64>,
    held: BTreeMap<u64, T>,
    passed: VecDeque<u64>,
    /// Holes nothing filled.
    holes: u32,
    /// A hole was filled: the numbers do mean an order.
    mended: bool,
    /// Frames are taken as they come.
    off: bool,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        let (held, passed) = (BTreeMap::new(), VecDeque::new());
        Self { next: None, held, passed, holes: 0, mended: false, off: false }
    }
}

impl<T> Order<T> {
    /// Takes the next frame that came; what is in order goes into `out`. A frame that comes after its place was given
    /// up is dropped.
    pub fn push(&mut self, number: Option<u64>, frame: T, out: &mut Vec<T>) {
        let Some(number) = number.filter(|_| !self.off) else {
            self.finish(out);
            return out.push(frame);
        };
        // The very first may be an early one, too.
        let next = *self.next.get_or_insert(if number <= WINDOW as u64 { number.min(1) } else { number });
        if number == next {
            self.mended |= !self.held.is_empty();
            out.push(frame);
            self.next = Some(next.saturating_add(1));
            self.run(out);
        } else if number > next && !self.held.contains_key(&number) {
            self.held.insert(number, frame);
            if self.held.len() > WINDOW {
                self.holes += 1;
                self.off = self.holes >= HOLES && !self.mended;
                self.pass_over(out);
            }
        } else if !self.passed.contains(&number) {
            // Said twice: no number of this one frame.
            self.off = true;
            self.finish(out);
            out.push(frame);
        }
    }

    /// What still waits, in order.
    pub fn finish(&mut self, out: &mut Vec<T>) {
        while !self.held.is_empty() {
            self.pass_over(out);
        }
    }

    /// Gives up the hole before the first frame that waits.
    fn pass_over(&mut self, out: &mut Vec<T>) {
        let (Some(next), Some((first, _))) = (self.next, self.held.first_key_value()) else { return };
        let first = *first;
        self.passed.extend((next..first).rev().take(PASSED));
        while self.passed.len() > PASSED {
            self.passed.pop_front();
        }
        self.next = Some(first);
        self.run(out);
    }

    fn run(&mut self, out: &mut Vec<T>) {
        while let Some(next) = self.next
            && let Some(frame) = self.held.remove(&next)
        {
            out.push(frame);
            self.next = Some(next.saturating_add(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn through(numbers: &[u64]) -> Vec<u64> {
        let (mut order, mut out) = (Order::default(), Vec::new());
        for number in numbers {
            order.push(Some(*number), *number, &mut out);
        }
        order.finish(&mut out);
        out
    }

    #[test]
    fn what_came_too_early_waits_for_its_turn() {
        assert_eq!(through(&[1, 2, 4, 3, 5]), [1, 2, 3, 4, 5]);
        assert_eq!(through(&[2, 1, 3]), [1, 2, 3], "the first two, too");
        assert_eq!(through(&[0, 2, 1]), [0, 1, 2]);
        assert_eq!(through(&[500, 502, 501]), [500, 501, 502]);
        let mut out = Vec::new();
        let mut order = Order::default();
        for number in [1, 3, 4] {
            order.push(Some(number), number, &mut out);
        }
        assert_eq!(out, [1], "two wait");
        order.push(Some(2), 2, &mut out);
        assert_eq!(out, [1, 2, 3, 4]);
    }

    #[test]
    fn a_lost_frame_holds_up_no_more_than_the_window_and_a_latecomer_is_dropped() {
        let (mut order, mut out) = (Order::default(), Vec::new());
        for number in (1..20).filter(|number| *number != 5) {
            order.push(Some(number), number, &mut out);
            let waits = number as usize - out.len();
            assert!(waits <= WINDOW + 1, "{number}: {out:?}");
        }
        order.push(Some(5), 5, &mut out);
        assert_eq!(out, (1..20).filter(|number| *number != 5).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_that_mean_something_else_lose_nothing() {
        assert_eq!(through(&[1; 30]), [1; 30], "all the same");
        assert_eq!(through(&[5; 30]), [5; 30]);
        let twos: Vec<u64> = (0..60).map(|number| number * 2).collect();
        let (mut order, mut out) = (Order::default(), Vec::new());
        for number in &twos {
            order.push(Some(*number), *number, &mut out);
        }
        assert_eq!(out, twos, "every other number, and nothing waits any more");
        assert_eq!(through(&[500, 501, 1, 2, 3]), [500, 501, 1, 2, 3], "from the beginning again");
        assert_eq!(through(&[1, u64::MAX, 2, u64::MAX - 1]), [1, 2, u64::MAX - 1, u64::MAX]);
    }

    proptest! {
        #[test]
        fn nothing_is_held_without_bound_and_order_within_the_window_is_found(
            jitter in prop::collection::vec(0..WINDOW as u64, 1..200)
        ) {
            // Sent in order, each late by less than the window.
            let mut sent: Vec<(u64, u64)> = (1..).zip(&jitter).map(|(number, late)| (number + late, number)).collect();
            sent.sort_by_key(|(at, _)| *at);
            let numbers: Vec<u64> = sent.iter().map(|(_, number)| *number).collect();
            prop_assert_eq!(through(&numbers), (1..=jitter.len() as u64).collect::<Vec<_>>());
        }

        #[test]
        fn no_numbers_panic(numbers in prop::collection::vec(prop_oneof![0..20_u64, any::<u64>()], 0..60)) {
            let (mut order, mut out) = (Order::default(), Vec::new());
            for number in numbers {
                order.push(Some(number), number, &mut out);
                prop_assert!(order.held.len() <= WINDOW && order.passed.len() <= PASSED);
            }
        }
    }
}
