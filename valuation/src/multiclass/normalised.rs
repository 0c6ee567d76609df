//! Probabilities of levels that sum to one, from the log odds of each level against the rest.

use crate::classification::log_loss_of;

/// Steps of Newton's method at most: it settles in under ten.
const MOST_STEPS: usize = 50;
/// Bounds of the exponent: beyond, the rows are too few, or the levels do not overlap.
const LEAST: f64 = 0.25;
const MOST: f64 = 4.0;

/// Raises the probabilities of log odds to a power and divides them by their sum. It is computed from logarithms, so that
/// levels which are all nearly impossible still have a sum.
pub(crate) fn normalised(log_odds: &[f64], exponent: f64) -> Vec<f64> {
    let parts = logs(log_odds).into_iter().map(|log| exponent * log);
    shares(&parts.collect::<Vec<_>>())
}

/// The logarithms of the probabilities.
fn logs(log_odds: &[f64]) -> Vec<f64> {
    // −log loss of the class is the logarithm of its probability.
    let logs = log_odds.iter().map(|value| -log_loss_of(*value, true));
    logs.collect()
}

/// What logarithms are of, divided by the sum.
fn shares(logs: &[f64]) -> Vec<f64> {
    let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts: Vec<f64> = logs.iter().map(|log| (log - greatest).exp()).collect();
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / sum).collect()
}

/// The exponent of the least mean log loss, by Newton's method: each level alone is calibrated, and what is divided by a
/// sum of several is less sure than it may be (Guo et al. 2017, On Calibration of Modern Neural Networks: temperature
/// scaling, whose temperature is 1 divided by it). Rows are log odds by level, and the level that it is.
pub(super) fn exponent(rows: &[(Vec<f64>, usize)]) -> f64 {
    let rows: Vec<(Vec<f64>, usize)> = rows
        .iter()
        .map(|(log_odds, actual)| (logs(log_odds), *actual))
        .collect();
    let mut exponent = 1.0;
    for _ in 0..MOST_STEPS {
        // A touch of ridge: where all levels are as likely, there is nothing to estimate.
        let (mut gradient, mut hessian) = (1e-6 * (exponent - 1.0), 1e-6);
        for (logs, actual) in &rows {
            let scaled: Vec<f64> = logs.iter().map(|log| exponent * log).collect();
            let shares = shares(&scaled);
            let mean: f64 = shares
                .iter()
                .zip(logs)
                .map(|(share, log)| share * log)
                .sum();
            let spread = shares.iter().zip(logs);
            let spread = spread.map(|(share, log)| share * (log - mean) * (log - mean));
            gradient += mean - logs[*actual];
            hessian += spread.sum::<f64>();
        }
        let step = (gradient / hessian).clamp(-0.5, 0.5);
        if !step.is_finite() {
            return 1.0;
        }
        exponent = (exponent - step).clamp(LEAST, MOST);
        if step.abs() < 1e-10 {
            break;
        }
    }
    exponent
}

/// The level of the greatest probability, the first one of equal ones; 0 where there are none.
pub fn predicted_level(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (level, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = level;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_divided_by_their_sum_however_small_they_are() {
        // 0.5, 0.25 and 0.25 of 1.
        let found = normalised(&[0.0, (1.0_f64 / 3.0).ln(), (1.0_f64 / 3.0).ln()], 1.0);
        for (found, expected) in found.iter().zip([0.5, 0.25, 0.25]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
        let found = normalised(&[-2000.0, -2000.0], 1.0);
        assert_eq!(found, [0.5, 0.5]);
        let found = normalised(&[2000.0, -2000.0], 1.0);
        assert_eq!(found, [1.0, 0.0]);
        assert_eq!(predicted_level(&[0.2, 0.4, 0.4]), 1);
    }

    #[test]
    fn the_exponent_is_the_one_that_levels_were_drawn_by() {
        let row = |i: usize| {
            let log_odds: Vec<f64> = [37, 53, 71]
                .map(|factor| (i * factor % 101) as f64 / 20.0 - 3.5)
                .to_vec();
            let drawn = (i * 13 % 997) as f64 / 997.0;
            let shares = normalised(&log_odds, 1.6);
            let level = usize::from(drawn > shares[0]) + usize::from(drawn > shares[0] + shares[1]);
            (log_odds, level)
        };
        let rows: Vec<(Vec<f64>, usize)> = (0..5000).map(row).collect();
        let found = exponent(&rows);
        assert!((found - 1.6).abs() < 0.1, "{found}");
        let loss = |exponent: f64| -> f64 {
            let of = |(log_odds, level): &(Vec<f64>, usize)| {
                -normalised(log_odds, exponent)[*level].ln()
            };
            rows.iter().map(of).sum()
        };
        assert!(loss(found) < loss(found + 0.02) && loss(found) < loss(found - 0.02));
        // Nothing to estimate, and levels that do not overlap.
        assert_eq!(exponent(&[(vec![0.0, 0.0], 1)]), 1.0);
        let sure = exponent(&[(vec![3.0, -3.0], 0), (vec![-3.0, 3.0], 1)]);
        assert!((1.0..=MOST).contains(&sure), "{sure}");
    }
}
