//! Work on batches that continues while the next one is gathered.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

/// Longest that a rebalance waits for work to be done before it is abandoned.
const BOUND: Duration = Duration::from_secs(2);

/// At most one batch is being written, others wait for it in their order; a rebalance waits for them, or ends them.
#[derive(Default)]
pub(super) struct InFlight {
    writing: Arc<tokio::sync::Mutex<()>>,
    /// Of the batch that is being written.
    cancel: Mutex<CancellationToken>,
    /// How often waiting batches were revoked.
    revoked: Arc<AtomicU64>,
}

/// The place of a batch among those that wait to be written.
pub(super) struct Turn {
    lock: Pin<Box<dyn Future<Output = OwnedMutexGuard<()>> + Send>>,
    /// Where nothing was being written.
    at_once: Option<OwnedMutexGuard<()>>,
    revoked: u64,
}

/// The right to write a batch, for as long as it is kept.
pub(super) struct Lease {
    _writing: OwnedMutexGuard<()>,
    cancelled: CancellationToken,
    revoked: Arc<AtomicU64>,
    is_done: bool,
}

impl Lease {
    /// Ends when the partitions go to another member: the work must then be abandoned.
    pub async fn ended(&self) {
        self.cancelled.cancelled().await;
    }

    /// The batch is written: the next one may be.
    pub fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Lease {
    /// Batches that wait start from offsets that will not be stored, if this one is not done.
    fn drop(&mut self) {
        if !self.is_done {
            self.revoked.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl InFlight {
    /// Behind all turns that were taken before.
    pub fn turn(&self) -> Turn {
        let mut lock = Box::pin(Arc::clone(&self.writing).lock_owned());
        // The first poll decides on the order, so that it does not depend on whose thread starts first.
        let at_once = (&mut lock).now_or_never();
        Turn {
            lock,
            at_once,
            revoked: self.revoked.load(Ordering::Acquire),
        }
    }

    /// Waits until the work before is done; `None` if waiting batches have been revoked since the turn was taken.
    pub async fn lease(&self, turn: Turn) -> Option<Lease> {
        let writing = match turn.at_once {
            Some(writing) => writing,
            None => turn.lock.await,
        };
        let cancelled = CancellationToken::new();
        // Set before the look at `revoked`: whoever ends everything does these two in the other order.
        *self.cancel.lock().unwrap_or_else(PoisonError::into_inner) = cancelled.clone();
        if self.revoked.load(Ordering::Acquire) != turn.revoked {
            return None;
        }
        Some(Lease {
            _writing: writing,
            cancelled,
            revoked: Arc::clone(&self.revoked),
            is_done: false,
        })
    }

    /// Ends the work that is being done, and what waits for it.
    pub fn end(&self) {
        self.revoked.fetch_add(1, Ordering::AcqRel);
        let cancel = self.cancel.lock().unwrap_or_else(PoisonError::into_inner);
        cancel.cancel();
    }

    /// Lets the work be finished within a bound, then ends it. What was being committed at that
    /// moment may still come through: the stored offsets tell, and fence who started from others.
    pub fn settle(&self, runtime: &Handle) {
        let done = runtime.block_on(async {
            // Behind the batches that wait already.
            let done = tokio::time::timeout(BOUND, self.writing.lock()).await;
            done.is_ok()
        });
        if !done {
            tracing::warn!("partitions changed during a long write; discarded the batch");
            self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn batches_that_wait_are_written_in_their_order_or_not_at_all() {
        let in_flight = InFlight::default();
        let [first, second, third, fourth] = [(); 4].map(|()| in_flight.turn());
        // Whose thread asks first does not matter.
        let mut second = std::pin::pin!(in_flight.lease(second));
        let waits = tokio::time::timeout(Duration::from_millis(20), &mut second).await;
        assert!(waits.is_err(), "the second is written before the first");
        let first = in_flight.lease(first).await.expect("nothing before");
        let waits = tokio::time::timeout(Duration::from_millis(20), &mut second).await;
        assert!(waits.is_err(), "two are written at once");
        first.done();
        drop(second.await.expect("the one before is done"));
        assert!(in_flight.lease(third).await.is_none());
        assert!(in_flight.lease(fourth).await.is_none());
        assert!(in_flight.lease(in_flight.turn()).await.is_some());
    }

    #[tokio::test]
    async fn the_end_of_what_is_written_is_also_that_of_what_waits() {
        let in_flight = InFlight::default();
        let (first, second) = (in_flight.turn(), in_flight.turn());
        let writing = in_flight.lease(first).await.expect("nothing before");
        in_flight.end();
        writing.ended().await;
        // Even if it came to an end just then.
        writing.done();
        assert!(in_flight.lease(second).await.is_none());
    }

    #[test]
    fn who_settles_waits_for_batches_whose_threads_have_not_started() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let in_flight = Arc::new(InFlight::default());
        let (first, second) = (in_flight.turn(), in_flight.turn());
        let written = Arc::new(AtomicU64::new(0));
        for turn in [second, first] {
            let (in_flight, written) = (Arc::clone(&in_flight), Arc::clone(&written));
            runtime.spawn(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if let Some(lease) = in_flight.lease(turn).await {
                    written.fetch_add(1, Ordering::AcqRel);
                    lease.done();
                }
            });
        }
        in_flight.settle(runtime.handle());
        assert_eq!(written.load(Ordering::Acquire), 2);
    }
}
