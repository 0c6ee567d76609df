//! What levels are described by: what their records cost, and what a line in the records' numbers leaves of it.

use arrow_array::RecordBatch;
use records::{Kind, Schema};

use crate::clean::Listings;
use crate::linear::Shrinkage;
use crate::linear_design::LevelLimits;

/// How much the line's weights are drawn to 0: enough for fields that say the same.
const RIDGE: Shrinkage = Shrinkage {
    l1_ratio: 0.0,
    penalty: 1e-3,
};

/// The targets of which levels have means, by position of the row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelTargets<'a> {
    /// Log targets.
    pub(crate) logs: &'a [f64],
    /// What a line in the numbers leaves of them, where there is one.
    pub(crate) residuals: Option<&'a [f64]>,
}

impl<'a> LevelTargets<'a> {
    /// Log targets alone.
    pub(crate) fn of_logs(logs: &'a [f64]) -> LevelTargets<'a> {
        LevelTargets {
            logs,
            residuals: None,
        }
    }
}

/// What a line through `rows` in their numbers, and their logarithms where they are sizes, leaves of each log
/// target; none where there is no category to describe by it, or no number to lay a line through.
pub(crate) fn residuals(
    schema: &Schema,
    batch: &RecordBatch,
    rows: &[usize],
    logs: &[f64],
) -> Option<Vec<f64>> {
    let is_name = |kind: Kind| matches!(kind, Kind::Category | Kind::Text);
    if !schema.features().any(|field| is_name(field.kind)) {
        return None;
    }
    let mut numbers = schema.clone();
    numbers.fields.retain(|field| !is_name(field.kind));
    let mut by_row = vec![f64::NAN; batch.num_rows()];
    for (row, log) in rows.iter().zip(logs) {
        by_row[*row] = *log;
    }
    let listings = Listings {
        schema: &numbers,
        batch,
        logs: &by_row,
        group: None,
        levels: LevelLimits {
            max_levels: 0,
            min_level_rows: 0,
        },
        seed: 0,
    };
    let line = listings.line(rows, Some(RIDGE))?;
    (line.0.width() > 0).then(|| listings.residuals(&[line], rows))
}
