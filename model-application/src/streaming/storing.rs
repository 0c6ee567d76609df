//! Answers are stored while the batch before is published: to store an answer twice changes nothing, so that
//! it need not wait until the offsets of the batch before are stored.

use std::sync::Arc;

use common::kafka::batch_span;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::batch::Batch;
use super::finish::Finisher;
use super::stored::Stored;

/// How far the answers of the newest batch are.
pub(super) struct Storing {
    /// Cancelled when they are stored, or given up.
    ended: CancellationToken,
}

impl Default for Storing {
    /// Nothing is being stored.
    fn default() -> Storing {
        let ended = CancellationToken::new();
        ended.cancel();
        Storing { ended }
    }
}

impl Storing {
    /// Whether nothing is being stored.
    pub fn is_done(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Begins to store a batch's answers, once those before are: of two answers under one id the first one
    /// stays.
    pub fn begin(&mut self, runtime: &Handle, finisher: &Arc<Finisher>, batch: &Batch) -> Stored {
        let before = std::mem::replace(&mut self.ended, CancellationToken::new());
        let ended = self.ended.clone().drop_guard();
        let given_up = CancellationToken::new();
        let (handle, dropped) = (runtime.clone(), given_up.clone());
        let (finisher, answers) = (Arc::clone(finisher), Arc::clone(&batch.answers));
        let span = batch_span(&batch.stretches);
        let storing = move || {
            // However this ends.
            let _ended = ended;
            handle.block_on(async {
                let stored = async {
                    before.cancelled().await;
                    finisher.store_all(&answers).await
                };
                tokio::select! {
                    stored = stored.instrument(span) => Some(stored),
                    () = dropped.cancelled() => None,
                }
            })
        };
        Stored {
            // On a thread of its own, as encoding a batch takes a while.
            task: runtime.spawn_blocking(storing),
            _give_up: given_up.drop_guard(),
        }
    }
}
