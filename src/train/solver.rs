//! Logistic regression on naive-Bayes ratios, trained by dual coordinate descent.
//!
//! Wang and Manning, "Baselines and bigrams" (ACL 2012), for the ratios; Yu, Huang and Lin, "Dual coordinate descent
//! methods for logistic regression and maximum entropy models" (Machine Learning 85, 2011), for the solver.
//! The order of steps is drawn from a fixed seed: the same examples give the same weights.

/// One labelled text.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// Distinct feature hashes, not empty.
    pub features: &'a [u32],
    pub yes: bool,
    /// How much it counts, above 0.
    pub weight: f32,
}

/// What shapes a head; see the model card for what was tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Weights are 2^bits.
    pub bits: u32,
    /// Added to every bucket's counts before the ratio is taken.
    pub smoothing: f64,
    /// The log-ratio's size is raised to this power: 1 trusts the counts, 0 ignores them.
    pub ratio_power: f64,
    /// Largest multiplier of one example of weight 1: less means simpler weights.
    pub cost: f64,
    /// Multiplies the weight of yes examples.
    pub yes_cost: f64,
    pub rounds: usize,
}

/// Weights as the solver leaves them.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    pub buckets: Vec<f32>,
    pub bias: f32,
}

impl Weights {
    /// Raw score of distinct feature hashes, not empty.
    pub fn score(&self, features: &[u32]) -> f32 {
        let mask = self.buckets.len() - 1;
        let sum: f32 = features.iter().map(|&hash| self.buckets[hash as usize & mask]).sum();
        self.bias + sum / (features.len() as f32).sqrt()
    }

    /// Adds other weights of the same size, `share` times.
    pub fn add(&mut self, other: &Weights, share: f32) {
        for (own, other) in self.buckets.iter_mut().zip(&other.buckets) {
            *own += share * other;
        }
        self.bias += share * other.bias;
    }

    /// Weights in 8 bits and the worth of one step. The largest 0.01 % of the weights are cut off, so that
    /// the many small ones keep their precision.
    pub fn quantised(&self) -> (Vec<i8>, f32) {
        let mut sizes: Vec<f32> = self.buckets.iter().map(|weight| weight.abs()).collect();
        sizes.sort_unstable_by(f32::total_cmp);
        let top = sizes[(sizes.len() - 1) - sizes.len() / 10_000].max(f32::MIN_POSITIVE);
        let step = top / 127.0;
        (self.buckets.iter().map(|weight| (weight / step).round().clamp(-127.0, 127.0) as i8).collect(), step)
    }
}

