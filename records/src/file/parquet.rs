//! Apache Parquet: columns of any simple type, checked like every other record.

use std::io::Read;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::batch::{FileBatch, RowReject};
use super::error::FileError;
use super::matching::Matching;
use super::number_text::number_text;
use super::recognise::{FIRST_BYTES, by_mark, refuse};
use crate::arrow_value::{DAY_US, is_readable, set, values_of};
use crate::columns::Columns;
use crate::reject::Reason;
use crate::row::Row;
use crate::schema::{Purpose, Schema};
use crate::timestamp;

/// Rows decoded from the file at a time; bounds memory.
const CHUNK_ROWS: usize = 8192;

/// Reads a Parquet file.
pub struct Parquet {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    matching: Matching,
    /// The schema's column that each column of a chunk fills.
    targets: Vec<usize>,
    row: Row,
    columns: Columns,
    /// Some rows, dictionaries taken out.
    chunk: Option<Vec<ArrayRef>>,
    /// How many rows that is.
    chunk_rows: usize,
    next_in_chunk: usize,
    line: u64,
}

impl Parquet {
    /// Reads the file's footer.
    ///
    /// # Errors
    /// When it is not a Parquet file, or lacks a column the schema requires, or a column that the
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
        // The reader reads these bytes again: it reads the format by offsets.
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
            format: "valid Parquet",
            detail: error.to_string(),
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(invalid)?;
        check_codecs(path, builder.metadata())?;
        let names: Vec<String> = builder
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let mut matching = Matching::new(path, &names, schema, purpose)?;
        let (mut roots, mut targets) = (Vec::new(), Vec::new());
        let columns = builder
            .schema()
            .fields()
            .iter()
            .zip(&matching.targets)
            .enumerate();
        for (position, (field, target)) in columns {
            let Some(target) = *target else { continue };
            if is_readable(field.data_type()) {
                roots.push(position);
                targets.push(target);
                continue;
            }
            let (name, data_type) = (field.name(), field.data_type());
            let asked = schema.columns(purpose).nth(target);
            if asked.is_some_and(|asked| schema.is_asked_for(asked)) {
                return Err(FileError::Columns {
                    path: path.to_owned(),
                    detail: format!(
                        "column {name:?} is of type {data_type}; expected a text, number, boolean or time"
                    ),
                    columns: names.join(", "),
                });
            }
            matching
                .unknown
                .push(format!("{name} (of type {data_type})"));
        }
        // Columns that fill no field are not decompressed.
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let reader = builder
            .with_batch_size(CHUNK_ROWS)
            .with_projection(mask)
            .build()
            .map_err(invalid)?;
        Ok(Parquet {
            path: path.to_owned(),
            reader,
            matching,
            targets,
            row: Row::new(schema, purpose),
            columns: Columns::new(schema, purpose),
            chunk: None,
            chunk_rows: 0,
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
    /// When the file fails.
    pub fn next_batch(&mut self, max_rows: usize) -> Result<Option<FileBatch>, FileError> {
        let (mut lines, mut rejects) = (Vec::new(), Vec::new());
        let now_us = timestamp::now_us();
        while self.columns.len() + rejects.len() < max_rows {
            if self.chunk.is_none() || self.next_in_chunk >= self.chunk_rows {
                self.chunk = None;
                let invalid = |detail: String| FileError::Format {
                    path: self.path.clone(),
                    format: "valid Parquet",
                    detail,
                };
                if let Some(chunk) = self.reader.next() {
                    let chunk = chunk.map_err(|error| invalid(error.to_string()))?;
                    self.chunk_rows = chunk.num_rows();
                    let columns = chunk.columns().iter().map(values_of);
                    self.chunk = Some(columns.collect::<Result<_, _>>().map_err(invalid)?);
                }
                self.next_in_chunk = 0;
                if self.chunk.is_some() && self.chunk_rows == 0 {
                    continue;
                }
            }
            let Some(chunk) = &self.chunk else { break };
            let index = self.next_in_chunk;
            self.next_in_chunk += 1;
            self.line += 1;
            match fill(
                &mut self.row,
                &self.targets,
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

/// Refuses pages that cannot be unpacked: hardly any program writes LZO.
pub(super) fn check_codecs(path: &Path, metadata: &ParquetMetaData) -> Result<(), FileError> {
    let groups = metadata.row_groups().iter();
    for column in groups.flat_map(|group| group.columns()) {
        let codec = match column.compression() {
            Compression::LZO => "LZO",
            _ => continue,
        };
        return Err(FileError::Codec {
            path: path.to_owned(),
            codec,
        });
    }
    Ok(())
}

fn fill(
    row: &mut Row,
    targets: &[usize],
    chunk: &[ArrayRef],
    index: usize,
    now_us: i64,
    line: u64,
) -> Result<(), Reason> {
    row.clear();
    for (column, target) in chunk.iter().zip(targets) {
        if !column.is_null(index) {
            set(row, *target, column.as_ref(), index)?;
        }
    }
    row.finish(now_us, &line)
}

/// A value as a text: a time as RFC 3339, a number in an unambiguous form.
pub(super) fn text_of(column: &dyn Array, index: usize) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fn shown<T: ArrowPrimitiveType>(column: &dyn Array, index: usize) -> String
    where
        T::Native: std::fmt::Display,
    {
        column.as_primitive::<T>().value(index).to_string()
    }
    fn float<T: ArrowPrimitiveType>(column: &dyn Array, index: usize) -> f64
    where
        f64: From<T::Native>,
    {
        f64::from(column.as_primitive::<T>().value(index))
    }
    // Of a decimal by its digits: 1.250 is not a thousand.
    let decimal = |digits: String| match digits.contains('.') {
        true => format!("{digits}0"),
        false => digits,
    };
    let time = |us: i64| {
        let text = timestamp::format(us);
        text.strip_suffix("T00:00:00.000000Z")
            .map_or(text.clone(), str::to_owned)
    };
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(index).to_owned(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(index).to_owned(),
        DataType::Utf8View => column.as_string_view().value(index).to_owned(),
        DataType::Binary => text(column.as_binary::<i32>().value(index)),
        DataType::LargeBinary => text(column.as_binary::<i64>().value(index)),
        DataType::BinaryView => text(column.as_binary_view().value(index)),
        DataType::FixedSizeBinary(_) => text(column.as_fixed_size_binary().value(index)),
        DataType::Boolean => column.as_boolean().value(index).to_string(),
        DataType::Float16 => {
            number_text(column.as_primitive::<Float16Type>().value(index).to_f64())
        }
        DataType::Float32 => number_text(float::<Float32Type>(column, index)),
        DataType::Float64 => number_text(float::<Float64Type>(column, index)),
        DataType::Int8 => shown::<Int8Type>(column, index),
        DataType::Int16 => shown::<Int16Type>(column, index),
        DataType::Int32 => shown::<Int32Type>(column, index),
        DataType::Int64 => shown::<Int64Type>(column, index),
        DataType::UInt8 => shown::<UInt8Type>(column, index),
        DataType::UInt16 => shown::<UInt16Type>(column, index),
        DataType::UInt32 => shown::<UInt32Type>(column, index),
        DataType::UInt64 => shown::<UInt64Type>(column, index),
        DataType::Decimal32(_, _) => decimal(
            column
                .as_primitive::<Decimal32Type>()
                .value_as_string(index),
        ),
        DataType::Decimal64(_, _) => decimal(
            column
                .as_primitive::<Decimal64Type>()
                .value_as_string(index),
        ),
        DataType::Decimal128(_, _) => decimal(
            column
                .as_primitive::<Decimal128Type>()
                .value_as_string(index),
        ),
        DataType::Decimal256(_, _) => decimal(
            column
                .as_primitive::<Decimal256Type>()
                .value_as_string(index),
        ),
        DataType::Date32 => {
            time(i64::from(column.as_primitive::<Date32Type>().value(index)).saturating_mul(DAY_US))
        }
        DataType::Date64 => time(
            column
                .as_primitive::<Date64Type>()
                .value(index)
                .saturating_mul(1_000),
        ),
        DataType::Timestamp(unit, _) => time(match unit {
            TimeUnit::Second => column
                .as_primitive::<TimestampSecondType>()
                .value(index)
                .saturating_mul(1_000_000),
            TimeUnit::Millisecond => column
                .as_primitive::<TimestampMillisecondType>()
                .value(index)
                .saturating_mul(1_000),
            TimeUnit::Microsecond => column
                .as_primitive::<TimestampMicrosecondType>()
                .value(index),
            TimeUnit::Nanosecond => column
                .as_primitive::<TimestampNanosecondType>()
                .value(index)
                .div_euclid(1_000),
        }),
        _ => String::new(),
    }
}
