//! Where each row of a batch came from: a row that the database refuses is kept as it arrived.

use std::ops::Range;

use ledger::rejects::{KEY_BYTES, Reject};

/// The messages of a batch's rows, in their order.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    origins: Vec<Origin>,
    /// Keys and messages, one after the other: no allocation for each.
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Origin {
    partition: i32,
    offset: i64,
    /// In `bytes`.
    key: Option<Range<usize>>,
    /// In `bytes`.
    payload: Range<usize>,
}

impl Origins {
    /// A further row.
    pub fn push(&mut self, partition: i32, offset: i64, key: Option<&[u8]>, payload: &[u8]) {
        let origin = Origin {
            partition,
            offset,
            // A longer one would not be kept with the reject.
            key: key
                .filter(|key| key.len() <= KEY_BYTES)
                .map(|key| self.keep(key)),
            payload: self.keep(payload),
        };
        self.origins.push(origin);
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        begin..self.bytes.len()
    }

    /// The row's message as a reject of the database.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn refused(&self, topic: &str, row: usize, reason: String) -> Reject {
        let origin = &self.origins[row];
        let kept = |range: &Range<usize>| self.bytes[range.clone()].to_vec();
        Reject {
            topic: topic.to_owned(),
            partition: origin.partition,
            offset: origin.offset,
            code: "refused",
            reason,
            key: origin.key.as_ref().map(kept),
            payload: kept(&origin.payload),
        }
    }
}
