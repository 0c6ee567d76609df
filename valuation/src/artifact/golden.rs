//! Sample rows that a model must still predict as it did when it was fitted.

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::ArtifactError;
use super::files::broken;
use super::format::GOLDEN;
use crate::prediction::Prediction;

/// Greatest relative difference from a golden prediction: processors round differently.
const TOLERANCE: f64 = 1e-9;
/// Sample rows kept with a model.
const ROWS: usize = 20;

/// A sample row and what it must give: a [`Prediction`], or a probability a level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Golden<T = Prediction> {
    /// The record as JSON, so that decoding is checked too.
    pub(crate) record: Map<String, Value>,
    /// What the model predicted when it was fitted.
    pub(crate) prediction: T,
}

/// The numbers of a prediction.
pub(crate) trait Numbers {
    /// All of them, in an order of its own.
    fn numbers(&self) -> Vec<f64>;
}

impl Numbers for Prediction {
    fn numbers(&self) -> Vec<f64> {
        vec![self.value, self.low, self.high]
    }
}

impl Numbers for Vec<f64> {
    fn numbers(&self) -> Vec<f64> {
        self.clone()
    }
}

/// Some of the `rows` of a batch, evenly, and what is predicted for them.
pub(crate) fn sampled<T>(
    batch: &RecordBatch,
    rows: &[usize],
    predict: impl Fn(&Map<String, Value>) -> Option<T>,
) -> Vec<Golden<T>> {
    let sample = rows.iter().step_by(rows.len().div_ceil(ROWS).max(1));
    sample
        .filter_map(|row| {
            let record = records::encode::to_json(batch, *row);
            let prediction = predict(&record)?;
            Some(Golden { record, prediction })
        })
        .collect()
}

/// Whether `predict` gives what golden rows say.
///
/// # Errors
/// Names the first row that differs; there must be one at least.
pub(crate) fn compare<T: Numbers>(
    golden: &[Golden<T>],
    predict: impl Fn(&Golden<T>) -> Option<T>,
) -> Result<(), ArtifactError> {
    if golden.is_empty() {
        return Err(broken(GOLDEN)("no row, expected at least one"));
    }
    for (row, golden) in golden.iter().enumerate() {
        let then = golden.prediction.numbers();
        let now = predict(golden).map(|now| now.numbers());
        let now = now.filter(|now| now.len() == then.len());
        let now = now.unwrap_or_else(|| vec![f64::NAN; then.len()]);
        for (expected, found) in then.into_iter().zip(now) {
            let near = (found - expected).abs() <= TOLERANCE * expected.abs();
            if !near {
                return Err(ArtifactError::Golden {
                    row,
                    expected,
                    found,
                });
            }
        }
    }
    Ok(())
}
