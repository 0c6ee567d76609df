//! The file as messages: its listings, then the requests for those held out, and later what they cost.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::Shutdown;
use producer_emulator::replay::{Account, Config, Job, Part, Summary, replay};
use serde_json::{Value, json};

use super::HELD_OUT;

/// Requests a second.
const RATE: f64 = 20.0;
/// How long after the requests the prices become known.
const KNOWN_AFTER: Duration = Duration::from_secs(10);
/// Listings that may be on their way before the size of one is known.
const FIRST: u64 = 500;
/// The same afterwards: the embedded broker drops what it cannot hold, 5 MB a partition, and all may go to one.
const AHEAD_BYTES: u64 = 2_000_000;
const AHEAD: std::ops::RangeInclusive<u64> = 100..=12_000;

/// Sends the file.
pub(crate) struct Stream {
    config: Config,
    file: PathBuf,
    listings: Account,
    requests: Account,
    actuals: Account,
    stop: Shutdown,
    /// Whether all requests are sent.
    is_done: AtomicBool,
    /// Why it ended early.
    error: Mutex<Option<String>>,
}

impl Stream {
    pub fn new(config: Config, file: PathBuf) -> Arc<Stream> {
        Arc::new(Stream {
            config,
            file,
            listings: Account::default(),
            requests: Account::default(),
            actuals: Account::default(),
            stop: Shutdown::new(),
            is_done: AtomicBool::new(false),
            error: Mutex::default(),
        })
    }

    /// What was sent, in the words of the emulator's status.
    pub fn status(&self) -> Value {
        let sent = |account: &Account| account.sent.load(Ordering::Relaxed);
        json!({
            "new_data_sent": sent(&self.listings),
            "requests_sent": sent(&self.requests),
            "actuals_sent": sent(&self.actuals),
        })
    }

    /// Requests that were sent, where those are all.
    pub fn all_requests(&self) -> Option<u64> {
        let is_done = self.is_done.load(Ordering::Acquire);
        is_done.then(|| self.requests.sent.load(Ordering::Relaxed))
    }

    /// Why it ended early.
    pub fn error(&self) -> Option<String> {
        self.error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// As many listings are stored or refused: as many more may be sent as the broker holds.
    pub fn stored(&self, listings: u64) {
        let bytes = self.listings.mean_bytes();
        let ahead = bytes.map_or(FIRST, |bytes| {
            (AHEAD_BYTES / bytes.max(1)).clamp(*AHEAD.start(), *AHEAD.end())
        });
        self.listings.hold_at(listings + ahead);
    }

    /// Sends all but those held out.
    ///
    /// # Errors
    /// When the file breaks off, or Kafka does not take a message.
    pub async fn send_listings(&self) -> anyhow::Result<Summary> {
        self.stored(0);
        let job = self.job("new_data", Part::Rest(HELD_OUT), None);
        Box::pin(replay(&self.config, &job, &self.listings, &self.stop)).await
    }

    /// Asks for those held out, and tells later what they cost.
    pub fn begin(self: &Arc<Stream>) {
        for (topic, delay) in [("requests", Duration::ZERO), ("actuals", KNOWN_AFTER)] {
            let stream = Arc::clone(self);
            tokio::spawn(Box::pin(async move {
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = stream.stop.cancelled() => return,
                }
                stream.send_held_out(topic).await;
            }));
        }
    }

    async fn send_held_out(&self, topic: &str) {
        let job = self.job(topic, Part::HeldBack(HELD_OUT), Some(RATE));
        let account = match topic {
            "requests" => &self.requests,
            _ => &self.actuals,
        };
        match replay(&self.config, &job, account, &self.stop).await {
            Ok(_) if topic == "requests" => self.is_done.store(true, Ordering::Release),
            Ok(_) => {}
            Err(error) => {
                let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(|| format!("the held-out listings: {error:#}"));
            }
        }
    }

    fn job(&self, topic: &str, part: Part, rate: Option<f64>) -> Job {
        Job {
            file: self.file.clone(),
            topic: topic.to_owned(),
            rate,
            limit: None,
            skip: 0,
            batches: None,
            part,
        }
    }
}
