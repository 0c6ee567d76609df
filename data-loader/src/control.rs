//! What the HTTP interface steers and shows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use common::Metric;
use common::http::openapi::{self, Operation};
use common::http::{Status, trigger};
use common::kafka::Lag;
use serde_json::json;

use crate::batch::Batch;
use crate::metrics::{
    BATCH_RECORDS, COMMITS, DELISTED, PAUSES, RECEIVED, RECEIVED_BYTES, REJECTED, RETRIES, STORED,
};
use crate::pace::Pace;
use crate::written::Written;

/// What was committed since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub stored: u64,
    pub rejected: u64,
    pub delisted: u64,
    pub batches: u64,
}

/// Shared between the loading thread and the HTTP interface.
#[derive(Debug, Default)]
pub struct Control {
    running: AtomicBool,
    stored: AtomicU64,
    rejected: AtomicU64,
    /// Tombstones of listings that the table had, and of others.
    delisted: AtomicU64,
    delisted_unknown: AtomicU64,
    unknown_fields: AtomicU64,
    batches: AtomicU64,
    last_error: Mutex<Option<String>>,
    /// Of the consumer, once there is one.
    lag: OnceLock<Arc<Lag>>,
    pace: Pace,
}

impl Control {
    pub(crate) fn new(running: bool) -> Control {
        Control {
            running: AtomicBool::new(running),
            ..Control::default()
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    /// A batch is in the database, with rows that it refused.
    pub(crate) fn committed(&self, batch: &Batch, written: &Written) {
        let stored = (batch.rows.num_rows() - written.refused_rows.len()) as u64;
        let rejected = (batch.rejects.len() + written.refused().count()) as u64;
        let (known, others) = batch.count_known(&written.delisted);
        let unknown = (others - written.refused_tombstones.len().min(others)) as u64;
        let known = known as u64;
        let all = stored + rejected + known + unknown;
        self.delisted.fetch_add(known, Ordering::Relaxed);
        self.delisted_unknown.fetch_add(unknown, Ordering::Relaxed);
        self.stored.fetch_add(stored, Ordering::Relaxed);
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
        self.unknown_fields
            .fetch_add(batch.unknown_fields, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.pace.count(all);
        let count = |metric: Metric, by: u64| metrics::counter!(metric.name()).increment(by);
        count(RECEIVED, all);
        count(RECEIVED_BYTES, batch.bytes as u64);
        count(STORED, stored);
        count(COMMITS, 1);
        metrics::histogram!(BATCH_RECORDS.name()).record(all as f64);
        for (is_known, tombstones) in [("yes", known), ("no", unknown)] {
            if tombstones > 0 {
                metrics::counter!(DELISTED.name(), "known" => is_known).increment(tombstones);
            }
        }
        for reject in batch.rejects.iter().chain(written.refused()) {
            metrics::counter!(REJECTED.name(), "code" => reject.code).increment(1);
        }
        tracing::debug!(stored, rejected, bytes = batch.bytes, "batch committed");
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals {
            stored: self.stored.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            delisted: self.delisted.load(Ordering::Relaxed)
                + self.delisted_unknown.load(Ordering::Relaxed),
            batches: self.batches.load(Ordering::Relaxed),
        }
    }

    /// How far behind, in records and in seconds; `None` while that is unknown.
    pub(crate) fn lag(&self) -> (Option<u64>, Option<f64>) {
        let lag = self.lag.get();
        lag.map_or((None, None), |lag| (lag.records(), lag.seconds()))
    }

    /// A write failed and is retried.
    pub(crate) fn retried(&self, error: String) {
        metrics::counter!(RETRIES.name()).increment(1);
        self.failed(error);
    }

    /// Partitions were paused, as the database is slower than Kafka.
    pub(crate) fn paused(&self) {
        metrics::counter!(PAUSES.name()).increment(1);
    }

    /// Shows this consumer's lag; a second one is not looked at.
    pub(crate) fn watch(&self, lag: Arc<Lag>) {
        self.lag.get_or_init(|| lag);
    }

    pub(crate) fn failed(&self, error: String) {
        *lock(&self.last_error) = Some(error);
    }

    pub(crate) fn status(self: &Arc<Self>) -> Status {
        let control = Arc::clone(self);
        Arc::new(move || {
            let totals = control.totals();
            let lag = control.lag.get().map(|lag| lag.status());
            let lag = lag.unwrap_or_default();
            json!({
                "service": "data-loader",
                "running": control.is_running(),
                "stored": totals.stored,
                "rejected": totals.rejected,
                "delisted": control.delisted.load(Ordering::Relaxed),
                "delisted_unknown": control.delisted_unknown.load(Ordering::Relaxed),
                "unknown_fields": control.unknown_fields.load(Ordering::Relaxed),
                "batches": totals.batches,
                "records_per_second": control.pace.per_second(),
                "partitions": lag["partitions"],
                "lag_records": lag["lag_records"],
                "lag_seconds": lag["lag_seconds"],
                "last_error": *lock(&control.last_error),
            })
        })
    }

    pub(crate) fn routes(
        self: &Arc<Self>,
    ) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
        let control = Arc::clone(self);
        move |config| {
            config
                .app_data(web::Data::from(Arc::clone(&control)))
                .service(openapi::resource(&interface()))
                .route("/start", web::post().to(start))
                .route("/stop", web::post().to(stop))
                .service(
                    // As sister systems start their loaders.
                    web::resource("/start_kafka_consumer")
                        .wrap(from_fn(trigger))
                        .route(web::get().to(start)),
                );
        }
    }
}

/// The interface described for programs.
fn interface() -> serde_json::Value {
    let operation = |method, path, id, summary, about, errors| Operation {
        method,
        path,
        id,
        summary,
        about,
        numbers: &[],
        errors,
    };
    let starting = "Joins the consumer group and loads. Nothing changes if it loads already.";
    openapi::of_service(
        "data-loader",
        "Loads records from Kafka into PostgreSQL, each exactly once.",
        &[
            operation("post", "/start", "start", "Load", starting, &[]),
            operation(
                "post",
                "/stop",
                "stop",
                "Stop loading",
                "Stores what is in progress, and leaves the consumer group.",
                &[],
            ),
            operation(
                "get",
                "/start_kafka_consumer",
                "startKafkaConsumer",
                "Load (from this machine, or with the token)",
                starting,
                &[403],
            ),
        ],
    )
}

async fn start(control: web::Data<Control>) -> HttpResponse {
    control.running.store(true, Ordering::Relaxed);
    HttpResponse::Ok().json(json!({ "running": true }))
}

async fn stop(control: web::Data<Control>) -> HttpResponse {
    control.running.store(false, Ordering::Relaxed);
    HttpResponse::Ok().json(json!({ "running": false }))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Only whole values are put in: a panic leaves none half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
