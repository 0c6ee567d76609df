//! Which column of a file is which column of the schema.

use std::path::Path;

use super::error::FileError;
use crate::schema::{Purpose, Schema};

pub(super) use crate::matching::{Matching, unique};

impl Matching {
    /// Matches the columns of a file, which has one for every field that the schema asks for.
    ///
    /// # Errors
    /// Names the file, what is wrong, and its columns.
    pub(super) fn new(
        path: &Path,
        names: &[String],
        schema: &Schema,
        purpose: Purpose,
    ) -> Result<Matching, FileError> {
        let asked_for = |field: &crate::Field| schema.is_asked_for(field);
        Matching::of(names, schema, purpose, asked_for).map_err(|detail| FileError::Columns {
            path: path.to_owned(),
            detail,
            columns: names.join(", "),
        })
    }
}
