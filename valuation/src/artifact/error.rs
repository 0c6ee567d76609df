//! Why a model could not be saved or loaded.

/// Why a model could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// A file or directory could not be read or written.
    #[error("cannot read or write {file} of the model: check that it is there and its permissions")]
    File {
        /// Its name.
        file: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The directory to save into holds something.
    #[error("expected an empty directory to save the model into, found files: give a new one")]
    NotEmpty,
    /// A file is not a regular file, leads out of the directory, or is larger than any model's.
    #[error(transparent)]
    Input(bounded::InputError),
    /// A file is not what was saved.
    #[error("{file} does not match SHA256SUMS: it was changed or cut short; fetch the model again")]
    Checksum {
        /// Its name.
        file: String,
    },
    /// Written in another format.
    #[error(
        "model.json is of format {found}, expected {expected}: fit the model again with this version"
    )]
    Format {
        /// What it says.
        found: u64,
        /// What this program reads.
        expected: u32,
    },
    /// A file's content is not what the format says.
    #[error("{file} is not what the format says: {detail}; fit the model again")]
    Content {
        /// Its name.
        file: String,
        /// Where and what.
        detail: String,
    },
    /// The model does not give what it gave when it was fitted.
    #[error(
        "golden.json row {row}: expected {expected}, the model gives {found}; fit the model again"
    )]
    Golden {
        /// Counted from 0.
        row: usize,
        /// What was saved.
        expected: f64,
        /// What came out; NaN when the row cannot be decoded.
        found: f64,
    },
}
