//! How far estimates are from prices.

use serde::{Deserialize, Serialize};

use crate::cells::median;
use crate::link::Link;

/// How far estimates were from the prices of the hold-out. Relative errors of counts, which may be 0, are
/// those of 1 + y (see [`Link`]).
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
    /// √(Σ(ln(1+ŷ)−ln(1+y))²/n): relative errors, expensive and cheap alike (scikit-learn's
    /// `root_mean_squared_log_error`). Estimates below 0 count as 0.
    pub rmsle: f64,
    /// Σ(|y−ŷ|/y)/n, a fraction (scikit-learn's `mean_absolute_percentage_error`).
    pub mape: f64,
    /// Fraction with |y−ŷ|/y ≤ 0.05.
    pub within_5: f64,
    /// Fraction with |y−ŷ|/y ≤ 0.1.
    pub within_10: f64,
    /// Fraction with |y−ŷ|/y ≤ 0.2.
    pub within_20: f64,
    /// How many prices these rest on.
    pub rows: usize,
}

impl Metrics {
    /// Compares `predicted` with `actual` (> 0), pair by pair; `None` when there are no pairs.
    pub fn of(actual: &[f64], predicted: &[f64]) -> Option<Metrics> {
        Metrics::on(Link::Log, actual, predicted)
    }

    /// The same of targets that a link [takes](Link::takes): relative errors are those of what its
    /// logarithm is taken of.
    pub fn on(link: Link, actual: &[f64], predicted: &[f64]) -> Option<Metrics> {
        let rows = actual.len().min(predicted.len());
        if rows == 0 {
            return None;
        }
        let count = rows as f64;
        let mean = actual[..rows].iter().sum::<f64>() / count;
        let (mut squares, mut absolute, mut total, mut logs) = (0.0, 0.0, 0.0, 0.0);
        let mut relative = Vec::with_capacity(rows);
        for (y, estimate) in actual.iter().zip(predicted) {
            let error = (y - estimate).abs();
            squares += error * error;
            absolute += error;
            total += (y - mean) * (y - mean);
            relative.push(error / (link.offset() + y));
            let log = estimate.max(0.0).ln_1p() - y.ln_1p();
            logs += log * log;
        }
        let within = |limit: f64| {
            let near = relative.iter().filter(|error| **error <= limit).count();
            near as f64 / count
        };
        let (within_5, within_10, within_20) = (within(0.05), within(0.1), within(0.2));
        let mape = relative.iter().sum::<f64>() / count;
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
            rmsle: (logs / count).sqrt(),
            mape,
            within_5,
            within_10,
            within_20,
            rows,
        })
    }
}

/// A listing of the hold-out and what was predicted for it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct JudgedRow {
    /// Its row in the batch, counting from 0.
    pub row: usize,
    /// Its price; of a class 1 or 0, of several the number of its level, from 0.
    pub actual: f64,
    /// The estimate; of several classes the probability of the one that is predicted.
    pub value: f64,
    /// Lower end of the range; of several classes the probability of the one that it is, which is `value` where the
    /// prediction is right.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Root mean squared error.
pub(crate) fn root_mean_square(predicted: &[f64], targets: &[f64]) -> f64 {
    let pairs = predicted.iter().zip(targets);
    let squares = pairs.map(|(value, target)| (value - target) * (value - target));
    (squares.sum::<f64>() / targets.len().max(1) as f64).sqrt()
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

    #[test]
    fn counts_have_the_relative_errors_of_one_more() {
        let (actual, predicted) = ([0.0, 0.0, 3.0, 9.0], [0.0, 1.0, 1.0, 9.5]);
        let found = Metrics::on(Link::LogOnePlus, &actual, &predicted).unwrap();
        let more = |values: &[f64]| values.iter().map(|value| 1.0 + value).collect::<Vec<f64>>();
        let of_more = Metrics::of(&more(&actual), &more(&predicted)).unwrap();
        assert_eq!((found.mdape, found.mape), (of_more.mdape, of_more.mape));
        assert_eq!((found.mdape, found.within_5), (0.275, 0.5));
        assert_eq!(found.mae, 0.875);
    }

    #[test]
    fn agrees_with_scikit_learn() {
        // Expected: scikit-learn 1.9.1 root_mean_squared_error, mean_absolute_error, r2_score,
        // root_mean_squared_log_error, mean_absolute_percentage_error; NumPy for the rest.
        let (prices, estimates) = crate::ratio_study::tests::pairs();
        let found = Metrics::of(&prices, &estimates).unwrap();
        for (found, expected) in [
            (found.rmse, 59_669.806_491_362_67),
            (found.mae, 42_132.783_333_333_33),
            (found.r2, 0.910_651_210_932_072_7),
            (found.rmsle, 0.146_538_981_326_788_1),
            (found.mape, 0.118_869_122_602_002_47),
            (found.mdape, 0.120_699_910_961_883_52),
            (found.within_5, 0.25),
            (found.within_10, 0.45),
            (found.within_20, 49.0 / 60.0),
        ] {
            assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
        }
    }
}
