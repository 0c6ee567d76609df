//! What a replay has done so far, and what it came to.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use records::file::RowReject;

/// Rejects that are named; the others are counted.
pub(super) const NAMED: usize = 5;

/// What has been done so far; shared with anyone who shows it.
#[derive(Debug, Default)]
pub struct Account {
    /// Messages that Kafka has confirmed.
    pub sent: AtomicU64,
    /// Records that the schema does not take.
    pub rejected: AtomicU64,
    /// Records read or passed over, good or not: how far in the file.
    pub passed: AtomicU64,
    /// Good records that are not of the part that is sent.
    pub left_out: AtomicU64,
    /// The batch that is being sent, counting from 1; 0 as long as there is none.
    pub batch: AtomicU64,
    /// Messages handed over to the client, and their bytes.
    handed_over: AtomicU64,
    bytes: AtomicU64,
    /// Messages after which the replay waits until this is raised; 0 where it never waits.
    hold: AtomicU64,
    /// How many batches there are; 0 where the file is sent in one go.
    batches: AtomicU64,
    /// Records of the file; 0 where that is not known (yet).
    total: Arc<AtomicU64>,
    /// The first rejects, for people.
    named: Mutex<Vec<String>>,
    /// A Parquet file has no lines.
    counts_rows: AtomicBool,
    /// When sending began: waiting for a broker is not part of the rate.
    started: OnceLock<Instant>,
}

impl Account {
    /// Records of the file, where that is known.
    pub fn records(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }

    /// The replay waits after so many messages, until this is called with more: for a broker that drops what is
    /// not read in time.
    pub fn hold_at(&self, messages: u64) {
        self.hold.store(messages, Ordering::Relaxed);
    }

    /// Bytes of a message in the mean; `None` before the first.
    pub fn mean_bytes(&self) -> Option<u64> {
        let messages = self.handed_over.load(Ordering::Relaxed);
        self.bytes.load(Ordering::Relaxed).checked_div(messages)
    }

    pub(super) fn is_held(&self) -> bool {
        let hold = self.hold.load(Ordering::Relaxed);
        hold > 0 && self.handed_over.load(Ordering::Relaxed) >= hold
    }

    pub(super) fn hand_over(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.handed_over.fetch_add(1, Ordering::Relaxed);
    }

    /// The first rejects, such as `line 17: field "floor" is missing`.
    pub fn named_rejects(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Time since sending began.
    pub fn elapsed(&self) -> Duration {
        self.started.get().map(Instant::elapsed).unwrap_or_default()
    }

    pub(super) fn total(&self) -> &Arc<AtomicU64> {
        &self.total
    }

    /// The batch that is being sent and how many there are; `None` where there are none (yet).
    pub fn batch_of(&self) -> Option<(u64, u64)> {
        let batch = self.batch.load(Ordering::Relaxed);
        (batch > 0).then(|| (batch, self.batches.load(Ordering::Relaxed)))
    }

    pub(super) fn counted(&self, records: u64, batches: u64) {
        self.total.store(records, Ordering::Relaxed);
        self.batches.store(batches, Ordering::Relaxed);
    }

    pub(super) fn start(&self) {
        self.started.get_or_init(Instant::now);
    }

    pub(super) fn counts_rows(&self, counts_rows: bool) {
        self.counts_rows.store(counts_rows, Ordering::Relaxed);
    }

    pub(super) fn reject(&self, rejects: &[RowReject]) {
        let count = rejects.len() as u64;
        self.rejected.fetch_add(count, Ordering::Relaxed);
        let mut named = self.lock();
        let place = match self.counts_rows.load(Ordering::Relaxed) {
            true => "row",
            false => "line",
        };
        let left = NAMED - named.len();
        let texts = rejects
            .iter()
            .take(left)
            .map(|reject| format!("{place} {}: {}", reject.line, reject.reason));
        named.extend(texts);
    }

    pub(super) fn summary(&self, topic: &str, end: End, position: u64) -> Summary {
        let sent = self.sent.load(Ordering::Relaxed);
        let seconds = self.elapsed().as_secs_f64();
        Summary {
            topic: topic.to_owned(),
            sent,
            rejected: self.rejected.load(Ordering::Relaxed),
            left_out: self.left_out.load(Ordering::Relaxed),
            batch: self.batch_of(),
            seconds,
            rate_per_s: if seconds > 0.0 {
                sent as f64 / seconds
            } else {
                0.0
            },
            end,
            position,
            named_rejects: self.named_rejects(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        // A panic while holding the lock leaves a whole list.
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a replay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The file is at its end.
    File,
    /// As many messages as were requested.
    Limit,
    /// A signal stopped it.
    Stopped,
}

/// What a replay came to.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Where the messages went.
    pub topic: String,
    /// Messages that Kafka has confirmed.
    pub sent: u64,
    /// Records that the schema does not take.
    pub rejected: u64,
    /// Good records that are not of the part that was to be sent.
    pub left_out: u64,
    /// The batch that was sent last, and how many there are; `None` where there are none.
    pub batch: Option<(u64, u64)>,
    /// Time from the first message to the last confirmation.
    pub seconds: f64,
    /// Messages per second over that time.
    pub rate_per_s: f64,
    /// Why it ended.
    pub end: End,
    /// Records of the file that are done, skipped ones with them: `--skip` to continue.
    pub position: u64,
    /// The first rejects, with their lines.
    pub named_rejects: Vec<String>,
}

impl Summary {
    /// The summary as one JSON object; `skip` is null at the end of the file.
    pub fn to_json(&self) -> serde_json::Value {
        let end = match self.end {
            End::File => "file",
            End::Limit => "limit",
            End::Stopped => "stopped",
        };
        serde_json::json!({
            "topic": self.topic, "sent": self.sent, "rejected": self.rejected,
            "left_out": self.left_out, "batch": self.batch.map(|(batch, _)| batch),
            "seconds": self.seconds, "rate_per_s": self.rate_per_s, "end": end,
            "skip": (self.end != End::File).then_some(self.position),
            "first_rejects": self.named_rejects,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(
            formatter,
            "{} messages sent to {} in {:.1} s ({:.1} per second), {} records rejected",
            self.sent, self.topic, self.seconds, self.rate_per_s, self.rejected
        )?;
        if self.left_out > 0 {
            write!(formatter, ", {} omitted", self.left_out)?;
        }
        if let Some((batch, batches)) = self.batch {
            write!(formatter, ", batch {batch} of {batches}")?;
        }
        let why = match self.end {
            End::File => return Ok(()),
            End::Limit => "the limit is reached",
            End::Stopped => "stopped",
        };
        write!(
            formatter,
            "\n{why} after record {0} of the file (line {1} of a plain CSV): continue with --skip \
             {0}",
            self.position,
            self.position + 1
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_is_held_at_as_many_messages_as_are_allowed() {
        let account = Account::default();
        assert_eq!(account.mean_bytes(), None);
        assert!(!account.is_held(), "nothing holds it by default");
        account.hold_at(2);
        for (bytes, is_held) in [(10, false), (30, true)] {
            account.hand_over(bytes);
            assert_eq!(account.is_held(), is_held);
        }
        assert_eq!(account.mean_bytes(), Some(20));
        account.hold_at(3);
        assert!(!account.is_held());
    }
}
