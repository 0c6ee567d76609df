//! Prices that became known, as they are stored at once.

use ledger::offsets::Stretches;
use ledger::rejects::Reject;

use super::label::Label;
use crate::source::Sources;

/// Code of a price that is none.
pub(super) const BAD_ACTUAL: &str = "bad_actual";

/// A price that became known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Actual {
    pub request_id: String,
    pub label: Label,
    /// Microseconds since 1970.
    pub observed_us: i64,
}

pub(super) struct Batch {
    pub actuals: Vec<Actual>,
    /// The messages they came in.
    pub sources: Sources,
    pub rejects: Vec<Reject>,
    pub stretches: Stretches,
}
