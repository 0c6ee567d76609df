//! Records from files: CSV and Parquet, through the same checks as messages.

mod delimited;
mod formulas;
mod parquet;
mod recognise;
mod split;

use std::io::Read;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;

use crate::reject::Reason;
use crate::schema::{Purpose, Schema};

pub use self::delimited::Delimited;
pub use self::formulas::Formulas;
pub use self::parquet::Parquet;
pub use self::recognise::{Mistaken, recognise};

/// Bytes that tell what a file is.
const FIRST_BYTES: u64 = 64;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system would not give it.
    #[error("cannot read {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Neither CSV nor Parquet by its name.
    #[error("{path}: expected a file named .csv, .tsv or .parquet")]
    UnknownFormat {
        /// Which file.
        path: PathBuf,
    },
    /// Not a file.
    #[error("{path} is a directory; expected a file named .csv, .tsv or .parquet: give one in it")]
    Directory {
        /// Which directory.
        path: PathBuf,
    },
    /// Something else by its first bytes.
    #[error("{path}: expected {expected}, found {found}: {advice}")]
    Mistaken {
        /// Which file.
        path: PathBuf,
        /// What its name says.
        expected: &'static str,
        /// What its bytes say.
        found: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A header in another encoding.
    #[error(
        "{path}, line {line}, column {column}: expected a header in UTF-8, found {found:?}; save the file as UTF-8 (it may be Latin-1 or Windows-1252)"
    )]
    Header {
        /// Which file.
        path: PathBuf,
        /// Line of the header.
        line: u64,
        /// Which cell, counting from 1.
        column: usize,
        /// The cell, with � for what is no UTF-8.
        found: String,
    },
    /// Numbers where names should be.
    #[error(
        "{path}, line 1: expected a header, found only numbers ({columns}); put a line with the columns' names above"
    )]
    NoHeader {
        /// Which file.
        path: PathBuf,
        /// The first line's cells, separated by commas.
        columns: String,
    },
    /// Nothing in it.
    #[error("{path} is empty; expected a header line and records")]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// The columns do not fit the schema.
    #[error("{path}: {detail}; the file's columns are: {columns}")]
    Columns {
        /// Which file.
        path: PathBuf,
        /// Which column, and what is wrong.
        detail: String,
        /// What the file has, separated by commas.
        columns: String,
    },
    /// A cell or a record beyond what is read.
    #[error(
        "{path}, line {line}, column {column}: expected at most {most}, found more; is a quote left open there?"
    )]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// Line on which the record begins.
        line: u64,
        /// Which cell, counting from 1.
        column: usize,
        /// The bound.
        most: &'static str,
    },
    /// The bytes are not of the format the name says.
    #[error("{path} is not valid {format}: {detail}")]
    Format {
        /// Which file.
        path: PathBuf,
        /// CSV or Parquet.
        format: &'static str,
        /// Where and what, as the parser says it.
        detail: String,
    },
}

/// A row of a file that was not taken.
#[derive(Debug, Clone, PartialEq)]
pub struct RowReject {
    /// Line of a CSV, counting the header as 1; row of a Parquet file, counting from 1.
    pub line: u64,
    /// Why.
    pub reason: Reason,
}

/// Up to so many rows of a file.
#[derive(Debug)]
pub struct FileBatch {
    /// The good rows.
    pub batch: RecordBatch,
    /// Where each of them stands, counted as in [`RowReject`]: cells may span lines, and lines may be
    /// blank.
    pub lines: Vec<u64>,
    /// The others.
    pub rejects: Vec<RowReject>,
}

/// A file being read.
pub enum FileReader {
    /// Delimited text: comma, semicolon, tab or bar, told from the header.
    Delimited(Box<Delimited<std::fs::File>>),
    /// Delimited text that is in memory already, such as a table's export.
    Memory(Box<Delimited<std::io::Cursor<Vec<u8>>>>),
    /// Apache Parquet.
    Parquet(Box<Parquet>),
}

