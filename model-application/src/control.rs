//! What the HTTP interface shows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use common::http::Status;
use common::kafka::Lag;
use hdrhistogram::Histogram;

use crate::metrics::{ANSWERED, LATENCY_SECONDS, PAUSES, REJECTED, REQUEST_DURATION, RETRIES};
use crate::serving::Serving;

/// Longest latency that is distinguished, in microseconds: a minute.
const LONGEST_US: u64 = 60_000_000;

pub(crate) struct Control {
    serving: Arc<Serving>,
    answered: AtomicU64,
    rejected: AtomicU64,
    /// Consumer lag over the requests, once the group is joined.
    lag: OnceLock<Arc<Lag>>,
    latency_us: Mutex<Histogram<u64>>,
    last_error: Mutex<Option<String>>,
    /// What becomes of answers where they are not stored.
    not_stored: Option<&'static str>,
}

impl Control {
    pub fn new(serving: Arc<Serving>) -> Control {
        Control {
            serving,
            answered: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            lag: OnceLock::new(),
            latency_us: Mutex::new(
                Histogram::new_with_bounds(1, LONGEST_US, 3)
                    .expect("the bounds are constants that the histogram takes"),
            ),
            last_error: Mutex::new(None),
            not_stored: None,
        }
    }

    /// The same where answers are not stored, in these words.
    pub fn without_store(serving: Arc<Serving>, not_stored: &'static str) -> Control {
        Control {
            not_stored: Some(not_stored),
            ..Control::new(serving)
        }
    }

    /// A batch is answered; latencies from each message's Kafka time, in microseconds.
    pub fn committed(&self, answered: usize, rejected: usize, latencies_us: &[u64]) {
        let mut histogram = self
            .latency_us
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for latency_us in latencies_us {
            histogram.saturating_record((*latency_us).clamp(1, LONGEST_US));
        }
        drop(histogram);
        let seconds = metrics::histogram!(LATENCY_SECONDS.name());
        let durations = metrics::histogram!(REQUEST_DURATION.name(), "transport" => "kafka");
        for latency_us in latencies_us {
            seconds.record(*latency_us as f64 / 1e6);
            durations.record(*latency_us as f64 / 1e6);
        }
        self.answered.fetch_add(answered as u64, Ordering::Relaxed);
        self.rejected.fetch_add(rejected as u64, Ordering::Relaxed);
        metrics::counter!(ANSWERED.name()).increment(answered as u64);
        metrics::counter!(REJECTED.name()).increment(rejected as u64);
    }

    /// Where lag is reported from.
    pub fn watch(&self, lag: Arc<Lag>) {
        // There is one consumer of requests.
        let _ = self.lag.set(lag);
    }

    /// Partitions are paused: answers are stored or published slower than requests come.
    pub fn paused(&self) {
        metrics::counter!(PAUSES.name()).increment(1);
    }

    /// Storing or publishing failed and is retried.
    pub fn retried(&self, error: String) {
        metrics::counter!(RETRIES.name()).increment(1);
        self.failed(error);
    }

    pub fn failed(&self, error: String) {
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub fn status(self: &Arc<Self>) -> Status {
        let control = Arc::clone(self);
        Arc::new(move || {
            let quantile_ms = |quantile| {
                let histogram = control
                    .latency_us
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                histogram.value_at_quantile(quantile) as f64 / 1000.0
            };
            let last_error = control
                .last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let current = control.serving.current();
            let current = current.as_deref();
            let lag = control.lag.get().map(|lag| lag.status());
            let lag = lag.unwrap_or_default();
            serde_json::json!({
                "service": "model-application",
                "model": current.map(|loaded| &loaded.name),
                "holdout_mdape": current
                    .and_then(|loaded| Some(loaded.model.price()?.report().model.mdape)),
                "holdout_auc": current
                    .and_then(|loaded| Some(loaded.model.class()?.report().model.auc.value)),
                "holdout_accuracy": current
                    .and_then(|loaded| Some(loaded.model.multiclass()?.report().model.accuracy)),
                "silhouette": current
                    .and_then(|loaded| Some(loaded.model.clusters()?.report().silhouette)),
                "last_swap": control.serving.last_swap(),
                "refused_model": control.serving.refused(),
                "answered": control.answered.load(Ordering::Relaxed),
                "rejected": control.rejected.load(Ordering::Relaxed),
                "lag_records": lag["lag_records"],
                "lag_seconds": lag["lag_seconds"],
                "partitions": lag["partitions"],
                // The names that these had before.
                "lag": lag["lag_records"],
                "offsets": control.lag.get().map(|lag| lag.positions()).unwrap_or_default(),
                "p50_ms": quantile_ms(0.50),
                "p99_ms": quantile_ms(0.99),
                "last_error": last_error,
                "answers": control.not_stored.unwrap_or("stored"),
            })
        })
    }
}
