//! What a micro-batch is made of.

use std::collections::HashMap;

use bytes::Bytes;
use ledger::offsets::Stretches;
use ledger::rejects::Reject;
use records::decode::{Decoded, Key};

use crate::answer::{Worded, refusal};
use crate::price::Asked;

/// Code of a request that nobody waits for any more.
pub(crate) const EXPIRED: &str = "expired";

/// Decoded requests.
pub(super) struct Gathered {
    pub decoded: Decoded,
    /// Of each good row.
    pub asked: Vec<Asked>,
    pub refused: Vec<Refused>,
    pub stretches: Stretches,
}

/// Answers on their way.
pub(super) struct Batch {
    pub answers: Vec<Worded>,
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
}

impl Refused {
    /// The key to answer under: its id's text, or the message's own key.
    pub fn key(&self) -> String {
        match &self.id {
            Some(id) => id.text.clone(),
            None => {
                let key = self.reject.key.as_deref().unwrap_or_default();
                String::from_utf8_lossy(key).into_owned()
            }
        }
    }

    /// What it was answered with before it had expired, of the answers stored by request.
    pub fn answered<'a>(&self, in_time: &'a HashMap<String, Bytes>) -> Option<&'a Bytes> {
        in_time.get(&self.id.as_ref()?.text)
    }

    /// What is published for it.
    pub fn to_json(&self) -> Vec<u8> {
        let Reject { code, reason, .. } = &self.reject;
        refusal(self.id.as_ref(), code, reason)
            .to_string()
            .into_bytes()
    }
}
