//! Probabilities of levels that sum to one, from the log odds of each level against the rest.

use crate::classification::log_loss_of;

/// Divides the probabilities of log odds by their sum. It is computed from logarithms, so that levels which are all
/// nearly impossible still have a sum.
pub(crate) fn normalised(log_odds: &[f64]) -> Vec<f64> {
    // −log loss of the class is the logarithm of its probability.
    let logs = log_odds.iter().map(|value| -log_loss_of(*value, true));
    let logs: Vec<f64> = logs.collect();
    let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts: Vec<f64> = logs.iter().map(|log| (log - greatest).exp()).collect();
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / sum).collect()
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
        let found = normalised(&[0.0, (1.0_f64 / 3.0).ln(), (1.0_f64 / 3.0).ln()]);
        for (found, expected) in found.iter().zip([0.5, 0.25, 0.25]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
        let found = normalised(&[-2000.0, -2000.0]);
        assert_eq!(found, [0.5, 0.5]);
        let found = normalised(&[2000.0, -2000.0]);
        assert_eq!(found, [1.0, 0.0]);
        assert_eq!(predicted_level(&[0.2, 0.4, 0.4]), 1);
    }
}
