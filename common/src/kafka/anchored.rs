//! A consumer whose position is the offset stored in Postgres, not the group's.
//!
//! It lives on a thread of its own: librdkafka calls back from `poll`, and the stored offsets are
//! looked up there, before the first message of a partition is fetched.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer, RebalanceProtocol};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::KafkaConfig;
use super::anchor::Anchor;
use super::assignment::Context;
use super::covered::{Continued, Covered, Place};
use super::group_offsets::GroupOffsets;
use super::in_flight::Lease;
use super::lag::Lag;
use super::renewal::Renewal;
use super::state::State;
use super::watchdog;
use crate::health::Health;
use crate::liveness::Watchdog;
use crate::shutdown::Shutdown;
use ledger::offsets::{Stretch, Stretches};

/// Longest wait for a first message. It bounds the delay of a shutdown.
const IDLE_POLL: Duration = Duration::from_millis(100);
/// Pause between two checks whether a batch may end after its linger time.
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
    /// A batch that is not full waits for more until then: batches of a steady stream keep a distance, and
    /// a lone message waits for nobody.
    pub not_before: Option<Instant>,
}

impl Limits {
    /// How much longer a batch waits whose first message came at that time.
    fn wait(&self, first_at: Instant) -> Duration {
        let distance = self
            .not_before
            .map(|until| until.saturating_duration_since(Instant::now()));
        let linger = self.linger.saturating_sub(first_at.elapsed());
        linger.max(distance.unwrap_or_default())
    }
}

/// What a round of polling gave.
#[derive(Debug)]
pub enum Gathered {
    /// Messages were handed over: work on them, commit, then call [`Anchored::committed`].
    Batch(Stretches),
    /// There was nothing.
    Empty,
    /// The assignment changed: drop the messages that were handed over.
    Abandoned,
}

/// A consumer anchored in Postgres.
pub struct Anchored {
    /// The current client, and how to make another.
    client: Renewal,
    state: Arc<State>,
    /// The assignment of the last batch.
    epoch: u64,
    /// What is paused: librdkafka remembers a pause of a partition also while another member has it, so
    /// that each has to be resumed, whichever member holds it by then.
    paused: Option<TopicPartitionList>,
    group_offsets: GroupOffsets,
}

impl Anchored {
    /// Joins the group. Call from within a Tokio runtime; use from a thread that is not of it.
    /// `watchdog` reports when messages wait and nothing is committed.
    ///
    /// # Errors
    /// When a Kafka property is wrong.
    pub fn subscribe(
        config: &KafkaConfig,
        topics: &[&str],
        fetch_wait_ms: u64,
        anchor: Anchor,
        health: Health,
        watchdog: Watchdog,
        shutdown: Shutdown,
    ) -> anyhow::Result<Anchored> {
        let settings = config.consumer(&anchor.consumer, fetch_wait_ms);
        let reads_uncommitted = settings.get("isolation.level") == Some("read_uncommitted");
        health.waiting("partitions", "waiting for the group's assignment");
        let state = Arc::new(State::new(anchor, health, reads_uncommitted, shutdown));
        let rejoin_after = watchdog.config().rejoin_after();
        let client = Renewal::new(settings, topics, rejoin_after, &state)?;
        watchdog::start(&state, watchdog)?;
        Ok(Anchored {
            client,
            state,
            epoch: 0,
            paused: None,
            group_offsets: GroupOffsets::default(),
        })
    }

    fn consumer(&self) -> &BaseConsumer<Context> {
        self.client.consumer()
    }

    /// Leaves the group: its partitions go to other members, or wait.
    pub fn leave(&mut self) {
        self.state.is_stopped.store(true, Ordering::Relaxed);
        self.group_offsets
            .commit(self.client.consumer(), &self.state.lag);
        self.consumer().unsubscribe();
        // The callback that revokes the partitions is called from here.
        if let Some(Err(error)) = self.consumer().poll(IDLE_POLL) {
            tracing::warn!(%error, "the Kafka client reports an error");
        }
    }

    /// Joins the group again after [`Anchored::leave`].
    ///
    /// # Errors
    /// When librdkafka does not take the topics' names.
    pub fn join(&mut self) -> KafkaResult<()> {
        self.state.is_stopped.store(false, Ordering::Relaxed);
        self.client.join()
    }

    /// Whether the consumer can continue.
    ///
    /// # Errors
    /// When the service has to end: the client cannot be made to work again, or it is stalled and
    /// `liveness.exit_on_stall` is set.
    pub fn check(&self) -> anyhow::Result<()> {
        match self.state.failure() {
            Some(reason) => Err(anyhow::anyhow!(reason)),
            None => Ok(()),
        }
    }

