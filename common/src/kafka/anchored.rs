//! A consumer whose position is the offset stored in Postgres, not the group's.
//!
//! It lives on a thread of its own: librdkafka calls back from `poll`, and the stored offsets are
//! looked up there, before the first message of a partition is fetched.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::Message;
use rdkafka::Offset;
use rdkafka::Statistics;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;
use sqlx::PgPool;
use tokio::runtime::Handle;

use super::lag::Lag;
use super::{KafkaConfig, properties};
use crate::health::Health;
use crate::metric::Metric;
use crate::offsets::{self, Stretch, Stretches};
use crate::shutdown::Shutdown;

/// Longest wait for a first message, so that shutdown is noticed.
const IDLE_POLL: Duration = Duration::from_millis(100);
/// Longest wait for a partition's first offset.
const WATERMARKS: Duration = Duration::from_secs(1);
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

/// When a batch is full.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most messages.
    pub rows: usize,
    /// Most bytes of payload (the last message may go beyond).
    pub bytes: usize,
    /// How long a batch may wait for more; zero takes only what is there already.
    pub linger: Duration,
}

/// What a round of polling gave.
#[derive(Debug)]
pub enum Gathered {
    /// Messages were handed over: work on them, commit, then call [`Anchored::committed`].
    Batch(Stretches),
    /// There was nothing.
    Empty,
    /// Partitions were taken or given meanwhile: what was handed over must be forgotten.
    Abandoned,
}

/// The assignment as the rebalance callback leaves it.
#[derive(Default)]
pub(super) struct Assignment {
    /// Raised at each rebalance, so that a batch knows whether it spans one.
    epoch: u64,
    /// The stored offset of each partition; `None` where none is stored.
    pub positions: BTreeMap<(String, i32), Option<i64>>,
    /// When the message came to Kafka that was stored last, in milliseconds since 1970.
    pub times_ms: BTreeMap<(String, i32), i64>,
}

struct Context {
    anchor: Anchor,
    runtime: Handle,
    shutdown: Shutdown,
    health: Health,
    assignment: Arc<Mutex<Assignment>>,
    /// No broker could be reached when last heard of: nothing tells when one is back.
    is_away: AtomicBool,
    lag: Arc<Lag>,
}

