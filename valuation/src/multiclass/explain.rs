//! Why a level is predicted: what each field adds to its log odds.

use arrow_array::RecordBatch;

use super::model::MulticlassModel;
use super::normalised::predicted_level;
use crate::classification::explain_log_odds;
use crate::explain::Explanation;
use crate::predict_error::PredictError;

impl MulticlassModel {
    /// Takes the log odds of the level apart that is predicted for a row of `batch`: of this level against all others,
    /// before the probabilities are made to sum to one. See [`crate::ClassModel::explain`].
    ///
    /// # Errors
    /// When the batch lacks a column that the model reads, or has no such row.
    pub fn explain(&self, batch: &RecordBatch, row: usize) -> Result<Explanation, PredictError> {
        if row >= batch.num_rows() {
            let rows = batch.num_rows();
            return Err(PredictError::Row { row, rows });
        }
        let probabilities = self.probabilities(&batch.slice(row, 1))?;
        let level = probabilities.first().map_or(0, |row| predicted_level(row));
        let explained = explain_log_odds(&self.estimators[level], batch, row)?;
        Ok(Explanation {
            level: Some(self.head.levels[level].clone()),
            ..explained
        })
    }
}