    /// Hands over messages, each with the place it came from, until the batch is full, or `shutdown`, or it has
    /// lingered and `may_end`. Without messages it comes back soon; at once, nearly, unless it `is_idle`: the end
    /// of what is being written is noticed then.
    pub fn gather(
        &mut self,
        limits: &Limits,
        shutdown: &Shutdown,
        is_idle: impl Fn() -> bool,
        may_end: impl Fn() -> bool,
        mut take: impl FnMut(&BorrowedMessage<'_>, Place<'_>),
    ) -> Gathered {
        self.state.polls.fetch_add(1, Ordering::Relaxed);
        if !self.client.keep_alive() || self.state.failure().is_some() {
            std::thread::sleep(IDLE_POLL);
            return Gathered::Empty;
        }
        self.group_offsets
            .commit_in_time(self.client.consumer(), &self.state.lag);
        if self.client.topics_have_changed() {
            self.state.in_flight.settle(&self.state.runtime);
            self.reposition();
        }
        let state = Arc::clone(&self.state);
        let epoch = state.epoch();
        self.epoch = epoch;
        state.is_gathering.store(false, Ordering::Relaxed);
        let mut covered = Covered::default();
        let (mut rows, mut bytes) = (0, 0);
        let mut first_at: Option<Instant> = None;
        while rows < limits.rows && bytes < limits.bytes && !shutdown.is_cancelled() {
            let wait = match first_at {
                None if is_idle() => IDLE_POLL,
                None => GROWING_POLL,
                Some(at) => match limits.wait(at) {
                    Duration::ZERO if limits.linger.is_zero() => Duration::ZERO,
                    Duration::ZERO if may_end() => break,
                    Duration::ZERO => GROWING_POLL,
                    left => left,
                },
            };
            let polled = self.client.consumer().poll(wait);
            if state.epoch() != epoch {
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
                None if limits.linger.is_zero() && wait.is_zero() => break,
                None => {}
                Some(Err(error)) => {
                    // While Kafka is away, every poll reports it again.
                    if !state.is_away.load(Ordering::Relaxed) {
                        tracing::warn!(%error, "the Kafka client reports an error");
                    }
                    self.look_for_brokers();
                    break;
                }
                Some(Ok(message)) => {
                    let mut continued = covered.extend(&message);
                    if continued == Continued::First {
                        let (topic, partition) = (message.topic(), message.partition());
                        let expected = state.expected(topic, partition);
                        let offset = message.offset();
                        if expected.from.is_some_and(|from| offset < from) {
                            continued = Continued::Back;
                        }
                        self.compare(topic, partition, expected.from, offset);
                        covered.begin(&message, expected);
                    }
                    // Stored, it would have the place of a message of the topic that is gone.
                    if continued == Continued::Back && self.client.topic_is_another_now() {
                        drop(message);
                        self.state.in_flight.settle(&self.state.runtime);
                        self.reposition();
                        return Gathered::Abandoned;
                    }
                    if first_at.is_none() {
                        first_at = Some(Instant::now());
                        state.is_gathering.store(true, Ordering::Relaxed);
                    }
                    rows += 1;
                    bytes += message.payload_len() + message.key_len();
                    take(&message, covered.place(&message));
                }
            }
        }
        if rows == 0 {
            return Gathered::Empty;
        }
        state.handed_over(&covered.stretches);
        state.is_gathering.store(false, Ordering::Relaxed);
        Gathered::Batch(covered.stretches)
    }

    /// The right to write the batch gathered last, once those before are done; `None` if one of them failed or
    /// the partitions changed meanwhile. A rebalance waits for it within a bound, then ends it.
    pub(super) fn lease(&self) -> impl Future<Output = Option<Lease>> + Send + use<> {
        let state = Arc::clone(&self.state);
        let turn = state.in_flight.turn();
        async move { state.in_flight.lease(turn).await }
    }

    /// The batch is in the database: its offsets are the new positions. They are committed to the group too, a little
    /// later.
    pub fn committed(&mut self, stretches: &[Stretch]) {
        self.state.commits.fetch_add(1, Ordering::Relaxed);
        self.client.works();
        let mut held = self.state.lag.held();
        for stretch in stretches {
            let mut all = held.iter_mut();
            // Not of a partition that went to another member, nor of a topic that is gone.
            let Some(held) = all.find(|held| {
                held.is(&stretch.topic, stretch.partition) && held.topic_id == stretch.topic_id
            }) else {
                continue;
            };
            // A partition that came back may be further already.
            held.stored = held.stored.max(Some(stretch.next));
            held.stored_ms = stretch.last_ms.or(held.stored_ms);
        }
        drop(held);
        self.group_offsets
            .commit_in_time(self.client.consumer(), &self.state.lag);
    }

