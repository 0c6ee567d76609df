//! Why a file could not be read.

use std::path::PathBuf;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system would not give it.
    #[error("cannot read {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// No format that is known by its name.
    #[error(
        "{path}: expected a file named .csv, .tsv, .txt, .json, .jsonl, .xlsx, .ods (each may end in .gz or .zst, \
         but spreadsheets), .parquet, or .zip with one of them"
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
    /// An archive that does not say which file is meant.
    #[error(
        "{path}: expected a ZIP archive with one .csv, .tsv, .txt, .json or .jsonl file, {detail}"
    )]
    Archive {
        /// Which archive.
        path: PathBuf,
        /// What it has, and what to do.
        detail: String,
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
        /// The cell, with � for bytes that are not UTF-8.
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
        /// The text there.
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
    /// Parquet that is packed by what few programs write.
    #[error(
        "{path}: expected pages packed by snappy, gzip, lz4 or zstd, or not at all, found {codec}; write the file \
         again, such as pandas.read_parquet(FILE).to_parquet(FILE, compression=\"zstd\")"
    )]
    Codec {
        /// Which file.
        path: PathBuf,
        /// The codec.
        codec: &'static str,
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
