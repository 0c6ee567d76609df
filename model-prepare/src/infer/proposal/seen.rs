//! What was seen of a file, and the roles of its columns.

use records::Kind;

use crate::infer::roles::Role;
use crate::infer::study::Study;

/// Rows that are left out: how many, and what is wrong with the first.
#[derive(Debug, Default)]
pub(in crate::infer) struct Ragged {
    pub(in crate::infer) rows: usize,
    pub(in crate::infer) first: Option<String>,
    /// Cells of the last of them.
    pub(in crate::infer) cells: usize,
}

/// What was seen of a file.
pub(in crate::infer) struct Seen<'a> {
    /// The file as people know it.
    pub(in crate::infer) shown: &'a str,
    /// Its name without the ending: the schema's.
    pub(in crate::infer) name: &'a str,
    /// What was found of the file as a whole.
    pub(in crate::infer) notes: &'a [String],
    /// Rows of other lengths than the header.
    pub(in crate::infer) ragged: &'a Ragged,
    pub(in crate::infer) study: &'a Study<'a>,
    /// The columns of a file without a header.
    pub(in crate::infer) headers: &'a [String],
}

/// Which column has which role.
pub(in crate::infer) struct Roles {
    pub(in crate::infer) target: usize,
    /// Whether the user names the target.
    pub(in crate::infer) is_target_given: bool,
    pub(in crate::infer) target_kind: Kind,
    pub(in crate::infer) key: Option<Role>,
    pub(in crate::infer) time: Option<Role>,
    pub(in crate::infer) area: Option<Role>,
    pub(in crate::infer) place: Option<(usize, usize, bool)>,
    pub(in crate::infer) leaks: Vec<Option<String>>,
}
