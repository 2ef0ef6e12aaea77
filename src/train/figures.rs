//! Figures of yes-or-no scores, and the logistic curve that turns scores into probabilities.

/// A score and the true answer.
pub type Scored = (f32, bool);

/// Area under the ROC curve, 0..1, ties counted half; `None` without both answers.
pub fn auroc(scored: &[Scored]) -> Option<f32> {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut yes, mut from) = (0.0f64, 0usize, 0usize);
    while from < sorted.len() {
        let to = from + sorted[from..].iter().take_while(|(score, _)| *score == sorted[from].0).count();
        let rank = (from + to + 1) as f64 / 2.0;
        let tied = sorted[from..to].iter().filter(|(_, answer)| *answer).count();
        rank_sum += rank * tied as f64;
        yes += tied;
        from = to;
    }
    let no = sorted.len() - yes;
    let least = (yes * (yes + 1)) as f64 / 2.0;
    (yes > 0 && no > 0).then(|| ((rank_sum - least) / (yes as f64 * no as f64)) as f32)
}

/// Mean of the F1 of both answers, 0..1, where scores above `cut` mean yes.
pub fn macro_f1(scored: &[Scored], cut: f32) -> f32 {
    let count = |said: bool, truth: bool| {
        scored.iter().filter(|(score, answer)| (*score > cut) == said && *answer == truth).count() as f32
    };
    let wrong = count(true, false) + count(false, true);
    let f1 = |right: f32| if right == 0.0 { 0.0 } else { 2.0 * right / (2.0 * right + wrong) };
    (f1(count(true, true)) + f1(count(false, false))) / 2.0
}

/// The cut with the best macro F1 among 200 quantiles of the scores.
pub fn best_cut(scored: &[Scored]) -> f32 {
    let mut scores: Vec<f32> = scored.iter().map(|(score, _)| *score).collect();
    scores.sort_unstable_by(f32::total_cmp);
    let cuts = (0..200).filter_map(|part| scores.get(part * scores.len() / 200).copied());
    cuts.max_by(|a, b| macro_f1(scored, *a).total_cmp(&macro_f1(scored, *b))).unwrap_or_default()
}

/// Share of scores above `cut`, 0..1.
pub fn share_above(scores: &[f32], cut: f32) -> f32 {
    scores.iter().filter(|score| **score > cut).count() as f32 / scores.len().max(1) as f32
}

/// The lowest cut above which at most `share` of the scores lie; negative infinity without scores.
pub fn cut_below(scores: &[f32], share: f32) -> f32 {
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    sorted.get((scores.len() as f32 * share) as usize).copied().unwrap_or(f32::NEG_INFINITY)
}

/// Slope and offset of the logistic curve nearest to the answers, both answers counting the same in sum
/// (Platt, 1999, with his smoothed targets; Newton's method, steps halved until they help).
pub fn logistic_curve(scored: &[Scored]) -> (f32, f32) {
    let yes = scored.iter().filter(|(_, answer)| *answer).count() as f64;
    let no = scored.len() as f64 - yes;
    if yes == 0.0 || no == 0.0 {
        return (1.0, 0.0);
    }
    let points: Vec<Point> = scored
        .iter()
        .map(|&(score, answer)| {
            let (target, weight) =
                if answer { ((yes + 1.0) / (yes + 2.0), 1.0 / yes) } else { (1.0 / (no + 2.0), 1.0 / no) };
            Point { score: f64::from(score), target, weight }
        })
        .collect();
    let (mut slope, mut offset) = (0.0, 0.0);
    let mut best = loss(&points, slope, offset);
    for _ in 0..100 {
        let (to_slope, to_offset) = newton_step(&points, slope, offset);
        let mut share = 1.0;
        let improved = loop {
            let next = (slope + share * to_slope, offset + share * to_offset);
            let loss = loss(&points, next.0, next.1);
            if loss < best {
                break Some((next, loss));
            }
            share /= 2.0;
            if share < 1e-6 {
                break None;
            }
        };
        let Some((next, loss)) = improved else { break };
        ((slope, offset), best) = (next, loss);
    }
    (slope as f32, offset as f32)
}

struct Point {
    score: f64,
    target: f64,
    weight: f64,
}

/// Cross-entropy of the curve.
fn loss(points: &[Point], slope: f64, offset: f64) -> f64 {
    let of = |point: &Point| {
        let z = slope * point.score + offset;
        // ln(1 + e^z), safe for large z.
        let soft = z.max(0.0) + (-z.abs()).exp().ln_1p();
        point.weight * (soft - point.target * z)
    };
    points.iter().map(of).sum()
}

fn newton_step(points: &[Point], slope: f64, offset: f64) -> (f64, f64) {
    let (mut gs, mut go, mut hss, mut hso, mut hoo) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
    for &Point { score, target, weight } in points {
        let p = 1.0 / (1.0 + (-(slope * score + offset)).exp());
        let (error, curve) = (weight * (p - target), weight * p * (1.0 - p));
        gs += error * score;
        go += error;
        hss += curve * score * score;
        hso += curve * score;
        hoo += curve;
    }
    let determinant = hss * hoo - hso * hso;
    ((hso * go - hoo * gs) / determinant, (hso * gs - hss * go) / determinant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_small_example() {
        let scored = [(0.1, false), (0.4, true), (0.35, false), (0.8, true)];
        assert_eq!(auroc(&scored), Some(1.0));
        assert_eq!(macro_f1(&scored, 0.5), (2.0 / 3.0 + 4.0 / 5.0) / 2.0);
        assert_eq!(best_cut(&scored), 0.35);
        assert_eq!(auroc(&[(0.5, true), (0.5, false)]), Some(0.5));
        assert_eq!(auroc(&[(0.5, true)]), None);
    }

    #[test]
    fn at_most_the_share_lies_above_the_cut() {
        let scores: Vec<f32> = (0..1000).map(|n| n as f32).collect();
        assert_eq!(cut_below(&scores, 0.003), 996.0);
        assert_eq!(share_above(&scores, 996.0), 0.003);
        assert_eq!(cut_below(&[], 0.003), f32::NEG_INFINITY);
    }

    #[test]
    fn the_curve_crosses_one_half_between_the_answers() {
        let scored: Vec<Scored> = (0..100).map(|n| (n as f32 / 10.0, n % 10 < n / 10)).collect();
        let (slope, offset) = logistic_curve(&scored);
        let middle = -offset / slope;
        assert!(slope > 0.0 && (3.0..7.0).contains(&middle), "slope {slope}, middle {middle}");
    }
}
