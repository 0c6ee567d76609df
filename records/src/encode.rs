//! Columns back to JSON records.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use serde_json::{Map, Value};

use crate::timestamp;

/// Row `index` of a batch as a JSON object; nulls are left out.
///
/// # Panics
/// When `index` is not below the number of rows.
pub fn to_json(batch: &RecordBatch, index: usize) -> Map<String, Value> {
    let mut record = Map::new();
    let schema = batch.schema_ref();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if column.is_null(index) {
            continue;
        }
        let value = match field.data_type() {
            DataType::Utf8 => Value::from(column.as_string::<i32>().value(index)),
            DataType::Float64 => Value::from(column.as_primitive::<Float64Type>().value(index)),
            DataType::Int64 => Value::from(column.as_primitive::<Int64Type>().value(index)),
            DataType::Boolean => Value::from(column.as_boolean().value(index)),
            _ => Value::from(timestamp::format(
                column
                    .as_primitive::<TimestampMicrosecondType>()
                    .value(index),
            )),
        };
        record.insert(field.name().clone(), value);
    }
    record
}
