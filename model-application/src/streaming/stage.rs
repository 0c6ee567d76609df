//! Where a batch's time goes.

use std::time::Instant;

use crate::metrics::REQUEST_STAGE_DURATION;

/// What is done with a batch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    /// From the first message to the last: polled and decoded.
    Gather,
    Price,
    /// Answers to the table.
    Store,
    Publish,
    Offsets,
}

impl Stage {
    /// Records how long it took.
    pub fn took(self, since: Instant) {
        let stage = match self {
            Stage::Gather => "gather",
            Stage::Price => "price",
            Stage::Store => "store",
            Stage::Publish => "publish",
            Stage::Offsets => "offsets",
        };
        metrics::histogram!(REQUEST_STAGE_DURATION.name(), "stage" => stage)
            .record(since.elapsed());
    }
}
