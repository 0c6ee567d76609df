//! Why a record is predicted to be so likely of a class: what each field adds to the log odds.

use arrow_array::RecordBatch;

use super::model::ClassModel;
use crate::estimator::Estimator;
use crate::explain::{Explanation, Scale, reasons};
use crate::predict_error::PredictError;
use crate::reading::check_known_columns;

impl ClassModel {
    /// Takes the probability of a row of `batch` apart. Each member states what a field adds to the log odds: exactly for
    /// the logistic member, TreeSHAP for boosted trees (Lundberg et al. 2020); a forest's contributions to the share of the
    /// class are scaled to log odds. The ensemble adds them by its weights, and the calibration scales them, so that base
    /// and amounts add up to the log odds of the probability.
    ///
    /// # Errors
    /// When the batch lacks a column that the model reads, or has no such row.
    pub fn explain(&self, batch: &RecordBatch, row: usize) -> Result<Explanation, PredictError> {
        check_known_columns(&self.head.schema, &self.estimator, batch)?;
        if row >= batch.num_rows() {
            let rows = batch.num_rows();
            return Err(PredictError::Row { row, rows });
        }
        log_odds(&self.estimator, batch, row)
    }
}

/// The log odds of an estimator of a class for a row of a batch, taken apart; the batch has its columns, and the row.
///
/// # Errors
/// When a member's prediction is no sum.
pub(crate) fn log_odds(
    estimator: &Estimator,
    batch: &RecordBatch,
    row: usize,
) -> Result<Explanation, PredictError> {
    let given = batch.slice(row, 1);
    let bound = estimator.bind(&given);
    let (base, parts) = estimator.parts(&bound.design_row(0), &bound.frame_row(0))?;
    let calibration = &estimator.plan.equity;
    Ok(Explanation {
        base: calibration.apply(base),
        reasons: reasons(parts, calibration.slope),
        comparables: Vec::new(),
        scale: Some(Scale::LogOdds),
        level: None,
    })
}
