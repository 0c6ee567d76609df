//! Rows of a file: those that are good, and those that are not taken.

use arrow_array::RecordBatch;

use crate::reject::Reason;

/// A row of a file that was not taken.
#[derive(Debug, Clone, PartialEq)]
pub struct RowReject {
    /// Line of a CSV, counting the header as 1; row of a Parquet file, counting from 1.
    pub line: u64,
    /// Why.
    pub reason: Reason,
}

/// Up to N rows of a file.
#[derive(Debug)]
pub struct FileBatch {
    /// The good rows.
    pub batch: RecordBatch,
    /// Where each of them stands, counted as in [`RowReject`]: cells may span lines, and lines may be
    /// blank.
    pub lines: Vec<u64>,
    /// The others.
    pub rejects: Vec<RowReject>,
}