impl Context {
    /// Sets the stored offsets into the list; false when shut down before they could be read.
    fn position(&self, list: &mut TopicPartitionList) -> bool {
        let mut positions = BTreeMap::new();
        let partitions: Vec<(String, i32)> = list
            .elements()
            .iter()
            .map(|element| (element.topic().to_owned(), element.partition()))
            .collect();
        let mut by_topic: BTreeMap<String, BTreeMap<i32, i64>> = BTreeMap::new();
        for (topic, partition) in partitions {
            if !by_topic.contains_key(&topic) {
                let Some(stored) = self.stored(&topic) else {
                    return false;
                };
                by_topic.insert(topic.clone(), stored);
            }
            let stored = by_topic[&topic].get(&partition).copied();
            let offset = stored.map_or(Offset::Beginning, Offset::Offset);
            if let Err(error) = list.set_partition_offset(&topic, partition, offset) {
                tracing::error!("cannot position {topic}/{partition}: {error}");
            }
            positions.insert((topic, partition), stored);
        }
        let mut assignment = lock(&self.assignment);
        assignment.epoch += 1;
        assignment.positions = positions;
        true
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

impl ClientContext for Context {
    fn stats(&self, statistics: Statistics) {
        let assignment = lock(&self.assignment);
        self.lag
            .update(&statistics, &assignment, &self.anchor.consumer);
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
        let assigned =
            event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && self.position(list);
        let result = if assigned {
            tracing::debug!(partitions = list.count(), "partitions assigned");
            self.health.ready("partitions");
            consumer.assign(list)
        } else {
            let mut assignment = lock(&self.assignment);
            assignment.epoch += 1;
            assignment.positions.clear();
            assignment.times_ms.clear();
            self.health
                .waiting("partitions", "waiting for the group's assignment");
            consumer.unassign()
        };
        if let Err(error) = result {
            tracing::error!("the assignment could not be changed: {error}");
        }
    }
}

/// A consumer anchored in Postgres.
pub struct Anchored {
    consumer: BaseConsumer<Context>,
    /// To join again after [`Anchored::leave`].
    topics: Vec<String>,
    assignment: Arc<Mutex<Assignment>>,
    /// That of the assignment from which the last batch was gathered.
    epoch: u64,
    /// When the last message of each partition of the last batch came.
    gathered_ms: BTreeMap<(String, i32), i64>,
    is_paused: bool,
}

impl Anchored {
    /// Joins the group. Call from within a Tokio runtime; use from a thread that is not of it.
    ///
    /// # Errors
    /// When a Kafka property is wrong.
    pub fn subscribe(
        config: &KafkaConfig,
        topics: &[&str],
        fetch_wait_ms: u64,
        anchor: Anchor,
        health: Health,
        shutdown: Shutdown,
    ) -> anyhow::Result<Anchored> {
        let assignment = Arc::new(Mutex::new(Assignment::default()));
        let group = anchor.consumer.clone();
        health.waiting("partitions", "waiting for the group's assignment");
        let context = Context {
            anchor,
            runtime: Handle::current(),
            shutdown,
            health,
            assignment: Arc::clone(&assignment),
            is_away: AtomicBool::new(false),
            lag: Arc::default(),
        };
        let consumer: BaseConsumer<Context> = config
            .consumer(&group, fetch_wait_ms)
            .create_with_context(context)
            .map_err(properties::explain)?;
        consumer.subscribe(topics)?;
        Ok(Anchored {
            consumer,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            assignment,
            epoch: 0,
            gathered_ms: BTreeMap::new(),
            is_paused: false,
        })
    }

    /// Leaves the group: its partitions go to other members, or wait.
    pub fn leave(&mut self) {
        self.consumer.unsubscribe();
        // The callback that gives the partitions up is called from here.
        if let Some(Err(error)) = self.consumer.poll(IDLE_POLL) {
            tracing::warn!("Kafka: {error}");
        }
    }

    /// Joins the group again after [`Anchored::leave`].
    ///
    /// # Errors
    /// When librdkafka does not take the topics' names.
    pub fn join(&mut self) -> KafkaResult<()> {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        self.consumer.subscribe(&topics)
    }

    /// Hands over messages until the batch is full, or lingered, or `shutdown`.
    pub fn gather(
        &mut self,
        limits: &Limits,
        shutdown: &Shutdown,
        mut take: impl FnMut(&BorrowedMessage<'_>),
    ) -> Gathered {
        let epoch = lock(&self.assignment).epoch;
        self.epoch = epoch;
        self.gathered_ms.clear();
        let mut stretches = Stretches::new();
        let (mut rows, mut bytes) = (0, 0);
        let mut first_at: Option<Instant> = None;
        while rows < limits.rows && bytes < limits.bytes && !shutdown.is_cancelled() {
            let wait = match first_at {
                None => IDLE_POLL,
                Some(at) => limits.linger.saturating_sub(at.elapsed()),
            };
            if first_at.is_some() && wait.is_zero() && !limits.linger.is_zero() {
                break;
            }
            let polled = self.consumer.poll(wait);
            let assignment = lock(&self.assignment);
            if assignment.epoch != epoch {
                return if rows == 0 && polled.is_none() {
                    Gathered::Empty
                } else {
                    // A message polled in the new epoch is forgotten too: fetch it again.
                    drop(assignment);
                    drop(polled);
                    self.reposition();
                    Gathered::Abandoned
                };
            }
            match polled {
                None => {
                    drop(assignment);
                    self.look_for_brokers();
                    break;
                }
                Some(Err(error)) => {
                    drop(assignment);
                    // While it is away, every poll says so again.
                    if !self.consumer.context().is_away.load(Ordering::Relaxed) {
                        tracing::warn!("Kafka: {error}");
                    }
                    self.look_for_brokers();
                    break;
                }
                Some(Ok(message)) => {
                    let place = (message.topic().to_owned(), message.partition());
                    let from = assignment.positions.get(&place).copied().flatten();
                    drop(assignment);
                    if !stretches.contains_key(&place) {
                        self.tell_of_deleted(&place, from, message.offset());
                    }
                    let next = message.offset() + 1;
                    if let Some(time_ms) = message.timestamp().to_millis() {
                        match self.gathered_ms.get_mut(&place) {
                            Some(last_ms) => *last_ms = time_ms,
                            None => {
                                self.gathered_ms.insert(place.clone(), time_ms);
                            }
                        }
                    }
                    stretches
                        .entry(place)
                        .and_modify(|stretch| stretch.next = next)
                        .or_insert(Stretch { from, next });
                    first_at.get_or_insert_with(Instant::now);
                    rows += 1;
                    bytes += message.payload_len();
                    take(&message);
                }
            }
        }
        if rows == 0 {
            Gathered::Empty
        } else {
            Gathered::Batch(stretches)
        }
    }

    /// The batch is in the database: its offsets are the new positions. The group is told too, for
    /// lag tools only.
    pub fn committed(&mut self, stretches: &Stretches) {
        let mut list = TopicPartitionList::new();
        let mut assignment = lock(&self.assignment);
        for ((topic, partition), stretch) in stretches {
            if let Some(position) = assignment.positions.get_mut(&(topic.clone(), *partition)) {
                *position = Some(stretch.next);
            }
            if let Err(error) =
                list.add_partition_offset(topic, *partition, Offset::Offset(stretch.next))
            {
                tracing::debug!("offset for lag tools: {error}");
            }
        }
        assignment.times_ms.append(&mut self.gathered_ms);
        drop(assignment);
        if let Err(error) = self.consumer.commit(&list, CommitMode::Async) {
            tracing::debug!("the group's offsets were not taken: {error}");
        }
    }

    /// How far behind this consumer is.
    pub fn lag(&self) -> Arc<Lag> {
        Arc::clone(&self.consumer.context().lag)
    }

    /// Takes no messages until [`Anchored::resume`]: what was fetched ahead is let go of.
    pub fn pause(&mut self) {
        if !self.is_paused {
            self.tell("pause", |consumer, list| consumer.pause(list));
            self.is_paused = true;
        }
    }

    /// Takes messages again after [`Anchored::pause`].
    pub fn resume(&mut self) {
        if self.is_paused {
            self.tell("resume", |consumer, list| consumer.resume(list));
            self.is_paused = false;
        }
    }

    fn tell(
        &self,
        what: &str,
        tell: impl Fn(&BaseConsumer<Context>, &TopicPartitionList) -> KafkaResult<()>,
    ) {
        let told = self.consumer.assignment();
        if let Err(error) = told.and_then(|list| tell(&self.consumer, &list)) {
            tracing::warn!("cannot {what} partitions: {error}");
        }
    }

    /// Stays a member while paused, however long the work on a batch takes; false when the
    /// partitions have changed, so that the batch must be given up.
    pub fn tend(&mut self) -> bool {
        match self.consumer.poll(Duration::ZERO) {
            None => {}
            Some(Err(error)) => tracing::debug!("Kafka, while paused: {error}"),
            // It is read again from the stored offset.
            Some(Ok(_)) => return false,
        }
        lock(&self.assignment).epoch == self.epoch
    }

    /// Goes back to the stored offsets: after a batch that could not or must not be committed.
    pub fn reposition(&mut self) {
        let list = self.consumer.assignment().and_then(|mut list| {
            if list.count() > 0 && self.consumer.context().position(&mut list) {
                self.consumer.assign(&list)?;
            }
            Ok(())
        });
        if let Err(error) = list {
            tracing::error!("cannot go back to the stored offsets: {error}");
        }
    }

    /// Retention may delete messages before they are read: that is a loss, and said loudly.
    fn tell_of_deleted(&self, (topic, partition): &(String, i32), from: Option<i64>, found: i64) {
        let expected = from.unwrap_or(0);
        if found <= expected {
            return;
        }
        // Markers of transactions take up offsets too: only what the log no longer has is lost.
        let Ok((first, _)) = self
            .consumer
            .fetch_watermarks(topic, *partition, WATERMARKS)
        else {
            return;
        };
        let lost = first.min(found) - expected;
        if lost > 0 && from.is_some() {
            metrics::counter!(Metric::KafkaDeletedUnread.name(), "topic" => topic.clone())
                .increment(lost.unsigned_abs());
            tracing::error!(
                topic,
                partition,
                "Kafka deleted offsets {expected} to {} of {topic}/{partition} before they were \
                 read: raise the topic's retention",
                expected + lost - 1
            );
        }
    }

    /// Where Kafka was away: ready again as soon as a broker answers.
    fn look_for_brokers(&self) {
        let context = self.consumer.context();
        if !context.is_away.load(Ordering::Relaxed) {
            return;
        }
        if self.consumer.fetch_metadata(None, IDLE_POLL).is_ok() {
            tracing::info!("Kafka is back");
            context.is_away.store(false, Ordering::Relaxed);
            context.health.ready("kafka");
        }
    }

    /// The partitions held and their next offsets, as `/status` shows them.
    pub fn positions(&self) -> BTreeMap<String, Option<i64>> {
        lock(&self.assignment)
            .positions
            .iter()
            .map(|((topic, partition), next)| (format!("{topic}/{partition}"), *next))
            .collect()
    }
}

fn lock(assignment: &Mutex<Assignment>) -> std::sync::MutexGuard<'_, Assignment> {
    // A panic under the lock leaves at worst an older position, which the fence refuses.
    assignment.lock().unwrap_or_else(PoisonError::into_inner)
}
