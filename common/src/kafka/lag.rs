//! The assigned partitions and the consumer lag, by the offsets that count: those stored in
//! PostgreSQL. What cannot be known now is unknown, not 0.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use rdkafka::Statistics;
use rdkafka::statistics::{Broker, Partition};
use serde_json::{Value, json};

use crate::metric::Metric;
use crate::metrics::{
    KAFKA_CONSUMER_LAG_RECORDS, KAFKA_CONSUMER_LAG_SECONDS, KAFKA_DELETED_UNREAD,
};

/// librdkafka measures once a second: what is older than this is unknown.
const STALE: Duration = Duration::from_secs(10);
/// A broker answers every fetch within `fetch.wait.max.ms`: silence for longer is not a measurement.
const SILENCE_US: i64 = 10_000_000;

/// A partition that this member of the group holds.
#[derive(Debug)]
pub(super) struct HeldPartition {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its number.
    pub partition: i32,
    /// The id that the broker has given the topic; `None` where it gives none.
    pub topic_id: Option<Arc<str>>,
    /// The beginning of its messages' places: see [`place`].
    pub place: Arc<str>,
    /// The offset up to which messages were handed over: where the next batch starts from.
    pub read: Option<i64>,
    /// The stored offset; `None` where none is stored.
    pub stored: Option<i64>,
    /// The offset that was committed to the group last, for lag tools; `None` before the first.
    pub in_group: Option<i64>,
    /// When the message came to Kafka that was stored last, in milliseconds since 1970.
    pub stored_ms: Option<i64>,
    /// The offset that fetching came to message by message: transaction markers before it are no unread
    /// messages. What it has jumped over is not before it.
    pub reached: i64,
    /// Where fetching was in the last statistics, the oldest first: the beginning of the log, which
    /// librdkafka asks for once a second, must be younger before that counts.
    fetched: [i64; 3],
    /// The last measured number of waiting messages; `None` while unknown.
    pub behind: Option<u64>,
    /// Messages that waited when they could be counted last.
    pub last_behind: u64,
}

/// What a measurement needs in addition to the statistics.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct How {
    /// Whether messages of open transactions are read too.
    pub reads_uncommitted: bool,
    /// Whether messages are in a batch that is not full yet.
    pub is_gathering: bool,
}

/// What the places of a topic's messages begin with, before partition and offset: cluster and topic, and the
/// topic's id where it was `made_again`, as its offsets begin again at 0. A record without a key has its place
/// for one.
pub(super) fn place(cluster: &str, topic: &str, made_again: Option<&str>) -> Arc<str> {
    match made_again {
        Some(id) => format!("{cluster}/{topic}/{id}").into(),
        None => format!("{cluster}/{topic}").into(),
    }
}

impl HeldPartition {
    /// One whose messages are read from the `stored` offset on, or from the beginning.
    pub fn at(
        topic: &Arc<str>,
        partition: i32,
        topic_id: Option<Arc<str>>,
        place: Arc<str>,
        stored: Option<i64>,
    ) -> HeldPartition {
        HeldPartition {
            topic: Arc::clone(topic),
            partition,
            topic_id,
            place,
            read: stored,
            stored,
            in_group: None,
            stored_ms: None,
            reached: 0,
            fetched: [0; 3],
            behind: None,
            last_behind: 0,
        }
    }

    /// Whether it is that partition.
    pub fn is(&self, topic: &str, partition: i32) -> bool {
        self.partition == partition && *self.topic == *topic
    }

    /// Measures it: `None` while its broker is silent and no message waits in the client.
    fn measure(&self, known: &Partition, broker: Option<&Broker>, how: How) -> Option<u64> {
        // Up to there messages can be read: those of an open transaction cannot.
        let end = match known.ls_offset {
            last_stable if last_stable >= 0 && !how.reads_uncommitted => {
                last_stable.min(known.hi_offset)
            }
            _ => known.hi_offset,
        };
        let is_heard = broker
            .is_some_and(|broker| broker.state == "UP" && broker.rxidle < SILENCE_US)
            && known.fetch_state == "active";
        // Negative while librdkafka has not asked yet.
        if end < 0 || !(is_heard || known.fetchq_cnt > 0) {
            return None;
        }
        // Where nothing is stored, the partition is read from its beginning.
        let next = self.stored.unwrap_or(known.lo_offset.max(0));
        // Fetching has come to the end, and every message it brought is stored: what is left are markers.
        let is_done = known.next_offset >= end
            && known.fetchq_cnt == 0
            && !how.is_gathering
            && self.read == self.stored;
        Some(if is_done {
            0
        } else {
            (end - next).max(0).unsigned_abs()
        })
    }

