//! The class that a classification predicts: which targets belong to it.

use serde::{Deserialize, Serialize};

/// The section `[class]` of a schema whose task is classification. A category without it is of several classes: its
/// levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// What records of the class are called, for people: `good`.
    pub name: String,
    /// Of a target that is a number: of the class from this value on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Of a target that is a category: its level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}
