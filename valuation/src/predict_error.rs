//! Why a batch could not be priced.

/// Why a batch could not be priced.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// A column the schema requires is not there, or not of its field's type.
    #[error(
        "expected a column {column} of type {expected}, found {found}: decode the records with the model's own schema"
    )]
    Column {
        /// Its name.
        column: String,
        /// The type the schema says.
        expected: String,
        /// The type that is there, or "none".
        found: String,
    },
    /// The batch has no such row.
    #[error("expected a row below {rows}, found {row}")]
    Row {
        /// The row asked for, counting from 0.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// The trees could not be taken apart.
    #[error("the price cannot be explained: {detail}; fit the model again")]
    Explain {
        /// What went wrong.
        detail: String,
    },
}
