//! The messages that a batch is made of, kept until it is stored: one may become a reject after all.

use std::ops::Range;
use std::sync::Arc;

use ledger::rejects::Reject;
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;

/// Where a message came from, and its bytes.
struct Source {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    key: Option<Range<usize>>,
    payload: Range<usize>,
}

/// Messages in one buffer: almost none of them is checked again.
#[derive(Default)]
pub(crate) struct Sources {
    messages: Vec<Source>,
    bytes: Vec<u8>,
}

impl Sources {
    /// Keeps one message more.
    pub fn push(&mut self, message: &BorrowedMessage<'_>) {
        let topic = match self.messages.last() {
            Some(last) if *last.topic == *message.topic() => Arc::clone(&last.topic),
            _ => message.topic().into(),
        };
        let key = message.key().map(|key| self.keep(key));
        let payload = self.keep(message.payload().unwrap_or_default());
        self.messages.push(Source {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            key,
            payload,
        });
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// The message as a reject; `None` for an index that there is not.
    pub fn reject(&self, index: usize, code: &'static str, reason: String) -> Option<Reject> {
        let source = self.messages.get(index)?;
        let bytes = |range: &Range<usize>| self.bytes[range.clone()].to_vec();
        Some(Reject {
            topic: source.topic.to_string(),
            partition: source.partition,
            offset: source.offset,
            code,
            reason,
            key: source.key.as_ref().map(bytes),
            payload: bytes(&source.payload),
        })
    }
}
