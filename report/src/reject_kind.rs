//! Rows that the schema rejects, by what is wrong with them.

use std::fmt;

use serde::Serialize;

/// Rows that are rejected for the same reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejectKind {
    /// What is wrong: a reason's code, such as `wrong_type` or `ragged`.
    pub code: &'static str,
    /// The field it is wrong with; none where it is the whole row.
    pub field: Option<String>,
    /// How many rows.
    pub rows: usize,
    /// Where the first is: a line of a CSV (the header is line 1), a row of a Parquet file.
    pub first_line: u64,
    /// The message of the first: what was expected, what was found.
    pub first: String,
}

impl fmt::Display for RejectKind {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let RejectKind {
            rows, first_line, ..
        } = self;
        write!(to, "{rows} {}", self.code)?;
        if let Some(field) = &self.field {
            write!(to, " in {field}")?;
        }
        write!(to, ", the first at line {first_line}: {}", self.first)
    }
}
