//! How far a consumer is behind, by the offsets that count: those stored in PostgreSQL.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use rdkafka::Statistics;

use super::assignment::Held;
use crate::metric::Metric;

/// Consumer lag over the partitions held; looked at once a second.
#[derive(Debug, Default)]
pub struct Lag {
    records: AtomicU64,
    /// When the message that was stored last came, of the partition furthest behind; milliseconds
    /// since 1970, 0 where nothing is behind or nothing was stored yet.
    since_ms: AtomicI64,
    /// Records by `topic/partition`.
    by_partition: Mutex<BTreeMap<String, u64>>,
}

impl Lag {
    /// Messages that are in Kafka, but not stored.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// The same by `topic/partition`.
    pub fn by_partition(&self) -> BTreeMap<String, u64> {
        let by_partition = self.by_partition.lock();
        by_partition.unwrap_or_else(PoisonError::into_inner).clone()
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

    pub(super) fn update(&self, statistics: &Statistics, held: &[Held], consumer: &str) {
        let (mut records, mut since_ms) = (0, 0);
        let mut by_partition = BTreeMap::new();
        for held in held {
            let topic = statistics.topics.get(&*held.topic);
            let known = topic.and_then(|topic| topic.partitions.get(&held.partition));
            // Negative while librdkafka has not asked yet.
            let Some(known) = known.filter(|known| known.hi_offset >= 0) else {
                continue;
            };
            // Where nothing is stored, the partition is read from its beginning.
            let next = held.stored.unwrap_or(known.lo_offset.max(0));
            let behind = (known.hi_offset - next).max(0);
            let stored_ms = held.stored_ms.unwrap_or(0);
            if behind > 0 && stored_ms > 0 && (since_ms == 0 || stored_ms < since_ms) {
                since_ms = stored_ms;
            }
            records += behind.unsigned_abs();
            by_partition.insert(
                format!("{}/{}", held.topic, held.partition),
                behind.unsigned_abs(),
            );
        }
        let mut shown = self
            .by_partition
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *shown = by_partition;
        drop(shown);
        self.records.store(records, Ordering::Relaxed);
        self.since_ms.store(since_ms, Ordering::Relaxed);
        let gauge =
            |metric: Metric| metrics::gauge!(metric.name(), "consumer" => consumer.to_owned());
        gauge(Metric::KafkaLagRecords).set(records as f64);
        gauge(Metric::KafkaLagSeconds).set(self.seconds());
    }
}
