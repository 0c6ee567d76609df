//! What a model predicts for a record.

use serde::{Deserialize, Serialize};

use crate::stated::stated;

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
    /// The same as answers state it: to a hundredth, and to six digits where those are finer.
    #[must_use]
    pub fn stated(self) -> Prediction {
        Prediction {
            value: stated(self.value),
            low: stated(self.low),
            high: stated(self.high),
        }
    }

    /// An estimate without a range.
    pub(crate) fn plain(value: f64) -> Prediction {
        Prediction {
            value,
            low: value,
            high: value,
        }
    }
}
