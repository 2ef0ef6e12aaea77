//! Small logistic regressions on a few numbers, and the cut that makes the best of a probability.

/// Coefficients of a logistic regression, each drawn towards 0 with its own strength (Newton's method; Hoerl and Kennard,
/// 1970, for the penalty). Rows are as long as `strength`.
pub fn ridge(rows: &[&[f32]], yes: &[bool], strength: &[f64]) -> Vec<f64> {
    let size = strength.len();
    let mut beta = vec![0.0; size];
    // Most numbers of most rows are 0 and change nothing.
    let present: Vec<Vec<(usize, f64)>> = rows
        .iter()
        .map(|row| row.iter().enumerate().filter(|(_, x)| **x != 0.0).map(|(i, &x)| (i, f64::from(x))).collect())
        .collect();
    for _ in 0..25 {
        let mut gradient: Vec<f64> = strength.iter().zip(&beta).map(|(strength, b)| strength * b).collect();
        let diagonal = |i: usize| (0..size).map(|j| if i == j { strength[i] } else { 0.0 }).collect();
        let mut curve: Vec<Vec<f64>> = (0..size).map(diagonal).collect();
        for (row, &yes) in present.iter().zip(yes) {
            let z: f64 = row.iter().map(|&(i, x)| x * beta[i]).sum();
            let p = 1.0 / (1.0 + (-z.clamp(-30.0, 30.0)).exp());
            let (error, weight) = (p - f64::from(u8::from(yes)), (p * (1.0 - p)).max(1e-6));
            for (nth, &(i, x)) in row.iter().enumerate() {
                gradient[i] += error * x;
                curve[i][i] += weight * x * x;
                for &(j, other) in &row[..nth] {
                    let bend = weight * x * other;
                    curve[i][j] += bend;
                    curve[j][i] += bend;
                }
            }
        }
        let step = solve_linear(curve, gradient);
        let size_of_step = step.iter().map(|s| s.abs()).fold(0.0, f64::max);
        // A long step of a nearly flat curve is cut short.
        let share = if size_of_step > 3.0 { 3.0 / size_of_step } else { 1.0 };
        beta.iter_mut().zip(&step).for_each(|(b, s)| *b -= share * s);
        if size_of_step < 1e-7 {
            break;
        }
    }
    beta
}

/// Solves a symmetric positive definite system by elimination.
fn solve_linear(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for pivot in 0..size {
        let top = matrix[pivot].clone();
        let divisor = if top[pivot].abs() < 1e-12 { 1e-12 } else { top[pivot] };
        for row in pivot + 1..size {
            let factor = matrix[row][pivot] / divisor;
            if factor != 0.0 {
                matrix[row].iter_mut().zip(&top).skip(pivot).for_each(|(own, above)| *own -= factor * above);
                right[row] -= factor * right[pivot];
            }
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| matrix[row][column] * right[column]).sum();
        let divisor = if matrix[row][row].abs() < 1e-12 { 1e-12 } else { matrix[row][row] };
        right[row] = (right[row] - known) / divisor;
    }
    right
}

/// True positives, false positives and false negatives of yes-or-no answers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    pub hit: f64,
    pub wrong: f64,
    pub missed: f64,
}

impl Tally {
    pub fn of(answers: impl Iterator<Item = (bool, bool)>) -> Self {
        let mut tally = Self::default();
        for (said, truth) in answers {
            match (said, truth) {
                (true, true) => tally.hit += 1.0,
                (true, false) => tally.wrong += 1.0,
                (false, true) => tally.missed += 1.0,
                (false, false) => {}
            }
        }
        tally
    }

    pub fn add(&mut self, other: Self) {
        self.hit += other.hit;
        self.wrong += other.wrong;
        self.missed += other.missed;
    }

    pub fn f1(self) -> f64 {
        let all = 2.0 * self.hit + self.wrong + self.missed;
        if all == 0.0 { 0.0 } else { 2.0 * self.hit / all }
    }

    pub fn support(self) -> f64 {
        self.hit + self.missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_penalty_yields_to_the_data_and_a_strong_one_holds() {
        let rows: Vec<[f32; 2]> = (0..200).map(|n| [1.0, (n % 2) as f32]).collect();
        let rows: Vec<&[f32]> = rows.iter().map(|row| &row[..]).collect();
        // With the second number the answer is yes three times in four, without it one time in four.
        let yes: Vec<bool> = (0..200).map(|n| (n / 2 % 4 == 0) != (n % 2 == 1)).collect();
        let free = ridge(&rows, &yes, &[1e-6, 1e-6]);
        assert!((free[0] + 3f64.ln()).abs() < 1e-3 && (free[1] - 2.0 * 3f64.ln()).abs() < 1e-3, "{free:?}");
        let held = ridge(&rows, &yes, &[1e9, 1e9]);
        assert!(held[0].abs() < 1e-3 && held[1].abs() < 1e-3, "{held:?}");
    }

    #[test]
    fn f1_of_a_tally() {
        let tally = Tally::of([(true, true), (true, false), (false, true), (false, false)].into_iter());
        assert_eq!((tally.f1(), tally.support()), (0.5, 2.0));
        assert_eq!(Tally::default().f1(), 0.0);
    }
}
