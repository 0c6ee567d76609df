//! Why no model was fitted.

use crate::boosted::TreeError;
use crate::clustering::ClusteringError;
use crate::solver_error::SolverError;

/// Why no model was fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// An option is out of its range.
    #[error("expected {option} {expected}, found {found}: change the setting")]
    Option {
        /// Its name.
        option: &'static str,
        /// Its range.
        expected: &'static str,
        /// Its value.
        found: f64,
    },
    /// Another task.
    #[error(
        "expected a schema of task {expected} with a target, found {schema:?} of task {task}: set task and target in the schema file"
    )]
    UnsupportedTask {
        /// The schema's name.
        schema: String,
        /// What is fitted.
        expected: String,
        /// Its task.
        task: String,
    },
    /// The batch lacks a column, or has it of another type.
    #[error(
        "expected a column {column} of type {expected}, found {found}; the columns are {columns}: read the records with the same schema that the model is fitted with"
    )]
    MissingColumn {
        /// Its name.
        column: String,
        /// The type the schema says.
        expected: String,
        /// The type that is there, or "none".
        found: String,
        /// The columns that are there.
        columns: String,
    },
    /// Too little to learn from.
    #[error(
        "expected at least {needed} usable listings, found {found} of {given} (removed: {removed}): store more, widen the training window, or lower min_rows"
    )]
    TooFewRows {
        /// Listings left after cleaning.
        found: usize,
        /// The least there must be.
        needed: usize,
        /// Listings before cleaning.
        given: usize,
        /// Rules and how many each removed.
        removed: String,
    },
    /// Cleaning left nothing.
    #[error(
        "expected listings whose {target} is {expected}, found none among {given}: check which field of the schema is the target, and what the source writes into it"
    )]
    NothingLeft {
        /// The target's name.
        target: String,
        /// What it is to be.
        expected: &'static str,
        /// Listings before cleaning.
        given: usize,
    },
    /// Nothing to judge the model by.
    #[error(
        "expected a hold-out of at least one listing, found none: {fraction} of {rows} listings is less than one; raise holdout_fraction or bring more listings"
    )]
    EmptyHoldout {
        /// Usable listings.
        rows: usize,
        /// Share asked for.
        fraction: f64,
    },
    /// Every target is the same.
    #[error(
        "expected {target} to vary, found {value} in all of {rows} listings: check what the source writes into it"
    )]
    ConstantTarget {
        /// The target's name.
        target: String,
        /// Its only value.
        value: f64,
        /// Listings with it.
        rows: usize,
    },
    /// No column carries information.
    #[error(
        "expected a feature that varies between listings, found none among: {features}; add fields that vary to the schema"
    )]
    NoFeatures {
        /// The schema's features.
        features: String,
    },
    /// The listings are not what the schema's decoder makes.
    #[error(
        "expected listings that {schema:?} accepts as records, found none: read them with records::Decoder or records::file"
    )]
    NotRecords {
        /// The schema's name.
        schema: String,
    },
    /// Two members of one name, or a name that no file could have.
    #[error("expected members of different names of a-z, 0-9 and -, found {name:?}: rename it")]
    MemberName {
        /// The name.
        name: String,
    },
    /// Nothing to distinguish.
    #[error(
        "expected records that are {class} and records that are not, found {found} of {rows} that are: check {target} and [class] of the schema, or bring more records"
    )]
    SingleClass {
        /// What the class is called.
        class: String,
        /// The target's name.
        target: String,
        /// Records of the class.
        found: usize,
        /// Records of one side of the split.
        rows: usize,
    },
    /// The levels of the target are the classes, and one class was to be fitted.
    #[error(
        "expected one class, found the levels of {target}: name one by [class] of the schema, or call train, which fits all levels"
    )]
    SeveralClasses {
        /// The target's name.
        target: String,
    },
    /// The target has too few levels that can be told apart, or too many.
    #[error(
        "expected 2 to {most} levels of {target} with at least {least_rows} records each and some on both sides of the split, found {found}{named}: check what the source writes into {target}, bring more records of the other levels, or name one class by [class] of the schema"
    )]
    Levels {
        /// The target's name.
        target: String,
        /// The most levels.
        most: usize,
        /// Fewest records of a level.
        least_rows: usize,
        /// Levels that are usable.
        found: usize,
        /// Some of their names, in brackets; empty of none.
        named: String,
    },
    /// A member is for another task.
    #[error("member {name:?} is of a kind that {task} has not: expected one of {expected}")]
    MemberTask {
        /// The member.
        name: String,
        /// What is fitted.
        task: String,
        /// Kinds that it has.
        expected: String,
    },
    /// What prices go with in one direction is asked of something that cannot hold to it.
    #[error(
        "{what} cannot hold to `monotone` of the field {field:?}: leave it out, or take `monotone` from the schema"
    )]
    Monotone {
        /// The member or the setting.
        what: String,
        /// A field that has a direction.
        field: String,
    },
    /// A member cannot be grown so.
    #[error("member {name:?}: expected {option} {expected}, found {found}")]
    Member {
        /// The member.
        name: String,
        /// Its option.
        option: &'static str,
        /// The range.
        expected: &'static str,
        /// The value.
        found: f64,
    },
    /// The system gives no such number of threads.
    #[error(
        "expected {threads} threads to fit on, got none: {detail}; set fewer, or 0 for all cores"
    )]
    Threads {
        /// How many were requested.
        threads: usize,
        /// What the system says.
        detail: String,
    },
    /// No segments of the market were found.
    #[error("no segments: {detail}; set prepare.segments to 0, or correct that")]
    Segments {
        /// Why.
        detail: String,
    },
    /// No clusters were found.
    #[error(transparent)]
    Clustering(#[from] ClusteringError),
    /// A member could not be fitted.
    #[error("the solver failed: {0}; check the numbers for extreme values")]
    Solver(SolverError),
}

impl From<SolverError> for FitError {
    fn from(error: SolverError) -> FitError {
        FitError::Solver(error)
    }
}

impl From<TreeError> for FitError {
    fn from(error: TreeError) -> FitError {
        FitError::Solver(error.into())
    }
}
