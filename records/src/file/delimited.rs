//! Delimited text: every cell is read as the kind its field has.

use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use super::batch::{FileBatch, RowReject};
use super::dialect::{is_value, sniff};
use super::error::FileError;
use super::matching::Matching;
use super::recognise::{other_text, recognise, refuse};
use super::spaces::Spaces;
use super::split::{Split, SplitError};
use crate::columns::Columns;
use crate::reject::Reason;
use crate::row::Row;
use crate::schema::{Purpose, Schema};
use crate::timestamp;

/// Bytes from which the separator is recognised.
const SAMPLE_BYTES: u64 = 64 * 1024;

/// What the first bytes of a text were checked, and the rest; with tabs where spaces stand between cells.
pub(super) type Again<R> = Spaces<std::io::Chain<Cursor<Vec<u8>>, R>>;

/// Records of a text whose separator is known.
pub(super) struct Start<R> {
    pub(super) records: Split<R>,
    pub(super) separator: u8,
    /// Whether records begin with a number that the header has no name for.
    pub(super) has_row_numbers: bool,
    /// The titles and comments above the header, and how many lines they take.
    pub(super) above: Option<(usize, String)>,
}

/// Reports the separator from the first bytes.
pub(super) fn start<R: Read>(
    mut source: R,
    path: &Path,
) -> Result<Start<BufReader<Again<R>>>, FileError> {
    let mut sample = Vec::new();
    let read = (&mut source).take(SAMPLE_BYTES).read_to_end(&mut sample);
    read.map_err(|source| FileError::Io {
        path: path.to_owned(),
        source,
    })?;
    if is_blank(&sample) {
        return Err(FileError::Empty {
            path: path.to_owned(),
        });
    }
    let mut lines = sample.split_inclusive(|byte| *byte == b'\n');
    let head = lines.find(|line| !is_blank(line)).unwrap_or_default();
    refuse(
        path,
        "delimited text",
        recognise(head).or_else(|| other_text(head)),
    )?;
    let dialect = sniff(&sample);
    // Lines above the header are lines, and no records.
    let lines = memchr::memchr_iter(b'\n', &sample[..dialect.skipped]).count();
    let above = above(&sample[..dialect.skipped]).map(|text| (lines, text));
    sample[..dialect.skipped].fill(b'\n');
    let again = Cursor::new(sample.split_off(dialect.skipped - lines)).chain(source);
    let again = Spaces::new(again, dialect.is_spaced.then_some(dialect.marks.quote));
    Ok(Start {
        records: Split::new(BufReader::new(again), dialect.marks),
        separator: match dialect.is_spaced {
            true => b' ',
            false => dialect.marks.separator,
        },
        has_row_numbers: dialect.has_row_numbers,
        above,
    })
}

/// The first of the lines above a header that is a title or a comment; Excel's `sep=` is neither.
fn above(skipped: &[u8]) -> Option<String> {
    const MOST_CHARS: usize = 60;
    let text = String::from_utf8_lossy(skipped);
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty())?;
    let is_separator = first
        .trim_start_matches(['\u{feff}', '"'])
        .get(..4)
        .is_some_and(|word| word.eq_ignore_ascii_case("sep="));
    (!is_separator).then(|| first.chars().take(MOST_CHARS).collect())
}

/// The cells of the record read last, which is a header; before them an empty one, where records have a number
/// that it does not name.
pub(super) fn header<R: std::io::BufRead>(
    records: &Split<R>,
    has_row_numbers: bool,
    path: &Path,
) -> Result<Vec<String>, FileError> {
    let line = records.line();
    let cells = records.cells().enumerate();
    let number = has_row_numbers.then(|| Ok(String::new()));
    number
        .into_iter()
        .chain(
            cells.map(|(position, name)| match std::str::from_utf8(name) {
                Ok(name) => Ok(name.trim().to_owned()),
                Err(_) => Err(FileError::Header {
                    path: path.to_owned(),
                    line,
                    column: position + 1,
                    found: String::from_utf8_lossy(name).trim().to_owned(),
                }),
            }),
        )
        .collect()
}

