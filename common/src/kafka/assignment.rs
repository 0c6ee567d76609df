//! The partitions held, as rebalances give and take them, positioned at the stored offsets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::Offset;
use rdkafka::Statistics;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;
use sqlx::PgConnection;

use super::anchor::Anchor;
use super::lag::{HeldPartition, place};
use super::state::State;
use super::topic_id::topic_ids;
use crate::database::within;
use crate::metrics::{KAFKA_REBALANCES, KAFKA_TOPICS_RECREATED};
use ledger::offsets::{self, Stored};

/// Pause between two tries to read the stored offsets.
const RETRY: Duration = Duration::from_millis(500);
/// Longest that the database may take for them.
const READING: Duration = Duration::from_secs(10);
/// Longest wait for the ids of topics, and for the ends of a partition.
const ASKING: Duration = Duration::from_secs(3);

/// How the ids of librdkafka's mock clusters begin (the embedded broker is one): without a controller,
/// which is requested topics' ids, such a question only times out.
const MOCK: &str = "mockCluster";

/// The callbacks of one client.
pub(super) struct Context {
    pub state: Arc<State>,
    /// Another client has taken this one's place: what it calls back with counts no more.
    pub is_retired: AtomicBool,
    /// The id under which this client has met each topic. Of one that is made again it may keep a leader's
    /// epoch that the new topic has not reached: it then takes no news of that topic, and reads nothing.
    topics: Mutex<BTreeMap<String, String>>,
    /// Whether a topic has another id by now, so that another client has to read it.
    is_stale: AtomicBool,
}

impl Context {
    pub fn new(state: &Arc<State>) -> Context {
        Context {
            state: Arc::clone(state),
            is_retired: AtomicBool::new(false),
            topics: Mutex::default(),
            is_stale: AtomicBool::new(false),
        }
    }

