//! The rows of a fit of classes: whether they are enough, and which of them train.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use records::Schema;

use crate::cells::Cells;
use crate::fit::FitOptions;
use crate::fit_error::FitError;
use crate::split::{Split, SplitBy, split, split_randomly};

/// Fewest records that are ever fitted on, whatever `min_rows` says.
const LEAST_ROWS: usize = 10;

/// Whether `usable` of `given` records are enough to learn from; `removed` states where the others went.
///
/// # Errors
/// When they are not.
pub(crate) fn check_count(
    usable: usize,
    given: usize,
    removed: &BTreeMap<String, usize>,
    options: &FitOptions,
) -> Result<(), FitError> {
    let needed = options.min_rows.max(LEAST_ROWS);
    if usable >= needed {
        return Ok(());
    }
    let rules: Vec<String> = removed
        .iter()
        .map(|(rule, rows)| format!("{rule} {rows}"))
        .collect();
    Err(FitError::TooFewRows {
        found: usable,
        needed,
        given,
        removed: rules.join(", "),
    })
}

/// The column of times; absent where the schema has none.
pub(crate) fn times<'a>(schema: &Schema, batch: &'a RecordBatch) -> Cells<'a> {
    let time = schema.time.as_deref();
    time.map_or(Cells::Absent, |time| Cells::of(batch, time))
}

/// The sides of the split of `rows`, as the options have it.
pub(crate) fn sides(
    schema: &Schema,
    batch: &RecordBatch,
    rows: &[usize],
    options: &FitOptions,
) -> Split {
    let times = times(schema, batch);
    let time_of = |row: usize| times.time_us(row).unwrap_or(i64::MIN);
    let by_time: Option<&dyn Fn(usize) -> i64> = schema.time.is_some().then_some(&time_of);
    match options.split {
        SplitBy::Time => split(rows, by_time, options.holdout_fraction),
        SplitBy::Random => split_randomly(rows, options.holdout_fraction, options.seed),
    }
}