/// Trains one head. Without examples of both kinds all weights are 0.
pub fn solve(examples: &[Example<'_>], settings: &Settings) -> Weights {
    let size = 1usize << settings.bits;
    if examples.iter().all(|example| example.yes) || examples.iter().all(|example| !example.yes) {
        return Weights { buckets: vec![0.0; size], bias: 0.0 };
    }
    let ratios = ratios(examples, settings);
    let (weights, bias) = descend(examples, &ratios, settings);
    let buckets = weights.iter().zip(&ratios).map(|(weight, ratio)| (weight * ratio) as f32).collect();
    Weights { buckets, bias: bias as f32 }
}

/// Logarithm of how much likelier a bucket is in yes examples than in no examples.
fn ratios(examples: &[Example<'_>], settings: &Settings) -> Vec<f64> {
    let size = 1usize << settings.bits;
    let (mut yes, mut no) = (vec![settings.smoothing; size], vec![settings.smoothing; size]);
    for example in examples {
        let counts = if example.yes { &mut yes } else { &mut no };
        for &hash in example.features {
            counts[hash as usize & (size - 1)] += f64::from(example.weight);
        }
    }
    let (all_yes, all_no): (f64, f64) = (yes.iter().sum(), no.iter().sum());
    let log_ratio = |(yes, no): (&f64, &f64)| (yes / all_yes / (no / all_no)).ln();
    let powered = |ratio: f64| ratio.signum() * ratio.abs().powf(settings.ratio_power);
    yes.iter().zip(&no).map(log_ratio).map(powered).collect()
}

fn descend(examples: &[Example<'_>], ratios: &[f64], settings: &Settings) -> (Vec<f64>, f64) {
    let mask = ratios.len() - 1;
    let (mut weights, mut bias) = (vec![0.0; ratios.len()], 0.0);
    let norm = |example: &Example<'_>| 1.0 / (example.features.len() as f64).sqrt();
    let caps: Vec<f64> = examples
        .iter()
        .map(|example| settings.cost * f64::from(example.weight) * if example.yes { settings.yes_cost } else { 1.0 })
        .collect();
    let squares: Vec<f64> = examples
        .iter()
        .map(|example| {
            let own: f64 = example.features.iter().map(|&hash| ratios[hash as usize & mask].powi(2)).sum();
            1.0 + own * norm(example).powi(2)
        })
        .collect();
    let mut multipliers: Vec<f64> = caps.iter().map(|cap| (cap * 0.01).min(1e-3)).collect();
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..=settings.rounds {
        for last in (1..order.len()).rev() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            order.swap(last, (random % (last as u64 + 1)) as usize);
        }
        for &index in &order {
            let example = &examples[index];
            let sign = if example.yes { 1.0 } else { -1.0 };
            let scale = norm(example);
            let old = multipliers[index];
            // Round 0 only brings the weights in line with the first multipliers.
            let change = if round == 0 {
                old
            } else {
                let sum: f64 = example
                    .features
                    .iter()
                    .map(|&hash| weights[hash as usize & mask] * ratios[hash as usize & mask])
                    .sum();
                let margin = sign * (bias + sum * scale);
                let new = best_multiplier(margin, old, squares[index], caps[index]);
                multipliers[index] = new;
                new - old
            };
            bias += sign * change;
            for &hash in example.features {
                let bucket = hash as usize & mask;
                weights[bucket] += sign * change * scale * ratios[bucket];
            }
        }
    }
    (weights, bias)
}

/// Newton's method on one multiplier, kept inside `0..cap`.
fn best_multiplier(margin: f64, old: f64, square: f64, cap: f64) -> f64 {
    let mut value = old;
    for _ in 0..8 {
        let slope = margin + square * (value - old) + (value / (cap - value)).ln();
        let curve = square + cap / (value * (cap - value));
        let next = value - slope / curve;
        value = if next <= 0.0 {
            value * 0.1
        } else if next >= cap {
            cap - (cap - value) * 0.1
        } else {
            next
        };
        if slope.abs() < 1e-4 {
            break;
        }
    }
    value.clamp(cap * 1e-12, cap * (1.0 - 1e-12))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings =
        Settings { bits: 10, smoothing: 0.5, ratio_power: 1.0, cost: 4.0, yes_cost: 1.0, rounds: 20 };

    #[test]
    fn separable_examples_are_separated_and_twice_the_same() {
        let features: Vec<[u32; 3]> = (0..40).map(|n| [n, 100 + n % 3, if n % 2 == 0 { 200 } else { 300 }]).collect();
        let example = |(n, features)| Example { features, yes: n % 2 == 0, weight: 1.0 };
        let examples: Vec<Example<'_>> = features.iter().map(|f| &f[..]).enumerate().map(example).collect();
        let weights = solve(&examples, &SETTINGS);
        assert!(examples.iter().all(|e| (weights.score(e.features) > 0.0) == e.yes));
        assert_eq!(weights, solve(&examples, &SETTINGS));
    }

    #[test]
    fn one_kind_of_examples_teaches_nothing() {
        let weights = solve(&[Example { features: &[1, 2], yes: true, weight: 1.0 }], &SETTINGS);
        assert_eq!(weights.score(&[1, 2]), 0.0);
    }

    #[test]
    fn eight_bits_keep_the_order_of_scores() {
        let weights = Weights { buckets: (0..1024).map(|n| (n as f32 - 512.0) / 100.0).collect(), bias: 0.0 };
        let (small, step) = weights.quantised();
        let worst =
            small.iter().zip(&weights.buckets).map(|(&q, w)| (f32::from(q) * step - w).abs()).fold(0.0, f32::max);
        assert!(worst <= step / 2.0 + 1e-6, "{worst} of a step of {step}");
    }
}
