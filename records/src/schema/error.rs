//! Errors of reading a schema.

/// Why a schema could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file is not there or not readable.
    #[error(
        "cannot read the schema {path}: expected the path of a schema file, or the name of a \
         built-in one (real-estate)"
    )]
    Read {
        /// What was requested.
        path: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file is not the TOML a schema is.
    #[error("the schema {path} is not valid: {detail}")]
    Parse {
        /// The file, or the built-in name.
        path: String,
        /// Where and what, as the TOML parser says it.
        detail: String,
    },
    /// The file is TOML, but its parts do not fit together.
    #[error("the schema {path} contradicts itself: {detail}")]
    Inconsistent {
        /// The file, or the built-in name.
        path: String,
        /// Which part, and what it should be.
        detail: String,
    },
}
