//! Rows that are scored at a time.

use arrow_array::RecordBatch;

/// Rows priced at a time: bounds memory, and what is done again after a break.
pub(super) const ROWS: usize = 8192;

/// Rows of the input.
pub(super) struct Read {
    pub rows: RecordBatch,
    pub refused: Vec<(String, String)>,
    /// Rows gone through.
    pub read: u64,
    pub last_key: Option<String>,
}
