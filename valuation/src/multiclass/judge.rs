//! Judging the estimators of all levels on the hold-out.

use arrow_array::{RecordBatch, UInt64Array};
use records::Schema;

use super::errors::{MulticlassErrors, ScoredRow};
use super::metrics::{LevelMetrics, MulticlassMetrics, by_level, mean_area};
use super::normalised::normalised;
use crate::classification::{Bin, Importance, importance, log_odds};
use crate::ensemble::FittedClasses;
use crate::estimator::Estimator;
use crate::metrics::JudgedRow;

/// What the hold-out says.
pub(super) struct Judged {
    pub(super) model: MulticlassMetrics,
    pub(super) baseline: MulticlassMetrics,
    pub(super) levels: Vec<LevelMetrics>,
    pub(super) calibration: Vec<Bin>,
    pub(super) calibration_error: f64,
    pub(super) importance: Vec<Importance>,
    pub(super) rows: Vec<JudgedRow>,
    /// By row of the hold-out.
    pub(super) probabilities: Vec<Vec<f64>>,
}

/// What is judged on.
pub(super) struct Holdout<'a> {
    /// Fields that are learned from.
    pub(super) schema: &'a Schema,
    pub(super) batch: &'a RecordBatch,
    /// Rows of the batch.
    pub(super) rows: &'a [usize],
    /// The numbers of their levels.
    pub(super) levels: &'a [usize],
    /// By level its share in training.
    pub(super) shares: &'a [f64],
    /// See [`exponent`](super::normalised::exponent).
    pub(super) exponent: f64,
    /// Of the shuffles.
    pub(super) seed: u64,
}

impl Holdout<'_> {
    /// Judges; `None` where there are no rows.
    pub(super) fn judge(&self, fitted: &[FittedClasses]) -> Option<Judged> {
        let taken: UInt64Array = self.rows.iter().map(|row| *row as u64).collect();
        let rows = arrow_select::take::take_record_batch(self.batch, &taken).ok()?;
        let estimators = || fitted.iter().map(|fitted| &fitted.estimator);
        let of = |rows: &RecordBatch| probabilities(estimators(), self.exponent, rows);
        let probabilities = of(&rows);
        let scored: Vec<ScoredRow> = probabilities
            .iter()
            .zip(self.levels)
            .map(|(row, level)| ScoredRow::of(row, Some(*level)))
            .collect();
        let errors = MulticlassErrors::of(&scored)?;
        let model = MulticlassMetrics::of(&probabilities, self.levels)?;
        let constant = vec![self.shares.to_vec(); self.rows.len()];
        let is_read = |field: &str| estimators().any(|estimator| estimator.reads(field));
        let auc = |rows: &RecordBatch| mean_area(&of(rows), self.levels);
        let judged = |((row, level), scored): ((&usize, &usize), &ScoredRow)| JudgedRow {
            row: *row,
            actual: *level as f64,
            value: scored.of_predicted,
            low: scored.of_actual,
            high: scored.of_predicted,
        };
        Some(Judged {
            baseline: MulticlassMetrics::of(&constant, self.levels)?,
            levels: by_level(&probabilities, self.levels, &model.confusion),
            model,
            calibration: errors.calibration,
            calibration_error: errors.calibration_error,
            importance: importance(self.schema, &rows, self.seed, &is_read, &auc),
            rows: self
                .rows
                .iter()
                .zip(self.levels)
                .zip(&scored)
                .map(judged)
                .collect(),
            probabilities,
        })
    }
}

/// By row of a batch the probability of each level.
pub(super) fn probabilities<'a>(
    estimators: impl Iterator<Item = &'a Estimator>,
    exponent: f64,
    batch: &RecordBatch,
) -> Vec<Vec<f64>> {
    let by_level: Vec<Vec<f64>> = estimators
        .map(|estimator| log_odds(estimator, batch))
        .collect();
    let row = |row: usize| {
        let log_odds: Vec<f64> = by_level.iter().map(|level| level[row]).collect();
        normalised(&log_odds, exponent)
    };
    (0..batch.num_rows()).map(row).collect()
}