    /// Messages that retention has deleted before they were fetched.
    fn deleted(&mut self, known: &Partition) -> u64 {
        let seen = self
            .stored
            .unwrap_or(0)
            .max(known.app_offset)
            .max(self.reached);
        let lost = known.lo_offset - seen;
        if self.stored.is_some() && lost > 0 {
            self.reached = known.lo_offset;
            return lost.unsigned_abs();
        }
        if known.lo_offset >= 0 {
            self.reached = self.reached.max(self.fetched[0]);
            self.fetched = [self.fetched[1], self.fetched[2], known.next_offset];
        }
        0
    }

    /// Retention may delete messages before they are read: that is a loss, and logged as an error.
    pub fn report_deleted(&self, lost: u64) {
        metrics::counter!(KAFKA_DELETED_UNREAD.name(), "topic" => self.topic.to_string())
            .increment(lost);
        let (topic, partition) = (&*self.topic, self.partition);
        tracing::error!(
            topic,
            partition,
            lost,
            "Kafka deleted {lost} offsets of {topic}/{partition} before offset {} before they were \
             read: raise the topic's retention",
            self.reached
        );
    }
}

/// The partitions held, and consumer lag over them; measured once a second.
#[derive(Debug, Default)]
pub struct Lag {
    held: Mutex<Vec<HeldPartition>>,
    /// When librdkafka measured last; `None` without an assignment.
    measured: Mutex<Option<Instant>>,
}

impl Lag {
    /// Messages that are in Kafka, but not stored; `None` while that is unknown: without an assignment,
    /// or when the broker has been silent for ten seconds.
    pub fn records(&self) -> Option<u64> {
        let is_fresh = self.measured().is_some_and(|at| at.elapsed() < STALE);
        let held = self.held();
        if !is_fresh || held.is_empty() {
            return None;
        }
        held.iter().map(|held| held.behind).sum()
    }

    /// While something is behind: the age of what was stored last, in seconds; `None` while unknown.
    pub fn seconds(&self) -> Option<f64> {
        self.records()?;
        let held = self.held();
        let behind = held
            .iter()
            .filter(|held| held.behind.is_some_and(|behind| behind > 0));
        let since_ms = behind
            .filter_map(|held| held.stored_ms)
            .filter(|ms| *ms > 0)
            .min();
        Some(since_ms.map_or(0.0, |since_ms| {
            let since = UNIX_EPOCH + Duration::from_millis(since_ms.unsigned_abs());
            // A broker's clock may be ahead of ours.
            since.elapsed().unwrap_or_default().as_secs_f64()
        }))
    }

    /// Messages known to wait, however long ago they were counted: enough to see a standstill.
    pub(super) fn least(&self) -> u64 {
        self.held().iter().map(|held| held.last_behind).sum()
    }

    /// The keys that `/status` of every service with a consumer has: `lag_records`, `lag_seconds`
    /// (null while unknown) and `partitions`.
    pub fn status(&self) -> Value {
        let is_fresh = self.measured().is_some_and(|at| at.elapsed() < STALE);
        let partitions: BTreeMap<String, Value> = self
            .held()
            .iter()
            .map(|held| {
                let behind = held.behind.filter(|_| is_fresh);
                (
                    format!("{}/{}", held.topic, held.partition),
                    json!({ "next_offset": held.stored, "lag_records": behind }),
                )
            })
            .collect();
        json!({
            "lag_records": self.records(),
            "lag_seconds": self.seconds(),
            "partitions": partitions,
        })
    }

    /// The partitions held and their next offsets.
    pub fn positions(&self) -> BTreeMap<String, Option<i64>> {
        let held = self.held();
        held.iter()
            .map(|held| (format!("{}/{}", held.topic, held.partition), held.stored))
            .collect()
    }

    pub(super) fn held(&self) -> MutexGuard<'_, Vec<HeldPartition>> {
        // A panic under the lock leaves at worst an older position, which the fence refuses.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is held any more.
    pub(super) fn forget(&self) {
        self.held().clear();
        *self.measured_mut() = None;
    }

    /// Takes librdkafka's statistics in.
    pub(super) fn update(&self, statistics: &Statistics, how: How) {
        for held in self.held().iter_mut() {
            let topic = statistics.topics.get(&*held.topic);
            let known = topic.and_then(|topic| topic.partitions.get(&held.partition));
            let Some(known) = known else {
                held.behind = None;
                continue;
            };
            let lost = held.deleted(known);
            if lost > 0 {
                held.report_deleted(lost);
            }
            let mut brokers = statistics.brokers.values();
            let broker =
                brokers.find(|broker| broker.nodeid == known.broker && broker.source != "logical");
            held.behind = held.measure(known, broker, how);
            held.last_behind = held.behind.unwrap_or(held.last_behind);
        }
        *self.measured_mut() = Some(Instant::now());
    }

