//! Stored offsets, committed to the group: for lag tools only, as a consumer starts from those in PostgreSQL.

use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::assignment::Context;
use super::lag::Lag;

/// Pause between two commits: each is a write for the broker, which after every batch costs it as much as the answers.
const EVERY: Duration = Duration::from_secs(1);

/// What the group knows of a consumer's progress.
#[derive(Default)]
pub(super) struct GroupOffsets {
    /// `None` before the first commit.
    committed_at: Option<Instant>,
}

impl GroupOffsets {
    /// Commits the stored offsets that the group does not have, unless it has just done so.
    pub fn commit_in_time(&mut self, consumer: &BaseConsumer<Context>, lag: &Lag) {
        if self.committed_at.is_none_or(|at| at.elapsed() >= EVERY) {
            self.commit(consumer, lag);
        }
    }

    /// Commits the stored offsets that the group does not have.
    pub fn commit(&mut self, consumer: &BaseConsumer<Context>, lag: &Lag) {
        self.committed_at = Some(Instant::now());
        let mut list = TopicPartitionList::new();
        for held in lag.held().iter_mut() {
            let Some(next) = held.stored.filter(|_| held.stored != held.in_group) else {
                continue;
            };
            held.in_group = Some(next);
            let offset = Offset::Offset(next);
            if let Err(error) = list.add_partition_offset(&held.topic, held.partition, offset) {
                tracing::debug!("cannot set an offset for lag tools: {error}");
            }
        }
        if list.count() > 0
            && let Err(error) = consumer.commit(&list, CommitMode::Async)
        {
            tracing::debug!("Kafka did not accept the group's offsets: {error}");
        }
    }
}
