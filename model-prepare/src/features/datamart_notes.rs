//! What is known of a datamart, and what is kept beside its rows.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use report::Materialised;
use valuation::datamart::{Change, EXCLUDED, State};

/// What is known of an existing datamart.
#[derive(Debug, Clone)]
pub(super) struct ExistingDatamart {
    /// The number of its state, from 1.
    pub(super) version: i64,
    /// Whether it is of the stored records or of a file ([`Source::word`]).
    pub(super) source: String,
    /// Up to where the stored records have been read ([`source::Watermark`]).
    pub(super) read_until: Option<String>,
    /// The state as JSON: that of another format is only read to be replaced.
    pub(super) state: String,
    /// Whether the rows are still there.
    pub(super) is_there: bool,
}

/// What is kept beside the rows.
pub(super) struct DatamartNotes<'a> {
    pub(super) state: &'a State,
    pub(super) version: i64,
    pub(super) source: &'static str,
    pub(super) read_until: Option<&'a str>,
}

/// A summary completed with what was written: rows of `state`, and how many there are now.
pub(super) fn written(
    summary: Materialised,
    state: &State,
    batch: &RecordBatch,
    change: Change,
    rows: usize,
) -> Materialised {
    let mut excluded = BTreeMap::new();
    let column = batch.column_by_name(EXCLUDED);
    let rules = column.and_then(|column| column.as_string_opt::<i32>());
    for rule in rules.into_iter().flatten().flatten() {
        *excluded.entry(rule.to_owned()).or_default() += 1;
    }
    Materialised {
        columns: state.columns.len(),
        change,
        rows,
        excluded,
        ..summary
    }
}
