//! The settings of a watch.

use std::time::Duration;

use serde::Deserialize;

/// Section `[prepare.watch]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchConfig {
    /// Listings stored since the last training that make the next one worth it; 0: none do.
    pub new_rows: u64,
    /// The least pause between the beginnings of two trainings: listings may pour in.
    pub pause_s: u64,
    /// Pause before a training that failed is retried; doubled each time.
    pub retry_s: u64,
    /// The longest that pause becomes.
    pub retry_most_s: u64,
    /// Train when the champion's median error on live answers is beyond so many times that of its
    /// hold-out; 0: it is not looked at. Once a champion: if that does not help, listings must come.
    pub live_error_factor: f64,
    /// Known prices that a live error must rest on.
    pub live_min_labelled: u64,
    /// Roll back where the champion's live error is beyond the one's before it by this share, chance
    /// left aside; 0: it is not looked at.
    pub live_rollback_margin: f64,
    /// Known prices that each of the two must rest on.
    pub live_rollback_min: u64,
    /// Versions that stay beside those with an alias: a loop would fill any disk. 0: all.
    pub keep_versions: usize,
}

impl WatchConfig {
    /// How long to wait after so many failures in a row.
    pub(crate) fn pause_after(&self, failures: u32) -> Duration {
        let doubled = 1_u64
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u64::MAX);
        let pause_s = self.retry_s.saturating_mul(doubled);
        Duration::from_secs(pause_s.min(self.retry_most_s).max(1))
    }
}
