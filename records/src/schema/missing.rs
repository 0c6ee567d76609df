//! What stands for missing numbers.

use serde::{Deserialize, Serialize};

/// What stands for a number that is not known, where records are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingAs {
    /// Zero: sources without information where there is none of a thing.
    Zero,
    /// The median of the training records.
    Median,
}
