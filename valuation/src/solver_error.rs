//! Why a member could not be fitted to the rows.

use crate::boosted::TreeError;

/// Why a member could not be fitted to the rows.
#[derive(Debug, thiserror::Error)]
pub enum SolverError {
    /// Columns of the linear design depend on each other.
    #[error("the design is singular at column {column}")]
    Singular {
        /// The column at which it shows.
        column: usize,
    },
    /// A weight is infinite or not a number.
    #[error("the weight of column {column} is not finite")]
    NotFinite {
        /// The weight's column.
        column: usize,
    },
    /// The iterations ended at weights that are not finite.
    #[error("the solver came to weights that are not finite")]
    Diverged,
    /// The solver's library gave up.
    #[error("{0}")]
    Library(String),
    /// The trees cannot be grown.
    #[error(transparent)]
    Trees(#[from] TreeError),
    /// No column of the rows varies.
    #[error("no column distinguishes the sales")]
    IndistinctSales,
    /// No penalty of the path was left to try.
    #[error("there is no penalty to try")]
    NoPenalty,
    /// None of the members can be fitted to so few rows.
    #[error("no member can be fitted to these rows: trees and comparables need 400 or more")]
    NoMember,
    /// The columns that the trees were judged on are gone.
    #[error("no column for trees is left on all rows")]
    NoTreeColumns,
}