/// Reads delimited text with a header line, or of the columns that the schema lists.
pub struct Delimited<R: Read> {
    path: PathBuf,
    records: Split<BufReader<Again<R>>>,
    matching: Matching,
    /// The header, which comes again where files were joined.
    header: Vec<String>,
    /// The record read last is the first of a file without a header.
    is_ahead: bool,
    row: Row,
    columns: Columns,
}

impl<R: Read> Delimited<R> {
    /// Reads the header; `path` is only for messages.
    ///
    /// # Errors
    /// When there is no header, it is not a text in UTF-8, or it lacks a column the schema requires.
    pub fn new(
        source: R,
        path: &Path,
        schema: &Schema,
        purpose: Purpose,
    ) -> Result<Delimited<R>, FileError> {
        let Start {
            mut records,
            has_row_numbers,
            ..
        } = start(source, path)?;
        records.advance().map_err(|error| failed(path, error))?;
        let header = header(&records, has_row_numbers, path)?;
        let is_ahead = !schema.columns.is_empty() && schema.columns != header;
        let names = if is_ahead { &schema.columns } else { &header };
        let matching =
            Matching::new(path, names, schema, purpose).map_err(|error| match error {
                FileError::Columns { path, columns, .. } if are_numbers(&header) => {
                    FileError::NoHeader {
                        path,
                        found: "only numbers",
                        columns,
                    }
                }
                FileError::Columns { path, columns, .. } if is_record(&header, schema) => {
                    FileError::NoHeader {
                        path,
                        found: "what looks like a record",
                        columns,
                    }
                }
                error => error,
            })?;
        Ok(Delimited {
            matching,
            path: path.to_owned(),
            records,
            header,
            is_ahead,
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
    /// When the source fails.
    pub fn next_batch(&mut self, max_rows: usize) -> Result<Option<FileBatch>, FileError> {
        let (mut lines, mut rejects) = (Vec::new(), Vec::new());
        let now_us = timestamp::now_us();
        while self.columns.len() + rejects.len() < max_rows {
            if !std::mem::take(&mut self.is_ahead) {
                let more = self.records.advance();
                if !more.map_err(|error| failed(&self.path, error))? {
                    break;
                }
                if self.is_header() {
                    continue;
                }
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

    /// Whether the record is the header again, as in files that were joined.
    fn is_header(&self) -> bool {
        let mut cells = self.records.cells().zip(&self.header);
        self.records.len() == self.header.len()
            && self.header.len() > 1
            && cells.all(|(cell, name)| cell.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
    }

    fn fill(&mut self, now_us: i64) -> Result<(), Reason> {
        self.row.clear();
        let expected = self.matching.targets.len();
        if self.records.len() != expected && !is_ended(self.records.cells(), expected) {
            return Err(Reason::Ragged {
                expected,
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
            self.row.set_text(index, text)?;
        }
        self.row.finish(now_us, &self.records.line())
    }
}

/// Whether the cells beyond those expected are empty: separators that end a record say nothing.
pub(super) fn is_ended<'a>(cells: impl Iterator<Item = &'a [u8]>, expected: usize) -> bool {
    let mut beyond = cells.skip(expected).peekable();
    beyond.peek().is_some() && beyond.all(|cell| cell.trim_ascii().is_empty())
}

/// Whether a line is a record's rather than a header.
fn are_numbers(names: &[String]) -> bool {
    names.iter().all(|name| name.parse::<f64>().is_ok())
}

/// Whether a line has none of the schema's headers, and values where names should be.
fn is_record(names: &[String], schema: &Schema) -> bool {
    let is_known = |name: &String| schema.fields.iter().any(|field| field.is_headed(name));
    !names.iter().any(is_known) && names.iter().any(|name| is_value(name))
}

/// Whether there is only white space and the mark of UTF-8.
fn is_blank(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    text.iter().all(u8::is_ascii_whitespace)
}

pub(super) fn failed(path: &Path, error: SplitError) -> FileError {
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
