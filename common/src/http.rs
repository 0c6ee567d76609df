//! The HTTP interface every service has: health, metrics, status, and routes of its own.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE};
use actix_web::middleware::{ErrorHandlerResponse, ErrorHandlers};
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;

use crate::health::Health;
use crate::shutdown::Shutdown;
use crate::telemetry;

/// Seconds given to open requests when the service leaves.
const GRACE_S: u64 = 2;

/// Gives the service's own part of `/status`.
pub type Status = Arc<dyn Fn() -> serde_json::Value + Send + Sync>;

/// Opens the address; port 0 takes a free one.
///
/// # Errors
/// When the address is taken or not one of this machine's.
pub fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address}: is it taken? Another address can be set as `http`")
    })
}

/// Serves `/health/live`, `/health/ready`, `/metrics`, `/status` and `routes` until shutdown.
///
/// # Errors
/// When the server cannot be started.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    status: Status,
    routes: impl Fn(&mut web::ServiceConfig) + Send + Sync + 'static,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    serve_on(1, listener, health, status, routes, shutdown).await
}

/// The same on so many threads; 0 for as many as there are cores.
///
/// # Errors
/// As [`serve`].
pub async fn serve_on(
    workers: usize,
    listener: TcpListener,
    health: Health,
    status: Status,
    routes: impl Fn(&mut web::ServiceConfig) + Send + Sync + 'static,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let workers = match workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    serve_all(
        workers,
        listener,
        health,
        status,
        Arc::new(routes),
        shutdown,
    )
    .await
}

/// Not generic: the server is compiled once, not once a service.
async fn serve_all(
    workers: usize,
    listener: TcpListener,
    health: Health,
    status: Status,
    routes: Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let server = HttpServer::new(move || {
        let json = web::JsonConfig::default().error_handler(|error, _| {
            let answer = error_answer(400, &error.to_string());
            actix_web::error::InternalError::from_response(error, answer).into()
        });
        App::new()
            .wrap(ErrorHandlers::new().default_handler_client(as_json))
            .app_data(json)
            .app_data(web::Data::new(health.clone()))
            .app_data(web::Data::new(Arc::clone(&status)))
            .service(web::resource("/health/live").route(web::get().to(live)))
            .service(web::resource("/health/ready").route(web::get().to(ready)))
            .service(web::resource("/metrics").route(web::get().to(metrics)))
            .service(web::resource("/status").route(web::get().to(full_status)))
            .configure(|config| routes(config))
            .default_service(web::to(nothing_here))
    })
    .workers(workers)
    .disable_signals()
    .shutdown_timeout(GRACE_S)
    .listen(listener)
    .context("cannot start the HTTP server")?
    .run();
    let handle = server.handle();
    let mut task = tokio::spawn(server);
    tokio::select! {
        result = &mut task => return Ok(result.context("the HTTP server broke off")??),
        () = shutdown.cancelled() => {}
    }
    handle.stop(true).await;
    Ok(())
}

/// An error as JSON: `{"error": …}`.
pub fn error_answer(code: u16, message: &str) -> HttpResponse {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(code).json(serde_json::json!({ "error": message }))
}

/// What the server itself refuses (a broken query, a body that is too large) is told as JSON too.
fn as_json<B: MessageBody + 'static>(
    answer: ServiceResponse<B>,
) -> actix_web::Result<ErrorHandlerResponse<B>> {
    let kind = answer.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
        let unchanged = answer.map_into_left_body();
        return Ok(ErrorHandlerResponse::Response(unchanged));
    }
    let code = answer.status();
    let allowed = answer.headers().get(ALLOW).cloned();
    let (request, answer) = answer.into_parts();
    let why = answer
        .error()
        .map_or_else(|| code.to_string(), ToString::to_string);
    let told = match allowed {
        Some(methods) => {
            let (method, path) = (request.method(), request.path());
            let allowed = methods.to_str().unwrap_or_default();
            let why = format!("{path} does not take {method}; it takes {allowed}");
            let mut told = error_answer(code.as_u16(), &why);
            told.headers_mut().insert(ALLOW, methods);
            told
        }
        None => error_answer(code.as_u16(), &why),
    };
    let answer = ServiceResponse::new(request, told).map_into_boxed_body();
    Ok(ErrorHandlerResponse::Response(answer.map_into_right_body()))
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "live": true }))
}

async fn ready(health: web::Data<Health>) -> HttpResponse {
    let body = serde_json::json!({ "ready": health.is_ready(), "parts": health.report() });
    if health.is_ready() {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().json(body)
    }
}

async fn metrics() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(telemetry::render_metrics())
}

async fn full_status(health: web::Data<Health>, status: web::Data<Status>) -> HttpResponse {
    let mut body = status();
    if let Some(body) = body.as_object_mut() {
        body.insert("ready".to_owned(), health.is_ready().into());
        body.insert("parts".to_owned(), serde_json::json!(health.report()));
    }
    HttpResponse::Ok().json(body)
}

async fn nothing_here(request: actix_web::HttpRequest) -> HttpResponse {
    let (method, path) = (request.method(), request.path());
    error_answer(
        404,
        &format!(
            "nothing at {method} {path}; try /status, /metrics, /health/live or /health/ready"
        ),
    )
}
