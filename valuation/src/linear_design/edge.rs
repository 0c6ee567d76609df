//! First and last floor: a whole number at the ends of the range another field gives.

use serde::{Deserialize, Serialize};

use super::column::{Column, Says};
use super::numbering::Numbering;
use crate::cells::Cells;
use crate::linear::SparseRow;

/// Two columns: the field is 1; the field equals `total`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Edge {
    /// The field that states how many there are, such as `floors_total` beside `floor`.
    total: String,
    /// Column of the first.
    first: usize,
    /// Column of the last.
    last: usize,
}

impl Edge {
    pub(super) fn new(total: String, columns: &mut Numbering) -> Edge {
        Edge {
            total,
            first: columns.next(),
            last: columns.next(),
        }
    }

    pub(super) fn total(&self) -> &str {
        &self.total
    }

    pub(super) fn write(&self, cells: &Cells, totals: &Cells, row: usize, out: &mut SparseRow) {
        let Some(value) = cells.number(row) else {
            return;
        };
        if value == 1.0 {
            out.push((self.first, 1.0));
        }
        if totals.number(row) == Some(value) {
            out.push((self.last, 1.0));
        }
    }

    pub(super) fn describe(&self) -> Vec<Column<'static>> {
        vec![
            Column::flag(self.first, Says::First),
            Column::flag(self.last, Says::Last(self.total.clone())),
        ]
    }

    pub(super) fn columns(&self) -> [usize; 2] {
        [self.first, self.last]
    }
}
