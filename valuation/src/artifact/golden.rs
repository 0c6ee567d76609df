//! Sample rows that a model must still predict as it did when it was fitted.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::ArtifactError;
use super::files::broken;
use super::format::GOLDEN;
use crate::prediction::Prediction;

/// Greatest relative difference from a golden prediction: processors round differently.
const TOLERANCE: f64 = 1e-9;
/// A sample row and what it must give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Golden {
    /// The record as JSON, so that decoding is checked too.
    pub(crate) record: Map<String, Value>,
    /// What the model predicted when it was fitted.
    pub(crate) prediction: Prediction,
}

/// Whether `predict` gives what golden rows say.
///
/// # Errors
/// Names the first row that differs; there must be one at least.
pub(crate) fn compare(
    golden: &[Golden],
    predict: impl Fn(&Golden) -> Option<Prediction>,
) -> Result<(), ArtifactError> {
    if golden.is_empty() {
        return Err(broken(GOLDEN)("no row, expected at least one"));
    }
    for (row, golden) in golden.iter().enumerate() {
        let pairs = predict(golden).map(|now| {
            let then = golden.prediction;
            [
                (then.value, now.value),
                (then.low, now.low),
                (then.high, now.high),
            ]
        });
        for (expected, found) in pairs.unwrap_or([(golden.prediction.value, f64::NAN); 3]) {
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
