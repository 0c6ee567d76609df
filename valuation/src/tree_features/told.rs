//! What levels are described by: what their records cost, and what a line in the records' numbers leaves of it.

use arrow_array::RecordBatch;
use records::{Kind, Schema};

use crate::linear::{Shrinkage, SparseRow, Triangle};
use crate::linear_design::{LevelLimits, LinearDesign};

/// How much the line's weights are drawn to 0: enough for fields that say the same.
const RIDGE: Shrinkage = Shrinkage {
    l1_ratio: 0.0,
    penalty: 1e-3,
};

/// What levels are described by, by position of the row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    /// Log targets.
    pub(crate) logs: &'a [f64],
    /// What a line in the numbers leaves of them, where there is one.
    pub(crate) residuals: Option<&'a [f64]>,
}

impl<'a> Told<'a> {
    /// By what records cost alone.
    pub(crate) fn by_targets(logs: &'a [f64]) -> Told<'a> {
        Told {
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
    let no_levels = LevelLimits {
        max_levels: 0,
        min_level_rows: 0,
    };
    let (design, made) = LinearDesign::fit(&numbers, batch, rows, logs, None, no_levels);
    if design.width() == 0 {
        return None;
    }
    let triangle = Triangle::of_each(logs, design.width(), |add| {
        design.each_trained(batch, rows, &made, add);
    });
    let line = triangle.ok()?.elastic_net(RIDGE).ok()?;
    let bound = design.bind(batch);
    let mut row_of_design = SparseRow::new();
    let left = rows.iter().zip(logs).map(|(row, log)| {
        bound.write(*row, &mut row_of_design);
        log - line.predict(&row_of_design)
    });
    Some(left.collect())
}
