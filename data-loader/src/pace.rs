//! How many records per second, lately.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Over how long: long enough that single batches do not show.
const WINDOW: Duration = Duration::from_secs(10);

/// Counts over the last seconds.
#[derive(Debug)]
pub(crate) struct Pace {
    began: Instant,
    /// When N records were committed.
    recent: Mutex<VecDeque<(Instant, u64)>>,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            began: Instant::now(),
            recent: Mutex::default(),
        }
    }
}

impl Pace {
    /// So many more records are in the database.
    pub fn count(&self, records: u64) {
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back((now, records));
        while recent
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            recent.pop_front();
        }
    }

    /// Records per second over the last ten seconds, or since the start where that is less.
    pub fn per_second(&self) -> f64 {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = recent.iter().filter(|(at, _)| at.elapsed() <= WINDOW);
        let records: u64 = counted.map(|(_, records)| records).sum();
        records as f64 / self.began.elapsed().min(WINDOW).as_secs_f64().max(1.0)
    }
}
