//! Vertical equity: trees draw expensive homes down and cheap ones up, since every leaf is a mean.
//!
//! The log estimate is stretched around the training mean, log' = centre + slope · (log − centre) + shift,
//! by the least slope that brings the out-of-fold price-related differential into the IAAO's band,
//! as far as that costs next to nothing in error.

use serde::{Deserialize, Serialize};

use crate::cells::median;
use crate::ratio_study::prd;

/// The IAAO's upper bound of the differential, less a little: the hold-out differs.
const MOST_PRD: f64 = 1.028;
/// What the stretch may cost, as a share of the log error.
const MOST_COST: f64 = 0.002;
/// Slopes tried: 1, 1.0025, … 1.05.
const STEP: f64 = 0.0025;
const STEPS: usize = 20;

/// The stretch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Equity {
    /// Where nothing changes: the mean log price.
    pub(crate) centre: f64,
    /// 1 changes nothing.
    pub(crate) slope: f64,
    /// Added at the end: least squares aim at the mean of the logarithm, an estimate is to have as
    /// many prices above it as below.
    pub(crate) shift: f64,
}

impl Equity {
    /// Chooses by out-of-fold log estimates and log prices.
    pub(crate) fn fit(estimates: &[f64], logs: &[f64]) -> Equity {
        let centre = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
        let stretch = |slope: f64| Equity {
            centre,
            slope,
            shift: 0.0,
        };
        let squares = |equity: Equity| -> f64 {
            let errors = estimates
                .iter()
                .zip(logs)
                .map(|(log_estimate, log)| equity.apply(*log_estimate) - log);
            errors.map(|error| error * error).sum()
        };
        let unfair = |equity: Equity| {
            let pairs: Vec<(f64, f64)> = estimates
                .iter()
                .zip(logs)
                .map(|(log_estimate, log)| (log.exp(), equity.apply(*log_estimate).exp()))
                .collect();
            prd(&pairs) > MOST_PRD
        };
        let none = stretch(1.0);
        let most = squares(none) * (1.0 + MOST_COST) * (1.0 + MOST_COST);
        let mut chosen = none;
        for step in 1..=STEPS {
            let next = stretch(1.0 + STEP * step as f64);
            if !unfair(chosen) || squares(next) > most {
                break;
            }
            chosen = next;
        }
        chosen.levelled(estimates, logs)
    }

    /// Shifted alone: the differential is the assessors' measure of prices, and has nothing about counts.
    pub(crate) fn level(estimates: &[f64], logs: &[f64]) -> Equity {
        let unstretched = Equity {
            centre: 0.0,
            slope: 1.0,
            shift: 0.0,
        };
        unstretched.levelled(estimates, logs)
    }

    /// As many targets above an estimate as below.
    fn levelled(self, estimates: &[f64], logs: &[f64]) -> Equity {
        let pairs = estimates.iter().zip(logs);
        let mut off: Vec<f64> = pairs
            .map(|(log_estimate, log)| log - self.apply(*log_estimate))
            .collect();
        Equity {
            shift: median(&mut off).unwrap_or(0.0),
            ..self
        }
    }

    pub(crate) fn apply(&self, log: f64) -> f64 {
        self.centre + self.slope * (log - self.centre) + self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fair_is_left_alone_and_what_is_not_is_stretched() {
        let logs: Vec<f64> = (0..200).map(|row| 14.0 + 0.01 * f64::from(row)).collect();
        assert_eq!(Equity::fit(&logs, &logs).slope, 1.0);
        let noise = |row: usize| if row.is_multiple_of(2) { 0.15 } else { -0.15 };
        let drawn: Vec<f64> = logs
            .iter()
            .enumerate()
            .map(|(row, log)| 15.0 + 0.88 * (log - 15.0) + noise(row))
            .collect();
        let found = Equity::fit(&drawn, &logs);
        assert!(found.slope > 1.0 && found.slope < 1.06, "{found:?}");
        let skewed: Vec<f64> = (0..200)
            .map(|row| logs[row] + if row % 4 == 0 { -0.3 } else { 0.1 })
            .collect();
        assert!((Equity::fit(&skewed, &logs).shift + 0.1).abs() < 1e-9);
    }
}
