//! How far a consumer is behind, by the offsets that count: those stored in PostgreSQL.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use rdkafka::Statistics;

use super::anchored::Assignment;
use crate::metric::Metric;

/// Consumer lag over the partitions held; looked at once a second.
#[derive(Debug, Default)]
pub struct Lag {
    records: AtomicU64,
    /// When the message that was stored last came, of the partition furthest behind; milliseconds
    /// since 1970, 0 where nothing is behind or nothing was stored yet.
    since_ms: AtomicI64,
}

impl Lag {
    /// Messages that are in Kafka, but not stored.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// While something is behind: the age of what was stored last, in seconds.
    pub fn seconds(&self) -> f64 {
        match self.since_ms.load(Ordering::Relaxed) {
            0 => 0.0,
            since_ms => {
                let since = UNIX_EPOCH + Duration::from_millis(since_ms.unsigned_abs());
                // A broker's clock may be ahead of ours.
                since.elapsed().unwrap_or_default().as_secs_f64()
            }
        }
    }

    pub(super) fn update(&self, statistics: &Statistics, assignment: &Assignment, consumer: &str) {
        let (mut records, mut since_ms) = (0, 0);
        for (place, position) in &assignment.positions {
            let topic = statistics.topics.get(&place.0);
            let known = topic.and_then(|topic| topic.partitions.get(&place.1));
            // Negative while librdkafka has not asked yet.
            let Some(known) = known.filter(|known| known.hi_offset >= 0) else {
                continue;
            };
            // Where nothing is stored, the partition is read from its beginning.
            let next = position.unwrap_or(known.lo_offset.max(0));
            let behind = (known.hi_offset - next).max(0);
            let stored_ms = assignment.times_ms.get(place).copied().unwrap_or(0);
            if behind > 0 && stored_ms > 0 && (since_ms == 0 || stored_ms < since_ms) {
                since_ms = stored_ms;
            }
            records += behind.unsigned_abs();
        }
        self.records.store(records, Ordering::Relaxed);
        self.since_ms.store(since_ms, Ordering::Relaxed);
        let gauge =
            |metric: Metric| metrics::gauge!(metric.name(), "consumer" => consumer.to_owned());
        gauge(Metric::KafkaLagRecords).set(records as f64);
        gauge(Metric::KafkaLagSeconds).set(self.seconds());
    }
}
