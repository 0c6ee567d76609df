//! What a comparable differs by from the record asked for, and what that adds to the price.

use serde::Serialize;
use serde_json::Value;

/// A field in which a past record differs from the one asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDifference {
    /// The field.
    pub field: String,
    /// What the past record has; null where it is not known. A time is written as RFC 3339.
    pub value: Value,
    /// What the record asked for has, in the same way.
    pub subject: Value,
    /// What the past record's value would add to the price of the record asked for, by the model, in the target's
    /// unit; below 0 it would take away. Of the most important fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
}
