//! The task of a schema: the kind of model that is fitted.

use serde::{Deserialize, Serialize};

/// The kind of model that is fitted to the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Predict a number.
    Regression,
    /// Predict the probability of a class, or of each level of a category.
    Classification,
    /// Find groups; there is no target.
    Clustering,
}
