//! Rows that are scored at a time.

use arrow_array::RecordBatch;
use records::decode::Decoded;

/// Rows priced at a time: bounds memory, and what is done again after a break.
pub(super) const ROWS: usize = 8192;

/// Rows of the input.
pub(super) struct Read {
    pub decoded: Decoded,
    pub refused: Vec<(String, String)>,
    /// Rows gone through.
    pub read: u64,
    pub last_key: Option<String>,
}

/// Rows as if they had been decoded from messages.
pub(super) fn decoded(batch: RecordBatch) -> Decoded {
    Decoded {
        key_was_number: vec![false; batch.num_rows()],
        // Nobody asks for a row again.
        digests: Vec::new(),
        batch,
        unknown_fields: 0,
    }
}
