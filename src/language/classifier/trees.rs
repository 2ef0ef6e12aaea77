//! Sums of small decision trees over a row of numbers.

use super::logistic;

/// Yes-or-no decisions from the top of a tree to each of its leaves.
pub const DEPTH: usize = 3;
pub const SPLITS: usize = (1 << DEPTH) - 1;
pub const LEAVES: usize = 1 << DEPTH;
/// Steps a number of 1 has: decisions compare whole steps, -127 to 127.
const STEPS: f32 = 20.0;
/// What one step of a leaf is worth, in log-odds.
pub const LEAF_STEP: f64 = 1e-4;

/// Numbers as whole steps, as [`Trees`] compare them.
pub fn steps(numbers: &[f32]) -> Vec<i8> {
    numbers.iter().map(|number| (number * STEPS).round().clamp(-127.0, 127.0) as i8).collect()
}

/// Goes right where the number at `number` has more steps than `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    pub number: u8,
    pub most: i8,
}

/// A full tree: behind split `n` stand `2n + 1` (left) and `2n + 2`, behind the last ones the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    pub splits: [Split; SPLITS],
    pub leaves: [i16; LEAVES],
}

impl Tree {
    /// Which leaf a row of steps comes to; numbers beyond its end count 0.
    pub fn leaf(&self, row: &[i8]) -> usize {
        let mut at = 0;
        for _ in 0..DEPTH {
            let Split { number, most } = self.splits[at];
            at = 2 * at + 1 + usize::from(row.get(usize::from(number)).copied().unwrap_or(0) > most);
        }
        at - SPLITS
    }
}

/// A sum of trees, in log-odds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trees {
    pub bias: f32,
    pub trees: Vec<Tree>,
}

impl Trees {
    /// Nearest leaf to some log-odds.
    pub fn leaf_of(log_odds: f64) -> i16 {
        (log_odds / LEAF_STEP).round().clamp(-32_767.0, 32_767.0) as i16
    }

    /// Probability 0..1 of a row of numbers.
    pub fn probability(&self, numbers: &[f32]) -> f32 {
        let row = steps(numbers);
        let sum: i32 = self.trees.iter().map(|tree| i32::from(tree.leaves[tree.leaf(&row)])).sum();
        logistic(self.bias + sum as f32 * LEAF_STEP as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_left_up_to_the_cut_and_right_beyond() {
        let split = |number, most| Split { number, most };
        let tree = Tree {
            splits: [split(0, 10), split(1, 0), split(1, 0), split(2, 0), split(2, 0), split(2, 0), split(9, 0)],
            leaves: [1, 2, 3, 4, 5, 6, 7, 8],
        };
        for (numbers, leaf) in [
            ([0.5, 0.0, 0.0], 0),
            ([0.5, 0.0, 1.0], 1),
            ([0.5, 9.0, -9.0], 2),
            ([0.55, 0.0, 0.0], 4),
            ([0.55, 0.1, 9.0], 6),
        ] {
            assert_eq!(tree.leaf(&steps(&numbers)), leaf, "{numbers:?}");
        }
        let trees = Trees { bias: 0.0, trees: vec![tree] };
        assert!(trees.probability(&[9.0, 9.0]) > trees.probability(&[0.0, 0.0]));
        assert_eq!(Trees::default().probability(&[1.0]), 0.5);
        assert_eq!(Trees::leaf_of(1.5), 15_000);
    }
}
