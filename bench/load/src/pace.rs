//! Even sending.

use std::time::{Duration, Instant};

/// When each of many is due.
pub struct Pace {
    begun: Instant,
    /// Between two.
    gap: Duration,
}

impl Pace {
    /// From now on, so many a second.
    pub fn new(begun: Instant, per_second: f64) -> Pace {
        Pace {
            begun,
            gap: Duration::from_secs_f64(1.0 / per_second),
        }
    }

    /// When the one with this number (from 0) is due.
    pub fn due(&self, number: u64) -> Instant {
        self.begun + self.gap.mul_f64(number as f64)
    }

    /// Sleeps until it is due; by how much it is late.
    pub fn wait(&self, number: u64) -> Duration {
        let due = self.due(number);
        let now = Instant::now();
        if now < due {
            std::thread::sleep(due - now);
        }
        due.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_do_not_drift() {
        let begun = Instant::now();
        let pace = Pace::new(begun, 3000.0);
        let off = (pace.due(30_000) - begun).as_secs_f64() - 10.0;
        assert!(off.abs() < 1e-4, "{off}");
        assert!(pace.due(1) > begun);
    }
}
