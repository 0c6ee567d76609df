//! Columns back to JSON records.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use serde::ser::{Serialize, SerializeMap, Serializer};
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

/// A row of a batch as it is written to JSON, without a field; nulls are left out.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The rows.
    pub batch: &'a RecordBatch,
    /// Which of them; below their number, or writing panics.
    pub index: usize,
    /// The field that is left out.
    pub without: &'a str,
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (schema, index) = (self.batch.schema_ref(), self.index);
        let mut record = serializer.serialize_map(None)?;
        for (field, column) in schema.fields().iter().zip(self.batch.columns()) {
            let name = field.name().as_str();
            if column.is_null(index) || name == self.without {
                continue;
            }
            match field.data_type() {
                DataType::Utf8 => {
                    record.serialize_entry(name, column.as_string::<i32>().value(index))?;
                }
                DataType::Float64 => {
                    let value = column.as_primitive::<Float64Type>().value(index);
                    record.serialize_entry(name, &value)?;
                }
                DataType::Int64 => {
                    let value = column.as_primitive::<Int64Type>().value(index);
                    record.serialize_entry(name, &value)?;
                }
                DataType::Boolean => {
                    record.serialize_entry(name, &column.as_boolean().value(index))?;
                }
                _ => {
                    let column = column.as_primitive::<TimestampMicrosecondType>();
                    record.serialize_entry(name, &timestamp::format(column.value(index)))?;
                }
            }
        }
        record.end()
    }
}
