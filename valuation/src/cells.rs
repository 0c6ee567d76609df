//! One column of a batch, read by row whatever its type.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, TimeUnit};

/// A day in microseconds.
const DAY_US: f64 = 86_400e6;

/// One value of a record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Not known.
    Null,
    /// A number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A category's level, or a text.
    Text(&'a str),
    /// Yes or no.
    Boolean(bool),
    /// Microseconds since 1970.
    Time(i64),
}

impl<'a> Cell<'a> {
    /// The cell of a row of a column. A column of a type that no record has is all [`Cell::Null`].
    pub fn of(column: &'a ArrayRef, row: usize) -> Cell<'a> {
        match Cells::from(column) {
            Cells::Number(cells) if cells.is_valid(row) => Cell::Number(cells.value(row)),
            Cells::Integer(cells) if cells.is_valid(row) => Cell::Integer(cells.value(row)),
            Cells::Text(cells) if cells.is_valid(row) => Cell::Text(cells.value(row)),
            Cells::Boolean(cells) if cells.is_valid(row) => Cell::Boolean(cells.value(row)),
            Cells::Time(cells) if cells.is_valid(row) => Cell::Time(cells.value(row)),
            _ => Cell::Null,
        }
    }
}

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
    /// The same value in every row: a record that is priced alone.
    One(Cell<'a>),
    /// Not in the batch, or of a type no record has: every cell is null.
    Absent,
}

impl<'a> Cells<'a> {
    /// The column of a name.
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Cells<'a> {
        match batch.column_by_name(name) {
            Some(column) => Cells::from(column),
            None => Cells::Absent,
        }
    }

    /// A column.
    pub(crate) fn from(column: &'a ArrayRef) -> Cells<'a> {
        let cells = match column.data_type() {
            DataType::Float64 => column.as_primitive_opt::<Float64Type>().map(Cells::Number),
            DataType::Int64 => column.as_primitive_opt::<Int64Type>().map(Cells::Integer),
            DataType::Utf8 => column.as_string_opt::<i32>().map(Cells::Text),
            DataType::Boolean => column.as_boolean_opt().map(Cells::Boolean),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let times = column.as_primitive_opt::<TimestampMicrosecondType>();
                times.map(Cells::Time)
            }
            _ => None,
        };
        cells.unwrap_or(Cells::Absent)
    }

    /// The cell as a finite number; booleans are 0 and 1, times are days since 1970.
    pub(crate) fn number(&self, row: usize) -> Option<f64> {
        let value = match self {
            Cells::Number(cells) if cells.is_valid(row) => cells.value(row),
            Cells::Integer(cells) if cells.is_valid(row) => cells.value(row) as f64,
            Cells::Boolean(cells) if cells.is_valid(row) => f64::from(u8::from(cells.value(row))),
            Cells::Time(cells) if cells.is_valid(row) => cells.value(row) as f64 / DAY_US,
            Cells::One(Cell::Number(value)) => *value,
            Cells::One(Cell::Integer(value)) => *value as f64,
            Cells::One(Cell::Boolean(value)) => f64::from(u8::from(*value)),
            Cells::One(Cell::Time(us)) => *us as f64 / DAY_US,
            _ => return None,
        };
        value.is_finite().then_some(value)
    }

    /// The cell as a category's level.
    pub(crate) fn text(&self, row: usize) -> Option<&'a str> {
        match self {
            Cells::Text(cells) if cells.is_valid(row) => Some(cells.value(row)),
            Cells::One(Cell::Text(text)) => Some(*text),
            _ => None,
        }
    }

    /// The cell as microseconds since 1970.
    pub(crate) fn time_us(&self, row: usize) -> Option<i64> {
        match self {
            Cells::Time(cells) if cells.is_valid(row) => Some(cells.value(row)),
            Cells::One(Cell::Time(us)) => Some(*us),
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
