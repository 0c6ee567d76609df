//! Which schedules there are, and where each stands.

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use common::Health;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
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
    /// Messages of a batch: drawn anew each time.
    pub(super) count: RangeInclusive<usize>,
    /// Draws them.
    pub(super) sizes: Mutex<ChaCha8Rng>,
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
            config.new_data_count_most,
        );
        let requests = (
            "requests",
            Purpose::Request,
            config.requests_every_s,
            config.requests_count,
            config.requests_count_most,
        );
        let all = [listings, requests].into_iter().filter(|entry| entry.3 > 0);
        let sizes = |stream| {
            let mut sizes = ChaCha8Rng::seed_from_u64(config.seed);
            sizes.set_stream(stream);
            Mutex::new(sizes)
        };
        let all = all.map(|(name, purpose, every_s, count, most)| Schedule {
            name,
            purpose,
            count: count..=count.max(most),
            sizes: sizes(4 + u64::from(purpose == Purpose::Request)),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_batch_draws_its_size_and_a_seed_draws_the_same() {
        let set = [
            ("emulator.requests_count", "2"),
            ("emulator.requests_count_most", "5"),
            ("emulator.new_data_count", "7"),
        ];
        let set = set.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let layered = common::Layered::load(None, &set).expect("settings");
        let config = crate::Config::new(&layered)
            .expect("valid settings")
            .emulator;
        let draw = || {
            let schedules = Schedules::new(&config, &Health::default());
            let sizes = schedules.all.iter();
            let sizes = sizes.map(|schedule| (0..200).map(|_| schedule.size()).collect());
            sizes.collect::<Vec<Vec<usize>>>()
        };
        let sizes = draw();
        assert!(sizes[0].iter().all(|size| *size == 7), "{:?}", sizes[0]);
        let found: BTreeSet<usize> = sizes[1].iter().copied().collect();
        assert_eq!(found, BTreeSet::from([2, 3, 4, 5]));
        assert_eq!(sizes, draw());
    }
}
