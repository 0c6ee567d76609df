//! What a materialisation of features wrote.

use std::collections::BTreeMap;
use std::fmt;

use valuation::datamart::Change;

use crate::numbers::grouped;
use crate::reject_kind::RejectKind;

/// Kinds of refused records that are shown.
const MOST_KINDS: usize = 10;

/// What a materialisation wrote.
#[derive(Debug, Clone, Default)]
pub struct Materialised {
    /// The table or file.
    pub name: String,
    /// The state that made its rows.
    pub version: i64,
    /// Whether everything was made again by a new state.
    pub is_new: bool,
    /// Columns of features.
    pub columns: usize,
    /// What became of the records.
    pub change: Change,
    /// Rows there are now.
    pub rows: usize,
    /// Rows that were there and whose `excluded` is another now.
    pub revised: usize,
    /// Of the rows that were written, those that a fit would not learn from, by rule.
    pub excluded: BTreeMap<String, usize>,
    /// Records that another one of the same key stands for.
    pub superseded: usize,
    /// Records that the schema did not take.
    pub rejected: usize,
    /// The same by what is wrong with them.
    pub refused: Vec<RejectKind>,
}

impl fmt::Display for Materialised {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let Materialised {
            name,
            version,
            rows,
            change,
            ..
        } = self;
        match self.is_new {
            true => write!(
                to,
                "{name}: {} rows by state {version}, a new state; {} columns of features",
                grouped(*rows),
                self.columns
            )?,
            false => write!(
                to,
                "{name}: +{} rows by state {version} ({} replaced), {} in total",
                grouped(change.added),
                grouped(change.replaced),
                grouped(*rows)
            )?,
        }
        let mut line = |what: &str, count: usize| match count {
            0 => Ok(()),
            count => write!(to, "\n    {what}: {count}"),
        };
        line("older records of the same key, skipped", self.superseded)?;
        line("older than the existing row, skipped", change.older)?;
        line("existing rows whose rule changed", self.revised)?;
        line("rejected by the schema", self.rejected)?;
        for kind in self.refused.iter().take(MOST_KINDS) {
            write!(to, "\n        {kind}")?;
        }
        let rules: Vec<String> = self
            .excluded
            .iter()
            .map(|(rule, rows)| format!("{rule} {rows}"))
            .collect();
        if !rules.is_empty() {
            write!(
                to,
                "\n    written rows that a fit leaves out: {}",
                rules.join(", ")
            )?;
        }
        Ok(())
    }
}
