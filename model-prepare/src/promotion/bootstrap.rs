//! Paired bootstrap: how sure a difference of two models' errors on the same rows is.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Resamples: percentiles of a 95 % interval to two digits.
const RESAMPLES: usize = 1000;
/// Rows drawn for a resample at most; beyond it the interval is narrowed by √(drawn/rows).
const MOST_ROWS: usize = 5_000;

/// A mean difference with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The mean.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Mean of paired `differences` and its 95 % bootstrap percentile interval (Efron & Tibshirani 1993,
/// An Introduction to the Bootstrap, ch. 13); 0 to 0 for none. The same seed gives the same interval.
pub(super) fn paired(differences: &[f64], seed: u64) -> Difference {
    let rows = differences.len();
    if rows == 0 {
        return Difference {
            value: 0.0,
            low: 0.0,
            high: 0.0,
        };
    }
    let value = differences.iter().sum::<f64>() / rows as f64;
    let drawn = rows.min(MOST_ROWS);
    let narrower = (drawn as f64 / rows as f64).sqrt();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let sum: f64 = (0..drawn)
                .map(|_| differences[random.random_range(0..rows)])
                .sum();
            value + (sum / drawn as f64 - value) * narrower
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((RESAMPLES - 1) as f64 * share).round() as usize];
    Difference {
        value,
        low: at(0.025),
        high: at(0.975),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_normal_interval_and_narrows_with_rows() {
        // Mean 0.5, standard deviation 0.5: half the interval is 1.96 · 0.5/√n.
        let coin = |rows: usize| -> Vec<f64> { (0..rows).map(|row| (row % 2) as f64).collect() };
        for rows in [400, 20_000] {
            let found = paired(&coin(rows), 7);
            let half = 1.96 * 0.5 / (rows as f64).sqrt();
            assert_eq!(found.value, 0.5);
            assert!((0.5 - found.low - half).abs() < 0.15 * half, "{found:?}");
            assert!((found.high - 0.5 - half).abs() < 0.15 * half, "{found:?}");
            assert_eq!(found, paired(&coin(rows), 7));
            assert_ne!(found, paired(&coin(rows), 8));
        }
    }
}
