//! Parts of the rows in which a model may be worse though it is better on the whole.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use records::Schema;
use serde::{Deserialize, Serialize};

use super::bootstrap::{Difference, paired};

/// Fewer rows show nothing.
const LEAST_ROWS: usize = 30;
/// Segments by price: fifths.
const PARTS: usize = 5;

/// How both do in a part of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentContest {
    /// What defines it: a field, "price fifth", or of counts "estimate fifth".
    pub by: String,
    /// Which it is.
    pub name: String,
    /// How many rows.
    pub rows: usize,
    /// The champion's mean |ln(estimate/price)|.
    pub champion: f64,
    /// The challenger's less the champion's, with its interval.
    pub difference: Difference,
}

/// How large a row's target is, for the fifths.
pub(super) struct Sizes<'a> {
    /// What it is called: "price fifth".
    pub(super) by: &'static str,
    /// By row.
    pub(super) values: &'a [f64],
}

/// The segments of `rows` of a batch: by the group (a city), and by fifths of `sizes`. `errors`
/// has for each row the challenger's and the champion's.
pub(super) fn of(
    schema: &Schema,
    batch: &RecordBatch,
    rows: &[usize],
    sizes: &Sizes,
    errors: &[(f64, f64)],
    seed: u64,
) -> Vec<SegmentContest> {
    let mut parts: BTreeMap<(&str, String), Vec<(f64, f64)>> = BTreeMap::new();
    if let Some(group) = valuation::baseline::group_field(schema, &[])
        && let Some(column) = batch.column_by_name(group)
        && let Some(levels) = column.as_string_opt::<i32>()
    {
        for (row, error) in rows.iter().zip(errors) {
            if levels.is_valid(*row) {
                let level = levels.value(*row).to_owned();
                parts.entry((group, level)).or_default().push(*error);
            }
        }
    }
    let mut sorted = sizes.values.to_vec();
    sorted.sort_by(f64::total_cmp);
    for (size, error) in sizes.values.iter().zip(errors) {
        let rank = sorted.partition_point(|other| other < size);
        let fifth = (rank * PARTS / sorted.len().max(1)).min(PARTS - 1) + 1;
        let part = parts.entry((sizes.by, fifth.to_string())).or_default();
        part.push(*error);
    }
    parts
        .into_iter()
        .filter(|(_, errors)| errors.len() >= LEAST_ROWS)
        .map(|((by, name), errors)| {
            let differences: Vec<f64> = errors.iter().map(|(error, other)| error - other).collect();
            let champion: f64 = errors.iter().map(|(_, other)| other).sum();
            SegmentContest {
                by: by.to_owned(),
                name,
                rows: errors.len(),
                champion: champion / errors.len() as f64,
                difference: paired(&differences, seed),
            }
        })
        .collect()
}
