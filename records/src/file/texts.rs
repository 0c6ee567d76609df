//! A file as texts, for those who do not know its columns yet.

use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

use arrow_array::{Array, ArrayRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde_json::{Map, Value};

use super::delimited::{self, Again, Start};
use super::json::JsonRecords;
use super::matching::unique;
use super::number_text::number_text;
use super::parquet::{check_codecs, text_of};
use super::split::Split;
use super::text::{self, Source};
use super::{FileError, Form, sheet};
use crate::arrow_value::{is_readable, values_of};
use crate::decode;

/// Records of JSON that are checked.
const MOST_RECORDS: usize = 200_000;

/// A file as rows of texts. A number of a typed file is written so that it cannot be meant in two ways, a
/// time as RFC 3339, and what is not there as an empty text.
pub struct Texts {
    /// The columns' headers, trimmed; one that comes again has its number behind it: `Price (2)`.
    pub headers: Vec<String>,
    /// Whether the headers are the file's: else they are those that were given.
    pub has_header: bool,
    /// The separator of a delimited text.
    pub separator: Option<u8>,
    /// What was found of the file that people should know, such as its character set.
    pub notes: Vec<String>,
    source: Rows,
}

enum Rows {
    Delimited {
        path: PathBuf,
        records: Box<Split<BufReader<Again<Source>>>>,
        /// The first record, where there is no header.
        first: Option<(u64, Vec<String>)>,
    },
    Json(std::vec::IntoIter<(u64, Map<String, Value>)>),
    Parquet {
        path: PathBuf,
        reader: Box<ParquetRecordBatchReader>,
        chunk: Vec<ArrayRef>,
        rows: usize,
        next: usize,
        line: u64,
    },
}

impl Texts {
    /// Opens a file of any kind that [`super::FileReader`] reads; `columns` are the headers of a file without
    /// any.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or is not what its name says.
    pub fn open(path: &Path, columns: &[String]) -> Result<Texts, FileError> {
        let (form, file) = super::open(path)?;
        match form {
            Form::Delimited => {
                let (source, notes) = text::open(path, file)?;
                Texts::delimited(path, source, columns, notes)
            }
            Form::Sheet => {
                let (bytes, notes) = sheet::read(path)?;
                Texts::delimited(path, Box::new(Cursor::new(bytes)), columns, notes)
            }
            Form::Json => {
                let (source, notes) = text::open(path, file)?;
                Texts::json(path, source, notes)
            }
            Form::Parquet => Texts::parquet(path, file.of_format(path)?),
        }
    }

    fn delimited(
        path: &Path,
        source: Source,
        columns: &[String],
        mut notes: Vec<String>,
    ) -> Result<Texts, FileError> {
        let Start {
            mut records,
            separator,
            has_row_numbers,
            above,
        } = delimited::start(source, path)?;
        if has_row_numbers {
            notes.push(
                "the header has no name for the first cell of each record, which counts the rows"
                    .to_owned(),
            );
        }
        if separator == b' ' {
            notes.push("spaces stand between its cells".to_owned());
        }
        if let Some((lines, first)) = above {
            notes.push(format!(
                "the header is on line {}; what stands above it, such as {first:?}, is passed over",
                lines + 1
            ));
        }
        let failed = |error| delimited::failed(path, error);
        records.advance().map_err(failed)?;
        let line = records.line();
        let cells = delimited::header(&records, has_row_numbers, path)?;
        let has_header = columns.is_empty() || *columns == cells[..];
        let (headers, first) = match has_header {
            true => (unique(&cells), None),
            false => (columns.to_vec(), Some((line, cells))),
        };
        Ok(Texts {
            headers,
            has_header,
            separator: Some(separator),
            notes,
            source: Rows::Delimited {
                path: path.to_owned(),
                records: Box::new(records),
                first,
            },
        })
    }

    fn json(path: &Path, source: Source, mut notes: Vec<String>) -> Result<Texts, FileError> {
        let mut records = JsonRecords::new(source, path)?;
        let (mut rows, mut headers, mut nested) = (Vec::new(), Vec::<String>::new(), Vec::new());
        let (mut wrong, mut first_wrong) = (0, None);
        while rows.len() < MOST_RECORDS
            && let Some((line, record)) = records.next()?
        {
            let record = decode::without_nan(&record).unwrap_or(record);
            let Ok(record) = serde_json::from_slice::<Map<String, Value>>(&record) else {
                wrong += 1;
                first_wrong.get_or_insert_with(|| {
                    let text: String = String::from_utf8_lossy(&record).chars().take(40).collect();
                    format!("line {line} is not a JSON object: {:?}", text.trim())
                });
                continue;
            };
            for (name, value) in &record {
                let is_nested = value.is_array() || value.is_object();
                let known = if is_nested { &mut nested } else { &mut headers };
                if !known.contains(name) {
                    known.push(name.clone());
                }
            }
            rows.push((line, record));
        }
        if let Some(first) = first_wrong {
            if rows.is_empty() {
                return Err(FileError::Format {
                    path: path.to_owned(),
                    format: "JSON with records (an array of objects, or an object a line)",
                    detail: first,
                });
            }
            notes.push(format!("{wrong} records are none, {first}"));
        }
        notes.extend(
            nested
                .iter()
                .map(|name| format!("{name:?} is nested, and skipped")),
        );
        headers.retain(|name| !nested.contains(name));
        Ok(Texts {
            headers,
            has_header: true,
            separator: None,
            notes,
            source: Rows::Json(rows.into_iter()),
        })
    }

    fn parquet(path: &Path, file: std::fs::File) -> Result<Texts, FileError> {
        let invalid = |error: parquet::errors::ParquetError| FileError::Format {
            path: path.to_owned(),
            format: "valid Parquet",
            detail: error.to_string(),
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(invalid)?;
        check_codecs(path, builder.metadata())?;
        let (mut headers, mut roots, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for (position, field) in builder.schema().fields().iter().enumerate() {
            match is_readable(field.data_type()) {
                true => {
                    headers.push(field.name().clone());
                    roots.push(position);
                }
                false => notes.push(format!(
                    "{:?} is of type {}, and skipped",
                    field.name(),
                    field.data_type()
                )),
            }
        }
        let mask = parquet::arrow::ProjectionMask::roots(builder.parquet_schema(), roots);
        let reader = builder.with_projection(mask).build().map_err(invalid)?;
        Ok(Texts {
            headers: unique(&headers),
            has_header: true,
            separator: None,
            notes,
            source: Rows::Parquet {
                path: path.to_owned(),
                reader: Box::new(reader),
                chunk: Vec::new(),
                rows: 0,
                next: 0,
                line: 0,
            },
        })
    }

    /// The next row's line and its cells; `None` at the end. A ragged row has more or fewer cells than there
    /// are headers.
    ///
    /// # Errors
    /// When the file fails.
    pub fn next_row(&mut self) -> Result<Option<(u64, Vec<String>)>, FileError> {
        match &mut self.source {
            Rows::Delimited {
                path,
                records,
                first,
            } => {
                if let Some(first) = first.take() {
                    return Ok(Some(first));
                }
                let more = records.advance();
                if !more.map_err(|error| delimited::failed(path, error))? {
                    return Ok(None);
                }
                let most = match delimited::is_ended(records.cells(), self.headers.len()) {
                    true => self.headers.len(),
                    false => usize::MAX,
                };
                let cells = records
                    .cells()
                    .take(most)
                    .map(|cell| String::from_utf8_lossy(cell).into_owned());
                Ok(Some((records.line(), cells.collect())))
            }
            Rows::Json(rows) => Ok(rows.next().map(|(line, mut record)| {
                let cell = |name| match record.remove(name) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => text,
                    Some(Value::Number(number)) => match number.as_i64() {
                        Some(_) => number.to_string(),
                        None => number.as_f64().map_or_else(String::new, number_text),
                    },
                    Some(other) => other.to_string(),
                };
                (line, self.headers.iter().map(cell).collect())
            })),
            Rows::Parquet {
                path,
                reader,
                chunk,
                rows,
                next,
                line,
            } => {
                while *next >= *rows {
                    let Some(batch) = reader.next() else {
                        return Ok(None);
                    };
                    let invalid = |detail: String| FileError::Format {
                        path: path.clone(),
                        format: "valid Parquet",
                        detail,
                    };
                    let batch = batch.map_err(|error| invalid(error.to_string()))?;
                    let columns = batch.columns().iter().map(values_of);
                    *chunk = columns.collect::<Result<_, _>>().map_err(invalid)?;
                    (*rows, *next) = (batch.num_rows(), 0);
                }
                let index = *next;
                *next += 1;
                *line += 1;
                let cells = chunk.iter().map(|column| match column.is_null(index) {
                    true => String::new(),
                    false => text_of(column.as_ref(), index),
                });
                Ok(Some((*line, cells.collect())))
            }
        }
    }
}
