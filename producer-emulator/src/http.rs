//! Triggers and status over HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, web};
use common::http::{Status, error_answer};
use serde::Deserialize;

use crate::emulate::{Emulator, MOST};

/// Messages that the older paths send.
const OLDER_COUNT: usize = 100;

#[derive(Deserialize)]
struct Count {
    count: Option<usize>,
}

pub(crate) fn status(emulator: &Arc<Emulator>) -> Status {
    let emulator = Arc::clone(emulator);
    Arc::new(move || {
        serde_json::json!({
            "service": "producer-emulator",
            "running": emulator.is_running(),
            "new_data_sent": emulator.new_data_sent.load(Ordering::Relaxed),
            "requests_sent": emulator.requests_sent.load(Ordering::Relaxed),
            "actuals_sent": emulator.actuals_sent.load(Ordering::Relaxed),
            "dirty_sent": emulator.dirty_sent.load(Ordering::Relaxed),
        })
    })
}

pub(crate) fn routes(
    emulator: &Arc<Emulator>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    let emulator = Arc::clone(emulator);
    move |config| {
        config
            .app_data(web::Data::from(Arc::clone(&emulator)))
            .route("/start", web::post().to(start))
            .route("/stop", web::post().to(stop))
            .route("/generate/new_data", web::post().to(new_data))
            .route("/generate/requests", web::post().to(requests))
            .route("/generate_and_produce_new_data", web::get().to(new_data))
            .route("/generate_and_produce_requests", web::get().to(requests));
    }
}

async fn start(emulator: web::Data<Emulator>) -> HttpResponse {
    emulator.set_running(true);
    HttpResponse::Ok().json(serde_json::json!({ "running": true }))
}

async fn stop(emulator: web::Data<Emulator>) -> HttpResponse {
    emulator.set_running(false);
    HttpResponse::Ok().json(serde_json::json!({ "running": false }))
}

async fn new_data(emulator: web::Data<Emulator>, query: web::Query<Count>) -> HttpResponse {
    let count = query.count.unwrap_or(OLDER_COUNT);
    if count > MOST {
        return too_many(count);
    }
    answer(count, emulator.new_data(count).await)
}

async fn requests(emulator: web::Data<Emulator>, query: web::Query<Count>) -> HttpResponse {
    let count = query.count.unwrap_or(OLDER_COUNT);
    if count > MOST {
        return too_many(count);
    }
    answer(count, emulator.requests(count).await)
}

fn too_many(count: usize) -> HttpResponse {
    error_answer(400, &format!("count is {count}; expected at most {MOST}"))
}

fn answer(count: usize, sent: anyhow::Result<()>) -> HttpResponse {
    match sent {
        Ok(()) => HttpResponse::Ok().json(serde_json::json!({ "sent": count })),
        Err(error) => error_answer(503, &format!("{error:#}")),
    }
}
