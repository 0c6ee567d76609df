//! Which way a price goes with a field.

use serde::{Deserialize, Serialize};

/// What is known of a price before any data: which way it goes as a field grows and all else stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Monotone {
    /// It never falls.
    Increasing,
    /// It never rises.
    Decreasing,
}