    /// Sets the gauges: NaN while unknown.
    pub(super) fn show(&self, consumer: &str) {
        let gauge =
            |metric: Metric| metrics::gauge!(metric.name(), "consumer" => consumer.to_owned());
        gauge(KAFKA_CONSUMER_LAG_RECORDS)
            .set(self.records().map_or(f64::NAN, |records| records as f64));
        gauge(KAFKA_CONSUMER_LAG_SECONDS).set(self.seconds().unwrap_or(f64::NAN));
    }

    fn measured(&self) -> Option<Instant> {
        *self.measured_mut()
    }

    fn measured_mut(&self) -> MutexGuard<'_, Option<Instant>> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(stored: Option<i64>) -> HeldPartition {
        HeldPartition::at(&"t".into(), 0, None, place("c", "t", None), stored)
    }

    fn known(next: i64, app: i64, end: i64) -> Partition {
        Partition {
            fetch_state: "active".to_owned(),
            next_offset: next,
            app_offset: app,
            hi_offset: end,
            ls_offset: end,
            ..Partition::default()
        }
    }

    fn broker() -> Broker {
        Broker {
            state: "UP".to_owned(),
            ..Broker::default()
        }
    }

    #[test]
    fn markers_of_transactions_are_no_lag_but_messages_under_way_are() {
        let broker = broker();
        let measure = |held: &HeldPartition, known: &Partition, how: How| {
            held.measure(known, Some(&broker), how)
        };
        let (usual, mut partition) = (How::default(), held(Some(10)));
        // 0 to 9 stored, a marker at 10 that fetching has come past.
        assert_eq!(measure(&partition, &known(11, 11, 11), usual), Some(0));
        // The same after a restart: nothing was handed over.
        assert_eq!(measure(&partition, &known(11, -1001, 11), usual), Some(0));
        // 10 is a message in a batch that is not full yet, then one that is being stored.
        let gathering = How {
            is_gathering: true,
            ..usual
        };
        assert_eq!(measure(&partition, &known(11, 11, 11), gathering), Some(1));
        partition.read = Some(11);
        assert_eq!(measure(&partition, &known(11, 11, 11), usual), Some(1));
        // It is fetched and waits in the client, or is not fetched yet.
        let partition = held(Some(10));
        let mut waits = known(11, 10, 11);
        waits.fetchq_cnt = 1;
        assert_eq!(measure(&partition, &waits, usual), Some(1));
        assert_eq!(measure(&partition, &known(10, 10, 11), usual), Some(1));
        // A transaction that is open: the last stable offset is the end.
        let mut open = known(10, 10, 15);
        open.ls_offset = 10;
        assert_eq!(measure(&partition, &open, usual), Some(0));
        let all = How {
            reads_uncommitted: true,
            ..usual
        };
        assert_eq!(measure(&partition, &open, all), Some(5));
    }

    #[test]
    fn what_nobody_measured_is_unknown() {
        let up = broker();
        let measured =
            held(Some(5)).measure(&known(-1001, -1001, -1001), Some(&up), How::default());
        assert_eq!(measured, None, "not asked yet");
        let down = Broker {
            state: "DOWN".to_owned(),
            ..Broker::default()
        };
        assert_eq!(
            held(Some(5)).measure(&known(5, 5, 5), Some(&down), How::default()),
            None
        );
        let silent = Broker {
            rxidle: SILENCE_US,
            ..broker()
        };
        assert_eq!(
            held(Some(5)).measure(&known(5, 5, 5), Some(&silent), How::default()),
            None
        );
        assert_eq!(Lag::default().records(), None, "without an assignment");
        assert_eq!(Lag::default().status()["lag_records"], Value::Null);
    }

    #[test]
    fn what_retention_deletes_is_counted_once_and_markers_are_not() {
        let mut partition = held(Some(300));
        let mut known = known(300, -1001, 420);
        assert_eq!(partition.deleted(&known), 0);
        // Fetching jumps first, and the log's beginning is requested afterwards.
        known.next_offset = 420;
        assert_eq!(partition.deleted(&known), 0);
        known.lo_offset = 420;
        assert_eq!(partition.deleted(&known), 120);
        assert_eq!(partition.deleted(&known), 0);
        // A marker at 10 that fetching had come past.
        let mut partition = held(Some(10));
        let mut known = self::known(11, 10, 11);
        for _ in 0..4 {
            assert_eq!(partition.deleted(&known), 0);
        }
        known.lo_offset = 11;
        assert_eq!(partition.deleted(&known), 0);
    }
}
