//! Triggers and status over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::error::InternalError;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use common::http::openapi::{self, Number, Operation};
use common::http::{Status, error_answer, trigger};
use records::Purpose;
use serde::Deserialize;

use crate::emulate::{Emulator, MOST};

/// Messages that the older paths send.
const OLDER_COUNT: u64 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    count: u64,
}

/// The older paths may do without.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OlderCount {
    count: Option<u64>,
}

pub(crate) fn status(emulator: &Arc<Emulator>) -> Status {
    let emulator = Arc::clone(emulator);
    Arc::new(move || {
        let (listings, requests) = (&emulator.new_data, &emulator.requests);
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        serde_json::json!({
            "service": "producer-emulator",
            "running": emulator.is_running(),
            "new_data_made": of(&listings.made),
            "new_data_sent": of(&listings.sent),
            "requests_made": of(&requests.made),
            "requests_sent": of(&requests.sent),
            "actuals_pending": emulator.actuals.pending(),
            "actuals_sent": emulator.actuals.sent(),
            "dirty_sent": of(&listings.dirty) + of(&requests.dirty),
            "undelivered": of(&listings.undelivered) + of(&requests.undelivered),
            "schedules": emulator.schedules.status(&emulator),
            "last_error": emulator.kafka_connection.last_error(),
        })
    })
}

pub(crate) fn routes(
    emulator: &Arc<Emulator>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    let emulator = Arc::clone(emulator);
    move |config| {
        let query = web::QueryConfig::default().error_handler(|error, _| {
            let answer = error_answer(400, &format!("{}; found: {error}", expected()));
            InternalError::from_response(error, answer).into()
        });
        config
            .app_data(query)
            .app_data(web::Data::from(Arc::clone(&emulator)))
            .service(openapi::resource(&interface()))
            .route("/start", web::post().to(start))
            .route("/stop", web::post().to(stop))
            .route("/generate/new_data", web::post().to(new_data))
            .route("/generate/requests", web::post().to(requests))
            .service(
                web::resource("/generate_and_produce_new_data")
                    .wrap(from_fn(trigger))
                    .route(web::get().to(older_new_data)),
            )
            .service(
                web::resource("/generate_and_produce_requests")
                    .wrap(from_fn(trigger))
                    .route(web::get().to(older_requests)),
            );
    }
}

/// How many messages a trigger sends.
const COUNT: Number = Number {
    name: "count",
    about: "How many messages.",
    is_optional: false,
    least: 1,
    most: MOST as u64,
};
const MAYBE_COUNT: Number = Number {
    about: "How many messages; 100 if it is left out.",
    is_optional: true,
    ..COUNT
};

/// The interface described for programs.
fn interface() -> serde_json::Value {
    let plain = |path, id, summary, about| Operation {
        method: "post",
        path,
        id,
        summary,
        about,
        numbers: &[],
        errors: &[],
    };
    let counted = |path, id, summary| Operation {
        numbers: &[COUNT],
        errors: &[400, 503],
        ..plain(
            path,
            id,
            summary,
            "Answers when Kafka has confirmed all of them.",
        )
    };
    let older = |path, id, summary| Operation {
        method: "get",
        numbers: &[MAYBE_COUNT],
        errors: &[400, 403, 503],
        ..counted(path, id, summary)
    };
    openapi::of_service(
        "producer-emulator",
        "Generates listings and requests, and sends them to Kafka.",
        &[
            plain(
                "/start",
                "start",
                "Start the schedules",
                "Batches are sent from now on.",
            ),
            plain(
                "/stop",
                "stop",
                "Stop the schedules",
                "Batches in progress are sent.",
            ),
            counted("/generate/new_data", "generateNewData", "Send listings"),
            counted("/generate/requests", "generateRequests", "Send requests"),
            older(
                "/generate_and_produce_new_data",
                "generateAndProduceNewData",
                "Send listings (from this machine, or with the token)",
            ),
            older(
                "/generate_and_produce_requests",
                "generateAndProduceRequests",
                "Send requests (from this machine, or with the token)",
            ),
        ],
    )
}

async fn start(emulator: web::Data<Emulator>) -> HttpResponse {
    run(&emulator, true)
}

async fn stop(emulator: web::Data<Emulator>) -> HttpResponse {
    run(&emulator, false)
}

fn run(emulator: &Emulator, running: bool) -> HttpResponse {
    emulator.set_running(running);
    let mut body = serde_json::json!({ "running": running });
    if !emulator.kafka_connection.is_up() {
        body["waiting_for"] = emulator.kafka_connection.waiting_for().into();
    }
    HttpResponse::Ok().json(body)
}

async fn new_data(emulator: web::Data<Emulator>, query: web::Query<Count>) -> HttpResponse {
    generate(emulator, Purpose::Listing, query.count).await
}

async fn requests(emulator: web::Data<Emulator>, query: web::Query<Count>) -> HttpResponse {
    generate(emulator, Purpose::Request, query.count).await
}

async fn older_new_data(
    emulator: web::Data<Emulator>,
    query: web::Query<OlderCount>,
) -> HttpResponse {
    let count = query.count.unwrap_or(OLDER_COUNT);
    generate(emulator, Purpose::Listing, count).await
}

async fn older_requests(
    emulator: web::Data<Emulator>,
    query: web::Query<OlderCount>,
) -> HttpResponse {
    let count = query.count.unwrap_or(OLDER_COUNT);
    generate(emulator, Purpose::Request, count).await
}

async fn generate(emulator: web::Data<Emulator>, purpose: Purpose, count: u64) -> HttpResponse {
    let within = usize::try_from(count)
        .ok()
        .filter(|count| (1..=MOST).contains(count));
    let Some(count) = within else {
        return error_answer(400, &format!("{}; found count={count}", expected()));
    };
    match emulator.into_inner().generate(purpose, count).await {
        Ok(()) => HttpResponse::Ok().json(serde_json::json!({ "sent": count })),
        Err(error) => error_answer(503, &error.to_string()),
    }
}

fn expected() -> String {
    format!("expected ?count=N with a whole number from 1 to {MOST}")
}
