//! How long a stage may go on: until it is told to leave, or the time is up.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::{Health, Shutdown};
use tokio::time::Instant;

use crate::options::Options;

/// Pause between two looks at the time.
const STEP: Duration = Duration::from_millis(500);
/// More than this between two looks means that the process was stopped, or the machine slept.
const AWAKE: Duration = Duration::from_secs(5);

/// How much time was used, not counting that in which the process did not run: whoever closed the lid
/// did not wait.
struct Used {
    until: Instant,
    time: Duration,
}

impl Used {
    fn go_on(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.until);
        self.time += passed.min(AWAKE);
        self.until = now;
    }
}

/// The end of the run's time, and what is waited for meanwhile.
pub(crate) struct Bounds {
    shutdown: Shutdown,
    /// Whether something has to be reached in `timeout`.
    is_timed: bool,
    timeout: Duration,
    /// The time that went by while this process ran.
    used: Mutex<Used>,
    /// For the reason when the time is up.
    waiting_for: Mutex<String>,
    /// What the connections of this process's own wait for, in the words of those who try.
    pub health: Health,
}

impl Bounds {
    pub fn new(options: &Options, started: Instant, shutdown: Shutdown) -> Bounds {
        Bounds {
            shutdown,
            is_timed: options.stop_after.is_some(),
            timeout: options.timeout,
            used: Mutex::new(Used {
                until: started,
                time: Duration::ZERO,
            }),
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
            match self.left() {
                Some(_) => self.time_is_up().await,
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

    /// What is left of the time; `None` where there is no end to it.
    fn left(&self) -> Option<Duration> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.go_on(Instant::now());
        self.is_timed
            .then(|| self.timeout.saturating_sub(used.time))
    }

    async fn time_is_up(&self) {
        while let Some(left) = self.left()
            && !left.is_zero()
        {
            tokio::time::sleep(left.min(STEP)).await;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_which_the_process_was_stopped_does_not_count() {
        let began = Instant::now();
        let mut used = Used {
            until: began,
            time: Duration::ZERO,
        };
        for step in 1..=20 {
            used.go_on(began + STEP * step);
        }
        assert_eq!(used.time, Duration::from_secs(10));
        let slept = began + Duration::from_secs(3600);
        used.go_on(slept);
        used.go_on(slept + STEP);
        assert_eq!(used.time, Duration::from_secs(15) + STEP);
    }
}
