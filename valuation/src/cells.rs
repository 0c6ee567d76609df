//! One column of a batch, read by row whatever its type.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};

/// A column by its type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cells<'a> {
    /// A number.
    Number(&'a Float64Array),
    /// A whole number.
    Integer(&'a Int64Array),
    /// A category.
    Text(&'a StringArray),
    /// Yes or no.
    Boolean(&'a BooleanArray),
    /// Microseconds since 1970.
    Time(&'a TimestampMicrosecondArray),
    /// Not in the batch, or of a type no record has: every cell is null.
    Absent,
}

impl<'a> Cells<'a> {
    /// The column of a name.
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Cells<'a> {
        let Some(column) = batch.column_by_name(name) else {
            return Cells::Absent;
        };
        if let Some(cells) = column.as_primitive_opt::<Float64Type>() {
            Cells::Number(cells)
        } else if let Some(cells) = column.as_primitive_opt::<Int64Type>() {
            Cells::Integer(cells)
        } else if let Some(cells) = column.as_string_opt::<i32>() {
            Cells::Text(cells)
        } else if let Some(cells) = column.as_boolean_opt() {
            Cells::Boolean(cells)
        } else if let Some(cells) = column.as_primitive_opt::<TimestampMicrosecondType>() {
            Cells::Time(cells)
        } else {
            Cells::Absent
        }
    }

    /// The cell as a finite number; booleans are 0 and 1, times are days since 1970.
    pub(crate) fn number(&self, row: usize) -> Option<f64> {
        let value = match self {
            Cells::Number(cells) if cells.is_valid(row) => cells.value(row),
            Cells::Integer(cells) if cells.is_valid(row) => cells.value(row) as f64,
            Cells::Boolean(cells) if cells.is_valid(row) => f64::from(u8::from(cells.value(row))),
            Cells::Time(cells) if cells.is_valid(row) => cells.value(row) as f64 / 86_400e6,
            _ => return None,
        };
        value.is_finite().then_some(value)
    }

    /// The cell as a category's level.
    pub(crate) fn text(&self, row: usize) -> Option<&'a str> {
        match self {
            Cells::Text(cells) if cells.is_valid(row) => Some(cells.value(row)),
            _ => None,
        }
    }

    /// The cell as microseconds since 1970.
    pub(crate) fn time_us(&self, row: usize) -> Option<i64> {
        match self {
            Cells::Time(cells) if cells.is_valid(row) => Some(cells.value(row)),
            _ => None,
        }
    }
}

/// The median; the mean of the middle two for an even count. Sorts `values`.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[half]),
        _ => Some((values[half - 1] + values[half]) / 2.0),
    }
}
