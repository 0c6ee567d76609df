//! What a model predicts for a record.

use serde::{Deserialize, Serialize};

/// An estimate in the target's unit. `value` is a median; the price lies between `low` and
/// `high` with the model's confidence. Of a class, `value` is the probability, and both ends are it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The price to recommend.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Prediction {
    /// An estimate without a range.
    pub(crate) fn plain(value: f64) -> Prediction {
        Prediction {
            value,
            low: value,
            high: value,
        }
    }
}
