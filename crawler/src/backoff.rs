//! How long a host is left alone.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// The wait that `Retry-After` asks for: seconds, or a date.
pub fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(MOST_S)));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc);
    let wait = (until - now).to_std().unwrap_or_default();
    Some(wait.min(Duration::from_secs(MOST_S)))
}

/// A host may ask for at most a year.
const MOST_S: u64 = 365 * 24 * 3600;

/// The pause after so many failures in a row (from 1 on): doubled each time.
pub fn doubled(first: Duration, most: Duration, failures: u32) -> Duration {
    let factor = 2u32.saturating_pow(failures.saturating_sub(1).min(30));
    first.saturating_mul(factor).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_says_seconds_or_a_date_and_anything_else_is_not_understood() {
        let now = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z")
            .expect("a time")
            .to_utc();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        let date = "Thu, 01 Jan 2026 00:01:00 GMT";
        assert_eq!(retry_after(date, now), Some(Duration::from_secs(60)));
        let past = "Wed, 31 Dec 2025 00:00:00 GMT";
        assert_eq!(retry_after(past, now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(
            retry_after("99999999999999", now),
            Some(Duration::from_secs(MOST_S))
        );
    }

    #[test]
    fn each_failure_doubles_the_pause_up_to_the_longest() {
        let pause = |failures| doubled(Duration::from_secs(1), Duration::from_secs(60), failures);
        let pauses: Vec<u64> = [1, 2, 3, 7, 4_000_000_000]
            .map(|n| pause(n).as_secs())
            .to_vec();
        assert_eq!(pauses, [1, 2, 4, 60, 60]);
    }
}
