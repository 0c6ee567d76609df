//! The design of the rows that it was fitted on, written one row after the other: as a matrix it would take
//! more memory than the records themselves.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use super::LinearDesign;
use crate::linear::SparseRow;

/// What columns made from targets are in the rows that a design was fitted on: out of fold, by column and then
/// by position among the rows.
#[derive(Debug, Default)]
pub(crate) struct OutOfFold {
    columns: BTreeMap<usize, Vec<f64>>,
}

impl OutOfFold {
    pub(super) fn insert(&mut self, column: usize, values: Vec<f64>) {
        self.columns.insert(column, values);
    }
}

impl LinearDesign {
    /// Hands on the design of each of `rows` of `batch`, in their order: those that it was fitted on, with
    /// their values out of fold.
    pub(crate) fn each_trained(
        &self,
        batch: &RecordBatch,
        rows: &[usize],
        out_of_fold: &OutOfFold,
        take: &mut dyn FnMut(&SparseRow),
    ) {
        let bound = self.bind(batch);
        let mut design = SparseRow::new();
        for (position, row) in rows.iter().enumerate() {
            bound.write(*row, &mut design);
            for (column, value) in &mut design {
                if let Some(values) = out_of_fold.columns.get(column) {
                    *value = values[position];
                }
            }
            take(&design);
        }
    }
}
