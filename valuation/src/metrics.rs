//! How far estimates are from prices, and the report of a fit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cells::median;

/// How far estimates were from the prices of the hold-out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// √(Σ(y−ŷ)²/n), in the target's unit: one wild listing weighs much.
    pub rmse: f64,
    /// Σ|y−ŷ|/n, in the target's unit: every listing weighs by its error.
    pub mae: f64,
    /// 1 − Σ(y−ŷ)²/Σ(y−ȳ)². Below 0: worse than always saying the hold-out's mean.
    pub r2: f64,
    /// Median of |y−ŷ|/y, a fraction: what a typical user sees (MdAPE in Hyndman & Koehler 2006,
    /// Another Look at Measures of Forecast Accuracy).
    pub mdape: f64,
    /// Fraction with |y−ŷ|/y ≤ 0.1.
    pub within_10: f64,
    /// How many prices these rest on.
    pub rows: usize,
}

impl Metrics {
    /// Compares `predicted` with `actual` (> 0), pair by pair; `None` when there are no pairs.
    pub fn of(actual: &[f64], predicted: &[f64]) -> Option<Metrics> {
        let rows = actual.len().min(predicted.len());
        if rows == 0 {
            return None;
        }
        let count = rows as f64;
        let mean = actual[..rows].iter().sum::<f64>() / count;
        let (mut squares, mut absolute, mut total) = (0.0, 0.0, 0.0);
        let mut relative = Vec::with_capacity(rows);
        for (y, estimate) in actual.iter().zip(predicted) {
            let error = (y - estimate).abs();
            squares += error * error;
            absolute += error;
            total += (y - mean) * (y - mean);
            relative.push(error / y);
        }
        let near = relative.iter().filter(|error| **error <= 0.1).count();
        Some(Metrics {
            rmse: (squares / count).sqrt(),
            mae: absolute / count,
            // A constant hold-out has no variance to explain: 0, as scikit-learn says.
            r2: if total > 0.0 {
                1.0 - squares / total
            } else {
                0.0
            },
            mdape: median(&mut relative)?,
            within_10: near as f64 / count,
            rows,
        })
    }
}

/// What a fit saw and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Listings given: the denominator of `removed`.
    pub rows: usize,
    /// Listings removed, by rule: `target_not_positive` (neither learned from nor judged on: there
    /// is no relative error) and the outlier rules, which take training rows only. A jump shows
    /// that the source has changed.
    pub removed: BTreeMap<String, usize>,
    /// Listings the judged model was fitted on.
    pub train_rows: usize,
    /// Listings it was judged on: all of the newest, whatever their price.
    pub holdout_rows: usize,
    /// Those of them that the training rows' outlier rules would have removed: how much of the
    /// error may be the source's. The model that is kept does not learn from them.
    pub holdout_outliers: usize,
    /// The model on the hold-out.
    pub model: Metrics,
    /// The group median on the same hold-out: what the model has to beat.
    pub baseline: Metrics,
    /// Names the baseline, for people.
    pub baseline_name: String,
    /// Fraction of the hold-out's second half inside intervals set by its first half.
    pub coverage: f64,
    /// How long the fit took. Not kept in the artifact: the same input must give the same bytes.
    #[serde(skip)]
    pub fit_seconds: f64,
    /// Columns of the design that carry information.
    pub features: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_values_worked_by_hand() {
        let actual = [100.0, 200.0, 300.0, 400.0];
        let found = Metrics::of(&actual, &[110.0, 190.0, 360.0, 360.0]).unwrap();
        assert!((found.rmse - 36.742_346_141_747_67).abs() < 1e-12);
        assert!((found.mae - 30.0).abs() < 1e-12);
        assert!((found.r2 - 0.892).abs() < 1e-12);
        assert!((found.mdape - 0.1).abs() < 1e-12);
        assert!((found.within_10 - 0.75).abs() < 1e-12);
        assert_eq!(found.rows, 4);
        assert_eq!(Metrics::of(&[], &[]), None);
    }
}
