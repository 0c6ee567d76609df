//! Where each row of a batch came from: a row that the database refuses is kept as it arrived.

use common::rejects::Reject;

/// The messages of a batch's rows, in their order.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    origins: Vec<Origin>,
    /// The messages, one after the other: no allocation for each.
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Origin {
    partition: i32,
    offset: i64,
    /// Where its message ends in `bytes`; it begins where the one before ends.
    end: usize,
}

impl Origins {
    /// A further row.
    pub fn push(&mut self, partition: i32, offset: i64, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
        self.origins.push(Origin {
            partition,
            offset,
            end: self.bytes.len(),
        });
    }

    /// The row's message as a reject of the database.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn refused(&self, topic: &str, row: usize, reason: String) -> Reject {
        let origin = &self.origins[row];
        let begin = row
            .checked_sub(1)
            .map_or(0, |before| self.origins[before].end);
        Reject {
            topic: topic.to_owned(),
            partition: origin.partition,
            offset: origin.offset,
            code: "refused",
            reason,
            payload: self.bytes[begin..origin.end].to_vec(),
        }
    }
}
