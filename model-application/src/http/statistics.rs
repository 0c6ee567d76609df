//! How often and how long tensors were priced, as the Open Inference Protocol's extension of statistics has it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use records::timestamp;
use serde_json::{Value, json};

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    /// Rows that were priced.
    rows: AtomicU64,
    success: Outcome,
    fail: Outcome,
    /// Milliseconds since 1970; 0 before the first.
    last_ms: AtomicI64,
}

#[derive(Debug, Default)]
struct Outcome {
    requests: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Outcome {
    fn add(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn to_json(&self) -> Value {
        json!({ "count": self.requests(), "ns": self.nanoseconds.load(Ordering::Relaxed) })
    }
}

impl Statistics {
    /// One request more: of so many rows, or `None` where it failed.
    pub fn add(&self, rows: Option<usize>, took: Duration) {
        let Some(rows) = rows else {
            return self.fail.add(took);
        };
        self.success.add(took);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        let now_ms = timestamp::now_us() / 1000;
        self.last_ms.store(now_ms, Ordering::Relaxed);
    }

    /// The statistics of this process, under the model that answers now.
    pub fn of(&self, name: &str, version: &str) -> Value {
        json!({
            "name": name,
            "version": version,
            "last_inference": self.last_ms.load(Ordering::Relaxed),
            "inference_count": self.rows.load(Ordering::Relaxed),
            "execution_count": self.success.requests(),
            "inference_stats": { "success": self.success.to_json(), "fail": self.fail.to_json() },
        })
    }
}