    /// Whether a topic that this client has met was made again since.
    pub fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Relaxed)
    }

    fn meet(&self, topic: &str, id: &str) {
        // Whole values are put in: a panic leaves none half written.
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let met = topics
            .entry(topic.to_owned())
            .or_insert_with(|| id.to_owned());
        if met != id {
            self.is_stale.store(true, Ordering::Relaxed);
        }
    }

    /// Sets the stored offsets into the list and gives what is held then; `None` when shut down before
    /// they could be read.
    pub fn position(
        &self,
        consumer: &BaseConsumer<Context>,
        list: &mut TopicPartitionList,
    ) -> Option<Vec<HeldPartition>> {
        let mut by_topic: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        for element in list.elements() {
            let partitions = by_topic.entry(element.topic().to_owned()).or_default();
            partitions.push(element.partition());
        }
        let mut positions = Vec::new();
        for (topic, partitions) in by_topic {
            let name: Arc<str> = topic.as_str().into();
            let id: Option<Arc<str>> = self.topic_id(consumer, &topic).map(Into::into);
            if let Some(id) = &id {
                self.meet(&topic, id);
            }
            let mut stored = self.stored(&topic)?;
            let gone = partitions.iter().find_map(|partition| {
                let stored = stored.get(partition)?;
                self.is_of_another(consumer, &topic, *partition, stored, id.as_deref())
                    .then(|| stored.topic_id.clone())
            });
            if let Some(old_id) = &gone {
                self.topic_was_made_anew(&topic, old_id.as_deref(), id.as_deref())?;
                stored = self.stored(&topic)?;
            }
            let place = self.place(&topic, id.as_deref(), gone.flatten().as_deref())?;
            for partition in partitions {
                let stored = stored.get(&partition).map(|stored| stored.next);
                let offset = stored.map_or(Offset::Beginning, Offset::Offset);
                if let Err(error) = list.set_partition_offset(&topic, partition, offset) {
                    tracing::error!("cannot set the position of {topic}/{partition}: {error}");
                }
                let place = Arc::clone(&place);
                positions.push(HeldPartition::at(
                    &name,
                    partition,
                    id.clone(),
                    place,
                    stored,
                ));
            }
        }
        Some(positions)
    }

    /// The topic's id; `None` where the broker gives none.
    fn topic_id(&self, consumer: &BaseConsumer<Context>, topic: &str) -> Option<String> {
        if self.state.anchor.cluster.starts_with(MOCK) {
            return None;
        }
        match topic_ids(consumer.client(), &[topic], ASKING) {
            Ok(mut ids) => ids.remove(topic),
            Err(error) => {
                tracing::warn!(
                    topic,
                    "Kafka does not give the id of topic {topic}: {error}"
                );
                None
            }
        }
    }

    /// Whether the offset was stored of another topic of the same name: by the topics' ids, and where
    /// one is not known, as there is no such offset.
    fn is_of_another(
        &self,
        consumer: &BaseConsumer<Context>,
        topic: &str,
        partition: i32,
        stored: &Stored,
        id: Option<&str>,
    ) -> bool {
        if let (Some(old), Some(new)) = (stored.topic_id.as_deref(), id) {
            return old != new;
        }
        let ends = consumer.fetch_watermarks(topic, partition, ASKING);
        ends.is_ok_and(|(_, end)| end >= 0 && stored.next > end)
    }

    /// The stored offsets are those of a topic that is gone: they are forgotten, its rejects make room.
    /// `None` when shut down before.
    fn topic_was_made_anew(&self, topic: &str, old: Option<&str>, new: Option<&str>) -> Option<()> {
        let Anchor {
            cluster, consumer, ..
        } = &self.state.anchor;
        let forgotten = self.until_done(
            "forget the offsets of a topic that is gone",
            async |connection| {
                offsets::forget_topic(connection, cluster, consumer, topic, new).await
            },
        )?;
        if forgotten > 0 {
            metrics::counter!(KAFKA_TOPICS_RECREATED.name(), "topic" => topic.to_owned())
                .increment(1);
            tracing::error!(
                topic,
                old_id = old,
                new_id = new,
                "topic {topic} was deleted and created again: deleted the stored offsets of \
                 {forgotten} partitions; reading it from its beginning"
            );
        }
        Some(())
    }

    /// What the places of the topic's messages begin with; `gone` is the id of one that it has replaced.
    /// `None` when shut down before.
    fn place(&self, topic: &str, id: Option<&str>, gone: Option<&str>) -> Option<Arc<str>> {
        let Anchor { cluster, .. } = &self.state.anchor;
        let made_again = match id {
            Some(id) => self.until_done(
                "look whether the topic was made again",
                async |connection| {
                    offsets::was_made_again(connection, cluster, topic, id, gone).await
                },
            )?,
            None => false,
        };
        Some(place(cluster, topic, id.filter(|_| made_again)))
    }

    fn stored(&self, topic: &str) -> Option<BTreeMap<i32, Stored>> {
        let Anchor {
            cluster, consumer, ..
        } = &self.state.anchor;
        self.until_done("read the stored offsets", async |connection| {
            offsets::stored(connection, cluster, consumer, topic).await
        })
    }

    /// Asks the database until it answers; `None` when shut down before.
    fn until_done<T>(
        &self,
        what: &str,
        mut query: impl AsyncFnMut(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Option<T> {
        loop {
            let asking = within(&self.state.anchor.pool, READING, async |connection| {
                query(connection).await
            });
            let error = match self.state.runtime.block_on(asking) {
                Ok(answer) => return Some(answer),
                Err(error) => error,
            };
            let why = format!("cannot {what}: {error}; retrying");
            tracing::warn!("{why}");
            self.state.health.waiting("partitions", why);
            if self.state.shutdown.is_cancelled() || self.state.failure().is_some() {
                return None;
            }
            std::thread::sleep(RETRY);
        }
    }

    fn assign(
        &self,
        consumer: &BaseConsumer<Context>,
        list: &mut TopicPartitionList,
        is_incremental: bool,
    ) -> KafkaResult<()> {
        let Some(positions) = self.position(consumer, list) else {
            // Leaving: an answer is due all the same, or the group waits for it.
            return match is_incremental {
                true => consumer.incremental_assign(&TopicPartitionList::new()),
                false => consumer.unassign(),
            };
        };
        let partitions = positions.len();
        self.state.hold(positions, !is_incremental);
        tracing::debug!(partitions, is_incremental, "partitions assigned");
        match is_incremental {
            true => consumer.incremental_assign(list),
            false => {
                self.state.next_epoch();
                consumer.assign(list)
            }
        }
    }

    fn revoke(
        &self,
        consumer: &BaseConsumer<Context>,
        list: &TopicPartitionList,
        is_incremental: bool,
    ) -> KafkaResult<()> {
        const WHY: &str = "waiting for the group's assignment";
        if !is_incremental {
            self.state.lose(WHY);
            return consumer.unassign();
        }
        let mut held = self.state.lag.held();
        for taken in list.elements() {
            held.retain(|held| !held.is(taken.topic(), taken.partition()));
        }
        let is_empty = held.is_empty();
        drop(held);
        self.state.next_epoch();
        if is_empty {
            self.state.lose(WHY);
        }
        consumer.incremental_unassign(list)
    }
}

impl ClientContext for Context {
    fn stats(&self, statistics: Statistics) {
        if !self.is_retired.load(Ordering::Acquire) {
            self.state.measured(&statistics);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if self.is_retired.load(Ordering::Acquire) {
            return;
        }
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.state.away(reason);
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
        // Cooperative assignors and KIP-848 give and take single partitions; the others all at once.
        let is_incremental = matches!(
            consumer.rebalance_protocol(),
            RebalanceProtocol::Cooperative
        );
        let is_given = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let result = if self.is_retired.load(Ordering::Acquire) {
            match (is_incremental, is_given) {
                (true, true) => consumer.incremental_assign(list),
                (true, false) => consumer.incremental_unassign(list),
                (false, _) => consumer.unassign(),
            }
        } else {
            let group = self.state.anchor.consumer.clone();
            metrics::counter!(KAFKA_REBALANCES.name(), "consumer" => group).increment(1);
            // What is kept is not disturbed by what is added.
            if !(is_given && is_incremental) {
                self.state.in_flight.settle(&self.state.runtime);
            }
            match is_given {
                true => self.assign(consumer, list, is_incremental),
                false => self.revoke(consumer, list, is_incremental),
            }
        };
        if let Err(error) = result {
            tracing::error!(%error, "cannot change the assignment");
            self.state
                .lose("cannot change the assignment: waiting for another");
        }
    }
}
