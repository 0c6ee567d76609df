//! How long a service may be stalled before it says so, and retries that say that they continue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::BackoffBuilder;
use serde::Deserialize;

use crate::fault::Fault;
use crate::health::Health;

/// Section `[liveness]`: shared by the services that follow a topic.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LivenessConfig {
    /// After so many failed tries of one step `/health/ready` is 503, with the reason.
    pub unready_after_retries: u32,
    /// While messages wait and nothing was committed for so long, `/health/ready` is 503; 0 for never.
    pub stall_s: u64,
    /// Whether the process ends with exit code 1 when it stalls, so that its supervisor starts it again.
    pub exit_on_stall: bool,
    /// Without an assignment for so long, the Kafka consumer is made again.
    pub rejoin_s: u64,
}

impl LivenessConfig {
    /// Without an assignment for so long, a consumer is made again.
    pub fn rejoin_after(&self) -> Duration {
        Duration::from_secs(self.rejoin_s.max(1))
    }
}

/// Where a consumer reports that messages wait and nothing is committed.
#[derive(Debug, Clone)]
pub struct Watchdog {
    health: Health,
    /// The part of the health report, such as `"progress"`.
    part: &'static str,
    config: LivenessConfig,
}

impl Watchdog {
    /// One that reports as `part` of `health`.
    pub fn new(health: &Health, part: &'static str, config: &LivenessConfig) -> Watchdog {
        Watchdog {
            health: health.clone(),
            part,
            config: *config,
        }
    }

    /// The section `[liveness]`.
    pub fn config(&self) -> &LivenessConfig {
        &self.config
    }

    /// It is stalled, for this reason.
    pub(crate) fn stalls(&self, why: String) {
        self.health.waiting(self.part, why);
    }

    /// It continues.
    pub(crate) fn goes_on(&self) {
        self.health.ready(self.part);
    }
}

/// Tries a step again and says so in [`Health`] when that continues.
#[derive(Debug, Clone)]
pub struct Retrying {
    health: Health,
    /// The part of the health report, such as `"storing"`.
    part: &'static str,
    unready_after: u32,
    /// Whether the part is reported as not ready: the try that did may have been abandoned, and another
    /// succeeds.
    is_reported: Arc<AtomicBool>,
}

impl Retrying {
    /// Of the step called `part`.
    pub fn new(health: &Health, part: &'static str, config: &LivenessConfig) -> Retrying {
        Retrying {
            health: health.clone(),
            part,
            unready_after: config.unready_after_retries.max(1),
            is_reported: Arc::default(),
        }
    }

    /// Attempts until it succeeds or fails with what does not pass (by `fault`), with backoff from 0.1 s
    /// to 5 s. `on_retry` gets each failure that is retried. After the configured number of
    /// failures the part is not ready until an attempt succeeds.
    ///
    /// # Errors
    /// The first error that is not [`Fault::Passing`].
    pub async fn until_done<T, E>(
        &self,
        mut attempt: impl AsyncFnMut() -> Result<T, E>,
        fault: impl Fn(&E) -> Fault,
        mut on_retry: impl FnMut(&E, Duration),
    ) -> Result<T, E> {
        let mut waits = crate::database::forever().build();
        let mut failures = 0;
        loop {
            let error = match attempt().await {
                Ok(done) => {
                    if self.is_reported.swap(false, Ordering::Relaxed) {
                        self.health.ready(self.part);
                    }
                    return Ok(done);
                }
                Err(error) if fault(&error) != Fault::Passing => return Err(error),
                Err(error) => error,
            };
            failures += 1;
            // The backoff has no last wait.
            let wait = waits.next().unwrap_or(Duration::from_secs(5));
            on_retry(&error, wait);
            if failures >= self.unready_after {
                let why = format!("failed {failures} times in a row; see last_error in /status");
                self.health.waiting(self.part, why);
                self.is_reported.store(true, Ordering::Relaxed);
            }
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: LivenessConfig = LivenessConfig {
        unready_after_retries: 2,
        stall_s: 60,
        exit_on_stall: false,
        rejoin_s: 60,
    };

    #[tokio::test]
    async fn retries_are_seen_in_the_health_report_until_one_succeeds() {
        let health = Health::default();
        let retrying = Retrying::new(&health, "storing", &CONFIG);
        let mut tries = 0;
        let mut was_ready = Vec::new();
        let done = retrying
            .until_done(
                async || {
                    tries += 1;
                    was_ready.push(health.is_ready());
                    if tries < 4 { Err(tries) } else { Ok("stored") }
                },
                |_| Fault::Passing,
                |_, _| {},
            )
            .await;
        assert_eq!(done, Ok("stored"));
        assert_eq!(was_ready, [true, true, false, false]);
        assert!(health.is_ready());
    }

    /// As a batch that is abandoned for a rebalance, while the database is away.
    #[tokio::test]
    async fn a_try_that_is_given_up_leaves_the_part_to_the_next_one() {
        let health = Health::default();
        let retrying = Retrying::new(&health, "storing", &CONFIG);
        let mut failures = 0;
        let failing = retrying.until_done(
            async || Err::<(), i32>(1),
            |_| Fault::Passing,
            |_, _| failures += 1,
        );
        let given_up = tokio::time::timeout(Duration::from_secs(1), failing).await;
        assert!(given_up.is_err());
        assert!(failures >= 2);
        assert!(!health.is_ready());
        let done = retrying
            .until_done(
                async || Ok::<_, i32>("stored"),
                |_| Fault::Passing,
                |_, _| {},
            )
            .await;
        assert_eq!(done, Ok("stored"));
        assert!(health.is_ready());
    }

    #[tokio::test]
    async fn what_does_not_pass_is_not_tried_again() {
        let retrying = Retrying::new(&Health::default(), "storing", &CONFIG);
        let mut tries = 0;
        let failed: Result<(), i32> = retrying
            .until_done(
                async || {
                    tries += 1;
                    Err(tries)
                },
                |_| Fault::Row,
                |_, _| panic!("it is tried again"),
            )
            .await;
        assert_eq!(failed, Err(1));
    }
}
