//! A batch on its way into the database, while the next one is gathered.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backon::Retryable;
use common::Shutdown;
use common::database::forever;
use common::kafka::Lease;
use common::offsets::AdvanceError;
use common::rejects::Reject;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::control::Control;
use crate::store::{Batch, Store};

/// Longest a write may go on when leaving.
const LEAVING: Duration = Duration::from_secs(3);

/// How a write ended.
pub(crate) enum Outcome {
    /// All of it is in the database; these rows as rejects, as the database refused them.
    Committed(Vec<Reject>),
    /// Another member has the partition: nothing of it is.
    Fenced(AdvanceError),
    /// It was given up, to leave or for a rebalance; a commit under way may still come through.
    Ended,
}

/// A batch, and how its write ended.
pub(crate) struct Written {
    pub batch: Batch,
    pub outcome: Outcome,
}

/// A write that goes on.
pub(crate) struct Writing {
    task: JoinHandle<Written>,
    written: Option<Written>,
}

impl Writing {
    /// Begins to write, however long the database is away.
    pub fn begin(
        runtime: &Handle,
        batch: Batch,
        lease: Lease,
        store: &Arc<Store>,
        control: &Arc<Control>,
        shutdown: &Shutdown,
    ) -> Writing {
        let (store, control) = (Arc::clone(store), Arc::clone(control));
        let shutdown = shutdown.clone();
        let task = runtime.spawn(async move {
            let outcome = tokio::select! {
                outcome = write(&store, &batch, &control) => outcome,
                () = lease.ended() => Outcome::Ended,
                // What is not committed is read again at the next start.
                () = async {
                    shutdown.cancelled().await;
                    tokio::time::sleep(LEAVING).await;
                } => Outcome::Ended,
            };
            Written { batch, outcome }
        });
        Writing {
            task,
            written: None,
        }
    }

    /// Whether it has ended.
    pub fn is_done(&self) -> bool {
        self.written.is_some() || self.task.is_finished()
    }

    /// Waits until it has ended; may be given up and called again.
    ///
    /// # Errors
    /// When the task panicked.
    pub async fn done(&mut self) -> anyhow::Result<()> {
        if self.written.is_none() {
            let written = (&mut self.task).await.context("the writing broke off")?;
            self.written = Some(written);
        }
        Ok(())
    }

    /// What was written, after [`Writing::done`].
    pub fn into_written(self) -> Option<Written> {
        self.written
    }
}

async fn write(store: &Store, batch: &Batch, control: &Control) -> Outcome {
    let written = (|| store.write(batch))
        .retry(forever())
        .when(|error| !matches!(error, AdvanceError::Fenced { .. }))
        .notify(|error, wait| {
            let said = match error {
                AdvanceError::Database(source) => format!("{error}: {source}"),
                AdvanceError::Fenced { .. } => error.to_string(),
            };
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{said}");
            control.retried(said);
        })
        .await;
    match written {
        Ok(refused) => {
            control.committed(batch, &refused);
            Outcome::Committed(refused)
        }
        Err(error) => Outcome::Fenced(error),
    }
}
