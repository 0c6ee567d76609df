//! A batch on its way into the database, while the next one is gathered.

use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::Anchored;
use super::in_flight::Lease;
use crate::shutdown::Shutdown;
use ledger::offsets::AdvanceError;

/// Longest a write may continue when leaving.
const LEAVING: Duration = Duration::from_secs(3);
/// A full batch that waits longer for the write before it pauses the partitions.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause between two words to the group during such a wait.
const TEND: Duration = Duration::from_millis(100);

/// How a write ended.
pub(super) enum Outcome<T> {
    /// All of it is done.
    Done(T),
    /// Another member has the partition.
    Fenced(AdvanceError),
    /// The set-up must be fixed by a person: the service ends.
    Setup(String),
    /// It was abandoned, to leave or for a rebalance; a commit under way may still come through.
    Ended,
}

/// A batch, and how its write ended.
pub(super) struct Written<B, T> {
    /// What was to be written.
    pub batch: B,
    /// What became of it.
    pub outcome: Outcome<T>,
}

/// A write that continues.
pub(super) struct Writing<B, T> {
    task: JoinHandle<Written<B, T>>,
    written: Option<Written<B, T>>,
}

impl<B: Send + 'static, T: Send + 'static> Writing<B, T> {
    /// Begins to `write` once there is a `lease`. It continues for as long as a server is away, and fails where the
    /// partition was lost or with [`AdvanceError::Setup`].
    pub fn begin(
        runtime: &Handle,
        batch: B,
        lease: impl Future<Output = Option<Lease>> + Send + 'static,
        shutdown: &Shutdown,
        write: impl AsyncFnOnce(&B) -> Result<T, AdvanceError> + Send + 'static,
    ) -> Writing<B, T> {
        let (shutdown, handle) = (shutdown.clone(), runtime.clone());
        let writing = move || {
            handle.block_on(async move {
                let leave = async {
                    shutdown.cancelled().await;
                    tokio::time::sleep(LEAVING).await;
                };
                let outcome = tokio::select! {
                    outcome = write_leased(&batch, lease, write) => outcome,
                    // What is not committed is read again at the next start.
                    () = leave => Outcome::Ended,
                };
                Written { batch, outcome }
            })
        };
        // On a thread of its own, as encoding a batch takes a while.
        let task = runtime.spawn_blocking(writing);
        Writing {
            task,
            written: None,
        }
    }

    /// Whether it has ended.
    pub fn is_done(&self) -> bool {
        self.written.is_some() || self.task.is_finished()
    }

    /// Waits until it has ended; may be abandoned and called again.
    async fn done(&mut self) -> anyhow::Result<()> {
        if self.written.is_none() {
            let written = (&mut self.task)
                .await
                .context("the writing task ended unexpectedly")?;
            self.written = Some(written);
        }
        Ok(())
    }

    /// Waits until it has ended. While that takes long, `consumer` reads nothing more (then
    /// `on_pause`) and stays a member of the group: false when its partitions changed meanwhile, so
    /// that what was gathered must be forgotten.
    ///
    /// # Errors
    /// When the write panicked, or the consumer cannot continue.
    pub fn wait(
        &mut self,
        runtime: &Handle,
        consumer: &mut Anchored,
        mut on_pause: impl FnMut(),
    ) -> anyhow::Result<bool> {
        let mut is_current = true;
        let mut wait = PATIENCE;
        loop {
            // Made within the runtime: a timeout needs its clock.
            let done = runtime.block_on(async { tokio::time::timeout(wait, self.done()).await });
            if let Ok(done) = done {
                done?;
                return Ok(is_current);
            }
            consumer.check()?;
            wait = TEND;
            if consumer.pause() {
                on_pause();
            }
            is_current &= consumer.tend();
        }
    }

    /// What was written, once it has ended.
    ///
    /// # Errors
    /// When the write panicked.
    pub fn into_written(mut self, runtime: &Handle) -> anyhow::Result<Written<B, T>> {
        match self.written.take() {
            Some(written) => Ok(written),
            None => runtime
                .block_on(self.task)
                .context("the writing task ended unexpectedly"),
        }
    }
}

async fn write_leased<B, T>(
    batch: &B,
    lease: impl Future<Output = Option<Lease>>,
    write: impl AsyncFnOnce(&B) -> Result<T, AdvanceError>,
) -> Outcome<T> {
    let Some(lease) = lease.await else {
        return Outcome::Ended;
    };
    tokio::select! {
        written = write(batch) => match written {
            Ok(done) => {
                lease.done();
                Outcome::Done(done)
            }
            Err(AdvanceError::Setup(reason)) => Outcome::Setup(reason),
            Err(error) => Outcome::Fenced(error),
        },
        () = lease.ended() => Outcome::Ended,
    }
}
