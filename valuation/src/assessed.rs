//! A prediction for a record, and what of the record the model knows nothing of.

use serde::{Deserialize, Serialize};

use crate::known::Warning;
use crate::prediction::Prediction;

/// What a model says of one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessed {
    /// What it predicts.
    pub prediction: Prediction,
    /// What of the record is outside of what it has learned from, see [`crate::Model::warnings`].
    pub warnings: Vec<Warning>,
    /// Names that it has learned nothing of, by field in alphabetical order.
    pub unseen: Vec<UnseenName>,
    /// By level of a model of several classes ([`crate::MulticlassModel::levels`]) its probability; empty of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probabilities: Vec<f64>,
}

/// A name that a model has learned nothing of: not one of [`crate::TrainedModel::names`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnseenName {
    /// The record's field.
    pub field: String,
    /// The name.
    pub name: String,
}

/// What of a record a model knows nothing of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outside {
    pub(crate) warnings: Vec<Warning>,
    pub(crate) unseen: Vec<UnseenName>,
}

impl Outside {
    /// The same beside a prediction.
    pub(crate) fn beside(self, prediction: Prediction) -> Assessed {
        let Outside { warnings, unseen } = self;
        Assessed {
            prediction,
            warnings,
            unseen,
            probabilities: Vec::new(),
        }
    }
}
