//! Answers of the database that are kept for moments, and turns at asking it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;

/// Connections of the pool that pages may hold at a time: the others are for answers.
const AT_ONCE: usize = 2;
/// Answers kept at most: one may have half a megabyte.
const KEPT: usize = 48;

/// An answer and when it was given; anyone who asks the same meanwhile waits for it.
type Kept = Arc<tokio::sync::Mutex<Option<(Instant, Bytes)>>>;

pub(super) struct Cache {
    kept: Mutex<HashMap<String, Kept>>,
    pub turns: tokio::sync::Semaphore,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache {
            kept: Mutex::default(),
            turns: tokio::sync::Semaphore::new(AT_ONCE),
        }
    }
}

impl Cache {
    pub fn place(&self, key: &str) -> Kept {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT && !kept.contains_key(key) {
            // Those that somebody waits for stay.
            kept.retain(|_, place| Arc::strong_count(place) > 1);
        }
        Arc::clone(kept.entry(key.to_owned()).or_default())
    }
}
