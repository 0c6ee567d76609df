//! A consumer whose position is the offset stored in Postgres, not the group's.
//!
//! It lives on a thread of its own: librdkafka calls back from `poll`, and the stored offsets are
//! looked up there, before the first message of a partition is fetched.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::assignment::{Anchor, Context};
use super::covered::Covered;
use super::in_flight::Lease;
use super::lag::Lag;
use super::{KafkaConfig, properties};
use crate::health::Health;
use crate::metric::Metric;
use crate::shutdown::Shutdown;
use ledger::offsets::{Stretch, Stretches};

/// Longest wait for a first message, so that shutdown is noticed.
const IDLE_POLL: Duration = Duration::from_millis(100);
/// Pause between two looks whether a batch that has lingered may end.
const GROWING_POLL: Duration = Duration::from_millis(1);
/// Longest wait for a partition's first offset.
const WATERMARKS: Duration = Duration::from_secs(1);

/// When a batch is full.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most messages.
    pub rows: usize,
    /// Most bytes of keys and payloads (the last message may go beyond).
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

/// A consumer anchored in Postgres.
pub struct Anchored {
    consumer: BaseConsumer<Context>,
    /// To join again after [`Anchored::leave`].
    topics: Vec<String>,
    /// That of the assignment from which the last batch was gathered.
    epoch: u64,
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
        let group = anchor.consumer.clone();
        health.waiting("partitions", "waiting for the group's assignment");
        let consumer: BaseConsumer<Context> = config
            .consumer(&group, fetch_wait_ms)
            .create_with_context(Context::new(anchor, health, shutdown))
            .map_err(properties::explain)?;
        consumer.subscribe(topics)?;
        Ok(Anchored {
            consumer,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            epoch: 0,
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

    /// Hands over messages until the batch is full, or `shutdown`, or it has lingered and `may_end`:
    /// while the batch before is still being written, this one grows. Without messages it comes back
    /// soon, the sooner while not `may_end`.
    pub fn gather(
        &mut self,
        limits: &Limits,
        shutdown: &Shutdown,
        may_end: impl Fn() -> bool,
        mut take: impl FnMut(&BorrowedMessage<'_>),
    ) -> Gathered {
        let epoch = self.consumer.context().epoch();
        self.epoch = epoch;
        let mut covered = Covered::default();
        let (mut rows, mut bytes) = (0, 0);
        let mut first_at: Option<Instant> = None;
        while rows < limits.rows && bytes < limits.bytes && !shutdown.is_cancelled() {
            let wait = match first_at {
                None if may_end() => IDLE_POLL,
                None => GROWING_POLL,
                Some(at) => match limits.linger.saturating_sub(at.elapsed()) {
                    Duration::ZERO if limits.linger.is_zero() => Duration::ZERO,
                    Duration::ZERO if may_end() => break,
                    Duration::ZERO => GROWING_POLL,
                    left => left,
                },
            };
            let polled = self.consumer.poll(wait);
            let context = self.consumer.context();
            if context.epoch() != epoch {
                return if rows == 0 && polled.is_none() {
                    Gathered::Empty
                } else {
                    // A message polled in the new epoch is forgotten too: fetch it again.
                    drop(polled);
                    self.reposition();
                    Gathered::Abandoned
                };
            }
            match polled {
                None if rows == 0 => {
                    self.look_for_brokers();
                    break;
                }
                None if limits.linger.is_zero() => break,
                None => {}
                Some(Err(error)) => {
                    // While it is away, every poll says so again.
                    if !context.is_away.load(Ordering::Relaxed) {
                        tracing::warn!("Kafka: {error}");
                    }
                    self.look_for_brokers();
                    break;
                }
                Some(Ok(message)) => {
                    if !covered.extend(&message) {
                        let (topic, partition) = (message.topic(), message.partition());
                        let from = context.read_position(topic, partition);
                        self.tell_of_deleted(topic, partition, from, message.offset());
                        covered.begin(&message, from);
                    }
                    first_at.get_or_insert_with(Instant::now);
                    rows += 1;
                    bytes += message.payload_len() + message.key_len();
                    take(&message);
                }
            }
        }
        if rows == 0 {
            return Gathered::Empty;
        }
        self.consumer.context().handed_over(&covered.stretches);
        Gathered::Batch(covered.stretches)
    }

    /// The right to write the batch gathered last, once the one before is done. A rebalance waits
    /// for it within a bound, then ends it.
    pub async fn lease(&self) -> Lease {
        self.consumer.context().in_flight.lease().await
    }

    /// The batch is in the database: its offsets are the new positions. The group is told too, for
    /// lag tools only.
    pub fn committed(&mut self, stretches: &[Stretch]) {
        let mut list = TopicPartitionList::new();
        let mut held = self.consumer.context().held();
        for stretch in stretches {
            let mut all = held.iter_mut();
            // Not of a partition that went to another member.
            let Some(held) = all.find(|held| held.is(&stretch.topic, stretch.partition)) else {
                continue;
            };
            // One that went and came back may be further already.
            held.stored = held.stored.max(Some(stretch.next));
            held.stored_ms = stretch.last_ms.or(held.stored_ms);
            let offset = Offset::Offset(stretch.next);
            if let Err(error) = list.add_partition_offset(&stretch.topic, stretch.partition, offset)
            {
                tracing::debug!("offset for lag tools: {error}");
            }
        }
        drop(held);
        if let Err(error) = self.consumer.commit(&list, CommitMode::Async) {
            tracing::debug!("the group's offsets were not taken: {error}");
        }
    }

    /// How far behind this consumer is.
    pub fn lag(&self) -> Arc<Lag> {
        Arc::clone(&self.consumer.context().lag)
    }

    /// Takes no messages until [`Anchored::resume`]: what was fetched ahead is let go of. False when
    /// paused before.
    pub fn pause(&mut self) -> bool {
        let pauses = !self.is_paused;
        if pauses {
            self.tell("pause", |consumer, list| consumer.pause(list));
            self.is_paused = true;
        }
        pauses
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
    /// partitions have changed since the batch was gathered, so that it must be given up.
    pub fn tend(&mut self) -> bool {
        match self.consumer.poll(Duration::ZERO) {
            None => {}
            Some(Err(error)) => tracing::debug!("Kafka, while paused: {error}"),
            // It is read again from the stored offset.
            Some(Ok(_)) => return false,
        }
        self.consumer.context().epoch() == self.epoch
    }

    /// Goes back to the stored offsets: after a batch that could not or must not be committed.
    /// Nothing may be in flight.
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
    fn tell_of_deleted(&self, topic: &str, partition: i32, from: Option<i64>, found: i64) {
        let expected = from.unwrap_or(0);
        if found <= expected {
            return;
        }
        // Markers of transactions take up offsets too: only what the log no longer has is lost.
        let Ok((first, _)) = self.consumer.fetch_watermarks(topic, partition, WATERMARKS) else {
            return;
        };
        let lost = first.min(found) - expected;
        if lost > 0 && from.is_some() {
            metrics::counter!(Metric::KafkaDeletedUnread.name(), "topic" => topic.to_owned())
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
        let held = self.consumer.context().held();
        held.iter()
            .map(|held| (format!("{}/{}", held.topic, held.partition), held.stored))
            .collect()
    }
}
