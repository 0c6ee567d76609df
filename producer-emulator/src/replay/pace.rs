//! Messages spread evenly over time.

use std::time::Duration;

use tokio::time::Instant;

/// What a pace that was held up makes good at once; the rest is let go, so that an outage is not
/// followed by a flood.
const CATCH_UP: Duration = Duration::from_secs(1);
/// The part of a second that is read at a time.
const PARTS: f64 = 10.0;

/// When the next message is due.
pub(super) struct Pace {
    /// Messages per second; none: all are due.
    rate: Option<f64>,
    /// What the due times are counted from.
    start: Instant,
    /// Messages since `start`.
    sent: u64,
}

impl Pace {
    pub fn new(rate: Option<f64>, now: Instant) -> Pace {
        Pace {
            rate,
            start: now,
            sent: 0,
        }
    }

    /// When the next message is due; `None` where it is at `now` already.
    pub fn next(&mut self, now: Instant) -> Option<Instant> {
        let rate = self.rate?;
        let due = self.start + Duration::from_secs_f64(self.sent as f64 / rate);
        if due + CATCH_UP < now {
            (self.start, self.sent) = (now, 0);
            return None;
        }
        (due > now).then_some(due)
    }

    /// One more was sent.
    pub fn sent(&mut self) {
        self.sent += 1;
    }

    /// Records to read at a time: what is sent in a tenth of a second, at least one.
    pub fn at_a_time(&self, most: u64) -> u64 {
        self.rate
            .map_or(most, |rate| ((rate / PARTS) as u64).clamp(1, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time at which `count` messages more are sent, each when it is due.
    fn take(pace: &mut Pace, count: u64, mut now: Instant) -> Instant {
        for _ in 0..count {
            now = pace.next(now).unwrap_or(now);
            pace.sent();
        }
        now
    }

    #[test]
    fn messages_are_even_also_at_fractions() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(0.5), start);
        assert_eq!(take(&mut pace, 1, start), start);
        let later = take(&mut pace, 3, start);
        assert_eq!(later - start, Duration::from_secs(6));
        assert_eq!(pace.at_a_time(1000), 1);

        let mut pace = Pace::new(Some(400.0), start);
        let later = take(&mut pace, 4001, start);
        assert_eq!(later - start, Duration::from_secs(10));
        assert_eq!(pace.at_a_time(1000), 40);
        assert_eq!(take(&mut Pace::new(None, start), 1000, start), start);
    }

    #[test]
    fn a_pause_is_not_followed_by_a_flood() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(10.0), start);
        let paused = take(&mut pace, 10, start) + Duration::from_secs(600);
        let later = take(&mut pace, 11, paused);
        assert_eq!(later - paused, Duration::from_secs(1));

        // A short one is made good.
        let paused = later + Duration::from_millis(850);
        assert_eq!(take(&mut pace, 8, paused), paused);
        assert!(take(&mut pace, 1, paused) > paused);
    }
}
