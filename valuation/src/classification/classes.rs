//! Which rows are of the class.

use arrow_array::RecordBatch;
use records::Schema;

use crate::cells::Cells;

/// By row of a batch: whether its target is of the schema's class; `None` where it has no target.
pub fn classes(schema: &Schema, batch: &RecordBatch) -> Vec<Option<bool>> {
    let target = schema.target.as_deref();
    let cells = target.map_or(Cells::Absent, |target| Cells::of(batch, target));
    let class = schema.class.as_ref();
    let at_least = class.and_then(|class| class.at_least);
    let level = class.and_then(|class| class.level.as_deref());
    let of_class = |row: usize| match (at_least, level) {
        (Some(at_least), _) => cells.number(row).map(|value| value >= at_least),
        (None, Some(level)) => cells.text(row).map(|text| text == level),
        // A boolean: yes is 1.
        (None, None) => cells.number(row).map(|value| value > 0.5),
    };
    (0..batch.num_rows()).map(of_class).collect()
}
