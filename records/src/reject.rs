//! Why a record was not taken.

use crate::schema::Kind;

/// The reason a record was rejected: what was expected, and what was found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Reason {
    /// A message of no bytes.
    #[error("the message is empty; expected a JSON object")]
    Empty,
    /// A message without a value, which says that a listing is delisted, where the schema does not state what
    /// becomes of it, or without the key that names the listing.
    #[error(
        "the message has no value (a tombstone), or says that the record was deleted; expected a JSON object, or a \
         schema with [delisting] tombstone = \"mark\" or \"delete\" and the listing's key as the message's key"
    )]
    Tombstone,
    /// Bytes that are not one JSON object.
    #[error("not a JSON object: {detail}")]
    Malformed {
        /// Where and what, as the parser says it.
        detail: String,
    },
    /// A required field is absent or null.
    #[error("field {field:?} is missing")]
    MissingField {
        /// The field's name.
        field: String,
    },
    /// A value of another kind than the schema says.
    #[error("field {field:?} is {found}; expected {}", expected.expected())]
    WrongType {
        /// The field's name.
        field: String,
        /// What the schema says.
        expected: Kind,
        /// What was sent, shortened.
        found: String,
    },
    /// A number in another unit than the schema says.
    #[error("field {field:?} is {found}; expected it in {expected}, such as \"12 {expected}\"")]
    WrongUnit {
        /// The field's name.
        field: String,
        /// The unit that the schema says.
        expected: String,
        /// What was sent, shortened.
        found: String,
    },
    /// A number outside the schema's bounds.
    #[error("field {field:?} is {found}; expected {bound}")]
    OutOfBounds {
        /// The field's name.
        field: String,
        /// What was sent.
        found: String,
        /// The bound it broke, in words.
        bound: String,
    },
    /// A text longer than its field, or an index, takes.
    #[error("field {field:?} is {found} bytes long; expected at most {limit}")]
    TooLong {
        /// The field's name.
        field: String,
        /// Bytes that were sent.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A message larger than the services take.
    #[error(
        "the message is {found} bytes long; expected at most {limit} (kafka.max_message_bytes)"
    )]
    TooLarge {
        /// Its bytes.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A text that cannot be stored: empty where a key is expected, or with a NUL.
    #[error("field {field:?} {detail}")]
    InvalidText {
        /// The field's name.
        field: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A row of a file with another number of cells than its header.
    #[error("the row has {found} cells{}; the header has {expected}", over(*lines))]
    Ragged {
        /// Cells of the header.
        expected: usize,
        /// Cells of the row.
        found: usize,
        /// Lines of the row: a quote that is left open takes in what follows.
        lines: u64,
    },
    /// The database refused the row for a rule the schema does not know.
    #[error("the database refused the row: {detail}")]
    Refused {
        /// The database's error.
        detail: String,
    },
    /// The record is valid, but no model can price it.
    #[error("cannot be priced: {detail}")]
    Unpriceable {
        /// What the model lacked.
        detail: String,
    },
}

/// A row of several lines is mostly one with a quote too many.
fn over(lines: u64) -> String {
    match lines {
        0 | 1 => String::new(),
        lines => format!(" over {lines} lines (is a quote left open?)"),
    }
}

impl Reason {
    /// The field that is wrong; `None` where it is the record as a whole.
    pub fn field(&self) -> Option<&str> {
        match self {
            Reason::MissingField { field }
            | Reason::WrongType { field, .. }
            | Reason::WrongUnit { field, .. }
            | Reason::OutOfBounds { field, .. }
            | Reason::TooLong { field, .. }
            | Reason::InvalidText { field, .. } => Some(field),
            Reason::Empty
            | Reason::TooLarge { .. }
            | Reason::Tombstone
            | Reason::Malformed { .. }
            | Reason::Ragged { .. }
            | Reason::Refused { .. }
            | Reason::Unpriceable { .. } => None,
        }
    }

    /// A short stable name, for metrics and for the `code` column of rejects.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::Empty => "empty",
            Reason::Tombstone => "tombstone",
            Reason::Malformed { .. } => "malformed",
            Reason::MissingField { .. } => "missing_field",
            Reason::WrongType { .. } => "wrong_type",
            Reason::WrongUnit { .. } => "wrong_unit",
            Reason::OutOfBounds { .. } => "out_of_bounds",
            Reason::TooLong { .. } => "too_long",
            Reason::TooLarge { .. } => "too_large",
            Reason::InvalidText { .. } => "invalid_text",
            Reason::Ragged { .. } => "ragged",
            Reason::Refused { .. } => "refused",
            Reason::Unpriceable { .. } => "unpriceable",
        }
    }
}
