//! Counts the rows that the schema rejects by what is wrong with them.

use std::collections::BTreeMap;

use records::file::RowReject;
use report::RejectKind;

/// The rejects so far, by code and field.
#[derive(Debug, Default)]
pub(crate) struct RejectCounts(BTreeMap<(&'static str, Option<String>), RejectKind>);

impl RejectCounts {
    /// Rows come in the order of the file: the first of each kind stays.
    pub(crate) fn add(&mut self, reject: &RowReject) {
        let code = reject.reason.code();
        let field = reject.reason.field().map(str::to_owned);
        let kind = self
            .0
            .entry((code, field))
            .or_insert_with_key(|key| RejectKind {
                code,
                field: key.1.clone(),
                rows: 0,
                first_line: reject.line,
                first: reject.reason.to_string(),
            });
        kind.rows += 1;
    }

    /// All kinds, the most frequent first.
    pub(crate) fn finish(self) -> Vec<RejectKind> {
        let mut kinds: Vec<RejectKind> = self.0.into_values().collect();
        kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.rows), kind.first_line));
        kinds
    }
}
