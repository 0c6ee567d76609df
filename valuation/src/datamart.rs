//! Records as a table for other programs: cleaned fields, and the columns that models see of them.
//!
//! A [`State`] is fitted once and kept; with it any record becomes the same row whenever it comes.
//! A training does not read the columns made here but the cleaned fields beside them: it makes its
//! own, out of fold where they come from targets.

mod columns;
mod error;
mod exclusion;
mod name;
mod rows;
mod state;

pub use self::columns::Made;
pub use self::error::DatamartError;
pub use self::rows::{Change, Identity, Rows};
pub use self::state::State;

/// Column of the record's place in the file it came from: a line of a CSV, a row of a Parquet file.
pub const SOURCE_LINE: &str = "source_line";
/// Column of the version of the state that made the row.
pub const STATE_VERSION: &str = "state_version";
/// Column of the rule by which a fit would not learn from the record.
pub const EXCLUDED: &str = "excluded";
/// Column of what the features say, as one number: rows that differ in it differ in a feature.
pub const CONTENT_HASH: &str = "content_hash";
/// What the names of columns of features begin with.
pub const PREFIX: &str = "x_";

/// Columns beside the record's fields and the features.
pub const OWN: [&str; 4] = [SOURCE_LINE, STATE_VERSION, EXCLUDED, CONTENT_HASH];
