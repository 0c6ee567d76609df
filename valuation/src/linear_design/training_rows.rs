//! The design of the rows that it was fitted on, written one row after the other: as a matrix it would take
//! more memory than the records themselves.

use arrow_array::RecordBatch;

use super::LinearDesign;
use super::out_of_fold::OutOfFoldColumns;
use crate::linear::SparseRow;

impl LinearDesign {
    /// Hands on the design of each of `rows` of `batch`, in their order: those that it was fitted on, with
    /// their values out of fold.
    pub(crate) fn each_trained(
        &self,
        batch: &RecordBatch,
        rows: &[usize],
        out_of_fold: &OutOfFoldColumns,
        take: &mut dyn FnMut(&SparseRow),
    ) {
        let bound = self.bind(batch);
        let mut design = SparseRow::new();
        for (position, row) in rows.iter().enumerate() {
            bound.write(*row, &mut design);
            for (column, value) in &mut design {
                if let Some(values) = out_of_fold.of(*column) {
                    *value = values[position];
                }
            }
            take(&design);
        }
    }
}
