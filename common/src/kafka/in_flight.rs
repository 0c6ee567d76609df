//! Work on a batch that continues while the next one is gathered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

/// Longest that a rebalance waits for work to be done before it is abandoned.
const BOUND: Duration = Duration::from_secs(2);

/// At most one batch is being written; a rebalance waits for it, or ends it.
#[derive(Default)]
pub(super) struct InFlight {
    writing: Arc<tokio::sync::Mutex<()>>,
    /// Of the batch that is being written.
    cancel: Mutex<CancellationToken>,
}

/// The right to write a batch, for as long as it is kept.
pub struct Lease {
    _writing: OwnedMutexGuard<()>,
    cancelled: CancellationToken,
}

impl Lease {
    /// Ends when the partitions go to another member: the work must then be abandoned.
    pub async fn ended(&self) {
        self.cancelled.cancelled().await;
    }
}

impl InFlight {
    /// Waits until the work before is done.
    pub async fn lease(&self) -> Lease {
        let writing = Arc::clone(&self.writing).lock_owned().await;
        let cancelled = CancellationToken::new();
        *self.cancel.lock().unwrap_or_else(PoisonError::into_inner) = cancelled.clone();
        Lease {
            _writing: writing,
            cancelled,
        }
    }

    /// Ends the work that is being done.
    pub fn end(&self) {
        let cancel = self.cancel.lock().unwrap_or_else(PoisonError::into_inner);
        cancel.cancel();
    }

    /// Lets the work be finished within a bound, then ends it. What was being committed at that
    /// moment may still come through: the stored offsets tell, and fence who started from others.
    pub fn settle(&self, runtime: &Handle) {
        let done = runtime.block_on(async {
            let done = tokio::time::timeout(BOUND, self.writing.lock()).await;
            done.is_ok()
        });
        if !done {
            tracing::warn!("partitions changed during a long write; discarded the batch");
            self.end();
        }
    }
}
