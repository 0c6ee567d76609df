//! JSON: an array of records, a document with them inside, or a record a line; each is read as a message is.

use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::batch::{FileBatch, RowReject};
use super::error::FileError;
use super::json_document;
use super::text::Source;
use crate::columns::Columns;
use crate::decode;
use crate::limits::MESSAGE_BYTES;
use crate::reject::Reason;
use crate::row::Row;
use crate::schema::{Purpose, Schema};
use crate::timestamp;

/// Bytes of an array or a document at most: it is read whole.
const ARRAY_BYTES: u64 = 1 << 30;

/// Records of a JSON file, one after the other.
pub(super) struct JsonRecords {
    path: PathBuf,
    source: Records,
    line: u64,
}

enum Records {
    Lines(BufReader<Source>),
    Whole(std::vec::IntoIter<Box<RawValue>>),
}

impl JsonRecords {
    /// # Errors
    /// When the file cannot be read, or is an array that is not a JSON.
    pub(super) fn new(source: Source, path: &Path) -> Result<JsonRecords, FileError> {
        let io = |source| FileError::Io {
            path: path.to_owned(),
            source,
        };
        let mut source = BufReader::new(source);
        let first = loop {
            let part = source.fill_buf().map_err(io)?;
            if part.is_empty() {
                return Err(FileError::Empty {
                    path: path.to_owned(),
                });
            }
            let blank = part.strip_prefix(b"\xef\xbb\xbf").unwrap_or(part);
            let skipped = part.len() - blank.len();
            let blanks = blank
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            let first = blank.get(blanks).copied();
            source.consume(skipped + blanks);
            if let Some(first) = first {
                break first;
            }
        };
        let source = match first {
            b'[' => {
                let mut bytes = Vec::new();
                source
                    .take(ARRAY_BYTES)
                    .read_to_end(&mut bytes)
                    .map_err(io)?;
                let bytes = decode::without_nan(&bytes).unwrap_or(bytes);
                let records: Vec<Box<RawValue>> =
                    serde_json::from_slice(&bytes).map_err(|error| FileError::Format {
                        path: path.to_owned(),
                        format: "valid JSON",
                        detail: error.to_string(),
                    })?;
                let records = json_document::table(&records).unwrap_or(records);
                Records::Whole(records.into_iter())
            }
            b'{' => by_lines_or_whole(source).map_err(io)?,
            _ => Records::Lines(source),
        };
        Ok(JsonRecords {
            path: path.to_owned(),
            source,
            line: 0,
        })
    }

    /// The next record and its line, counted from 1; of an array its place in it.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, FileError> {
        match &mut self.source {
            Records::Whole(records) => {
                self.line += 1;
                Ok(records
                    .next()
                    .map(|record| (self.line, record.get().as_bytes().to_vec())))
            }
            Records::Lines(source) => loop {
                let mut line = Vec::new();
                // One byte more than a message may have is enough to refuse it.
                let most = MESSAGE_BYTES as u64 + 2;
                let io = |source| FileError::Io {
                    path: self.path.clone(),
                    source,
                };
                let mut bounded = source.by_ref().take(most);
                let count = bounded.read_until(b'\n', &mut line).map_err(io)?;
                if count as u64 == most {
                    source.skip_until(b'\n').map_err(io)?;
                }
                if count == 0 {
                    return Ok(None);
                }
                self.line += 1;
                if !line.iter().all(u8::is_ascii_whitespace) {
                    return Ok(Some((self.line, line)));
                }
            },
        }
    }
}

/// Records a line, where the first line is one; else those inside the object that the file is.
fn by_lines_or_whole(mut source: BufReader<Source>) -> std::io::Result<Records> {
    let mut bytes = Vec::new();
    source
        .by_ref()
        .take(ARRAY_BYTES)
        .read_until(b'\n', &mut bytes)?;
    let is_json = |bytes: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    let is_last = source.fill_buf()?.is_empty();
    // A line that is no JSON is one of a document over several lines, or a record at fault.
    let first = decode::without_nan(&bytes);
    if is_last || !is_json(first.as_deref().unwrap_or(&bytes)) {
        let most = ARRAY_BYTES.saturating_sub(bytes.len() as u64);
        source.by_ref().take(most).read_to_end(&mut bytes)?;
        let whole = decode::without_nan(&bytes);
        let text = whole.as_deref().unwrap_or(&bytes);
        let records = json_document::records(text);
        if let Some(records) = records.or_else(|| json_document::one_after_the_other(text)) {
            return Ok(Records::Whole(records.into_iter()));
        }
    }
    let again: Source = Box::new(Cursor::new(bytes).chain(source));
    Ok(Records::Lines(BufReader::new(again)))
}

/// A JSON file being read by a schema.
pub struct Json {
    records: JsonRecords,
    row: Row,
    columns: Columns,
}

impl Json {
    pub(super) fn new(
        source: Source,
        path: &Path,
        schema: &Schema,
        purpose: Purpose,
    ) -> Result<Json, FileError> {
        Ok(Json {
            records: JsonRecords::new(source, path)?,
            row: Row::new(schema, purpose).with_headers(),
            columns: Columns::new(schema, purpose),
        })
    }

    /// The next rows, at most `max_rows`; `None` at the end.
    ///
    /// # Errors
    /// When the source fails.
    pub fn next_batch(&mut self, max_rows: usize) -> Result<Option<FileBatch>, FileError> {
        let (mut lines, mut rejects) = (Vec::new(), Vec::new());
        let now_us = timestamp::now_us();
        while self.columns.len() + rejects.len() < max_rows {
            let Some((line, record)) = self.records.next()? else {
                break;
            };
            let read: Result<(), Reason> = decode::read(&mut self.row, &record, MESSAGE_BYTES)
                .and_then(|()| self.row.finish(now_us, &line));
            match read {
                Ok(()) => {
                    self.columns.push(&self.row);
                    lines.push(line);
                }
                Err(reason) => rejects.push(RowReject { line, reason }),
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
