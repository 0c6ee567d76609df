//! One log line a minute: what was loaded, and how far behind it is.

use std::time::{Duration, Instant};

use crate::control::{Control, Totals};

const MINUTE: Duration = Duration::from_secs(60);

/// Remembers what was told last.
#[derive(Debug)]
pub(crate) struct Minute {
    told_at: Instant,
    told: Totals,
}

impl Default for Minute {
    fn default() -> Minute {
        Minute {
            told_at: Instant::now(),
            told: Totals::default(),
        }
    }
}

impl Minute {
    /// Tells of the last minute where it is over; a minute without anything is passed over.
    pub fn tell(&mut self, control: &Control) {
        let elapsed = self.told_at.elapsed();
        if elapsed < MINUTE {
            return;
        }
        let totals = control.totals();
        let stored = totals.stored - self.told.stored;
        let rejected = totals.rejected - self.told.rejected;
        let delisted = totals.delisted - self.told.delisted;
        let batches = totals.batches - self.told.batches;
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
        self.told_at = Instant::now();
        self.told = totals;
    }
}
