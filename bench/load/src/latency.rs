//! How long answers took.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Longest time that is distinguished, in microseconds: ten minutes.
const LONGEST_US: u64 = 600_000_000;

/// Times, to three digits.
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies(
            Histogram::new_with_bounds(1, LONGEST_US, 3)
                .expect("the bounds are constants that the histogram takes"),
        )
    }
}

impl Latencies {
    /// Adds one.
    pub fn record(&mut self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(took_us.clamp(1, LONGEST_US));
    }

    /// Adds another's.
    pub fn join(&mut self, other: &Latencies) {
        self.0
            .add(&other.0)
            .expect("both have the bounds of `default`");
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// `p50_ms`, `p90_ms`, `p99_ms`, `p999_ms` and `max_ms`.
    pub fn as_json(&self) -> Value {
        let ms = |share: f64| self.0.value_at_quantile(share) as f64 / 1000.0;
        json!({
            "p50_ms": ms(0.5),
            "p90_ms": ms(0.9),
            "p99_ms": ms(0.99),
            "p999_ms": ms(0.999),
            "max_ms": self.0.max() as f64 / 1000.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_all_that_was_recorded() {
        let (mut latencies, mut others) = (Latencies::default(), Latencies::default());
        for ms in 1..=50 {
            latencies.record(Duration::from_millis(ms));
            others.record(Duration::from_millis(50 + ms));
        }
        latencies.join(&others);
        assert_eq!(latencies.count(), 100);
        let shown = latencies.as_json();
        let near = |name: &str, ms: f64| {
            let found = shown[name].as_f64().expect("a number");
            assert!((found - ms).abs() <= ms * 0.001, "{name}: {found} for {ms}");
        };
        near("p50_ms", 50.0);
        near("p99_ms", 99.0);
        near("max_ms", 100.0);
    }
}
