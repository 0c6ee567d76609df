//! Records from files: delimited text, JSON, spreadsheets and Parquet, through the same checks as messages.

mod archive;
mod batch;
mod delimited;
mod dialect;
mod error;
mod json;
mod json_document;
mod matching;
mod number_text;
mod parquet;
mod recognise;
mod row_numbers;
mod sheet;
mod spaces;
mod split;
mod text;
mod texts;

use std::io::Read;
use std::path::Path;

use self::archive::Opened;
use self::recognise::{FIRST_BYTES, refuse};
use crate::schema::{Purpose, Schema};

pub use self::batch::{FileBatch, RowReject};
pub use self::delimited::Delimited;
pub use self::error::FileError;
pub use self::json::Json;
pub use self::parquet::Parquet;
pub use self::recognise::{Mistaken, recognise};
pub use self::texts::Texts;
pub use crate::formulas::Formulas;

/// A file being read.
pub enum FileReader {
    /// Delimited text: comma, semicolon, tab or bar, recognised by its cells.
    Delimited(Box<Delimited<text::Source>>),
    /// Delimited text that is in memory already, such as a spreadsheet's table.
    Memory(Box<Delimited<std::io::Cursor<Vec<u8>>>>),
    /// JSON: an array, a document with the records inside, or a record a line.
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

/// What a file of text is by the ending of its name.
fn form_of_text(ending: Option<&str>) -> Option<Form> {
    match ending? {
        "csv" | "tsv" | "txt" | "tab" | "psv" => Some(Form::Delimited),
        "json" | "jsonl" | "ndjson" => Some(Form::Json),
        _ => None,
    }
}

/// Opens a file and recognises its format by its name.
fn open(path: &Path) -> Result<(Form, Opened), FileError> {
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
    if ending == Some("zip") && inner.is_none() {
        let (name, bytes) = archive::only_file(path, file)?;
        let lower = name.to_ascii_lowercase();
        let form = form_of_text(lower.rsplit_once('.').map(|(_, ending)| ending));
        let form = form.unwrap_or(Form::Delimited);
        return Ok((form, Opened::Inside { name, bytes }));
    }
    let form = match (form_of_text(ending), ending) {
        (Some(form), _) => form,
        (None, Some("parquet" | "pq")) if inner.is_none() => Form::Parquet,
        (None, Some("xlsx" | "xlsm" | "xlsb" | "xls" | "ods")) if inner.is_none() => Form::Sheet,
        (None, None) if inner.is_some() => Form::Delimited,
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
    Ok((form, Opened::File(file)))
}

impl FileReader {
    /// Opens a file of delimited text, JSON, a spreadsheet or Parquet, by its name, or the one text in a ZIP
    /// archive.
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
                let reader = Parquet::new(file.of_format(path)?, path, schema, purpose)?;
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
    /// When the file fails or cannot be parsed any further.
    pub fn next_batch(&mut self, max_rows: usize) -> Result<Option<FileBatch>, FileError> {
        match self {
            FileReader::Delimited(reader) => reader.next_batch(max_rows),
            FileReader::Memory(reader) => reader.next_batch(max_rows),
            FileReader::Json(reader) => reader.next_batch(max_rows),
            FileReader::Parquet(reader) => reader.next_batch(max_rows),
        }
    }
}
