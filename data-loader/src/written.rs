//! What became of a batch.

use ledger::rejects::Reject;

/// What became of a batch that is in the database.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Rows that the database refused.
    pub refused_rows: Vec<Reject>,
    /// Tombstones that it refused.
    pub refused_tombstones: Vec<Reject>,
    /// Keys of tombstones that the table had.
    pub delisted: Vec<String>,
}

impl Written {
    /// All that the database refused.
    pub fn refused(&self) -> impl Iterator<Item = &Reject> {
        self.refused_rows.iter().chain(&self.refused_tombstones)
    }
}
