//! What a batch of messages covers while it is gathered.

use std::sync::Arc;

use rdkafka::Message;
use rdkafka::message::BorrowedMessage;

use ledger::offsets::{Stretch, Stretches};

/// Stretches that grow message by message; nothing is allocated for each.
#[derive(Default)]
pub(super) struct Covered {
    pub stretches: Stretches,
    /// That of the last message: messages come in runs of one partition.
    last: usize,
}

impl Covered {
    /// Takes a message in; false when its partition has no stretch yet.
    pub fn extend(&mut self, message: &BorrowedMessage<'_>) -> bool {
        let (topic, partition) = (message.topic(), message.partition());
        let is_its = |stretch: &Stretch| stretch.partition == partition && *stretch.topic == *topic;
        if !self.stretches.get(self.last).is_some_and(is_its) {
            let Some(found) = self.stretches.iter().position(is_its) else {
                return false;
            };
            self.last = found;
        }
        let stretch = &mut self.stretches[self.last];
        stretch.next = message.offset() + 1;
        stretch.last_ms = message.timestamp().to_millis().or(stretch.last_ms);
        true
    }

    /// Begins the stretch of a partition's first message, from the offset expected there.
    pub fn begin(
        &mut self,
        message: &BorrowedMessage<'_>,
        (from, topic_id): (Option<i64>, Option<Arc<str>>),
    ) {
        self.last = self.stretches.len();
        self.stretches.push(Stretch {
            topic: message.topic().into(),
            partition: message.partition(),
            topic_id,
            from,
            next: message.offset() + 1,
            last_ms: message.timestamp().to_millis(),
        });
    }
}
