//! What a micro-batch is made of.

use std::sync::Arc;

use bytes::Bytes;
use ledger::offsets::Stretches;
use ledger::rejects::Reject;
use rdkafka::message::OwnedHeaders;
use records::decode::{Decoded, Key};

use crate::answer::{Worded, refusal};
use crate::price::Asked;
use crate::source::Sources;
use crate::store::Earlier;

/// Code of a request that nobody waits for any more.
pub(crate) const EXPIRED: &str = "expired";

/// Decoded requests.
pub(super) struct Gathered {
    pub decoded: Decoded,
    /// Of each good row.
    pub asked: Vec<Asked>,
    pub sources: Sources,
    /// Of each good row.
    pub headers: Vec<Option<OwnedHeaders>>,
    pub refused: Vec<Refused>,
    pub stretches: Stretches,
}

/// Answers on their way.
pub(super) struct Batch {
    /// Shared, as they are stored while the batch before is published.
    pub answers: Arc<Vec<Worded>>,
    /// The messages they answer, where one of them becomes a reject after all.
    pub sources: Sources,
    /// Forwarded from each of them. They are not stored: an answer is published again only when its request is
    /// read again, which has them.
    pub headers: Vec<Option<OwnedHeaders>>,
    pub refused: Vec<Refused>,
    pub stretches: Stretches,
    /// Of the answers: latency is told when they are published.
    pub arrivals_us: Vec<i64>,
}

/// A request that gets no price.
pub(super) struct Refused {
    pub reject: Reject,
    /// Its id, where it can be read.
    pub id: Option<Key>,
    /// Forwarded to its answer.
    pub headers: Option<OwnedHeaders>,
}

impl Refused {
    /// The key to answer under: its id's text, or the message's own key, shortened where it is no
    /// key that Kafka is meant for.
    pub fn key(&self) -> String {
        /// Longest key that is given back, in bytes.
        const LONGEST: usize = 1024;
        let mut key = match &self.id {
            Some(id) => id.text.clone(),
            None => {
                let key = self.reject.key.as_deref().unwrap_or_default();
                String::from_utf8_lossy(&key[..key.len().min(LONGEST)]).into_owned()
            }
        };
        key.truncate(key.floor_char_boundary(LONGEST));
        key
    }

    /// What it was answered with before it had expired, of the answers stored by request.
    pub fn answered<'a>(&self, in_time: &'a Earlier) -> Option<&'a Bytes> {
        Some(&in_time.get(&self.id.as_ref()?.text)?.payload)
    }

    /// What is published for it.
    pub fn to_json(&self) -> Vec<u8> {
        let Reject { code, reason, .. } = &self.reject;
        refusal(self.id.as_ref(), code, reason)
            .to_string()
            .into_bytes()
    }
}
