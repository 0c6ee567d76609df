//! Details of versions, kept as they do not change.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Versions whose details are kept: they do not change.
const KEPT: usize = 32;

/// Details of versions, by number.
#[derive(Default)]
pub(super) struct Details(Mutex<BTreeMap<u64, Bytes>>);

impl Details {
    pub fn get(&self, number: u64) -> Option<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&number).cloned()
    }

    pub fn keep(&self, number: u64, details: Bytes) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(number, details);
        if kept.len() > KEPT {
            kept.pop_first();
        }
    }
}
