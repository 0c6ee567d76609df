//! Places of the streams of events.

use std::sync::Arc;

use common::Shutdown;
use tokio::sync::Semaphore;

/// Streams at a time; beyond, the page polls.
pub(super) const MOST: usize = 64;

pub(super) struct Streams {
    pub places: Arc<Semaphore>,
    /// A stream would hold up anyone who leaves.
    pub leave: Shutdown,
}

impl Streams {
    pub(super) fn new(leave: Shutdown) -> Streams {
        Streams {
            places: Arc::new(Semaphore::new(MOST)),
            leave,
        }
    }
}
