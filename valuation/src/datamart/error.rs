//! Why there is no datamart.

/// Why records did not become rows of a datamart.
#[derive(Debug, thiserror::Error)]
pub enum DatamartError {
    /// The batch is not of the schema.
    #[error(
        "expected a column {column} of type {expected}, found {found}: read the records with the \
         schema of the feature table"
    )]
    Column {
        /// Its name.
        column: String,
        /// The type the schema says.
        expected: String,
        /// The type that is there, or "none".
        found: String,
    },
    /// There is nothing to fit the state on.
    #[error(
        "expected records to fit the features on, found {rows}, {learned} of them to learn from: \
         store more, or look at what the source writes into the target"
    )]
    NoRows {
        /// Records given.
        rows: usize,
        /// Those that no rule takes.
        learned: usize,
    },
    /// A field is called as a column of the datamart.
    #[error(
        "the schema has a field {field:?}, and the feature table a column of that name: rename the field \
         (`column` is its name in files)"
    )]
    Taken {
        /// The name of both.
        field: String,
    },
    /// The state was written by a program of another format.
    #[error(
        "the state is of format {found}, this program reads {expected}: materialise again with --refit"
    )]
    Format {
        /// What the state says; "none" where it does not.
        found: String,
        /// What is read.
        expected: u32,
    },
    /// The state is not what was written.
    #[error("the state cannot be read, it was changed: {detail}; materialise again with --refit")]
    State {
        /// Where and what.
        detail: String,
    },
    /// The records are of another schema.
    #[error(
        "it was made of records of the schema {made_of}, found {found}, and they differ{}: take the \
         schema it was made with, another name, or materialise again with --refit", differing(.fields)
    )]
    Schema {
        /// Name and version of the state's schema.
        made_of: String,
        /// Name and version of the one that was given.
        found: String,
        /// Fields that one of them lacks, or that are not the same.
        fields: Vec<String>,
    },
    /// Columns do not fit together: a fault of the program.
    #[error("the rows cannot be put together: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}

fn differing(fields: &[String]) -> String {
    match fields.is_empty() {
        true => String::new(),
        false => format!(" in {}", fields.join(", ")),
    }
}
