//! Sums of small trees, grown one on what those before got wrong.
//!
//! Friedman, "Greedy function approximation" (Annals of Statistics 29, 2001) and "Stochastic gradient boosting" (2002), with
//! the second-order gains of Chen and Guestrin, "XGBoost" (KDD 2016). Rows and numbers of a tree are drawn from a fixed
//! seed: the same rows give the same trees.

use crate::language::classifier::trees::{DEPTH, LEAF_STEP, LEAVES, SPLITS, Split, Tree, Trees, steps};

/// What shapes the sum; see the model card for what was tried.
const TREES: usize = 220;
const RATE: f64 = 0.05;
/// Share of the rows, and of the numbers, that a tree sees.
const ROWS_SHARE: f64 = 0.7;
const NUMBERS_SHARE: f64 = 0.4;
/// Rows on either side of a decision, at least.
const ROWS_MIN: u32 = 15;
/// Drawn towards 0 as if so much curvature stood for it.
const RIDGE: f64 = 1.0;
/// A step is -127 to 127.
const BINS: usize = 256;
const ZERO: i16 = 128;

/// Slope and curvature of the loss, and how many rows.
#[derive(Clone, Copy, Default)]
struct Sums {
    slope: f64,
    curve: f64,
    rows: u32,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.slope += other.slope;
        self.curve += other.curve;
        self.rows += other.rows;
    }

    fn without(self, part: Sums) -> Self {
        Self { slope: self.slope - part.slope, curve: self.curve - part.curve, rows: self.rows - part.rows }
    }

    fn gain(self) -> f64 {
        self.slope * self.slope / (self.curve + RIDGE)
    }
}

/// Trees that tell rows of numbers with a yes from those with a no. `rows` are of equal length, at most 256.
pub fn boost(rows: &[&[f32]], yes: &[bool]) -> Trees {
    let all_yes = yes.iter().filter(|yes| **yes).count() as f64;
    let bias = ((all_yes + 0.5) / (yes.len() as f64 - all_yes + 0.5)).ln();
    let stepped: Vec<Vec<i8>> = rows.iter().map(|row| steps(row)).collect();
    let numbers = stepped.first().map_or(0, Vec::len);
    let mut log_odds = vec![bias; rows.len()];
    let mut chance = Chance(0x5eed);
    let mut trees = Vec::with_capacity(TREES);
    for _ in 0..TREES {
        let taken: Vec<usize> = (0..rows.len()).filter(|_| chance.below(ROWS_SHARE)).collect();
        let looked_at: Vec<usize> = (0..numbers).filter(|_| chance.below(NUMBERS_SHARE)).collect();
        let loss: Vec<Sums> = log_odds
            .iter()
            .zip(yes)
            .map(|(log_odds, &yes)| {
                let p = 1.0 / (1.0 + (-log_odds).exp());
                Sums { slope: p - f64::from(u8::from(yes)), curve: p * (1.0 - p), rows: 1 }
            })
            .collect();
        let tree = grow(&stepped, &loss, &taken, &looked_at);
        log_odds
            .iter_mut()
            .zip(&stepped)
            .for_each(|(sum, row)| *sum += f64::from(tree.leaves[tree.leaf(row)]) * LEAF_STEP);
        trees.push(tree);
    }
    Trees { bias: bias as f32, trees }
}

fn grow(rows: &[Vec<i8>], loss: &[Sums], taken: &[usize], looked_at: &[usize]) -> Tree {
    // A split that nothing speaks for sends every row to the left.
    let mut tree = Tree { splits: [Split { number: 0, most: i8::MAX }; SPLITS], leaves: [0; LEAVES] };
    // By taken row, the split or leaf it has come to.
    let mut places = vec![0usize; taken.len()];
    for depth in 0..DEPTH {
        let (first, width) = ((1 << depth) - 1, 1 << depth);
        let mut best = vec![0.0f64; width];
        for &number in looked_at {
            let mut bins = vec![[Sums::default(); BINS]; width];
            for (&row, &place) in taken.iter().zip(&places) {
                bins[place - first][(i16::from(rows[row][number]) + ZERO) as usize].add(loss[row]);
            }
            for (node, bins) in bins.iter().enumerate() {
                let mut all = Sums::default();
                bins.iter().for_each(|bin| all.add(*bin));
                let mut left = Sums::default();
                for (bin, sums) in bins.iter().enumerate().filter(|(_, sums)| sums.rows > 0) {
                    left.add(*sums);
                    let right = all.without(left);
                    let gain = left.gain() + right.gain() - all.gain();
                    if left.rows >= ROWS_MIN && right.rows >= ROWS_MIN && gain > best[node] {
                        best[node] = gain;
                        tree.splits[first + node] = Split { number: number as u8, most: (bin as i16 - ZERO) as i8 };
                    }
                }
            }
        }
        for (&row, place) in taken.iter().zip(&mut places) {
            let Split { number, most } = tree.splits[*place];
            *place = 2 * *place + 1 + usize::from(rows[row][usize::from(number)] > most);
        }
    }
    let mut sums = [Sums::default(); LEAVES];
    taken.iter().zip(&places).for_each(|(&row, &place)| sums[place - SPLITS].add(loss[row]));
    tree.leaves = sums.map(|sums| Trees::leaf_of(-RATE * sums.slope / (sums.curve + RIDGE)));
    tree
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Chance(u64);

impl Chance {
    /// True in this share of the cases.
    fn below(&mut self, share: f64) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 <= share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_learn_what_no_sum_of_numbers_tells() {
        let rows: Vec<[f32; 3]> =
            (0..400).map(|n| [f32::from(n % 2 == 0), f32::from(n / 2 % 2 == 0), (n % 7) as f32 / 7.0]).collect();
        let yes: Vec<bool> = rows.iter().map(|row| (row[0] > 0.5) != (row[1] > 0.5)).collect();
        let slices: Vec<&[f32]> = rows.iter().map(|row| &row[..]).collect();
        let trees = boost(&slices, &yes);
        for (row, yes) in slices.iter().zip(&yes) {
            assert_eq!(trees.probability(row) > 0.5, *yes, "{row:?}");
        }
        assert_eq!(trees, boost(&slices, &yes));
    }

    #[test]
    fn nothing_to_learn_gives_the_share() {
        let rows = [[0.0f32]; 40];
        let slices: Vec<&[f32]> = rows.iter().map(|row| &row[..]).collect();
        let yes: Vec<bool> = (0..40).map(|n| n % 4 == 0).collect();
        let said = boost(&slices, &yes).probability(&[0.0]);
        assert!((said - 0.25).abs() < 0.05, "{said}");
        assert_eq!(boost(&[], &[]).probability(&[]), 0.5);
    }
}
