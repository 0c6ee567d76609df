//! What a batch of messages covers while it is gathered.

use std::fmt;
use std::sync::Arc;

use rdkafka::Message;
use rdkafka::message::BorrowedMessage;

use super::state::Expected;
use ledger::offsets::{Stretch, Stretches};

/// Stretches that grow message by message; nothing is allocated for each.
#[derive(Default)]
pub(super) struct Covered {
    pub stretches: Stretches,
    /// What the places of each one's messages begin with.
    places: Vec<Arc<str>>,
    /// That of the last message: messages come in runs of one partition.
    last: usize,
}

/// How a message continues what is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Continued {
    /// It extends its partition's stretch.
    Yes,
    /// Its partition has no stretch yet.
    First,
    /// Its offset is not beyond those before: it is of another topic of the same name.
    Back,
}

impl Covered {
    /// Takes a message in where it extends a stretch.
    pub fn extend(&mut self, message: &BorrowedMessage<'_>) -> Continued {
        let (topic, partition) = (message.topic(), message.partition());
        let is_its = |stretch: &Stretch| stretch.partition == partition && *stretch.topic == *topic;
        if !self.stretches.get(self.last).is_some_and(is_its) {
            let Some(found) = self.stretches.iter().position(is_its) else {
                return Continued::First;
            };
            self.last = found;
        }
        let stretch = &mut self.stretches[self.last];
        if message.offset() < stretch.next {
            return Continued::Back;
        }
        stretch.next = message.offset() + 1;
        stretch.last_ms = message.timestamp().to_millis().or(stretch.last_ms);
        Continued::Yes
    }

    /// Begins the stretch of a partition's first message, from the offset expected there.
    pub fn begin(&mut self, message: &BorrowedMessage<'_>, expected: Expected) {
        self.last = self.stretches.len();
        self.places.push(expected.place);
        self.stretches.push(Stretch {
            topic: message.topic().into(),
            partition: message.partition(),
            topic_id: expected.topic_id,
            from: expected.from,
            next: message.offset() + 1,
            last_ms: message.timestamp().to_millis(),
        });
    }

    /// Where the last message came from.
    pub fn place(&self, message: &BorrowedMessage<'_>) -> Place<'_> {
        Place {
            begin: &self.places[self.last],
            partition: message.partition(),
            offset: message.offset(),
        }
    }
}

/// Where a message came from, unlike that of any other message that ever was; shown as `cluster/topic/3/17`,
/// with the topic's id after its name where a topic of this name was deleted before. The key of a record
/// without one.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    begin: &'a str,
    partition: i32,
    offset: i64,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}/{}/{}", self.begin, self.partition, self.offset)
    }
}
