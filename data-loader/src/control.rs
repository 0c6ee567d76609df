//! What the HTTP interface steers and shows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix_web::{HttpResponse, web};
use common::http::Status;
use common::kafka::Lag;

/// Shared between the loading thread and the HTTP interface.
#[derive(Debug, Default)]
pub struct Control {
    running: AtomicBool,
    stored: AtomicU64,
    rejected: AtomicU64,
    unknown_fields: AtomicU64,
    batches: AtomicU64,
    positions: Mutex<BTreeMap<String, Option<i64>>>,
    last_error: Mutex<Option<String>>,
    /// Of the consumer, once there is one.
    lag: OnceLock<Arc<Lag>>,
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

    pub(crate) fn committed(
        &self,
        stored: usize,
        rejected: usize,
        unknown_fields: u64,
        positions: BTreeMap<String, Option<i64>>,
    ) {
        self.stored.fetch_add(stored as u64, Ordering::Relaxed);
        self.rejected.fetch_add(rejected as u64, Ordering::Relaxed);
        self.unknown_fields
            .fetch_add(unknown_fields, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        *lock(&self.positions) = positions;
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
            serde_json::json!({
                "service": "data-loader",
                "running": control.is_running(),
                "stored": control.stored.load(Ordering::Relaxed),
                "rejected": control.rejected.load(Ordering::Relaxed),
                "unknown_fields": control.unknown_fields.load(Ordering::Relaxed),
                "batches": control.batches.load(Ordering::Relaxed),
                "next_offsets": *lock(&control.positions),
                "lag_records": control.lag.get().map(|lag| lag.records()),
                "lag_seconds": control.lag.get().map(|lag| lag.seconds()),
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
                .route("/start", web::post().to(start))
                .route("/stop", web::post().to(stop));
        }
    }
}

async fn start(control: web::Data<Control>) -> HttpResponse {
    control.running.store(true, Ordering::Relaxed);
    HttpResponse::Ok().json(serde_json::json!({ "running": true }))
}

async fn stop(control: web::Data<Control>) -> HttpResponse {
    control.running.store(false, Ordering::Relaxed);
    HttpResponse::Ok().json(serde_json::json!({ "running": false }))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Only whole values are put in: a panic leaves none half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
