//! Where a batch's time goes.

use std::time::Instant;

use crate::metrics::STAGE_SECONDS;

/// What is done with a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    /// From the first message to the last: polled and decoded.
    Gather,
    /// Encoded and sent straight into the table.
    Copy,
    /// Encoded, sent beside the table and merged into it.
    Merge,
    /// Rejects, offsets and counts, and the commit.
    Commit,
}

impl Stage {
    /// Records how long it took.
    pub fn took(self, since: Instant) {
        let stage = match self {
            Stage::Gather => "gather",
            Stage::Copy => "copy",
            Stage::Merge => "merge",
            Stage::Commit => "commit",
        };
        metrics::histogram!(STAGE_SECONDS.name(), "stage" => stage).record(since.elapsed());
    }
}
