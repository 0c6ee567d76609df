//! Apache Parquet: columns of any simple type, checked like every other record.

use std::io::Read;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::recognise::by_mark;
use super::{FIRST_BYTES, FileBatch, FileError, Matching, RowReject, refuse};
use crate::columns::Columns;
use crate::reject::Reason;
use crate::row::Row;
use crate::schema::{Purpose, Schema};
use crate::timestamp;

/// Rows decoded from the file at a time; bounds memory.
const CHUNK_ROWS: usize = 8192;
const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// Reads a Parquet file.
pub struct Parquet {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    matching: Matching,
    row: Row,
    columns: Columns,
    chunk: Option<RecordBatch>,
    next_in_chunk: usize,
    line: u64,
}

impl Parquet {
    /// Reads the file's footer.
    ///
    /// # Errors
    /// When it is no Parquet file, or lacks a column the schema requires, or a column that the
    /// schema names has a type that no field can have.
    pub fn new(
        file: std::fs::File,
        path: &Path,
        schema: &Schema,
        purpose: Purpose,
    ) -> Result<Parquet, FileError> {
        let mut head = Vec::new();
        let io = |source| FileError::Io {
            path: path.to_owned(),
            source,
        };
        // What is read here is read again: the format is read by offsets.
        let mut first = (&file).take(FIRST_BYTES);
        first.read_to_end(&mut head).map_err(io)?;
        if head.is_empty() {
            return Err(FileError::Empty {
                path: path.to_owned(),
            });
        }
        if !head.starts_with(b"PAR1") {
            refuse(path, "Apache Parquet", by_mark(&head))?;
        }
        let invalid = |error: parquet::errors::ParquetError| FileError::Format {
            path: path.to_owned(),
            format: "Parquet",
            detail: error.to_string(),
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(invalid)?;
        let names: Vec<String> = builder
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let matching = Matching::new(path, &names, schema, purpose)?;
        for (field, target) in builder.schema().fields().iter().zip(&matching.targets) {
            if target.is_some() && !is_readable(field.data_type()) {
                return Err(FileError::Columns {
                    path: path.to_owned(),
                    detail: format!(
                        "column {:?} is of type {}; expected a text, number, boolean or time",
                        field.name(),
                        field.data_type()
                    ),
                    columns: names.join(", "),
                });
            }
        }
        let reader = builder
            .with_batch_size(CHUNK_ROWS)
            .build()
            .map_err(invalid)?;
        Ok(Parquet {
            path: path.to_owned(),
            reader,
            matching,
            row: Row::new(schema, purpose),
            columns: Columns::new(schema, purpose),
            chunk: None,
            next_in_chunk: 0,
            line: 0,
        })
    }

    /// Columns that the schema does not name.
    pub fn unknown_columns(&self) -> &[String] {
        &self.matching.unknown
    }

    /// The next rows, at most `max_rows`; `None` at the end.
    ///
    /// # Errors
    /// When the file breaks off.
    pub fn next_batch(&mut self, max_rows: usize) -> Result<Option<FileBatch>, FileError> {
        let (mut lines, mut rejects) = (Vec::new(), Vec::new());
        let now_us = timestamp::now_us();
        while self.columns.len() + rejects.len() < max_rows {
            let exhausted = self
                .chunk
                .as_ref()
                .is_none_or(|chunk| self.next_in_chunk >= chunk.num_rows());
            if exhausted {
                self.chunk = self
                    .reader
                    .next()
                    .transpose()
                    .map_err(|error| FileError::Format {
                        path: self.path.clone(),
                        format: "Parquet",
                        detail: error.to_string(),
                    })?;
                self.next_in_chunk = 0;
            }
            let Some(chunk) = &self.chunk else { break };
            let index = self.next_in_chunk;
            self.next_in_chunk += 1;
            self.line += 1;
            match fill(
                &mut self.row,
                &self.matching,
                chunk,
                index,
                now_us,
                self.line,
            ) {
                Ok(()) => {
                    self.columns.push(&self.row);
                    lines.push(self.line);
                }
                Err(reason) => rejects.push(RowReject {
                    line: self.line,
                    reason,
                }),
            }
        }
        if self.columns.is_empty() && rejects.is_empty() {
            return Ok(None);
        }
        Ok(Some(FileBatch {
            batch: self.columns.finish(),
            lines,
            rejects,
        }))
    }
}

fn fill(
    row: &mut Row,
    matching: &Matching,
    chunk: &RecordBatch,
    index: usize,
    now_us: i64,
    line: u64,
) -> Result<(), Reason> {
    row.clear();
    for (column, target) in chunk.columns().iter().zip(&matching.targets) {
        if let Some(target) = *target
            && !column.is_null(index)
        {
            set(row, target, column.as_ref(), index)?;
        }
    }
    row.finish(now_us, &line)
}

fn is_readable(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Boolean
                | DataType::Float32
                | DataType::Float64
                | DataType::Date32
                | DataType::Timestamp(_, _)
        )
}

fn set(row: &mut Row, target: usize, column: &dyn Array, index: usize) -> Result<(), Reason> {
    fn value<T: ArrowPrimitiveType>(column: &dyn Array, index: usize) -> T::Native {
        column.as_primitive::<T>().value(index)
    }
    match column.data_type() {
        DataType::Utf8 => row.set_untyped(target, column.as_string::<i32>().value(index)),
        DataType::LargeUtf8 => row.set_untyped(target, column.as_string::<i64>().value(index)),
        DataType::Utf8View => row.set_untyped(target, column.as_string_view().value(index)),
        DataType::Boolean => row.set_boolean(target, column.as_boolean().value(index)),
        DataType::Float32 => row.set_number(target, value::<Float32Type>(column, index).into()),
        DataType::Float64 => row.set_number(target, value::<Float64Type>(column, index)),
        DataType::Int8 => row.set_integer(target, value::<Int8Type>(column, index).into()),
        DataType::Int16 => row.set_integer(target, value::<Int16Type>(column, index).into()),
        DataType::Int32 => row.set_integer(target, value::<Int32Type>(column, index).into()),
        DataType::Int64 => row.set_integer(target, value::<Int64Type>(column, index)),
        DataType::UInt8 => row.set_integer(target, value::<UInt8Type>(column, index).into()),
        DataType::UInt16 => row.set_integer(target, value::<UInt16Type>(column, index).into()),
        DataType::UInt32 => row.set_integer(target, value::<UInt32Type>(column, index).into()),
        DataType::UInt64 => row.set_number(target, value::<UInt64Type>(column, index) as f64),
        DataType::Date32 => {
            let days = i64::from(value::<Date32Type>(column, index));
            row.set_time(target, days.saturating_mul(DAY_US))
        }
        DataType::Timestamp(unit, _) => {
            let us = match unit {
                TimeUnit::Second => {
                    value::<TimestampSecondType>(column, index).saturating_mul(1_000_000)
                }
                TimeUnit::Millisecond => {
                    value::<TimestampMillisecondType>(column, index).saturating_mul(1_000)
                }
                TimeUnit::Microsecond => value::<TimestampMicrosecondType>(column, index),
                TimeUnit::Nanosecond => value::<TimestampNanosecondType>(column, index) / 1_000,
            };
            row.set_time(target, us)
        }
        other => Err(row.wrong_type(target, &other.to_string())),
    }
}
