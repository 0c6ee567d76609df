//! How far the probabilities of levels are off once it is known which level a record has.

use serde::Serialize;

use super::normalised::predicted_level;
use crate::classification::{Bin, calibration, calibration_error};

/// A probability this near 0 is taken for it: a loss stays finite (scikit-learn's `log_loss`).
const NEAREST: f64 = 1e-15;

/// Probabilities beside the level that it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredRow {
    /// The probability of the level that it was; 0 of one that is not among them.
    pub of_actual: f64,
    /// The probability of the level that was predicted.
    pub of_predicted: f64,
    /// Sum of squares of probability less level, over all levels (Brier 1950): 0 to 2.
    pub brier: f64,
    /// Whether it was the predicted one.
    pub is_right: bool,
}

impl ScoredRow {
    /// Of probabilities by level and the level that it was; `None` of one that is not among them.
    pub fn of(probabilities: &[f64], actual: Option<usize>) -> ScoredRow {
        let actual = actual.filter(|level| *level < probabilities.len());
        let predicted = predicted_level(probabilities);
        let of_actual = actual.map_or(0.0, |level| probabilities[level]);
        let squares: f64 = probabilities.iter().map(|value| value * value).sum();
        ScoredRow {
            of_actual,
            of_predicted: probabilities.get(predicted).copied().unwrap_or(0.0),
            // (p − 1)² in place of p².
            brier: squares - 2.0 * of_actual + 1.0,
            is_right: actual == Some(predicted),
        }
    }

    /// −log of the probability of the level that it was.
    pub fn log_loss(&self) -> f64 {
        -self.of_actual.clamp(NEAREST, 1.0).ln()
    }
}

/// Errors of the probabilities of levels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MulticlassErrors {
    /// Mean of −log of the probability of the level that it was (scikit-learn's `log_loss`).
    pub log_loss: f64,
    /// Mean of [`ScoredRow::brier`] (scikit-learn's `brier_score_loss`).
    pub brier: f64,
    /// Share of rows that have the predicted level.
    pub accuracy: f64,
    /// Mean probability of the predicted level: the accuracy where predictions are calibrated.
    pub predicted: f64,
    /// Tenths by the probability of the predicted level: the share that has it.
    pub calibration: Vec<Bin>,
    /// Mean distance between both over those tenths, as [`crate::ClassReport::calibration_error`].
    pub calibration_error: f64,
}

impl MulticlassErrors {
    /// Of scored rows; `None` for nothing.
    pub fn of(rows: &[ScoredRow]) -> Option<MulticlassErrors> {
        if rows.is_empty() {
            return None;
        }
        let mean = |of: &dyn Fn(&ScoredRow) -> f64| -> f64 {
            rows.iter().map(of).sum::<f64>() / rows.len() as f64
        };
        let predicted: Vec<f64> = rows.iter().map(|row| row.of_predicted).collect();
        let right: Vec<bool> = rows.iter().map(|row| row.is_right).collect();
        let bins = calibration(&predicted, &right);
        Some(MulticlassErrors {
            log_loss: mean(&ScoredRow::log_loss),
            brier: mean(&|row| row.brier),
            accuracy: mean(&|row| f64::from(u8::from(row.is_right))),
            predicted: mean(&|row| row.of_predicted),
            calibration_error: calibration_error(&bins),
            calibration: bins,
        })
    }
}
