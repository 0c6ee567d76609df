//! A value of any simple Arrow column as a cell of a row: the rule of Parquet files and of tables in memory.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use arrow_select::take::take;

use crate::reject::Reason;
use crate::row::Row;

pub(crate) const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// A column's values, each in its row, where it has them in a dictionary.
pub(crate) fn values_of(column: &ArrayRef) -> Result<ArrayRef, String> {
    match column.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = column.as_any_dictionary();
            take(dictionary.values(), dictionary.keys(), None).map_err(|error| error.to_string())
        }
        _ => Ok(ArrayRef::clone(column)),
    }
}

/// Whether a value of a type can be one of a field: all but nested ones and durations.
pub(crate) fn is_readable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_readable(values),
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Null
        | DataType::Boolean
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(_, _)
        | DataType::Decimal64(_, _)
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _)
        | DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(_, _) => true,
        other => other.is_integer(),
    }
}

/// Sets the column `target` of a row to the value at `index`, which is not null.
///
/// # Errors
/// When the field does not take such a value.
pub(crate) fn set(
    row: &mut Row,
    target: usize,
    column: &dyn Array,
    index: usize,
) -> Result<(), Reason> {
    fn value<T: ArrowPrimitiveType>(column: &dyn Array, index: usize) -> T::Native {
        column.as_primitive::<T>().value(index)
    }
    match column.data_type() {
        DataType::Null => {
            row.set_null(target);
            Ok(())
        }
        DataType::Utf8 => row.set_text(target, column.as_string::<i32>().value(index)),
        DataType::LargeUtf8 => row.set_text(target, column.as_string::<i64>().value(index)),
        DataType::Utf8View => row.set_text(target, column.as_string_view().value(index)),
        DataType::Binary => set_bytes(row, target, column.as_binary::<i32>().value(index)),
        DataType::LargeBinary => set_bytes(row, target, column.as_binary::<i64>().value(index)),
        DataType::BinaryView => set_bytes(row, target, column.as_binary_view().value(index)),
        DataType::FixedSizeBinary(_) => {
            set_bytes(row, target, column.as_fixed_size_binary().value(index))
        }
        DataType::Boolean => row.set_boolean(target, column.as_boolean().value(index)),
        DataType::Float16 => row.set_number(target, value::<Float16Type>(column, index).to_f64()),
        DataType::Float32 => row.set_number(target, value::<Float32Type>(column, index).into()),
        DataType::Float64 => row.set_number(target, value::<Float64Type>(column, index)),
        DataType::Int8 => row.set_integer(target, value::<Int8Type>(column, index).into()),
        DataType::Int16 => row.set_integer(target, value::<Int16Type>(column, index).into()),
        DataType::Int32 => row.set_integer(target, value::<Int32Type>(column, index).into()),
        DataType::Int64 => row.set_integer(target, value::<Int64Type>(column, index)),
        DataType::UInt8 => row.set_integer(target, value::<UInt8Type>(column, index).into()),
        DataType::UInt16 => row.set_integer(target, value::<UInt16Type>(column, index).into()),
        DataType::UInt32 => row.set_integer(target, value::<UInt32Type>(column, index).into()),
        DataType::UInt64 => row.set_unsigned(target, value::<UInt64Type>(column, index)),
        DataType::Decimal32(_, _) => {
            let digits = column
                .as_primitive::<Decimal32Type>()
                .value_as_string(index);
            row.set_decimal(target, &digits)
        }
        DataType::Decimal64(_, _) => {
            let digits = column
                .as_primitive::<Decimal64Type>()
                .value_as_string(index);
            row.set_decimal(target, &digits)
        }
        DataType::Decimal128(_, _) => {
            let digits = column
                .as_primitive::<Decimal128Type>()
                .value_as_string(index);
            row.set_decimal(target, &digits)
        }
        DataType::Decimal256(_, _) => {
            let digits = column
                .as_primitive::<Decimal256Type>()
                .value_as_string(index);
            row.set_decimal(target, &digits)
        }
        DataType::Date32 => {
            let days = i64::from(value::<Date32Type>(column, index));
            row.set_time(target, days.saturating_mul(DAY_US))
        }
        DataType::Date64 => row.set_time(
            target,
            value::<Date64Type>(column, index).saturating_mul(1_000),
        ),
        DataType::Timestamp(unit, _) => {
            let us = match unit {
                TimeUnit::Second => {
                    value::<TimestampSecondType>(column, index).saturating_mul(1_000_000)
                }
                TimeUnit::Millisecond => {
                    value::<TimestampMillisecondType>(column, index).saturating_mul(1_000)
                }
                TimeUnit::Microsecond => value::<TimestampMicrosecondType>(column, index),
                TimeUnit::Nanosecond => {
                    value::<TimestampNanosecondType>(column, index).div_euclid(1_000)
                }
            };
            row.set_time(target, us)
        }
        other => Err(row.wrong_type(target, &other.to_string())),
    }
}

/// Bytes that are a text: what Spark and databases write without saying so.
fn set_bytes(row: &mut Row, target: usize, bytes: &[u8]) -> Result<(), Reason> {
    match std::str::from_utf8(bytes) {
        Ok(text) => row.set_text(target, text),
        Err(error) => Err(Reason::InvalidText {
            field: row.slots()[target].field.name.clone(),
            detail: format!("has bytes that are not UTF-8: {error}; write the column as text"),
        }),
    }
}
