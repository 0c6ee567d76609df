//! How far a scoring is.

use serde::{Deserialize, Serialize};

/// How far a scoring is; kept beside its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// What is read: another file under the same name does not continue with the old one's rows.
    pub input: String,
    /// Which model prices it.
    pub model: String,
    /// Rows read.
    pub read: u64,
    /// Of these, priced.
    pub rows: u64,
    /// Of these, refused.
    pub refused: u64,
    /// Bytes of the file of errors by then; none in what earlier releases wrote.
    #[serde(default)]
    pub error_bytes: u64,
    /// The key read last, of a table.
    pub last_key: Option<String>,
}
