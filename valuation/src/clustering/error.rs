//! Why there are no clusters.

/// Why there are no clusters.
#[derive(Debug, thiserror::Error)]
pub enum ClusteringError {
    /// An option is out of its range.
    #[error("expected {option} to be {expected}, found {found}: change the setting")]
    Option {
        /// Its name.
        option: &'static str,
        /// Its range.
        expected: &'static str,
        /// Its value.
        found: usize,
    },
    /// Not a clustering.
    #[error(
        "expected a schema of task clustering, found {schema:?} of task {task}: set task in the schema file"
    )]
    Task {
        /// The schema's name.
        schema: String,
        /// Its task.
        task: String,
    },
    /// A column is absent or of another type.
    #[error(
        "expected a column {column} of type {expected}, found {found}: read the records with the schema that they are clustered by"
    )]
    Column {
        /// Its name.
        column: String,
        /// The type the schema says.
        expected: String,
        /// The type that is there, or "none".
        found: String,
    },
    /// Too little to learn from.
    #[error("expected at least {needed} records, found {found}: store more, or lower min_rows")]
    TooFewRows {
        /// Records.
        found: usize,
        /// The least there must be.
        needed: usize,
    },
    /// Nothing distinguishes records.
    #[error(
        "expected a field that varies between records, found none ({dropped}): add numbers or categories that vary to the schema"
    )]
    NoFeatures {
        /// Fields that carry no information, and why.
        dropped: String,
    },
    /// Numbers whose squares are none.
    #[error(
        "expected numbers in {field} that can be squared, found larger ones: bound it with min and max in the schema"
    )]
    Extreme {
        /// The field.
        field: String,
    },
    /// Fewer distinct records than clusters.
    #[error(
        "expected at least {clusters} clusters, found fewer distinct records: ask for fewer clusters, or bring more records"
    )]
    TooFewDistinct {
        /// The fewest that were requested.
        clusters: usize,
    },
    /// K-means failed.
    #[error("no {clusters} clusters: {detail}; check the numbers for extreme values")]
    Solver {
        /// How many were looked for.
        clusters: usize,
        /// What it met.
        detail: String,
    },
    /// The system gives no such number of threads.
    #[error(
        "expected {threads} threads to cluster on, got none: {detail}; set fewer, or 0 for all cores"
    )]
    Threads {
        /// How many were requested.
        threads: usize,
        /// What the system says.
        detail: String,
    },
    /// The records are not what the schema's decoder makes.
    #[error(
        "expected records that {schema:?} accepts, found none: read them with records::Decoder or records::file"
    )]
    NotRecords {
        /// The schema's name.
        schema: String,
    },
}
