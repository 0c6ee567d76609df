//! How long a stage may go on: until it is told to leave, or the time is up.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::{Health, Shutdown};
use tokio::time::Instant;

use crate::options::Options;

/// The end of the run's time, and what is waited for meanwhile.
pub(crate) struct Bounds {
    shutdown: Shutdown,
    /// `None` where nothing has to be reached.
    deadline: Option<Instant>,
    timeout: Duration,
    /// For the reason when the time is up.
    waiting_for: Mutex<String>,
    /// What the connections of this process's own wait for, in the words of those who try.
    pub health: Health,
}

impl Bounds {
    pub fn new(options: &Options, started: Instant, shutdown: Shutdown) -> Bounds {
        Bounds {
            shutdown,
            deadline: options.stop_after.map(|_| started + options.timeout),
            timeout: options.timeout,
            waiting_for: Mutex::default(),
            health: Health::default(),
        }
    }

    /// Says what is waited for from now on.
    pub fn wait_for(&self, what: impl Into<String>) {
        *self.lock() = what.into();
    }

    /// Goes on with `work`; `None` when told to leave before it was done. Work that is not done is
    /// dropped.
    ///
    /// # Errors
    /// That of the work, or that the time is up, with what was waited for.
    pub async fn hold<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        let late = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => Ok(None),
            () = late => Err(self.late()),
            done = work => done.map(Some),
        }
    }

    /// Whether this has been told to leave.
    pub fn is_leaving(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// For those who watch it themselves.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    fn late(&self) -> anyhow::Error {
        let mut what = self.lock().clone();
        for (_, why) in self.health.report() {
            if why != "ready" && !what.contains(&why) {
                what = format!("{what}; {why}");
            }
        }
        anyhow::anyhow!(
            "not done after {} s (--timeout-s); it was waiting for {what}",
            self.timeout.as_secs_f64()
        )
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, String> {
        // Only whole texts are put in: a panic leaves none half written.
        self.waiting_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
