//! Rows that the schema refused, counted by what is wrong with them.

use std::collections::BTreeMap;
use std::fmt;

use records::file::RowReject;
use serde::Serialize;

/// Rows that are refused for the same thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refused {
    /// What is wrong: a reason's code, such as `wrong_type` or `ragged`.
    pub code: &'static str,
    /// The field it is wrong with; none where it is the whole row.
    pub field: Option<String>,
    /// How many rows.
    pub rows: usize,
    /// Where the first is: a line of a CSV (the header is line 1), a row of a Parquet file.
    pub first_line: u64,
    /// What was said of the first: what was expected, what was found.
    pub first: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let Refused {
            rows, first_line, ..
        } = self;
        write!(to, "{rows} {}", self.code)?;
        if let Some(field) = &self.field {
            write!(to, " in {field}")?;
        }
        write!(to, ", the first at line {first_line}: {}", self.first)
    }
}

/// What was refused so far, by code and field.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<(&'static str, Option<String>), Refused>);

impl Counts {
    /// Rows come in the order of the file: the first of each kind stays.
    pub(crate) fn add(&mut self, reject: &RowReject) {
        let code = reject.reason.code();
        let field = reject.reason.field().map(str::to_owned);
        let kind = self
            .0
            .entry((code, field))
            .or_insert_with_key(|key| Refused {
                code,
                field: key.1.clone(),
                rows: 0,
                first_line: reject.line,
                first: reject.reason.to_string(),
            });
        kind.rows += 1;
    }

    /// All kinds, the most frequent first.
    pub(crate) fn finish(self) -> Vec<Refused> {
        let mut kinds: Vec<Refused> = self.0.into_values().collect();
        kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.rows), kind.first_line));
        kinds
    }
}
