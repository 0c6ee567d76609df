//! Why trees cannot be grown, read, walked or explained.

/// Why trees cannot be grown, read, walked or explained.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// More rows or columns than the trees' indices can hold.
    #[error("{rows} rows of {width} values, expected at most {most_rows} of {most_width}")]
    TooLarge {
        /// Rows of the table.
        rows: usize,
        /// Values of a row.
        width: usize,
        /// The most rows.
        most_rows: usize,
        /// The most values.
        most_width: usize,
    },
    /// More thresholds of one value than a byte can hold.
    #[error("value {value} has {found} thresholds, expected less than {limit}")]
    Thresholds {
        /// The value's place in the row.
        value: usize,
        /// Its thresholds.
        found: usize,
        /// The first number that is too many.
        limit: usize,
    },
    /// More coded values of a row than an index can hold.
    #[error("{found} codes of values a row, expected at most {most}")]
    Codes {
        /// The codes.
        found: usize,
        /// The most.
        most: usize,
    },
    /// A row of another width than the trees'.
    #[error("a row of {found} values, expected {expected}")]
    Width {
        /// The row's values.
        found: usize,
        /// The trees'.
        expected: usize,
    },
    /// Trees over other columns than the model's.
    #[error("trees over {found} values, expected {expected}: one a column of the frame")]
    Columns {
        /// The trees' values of a row.
        found: usize,
        /// The model's.
        expected: usize,
    },
    /// The bytes are not those of an ensemble.
    #[error("no trees: {0}")]
    Bytes(#[from] postcard::Error),
    /// They are of an ensemble that cannot be used.
    #[error("{0}")]
    Content(String),
    /// The ensemble cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl TreeError {
    /// That an ensemble cannot be used.
    pub(super) fn content(detail: impl Into<String>) -> TreeError {
        TreeError::Content(detail.into())
    }
}