    /// How far behind this consumer is.
    pub fn lag(&self) -> Arc<Lag> {
        Arc::clone(&self.state.lag)
    }

    /// Takes no messages until [`Anchored::resume`] and drops those fetched ahead. False when
    /// paused before.
    pub fn pause(&mut self) -> bool {
        if self.paused.is_some() {
            return false;
        }
        let consumer = self.consumer();
        let held = consumer.assignment();
        let paused = held.and_then(|held| consumer.pause(&held).map(|()| held));
        self.paused = Some(paused.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot pause partitions");
            TopicPartitionList::new()
        }));
        true
    }

    /// Takes messages again after [`Anchored::pause`]: of all that was paused, also where a rebalance
    /// took it away meanwhile, since it may come back.
    pub fn resume(&mut self) {
        if let Some(paused) = self.paused.take()
            && let Err(error) = self.consumer().resume(&paused)
        {
            tracing::warn!(%error, "cannot resume partitions");
        }
    }

    /// Stays a member while paused, however long the work on a batch takes; false when the
    /// partitions have changed since the batch was gathered, so that it must be abandoned.
    pub fn tend(&mut self) -> bool {
        self.state.polls.fetch_add(1, Ordering::Relaxed);
        match self.consumer().poll(Duration::ZERO) {
            None => {}
            Some(Err(error)) => tracing::debug!("Kafka error while paused: {error}"),
            // It is read again from the stored offset.
            Some(Ok(_)) => return false,
        }
        self.state.epoch() == self.epoch
    }

    /// Goes back to the stored offsets: after a batch that could not or must not be committed.
    /// Nothing may be in flight.
    pub fn reposition(&mut self) {
        let consumer = self.client.consumer();
        let list = consumer.assignment().and_then(|mut list| {
            if list.count() == 0 {
                return Ok(());
            }
            let Some(positions) = consumer.context().position(consumer, &mut list) else {
                return Ok(());
            };
            self.state.hold(positions, true);
            self.state.next_epoch();
            match consumer.rebalance_protocol() {
                RebalanceProtocol::Cooperative => {
                    consumer.incremental_unassign(&list)?;
                    consumer.incremental_assign(&list)
                }
                RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(&list),
            }
        });
        if let Err(error) = list {
            tracing::error!(%error, "cannot go back to the stored offsets");
            // Another client begins there.
            self.state
                .lose("cannot go back to the stored offsets: waiting for another assignment");
        }
    }

    /// Compares a partition's first message of a batch with the one `expected`: retention may delete
    /// messages before they are read, and a topic may be made again.
    fn compare(&self, topic: &str, partition: i32, expected: Option<i64>, offset: i64) {
        let Some(expected) = expected else { return };
        if offset <= expected {
            return;
        }
        // Markers of transactions use offsets too: only what the log no longer has is lost.
        let ends = self
            .consumer()
            .fetch_watermarks(topic, partition, WATERMARKS);
        let Ok((first, _)) = ends else { return };
        let mut held = self.state.lag.held();
        let mut all = held.iter_mut();
        if let Some(held) = all.find(|held| held.is(topic, partition)) {
            // Not what the statistics have shown before.
            let lost = first.min(offset) - expected.max(held.reached.min(offset));
            held.reached = held.reached.max(first.min(offset));
            if lost > 0 {
                held.report_deleted(lost.unsigned_abs());
            }
        }
    }

    /// Where Kafka was away: ready again as soon as a broker answers.
    fn look_for_brokers(&self) {
        let is_away = self.state.is_away.load(Ordering::Relaxed);
        if is_away && self.consumer().fetch_metadata(None, IDLE_POLL).is_ok() {
            self.state.back();
        }
    }

    /// The partitions held and their next offsets, as `/status` shows them.
    pub fn positions(&self) -> BTreeMap<String, Option<i64>> {
        self.state.lag.positions()
    }
}

impl Drop for Anchored {
    /// Lag tools see where it has stopped.
    fn drop(&mut self) {
        self.group_offsets
            .commit(self.client.consumer(), &self.state.lag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_waits_for_the_later_of_its_linger_and_its_distance() {
        let hour = Duration::from_secs(3600);
        let now = Instant::now();
        let limits = |linger, not_before| Limits {
            rows: 1,
            bytes: 1,
            linger,
            not_before,
        };
        let before = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        assert!(limits(Duration::ZERO, None).wait(now).is_zero());
        assert!(limits(Duration::ZERO, Some(before)).wait(now).is_zero());
        assert!(limits(hour, None).wait(now) <= hour);
        let later = limits(hour, Some(now + 2 * hour)).wait(now);
        assert!(later > hour && later <= 2 * hour, "{later:?}");
    }
}
