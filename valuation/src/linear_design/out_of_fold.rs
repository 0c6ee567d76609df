//! The values that columns made from targets have in the rows that a design was fitted on.

use std::collections::BTreeMap;

/// Values out of fold, by column and then by position among the rows.
#[derive(Debug, Default)]
pub(crate) struct OutOfFoldColumns {
    columns: BTreeMap<usize, Vec<f64>>,
}

impl OutOfFoldColumns {
    pub(super) fn insert(&mut self, column: usize, values: Vec<f64>) {
        self.columns.insert(column, values);
    }

    /// Those of a column; `None` where it is not made from targets.
    pub(super) fn of(&self, column: usize) -> Option<&[f64]> {
        self.columns.get(&column).map(Vec::as_slice)
    }
}
