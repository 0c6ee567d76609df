//! When a message arrived: by the broker's clock, by the producer's where that is plausible, else by our own.
//!
//! The order of versions stays: what is read again before it was committed gets the same time, or a later
//! one; what was committed is not read again. A stamp that is not plausible is replaced, never refused.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::{Message, Timestamp};

use crate::metrics::KAFKA_TIMESTAMPS_REPLACED;

/// How far a producer's clock may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(3600);
/// How old a producer's time stamp may be: topics are kept for months, but seconds taken for milliseconds
/// are in 1970.
const BEHIND: Duration = Duration::from_secs(366 * 24 * 3600);
/// Pause between two log lines about implausible time stamps.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// When a message arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// In microseconds since 1970.
    pub us: i64,
    /// The present by our clock, or by the broker's where that is later, in microseconds since 1970.
    pub now_us: i64,
}

/// Judges the time stamps of a consumer's messages; counts and logs those that are not plausible.
#[derive(Debug, Default)]
pub struct Arrivals {
    logged_at: Option<Instant>,
    /// Replaced since the last log line.
    replaced: u64,
}

impl Arrivals {
    /// When a message arrived.
    pub fn of(&mut self, message: &impl Message) -> Arrival {
        let stamp = message.timestamp();
        let (arrival, is_replaced) = judge(stamp, now_us());
        if is_replaced {
            self.count(message.topic(), stamp);
        }
        arrival
    }

    fn count(&mut self, topic: &str, stamp: Timestamp) {
        metrics::counter!(KAFKA_TIMESTAMPS_REPLACED.name(), "topic" => topic.to_owned())
            .increment(1);
        self.replaced += 1;
        if self.logged_at.is_some_and(|at| at.elapsed() < LOG_EVERY) {
            return;
        }
        tracing::warn!(
            topic,
            replaced = self.replaced,
            timestamp_ms = stamp.to_millis(),
            "implausible timestamps of messages (expected milliseconds since 1970, at most a year \
             old and an hour ahead); the current time replaces them: check the producer's clock"
        );
        self.logged_at = Some(Instant::now());
        self.replaced = 0;
    }
}

/// The arrival, and whether a time stamp was replaced by the present.
fn judge(stamp: Timestamp, now_us: i64) -> (Arrival, bool) {
    let at = |us: i64| Arrival {
        us,
        now_us: now_us.max(us),
    };
    let present = Arrival { us: now_us, now_us };
    match stamp {
        Timestamp::NotAvailable => (present, false),
        Timestamp::LogAppendTime(ms) if ms > 0 => (at(ms.saturating_mul(1000)), false),
        Timestamp::CreateTime(ms) => {
            let us = ms.saturating_mul(1000);
            let earliest = now_us.saturating_sub(micros(BEHIND));
            let latest = now_us.saturating_add(micros(AHEAD));
            match (earliest..=latest).contains(&us) {
                true => (Arrival { us, now_us }, false),
                false => (present, true),
            }
        }
        Timestamp::LogAppendTime(_) => (present, true),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn now_us() -> i64 {
    // A clock before 1970 is taken for 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    micros(since.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_790_000_000_000_000;
    const DAY_MS: i64 = 24 * 3600 * 1000;

    #[test]
    fn plausible_time_stamps_are_kept_and_others_are_the_present() {
        let now_ms = NOW_US / 1000;
        for (stamp, us, is_replaced) in [
            (Timestamp::NotAvailable, NOW_US, false),
            (Timestamp::CreateTime(now_ms - 5), NOW_US - 5000, false),
            // It waited in Kafka.
            (
                Timestamp::CreateTime(now_ms - 10 * DAY_MS),
                NOW_US - 10 * DAY_MS * 1000,
                false,
            ),
            // Seconds.
            (Timestamp::CreateTime(now_ms / 1000), NOW_US, true),
            // Microseconds.
            (Timestamp::CreateTime(NOW_US), NOW_US, true),
            (Timestamp::CreateTime(now_ms + 10 * DAY_MS), NOW_US, true),
            (Timestamp::CreateTime(-1), NOW_US, true),
            (Timestamp::CreateTime(i64::MAX), NOW_US, true),
            (
                Timestamp::LogAppendTime(now_ms - 900 * DAY_MS),
                NOW_US - 900 * DAY_MS * 1000,
                false,
            ),
        ] {
            let (arrival, replaced) = judge(stamp, NOW_US);
            assert_eq!((arrival.us, replaced), (us, is_replaced), "{stamp:?}");
            assert_eq!(arrival.now_us, NOW_US, "{stamp:?}");
        }
    }

    #[test]
    fn a_broker_whose_clock_is_ahead_of_ours_sets_the_present() {
        let (arrival, replaced) = judge(Timestamp::LogAppendTime(NOW_US / 1000 + DAY_MS), NOW_US);
        assert_eq!(arrival.now_us, NOW_US + DAY_MS * 1000);
        assert_eq!((arrival.us, replaced), (arrival.now_us, false));
    }
}
