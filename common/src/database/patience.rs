//! How long one try of some work may take before its connection counts as silent.
//!
//! Several statements may take long, each of them within its deadline, and the sum of these deadlines is more than
//! anybody waits for a connection that has gone silent. So a try may take a few times what such work took lately,
//! and each try after a silence twice as long as the one before: a server that has become slow is waited for in
//! the end.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// A try may always take this long: longer than the server waits for a lock by default
/// (`database.timeouts.lock_ms`), so that its own message comes first.
const LEAST: Duration = Duration::from_secs(15);
/// A try may take so many times what the work took lately.
const TIMES: u32 = 4;

/// The bound of the next try of some work, from how long it took lately.
#[derive(Debug)]
pub struct Patience {
    /// Bound of any try.
    most: Duration,
    /// What the work took lately, in milliseconds: the longest, forgotten bit by bit.
    usual_ms: AtomicU64,
    /// Tries in a row that ended without an answer.
    silences: AtomicU32,
}

impl Patience {
    /// Of work that may take `most`.
    pub fn new(most: Duration) -> Patience {
        Patience {
            most,
            usual_ms: AtomicU64::new(0),
            silences: AtomicU32::new(0),
        }
    }

    /// How long the next try may take.
    pub fn bound(&self) -> Duration {
        let usual = Duration::from_millis(self.usual_ms.load(Ordering::Relaxed));
        let bound = usual.saturating_mul(TIMES).max(LEAST);
        let doubled = 1_u32 << self.silences.load(Ordering::Relaxed).min(16);
        bound.saturating_mul(doubled).min(self.most)
    }

    /// A try has ended with an answer, be it an error.
    pub fn answered(&self, took: Duration) {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let usual_ms = self.usual_ms.load(Ordering::Relaxed);
        let usual_ms = took_ms.max(usual_ms - usual_ms / 8);
        self.usual_ms.store(usual_ms, Ordering::Relaxed);
        self.silences.store(0, Ordering::Relaxed);
    }

    /// A try has ended without an answer.
    pub fn silent(&self) {
        self.silences.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_doubles_the_bound_until_there_is_an_answer() {
        let patience = Patience::new(Duration::from_secs(60));
        let seconds = || patience.bound().as_secs();
        assert_eq!(seconds(), 15);
        for expected in [30, 60, 60] {
            patience.silent();
            assert_eq!(seconds(), expected);
        }
        patience.answered(Duration::from_millis(500));
        assert_eq!(seconds(), 15);
    }

    #[test]
    fn work_that_takes_long_may_take_longer_until_it_is_quick_again() {
        let patience = Patience::new(Duration::from_secs(60));
        patience.answered(Duration::from_secs(8));
        assert_eq!(patience.bound(), Duration::from_secs(32));
        for _ in 0..20 {
            patience.answered(Duration::from_millis(20));
        }
        assert_eq!(patience.bound(), LEAST);
        let short = Patience::new(Duration::from_secs(2));
        assert_eq!(
            short.bound(),
            Duration::from_secs(2),
            "never beyond its most"
        );
    }
}
