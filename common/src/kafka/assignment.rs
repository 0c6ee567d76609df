//! The partitions held, as rebalances give and take them, positioned at the stored offsets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::Offset;
use rdkafka::Statistics;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;
use sqlx::PgPool;
use tokio::runtime::Handle;

use super::in_flight::InFlight;
use super::lag::Lag;
use crate::health::Health;
use crate::metric::Metric;
use crate::shutdown::Shutdown;
use ledger::offsets::{self, Stretch};

/// Pause between two tries to read the stored offsets.
const RETRY: Duration = Duration::from_millis(500);

/// Where the consumer's position is kept.
#[derive(Clone)]
pub struct Anchor {
    /// The database.
    pub pool: PgPool,
    /// The Kafka cluster's id: offsets of one cluster mean nothing on another.
    pub cluster: String,
    /// The consumer's name in the table of offsets; also its group.
    pub consumer: String,
}

/// A partition that this member of the group holds.
pub(super) struct Held {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its number.
    pub partition: i32,
    /// The offset up to which messages were handed over: where the next batch starts from.
    pub read: Option<i64>,
    /// The stored offset; `None` where none is stored.
    pub stored: Option<i64>,
    /// When the message came to Kafka that was stored last, in milliseconds since 1970.
    pub stored_ms: Option<i64>,
}

/// The consumer's callbacks, and what they leave behind.
pub(super) struct Context {
    anchor: Anchor,
    runtime: Handle,
    shutdown: Shutdown,
    pub health: Health,
    held: Mutex<Vec<Held>>,
    /// Raised at each rebalance, so that a batch knows whether it spans one. Beside the lock: it is
    /// looked at for every message.
    epoch: AtomicU64,
    /// No broker could be reached when last heard of: nothing tells when one is back.
    pub is_away: AtomicBool,
    pub lag: Arc<Lag>,
    /// What is being written must be done, or given up, before a partition goes to another member.
    pub in_flight: InFlight,
}

impl Context {
    pub fn new(anchor: Anchor, health: Health, shutdown: Shutdown) -> Context {
        Context {
            anchor,
            runtime: Handle::current(),
            shutdown,
            health,
            held: Mutex::default(),
            epoch: AtomicU64::new(0),
            is_away: AtomicBool::new(false),
            lag: Arc::default(),
            in_flight: InFlight::default(),
        }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        // A panic under the lock leaves at worst an older position, which the fence refuses.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the next message of a partition is expected: the offset handed over last.
    pub fn read_position(&self, topic: &str, partition: i32) -> Option<i64> {
        let held = self.held();
        let found = held.iter().find(|held| held.is(topic, partition));
        found.and_then(|held| held.read)
    }

    /// The next batch starts where this one ends.
    pub fn handed_over(&self, stretches: &[Stretch]) {
        let mut held = self.held();
        for stretch in stretches {
            let mut all = held.iter_mut();
            if let Some(held) = all.find(|held| held.is(&stretch.topic, stretch.partition)) {
                held.read = Some(stretch.next);
            }
        }
    }

    /// Sets the stored offsets into the list; false when shut down before they could be read.
    pub fn position(&self, list: &mut TopicPartitionList) -> bool {
        let mut positions = Vec::new();
        let partitions: Vec<(String, i32)> = list
            .elements()
            .iter()
            .map(|element| (element.topic().to_owned(), element.partition()))
            .collect();
        let mut by_topic: BTreeMap<String, (Arc<str>, BTreeMap<i32, i64>)> = BTreeMap::new();
        for (topic, partition) in partitions {
            if !by_topic.contains_key(&topic) {
                let Some(stored) = self.stored(&topic) else {
                    return false;
                };
                by_topic.insert(topic.clone(), (topic.as_str().into(), stored));
            }
            let (name, stored) = &by_topic[&topic];
            let stored = stored.get(&partition).copied();
            let offset = stored.map_or(Offset::Beginning, Offset::Offset);
            if let Err(error) = list.set_partition_offset(&topic, partition, offset) {
                tracing::error!("cannot position {topic}/{partition}: {error}");
            }
            positions.push(Held {
                topic: Arc::clone(name),
                partition,
                read: stored,
                stored,
                stored_ms: None,
            });
        }
        self.hold(positions);
        true
    }

    fn hold(&self, positions: Vec<Held>) {
        *self.held() = positions;
        self.epoch.fetch_add(1, Ordering::Release);
    }

    fn stored(&self, topic: &str) -> Option<BTreeMap<i32, i64>> {
        loop {
            let anchor = &self.anchor;
            let asked = self.runtime.block_on(offsets::stored(
                &anchor.pool,
                &anchor.cluster,
                &anchor.consumer,
                topic,
            ));
            match asked {
                Ok(stored) => return Some(stored),
                Err(error) => {
                    tracing::warn!("cannot read the stored offsets of {topic}: {error}; retrying");
                }
            }
            if self.shutdown.is_cancelled() {
                return None;
            }
            std::thread::sleep(RETRY);
        }
    }
}

impl Held {
    /// Whether it is that partition.
    pub fn is(&self, topic: &str, partition: i32) -> bool {
        self.partition == partition && *self.topic == *topic
    }
}

impl ClientContext for Context {
    fn stats(&self, statistics: Statistics) {
        self.lag
            .update(&statistics, &self.held(), &self.anchor.consumer);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.health.waiting("kafka", reason);
            if !self.is_away.swap(true, Ordering::Relaxed) {
                tracing::warn!("Kafka is away: {reason}");
            }
        }
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        metrics::counter!(Metric::KafkaRebalances.name(), "consumer" => self.anchor.consumer.clone())
            .increment(1);
        self.in_flight.settle(&self.runtime);
        let assigned =
            event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && self.position(list);
        let result = if assigned {
            tracing::debug!(partitions = list.count(), "partitions assigned");
            self.health.ready("partitions");
            consumer.assign(list)
        } else {
            self.hold(Vec::new());
            self.health
                .waiting("partitions", "waiting for the group's assignment");
            consumer.unassign()
        };
        if let Err(error) = result {
            tracing::error!("the assignment could not be changed: {error}");
        }
    }
}
