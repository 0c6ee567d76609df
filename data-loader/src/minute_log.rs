//! One log line a minute: what was loaded, and how far behind it is.

use std::time::{Duration, Instant};

use crate::control::{Control, Totals};

const MINUTE: Duration = Duration::from_secs(60);

/// The totals of the last log line.
#[derive(Debug)]
pub(crate) struct MinuteLog {
    logged_at: Instant,
    logged: Totals,
}

impl Default for MinuteLog {
    fn default() -> MinuteLog {
        MinuteLog {
            logged_at: Instant::now(),
            logged: Totals::default(),
        }
    }
}

impl MinuteLog {
    /// Logs the last minute when it is over, unless nothing was loaded and nothing is behind.
    pub fn log(&mut self, control: &Control) {
        let elapsed = self.logged_at.elapsed();
        if elapsed < MINUTE {
            return;
        }
        let totals = control.totals();
        let stored = totals.stored - self.logged.stored;
        let rejected = totals.rejected - self.logged.rejected;
        let delisted = totals.delisted - self.logged.delisted;
        let batches = totals.batches - self.logged.batches;
        let (lag_records, lag_seconds) = control.lag();
        if batches > 0 || lag_records.is_some_and(|records| records > 0) {
            let per_second = (stored + rejected + delisted) as f64 / elapsed.as_secs_f64();
            tracing::info!(
                stored,
                rejected,
                delisted,
                batches,
                per_second = (per_second * 10.0).round() / 10.0,
                lag_records,
                lag_seconds = lag_seconds.map(|seconds| (seconds * 10.0).round() / 10.0),
                "loaded in the last minute"
            );
        }
        self.logged_at = Instant::now();
        self.logged = totals;
    }
}
