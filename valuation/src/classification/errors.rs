//! How far probabilities are off once it is known which records are of the class, also where only one class is known.

use serde::Serialize;

use super::metrics::{Interval, auc, brier, log_loss};
use super::report::Bin;

/// Bins of the calibration curve.
const BINS: usize = 10;

/// Errors of probabilities.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassErrors {
    /// Mean of −log of the probability predicted for the class that is.
    pub log_loss: f64,
    /// Mean square of probability less class (Brier 1950).
    pub brier: f64,
    /// As [`crate::ClassMetrics::auc`]; `None` where only one class is known.
    pub auc: Option<Interval>,
    /// Mean probability.
    pub predicted: f64,
    /// Share of the class: the same where predictions are calibrated.
    pub found: f64,
    /// Tenths by what was predicted.
    pub calibration: Vec<Bin>,
    /// As [`crate::ClassReport::calibration_error`].
    pub calibration_error: f64,
}

impl ClassErrors {
    /// Of probabilities and classes, pair by pair; `None` for nothing.
    pub fn of(predicted: &[f64], classes: &[bool]) -> Option<ClassErrors> {
        if predicted.is_empty() || predicted.len() != classes.len() {
            return None;
        }
        let bins = calibration(predicted, classes);
        let count = predicted.len() as f64;
        Some(ClassErrors {
            log_loss: log_loss(predicted, classes),
            brier: brier(predicted, classes),
            auc: auc(predicted, classes),
            predicted: predicted.iter().sum::<f64>() / count,
            found: classes.iter().filter(|class| **class).count() as f64 / count,
            calibration_error: calibration_error(&bins),
            calibration: bins,
        })
    }
}

/// Tenths of the rows by what was predicted for them.
pub(crate) fn calibration(predicted: &[f64], classes: &[bool]) -> Vec<Bin> {
    let mut order: Vec<usize> = (0..predicted.len()).collect();
    order.sort_by(|one, other| predicted[*one].total_cmp(&predicted[*other]));
    let size = predicted.len().div_ceil(BINS).max(1);
    let bin = |rows: &[usize]| {
        let count = rows.len() as f64;
        Bin {
            predicted: rows.iter().map(|row| predicted[*row]).sum::<f64>() / count,
            found: rows.iter().filter(|row| classes[**row]).count() as f64 / count,
            rows: rows.len(),
        }
    };
    order.chunks(size).map(bin).collect()
}

/// Mean distance between predicted and observed shares over bins, by their rows.
pub(crate) fn calibration_error(bins: &[Bin]) -> f64 {
    let rows: usize = bins.iter().map(|bin| bin.rows).sum();
    let off = bins
        .iter()
        .map(|bin| (bin.predicted - bin.found).abs() * bin.rows as f64);
    off.sum::<f64>() / rows.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_worked_out_by_hand() {
        let (predicted, classes) = ([0.9, 0.2, 0.6, 0.5], [true, false, false, true]);
        let found = ClassErrors::of(&predicted, &classes).expect("there are rows");
        let losses = 0.9_f64.ln() + 0.8_f64.ln() + 0.4_f64.ln() + 0.5_f64.ln();
        assert!((found.log_loss + losses / 4.0).abs() < 1e-12);
        assert!((found.brier - (0.01 + 0.04 + 0.36 + 0.25) / 4.0).abs() < 1e-12);
        // Of the pairs .9/.2, .9/.6, .5/.2 and .5/.6 three are in order.
        assert_eq!(found.auc.map(|auc| auc.value), Some(0.75));
        assert!((found.predicted - 0.55).abs() < 1e-12);
        assert_eq!(found.found, 0.5);
        // A bin a row.
        assert_eq!(found.calibration.len(), 4);
        let off = 0.1 + 0.2 + 0.6 + 0.5;
        assert!((found.calibration_error - off / 4.0).abs() < 1e-12);
        // Of one class alone there is no order, and losses are finite.
        let alone = ClassErrors::of(&[0.0, 0.3], &[true, true]).expect("there are rows");
        assert!(alone.auc.is_none() && alone.log_loss.is_finite());
        assert_eq!(ClassErrors::of(&[], &[]), None);
    }
}