impl FileReader {
    /// Opens a `.csv`, `.tsv` or `.parquet` file.
    ///
    /// # Errors
    /// When it cannot be read, is empty or a directory, is not what its name says, or lacks a
    /// required column.
    pub fn open(path: &Path, schema: &Schema, purpose: Purpose) -> Result<FileReader, FileError> {
        let io = |source| FileError::Io {
            path: path.to_owned(),
            source,
        };
        if path.is_dir() {
            return Err(FileError::Directory {
                path: path.to_owned(),
            });
        }
        let file = std::fs::File::open(path).map_err(io)?;
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("csv" | "tsv" | "txt") => {
                let reader = Delimited::new(file, path, schema, purpose)?;
                Ok(FileReader::Delimited(Box::new(reader)))
            }
            Some("parquet" | "pq") => {
                let reader = Parquet::new(file, path, schema, purpose)?;
                Ok(FileReader::Parquet(Box::new(reader)))
            }
            _ => {
                let mut head = Vec::new();
                file.take(FIRST_BYTES).read_to_end(&mut head).map_err(io)?;
                refuse(
                    path,
                    "a file named .csv, .tsv or .parquet",
                    recognise(&head),
                )?;
                Err(FileError::UnknownFormat {
                    path: path.to_owned(),
                })
            }
        }
    }

    /// Columns of the file that the schema does not name: ignored.
    pub fn unknown_columns(&self) -> &[String] {
        match self {
            FileReader::Delimited(reader) => reader.unknown_columns(),
            FileReader::Memory(reader) => reader.unknown_columns(),
            FileReader::Parquet(reader) => reader.unknown_columns(),
        }
    }

    /// The next rows, at most `max_rows`; `None` at the end.
    ///
    /// # Errors
    /// When the file breaks off or cannot be parsed any further.
    pub fn next_batch(&mut self, max_rows: usize) -> Result<Option<FileBatch>, FileError> {
        match self {
            FileReader::Delimited(reader) => reader.next_batch(max_rows),
            FileReader::Memory(reader) => reader.next_batch(max_rows),
            FileReader::Parquet(reader) => reader.next_batch(max_rows),
        }
    }
}

/// Refuses what is something else by its first bytes.
fn refuse(path: &Path, expected: &'static str, found: Option<Mistaken>) -> Result<(), FileError> {
    match found {
        None => Ok(()),
        Some(Mistaken { found, advice }) => Err(FileError::Mistaken {
            path: path.to_owned(),
            expected,
            found,
            advice,
        }),
    }
}

/// Which column of the file fills which column of the schema.
struct Matching {
    /// For each column of the file, the schema's column it fills.
    targets: Vec<Option<usize>>,
    /// Names in the file that the schema does not know.
    unknown: Vec<String>,
}

impl Matching {
    fn new(
        path: &Path,
        names: &[String],
        schema: &Schema,
        purpose: Purpose,
    ) -> Result<Matching, FileError> {
        let fault = |detail| FileError::Columns {
            path: path.to_owned(),
            detail,
            columns: names.join(", "),
        };
        let fields: Vec<_> = schema.columns(purpose).collect();
        let mut targets: Vec<Option<usize>> = Vec::with_capacity(names.len());
        for (position, name) in names.iter().enumerate() {
            let target = fields.iter().position(|field| field.is_headed(name));
            let before = targets.iter().position(|other| *other == target);
            if let (Some(index), Some(before)) = (target, before) {
                return Err(fault(format!(
                    "columns {} ({:?}) and {} ({name:?}) both stand for the field {:?}; rename or \
                     remove one",
                    before + 1,
                    names[before],
                    position + 1,
                    fields[index].name
                )));
            }
            targets.push(target);
        }
        for (index, field) in fields.iter().enumerate() {
            if schema.is_asked_for(field) && !targets.contains(&Some(index)) {
                return Err(fault(format!("there is no column {:?}", field.name)));
            }
        }
        let unknown = names
            .iter()
            .zip(&targets)
            .filter(|(_, target)| target.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        Ok(Matching { targets, unknown })
    }
}
