//! Records from files: delimited text, JSON, spreadsheets and Parquet, through the same checks as messages.

mod delimited;
mod dialect;
mod formulas;
mod json;
mod parquet;
mod recognise;
mod sheet;
mod split;
mod text;
mod texts;

use std::io::Read;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;

use crate::reject::Reason;
use crate::schema::{Field, Purpose, Schema};

pub use self::delimited::Delimited;
pub use self::formulas::Formulas;
pub use self::json::Json;
pub use self::parquet::Parquet;
pub use self::recognise::{Mistaken, recognise};
pub use self::texts::Texts;

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
    /// No format that is known by its name.
    #[error(
        "{path}: expected a file named .csv, .tsv, .txt, .json, .jsonl, .xlsx, .ods (each may end in .gz or .zst, \
         but spreadsheets) or .parquet"
    )]
    UnknownFormat {
        /// Which file.
        path: PathBuf,
    },
    /// Not a file.
    #[error(
        "{path} is a directory; expected a file such as .csv, .xlsx, .json or .parquet: name a \
         file in it"
    )]
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
    /// Values where names should be.
    #[error(
        "{path}, line 1: expected a header, found {found} ({columns}); put a line with the \
         columns' names above, or list them in the schema: columns = [...]"
    )]
    NoHeader {
        /// Which file.
        path: PathBuf,
        /// What stands there.
        found: &'static str,
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
    #[error("{path} is not {format}: {detail}")]
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
    /// Delimited text: comma, semicolon, tab or bar, told from its cells.
    Delimited(Box<Delimited<text::Source>>),
    /// Delimited text that is in memory already, such as a spreadsheet's table.
    Memory(Box<Delimited<std::io::Cursor<Vec<u8>>>>),
    /// JSON: an array, or a record a line.
    Json(Box<Json>),
    /// Apache Parquet.
    Parquet(Box<Parquet>),
}

/// What a file is by its name.
enum Form {
    Delimited,
    Sheet,
    Json,
    Parquet,
}

/// Opens a file and tells what it is by its name.
fn open(path: &Path) -> Result<(Form, std::fs::File), FileError> {
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
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    let packed = [".gz", ".gzip", ".zst", ".zstd"];
    let inner = packed.iter().find_map(|ending| name.strip_suffix(ending));
    let ending = inner
        .unwrap_or(&name)
        .rsplit_once('.')
        .map(|(_, ending)| ending);
    let form = match ending {
        Some("csv" | "tsv" | "txt" | "tab" | "psv") => Form::Delimited,
        Some("json" | "jsonl" | "ndjson") => Form::Json,
        Some("parquet" | "pq") if inner.is_none() => Form::Parquet,
        Some("xlsx" | "xlsm" | "xlsb" | "xls" | "ods") if inner.is_none() => Form::Sheet,
        None if inner.is_some() => Form::Delimited,
        _ => {
            let mut head = Vec::new();
            file.take(FIRST_BYTES).read_to_end(&mut head).map_err(io)?;
            refuse(
                path,
                "a file named .csv, .json, .xlsx or .parquet",
                recognise(&head),
            )?;
            return Err(FileError::UnknownFormat {
                path: path.to_owned(),
            });
        }
    };
    Ok((form, file))
}

/// A number that is written so that it cannot be meant in two ways: three decimals may be thousands, four
/// may not.
fn number_text(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    let mut text = value.to_string();
    if text
        .split_once('.')
        .is_some_and(|(_, decimals)| decimals.len() == 3)
    {
        text.push('0');
    }
    text
}

/// Names of columns, each once: one that comes again has its number behind it.
fn unique(names: &[String]) -> Vec<String> {
    let again = |(position, name): (usize, &String)| {
        let before = names[..position]
            .iter()
            .filter(|other| *other == name)
            .count();
        match (before, name.is_empty()) {
            (0, _) => name.clone(),
            (_, true) => format!("column {}", position + 1),
            (before, false) => format!("{name} ({})", before + 1),
        }
    };
    names.iter().enumerate().map(again).collect()
}

impl FileReader {
    /// Opens a file of delimited text, JSON, a spreadsheet or Parquet, by its name.
    ///
    /// # Errors
    /// When it cannot be read, is empty or a directory, is not what its name says, or lacks a
    /// required column.
    pub fn open(path: &Path, schema: &Schema, purpose: Purpose) -> Result<FileReader, FileError> {
        let (form, file) = open(path)?;
        Ok(match form {
            Form::Delimited => {
                let (source, _) = text::open(path, file)?;
                let reader = Delimited::new(source, path, schema, purpose)?;
                FileReader::Delimited(Box::new(reader))
            }
            Form::Sheet => {
                let (bytes, _) = sheet::read(path)?;
                let source = std::io::Cursor::new(bytes);
                FileReader::Memory(Box::new(Delimited::new(source, path, schema, purpose)?))
            }
            Form::Json => {
                let (source, _) = text::open(path, file)?;
                FileReader::Json(Box::new(Json::new(source, path, schema, purpose)?))
            }
            Form::Parquet => {
                let reader = Parquet::new(file, path, schema, purpose)?;
                FileReader::Parquet(Box::new(reader))
            }
        })
    }

    /// Columns of the file that the schema does not name: ignored.
    pub fn unknown_columns(&self) -> &[String] {
        match self {
            FileReader::Delimited(reader) => reader.unknown_columns(),
            FileReader::Memory(reader) => reader.unknown_columns(),
            FileReader::Json(_) => &[],
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
            FileReader::Json(reader) => reader.next_batch(max_rows),
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
        let called = unique(names);
        // A header that is a field's `column` to the letter is that field's, whoever has its name.
        let is_column = |header: &String| {
            fields
                .iter()
                .position(|field| field.column.as_ref() == Some(header))
        };
        let is_name = |header: &String| {
            let has_column = |field: &Field| {
                field
                    .column
                    .as_ref()
                    .is_some_and(|name| called.contains(name))
            };
            fields
                .iter()
                .position(|field| field.name == *header && !has_column(field))
        };
        let mut targets: Vec<Option<usize>> = Vec::with_capacity(names.len());
        for (position, header) in called.iter().enumerate() {
            let target = is_column(header).or_else(|| is_name(header));
            // The second "Price" is nobody's, unless the schema says which it is.
            let doubled = || match *header == names[position] {
                true => None,
                false => fields
                    .iter()
                    .position(|field| field.is_headed(&names[position])),
            };
            let other = target.or_else(doubled);
            let before = targets
                .iter()
                .position(|before| before.is_some() && *before == other);
            if let (Some(index), Some(before)) = (other, before) {
                return Err(fault(format!(
                    "columns {} ({:?}) and {} ({:?}) both stand for the field {:?}; rename or \
                     remove one",
                    before + 1,
                    names[before],
                    position + 1,
                    names[position],
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
        let unknown = called
            .iter()
            .zip(&targets)
            .filter(|(_, target)| target.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        Ok(Matching { targets, unknown })
    }
}
