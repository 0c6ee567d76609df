//! Which schedules there are, and where each stands.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use common::Health;
use records::Purpose;
use tokio::time::Instant;

use crate::config::EmulatorConfig;

/// All schedules of an emulator.
pub(crate) struct Schedules {
    pub(super) all: Vec<Schedule>,
    /// Where one that is stalled is shown.
    pub(super) health: Health,
}

/// One of the schedules.
pub(super) struct Schedule {
    pub(super) name: &'static str,
    pub(super) purpose: Purpose,
    pub(super) count: usize,
    pub(super) every: Duration,
    /// Batches sent whole.
    pub(super) batches: AtomicU64,
    pub(super) state: Mutex<State>,
}

/// Where a schedule stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    /// When its last batch began.
    pub(super) began: Option<Instant>,
    /// When that was done; `None` while it is under way.
    pub(super) ended: Option<Instant>,
    /// Since when it may send: before, nothing was due.
    pub(super) active_since: Option<Instant>,
}

impl Schedules {
    /// Those that the settings ask for.
    pub fn new(config: &EmulatorConfig, health: &Health) -> Schedules {
        let listings = (
            "new_data",
            Purpose::Listing,
            config.new_data_every_s,
            config.new_data_count,
        );
        let requests = (
            "requests",
            Purpose::Request,
            config.requests_every_s,
            config.requests_count,
        );
        let all = [listings, requests].into_iter().filter(|entry| entry.3 > 0);
        let all = all.map(|(name, purpose, every_s, count)| Schedule {
            name,
            purpose,
            count,
            every: Duration::from_secs(every_s),
            batches: AtomicU64::new(0),
            state: Mutex::default(),
        });
        Schedules {
            all: all.collect(),
            health: health.clone(),
        }
    }
}
