//! Delimited text: every cell is read as the kind its field has.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::split::{Split, SplitError};
use super::{FileBatch, FileError, Matching, RowReject, recognise, refuse};
use crate::columns::Columns;
use crate::reject::Reason;
use crate::row::Row;
use crate::schema::{Purpose, Schema};
use crate::timestamp;

/// Separators that a header may use; the one that occurs most is taken.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Longest header line looked at to find the separator, in bytes.
const HEADER_BYTES: u64 = 64 * 1024;

/// Reads delimited text with a header line.
pub struct Delimited<R: Read> {
    path: PathBuf,
    records: Split<std::io::Chain<std::io::Cursor<Vec<u8>>, BufReader<R>>>,
    matching: Matching,
    row: Row,
    columns: Columns,
}

impl<R: Read> Delimited<R> {
    /// Reads the header; `path` is only for messages.
    ///
    /// # Errors
    /// When there is no header, it is no text in UTF-8, or it lacks a column the schema requires.
    pub fn new(
        source: R,
        path: &Path,
        schema: &Schema,
        purpose: Purpose,
    ) -> Result<Delimited<R>, FileError> {
        let mut source = BufReader::new(source);
        let head = head(&mut source).map_err(|source| FileError::Io {
            path: path.to_owned(),
            source,
        })?;
        refuse(path, "delimited text in UTF-8", recognise(&head))?;
        if is_blank(&head) {
            return Err(FileError::Empty {
                path: path.to_owned(),
            });
        }
        let occurrences = |separator: &u8| head.iter().filter(|byte| *byte == separator).count();
        // `max_by_key` takes the last of equals; reversed, a header of one column is a CSV's.
        let separator = SEPARATORS
            .into_iter()
            .rev()
            .max_by_key(occurrences)
            .unwrap_or(b',');
        let mut records = Split::new(std::io::Cursor::new(head).chain(source), separator);
        records.advance().map_err(|error| failed(path, error))?;
        let line = records.line();
        let names: Vec<String> = records
            .cells()
            .enumerate()
            .map(|(position, name)| match std::str::from_utf8(name) {
                Ok(name) => Ok(name.trim().to_owned()),
                Err(_) => Err(FileError::Header {
                    path: path.to_owned(),
                    line,
                    column: position + 1,
                    found: String::from_utf8_lossy(name).trim().to_owned(),
                }),
            })
            .collect::<Result<_, FileError>>()?;
        let matching =
            Matching::new(path, &names, schema, purpose).map_err(|error| match error {
                FileError::Columns { path, columns, .. } if are_numbers(&names) => {
                    FileError::NoHeader { path, columns }
                }
                error => error,
            })?;
        Ok(Delimited {
            matching,
            path: path.to_owned(),
            records,
            row: Row::new(schema, purpose),
            columns: Columns::new(schema, purpose),
        })
    }

    /// Columns that the schema does not name.
    pub fn unknown_columns(&self) -> &[String] {
        &self.matching.unknown
    }

    /// The next rows, at most `max_rows`; `None` at the end.
    ///
    /// # Errors
    /// When the source breaks off.
    pub fn next_batch(&mut self, max_rows: usize) -> Result<Option<FileBatch>, FileError> {
        let (mut lines, mut rejects) = (Vec::new(), Vec::new());
        let now_us = timestamp::now_us();
        while self.columns.len() + rejects.len() < max_rows {
            let more = self.records.advance();
            if !more.map_err(|error| failed(&self.path, error))? {
                break;
            }
            let line = self.records.line();
            match self.fill(now_us) {
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

    fn fill(&mut self, now_us: i64) -> Result<(), Reason> {
        self.row.clear();
        if self.records.len() != self.matching.targets.len() {
            return Err(Reason::Ragged {
                expected: self.matching.targets.len(),
                found: self.records.len(),
                lines: self.records.lines(),
            });
        }
        for (cell, target) in self.records.cells().zip(&self.matching.targets) {
            let Some(index) = *target else { continue };
            let text = std::str::from_utf8(cell).map_err(|error| Reason::InvalidText {
                field: self.row.slots()[index].field.name.clone(),
                detail: format!("is not UTF-8: {error}; save the file as UTF-8"),
            })?;
            self.row.set_untyped(index, text)?;
        }
        self.row.finish(now_us, &self.records.line())
    }
}

/// The first line that is not blank, and the blank ones before it.
fn head(source: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut bounded = source.take(HEADER_BYTES);
    while is_blank(&head) && bounded.read_until(b'\n', &mut head)? > 0 {}
    Ok(head)
}

/// Whether a line is a record's rather than a header.
fn are_numbers(names: &[String]) -> bool {
    names.iter().all(|name| name.parse::<f64>().is_ok())
}

/// Whether there is nothing but white space and the mark of UTF-8.
fn is_blank(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    text.iter().all(u8::is_ascii_whitespace)
}

fn failed(path: &Path, error: SplitError) -> FileError {
    let path = path.to_owned();
    match error {
        SplitError::Io(source) => FileError::Io { path, source },
        SplitError::TooLong { line, column, most } => FileError::TooLong {
            path,
            line,
            column,
            most,
        },
    }
}
