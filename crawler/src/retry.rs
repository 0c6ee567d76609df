//! Tries again for as long as a fault passes. As `common::liveness::Retrying`, for steps of tasks that move
//! between threads: each attempt is a future of one type.

use std::time::Duration;

use backon::BackoffBuilder;
use common::{Fault, Health};

/// Where a step that has to be retried is shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The health report.
    pub health: Health,
    /// The part of it, such as `"frontier"`.
    pub part: &'static str,
    /// After so many failures in a row the part is not ready.
    pub unready_after: u32,
}

/// Attempts until it succeeds or fails with what does not pass, with backoff from 0.1 s to 5 s.
///
/// # Errors
/// The first error that is not [`Fault::Passing`].
pub(crate) async fn until_done<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    shown: &Shown,
    attempt: impl Fn() -> F,
    fault: impl Fn(&E) -> Fault,
) -> Result<T, E> {
    let mut waits = common::database::forever().build();
    let mut failures = 0;
    loop {
        let error = match attempt().await {
            Ok(done) => {
                if failures >= shown.unready_after {
                    shown.health.ready(shown.part);
                }
                return Ok(done);
            }
            Err(error) if fault(&error) != Fault::Passing => return Err(error),
            Err(error) => error,
        };
        failures += 1;
        // The backoff has no last wait.
        let wait = waits.next().unwrap_or(Duration::from_secs(5));
        let (part, retry_in_ms) = (shown.part, wait.as_millis() as u64);
        tracing::warn!(%error, part, failures, retry_in_ms, "a step failed; retrying");
        if failures >= shown.unready_after {
            let why = format!("failed {failures} times in a row: {error}");
            shown.health.waiting(shown.part, why);
        }
        tokio::time::sleep(wait).await;
    }
}
