//! What a tombstone does: a message with a key and no value says that a listing is delisted.

use serde::{Deserialize, Serialize};

/// The column that says since when a listing is delisted, of a table whose schema marks it.
pub const DELISTED_AT: &str = "delisted_at";

/// The section `[delisting]` of a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delisting {
    /// What becomes of a listing whose tombstone comes.
    #[serde(default)]
    pub tombstone: Tombstone,
}

/// What becomes of a listing whose tombstone comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tombstone {
    /// The row stays and says since when it is delisted, until the listing comes again.
    Mark,
    /// The row is deleted.
    Delete,
    /// Nothing: the message is rejected.
    #[default]
    Refuse,
}

impl Delisting {
    /// Whether it is what a schema without the section says.
    pub(super) fn is_default(&self) -> bool {
        *self == Delisting::default()
    }
}
