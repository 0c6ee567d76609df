//! Records from files: CSV and Parquet, through the same checks as messages.

mod delimited;
mod parquet;

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;

use crate::reject::Reason;
use crate::schema::{Purpose, Schema};

pub use self::delimited::Delimited;
pub use self::parquet::Parquet;

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
    /// When it cannot be read, is empty, is not what its name says, or lacks a required column.
    pub fn open(path: &Path, schema: &Schema, purpose: Purpose) -> Result<FileReader, FileError> {
        let io = |source| FileError::Io {
            path: path.to_owned(),
            source,
        };
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("csv" | "tsv" | "txt") => {
                let file = std::fs::File::open(path).map_err(io)?;
                let reader = Delimited::new(file, path, schema, purpose)?;
                Ok(FileReader::Delimited(Box::new(reader)))
            }
            Some("parquet" | "pq") => {
                let file = std::fs::File::open(path).map_err(io)?;
                let reader = Parquet::new(file, path, schema, purpose)?;
                Ok(FileReader::Parquet(Box::new(reader)))
            }
            _ => Err(FileError::UnknownFormat {
                path: path.to_owned(),
            }),
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
        let mut targets = Vec::with_capacity(names.len());
        for name in names {
            let target = fields.iter().position(|field| field.is_headed(name));
            if target.is_some() && targets.contains(&target) {
                return Err(fault(format!("column {name:?} stands twice")));
            }
            targets.push(target);
        }
        for (index, field) in fields.iter().enumerate() {
            let is_time = schema.time.as_deref() == Some(field.name.as_str());
            if !schema.is_nullable(field) && !is_time && !targets.contains(&Some(index)) {
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
