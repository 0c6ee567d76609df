//! Vertical equity: trees draw expensive homes down and cheap ones up, since every leaf is a mean.
//!
//! The log estimate is stretched around the training mean, log' = centre + slope · (log − centre) + shift,
//! by the least slope that brings the out-of-fold price-related differential and bias into the IAAO's bands,
//! as far as that costs next to nothing in error; the report says where they are not reached, and why.

use serde::{Deserialize, Serialize};

use crate::cells::median;
use crate::equity_report::{EquityReport, MOST_COST};
use crate::ratio_study::{prb, prd};

/// The IAAO's upper bound of the differential, less a little: the hold-out differs.
const MOST_PRD: f64 = 1.028;
/// The lower bound of the bias, less as much.
const LEAST_PRB: f64 = -0.048;
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
    pub(crate) fn fit(estimates: &[f64], logs: &[f64]) -> (Equity, EquityReport) {
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
        let study = |equity: Equity| {
            let pairs: Vec<(f64, f64)> = estimates
                .iter()
                .zip(logs)
                .map(|(log_estimate, log)| (log.exp(), equity.apply(*log_estimate).exp()))
                .collect();
            let mut ratios: Vec<f64> = pairs.iter().map(|(price, own)| own / price).collect();
            let level = median(&mut ratios).unwrap_or(1.0);
            (prd(&pairs), prb(&pairs, level).0)
        };
        let is_fair = |(prd, prb): (f64, f64)| prd <= MOST_PRD && prb >= LEAST_PRB;
        let none = stretch(1.0);
        let without = squares(none);
        let most = without * (1.0 + MOST_COST) * (1.0 + MOST_COST);
        let (mut chosen, mut found) = (none, study(none));
        let mut costs_too_much = false;
        for step in 1..=STEPS {
            if is_fair(found) {
                break;
            }
            let next = stretch(1.0 + STEP * step as f64);
            costs_too_much = squares(next) > most;
            if costs_too_much {
                break;
            }
            (chosen, found) = (next, study(next));
        }
        let cost = match without > 0.0 {
            true => (squares(chosen) / without).sqrt() - 1.0,
            false => 0.0,
        };
        let report = EquityReport {
            slope: chosen.slope,
            prd: found.0,
            prb: found.1,
            cost,
            reached: is_fair(found),
            costs_too_much,
        };
        (chosen.levelled(estimates, logs), report)
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
        let (found, told) = Equity::fit(&logs, &logs);
        assert!(
            found.slope == 1.0 && told.reached && told.cost == 0.0,
            "{told:?}"
        );
        let noise = |row: usize| if row.is_multiple_of(2) { 0.15 } else { -0.15 };
        let drawn: Vec<f64> = logs
            .iter()
            .enumerate()
            .map(|(row, log)| 15.0 + 0.88 * (log - 15.0) + noise(row))
            .collect();
        let (found, told) = Equity::fit(&drawn, &logs);
        assert!(found.slope > 1.0 && found.slope < 1.06, "{found:?}");
        assert!(
            told.cost <= MOST_COST && told.slope == found.slope,
            "{told:?}"
        );
        // Either the bands are reached, or the report says what is in the way.
        let more = found.slope < 1.0 + STEP * (STEPS as f64 - 0.5);
        assert_eq!(told.costs_too_much, !told.reached && more, "{told:?}");
        let skewed: Vec<f64> = (0..200)
            .map(|row| logs[row] + if row % 4 == 0 { -0.3 } else { 0.1 })
            .collect();
        assert!((Equity::fit(&skewed, &logs).0.shift + 0.1).abs() < 1e-9);
    }
}
